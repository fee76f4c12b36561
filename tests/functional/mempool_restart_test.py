#!/usr/bin/env python3
"""A node with a large mempool starts again: RPC answers at once, the mempool comes back entirely, and so do fee estimates.

    mempool_restart_test.py [--transactions N] [--keep]

Blocks of transactions with different fee rates teach the estimator. Then N transactions, a fifth of them children of others, are
submitted over four connections, some are prioritised (one that is not there, too), and the node is stopped and started.
"""
import argparse
import json
import sys
import time

import harness
import tx_material
from tx_material import spend

sys.path.insert(0, str(harness.ROOT / "contrib" / "bench"))
from mempool_bench import RpcLoad  # noqa: E402

ANSWERS_WITHIN = 1.0  # seconds from the start of the process
TARGETS = (1, 2, 3, 4, 6, 12, 25, 48)
LEARNED_BLOCKS, LEARNED_TRANSACTIONS = 15, 60


def submit(node, txs):
    """Gives the seconds; a refusal is an error."""
    load = RpcLoad(node)
    return load.run([load.body("sendrawtransaction", [tx.hex, 0]) for tx in txs], 4)["seconds"]


def teach(node, maker, coins, rng):
    """Blocks of transactions that waited for one block each."""
    script = maker.script("p2wpkh", 1)
    for block in range(LEARNED_BLOCKS):
        part = coins[block * LEARNED_TRANSACTIONS:(block + 1) * LEARNED_TRANSACTIONS]
        submit(node, maker.make([spend([coin], ["p2wpkh"], rng.uniform(5, 40), 60_000_000) for coin in part]))
        node.rpc("generatetodescriptor", 1, f"raw({script})")
    node.wait_until(lambda: "feerate" in node.rpc("estimatesmartfee", 6), 20, "an estimate")


def fill(node, maker, coins, rng, count):
    parents = count - count // 5
    first = maker.make([spend([coin], ["p2wpkh", "p2tr-key"], rng.uniform(2, 60), 30_000_000 + 2 * n)
                        for n, coin in enumerate(coins[:parents])])
    second = maker.make([spend([tx.coins[n % 2]], ["p2wpkh"], rng.uniform(2, 60), 70_000_000 + n)
                         for n, tx in enumerate(first[:count - parents])])
    return submit(node, first) + submit(node, second), first + second


def picture(node):
    """What must be the same afterwards."""
    entries = node.rpc("getrawmempool", True)
    return {"mempool": entries,
            "deltas": node.rpc("getprioritisedtransactions"),
            "estimates": {f"{target} {mode}": node.rpc("estimatesmartfee", target, mode)
                          for target in TARGETS for mode in ("economical", "conservative")},
            "raw estimates": {target: node.rpc("estimaterawfee", target) for target in TARGETS}}


def differences(before, after):
    found = []
    for txid in before["mempool"].keys() - after["mempool"].keys():
        found.append(f"{txid} is lost")
    for txid in after["mempool"].keys() - before["mempool"].keys():
        found.append(f"{txid} is new")
    for txid, entry in before["mempool"].items():
        other = after["mempool"].get(txid, entry)
        found += [f"{txid}: {name} was {value}, is {other.get(name)}" for name, value in entry.items()
                  if (sorted(other.get(name, [])) != sorted(value) if isinstance(value, list) else other.get(name) != value)]
    for name in ("deltas", "estimates", "raw estimates"):
        found += [f"{name}: {key} was {before[name].get(key)}, is {after[name].get(key)}"
                  for key in before[name].keys() | after[name].keys() if before[name].get(key) != after[name].get(key)]
    return found


def restart(node):
    """Seconds from the start of the process to the first answer, and until the mempool is loaded."""
    began = time.monotonic()
    node.start(wait=False)
    answered = None
    while time.monotonic() - began < 300:
        if not node.running():
            raise AssertionError(f"ended: {node.output()[-2000:]}")
        try:
            info = node.rpc("getmempoolinfo")
        except (OSError, harness.RpcError):
            node.close()
            time.sleep(0.005)
            continue
        if answered is None:
            answered, loaded_then, size = time.monotonic() - began, info["loaded"], info["size"]
        if info["loaded"]:
            return answered, time.monotonic() - began, loaded_then, size
        time.sleep(0.02)
    raise TimeoutError("the mempool is not loaded")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--transactions", type=int, default=3000)
    parser.add_argument("--keep", action="store_true", help="leave the node's folder")
    args = parser.parse_args()
    rng = harness.seeded_random()
    node = harness.Node(harness.cairnd(), "restart", "-maxtipage=1000000000", "-maxmempool=1000", "-rpcservertimeout=600")
    faults = []
    try:
        with tx_material.Maker() as maker, node:
            learned = LEARNED_BLOCKS * LEARNED_TRANSACTIONS
            coins = tx_material.fund(maker, node, learned + args.transactions, ["p2wpkh", "p2tr-key"], 100_000, per_transaction=2000)
            rng.shuffle(coins)
            teach(node, maker, coins[:learned], rng)
            seconds, txs = fill(node, maker, coins[learned:], rng, args.transactions)
            absent = "7b" * 32
            for txid, delta in ((txs[0].txid, 123_456), (txs[1].txid, -77), (txs[-1].txid, 5000), (absent, 1000)):
                node.rpc("prioritisetransaction", txid, 0, delta)
            before = picture(node)
            assert len(before["mempool"]) == args.transactions, f"{len(before['mempool'])} of {args.transactions} transactions are there"
            assert len(before["deltas"]) == 4 and "feerate" in before["estimates"]["2 economical"], before["estimates"]
            began = time.monotonic()
            code = node.stop()
            stopping = time.monotonic() - began
            dump = (node.network_folder / "mempool.dat").stat().st_size
            print(f"{args.transactions} transactions submitted in {seconds:.1f} s; stopped in {stopping:.2f} s, "
                  f"mempool.dat has {dump / 1e6:.1f} MB")
            if code:
                faults.append(f"exit code {code}")
            answered, loaded, loaded_then, size = restart(node)
            print(f"RPC answers {answered:.3f} s after the start ({'loaded' if loaded_then else f'not loaded, {size} transactions'}), "
                  f"the mempool is loaded after {loaded:.2f} s")
            if answered > ANSWERS_WITHIN:
                faults.append(f"RPC answers after {answered:.3f} s, not within {ANSWERS_WITHIN} s")
            after = picture(node)
            found = differences(before, after)
            print(f"{len(after['mempool'])} transactions, {len(after['deltas'])} fee deltas, {len(after['estimates'])} estimates afterwards, "
                  f"{len(found)} differences; e.g. 2 blocks: {json.dumps(after['estimates']['2 economical'])}")
            faults += found[:10]
            if code := node.stop():
                faults.append(f"exit code {code}")
    finally:
        if not args.keep:
            node.remove()
    print("passed" if not faults else "FAILED:\n  " + "\n  ".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
