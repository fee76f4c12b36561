#!/usr/bin/env python3
"""A node under churn and abuse keeps its memory flat, answers RPC at once, relays blocks as when idle, and drops nobody honest.

    abuse_test.py [--minutes M] [--connections N] [--rate MB] [--rpc-ms MS] [--relay-factor F] [--json FILE] [--keep]

Connections of one process abuse the node, each in one way (abuse_attacks.py): slow readers, half-open ones, floods of every message,
oversized and broken messages, handshakes out of order, noise instead of the encrypted transport, and constant coming and going. `--rate` is
what they send in MB a second together. The node has room for fewer than come, so that it evicts all the time. Honest peers, of another
process, send and hear blocks of 200 kB one at a time, and ping: how long a block takes from one through the node to the other is held
against the node when idle. Meanwhile quick RPC calls are timed. The show is `--minutes 60`; figures for machines with other work to do are set by the options.
"""
import argparse
import json
import multiprocessing
import os
import pathlib
import re
import statistics
import struct
import sys
import threading
import time

import abuse_attacks
import harness
import p2p
import tx_material

CHAIN, IDLE_BLOCKS, BLOCK_EVERY, RPC_EVERY, SAMPLE_EVERY = 300, 12, 2.5, 0.1, 0.5
BLOCK_OUTPUTS = 3600
HONEST_IDLERS = 4
#: What RSS may grow by. Of each connection: 1 MiB, and what its way to be served or its unfinished message may hold. Beside that: blocks
#: under way and being judged, caches, what the heap keeps. Later growth, when everything has happened already, is nearly none.
FIXED_GROWTH, GROWTH_OF_A_CONNECTION = 64_000_000, 1_048_576
LATE_GROWTH, LATE_GROWTH_AN_HOUR = 12_000_000, 24_000_000
#: Caches that fill up to a fixed size are made small, so that what grows beside them is seen.
SMALL_CACHES = ["-dbcache=4", "-maxsigcachesize=1"]
#: Shorter than this a relay is as good as instant: what differs is the scheduler.
INSTANT = 0.025
CALLS = [("getblockcount",), ("getbestblockhash",), ("getnettotals",), ("getmempoolinfo",), ("getnetworkinfo",), ("getconnectioncount",),
         ("getblockchaininfo",), ("getpeerinfo",), ("uptime",)]


def memory(node):
    """RSS, and the part of it that is of no file."""
    status = pathlib.Path(f"/proc/{node.process.pid}/status").read_text()
    return tuple(int(re.search(rf"{name}:\s+(\d+)", status)[1]) * 1024 for name in ("VmRSS", "RssAnon"))


def cpu_seconds(node):
    fields = pathlib.Path(f"/proc/{node.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))] if values else 0.0


class Producer(p2p.Peer):
    """Announces blocks by their header and hands them out."""

    def __init__(self, port):
        self.blocks = {}
        super().__init__(port, on_message=self._heard)

    def _heard(self, command, payload):
        if command == "getdata":
            count, at = p2p.read_compact_size(payload, 0)
            for n in range(count):
                raw = self.blocks.pop(payload[at + 36 * n + 4:at + 36 * n + 36], None)
                if raw:
                    self.send("block", raw)

    def announce(self, raw):
        self.blocks = {p2p.double_sha(raw[:80]): raw}
        self.send("headers", b"\1" + raw[:80] + b"\0")


class Consumer(p2p.Peer):
    """Asks for what is announced to it, and notes when it came."""

    def __init__(self, port):
        self.came, self.signal = {}, threading.Event()
        super().__init__(port, on_message=self._heard)
        self.send("sendheaders")

    def _heard(self, command, payload):
        if command == "headers" and payload[0]:
            self._ask(p2p.double_sha(payload[1:81]))
        elif command == "inv" and payload[:5] == b"\1" + struct.pack("<I", p2p.MSG_BLOCK):
            self._ask(payload[5:37])
        elif command == "block":
            self.came[p2p.double_sha(payload[:80])] = time.monotonic()
            self.signal.set()

    def _ask(self, block_hash):
        self.send("getdata", b"\1" + struct.pack("<I", abuse_attacks.MSG_WITNESS_BLOCK) + block_hash)


def honest(pipe, port):
    """The honest peers. A block from the pipe is relayed and answered with the seconds it took; None ends, answered with who is still there."""
    producer, consumer = Producer(port), Consumer(port)
    idlers = [p2p.Peer(port) for _ in range(HONEST_IDLERS)]
    everyone = [producer, consumer, *idlers]
    pipe.send("connected")
    last_ping = time.monotonic()
    while True:
        if pipe.poll(0.2):
            raw = pipe.recv()
            if raw is None:
                break
            block_hash = p2p.double_sha(raw[:80])
            consumer.signal.clear()
            began = time.monotonic()
            producer.announce(raw)
            while block_hash not in consumer.came and time.monotonic() - began < 60 and consumer.signal.wait(60):
                consumer.signal.clear()
            pipe.send(consumer.came.pop(block_hash, float("inf")) - began)
        if time.monotonic() - last_ping > 2:
            last_ping = time.monotonic()
            for peer in everyone:
                if peer.thread.is_alive():
                    try:
                        peer.send("ping", os.urandom(8))
                    except OSError:
                        pass
    pipe.send(sum(peer.thread.is_alive() for peer in everyone))


class Miner:
    """A node of its own that makes blocks of about 200 kB, one transaction on top of the other."""

    def __init__(self, node, maker):
        self.node, self.maker = node, maker
        self.coin = tx_material.fund(maker, node, 1, kinds=["p2tr-key"], amount=40 * 10**8, per_transaction=1)[0]
        self.script = maker.script("p2wpkh", 1)
        missing = CHAIN - node.rpc("getblockcount")
        node.rpc("generatetodescriptor", missing, f"raw({self.script})")

    def next(self):
        fee = 10_000
        outputs = [("p2tr-key", 5, self.coin.amount - fee)] + [("return", 40, 0)] * BLOCK_OUTPUTS
        tx = self.maker.make([tx_material.draft([self.coin], outputs)])[0]
        self.coin = tx.coins[0]
        block_hash = self.node.rpc("generateblock", f"raw({self.script})", [tx.hex])["hash"]
        return bytes.fromhex(self.node.rpc("getblock", block_hash, 0))


class Watch(threading.Thread):
    """Times quick calls and samples memory until it is told to stop."""

    def __init__(self, node):
        super().__init__(daemon=True)
        self.node, self.halt = node, threading.Event()
        self.calls, self.samples, self.peers, self.failure = {}, [], [], None

    def run(self):
        began = next_sample = time.monotonic()
        n = 0
        try:
            while not self.halt.wait(RPC_EVERY):
                method = CALLS[n % len(CALLS)][0]
                n += 1
                before = time.monotonic()
                result = self.node.rpc(method)
                now = time.monotonic()
                self.calls.setdefault(method, []).append(now - before)
                if method == "getconnectioncount":
                    self.peers.append(result)
                if now >= next_sample:
                    self.samples.append((now - began, *memory(self.node)))
                    next_sample = now + SAMPLE_EVERY
        except Exception as error:  # told by the main thread
            self.failure = error

    def finish(self):
        self.halt.set()
        self.join(60)
        if self.failure:
            raise self.failure
        return self

    def all_calls(self):
        return [took for values in self.calls.values() for took in values]


def judge(faults, fine, text):
    print(f"  {text}: {'good' if fine else 'TOO MUCH'}", flush=True)
    if not fine:
        faults.append(text)


def heard(pipe, process, seconds=120):
    """What a process says, or an error when it ends or is silent."""
    began = time.monotonic()
    while not pipe.poll(1):
        if not process.is_alive() or time.monotonic() - began > seconds:
            raise RuntimeError(f"{process.name} {'is silent' if process.is_alive() else 'has ended'}")
    return pipe.recv()


def relay(pipe, process, miner, seconds=None, count=None):
    """Relays one block after the other and gives how long each took."""
    took, began = [], time.monotonic()
    while (seconds is None or time.monotonic() - began < seconds) and (count is None or len(took) < count):
        start = time.monotonic()
        pipe.send(miner.next())
        took.append(heard(pipe, process))
        time.sleep(max(0.0, (BLOCK_EVERY if seconds else 0.5) - (time.monotonic() - start)))
    return took


def show_calls(when, watch):
    values = watch.all_calls()
    print(f"  {when}: {len(values)} calls, p50 {percentile(values, 0.5) * 1000:.1f} ms, p99 {percentile(values, 0.99) * 1000:.1f} ms, "
          f"longest {max(values) * 1000:.1f} ms", flush=True)
    print("   longest of each: " + ", ".join(f"{method} {max(took) * 1000:.1f}" for method, took in watch.calls.items()), flush=True)


def show_relay(when, values):
    print(f"  {when}: {len(values)} blocks relayed, p50 {percentile(values, 0.5) * 1000:.1f} ms, p90 {percentile(values, 0.9) * 1000:.1f} ms, "
          f"longest {max(values) * 1000:.1f} ms", flush=True)


def show_memory(samples, before):
    """About twenty points of the way memory went."""
    step = max(1, len(samples) // 20)
    line = " ".join(f"{at:.0f}s:{anonymous / 1e6:.0f}" for at, _, anonymous in samples[::step])
    print(f"  memory of no file, MB (before {before / 1e6:.0f}): {line}", flush=True)


def show_attacks(report):
    print(f"  {sum(report['opened'].values())} connections were made, {sum(report['dropped'].values())} dropped by the node, "
          f"{sum(report['sent'].values()) / 1e6:.0f} MB sent and {report['received'] / 1e6:.0f} MB read in {report['seconds']:.0f} s")
    print(f"  {'abuse':<24} {'opened':>8} {'sends':>9} {'MB':>8} {'dropped':>8}")
    for name in sorted(report["opened"]):
        print(f"  {name:<24} {report['opened'][name]:>8} {report['messages'].get(name, 0):>9} {report['sent'].get(name, 0) / 1e6:>8.1f} "
              f"{report['dropped'].get(name, 0):>8}")
    sys.stdout.flush()


def judge_memory(faults, samples, before, connections, seconds):
    growth, bound = max(anonymous for *_, anonymous in samples) - before, FIXED_GROWTH + GROWTH_OF_A_CONNECTION * connections
    judge(faults, growth <= bound, f"memory grew by {growth / 1e6:.1f} MB at most, the bound is {bound / 1e6:.0f} MB")
    third = max(1, len(samples) // 3)
    early, late = (statistics.median(anonymous for *_, anonymous in part) for part in (samples[third:2 * third], samples[-third:]))
    late_bound = LATE_GROWTH + LATE_GROWTH_AN_HOUR * seconds / 3600
    judge(faults, late - early <= late_bound,
          f"from the middle to the last third memory grew by {(late - early) / 1e6:.1f} MB, the bound is {late_bound / 1e6:.0f} MB")


def abused(node, miner, args, faults):
    """The whole run on a node that has the chain; the figures are returned."""
    context = multiprocessing.get_context("spawn")
    (good, good_end), (bad, bad_end) = context.Pipe(), context.Pipe()
    hashes = [bytes.fromhex(node.rpc("getblockhash", height))[::-1] for height in range(CHAIN - 10)]
    old_block = bytes.fromhex(node.rpc("getblock", hashes[50][::-1].hex(), 0))
    seconds = args.minutes * 60
    plan = abuse_attacks.Plan(node.port, args.connections, seconds, args.rate * 1e6, args.seed, hashes, old_block)
    honest_ones = context.Process(target=honest, args=(good_end, node.port), name="honest", daemon=True)
    attackers = context.Process(target=abuse_attacks.run, args=(bad_end, plan), name="abuse", daemon=True)
    honest_ones.start()
    attackers.start()
    try:
        heard(good, honest_ones)
        heard(bad, attackers)
        relay(good, honest_ones, miner, count=2)
        idle_watch = Watch(node)
        idle_watch.start()
        idle = relay(good, honest_ones, miner, count=IDLE_BLOCKS)
        idle_watch.finish()
        before, cpu, began = memory(node)[1], cpu_seconds(node), time.monotonic()
        show_calls("idle", idle_watch)
        show_relay("idle", idle)
        watch = Watch(node)
        bad.send("begin")
        watch.start()
        time.sleep(min(2.0, seconds / 4))
        busy = relay(good, honest_ones, miner, seconds=seconds - min(2.0, seconds / 4) - 1)
        cores = (cpu_seconds(node) - cpu) / (time.monotonic() - began)
        watch.finish()
        report = heard(bad, attackers)
        bad.send("enough")
        attackers.join(30)
        relay(good, honest_ones, miner, count=2)
        good.send(None)
        there = heard(good, honest_ones)
    finally:
        for process in (honest_ones, attackers):
            if process.is_alive():
                process.terminate()
                process.join(10)
    show_attacks(report)
    show_calls("abused", watch)
    show_relay("abused", busy)
    show_memory(watch.samples, before)
    print(f"  the node used {cores:.2f} cores and held {min(watch.peers)} to {max(watch.peers)} peers, {statistics.mean(watch.peers):.0f} on average")
    judge_memory(faults, watch.samples, before, max(watch.peers), seconds)
    nearly = percentile(watch.all_calls(), 0.99)
    judge(faults, nearly <= args.rpc_ms / 1000, f"RPC p99 {nearly * 1000:.1f} ms, the bound is {args.rpc_ms} ms")
    allowed = max(args.relay_factor * statistics.median(idle), INSTANT)
    judge(faults, statistics.median(busy) <= allowed,
          f"blocks relayed in {statistics.median(busy) * 1000:.1f} ms, {statistics.median(busy) / statistics.median(idle):.2f} times as long as when idle, "
          f"the bound is {args.relay_factor} times or {INSTANT * 1000:.0f} ms")
    judge(faults, max(busy) < 60, "every block arrived")
    judge(faults, there == HONEST_IDLERS + 2, f"{there} of {HONEST_IDLERS + 2} honest peers were never dropped")
    judge(faults, node.running() and node.rpc("getblockcount") == miner.node.rpc("getblockcount"), "the node runs and has every block")
    return {"idle_relay_s": idle, "abused_relay_s": busy, "rpc_s": watch.calls, "memory": watch.samples, "attacks": report, "cores": cores}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=0.5)
    parser.add_argument("--connections", type=int, default=200)
    parser.add_argument("--rate", type=float, default=4, help="MB a second that all attackers send together")
    parser.add_argument("--rpc-ms", type=float, default=50, help="milliseconds in which 99 of 100 calls are answered")
    parser.add_argument("--relay-factor", type=float, default=2, help="times as long as when idle that a block may take to be relayed")
    parser.add_argument("--json", type=pathlib.Path, help="all figures go there")
    parser.add_argument("--node", type=pathlib.Path, help="the program that is abused, if not cairnd")
    parser.add_argument("--option", action="append", default=[], help="one more option of the node")
    parser.add_argument("--keep", action="store_true", help="leave the nodes' folders")
    args = parser.parse_args()
    assert 10 <= args.connections <= 1000 and 0 < args.rate <= 100 and 0 < args.minutes <= 24 * 60
    args.seed = harness.seeded_random().randrange(1 << 30)
    # 11 of the slots are kept for connections of the node's own; a few less than come.
    room = args.connections + HONEST_IDLERS + 2 + 11 - args.connections // 20
    source = harness.Node(harness.cairnd(), "source", "-listen=0", "-connect=0")
    node = harness.Node(args.node or harness.cairnd(), "abused", f"-maxconnections={room}", "-connect=0", "-debug=0", *SMALL_CACHES, *args.option)
    faults = []
    try:
        with tx_material.Maker() as maker, source, node:
            miner = Miner(source, maker)
            for height in range(1, CHAIN + 1):
                node.rpc("submitblock", source.rpc("getblock", source.rpc("getblockhash", height), 0))
            node.wait_for_tip(source.rpc("getbestblockhash"))
            figures = abused(node, miner, args, faults)
            if args.json:
                args.json.write_text(json.dumps(figures))
        code = node.stop()
        if code:
            faults.append(f"exit code {code}")
    finally:
        if not args.keep:
            for each in (source, node):
                each.remove()
    print("passed" if not faults else f"FAILED: {'; '.join(faults)}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
