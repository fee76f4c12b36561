#!/usr/bin/env python3
"""Make net/swarm/detail/fixed_seeds.inc from lists of seed nodes.

make_seeds.py DIR > net/swarm/detail/fixed_seeds.inc

DIR holds fixed_seeds_{mainnet,testnet3,testnet4,signet}.txt, one host:port a line; `#` begins a comment. A host is an IPv4
address, an IPv6 address in brackets (fc00::/8 is taken for CJDNS), a version 3 .onion name or a .b32.i2p name.
"""
import base64
import ipaddress
import pathlib
import sys

NETWORKS = {"Main": "mainnet", "Testnet3": "testnet3", "Testnet4": "testnet4", "Signet": "signet"}


def pack(line):
    """The bytes of one seed: network number of BIP155, length, address, port."""
    host, port = line.rsplit(":", 1)
    if host.endswith(".onion"):
        network, address = 4, base64.b32decode(host[:-6].upper())[:32]
    elif host.endswith(".b32.i2p"):
        name = host[:-8].upper()
        network, address = 5, base64.b32decode(name + "=" * (-len(name) % 8))
    else:
        ip = ipaddress.ip_address(host.strip("[]"))
        network = 1 if ip.version == 4 else 6 if ip.packed[0] == 0xFC else 2
        address = ip.packed
    assert len(address) == {1: 4, 2: 16, 4: 32, 5: 32, 6: 16}[network], line
    return bytes([network, len(address)]) + address + int(port).to_bytes(2, "big")


def main():
    folder = pathlib.Path(sys.argv[1])
    print("// Made by contrib/seeds/make_seeds.py. Data, not to be edited by hand.")
    print("#include <cstdint>\n\nnamespace cairn::net::detail {\n")
    for name, file in NETWORKS.items():
        lines = (folder / f"fixed_seeds_{file}.txt").read_text().splitlines()
        seeds = [line.split("#")[0].strip() for line in lines]
        data = b"".join(pack(seed) for seed in seeds if seed)
        print(f"inline constexpr std::uint8_t kSeeds{name}[] = {{")
        for start in range(0, len(data), 32):
            print("    " + ",".join(str(b) for b in data[start:start + 32]) + ",")
        print("};\n")
    print("}  // namespace cairn::net::detail")


if __name__ == "__main__":
    main()
