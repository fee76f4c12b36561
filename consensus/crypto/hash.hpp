#pragma once

#include "consensus/base/bytes.hpp"
#include "consensus/base/uint256.hpp"

namespace cairn {

/// SHA-256d: SHA-256 of the SHA-256. Ids, merkle trees, checksums.
Uint256 hash256(ByteSpan data);
/// SHA-256d of two pieces as if they stood together.
Uint256 hash256(ByteSpan first, ByteSpan second);
/// One SHA-256.
Uint256 sha256(ByteSpan data);
/// RIPEMD-160 of the SHA-256: 20 bytes.
std::array<std::uint8_t, 20> hash160(ByteSpan data);

}  // namespace cairn
