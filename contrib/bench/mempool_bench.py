#!/usr/bin/env python3
"""How fast transactions come in, block templates come out and blocks travel, beside another node, in one run.

    mempool_bench.py [accept] [templates] [blocks] [--transactions N] [--runs N] [--out FILE]

    CAIRN_BUILD, CAIRN_TXMAKER, CAIRN_REFERENCE: as for tests/functional

accept     N independent transactions, half P2WPKH and half P2TR, one input and two outputs: by sendrawtransaction over one kept
           connection, over four at once, in JSON-RPC batches of 100, and as P2P `tx` messages of one peer; and the same with P2WSH inputs whose script is
           OP_TRUE, which leaves everything but the signatures.
templates  getblocktemplate with a mempool of 300 MB: warm, and the first call after a new block.
blocks     from the tip of the miner to the tip of its neighbour, by their logs, when both have the same mempool.

Nodes take turns and start afresh for each measurement; the machine should do nothing else.
"""
import argparse
import contextlib
import datetime
import json
import math
import pathlib
import re
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "tests" / "functional"))
import harness  # noqa: E402
import p2p  # noqa: E402
import tx_material  # noqa: E402

COMMON = ["-persistmempool=0", "-maxmempool=2000", "-maxtipage=1000000000", "-whitelist=noban,relay,in,out@127.0.0.1", "-blockmaxweight=3996000",
          "-rpcservertimeout=600", "-checkmempool=0", "-checkblockindex=0", "-checkaddrman=0"]


class RpcLoad:
    """Calls by the C++ client, one at a time on each connection: a client in Python takes longer over a call than a node."""

    def __init__(self, node):
        self.node = node
        self.program = pathlib.Path(tx_material.txmaker()).with_name("rpcload")

    @staticmethod
    def body(method, params):
        return json.dumps({"id": 1, "method": method, "params": params})

    @contextlib.contextmanager
    def line(self):
        """A kept connection: a function that makes a call and gives the milliseconds it took."""
        process = subprocess.Popen([self.program, str(self.node.rpc_port), self.node.authorization(), "0"], text=True, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE)

        def ask(body):
            process.stdin.write(body + "\n")
            process.stdin.flush()
            return float(process.stdout.readline()) / 1000

        try:
            yield ask
        finally:
            process.stdin.close()
            process.wait(timeout=10)

    def run(self, bodies, connections):
        """Gives what rpcload says by name; raises when a call was refused."""
        done = subprocess.run([self.program, str(self.node.rpc_port), self.node.authorization(), str(connections)], text=True,
                              input="".join(body + "\n" for body in bodies), capture_output=True, timeout=900, check=True)
        said = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
        if said["refused"] != "0":
            raise RuntimeError(f"{said['refused']} refused by {self.node.name}: {done.stdout}")
        return {name: float(value) for name, value in said.items()}


class Bench:
    def __init__(self, args):
        self.args, self.rows = args, []
        self.maker = tx_material.Maker()
        self.kinds = {"core": (harness.need_reference(), ["-corepolicy=1"]), "cairn": (harness.cairnd(), ["-txsendrate=1000000"])}
        self.nodes = {name: harness.Node(binary, f"bench-{name}", *COMMON, *more) for name, (binary, more) in self.kinds.items()}

    def say(self, what, name, values, unit):
        values = sorted(values)
        row = {"what": what, "node": name, "unit": unit, "values": values, "median": statistics.median(values)}
        self.rows.append(row)
        shown = ", ".join(f"{value:,.1f}" for value in values) if len(values) <= 5 else f"{len(values)} values"
        print(f"  {what}: {name} {row['median']:,.1f} {unit} ({shown})", flush=True)

    def prepare(self):
        """One chain in both folders with enough coins, and the transactions."""
        began = time.monotonic()
        count = self.args.transactions
        node = self.nodes["core"].start()
        rates = [("p2wpkh", "p2tr-key"), ("p2wsh-true",)]
        coins = [tx_material.fund(self.maker, node, count, kinds=list(kinds), amount=100_000, per_transaction=2000) for kinds in rates]
        blocks = [node.rpc("getblock", node.rpc("getblockhash", height), 0) for height in range(1, node.rpc("getblockcount") + 1)]
        node.stop()
        with self.nodes["cairn"] as other:
            for block in blocks:
                other.rpc("submitblock", block)
        self.signed, self.plain = [self.maker.make([tx_material.spend([coin], ["p2wpkh", "p2tr-key"], 10, 30_000_000 + 2 * n)
                                                    for n, coin in enumerate(row)]) for row in coins]
        print(f"{len(blocks)} blocks, {len(self.signed)} signed and {len(self.plain)} plain transactions "
              f"in {time.monotonic() - began:.0f} s", flush=True)

    def by_rpc(self, node, txs, connections, batch=1):
        load = RpcLoad(node)
        calls = [load.body("sendrawtransaction", [tx.hex, 0]) for tx in txs]
        if batch > 1:
            calls = ["[" + ",".join(calls[begin:begin + batch]) + "]" for begin in range(0, len(calls), batch)]
        return len(txs) / load.run(calls, connections)["seconds"]

    def by_p2p(self, node, txs):
        with p2p.Peer(node.port) as peer:
            messages = []
            for tx in txs:
                payload = bytes.fromhex(tx.hex)
                messages.append(peer.magic + b"tx".ljust(12, b"\0") + len(payload).to_bytes(4, "little") + p2p.double_sha(payload)[:4] + payload)
            began = time.monotonic()
            for begin in range(0, len(messages), 500):
                peer.socket.sendall(b"".join(messages[begin:begin + 500]))
            while (size := node.rpc("getmempoolinfo")["size"]) < len(txs):
                if time.monotonic() - began > 600:
                    raise TimeoutError(f"{node.name} took {size} of {len(txs)}")
                time.sleep(0.02)
            return len(txs) / (time.monotonic() - began)

    def accept(self):
        ways = [("rpc, one connection", lambda node, txs: self.by_rpc(node, txs, 1)),
                ("rpc, four connections", lambda node, txs: self.by_rpc(node, txs, 4)),
                ("rpc, batches of 100", lambda node, txs: self.by_rpc(node, txs, 1, 100)), ("p2p", self.by_p2p)]
        for kind, txs in (("signed", self.signed), ("no signatures", self.plain)):
            for way, measure in ways:
                found = {name: [] for name in self.nodes}
                for _ in range(self.args.runs):
                    for name, node in self.nodes.items():
                        with node:
                            found[name].append(measure(node, txs))
                for name, values in found.items():
                    self.say(f"accept, {kind}, {way}", name, values, "tx/s")

    def templates(self):
        for name, node in self.nodes.items():
            with node:
                coins = [coin for tx in self.signed for coin in tx.inputs]
                began, made = time.monotonic(), 0
                while coins and node.rpc("getmempoolinfo")["usage"] < 300_000_000:
                    part, coins = coins[:2000], coins[2000:]
                    txs = self.maker.make([tx_material.spend([coin], ["p2wpkh"] * 24, 5 + n % 50, 50_000_000 + 24 * n) for n, coin in enumerate(part)])
                    self.by_rpc(node, txs, 4)
                    made += len(txs)
                usage = node.rpc("getmempoolinfo")["usage"] / 1e6
                print(f"  {name}: {made} transactions, {usage:.0f} MB in {time.monotonic() - began:.0f} s", flush=True)
                load = RpcLoad(node)
                call = load.body("getblocktemplate", [{"rules": ["segwit"]}])
                script = self.maker.script("p2wpkh", 1)
                with load.line() as ask:
                    warm = [ask(call) for _ in range(300)]
                    fresh = []
                    for _ in range(100):
                        node.rpc("generatetodescriptor", 1, f"raw({script})")
                        fresh.append(ask(call))
                        time.sleep(0.25)  # blocks do not come in a row: what the node does behind each is not part of the next
            for what, values in (("warm", warm), ("after a block", fresh)):
                values.sort()
                self.say(f"getblocktemplate, {what}, p50", name, [values[len(values) // 2]], "ms")
                self.say(f"getblocktemplate, {what}, p99", name, [values[math.ceil(len(values) * 0.99) - 1]], "ms")
                self.say(f"getblocktemplate, {what}, longest", name, [values[-1]], "ms")

    TIP = re.compile(r"^(\S+) UpdateTip: new best=([0-9a-f]{64})", re.M)

    def tips(self, node, offset):
        with open(node.log_file, "rb") as log:
            log.seek(offset)
            text = log.read().decode(errors="replace")
        return {match[2]: datetime.datetime.fromisoformat(match[1].replace("Z", "+00:00")).timestamp() for match in self.TIP.finditer(text)}

    def blocks(self):
        txs = self.signed[:self.args.blocks * 1000]
        for name, first in self.nodes.items():
            binary, more = self.kinds[name]
            first.options = [*COMMON, *more, "-logtimemicros=1", "-blockmaxweight=600000"]
            second = harness.Node(binary, f"bench-{name}-2", *COMMON, *more, "-logtimemicros=1")
            with first, second:
                second.connect(first)
                second.wait_until(lambda: second.rpc("getblockcount") == first.rpc("getblockcount"), 600, "the chain")
                self.by_rpc(first, txs, 4)
                second.wait_until(lambda: second.rpc("getmempoolinfo")["size"] == len(txs), 600, "the mempool")
                offsets = [node.log_file.stat().st_size for node in (first, second)]
                script = self.maker.script("p2wpkh", 1)
                for _ in range(self.args.blocks):
                    second.wait_for_tip(first.rpc("generatetodescriptor", 1, f"raw({script})")[0])
                    time.sleep(0.2)
                mined, seen = (self.tips(node, offset) for node, offset in zip((first, second), offsets))
            second.remove()
            delays = sorted((seen[block] - when) * 1000 for block, when in mined.items() if block in seen)
            self.say("block to neighbour, p50", name, [delays[len(delays) // 2]], "ms")
            self.say("block to neighbour, p99", name, [delays[min(len(delays) - 1, int(len(delays) * 0.99))]], "ms")

    def close(self):
        self.maker.close()
        for node in self.nodes.values():
            node.remove()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="*", default=["accept", "templates", "blocks"])
    parser.add_argument("--transactions", type=int, default=100_000)
    parser.add_argument("--blocks", type=int, default=60)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--out", help="write the values there as JSON")
    args = parser.parse_args()
    bench = Bench(args)
    try:
        bench.prepare()
        for what in args.what:
            print(what, flush=True)
            getattr(bench, what)()
    finally:
        bench.close()
    print("| case | core | cairn | ratio |\n|---|---:|---:|---:|")
    by_case = {}
    for row in bench.rows:
        by_case.setdefault((row["what"], row["unit"]), {})[row["node"]] = row["median"]
    for (what, unit), values in by_case.items():
        if len(values) == 2:
            print(f"| {what} ({unit}) | {values['core']:,.1f} | {values['cairn']:,.1f} | {values['cairn'] / values['core']:.2f} |")
    if args.out:
        pathlib.Path(args.out).write_text(json.dumps(bench.rows, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
