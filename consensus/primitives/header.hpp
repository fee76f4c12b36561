#pragma once

#include "consensus/base/codec.hpp"
#include "consensus/base/result.hpp"
#include "consensus/primitives/ids.hpp"

namespace cairn {

/// The 80 bytes that are hashed for proof of work.
struct BlockHeader {
    static constexpr std::size_t kSize = 80;

    std::int32_t version = 0;
    BlockHash previous;
    Uint256 merkle_root;
    std::uint32_t time = 0;  ///< seconds since 1970
    std::uint32_t bits = 0;  ///< compact target
    std::uint32_t nonce = 0;

    static BlockHeader read(Reader& reader);
    void write(Writer& writer) const;
    /// SHA-256d of the 80 bytes.
    BlockHash hash() const;

    bool operator==(const BlockHeader&) const = default;
};

}  // namespace cairn
