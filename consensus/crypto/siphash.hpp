#pragma once

#include <span>

#include "consensus/base/bytes.hpp"
#include "consensus/base/uint256.hpp"

namespace cairn {

/// The two halves of a 128-bit SipHash key.
struct SipKey {
    std::uint64_t k0 = 0;
    std::uint64_t k1 = 0;
};

/// SipHash-2-4 of bytes that come in pieces. Thread: one at a time. Source: Aumasson and Bernstein, 2012.
class SipHasher {
public:
    explicit SipHasher(SipKey key);

    SipHasher& write(ByteSpan data);
    /// The eight bytes of `word`, little-endian.
    SipHasher& write(std::uint64_t word);
    /// The hash of everything written; more may be written afterwards.
    std::uint64_t finish() const;

private:
    std::uint64_t v_[4];
    std::uint64_t pending_ = 0;
    std::uint64_t size_ = 0;
};

/// SipHash-2-4 of bytes, of 32 bytes, of 32 bytes and a number as four little-endian bytes (an outpoint).
std::uint64_t siphash(SipKey key, ByteSpan data);
std::uint64_t siphash(SipKey key, const Uint256& hash);
std::uint64_t siphash(SipKey key, const Uint256& hash, std::uint32_t extra);

/// siphash(key, hash) of many: `hashes` is a row of 32-byte values, `out` gets one number for each. Eight or four at a time
/// where the machine can (AVX-512, AVX2).
void siphash_many(SipKey key, ByteSpan hashes, std::span<std::uint64_t> out);

/// SipHash-1-3 over 64-bit words in which runs of four words may be taken in at once ("unpadded, jumbo"): half the
/// rounds for 32 random bytes. For hash tables only; a number never leaves the process. Source: Bitcoin Core,
/// crypto/siphash.
class SipHasher13Jumbo {
public:
    explicit SipHasher13Jumbo(SipKey key);

    SipHasher13Jumbo& write(std::uint64_t word);
    SipHasher13Jumbo& write_jumbo(const Uint256& hash);
    std::uint64_t finish() const;

private:
    std::uint64_t v_[4];
};

/// The jumbo hash of 32 bytes that are random already, and of such bytes and a number: for tables of txids and
/// outpoints.
std::uint64_t siphash13_jumbo(SipKey key, const Uint256& hash);
std::uint64_t siphash13_jumbo(SipKey key, const Uint256& hash, std::uint64_t extra);

}  // namespace cairn
