#!/usr/bin/env python3
"""What a light client spends: time of a scan from four peers, and memory with as many headers as mainnet has.

    light_bench.py scan   --chain S.dat [--work DIR] [--scripts N] [--runs N] [--rate MB/s]
    light_bench.py memory [--headers N] [--filters N]

`scan` loads a chain file (FILE.json beside it names its tip) into cairnd with a filter index once, copies the folder for four peers,
and lets cairn-light, which watches N random scripts and some of the chain's own, scan it from the four again and again. It prints the
time and who spent the processor's: the client's threads and the peers. With --rate each peer gives no more than that, and the time is
set against what the bytes take at that rate.

`memory` is itself the peer: it makes up headers (regtest's work, ten minutes apart), filter headers, and filters of 2 KB for the last
blocks, and prints what of cairn-light was resident at most, at the end, and after a restart.

Needs cairnd and cairn-light in CAIRN_BUILD.
"""
import argparse
import hashlib
import os
import pathlib
import random
import shutil
import socket
import statistics
import struct
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "tests" / "functional"))
import harness  # noqa: E402
import p2p  # noqa: E402

PEERS = 4
GENESIS_HEADER = bytes.fromhex("01000000" + "00" * 32 + "3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4adae5494dffff7f2002000000")
GENESIS_FILTER_HEADER = bytes.fromhex("485e301e4509d7f0d954bf5b529f3ecef68c5191fd0e635f775c1d0266dc5a2b")[::-1]


class Light(harness.Node):
    def __init__(self, name, *options, folder=None):
        super().__init__(harness.build_folder() / "cairn-light", name, *options, folder=folder)

    def command(self, *more):
        return [str(self.binary), "-regtest", f"-datadir={self.folder}", f"-rpcport={self.rpc_port}", "-dnsseed=0", "-fixedseeds=0",
                "-printtoconsole=0", *self.options, *more]

    def wait_synced(self, height, seconds=1200):
        """Seconds until it said so."""
        began = time.monotonic()
        while True:
            info = self.rpc("getlightinfo")
            if info["synced"] and info["headers"] == height:
                return time.monotonic() - began
            if time.monotonic() - began > seconds:
                raise TimeoutError(f"not synced: {info}")
            time.sleep(0.05)


def cpu_of(folder):
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cpu_by_thread(process):
    """Seconds by name of thread."""
    found = {}
    for task in pathlib.Path(f"/proc/{process.pid}/task").iterdir():
        name = (task / "comm").read_text().strip()
        found[name] = found.get(name, 0) + cpu_of(task)
    return found


def resident(process):
    """Megabytes: most so far, now, and of that what is memory of its own."""
    lines = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines())
    return tuple(int(lines[key].split()[0]) / 1024 for key in ("VmHWM", "VmRSS", "RssAnon"))


# --- scan

class Throttle:
    """Stands before a peer and lets through so many bytes a second of what it gives."""

    def __init__(self, port, rate):
        self.target, self.rate = port, rate
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            peer = socket.create_connection(("127.0.0.1", self.target))
            threading.Thread(target=self._copy, args=(client, peer, None), daemon=True).start()
            threading.Thread(target=self._copy, args=(peer, client, self.rate), daemon=True).start()

    @staticmethod
    def _copy(source, target, rate):
        free_at = time.monotonic()
        try:
            while data := source.recv(32768):
                if rate:
                    free_at = max(free_at, time.monotonic() - 0.05) + len(data) / rate
                    time.sleep(max(0, free_at - time.monotonic()))
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.server.close()


def make_chain(chain, folder):
    """A data folder with the chain and its filters, made once."""
    summary = harness.summary_of(chain)
    if (folder / "done").exists():
        return summary
    shutil.rmtree(folder, ignore_errors=True)
    options = ["-connect=0", "-listen=0", "-blockfilterindex=basic", f"-assumevalid={summary.get('assumevalid', 0)}"]
    with harness.Node(harness.cairnd(), "chain", *options, folder=folder) as node:
        node.stop()
        node.start(f"-loadblock={chain}")
        node.wait_until(lambda: node.rpc("getbestblockhash") == summary["tip"], 1200, "the chain loaded")
        node.wait_until(lambda: all(index["synced"] for index in node.rpc("getindexinfo").values()), 1200, "the filters made")
    (folder / "done").touch()
    return summary


def own_scripts(node, height, count):
    outputs = [out for tx in node.rpc("getblock", node.rpc("getblockhash", height), 2)["tx"] for out in tx["vout"]]
    return [out["scriptPubKey"]["hex"] for out in outputs if out["scriptPubKey"]["type"] != "nulldata"][:count]


def scan(args):
    work = pathlib.Path(args.work or tempfile.mkdtemp(prefix="cairn-light-bench-"))
    summary = make_chain(pathlib.Path(args.chain), work / "chain")
    height = summary["height"]
    peers = []
    light = Light("light", folder=work / "light")
    try:
        for i in range(PEERS):
            folder = work / f"peer{i}"
            if not folder.exists():
                shutil.copytree(work / "chain", folder)
            peers.append(harness.Node(harness.cairnd(), f"peer{i}", "-connect=0", "-blockfilterindex=basic", "-peerblockfilters=1",
                                      "-maxtipage=1000000000", folder=folder).start())
        shutil.rmtree(light.folder / "regtest", ignore_errors=True)
        chance = random.Random(1)
        scripts = ["0014" + chance.randbytes(20).hex() for _ in range(args.scripts)]
        light.start("-connect=0")
        for script in scripts + own_scripts(peers[0], summary.get("first_heavy", height), 20):
            light.rpc("watchscript", script)
        light.stop()
        doors = [Throttle(peer.port, args.rate * 1e6) for peer in peers] if args.rate else peers
        light.options = [f"-connect=127.0.0.1:{door.port}" for door in doors]
        times, threads, served, ours = [], {}, [], []
        for _ in range(args.runs):
            shutil.rmtree(light.folder / "regtest" / "chain", ignore_errors=True)
            before = [cpu_of(pathlib.Path(f"/proc/{peer.process.pid}")) for peer in peers]
            light.start()
            times.append(light.wait_synced(height))
            info = light.rpc("getlightinfo")
            for name, seconds in cpu_by_thread(light.process).items():
                threads.setdefault(name, []).append(seconds)
            ours.append(cpu_of(pathlib.Path(f"/proc/{light.process.pid}")))
            served.append(sum(cpu_of(pathlib.Path(f"/proc/{peer.process.pid}")) for peer in peers) - sum(before))
            received = sum(peer["bytesrecv"] for peer in light.rpc("getpeerinfo"))
            most = resident(light.process)[0]
            light.stop()
        print(f"{height} blocks, {args.scripts} scripts, {PEERS} peers, {args.runs} runs: {info['filtersfetched']} filters and "
              f"{info['blocksfetched']} blocks in {received / 1e6:.1f} MB")
        if args.rate:
            least = received / (PEERS * args.rate * 1e6)
            print(f"at {args.rate} MB/s from each peer: {least:.2f} s at least, {statistics.median(times):.2f} s taken, {100 * least / statistics.median(times):.0f} %")
        print(f"synced after {min(times):.2f} s at best, {statistics.median(times):.2f} s in the middle; {most:.0f} MB resident at most")
        print(f"CPU seconds (middle): client {statistics.median(ours):.2f}, peers together {statistics.median(served):.2f}")
        for name, seconds in sorted(threads.items(), key=lambda entry: -statistics.median(entry[1])):
            if statistics.median(seconds) >= 0.01:
                print(f"  {name:16} {statistics.median(seconds):.2f}")
    finally:
        light.stop()
        for peer in peers:
            peer.stop()
        if not args.work:
            shutil.rmtree(work, ignore_errors=True)
    return 0


# --- memory

class MadeUpChain:
    """A peer with headers, filter headers and filters of blocks that nobody has."""

    def __init__(self, count, filter_bytes=2048):
        self.raw, self.hashes = [GENESIS_HEADER], [p2p.double_sha(GENESIS_HEADER)]
        now = int(time.time())
        first = 1296688602
        spacing = min(600, (now - 600 - first) // count)
        sha256 = hashlib.sha256
        previous = self.hashes[0]
        for i in range(1, count + 1):
            stem = struct.pack("<i", 0x20000000) + previous + sha256(struct.pack("<I", i)).digest() + struct.pack("<II", now - 600 - (count - i) * spacing, 0x207fffff)
            nonce = 0
            while True:
                header = stem + nonce.to_bytes(4, "little")
                previous = sha256(sha256(header).digest()).digest()
                if previous[31] < 0x80:
                    break
                nonce += 1
            self.raw.append(header)
            self.hashes.append(previous)
        self.heights = {block: height for height, block in enumerate(self.hashes)}
        # Random bits are steps of a filter, too; as many as surely fit.
        elements = filter_bytes * 8 // 22
        self.filter = p2p.compact_size(elements) + random.Random(1).randbytes(filter_bytes)
        self.filter_hash = p2p.double_sha(self.filter)
        self.filter_headers = [GENESIS_FILTER_HEADER]
        for _ in range(count):
            self.filter_headers.append(p2p.double_sha(self.filter_hash + self.filter_headers[-1]))
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    @staticmethod
    def _pack(command, payload=b""):
        return p2p.MAGIC["regtest"] + command.encode().ljust(12, b"\0") + struct.pack("<I", len(payload)) + p2p.double_sha(payload)[:4] + payload

    @staticmethod
    def _pull(source, count):
        data = bytearray()
        while len(data) < count:
            part = source.recv(count - len(data))
            if not part:
                raise ConnectionError
            data += part
        return bytes(data)

    def _serve(self, client):
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while True:
                header = self._pull(client, 24)
                if header[:4] != p2p.MAGIC["regtest"]:
                    break
                command = header[4:16].rstrip(b"\0").decode()
                payload = self._pull(client, struct.unpack("<I", header[16:20])[0])
                for answer in self._answers(command, payload):
                    client.sendall(answer)
        except (OSError, ConnectionError):
            pass
        client.close()

    def _answers(self, command, payload):
        if command == "version":
            address = bytes(26)
            services = 1 | 8 | 64  # blocks, witnesses, filters
            yield self._pack("version", struct.pack("<iQq", 70016, services, int(time.time())) + address + address + os.urandom(8) +
                             p2p.compact_size(6) + b"/test/" + struct.pack("<i?", len(self.raw) - 1, False))
            yield self._pack("verack")
        elif command == "ping":
            yield self._pack("pong", payload)
        elif command == "getheaders":
            count, at = p2p.read_compact_size(payload, 4)
            locator = [payload[at + 32 * i:at + 32 * i + 32] for i in range(count)]
            first = next((self.heights[block] for block in locator if block in self.heights), 0) + 1
            found = self.raw[first:first + 2000]
            yield self._pack("headers", p2p.compact_size(len(found)) + b"".join(header + b"\0" for header in found))
        elif command in ("getcfheaders", "getcfilters"):
            first, stop = struct.unpack("<I", payload[1:5])[0], self.heights.get(payload[5:37])
            if stop is None:
                return
            if command == "getcfheaders":
                yield self._pack("cfheaders", b"\0" + payload[5:37] + self.filter_headers[first - 1] + p2p.compact_size(stop - first + 1) +
                                 self.filter_hash * (stop - first + 1))
                return
            body = p2p.compact_size(len(self.filter)) + self.filter
            yield b"".join(self._pack("cfilter", b"\0" + self.hashes[height] + body) for height in range(first, stop + 1))
        elif command == "getcfcheckpt":
            stop = self.heights.get(payload[1:33])
            if stop is not None:
                found = self.filter_headers[1000:stop + 1:1000]
                yield self._pack("cfcheckpt", b"\0" + payload[1:33] + p2p.compact_size(len(found)) + b"".join(found))


def memory(args):
    began = time.monotonic()
    chain = MadeUpChain(args.headers)
    print(f"{args.headers} headers made in {time.monotonic() - began:.0f} s", flush=True)
    light = Light("light", f"-connect=127.0.0.1:{chain.port}", "-v2transport=0", f"-watch=0014{'07' * 20}@{max(1, args.headers - args.filters + 1)}")
    try:
        light.start()
        seconds = light.wait_synced(args.headers)
        most, now, own = resident(light.process)
        disk = sum(file.stat().st_size for file in (light.folder / "regtest" / "chain").iterdir() if file.is_file())
        print(f"first start: synced after {seconds:.1f} s, {cpu_of(pathlib.Path(f'/proc/{light.process.pid}')):.1f} s of CPU "
              f"({', '.join(f'{name} {spent:.1f}' for name, spent in cpu_by_thread(light.process).items() if spent >= 0.1)})")
        print(f"resident: {most:.0f} MB at most, {now:.0f} MB at the end, of which {own:.0f} MB its own; on disk {disk / 1e6:.0f} MB", flush=True)
        light.stop()
        began = time.monotonic()
        light.start()
        ready = time.monotonic() - began
        light.wait_synced(args.headers)
        time.sleep(args.idle)
        most, now, own = resident(light.process)
        print(f"second start: ready after {ready:.1f} s, {cpu_of(pathlib.Path(f'/proc/{light.process.pid}')):.1f} s of CPU")
        print(f"resident: {most:.0f} MB at most, {now:.0f} MB after {args.idle} s, of which {own:.0f} MB its own")
    finally:
        light.stop()
        light.remove()
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("scan")
    one.add_argument("--chain", required=True)
    one.add_argument("--work", help="keeps the peers' folders for the next time")
    one.add_argument("--scripts", type=int, default=10_000)
    one.add_argument("--runs", type=int, default=3)
    one.add_argument("--rate", type=float, help="megabytes a second of each peer")
    two = commands.add_parser("memory")
    two.add_argument("--headers", type=int, default=900_000)
    two.add_argument("--filters", type=int, default=20_000)
    two.add_argument("--idle", type=int, default=15)
    args = parser.parse_args()
    return scan(args) if args.command == "scan" else memory(args)


if __name__ == "__main__":
    sys.exit(main())
