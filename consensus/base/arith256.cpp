#include "consensus/base/arith256.hpp"

#include <bit>
#include <cmath>

#include "consensus/base/check.hpp"

namespace cairn {

using Wide = unsigned __int128;

Arith256::Arith256(const Uint256& hash) {
    static_assert(std::endian::native == std::endian::little);
    std::memcpy(limbs_.data(), hash.data(), Uint256::kSize);
}

Uint256 Arith256::to_uint256() const {
    Uint256 out;
    std::memcpy(out.data(), limbs_.data(), Uint256::kSize);
    return out;
}

double Arith256::to_double() const {
    double value = 0;
    double factor = 1;
    for (std::uint64_t limb : limbs_) {
        // Two halves a limb, so that each partial sum rounds as a sum of 32-bit words does.
        value += factor * static_cast<double>(limb & 0xffffffff);
        factor *= 4294967296.0;
        value += factor * static_cast<double>(limb >> 32);
        factor *= 4294967296.0;
    }
    return value;
}

unsigned Arith256::bit_length() const {
    for (int i = 3; i >= 0; --i) {
        if (limbs_[i] != 0) return static_cast<unsigned>(64 * i + std::bit_width(limbs_[i]));
    }
    return 0;
}

Arith256 Arith256::operator~() const {
    Arith256 out;
    for (int i = 0; i < 4; ++i) out.limbs_[i] = ~limbs_[i];
    return out;
}

Arith256& Arith256::operator+=(const Arith256& other) {
    Wide carry = 0;
    for (int i = 0; i < 4; ++i) {
        carry += Wide{limbs_[i]} + other.limbs_[i];
        limbs_[i] = static_cast<std::uint64_t>(carry);
        carry >>= 64;
    }
    return *this;
}

Arith256& Arith256::operator-=(const Arith256& other) {
    std::uint64_t borrow = 0;
    for (int i = 0; i < 4; ++i) {
        const Wide take = Wide{other.limbs_[i]} + borrow;
        borrow = Wide{limbs_[i]} < take ? 1 : 0;
        limbs_[i] = static_cast<std::uint64_t>(limbs_[i] - take);
    }
    return *this;
}

Arith256& Arith256::operator*=(std::uint64_t factor) {
    Wide carry = 0;
    for (auto& limb : limbs_) {
        carry += Wide{limb} * factor;
        limb = static_cast<std::uint64_t>(carry);
        carry >>= 64;
    }
    return *this;
}

Arith256& Arith256::operator/=(const Arith256& divisor) {
    CAIRN_CHECK(!divisor.is_zero());
    Arith256 remainder = *this;
    Arith256 quotient;
    const int shift_limit = static_cast<int>(bit_length()) - static_cast<int>(divisor.bit_length());
    if (shift_limit >= 0) {
        Arith256 shifted = divisor << static_cast<unsigned>(shift_limit);
        for (int shift = shift_limit; shift >= 0; --shift) {
            if (remainder >= shifted) {
                remainder -= shifted;
                quotient.limbs_[shift / 64] |= std::uint64_t{1} << (shift % 64);
            }
            shifted >>= 1;
        }
    }
    return *this = quotient;
}

Arith256& Arith256::operator<<=(unsigned bits) {
    Arith256 out;
    const unsigned limbs = bits / 64;
    const unsigned rest = bits % 64;
    for (unsigned i = limbs; i < 4; ++i) {
        out.limbs_[i] = limbs_[i - limbs] << rest;
        if (rest != 0 && i > limbs) out.limbs_[i] |= limbs_[i - limbs - 1] >> (64 - rest);
    }
    return *this = out;
}

Arith256& Arith256::operator>>=(unsigned bits) {
    Arith256 out;
    const unsigned limbs = bits / 64;
    const unsigned rest = bits % 64;
    for (unsigned i = 0; i + limbs < 4; ++i) {
        out.limbs_[i] = limbs_[i + limbs] >> rest;
        if (rest != 0 && i + limbs + 1 < 4) out.limbs_[i] |= limbs_[i + limbs + 1] << (64 - rest);
    }
    return *this = out;
}

std::strong_ordering Arith256::operator<=>(const Arith256& other) const {
    for (int i = 3; i >= 0; --i) {
        if (limbs_[i] != other.limbs_[i]) return limbs_[i] <=> other.limbs_[i];
    }
    return std::strong_ordering::equal;
}

CompactTarget decode_compact(std::uint32_t bits) {
    const unsigned size = bits >> 24;
    std::uint32_t word = bits & 0x007fffff;
    CompactTarget out;
    if (size <= 3) {
        word >>= 8 * (3 - size);
        out.target = Arith256(word);
    } else {
        out.target = Arith256(word) << (8 * (size - 3));
    }
    out.negative = word != 0 && (bits & 0x00800000) != 0;
    out.overflow = word != 0 && (size > 34 || (word > 0xff && size > 33) || (word > 0xffff && size > 32));
    return out;
}

std::uint32_t encode_compact(const Arith256& target) {
    unsigned size = (target.bit_length() + 7) / 8;
    std::uint32_t word = 0;
    if (size <= 3) {
        word = static_cast<std::uint32_t>(target.low64() << (8 * (3 - size)));
    } else {
        word = static_cast<std::uint32_t>((target >> (8 * (size - 3))).low64());
    }
    // The top bit of the mantissa is a sign: make room for it.
    if (word & 0x00800000) {
        word >>= 8;
        ++size;
    }
    return word | size << 24;
}

}  // namespace cairn
