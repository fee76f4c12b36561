#!/usr/bin/env python3
"""How payments of cairn-light reach the network, and how it hears of others: private broadcast with echoes, across a kill; a child
that brings its parent; coins spent by the same wallet elsewhere; bloom filters (BIP37) with peers that serve no compact filters.

    light_broadcast_test.py [--reference FOLDER]
"""
import argparse
import time

import harness
from light_test import FILTERS, MINER, Light, check, wait_equal

COIN = 100_000_000
ELSEWHERE = "bcrt1qqgpqyqszqgpqyqszqgpqyqszqgpqyqszazmwwa"


def in_mempools(nodes, *txids, seconds=90):
    def there():
        return all(txid in node.rpc("getrawmempool") for node in nodes for txid in txids)
    return nodes[0].wait_until(there, seconds, f"{len(txids)} transactions in the mempools of all")


def payment(light, txid):
    return next((p for p in light.rpc("getprivatebroadcastinfo")["transactions"] if p["txid"] == txid), None)


def make_light(name, nodes, *more):
    return Light(harness.build_folder() / "cairn-light", name, *[f"-connect=127.0.0.1:{node.port}" for node in nodes], *more)


def sign(light, raw, coins=None):
    signed = light.rpc("signrawtransactionwithwallet", raw, coins or [])
    assert signed["complete"], signed
    return signed["hex"]


def run_private(nodes, light, twin):
    light.start()
    light.rpc("createwallet", wallet_name="w", load_on_startup=True)
    address = light.rpc("getnewaddress")
    nodes[0].rpc("generatetoaddress", 5, address)
    nodes[0].rpc("generatetoaddress", 101, MINER)
    tip = wait_equal(nodes)
    light.wait_synced(tip)
    backup = str(light.folder / "w.backup")
    light.rpc("backupwallet", backup)
    twin.start()
    twin.rpc("restorewallet", "w", backup)
    twin.wait_synced(tip)
    check(twin.rpc("getbalance") == light.rpc("getbalance") > 0, "a second client with the same wallet has the same balance")

    before = {node: node.rpc("getpeerinfo") for node in nodes}
    txid = light.rpc("sendtoaddress", ELSEWHERE, 1.5, fee_rate=20)
    took = in_mempools(nodes, txid)

    def given():
        return [peer["address"] for peer in (payment(light, txid) or {}).get("peers", []) if "received" in peer]

    # On a busy machine all may have been given it before one could tell of it of its own accord.
    light.wait_until(lambda: (payment(light, txid) or {}).get("echoes") or len(given()) >= len(nodes), 90, "an echo")
    shown = payment(light, txid)
    if shown["echoes"]:
        check(shown["state"] == "echoed", f"a payment is in all mempools after {took:.1f} s and was echoed: {shown['echoes'][0]['address']}")
        check(given() and shown["echoes"][0]["address"] not in given(), f"by somebody to whom it was not given ({len(given())} peers got it)")
    else:
        print(f"  a payment is in all mempools after {took:.1f} s, and was given to all nodes before one could echo it")
    regular = {peer["addr"] for peers in before.values() for peer in peers}
    check(all(peer["bytesrecv_per_msg"].get("tx", 0) == 0 for node in nodes for peer in node.rpc("getpeerinfo")
              if peer["addr"] in regular and "cairn-light" in peer["subver"].lower()), "nothing of it went over the connections that stay")
    twin.wait_until(lambda: any(entry["txid"] == txid for entry in twin.rpc("listtransactions", "*", 100)), 60, "the spend seen elsewhere")
    check(abs(twin.rpc("getbalances")["mine"]["untrusted_pending"] + twin.rpc("getbalances")["mine"]["trusted"] -
              light.rpc("getbalances")["mine"]["trusted"]) < 1e-8, "the second client sees its coins spent")

    # What nobody took yet survives a kill.
    for node in nodes:
        node.rpc("setnetworkactive", False)
    lost = light.rpc("sendtoaddress", ELSEWHERE, 0.7, fee_rate=20)
    light.kill()
    for node in nodes:
        node.rpc("setnetworkactive", True)
    for node in nodes[1:]:
        node.connect(nodes[0])
    light.start()
    in_mempools(nodes, lost)
    check(True, "a payment that nobody had is broadcast after a kill")
    nodes[0].rpc("generatetoaddress", 1, MINER)
    light.wait_synced(wait_equal(nodes))
    light.wait_until(lambda: not light.rpc("getprivatebroadcastinfo")["transactions"], 30, "nothing left to broadcast")
    check(light.rpc("gettransaction", lost)["confirmations"] == 1, "in a block it needs no more broadcasting")


def run_package(nodes, light):
    """The parent pays too little for every node; parent and child together pay enough."""
    takers = [node for node in nodes if node.name != "reference"]  # not every version takes parents below its relay fee
    coin = next(c for c in light.rpc("listunspent") if c["amount"] > 40)
    amount = round(coin["amount"] * COIN)
    to = light.rpc("getnewaddress")
    raw = light.rpc("createrawtransaction", [{"txid": coin["txid"], "vout": coin["vout"]}], [{to: (amount - 150) / COIN}], 0, True, 3)
    parent = sign(light, raw)
    decoded = light.rpc("decoderawtransaction", parent)
    parent_id, output = decoded["txid"], decoded["vout"][0]
    raw = light.rpc("createrawtransaction", [{"txid": parent_id, "vout": 0}], [{ELSEWHERE: (amount - 40_150) / COIN}], 0, True, 3)
    child = sign(light, raw, [{"txid": parent_id, "vout": 0, "scriptPubKey": output["scriptPubKey"]["hex"], "amount": output["value"]}])
    child_id = light.rpc("decoderawtransaction", child)["txid"]
    light.rpc("sendrawtransaction", parent)
    time.sleep(8)
    check(not any(parent_id in node.rpc("getrawmempool") for node in nodes), "no node takes the parent alone")
    light.rpc("sendrawtransaction", child)
    took = in_mempools(takers, parent_id, child_id, seconds=120)
    check(payment(light, child_id)["parents"] == [parent_id], f"the child brings its parent into every mempool ({took:.1f} s)")
    nodes[0].rpc("generatetoaddress", 1, MINER)
    wait_equal(nodes)


def run_bloom(nodes):
    """`nodes` serve bloom filters and no compact ones."""
    light = make_light("light-bloom", nodes, "-bip37")
    try:
        light.start()
        check("-bip37" in light.log_file.read_text(), "the log warns of what bloom filters tell")
        light.rpc("createwallet", wallet_name="w", load_on_startup=True)
        nodes[0].rpc("generatetoaddress", 2, light.rpc("getnewaddress"))
        nodes[0].rpc("generatetoaddress", 101, MINER)
        tip = wait_equal_blocks(nodes)
        light.wait_synced(tip)
        check(light.rpc("getbalance") == 100 or light.rpc("getbalance") > 0, "payments are found without compact filters")
        txid = light.rpc("sendtoaddress", ELSEWHERE, 1.0, fee_rate=20)
        in_mempools(nodes, txid)
        nodes[0].rpc("generatetoaddress", 1, MINER)
        light.wait_synced(wait_equal_blocks(nodes))
        check(light.rpc("gettransaction", txid)["confirmations"] == 1, "and so is what spends them")
        tip = nodes[0].rpc("getblockcount")
        for node in nodes:
            node.rpc("invalidateblock", node.rpc("getblockhash", tip))
        nodes[0].rpc("generatetoaddress", 2, ELSEWHERE)
        light.wait_synced(wait_equal_blocks(nodes))
        check(light.info()["bip37"] and light.info()["filtersfetched"] == 0, "no compact filter was asked for")
    finally:
        light.remove()


def wait_equal_blocks(nodes):
    tip = nodes[0].rpc("getbestblockhash")
    for node in nodes[1:]:
        node.wait_for_tip(tip, 120)
    return tip


def start(nodes):
    for node in nodes:
        node.start()
    for node in nodes[1:]:
        node.connect(nodes[0])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference")
    options = parser.parse_args()
    if not (harness.build_folder() / "cairn-light").is_file():
        harness.skip(f"there is no {harness.build_folder() / 'cairn-light'}")
    other = harness.reference(options.reference)
    nodes = [harness.Node(harness.cairnd(), f"filters{i}", *FILTERS, "-minrelaytxfee=0.00005") for i in range(3)]
    if other:
        nodes.append(harness.Node(other, "reference", *FILTERS, "-minrelaytxfee=0.00005"))
    blooming = [harness.Node(harness.cairnd(), "bloom", "-peerbloomfilters=1")]
    if other:
        blooming.append(harness.Node(other, "reference-bloom", "-peerbloomfilters=1"))
    light, twin = make_light("light", nodes, "-debug=privatebroadcast"), make_light("twin", nodes)
    try:
        start(nodes)
        run_private(nodes, light, twin)
        run_package(nodes, light)
        for node in [light, twin, *nodes]:
            node.stop()
        start(blooming)
        run_bloom(blooming)
    finally:
        for node in [light, twin, *nodes, *blooming]:
            node.remove()
    print("passed")


if __name__ == "__main__":
    main()
