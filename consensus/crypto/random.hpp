#pragma once

#include <array>

#include "consensus/base/bytes.hpp"
#include "consensus/base/uint256.hpp"

namespace cairn {

/// Fills `out` with random bytes of the operating system, good enough for keys. Aborts when there are none to be had.
/// Thread: any.
void fill_random(MutableByteSpan out);
Uint256 random_uint256();
std::uint64_t random_u64();

/// A fast generator for what need not stay secret: order of peers, jitter, tests. The same seed gives the same numbers.
/// Usable with std::shuffle and the standard distributions.
/// Thread: one at a time. Source: xoshiro256** (public domain, Blackman and Vigna).
class FastRandom {
public:
    using result_type = std::uint64_t;

    /// Seeded by the operating system.
    FastRandom();
    /// Reproducible.
    explicit FastRandom(std::uint64_t seed);
    explicit FastRandom(const Uint256& seed);

    std::uint64_t next();
    /// Uniform in [0, limit); `limit` is not zero.
    std::uint64_t below(std::uint64_t limit);
    /// Uniform in [0, 1).
    double unit();
    bool flip() { return next() >> 63 != 0; }
    void fill(MutableByteSpan out);
    Uint256 uint256();

    std::uint64_t operator()() { return next(); }
    static constexpr std::uint64_t min() { return 0; }
    static constexpr std::uint64_t max() { return ~std::uint64_t{0}; }

private:
    std::array<std::uint64_t, 4> state_;
};

}  // namespace cairn
