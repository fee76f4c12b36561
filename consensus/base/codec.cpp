#include "consensus/base/codec.hpp"

namespace cairn {

const char* to_string(DecodeError error) {
    switch (error) {
        case DecodeError::none: return "no error";
        case DecodeError::truncated: return "end of data";
        case DecodeError::non_canonical_size: return "non-canonical compact size";
        case DecodeError::size_too_large: return "size too large";
        case DecodeError::superfluous_witness: return "superfluous witness record";
        case DecodeError::unknown_flags: return "unknown transaction optional data";
        case DecodeError::trailing_bytes: return "unexpected bytes at the end";
        case DecodeError::bad_value: return "impossible value";
    }
    return "unknown";
}

std::uint64_t Reader::compact_size(std::uint64_t limit) {
    const std::uint8_t first = u8();
    std::uint64_t value = first;
    std::uint64_t smallest = 0;
    if (first == 253) {
        value = u16();
        smallest = 253;
    } else if (first == 254) {
        value = u32();
        smallest = 0x10000;
    } else if (first == 255) {
        value = u64();
        smallest = 0x100000000;
    }
    if (!ok()) return 0;
    if (value < smallest) {
        fail(DecodeError::non_canonical_size);
        return 0;
    }
    if (value > limit) {
        fail(DecodeError::size_too_large);
        return 0;
    }
    return value;
}

void Writer::compact_size(std::uint64_t value) {
    if (value < 253) {
        u8(static_cast<std::uint8_t>(value));
    } else if (value <= 0xffff) {
        u8(253);
        u16(static_cast<std::uint16_t>(value));
    } else if (value <= 0xffffffff) {
        u8(254);
        u32(static_cast<std::uint32_t>(value));
    } else {
        u8(255);
        u64(value);
    }
}

}  // namespace cairn
