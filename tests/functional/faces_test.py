#!/usr/bin/env python3
"""cairn-light as a new user meets it: a wallet of fresh words at a terminal, an address, a payment in, payments out (to an address, to a
silent payment address, all there is), their confirmations, history, a sealed backup, and restoring from it and from the words alone; then
the page in a headless browser.

    faces_test.py [--pictures FOLDER]

The page's part needs node, a Chromium (CHROMIUM) and playwright-core, in node_modules of CAIRN_PLAYWRIGHT. --pictures draws the terminal
session and the page.
"""
import argparse
import fcntl
import os
import pathlib
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import termios
import time

import harness
from light_test import Light, FILTERS, MINER, check, mine

PAYEE = "bcrt1qqgpqyqszqgpqyqszqgpqyqszqgpqyqszazmwwa"
# The keys of the secrets one and two.
SCAN = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
SPEND = "02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5"
PASSPHRASE = "correct horse"
CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def bech32m(prefix, values):
    def polymod(numbers):
        check_sum = 1
        for number in numbers:
            top = check_sum >> 25
            check_sum = (check_sum & 0x1ffffff) << 5 ^ number
            for i, generator in enumerate((0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3)):
                check_sum ^= generator if (top >> i) & 1 else 0
        return check_sum
    spread = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    rest = polymod(spread + values + [0] * 6) ^ 0x2bc830a3
    return prefix + "1" + "".join(CHARSET[v] for v in values + [rest >> 5 * (5 - i) & 31 for i in range(6)])


def silent_address(prefix):
    bits = "".join(f"{byte:08b}" for byte in bytes.fromhex(SCAN + SPEND))
    bits += "0" * (-len(bits) % 5)
    return bech32m(prefix, [0] + [int(bits[i:i + 5], 2) for i in range(0, len(bits), 5)])


class Terminal:
    """Types commands at a pseudo terminal and reads what a person would see."""

    def __init__(self, light):
        self.light, self.seen = light, ""

    def run(self, *words, answers=(), shown=None, fails=False):
        """`answers`: pairs of what is asked (a pattern) and what is typed, a text or a function of all that was shown. """
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 110, 0, 0))
        quoted = " ".join(f'"{w}"' if " " in w else w for w in (shown or words))
        self.seen += f"$ cairn-light -regtest {quoted}\n"
        process = subprocess.Popen([str(self.light.binary), "-regtest", f"-datadir={self.light.folder}", f"-rpcport={self.light.rpc_port}", *words],
                                   stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "TERM": "xterm"})
        os.close(theirs)
        text, begin, left, until = "", 0, list(answers), time.monotonic() + 180
        while time.monotonic() < until:
            if not select.select([ours], [], [], 1)[0]:
                continue
            try:
                part = os.read(ours, 65536)
            except OSError:
                break
            if not part:
                break
            text += part.decode(errors="replace")
            while left and (asked := re.search(left[0][0], text[begin:])):
                answer = left.pop(0)[1]
                begin += asked.end()
                os.write(ours, ((answer(text, asked) if callable(answer) else answer) + "\n").encode())
        else:
            process.kill()
        code = process.wait(30)
        os.close(ours)
        text = text.replace("\r\n", "\n")
        self.seen += text + "\n"
        if (code != 0) != fails or left:
            raise AssertionError(f"{words} ended with {code}, not asked {left}: {text}")
        return text


def word_asked(text, asked):
    number = int(asked.group(1))
    return re.search(rf"(?<!\d){number}\. (\w+)", text).group(1)


def words_of(text):
    return " ".join(word for _, word in sorted((int(n), w) for n, w in re.findall(r"(?<!\d)(\d+)\. ([a-z]+)", text)))


def new_light(folder_name, node, *more):
    return Light(harness.build_folder() / "cairn-light", folder_name, f"-connect=127.0.0.1:{node.port}", *more)


def wait_settled(node, light):
    light.wait_synced(node.rpc("getbestblockhash"))


def use_terminal(node, light):
    terminal = Terminal(light)
    check("There is no wallet" in terminal.run("balance", fails=True), "without a wallet, balance says how to make one")
    terminal.seen = ""
    text = terminal.run("init", answers=[("Press Enter", "")] + [(r"Word (\d+): ", word_asked)] * 3 + [("Passphrase.*: ", PASSPHRASE), ("again: ", PASSPHRASE)])
    words, terminal.beginning = words_of(text), terminal.seen
    check(len(words.split()) == 12 and "is ready" in text, "init shows twelve words, has some of them typed, and makes a wallet")
    text = terminal.run("receive", "--amount=50", "--label=Wages")
    address = re.search(r"bcrt1q\w+", text).group()
    check("\u2588" in text and f"bitcoin:{address}?amount=50&label=Wages" in text, "receive shows an address, a link and a QR code")
    mine(node, 1, address)
    wait_settled(node, light)
    check("50.00000000 BTC   mined, not yet spendable" in terminal.run("balance"), "what was mined is there, and not yet to be spent")
    mine(node, 100)
    wait_settled(node, light)
    check("50.00000000 BTC   can be spent" in terminal.run("balance"), "a hundred blocks later it can be spent")
    return terminal, words


def spend(node, light, terminal):
    for wrong, reason in [("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "belongs to the main network"), (silent_address("sp"), "belongs to the main network"),
                          (silent_address("tsp")[:-1] + "q", "a character is wrong"), (PAYEE[:-1] + "q", "nvalid")]:
        check(reason in terminal.run("send", wrong, "1", fails=True), f"{wrong[:8]}… is refused: {reason}")
    terminal.seen = ""
    text = terminal.run("send", PAYEE, "1.5", "--fee=4", answers=[("Type yes", "no")], fails=True)
    check("Nothing was sent" in text and not node.rpc("getrawmempool"), "without a yes nothing is sent")
    text = terminal.run("send", PAYEE, "1.5", "--fee=4", answers=[("Type yes", "yes"), ("Passphrase", PASSPHRASE)])
    plain = re.search(r"Sent: (\w{64})", text).group(1)
    check("1.50000000 BTC   to " + PAYEE in text, "the preview says what is paid to whom")
    node.wait_until(lambda: plain in node.rpc("getrawmempool"), 60, "payment in the mempool")
    paid = [o["value"] for o in node.rpc("getrawtransaction", plain, True)["vout"] if o["scriptPubKey"].get("address") == PAYEE]
    check(paid == [1.5], "the node's mempool has the payment")
    mine(node, 1)
    wait_settled(node, light)
    text = terminal.run("send", silent_address("sprt"), "0.3", "--fee=4", answers=[("Passphrase", PASSPHRASE), ("Type yes", "yes")])
    silent = re.search(r"Sent: (\w{64})", text).group(1)
    check("0.30000000 BTC   to sprt1" in text, "a silent payment's preview names the address it was asked for")
    node.wait_until(lambda: silent in node.rpc("getrawmempool"), 60, "silent payment in the mempool")
    outputs = node.rpc("getrawtransaction", silent, True)["vout"]
    check([o["scriptPubKey"]["type"] for o in outputs if o["value"] == 0.3] == ["witness_v1_taproot"], "it pays to a taproot output")
    wallet = light.rpc("listwallets")[0]
    light.rpc("walletpassphrase", PASSPHRASE, 600, path=f"/wallet/{wallet}")
    bumped = light.rpc("bumpfee", silent, {"fee_rate": 12})["txid"]
    light.rpc("walletlock")
    node.wait_until(lambda: bumped in node.rpc("getrawmempool") and silent not in node.rpc("getrawmempool"), 60, "replacement")
    check(sorted(o["value"] for o in node.rpc("getrawtransaction", bumped, True)["vout"])[0] == 0.3, "bumpfee replaces it and keeps what is paid")
    mine(node, 1)
    wait_settled(node, light)
    history = terminal.run("history")
    check(plain in history and bumped in history and "1 confirmation" in history, "the history has both, confirmed")
    check(history.count(silent_address("tsp")) == 2, "and says which silent payment address was paid")
    return terminal


def bring_back(node, light, words, folder):
    entries = lambda one: sorted((e["txid"], e["category"], e["amount"]) for e in one.rpc("listtransactions", "*", 1000) if e["confirmations"] > 0)
    expected, balance = entries(light), light.rpc("getbalance")
    file = folder / "copy.cairn"
    terminal = Terminal(light)
    terminal.run("backup", str(file), answers=[("Passphrase", "seal"), ("again", "seal")])
    check(file.stat().st_mode & 0o77 == 0 and b"CAIRNBAK" == file.read_bytes()[:8], "the backup is sealed and its owner's only")
    check("exists already" in terminal.run("backup", str(file), fails=True), "a file is never overwritten")
    with new_light("faces-file", node) as other:
        there = Terminal(other)
        check("passphrase is wrong" in there.run("restore", "wallet", f"--from={file}", answers=[("Passphrase", "sael")], fails=True), "a wrong passphrase opens nothing")
        broken = folder / "broken.cairn"
        broken.write_bytes(file.read_bytes()[:-100])
        check("cut off" in there.run("restore", "wallet", f"--from={broken}", answers=[("Passphrase", "seal")], fails=True), "a part of a backup is none")
        there.run("restore", "wallet", f"--from={file}", answers=[("Passphrase", "seal")])
        wait_settled(node, other)
        check(other.rpc("getbalance") == balance and entries(other) == expected, "the backup brings back balance and history")
        check(any(e.get("label") == "Wages" for e in other.rpc("listtransactions", "*", 1000)), "and labels")
        check("Sent" in there.run("send", PAYEE, "0.01", "--fee=3", answers=[("Type yes", "yes"), ("Passphrase", PASSPHRASE)]), "and can spend")
    other.remove()
    mine(node, 1)
    with new_light("faces-words", node) as other:
        there = Terminal(other)
        check("word" in there.run("restore", answers=[("The words", words + " zoo")], fails=True), "wrong words are refused")
        there.run("restore", answers=[("The words", words), ("Passphrase", "")])
        wait_settled(node, other)
        wait_settled(node, light)
        other.wait_until(lambda: other.rpc("getbalance") == light.rpc("getbalance"), 60, "balance from words")
        check(entries(other) == entries(light), "the words alone bring back balance and history")
    other.remove()


def use_page(node, light, folder, pictures):
    chromium = os.environ.get("CHROMIUM", shutil.which("chromium") or "")
    modules = os.environ.get("CAIRN_PLAYWRIGHT", "")
    if not shutil.which("node") or not chromium or not (pathlib.Path(modules) / "node_modules" / "playwright-core").is_dir():
        print("the page was not tried: it needs node, a Chromium and playwright-core (CAIRN_PLAYWRIGHT)")
        return
    scripts = pathlib.Path(__file__).resolve().parent
    environment = {**os.environ, "CHROMIUM": chromium}
    page_file = light.network_folder / "web_address"

    def browse(step, *more):
        subprocess.run(["node", str(scripts / "web_page.mjs"), str(page_file), step, PAYEE, PASSPHRASE, silent_address("tsp"), str(pictures or ""), *more], check=True,
                       env=environment, cwd=modules, timeout=300)

    browse("pay")
    node.wait_until(lambda: len(node.rpc("getrawmempool")) == 2, 60, "the page's payments in the mempool")
    mine(node, 1)
    wait_settled(node, light)
    browse("look")
    browse("all")
    node.wait_until(lambda: len(node.rpc("getrawmempool")) == 1, 60, "the page's last payment in the mempool")
    mine(node, 1)
    wait_settled(node, light)
    check(light.rpc("getbalance") == 0, "all there was is gone")
    with new_light("faces-none", node, f"-web={harness.free_port()}") as other:
        page_file = other.network_folder / "web_address"
        browse("none")
    other.remove()


def draw(terminal, pictures):
    scripts = pathlib.Path(__file__).resolve().parent
    text = pathlib.Path(pictures) / "terminal.txt"
    text.write_text(terminal.seen)
    subprocess.run(["node", str(scripts / "tools" / "terminal_picture.mjs"), str(text), str(pathlib.Path(pictures) / "terminal.png")], check=True,
                   cwd=os.environ["CAIRN_PLAYWRIGHT"], timeout=120)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures")
    options = parser.parse_args()
    try:
        for end in pty.openpty():
            os.close(end)
    except OSError as error:
        harness.skip(f"no pseudo-terminal can be had here: {error}")
    node = harness.Node(harness.cairnd(), "faces", *FILTERS)
    light = None
    try:
        with node:
            mine(node, 1)
            light = new_light("faces-light", node, f"-web={harness.free_port()}", "-fallbackfee=0.00002")
            with light:
                wait_settled(node, light)
                terminal, words = use_terminal(node, light)
                spend(node, light, terminal)
                bring_back(node, light, words, light.folder)
                if options.pictures:
                    session = Terminal(light)
                    session.seen = terminal.beginning
                    session.run("receive", "--label=Rent")
                    session.run("send", PAYEE, "0.25", "--fee=4", answers=[("Type yes", "yes"), ("Passphrase", PASSPHRASE)])
                    node.wait_until(lambda: node.rpc("getrawmempool"), 60, "payment")
                    mine(node, 1)
                    wait_settled(node, light)
                    session.run("history", "--count=2")
                    session.run("balance")
                    draw(session, options.pictures)
                use_page(node, light, light.folder, options.pictures)
    finally:
        node.remove()
        if light:
            light.remove()
    print("passed")


if __name__ == "__main__":
    sys.exit(main())
