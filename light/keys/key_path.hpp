#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "consensus/base/result.hpp"

namespace cairn::light {

/// Added to the number of a hardened step (BIP32).
inline constexpr std::uint32_t kHardened = 0x80000000;

/// Steps from one extended key to another (BIP32).
struct KeyPath {
    std::vector<std::uint32_t> steps;
    bool apostrophe = false;  ///< hardened steps were written with ' rather than h

    bool operator==(const KeyPath&) const = default;
};

/// Reads "44h", "0'", "7" …: steps that were separated by slashes already. Errors: Bitcoin Core's words.
Result<KeyPath, std::string> parse_key_path(std::span<const std::string_view> steps);
/// Reads "m/84h/0h/0h", "84'/0'/0'" or "m". Errors: Bitcoin Core's words.
Result<KeyPath, std::string> parse_key_path(std::string_view text);
/// "/84h/0h/0h"; empty for no steps.
std::string key_path_text(std::span<const std::uint32_t> steps, bool apostrophe = false);

}  // namespace cairn::light
