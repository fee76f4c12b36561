#include "consensus/crypto/murmur3.hpp"

#include <bit>

namespace cairn {
namespace {

std::uint32_t scramble(std::uint32_t word) { return std::rotl(word * 0xcc9e2d51u, 15) * 0x1b873593u; }

std::uint32_t finish(std::uint32_t hash) {
    hash = (hash ^ hash >> 16) * 0x85ebca6bu;
    hash = (hash ^ hash >> 13) * 0xc2b2ae35u;
    return hash ^ hash >> 16;
}

/// Up to four bytes, the lowest first.
std::uint32_t word_at(ByteSpan data) {
    std::uint32_t word = 0;
    for (std::size_t i = 0; i < data.size(); ++i) word |= std::uint32_t{data[i]} << 8 * i;
    return word;
}

}  // namespace

std::uint32_t murmur3(std::uint32_t seed, ByteSpan data) {
    std::uint32_t hash = seed;
    const std::size_t size = data.size();
    for (; data.size() >= 4; data = data.subspan(4)) hash = std::rotl(hash ^ scramble(word_at(data.first(4))), 13) * 5 + 0xe6546b64u;
    if (!data.empty()) hash ^= scramble(word_at(data));
    return finish(hash ^ static_cast<std::uint32_t>(size));
}

}  // namespace cairn
