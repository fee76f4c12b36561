#include "consensus/crypto/detail/residue.hpp"

namespace cairn::detail {
namespace {

using Wide = unsigned __int128;

/// a - b; what is borrowed beyond the top is returned.
std::uint64_t subtract(Limbs256& out, const Limbs256& a, const Limbs256& b) {
    std::uint64_t borrow = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        const Wide difference = static_cast<Wide>(a[i]) - b[i] - borrow;
        out[i] = static_cast<std::uint64_t>(difference);
        borrow = static_cast<std::uint64_t>(difference >> 64) & 1;
    }
    return borrow;
}

/// `number` plus `carry` times 2^256, below twice the modulus, brought below it.
Limbs256 reduce_once(const Modulus& modulus, const Limbs256& number, std::uint64_t carry) {
    Limbs256 less;
    const std::uint64_t borrow = subtract(less, number, modulus.value);
    const std::uint64_t keep = 0 - (borrow & (carry ^ 1));  // all ones: the number was below the modulus
    Limbs256 result;
    for (std::size_t i = 0; i < 4; ++i) result[i] = (number[i] & keep) | (less[i] & ~keep);
    return result;
}

}  // namespace

Limbs256 residue_reduce(const Modulus& modulus, const Limbs256& number) {
    return reduce_once(modulus, number, 0);
}

Limbs256 residue_add(const Modulus& modulus, const Limbs256& a, const Limbs256& b) {
    Limbs256 sum;
    Wide carry = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        carry += static_cast<Wide>(a[i]) + b[i];
        sum[i] = static_cast<std::uint64_t>(carry);
        carry >>= 64;
    }
    return reduce_once(modulus, sum, static_cast<std::uint64_t>(carry));
}

Limbs256 residue_subtract(const Modulus& modulus, const Limbs256& a, const Limbs256& b) {
    Limbs256 difference;
    const std::uint64_t add_back = 0 - subtract(difference, a, b);
    Wide carry = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        carry += static_cast<Wide>(difference[i]) + (modulus.value[i] & add_back);
        difference[i] = static_cast<std::uint64_t>(carry);
        carry >>= 64;
    }
    return difference;
}

Limbs256 residue_multiply(const Modulus& modulus, const Limbs256& a, const Limbs256& b) {
    std::array<std::uint64_t, 8> product{};
    for (std::size_t i = 0; i < 4; ++i) {
        Wide carry = 0;
        for (std::size_t j = 0; j < 4; ++j) {
            carry += static_cast<Wide>(a[i]) * b[j] + product[i + j];
            product[i + j] = static_cast<std::uint64_t>(carry);
            carry >>= 64;
        }
        product[i + 4] = static_cast<std::uint64_t>(carry);
    }
    // The upper half times the distance joins the lower half. The distance has at most 129 bits, so four times are
    // enough to leave the upper half empty: 512, 386, 260, 257 bits, 256.
    for (int fold = 0; fold < 4; ++fold) {
        std::array<std::uint64_t, 8> next{};
        for (std::size_t i = 0; i < 4; ++i) next[i] = product[i];
        for (std::size_t i = 0; i < 4; ++i) {
            Wide carry = 0;
            for (std::size_t j = 0; j < 3; ++j) {
                carry += static_cast<Wide>(product[4 + i]) * modulus.distance[j] + next[i + j];
                next[i + j] = static_cast<std::uint64_t>(carry);
                carry >>= 64;
            }
            for (std::size_t k = i + 3; k < 8; ++k) {
                carry += next[k];
                next[k] = static_cast<std::uint64_t>(carry);
                carry >>= 64;
            }
        }
        product = next;
    }
    return reduce_once(modulus, {product[0], product[1], product[2], product[3]}, 0);
}

Limbs256 residue_power(const Modulus& modulus, const Limbs256& base, const Limbs256& exponent) {
    Limbs256 result{1, 0, 0, 0};
    for (std::size_t bit = 256; bit-- > 0;) {
        result = residue_multiply(modulus, result, result);
        if (exponent[bit / 64] >> bit % 64 & 1) result = residue_multiply(modulus, result, base);
    }
    return result;
}

std::optional<FieldElement> square_root(const FieldElement& number) {
    // The prime is 3 modulo 4: the root is the power (p + 1) / 4, if there is one.
    constexpr Limbs256 kExponent{0xffffffffbfffff0c, 0xffffffffffffffff, 0xffffffffffffffff, 0x3fffffffffffffff};
    const FieldElement root = number.power(kExponent);
    if (root * root != number) return std::nullopt;
    return root;
}

}  // namespace cairn::detail
