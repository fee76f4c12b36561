#!/usr/bin/env python3
"""Wallets of cairn-light, step by step, beside the reference node's wallet with the same keys: balances, coins and history agree.

    wallet_test.py [--reference FOLDER] [--peer reference|cairnd]   (both one after the other without --peer)

The light client has one peer, of either kind; the reference's wallet is what is compared with, and pays and mines.
"""
import argparse
import decimal
import sys

import harness
from wallet_material import (FILTERS, OTHER_WORDS, PROMPT, SATOSHI, TYPES, WORDS, Light, WalletCalls, account_requests, check, history, mine, money,
                             reference_wallet, refused, wait_alike, wait_filters, wait_history, wait_mempool)

D = decimal.Decimal


class Show:
    def __init__(self, reference, peer):
        self.reference, self.peer = reference, peer
        self.nodes = [reference] if peer is reference else [reference, peer]
        self.light = Light("light", [peer], "-fallbackfee=2")
        self.miner = self.ours = self.twin = None

    def settle(self, what):
        """The light client is where the reference is, in blocks and in money."""
        self.light.wait_synced(wait_filters(self.nodes))
        wait_alike(self.ours, self.twin, what)

    def seen(self, txids, what):
        """Unconfirmed transactions are everywhere, and both wallets agree about them."""
        for node in self.nodes:
            wait_mempool(node, txids)
        wait_alike(self.ours, self.twin, what, txids)

    def confirm(self, what, blocks=1):
        mine(self.reference, blocks)
        self.settle(what)

    def begin(self):
        self.reference.rpc("createwallet", "miner")
        self.miner = WalletCalls(self.reference, "miner")
        mine(self.reference, 130, self.miner.getnewaddress())
        self.light.start()
        self.ours = self.light.restore("ours", WORDS)
        self.twin = reference_wallet(self.reference, "twin", account_requests(WORDS))
        self.settle("a wallet from words is empty")
        keys = [sorted(d["desc"] for d in wallet.listdescriptors(True)["descriptors"]) for wallet in (self.ours, self.twin)]
        check(keys[0] == keys[1], "the words give the same private descriptors to both programs")

    def receive(self):
        amounts, txids = {}, []
        for number, kind in enumerate(TYPES):
            address = self.ours.getnewaddress(f"label {kind}", kind)
            info, other = self.ours.getaddressinfo(address), self.twin.getaddressinfo(address)
            same = ("ismine", "solvable", "desc", "parent_desc", "scriptPubKey", "iswitness", "isscript")
            check(all(info.get(k) == other.get(k) for k in same), f"{kind}: both know {address} alike")
            amounts[address] = D(f"1.{number + 1}0010001")
            txids.append(self.miner.sendtoaddress(address, str(amounts[address])))
        self.seen(txids, "payments to every type of address are seen unconfirmed")
        check(self.ours.money()["untrusted_pending"] == sum(amounts.values()), "the sum is exact")
        self.confirm("and confirmed")
        check(all(money(self.ours.getreceivedbyaddress(a)) == v for a, v in amounts.items()), "each address got what was sent")
        check(sorted(self.ours.listlabels()) == sorted(f"label {kind}" for kind in TYPES), "labels are as given")
        address = self.ours.getaddressesbylabel("label bech32")
        check(list(address) == [next(a for a in amounts if a in address)], "an address is found by its label")
        self.ours.setlabel(next(iter(address)), "other")
        check("other" in self.ours.listlabels() and "label bech32" not in self.ours.listlabels(), "a label is changed")
        for kind in TYPES * 3:
            self.miner.sendtoaddress(self.ours.getnewaddress("", kind), "0.5")
        # Twice on one address, and one that only the wallet's other copy gave out.
        self.miner.sendtoaddress(next(iter(amounts)), "0.25")
        self.miner.sendtoaddress(self.twin.getnewaddress("", "bech32m"), "0.125")
        self.confirm("more of them in one block")

    def watch_only(self):
        """Wallets that only watch: extended public keys, an account as one descriptor, a single address."""
        public = [d["desc"] for d in self.ours.listdescriptors()["descriptors"]]
        check(not any("prv" in text for text in public), "public descriptors hold no private key")
        requests = [{"desc": text, "timestamp": 0} for text in public]
        self.light.rpc("createwallet", wallet_name="watch", disable_private_keys=True, blank=True)
        watch = WalletCalls(self.light, "watch")
        watch.import_all(requests)
        twin = reference_wallet(self.reference, "twin watch", requests, private=False)
        wait_alike(watch, twin, "a wallet of extended public keys has what was paid before it was made")
        check(watch.money() == self.ours.money(), "the same as the wallet with the keys")
        wait_history(watch, twin, "and the same history")
        refused(-4, watch.sendtoaddress, self.miner.getnewaddress(), 0.1)

        both = next(text.split("#")[0] for text in public if text.startswith("wpkh(")).replace("/0/*", "/<0;1>/*").replace("/1/*", "/<0;1>/*")
        both = self.reference.rpc("getdescriptorinfo", both)["multipath_expansion"] and f"{both}#{self.reference.rpc('getdescriptorinfo', both)['checksum']}"
        single = self.twin.getnewaddress("", "legacy")
        self.miner.sendtoaddress(single, "0.0625")
        self.confirm("one payment more")
        single = self.reference.rpc("getdescriptorinfo", f"addr({single})")["descriptor"]
        for name, text in (("multipath", both), ("single", single)):
            self.light.rpc("createwallet", wallet_name=name, disable_private_keys=True, blank=True)
            ours = WalletCalls(self.light, name)
            ours.import_all([{"desc": text, "timestamp": 0}])
            wait_alike(ours, reference_wallet(self.reference, f"twin {name}", [{"desc": text, "timestamp": 0}], private=False), f"watching {text[:12]}…")
            check(ours.money()["trusted"] > 0, "something is there")

    def fee_of(self, txid):
        return -money(self.ours.gettransaction(txid)["fee"])

    def rate_of(self, txid):
        wait_mempool(self.reference, [txid])
        entry = self.reference.rpc("getmempoolentry", txid)
        return money(entry["fees"]["base"]) * 100_000_000 / entry["vsize"]

    def spend(self):
        to = lambda kind="bech32": self.miner.getnewaddress("", kind)
        before = self.ours.money()["trusted"]
        txid = self.ours.sendtoaddress(address=to(), amount="0.3", fee_rate=5, comment="for tea")
        self.seen([txid], "sendtoaddress")
        check(self.ours.money()["trusted"] == before - D("0.3") - self.fee_of(txid), f"left: amount and a fee of {self.fee_of(txid)}")
        check(D(5) <= self.rate_of(txid) < D("5.1"), f"the rate that was asked for: {self.rate_of(txid):.3f}")
        check(self.ours.gettransaction(txid)["comment"] == "for tea", "with its comment")

        address = to("legacy")
        txid = self.ours.sendtoaddress(address=address, amount="0.2", subtractfeefromamount=True, fee_rate=3)
        self.seen([txid], "the recipient bears the fee")
        out = [o for o in self.reference.rpc("getrawtransaction", txid, 1)["vout"] if o["scriptPubKey"].get("address") == address]
        check(money(out[0]["value"]) == D("0.2") - self.fee_of(txid), "and gets so much less")

        targets = {to(kind): "0.04" for kind in TYPES}
        before = self.ours.money()["trusted"]
        txid = self.ours.sendmany(amounts=targets, fee_rate=4, subtractfeefrom=list(targets)[:2])
        self.seen([txid], "sendmany")
        check(self.ours.money()["trusted"] == before - D("0.16"), "two recipients share its fee")
        self.confirm("all of them in a block")

        coin = max((c for c in self.ours.listunspent() if c["desc"].startswith("pkh(")), key=lambda c: c["amount"])
        change = self.ours.getrawchangeaddress("bech32m")
        result = self.ours.send(outputs=[{to(): "0.1"}, {"data": "c0ffee"}], fee_rate=7, options={
            "inputs": [{"txid": coin["txid"], "vout": coin["vout"], "sequence": 0xfffffffd}], "change_address": change, "change_position": 2,
            "locktime": 0, "add_to_wallet": False})
        check(result["complete"] and len(result["hex"]) > 0, "send only shows a transaction when told so")
        decoded = self.reference.rpc("decoderawtransaction", result["hex"])
        check([(i["txid"], i["vout"], i["sequence"]) for i in decoded["vin"]] == [(coin["txid"], coin["vout"], 0xfffffffd)], "it spends the coin that was named")
        check(decoded["vout"][2]["scriptPubKey"]["address"] == change and decoded["locktime"] == 0, "change and lock time are as wanted")
        check(self.ours.sendrawtransaction(result["hex"]) == result["txid"], "it is sent as it is")
        self.seen([result["txid"]], "send with options")
        result = self.ours.send(outputs={to("bech32m"): "0.15"}, fee_rate=2, options={"subtract_fee_from_outputs": [0], "change_type": "p2sh-segwit"})
        self.seen([result["txid"]], "send, the first output bears the fee")
        fees = [self.ours.send(outputs={to(): "0.01"}, options={"fee_rate": rate, "add_to_wallet": False}) for rate in (1, 50)]
        check(all(f["complete"] for f in fees), "previews change nothing")
        self.confirm("and in a block")

    def refusals(self):
        to = self.miner.getnewaddress()
        everything = self.ours.money()["trusted"]
        refused(-6, self.ours.sendtoaddress, to, str(everything + 1))
        refused(-6, self.ours.sendtoaddress, to, str(everything))
        refused(-5, self.ours.sendtoaddress, "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", 0.1)
        refused(-5, self.ours.sendtoaddress, to[:-1] + ("q" if to[-1] != "q" else "p"), 0.1)
        refused(None, self.ours.sendtoaddress, to, "0.00000100")
        refused(-3, self.ours.sendtoaddress, to, "-1")
        refused(None, self.ours.sendtoaddress, address=to, amount="0.1", fee_rate=100_000)
        check(self.ours.money()["trusted"] == everything, "payments that cannot be made are refused and cost nothing")

    def bump(self):
        txid = self.ours.sendtoaddress(address=self.miner.getnewaddress(), amount="0.11", fee_rate=2)
        self.seen([txid], "a payment with a low fee")
        chain, origin = [txid], self.fee_of(txid)
        for rate in (10, 25):
            result = self.ours.bumpfee(chain[-1], fee_rate=rate)
            check(money(result["origfee"]) == self.fee_of(chain[-1]) and money(result["fee"]) > money(result["origfee"]), f"bumped to {rate}")
            chain.append(result["txid"])
            self.seen([chain[-1]], f"bumped to {self.rate_of(chain[-1]):.2f} satoshis per virtual byte")
            check(chain[-2] not in self.reference.rpc("getrawmempool"), "what it replaces is gone")
        tx = self.ours.gettransaction(chain[1])
        check(tx["replaces_txid"] == chain[0] and tx["replaced_by_txid"] == chain[2] and set(tx["walletconflicts"]) == {chain[0], chain[2]},
              "the three know of each other")
        refused(-4, self.ours.bumpfee, chain[0])
        psbt = self.ours.psbtbumpfee(chain[-1], fee_rate=40)["psbt"]
        signed = self.ours.walletprocesspsbt(psbt)
        check(signed["complete"], "a PSBT that bumps is signed")
        final = self.light.rpc("finalizepsbt", signed["psbt"])
        chain.append(self.ours.sendrawtransaction(final["hex"]))
        self.seen([chain[-1]], "and sent")
        bumped = self.ours.bumpfee(chain[-1])  # with a rate of its own choice
        self.seen([bumped["txid"]], "bumped without a rate")
        self.confirm("the last one is in a block")
        states = [self.ours.gettransaction(t)["confirmations"] for t in [*chain, bumped["txid"]]]
        check(states == [-1] * len(chain) + [1], f"those that it replaced conflict with it: {states}; the first paid {origin}")

    def child_pays(self):
        """An incoming payment with a low fee is made worth mining by its child."""
        address = self.ours.getnewaddress("", "bech32m")
        parent = self.miner.sendtoaddress(address=address, amount="0.7", fee_rate=1)
        self.seen([parent], "a payment comes with a low fee")
        coin = next(c for c in self.ours.listunspent(0) if c["txid"] == parent)
        check(not coin["safe"] and coin["confirmations"] == 0, "it is not safe")
        everything = self.ours.money()["trusted"]
        refused(-6, self.ours.sendtoaddress, self.miner.getnewaddress(), str(everything + D("0.1")))
        child = self.ours.send(outputs={self.ours.getnewaddress("", "bech32m"): "0.69"}, fee_rate=60,
                               options={"inputs": [{"txid": parent, "vout": coin["vout"]}], "include_unsafe": True, "add_inputs": False})["txid"]
        self.seen([child], "its child pays")
        entry = self.reference.rpc("getmempoolentry", child)
        check(entry["ancestorcount"] == 2, f"both wait as one package at {money(entry['fees']['ancestor']) * 100_000_000 / entry['ancestorsize']:.1f}")
        self.confirm("both in a block")

    def locks(self):
        coins = [{"txid": c["txid"], "vout": c["vout"]} for c in self.ours.listunspent()]
        self.ours.lockunspent(False, coins)
        key = lambda c: (c["txid"], c["vout"])
        check(sorted(map(key, self.ours.listlockunspent())) == sorted(map(key, coins)) and self.ours.listunspent() == [], f"{len(coins)} coins are locked")
        refused(-6, self.ours.sendtoaddress, self.miner.getnewaddress(), 0.01)
        kept = coins[0]
        self.ours.lockunspent(True)
        for wallet in (self.ours, self.twin):
            wallet.lockunspent(False, [kept], True)
        self.light.stop()
        self.light.start()
        self.settle("after a restart")
        check(list(map(key, self.ours.listlockunspent())) == [key(kept)], "a lock that is to last is there after a restart")
        for wallet in (self.ours, self.twin):
            wallet.lockunspent(True, [kept])
        check(self.ours.listlockunspent() == [] and len(self.ours.listunspent()) == len(coins), "unlocked")

    def coinbase(self):
        address = self.ours.getnewaddress("mined", "bech32")
        mine(self.reference, 1, address)
        self.settle("a block is mined to the wallet")
        reward = self.ours.money()["immature"]
        entry = self.ours.listtransactions("*", 1)[0]
        check(reward > 0 and entry["category"] == "immature" and entry["generated"] and money(entry["amount"]) == reward, f"{reward} too young to spend")
        trusted = self.ours.money()["trusted"]
        refused(-6, self.ours.sendtoaddress, self.miner.getnewaddress(), str(trusted + reward / 2))
        self.confirm("one block too early", 98)
        check(self.ours.money()["immature"] == reward, "still too young")
        self.confirm("a hundred blocks deep, it may be spent by the next block", 1)
        self.confirm("ripe", 1)
        check(self.ours.money()["trusted"] == trusted + reward, "and counts")
        check(next(e for e in self.ours.listtransactions("*", 1000) if e["txid"] == entry["txid"])["category"] == "generate", "its entry says so")

    def conflicts(self):
        """The seed's other wallet spends the same coins."""
        ours = self.ours.sendtoaddress(address=self.miner.getnewaddress(), amount="0.21", fee_rate=2)
        self.seen([ours], "a payment of ours waits")
        coin = self.reference.rpc("getrawtransaction", ours, 1)["vin"][0]
        inputs = [{"txid": coin["txid"], "vout": coin["vout"]}]
        value = money(self.reference.rpc("getrawtransaction", coin["txid"], 1)["vout"][coin["vout"]]["value"])
        rival = self.twin.send(outputs={self.miner.getnewaddress(): str(value / 2 // SATOSHI * SATOSHI)}, fee_rate=80,
                               options={"inputs": inputs, "add_inputs": False})["txid"]
        self.seen([rival], "the other copy of the wallet replaces it")
        check(self.ours.gettransaction(ours)["confirmations"] == 0 and rival in self.ours.gettransaction(ours)["mempoolconflicts"], "ours waits no more")
        self.confirm("the other one is in a block")
        check(self.ours.gettransaction(ours)["confirmations"] == -1 and rival in self.ours.gettransaction(ours)["walletconflicts"], "ours conflicts with it")

        # A spend of all of a coin to strangers pays the wallet nothing, unconfirmed or not.
        coin = next(c for c in self.ours.listunspent() if c["amount"] > 0.05)
        gone = self.twin.sendall(recipients=[self.miner.getnewaddress()], fee_rate=5, options={"inputs": [{"txid": coin["txid"], "vout": coin["vout"]}]})["txid"]
        self.seen([gone], "a coin that the other copy sends away whole is gone")
        self.confirm("also in a block")
        # And what was never sent out, because a rival was mined.
        coin = next(c for c in self.ours.listunspent() if c["amount"] > 0.05)
        inputs = [{"txid": coin["txid"], "vout": coin["vout"]}]
        gone = self.twin.sendall(recipients=[self.miner.getnewaddress()], fee_rate=5, options={"inputs": inputs, "add_to_wallet": False})
        late = self.ours.send(outputs={self.miner.getnewaddress(): "0.01"}, fee_rate=3, options={"inputs": inputs})["txid"]
        self.seen([late], "a payment")
        self.reference.rpc("generateblock", "bcrt1qqvpsxqcrqvpsxqcrqvpsxqcrqvpsxqcruj60yu", [gone["hex"]])
        self.settle("a block has its rival, which nobody relayed")
        check(self.ours.gettransaction(late)["confirmations"] == -1, "the payment conflicts")

    def messages(self):
        address = self.ours.getnewaddress("", "legacy")
        signature = self.ours.signmessage(address, "a message")
        check(self.reference.rpc("verifymessage", address, signature, "a message") is True, "a signed message is good for the reference")
        check(self.reference.rpc("verifymessage", address, signature, "another") is False, "and for no other message")
        check(self.light.rpc("verifymessage", address, self.twin.signmessage(address, "x"), "x") is True, "and the other way round")

    def restored(self):
        """The words on another computer."""
        other = Light("other", [self.peer])
        try:
            other.start()
            again = other.restore("again", WORDS)
            other.wait_synced(self.reference.rpc("getbestblockhash"))
            check(again.money() == self.ours.money(), f"from words in another folder: {again.money()['trusted']}")
            mine_, back = history(self.ours), history(again)
            # What never came into a block is known only to the wallet that made it.
            mine_ = {txid: tx for txid, tx in mine_.items() if tx["confirmations"] > 0}
            wrong = [f"{txid}: {mine_.get(txid)} {back.get(txid)}" for txid in mine_.keys() | back.keys() if mine_.get(txid) != back.get(txid)]
            check(not wrong, f"the same history, {len(back)} transactions" if not wrong else "\n".join(wrong))
            check(again.getnewaddress("", "bech32") == self.ours.getnewaddress("", "bech32"), "the same next address")
            file = str(other.folder / "backup.cairn")
            self.ours.backupwallet(file)
            other.rpc("restorewallet", "copy", file)
            copy = WalletCalls(other, "copy")
            other.wait_until(lambda: copy.money() == self.ours.money(), 30, "balance of the copy")
            check(history(copy) == history(self.ours) and copy.listlabels() == self.ours.listlabels(), "from a backup: history and labels too")
            check(other.restore("different", OTHER_WORDS).money()["trusted"] == 0, "other words, other money")
        finally:
            other.remove()

    def sealed(self):
        """Keys behind a passphrase: the wallet watches while it is locked, and pays only when it is not."""
        self.light.rpc("createwallet", wallet_name="sealed", passphrase="one", load_on_startup=True)
        sealed = WalletCalls(self.light, "sealed")
        given = self.miner.sendtoaddress(sealed.getnewaddress("", "bech32m"), "0.5")
        wait_mempool(self.peer, [given])
        self.light.wait_until(lambda: sealed.money()["untrusted_pending"] == D("0.5"), 60, "the payment")
        refused(-13, sealed.sendtoaddress, self.miner.getnewaddress(), 0.1)
        refused(-14, sealed.walletpassphrase, "two", 10)
        self.light.stop()
        mine(self.reference)
        self.light.start()
        self.settle("after a restart")
        check(sealed.money()["trusted"] == D("0.5"), "a locked wallet sees its payment confirmed")
        refused(-13, sealed.sendtoaddress, self.miner.getnewaddress(), 0.1)
        sealed.walletpassphrasechange("one", "three")
        sealed.walletpassphrase("three", 60)
        txid = sealed.sendtoaddress(address=self.miner.getnewaddress(), amount="0.1", fee_rate=3)
        sealed.walletlock()
        wait_mempool(self.reference, [txid])
        refused(-13, sealed.bumpfee, txid)
        self.confirm("paid from an unlocked wallet")
        check(sealed.gettransaction(txid)["confirmations"] == 1, "confirmed while locked again")
        self.light.rpc("unloadwallet", "sealed")

    def send_all(self):
        to = self.miner.getnewaddress("", "bech32m")
        coins = self.ours.listunspent()
        everything = self.ours.money()["trusted"]
        result = self.ours.sendall(recipients=[to, {self.miner.getnewaddress(): "0.5"}], fee_rate=6)
        self.seen([result["txid"]], f"all {len(coins)} coins are sent")
        raw = self.reference.rpc("getrawtransaction", result["txid"], 1)
        rest = [o for o in raw["vout"] if o["scriptPubKey"].get("address") == to]
        check(len(raw["vin"]) == len(coins) and money(rest[0]["value"]) == everything - D("0.5") - self.fee_of(result["txid"]), "to the last satoshi")
        check(self.ours.money() == {"trusted": D(0), "untrusted_pending": D(0), "immature": D(0)}, "nothing is left")
        self.confirm("and confirmed")

    def run(self):
        self.begin()
        self.receive()
        self.watch_only()
        self.spend()
        self.refusals()
        self.bump()
        self.child_pays()
        self.locks()
        self.coinbase()
        self.conflicts()
        self.messages()
        wait_history(self.ours, self.twin, "both wallets tell the same history")
        self.restored()
        self.sealed()
        self.send_all()
        wait_history(self.ours, self.twin, "the same history at the end")


def run(binary, kind):
    print(f"--- the peer is {kind}", flush=True)
    reference = harness.Node(binary, "reference", *FILTERS, *PROMPT, "-txindex=1", "-fallbackfee=0.0001")
    peer = reference if kind == "reference" else harness.Node(harness.cairnd(), "peer", *FILTERS, *PROMPT)
    show = Show(reference, peer)
    try:
        for node in show.nodes:
            node.start()
        if peer is not reference:
            peer.connect(reference)
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
