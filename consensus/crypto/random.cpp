#include "consensus/crypto/random.hpp"

#include <bit>
#include <cerrno>

#include <sys/random.h>

#include "consensus/base/check.hpp"
#include "consensus/crypto/detail/bits.hpp"
#include "consensus/crypto/sha256.hpp"

namespace cairn {

void fill_random(MutableByteSpan out) {
    while (!out.empty()) {
        const ssize_t got = getrandom(out.data(), out.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        CAIRN_CHECK(got > 0);
        out = out.subspan(static_cast<std::size_t>(got));
    }
}

Uint256 random_uint256() {
    Uint256 number;
    fill_random(number.span());
    return number;
}

std::uint64_t random_u64() {
    std::uint8_t bytes[8];
    fill_random(bytes);
    return detail::load_le64(bytes);
}

FastRandom::FastRandom() : FastRandom(random_uint256()) {}

FastRandom::FastRandom(std::uint64_t seed)
    : FastRandom([&] {
          Uint256 bytes;
          detail::store_le64(bytes.data(), seed);
          return bytes;
      }()) {}

// Hashed first: seeds that are alike or nearly zero must not show in the first numbers.
FastRandom::FastRandom(const Uint256& seed) {
    const Uint256 hash = Sha256().write(seed).finish();
    for (std::size_t i = 0; i < state_.size(); ++i) state_[i] = detail::load_le64(hash.data() + 8 * i);
}

std::uint64_t FastRandom::next() {
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
}

std::uint64_t FastRandom::below(std::uint64_t limit) {
    CAIRN_CHECK(limit != 0);
    // Multiply and take the upper half; the few values that would make it uneven are drawn again.
    for (;;) {
        const unsigned __int128 product = static_cast<unsigned __int128>(next()) * limit;
        const auto low = static_cast<std::uint64_t>(product);
        if (low >= limit || low >= (std::uint64_t{0} - limit) % limit) return static_cast<std::uint64_t>(product >> 64);
    }
}

double FastRandom::unit() {
    return static_cast<double>(next() >> 11) * 0x1.0p-53;
}

void FastRandom::fill(MutableByteSpan out) {
    while (!out.empty()) {
        std::uint8_t bytes[8];
        detail::store_le64(bytes, next());
        const std::size_t take = std::min(out.size(), sizeof bytes);
        std::memcpy(out.data(), bytes, take);
        out = out.subspan(take);
    }
}

Uint256 FastRandom::uint256() {
    Uint256 number;
    fill(number.span());
    return number;
}

}  // namespace cairn
