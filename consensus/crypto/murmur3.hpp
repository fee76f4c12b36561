#pragma once

#include "consensus/base/bytes.hpp"

namespace cairn {

/// MurmurHash3, the 32-bit variant: fast, and no secret to anybody. For bloom filters, where both sides must agree on it.
/// Source: BIP37, "Filter matching algorithm".
std::uint32_t murmur3(std::uint32_t seed, ByteSpan data);

}  // namespace cairn
