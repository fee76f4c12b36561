#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "consensus/base/bytes.hpp"
#include "consensus/base/uint256.hpp"

namespace cairn::detail {

using Limbs256 = std::array<std::uint64_t, 4>;  // least significant first

/// A modulus just below 2^256, by its distance from it.
struct Modulus {
    Limbs256 value;
    std::array<std::uint64_t, 3> distance;
};

/// The field of secp256k1's coordinates, and the order of its group.
inline constexpr Modulus kFieldPrime{{0xfffffffefffffc2f, 0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff},
                                     {0x1000003d1, 0, 0}};
inline constexpr Modulus kGroupOrder{{0xbfd25e8cd0364141, 0xbaaedce6af48a03b, 0xfffffffffffffffe, 0xffffffffffffffff},
                                     {0x402da1732fc9bebf, 0x4551231950b75fc4, 1}};

Limbs256 residue_add(const Modulus& modulus, const Limbs256& a, const Limbs256& b);
Limbs256 residue_subtract(const Modulus& modulus, const Limbs256& a, const Limbs256& b);
Limbs256 residue_multiply(const Modulus& modulus, const Limbs256& a, const Limbs256& b);
/// `exponent` is public: its bits steer the time this takes.
Limbs256 residue_power(const Modulus& modulus, const Limbs256& base, const Limbs256& exponent);
/// A number below 2^256 brought below the modulus.
Limbs256 residue_reduce(const Modulus& modulus, const Limbs256& number);

/// A number modulo M. The operations take the same time whatever the numbers are, unless they say otherwise; they are
/// simple rather than fast, for what libsecp256k1 has no function for.
template <const Modulus& M>
class Residue {
public:
    constexpr Residue() = default;
    explicit constexpr Residue(std::uint64_t small) : limbs_{small, 0, 0, 0} {}

    /// 32 bytes big-endian; nullopt when they are not below the modulus.
    static std::optional<Residue> parse(ByteSpan bytes) {
        const Residue residue = reduced(bytes);
        const auto back = residue.bytes();
        return std::equal(bytes.begin(), bytes.end(), back.data()) ? std::optional(residue) : std::nullopt;
    }
    /// 32 bytes big-endian, modulo M.
    static Residue reduced(ByteSpan bytes) {
        Limbs256 limbs{};
        for (std::size_t i = 0; i < 32; ++i) limbs[3 - i / 8] = limbs[3 - i / 8] << 8 | bytes[i];
        return Residue(residue_reduce(M, limbs));
    }
    /// Big-endian.
    Uint256 bytes() const {
        Uint256 out;
        for (std::size_t i = 0; i < 32; ++i)
            out.data()[i] = static_cast<std::uint8_t>(limbs_[3 - i / 8] >> (56 - i % 8 * 8));
        return out;
    }

    bool is_zero() const { return (limbs_[0] | limbs_[1] | limbs_[2] | limbs_[3]) == 0; }
    bool is_odd() const { return limbs_[0] & 1; }
    bool operator==(const Residue&) const = default;

    Residue operator+(const Residue& other) const { return Residue(residue_add(M, limbs_, other.limbs_)); }
    Residue operator-(const Residue& other) const { return Residue(residue_subtract(M, limbs_, other.limbs_)); }
    Residue operator-() const { return Residue() - *this; }
    Residue operator*(const Residue& other) const { return Residue(residue_multiply(M, limbs_, other.limbs_)); }
    Residue power(const Limbs256& exponent) const { return Residue(residue_power(M, limbs_, exponent)); }
    /// Zero stays zero.
    Residue inverse() const { return power(residue_subtract(M, {}, {2, 0, 0, 0})); }
    Residue operator/(const Residue& other) const { return *this * other.inverse(); }

private:
    explicit Residue(const Limbs256& limbs) : limbs_(limbs) {}
    Limbs256 limbs_{};
};

using FieldElement = Residue<kFieldPrime>;
using Scalar = Residue<kGroupOrder>;

/// The square root that is itself a square; nullopt for a number that is no square.
std::optional<FieldElement> square_root(const FieldElement& number);

}  // namespace cairn::detail
