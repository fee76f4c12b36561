#pragma once

#include <array>
#include <compare>
#include <cstdint>

#include "consensus/base/uint256.hpp"

namespace cairn {

/// An unsigned 256-bit number for targets and chain work. Arithmetic wraps modulo 2^256.
class Arith256 {
public:
    constexpr Arith256() = default;
    constexpr Arith256(std::uint64_t value) : limbs_{value, 0, 0, 0} {}  // NOLINT: a number is a number
    /// A hash read as a little-endian number.
    explicit Arith256(const Uint256& hash);

    Uint256 to_uint256() const;
    double to_double() const;
    std::uint64_t low64() const { return limbs_[0]; }
    /// Position of the highest set bit plus one; 0 for zero.
    unsigned bit_length() const;
    bool is_zero() const { return bit_length() == 0; }

    Arith256 operator~() const;
    Arith256& operator+=(const Arith256& other);
    Arith256& operator-=(const Arith256& other);
    Arith256& operator*=(std::uint64_t factor);
    /// `divisor` is not zero.
    Arith256& operator/=(const Arith256& divisor);
    Arith256& operator<<=(unsigned bits);
    Arith256& operator>>=(unsigned bits);

    friend Arith256 operator+(Arith256 a, const Arith256& b) { return a += b; }
    friend Arith256 operator-(Arith256 a, const Arith256& b) { return a -= b; }
    friend Arith256 operator*(Arith256 a, std::uint64_t b) { return a *= b; }
    friend Arith256 operator/(Arith256 a, const Arith256& b) { return a /= b; }
    friend Arith256 operator<<(Arith256 a, unsigned bits) { return a <<= bits; }
    friend Arith256 operator>>(Arith256 a, unsigned bits) { return a >>= bits; }

    bool operator==(const Arith256&) const = default;
    std::strong_ordering operator<=>(const Arith256& other) const;

private:
    std::array<std::uint64_t, 4> limbs_{};  // least significant first
};

/// What the 32-bit "bits" field of a header means.
struct CompactTarget {
    Arith256 target;
    bool negative = false;
    bool overflow = false;
};

CompactTarget decode_compact(std::uint32_t bits);
std::uint32_t encode_compact(const Arith256& target);

}  // namespace cairn
