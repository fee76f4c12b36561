#include "consensus/crypto/detail/sha256_backend.hpp"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

#define CAIRN_SHANI __attribute__((target("sha,sse4.1,ssse3")))

namespace cairn::detail {
namespace {

/// The state as the SHA instructions want it: ABEF and CDGH, and the sixteen message words in a ring of four.
struct Lane {
    __m128i abef, cdgh;
    __m128i w[4];
};

CAIRN_SHANI inline void load_state(Lane& lane, const std::uint32_t* state) {
    const __m128i dcba = _mm_loadu_si128(reinterpret_cast<const __m128i*>(state));
    const __m128i hgfe = _mm_loadu_si128(reinterpret_cast<const __m128i*>(state + 4));
    const __m128i cdab = _mm_shuffle_epi32(dcba, 0xb1);
    const __m128i efgh = _mm_shuffle_epi32(hgfe, 0x1b);
    lane.abef = _mm_alignr_epi8(cdab, efgh, 8);
    lane.cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);
}

/// Low half: a b c d in order, high half: e f g h.
CAIRN_SHANI inline void unpack_state(const Lane& lane, __m128i& abcd, __m128i& efgh) {
    const __m128i feba = _mm_shuffle_epi32(lane.abef, 0x1b);
    const __m128i dchg = _mm_shuffle_epi32(lane.cdgh, 0xb1);
    abcd = _mm_blend_epi16(feba, dchg, 0xf0);
    efgh = _mm_alignr_epi8(dchg, feba, 8);
}

CAIRN_SHANI inline __m128i byte_swap_mask() {
    return _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
}

CAIRN_SHANI inline void load_words(Lane& lane, const std::uint8_t* data) {
    for (int i = 0; i < 4; ++i) {
        const __m128i raw = _mm_loadu_si128(reinterpret_cast<const __m128i*>(data + 16 * i));
        lane.w[i] = _mm_shuffle_epi8(raw, byte_swap_mask());
    }
}

/// Four rounds with message words and constants already added.
CAIRN_SHANI inline void quad_round(Lane& lane, __m128i word_plus_k) {
    lane.cdgh = _mm_sha256rnds2_epu32(lane.cdgh, lane.abef, word_plus_k);
    lane.abef = _mm_sha256rnds2_epu32(lane.abef, lane.cdgh, _mm_shuffle_epi32(word_plus_k, 0x0e));
}

CAIRN_SHANI inline __m128i round_constants(int quad) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(kSha256Round + 4 * quad));
}

/// Replaces the oldest four words of the ring by the next four of the schedule.
CAIRN_SHANI inline void extend(Lane& lane, int quad) {
    __m128i& oldest = lane.w[quad & 3];
    const __m128i second = lane.w[(quad + 1) & 3];
    const __m128i third = lane.w[(quad + 2) & 3];
    const __m128i newest = lane.w[(quad + 3) & 3];
    const __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(oldest, second), _mm_alignr_epi8(newest, third, 4));
    oldest = _mm_sha256msg2_epu32(sum, newest);
}

template <int Count>
CAIRN_SHANI inline void transform(Lane (&lanes)[Count]) {
    __m128i abef[Count], cdgh[Count];
    for (int l = 0; l < Count; ++l) abef[l] = lanes[l].abef, cdgh[l] = lanes[l].cdgh;
#pragma GCC unroll 16
    for (int quad = 0; quad < 16; ++quad) {
        const __m128i k = round_constants(quad);
#pragma GCC unroll 2
        for (int l = 0; l < Count; ++l) {
            if (quad >= 4) extend(lanes[l], quad);
            quad_round(lanes[l], _mm_add_epi32(lanes[l].w[quad & 3], k));
        }
    }
    for (int l = 0; l < Count; ++l) {
        lanes[l].abef = _mm_add_epi32(lanes[l].abef, abef[l]);
        lanes[l].cdgh = _mm_add_epi32(lanes[l].cdgh, cdgh[l]);
    }
}

/// Sixty-four rounds whose words plus constants are known beforehand: the padding block of a 64-byte message.
struct PaddingSchedule {
    alignas(16) std::uint32_t words[64];
    PaddingSchedule() {
        words[0] = 0x80000000;
        for (int i = 1; i < 15; ++i) words[i] = 0;
        words[15] = 512;
        const auto rotr = [](std::uint32_t x, int n) { return x >> n | x << (32 - n); };
        for (int i = 16; i < 64; ++i) {
            const std::uint32_t s0 = rotr(words[i - 15], 7) ^ rotr(words[i - 15], 18) ^ (words[i - 15] >> 3);
            const std::uint32_t s1 = rotr(words[i - 2], 17) ^ rotr(words[i - 2], 19) ^ (words[i - 2] >> 10);
            words[i] = words[i - 16] + s0 + words[i - 7] + s1;
        }
        for (int i = 0; i < 64; ++i) words[i] += kSha256Round[i];
    }
};

template <int Count>
CAIRN_SHANI inline void transform_padding(Lane (&lanes)[Count], const PaddingSchedule& padding) {
    __m128i abef[Count], cdgh[Count];
    for (int l = 0; l < Count; ++l) abef[l] = lanes[l].abef, cdgh[l] = lanes[l].cdgh;
#pragma GCC unroll 16
    for (int quad = 0; quad < 16; ++quad) {
        const __m128i word = _mm_load_si128(reinterpret_cast<const __m128i*>(padding.words + 4 * quad));
#pragma GCC unroll 2
        for (int l = 0; l < Count; ++l) quad_round(lanes[l], word);
    }
    for (int l = 0; l < Count; ++l) {
        lanes[l].abef = _mm_add_epi32(lanes[l].abef, abef[l]);
        lanes[l].cdgh = _mm_add_epi32(lanes[l].cdgh, cdgh[l]);
    }
}

}  // namespace

bool cpu_has_shani() {
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> 19 & 1) || !(c >> 9 & 1)) return false;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b >> 29 & 1);
}

CAIRN_SHANI void sha256_compress_shani(std::uint32_t* state, const std::uint8_t* data, std::size_t blocks) {
    Lane lanes[1];
    load_state(lanes[0], state);
    for (; blocks != 0; --blocks, data += 64) {
        load_words(lanes[0], data);
        transform(lanes);
    }
    __m128i abcd, efgh;
    unpack_state(lanes[0], abcd, efgh);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(state), abcd);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(state + 4), efgh);
}

CAIRN_SHANI void sha256d_64_shani_2way(std::uint8_t* out, const std::uint8_t* in) {
    static const PaddingSchedule padding;
    Lane lanes[2];
    for (int l = 0; l < 2; ++l) {
        load_state(lanes[l], kSha256Init.data());
        load_words(lanes[l], in + 64 * l);
    }
    transform(lanes);
    transform_padding(lanes, padding);
    for (auto& lane : lanes) {
        unpack_state(lane, lane.w[0], lane.w[1]);
        lane.w[2] = _mm_set_epi32(0, 0, 0, static_cast<int>(0x80000000));
        lane.w[3] = _mm_set_epi32(256, 0, 0, 0);
        load_state(lane, kSha256Init.data());
    }
    transform(lanes);
    for (int l = 0; l < 2; ++l) {
        __m128i abcd, efgh;
        unpack_state(lanes[l], abcd, efgh);
        auto* to = reinterpret_cast<__m128i*>(out + 32 * l);
        _mm_storeu_si128(to, _mm_shuffle_epi8(abcd, byte_swap_mask()));
        _mm_storeu_si128(to + 1, _mm_shuffle_epi8(efgh, byte_swap_mask()));
    }
}

}  // namespace cairn::detail

#endif
