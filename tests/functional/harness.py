"""Starts nodes on 127.0.0.1 in folders of their own and talks JSON-RPC to them. Standard library only.

    CAIRN_BUILD      the folder with cairnd and cairn-cli (default: build/release beside the source)
    CAIRN_REFERENCE  another implementation's bitcoind, or the folder it lies in (default: bitcoind on the PATH)
    CAIRN_CHAIN      a chain file in the blk*.dat format for the tests that want a long chain, with FILE.json beside it
    CAIRN_SEED       replays the choices of a run that printed this seed

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
    path = build_folder() / "cairnd"
    if not path.is_file():
        sys.exit(f"there is no {path}: build cairnd, or set CAIRN_BUILD to the folder it was built in")
    return path


def reference(given=None):
    """The path of the other implementation's bitcoind: `given`, CAIRN_REFERENCE, or from the PATH; None when there is none."""
    for candidate in (given, os.environ.get("CAIRN_REFERENCE"), shutil.which("bitcoind")):
        if not candidate:
            continue
        path = pathlib.Path(candidate)
        path = path / "bitcoind" if path.is_dir() else path
        if path.is_file():
            return path.resolve()
    return None


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


def need_reference(given=None):
    return reference(given) or skip("no reference node: set CAIRN_REFERENCE to a folder with its bitcoind")


def need_chain():
    path = os.environ.get("CAIRN_CHAIN")
    if not path or not pathlib.Path(path).exists():
        skip("no long chain: set CAIRN_CHAIN to a chain file in the blk*.dat format")
    return pathlib.Path(path)


def summary_of(chain):
    """What FILE.json says of a chain file: at least its tip and height."""
    return json.loads(chain.with_name(chain.name + ".json").read_text())


def free_port():
    """A port that is free now and was not handed out before by this process."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port not in _taken_ports:
            _taken_ports.add(port)
            return port


class Number(str):
    """A JSON number kept as it was written, so that 1, 1.0 and 1.00000000 stay different."""


class RpcError(Exception):
    def __init__(self, status, error):
        super().__init__(f"HTTP {status}: {error}")
        self.status, self.error = status, error
        self.code = error.get("code") if isinstance(error, dict) else None
        self.message = error.get("message") if isinstance(error, dict) else None


class Node:
    """One node of either implementation with a folder of its own: `Node(cairnd(), "a", "-txindex=0")`.

    As a context manager it is started, and at the end stopped, whatever happens; its folder stays until remove().
    """

    def __init__(self, binary, name, *options, folder=None, network="regtest"):
        self.binary, self.name, self.options, self.network = pathlib.Path(binary), name, list(options), network
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix=f"cairn-{name}-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port, self.rpc_port = free_port(), free_port()
        self.process = self.connection = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    @property
    def network_folder(self):
        return self.folder / self.network if self.network != "mainnet" else self.folder

    @property
    def log_file(self):
        return self.network_folder / "debug.log"

    def command(self, *more):
        listen = [] if "-listen=0" in self.options else [f"-bind=127.0.0.1:{self.port}", "-listen=1"]
        return [str(self.binary), f"-{self.network}", f"-datadir={self.folder}", *listen, f"-rpcport={self.rpc_port}",
                "-rpcbind=127.0.0.1", "-rpcallowip=127.0.0.1", "-server=1", "-dnsseed=0", "-fixedseeds=0", "-listenonion=0",
                "-natpmp=0", "-discover=0", "-printtoconsole=0", "-checkmempool=0", *self.options, *more]

    def start(self, *more, wait=True, seconds=240):
        with open(self.folder / "output.txt", "ab") as output:
            self.process = subprocess.Popen(self.command(*more), stdout=output, stderr=output, stdin=subprocess.DEVNULL)
        if wait:
            try:
                self.wait_ready(seconds)
            except BaseException:
                self.stop()
                raise
        return self

    def output(self):
        return (self.folder / "output.txt").read_text(errors="replace")

    def wait_ready(self, seconds=240):
        """Until RPC answers a question about the chain, after warming up; gives the seconds it took."""
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.name} ended with {self.process.returncode}: {self.output()[-2000:]}")
            try:
                self.rpc("getblockcount")
                return time.monotonic() - began
            except (OSError, RpcError, http.client.HTTPException):
                self.close()
                time.sleep(0.01)
        raise TimeoutError(f"{self.name} is not ready after {seconds} s")

    def running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, seconds=120):
        """SIGTERM; gives the exit code. A node that does not end in time is killed and that is an error."""
        self.close()
        if not self.process:
            return None
        if self.running():
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
                raise TimeoutError(f"{self.name} did not stop within {seconds} s") from None
        return self.process.returncode

    def kill(self):
        self.close()
        self.process.kill()
        self.process.wait()

    def remove(self):
        if self.running():
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def close(self):
        """Drops the connection; the next call makes a new one."""
        if self.connection:
            self.connection.close()
            self.connection = None

    def authorization(self):
        cookie = (self.network_folder / ".cookie").read_bytes()
        return "Basic " + base64.b64encode(cookie).decode()

    def post(self, body, timeout=600, path="/"):
        """The raw HTTP answer to a raw body: (status, bytes). A connection that the node has closed is made anew once."""
        headers = {"Authorization": self.authorization(), "Content-Type": "application/json"}
        for attempt in (1, 2):
            try:
                if not self.connection:
                    self.connection = http.client.HTTPConnection("127.0.0.1", self.rpc_port)
                self.connection.timeout = timeout
                if self.connection.sock:
                    self.connection.sock.settimeout(timeout)
                self.connection.request("POST", path, body, headers)
                answer = self.connection.getresponse()
                return answer.status, answer.read()
            except (http.client.RemoteDisconnected, http.client.CannotSendRequest, ConnectionResetError, BrokenPipeError):
                self.close()
                if attempt == 2:
                    raise
            except OSError:
                self.close()
                raise

    def rpc(self, method, *params, timeout=600, path="/", **named):
        """The result as ordinary Python values; RpcError when the node refuses."""
        given = {**named, **({"args": params} if params else {})} if named else params
        body = json.dumps({"version": "1.1", "id": 1, "method": method, "params": given})
        status, text = self.post(body.encode(), timeout, path)
        if not text:
            raise RpcError(status, {"code": None, "message": "no body"})
        answer = json.loads(text)
        if answer.get("error"):
            raise RpcError(status, answer["error"])
        return answer["result"]

    def ask(self, method, params=(), timeout=120):
        """(HTTP status, result, error) of a call; numbers stay as they were written."""
        status, body = self.post(json.dumps({"id": 1, "method": method, "params": params}).encode(), timeout)
        answer = json.loads(body, parse_float=Number, parse_int=Number)
        return status, answer.get("result"), answer.get("error")

    def wait_until(self, condition, seconds=120, what="condition"):
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            if condition():
                return time.monotonic() - began
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
