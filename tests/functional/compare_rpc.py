#!/usr/bin/env python3
"""Asks a reference node and cairnd the same questions about the same chain and compares the answers.

compare_rpc.py --node CAIRND [--reference BITCOIND] [--chain FILE] [--samples 200] [--seed 1] [--match REGEX] [--keep]

Both nodes run on regtest on 127.0.0.1. The chain is --chain (or CAIRN_CHAIN), a file of blocks as -loadblock reads them; without
one the reference node mines a short chain with every common kind of output. For every read-only method it makes --samples calls, a
quarter of them bad, and compares results field by field, numbers as they are written, and errors by code and text.
Exit 0: the same but for the written list below; 1: other differences; 77: there is no reference node.
"""

import argparse
import json
import os
import pathlib
import random
import re
import shutil
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import chain_material  # noqa: E402
import harness  # noqa: E402
from rpc_samples import METHODS, Sampler, describe  # noqa: E402

# Differences that are meant. Each: method, path within the answer (regular expressions), why. The reference is a fork of Bitcoin
# Core 29 with fields of its own; cairnd answers as Bitcoin Core's newest version does.
TOLERATED = [
    # times, sizes, counters: another process
    ("getnettotals", r"\.timemillis", "the time of the call"),
    ("getrpcinfo", r"\.active_commands.*\.duration|\.logpath", "time of the call, place of the log"),
    ("uptime", r"", "started at different moments"),
    ("getmemoryinfo", r"\.locked\..*", "memory of another program"),
    ("getblockchaininfo", r"\.size_on_disk", "another format on disk"),
    ("gettxoutsetinfo", r"\.disk_size", "another format on disk"),
    ("getchainstates", r"\.chainstates\[\d\]\.coins_(db|tip)_cache_bytes", "caches are shared out differently"),
    ("getmempoolinfo", r"\.usage", "memory of another program"),
    ("getchainstates|getblockchaininfo", r"(\.chainstates\[\d\])?\.verificationprogress", "the newest version counts headers near the tip, the reference does not"),
    # who it is
    ("getnetworkinfo", r"\.(version|subversion|protocolversion)", "the name and version of the program"),
    ("getnetworkinfo", r"\.localservices(names)?.*", "the reference offers a service of its own, and the encrypted transport"),
    ("getnetworkinfo", r"\.(tx_send_rate|inv_buckets)", "newer than the reference"),
    ("getnetworkinfo", r"\.(relayfee|incrementalfee)", "the default fee rate is lower since version 30"),
    # fields of the newest version, and of the reference alone
    ("getblock|getblockheader", r"\.(txcount|header_version)", "of the reference alone"),
    ("getblock", r"\.coinbase_tx.*", "newer than the reference"),
    ("getdeploymentinfo", r"\.script_flags.*|\.deployments\.taproot", "the newest version lists script flags, and taproot no longer as a deployment"),
    ("getdeploymentinfo", r"\.deployments\.\w+\.bip9\.statistics\.period_start", "of the reference alone"),
    ("getmininginfo", r"\.(blockmintxfee|currentblockweight|currentblocktx|currentblocksize)", "newer than the reference, and blocks were made by the reference alone"),
    ("getmempoolinfo", r"\.(permitbaremultisig|maxdatacarriersize|limitclustercount|limitclustersize|optimal)", "newer than the reference"),
    ("getmempoolinfo", r"\.(mempoolminfee|minrelaytxfee|incrementalrelayfee)", "the default fee rate is lower since version 30"),
    ("getmempoolinfo", r"\.(dustrelayfee|dustrelayfeefloor|dustdynamic|fullrbf|rbf_policy|truc_policy)", "of the reference alone, or gone in the newest version"),
    ("validateaddress", r"\.error_index", "of the reference alone"),
    ("logging", r"\.\w+", "the categories of another program"),
    ("getblockstats", r"\.utxo_size_inc(_actual)?", "the newest version counts an entry as 40 bytes, the reference as 41"),
]
# Errors that are meant to differ: method, the reference's error and ours as "code: text" ("none": an answer), why.
TOLERATED_ERRORS = [
    ("setmocktime", r"-8: Mocktime must be in the range \[0, 9223372036\].*|none", r"-8: Mocktime must be in the range \[0, 4294967295\].*",
     "the newest version allows what a block can say"),
    ("addnode", r"-24: .*|none", r"-8: Error: Node address cannot be empty", "the newest version refuses empty names"),
    ("getdescriptorinfo|deriveaddresses|generatetodescriptor", r".*key '.*' is not valid", r".*Key '.*' is invalid due to whitespace", "newer words"),
    ("help", r"-3: JSON value of type null is not of expected type string", r"none", "the newest version takes null as no command"),
    ("getdescriptorinfo|deriveaddresses", r"-5: Miniscript expressions can only be used in wsh or tr\.", r"-5: '.*' is not a valid descriptor function",
     "descriptors hold no miniscript yet"),
    ("addnode", r"-1: addnode \"node\" \"command\" .*connection_type.*", r"-3: Wrong type passed:.*v2transport.*", "an argument of the reference alone"),
]
# Errors whose text is the help text of the method (code -1): our own words; the summary line is compared.
HELP_CODE = "-1"


def tolerated(method, path):
    for pattern, where, reason in TOLERATED:
        if re.fullmatch(pattern, method) and re.fullmatch(where, path):
            return reason
    return None


def error_line(error):
    return f"{error['code']}: {error['message']}" if error else "none"


def tolerated_error(method, theirs, ours):
    return any(re.fullmatch(m, method) and re.fullmatch(a, error_line(theirs), re.S) and re.fullmatch(b, error_line(ours), re.S)
               for m, a, b, _ in TOLERATED_ERRORS)


def is_listing(text):
    """What `help` gives without a method: the list of all."""
    return isinstance(text, str) and text.startswith("== ")


def differences(a, b, path=""):
    """(path, reference, ours) of every difference; a missing member shows as `absent`."""
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(a.keys() | b.keys()):
            if key not in a:
                yield f"{path}.{key}", "absent", b[key]
            elif key not in b:
                yield f"{path}.{key}", a[key], "absent"
            else:
                yield from differences(a[key], b[key], f"{path}.{key}")
    elif isinstance(a, list) and isinstance(b, list):
        if len(a) != len(b):
            yield f"{path}.length", len(a), len(b)
        for i, (x, y) in enumerate(zip(a, b)):
            yield from differences(x, y, f"{path}[{i}]")
    elif type(a) is not type(b) or a != b:
        yield path, a, b


def summary_line(text):
    return text.split("\n", 1)[0]


def ordered(method, result):
    """Branch tips of one height have no order."""
    if method == "getchaintips" and isinstance(result, list):
        return sorted(result, key=lambda tip: tip["hash"])
    return result


def compare_answers(method, theirs, ours):
    """Differences of two (status, result, error), tolerated ones left out; and how many were tolerated."""
    found, excused = [], 0
    if tolerated_error(method, theirs[2], ours[2]) or (is_listing(theirs[1]) and is_listing(ours[1])):
        return [], 1
    if theirs[0] != ours[0]:
        found.append(("HTTP status", theirs[0], ours[0]))
    a, b = theirs[2], ours[2]
    if (a is None) != (b is None):
        found.append(("error", a, b))
    elif a is not None:
        if a["code"] != b["code"]:
            found.append(("error code", a, b))
        elif a["message"] != b["message"]:
            is_help = a["code"] == HELP_CODE and "\n" in a["message"] and a["message"].startswith(method)
            if is_help and (summary_line(a["message"]) == summary_line(b["message"]) or method in OTHER_ARGUMENTS):
                excused += 1
            else:
                found.append(("error text", a["message"], b["message"]))
    else:
        for path, x, y in differences(ordered(method, theirs[1]), ordered(method, ours[1])):
            if tolerated(method, path):
                excused += 1
            else:
                found.append((path or "result", x, y))
    return found, excused


# Methods whose list of arguments differs: those of the reference have arguments of its own.
OTHER_ARGUMENTS = {"getmempoolinfo", "addnode", "deriveaddresses", "stop"}
# Calls that only the reference understands, or understands differently, by (method, test of the arguments).
INCOMPARABLE = [
    (r"getmempoolinfo", lambda p: bool(p), "the reference takes an argument for a histogram"),
    (r"deriveaddresses", lambda p: isinstance(p, list) and len(p) > 2, "the reference takes a third argument"),
    (r"getdifficulty", lambda p: True, "the reference has it no more"),
    (r"validateaddress", lambda p: isinstance(p, list) and len(p) == 2 or isinstance(p, dict) and "address_type" in p, "the reference takes a second argument"),
    (r"addnode", lambda p: isinstance(p, list) and len(p) > 3, "the reference takes a fourth argument"),
    (r"ping|getpeerinfo|getconnectioncount", lambda p: isinstance(p, dict) and "args" in p, "answers depend on peers"),
]


def comparable(method, params):
    return not any(re.fullmatch(m, method) and test(params) for m, test, _ in INCOMPARABLE)


def ask(node, method, params):
    """The answer, or that there was none in time: a difference unless the other node gives none either."""
    began = time.monotonic()
    try:
        return node.ask(method, params)
    except TimeoutError:
        node.close()
        return 0, None, {"code": "0", "message": f"no answer in {time.monotonic() - began:.0f} s"}


def run(reference, node, material, options):
    total = different = 0
    print(f"{'method':36}{'calls':>7}{'tolerated':>11}{'different':>11}")
    for method in METHODS:
        if not re.search(options.match, method):
            continue
        sampler = Sampler(material, random.Random(f"{options.seed}/{method}"))
        calls = excused = bad = 0
        for params in sampler.calls(method, options.samples):
            if not comparable(method, params):
                continue
            theirs, ours = ask(reference, method, params), ask(node, method, params)
            found, forgiven = compare_answers(method, theirs, ours)
            calls += 1
            excused += bool(forgiven)
            if not found:
                continue
            bad += 1
            if bad <= options.show:
                print(f"  DIFFERENT {describe(method, params)}")
                for path, x, y in found[:5]:
                    print(f"    {path}: reference {json.dumps(x)[:400]}\n    {' ' * len(path)}       ours {json.dumps(y)[:400]}")
        total += calls
        different += bad
        print(f"{method:36}{calls:7}{excused:11}{bad:11}", flush=True)
    print(f"{'sum':36}{total:7}{'':11}{different:11}")
    return different


def prepare(reference, node, chain):
    if chain:
        chain_material.wait_for_import([reference, node])
    else:
        chain_material.own_chain(reference, node)
    chain_material.add_branches(reference, node)
    now = reference.rpc("getblockheader", reference.rpc("getbestblockhash"))["time"] + 3600
    for n in (reference, node):
        n.rpc("setmocktime", now)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--node", default=os.environ.get("CAIRN_NODE", harness.build_folder() / "cairnd"), help="cairnd (CAIRN_NODE, or from CAIRN_BUILD)")
    parser.add_argument("--reference", help="bitcoind or its folder (CAIRN_REFERENCE, or bitcoind on the PATH)")
    parser.add_argument("--chain", default=os.environ.get("CAIRN_CHAIN"), help="blocks to load (CAIRN_CHAIN)")
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--match", default="")
    parser.add_argument("--show", type=int, default=5, help="differences printed for a method")
    parser.add_argument("--keep", action="store_true", help="keep the nodes' folders")
    options = parser.parse_args()
    binary = harness.need_reference(options.reference)
    if not options.node or not pathlib.Path(options.node).is_file():
        print("no node under test: give --node or CAIRN_NODE")
        return 1
    folder = pathlib.Path(tempfile.mkdtemp(prefix="compare-rpc-"))
    alone = ["-listen=0", "-connect=0", "-rpcthreads=4", *([f"-loadblock={options.chain}"] if options.chain else [])]
    began = time.monotonic()
    try:
        with harness.Node(binary, "reference", *alone, folder=folder / "reference") as reference, \
                harness.Node(options.node, "node", *alone, folder=folder / "node") as node:
            prepare(reference, node, options.chain)
            material = chain_material.Material(reference, options.seed)
            print(f"reference {binary}\nnode      {options.node}\nheight {material.height}, {len(material.txs)} transactions, "
                  f"{len(material.scripts)} scripts sampled, seed {options.seed}; prepared in {time.monotonic() - began:.0f} s")
            different = run(reference, node, material, options)
    finally:
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"{time.monotonic() - began:.0f} s")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
