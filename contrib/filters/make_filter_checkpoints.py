#!/usr/bin/env python3
"""Makes the table of filter headers that cairn-light vouches for.

    make_filter_checkpoints.py --node http://127.0.0.1:8332 --cookie ~/.bitcoin/.cookie [--every 50000] [--depth 2016] [-o FILE]
    make_filter_checkpoints.py --json FILE [-o FILE]      from {"mainnet": {"height": "header"}}
    make_filter_checkpoints.py --json FILE --check FILE   exits 1 when the table lacks one of them

With a node (a full node with -blockfilterindex=basic) the rows of its network are made anew and those of the others are
kept. Blocks less than --depth deep are left out.
"""
import argparse
import base64
import json
import pathlib
import re
import sys
import urllib.request

TABLE = pathlib.Path(__file__).resolve().parent.parent.parent / "light" / "client" / "detail" / "filter_checkpoints.inc"
NETWORKS = {"main": "mainnet", "test": "testnet3", "testnet4": "testnet4", "signet": "signet", "regtest": "regtest"}


class Rpc:
    def __init__(self, url, cookie):
        self.url = url
        self.authorization = "Basic " + base64.b64encode(pathlib.Path(cookie).expanduser().read_bytes().strip()).decode()

    def __call__(self, method, *params):
        body = json.dumps({"id": 1, "method": method, "params": params}).encode()
        request = urllib.request.Request(self.url, body, {"Authorization": self.authorization, "Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["result"]


def read_table(path):
    rows = {}
    if path.exists():
        for network, height, header in re.findall(r"\{Network::(\w+), (\d+), \"([0-9a-f]{64})\"\}", path.read_text()):
            rows[network, int(height)] = header
    return rows


def write_table(path, rows):
    path.write_text("".join(f'{{Network::{network}, {height}, "{header}"}},\n' for (network, height), header in sorted(rows.items())))


def from_node(url, cookie, every, depth):
    rpc = Rpc(url, cookie)
    info = rpc("getblockchaininfo")
    network = NETWORKS[info["chain"]]
    heights = range(every, info["blocks"] - depth + 1, every)
    return network, {(network, height): rpc("getblockfilter", rpc("getblockhash", height))["header"] for height in heights}


def from_json(path):
    known = json.loads(pathlib.Path(path).read_text())
    return {(network, int(height)): header for network, rows in known.items() if network in NETWORKS.values() for height, header in rows.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--node")
    parser.add_argument("--cookie")
    parser.add_argument("--every", type=int, default=50_000)
    parser.add_argument("--depth", type=int, default=2016)
    parser.add_argument("--json")
    parser.add_argument("--check", type=pathlib.Path)
    parser.add_argument("-o", "--output", type=pathlib.Path, default=TABLE)
    options = parser.parse_args()
    if options.json and options.check:
        table = read_table(options.check)
        wrong = [key for key, header in from_json(options.json).items() if table.get(key) != header]
        print(f"{len(wrong)} of the rows are missing or different" if wrong else "the table holds them all")
        return 1 if wrong else 0
    rows = read_table(options.output)
    if options.json:
        rows.update(from_json(options.json))
    elif options.node and options.cookie:
        network, made = from_node(options.node, options.cookie, options.every, options.depth)
        rows = {key: header for key, header in rows.items() if key[0] != network} | made
    else:
        parser.error("give --node and --cookie, or --json")
    write_table(options.output, rows)
    print(f"{len(rows)} rows in {options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
