#include "storage/codec.hpp"

#include "consensus/base/hex.hpp"

namespace cairn::storage {

std::string describe_key(ByteSpan key) {
    if (key.size() != 4 + Uint256::kSize) return to_hex(key);
    return Uint256(key.subspan(4)).to_display_hex() + " at height " + std::to_string(read_height_be(key));
}

}  // namespace cairn::storage
