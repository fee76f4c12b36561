"""A peer that speaks as much of the P2P protocol (version 1) as tests need: it greets, answers pings, hands out transactions."""
import hashlib
import os
import socket
import struct
import threading
import time

MAGIC = {"regtest": bytes.fromhex("fabfb5da")}
MSG_TX, MSG_WITNESS_TX, MSG_WTX = 1, 0x40000001, 5
MSG_BLOCK, MSG_CMPCT_BLOCK = 2, 4


def double_sha(data):
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def compact_size(n):
    return bytes([n]) if n < 253 else b"\xfd" + struct.pack("<H", n) if n < 0x10000 else b"\xfe" + struct.pack("<I", n)


def read_compact_size(data, at):
    first = data[at]
    if first < 253:
        return first, at + 1
    size = {253: 2, 254: 4, 255: 8}[first]
    return int.from_bytes(data[at + 1:at + 1 + size], "little"), at + 1 + size


def inventory(items):
    """A payload of (type, hash in display order)."""
    return compact_size(len(items)) + b"".join(struct.pack("<I", kind) + bytes.fromhex(text)[::-1] for kind, text in items)


class Peer:
    """A connection to a node. `on_message(command, payload)`, where given, sees every message on the reading thread."""

    def __init__(self, port, network="regtest", on_message=None, relay=True, wtxid_relay=False):
        self.magic, self.on_message = MAGIC[network], on_message
        self.known = {}  # (type, hash in memory order) -> serialised transaction
        self.lock = threading.Lock()
        self.ready = threading.Event()
        self.pongs = set()
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.wtxid_relay = wtxid_relay
        nonce = os.urandom(8)
        address = bytes(8) + bytes(10) + b"\xff\xff" + bytes([127, 0, 0, 1]) + struct.pack(">H", port)
        self.send("version", struct.pack("<iQq", 70016, 8, int(time.time())) + address + address + nonce + compact_size(6) + b"/test/" +
                  struct.pack("<i?", 0, relay))
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        if not self.ready.wait(30):
            raise TimeoutError("no handshake")

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()
        self.thread.join(10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, command, payload=b""):
        header = self.magic + command.encode().ljust(12, b"\0") + struct.pack("<I", len(payload)) + double_sha(payload)[:4]
        with self.lock:
            self.socket.sendall(header + payload)

    def offer(self, tx):
        """Hands this transaction out when it is asked for."""
        raw = bytes.fromhex(tx.hex)
        self.known[bytes.fromhex(tx.txid)[::-1]] = raw
        self.known[bytes.fromhex(tx.wtxid)[::-1]] = raw

    def send_tx(self, tx):
        self.offer(tx)
        self.send("tx", bytes.fromhex(tx.hex))

    def ping(self, seconds=60):
        """Waits until the node has handled everything that was sent before."""
        nonce = os.urandom(8)
        self.send("ping", nonce)
        began = time.monotonic()
        while nonce not in self.pongs:
            if time.monotonic() - began > seconds:
                raise TimeoutError("no pong")
            time.sleep(0.002)

    def _receive(self, count):
        data = bytearray()
        while len(data) < count:
            part = self.socket.recv(min(count - len(data), 1 << 20))
            if not part:
                raise ConnectionError
            data += part
        return bytes(data)

    def _run(self):
        try:
            while True:
                header = self._receive(24)
                command = header[4:16].rstrip(b"\0").decode()
                self._handle(command, self._receive(struct.unpack("<I", header[16:20])[0]))
        except (OSError, ConnectionError):
            pass

    def _handle(self, command, payload):
        if command == "version":
            if self.wtxid_relay:
                self.send("wtxidrelay")
            self.send("verack")
        elif command == "verack":
            self.ready.set()
        elif command == "ping":
            self.send("pong", payload)
        elif command == "pong":
            self.pongs.add(payload)
        elif command == "getdata":
            count, at = read_compact_size(payload, 0)
            for n in range(count):
                raw = self.known.get(payload[at + 36 * n + 4:at + 36 * n + 36])
                if raw:
                    self.send("tx", raw)
        if self.on_message:
            self.on_message(command, payload)
