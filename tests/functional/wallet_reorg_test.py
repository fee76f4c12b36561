#!/usr/bin/env python3
"""Reorganisations of ten blocks beside the reference's wallet with the same keys: while the wallet of cairn-light rests, during a scan,
while the program is off, after a kill and while the wallet is unloaded. Mined coins vanish, payments are double-spent, others wait again
and are mined once more, and what nobody has any more is broadcast again.

    wallet_reorg_test.py [--reference FOLDER] [--peer reference|cairnd]   (both one after the other without --peer)
"""
import argparse
import decimal
import sys
import threading
import time

import harness
from wallet_material import (FILTERS, PROMPT, TYPES, WORDS, Light, SlowLine, WalletCalls, account_requests, check, mine, money, reference_wallet,
                             wait_alike, wait_filters, wait_history, wait_mempool)

D = decimal.Decimal
DEPTH = 10
NOBODY = "bcrt1qqvpsxqcrqvpsxqcrqvpsxqcrqvpsxqcruj60yu"


class Show:
    def __init__(self, binary, kind):
        self.reference = harness.Node(binary, "reference", *FILTERS, *PROMPT, "-txindex=1", "-fallbackfee=0.0001", "-persistmempool=0")
        self.peer = self.reference if kind == "reference" else harness.Node(harness.cairnd(), "peer", *FILTERS, *PROMPT, "-persistmempool=0")
        self.nodes = [self.reference] if self.peer is self.reference else [self.reference, self.peer]
        self.light = Light("light", [self.peer], "-fallbackfee=2")
        self.all_lost = []

    def connect(self):
        if self.peer is not self.reference:
            self.peer.connect(self.reference)

    def settle(self, what, light=None, ours=None):
        (light or self.light).wait_synced(wait_filters(self.nodes))
        wait_alike(ours or self.ours, self.twin, what)

    def begin(self):
        for node in self.nodes:
            node.start()
        self.connect()
        self.reference.rpc("createwallet", "miner")
        self.miner = WalletCalls(self.reference, "miner")
        mine(self.reference, 60, self.miner.getnewaddress())
        mine(self.reference, 110)
        self.twin = reference_wallet(self.reference, "twin", account_requests(WORDS))
        self.light.start()
        self.ours = self.light.restore("ours", WORDS)
        # A chain on which a scan takes a while: payments all along.
        for number in range(60):
            self.miner.sendtoaddress(self.ours.getnewaddress("", TYPES[number % 4]), "0.1")
            mine(self.reference, 10)
        self.settle("sixty payments along the chain")

    def block(self, transactions=(), address=NOBODY):
        """A block with these and nothing else. The address makes branches differ."""
        return self.reference.rpc("generateblock", address, list(transactions))["hash"]

    def ten_blocks(self):
        """Payments, a payment of ours, mined coins, and a payment that its maker will spend otherwise."""
        coin = max(self.miner.listunspent(10), key=lambda c: c["amount"])
        inputs, amount = [{"txid": coin["txid"], "vout": coin["vout"]}], money(coin["amount"]) - D("0.001")
        pair = [self.miner.signrawtransactionwithwallet(self.reference.rpc("createrawtransaction", inputs, [{to: str(amount)}]))["hex"]
                for to in (self.ours.getnewaddress("", "bech32m"), self.miner.getnewaddress())]
        self.block([pair[0]])
        for number in range(DEPTH - 3):
            # Without a lock time that would keep them out of mempools when the chain is shorter again.
            self.miner.send(outputs={self.ours.getnewaddress("", TYPES[number % 4]): f"0.0{number + 1}"}, options={"locktime": 0})
            if number == 2:
                old = [{"txid": c["txid"], "vout": c["vout"]} for c in self.ours.listunspent(2 * DEPTH) if c["amount"] >= 0.1][:2]
                self.sent = self.ours.send(outputs={self.miner.getnewaddress(): "0.15"}, fee_rate=3, options={"locktime": 0, "inputs": old})["txid"]
                wait_mempool(self.reference, [self.sent])
            mine(self.reference)
            self.light.wait_synced(wait_filters(self.nodes))
        mine(self.reference, 1, self.ours.getnewaddress())
        mine(self.reference)
        self.settle("ten blocks")
        check(self.ours.money()["immature"] > 0, "some of them mined to the wallet")
        self.rival = pair[1]
        self.lost = self.reference.rpc("decoderawtransaction", pair[0])["txid"]
        self.all_lost.append(self.lost)

    def reorganise(self, empty=True):
        """The ten go. In their place are eleven with nothing but what spends one payment otherwise, or with all that waits."""
        first = self.reference.rpc("getblockhash", self.reference.rpc("getblockcount") - DEPTH + 1)
        self.reference.rpc("invalidateblock", first)
        self.block([self.rival], self.miner.getnewaddress())  # to an address of its own: a block like the one that went would be refused
        for _ in range(DEPTH):
            if empty:
                self.block()
            else:
                mine(self.reference)

    def drop_lost(self, light, ours):
        """What spent the coins of the vanished payment pays nothing to the wallet, so that only who has all blocks can know of it: it
        waits, and is not trusted, until it is given up by hand."""
        light.wait_synced(wait_filters(self.nodes))
        check(self.twin.gettransaction(self.lost)["confirmations"] <= 0, "a payment was spent otherwise")
        coins = [c for c in ours.listunspent(0) if c["txid"] == self.lost]
        check(all(c["confirmations"] == 0 and not c["safe"] for c in coins), f"its {len(coins)} coins are not safe")
        if coins:
            ours.abandontransaction(self.lost)

    def after(self, what):
        self.drop_lost(self.light, self.ours)
        self.settle(f"{what}: right at once")
        wait_history(self.ours, self.twin, f"{what}: the history too", without=self.all_lost)
        mine(self.reference)
        self.settle(f"{what}: and when what waits is mined again")
        check(self.ours.gettransaction(self.sent)["confirmations"] > 0, "our payment is in a block again")

    def at_rest(self):
        self.ten_blocks()
        self.reorganise()
        self.after("at rest")

    def during_rescan(self):
        self.ten_blocks()
        before = self.light.info()["filtersfetched"]
        caller = harness.Node(self.light.binary, "caller", folder=self.light.folder)
        caller.rpc_port = self.light.rpc_port
        errors = []

        def rescan():
            try:
                caller.rpc("rescanblockchain", 0, path="/wallet/ours")
            except harness.RpcError as error:
                errors.append(error)
        thread = threading.Thread(target=rescan)
        thread.start()
        self.reorganise(empty=False)
        thread.join()
        caller.close()
        check(not errors, f"a rescan goes on through it {errors or ''}")
        self.after("during a rescan")
        check(self.light.info()["filtersfetched"] - before < 60, "filters that were kept are not fetched again")

    def during_scan(self):
        """A new folder, from words: the ten go in the middle of the scan."""
        self.ten_blocks()
        line = SlowLine(self.peer)
        line.rate = 40_000
        other = Light("other", [line])
        try:
            other.start()
            thread = threading.Thread(target=lambda: other.run_command("restore", "again", "--no-passphrase", answers=[WORDS]))
            thread.start()
            tip, heights = self.reference.rpc("getblockcount"), []
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline and not (heights and heights[-1] > 100):
                info = other.info()
                if info["phase"] == "scanning":
                    heights.append(info["scanned"])
                time.sleep(0.002)
            self.reorganise(empty=False)  # what only waits is told to nobody who was not there
            line.rate = None
            thread.join()
            again = WalletCalls(other, "again")
            self.drop_lost(other, again)
            self.settle(f"in a new folder, reorganised when the scan was at {heights[-1] if heights else '?'} of {tip}", other, again)
        finally:
            other.remove()
        self.after("and for the one that watched")

    def while_off(self):
        self.ten_blocks()
        self.light.stop()
        self.reorganise()
        self.light.start()
        self.after("while it was off")

    def after_kill(self):
        self.ten_blocks()
        self.light.kill()
        self.reorganise()
        self.light.start()
        self.light.kill()
        self.light.start()
        self.after("after a kill")

    def while_unloaded(self):
        self.ten_blocks()
        self.light.rpc("unloadwallet", "ours")
        self.reorganise()
        self.light.wait_synced(wait_filters(self.nodes))
        self.light.rpc("loadwallet", "ours")
        self.after("while the wallet was unloaded")

    def rebroadcast(self):
        """The network has forgotten a payment of ours: its peers were restarted with empty mempools."""
        self.ten_blocks()
        self.reference.rpc("unloadwallet", "twin")
        self.reorganise()
        for node in self.nodes:
            node.stop()
            node.start()
        self.connect()
        check(self.reference.rpc("getrawmempool") == [], "nothing waits anywhere")
        self.light.wait_until(lambda: self.light.info()["peers"] > 0, 180, "connection")
        self.block()
        self.light.wait_synced(wait_filters(self.nodes), 240)
        wait_mempool(self.reference, [self.sent], 120)
        check(True, "our payment is broadcast again")
        self.reference.rpc("loadwallet", "miner")
        self.reference.rpc("loadwallet", "twin")
        mine(self.reference)
        self.drop_lost(self.light, self.ours)
        self.settle("and mined")
        check(self.ours.gettransaction(self.sent)["confirmations"] == 1, "it is in the block")

    def run(self):
        self.begin()
        for step in (self.at_rest, self.during_rescan, self.during_scan, self.while_off, self.after_kill, self.while_unloaded, self.rebroadcast):
            step()


def run(binary, kind):
    print(f"--- the peer is {kind}", flush=True)
    show = Show(binary, kind)
    try:
        show.run()
    finally:
        for node in [show.light, *show.nodes]:
            node.remove()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference")
    parser.add_argument("--peer", choices=("reference", "cairnd"))
    options = parser.parse_args()
    binary = harness.need_reference(options.reference)
    if not (harness.build_folder() / "cairn-light").is_file():
        harness.skip("cairn-light is not built")
    for kind in [options.peer] if options.peer else ["reference", "cairnd"]:
        run(binary, kind)
    print("passed")


if __name__ == "__main__":
    sys.exit(main())
