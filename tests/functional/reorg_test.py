#!/usr/bin/env python3
"""Reorganisations of 1, 10 and 300 blocks, driven from the reference node, are followed; the UTXO hash agrees after each."""
import sys

import harness

ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"


def main():
    binary = harness.need_reference()
    driver = harness.Node(binary, "driver").start()
    follower = harness.Node(harness.cairnd(), "follower", f"-connect=127.0.0.1:{driver.port}").start()
    try:
        follower.wait_until(lambda: follower.rpc("getconnectioncount") == 1, 30, "connection")
        driver.rpc("generatetoaddress", 120, ADDRESS)
        for depth in (1, 10, 300):
            driver.rpc("generatetoaddress", depth, ADDRESS)
            old_tip = driver.rpc("getbestblockhash")
            follower.wait_for_tip(old_tip)
            fork = driver.rpc("getblockhash", driver.rpc("getblockcount") - depth + 1)
            driver.rpc("invalidateblock", fork)
            # One block more than before, with another coinbase script, so that the new branch differs.
            driver.rpc("generatetodescriptor", depth + 1, "raw(51)#8lvh9jxk")
            new_tip = driver.rpc("getbestblockhash")
            seconds = follower.wait_for_tip(new_tip)
            ours, theirs = follower.utxo_hashes(), driver.utxo_hashes()
            assert ours == theirs, (depth, ours, theirs)
            forks = [t for t in follower.rpc("getchaintips") if t["hash"] == old_tip]
            assert forks and forks[0]["branchlen"] == depth and forks[0]["status"] == "valid-fork", forks
            print(f"reorganisation of {depth} blocks followed in {seconds:.2f} s, UTXO hash {ours['muhash']['muhash'][:16]}… agrees")
    finally:
        follower.remove()
        driver.remove()
    return 0


if __name__ == "__main__":
    sys.exit(main())
