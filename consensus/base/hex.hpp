#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "consensus/base/bytes.hpp"

namespace cairn {

/// Lower-case hexadecimal, two digits a byte, in memory order.
std::string to_hex(ByteSpan bytes);

/// Appends what to_hex returns.
void append_hex(std::string& out, ByteSpan bytes);

/// Writes what to_hex returns to `to`, where there is room for it. Sixteen bytes at a time where the machine can.
void write_hex(ByteSpan bytes, char* to);

/// Bytes of an even number of hex digits (either case), nothing else; nullopt when it is not that.
std::optional<Bytes> from_hex(std::string_view text);

/// True when `text` has an even, non-zero number of digits and only hex digits.
bool is_hex(std::string_view text);

}  // namespace cairn
