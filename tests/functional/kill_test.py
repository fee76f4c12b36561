#!/usr/bin/env python3
"""`kill -9` at random moments of a sync: each restart is ready soon, needs no reindex, and the UTXO hash is right at the end.

    CAIRN_CHAIN            the chain; its FILE.json names the tip
    CAIRN_KILLS            how many kills (default 50), every other one aimed into a flush of the coins
    CAIRN_SOURCE           "p2p" (default when there is a reference: it serves the blocks) or "loadblock"
    CAIRN_RESTART_SECONDS  the longest that a restart may take until RPC answers (default 5: the machine may be busy)

The kills are spread evenly over the bytes of the chain. A small cache makes the node flush every few blocks.
"""
import os
import re
import statistics
import struct
import sys
import time

import harness

FLUSH_PAUSE = 0.04  # seconds: kills fall up to so long after a flush began


def block_ends(chain):
    """Where each block of the chain file ends. The file has the blocks of one branch in order."""
    ends, data, position = [], chain.read_bytes(), 0
    while position + 8 <= len(data):
        magic, size = struct.unpack_from("<4sI", data, position)
        if magic == b"\0" * 4:
            break
        position += 8 + size
        ends.append(position)
    return ends


def kill_heights(chain, tip_height, random, kills):
    """Heights at which to kill, rising: so that about as many bytes are synced between any two."""
    ends = block_ends(chain)
    first = tip_height + 1 - len(ends)  # 0 when the file begins with genesis
    wanted = sorted(random.random() * ends[-1] for _ in range(kills))
    heights, at = [], 0
    for position in wanted:
        while ends[at] < position:
            at += 1
        heights.append(max(1, min(first + at, tip_height - 1)))
    return heights


class LogTail:
    """Follows a node's log: is it in the middle of a flush, and at which height?"""

    def __init__(self, node):
        self.path, self.position, self.flushing, self.height, self.rest = node.log_file, 0, False, 0, b""
        if self.path.exists():
            self.position = self.path.stat().st_size

    def in_flush(self):
        try:
            with open(self.path, "rb") as file:
                file.seek(self.position)
                text = file.read()
        except OSError:
            return False
        self.position += len(text)
        lines = (self.rest + text).split(b"\n")
        self.rest = lines.pop()
        for line in lines:
            if b"Flushing " in line:
                self.flushing = True
            elif b"Flushed " in line:
                self.flushing = False
            elif b"UpdateTip" in line:
                self.height = int(re.search(rb" height=(\d+)", line)[1])
        return self.flushing


def wait_for_flush(node, log, random, tip, seconds=60):
    """Until the node has been in a flush for a random while and is still; False when it is at the tip and flushes no more."""
    deadline, asked = time.monotonic() + seconds, 0.0
    while time.monotonic() < deadline:
        if log.in_flush():
            time.sleep(random.random() * FLUSH_PAUSE)
            if log.in_flush():
                return True
        time.sleep(0.0005)
        if time.monotonic() - asked > 1:
            asked = time.monotonic()
            if node.rpc("getblockcount") >= tip:
                return False
    return False


def wait_for_height(node, height, seconds=300):
    node.wait_until(lambda: node.rpc("getblockcount") >= height, seconds, f"height {height}")


def height_from_disk(node):
    """What the last start found; when RPC answers, more may have come already that is not written."""
    return int(re.findall(r"Loaded best chain: .*height=(\d+)", node.log_file.read_text(errors="replace"))[-1])


def check_log(node):
    text = node.log_file.read_text(errors="replace")
    for word in ("Reindexing", "Wiping", "orrupt", "Verification error", "-reindex"):
        assert word not in text, f"the log speaks of {word!r}"


def main():
    chain = harness.need_chain()
    summary = harness.summary_of(chain)
    random = harness.seeded_random()
    kills = int(os.environ.get("CAIRN_KILLS", "50"))
    limit = float(os.environ.get("CAIRN_RESTART_SECONDS", "5"))
    source = os.environ.get("CAIRN_SOURCE", "p2p" if harness.reference() else "loadblock")
    targets = kill_heights(chain, summary["height"], random, kills)
    # The oracle: a node that imported the chain undisturbed.
    oracle = harness.Node(harness.reference() or harness.cairnd(), "oracle", f"-loadblock={chain}", "-checkblockindex=0", "-connect=0",
                          "-dbcache=1000", f"-assumevalid={summary.get('assumevalid', summary['tip'])}")
    node = harness.Node(harness.cairnd(), "victim", "-dbcache=4", "-debug=coindb",
                        f"-connect=127.0.0.1:{oracle.port}" if source == "p2p" else "-connect=0",
                        *([f"-loadblock={chain}"] if source != "p2p" else []))
    restarts, heights, in_flush, lost, began = [], [], 0, [], time.monotonic()
    try:
        oracle.start().wait_for_tip(summary["tip"], 1800)
        expected = oracle.rpc("gettxoutsetinfo", "hash_serialized_3")["hash_serialized_3"]
        print(f"oracle ready after {time.monotonic() - began:.0f} s; {source}; kills at heights {targets}", flush=True)
        node.start()
        for number, target in enumerate(targets):
            log = LogTail(node)
            wait_for_height(node, target)
            if number % 2 == 0:
                wait_for_flush(node, log, random, summary["height"])
            else:
                time.sleep(random.random() * 0.2)
            node.kill()
            in_flush += log.in_flush()
            node.start(wait=False)
            restarts.append(node.wait_ready(60))
            heights.append(height_from_disk(node))
            lost.append(max(0, log.height - heights[-1]))
            assert len(heights) < 2 or heights[-1] >= heights[-2], f"what was durable is gone: heights at restart {heights}"
        node.wait_for_tip(summary["tip"], 1800)
        found = node.rpc("gettxoutsetinfo", "hash_serialized_3")["hash_serialized_3"]
        print(f"{kills} kills, {in_flush} of them within a flush; restart until RPC answered: median {statistics.median(restarts):.2f} s, "
              f"slowest {max(restarts):.2f} s (at height {heights[restarts.index(max(restarts))]})")
        print(f"heights after the restarts: {heights}\nblocks to be connected again: median {statistics.median(lost)}, most {max(lost)}")
        assert found == expected, f"UTXO hash {found}, expected {expected}"
        check_log(node)
        assert in_flush >= kills // 4, "too few kills fell into a flush"
        assert max(restarts) < limit, f"a restart took longer than {limit} s"
        print(f"no reindex, and the UTXO hash agrees; {time.monotonic() - began:.0f} s")
    finally:
        node.remove()
        if oracle.process:
            oracle.stop()
        oracle.remove()
    return 0


if __name__ == "__main__":
    sys.exit(main())
