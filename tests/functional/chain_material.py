"""Brings two nodes to the same chain with varied material, and collects from it what calls can ask for."""

import hashlib
import random
import struct
import time
# Two throw-away regtest keys: private key (WIF) and public key.
KEY_A = ("cMahea7zqjxrtgAbB7LSGbcQUr1uX1ojuat9jZodMN87JcbXMTcA",
         "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")
KEY_B = ("cMahea7zqjxrtgAbB7LSGbcQUr1uX1ojuat9jZodMN87K7XCyj5v",
         "02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5")


def sha256d(data):
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def descriptor(node, text):
    return text + "#" + node.rpc("getdescriptorinfo", text)["checksum"]


def mine(source, others, output, transactions=()):
    """One block by `source`, handed to all `others`; gives its hash."""
    block = source.rpc("generateblock", output, list(transactions))
    raw = source.rpc("getblock", block["hash"], 0)
    for node in others:
        verdict = node.rpc("submitblock", raw)
        if verdict not in (None, "inconclusive", "duplicate", "duplicate-inconclusive"):
            raise RuntimeError(f"{node.name} refuses block {block['hash']}: {verdict}")
    return block["hash"]


def spend(node, coins, outputs, keys):
    raw = node.rpc("createrawtransaction", [{"txid": c["txid"], "vout": c["vout"]} for c in coins], outputs)
    signed = node.rpc("signrawtransactionwithkey", raw, keys, [c for c in coins if "scriptPubKey" in c])
    if not signed["complete"]:
        raise RuntimeError(f"cannot sign: {signed}")
    return signed["hex"]


def own_chain(reference, node, blocks=160):
    """A chain with every common kind of output and input, made by the reference node."""
    pub_a, pub_b = KEY_A[1], KEY_B[1]
    kinds = [f"pkh({pub_a})", f"wpkh({pub_a})", f"sh(wpkh({pub_a}))", f"pk({pub_a})", f"multi(1,{pub_a},{pub_b})", f"tr({pub_a})"]
    for height in range(blocks):
        mine(reference, [node], descriptor(reference, kinds[height % len(kinds)]))
    address = {d: reference.rpc("deriveaddresses", descriptor(reference, d))[0]
               for d in kinds if not d.startswith(("pk(", "multi("))}
    multi = f"sh(multi(2,{pub_a},{pub_b}))", f"wsh(multi(2,{pub_a},{pub_b}))"
    targets = list(address.values()) + [reference.rpc("deriveaddresses", descriptor(reference, d))[0] for d in multi]
    targets.append("bcrt1pfeesnyr2tx")  # pay to anchor
    mined = []
    for height in range(1, 25):
        block = reference.rpc("getblock", reference.rpc("getblockhash", height), 2)
        out = block["tx"][0]["vout"][0]
        coin = {"txid": block["tx"][0]["txid"], "vout": 0, "amount": out["value"], "scriptPubKey": out["scriptPubKey"]["hex"]}
        kind = kinds[(height - 1) % len(kinds)]
        if kind.startswith("tr("):
            continue  # not signable with a bare key
        if kind.startswith("sh("):
            key_hash = hashlib.new("ripemd160", hashlib.sha256(bytes.fromhex(pub_a)).digest()).hexdigest() if ripemd() else None
            if key_hash is None:
                continue
            coin["redeemScript"] = "0014" + key_hash
        share = round((out["value"] - 0.0001) / len(targets), 8)
        outputs = [{t: f"{share:.8f}"} for t in targets] + [{"data": f"{height:08x}" * 5}]
        mined.append(spend(reference, [coin], outputs, [KEY_A[0]]))
        if len(mined) == 3:
            mine(reference, [node], descriptor(reference, kinds[1]), mined)
            mined = []
    for _ in range(5):
        mine(reference, [node], descriptor(reference, kinds[0]))


def ripemd():
    try:
        hashlib.new("ripemd160")
        return True
    except ValueError:
        return False


def wait_for_import(nodes, seconds=900):
    """Until no node's tip has moved for some seconds and all agree."""
    deadline, since, last = time.monotonic() + seconds, time.monotonic(), None
    while time.monotonic() < deadline:
        tips = [n.rpc("getbestblockhash") for n in nodes]
        if tips != last:
            last, since = tips, time.monotonic()
        elif len(set(tips)) == 1 and nodes[0].rpc("getblockcount") > 0 and time.monotonic() - since > 3:
            return
        time.sleep(0.5)
    raise RuntimeError(f"the nodes did not reach the same tip: {last}")


def solve(header):
    """The 80 bytes with a nonce that meets regtest's target."""
    for nonce in range(1 << 20):
        candidate = header[:76] + struct.pack("<I", nonce)
        if sha256d(candidate)[::-1] < bytes.fromhex("7fffff" + "00" * 29):
            return candidate
    raise RuntimeError("no nonce found")


def add_branches(reference, node):
    """A stale branch, an invalid block and a branch of which only the header is known, in both nodes."""
    output = "raw(51)"
    stale = mine(reference, [node], output)
    reference.rpc("invalidateblock", stale)
    for _ in range(2):
        mine(reference, [node], "raw(5151)")
    reference.rpc("reconsiderblock", stale)
    raw = reference.rpc("generateblock", "raw(52)", [], False)["hex"]
    for n in (reference, node):
        n.rpc("submitheader", raw[:160])
    bad = bytearray(bytes.fromhex(reference.rpc("generateblock", "raw(53)", [], False)["hex"]))
    position = bad.find(b"\x01\x53", 81) - 8
    bad[position:position + 8] = struct.pack("<q", 51 * 100_000_000)
    coinbase = stripped(bytes(bad[81:]))
    bad[36:68] = sha256d(coinbase)
    bad[:80] = solve(bytes(bad[:80]))
    verdicts = [n.rpc("submitblock", bytes(bad).hex()) for n in (reference, node)]
    if len(set(verdicts)) != 1:
        raise RuntimeError(f"the nodes judge the same bad block differently: {verdicts}")


def stripped(coinbase):
    """A one-input coinbase without marker, flag and witness."""
    if coinbase[4:6] != b"\x00\x01":
        return coinbase
    return coinbase[:4] + coinbase[6:-38] + coinbase[-4:]


class Material:
    """What the chain offers to ask for: hashes, transactions, scripts, addresses. The same seed gives the same choice."""

    def __init__(self, reference, seed, blocks=60):
        rng = random.Random(seed)
        self.height = reference.rpc("getblockcount")
        heights = sorted({0, 1, self.height, *(rng.randrange(self.height + 1) for _ in range(blocks))})
        self.blocks = {h: reference.rpc("getblockhash", h) for h in heights}
        self.side = [t["hash"] for t in reference.rpc("getchaintips") if t["status"] != "active"]
        self.txs, self.scripts, self.addresses, self.coins, self.raw_blocks = [], [], [], [], []
        for height, block_hash in self.blocks.items():
            block = reference.rpc("getblock", block_hash, 2)
            self.raw_blocks.append(reference.rpc("getblock", block_hash, 0)) if len(block["tx"]) < 20 else None
            for tx in rng.sample(block["tx"], min(12, len(block["tx"]))):
                self.txs.append({"txid": tx["txid"], "block": block_hash, "hex": tx["hex"]})
                for out in tx["vout"]:
                    self.scripts.append(out["scriptPubKey"]["hex"])
                    self.coins.append((tx["txid"], out["n"]))
                    if "address" in out["scriptPubKey"]:
                        self.addresses.append(out["scriptPubKey"]["address"])
        self.scripts = sorted(set(self.scripts))
        self.addresses = sorted(set(self.addresses)) or ["bcrt1pfeesnyr2tx"]


__all__ = ["Material", "add_branches", "mine", "own_chain", "wait_for_import"]
