"""Starts bitcoind-compatible nodes on regtest and talks JSON-RPC to them. Standard library only; 127.0.0.1 only."""

import base64
import http.client
import json
import os
import pathlib
import shutil
import socket
import subprocess
import time


class Number(str):
    """A JSON number kept as it was written, so that 1, 1.0 and 1.00000000 stay different."""


def parse_json(text):
    return json.loads(text, parse_float=Number, parse_int=Number)


class RpcError(Exception):
    def __init__(self, error):
        super().__init__(f"{error.get('code')}: {error.get('message')}")
        self.code = int(error.get("code", 0))
        self.message = error.get("message", "")


def free_ports(count):
    """Ports that nobody listened on a moment ago."""
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def find_reference(given=None):
    """The reference node's path: given, CAIRN_REFERENCE_NODE, or bitcoind on the PATH; None when there is none."""
    for candidate in (given, os.environ.get("CAIRN_REFERENCE_NODE"), shutil.which("bitcoind")):
        if candidate and pathlib.Path(candidate).is_file():
            return str(pathlib.Path(candidate).resolve())
    return None


class Node:
    """One node process with its own folder. Use as a context manager: it is stopped at the end, whatever happens."""

    def __init__(self, name, binary, folder, *extra):
        self.name = name
        self.binary = binary
        self.folder = pathlib.Path(folder)
        self.extra = list(extra)
        self.port, self.rpc_port = free_ports(2)
        self.process = None
        self.connection = None
        self.cookie = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self, *more):
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [self.binary, "-regtest", f"-datadir={self.folder}", f"-port={self.port}", f"-rpcport={self.rpc_port}",
                   "-server=1", "-listen=0", "-connect=0", "-dnsseed=0", "-fixedseeds=0", "-listenonion=0", "-printtoconsole=0",
                   "-rpcthreads=4", *self.extra, *more]
        self.output = open(self.folder / "output.txt", "ab")
        self.process = subprocess.Popen(command, stdout=self.output, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                self.cookie = (self.folder / "regtest" / ".cookie").read_text()
                self.call("getblockcount")
                return
            except (OSError, http.client.HTTPException, RpcError):
                self.close()
                time.sleep(0.1)
        self.stop()
        text = (self.folder / "output.txt").read_text(errors="replace")[-2000:]
        raise RuntimeError(f"{self.name} did not start: {self.binary}\n{text}")

    def stop(self):
        self.close()
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if getattr(self, "output", None):
            self.output.close()
            self.output = None

    def close(self):
        if self.connection:
            self.connection.close()
            self.connection = None

    def post(self, body, timeout=120):
        """The HTTP status and the body of the answer to a raw request."""
        headers = {"Authorization": "Basic " + base64.b64encode(self.cookie.encode()).decode(),
                   "Content-Type": "application/json"}
        for attempt in (1, 2):
            try:
                if not self.connection:
                    self.connection = http.client.HTTPConnection("127.0.0.1", self.rpc_port, timeout=timeout)
                self.connection.request("POST", "/", body, headers)
                answer = self.connection.getresponse()
                return answer.status, answer.read()
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                self.close()
                if attempt == 2:
                    raise

    def ask(self, method, params=()):
        """(HTTP status, result, error) of a call; numbers stay as they were written."""
        status, body = self.post(json.dumps({"id": 1, "method": method, "params": params}))
        answer = parse_json(body)
        return status, answer.get("result"), answer.get("error")

    def call(self, method, *params):
        """The result as ordinary Python values; RpcError when the node refuses."""
        _, body = self.post(json.dumps({"id": 1, "method": method, "params": list(params)}))
        answer = json.loads(body)
        if answer.get("error"):
            raise RpcError(answer["error"])
        return answer["result"]
