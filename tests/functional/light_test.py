#!/usr/bin/env python3
"""cairn-light against two of our full nodes and one of another implementation, and against a liar: it finds payments, survives a
restart, a kill and a reorganisation of ten blocks in the middle of a scan, and drops the liar.

    light_test.py [--reference FOLDER]
"""
import argparse
import struct
import sys
import threading
import socket
import time

import harness
import p2p

ADDRESSES = ["bcrt1qqyqszqgpqyqszqgpqyqszqgpqyqszqgpvxat9t", "bcrt1qqgpqyqszqgpqyqszqgpqyqszqgpqyqszazmwwa"]
MINER = "bcrt1qqvpsxqcrqvpsxqcrqvpsxqcrqvpsxqcruj60yu"
OTHER_MINER = "bcrt1qqszqgpqyqszqgpqyqszqgpqyqszqgpqyuza2rq"
FILTERS = ["-blockfilterindex=basic", "-peerblockfilters=1"]


class Light(harness.Node):
    """A cairn-light with a folder of its own."""

    def command(self, *more):
        return [str(self.binary), "-regtest", f"-datadir={self.folder}", f"-rpcport={self.rpc_port}", "-dnsseed=0", "-fixedseeds=0",
                "-printtoconsole=0", "-debug=net", "-feeblocks=0", *self.options, *more]

    def info(self):
        return self.rpc("getlightinfo")

    def wait_synced(self, tip, seconds=120):
        def done():
            info = self.info()
            return info["synced"] and info["bestblockhash"] == tip
        try:
            return self.wait_until(done, seconds, f"synced to {tip}")
        except TimeoutError as error:
            raise TimeoutError(f"{error}: {self.info()}") from None

    def heights(self):
        return sorted({p["blockheight"] for p in self.rpc("listpayments") if "blockheight" in p})


class Liar:
    """A peer that relays what an honest node says, byte for byte, but hides the scripts of one block from its filters."""

    def __init__(self, node, height):
        self.node, self.height = node, height
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def close(self):
        self.server.close()

    @staticmethod
    def _pull(source, count):
        data = bytearray()
        while len(data) < count:
            part = source.recv(count - len(data))
            if not part:
                raise ConnectionError
            data += part
        return bytes(data)

    def _messages(self, source):
        while True:
            header = self._pull(source, 24)
            if header[:4] != p2p.MAGIC["regtest"]:
                raise ConnectionError  # it tries v2
            payload = self._pull(source, struct.unpack("<I", header[16:20])[0])
            yield header[4:16].rstrip(b"\0").decode(), payload

    @staticmethod
    def _pack(command, payload):
        return p2p.MAGIC["regtest"] + command.encode().ljust(12, b"\0") + struct.pack("<I", len(payload)) + p2p.double_sha(payload)[:4] + payload

    def _serve(self, client):
        upstream = socket.create_connection(("127.0.0.1", self.node.port))
        hidden = bytes.fromhex(self.node.rpc("getblockhash", self.height))[::-1]
        asked = []

        def up():
            try:
                for command, payload in self._messages(client):
                    if command == "getcfheaders":
                        asked.append(struct.unpack("<I", payload[1:5])[0])
                    upstream.sendall(self._pack(command, payload))
            except (OSError, ConnectionError):
                pass
            upstream.close()

        threading.Thread(target=up, daemon=True).start()
        try:
            for command, payload in self._messages(upstream):
                if command == "cfilter" and payload[1:33] == hidden:
                    payload = payload[:33] + b"\x01\x00"
                elif command == "cfheaders" and asked:
                    first = asked.pop(0)
                    count, at = p2p.read_compact_size(payload, 65)
                    if first <= self.height < first + count:
                        place = at + 32 * (self.height - first)
                        payload = payload[:place] + p2p.double_sha(b"\x00") + payload[place + 32:]
                client.sendall(self._pack(command, payload))
        except (OSError, ConnectionError):
            pass
        client.close()


def mine(node, count, address=MINER):
    return node.rpc("generatetoaddress", count, address)


def wait_equal(nodes):
    tip = nodes[0].rpc("getbestblockhash")
    for node in nodes[1:]:
        node.wait_for_tip(tip, 120)
    for node in nodes:
        node.wait_until(lambda: node.rpc("getindexinfo").get("basic block filter index", {}).get("synced", False), 120, "filter index")
    return tip


def check(condition, what):
    if not condition:
        raise AssertionError(what)
    print(f"ok: {what}", flush=True)


def run(nodes, light, options):
    first = nodes[0]
    mine(first, 110)
    paid = []
    for _ in range(5):
        mine(first, 9)
        mine(first, 1, ADDRESSES[0])
        paid.append(first.rpc("getblockcount"))
    tip = wait_equal(nodes)
    light.options += [f"-watch={ADDRESSES[0]}"] + [f"-connect=127.0.0.1:{node.port}" for node in nodes]
    light.start()
    light.wait_synced(tip)
    check(light.heights() == paid, f"payments found at {paid}")
    info = light.info()
    check(info["crosscheckedby"] == len(nodes), f"{len(nodes)} peers agreed")
    check(info["blocksfetched"] <= len(paid) + 1, f"{info['blocksfetched']} blocks fetched for {len(paid)} payments")

    mine(first, 1, ADDRESSES[0])
    paid.append(first.rpc("getblockcount"))
    light.wait_synced(wait_equal(nodes))
    check(light.heights() == paid, "a new block is followed")

    check(light.stop() == 0, "it ends in order")
    mine(first, 3)
    tip = wait_equal(nodes)
    light.start()
    light.wait_synced(tip)
    check(light.heights() == paid, "payments are there after a restart")
    check(light.info()["filtersfetched"] == 3, "nothing is scanned twice")

    # Ten blocks go while a second script is looked for from the beginning.
    light.rpc("watchscript", ADDRESSES[1], 1)
    fork = first.rpc("getblockcount") - 10
    for node in nodes:
        node.rpc("invalidateblock", node.rpc("getblockhash", fork + 1))
    mine(first, 1, ADDRESSES[1])
    mine(first, 11)
    tip = wait_equal(nodes)
    light.wait_synced(tip)
    expected = sorted([height for height in paid if height <= fork] + [fork + 1])
    check(light.heights() == expected, f"payments are right after a reorganisation of ten blocks: {expected}")

    light.kill()
    mine(first, 5)
    tip = wait_equal(nodes)
    light.start()
    light.wait_synced(tip)
    check(light.heights() == expected, "and after a kill")
    light.stop()

    # Across a restart.
    for node in nodes:
        node.rpc("invalidateblock", node.rpc("getblockhash", fork + 1))
    mine(first, 30, OTHER_MINER)  # blocks equal to those that were invalidated would be refused
    tip = wait_equal(nodes)
    light.start()
    light.wait_synced(tip)
    expected = [height for height in paid if height <= fork]
    check(light.heights() == expected, "a reorganisation that came while it was off is undone")


def run_against_liar(nodes):
    tip = wait_equal(nodes)
    height = 120
    liar = Liar(nodes[0], height)
    light = Light(harness.build_folder() / "cairn-light", "light-liar", f"-watch={ADDRESSES[0]}", f"-connect=127.0.0.1:{liar.port}", "-v2transport=0",
                  *[f"-connect=127.0.0.1:{node.port}" for node in nodes[:2]])
    try:
        began = time.monotonic()
        light.start()
        light.wait_synced(tip)
        check(height in light.heights(), "the payment that a liar hides is found")
        check(light.info()["liarsdropped"] == 1 or liar.connections > 1, f"the liar was dropped ({time.monotonic() - began:.1f} s)")
        light.stop()
    finally:
        light.remove()
        liar.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference")
    options = parser.parse_args()
    light_binary = harness.build_folder() / "cairn-light"
    if not light_binary.is_file():
        harness.skip(f"there is no {light_binary}")
    nodes = [harness.Node(harness.cairnd(), name, *FILTERS) for name in ("a", "b")]
    other = harness.reference(options.reference)
    if other:
        nodes.append(harness.Node(other, "reference", *FILTERS))
    light = Light(light_binary, "light")
    try:
        for node in nodes:
            node.start()
        for node in nodes[1:]:
            node.connect(nodes[0])
        run(nodes, light, options)
        run_against_liar(nodes)
    finally:
        for node in [light, *nodes]:
            node.remove()
    print("passed")


if __name__ == "__main__":
    main()
