"""Connections that abuse a node, each in one way, by one loop in a process of its own: `run` is given a Plan and a pipe.

Every way is a class below: what it says when it is connected, what it goes on saying, whether it reads. One that the node drops comes back
after a moment and is counted. All of them together are bounded in connections, bytes a second and time.
"""
import collections
import dataclasses
import errno
import os
import random
import selectors
import socket
import struct
import time

import p2p

MAGIC = p2p.MAGIC["regtest"]
MSG_FILTERED_BLOCK, MSG_WITNESS_BLOCK = 3, 0x40000002
POW_LIMIT = 0x7FFFFF << 232


@dataclasses.dataclass
class Plan:
    port: int
    connections: int
    seconds: float
    bytes_a_second: float
    seed: int
    blocks: list    # hashes of the chain in memory order, from height 0
    old_block: bytes  # the bytes of one of them


def framed(command, payload, checksum=None):
    return (MAGIC + command.encode().ljust(12, b"\0") + struct.pack("<I", len(payload)) + (checksum or p2p.double_sha(payload)[:4]) + payload)


def endpoint(port=1):
    return bytes(8) + bytes(10) + b"\xff\xff" + bytes([127, 0, 0, 1]) + struct.pack(">H", port)


def version(rng, relay=True, number=70016):
    return framed("version", struct.pack("<iQq", number, 8, int(time.time())) + endpoint() + endpoint() + rng.randbytes(8) + b"\x07/abuse/" +
                  struct.pack("<i?", 0, relay))


class Materials:
    """Payloads that take time to make, made once and used by all."""

    def __init__(self, plan):
        self.rng, self.plan = random.Random(plan.seed), plan
        self.branches = [self._branch(100) for _ in range(5)]
        self.unconnected = [self._header(self.rng.randbytes(32)) for _ in range(20)]
        self.invs = [self._inventory("inv", 5000) for _ in range(6)]
        self.too_large_inv = self._inventory("inv", 50_001)

    def _header(self, previous, mined=True):
        """A header with as much work as regtest asks for, or with too little."""
        while True:
            header = (struct.pack("<i", 0x20000000) + previous + self.rng.randbytes(32) +
                      struct.pack("<II", int(time.time()), 0x207FFFFF) + self.rng.randbytes(4))
            if (int.from_bytes(p2p.double_sha(header), "little") <= POW_LIMIT) == mined:
                return header

    def _branch(self, length):
        """Headers that fork off at the first block, with far less work than the chain has."""
        headers, previous = [], self.plan.blocks[0]
        for _ in range(length):
            headers.append(self._header(previous))
            previous = p2p.double_sha(headers[-1])
        return headers

    def _inventory(self, command, count, kinds=(p2p.MSG_TX, p2p.MSG_WTX, p2p.MSG_BLOCK)):
        return framed(command, p2p.compact_size(count) + b"".join(struct.pack("<I", self.rng.choice(kinds)) + self.rng.randbytes(32)
                                                                  for _ in range(count)))

    def mined(self, previous):
        return self._header(previous)

    def unmined(self, previous):
        return self._header(previous, mined=False)

    def getdata(self, hashes, kind=MSG_WITNESS_BLOCK):
        return framed("getdata", p2p.compact_size(len(hashes)) + b"".join(struct.pack("<I", kind) + item for item in hashes))

    def old_hashes(self, count):
        return [self.rng.choice(self.plan.blocks) for _ in range(count)]

    def transaction(self):
        """Shaped like a payment; spends what nobody has."""
        return (struct.pack("<i", 2) + b"\0\1\1" + self.rng.randbytes(32) + struct.pack("<I", 0) + b"\0" + struct.pack("<I", 0xFFFFFFFD) + b"\1" +
                struct.pack("<q", 100_000) + b"\x16\0\x14" + self.rng.randbytes(20) + b"\1\x40" + self.rng.randbytes(64) + struct.pack("<I", 0))

    def locator(self, count):
        hashes = [self.rng.randbytes(32) for _ in range(count - 1)] + [self.plan.blocks[0]]
        return struct.pack("<I", 70016) + p2p.compact_size(count) + b"".join(hashes) + bytes(32)


class Attack:
    """One way to abuse a connection. `greet` is said first; `more` is asked for whenever that was sent, b"" for nothing now."""
    reads = True
    read_rate = None     # bytes a second that are read; None: all there is
    patience = None      # seconds after which it leaves by itself
    share = 1            # of connections, against the others'

    def __init__(self, materials):
        self.m, self.rng, self.sent = materials, materials.rng, 0

    def greet(self):
        return version(self.rng) + framed("verack", b"")

    def more(self):
        return b""


def flood(name, make, share=1, **overrides):
    """The class of a flood of one message; `make(materials, rng)` gives bytes to be sent."""
    return type(name, (Attack,), {"more": lambda self: make(self.m, self.rng), "name": name, "share": share, **overrides})


def many(count, make):
    return lambda m, rng: b"".join(make(m, rng) for _ in range(count))


def addresses(m, rng, count=1000):
    entry = lambda: struct.pack("<IQ", int(time.time()), 9) + bytes(10) + b"\xff\xff" + rng.randbytes(4) + struct.pack(">H", 8333)
    return framed("addr", p2p.compact_size(count) + b"".join(entry() for _ in range(count)))


def addresses_v2(m, rng, count=1000):
    entry = lambda: struct.pack("<I", int(time.time())) + b"\x09\x04\x20" + rng.randbytes(32) + struct.pack(">H", 8333)
    return framed("addrv2", p2p.compact_size(count) + b"".join(entry() for _ in range(count)))


def low_work_headers(m, rng):
    return framed("headers", p2p.compact_size(100) + b"".join(header + b"\0" for header in rng.choice(m.branches)))


def stray_headers(m, rng):
    return framed("headers", b"\1" + rng.choice(m.unconnected) + b"\0")


def stray_block(m, rng):
    kind = rng.randrange(3)
    if kind == 0:  # a block of the chain with other transactions than its header says
        return framed("block", m.plan.old_block[:-20] + rng.randbytes(20))
    header = m.mined(rng.choice(m.plan.blocks[:50])) if kind == 1 else rng.choice(m.unconnected)
    return framed("block", header + b"\1" + m.transaction())


def compact_block(m, rng):
    kind = rng.randrange(3)
    previous = m.plan.blocks[0] if kind == 0 else rng.randbytes(32)
    header = m.unmined(m.plan.blocks[-1]) if kind == 2 and rng.random() < 0.1 else m.mined(previous)
    ids = b"".join(rng.randbytes(6) for _ in range(2000))
    return framed("cmpctblock", header + rng.randbytes(8) + p2p.compact_size(2000) + ids + b"\0")


def block_transactions(m, rng):
    indexes = b"\0" if rng.random() < 0.9 else p2p.compact_size(60_000)  # the second: far beyond the end
    return framed("getblocktxn", rng.choice(m.plan.blocks[1:]) + b"\1" + indexes)


def filter_load(m, rng):
    return framed("filterload", p2p.compact_size(36_000) + rng.randbytes(36_000) + struct.pack("<IIB", 50, 0, 1))


def unknown(m, rng):
    name = "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randrange(1, 13)))
    return framed(name, rng.randbytes(rng.choice((0, 10, 1000, 50_000))))


FLOODS = [
    flood("inv", lambda m, rng: rng.choice(m.invs)),
    flood("getdata unknown", lambda m, rng: m._inventory("getdata", 1000)),
    flood("getdata blocks", lambda m, rng: m.getdata(m.old_hashes(16))),
    flood("getheaders", many(10, lambda m, rng: framed("getheaders", m.locator(101)))),
    flood("getblocks", many(10, lambda m, rng: framed("getblocks", m.locator(101)))),
    flood("headers of low work", low_work_headers),
    flood("headers from nowhere", many(20, stray_headers)),
    flood("addr", addresses),
    flood("addrv2", addresses_v2),
    flood("getaddr, mempool", many(50, lambda m, rng: framed("getaddr", b"") + framed("mempool", b"")), patience=5),
    flood("ping", many(200, lambda m, rng: framed("ping", rng.randbytes(8)))),
    flood("pong", many(200, lambda m, rng: framed("pong", rng.randbytes(8)))),
    flood("tx", many(40, lambda m, rng: framed("tx", m.transaction()))),
    flood("block", stray_block),
    flood("cmpctblock", compact_block),
    flood("blocktxn", many(20, lambda m, rng: framed("blocktxn", rng.randbytes(32) + b"\1" + m.transaction()))),
    flood("getblocktxn", many(20, block_transactions)),
    flood("sendcmpct", many(100, lambda m, rng: framed("sendcmpct", bytes([rng.randrange(2)]) + struct.pack("<Q", rng.randrange(4))))),
    flood("feefilter", many(100, lambda m, rng: framed("feefilter", rng.randbytes(8)))),
    flood("filterload", filter_load),
    flood("getcfilters", many(20, lambda m, rng: framed("getcfilters", b"\0" + struct.pack("<I", 0) + rng.choice(m.plan.blocks)))),
    flood("notfound", lambda m, rng: m._inventory("notfound", 1000)),
    flood("merkleblock asked", lambda m, rng: m.getdata(m.old_hashes(16), MSG_FILTERED_BLOCK)),
    flood("unknown commands", many(5, unknown)),
    flood("wrong checksum", many(20, lambda m, rng: framed("inv", rng.randbytes(1000), b"abcd"))),
    flood("rubbish in messages", many(20, lambda m, rng: framed(rng.choice(("tx", "inv", "headers", "addrv2", "cmpctblock", "version")),
                                                                rng.randbytes(rng.randrange(500))))),
]


class SlowReader(Attack):
    """Asks for blocks and reads nothing."""
    name, reads, share = "slow reader", False, 4

    def more(self):
        return self.m.getdata(self.m.old_hashes(16)) + b"".join(framed("ping", self.rng.randbytes(8)) for _ in range(50))


class TrickleReader(SlowReader):
    """Asks for blocks and reads a little, so that it is never quite stuck."""
    name, reads, read_rate = "trickle reader", True, 4000


class HalfOpen(Attack):
    """Connects, and says nothing or half of a first message."""
    name, share = "half-open", 4

    def greet(self):
        return self.rng.choice((b"", MAGIC, version(self.rng)[:60], self.rng.randbytes(1)))


class HalfMessage(Attack):
    """Begins the largest message there may be and does not end it."""
    name, share = "half a message", 1

    def greet(self):
        return super().greet() + MAGIC + b"block".ljust(12, b"\0") + struct.pack("<I", 4_000_000) + bytes(4) + bytes(self.rng.randrange(2_000_000))


class Oversized(Attack):
    """More than a message may hold: in bytes, or in entries."""
    name, share = "oversized", 2

    def greet(self):
        m, rng = self.m, self.rng
        made = (lambda: (MAGIC + b"block".ljust(12, b"\0") + struct.pack("<I", rng.choice((4_000_001, 0x7FFFFFFF, 0xFFFFFFFF))) + bytes(1004)),
                lambda: m.too_large_inv, lambda: addresses(m, rng, 1001), lambda: addresses_v2(m, rng, 1001),
                lambda: framed("headers", p2p.compact_size(2001) + bytes(81) * 2001), lambda: framed("getheaders", m.locator(102)),
                lambda: framed("filterload", p2p.compact_size(36_001) + bytes(36_010)), lambda: framed("inv", b"\xff" + b"\xff" * 8),
                lambda: framed("filteradd", p2p.compact_size(521) + bytes(521)))
        return super().greet() + rng.choice(made)()


class BadMagic(Attack):
    name, share = "wrong magic", 2

    def greet(self):
        return bytes.fromhex("f9beb4d9") + version(self.rng)[4:]


class DisorderedHandshake(Attack):
    """Everything at the wrong time."""
    name, share = "handshake out of order", 6

    def greet(self):
        m, hello, agree = self.m, version(self.rng), framed("verack", b"")
        made = (lambda: agree + hello, lambda: hello + hello + agree, lambda: hello + agree + agree + hello,
                lambda: framed("ping", bytes(8)) + hello, lambda: m.invs[0], lambda: hello + addresses(m, self.rng),
                lambda: hello + framed("sendaddrv2", b"") + agree + framed("sendaddrv2", b"") + framed("wtxidrelay", b""),
                lambda: version(self.rng, number=209) + agree, lambda: hello + framed("getdata", b"\0") * 100, lambda: framed("version", b"\1"))
        return self.rng.choice(made)()


class V2Garbage(Attack):
    """The encrypted transport as nobody should speak it."""
    name, share = "v2 garbage", 6

    def greet(self):
        return self.rng.randbytes(self.rng.choice((16, 64, 64 + 4095, 64 + 4095 + 16, 200_000)))


class Churn(Attack):
    """Comes and goes, with and without a handshake."""
    name, share, patience = "churn", 12, 0.3

    def greet(self):
        return self.rng.choice((b"", super().greet(), version(self.rng)))


BEHAVIOURS = [SlowReader, TrickleReader, HalfOpen, HalfMessage, Oversized, BadMagic, DisorderedHandshake, V2Garbage, Churn]
#: Seconds before a connection that ended is made again. A churner is gone for a moment only.
COMES_BACK, CHURNER_COMES_BACK = 1.0, 0.1


class Connection:
    def __init__(self, kind):
        self.kind, self.socket, self.attack, self.due = kind, None, None, 0.0
        self.left, self.began, self.last_read = b"", 0.0, 0.0


class Loop:
    def __init__(self, plan):
        self.plan, self.materials, self.selector = plan, Materials(plan), selectors.DefaultSelector()
        kinds = [kind for kind in FLOODS + BEHAVIOURS for _ in range(kind.share)]
        self.connections = [Connection(kinds[n % len(kinds)]) for n in range(plan.connections)]
        self.rate_of_a_kind = plan.bytes_a_second / len(FLOODS + BEHAVIOURS)
        self.sent, self.received = collections.Counter(), 0
        self.messages, self.dropped, self.opened, self.refused = (collections.Counter() for _ in range(4))

    def open(self, connection, now):
        connection.socket = socket.socket()
        connection.socket.setblocking(False)
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        error = connection.socket.connect_ex(("127.0.0.1", self.plan.port))
        if error not in (0, errno.EINPROGRESS):
            self.refused[connection.kind.name] += 1
            return self.close(connection, now)
        connection.attack = connection.kind(self.materials)
        connection.left, connection.began = connection.attack.greet(), now
        self.opened[connection.kind.name] += 1
        self.selector.register(connection.socket, selectors.EVENT_READ if connection.attack.reads else selectors.EVENT_WRITE, connection)
        if not connection.attack.reads:
            self.selector.unregister(connection.socket)

    def close(self, connection, now, by_node=False):
        if by_node:
            self.dropped[connection.kind.name] += 1
        if connection.socket:
            try:
                self.selector.unregister(connection.socket)
            except KeyError:
                pass
            connection.socket.close()
        connection.socket = None
        connection.due = now + (CHURNER_COMES_BACK if connection.kind is Churn else COMES_BACK)

    def read(self, now):
        for key, _ in self.selector.select(0):
            connection = key.data
            rate = connection.attack.read_rate
            if rate and now - connection.last_read < 0.5:
                continue
            connection.last_read = now
            try:
                got = connection.socket.recv(int(rate / 2) if rate else 1 << 18)
            except BlockingIOError:
                continue
            except OSError:
                got = b""
            self.received += len(got)
            if not got:
                self.close(connection, now, by_node=True)

    def turn(self, connection, now):
        """Bytes that went out."""
        if connection.socket is None:
            if now >= connection.due:
                self.open(connection, now)
            return 0
        patience = connection.attack.patience
        if patience and now - connection.began > patience:
            self.close(connection, now)
            return 0
        if not connection.left:
            connection.left = connection.attack.more()
            self.messages[connection.kind.name] += bool(connection.left)
        if not connection.left:
            return 0
        try:
            count = connection.socket.send(connection.left)
        except BlockingIOError:
            return 0
        except OSError as error:
            if error.errno != errno.ENOTCONN:  # still connecting
                self.close(connection, now, by_node=True)
            return 0
        connection.left = connection.left[count:]
        self.sent[connection.kind.name] += count
        return count

    def run(self, pipe):
        began = time.monotonic()
        while (now := time.monotonic()) - began < self.plan.seconds and not pipe.poll():
            self.read(now)
            moved = 0
            self.connections.append(self.connections.pop(0))  # another one is first
            for connection in self.connections:
                # Every kind has the same share of the bytes, so that those with large messages do not crowd out the others.
                allowed = self.rate_of_a_kind * (now - began + 0.2) - self.sent[connection.kind.name]
                if allowed > 0 or connection.socket is None:
                    moved += self.turn(connection, now)
            if not moved:
                time.sleep(0.005)
        return {"seconds": time.monotonic() - began, "sent": dict(self.sent), "received": self.received, "messages": dict(self.messages),
                "dropped": dict(self.dropped), "opened": dict(self.opened), "refused": dict(self.refused)}


def run(pipe, plan):
    """The process: begins when told, tells what it did, holds its connections until told again."""
    os.nice(5)  # the others would be other machines
    loop = Loop(plan)
    pipe.send("made")
    pipe.recv()
    pipe.send(loop.run(pipe))
    pipe.recv()
    for connection in loop.connections:
        loop.close(connection, 0.0)
