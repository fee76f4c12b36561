#pragma once

#include <array>

#include "consensus/base/bytes.hpp"

namespace cairn {

/// SHA-1: broken as a hash, but an opcode is made of it.
std::array<std::uint8_t, 20> sha1(ByteSpan data);

}  // namespace cairn
