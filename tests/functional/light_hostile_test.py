#!/usr/bin/env python3
"""cairn-light among four honest nodes and two liars of each kind in turn: it has to find every payment, drop the liars, and lose
little time over them. Prints for each kind the time to the right answer beside that of a run without liars, and the time until
both liars were gone.

    light_hostile_test.py [--only KIND]
"""
import argparse
import os
import socket
import struct
import threading
import time

import harness
import p2p
from light_test import FILTERS, MINER, Light, check, wait_equal

ADDRESS = "bcrt1qqyqszqgpqyqszqgpqyqszqgpqyqszqgpvxat9t"
HONEST = 4
LIARS = 2
ANSWER_WITHIN = 90   # seconds; generous, for machines that do something else besides
DROPPED_WITHIN = 120


class Liar:
    """Stands between the client and an honest node, and changes what goes by. Subclasses say how."""

    name = "honest"
    is_dropped = True  # within the time of the test

    def __init__(self, node, heights):
        self.node, self.heights = node, heights
        self.hashes = {height: bytes.fromhex(node.rpc("getblockhash", height))[::-1] for height in heights}
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.dropped_at = None
        self.lied = False  # whom nobody asks cannot lie
        self.closed = False
        threading.Thread(target=self._accept, daemon=True).start()

    # --- what goes wrong

    def up(self, command, payload):
        """What the client says: (command, payload), or None to swallow it."""
        return command, payload

    def down(self, command, payload):
        """What the honest node says."""
        return command, payload

    # --- the wires

    def close(self):
        self.closed = True
        self.server.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

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
                raise ConnectionError
            payload = self._pull(source, struct.unpack("<I", header[16:20])[0])
            yield header[4:16].rstrip(b"\0").decode(), payload

    @staticmethod
    def _pack(command, payload):
        return p2p.MAGIC["regtest"] + command.encode().ljust(12, b"\0") + struct.pack("<I", len(payload)) + p2p.double_sha(payload)[:4] + payload

    def _relay(self, source, sink, change):
        for command, payload in self._messages(source):
            passed = change(command, payload)
            self.lied |= passed != (command, payload)
            if passed:
                sink.sendall(self._pack(*passed))

    def _serve(self, client):
        upstream = socket.create_connection(("127.0.0.1", self.node.port))

        def down():
            try:
                self._relay(upstream, client, self.down)
            except (OSError, ConnectionError):
                pass

        threading.Thread(target=down, daemon=True).start()
        try:
            self._relay(client, upstream, self.up)
        except (OSError, ConnectionError):
            if not self.closed:
                self.dropped_at = time.monotonic()
        for end in (client, upstream):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()


class ForgesFilterHeaders(Liar):
    """Hides payments: filters without them, and filter headers that go with those."""

    name = "wrong filter headers"
    forged = b"\x00"

    def __init__(self, node, heights):
        self.asked = []
        self.filter_hashes, self.filter_headers = {}, {-1: bytes(32)}
        for height in range(node.rpc("getblockcount") + 1):
            filtered = node.rpc("getblockfilter", node.rpc("getblockhash", height))["filter"]
            self.filter_hashes[height] = p2p.double_sha(self.forged if height in heights else bytes.fromhex(filtered))
            self.filter_headers[height] = p2p.double_sha(self.filter_hashes[height] + self.filter_headers[height - 1])
        super().__init__(node, heights)

    def up(self, command, payload):
        if command == "getcfheaders":
            self.asked.append(struct.unpack("<I", payload[1:5])[0])
        return command, payload

    def down(self, command, payload):
        if command == "cfilter" and payload[1:33] in self.hashes.values():
            payload = payload[:33] + p2p.compact_size(len(self.forged)) + self.forged
        elif command == "cfheaders" and self.asked:
            first = self.asked.pop(0)
            count, at = p2p.read_compact_size(payload, 65)
            payload = payload[:33] + self.filter_headers[first - 1] + payload[65:at] + b"".join(self.filter_hashes[first + i] for i in range(count))
        return command, payload


class ForgesFilters(Liar):
    """Says the right filter headers and gives filters that do not belong to them."""

    name = "wrong filters"

    def down(self, command, payload):
        if command == "cfilter":
            payload = payload[:33] + b"\x01\x00"
        return command, payload


class WithholdsFilters(Liar):
    name = "withheld filters"

    def up(self, command, payload):
        return None if command == "getcfilters" else (command, payload)


class WithholdsBlocks(Liar):
    name = "withheld blocks"

    def up(self, command, payload):
        return None if command == "getdata" else (command, payload)


class ChangesBlocks(Liar):
    """Gives blocks that are not what their headers say."""

    name = "changed blocks"

    def down(self, command, payload):
        if command == "block":
            payload = payload[:-6] + bytes([payload[-6] ^ 1]) + payload[-5:]
        return command, payload


class Stalls(Liar):
    """Gives its headers, so that it is asked for things, and then nothing."""

    name = "stall"

    def up(self, command, payload):
        return (command, payload) if command in ("version", "verack", "sendaddrv2", "wtxidrelay", "ping", "pong", "getheaders") else None


class Mute(Liar):
    """Shakes hands and answers nothing but pings."""

    name = "mute from the start"
    is_dropped = False  # that takes as long as a slow honest peer may take for its headers

    def up(self, command, payload):
        return (command, payload) if command in ("version", "verack", "sendaddrv2", "wtxidrelay", "ping", "pong") else None

    def down(self, command, payload):
        return (command, payload) if command in ("version", "verack", "sendaddrv2", "wtxidrelay", "ping", "pong") else None


class InventsHeaders(Liar):
    """Adds headers with proof of work that break a rule: they are older than the blocks before them."""

    name = "invalid headers with work"
    added = 5

    def down(self, command, payload):
        if command != "headers":
            return command, payload
        count, at = p2p.read_compact_size(payload, 0)
        if count == 0 or count > 2000 - self.added:
            return command, payload
        last = payload[-81:-1]
        for _ in range(self.added):
            last = self.mine(last)
            payload += last + b"\0"
        return command, p2p.compact_size(count + self.added) + payload[at:]

    @staticmethod
    def mine(parent):
        version, time_s, bits = parent[:4], struct.unpack("<I", parent[68:72])[0], parent[72:76]
        body = version + p2p.double_sha(parent) + os.urandom(32) + struct.pack("<I", time_s - 7200) + bits
        exponent, mantissa = bits[3], int.from_bytes(bits[:3], "little")
        target = mantissa << (8 * (exponent - 3))
        for nonce in range(1 << 32):
            header = body + struct.pack("<I", nonce)
            if int.from_bytes(p2p.double_sha(header), "little") <= target:
                return header
        raise AssertionError("no nonce")


KINDS = [ForgesFilterHeaders, ForgesFilters, WithholdsFilters, WithholdsBlocks, ChangesBlocks, Stalls, Mute, InventsHeaders]


class Run:
    """One client, the honest nodes, and liars of one kind."""

    def __init__(self, kind, nodes, paid, tip):
        self.kind, self.tip, self.paid = kind, tip, paid
        self.liars = [kind(nodes[i], paid[1::3]) for i in range(LIARS)] if kind else []
        self.light = Light(harness.build_folder() / "cairn-light", f"light-{len(KINDS)}", f"-watch={ADDRESS}", "-feeblocks=0")
        self.light.start()
        self.began = time.monotonic()
        # The liars come first: they have every chance.
        for port in [liar.port for liar in self.liars] + [node.port for node in nodes]:
            self.light.rpc("addconnection", f"127.0.0.1:{port}", "outbound-full-relay", False)

    def answer(self):
        """Seconds until it says synced."""
        self.light.wait_synced(self.tip, ANSWER_WITHIN)
        took = time.monotonic() - self.began
        name = self.kind.name if self.kind else "no liars"
        check(self.light.heights() == self.paid, f"{name}: all {len(self.paid)} payments found")
        return took

    def dropped(self):
        """Seconds until the last of those who lied was dropped; a busy machine may leave one unasked."""
        try:
            self.light.wait_until(lambda: all(liar.dropped_at or not liar.lied for liar in self.liars), DROPPED_WITHIN, f"{self.kind.name}: liars dropped")
        except TimeoutError:
            print("".join(self.light.log_file.read_text().splitlines(keepends=True)[-200:]))
            raise
        return max((liar.dropped_at for liar in self.liars if liar.dropped_at), default=self.began) - self.began

    def honest_peers(self):
        return self.light.rpc("getconnectioncount") - sum(not liar.dropped_at for liar in self.liars)

    def remove(self):
        for liar in self.liars:
            liar.close()
        self.light.remove()


def make_chain(nodes):
    first = nodes[0]
    first.rpc("generatetoaddress", 105, MINER)
    paid = []
    for _ in range(18):
        first.rpc("generatetoaddress", 4, MINER)
        first.rpc("generatetoaddress", 1, ADDRESS)
        paid.append(first.rpc("getblockcount"))
    first.rpc("generatetoaddress", 3, MINER)
    return paid, wait_equal(nodes)


def run(nodes, kinds):
    paid, tip = make_chain(nodes)
    runs, answers = [], {}
    try:
        for kind in [None, *kinds]:
            runs.append(Run(kind, nodes, paid, tip))
            answers[kind] = runs[-1].answer()
            if not kind:
                runs.pop().remove()
        plain = answers[None]
        print(f"{'':28}{'answer':>9}{'cost':>9}{'liars gone':>12}")
        print(f"{'no liars':28}{plain:7.1f} s")
        for one in runs:
            gone = f"{one.dropped():10.1f} s" if one.kind.is_dropped else f"{'never':>10} *"
            print(f"{one.kind.name:28}{answers[one.kind]:7.1f} s{answers[one.kind] - plain:7.1f} s{gone}", flush=True)
        print("* not within this test: a peer may be as slow with its headers as that", flush=True)
        for one in runs:
            check(one.honest_peers() == HONEST, f"{one.kind.name}: the honest nodes are still connected")
    finally:
        for one in runs:
            one.remove()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="a part of the name of the kinds to be tried")
    options = parser.parse_args()
    if not (harness.build_folder() / "cairn-light").is_file():
        harness.skip(f"there is no {harness.build_folder() / 'cairn-light'}")
    nodes = [harness.Node(harness.cairnd(), f"honest{i}", *FILTERS) for i in range(HONEST)]
    try:
        for node in nodes:
            node.start()
        for node in nodes[1:]:
            node.connect(nodes[0])
        run(nodes, [kind for kind in KINDS if not options.only or options.only in kind.name])
    finally:
        for node in nodes:
            node.remove()
    print("passed")


if __name__ == "__main__":
    main()
