#pragma once

#include <array>
#include <cstring>

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
        std::array<std::uint8_t, Uint256::kSize + sizeof counter_> input;
        std::memcpy(input.data(), seed_.data(), Uint256::kSize);
        std::memcpy(input.data() + Uint256::kSize, &counter_, sizeof counter_);
        ++counter_;
        return sha256(input);
    }
    /// Cost: one hash for four of them, for choices are made by the thousand.
    std::uint64_t u64() {
        if (left_ == 0) {
            const Uint256 drawn = uint256();
            std::memcpy(drawn_.data(), drawn.data(), Uint256::kSize);
            left_ = drawn_.size();
        }
        return drawn_[--left_];
    }
    /// Uniform enough for choices: 0 … bound − 1; `bound` is not 0.
    std::uint64_t below(std::uint64_t bound) { return u64() % bound; }

private:
    Uint256 seed_;
    std::uint64_t counter_ = 0;
    std::array<std::uint64_t, 4> drawn_{};
    std::size_t left_ = 0;
};

}  // namespace cairn::net
