#include "consensus/crypto/sha1.hpp"

#include <bit>

#include "consensus/crypto/detail/bits.hpp"

namespace cairn {
namespace {

using State = std::array<std::uint32_t, 5>;

void compress(State& state, const std::uint8_t* block) {
    std::uint32_t w[80];
    for (int i = 0; i < 16; ++i) w[i] = detail::load_be32(block + 4 * i);
    for (int i = 16; i < 80; ++i) w[i] = std::rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);

    auto [a, b, c, d, e] = state;
    for (int i = 0; i < 80; ++i) {
        std::uint32_t mixed;
        if (i < 20) {
            mixed = (d ^ (b & (c ^ d))) + 0x5a827999;
        } else if (i < 40) {
            mixed = (b ^ c ^ d) + 0x6ed9eba1;
        } else if (i < 60) {
            mixed = ((b & c) | (d & (b | c))) + 0x8f1bbcdc;
        } else {
            mixed = (b ^ c ^ d) + 0xca62c1d6;
        }
        const std::uint32_t t = std::rotl(a, 5) + mixed + e + w[i];
        e = d, d = c, c = std::rotl(b, 30), b = a, a = t;
    }
    state = {state[0] + a, state[1] + b, state[2] + c, state[3] + d, state[4] + e};
}

}  // namespace

std::array<std::uint8_t, 20> sha1(ByteSpan data) {
    State state{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    const std::uint64_t bits = static_cast<std::uint64_t>(data.size()) * 8;
    for (; data.size() >= 64; data = data.subspan(64)) compress(state, data.data());

    std::uint8_t tail[128] = {};
    if (!data.empty()) std::memcpy(tail, data.data(), data.size());
    tail[data.size()] = 0x80;
    const std::size_t size = data.size() < 56 ? 64 : 128;
    detail::store_be64(tail + size - 8, bits);
    for (std::size_t at = 0; at < size; at += 64) compress(state, tail + at);

    std::array<std::uint8_t, 20> digest;
    for (std::size_t i = 0; i < state.size(); ++i) detail::store_be32(digest.data() + 4 * i, state[i]);
    return digest;
}

}  // namespace cairn
