#!/usr/bin/env python3
"""Checks the floors from the include graph: a room includes only rooms below it.

    contrib/lint/floors.py [ROOT]

Prints each offending include and exits 1; prints a summary and exits 0 when the house stands.
"""
import pathlib
import re
import sys

# Room -> what it may include besides itself. A room stands for its folder; a child that is listed on its own is its own room.
BASE = ["consensus/base"]
CRYPTO = BASE + ["consensus/crypto"]
PRIMITIVES = CRYPTO + ["consensus/primitives"]
SCRIPT = PRIMITIVES + ["consensus/script"]
CHAIN = PRIMITIVES + ["consensus/chain"]
CONSENSUS = SCRIPT + ["consensus/chain", "consensus/rules"]
NET_CORE = CHAIN + ["consensus/rules", "net/wire", "net/core"]
NET_ENGINE = CONSENSUS + ["net/wire", "net/core", "net/peer", "net/swarm", "net/sync", "net/discovery", "net/engine"]
NET = NET_ENGINE + ["net/io", "net/http"]
STORAGE = CONSENSUS + ["storage"]
WALLET = CONSENSUS + ["light/keys", "light/descriptors", "light/signing", "light/psbt"]
NODE = ["node/chain", "node/index", "node/mempool", "node/policy", "node/fees", "node/relay", "node/mining"]

FLOORS = {
    "consensus/base": [],
    "consensus/crypto": BASE,
    "consensus/primitives": CRYPTO,
    "consensus/script": PRIMITIVES,
    "consensus/chain": PRIMITIVES,
    "consensus/rules": CONSENSUS,
    "storage": CONSENSUS,
    "storage/rocks": STORAGE,
    "net/wire": PRIMITIVES,
    "net/core": CHAIN + ["consensus/rules", "net/wire"],
    "net/peer": NET_CORE,
    "net/swarm": NET_CORE,
    "net/sync": NET_CORE,
    "net/discovery": NET_CORE + ["net/peer", "net/swarm"],
    "net/engine": NET_ENGINE,
    "net/io": NET_ENGINE,
    "net/http": PRIMITIVES + ["net/io", "net/core"],
    "light/keys": CONSENSUS,
    "light/descriptors": CONSENSUS + ["light/keys"],
    "light/signing": CONSENSUS + ["light/keys", "light/descriptors"],
    "light/psbt": CONSENSUS + ["light/keys", "light/descriptors", "light/signing"],
    "light/wallet": WALLET + STORAGE,
    "light/client": WALLET + NET_ENGINE + STORAGE,
    "light": WALLET + NET + STORAGE + ["storage/rocks", "node/config", "light/wallet", "light/client", "light/rpc", "light/qr", "light/web", "light/terminal"],
    "light/qr": PRIMITIVES,
    "light/web": PRIMITIVES + ["light/qr", "net/io", "net/http"],
    "light/terminal": WALLET + ["light/qr", "light/wallet", "net/io", "net/http"],
    "light/rpc": WALLET + NET + STORAGE + ["light/wallet", "light/client", "node/rpc"],
    "node/chain": STORAGE + ["net/core", "net/io"],
    "node/index": STORAGE + ["net/io", "node/chain"],
    "node/mempool": STORAGE + ["net/io", "node/chain"],
    "node/policy": STORAGE + ["node/chain", "node/mempool"],
    "node/acceptance": STORAGE + ["net/io", "node/chain", "node/mempool", "node/policy"],
    "node/fees": STORAGE + ["net/io", "node/chain", "node/mempool"],
    "node/relay": STORAGE + NET_ENGINE + ["net/io", "node/chain", "node/index", "node/mempool"],
    "node/mining": STORAGE + ["net/io", "node/chain", "node/mempool"],
    "node/rpc": STORAGE + NET + WALLET + NODE + ["node/config", "node"],
    "node/rest": STORAGE + NET + NODE + ["node/rpc"],
    "node/zmq": STORAGE + ["net/io", "node/chain", "node/mempool"],
    "node/config": BASE,
    "node/cli": BASE + ["net/io", "net/http", "node/config"],
    "node": STORAGE + NET + NODE + ["node/config", "node/cli", "storage/rocks", "light/keys", "light/descriptors", "light/signing", "light/psbt", "node/acceptance", "node/rpc", "node/rest", "node/zmq"],
}

# Third-party headers and the only rooms that may see them.
OUTSIDE = {
    r"openssl/": ["consensus/crypto", "net/io", "net/http"],
    r"secp256k1": ["consensus/crypto"],
    r"rocksdb/": ["storage/rocks"],
    r"boost/(asio|beast)": ["net/io", "net/http", "node", "light"],
    r"boost/": ["storage", "storage/rocks", "net", "node", "light", "net/io", "net/http", "node/chain"],
    r"spdlog/": ["net/io"],
    r"zmq": ["node/zmq"],
    r"utf8proc": ["light/keys"],
    r"qrencode": ["light/qr"],
    r"dht\.h": ["net/discovery"],
    r"univalue": ["net/http", "node/rpc", "node/rest", "node/config", "node/cli", "node", "light", "light/rpc", "light/web", "light/terminal"],
}


def room_of(path):
    parts = pathlib.PurePosixPath(path).parts[:-1]
    for depth in (2, 1):
        name = "/".join(parts[:depth])
        if len(parts) >= depth and name in FLOORS:
            return name
    return None


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    wrong, files, includes = [], 0, 0
    for folder in ("consensus", "storage", "net", "light", "node"):
        for path in sorted((root / folder).rglob("*.[ch]pp")):
            name = path.relative_to(root).as_posix()
            room = room_of(name)
            if room is None:
                wrong.append(f"{name}: stands in no known room")
                continue
            files += 1
            for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
                match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
                if not match:
                    continue
                includes += 1
                quote, target = match.groups()
                where = f"{name}:{number}"
                if quote == '"':
                    if target.startswith(("tests/", "contrib/")):
                        wrong.append(f"{where}: nothing includes {target.split('/')[0]}/")
                        continue
                    if not (root / target).exists():
                        wrong.append(f"{where}: {target} is not a path from the root")
                        continue
                    other = room_of(target)
                    if other != room and other not in FLOORS[room]:
                        wrong.append(f"{where}: {room} may not include {other} ({target})")
                    if "/detail/" in target and pathlib.PurePosixPath(target).parent.parent != pathlib.PurePosixPath(name).parent \
                            and pathlib.PurePosixPath(target).parent != pathlib.PurePosixPath(name).parent:
                        wrong.append(f"{where}: {target} is private to its folder")
                else:
                    for pattern, rooms in OUTSIDE.items():
                        if re.match(pattern, target):
                            if room not in rooms:
                                wrong.append(f"{where}: <{target}> does not belong in {room}")
                            break
    for line in wrong:
        print(line)
    print(f"floors: {files} files, {includes} includes, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
