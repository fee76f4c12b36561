"""Transactions for tests: shapes them, has tools/txmaker sign them, and knows the coins that they leave.

    CAIRN_TXMAKER    the program (default: tests/functional/txmaker or txmaker in the build folder)
"""
import collections
import json
import os
import pathlib
import queue
import subprocess
import sys
import threading

import harness

FINAL = 0xFFFFFFFF
#: Kinds of outputs that scripts here spend, with the virtual bytes of an input that does (a little more than it takes).
INPUT_VBYTES = {"p2pk": 115, "p2pkh": 149, "p2wpkh": 69, "p2sh-p2wpkh": 92, "multisig": 116, "p2sh-multisig": 299, "p2wsh-multisig": 107,
                "p2tr-key": 59, "p2tr-script": 77, "p2wsh-true": 42, "p2a": 41, "p2pk-long": 115}
#: Of an output of a kind; 43 for those that are not here.
OUTPUT_VBYTES = {"multisig": 81, "p2pk-long": 77, "return": 54}
#: Kinds that every implementation's mempool lets be made. The newest reference takes no output script above 34 bytes.
MAKEABLE = ["p2pkh", "p2wpkh", "p2sh-p2wpkh", "p2sh-multisig", "p2wsh-multisig", "p2tr-key", "p2tr-script"]
SPENDABLE = ["p2pk", "p2pkh", "p2wpkh", "p2sh-p2wpkh", "multisig", "p2sh-multisig", "p2wsh-multisig", "p2tr-key", "p2tr-script"]

Coin = collections.namedtuple("Coin", "txid vout amount kind key")


class Tx:
    """A signed transaction: its ids, weight, bytes in hex, and the coins that it makes and spends."""

    def __init__(self, answer, inputs, outputs):
        self.txid, self.wtxid, weight, self.hex = answer.split(" ")
        self.weight = int(weight)
        self.vsize = (self.weight + 3) // 4
        self.inputs = inputs
        self.coins = [Coin(self.txid, n, amount, kind, key) for n, (kind, key, amount) in enumerate(outputs)]
        self.fee = sum(coin.amount for coin in inputs) - sum(amount for _, _, amount in outputs)


def txmaker():
    for path in (os.environ.get("CAIRN_TXMAKER"), harness.build_folder() / "tests" / "functional" / "txmaker",
                 harness.build_folder() / "txmaker"):
        if path and pathlib.Path(path).is_file():
            return pathlib.Path(path)
    sys.exit("there is no txmaker: build it, or set CAIRN_TXMAKER to it")


class Maker:
    """The signing program, asked for many transactions at a time."""

    def __init__(self):
        self.process = subprocess.Popen([str(txmaker())], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.answers = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()
        self.scripts = {}

    def _read(self):
        for line in self.process.stdout:
            self.answers.put(line.rstrip("\n"))
        self.answers.put(None)

    def close(self):
        self.process.stdin.close()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def ask(self, lines):
        for line in lines:
            self.process.stdin.write(line + "\n")
        self.process.stdin.write("flush\n")
        self.process.stdin.flush()
        answers = [self.answers.get() for _ in lines]
        for line, answer in zip(lines, answers):
            if answer is None or answer.startswith("error"):
                raise RuntimeError(f"{answer}: {line}")
        return answers

    def script(self, kind, key):
        """The output script in hex."""
        if (kind, key) not in self.scripts:
            self.scripts[kind, key] = self.ask([f"script {kind} {key}"])[0]
        return self.scripts[kind, key]

    def make(self, drafts):
        """Signs drafts, as draft() gives them."""
        return [Tx(answer, inputs, outputs) for answer, (_, inputs, outputs) in zip(self.ask([line for line, _, _ in drafts]), drafts)]

    def one(self, *args, **named):
        return self.make([draft(*args, **named)])[0]


def draft(inputs, outputs, version=2, lock_time=0, sequence=FINAL, sequences=None, fault="-", faults=None):
    """A transaction to be signed: `inputs` are coins, `outputs` (kind, key, amount); a fault of README.md for all or for each input."""
    parts = [f"tx {version} {lock_time}"]
    for n, coin in enumerate(inputs):
        parts.append(f"i {coin.txid} {coin.vout} {coin.amount} {coin.kind} {coin.key} {sequences[n] if sequences else sequence} "
                     f"{faults[n] if faults else fault}")
    parts += [f"o {kind} {key} {amount}" for kind, key, amount in outputs]
    return " ".join(parts), list(inputs), list(outputs)


def vbytes(inputs, outputs):
    """About how large a transaction of these inputs and outputs becomes, never too small."""
    return 12 + sum(INPUT_VBYTES.get(coin.kind, 110) for coin in inputs) + sum(OUTPUT_VBYTES.get(kind, 43) for kind, _, _ in outputs)


def spend(inputs, kinds, rate, first_key, **named):
    """A draft that sends everything to outputs of these kinds in equal parts, but for a fee of `rate` satoshis per virtual byte."""
    fee = int(rate * vbytes(inputs, [(kind, 0, 0) for kind in kinds]))
    paying = [kind for kind in kinds if kind != "return"]
    part = (sum(coin.amount for coin in inputs) - fee) // max(len(paying), 1)
    outputs = [(kind, 40, 0) if kind == "return" else (kind, 0 if kind == "p2a" else first_key + n, part) for n, kind in enumerate(kinds)]
    return draft(inputs, outputs, **named)


def fund(maker, node, count, kinds=SPENDABLE, amount=1_000_000, per_transaction=500):
    """Mines until `count` coins of these kinds in turn, each of `amount`, are confirmed on a regtest node. Gives them."""
    transactions = -(-count // per_transaction)
    needed = per_transaction * amount + 100_000 * 100
    assert needed <= 50 * 10**8, "a coinbase does not pay for that many"
    script = maker.script("p2wpkh", 1)
    hashes = []
    for _ in range(transactions):
        hashes += node.rpc("generatetodescriptor", 1, f"raw({script})")
    node.rpc("generatetodescriptor", 100, f"raw({script})")
    drafts, left, key = [], count, 1000
    for block_hash in hashes:
        coinbase = node.rpc("getblock", block_hash, 2)["tx"][0]
        value = round(coinbase["vout"][0]["value"] * 10**8)
        coin = Coin(coinbase["txid"], 0, value, "p2wpkh", 1)
        outputs = []
        for _ in range(min(per_transaction, left)):
            outputs.append((kinds[key // 3 % len(kinds)], key, amount))
            key += 3
        left -= len(outputs)
        fee = 20 * vbytes([coin], outputs)
        outputs.append(("p2wpkh", 1, value - fee - amount * len(outputs)))
        drafts.append(draft([coin], outputs))
    made = maker.make(drafts)
    share = max(1, min(800_000 // 50, 60_000 // 10) // per_transaction)  # a block's bytes, and its signature operations
    for begin in range(0, len(made), share):  # not through a mempool: that of another implementation may refuse old kinds of outputs
        node.rpc("generateblock", f"raw({script})", [tx.hex for tx in made[begin:begin + share]])
    return [coin for tx in made for coin in tx.coins[:-1]]


def batch(node, calls):
    """Many calls in one request: a list of (result, error) in the order of `calls`, which are (method, params)."""
    body = json.dumps([{"id": n, "method": method, "params": params} for n, (method, params) in enumerate(calls)])
    status, text = node.post(body.encode())
    answers = json.loads(text)
    if not isinstance(answers, list):
        raise harness.RpcError(status, answers.get("error"))
    by_id = {answer["id"]: answer for answer in answers}
    return [(by_id[n].get("result"), by_id[n].get("error")) for n in range(len(calls))]
