#pragma once

#include <array>
#include <cstring>

#include "consensus/base/bytes.hpp"

namespace cairn::detail {

/// Feeds `data` to `compress(block)` in whole blocks of N bytes; what is left stays in `buffer`.
template <std::size_t N, class Compress>
void write_blocks(std::array<std::uint8_t, N>& buffer, std::uint64_t& size, ByteSpan data, Compress&& compress) {
    std::size_t held = size % N;
    size += data.size();
    while (!data.empty()) {
        if (held == 0 && data.size() >= N) {
            compress(data.data());
            data = data.subspan(N);
            continue;
        }
        const std::size_t take = std::min(N - held, data.size());
        std::memcpy(buffer.data() + held, data.data(), take);
        data = data.subspan(take);
        held += take;
        if (held == N) {
            compress(buffer.data());
            held = 0;
        }
    }
}

}  // namespace cairn::detail
