#!/usr/bin/env python3
"""contrib/filters/make_filter_checkpoints.py, run against a full node, gives filter headers that cairn-light then holds its peers to: it
syncs where they are right, believes nobody where one is not, and goes on with the right ones.

    filter_checkpoints_test.py [--blocks N]
"""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

import harness
from light_test import FILTERS, MINER, Light

SCRIPT = harness.ROOT / "contrib" / "filters" / "make_filter_checkpoints.py"


def run_script(*arguments):
    return subprocess.run([sys.executable, str(SCRIPT), *map(str, arguments)], capture_output=True, text=True, check=True).stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--blocks", type=int, default=4300)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cairn-checkpoints-") as folder:
        folder = pathlib.Path(folder)
        made, wrong = folder / "made.inc", folder / "wrong.inc"
        made.write_text('{Network::mainnet, 100000, "' + "ab" * 32 + '"},\n{Network::regtest, 7, "' + "cd" * 32 + '"},\n')
        full = harness.Node(harness.cairnd(), "full", *FILTERS)
        light = Light(harness.build_folder() / "cairn-light", "light")
        try:
            with full:
                full.rpc("generatetoaddress", args.blocks, MINER)
                full.wait_until(lambda: full.rpc("getindexinfo")["basic block filter index"]["synced"], 60, "filters made")
                cookie = full.network_folder / ".cookie"
                run_script("--node", f"http://127.0.0.1:{full.rpc_port}", "--cookie", cookie, "--every", 500, "--depth", 100, "-o", made)
                rows = re.findall(r"\{Network::(\w+), (\d+), \"([0-9a-f]{64})\"\}", made.read_text())
                heights = [int(height) for network, height, _ in rows if network == "regtest"]
                assert heights == list(range(500, args.blocks - 99, 500)), f"rows of the node's network are made anew: {heights}"
                assert ("mainnet", "100000", "ab" * 32) in rows, "rows of other networks stay"
                for _, height, header in rows[1:]:
                    assert full.rpc("getblockfilter", full.rpc("getblockhash", int(height)))["header"] == header

                light.options = [f"-connect=127.0.0.1:{full.port}", f"-filtercheckpoints={made}", f"-watch={MINER}@{args.blocks - 10}"]
                light.start()
                light.wait_synced(full.rpc("getbestblockhash"))
                print(f"with {len(heights)} headers from the node itself: synced, {len(light.heights())} blocks with payments")
                assert light.heights() == list(range(args.blocks - 10, args.blocks + 1))
                light.stop()
                light.remove()

                changed = rows[1:][2]
                wrong.write_text(made.read_text().replace(changed[2], "00" * 32))
                light = Light(harness.build_folder() / "cairn-light", "light2", f"-connect=127.0.0.1:{full.port}", f"-filtercheckpoints={wrong}")
                light.start()
                light.wait_until(lambda: light.info()["disputed"], 60, "a header that the peer contradicts")
                info = light.info()
                assert info["filterheaders"] < int(changed[1]) and not info["synced"], info
                print(f"with another header at {changed[1]}: disputed, {info['filterheaders']} filter headers believed")
                light.stop()
                light.options = [f"-connect=127.0.0.1:{full.port}", f"-filtercheckpoints={made}"]
                light.start()
                light.wait_synced(full.rpc("getbestblockhash"))
                light.stop()

                made.write_text("nonsense\n")
                try:
                    light.start()
                    raise AssertionError("took nonsense for headers")
                except RuntimeError as refused:
                    assert "line 1" in str(refused), refused
        finally:
            if light.running():
                light.kill()
            light.remove()
            full.remove()
    print("passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
