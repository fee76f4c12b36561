#!/usr/bin/env python3
"""Fresh nodes that know nobody find each other: two on one link by multicast DNS, five on a network by their hash table.

Each node lives in a network namespace of its own, made here and removed at the end; nothing leaves them. Needs root and `ip`.
Shown: the seconds until everybody has found everybody; a goodbye; that an address of the local network is neither stored nor
gossiped; that who is bound to this machine, or hides behind a proxy, is not announced.

    --within SECONDS   how long each part may take (default 30)
"""
import argparse
import json
import os
import shutil
import subprocess
import tempfile
import pathlib
import time

import harness

NAME = f"cairn{os.getpid()}"
PORT = 18444
RPC_PORT = 18443


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)


def can_make_namespaces():
    if os.geteuid() != 0:
        harness.skip("network namespaces need root")
    if not shutil.which("ip"):
        harness.skip("no ip: install iproute2")
    probe = f"{NAME}-x"
    refused = None
    for words in (["netns", "add", probe], ["-n", probe, "link", "set", "lo", "up"],
                  ["-n", probe, "link", "add", "name", "veth0", "type", "veth", "peer", "name", "veth1"]):
        done = subprocess.run(["ip", *words], capture_output=True, text=True)
        if done.returncode != 0:
            refused = done.stderr.strip()
            break
    subprocess.run(["ip", "netns", "delete", probe], capture_output=True)
    if refused is not None:
        harness.skip(f"no network namespace can be used here: {refused}")


class Cable:
    """Namespaces on one link: two are joined by a pair of interfaces, more by a bridge in a namespace of its own."""

    def __init__(self, addresses):
        self.names = [f"{NAME}-{number}" for number in range(len(addresses))]
        self.switch = f"{NAME}-s"
        self.made = []
        try:
            for name in self.names:
                self.make(name)
            if len(addresses) == 2:
                ip("link", "add", "veth0", "netns", self.names[0], "type", "veth", "peer", "name", "veth0", "netns", self.names[1])
            else:
                self.make(self.switch)
                ip("-n", self.switch, "link", "add", "bridge", "type", "bridge", "mcast_snooping", "0")
                ip("-n", self.switch, "link", "set", "bridge", "up")
                for number, name in enumerate(self.names):
                    ip("link", "add", "veth0", "netns", name, "type", "veth", "peer", "name", f"port{number}", "netns", self.switch)
                    ip("-n", self.switch, "link", "set", f"port{number}", "master", "bridge", "up")
            for name, address in zip(self.names, addresses):
                if address:
                    ip("-n", name, "address", "add", address, "dev", "veth0")
                ip("-n", name, "link", "set", "veth0", "up")
        except BaseException:
            self.remove()
            raise

    def make(self, name):
        ip("netns", "add", name)
        self.made.append(name)
        ip("-n", name, "link", "set", "lo", "up")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()

    def remove(self):
        for name in self.made:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True)
        self.made = []


class Inside:
    """A node in a namespace; RPC goes by cairn-cli in there."""

    def __init__(self, namespace, *options):
        self.namespace, self.options = namespace, options
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="cairn-discovery-"))
        self.process = None

    def start(self):
        command = ["ip", "netns", "exec", self.namespace, str(harness.cairnd()), "-regtest", f"-datadir={self.folder}", f"-port={PORT}", f"-rpcport={RPC_PORT}",
                   "-listen=1", "-dnsseed=0", "-fixedseeds=0", "-listenonion=0", "-natpmp=0", "-printtoconsole=0", "-debug=net", *self.options]
        with open(self.folder / "output.txt", "ab") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
        return self

    def cli(self, *words):
        done = subprocess.run(["ip", "netns", "exec", self.namespace, str(harness.build_folder() / "cairn-cli"), "-regtest", f"-datadir={self.folder}",
                               f"-rpcport={RPC_PORT}", *words], capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        return json.loads(done.stdout) if done.stdout[:1] in "[{" else done.stdout.strip()

    def wait_ready(self, seconds=60):
        end = time.monotonic() + seconds
        while True:
            try:
                return self.cli("getblockcount")
            except RuntimeError as problem:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"{self.namespace}: {problem}; {(self.folder / 'output.txt').read_text()[-2000:]}") from None
                time.sleep(0.1)

    def peers(self):
        return self.cli("getpeerinfo")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def until(what, condition, seconds):
    """The seconds until it holds."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.1)
    return time.monotonic() - began


def log_has(node, text):
    return text in (node.folder / "regtest" / "debug.log").read_text(errors="replace")


def connected(node):
    return [peer for peer in node.peers() if peer["version"] != 0]


def run_pair(addresses, within, title):
    """Two nodes that are told nothing but to look at the local network."""
    with Cable(addresses) as cable:
        nodes = [Inside(name, "-landiscovery=1") for name in cable.names]
        try:
            began = time.monotonic()
            for node in nodes:
                node.start()
            for node in nodes:
                node.wait_ready()
            until("both nodes see each other", lambda: all(connected(node) for node in nodes), within)
            took = time.monotonic() - began
            print(f"{title}: two fresh nodes found each other in {took:.1f} s, starting them included")
            assert took < within, took
            time.sleep(3)
            check_pair(nodes)
        finally:
            for node in nodes:
                node.remove()


def check_pair(nodes):
    types = sorted(peer["connection_type"] for node in nodes for peer in node.peers())
    assert types == ["inbound", "lan"], f"one connection, made by one of them: {types}"
    for node in nodes:
        info = node.cli("getdiscoveryinfo")
        assert info["lan"]["announced"] and info["lan"]["interfaces"] == ["veth0"], info
        assert len(info["lan"]["peers"]) == 1 and info["lan"]["peers"][0]["connected"], info
        assert not info["dht"]["enabled"]
        assert node.cli("getnodeaddresses", "0") == [], "an address of the local network is nobody else's business"
        assert node.cli("getaddrmaninfo")["all_networks"]["total"] == 0
    # Blocks go over it, too.
    nodes[0].cli("generatetodescriptor", "5", "raw(51)#8lvh9jxk")
    until("the block arrives", lambda: nodes[1].cli("getblockcount") == "5", 20)
    nodes[0].stop()
    until("the goodbye is heard", lambda: nodes[1].cli("getdiscoveryinfo")["lan"]["peers"] == [], 10)
    # And again when it is back.
    nodes[0].start().wait_ready()
    took = until("it is found again", lambda: bool(connected(nodes[1])), 30)
    print(f"  found again {took:.1f} s after its return")


def run_hidden(within):
    """Who does not want to be found is not: proxies refuse it, a node bound to its own machine says nothing."""
    with Cable(["10.77.1.1/24", "10.77.1.2/24"]) as cable:
        for options, complaint in ((["-landiscovery=1", "-proxy=127.0.0.1:9"], "-landiscovery cannot be used together with -proxy"),
                                   (["-dht=1", "-proxy=127.0.0.1:9"], "-dht cannot be used together with -proxy"),
                                   (["-dht=1", "-onlynet=onion", "-onion=127.0.0.1:9"], "-dht cannot be used together with -onlynet")):
            node = Inside(cable.names[0], *options)
            try:
                node.start().process.wait(30)
                output = (node.folder / "output.txt").read_text()
                assert node.process.returncode == 1 and (complaint in output or "without the dht library" in output), output
            finally:
                node.remove()
        watcher = Inside(cable.names[0], "-landiscovery=1")
        quiet = Inside(cable.names[1], "-landiscovery=1", f"-bind=127.0.0.1:{PORT}")
        silent = Inside(cable.names[1], f"-bind=127.0.0.1:{PORT}")
        try:
            for node in (watcher, quiet):
                node.start()
            for node in (watcher, quiet):
                node.wait_ready()
            until("the quiet one finds the other", lambda: bool(connected(quiet)), within)
            assert watcher.cli("getdiscoveryinfo")["lan"]["peers"] == []
            quiet.stop()
            silent.start().wait_ready()
            assert silent.cli("getdiscoveryinfo") == {"lan": {"enabled": False}, "dht": {"enabled": False}}, "regtest is not announced unasked"
            print("hidden: proxies refuse discovery, and who listens to its own machine alone is not announced")
        finally:
            for node in (watcher, quiet, silent):
                node.remove()


def run_table(within):
    """Five nodes of five address groups; the first is whom the others begin with. Then a sixth."""
    addresses = [f"21.{number}.0.1/8" for number in range(1, 7)]
    with Cable(addresses) as cable:
        first = "21.1.0.1:" + str(PORT)
        nodes = [Inside(name, "-dht=1", *([f"-dhtbootstrap={first}"] if number else [])) for number, name in enumerate(cable.names[:5])]
        try:
            began = time.monotonic()
            for node in nodes:
                node.start()
            for node in nodes:
                node.wait_ready()
            until("each of the five is connected", lambda: all(connected(node) for node in nodes), within)
            someone = time.monotonic() - began

            def everybody():
                return all(len({peer["addr"].split(":")[0] for peer in connected(node)}) == 4 for node in nodes)
            until("each of the five has all others", everybody, within)
            took = time.monotonic() - began
            print(f"hash table: five fresh nodes each found one in {someone:.1f} s and all others in {took:.1f} s, starting them included")
            assert took < within, took
            taken = 0
            for node in nodes:
                info = node.cli("getdiscoveryinfo")["dht"]
                assert info["enabled"] and info["good_nodes"] + info["dubious_nodes"] >= 1, info
                taken += info["taken"]
            assert taken >= 4, "somebody was found in the table by each who was not called"
            nodes[0].cli("generatetodescriptor", "3", "raw(51)#8lvh9jxk")
            until("the blocks are everywhere", lambda: all(node.cli("getblockcount") == "3" for node in nodes), 30)
            # Nodes of the table are remembered: with them somebody whom nobody knows gets in without the first node.
            nodes[0].stop()
            nodes[4].stop()
            late = Inside(cable.names[5], "-dht=1")
            nodes.append(late)
            (late.folder / "regtest").mkdir()
            shutil.copy(nodes[4].folder / "regtest" / "dht.txt", late.folder / "regtest" / "dht.txt")
            began = time.monotonic()
            late.start().wait_ready()
            until("a stranger finds the others by the nodes he was given", lambda: bool(connected(late)), within)
            print(f"  a sixth, with the nodes that one of them remembers and nothing else, is connected in {time.monotonic() - began:.1f} s")
        finally:
            for node in nodes:
                node.remove()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--within", type=float, default=30)
    within = parser.parse_args().within
    can_make_namespaces()
    run_pair(["10.77.0.1/24", "10.77.0.2/24"], within, "local network, IPv4")
    run_pair([None, None], within + 5, "local network, IPv6 with link-local addresses alone")
    run_hidden(within)
    with tempfile.TemporaryDirectory() as folder:
        probe = subprocess.run([str(harness.cairnd()), "-regtest", f"-datadir={folder}", "-dht=1", "-proxy=127.0.0.1:9"], capture_output=True, text=True)
        if "without the dht library" in probe.stderr:
            harness.skip("the part with the hash table: cairnd was built without the dht library (contrib/setup.sh fetches it)")
    run_table(within)


if __name__ == "__main__":
    main()
