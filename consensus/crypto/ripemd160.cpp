#include "consensus/crypto/ripemd160.hpp"

#include <bit>

#include "consensus/crypto/detail/bits.hpp"
#include "consensus/crypto/detail/block_buffer.hpp"

namespace cairn {
namespace {

// Order of the message words and amounts of rotation, left line then right line.
constexpr std::uint8_t kWordLeft[80] = {0,  1, 2,  3, 4,  5,  6, 7,  8, 9,  10, 11, 12, 13, 14, 15, 7,  4,  13, 1,
                                        10, 6, 15, 3, 12, 0,  9, 5,  2, 14, 11, 8,  3,  10, 14, 4,  9,  15, 8,  1,
                                        2,  7, 0,  6, 13, 11, 5, 12, 1, 9,  11, 10, 0,  8,  12, 4,  13, 3,  7,  15,
                                        14, 5, 6,  2, 4,  0,  5, 9,  7, 12, 2,  10, 14, 1,  3,  8,  11, 6,  15, 13};
constexpr std::uint8_t kWordRight[80] = {5,  14, 7,  0,  9,  2,  11, 4,  13, 6, 15, 8, 1,  10, 3,  12, 6, 11, 3, 7,
                                         0,  13, 5,  10, 14, 15, 8,  12, 4,  9, 1,  2, 15, 5,  1,  3,  7, 14, 6, 9,
                                         11, 8,  12, 2,  10, 0,  4,  13, 8,  6, 4,  1, 3,  11, 15, 0,  5, 12, 2, 13,
                                         9,  7,  10, 14, 12, 15, 10, 4,  1,  5, 8,  7, 6,  2,  13, 14, 0, 3,  9, 11};
constexpr std::uint8_t kShiftLeft[80] = {11, 14, 15, 12, 5, 8,  7,  9,  11, 13, 14, 15, 6,  7,  9,  8,  7,  6,  8,  13,
                                         11, 9,  7,  15, 7, 12, 15, 9,  11, 7,  13, 12, 11, 13, 6,  7,  14, 9,  13, 15,
                                         14, 8,  13, 6,  5, 12, 7,  5,  11, 12, 14, 15, 14, 15, 9,  8,  9,  14, 5,  6,
                                         8,  6,  5,  12, 9, 15, 5,  11, 6,  8,  13, 12, 5,  12, 13, 14, 11, 8,  5,  6};
constexpr std::uint8_t kShiftRight[80] = {
    8, 9,  9,  11, 13, 15, 15, 5,  7,  7, 8, 11, 14, 14, 12, 6, 9,  13, 15, 7,  12, 8,  9,  11, 7,  7,  12,
    7, 6,  15, 13, 11, 9,  7,  15, 11, 8, 6, 6,  14, 12, 13, 5, 14, 13, 13, 7,  5,  15, 5,  8,  11, 14, 14,
    6, 14, 6,  9,  12, 9,  12, 5,  15, 8, 8, 5,  12, 9,  12, 5, 14, 6,  8,  13, 6,  5,  15, 13, 11, 11};
constexpr std::uint32_t kAddLeft[5] = {0, 0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xa953fd4e};
constexpr std::uint32_t kAddRight[5] = {0x50a28be6, 0x5c4dd124, 0x6d703ef3, 0x7a6d76e9, 0};

template <int Kind>
std::uint32_t mix(std::uint32_t x, std::uint32_t y, std::uint32_t z) {
    if constexpr (Kind == 0) return x ^ y ^ z;
    if constexpr (Kind == 1) return (x & y) | (~x & z);
    if constexpr (Kind == 2) return (x | ~y) ^ z;
    if constexpr (Kind == 3) return (x & z) | (y & ~z);
    return x ^ (y | ~z);
}

struct Line {
    std::uint32_t a, b, c, d, e;

    template <int Kind>
    void step(std::uint32_t word, std::uint32_t add, int shift) {
        const std::uint32_t t = std::rotl(a + mix<Kind>(b, c, d) + word + add, shift) + e;
        a = e, e = d, d = std::rotl(c, 10), c = b, b = t;
    }
};

template <int Round>
void sixteen_steps(Line& left, Line& right, const std::uint32_t* words) {
#pragma GCC unroll 16
    for (int i = 16 * Round; i < 16 * Round + 16; ++i) {
        left.step<Round>(words[kWordLeft[i]], kAddLeft[Round], kShiftLeft[i]);
        right.step<4 - Round>(words[kWordRight[i]], kAddRight[Round], kShiftRight[i]);
    }
}

void compress(std::array<std::uint32_t, 5>& state, const std::uint8_t* block) {
    std::uint32_t words[16];
    for (int i = 0; i < 16; ++i) words[i] = detail::load_le32(block + 4 * i);
    Line left{state[0], state[1], state[2], state[3], state[4]};
    Line right = left;
    sixteen_steps<0>(left, right, words);
    sixteen_steps<1>(left, right, words);
    sixteen_steps<2>(left, right, words);
    sixteen_steps<3>(left, right, words);
    sixteen_steps<4>(left, right, words);
    state = {state[1] + left.c + right.d, state[2] + left.d + right.e, state[3] + left.e + right.a,
             state[4] + left.a + right.b, state[0] + left.b + right.c};
}

}  // namespace

Ripemd160::Ripemd160() : state_{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0} {}

Ripemd160& Ripemd160::write(ByteSpan data) {
    detail::write_blocks(buffer_, size_, data, [this](const std::uint8_t* block) { compress(state_, block); });
    return *this;
}

Ripemd160::Digest Ripemd160::finish() {
    const std::uint64_t bits = size_ * 8;
    std::uint8_t padding[72] = {0x80};
    const std::size_t zeros = (119 - size_ % 64) % 64;
    detail::store_le64(padding + 1 + zeros, bits);
    write({padding, 1 + zeros + 8});
    Digest digest;
    for (std::size_t i = 0; i < state_.size(); ++i) detail::store_le32(digest.data() + 4 * i, state_[i]);
    return digest;
}

Ripemd160::Digest ripemd160(ByteSpan data) {
    return Ripemd160().write(data).finish();
}

}  // namespace cairn
