#pragma once

#include <array>

#include "consensus/base/bytes.hpp"

namespace cairn {

/// RIPEMD-160 of bytes that come in pieces.
/// Thread: one at a time.
class Ripemd160 {
public:
    static constexpr std::size_t kSize = 20;
    using Digest = std::array<std::uint8_t, kSize>;

    Ripemd160();
    Ripemd160& write(ByteSpan data);
    /// The hash of everything written; the object is used up.
    Digest finish();

private:
    std::array<std::uint32_t, 5> state_;
    std::array<std::uint8_t, 64> buffer_;
    std::uint64_t size_ = 0;
};

Ripemd160::Digest ripemd160(ByteSpan data);

}  // namespace cairn
