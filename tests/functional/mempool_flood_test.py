#!/usr/bin/env python3
"""A flood from many peers moves neither the node's memory nor what honest transactions wait, beyond the bounds below.

    mempool_flood_test.py [--peers N] [--seconds S] [--rate MB] [--within MS] [--limit MB] [--keep]

Peers from nowhere send orphans small and large, announcements of 50,000 transactions that nobody has, transactions that pay nothing,
bear bad signatures or spend what is spent, and ask for transactions that nobody has; every tenth never reads what is answered. `--rate` is
what they send in MB a second together. With 0 they send as much as the node takes; then honest messages wait for their turn among those of
the others. Meanwhile honest transactions come in by RPC and from one peer, and another sees them announced: how long that takes is held
against an idle node. Then, on a fresh start, three times -maxmempool of paying transactions are submitted: the mempool stays below its
limit, and memory too.
"""
import argparse
import collections
import multiprocessing
import os
import pathlib
import random
import selectors
import socket
import struct
import sys
import threading
import time

import harness
import p2p
import tx_material
from tx_material import spend

#: Growth of RSS beyond that of the mempool while the flood lasts, as node/relay/README.md bounds it. Of each peer: a message of the largest
#: size that it sends here, 5,000 announcements, 404,000 weight units of orphans (P2WPKH outputs take double their bytes), what it knows.
LARGEST_MESSAGE, ANNOUNCEMENTS, ORPHANS, KNOWN = 50_000 * 36 + 3 + 24, 5_000 * 100, 404_000 // 4 * 2, 400_000
GROWTH_OF_A_PEER = LARGEST_MESSAGE + ANNOUNCEMENTS + ORPHANS + KNOWN
#: Of each that does not read: requests that wait, a full send buffer, the last answer.
UNREAD = 5_000_000 + 1_000_000 + 20_000 * 36
#: Of all together: transactions that are being judged (4 MB, with rows), what was refused and confirmed (4 MB), and what the heap keeps.
FIXED_GROWTH = 8_000_000 + 4_000_000 + 8_000_000
#: Milliseconds that 99 of 100 honest transactions may take until they are announced: at a rate, and without one.
WITHIN, WITHIN_UNLIMITED = 250, 1000
#: With a full mempool: what RSS may grow by beyond the limit and a twentieth of it, for coins, requests and what the heap keeps; the caches
#: of signatures and scripts, which fill up to a fixed size, are made small.
FULL_GROWTH, FULL_SHARE, SMALL_CACHES = 30_000_000, 1.05, "-maxsigcachesize=1"
HONEST_A_SECOND = 8
ATTACKS = ["announcements", "small orphans", "large orphans", "no fee", "bad signature", "spent input", "questions"]


def rss(node):
    return int(pathlib.Path(f"/proc/{node.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def cpu_seconds(node):
    fields = pathlib.Path(f"/proc/{node.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def framed(command, payload):
    return (p2p.MAGIC["regtest"] + command.encode().ljust(12, b"\0") + struct.pack("<I", len(payload)) + p2p.double_sha(payload)[:4] +
            payload)


class Flood:
    """What the attackers send. Every transaction is another one; no key is needed, for none is good."""

    def __init__(self, coins, spent, seed):
        self.rng, self.coins, self.spent = random.Random(seed), coins, spent
        self.announcements = [self._inv("inv", 50_000) for _ in range(12)]
        self.sent, self.earlier = dict.fromkeys([*ATTACKS, "again"], 0), collections.deque(maxlen=100)

    def _inv(self, command, count):
        items = self.rng.randbytes(32 * count)
        kind = struct.pack("<I", p2p.MSG_WTX)
        return framed(command, p2p.compact_size(count) + b"".join(kind + items[n:n + 32] for n in range(0, len(items), 32)))

    def _tx(self, outpoint, values):
        """One input with a witness that looks like a key path signature; outputs of P2WPKH."""
        outputs = b"".join(struct.pack("<q", value) + b"\x16\x00\x14" + self.rng.randbytes(20) for value in values)
        payload = (struct.pack("<i", 2) + b"\0\1\1" + outpoint + b"\0" + struct.pack("<I", 0xFFFFFFFD) + p2p.compact_size(len(values)) +
                   outputs + b"\1\x40" + self.rng.randbytes(64) + struct.pack("<I", 0))
        return framed("tx", payload)

    def _coin(self, coins):
        txid, vout, amount = self.rng.choice(coins)
        return bytes.fromhex(txid)[::-1] + struct.pack("<I", vout), amount

    def _unknown(self):
        return self.rng.randbytes(32) + struct.pack("<I", 0)

    def make(self, what):
        if what == "announcements":
            return self.rng.choice(self.announcements)
        if what == "small orphans":
            return b"".join(self._tx(self._unknown(), [100_000]) for _ in range(40))
        if what == "large orphans":
            return self._tx(self._unknown(), [1000] * 3000)
        if what == "no fee":
            return b"".join(self._tx(outpoint, [amount]) for outpoint, amount in (self._coin(self.coins) for _ in range(40)))
        if what == "bad signature":
            return b"".join(self._tx(outpoint, [amount - 5000]) for outpoint, amount in (self._coin(self.coins) for _ in range(20)))
        if what == "spent input":
            return b"".join(self._tx(outpoint, [amount - 5000]) for outpoint, amount in (self._coin(self.spent) for _ in range(20)))
        return self._inv("getdata", self.rng.choice((100, 1000, 20_000)))

    def next(self):
        if self.earlier and self.rng.random() < 0.2:  # what another peer has sent
            self.sent["again"] += 1
            return self.rng.choice(self.earlier)
        what = self.rng.choice(ATTACKS)
        self.sent[what] += 1
        self.earlier.append(self.make(what))
        return self.earlier[-1]


def attack(pipe, port, peers, seconds, rate, coins, spent, seed):
    """The attackers, in a process of their own. Tells through the pipe when they are connected, begins when told, tells what it did."""
    flood, selector, sockets = Flood(coins, spent, seed), selectors.DefaultSelector(), []
    endpoint = bytes(8) + bytes(10) + b"\xff\xff" + bytes([127, 0, 0, 1]) + struct.pack(">H", port)
    for n in range(peers):
        connection = socket.create_connection(("127.0.0.1", port))
        version = (struct.pack("<iQq", 70016, 8, int(time.time())) + endpoint + endpoint + flood.rng.randbytes(8) + b"\x07/flood/" +
                   struct.pack("<i?", 0, True))
        connection.sendall(framed("version", version) + framed("wtxidrelay", b"") + framed("verack", b""))
        connection.setblocking(False)
        sockets.append(connection)
        if n % 10 != 9:
            selector.register(connection, selectors.EVENT_READ)
    pipe.send("connected")
    pipe.recv()
    left = {connection: b"" for connection in sockets}
    began, sent, dropped = time.monotonic(), 0, 0
    while (now := time.monotonic()) - began < seconds:
        for key, _ in selector.select(0):
            try:
                if key.fileobj.recv(1 << 20):
                    continue
            except BlockingIOError:
                continue
            except OSError:
                pass
            selector.unregister(key.fileobj)
        moved = 0
        for connection in list(left):
            if rate and sent > rate * (now - began):
                break
            data = left.pop(connection) or flood.next()
            try:
                count = connection.send(data)
                left[connection] = data[count:]  # at the end of the row: all get their turn
            except BlockingIOError:
                count = 0
                left[connection] = data
            except OSError:
                dropped += 1
                count = 0
            sent += count
            moved += count
        if not moved:
            time.sleep(0.005)
    pipe.send((sent, dropped, flood.sent))
    pipe.recv()
    for connection in sockets:
        connection.close()


class Honest:
    """Submits good transactions by RPC and from a peer by turns, and sees them announced to another peer."""

    def __init__(self, node, white_port):
        self.node, self.seen = node, {}
        self.listener = p2p.Peer(white_port, on_message=self._on_message, wtxid_relay=True)
        self.sender = p2p.Peer(node.port, wtxid_relay=True)
        self.sent = []  # transaction, by which way, when, seconds of the call

    def _on_message(self, command, payload):
        if command == "inv":
            now = time.monotonic()
            count, at = p2p.read_compact_size(payload, 0)
            for n in range(count):
                self.seen.setdefault(payload[at + 36 * n + 4:at + 36 * n + 36][::-1].hex(), now)

    def run(self, txs, seconds, largest):
        """For so long; gives the rows of this run, and in `largest` the most memory that was seen."""
        began, first, next_sample = time.monotonic(), len(self.sent), 0.0
        while (now := time.monotonic() - began) < seconds:
            if now >= next_sample:
                largest[0] = max(largest[0], rss(self.node))
                next_sample = now + 0.05
            if now >= (len(self.sent) - first) / HONEST_A_SECOND:
                tx, when = txs.pop(), time.monotonic()
                if len(self.sent) % 2:
                    self.sender.send_tx(tx)
                    self.sent.append((tx, "p2p", when, None))
                else:
                    self.node.rpc("sendrawtransaction", tx.hex)
                    self.sent.append((tx, "rpc", when, time.monotonic() - when))
            time.sleep(0.005)
        return self.sent[first:]

    def announced(self, rows):
        """Seconds from submission to announcement by RPC and by P2P, and seconds of the calls. A lost one is an error."""
        began = time.monotonic()
        while missing := [way for tx, way, _, _ in rows if tx.wtxid not in self.seen]:
            if time.monotonic() - began > 30:
                raise AssertionError(f"{len(missing)} of {len(rows)} honest transactions were never announced: {missing}")
            time.sleep(0.05)
        return {"call": sorted(took for *_, took in rows if took is not None),
                "rpc to announcement": sorted(self.seen[tx.wtxid] - when for tx, way, when, _ in rows if way == "rpc"),
                "p2p to announcement": sorted(self.seen[tx.wtxid] - when for tx, way, when, _ in rows if way == "p2p")}

    def connected(self):
        self.listener.ping(10)
        self.sender.ping(10)

    def close(self):
        self.listener.close()
        self.sender.close()


def bound_of(peers):
    return FIXED_GROWTH + GROWTH_OF_A_PEER * peers + UNREAD * (peers // 10)


def percentile(values, share):
    return values[min(len(values) - 1, int(len(values) * share))]


def show(when, latencies):
    for what, values in latencies.items():
        print(f"  {when}: {what} p50 {percentile(values, 0.5) * 1000:.1f} ms, p99 {percentile(values, 0.99) * 1000:.1f} ms, "
              f"longest {values[-1] * 1000:.1f} ms ({len(values)})", flush=True)


def judge(faults, fine, text):
    print(f"  {text}: {'good' if fine else 'TOO MUCH'}", flush=True)
    if not fine:
        faults.append(text)


def under_flood(node, white_port, args, coins, spent, honest_txs, faults):
    honest, largest = Honest(node, white_port), [0]
    time.sleep(1)
    idle = honest.announced(honest.run(honest_txs, max(3, args.seconds / 4), largest))
    before, usage = rss(node), node.rpc("getmempoolinfo")["usage"]
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    attackers = context.Process(target=attack, args=(theirs, node.port, args.peers, args.seconds, args.rate * 1_000_000, coins, spent,
                                                     args.seed))
    attackers.start()
    try:
        ours.recv()
        node.wait_until(lambda: sum(peer["subver"] == "/flood/" for peer in node.rpc("getpeerinfo")) == args.peers, 30, "the attackers")
        ours.send("begin")
        largest[0], cpu, began = 0, cpu_seconds(node), time.monotonic()
        rows = honest.run(honest_txs, args.seconds - 1, largest)
        busy = (cpu_seconds(node) - cpu) / (time.monotonic() - began)
        flooded = honest.announced(rows)
        sent, dropped, parts = ours.recv()
        peers, orphans, mempool = len(node.rpc("getpeerinfo")), len(node.rpc("getorphantxs")), node.rpc("getmempoolinfo")
        ours.send("enough")
        attackers.join(30)
    finally:
        if attackers.is_alive():
            attackers.kill()
    node.wait_until(lambda: len(node.rpc("getpeerinfo")) == 2, 30, "the attackers to be gone")
    honest.connected()
    time.sleep(2)
    after = rss(node)
    calm = honest.announced(honest.run(honest_txs, max(2, args.seconds / 10), [0]))
    sorts = ", ".join(f"{count} × {what}" for what, count in parts.items())
    print(f"  {args.peers} peers sent {sent / 1e6:.0f} MB in {args.seconds} s ({sorts}); "
          f"{dropped} sockets were closed, {peers} peers and {orphans} orphans at the end; the node used {busy:.2f} cores")
    for when, latencies in (("idle", idle), ("flood", flooded), ("after", calm)):
        show(when, latencies)
    print(f"  RSS before {before / 1e6:.1f} MB, at most {largest[0] / 1e6:.1f} MB, after {after / 1e6:.1f} MB; "
          f"mempool {usage / 1e6:.2f} MB, then {mempool['usage'] / 1e6:.2f} MB")
    growth, bound = largest[0] - before - (mempool["usage"] - usage), bound_of(args.peers)
    judge(faults, growth <= bound, f"memory grew by {growth / 1e6:.1f} MB beyond the mempool, at most {bound / 1e6:.0f} MB")
    for what, values in flooded.items():
        half, nearly = percentile(values, 0.5), percentile(values, 0.99)
        judge(faults, nearly <= args.within / 1000, f"{what}: p50 {half * 1000:.1f} ms, p99 {nearly * 1000:.1f} of {args.within} ms")
    held, sent_by_us = set(node.rpc("getrawmempool")), {tx.txid for tx, *_ in honest.sent}
    judge(faults, held == sent_by_us,
          f"{len(held & sent_by_us)} of {len(sent_by_us)} honest transactions held, {len(held - sent_by_us)} others")
    judge(faults, node.running(), "the node runs and its honest peers are connected")
    honest.close()


def paying(maker, coins, rng, count):
    """Transactions of very different sizes and fee rates."""
    drafts = []
    for coin in coins[:count]:
        outputs, rate = rng.choice((2, 10, 100, 200)), rng.uniform(2, 60)
        fee = int(rate * tx_material.vbytes([coin], [("p2wpkh", 1, 0)] * outputs))
        drafts.append(tx_material.draft([coin], [("p2wpkh", 1, (coin.amount - fee) // outputs)] * outputs))
    return maker.make(drafts)


def filled(node, args, maker, coins, rng, faults):
    limit, before = args.limit * 1_000_000, rss(node)
    largest_usage, largest, taken, refused, average = 0, 0, 0, {}, None
    offered = 0.0
    stop = threading.Event()

    def watch():
        nonlocal largest
        while not stop.wait(0.02):
            largest = max(largest, rss(node))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        while offered < 3 * limit:
            if not coins:
                raise AssertionError(f"the coins do not make three times the limit: {offered / limit:.2f}")
            part = paying(maker, coins, rng, 50)
            del coins[:50]
            usage = node.rpc("getmempoolinfo")["usage"]
            for _, error in tx_material.batch(node, [("sendrawtransaction", [tx.hex, 0]) for tx in part]):
                if error:
                    reason = error["message"].partition(",")[0]
                    refused[reason] = refused.get(reason, 0) + 1
                else:
                    taken += 1
            info = node.rpc("getmempoolinfo")
            if average is None or (not refused and info["usage"] < 0.8 * limit):
                average = info["usage"] / (info["bytes"] or 1)  # of memory for a virtual byte, before anything is evicted
            offered += sum(tx.vsize for tx in part) * average
            largest_usage = max(largest_usage, usage, info["usage"])
    finally:
        stop.set()
        watcher.join()
    print(f"  offered {offered / 1e6:.0f} MB: {taken} taken, refused {refused}; {info['size']} left, usage {info['usage'] / 1e6:.2f} MB, "
          f"minimum {info['mempoolminfee']}; RSS before {before / 1e6:.1f} MB, at most {largest / 1e6:.1f} MB")
    reasons = refused.keys() - {"mempool min fee not met", "mempool full"}
    judge(faults, not reasons, f"refused only for too small a fee {sorted(reasons) or ''}".rstrip())
    judge(faults, largest_usage <= limit, f"usage at most {largest_usage / 1e6:.2f} MB of {limit / 1e6:.0f} MB")
    judge(faults, largest - before <= limit * FULL_SHARE + FULL_GROWTH,
          f"memory grew by {(largest - before) / 1e6:.1f} MB, at most {(limit * FULL_SHARE + FULL_GROWTH) / 1e6:.0f} MB")
    judge(faults, info["mempoolminfee"] > 0.00001, "the minimum fee rose")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", type=int, default=20)
    parser.add_argument("--seconds", type=int, default=6)
    parser.add_argument("--rate", type=float, default=20, help="MB a second of all attackers; 0: as fast as the node reads")
    parser.add_argument("--within", type=int, help="milliseconds that 99 of 100 honest transactions may take until announced")
    parser.add_argument("--limit", type=int, default=5, help="-maxmempool of the second part, 5 or more")
    parser.add_argument("--keep", action="store_true", help="leave the node's folder")
    args = parser.parse_args()
    if args.within is None:
        args.within = WITHIN if args.rate else WITHIN_UNLIMITED
    rng = harness.seeded_random()
    args.seed = rng.randrange(1 << 30)
    white_port = harness.free_port()
    options = ["-persistmempool=0", "-maxtipage=1000000000", f"-maxconnections={args.peers * 3 + 60}"]  # room for all attackers
    node, faults = harness.Node(harness.cairnd(), "flood", *options, f"-whitebind=noban,relay@127.0.0.1:{white_port}"), []
    try:
        with tx_material.Maker() as maker:
            with node:
                honest_count = int(args.seconds * 1.5 + 20) * HONEST_A_SECOND
                coins = tx_material.fund(maker, node, honest_count + args.limit * 800 + 200, kinds=["p2tr-key"])
                honest_coins, filling, bait = coins[:honest_count], coins[honest_count:-200], coins[-200:]
                honest_txs = maker.make([spend([coin], ["p2wpkh", "p2tr-key"], rng.uniform(5, 60), 20_000_000 + 2 * n)
                                         for n, coin in enumerate(honest_coins)])
                blocks = [node.rpc("getblock", node.rpc("getblockhash", height), 2) for height in (1, 2)]
                spent = [(block["tx"][0]["txid"], 0, 50 * 10**8) for block in blocks]
            print("flood", flush=True)
            with node:  # started again: what making the chain took is not counted
                under_flood(node, white_port, args, [(coin.txid, coin.vout, coin.amount) for coin in bait], spent, honest_txs, faults)
            node.options += [f"-maxmempool={args.limit}", SMALL_CACHES]
            print("full mempool", flush=True)
            with node:
                filled(node, args, maker, filling, rng, faults)
        code = node.stop()
        if code:
            faults.append(f"exit code {code}")
    finally:
        if not args.keep:
            node.remove()
    print("passed" if not faults else f"FAILED: {'; '.join(faults)}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
