#pragma once

#include <cmath>
#include <cstdint>

namespace cairn::sim {

/// Numbers from a seed, the same on every machine (splitmix64), quick enough to be drawn a million times a second.
class Rng {
public:
    explicit Rng(std::uint64_t seed) : state_(seed) {}

    std::uint64_t next() {
        std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }
    /// 0 … bound − 1; `bound` is not 0.
    std::uint64_t below(std::uint64_t bound) { return next() % bound; }
    std::int64_t between(std::int64_t low, std::int64_t high) {
        return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low) + 1));
    }
    double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
    bool chance(double probability) { return unit() < probability; }
    double exponential(double mean) { return -std::log1p(-unit()) * mean; }
    /// A generator of its own for somebody, so that one's draws do not shift another's.
    Rng fork() { return Rng(next()); }

private:
    std::uint64_t state_;
};

}  // namespace cairn::sim
