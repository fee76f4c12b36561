#!/usr/bin/env python3
"""Two nodes meet through a real Tor: one has an onion service made over the control port, the other dials it by SOCKS5.

The Tor network is a private one of three authorities, five relays and a client, all on 127.0.0.1; it needs about a
minute to agree on itself. Shown: both ways to authenticate (cookie and password), blocks that travel over the onion
service, its address that stays the same after a restart and goes away with Tor.

    CAIRN_TOR   the folder with tor and tor-gencert (default: those on the PATH)
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

import harness

PASSWORD = 'a "quoted" one'
RELAYS = 5
COMMON = """
TestingTorNetwork 1
RunAsDaemon 0
ShutdownWaitLength 0
SafeLogging 0
PathsNeededToBuildCircuits 0.25
V3AuthNIntervalsValid 2
TestingV3AuthInitialVotingInterval 20
V3AuthVotingInterval 20
V3AuthVoteDelay 4
V3AuthDistDelay 4
TestingV3AuthInitialVoteDelay 4
TestingV3AuthInitialDistDelay 4
AssumeReachable 1
ExtendAllowPrivateAddresses 1
EnforceDistinctSubnets 0
ClientRejectInternalAddresses 0
VanguardsLiteEnabled 0
"""
AUTHORITY = """
AuthoritativeDirectory 1
V3AuthoritativeDirectory 1
ContactInfo nobody@localhost
TestingDirAuthVoteExit *
TestingDirAuthVoteHSDir *
TestingDirAuthVoteGuard *
MinUptimeHidServDirectoryV2 0
"""


def program(name):
    folder = os.environ.get("CAIRN_TOR")
    path = shutil.which(name, path=folder) if folder else shutil.which(name)
    return path or harness.skip(f"no {name}: install tor, or set CAIRN_TOR to its folder")


class TorNetwork:
    """A private Tor network on 127.0.0.1. As a context manager it is up, and at the end gone."""

    def __init__(self):
        self.tor, self.gencert = program("tor"), program("tor-gencert")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="cairn-tor-"))
        self.socks_port, self.control_port = harness.free_port(), harness.free_port()
        self.processes, self.names, self.authorities = {}, [], ""

    def add(self, name, text):
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        folder.chmod(0o700)
        (folder / "torrc").write_text(f"DataDirectory {folder}\nLog notice file {folder}/log\n{COMMON}{text}")
        self.names.append(name)

    def add_authority(self, name):
        keys, or_port, dir_port = self.folder / name / "keys", harness.free_port(), harness.free_port()
        keys.mkdir(parents=True)
        subprocess.run([self.gencert, "--create-identity-key", "-m", "12", "-a", f"127.0.0.1:{dir_port}", "-i", keys / "authority_identity_key", "-s",
                        keys / "authority_signing_key", "-c", keys / "authority_certificate", "--passphrase-fd", "0"],
                       input=b"secret\n", check=True, capture_output=True)
        identity = re.search(r"fingerprint (\w+)", (keys / "authority_certificate").read_text())[1]
        self.add(name, f"Nickname {name}\nAddress 127.0.0.1\nSocksPort 0\nORPort 127.0.0.1:{or_port}\nDirPort 127.0.0.1:{dir_port}\n{AUTHORITY}")
        line = f"DirAuthority {name} orport={or_port} no-v2 v3ident={identity} 127.0.0.1:{dir_port} "
        torrc = self.folder / name / "torrc"
        alone = torrc.with_name("torrc.alone")  # an authority must know one before it tells its own fingerprint
        alone.write_text(torrc.read_text() + line + "0" * 40 + "\n")
        shown = subprocess.run([self.tor, "--list-fingerprint", "-f", alone], check=True, capture_output=True, text=True).stdout
        self.authorities += line + "".join(shown.splitlines()[-1].split()[1:]) + "\n"

    def __enter__(self):
        try:
            for i in range(3):
                self.add_authority(f"auth{i}")
            for i in range(RELAYS):
                self.add(f"relay{i}", f"Nickname relay{i}\nAddress 127.0.0.1\nSocksPort 0\nORPort 127.0.0.1:{harness.free_port()}\n")
            hashed = subprocess.run([self.tor, "--quiet", "--hash-password", PASSWORD], check=True, capture_output=True, text=True).stdout.split()[-1]
            self.add("client", f"SocksPort 127.0.0.1:{self.socks_port}\nControlPort 127.0.0.1:{self.control_port}\nCookieAuthentication 1\n"
                               f"HashedControlPassword {hashed}\n")
            for name in self.names:
                with open(self.folder / name / "torrc", "a") as torrc:
                    torrc.write(self.authorities)
                self.start(name)
            self.wait(lambda: "Bootstrapped 100%" in self.log("client"), 180, "bootstrap")
            return self
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        for name in list(self.processes):
            self.stop(name)
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, name):
        with open(self.folder / name / "output.txt", "ab") as output:
            self.processes[name] = subprocess.Popen([self.tor, "-f", self.folder / name / "torrc"], stdout=output, stderr=output)

    def stop(self, name):
        process = self.processes.pop(name)
        process.terminate()
        process.wait(30)

    def log(self, name):
        path = self.folder / name / "log"
        return path.read_text() if path.exists() else ""

    def wait(self, condition, seconds, what):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(f"Tor: no {what} in {seconds} s: {self.log('client')[-500:]}")
            time.sleep(0.5)


def onion_of(node):
    return [local["address"] for local in node.rpc("getnetworkinfo")["localaddresses"] if local["address"].endswith(".onion")]


def meet(node, address):
    """Dials until it works: descriptors need their time to be known."""
    for _ in range(30):
        node.rpc("addnode", address, "onetry")
        for _ in range(40):
            peers = [peer for peer in node.rpc("getpeerinfo") if peer["addr"] == address and peer["version"]]
            if peers:
                return peers[0]
            time.sleep(0.1)
    raise TimeoutError(f"{address} cannot be reached: {node.log_file.read_text()[-1500:]}")


def main():
    with TorNetwork() as tor:
        control = f"-torcontrol=127.0.0.1:{tor.control_port}"
        host = harness.Node(harness.cairnd(), "host", control, "-listenonion=1", "-debug=tor")
        host.options.append(f"-bind=127.0.0.1:{harness.free_port()}=onion")
        guest = harness.Node(harness.cairnd(), "guest", f"-proxy=127.0.0.1:{tor.socks_port}", "-onlynet=onion", "-listen=0", "-debug=proxy")
        try:
            with host, guest:
                host.wait_until(lambda: onion_of(host), 60, "onion service")
                assert "Using SAFECOOKIE authentication" in host.log_file.read_text()
                address = onion_of(host)[0]
                peer = meet(guest, f"{address}:18444")
                assert (peer["network"], peer["transport_protocol_type"]) == ("onion", "v2"), peer
                assert [p["network"] for p in host.rpc("getpeerinfo")] == ["onion"]
                tip = guest.rpc("generatetodescriptor", 20, "raw(51)")[-1]
                seconds = host.wait_for_tip(tip, 60)
                print(f"20 blocks reached the service in {seconds:.1f} s")
                tip = host.rpc("generatetodescriptor", 1, "raw(51)")[-1]
                guest.wait_for_tip(tip, 60)
            host.options.append(f"-torpassword={PASSWORD}")
            with host:
                host.wait_until(lambda: onion_of(host), 60, "onion service")
                assert onion_of(host) == [address], "another address than before"
                assert "Using HASHEDPASSWORD authentication" in host.log_file.read_text()
                networks = {network["name"]: network for network in host.rpc("getnetworkinfo")["networks"]}
                assert networks["onion"]["reachable"] and networks["onion"]["proxy"] == f"127.0.0.1:{tor.socks_port}", networks
                tor.stop("client")
                host.wait_until(lambda: not onion_of(host), 30, "service gone with Tor")
        finally:
            host.remove()
            guest.remove()
    print("the nodes met through Tor")


if __name__ == "__main__":
    sys.exit(main())
