#pragma once

#include "consensus/base/bytes.hpp"
#include "consensus/base/uint256.hpp"
#include "consensus/crypto/locked_memory.hpp"

namespace cairn {

/// SHA3-256: the checksum in Tor v3 addresses.
Uint256 sha3_256(ByteSpan data);

/// SHA3-224, -256, -384 or -512 (`digest_bits`) of the first `bit_count` bits of `data`, each byte's lowest bit first.
/// Source: FIPS 202.
Bytes sha3(unsigned digest_bits, ByteSpan data, std::size_t bit_count);

/// The first `size` bytes of SHAKE256's endless output. Source: FIPS 202.
SecretBytes shake256(ByteSpan data, std::size_t size);

}  // namespace cairn
