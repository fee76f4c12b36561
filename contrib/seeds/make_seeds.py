#!/usr/bin/env python3
"""Make net/swarm/detail/fixed_seeds.inc from lists of seed nodes.

make_seeds.py DIR              prints the table
make_seeds.py DIR -o FILE      writes it, if it is another than FILE holds
make_seeds.py DIR --check FILE says whether FILE is what the lists give; exit code 1 when it is not

DIR holds fixed_seeds_{mainnet,testnet3,testnet4,signet}.txt, one host:port a line; `#` begins a comment. A host is an IPv4
address, an IPv6 address in brackets (fc00::/8 is taken for CJDNS), a version 3 .onion name or a .b32.i2p name. Where DIR also
holds chainparamsseeds_bip155.json, the same seeds as BIP155 records, both have to agree.
"""
import argparse
import base64
import hashlib
import ipaddress
import json
import pathlib
import sys

CHAINS = {"Main": ("mainnet", "main"), "Testnet3": ("testnet3", "test"), "Testnet4": ("testnet4", "testnet4"),
          "Signet": ("signet", "signet")}
NETWORKS = {1: "IPv4", 2: "IPv6", 4: "Tor v3", 5: "I2P", 6: "CJDNS"}


def onion_key(name):
    """The public key in a version 3 onion name, whose last three bytes are a checksum and the version."""
    raw = base64.b32decode(name.upper())
    if len(raw) != 35 or raw[34] != 3:
        raise ValueError("not a version 3 onion name")
    if raw[32:34] != hashlib.sha3_256(b".onion checksum" + raw[:32] + b"\x03").digest()[:2]:
        raise ValueError("wrong checksum")
    return raw[:32]


def i2p_hash(name):
    raw = base64.b32decode(name.upper() + "=" * (-len(name) % 8))
    if len(raw) != 32:
        raise ValueError("not a hash of 32 bytes")
    return raw


def parse(text):
    """(network number of BIP155, address, port) of host:port."""
    host, separator, port = text.rpartition(":")
    if not separator or not port.isdigit() or int(port) > 0xFFFF:
        raise ValueError("no port")
    if host.endswith(".onion"):
        return 4, onion_key(host[:-6]), int(port)
    if host.endswith(".b32.i2p"):
        return 5, i2p_hash(host[:-8]), int(port)
    ip = ipaddress.ip_address(host[1:-1] if host.startswith("[") and host.endswith("]") else host)
    return 1 if ip.version == 4 else 6 if ip.packed[0] == 0xFC else 2, ip.packed, int(port)


def read_list(path):
    """The seeds of a file in its order, each one once."""
    seeds = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        text = line.split("#")[0].strip()
        if not text:
            continue
        try:
            seeds.setdefault(parse(text), number)
        except ValueError as error:
            sys.exit(f"{path}:{number}: {text}: {error}")
    return list(seeds)


def pack(seeds):
    return b"".join(bytes([net, len(address)]) + address + port.to_bytes(2, "big") for net, address, port in seeds)


def table(name, seeds):
    counts = {net: sum(seed[0] == net for seed in seeds) for net in NETWORKS}
    data = pack(seeds)
    yield f"// {len(seeds)} seeds: " + ", ".join(f"{NETWORKS[net]} {count}" for net, count in counts.items() if count) + "."
    yield f"inline constexpr std::uint8_t kSeeds{name}[] = {{"
    for start in range(0, len(data), 32):
        yield "    " + ",".join(str(byte) for byte in data[start:start + 32]) + ","
    yield "};\n"


def make(folder):
    binary = folder / "chainparamsseeds_bip155.json"
    records = json.loads(binary.read_text())["seeds"] if binary.exists() else {}
    lines = ["// Made by contrib/seeds/make_seeds.py. Data, not to be edited by hand.",
             "#include <cstdint>\n\nnamespace cairn::net::detail {\n"]
    for name, (file, chain) in CHAINS.items():
        seeds = read_list(folder / f"fixed_seeds_{file}.txt")
        if chain in records and pack(seeds) != bytes.fromhex(records[chain]):
            sys.exit(f"{binary}: {chain}: not the seeds of fixed_seeds_{file}.txt")
        lines += table(name, seeds)
    return "\n".join(lines + ["}  // namespace cairn::net::detail"]) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path, help="where the lists are")
    way = parser.add_mutually_exclusive_group()
    way.add_argument("-o", "--output", type=pathlib.Path, help="the file to write")
    way.add_argument("--check", type=pathlib.Path, help="the file to compare with")
    args = parser.parse_args()
    text = make(args.folder)
    if args.check:
        if args.check.read_text() != text:
            sys.exit(f"{args.check} is not what {args.folder} gives; make it anew")
    elif not args.output:
        sys.stdout.write(text)
    elif not args.output.exists() or args.output.read_text() != text:
        args.output.write_text(text)  # an unchanged file keeps its time, so that nothing is compiled again


if __name__ == "__main__":
    main()
