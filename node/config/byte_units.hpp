#pragma once

#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

namespace cairn::node {

/// A number of bytes with one of the units k m g t (of 1000) or K M G T (of 1024); without one it counts `otherwise`.
/// Errors: nullopt when it is no such number, or too large.
inline std::optional<std::uint64_t> parse_byte_units(std::string_view text, std::uint64_t otherwise) {
    static constexpr std::string_view kUnits = "kmgtKMGT";
    std::uint64_t unit = otherwise;
    if (text.empty()) return std::nullopt;
    if (const std::size_t which = kUnits.find(text.back()); which != std::string_view::npos) {
        unit = 1;
        for (std::size_t i = 0; i <= which % 4; ++i) unit *= which < 4 ? 1000 : 1024;
        text.remove_suffix(1);
    }
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    if (number > std::numeric_limits<std::uint64_t>::max() / unit) return std::nullopt;
    return number * unit;
}

}  // namespace cairn::node
