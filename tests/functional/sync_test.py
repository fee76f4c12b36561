#!/usr/bin/env python3
"""The benchmark chain through every door: from the reference over P2P, by -loadblock, and to the reference from us.

All ends must have the same tip and the same gettxoutsetinfo in all three hash modes. A copy of the chain with one bad
signature late must be refused by both at the same block for the same reason.
"""
import pathlib
import struct
import sys
import tempfile

import harness

QUIET = ("-checkblockindex=0",)


def blocks_of(path):
    data = path.read_bytes()
    position = 0
    while position + 8 <= len(data):
        _, size = struct.unpack_from("<II", data, position)
        yield position + 8, size
        position += 8 + size


def write_bad_chain(chain, summary, to):
    """Flips one bit of a signature in the last block that has more than a coinbase, and mends its merkle tree and header."""
    import corrupt_block
    spans = list(blocks_of(chain))
    data = bytearray(chain.read_bytes())
    for start, size in reversed(spans):
        if size > 2000:
            bad = corrupt_block.with_bad_signature(bytes(data[start:start + size]))
            assert len(bad) == size
            data[start:start + size] = bad
            # What follows builds on the good block: it goes.
            del data[start + size:]
            to.write_bytes(data)
            return corrupt_block.block_hash(bad)
    raise AssertionError("no block with a transaction")


def tip_report(node, bad_hash):
    tips = {t["hash"]: (t["height"], t["status"]) for t in node.rpc("getchaintips")}
    return tips.get(bad_hash), node.rpc("getbestblockhash")


def main():
    binary, chain = harness.need_reference(), harness.need_chain()
    summary = harness.summary_of(chain)
    nodes = []

    def node(program, name, *options):
        nodes.append(harness.Node(program, name, *options))
        return nodes[-1]

    try:
        reference = node(binary, "reference", *QUIET, f"-loadblock={chain}").start()
        reference.wait_for_tip(summary["tip"])
        expected = reference.utxo_hashes()
        print("reference:", expected["hash_serialized_3"]["hash_serialized_3"], expected["muhash"]["muhash"])

        over_p2p = node(harness.cairnd(), "p2p", f"-connect=127.0.0.1:{reference.port}").start()
        print(f"cairnd over P2P: {over_p2p.wait_for_tip(summary['tip']):.1f} s")
        assert over_p2p.utxo_hashes() == expected, "UTXO sets differ after the sync over P2P"
        imported = node(harness.cairnd(), "import", "-connect=0", f"-loadblock={chain}").start()
        print(f"cairnd by -loadblock: {imported.wait_for_tip(summary['tip']):.1f} s")
        assert imported.utxo_hashes() == expected, "UTXO sets differ after -loadblock"
        reference.stop()

        fresh = node(binary, "from-cairn", *QUIET, f"-connect=127.0.0.1:{over_p2p.port}").start()
        print(f"reference from cairnd: {fresh.wait_for_tip(summary['tip']):.1f} s")
        assert fresh.utxo_hashes() == expected, "the reference's UTXO set differs after a sync from cairnd"

        with tempfile.TemporaryDirectory() as folder:
            bad = pathlib.Path(folder) / "bad.dat"
            bad_hash = write_bad_chain(chain, summary, bad)
            reports, reasons = [], []
            for program, name in ((binary, "bad-reference"), (harness.cairnd(), "bad-cairn")):
                judge = node(program, name, *QUIET, "-connect=0", "-assumevalid=0", f"-loadblock={bad}").start()
                judge.wait_until(lambda: tip_report(judge, bad_hash)[0] == (judge.rpc("getblockcount") + 1, "invalid"), 300, "refusal of the bad block")
                reports.append(tip_report(judge, bad_hash))
                log = judge.log_file.read_text(errors="replace")
                reasons.append(sorted({w for w in ("script-verify-flag-failed",) if w in log}))
                judge.stop()
            print("bad signature:", reports, reasons)
            assert reports[0] == reports[1] and reasons[0] == reasons[1] and reasons[0], "the nodes judge the bad chain differently"
    finally:
        for each in nodes:
            each.remove()
    print("same tip, same UTXO set, same refusal")
    return 0


if __name__ == "__main__":
    sys.exit(main())
