#!/usr/bin/env python3
"""Two of three keys, one with cairn-light, two with wallets of the reference node: PSBTs go between them in every role and order.

    wallet_multisig_test.py [--reference FOLDER]
"""
import argparse
import decimal
import re
import sys

import harness
from wallet_material import (FILTERS, OTHER_WORDS, PROMPT, THIRD_WORDS, WORDS, Light, WalletCalls, check, master_key, mine, money, reference_wallet,
                             refused, wait_alike, wait_filters, wait_history, wait_mempool, with_checksum)

D = decimal.Decimal
NOBODY = "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0"  # BIP341's point of which nobody knows the key
ORIGIN = "48h/1h/0h/2h"
SHAPES = {
    "bech32": "wsh(sortedmulti(2,{},{},{}))",
    "p2sh-segwit": "sh(wsh(sortedmulti(2,{},{},{})))",
    "legacy": "sh(sortedmulti(2,{},{},{}))",
    "bech32m": f"tr({NOBODY},multi_a(2,{{}},{{}},{{}}))",
}
# Who makes the PSBT, who signs it first and second, who finalises and sends it.
ROLES = [("light", "light", "second", "second"), ("second", "second", "light", "light"), ("light", "third", "light", "third"),
         ("third", "light", "second", "light"), ("second", "third", "second", "light"), ("light", "second", "third", "light")]


class Show:
    def __init__(self, reference):
        self.reference = reference
        self.light = Light("light", [reference])
        self.holders = {}

    def public_key(self, words):
        """The key of a cosigner as the others know it, with its origin."""
        name = f"scratch {words[:8]}"
        wallet = reference_wallet(self.reference, name, [{"desc": with_checksum(f"wpkh({master_key(words)}/{ORIGIN}/0/*)"), "timestamp": "now"}])
        text = wallet.listdescriptors()["descriptors"][0]["desc"]
        self.reference.rpc("unloadwallet", name)
        return re.match(r"wpkh\((.*)/0/\*\)", text)[1]

    def requests(self, who, public, private):
        keys = [private[i] if i == who else public[i] for i in range(3)]
        return [{"desc": with_checksum(shape.format(*[f"{key}/{change}/*" for key in keys])), "timestamp": 0, "active": True, "internal": bool(change),
                 "range": [0, 100]} for shape in SHAPES.values() for change in (0, 1)]

    def begin(self):
        self.reference.rpc("createwallet", "miner")
        self.miner = WalletCalls(self.reference, "miner")
        mine(self.reference, 110, self.miner.getnewaddress())
        phrases = [WORDS, OTHER_WORDS, THIRD_WORDS]
        public = [self.public_key(words) for words in phrases]
        private = [f"{master_key(words)}/{ORIGIN}" for words in phrases]
        self.light.start()
        self.light.rpc("createwallet", wallet_name="one of three", blank=True)
        ours = WalletCalls(self.light, "one of three")
        ours.import_all(self.requests(0, public, private))
        self.holders = {"light": ours, "second": reference_wallet(self.reference, "second", self.requests(1, public, private)),
                        "third": reference_wallet(self.reference, "third", self.requests(2, public, private))}
        texts = [sorted(d["desc"] for d in wallet.listdescriptors()["descriptors"]) for wallet in self.holders.values()]
        check(texts[0] == texts[1] == texts[2], "all three have the same public descriptors")

    def settle(self, what):
        self.light.wait_synced(wait_filters([self.reference]))
        for other in ("second", "third"):
            wait_alike(self.holders["light"], self.holders[other], what)

    def fund(self):
        for kind in SHAPES:
            addresses = {wallet.getnewaddress("", kind) for wallet in self.holders.values()}
            check(len(addresses) == 1, f"all three give out the same {kind} address")
            self.miner.sendtoaddress(addresses.pop(), 5)
            for _ in range(2 * len(ROLES)):
                self.miner.sendtoaddress(self.holders["light"].getnewaddress("", kind), "0.5")
        mine(self.reference)
        self.settle("funded")

    def make(self, maker, kind, amount):
        wallet = self.holders[maker]
        coins = sorted((c for c in wallet.listunspent() if kind_of(c) == kind), key=lambda c: (c["amount"] != 0.5, c["txid"], c["vout"]))[:2]
        inputs = [{"txid": c["txid"], "vout": c["vout"]} for c in coins]
        version = {"psbt_version": 0} if maker == "light" else {}
        made = wallet.walletcreatefundedpsbt(inputs=inputs, outputs=[{self.miner.getnewaddress(): str(amount)}],
                                             options={"fee_rate": 10, "change_type": kind, "add_inputs": False}, **version)
        return made["psbt"], money(made["fee"])

    def pay(self, kind, maker, first, second, last):
        psbt, fee = self.make(maker, kind, "0.3")
        for holder in self.holders.values():
            status = holder.node.rpc("decodepsbt", psbt)
            check(money(status["fee"]) == fee and len(status["outputs"]) == 2, f"{kind}: {maker} made a PSBT that pays {fee}")
        one = self.holders[first].walletprocesspsbt(psbt=psbt, finalize=False)
        check(not one["complete"], f"{kind}: {first} signed, one signature is too few")
        refused_early = self.holders[last].node.rpc("finalizepsbt", one["psbt"])
        check(not refused_early["complete"] and "hex" not in refused_early, "it cannot be finalised yet")
        two = self.holders[second].walletprocesspsbt(psbt=one["psbt"], finalize=False)
        # Each signs the bare one, and the two are combined: by either program.
        apart = self.holders[second].walletprocesspsbt(psbt=psbt, finalize=False)
        hexes = set()
        for holder in self.holders.values():
            combined = holder.node.rpc("combinepsbt", [one["psbt"], apart["psbt"]])
            for candidate in (two["psbt"], combined):
                final = holder.node.rpc("finalizepsbt", candidate)
                if not final["complete"]:
                    raise AssertionError(f"{kind}: not complete when {holder.name} finalises {candidate}")
                hexes.add(final["hex"])
        if kind != "bech32m":
            check(len(hexes) == 1, "in line or side by side, finalised by either: the same transaction")
        accepted = self.reference.rpc("testmempoolaccept", [next(iter(hexes))])[0]
        check(accepted["allowed"], f"{kind}: made by {maker}, signed by {first} and {second}: {accepted.get('reject-reason', 'good')}")
        done = self.holders[last].node.rpc("finalizepsbt", two["psbt"])["hex"]
        txid = self.holders[last].node.rpc("sendrawtransaction", done)
        wait_mempool(self.reference, [txid])
        for other in ("second", "third"):
            wait_alike(self.holders["light"], self.holders[other], f"{kind}: sent by {last}", [txid])
        return txid

    def run(self):
        self.begin()
        self.fund()
        for kind in SHAPES:
            for roles in ROLES:
                self.pay(kind, *roles)
            mine(self.reference)
            self.settle(f"{kind} confirmed")
        # What change gave can be spent again, of all kinds at once, and all of it.
        ours = self.holders["light"]
        refused(-4, ours.sendtoaddress, self.miner.getnewaddress(), 1)
        everything = ours.money()["trusted"]
        swept = ours.sendall(recipients=[self.miner.getnewaddress()], fee_rate=3, options={"psbt": True})
        check(not swept["complete"], "one of three cannot send all alone")
        final = self.reference.rpc("finalizepsbt", self.holders["third"].walletprocesspsbt(swept["psbt"])["psbt"])
        wait_mempool(self.reference, [self.reference.rpc("sendrawtransaction", final["hex"])])
        mine(self.reference)
        self.settle(f"two of three can: {everything} were there")
        check(ours.money()["trusted"] == 0, "nothing is left")
        wait_history(ours, self.holders["third"], "and the history agrees")


def kind_of(coin):
    desc = coin["desc"]
    return next(kind for kind, start in (("bech32m", "tr("), ("bech32", "wsh("), ("p2sh-segwit", "sh(wsh("), ("legacy", "sh(")) if desc.startswith(start))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference")
    binary = harness.need_reference(parser.parse_args().reference)
    if not (harness.build_folder() / "cairn-light").is_file():
        harness.skip("cairn-light is not built")
    reference = harness.Node(binary, "reference", *FILTERS, *PROMPT, "-txindex=1", "-fallbackfee=0.0001")
    show = Show(reference)
    try:
        reference.start()
        show.run()
    finally:
        for node in (show.light, reference):
            node.remove()
    print("passed")


if __name__ == "__main__":
    sys.exit(main())
