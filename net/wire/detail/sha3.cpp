#include "net/wire/detail/sha3.hpp"

#include <bit>
#include <cstring>

#include "consensus/base/check.hpp"

namespace cairn::net::detail {
namespace {

using State = std::array<std::uint64_t, 25>;

/// The round constants come from FIPS 202's linear feedback shift register.
std::uint64_t round_constant(std::uint8_t& lfsr) {
    std::uint64_t constant = 0;
    for (int j = 0; j < 7; ++j) {
        if (lfsr & 1) constant |= std::uint64_t{1} << ((1 << j) - 1);
        lfsr = static_cast<std::uint8_t>((lfsr << 1) ^ (lfsr & 0x80 ? 0x71 : 0));
    }
    return constant;
}

void permute(State& a) {
    std::uint8_t lfsr = 1;
    for (int round = 0; round < 24; ++round) {
        std::array<std::uint64_t, 5> parity{};
        for (int x = 0; x < 5; ++x) parity[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
        for (int x = 0; x < 5; ++x) {
            const std::uint64_t mix = parity[(x + 4) % 5] ^ std::rotl(parity[(x + 1) % 5], 1);
            for (int y = 0; y < 25; y += 5) a[x + y] ^= mix;
        }
        std::uint64_t moving = a[1];
        for (int t = 0, x = 1, y = 0; t < 24; ++t) {
            const int next = (2 * x + 3 * y) % 5;
            x = y;
            y = next;
            const std::uint64_t kept = a[x + 5 * y];
            a[x + 5 * y] = std::rotl(moving, ((t + 1) * (t + 2) / 2) % 64);
            moving = kept;
        }
        for (int y = 0; y < 25; y += 5) {
            const std::array<std::uint64_t, 5> row{a[y], a[y + 1], a[y + 2], a[y + 3], a[y + 4]};
            for (int x = 0; x < 5; ++x) a[x + y] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]);
        }
        a[0] ^= round_constant(lfsr);
    }
}

}  // namespace

std::array<std::uint8_t, 32> sha3_256_short(ByteSpan data) {
    constexpr std::size_t kRate = 136;
    CAIRN_CHECK(data.size() < kRate);
    std::array<std::uint8_t, 200> block{};
    std::memcpy(block.data(), data.data(), data.size());
    block[data.size()] ^= 0x06;
    block[kRate - 1] ^= 0x80;
    State state;
    std::memcpy(state.data(), block.data(), block.size());
    permute(state);
    std::array<std::uint8_t, 32> digest;
    std::memcpy(digest.data(), state.data(), digest.size());
    return digest;
}

}  // namespace cairn::net::detail
