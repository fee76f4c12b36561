#include "consensus/crypto/detail/sha256_backend.hpp"

#if defined(__x86_64__)

#include <immintrin.h>

#define CAIRN_AVX2 __attribute__((target("avx2")))

namespace cairn::detail {
namespace {

using Vec = __m256i;  // eight 32-bit numbers, one of each input

CAIRN_AVX2 inline Vec add(Vec a, Vec b) {
    return _mm256_add_epi32(a, b);
}
CAIRN_AVX2 inline Vec all(std::uint32_t x) {
    return _mm256_set1_epi32(static_cast<int>(x));
}

template <int Bits>
CAIRN_AVX2 inline Vec shr(Vec x) {
    return _mm256_srli_epi32(x, Bits);
}

template <int Bits>
CAIRN_AVX2 inline Vec rotr(Vec x) {
    return _mm256_or_si256(_mm256_srli_epi32(x, Bits), _mm256_slli_epi32(x, 32 - Bits));
}

CAIRN_AVX2 inline Vec xor3(Vec a, Vec b, Vec c) {
    return _mm256_xor_si256(_mm256_xor_si256(a, b), c);
}

CAIRN_AVX2 inline void compress8(Vec (&state)[8], Vec (&w)[16]) {
    Vec a = state[0], b = state[1], c = state[2], d = state[3];
    Vec e = state[4], f = state[5], g = state[6], h = state[7];
#pragma GCC unroll 64
    for (int i = 0; i < 64; ++i) {
        if (i >= 16) {
            const Vec x = w[(i - 15) & 15], y = w[(i - 2) & 15];
            const Vec s0 = xor3(rotr<7>(x), rotr<18>(x), shr<3>(x));
            const Vec s1 = xor3(rotr<17>(y), rotr<19>(y), shr<10>(y));
            w[i & 15] = add(add(w[i & 15], s0), add(w[(i - 7) & 15], s1));
        }
        const Vec choose = _mm256_xor_si256(g, _mm256_and_si256(e, _mm256_xor_si256(f, g)));
        const Vec majority = _mm256_or_si256(_mm256_and_si256(a, b), _mm256_and_si256(c, _mm256_or_si256(a, b)));
        const Vec t1 =
            add(add(add(h, xor3(rotr<6>(e), rotr<11>(e), rotr<25>(e))), choose), add(all(kSha256Round[i]), w[i & 15]));
        const Vec t2 = add(xor3(rotr<2>(a), rotr<13>(a), rotr<22>(a)), majority);
        h = g, g = f, f = e, e = add(d, t1);
        d = c, c = b, b = a, a = add(t1, t2);
    }
    const Vec sums[8] = {a, b, c, d, e, f, g, h};
    for (int i = 0; i < 8; ++i) state[i] = add(state[i], sums[i]);
}

CAIRN_AVX2 inline Vec swap_bytes(Vec x) {
    return _mm256_shuffle_epi8(
        x, _mm256_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL, 0x0c0d0e0f08090a0bLL, 0x0405060700010203LL));
}

/// Word `index` of each of the eight inputs.
CAIRN_AVX2 inline Vec gather_word(const std::uint8_t* in, int index) {
    const Vec offsets = _mm256_set_epi32(7 * 16, 6 * 16, 5 * 16, 4 * 16, 3 * 16, 2 * 16, 16, 0);
    return swap_bytes(_mm256_i32gather_epi32(reinterpret_cast<const int*>(in) + index, offsets, 4));
}

CAIRN_AVX2 inline void set_initial(Vec (&state)[8]) {
    for (int i = 0; i < 8; ++i) state[i] = all(kSha256Init[static_cast<std::size_t>(i)]);
}

}  // namespace

CAIRN_AVX2 void sha256d_64_avx2_8way(std::uint8_t* out, const std::uint8_t* in) {
    Vec state[8], w[16];
    set_initial(state);
    for (int i = 0; i < 16; ++i) w[i] = gather_word(in, i);
    compress8(state, w);

    w[0] = all(0x80000000);
    for (int i = 1; i < 15; ++i) w[i] = all(0);
    w[15] = all(512);
    compress8(state, w);

    for (int i = 0; i < 8; ++i) w[i] = state[i];
    w[8] = all(0x80000000);
    for (int i = 9; i < 15; ++i) w[i] = all(0);
    w[15] = all(256);
    set_initial(state);
    compress8(state, w);

    alignas(32) std::uint32_t words[8][8];
    for (int i = 0; i < 8; ++i) _mm256_store_si256(reinterpret_cast<Vec*>(words[i]), swap_bytes(state[i]));
    for (int lane = 0; lane < 8; ++lane) {
        for (int i = 0; i < 8; ++i) __builtin_memcpy(out + 32 * lane + 4 * i, &words[i][lane], 4);
    }
}

}  // namespace cairn::detail

#endif
