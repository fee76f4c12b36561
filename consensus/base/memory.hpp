#pragma once

#include <cstddef>

namespace cairn {

/// What a block of `bytes` from the heap really takes: its header and the rounding of the C library's allocator.
/// Source: glibc malloc on 64 bits: 8 bytes of header, units of 16, at least 32.
constexpr std::size_t heap_usage(std::size_t bytes) {
    if (bytes == 0) return 0;
    const std::size_t whole = (bytes + 8 + 15) / 16 * 16;
    return whole < 32 ? 32 : whole;
}

}  // namespace cairn
