#!/usr/bin/env python3
"""The same verdict on the same transaction: testmempoolaccept of our node and of another implementation, at one chain and mempool.

    compare_accept.py [--transactions N] [--list]

Two thirds of the transactions are good, of every kind; one third is broken in a way that is known and has a name. `allowed` and
`reject-reason` must agree. Where they may differ, EXPLAINED says why; any other difference fails the test.
"""
import argparse
import collections
import re
import struct
import sys

import harness
import tx_material
from tx_material import FINAL, SPENDABLE, Coin, batch, draft, spend, vbytes

NOBODY = "00" * 31 + "07"
SEGWIT = ["p2wpkh", "p2sh-p2wpkh", "p2wsh-multisig"]
ECDSA = ["p2pk", "p2pkh", "p2wpkh", "p2sh-p2wpkh", "multisig", "p2sh-multisig", "p2wsh-multisig"]
MULTISIG = ["multisig", "p2sh-multisig", "p2wsh-multisig"]
OLD = ["p2pk", "p2pkh", "multisig", "p2sh-multisig"]

#: Name of a way -> why the verdicts may differ.
EXPLAINED = {
    "output-multisig": "the reference takes no output script above 34 bytes but OP_RETURN (its newest policy); Bitcoin Core does",
    "output-p2pk": "the reference takes no output script above 34 bytes but OP_RETURN (its newest policy); Bitcoin Core does",
    "output-large-data": "Bitcoin Core 30 raised -datacarriersize to 100,000 bytes; the reference keeps 83",
    "output-two-returns": "Bitcoin Core 30 lets several OP_RETURN outputs share -datacarriersize; the reference takes one",
    "chain-of-26": "Bitcoin Core 31 limits clusters to 64 transactions, not ancestors and descendants to 25",
    "cluster-of-65": "Bitcoin Core 31 limits clusters to 64 transactions, not ancestors and descendants to 25",
    "replacement-new-unconfirmed": "Bitcoin Core 31 judges replacements by the fee-rate diagram and lets them spend new unconfirmed outputs",
}
#: The reference's own or older name of a reason -> Bitcoin Core's.
RENAMED = [
    (re.compile(r"^(?:non-)?mandatory-script-verify-flag(?:-failed)? "), "mempool-script-verify-flag-failed "),
    (re.compile(r"^truc-.*"), "TRUC-violation"),
    (re.compile(r"^bad-txns-input-(?:script|witness).*"), "bad-txns-nonstandard-inputs"),
    (re.compile(r"^bad-witness-(?!nonstandard).*"), "bad-witness-nonstandard"),
]


def same_words(reason):
    for pattern, text in RENAMED:
        reason = pattern.sub(text, reason or "")
    return reason


class Material:
    """Coins by kind, what lies in both mempools, and ways to break transactions."""

    def __init__(self, maker, node, rng):
        self.maker, self.node, self.rng = maker, node, rng
        coins = tx_material.fund(maker, node, 900, amount=2_000_000, per_transaction=300)
        self.coins = collections.defaultdict(list)
        for coin in coins:
            self.coins[coin.kind].append(coin)
        self.key = 20_000_000
        self.odd = self.fund_odd()
        self.pooled = []

    def fund_odd(self):
        """Coins that are not standard to spend."""
        coin = self.coins["p2wpkh"].pop()
        outputs = [("raw:51", 0, 20_000), ("p2sh-sigops", 16, 20_000), ("p2sh-sigops", 15, 20_000), ("p2pk-long", 5, 20_000), ("p2a", 0, 20_000),
                   ("p2wsh-true", 0, 20_000), ("raw:5120" + "ff" * 32, 0, 20_000), ("raw:5214" + "01" * 20, 0, 20_000)]
        tx = self.maker.one([coin], outputs)
        self.funding = tx
        self.confirmed = self.maker.make([spend([self.coins["p2wpkh"].pop()], ["p2wpkh"], 10, 7)])[0]
        self.node.rpc("generateblock", f"raw({self.maker.script('p2wpkh', 1)})", [tx.hex, self.confirmed.hex])
        names = ["true", "sigops-16", "sigops-15", "p2pk-long", "p2a", "p2wsh-true", "taproot-off-curve", "witness-v2"]
        tip = self.node.rpc("getblock", self.node.rpc("getbestblockhash"), 2)["tx"][0]
        self.young = Coin(tip["txid"], 0, round(tip["vout"][0]["value"] * 10**8), "p2wpkh", 1)
        self.height = self.node.rpc("getblockcount")
        return dict(zip(names, tx.coins))

    def fill_pool(self):
        """Transactions for both mempools: the material of conflicts, chains and clusters."""
        take = lambda kind="p2wpkh": self.coins[kind].pop()
        chain = [take()]
        row = []
        for _ in range(25):
            row.append(self.maker.make([spend(chain, ["p2wpkh"], 5, self.next_key())])[0])
            chain = row[-1].coins
        self.chain_end = chain[0]
        parents = self.maker.make([spend([take()], ["p2wpkh", "p2wpkh"], 5, self.next_key(2)) for _ in range(32)])
        children = self.maker.make([spend([parents[n].coins[1]] + ([parents[n + 1].coins[0]] if n < 31 else []), ["p2wpkh"], 9, self.next_key())
                                    for n in range(32)])
        self.cluster_end = children[-1].coins[0]
        self.conflicts = self.maker.make([spend([take()], ["p2wpkh", "p2tr-key"], 20, self.next_key(2), sequence=0xFFFFFFFD) for _ in range(20)])
        self.lonely = self.maker.make([spend([take()], ["p2wpkh"], 10, self.next_key()) for _ in range(10)])
        self.truc_parent = self.maker.make([spend([take()], ["p2wpkh", "p2wpkh"], 10, self.next_key(2), version=3)])[0]
        self.truc_pair = self.maker.make([spend([take()], ["p2wpkh", "p2wpkh"], 10, self.next_key(2), version=3)])
        self.truc_pair += self.maker.make([spend(self.truc_pair[0].coins[:1], ["p2wpkh"], 10, self.next_key(), version=3)])
        self.pooled = row + parents + children + self.conflicts + self.lonely + [self.truc_parent] + self.truc_pair
        return self.pooled

    def next_key(self, count=1):
        self.key += count
        return self.key

    def coin(self, kinds=SPENDABLE):
        return self.rng.choice(self.coins[kinds if isinstance(kinds, str) else self.rng.choice(kinds)])

    # --- good ones
    def good(self):
        coins = {self.coin() for _ in range(self.rng.choice((1, 1, 1, 2, 3)))}
        kinds = [self.rng.choice(tx_material.MAKEABLE + ["p2a", "p2wsh-true"]) for _ in range(self.rng.choice((1, 2, 3)))]
        if kinds == ["p2a"]:
            kinds = ["p2wpkh"]  # such a transaction may be too small
        if self.rng.random() < 0.1:
            kinds.append("return")
        return spend(list(coins), kinds, self.rng.uniform(1.5, 50), self.next_key(len(kinds)), version=self.rng.choice((1, 2, 2, 2)),
                     lock_time=self.rng.choice((0, 0, self.height - 3)), sequence=self.rng.choice((FINAL, FINAL - 1, 0xFFFFFFFD)))

    # --- broken ones
    def pay(self, coin, outputs, **named):
        return draft([coin], outputs, **named)

    def faulty(self, fault, kinds):
        return spend([self.coin(kinds)], ["p2wpkh"], 10, self.next_key(), fault=fault)

    def output(self, *outputs):
        coin = self.coin()
        fee = 30 * vbytes([coin], outputs) + 3000
        return draft([coin], list(outputs) + [("p2wpkh", self.next_key(), coin.amount - fee - sum(amount for _, _, amount in outputs))])

    def raw(self, hexadecimal):
        return hexadecimal

    def coinbase(self, script):
        tx = struct.pack("<I", 2) + b"\x01" + bytes(32) + b"\xff" * 4 + bytes([len(script)]) + script + b"\xff" * 4 + b"\x01"
        return (tx + struct.pack("<q", 1000) + b"\x16\x00\x14" + bytes(20) + bytes(4)).hex()

    def conflict(self):
        return self.rng.choice(self.conflicts)


def child(material, coin, **named):
    return spend([coin], ["p2wpkh"], 20, material.next_key(), **named)


def null_input(m):
    return draft([m.coin(), Coin("00" * 32, 0xFFFFFFFF, 0, "raw:", 0)], [("p2wpkh", 5, 1000)])


def repeated_input(m):
    coin = m.coin("p2wpkh")
    return draft([coin, coin], [("p2wpkh", 5, 1000)])


def replacement(m, rate):
    conflict = m.conflict()
    return spend(conflict.inputs, ["p2wpkh"], rate, m.next_key())


def replacement_with_unconfirmed(m):
    return spend(m.conflict().inputs + [m.rng.choice(m.lonely).coins[0]], ["p2wpkh"], 80, m.next_key())


def spends_what_it_replaces(m):
    conflict = m.conflict()
    return spend(conflict.inputs + conflict.coins[:1], ["p2wpkh"], 80, m.next_key())


def other_witness(m):
    tx = m.rng.choice(m.lonely)
    return draft(tx.inputs, [(coin.kind, coin.key, coin.amount) for coin in tx.coins], fault="highs")


def large(m):
    coin = m.coin()
    return draft([coin], [("p2wpkh", 9, 400)] * 3300)


def small(m):
    coin = m.coin("p2wpkh")
    return draft([coin], [("raw:6a020000", 0, 0)])


def fee_of(m, rate):
    return spend([m.coin()], ["p2wpkh"], rate, m.next_key())


def enormous_fee(m):
    coin = m.coin("p2wpkh")
    return draft([coin], [("p2wpkh", 5, coin.amount - 1_900_000)]), 0.1


#: Name -> what makes the transaction (a draft, hex, or either with a -maxfeerate).
BROKEN = {
    "no-outputs": lambda m: draft([m.coin()], []),
    "output-negative": lambda m: draft([m.coin()], [("p2wpkh", 5, -1)]),
    "output-too-large": lambda m: draft([m.coin()], [("p2wpkh", 5, 21 * 10**14 + 1)]),
    "outputs-total-too-large": lambda m: draft([m.coin()], [("p2wpkh", 5, 20 * 10**14), ("p2wpkh", 6, 2 * 10**14)]),
    "input-twice": repeated_input,
    "input-null": null_input,
    "coinbase": lambda m: m.coinbase(b"\x01\x02\x03\x04"),
    "coinbase-short-script": lambda m: m.coinbase(b"\x01"),
    "input-unknown": lambda m: draft([m.coin(), Coin(NOBODY, 0, 1000, "p2wpkh", 1)], [("p2wpkh", 5, 1000)]),
    "input-index-unknown": lambda m: spend([m.coin()._replace(vout=4000)], ["p2wpkh"], 10, 5),
    "input-spent": lambda m: child(m, m.funding.inputs[0]),
    "more-out-than-in": lambda m: spend([m.coin("p2wpkh")._replace(amount=2_500_000)], ["p2wpkh"], 10, 5),
    "lock-height": lambda m: spend([m.coin()], ["p2wpkh"], 10, 5, lock_time=m.height + 2, sequence=0),
    "lock-time": lambda m: spend([m.coin()], ["p2wpkh"], 10, 5, lock_time=0xFFFFFFFF, sequence=0),
    "relative-lock-height": lambda m: spend([m.coin()], ["p2wpkh"], 10, 5, sequence=60000),
    "relative-lock-time": lambda m: spend([m.coin()], ["p2wpkh"], 10, 5, sequence=(1 << 22) | 60000),
    "coinbase-young": lambda m: child(m, m.young),
    "confirmed": lambda m: m.confirmed.hex,
    "in-mempool": lambda m: m.rng.choice(m.pooled).hex,
    "in-mempool-other-witness": other_witness,
    "replacement-same-fee": lambda m: replacement(m, 20),
    "replacement-lower-fee": lambda m: replacement(m, 2),
    "replacement-good": lambda m: replacement(m, 60),
    "replacement-new-unconfirmed": replacement_with_unconfirmed,
    "replacement-spends-replaced": spends_what_it_replaces,
    "fee-none": lambda m: fee_of(m, 0),
    "fee-low": lambda m: fee_of(m, 0.03),
    "fee-enormous": enormous_fee,
    "version-0": lambda m: spend([m.coin()], ["p2wpkh"], 10, 5, version=0),
    "version-4": lambda m: spend([m.coin()], ["p2wpkh"], 10, 5, version=4),
    "version-negative": lambda m: spend([m.coin()], ["p2wpkh"], 10, 5, version=0xFFFFFFFF),
    "too-large": large,
    "too-small": small,
    "script-sig-large": lambda m: m.faulty("hugescriptsig", "p2pkh"),
    "script-sig-not-push": lambda m: m.faulty("nonpush", OLD),
    "output-nonstandard": lambda m: m.output(("raw:51", 0, 5000)),
    "output-unknown-witness": lambda m: m.output(("raw:5214" + "01" * 20, 0, 5000)),
    "output-dust": lambda m: m.output(("p2wpkh", 5, 200)),
    "output-dust-p2pkh": lambda m: m.output(("p2pkh", 5, 545)),
    "output-dust-anchor": lambda m: m.output(("p2a", 0, 239)),
    "output-no-dust": lambda m: m.output(("p2wpkh", 5, 294), ("p2pkh", 5, 546), ("p2tr-key", 5, 330), ("p2a", 0, 240)),
    "output-multisig": lambda m: m.output(("multisig", 5, 5000)),
    "output-p2pk": lambda m: m.output(("p2pk", 5, 5000)),
    "output-data": lambda m: m.output(("return", 75, 0)),
    "output-large-data": lambda m: m.output(("raw:6a4c5a" + "42" * 90, 0, 0)),
    "output-two-returns": lambda m: m.output(("return", 20, 0), ("return", 20, 0)),
    "spend-nonstandard": lambda m: child(m, m.odd["true"]),
    "spend-sigops-16": lambda m: child(m, m.odd["sigops-16"]),
    "spend-sigops-15": lambda m: child(m, m.odd["sigops-15"]),
    "spend-long-key": lambda m: child(m, m.odd["p2pk-long"]),
    "spend-anchor": lambda m: child(m, m.odd["p2a"]),
    "spend-anchor-with-witness": lambda m: child(m, m.odd["p2a"], fault="superfluous"),
    "spend-p2wsh-true": lambda m: child(m, m.odd["p2wsh-true"]),
    "spend-unknown-witness": lambda m: draft([m.odd["witness-v2"]], [("p2wpkh", 5, 9000)]),
    "spend-taproot-off-curve": lambda m: draft([m.odd["taproot-off-curve"]], [("p2wpkh", 5, 9000)]),
    "witness-superfluous": lambda m: m.faulty("superfluous", OLD),
    "witness-stripped": lambda m: m.faulty("stripped", SEGWIT + ["p2tr-key", "p2tr-script"]),
    "witness-annex": lambda m: m.faulty("annex", ["p2tr-key", "p2tr-script"]),
    "witness-extra": lambda m: m.faulty("extra", ["p2wpkh", "p2tr-key", "p2wsh-multisig"]),
    "witness-script-wrong": lambda m: m.faulty("script", "p2wsh-multisig"),
    "witness-malleated": lambda m: m.faulty("malleated", ["p2wpkh", "p2wsh-multisig", "p2sh-p2wpkh", "p2tr-key"]),
    "control-block-wrong": lambda m: m.faulty("control", "p2tr-script"),
    "signature-wrong": lambda m: m.faulty("wrongkey", SPENDABLE),
    "signature-none": lambda m: m.faulty("nosignature", SPENDABLE),
    "signature-high-s": lambda m: m.faulty("highs", ECDSA),
    "signature-not-der": lambda m: m.faulty("notder", ECDSA),
    "signature-hash-type": lambda m: m.faulty("hashtype", SPENDABLE),
    "key-uncompressed": lambda m: m.faulty("longkey", ["p2wpkh", "p2sh-p2wpkh"]),
    "dummy-not-null": lambda m: m.faulty("nulldummy", MULTISIG),
    "stack-not-clean": lambda m: m.faulty("extra", OLD),
    "push-not-minimal": lambda m: m.faulty("longpush", OLD),
    "chain-of-26": lambda m: child(m, m.chain_end),
    "cluster-of-65": lambda m: child(m, m.cluster_end),
    "truc-child": lambda m: child(m, m.truc_parent.coins[0], version=3),
    "truc-child-not-truc": lambda m: child(m, m.truc_parent.coins[0], version=2),
    "truc-spends-other": lambda m: child(m, m.rng.choice(m.lonely).coins[0], version=3),
    "truc-child-large": lambda m: spend(m.truc_parent.coins[:1], ["p2wpkh"] * 40, 10, m.next_key(40), version=3),
    "truc-too-large": lambda m: spend([m.coin("p2wpkh")], ["p2wpkh"] * 330, 10, m.next_key(330), version=3),
    "truc-second-child": lambda m: child(m, m.truc_pair[0].coins[1], version=3),
    "truc-grandchild": lambda m: child(m, m.truc_pair[1].coins[0], version=3),
}


def make_cases(material, total):
    """(name, hex, maxfeerate); "good" for those that are."""
    names, drafts = [], []
    broken = list(BROKEN)
    for n in range(total):
        name = broken[(n // 3) % len(broken)] if n % 3 == 0 else "good"
        if name == "too-large" and n > 3 * len(broken):
            name = "good"
        made = material.good() if name == "good" else BROKEN[name](material)
        rate = 0
        if isinstance(made, tuple) and isinstance(made[0], tuple):
            made, rate = made
        names.append((name, rate))
        drafts.append(made)
    signed = iter(material.maker.make([made for made in drafts if not isinstance(made, str)]))
    return [(name, made if isinstance(made, str) else next(signed).hex, rate) for (name, rate), made in zip(names, drafts)]


def verdicts(node, cases):
    answers = []
    for begin in range(0, len(cases), 200):
        for result, error in batch(node, [("testmempoolaccept", [[text], rate]) for _, text, rate in cases[begin:begin + 200]]):
            one = result[0] if result else {"allowed": None, "reject-reason": str(error)}
            answers.append((one["allowed"], one.get("reject-reason"), one.get("reject-details")))
    return answers


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--transactions", type=int, default=1500)
    parser.add_argument("--list", action="store_true", help="show what each way of breaking gave")
    parser.add_argument("--other", help="the node that stands in for ours (a check of this script)")
    args = parser.parse_args()
    harness.need_reference()
    rng = harness.seeded_random()
    common = ["-permitbaremultisig=1", "-persistmempool=0", "-maxtipage=1000000000", "-minrelaytxfee=0.000001", "-incrementalrelayfee=0.000001"]
    theirs = harness.Node(harness.reference(), "theirs", *common, "-corepolicy=1")
    ours = harness.Node(args.other, "ours", *common, "-corepolicy=1") if args.other else harness.Node(harness.cairnd(), "ours", *common)
    try:
        with theirs, ours, tx_material.Maker() as maker:
            material = Material(maker, theirs, rng)
            for height in range(1, material.height + 1):
                ours.rpc("submitblock", theirs.rpc("getblock", theirs.rpc("getblockhash", height), 0))
            assert ours.rpc("getbestblockhash") == theirs.rpc("getbestblockhash")
            for tx in material.fill_pool():
                for node in (theirs, ours):
                    node.rpc("sendrawtransaction", tx.hex, 0)
            cases = make_cases(material, args.transactions)
            first, second = verdicts(ours, cases), verdicts(theirs, cases)
    finally:
        for node in (theirs, ours):
            node.remove()
    found = collections.defaultdict(collections.Counter)
    explained, wrong = collections.Counter(), []
    for (name, text, _), mine, other in zip(cases, first, second):
        found[name][mine[1] if not mine[0] else "allowed"] += 1
        if mine[0] == other[0] and same_words(mine[1]) == same_words(other[1]):
            continue
        if name in EXPLAINED:
            explained[name] += 1
        else:
            wrong.append((name, mine, other, text))
    if args.list:
        for name, reasons in sorted(found.items()):
            print(f"  {name}: " + ", ".join(f"{reason} ({count})" for reason, count in reasons.most_common()))
    broken = sum(1 for name, _, _ in cases if name != "good")
    print(f"{len(cases)} transactions, {broken} of them broken in {len(found) - 1} ways; {sum(explained.values())} differences explained, "
          f"{len(wrong)} not")
    for name, count in explained.items():
        print(f"  {name} ({count}): {EXPLAINED[name]}")
    shown = collections.Counter()
    for name, mine, other, text in wrong:
        shown[name] += 1
        if shown[name] <= 3:
            print(f"  DIFFERENT {name}: ours {mine}, theirs {other}, {text[:400]}")
    print("FAILED" if wrong else "passed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
