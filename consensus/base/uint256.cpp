#include "consensus/base/uint256.hpp"

#include "consensus/base/hex.hpp"

namespace cairn {

std::optional<Uint256> Uint256::from_display_hex(std::string_view text) {
    if (text.size() != 2 * kSize) return std::nullopt;
    auto bytes = from_hex(text);
    if (!bytes) return std::nullopt;
    std::reverse(bytes->begin(), bytes->end());
    return Uint256(*bytes);
}

std::string Uint256::to_display_hex() const {
    auto reversed = bytes_;
    std::reverse(reversed.begin(), reversed.end());
    return to_hex(reversed);
}

}  // namespace cairn
