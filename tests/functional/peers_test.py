#!/usr/bin/env python3
"""A node that syncs from two others goes on when one of them freezes, and drops whoever speaks rubbish with a reason.

One of two reference nodes is stopped while blocks come in: the sync reaches the tip from the other. Meanwhile strangers
connect and send noise, a wrong checksum and headers of another format: each is answered as its fault deserves, and the
good peers stay.
"""
import hashlib
import shutil
import signal
import socket
import struct
import sys
import threading
import time

import harness

REGTEST_MAGIC = bytes.fromhex("fabfb5da")
QUIET = ("-checkblockindex=0",)


def message(command, payload=b"", checksum=None):
    digest = hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
    return REGTEST_MAGIC + command.ljust(12, b"\0") + struct.pack("<I", len(payload)) + (checksum or digest) + payload


def version():
    endpoint = struct.pack("<Q", 9) + bytes(10) + b"\xff\xff" + bytes([127, 0, 0, 1]) + struct.pack(">H", 1)
    now = int(time.time())
    return struct.pack("<iQq", 70016, 9, now) + endpoint + endpoint + struct.pack("<Q", now) + b"\x09/strange/" + struct.pack("<i?", 0, False)


def is_closed(stranger, seconds):
    """Reads until the node closes the connection; False when it does not within the time."""
    stranger.settimeout(seconds)
    try:
        while stranger.recv(65536):
            pass
    except TimeoutError:
        return False
    except OSError:
        pass
    return True


class Stranger:
    def __init__(self, node):
        self.socket = socket.create_connection(("127.0.0.1", node.port), 10)

    def shake_hands(self):
        self.socket.sendall(message(b"version", version()) + message(b"verack"))
        return self

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError:
            pass  # closed already
        return self


def speak_rubbish(node, dropped):
    """Every way to be dropped, with the log line that must tell why."""
    noise = Stranger(node).send(b"\xee" * 4096)
    dropped.append(("noise", is_closed(noise.socket, 30), "Header error: Wrong MessageStart eeeeeeee received"))
    too_long = Stranger(node).send(REGTEST_MAGIC + b"block".ljust(12, b"\0") + struct.pack("<I", 4_000_001) + bytes(4))
    dropped.append(("a message that is too long", is_closed(too_long.socket, 30), "Header error: Size too large (block, 4000001 bytes)"))
    # Headers of 96 bytes, as a chain with longer ones would send them.
    other_chain = Stranger(node).shake_hands().send(message(b"headers", b"\x02" + bytes(2 * 96)))
    dropped.append(("headers of another format", is_closed(other_chain.socket, 30), "headers message of another format"))
    checksum = Stranger(node).shake_hands().send(message(b"headers", b"\0", checksum=b"\1\2\3\4"))
    dropped.append(("a wrong checksum", not is_closed(checksum.socket, 3), "Header error: Wrong checksum (headers, 1 bytes)"))
    checksum.socket.close()


def watch(node, target, seconds):
    """Until the tip is reached: the longest time without a new block."""
    began = last_change = time.monotonic()
    height, longest = -1, 0.0
    while time.monotonic() - began < seconds:
        now, current = time.monotonic(), node.rpc("getblockcount")
        if current != height:
            height, last_change = current, now
        longest = max(longest, now - last_change)
        if node.rpc("getbestblockhash") == target:
            return longest, now - began
        time.sleep(0.1)
    raise TimeoutError(f"stuck at height {height}: {node.rpc('getpeerinfo')}")


def main():
    binary, chain = harness.need_reference(), harness.need_chain()
    summary = harness.summary_of(chain)
    nodes = []

    def node(program, name, *options, folder=None):
        nodes.append(harness.Node(program, name, *options, folder=folder))
        return nodes[-1]

    frozen = None
    try:
        steady = node(binary, "steady", *QUIET).start(f"-loadblock={chain}")
        steady.wait_for_tip(summary["tip"])
        steady.stop()
        frozen = node(binary, "frozen", *QUIET)
        shutil.copytree(steady.folder, frozen.folder, dirs_exist_ok=True)
        steady.start()
        frozen.start()

        both = [f"-connect=127.0.0.1:{each.port}" for each in (steady, frozen)]
        ours = node(harness.cairnd(), "ours", "-debug=net", *both).start()

        def blocks_under_way():
            return [len(p["inflight"]) for p in ours.rpc("getpeerinfo") if p["addr"].endswith(f":{frozen.port}")] or [0]

        ours.wait_until(lambda: ours.rpc("getblockcount") > 0 and blocks_under_way()[0] > 0, 600, "blocks under way")
        height, in_flight = ours.rpc("getblockcount"), blocks_under_way()[0]
        frozen.process.send_signal(signal.SIGSTOP)
        dropped = []
        rubbish = threading.Thread(target=speak_rubbish, args=(ours, dropped))
        rubbish.start()
        longest, seconds = watch(ours, summary["tip"], 900)
        rubbish.join()
        print(f"frozen at height {height} with {in_flight} blocks under way; synced {seconds:.1f} s later, longest pause {longest:.1f} s")
        assert longest < 60, f"no block for {longest:.1f} s"
        log = ours.log_file.read_text(errors="replace")
        for what, as_expected, line in dropped:
            assert as_expected, what
            assert line in log, (what, line)
        assert any(p["addr"].endswith(f":{steady.port}") for p in ours.rpc("getpeerinfo")), "the steady peer was lost"
        print(f"{len(dropped)} kinds of rubbish answered as they deserve")
    finally:
        if frozen and frozen.running():
            frozen.process.send_signal(signal.SIGCONT)
        for each in nodes:
            each.remove()
    return 0


if __name__ == "__main__":
    sys.exit(main())
