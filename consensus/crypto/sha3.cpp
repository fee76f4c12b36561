#include "consensus/crypto/sha3.hpp"

#include <algorithm>
#include <bit>

#include "consensus/base/check.hpp"
#include "consensus/crypto/detail/bits.hpp"

namespace cairn {
namespace {

constexpr std::uint64_t kRound[24] = {0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000,
                                      0x000000000000808b, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
                                      0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
                                      0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
                                      0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
                                      0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008};

/// Rotation of lane (x, y) at [x + 5 * y].
constexpr int kRotation[25] = {0,  1,  62, 28, 27, 36, 44, 6,  55, 20, 3,  10, 43,
                               25, 39, 41, 45, 15, 21, 8,  18, 2,  61, 56, 14};

void permute(std::uint64_t (&lanes)[25]) {
    for (const std::uint64_t constant : kRound) {
        std::uint64_t column[5];
        for (int x = 0; x < 5; ++x) column[x] = lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20];
        for (int x = 0; x < 5; ++x) {
            const std::uint64_t mix = column[(x + 4) % 5] ^ std::rotl(column[(x + 1) % 5], 1);
            for (int y = 0; y < 25; y += 5) lanes[x + y] ^= mix;
        }
        std::uint64_t moved[25];
        for (int x = 0; x < 5; ++x) {
            for (int y = 0; y < 5; ++y)
                moved[y + 5 * ((2 * x + 3 * y) % 5)] = std::rotl(lanes[x + 5 * y], kRotation[x + 5 * y]);
        }
        for (int y = 0; y < 25; y += 5) {
            for (int x = 0; x < 5; ++x)
                lanes[y + x] = moved[y + x] ^ (~moved[y + (x + 1) % 5] & moved[y + (x + 2) % 5]);
        }
        lanes[0] ^= constant;
    }
}

void absorb(std::uint64_t (&lanes)[25], const std::uint8_t* block, std::size_t rate) {
    for (std::size_t i = 0; i < rate / 8; ++i) lanes[i] ^= detail::load_le64(block + 8 * i);
    permute(lanes);
}

}  // namespace

Bytes sha3(unsigned digest_bits, ByteSpan data, std::size_t bit_count) {
    CAIRN_CHECK(digest_bits == 224 || digest_bits == 256 || digest_bits == 384 || digest_bits == 512);
    CAIRN_CHECK(bit_count <= data.size() * 8);
    const std::size_t rate = 200 - digest_bits / 4;
    std::uint64_t lanes[25] = {};
    for (; bit_count >= rate * 8; bit_count -= rate * 8, data = data.subspan(rate)) absorb(lanes, data.data(), rate);

    // The message's last bits, then 01 (SHA-3), then 1 0* 1.
    std::uint8_t last[400] = {};
    const std::size_t bytes = (bit_count + 7) / 8;
    if (bytes != 0) std::memcpy(last, data.data(), bytes);
    if (bit_count % 8 != 0) last[bytes - 1] &= static_cast<std::uint8_t>((1u << bit_count % 8) - 1);
    const unsigned suffix = 0x06u << bit_count % 8;
    last[bit_count / 8] |= static_cast<std::uint8_t>(suffix);
    last[bit_count / 8 + 1] |= static_cast<std::uint8_t>(suffix >> 8);
    // Four bits at least: 0, 1, the 1 that starts the padding and the one that ends it.
    const std::size_t blocks = bit_count + 4 > rate * 8 ? 2 : 1;
    last[blocks * rate - 1] |= 0x80;
    for (std::size_t i = 0; i < blocks; ++i) absorb(lanes, last + i * rate, rate);

    std::uint8_t squeezed[200];
    for (std::size_t i = 0; i < 25; ++i) detail::store_le64(squeezed + 8 * i, lanes[i]);
    return Bytes(squeezed, squeezed + digest_bits / 8);
}

SecretBytes shake256(ByteSpan data, std::size_t size) {
    constexpr std::size_t kRate = 136;
    std::uint64_t lanes[25] = {};
    for (; data.size() >= kRate; data = data.subspan(kRate)) absorb(lanes, data.data(), kRate);
    std::uint8_t last[kRate] = {};
    std::copy(data.begin(), data.end(), last);
    last[data.size()] ^= 0x1f;  // 1111 (SHAKE), then 1 0* 1
    last[kRate - 1] ^= 0x80;
    absorb(lanes, last, kRate);

    SecretBytes squeezed(size);
    std::uint8_t block[200];
    for (std::size_t done = 0; done < size; done += kRate) {
        if (done != 0) permute(lanes);
        for (std::size_t i = 0; i < 25; ++i) detail::store_le64(block + 8 * i, lanes[i]);
        std::copy_n(block, std::min(kRate, size - done), squeezed.begin() + static_cast<std::ptrdiff_t>(done));
    }
    return squeezed;
}

Uint256 sha3_256(ByteSpan data) {
    return Uint256(sha3(256, data, data.size() * 8));
}

}  // namespace cairn
