#!/usr/bin/env python3
"""`kill -9` at random moments of a sync: each restart is ready soon, needs no reindex, and the UTXO hash is right at the end.

    CAIRN_CHAIN    the chain; its FILE.json names the tip
    CAIRN_KILLS    how many kills (default 50), half of them aimed into a flush
    CAIRN_SOURCE   "p2p" (default when CAIRN_REFERENCE is set: the reference serves the blocks) or "loadblock"
"""
import json
import os
import sys
import time

import harness


def flushing(node):
    """True while the log's newest lines say that a flush has begun and not ended."""
    try:
        tail = (node.network_folder / "debug.log").read_bytes()[-4000:].decode(errors="replace")
    except OSError:
        return False
    return tail.rfind("Flushing") > tail.rfind("Flushed")


def main():
    chain = harness.need_chain()
    summary = json.loads(chain.with_name(chain.name + ".json").read_text())
    random = harness.seeded_random()
    kills = int(os.environ.get("CAIRN_KILLS", "50"))
    source = os.environ.get("CAIRN_SOURCE", "p2p" if harness.reference() else "loadblock")
    # The oracle: a node that imported the chain undisturbed.
    oracle = harness.Node(harness.reference() or harness.cairnd(), "oracle", f"-loadblock={chain}", "-checkblockindex=0")
    oracle.start().wait_for_tip(summary["tip"])
    expected = oracle.rpc("gettxoutsetinfo", "hash_serialized_3")["hash_serialized_3"]
    # A small cache flushes often, so that kills fall into flushes too.
    node = harness.Node(harness.cairnd(), "victim", "-dbcache=4", "-debug=coindb", f"-connect=127.0.0.1:{oracle.port}")
    more = [] if source == "p2p" else [f"-loadblock={chain}"]
    slowest, in_flush, heights = 0.0, 0, []
    try:
        for kill in range(kills):
            node.start(*more, wait=False)
            slowest = max(slowest, node.wait_ready(30))
            height = node.rpc("getblockcount")
            heights.append(height)
            if kill % 2 == 0:
                deadline = time.time() + 8
                while time.time() < deadline and not flushing(node):
                    time.sleep(0.001)
                time.sleep(random.random() * 0.05)
            else:
                time.sleep(random.random() * 1.5)
            in_flush += flushing(node)
            node.kill()
            if height >= summary["height"] * 0.95:
                node.remove()
                node.folder.mkdir()
        node.start(*more, wait=False)
        slowest = max(slowest, node.wait_ready(30))
        node.wait_for_tip(summary["tip"])
        found = node.rpc("gettxoutsetinfo", "hash_serialized_3")["hash_serialized_3"]
        print(f"{kills} kills, {in_flush} of them within a flush; slowest restart until RPC answered {slowest:.2f} s; "
              f"heights found at restart: {heights}")
        assert found == expected, f"UTXO hash {found}, expected {expected}"
        assert slowest < 5, "a restart took longer than 5 s"
        print("the UTXO hash agrees")
    finally:
        node.remove()
        oracle.stop()
        oracle.remove()
    return 0


if __name__ == "__main__":
    sys.exit(main())
