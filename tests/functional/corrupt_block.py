"""Makes a block invalid in one chosen way: a wrong signature under a merkle tree and a proof of work that are right."""
import hashlib
import struct


def sha256d(data):
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def block_hash(block):
    return sha256d(block[:80])[::-1].hex()


class Cursor:
    def __init__(self, data, position=0):
        self.data, self.position = data, position

    def take(self, count):
        self.position += count
        return self.data[self.position - count:self.position]

    def size(self):
        first = self.take(1)[0]
        if first < 253:
            return first
        width = {253: 2, 254: 4, 255: 8}[first]
        return int.from_bytes(self.take(width), "little")


def read_transaction(cursor):
    """(start, end, stripped bytes, offset of the first 64- to 72-byte push in a scriptSig or witness, or None)"""
    start = cursor.position
    version = cursor.take(4)
    segwit = cursor.data[cursor.position:cursor.position + 2] == b"\x00\x01"
    if segwit:
        cursor.take(2)
    body = cursor.position
    signature = None
    inputs = cursor.size()
    for _ in range(inputs):
        cursor.take(36)
        length = cursor.size()
        if signature is None and length > 70 and 70 <= cursor.data[cursor.position] <= 73:
            signature = cursor.position + 1
        cursor.take(length + 4)
    for _ in range(cursor.size()):
        cursor.take(8)
        cursor.take(cursor.size())
    body_end = cursor.position
    if segwit:
        for _ in range(inputs):
            for _ in range(cursor.size()):
                length = cursor.size()
                if signature is None and 64 <= length <= 73:
                    signature = cursor.position
                cursor.take(length)
    lock_time = cursor.take(4)
    stripped = version + cursor.data[body:body_end] + lock_time
    return start, cursor.position, bytes(stripped), signature


def merkle_root(hashes):
    while len(hashes) > 1:
        if len(hashes) % 2:
            hashes.append(hashes[-1])
        hashes = [sha256d(hashes[i] + hashes[i + 1]) for i in range(0, len(hashes), 2)]
    return hashes[0]


def solve(block):
    """Finds a nonce for the header's own target (regtest's is met by every other hash)."""
    header = bytearray(block[:80])
    bits = struct.unpack_from("<I", header, 72)[0]
    target = (bits & 0x7fffff) << (8 * ((bits >> 24) - 3))
    for nonce in range(1 << 32):
        struct.pack_into("<I", header, 76, nonce)
        if int.from_bytes(sha256d(bytes(header)), "little") <= target:
            return bytes(header) + bytes(block[80:])
    raise AssertionError("no nonce")


def with_bad_signature(block):
    """Flips a bit in the middle of the s value of the last signature found, then mends commitment, merkle root and nonce."""
    data = bytearray(block)
    cursor = Cursor(data, 80)
    count = cursor.size()
    transactions = [read_transaction(cursor) for _ in range(count)]
    for start, end, _, signature in reversed(transactions[1:]):
        if signature is not None:
            data[signature + 50] ^= 1
            break
    else:
        raise AssertionError("no signature found")
    # the witness commitment of the coinbase, when there is one
    wtxids = [b"\0" * 32] + [sha256d(bytes(data[start:end])) for start, end, _, _ in transactions[1:]]
    coinbase_start, coinbase_end = transactions[0][:2]
    marker = bytes(data).rfind(bytes.fromhex("6a24aa21a9ed"), coinbase_start, coinbase_end)
    if marker >= 0:
        data[marker + 6:marker + 38] = sha256d(merkle_root(wtxids) + b"\0" * 32)
    cursor = Cursor(data, 80)
    cursor.size()
    txids = [sha256d(read_transaction(cursor)[2]) for _ in range(count)]
    data[36:68] = merkle_root(txids)
    return solve(bytes(data))
