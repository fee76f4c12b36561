"""Sampled arguments for every read-only method: three quarters sensible, one quarter bad."""

import json

HEX = "0123456789abcdef"
ZERO = "00" * 32


class Sampler:
    """Makes calls for one method at a time. Everything comes from `rng`, so a seed repeats a run."""

    def __init__(self, material, rng):
        self.m = material
        self.rng = rng

    # --- ingredients
    def hex(self, size):
        return "".join(self.rng.choice(HEX) for _ in range(2 * size))

    def block(self):
        if self.m.side and self.rng.random() < 0.15:
            return self.rng.choice(self.m.side)
        return self.rng.choice(list(self.m.blocks.values()))

    def height(self):
        return self.rng.choice(list(self.m.blocks))

    def bad_hash(self):
        return self.rng.choice([ZERO, self.hex(32), self.hex(31), self.hex(33), "zz" * 32, "", "0x" + self.hex(31), self.hex(32).upper() + " ",
                                " ", "é" * 32, self.block()[:-1], self.block() + "0", "g" + self.block()[1:]])

    def odd_value(self):
        """A value of some other JSON type."""
        return self.rng.choice([True, False, 0, -1, 1.5, 2**31, 2**63, -2**63, 10**20, "", "x", "1", [], {}, [1], {"a": 1}, None])

    def break_arguments(self, good):
        """One kind of damage to a sensible list of arguments."""
        kind = self.rng.randrange(5)
        args = list(good)
        if kind == 0:
            return args + [self.odd_value() for _ in range(self.rng.randrange(1, 12))]
        if kind == 1 and args:
            return args[:self.rng.randrange(len(args))]
        if kind == 2:
            return {self.rng.choice(["nosuch", "args", "", "verbose", "height", "blockhash"]): self.rng.choice(args + [self.odd_value()])}
        if args:
            args[self.rng.randrange(len(args))] = self.odd_value()
            return args
        return [self.odd_value()]

    # --- scripts, transactions, addresses
    def script(self):
        rng = self.rng
        key = "02" + "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
        long_key = "04" + key[2:] + "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"
        made = [
            lambda: "76a914" + self.hex(20) + "88ac", lambda: "a914" + self.hex(20) + "87", lambda: "0014" + self.hex(20),
            lambda: "0020" + self.hex(32), lambda: "5120" + self.hex(32), lambda: "5120" + key[2:], lambda: "21" + key + "ac",
            lambda: "41" + long_key + "ac", lambda: "51" + "21" + key + "51ae", lambda: "5121" + key + "41" + long_key + "52ae",
            lambda: "6a" + f"{n:02x}" + self.hex(n) if (n := rng.randrange(1, 75)) else "", lambda: "51024e73", lambda: "",
            lambda: f"{0x50 + rng.randrange(2, 17):02x}{(n := rng.randrange(2, 41)):02x}" + self.hex(n), lambda: "6a", lambda: "5175",
            lambda: self.hex(rng.randrange(1, 60)), lambda: f"{(n := rng.randrange(1, 6)):02x}" + self.hex(n), lambda: "00", lambda: "4c00", lambda: "63ac68",
            lambda: "21" + key + "ad51b2", lambda: "ba", lambda: "50", lambda: "7e", lambda: "0102", lambda: "4cff00", lambda: "52" + ("21" + key) * 3 + "53ae",
            lambda: "47" + "3044022" + "0" + self.hex(32) + "0220" + self.hex(32) + rng.choice(["01", "02", "03", "81", "82", "83", "00", "41"]),
        ]
        return rng.choice(self.m.scripts) if rng.random() < 0.4 else rng.choice(made)()

    def transaction(self):
        raw = self.rng.choice(self.m.txs)["hex"]
        kind = self.rng.randrange(6)
        if kind == 0:
            at = self.rng.randrange(0, len(raw), 2)
            return raw[:at] + self.hex(1) + raw[at + 2:]
        if kind == 1:
            version = self.rng.choice(["01000000", "ffffffff", "03000000"])
            scripts = [s for s in (self.script() for _ in range(3)) if len(s) < 400]
            count = len(scripts)
            outs = "".join(f"{self.rng.randrange(1 << 40).to_bytes(8, 'little').hex()}{len(s) // 2:02x}{s}" for s in scripts)
            sig = self.script()[:400]
            return f"{version}01{self.hex(32)}{self.hex(4)}{len(sig) // 2:02x}{sig}{self.hex(4)}{count:02x}{outs}{self.hex(4)}"
        return raw

    def address(self):
        rng = self.rng
        good = rng.choice(self.m.addresses)
        kind = rng.randrange(8)
        if kind < 4:
            return good
        if kind == 4:
            at = rng.randrange(len(good))
            return good[:at] + rng.choice("023456789acdefghjklmnpqrstuvwxyz") + good[at + 1:]
        if kind == 5:
            return rng.choice([good.upper(), good.capitalize(), good[:-1], good + "q", good + good, " " + good, good + " "])
        if kind == 6:
            at, to = sorted(rng.sample(range(len(good)), 2))
            return good[:at] + rng.choice("qpzry9x8") + good[at + 1:to] + rng.choice("gf2tvdw0") + good[to + 1:]
        return rng.choice(["", "x", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "bcrt1", "BCRT1", "bcrt1q", "é",
                           "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0", "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", "0",
                           "3P14159f73E4gFr7JterCCQh9QjiTjiZrG", "mo9ncXisMeAoXwqcV5EWuyncbmCcQN4rVs", "bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202",
                           "bcrt1pfeesnyr2tx", "bcrt1rw5uspcuf", "bcrt10d3jkcmr0", "l" * 40, "1" * 34, "bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"])

    def descriptor(self):
        key = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
        xpub = ("tpubD6NzVbkrYhZ4XgiXtGrdW5XDAPFCL9h7we1vwNCpn8tGbBcgfVYjXyhWo4E1xkh56hjod1RhGjxbaTLV3X4FyWuejifB9jusQ46QzG87VKp")
        wif = "cMahea7zqjxrtgAbB7LSGbcQUr1uX1ojuat9jZodMN87JcbXMTcA"
        bodies = [f"pk({key})", f"pkh({key})", f"wpkh({key})", f"sh(wpkh({key}))", f"combo({key})", f"multi(1,{key})", f"wsh(multi(1,{key}))",
                  f"sh(wsh(sortedmulti(1,{key},{key})))", f"tr({key[2:]})", f"tr({key},pk({key[2:]}))", f"rawtr({key[2:]})", f"tr({key[2:]},{{pk({key[2:]}),multi_a(1,{key[2:]})}})",
                  f"addr({self.rng.choice(self.m.addresses)})", f"raw({self.script() or '51'})", f"wpkh({xpub}/0/1)", f"wpkh({xpub}/*)", f"pkh([d34db33f/44h/0'/1]{xpub}/1/*)",
                  f"pkh({wif})", f"wpkh({xpub}/1h)", "addr(x)", "raw(zz)", "foo(1)", "", "pkh()", "pkh(02)", "wsh(wpkh(" + key + "))", f"multi(2,{key})", f"multi(a,{key})",
                  f"multi(0,{key})", f"sh(sh(pk({key})))", f"wpkh(04{key[2:]}{key[2:]})", f"pkh([zz]{key})", f"pkh([d34db33f{key})", f"pkh({key})x", f"pkh({key},{key})",
                  f"multi(1,{key},{key},{key},{key})", f"sh({key})", f"wsh({key})", f"tr({key[2:]},)", f"pkh({xpub}/2147483648)", f"pkh({xpub}/x)", f"pkh( {key})"]
        return self.rng.choice(bodies)

    # --- methods
    def good(self, method):
        rng = self.rng
        tx = rng.choice(self.m.txs)
        timeout = rng.choice([1, 2, 3])
        makers = {
            "getblockhash": lambda: [self.height()],
            "getblockheader": lambda: [self.block()] + rng.choice([[], [True], [False]]),
            "getblock": lambda: [self.block()] + rng.choice([[], [0], [1], [2], [3], [True], [False], [5], [-1]]),
            "getblockstats": lambda: [rng.choice([self.block(), self.height()])] + rng.choice([[], [rng.sample(STATISTICS, rng.randrange(1, 6))], [["nosuch"]], [[]]]),
            "getchaintxstats": lambda: rng.choice([[], [rng.randrange(self.m.height)], [rng.randrange(1, 200), self.block()], [None, self.block()]]),
            "getdeploymentinfo": lambda: rng.choice([[], [self.block()]]),
            "gettxout": lambda: [*rng.choice(self.m.coins)] + rng.choice([[], [True], [False]]),
            "gettxoutsetinfo": lambda: rng.choice([["none"], ["muhash"], ["hash_serialized_3"], []]),
            "verifychain": lambda: [rng.randrange(-1, 6), rng.randrange(1, 4)],
            "getrawtransaction": lambda: [tx["txid"]] + rng.choice([[v, tx["block"]] for v in (0, 1, 2, True, False, 3)] + [[], [1], [0, self.block()]]),
            "decoderawtransaction": lambda: [self.transaction()] + rng.choice([[], [True], [False]]),
            "decodescript": lambda: [self.script()],
            "validateaddress": lambda: [self.address()],
            "waitfornewblock": lambda: rng.choice([[timeout], [timeout, self.block()]]),
            "waitforblock": lambda: [self.block(), timeout],
            "waitforblockheight": lambda: [rng.choice([self.height(), self.m.height + 5]), timeout],
            "getnetworkhashps": lambda: rng.choice([[], [rng.choice([-1, 1, 2, 50, 120, 100000])], [rng.randrange(1, 300), self.height()], [-1, self.height()]]),
            "getmemoryinfo": lambda: rng.choice([["stats"], []]),
            "getrawmempool": lambda: rng.choice([[], [False], [True], [False, True], [True, True], [True, False]]),
            "getindexinfo": lambda: rng.choice([[], ["txindex"], ["nosuch"]]),
            "getaddednodeinfo": lambda: rng.choice([[], ["127.0.0.1"]]),
            "getdescriptorinfo": lambda: [self.descriptor()],
            "deriveaddresses": lambda: [self.with_checksum(self.descriptor())] + rng.choice([[], [], [2], [[0, 3]], [[3, 1]], [-1], [[0, 2**31]], [[-1, 3]], [2**31], ["x"], [2000000]]),
            "echo": lambda: [self.odd_value() for _ in range(rng.randrange(10))],
            "echojson": lambda: [self.odd_value() for _ in range(rng.randrange(10))],
            "help": lambda: [rng.choice(["nosuch", "getinfo", "x y", "help2"])],
            "submitblock": lambda: [rng.choice(self.m.raw_blocks)] if self.m.raw_blocks else [self.hex(80)],
            "submitheader": lambda: [rng.choice(self.m.raw_blocks)[:160]] if self.m.raw_blocks else [self.hex(80)],
            "preciousblock": lambda: [self.bad_hash()], "invalidateblock": lambda: [self.bad_hash()], "reconsiderblock": lambda: [self.bad_hash()],
            "pruneblockchain": lambda: [self.height()],
            "disconnectnode": lambda: rng.choice([["127.0.0.1:1"], ["", 77], ["a", 3], [], [None, 5]]),
            "addnode": lambda: [rng.choice(["127.0.0.1:1", " ", ""]), rng.choice(["remove", "nosuch"])],
            "setmocktime": lambda: [rng.choice([-1, -5, 2**34, 2**40])],
            "mockscheduler": lambda: [rng.choice([0, -1, 3601, 10**9])],
            "generatetoaddress": lambda: [rng.choice([0, -1]), self.rng.choice(self.m.addresses + ["x"])],
            "generatetodescriptor": lambda: [0, self.descriptor()],
            "generateblock": lambda: [rng.choice(["x", self.descriptor(), self.rng.choice(self.m.addresses)]), rng.choice([["zz"], [self.hex(32)], [self.hex(40)]])],
            "uptime": lambda: [], "logging": lambda: rng.choice([[["nosuch"]], [[], ["nosuch"]], [[1]]]),
        }
        return makers.get(method, lambda: [])()

    def with_checksum(self, text):
        from descriptor_checksum import checksum
        return text + "#" + (checksum(text) if self.rng.random() < 0.85 else self.rng.choice(["", "qqqqqqqq", "abc"]))

    def bad_wait(self, method):
        """A wait without limit would never end: the timeout is positive or itself the damage."""
        bad_timeout = self.rng.choice([-1, "1", 2**31, [], {}, 1.5, True])
        if method == "waitfornewblock":
            return self.rng.choice([[bad_timeout], [1, self.bad_hash()], [1, 5], [1, self.block(), 3]])
        first = self.bad_hash() if method == "waitforblock" else self.rng.choice(["1", 2**31, [], 1.5, None])
        good = self.block() if method == "waitforblock" else 1
        return self.rng.choice([[first, 1], [good, bad_timeout], [], [good, 1, 1], {"nosuch": 1, "timeout": 1}])

    def bad(self, method):
        if method.startswith("waitfor"):
            return self.bad_wait(method)
        args = self.good(method)
        if args and isinstance(args[0], str) and len(args[0]) == 64 and self.rng.random() < 0.4:
            return [self.bad_hash()] + args[1:]
        if method.startswith("generate") and self.rng.random() < 0.7:
            return self.rng.choice([[-3] + args[1:], [0, "nosuch"], ["1"] + args[1:], [0], args + [1, 2, 3, 4]])
        if args and isinstance(args[0], int) and not method.startswith(("generate", "setmock")) and self.rng.random() < 0.3:
            return [self.rng.choice([-1, self.m.height + 1, 2**31 - 1, 2**31, -2**31, 2**40])] + args[1:]
        return self.break_arguments(args)

    def calls(self, method, count):
        """`count` argument lists (or objects), a quarter of them bad; a few of the good ones by name."""
        limit = LIMITS.get(method)
        made = []
        for i in range(count):
            is_bad = i % 4 == 3 or (limit is not None and i >= limit)
            made.append(self.bad(method) if is_bad else self.named(method, self.good(method)))
        return made

    def named(self, method, args):
        names = NAMES.get(method)
        if names and len(args) <= len(names) and self.rng.random() < 0.15:
            return {n: a for n, a in zip(names, args)}
        return args


NAMES = {
    "getblockhash": ["height"], "getblockheader": ["blockhash", "verbose"], "getblock": ["blockhash", "verbosity"], "getblockstats": ["hash_or_height", "stats"],
    "getchaintxstats": ["nblocks", "blockhash"], "getdeploymentinfo": ["blockhash"], "gettxout": ["txid", "n", "include_mempool"],
    "gettxoutsetinfo": ["hash_type"], "verifychain": ["checklevel", "nblocks"], "getrawtransaction": ["txid", "verbosity", "blockhash"],
    "decoderawtransaction": ["hexstring", "iswitness"], "decodescript": ["hexstring"], "validateaddress": ["address"], "waitforblock": ["blockhash", "timeout"],
    "getnetworkhashps": ["nblocks", "height"], "getdescriptorinfo": ["descriptor"],
}
# Sensible calls of these take long or change something: only so many of them.
LIMITS = {"gettxoutsetinfo": 8, "verifychain": 12, "waitfornewblock": 40, "waitforblock": 40, "waitforblockheight": 40}
STATISTICS = ["avgfee", "avgfeerate", "avgtxsize", "blockhash", "feerate_percentiles", "height", "ins", "maxfee", "maxfeerate", "maxtxsize", "medianfee",
              "mediantime", "mediantxsize", "minfee", "minfeerate", "mintxsize", "outs", "subsidy", "swtotal_size", "swtotal_weight", "swtxs", "time",
              "total_out", "total_size", "total_weight", "totalfee", "txs", "utxo_increase", "utxo_size_inc", "utxo_increase_actual", "utxo_size_inc_actual"]
METHODS = ["getblockchaininfo", "getbestblockhash", "getblockcount", "getblockhash", "getblockheader", "getblock", "getchaintips", "getchaintxstats",
           "getdifficulty", "getdeploymentinfo", "gettxout", "gettxoutsetinfo", "getblockstats", "verifychain", "getrawtransaction",
           "decoderawtransaction", "decodescript", "validateaddress", "waitfornewblock", "waitforblock", "waitforblockheight", "getpeerinfo",
           "getconnectioncount", "getnetworkinfo", "getnettotals", "getaddednodeinfo", "uptime", "help", "getmemoryinfo", "getrpcinfo", "echo", "echojson",
           "getmempoolinfo", "getrawmempool", "getindexinfo", "getmininginfo", "getnetworkhashps", "getchainstates", "getdescriptorinfo", "deriveaddresses",
           "logging", "ping", "invalidateblock", "reconsiderblock", "preciousblock", "pruneblockchain", "submitblock", "submitheader", "addnode",
           "disconnectnode", "setmocktime", "mockscheduler", "generatetoaddress", "generatetodescriptor", "generateblock",
           "syncwithvalidationinterfacequeue", "getinfo", "getzmqnotifications"]


def describe(method, params, limit=300):
    text = json.dumps(params)
    return f"{method} {text if len(text) <= limit else text[:limit] + '…'}"
