#pragma once

#include <array>

#include "consensus/base/bytes.hpp"
#include "consensus/base/uint256.hpp"
#include "consensus/crypto/sha256.hpp"

namespace cairn {

/// HMAC-SHA-256 of bytes that come in pieces. A copy continues from the same state.
/// Thread: one at a time. Source: RFC 2104.
class HmacSha256 {
public:
    explicit HmacSha256(ByteSpan key);
    HmacSha256& write(ByteSpan data) {
        inner_.write(data);
        return *this;
    }
    /// The code of everything written; the object is used up.
    Uint256 finish() { return outer_.write(inner_.finish()).finish(); }

private:
    Sha256 inner_;
    Sha256 outer_;
};

Uint256 hmac_sha256(ByteSpan key, ByteSpan data);
std::array<std::uint8_t, 64> hmac_sha512(ByteSpan key, ByteSpan data);

/// True when both have the same size and bytes, in a time that tells nothing about where they differ.
bool equal_in_constant_time(ByteSpan a, ByteSpan b);

/// HKDF (RFC 5869) with SHA-256 and 32-byte outputs.
class HkdfSha256 {
public:
    HkdfSha256(ByteSpan input_key, ByteSpan salt) : key_(hmac_sha256(salt, input_key)) {}
    Uint256 expand(ByteSpan info) const;

private:
    Uint256 key_;
};

/// PBKDF2 with HMAC-SHA-512: 64 bytes. `iterations` is not zero.
std::array<std::uint8_t, 64> pbkdf2_sha512(ByteSpan password, ByteSpan salt, unsigned iterations);

}  // namespace cairn
