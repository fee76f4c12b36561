#pragma once

#include "consensus/base/bytes.hpp"

#include <array>

namespace cairn::net::detail {

/// SHA3-256 (FIPS 202) of at most 135 bytes: enough for the checksum inside onion addresses.
std::array<std::uint8_t, 32> sha3_256_short(ByteSpan data);

}  // namespace cairn::net::detail
