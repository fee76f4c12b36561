#!/usr/bin/env python3
"""`kill -9` of cairn-light at random moments of scans and of payments: no payment is lost or made twice, no address that was given out is
forgotten or given out again, and a scan goes on where it was.

    light_kill_test.py [--reference FOLDER] [--kills N]   (default: CAIRN_LIGHT_KILLS, or 6; half of them in scans)
    CAIRN_SEED replays the choices of a run that printed this seed
"""
import argparse
import collections
import http.client
import os
import statistics
import sys
import threading
import time

import harness
from wallet_material import (FILTERS, PROMPT, TYPES, WORDS, Light, SlowLine, WalletCalls, account_requests, check, mine, money, reference_wallet, wait_alike,
                             wait_filters, wait_history)

SPACING, PAYMENTS = 20, 100  # blocks between payments of the chain that is scanned, and how many
LINE = 20_000  # bytes a second that reach the client in a rescan
GONE = (OSError, http.client.HTTPException, ValueError)  # what a call sees when the program is killed under it


class Show:
    def __init__(self, binary, random):
        self.random = random
        self.reference = harness.Node(binary, "reference", *FILTERS, *PROMPT, "-txindex=1", "-fallbackfee=0.0001")
        self.line = SlowLine(self.reference)
        self.light = Light("light", [self.line], "-fallbackfee=2")
        self.ours = WalletCalls(self.light, "ours")
        self.restarts, self.steps_back, self.seen_heights = [], [], []
        self.given = set()
        self.payments = {}          # address -> (sum, was the call answered?)
        self.waiting = []           # answered payments that may still be bumped

    def begin(self):
        self.reference.start()
        self.reference.rpc("createwallet", "miner")
        self.miner = WalletCalls(self.reference, "miner")
        mine(self.reference, 30, self.miner.getnewaddress())
        mine(self.reference, 100)
        self.twin = reference_wallet(self.reference, "twin", account_requests(WORDS))
        for number in range(PAYMENTS):
            self.miner.sendtoaddress(self.twin.getnewaddress("", TYPES[number % 4]), "0.2")
            mine(self.reference, SPACING)
        print(f"{self.reference.rpc('getblockcount')} blocks with {PAYMENTS} payments", flush=True)
        self.light.start()

    def kill_and_start(self):
        self.light.kill()
        began = time.monotonic()
        self.light.start()
        self.restarts.append(time.monotonic() - began)

    def quietly(self, call):
        """Runs a call in a thread; what it says when it is killed does not matter."""
        def run():
            try:
                call()
            except (*GONE, AssertionError, harness.RpcError):
                pass
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    def rescan(self):
        caller = harness.Node(self.light.binary, "caller", folder=self.light.folder)
        caller.rpc_port = self.light.rpc_port
        return self.quietly(lambda: caller.rpc("rescanblockchain", 0, path="/wallet/ours"))

    def phase_reached(self):
        """What the client says once it knows where it goes on."""
        last = {}

        def reached():
            last.update(self.light.info())
            return last["phase"] in ("scanning", "synced") and last["scanned"] >= 0
        self.light.wait_until(reached, 120, "scanning")
        return last

    def scans(self, kills):
        self.quietly(lambda: self.light.run_command("restore", "ours", "--no-passphrase", answers=[WORDS]))
        self.light.wait_until(lambda: "ours" in self.light.rpc("listwallets") and len(self.ours.listdescriptors()["descriptors"]) == 8, 60, "keys")
        tip, rounds = self.reference.rpc("getblockcount"), 1
        self.light.wait_synced(self.reference.rpc("getbestblockhash"))
        # A scan that is left alone tells how long kills may take to fall into one.
        self.line.rate = LINE
        began = time.monotonic()
        self.rescan().join()
        undisturbed = time.monotonic() - began
        within = 0
        for _ in range(kills):
            call = None
            if self.phase_reached()["synced"]:
                rounds += 1
                call = self.rescan()
            time.sleep(self.random.random() * undisturbed * 0.8)
            before = self.light.info()
            within += call.is_alive() if call else not before["synced"]
            self.kill_and_start()
            after = self.phase_reached()
            seen = before.get("scanned", 0)
            if 0 < seen < before["headers"] and not before["synced"]:  # at the tip: it has not gone back yet
                self.seen_heights.append(seen)
                self.steps_back.append(max(0, seen - after["scanned"]))
            if self.random.random() < 0.3:
                self.miner.sendtoaddress(self.twin.getnewaddress("", "bech32"), "0.03")
                mine(self.reference)
        self.line.rate = None
        self.light.wait_synced(wait_filters([self.reference]), 300)
        wait_alike(self.ours, self.twin, f"{kills} kills, {within} of them during {rounds} scans")
        wait_history(self.ours, self.twin, "the history")
        worst = max(self.steps_back, default=0)
        print(f"killed at heights {self.seen_heights} of {tip} (a scan left alone took {undisturbed:.2f} s); to be looked at again: {self.steps_back}", flush=True)
        check(worst <= 100, f"a scan goes on where it was: at most {worst} blocks are looked at again")
        return rounds

    def pay(self):
        """A call that pays, chosen at random; gives what it is to be called with and what it pays."""
        kind = self.random.random()
        address = lambda: self.miner.getnewaddress()
        amount = lambda: f"0.0{self.random.randrange(100000, 999999)}"
        rate = self.random.randrange(2, 9)
        if kind < 0.15 and self.waiting:
            return ("bumpfee", {"txid": self.waiting[-1]}, {})
        if kind < 0.35:
            amounts = {address(): amount(), address(): amount()}
            return ("sendmany", {"amounts": amounts, "fee_rate": rate}, amounts)
        to, value = address(), amount()
        if kind < 0.5:
            return ("send", {"outputs": {to: value}, "options": {"fee_rate": rate}}, {to: value})
        return ("sendtoaddress", {"address": to, "amount": value, "fee_rate": rate}, {to: value})

    def new_address(self):
        address = self.ours.getnewaddress("", self.random.choice(TYPES))
        if address in self.given:
            raise AssertionError(f"{address} was given out before")
        self.given.add(address)
        return address

    def sends(self, kills):
        answered = refused = 0
        took = [0.05]
        for number in range(kills):
            for _ in range(3):
                address = self.new_address()
            if number % 4 == 1:
                self.miner.sendtoaddress(address, "0.25")
            # One payment that is left alone, and one that is killed at some moment of its call or soon after.
            for disturbed in (False, True):
                method, arguments, pays = self.pay()
                killer = None
                if disturbed:
                    killer = threading.Timer(self.random.random() * 1.4 * statistics.median(took), self.light.process.kill)
                    killer.start()
                began, result = time.monotonic(), None
                try:
                    result = self.light.rpc(method, path="/wallet/ours", **arguments)
                    took.append(time.monotonic() - began)
                    answered += disturbed
                except harness.RpcError as error:
                    if error.code is None:
                        result = None
                    else:
                        refused += 1
                        pays = {}
                        print(f"refused: {method} {error}", flush=True)
                except GONE:
                    pass
                for address, value in pays.items():
                    self.payments[address] = (value, result is not None)
                if method == "bumpfee" and (result or disturbed) and self.waiting:
                    self.waiting.pop()
                if result and method != "bumpfee":
                    self.waiting.append(result["txid"] if isinstance(result, dict) else result)
                if killer:
                    killer.join()
                    self.kill_and_start()
            if number % 3 == 2:
                mine(self.reference)
                self.waiting = []
        return answered, refused

    def account(self):
        """What is in the chain against what was wanted and what the wallet says."""
        def settled():
            mine(self.reference)
            self.light.wait_synced(wait_filters([self.reference]))
            # The replaced and the rival ones have a conflict in the chain; nothing else may be left.
            return all(tx["confirmations"] != 0 for tx in self.ours.listtransactions("*", 100000))
        self.light.wait_until(settled, 300, "all payments in blocks")
        found = collections.Counter()
        for height in range(self.first, self.reference.rpc("getblockcount") + 1):
            for tx in self.reference.rpc("getblock", self.reference.rpc("getblockhash", height), 2)["tx"]:
                found.update((out["scriptPubKey"].get("address"), str(money(out["value"]))) for out in tx["vout"])
        said = collections.Counter((tx["address"], str(-money(tx["amount"]))) for tx in self.ours.listtransactions("*", 100000)
                                   if tx["category"] == "send" and tx["confirmations"] > 0)
        unanswered_made = 0
        for address, (value, answered) in self.payments.items():
            key = (address, str(money(value)))
            count = found[key]
            if count > 1 or (answered and count != 1):
                raise AssertionError(f"{value} to {address}, {'answered' if answered else 'never answered'}, is in the chain {count} times")
            if said[key] != count:
                raise AssertionError(f"{value} to {address} is in the chain {count} times, in the wallet {said[key]} times")
            unanswered_made += count and not answered
        silent = sum(not answered for _, answered in self.payments.values())
        check(True, f"{len(self.payments)} payments, each once; of {silent} whose call was never answered {unanswered_made} were made")
        lost = [address for address in self.given if not self.ours.getaddressinfo(address)["ismine"]]
        check(not lost, f"all {len(self.given)} addresses that were given out are the wallet's {lost or ''}")
        wait_alike(self.ours, self.twin, "at the end")

    def run(self, kills):
        self.begin()
        self.scans(kills // 2)
        self.first = self.reference.rpc("getblockcount") + 1
        answered, refused = self.sends(kills - kills // 2)
        print(f"of {kills - kills // 2} payments with a kill {answered} were answered before it; {refused} calls were refused")
        self.account()
        print(f"{kills} kills; restart until RPC answered: median {statistics.median(self.restarts):.2f} s, slowest {max(self.restarts):.2f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference")
    parser.add_argument("--kills", type=int, default=int(os.environ.get("CAIRN_LIGHT_KILLS", "6")))
    options = parser.parse_args()
    binary = harness.need_reference(options.reference)
    if not (harness.build_folder() / "cairn-light").is_file():
        harness.skip("cairn-light is not built")
    show = Show(binary, harness.seeded_random())
    try:
        show.run(options.kills)
    finally:
        for node in (show.light, show.reference):
            node.remove()
    print("passed")


if __name__ == "__main__":
    sys.exit(main())
