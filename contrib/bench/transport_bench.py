#!/usr/bin/env python3
"""What serving blocks costs a node: bytes a second of one core's time, over v1 and v2, beside a reference node.

    transport_bench.py [--reference BITCOIND] [--seconds S] [--rounds N]

Both nodes have the same chain with blocks of nearly 1 MB. A client that only unpacks (tests/functional/tools/blockdrain, built as
`blockdrain`) asks for the last block again and again, which both hold in memory: that is the transport alone. Then it asks for twenty
older ones, which both read from disk. What counts is the node's processor time, so that other work on the machine matters little. The
rounds alternate; the medians are printed. Needs what tests/functional needs (CAIRN_BUILD, CAIRN_TXMAKER, CAIRN_REFERENCE).
"""
import argparse
import os
import pathlib
import statistics
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "tests" / "functional"))
import harness  # noqa: E402
import tx_material  # noqa: E402

BLOCKS, OUTPUTS = 20, 18_000


def cpu_seconds(node):
    fields = pathlib.Path(f"/proc/{node.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def make_chain(maker, node):
    coin = tx_material.fund(maker, node, 1, kinds=["p2tr-key"], amount=40 * 10**8, per_transaction=1)[0]
    script = maker.script("p2wpkh", 1)
    for _ in range(BLOCKS + 1):
        outputs = [("p2tr-key", 5, coin.amount - 10_000)] + [("return", 40, 0)] * OUTPUTS
        tx = maker.make([tx_material.draft([coin], outputs)])[0]
        coin = tx.coins[0]
        last = node.rpc("generateblock", f"raw({script})", [tx.hex])["hash"]
    return [node.rpc("getblockhash", height) for height in range(1, node.rpc("getblockcount") + 1)], last


def drain(node, transport, hashes, seconds):
    """(bytes a second of the node's time, of the client's)"""
    before = cpu_seconds(node)
    program = harness.build_folder() / "tests" / "functional" / "blockdrain"
    answer = subprocess.run([str(program), str(node.port), transport, "fabfb5da", str(seconds)], input="\n".join(hashes), text=True,
                            capture_output=True, check=True).stdout
    figures = {name: float(value) for name, value in (line.split() for line in answer.splitlines())}
    return figures["bytes"] / (cpu_seconds(node) - before), figures["bytes"] / figures["cpu"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reference")
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    options = ["-connect=0", "-v2transport=1", "-maxtipage=1000000000"]
    nodes = {"reference": harness.Node(harness.need_reference(args.reference), "reference", *options),
             "cairn": harness.Node(harness.cairnd(), "cairn", *options)}
    try:
        with tx_material.Maker() as maker, nodes["reference"], nodes["cairn"]:
            cairn, other = nodes["cairn"], nodes["reference"]
            hashes, tip = make_chain(maker, cairn)
            for block in hashes:
                other.rpc("submitblock", cairn.rpc("getblock", block, 0))
            assert other.rpc("getbestblockhash") == tip
            found = {}
            for _ in range(args.rounds):
                for what, wanted in (("from memory", [tip]), ("from disk", hashes[-BLOCKS - 1:-1])):
                    for transport in ("v1", "v2"):
                        for name, node in nodes.items():
                            found.setdefault((what, transport, name), []).append(drain(node, transport, wanted, args.seconds)[0] / 1e6)
            print("| blocks | transport | reference MB/s per core | cairn MB/s per core | ratio |\n|---|---|---:|---:|---:|")
            for what, transport in dict.fromkeys(key[:2] for key in found):
                theirs, ours = (statistics.median(found[what, transport, name]) for name in nodes)
                print(f"| {what} | {transport} | {theirs:.0f} | {ours:.0f} | {ours / theirs:.2f} |", flush=True)
    finally:
        for node in nodes.values():
            node.remove()
    return 0


if __name__ == "__main__":
    sys.exit(main())
