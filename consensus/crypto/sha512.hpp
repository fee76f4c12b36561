#pragma once

#include <array>

#include "consensus/base/bytes.hpp"

namespace cairn {

/// SHA-512.
std::array<std::uint8_t, 64> sha512(ByteSpan data);

}  // namespace cairn
