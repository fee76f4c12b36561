"""Starts nodes on 127.0.0.1 in folders of their own and talks JSON-RPC to them. Standard library only.

    CAIRN_BUILD      the folder with cairnd and cairn-cli (default: build/release beside the source)
    CAIRN_REFERENCE  a folder with another implementation's bitcoind and bitcoin-cli; tests that compare skip without it
    CAIRN_CHAIN      a chain file in the blk*.dat format for the tests that want a long chain, with FILE.json beside it

A test script exits 0 when it passed, 77 when it was skipped (and says why), anything else when it failed.
"""
import base64
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SKIPPED = 77
_taken_ports = set()


def build_folder():
    return pathlib.Path(os.environ.get("CAIRN_BUILD", ROOT / "build" / "release"))


def cairnd():
    return build_folder() / "cairnd"


def reference():
    """The other implementation's bitcoind, or None."""
    folder = os.environ.get("CAIRN_REFERENCE")
    path = pathlib.Path(folder) / "bitcoind" if folder else None
    return path if path and path.exists() else None


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


def need_reference():
    return reference() or skip("no reference node: set CAIRN_REFERENCE to a folder with its bitcoind and bitcoin-cli")


def need_chain():
    path = os.environ.get("CAIRN_CHAIN")
    if not path or not pathlib.Path(path).exists():
        skip("no benchmark chain: set CAIRN_CHAIN to a chain file in the blk*.dat format")
    return pathlib.Path(path)


def free_port():
    """A port that is free now and was not handed out before by this process."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port not in _taken_ports:
            _taken_ports.add(port)
            return port


class RpcError(Exception):
    def __init__(self, status, error):
        super().__init__(f"HTTP {status}: {error}")
        self.status, self.error = status, error
        self.code = error.get("code") if isinstance(error, dict) else None
        self.message = error.get("message") if isinstance(error, dict) else None


class Node:
    """One node of either implementation: `Node(cairnd(), "a", "-txindex=0")`."""

    def __init__(self, binary, name, *options, folder=None, network="regtest"):
        self.binary, self.name, self.options, self.network = pathlib.Path(binary), name, list(options), network
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix=f"cairn-{name}-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port, self.rpc_port = free_port(), free_port()
        self.process = None

    @property
    def network_folder(self):
        return self.folder / self.network if self.network != "mainnet" else self.folder

    def command(self, *more):
        return [str(self.binary), f"-{self.network}", f"-datadir={self.folder}", f"-bind=127.0.0.1:{self.port}",
                f"-rpcport={self.rpc_port}", "-rpcbind=127.0.0.1", "-rpcallowip=127.0.0.1", "-server=1", "-listen=1",
                "-dnsseed=0", "-fixedseeds=0", "-listenonion=0", "-natpmp=0", "-discover=0", "-printtoconsole=0",
                *self.options, *more]

    def start(self, *more, wait=True):
        self.errors = open(self.folder / "stderr.txt", "ab")
        self.process = subprocess.Popen(self.command(*more), stdout=self.errors, stderr=self.errors, stdin=subprocess.DEVNULL)
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, seconds=120):
        """Until RPC answers; gives the seconds it took."""
        began = time.time()
        while time.time() - began < seconds:
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.name} ended with {self.process.returncode}: {(self.folder / 'stderr.txt').read_text()[-500:]}")
            try:
                self.rpc("getblockcount")
                return time.time() - began
            except (OSError, RpcError, http.client.HTTPException):
                time.sleep(0.02)
        raise TimeoutError(f"{self.name} is not ready after {seconds} s")

    def stop(self, seconds=120):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(seconds)
        return self.process.returncode if self.process else None

    def kill(self):
        self.process.kill()
        self.process.wait()

    def remove(self):
        if self.process and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def authorization(self):
        cookie = (self.network_folder / ".cookie").read_bytes()
        return "Basic " + base64.b64encode(cookie).decode()

    def post(self, body, timeout=600):
        """The raw HTTP answer to a raw body: (status, bytes)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.rpc_port, timeout=timeout)
        try:
            connection.request("POST", "/", body, {"Authorization": self.authorization(), "Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def rpc(self, method, *params, timeout=600, **named):
        body = json.dumps({"version": "1.1", "id": 1, "method": method, "params": named or list(params)})
        status, text = self.post(body.encode(), timeout)
        if not text:
            raise RpcError(status, {"code": None, "message": "no body"})
        answer = json.loads(text)
        if answer.get("error"):
            raise RpcError(status, answer["error"])
        return answer["result"]

    def wait_until(self, condition, seconds=120, what="condition"):
        began = time.time()
        while time.time() - began < seconds:
            if condition():
                return time.time() - began
            time.sleep(0.05)
        raise TimeoutError(f"{self.name}: {what} not reached in {seconds} s")

    def wait_for_tip(self, block_hash, seconds=600):
        return self.wait_until(lambda: self.rpc("getbestblockhash") == block_hash, seconds, f"tip {block_hash}")

    def connect(self, other):
        self.rpc("addnode", f"127.0.0.1:{other.port}", "onetry")
        self.wait_until(lambda: any(p["addr"] == f"127.0.0.1:{other.port}" and p["version"] for p in self.rpc("getpeerinfo")), 30, "connection")

    def utxo_hashes(self):
        """gettxoutsetinfo in all three modes, without what depends on the storage."""
        found = {}
        for kind in ("none", "hash_serialized_3", "muhash"):
            info = self.rpc("gettxoutsetinfo", kind)
            info.pop("disk_size", None)
            found[kind] = info
        return found


def seeded_random():
    """A generator whose seed is printed, so that a failure can be replayed with CAIRN_SEED."""
    seed = int(os.environ.get("CAIRN_SEED", time.time_ns() % 1_000_000_007))
    print(f"seed {seed} (replay with CAIRN_SEED={seed})", flush=True)
    return random.Random(seed)
