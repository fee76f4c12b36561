#include "consensus/script/number.hpp"

#include "consensus/base/check.hpp"

namespace cairn {

std::optional<std::int64_t> decode_script_number(ByteSpan bytes, bool require_minimal, std::size_t max_size) {
    CAIRN_CHECK(max_size <= 8);
    if (bytes.size() > max_size) return std::nullopt;
    if (bytes.empty()) return 0;
    const std::uint8_t top = bytes.back();
    // A top byte that holds nothing but the sign is needed only when the byte below would be taken for the sign.
    if (require_minimal && (top & 0x7f) == 0 && (bytes.size() == 1 || (bytes[bytes.size() - 2] & 0x80) == 0)) {
        return std::nullopt;
    }
    std::uint64_t magnitude = top & 0x7f;
    for (std::size_t i = bytes.size() - 1; i-- > 0;) magnitude = magnitude << 8 | bytes[i];
    const auto value = static_cast<std::int64_t>(magnitude);
    return (top & 0x80) != 0 ? -value : value;
}

ScriptNumberBytes encode_script_number(std::int64_t value) {
    ScriptNumberBytes out;
    if (value == 0) return out;
    const bool negative = value < 0;
    std::uint64_t magnitude = negative ? ~static_cast<std::uint64_t>(value) + 1 : static_cast<std::uint64_t>(value);
    for (; magnitude != 0; magnitude >>= 8) out.data[out.size++] = static_cast<std::uint8_t>(magnitude);
    std::uint8_t& top = out.data[out.size - 1u];
    if ((top & 0x80) != 0) {
        out.data[out.size++] = negative ? 0x80 : 0x00;
    } else if (negative) {
        top |= 0x80;
    }
    return out;
}

}  // namespace cairn
