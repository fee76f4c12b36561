#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "consensus/base/bytes.hpp"

namespace cairn {

/// Bytes that a number on the stack may have for arithmetic.
inline constexpr std::size_t kScriptNumberSize = 4;
/// Bytes that lock times may have (BIP65, BIP112).
inline constexpr std::size_t kLockTimeNumberSize = 5;

/// A number on the stack: little-endian, sign in the highest bit. Without value when it is longer than `max_size`
/// (at most 8) or, with `require_minimal`, longer than it needs to be.
std::optional<std::int64_t> decode_script_number(ByteSpan bytes, bool require_minimal,
                                                 std::size_t max_size = kScriptNumberSize);

/// The shortest encoding: empty for zero, up to 9 bytes.
struct ScriptNumberBytes {
    std::array<std::uint8_t, 9> data{};
    std::uint8_t size = 0;
    ByteSpan span() const { return {data.data(), size}; }
};
ScriptNumberBytes encode_script_number(std::int64_t value);

}  // namespace cairn
