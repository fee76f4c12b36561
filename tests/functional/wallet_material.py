"""Wallets of cairn-light and of a reference node side by side: keys from words, calls to a wallet by its name, comparisons."""
import decimal
import hashlib
import hmac
import socket
import subprocess
import threading
import time
import urllib.parse

import descriptor_checksum
import harness

WORDS = "legal winner thank year wave sausage worth useful legal winner thank yellow"
OTHER_WORDS = "letter advice cage absurd amount doctor acoustic avoid letter advice cage above"
THIRD_WORDS = "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong"
FILTERS = ["-blockfilterindex=basic", "-peerblockfilters=1"]
# Transactions go to and come from these peers at once, not after seconds.
PROMPT = ["-whitelist=noban,in,out@127.0.0.1"]
TYPES = ["legacy", "p2sh-segwit", "bech32", "bech32m"]
PURPOSES = {"legacy": (44, "pkh({})"), "p2sh-segwit": (49, "sh(wpkh({}))"), "bech32": (84, "wpkh({})"), "bech32m": (86, "tr({})")}
SATOSHI = decimal.Decimal("0.00000001")


def money(value):
    """What a JSON number says, exactly."""
    return decimal.Decimal(str(value)).quantize(SATOSHI)


def check(condition, what):
    if not condition:
        raise AssertionError(what)
    print(f"ok: {what}", flush=True)


def refused(code, call, *arguments, **named):
    """The message with which a call is refused, with this code."""
    try:
        result = call(*arguments, **named)
    except harness.RpcError as error:
        if code is not None and error.code != code:
            raise AssertionError(f"refused with {error}, not with {code}") from None
        return error.message
    raise AssertionError(f"{arguments} was not refused but gave {result}")


def base58check(data):
    data += hashlib.sha256(hashlib.sha256(data).digest()).digest()[:4]
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def master_key(words, passphrase=""):
    """The extended private key of BIP39 words, as test networks write it."""
    seed = hashlib.pbkdf2_hmac("sha512", words.encode(), b"mnemonic" + passphrase.encode(), 2048)
    whole = hmac.new(b"Bitcoin seed", seed, hashlib.sha512).digest()
    return base58check(bytes.fromhex("04358394") + b"\0" + bytes(8) + whole[32:] + b"\0" + whole[:32])


def with_checksum(text):
    return f"{text}#{descriptor_checksum.checksum(text)}"


def account_requests(words, timestamp=0, active=True):
    """For importdescriptors: receiving and change of BIP44, 49, 84 and 86."""
    key, requests = master_key(words), []
    for purpose, shape in PURPOSES.values():
        for change in (0, 1):
            text = shape.format(f"{key}/{purpose}h/1h/0h/{change}/*")
            requests.append({"desc": with_checksum(text), "timestamp": timestamp, "active": active, "internal": bool(change), "range": [0, 999]})
    return requests


class WalletCalls:
    """A wallet of a node by its name: every method is a call, `wallet.getbalances()`."""

    def __init__(self, node, name):
        self.node, self.name = node, name

    def __getattr__(self, method):
        return lambda *params, **named: self.node.rpc(method, *params, path=f"/wallet/{urllib.parse.quote(self.name)}", **named)

    def money(self):
        return {kind: money(value) for kind, value in self.getbalances()["mine"].items()}

    def coins(self):
        """What may be spent, also unconfirmed and unsafe, and how the wallet sees it. Only the wallet that bumped a payment knows that its
        change is not safe."""
        return sorted((coin["txid"], coin["vout"], coin["address"], money(coin["amount"]), coin["confirmations"],
                       coin["safe"] or "replaces_txid" in self.gettransaction(coin["txid"])) for coin in self.listunspent(0, 9999999, [], True))

    def import_all(self, requests):
        for request, result in zip(requests, self.importdescriptors(requests)):
            if not result["success"]:
                raise AssertionError(f"{request} was not imported: {result}")


class Light(harness.Node):
    """A cairn-light with a folder of its own, connected to `peers`."""

    def __init__(self, name, peers, *options, folder=None):
        super().__init__(harness.build_folder() / "cairn-light", name, *[f"-connect=127.0.0.1:{peer.port}" for peer in peers], *options, folder=folder)

    def command(self, *more):
        return [str(self.binary), "-regtest", f"-datadir={self.folder}", f"-rpcport={self.rpc_port}", "-dnsseed=0", "-fixedseeds=0",
                "-printtoconsole=0", "-debug=net", *self.options, *more]

    def wallet(self, name):
        return WalletCalls(self, name)

    def info(self):
        return self.rpc("getlightinfo")

    def wait_synced(self, tip, seconds=180):
        def done():
            info = self.info()
            return info["synced"] and info["bestblockhash"] == tip
        try:
            return self.wait_until(done, seconds, f"synced to {tip}")
        except TimeoutError as error:
            raise TimeoutError(f"{error}: {self.info()}") from None

    def run_command(self, *words, answers=()):
        """A command for people, with what is typed; gives what is shown."""
        done = subprocess.run(self.command(*words), input="".join(f"{answer}\n" for answer in answers), capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            raise AssertionError(f"{words} failed: {done.stdout}{done.stderr}")
        return done.stdout

    def restore(self, name, words, *more):
        self.run_command("restore", name, "--no-passphrase", *more, answers=[words])
        return self.wallet(name)


class SlowLine:
    """A way to a node that carries so many bytes a second back, so that a scan lasts."""

    def __init__(self, node):
        self.node, self.rate = node, None
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.server.accept()
                node = socket.create_connection(("127.0.0.1", self.node.port))
            except OSError:
                return
            for source, sink, slow in ((client, node, False), (node, client, True)):
                threading.Thread(target=self._carry, args=(source, sink, slow), daemon=True).start()

    def _carry(self, source, sink, slow):
        try:
            while data := source.recv(512 if slow and self.rate else 65536):
                if slow and self.rate:
                    time.sleep(len(data) / self.rate)
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            end.close()


def reference_wallet(node, name, requests=(), private=True):
    """A wallet of the reference node with these descriptors and none else."""
    node.rpc("createwallet", wallet_name=name, disable_private_keys=not private, blank=True)
    wallet = WalletCalls(node, name)
    if requests:
        wallet.import_all(requests)
    return wallet


def mine(node, count=1, address=None):
    """Mines on a node to an address; to nobody's without one."""
    return node.rpc("generatetoaddress", count, address or "bcrt1qqvpsxqcrqvpsxqcrqvpsxqcrqvpsxqcruj60yu", timeout=600)


def wait_filters(nodes, seconds=120):
    """Until all nodes are at the first one's tip and have made its filter; gives the tip."""
    tip = nodes[0].rpc("getbestblockhash")
    height = nodes[0].rpc("getblockcount")
    for node in nodes:
        node.wait_for_tip(tip, seconds)
        node.wait_until(lambda: node.rpc("getindexinfo").get("basic block filter index", {}).get("best_block_height") == height, seconds, "filter index")
    return tip


def wait_mempool(node, txids, seconds=60):
    try:
        node.wait_until(lambda: set(txids) <= set(node.rpc("getrawmempool")), seconds, "transactions in the mempool")
    except TimeoutError as error:
        raise TimeoutError(f"{error}: {sorted(set(txids) - set(node.rpc('getrawmempool')))}") from None


def differences(ours, theirs, txids=()):
    """What two wallets with the same keys disagree about, and which of the transactions either does not know; empty: nothing."""
    found = [f"unknown to {wallet.name}: {txid}" for wallet in (ours, theirs) for txid in txids if not knows(wallet, txid)]
    if ours.money() != theirs.money():
        found.append(f"balances {ours.money()} {theirs.money()}")
    mine_, other = ours.coins(), theirs.coins()
    if mine_ != other:
        found.append(f"coins only here {sorted(set(mine_) - set(other))}, only there {sorted(set(other) - set(mine_))}")
    return found


def knows(wallet, txid):
    try:
        return wallet.gettransaction(txid)
    except harness.RpcError:
        return None


def wait_alike(ours, theirs, what, txids=(), seconds=60):
    try:
        ours.node.wait_until(lambda: not differences(ours, theirs, txids), seconds, what)
    except TimeoutError:
        raise AssertionError(f"{what}: {differences(ours, theirs, txids)}") from None
    print(f"ok: {what}: {', '.join(f'{kind} {value:f}' for kind, value in ours.money().items() if value or kind == 'trusted')}", flush=True)


def history(wallet):
    """All that gettransaction says of every transaction but what depends on when it was first seen, or is only of this wallet."""
    result = {}
    for entry in wallet.listtransactions("*", 100000):
        result[entry["txid"]] = None
    for txid in result:
        tx = wallet.gettransaction(txid)
        details = sorted((d.get("address", ""), d["category"], money(d["amount"]), d["vout"], money(d.get("fee", 0)), d["abandoned"]) for d in tx["details"])
        result[txid] = {"amount": money(tx["amount"]), "fee": money(tx.get("fee", 0)), "confirmations": tx["confirmations"], "hex": tx["hex"],
                        "place": (tx.get("blockhash"), tx.get("blockheight"), tx.get("blockindex"), tx.get("blocktime")), "details": details}
    return result


def wait_history(ours, theirs, what, seconds=30, without=()):
    """Until both tell the same history, but for some transactions."""
    last = []

    def same():
        mine_, other = history(ours), history(theirs)
        last[:] = [f"{txid}: {mine_.get(txid)} {other.get(txid)}" for txid in sorted((mine_.keys() | other.keys()) - set(without)) if mine_.get(txid) != other.get(txid)]
        return not last
    try:
        ours.node.wait_until(same, seconds, what)
    except TimeoutError:
        raise AssertionError(f"{what}: " + "\n".join(last)) from None
    check(True, f"{what}: {len(history(ours))} transactions")
