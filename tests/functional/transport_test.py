#!/usr/bin/env python3
"""cairnd and the reference over both transports in both directions: who dials, which of the two speak BIP324, and what comes of it.

    transport_test.py

For each pair of settings one node mines, the other dials it and takes over its chain, the miner's next block is announced to it, and a
transaction crosses the other way. getpeerinfo of both sides must name the transport that was to be expected (v2 where both speak it), and the
same session id where there is one; after a call by v2 to somebody who does not know it the dialler comes back by v1.
"""
import itertools
import sys

import harness

BLOCKS = 150
COMMON = ("-listen=1", "-acceptnonstdtxn=1", "-dnsseed=0", "-fixedseeds=0", "-listenonion=0")
SCRIPT = "raw(51)#8lvh9jxk"  # anybody can spend it
ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"


def transports(node):
    return {(peer["transport_protocol_type"], peer["session_id"]) for peer in node.rpc("getpeerinfo")}


def check(miner_kind, dialler_kind, miner_v2, dialler_v2, programs):
    """Gives the transport that they spoke."""
    miner = harness.Node(programs[miner_kind], f"miner-{miner_kind}", *COMMON, "-connect=0", f"-v2transport={miner_v2}")
    dialler = harness.Node(programs[dialler_kind], f"dialler-{dialler_kind}", *COMMON, f"-connect=127.0.0.1:{miner.port}",
                           f"-v2transport={dialler_v2}")
    with miner:
        miner.rpc("generatetodescriptor", BLOCKS, SCRIPT)
        with dialler:
            dialler.wait_for_tip(miner.rpc("getbestblockhash"), 60)
            expected = "v2" if miner_v2 and dialler_v2 else "v1"
            spoken = [transports(node) for node in (miner, dialler)]
            assert len(spoken[0]) == 1 and spoken[0] == spoken[1], f"the two sides see different connections: {spoken}"
            (transport, session), = spoken[0]
            assert transport == expected, f"{transport} instead of {expected}"
            assert (len(session) == 64) == (expected == "v2"), f"session id {session!r} over {transport}"
            miner.rpc("generatetodescriptor", 1, SCRIPT)
            dialler.wait_for_tip(miner.rpc("getbestblockhash"), 60)
            # The dialler's transaction reaches the miner; any script may spend these coins.
            coin = dialler.rpc("getblock", dialler.rpc("getblockhash", 1), 2)["tx"][0]
            raw = dialler.rpc("createrawtransaction", [{"txid": coin["txid"], "vout": 0}], [{ADDRESS: "49.999"}])
            txid = dialler.rpc("sendrawtransaction", raw, 0)
            miner.wait_until(lambda: txid in miner.rpc("getrawmempool"), 60, "the transaction at the miner")
    return transport


def main():
    programs = {"cairn": harness.cairnd(), "reference": harness.need_reference()}
    seen = []
    for miner_kind, dialler_kind in (("cairn", "reference"), ("reference", "cairn"), ("cairn", "cairn")):
        for miner_v2, dialler_v2 in itertools.product((1, 0), repeat=2):
            transport = check(miner_kind, dialler_kind, miner_v2, dialler_v2, programs)
            seen.append(transport)
            print(f"  {dialler_kind} (v2 {'on' if dialler_v2 else 'off'}) dials {miner_kind} (v2 {'on' if miner_v2 else 'off'}): {transport}", flush=True)
    print(f"{len(seen)} pairs, {seen.count('v2')} of them encrypted")


if __name__ == "__main__":
    sys.exit(main())
