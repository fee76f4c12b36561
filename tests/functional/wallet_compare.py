#!/usr/bin/env python3
"""The same calls to a wallet of cairn-light and to one of a reference node with the same keys: results with the same members of the same
types, the same values where they do not depend on chance, refusals with the same codes and words, methods with the same arguments.

What differs is in EXPECTED, with the reason. A difference that is not there is a failure, and so is a reason that nothing needs.

    wallet_compare.py [--reference FOLDER] [--show]
"""
import argparse
import re
import sys

import harness
from wallet_material import FILTERS, PROMPT, TYPES, WORDS, Light, account_requests, check, reference_wallet, with_checksum

# (what a difference looks like, why it is right)
EXPECTED = [
    # The reference may be a derivative of Bitcoin Core, and older than the version that ours follows.
    (r"^help: lacks (addmultisigaddress|dump\w+|import(address|multi|privkey|pubkey|wallet)|sethdseed|newkeypool|upgradewallet|sweepprivkeys|migratewallet)$",
     "there are no wallets without descriptors"),
    (r"^help: lacks (getunconfirmedbalance|setfeerate|settxfee)$", "Bitcoin Core took them away"),
    (r"^help: lacks walletdisplayaddress$", "no external signers"),
    (r"^help (backupwallet|restorewallet): ", "a passphrase may seal the file"),
    (r"^help importdescriptors: |^help rescanblockchain: ", "one may ask not to wait; seeds are of the derivative"),
    (r"^help (send|walletcreatefundedpsbt|walletprocesspsbt): ", "arguments of newer versions; the options object is of the derivative"),
    (r"listwalletdir\.wallets\[\]: has warnings$", "of newer versions"),
    (r"getwalletinfo: (has flags|lacks (balance|immature_balance|unconfirmed_balance|mintxfee|paytxfee))$", "newer versions say it so"),
    (r": (has alternate_wtxids|lacks bip125-replaceable)$", "newer versions say it so"),
    (r": lacks in_mempool$|getaddressinfo: lacks (isactive|use_txids)$", "of the derivative"),
    (r"(has|lacks) (replaced_by_txid|replaces_txid)$", "only the wallet that made the replacement knows"),
    (r"^psbtbumpfee.*Insufficient total fee|^sendtoaddress.*-minrelaytxfee", "the reference asks for more to relay"),
    (r"^walletprocesspsbt\['junk'\]: ", "newer versions say it so"),
    (r"^signmessage\['bcrt1", "the derivative signs with any address"),
    (r"^loadwallet\['none'\]: ", "the paths"),
    (r"importdescriptors\[\]\.error\.code: -4 instead of -8$", "of a range that would shrink: newer versions say it so"),
    (r"listdescriptors\.descriptors\[\]\.range\[\]: ", "the lookahead is kept after an address was given out, not before the next one"),
]

# Members whose values are not the same in two wallets by their nature.
VOLATILE = {"time", "timereceived", "blocktime", "timestamp", "walletname", "wallet_name", "birthtime", "format", "duration", "progress"}


class Comparison:
    def __init__(self):
        self.differences = []
        self.calls = 0

    def differ(self, place, what):
        self.differences.append(f"{place}: {what}")

    @staticmethod
    def kind(value):
        if isinstance(value, bool):
            return "bool"
        return "number" if isinstance(value, (int, float)) else type(value).__name__

    def compare(self, place, ours, theirs, values=True):
        """Results of the same call. `values` false: only members and types."""
        if self.kind(ours) != self.kind(theirs):
            self.differ(place, f"{self.kind(ours)} instead of {self.kind(theirs)}")
        elif isinstance(ours, dict):
            for key in sorted(ours.keys() - theirs.keys()):
                self.differ(place, f"has {key}")
            for key in sorted(theirs.keys() - ours.keys()):
                self.differ(place, f"lacks {key}")
            for key in sorted(ours.keys() & theirs.keys()):
                self.compare(f"{place}.{key}", ours[key], theirs[key], values and key not in VOLATILE)
        elif isinstance(ours, list):
            if values and len(ours) != len(theirs):
                self.differ(place, f"{len(ours)} elements instead of {len(theirs)}")
            for left, right in zip(ours, theirs):
                self.compare(f"{place}[]", left, right, values)
        elif values and ours != theirs:
            self.differ(place, f"{ours} instead of {theirs}")

    def verdict(self, show):
        unexplained, needed = [], set()
        for difference in dict.fromkeys(self.differences):
            reasons = [number for number, (pattern, _) in enumerate(EXPECTED) if re.search(pattern, difference)]
            needed.update(reasons)
            if show or not reasons:
                print(("expected: " if reasons else "DIFFERENCE: ") + difference)
            if not reasons:
                unexplained.append(difference)
        idle = [pattern for number, (pattern, _) in enumerate(EXPECTED) if number not in needed]
        for pattern in idle:
            print(f"NOT NEEDED: {pattern}")
        print(f"{self.calls} calls compared, {len(set(self.differences))} differences, {len(unexplained)} without a reason")
        return not unexplained and not idle


class Show:
    def __init__(self, reference):
        self.reference = reference
        self.light = Light("light", [reference], "-fallbackfee=2")
        self.result = Comparison()

    def begin(self):
        self.reference.rpc("createwallet", "miner")
        self.miner = reference_wallet_of(self.reference, "miner")
        self.mine(110)
        self.theirs = reference_wallet(self.reference, "theirs", account_requests(WORDS))
        self.light.rpc("createwallet", wallet_name="ours", blank=True)
        self.ours = self.light.wallet("ours")
        self.ours.import_all(account_requests(WORDS))
        self.light.wait_synced(self.tip())

    def tip(self):
        return self.reference.rpc("getbestblockhash")

    def mine(self, count=1):
        self.reference.rpc("generatetoaddress", count, self.miner.getnewaddress())

    def settle(self):
        self.light.wait_synced(self.tip())

    @staticmethod
    def outcome(call, params, named):
        try:
            return call(*params, **named), None
        except harness.RpcError as error:
            return None, (error.code, error.message)

    def both(self, method, *params, values=True, order=None, place=None, **named):
        """Asks both; gives both results. `order`: sorts what has no order of its own."""
        ours, our_error = self.outcome(getattr(self.ours, method), params, named)
        theirs, their_error = self.outcome(getattr(self.theirs, method), params, named)
        self.result.calls += 1
        place = place or method
        if our_error or their_error:
            if our_error != their_error:
                self.result.differ(f"{place}{list(params)}{named or ''}", f"{our_error} instead of {their_error}")
            return ours, theirs
        if order:
            ours, theirs = sorted(ours, key=order), sorted(theirs, key=order)
        for entry in (ours if isinstance(ours, list) else []) + (theirs if isinstance(theirs, list) else []):
            if isinstance(entry, dict) and "txids" in entry:
                entry["txids"].sort()
        self.result.compare(place, ours, theirs, values)
        return ours, theirs

    # --- what is done

    def receive(self):
        self.addresses = {}
        for kind in TYPES:
            ours, theirs = self.both("getnewaddress", f"label {kind}", kind)
            self.both("getrawchangeaddress", kind)
            check(ours == theirs, f"the same {kind} address")
            self.addresses[kind] = ours
        for number, address in enumerate(self.addresses.values()):
            self.miner.sendtoaddress(address, 1 + number)
        self.mine()
        self.miner.sendtoaddress(self.addresses["bech32"], 0.5)
        self.mine()
        self.settle()

    def look(self, when):
        for method in ("getbalance", "getbalances", "listlabels", "listlockunspent", "listwallets", "listwalletdir", "getwalletinfo"):
            self.both(method, values=method not in ("listwallets", "listwalletdir", "getwalletinfo"))
        coin = lambda c: (c["txid"], c["vout"])
        entry = lambda e: (e["txid"], e["vout"], e["category"])
        self.both("listunspent", order=coin)
        self.both("listunspent", 0, order=coin)
        self.both("listunspent", 1, 9999999, [self.addresses["bech32"]], order=coin)
        ours, _ = self.both("listtransactions", "*", 100, order=entry)
        for txid in sorted({e["txid"] for e in ours}):
            self.both("gettransaction", txid, True, True)
        for label in ["label bech32", "nothing"]:
            for method in ("getaddressesbylabel", "getreceivedbylabel"):
                self.both(method, label)
        for address in [*self.addresses.values(), self.miner.getnewaddress()]:
            self.both("getaddressinfo", address)
            self.both("getreceivedbyaddress", address)
            self.both("getreceivedbyaddress", address, 0)
        self.both("listreceivedbyaddress", 0, True, order=lambda r: r["address"])
        self.both("listreceivedbyaddress", 1, False, True, self.addresses["bech32"])
        self.both("listreceivedbylabel", 0, True, order=lambda r: r["label"])
        groups = [sorted([sorted(map(tuple, group)) for group in wallet.listaddressgroupings()]) for wallet in (self.ours, self.theirs)]
        self.result.compare("listaddressgroupings", *groups)
        self.both("listdescriptors")
        self.both("listdescriptors", True)
        self.both("gethdkeys")
        self.both("gethdkeys", private=True)
        since = self.reference.rpc("getblockhash", self.reference.rpc("getblockcount") - 1)
        for params in ([], [since], [since, 3], [since, 1, False, False]):
            ours, theirs = self.outcome(self.ours.listsinceblock, params, {})[0], self.outcome(self.theirs.listsinceblock, params, {})[0]
            for result in (ours, theirs):
                result["transactions"].sort(key=entry)
            self.result.compare("listsinceblock", ours, theirs)
            self.result.calls += 1
        print(f"looked {when}", flush=True)

    def psbts(self):
        # One of each kind. With fewer the fee may be one virtual byte's less than the reference's, which reckons with 65 bytes for the
        # signature of taproot, though it makes one of 64.
        of_address = {coin["address"]: coin for coin in self.theirs.listunspent()}
        coins = [of_address[address] for address in self.addresses.values()]
        inputs = [{"txid": c["txid"], "vout": c["vout"]} for c in coins]
        change = self.theirs.getrawchangeaddress("bech32")
        self.ours.getrawchangeaddress("bech32")
        outputs = [{self.miner.getnewaddress(): 0.3}, {"data": "c0ffee"}]
        options = {"changeAddress": change, "changePosition": 1, "fee_rate": 3, "locktime": 0, "replaceable": True}
        ours, theirs = self.both("walletcreatefundedpsbt", inputs, outputs, 0, {k: v for k, v in options.items() if k != "locktime"}, True, 2, 0, place="walletcreatefundedpsbt") \
            if self.newest() else self.funded(inputs, outputs, options)
        self.result.compare("decodepsbt", self.reference.rpc("decodepsbt", ours["psbt"]), self.reference.rpc("decodepsbt", theirs["psbt"]))
        for arguments in ({"sign": False}, {}, {"finalize": False}):
            signed = [wallet.walletprocesspsbt(theirs["psbt"], **arguments) for wallet in (self.ours, self.theirs)]
            decoded = [self.reference.rpc("decodepsbt", one["psbt"]) for one in signed]
            self.result.compare(f"walletprocesspsbt{arguments}", *[{k: v for k, v in one.items() if k not in ("psbt", "hex")} for one in signed])
            self.result.compare(f"decodepsbt of walletprocesspsbt{arguments}", *decoded, values=arguments == {"sign": False})
        raw = self.reference.rpc("createrawtransaction", inputs, outputs)
        ours, theirs = self.both("fundrawtransaction", raw, {"changeAddress": change, "changePosition": 0, "fee_rate": 3})
        self.both("simulaterawtransaction", [theirs["hex"]])
        self.both("signrawtransactionwithwallet", theirs["hex"], values=False)
        self.both("fundrawtransaction", self.reference.rpc("createrawtransaction", [], outputs), {"subtractFeeFromOutputs": [0], "fee_rate": 5}, values=False)

    @staticmethod
    def newest():
        return False

    def funded(self, inputs, outputs, options):
        """The reference makes only the older form of PSBT."""
        options = {key: value for key, value in options.items() if key != "locktime"}
        ours = self.ours.walletcreatefundedpsbt(inputs, outputs, 0, options, psbt_version=0)
        theirs = self.theirs.walletcreatefundedpsbt(inputs, outputs, 0, options)
        self.result.calls += 1
        self.result.compare("walletcreatefundedpsbt", {**ours, "psbt": ""}, {**theirs, "psbt": ""})
        return ours, theirs

    def spend(self):
        to = self.miner.getnewaddress()
        self.both("send", [{to: 0.2}], None, "unset", 3, {"add_to_wallet": False}, values=False)
        self.both("sendall", [to], None, "unset", 3, {"add_to_wallet": False}, values=False)
        txid = self.ours.send(outputs=[{to: 0.2}], fee_rate=3)["txid"]
        self.hand_over(txid)
        self.look("while a payment waits")
        self.both("abandontransaction", txid)
        self.both("psbtbumpfee", txid, fee_rate=1)
        ours, theirs = self.both("psbtbumpfee", txid, fee_rate=30, values=False)
        self.both("psbtbumpfee", txid, original_change_index=9)
        self.both("psbtbumpfee", txid, outputs=[])
        self.both("psbtbumpfee", txid, outputs=[{to: 0.1}], original_change_index=0)
        bumped = self.ours.bumpfee(txid, fee_rate=30)
        self.hand_over(bumped["txid"])
        self.result.compare("bumpfee", bumped, {"txid": "", "origfee": 0.1, "fee": 0.1, "errors": []}, values=False)
        self.mine()
        self.settle()
        self.look("after the replacement was confirmed")
        self.both("bumpfee", bumped["txid"])

    def hand_over(self, txid):
        """How payments reach peers is shown elsewhere."""
        if txid not in self.reference.rpc("getrawmempool"):
            self.reference.rpc("sendrawtransaction", self.ours.gettransaction(txid)["hex"])

    def locks(self):
        coin = sorted(self.theirs.listunspent(), key=lambda c: c["txid"])[0]
        coin = {"txid": coin["txid"], "vout": coin["vout"]}
        self.both("lockunspent", False, [coin])
        self.both("listlockunspent")
        self.both("lockunspent", False, [coin])
        self.both("lockunspent", True, [coin])
        self.both("lockunspent", True, [coin])
        self.both("lockunspent", False, [{**coin, "vout": 77}])
        self.both("lockunspent", False, [{**coin, "vout": -1}])
        self.both("lockunspent", False, [{**coin, "txid": "11" * 32}])
        self.both("lockunspent", False)
        self.both("lockunspent", True)

    def reorganise(self):
        kept = self.tip()
        self.miner.sendtoaddress(self.addresses["bech32"], 0.25)
        self.mine()
        stale = self.tip()
        self.settle()
        self.reference.rpc("invalidateblock", stale)
        self.reference.rpc("generateblock", self.miner.getnewaddress(), [])
        self.reference.rpc("generateblock", self.miner.getnewaddress(), [])
        self.settle()
        self.both("listsinceblock", stale)
        self.both("listsinceblock", kept)
        self.mine()
        self.settle()
        self.both("listsinceblock", stale)

    def refusals(self):
        to, none, junk = self.miner.getnewaddress(), "11" * 32, "junk"
        own = self.addresses["bech32"]
        calls = [
            ("getbalance", ["x"]), ("getbalance", ["*", 0, False, True]), ("getnewaddress", ["*"]), ("getnewaddress", ["", "none"]), ("getrawchangeaddress", ["none"]),
            ("getaddressinfo", [junk]), ("getaddressesbylabel", ["none"]), ("setlabel", [junk, "x"]), ("setlabel", [own, "*"]), ("listlabels", ["none"]),
            ("getreceivedbyaddress", [junk]), ("getreceivedbyaddress", [to]), ("getreceivedbylabel", ["none"]), ("listreceivedbyaddress", [1, True, True, junk]),
            ("listunspent", [0, 9, [junk]]), ("listunspent", [0, 9, [own, own]]), ("listunspent", [0, 9, [], True, {"minimumAmount": "x"}]),
            ("listtransactions", [""]), ("listtransactions", ["*", -1]), ("listtransactions", ["*", 1, -1]), ("listsinceblock", [none]), ("listsinceblock", [junk]),
            ("listsinceblock", ["", 0]), ("gettransaction", [none]), ("gettransaction", [junk]), ("abandontransaction", [none]),
            ("sendtoaddress", [junk, 1]), ("sendtoaddress", [to, -1]), ("sendtoaddress", [to, 0]), ("sendtoaddress", [to, "x"]), ("sendtoaddress", [to, 0.00000001]),
            ("sendtoaddress", [to, 1000]), ("sendtoaddress", [to, 21000001]), ("sendtoaddress", [to, 0.1, "", "", False, True, 0]),
            ("sendtoaddress", [to, 0.1, "", "", False, True, 2000]), ("sendtoaddress", [to, 0.1, "", "", False, True, None, "x"]),
            ("sendtoaddress", [to, 0.1, "", "", False, True, 6, "unset", None, 1]), ("sendtoaddress", [to, 0.1, "", "", False, True, None, "economical", None, 1]),
            ("sendtoaddress", [to, 0.1, "", "", False, True, None, "unset", None, 1000000]), ("sendtoaddress", [to, 0.1, "", "", False, True, None, "unset", None, 0]),
            ("sendtoaddress", [to, 0.1, "", "", False, True, None, "unset", None, 0.0001]),
            ("sendmany", ["x", {to: 1}]), ("sendmany", ["", {junk: 1}]), ("sendmany", ["", {to: 0.1}, 1, "", [junk]]), ("sendmany", ["", {to: 0.00001}, 1, "", [to], True, None, "unset", 500]),
            ("send", [[]]), ("send", [{}]), ("send", [[{to: 0.1, own: 0.1}]]), ("send", [["x"]]), ("send", [[{to: 0.1}, {to: 0.2}]]), ("send", [{to: 0.1}, None, "unset", 1, {"feeRate": 1}]),
            ("send", [{to: 0.1}, 6, "unset"]), ("send", [{to: 0.1}, None, "unset", 1, {"fee_rate": 1}]), ("send", [{to: 0.1}, None, "unset", 1, {"change_position": 3}]),
            ("send", [{to: 0.1}, None, "unset", 1, {"change_type": "x"}]), ("send", [{to: 0.1}, None, "unset", 1, {"change_address": junk}]),
            ("send", [{to: 0.1}, None, "unset", 1, {"inputs": [{"txid": none, "vout": 0}]}]), ("send", [{to: 0.1}, None, "unset", 1, {"inputs": [{"txid": none}]}]),
            ("send", [{to: 0.1}, None, "unset", 1, {"minconf": -1}]), ("send", [{to: 0.1}, None, "unset", 1, {"minconf": 5, "maxconf": 2}]),
            ("send", [{to: 0.1}, None, "unset", 1, {"subtract_fee_from_outputs": [3]}]), ("send", [{to: 1000}]), ("send", [{to: 0.1}, None, "unset", 1, {"locktime": -1}]),
            ("send", [{to: 0.1}, None, "unset", 1, {"max_tx_weight": 100}]), ("send", [{to: 0.1}, None, "unset", 1, {"unknown": 1}]),
            ("sendall", [[{to: 1}]]), ("sendall", [[junk]]), ("sendall", [[to, {own: 10000}]]), ("sendall", [[to], None, "unset", 1, {"inputs": [], "send_max": True}]),
            ("sendall", [[to], None, "unset", 1, {"inputs": [{"txid": none, "vout": 0}]}]), ("sendall", [[to], None, "unset", 1, {"inputs": [], "minconf": 1}]),
            ("bumpfee", [none]), ("psbtbumpfee", [none]), ("fundrawtransaction", [junk]), ("fundrawtransaction", ["02000000000000000000"]),
            ("signrawtransactionwithwallet", [junk]), ("walletprocesspsbt", [junk]), ("simulaterawtransaction", [[junk]]),
            ("walletcreatefundedpsbt", [[], [{to: 1000}]]), ("walletcreatefundedpsbt", [[], [{to: 0.1}], 0, {"fee_rate": 1, "feeRate": 1}]),
            ("importdescriptors", [[{"desc": "wpkh(junk)", "timestamp": 0}]]), ("importdescriptors", [[{"timestamp": 0}]]), ("importdescriptors", [[{"desc": "x"}]]),
            ("importdescriptors", [[{"desc": with_checksum("wpkh(tpubD6NzVbkrYhZ4WaWSyoBvQwbpLkojyoTZPRsgXELWz3Popb3qkjcJyJUGLnL4qHHoQvao8ESaAstxYSnhyswJ76uZPStJRJCTKvosUCJZL5B/*)"), "timestamp": 0, "range": 5}]]),
            ("importdescriptors", [[{"desc": with_checksum("raw(51)"), "timestamp": 0, "active": True}]]), ("importdescriptors", [[{"desc": with_checksum("raw(51)"), "timestamp": 0, "range": 1}]]),
            ("createwalletdescriptor", ["none"]), ("createwalletdescriptor", ["bech32"]), ("createwalletdescriptor", ["bech32", {"hdkey": junk}]),
            ("rescanblockchain", [-1]), ("rescanblockchain", [100000]), ("rescanblockchain", [5, 4]), ("rescanblockchain", [5, 100000]), ("abortrescan", []),
            ("setwalletflag", ["none"]), ("setwalletflag", ["descriptor_wallet"]), ("setwalletflag", ["avoid_reuse", False]),
            ("signmessage", [junk, "m"]), ("signmessage", [own, "m"]), ("signmessage", ["mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", "m"]),
            ("walletpassphrase", ["x", 1]), ("walletlock", []), ("walletpassphrasechange", ["a", "b"]), ("encryptwallet", [""]), ("keypoolrefill", [-1]),
            ("importprunedfunds", ["00", "00"]), ("unloadwallet", ["other"]), ("loadwallet", ["none"]), ("restorewallet", ["ours", "/none"]),
        ]
        for method, params in calls:
            self.both(method, *params, values=False)
        self.result.compare("signmessage", len(self.ours.signmessage(self.addresses["legacy"], "m")), len(self.theirs.signmessage(self.addresses["legacy"], "m")))

    def rescans(self):
        self.both("rescanblockchain")
        self.both("rescanblockchain", 5, 20)
        request = {"desc": with_checksum(f"wpkh({account_requests(WORDS)[4]['desc'].split('(')[1].split('/')[0]}/7/*)"), "timestamp": "now"}
        self.both("importdescriptors", [request])
        self.both("importdescriptors", [{**request, "range": [0, 9], "next_index": 3}])

    def encrypted(self):
        for wallet in (self.ours, self.theirs):
            wallet.encryptwallet("secret")
        to = self.miner.getnewaddress()
        self.both("getwalletinfo", values=False)
        for method, params in [("walletpassphrase", ["wrong", 10]), ("walletpassphrase", ["secret", -1]), ("walletpassphrase", ["", 1]), ("sendtoaddress", [to, 0.1]),
                               ("sendmany", ["", {to: 0.1}]), ("bumpfee", ["11" * 32]), ("signmessage", [self.addresses["legacy"], "m"]), ("listdescriptors", [True]),
                               ("gethdkeys", [{"private": True}]), ("createwalletdescriptor", ["bech32"]), ("importdescriptors", [[]]), ("keypoolrefill", [10]),
                               ("walletpassphrasechange", ["wrong", "b"]), ("walletpassphrasechange", ["", "b"]), ("encryptwallet", ["x"]), ("rescanblockchain", []),
                               ("signrawtransactionwithwallet", ["00"]), ("walletlock", []), ("walletpassphrase", ["secret", 100]), ("walletlock", [])]:
            self.both(method, *params, values=False, place=f"locked {method}")
        self.both("gethdkeys")

    def arguments(self):
        """Names of methods and arguments, as the help texts have them."""
        category, theirs = "", set()
        for line in self.reference.rpc("help").splitlines():
            if line.startswith("== "):
                category = line
            elif line and category == "== Wallet ==":
                theirs.add(line.split()[0])
        ours = {line.split()[0] for line in self.light.rpc("help").splitlines() if line and not line.startswith("==")}
        for name in sorted(theirs - ours):
            self.result.differ("help", f"lacks {name}")
        for name in sorted(theirs & ours):
            names = [re.findall(r"^\d+\. ([a-z0-9_|]+) ", node.rpc("help", name), re.MULTILINE) for node in (self.light, self.reference)]
            self.result.calls += 1
            if names[0] != names[1]:
                self.result.differ(f"help {name}", f"{names[0]} instead of {names[1]}")

    def run(self):
        self.begin()
        self.arguments()
        self.receive()
        self.look("at confirmed coins")
        self.psbts()
        self.locks()
        self.spend()
        self.reorganise()
        self.refusals()
        self.rescans()
        self.encrypted()


def reference_wallet_of(node, name):
    from wallet_material import WalletCalls
    return WalletCalls(node, name)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference")
    parser.add_argument("--show", action="store_true", help="print the expected differences, too")
    options = parser.parse_args()
    binary = harness.need_reference(options.reference)
    if not (harness.build_folder() / "cairn-light").is_file():
        harness.skip("cairn-light is not built")
    reference = harness.Node(binary, "reference", *FILTERS, *PROMPT, "-txindex=1", "-fallbackfee=0.00002")
    show = Show(reference)
    try:
        for node in (reference, show.light):
            node.start()
        try:
            show.run()
        finally:
            good = show.result.verdict(options.show)
    finally:
        for node in (show.light, reference):
            node.remove()
    if not good:
        return 1
    print("passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
