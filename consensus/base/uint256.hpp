#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "consensus/base/bytes.hpp"

namespace cairn {

/// 32 opaque bytes: a hash. Shown to people in reverse byte order, as Bitcoin always does.
class Uint256 {
public:
    static constexpr std::size_t kSize = 32;

    constexpr Uint256() = default;
    /// `bytes` in memory order, exactly 32 of them.
    explicit Uint256(ByteSpan bytes) { std::memcpy(bytes_.data(), bytes.data(), kSize); }

    /// From 64 hex digits in display order (most significant byte first); nullopt when it is not that.
    static std::optional<Uint256> from_display_hex(std::string_view text);
    /// 64 hex digits in display order.
    std::string to_display_hex() const;

    bool is_null() const {
        return std::all_of(bytes_.begin(), bytes_.end(), [](std::uint8_t b) { return b == 0; });
    }
    const std::uint8_t* data() const { return bytes_.data(); }
    std::uint8_t* data() { return bytes_.data(); }
    ByteSpan span() const { return bytes_; }
    MutableByteSpan span() { return bytes_; }

    /// The first 8 bytes as a number: a cheap hash-table key for values an attacker cannot choose.
    std::uint64_t low64() const {
        std::uint64_t value;
        std::memcpy(&value, bytes_.data(), sizeof value);
        return value;
    }

    /// Memory order, not numeric order.
    auto operator<=>(const Uint256&) const = default;

private:
    std::array<std::uint8_t, kSize> bytes_{};
};

}  // namespace cairn
