#pragma once

#include "consensus/base/codec.hpp"
#include "consensus/crypto/hash.hpp"

namespace cairn::net {

/// Unpredictable numbers from one secret seed, the same ones for the same seed: the shell seeds it from the system,
/// a test from its number.
/// Owner: one thread.
class Random {
public:
    explicit Random(const Uint256& seed) : seed_(seed) {}
    static Random from_number(std::uint64_t number) {
        Bytes bytes;
        Writer(bytes).u64(number);
        return Random(sha256(bytes));
    }
    /// Seeded by the operating system.
    static Random from_system();

    Uint256 uint256() {
        Bytes bytes;
        Writer writer(bytes);
        writer.uint256(seed_);
        writer.u64(counter_++);
        return sha256(bytes);
    }
    std::uint64_t u64() { return uint256().low64(); }
    /// Uniform enough for choices: 0 … bound − 1; `bound` is not 0.
    std::uint64_t below(std::uint64_t bound) { return u64() % bound; }

private:
    Uint256 seed_;
    std::uint64_t counter_ = 0;
};

}  // namespace cairn::net
