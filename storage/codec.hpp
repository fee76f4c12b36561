#pragma once

#include <array>
#include <string>

#include "consensus/base/codec.hpp"
#include "consensus/chain/header_tree.hpp"

namespace cairn::storage {

/// The key of what belongs to one block: its height, most significant byte first, and its hash. Keys sort by height.
class HeightKey {
public:
    HeightKey(Height height, const BlockHash& hash) {
        write_height(height);
        std::memcpy(bytes_.data() + 4, hash.data(), Uint256::kSize);
    }
    /// Not above the key of any block at `height`.
    static HeightKey lowest(Height height) { return HeightKey(height, BlockHash()); }

    ByteSpan span() const { return bytes_; }

private:
    void write_height(Height height) {
        const auto number = static_cast<std::uint32_t>(height);
        for (unsigned i = 0; i < 4; ++i) bytes_[i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
    }
    std::array<std::uint8_t, 4 + Uint256::kSize> bytes_;
};

/// The height in a HeightKey of at least 4 bytes.
inline Height read_height_be(ByteSpan key) {
    return static_cast<Height>(std::uint32_t{key[0]} << 24 | std::uint32_t{key[1]} << 16 | std::uint32_t{key[2]} << 8 | key[3]);
}

/// "<hash> at height <height>" for messages; plain hexadecimal when it is no HeightKey.
std::string describe_key(ByteSpan key);

}  // namespace cairn::storage
