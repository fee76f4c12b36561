#pragma once

#include <cstdint>

#define CAIRN_INLINE __attribute__((always_inline)) inline

namespace cairn::detail {

// Numbers of several hashes side by side; the compiler turns operations on them into vector instructions of the target
// that the calling function is built for.
#if defined(__x86_64__)
typedef std::uint64_t Lanes8 __attribute__((vector_size(64)));
typedef std::uint64_t Lanes4 __attribute__((vector_size(32)));
#endif

/// The state of several SipHash-2-4 with one key, a lane each; `Lanes` may be a single number.
template <class Lanes>
struct SipLanes {
    Lanes a, b, c, d;

    CAIRN_INLINE static SipLanes start(std::uint64_t k0, std::uint64_t k1) {
        const Lanes zero{};
        return {zero + (0x736f6d6570736575 ^ k0), zero + (0x646f72616e646f6d ^ k1), zero + (0x6c7967656e657261 ^ k0),
                zero + (0x7465646279746573 ^ k1)};
    }
    CAIRN_INLINE static void turn(Lanes& x, int by) { x = (x << by) | (x >> (64 - by)); }
    CAIRN_INLINE void round() {
        a += b, turn(b, 13), b ^= a, turn(a, 32);
        c += d, turn(d, 16), d ^= c;
        a += d, turn(d, 21), d ^= a;
        c += b, turn(b, 17), b ^= c, turn(c, 32);
    }
    CAIRN_INLINE void take(const Lanes& word) {
        d ^= word;
        round();
        round();
        a ^= word;
    }
    /// The hashes are in `a` afterwards: by value they could not be handed over to a function that is built for less.
    CAIRN_INLINE void finish() {
        c ^= Lanes{} + 0xff;
        for (int i = 0; i < 4; ++i) round();
        a ^= b ^ c ^ d;
    }
};

}  // namespace cairn::detail
