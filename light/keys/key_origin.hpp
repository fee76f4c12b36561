#pragma once

#include <compare>
#include <cstdint>
#include <vector>

#include "light/keys/extended_key.hpp"

namespace cairn::light {

/// Where a key comes from: the master key, and the steps from it (BIP32, BIP174).
struct KeyOrigin {
    KeyFingerprint fingerprint{};
    std::vector<std::uint32_t> path;

    bool operator==(const KeyOrigin&) const = default;
    /// Shorter paths first, as Bitcoin Core sorts them.
    std::strong_ordering operator<=>(const KeyOrigin& other) const {
        if (const auto order = fingerprint <=> other.fingerprint; order != 0) return order;
        if (const auto order = path.size() <=> other.path.size(); order != 0) return order;
        return path <=> other.path;
    }
};

}  // namespace cairn::light
