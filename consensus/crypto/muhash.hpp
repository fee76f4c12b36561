#pragma once

#include <array>

#include "consensus/base/bytes.hpp"
#include "consensus/base/uint256.hpp"

namespace cairn {

/// A number modulo 2^3072 - 1103717. Limbs least significant first; below 2^3072, not necessarily reduced.
class Num3072 {
public:
    static constexpr std::size_t kLimbs = 48;
    static constexpr std::size_t kBytes = 384;

    /// One.
    Num3072() { limbs_[0] = 1; }
    /// 384 bytes, little-endian.
    explicit Num3072(ByteSpan bytes);
    /// Little-endian, fully reduced.
    std::array<std::uint8_t, kBytes> to_bytes() const;

    Num3072& operator*=(const Num3072& other);
    void square() { *this *= *this; }
    /// The number by which this one must be multiplied to get one; zero stays zero.
    Num3072 inverse() const;
    bool is_one() const;

    const std::array<std::uint64_t, kLimbs>& limbs() const { return limbs_; }

private:
    std::array<std::uint64_t, kLimbs> limbs_{};
};

/// The hash of a set that can grow and shrink in any order: every element becomes a 3072-bit number, the set is their
/// product, removing divides. Two halves of a set may be hashed apart and multiplied.
/// Thread: one at a time. Cost: a few µs an element; finish() takes one inversion. Source: Bitcoin Core's MuHash3072.
class MuHash3072 {
public:
    /// Numerator and denominator as 384 little-endian bytes each.
    static constexpr std::size_t kSerializedSize = 2 * Num3072::kBytes;

    /// The empty set.
    MuHash3072() = default;

    MuHash3072& insert(ByteSpan element);
    MuHash3072& remove(ByteSpan element);
    /// Union with, and difference from, another set.
    MuHash3072& operator*=(const MuHash3072& other);
    MuHash3072& operator/=(const MuHash3072& other);

    /// SHA-256 of the 384 bytes of the product. The set stays as it is.
    Uint256 finish() const;

    /// The state, to go on with later. deserialize takes exactly kSerializedSize bytes.
    Bytes serialize() const;
    static MuHash3072 deserialize(ByteSpan bytes);
    /// Divides now, so that the denominator is one: serialised states of equal sets become equal.
    void normalize();

private:
    Num3072 numerator_;
    Num3072 denominator_;
};

}  // namespace cairn
