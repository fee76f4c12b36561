#!/usr/bin/env python3
"""Six nodes, four of ours and two of another implementation: mixed transactions at random nodes, one mempool everywhere, blocks by turns.

    mempool_network_test.py [--transactions N] [--blocks N] [--ours N] [--theirs N] [--keep]

Every kind of script; chains of 25; clusters of 64 that every implementation takes (no transaction has more than 25 ancestors or
descendants); replacements; TRUC pairs; packages whose parent pays too little alone; orphans that come before their parents. Then all
mempools must hold the same transactions, all nodes mine in turn, and almost every compact block must be put together without asking.
"""
import argparse
import collections
import re
import sys
import time

import harness
import p2p
import tx_material
from tx_material import MAKEABLE, batch, spend

NEEDED_RECONSTRUCTION = 0.95
#: Answers that say no more than that another node was faster.
KNOWN = ("txn-already-in-mempool", "txn-already-known", "txn-same-nonwitness-data-in-mempool")
MISSING = ("bad-txns-inputs-missingorspent", "missing-inputs", "missingorspent")
KINDS_OUT = MAKEABLE + ["return", "p2a", "p2wsh-true"]


class Plan:
    """What is submitted, and what must be in the mempools afterwards."""

    def __init__(self, maker, coins, rng):
        self.maker, self.coins, self.rng = maker, collections.deque(coins), rng
        self.key = 10_000_000
        self.singles, self.packages, self.orphans, self.replacements = [], [], [], []
        self.expected = set()
        self.made = {}  # txid -> shape and transaction, in order
        self.shapes = collections.Counter()

    def take(self, count=1):
        return [self.coins.popleft() for _ in range(count)]

    def rate(self):
        return self.rng.uniform(2, 60)

    def draft(self, inputs, kinds, rate=None, **named):
        self.key += len(kinds)
        return spend(inputs, kinds, self.rate() if rate is None else rate, self.key, **named)

    def one(self, *args, **named):
        return self.maker.make([self.draft(*args, **named)])[0]

    def keep(self, shape, txs):
        self.shapes[shape] += len(txs)
        self.expected.update(tx.txid for tx in txs)
        self.made.update((tx.txid, (shape, tx)) for tx in txs)
        return txs

    def single(self, count):
        drafts = []
        for _ in range(count):
            kinds = [self.rng.choice(KINDS_OUT) for _ in range(self.rng.choice((1, 2, 2, 3)))]
            if all(kind in ("return", "p2a") for kind in kinds):
                kinds = ["p2wpkh", *kinds[1:]]
            while kinds.count("return") > 1:  # older nodes take one
                kinds.remove("return")
            drafts.append(self.draft(self.take(), kinds, sequence=self.rng.choice((tx_material.FINAL, 0xFFFFFFFD))))
        made = self.maker.make(drafts)
        self.singles += self.keep("single", made)
        return made

    def chain(self, length=25):
        coin, row = self.take()[0], []
        for _ in range(length):
            row.append(self.one([coin], [self.rng.choice(MAKEABLE)], self.rng.uniform(2, 6)))
            coin = row[-1].coins[0]
        self.singles += self.keep("chain of 25", row)

    def cluster(self, size=64):
        """A row of parents and a row of children, each of which spends from two neighbours."""
        half = size // 2
        parents = self.maker.make([self.draft([coin], ["p2wpkh", self.rng.choice(MAKEABLE)]) for coin in self.take(half)])
        drafts = []
        for n, parent in enumerate(parents):
            inputs = [parent.coins[1]] + ([parents[n + 1].coins[0]] if n + 1 < half else [])
            drafts.append(self.draft(inputs, [self.rng.choice(MAKEABLE)]))
        self.singles += self.keep("cluster of 64", parents + self.maker.make(drafts))

    def fan(self, children=20):
        parent = self.one(self.take(), ["p2wpkh"] * children, 10)
        made = self.maker.make([self.draft([coin], [self.rng.choice(MAKEABLE)]) for coin in parent.coins])
        self.singles += self.keep("fan", [parent] + made)

    def replacement(self):
        coin = self.take()[0]
        first = self.one([coin], ["p2wpkh", "p2tr-key"], 5, sequence=0xFFFFFFFD)
        second = self.one([coin], ["p2wpkh"], 25, sequence=0xFFFFFFFD)
        self.singles.append(first)
        self.replacements += self.keep("replacement", [second])
        self.shapes["replaced"] += 1

    def truc(self):
        parent = self.one(self.take(), ["p2tr-key", "p2wpkh"], version=3)
        child = self.one(parent.coins[:1], ["p2wpkh"], 30, version=3)
        self.singles += self.keep("TRUC", [parent, child])

    def package(self):
        version, rate = self.rng.choice(((2, 1.5), (3, 0)))  # older nodes want some fee of each transaction that is not TRUC
        parent = self.one(self.take(), ["p2wpkh", "p2tr-key"], rate, version=version)
        child = self.one(parent.coins[:1], ["p2wpkh"], 30, version=version)
        self.packages.append(self.keep("package", [parent, child]))

    def orphan(self):
        parent = self.one(self.take(), ["p2wpkh", "p2wpkh"])
        child = self.one(parent.coins[1:], ["p2tr-key"])
        self.orphans.append(self.keep("orphan", [parent, child]))

    def fill(self, total):
        shares = (("chain", 25, 0.20), ("cluster", 64, 0.15), ("fan", 21, 0.05), ("replacement", 2, 0.05), ("truc", 2, 0.05),
                  ("package", 2, 0.04), ("orphan", 2, 0.04))
        for name, size, share in shares:
            for _ in range(max(1, round(total * share / size))):
                getattr(self, name)()
        made = len(self.singles) + len(self.replacements) + 2 * (len(self.packages) + len(self.orphans))
        left = max(total - made, 10)
        for begin in range(0, left, 500):
            self.single(min(500, left - begin))


def coins_needed(total):
    return int(total * 0.9) + 300


def start(args):
    ours, theirs = [], []
    # Without -checkmempool=0 the reference examines its whole mempool after each transaction of regtest.
    common = ["-debug=cmpctblock", "-whitelist=noban,in,out@127.0.0.1", "-persistmempool=0", "-permitbaremultisig=1", "-maxmempool=1000",
              f"-blockmaxweight={args.block_weight}", "-maxtipage=1000000000", "-checkmempool=0", "-checkblockindex=0"]
    for n in range(args.ours):
        ours.append(harness.Node(harness.cairnd(), f"ours{n}", *common))
    for n in range(args.theirs):
        theirs.append(harness.Node(harness.reference(), f"theirs{n}", *common, "-corepolicy=1"))
    nodes = ours + theirs
    for node in nodes:
        node.start()
    for n, node in enumerate(nodes):  # a ring and its chords
        node.connect(nodes[(n + 1) % len(nodes)])
        if n + 2 < len(nodes):
            node.connect(nodes[n + 2])
    return ours, theirs


def wait_for(what, condition, seconds):
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.05)
    return time.monotonic() - began


def same_tip(nodes, seconds=120):
    return wait_for("one tip", lambda: len({node.rpc("getbestblockhash") for node in nodes}) == 1, seconds)


def submit(nodes, txs, rng):
    """Each at a random node, once a node has its parents, again where they were not known yet. Gives the other refusals."""
    waiting, refusals, rounds = list(txs), [], 0
    missing = {tx.txid for tx in txs}
    while waiting:
        rounds += 1
        groups, again = collections.defaultdict(list), []
        for tx in waiting:
            if any(coin.txid in missing for coin in tx.inputs):
                again.append(tx)
            else:
                groups[rng.randrange(len(nodes))].append(tx)
        for n, group in groups.items():
            for begin in range(0, len(group), 100):
                part = group[begin:begin + 100]
                for tx, (_, error) in zip(part, batch(nodes[n], [("sendrawtransaction", [tx.hex, 0]) for tx in part])):
                    message = (error or {}).get("message", "")
                    if not error or any(text in message for text in KNOWN):
                        continue
                    if any(text in message for text in MISSING):
                        again.append(tx)
                    else:
                        refusals.append((nodes[n].name, tx.txid, message))
        missing = {tx.txid for tx in again}
        if len(again) * 2 > len(waiting):
            time.sleep(0.1)  # what was taken travels
        waiting = again
        if rounds > 3000:
            raise TimeoutError(f"{len(waiting)} transactions never find their parents")
    return refusals


def submit_packages(nodes, packages, rng):
    refusals = []
    for package in packages:
        node = rng.choice(nodes)
        answer = node.rpc("submitpackage", [tx.hex for tx in package], 0)
        if answer["package_msg"] != "success":
            refusals.append((node.name, package[0].txid, str(answer)))
    return refusals


def submit_orphans(nodes, orphans, rng):
    """Children first, over P2P."""
    peers = [p2p.Peer(node.port) for node in nodes]
    try:
        chosen = [(rng.choice(peers), pair) for pair in orphans]
        for peer, (parent, child) in chosen:
            peer.offer(parent)
            peer.send_tx(child)
        for peer, (parent, _) in chosen:
            peer.send_tx(parent)
        for peer in peers:
            peer.ping()
    finally:
        for peer in peers:
            peer.close()


def mempools(nodes):
    return [set(node.rpc("getrawmempool")) for node in nodes]


SETTLED = 20  # seconds without a change: what is missing everywhere will not come by itself


def send_again(nodes, plan, missing):
    """What every node forgot before its parent came (orphans are kept in a bounded place) is sent again, as its maker would."""
    shapes = collections.Counter()
    for txid, (shape, tx) in plan.made.items():
        if txid in missing:
            shapes[shape] += 1
            nodes[0].rpc("sendrawtransaction", tx.hex, 0)
    print(f"sent again: {', '.join(f'{count} {shape}' for shape, count in shapes.items())}", flush=True)


def converge(nodes, plan, seconds):
    began = quiet_since = time.monotonic()
    expected, last, again = plan.expected, None, False
    while True:
        found = mempools(nodes)
        if all(pool == expected for pool in found):
            return time.monotonic() - began
        sizes = [len(pool) for pool in found]
        if sizes != last:
            last, quiet_since = sizes, time.monotonic()
        if not again and time.monotonic() - quiet_since > SETTLED and all(pool == found[0] for pool in found) and found[0] < expected:
            again = True
            send_again(nodes, plan, expected - found[0])
        if time.monotonic() - began > seconds:
            for node, pool in zip(nodes, found):
                print(f"{node.name}: {len(pool)} transactions, {len(expected - pool)} missing {sorted(expected - pool)[:3]}, "
                      f"{len(pool - expected)} too many {sorted(pool - expected)[:3]}")
            raise TimeoutError(f"the mempools do not agree after {seconds} s")
        time.sleep(0.2)


RECONSTRUCTED = re.compile(r"Successfully reconstructed block ([0-9a-f]{64}) with (\d+) txn prefilled, (\d+) txn from mempool "
                           r"\(incl at least (\d+) from extra pool\) and (\d+) txn(?: \(\d+ bytes\))? requested")


def reconstructions(node, offset):
    """Of the log from `offset` on: blocks put together from what was there, and those for which transactions were asked."""
    with open(node.log_file, "rb") as log:
        log.seek(offset)
        text = log.read().decode(errors="replace")
    complete, asked = set(), set()
    for match in RECONSTRUCTED.finditer(text):
        (asked if int(match[5]) else complete).add(match[1])
    return complete, asked


def mine(nodes, maker, blocks, expected):
    offsets = [node.log_file.stat().st_size for node in nodes]
    script = maker.script("p2wpkh", 1)
    left, hashes, spreading = set(expected), [], []
    for n in range(blocks):
        miner = nodes[n % len(nodes)]
        block_hash = miner.rpc("generatetodescriptor", 1, f"raw({script})")[0]
        spreading.append(wait_for("the block everywhere", lambda h=block_hash: all(node.rpc("getbestblockhash") == h for node in nodes), 60))
        hashes.append(block_hash)
        left -= set(miner.rpc("getblock", block_hash)["tx"])
    wait_for("the mempools without what was mined", lambda: all(pool == left for pool in mempools(nodes)), 120)
    rows, complete, total = [], 0, 0
    for node, offset in zip(nodes, offsets):
        without, asked = reconstructions(node, offset)
        others = [h for n, h in enumerate(hashes) if nodes[n % len(nodes)] is not node]
        rows.append((node.name, len(others), len(without & set(others)), len(asked & set(others))))
        complete += len(without & set(others))
        total += len(others)
    return left, rows, complete / total, spreading


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--transactions", type=int, default=600)
    parser.add_argument("--blocks", type=int, default=12)
    parser.add_argument("--ours", type=int, default=4)
    parser.add_argument("--theirs", type=int, default=2)
    parser.add_argument("--keep", action="store_true", help="leave the nodes' folders")
    args = parser.parse_args()
    args.block_weight = max(60_000, args.transactions * 1200 // max(args.blocks - 4, 1))
    if args.theirs:
        harness.need_reference()
    rng = harness.seeded_random()
    nodes = []
    try:
        ours, theirs = start(args)
        nodes = ours + theirs
        with tx_material.Maker() as maker:
            first = nodes[-1]
            coins = tx_material.fund(maker, first, coins_needed(args.transactions))
            rng.shuffle(coins)
            same_tip(nodes, 300)
            began = time.monotonic()
            plan = Plan(maker, coins, rng)
            plan.fill(args.transactions)
            print(f"made {sum(plan.shapes.values())} transactions in {time.monotonic() - began:.1f} s: "
                  f"{', '.join(f'{count} {shape}' for shape, count in plan.shapes.items())}", flush=True)
            began = time.monotonic()
            rng.shuffle(plan.singles)
            refusals = submit(nodes, plan.singles, rng)
            refusals += submit_packages(nodes, plan.packages, rng)
            submit_orphans(nodes, plan.orphans, rng)
            refusals += submit(nodes, plan.replacements, rng)
            print(f"submitted within {time.monotonic() - began:.1f} s, {len(refusals)} refused", flush=True)
            for refusal in refusals[:20]:
                print("  refused:", *refusal)
            seconds = converge(nodes, plan, 120 + args.transactions / 20)
            print(f"{len(plan.expected)} transactions in all {len(nodes)} mempools, {seconds:.1f} s later", flush=True)
            left, rows, share, spreading = mine(nodes, maker, args.blocks, plan.expected)
        print(f"{args.blocks} blocks by turns, {len(left)} transactions left; each everywhere within {max(spreading):.2f} s, "
              f"median {sorted(spreading)[len(spreading) // 2]:.3f} s")
        for name, received, without, asked in rows:
            print(f"  {name}: {received} blocks of others, {without} put together from its mempool, {asked} after asking")
        print(f"{share:.1%} of the compact blocks needed no round trip")
        good = not refusals and share >= NEEDED_RECONSTRUCTION
        codes = [node.stop() for node in nodes]
        good = good and not any(codes)
        print("passed" if good else f"FAILED (exit codes {codes})")
        return 0 if good else 1
    finally:
        for node in nodes:
            if node.running():
                node.kill()
            if not args.keep:
                node.remove()


if __name__ == "__main__":
    sys.exit(main())
