"""The checksum of BIP380."""

INPUT = ("0123456789()[],'/*abcdefgh@:$%{}" "IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~" "ijklmnopqrstuvwxyzABCDEFGH`#\"\\ ")
OUTPUT = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
GENERATOR = [0xF5DEE51989, 0xA9FDCA3312, 0x1BAB10E32D, 0x3706B1677A, 0x644D626FFD]


def step(state, symbol):
    top = state >> 35
    state = (state & 0x7FFFFFFFF) << 5 ^ symbol
    for bit, value in enumerate(GENERATOR):
        if top >> bit & 1:
            state ^= value
    return state


def checksum(text):
    state, group = 1, []
    for c in text:
        position = INPUT.find(c)
        if position < 0:
            return ""
        state = step(state, position & 31)
        group.append(position >> 5)
        if len(group) == 3:
            state = step(state, group[0] * 9 + group[1] * 3 + group[2])
            group = []
    if group:
        state = step(state, group[0] if len(group) == 1 else group[0] * 3 + group[1])
    for _ in range(8):
        state = step(state, 0)
    state ^= 1
    return "".join(OUTPUT[state >> 5 * (7 - i) & 31] for i in range(8))
