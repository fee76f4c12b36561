#include <bit>

#include "consensus/crypto/detail/bits.hpp"
#include "consensus/crypto/detail/mul_row.hpp"
#include "consensus/crypto/muhash.hpp"

namespace cairn {
namespace {

constexpr std::uint64_t kDistance = 1103717;  // 2^3072 minus the modulus
constexpr std::size_t kLimbs = Num3072::kLimbs;
using Limbs = std::array<std::uint64_t, kLimbs>;

/// limbs += small, modulo the modulus as far as 2^3072 wraps around.
void add_small(Limbs& limbs, unsigned __int128 small) {
    for (std::size_t i = 0; small != 0;) {
        small += limbs[i];
        limbs[i] = static_cast<std::uint64_t>(small);
        small >>= 64;
        if (++i == kLimbs) {
            i = 0;
            small *= kDistance;
        }
    }
}

bool is_above_modulus(const Limbs& limbs) {
    for (std::size_t i = 1; i < kLimbs; ++i) {
        if (limbs[i] != ~std::uint64_t{0}) return false;
    }
    return limbs[0] >= std::uint64_t{0} - kDistance;
}

// Inversion: Bernstein and Yang's division steps in batches of 62, in variable time ("Fast constant-time gcd
// computation and modular inversion", 2019). Numbers are signed, in limbs of 62 bits of which the highest carries the
// sign.

constexpr int kBatch = 62;
constexpr std::size_t kSignedLimbs = 50;
constexpr std::uint64_t kMask = ~std::uint64_t{0} >> 2;
constexpr int kTopBit = 3072 - kBatch * (static_cast<int>(kSignedLimbs) - 1);
using Signed = std::array<std::int64_t, kSignedLimbs>;
using Wide = __int128;

/// What 62 division steps do to (f, g), times 2^62.
struct Matrix {
    std::int64_t u = 1, v = 0, q = 0, r = 1;
};

Matrix division_steps(std::int64_t& delta, std::uint64_t f, std::uint64_t g) {
    std::uint64_t u = 1, v = 0, q = 0, r = 1;
    for (int left = kBatch;;) {
        const int zeros = std::countr_zero(g | ~std::uint64_t{0} << left);
        g >>= zeros;
        u <<= zeros;
        v <<= zeros;
        delta -= zeros;
        left -= zeros;
        if (left == 0) break;
        if (delta < 0) {
            delta = -delta;
            std::uint64_t old = f;
            f = g, g = 0 - old;
            old = u;
            u = q, q = 0 - old;
            old = v;
            v = r, r = 0 - old;
        }
        // f is odd, so f * (2 - f * f) is its inverse modulo 64: enough to clear up to six bits of g at once, but no
        // more than there are steps before the next exchange.
        const int limit = static_cast<int>(std::min<std::int64_t>({delta + 1, left, 6}));
        const std::uint64_t multiple = (0 - g * (f * (2 - f * f))) & ((std::uint64_t{1} << limit) - 1);
        g += f * multiple;
        q += u * multiple;
        r += v * multiple;
    }
    return {static_cast<std::int64_t>(u), static_cast<std::int64_t>(v), static_cast<std::int64_t>(q),
            static_cast<std::int64_t>(r)};
}

/// (f, g) = matrix * (f, g) / 2^62 over the lowest `size` limbs.
void apply(const Matrix& t, Signed& f, Signed& g, std::size_t size) {
    Wide cf = static_cast<Wide>(t.u) * f[0] + static_cast<Wide>(t.v) * g[0];
    Wide cg = static_cast<Wide>(t.q) * f[0] + static_cast<Wide>(t.r) * g[0];
    cf >>= kBatch;
    cg >>= kBatch;
    for (std::size_t i = 1; i < size; ++i) {
        cf += static_cast<Wide>(t.u) * f[i] + static_cast<Wide>(t.v) * g[i];
        cg += static_cast<Wide>(t.q) * f[i] + static_cast<Wide>(t.r) * g[i];
        f[i - 1] = static_cast<std::int64_t>(static_cast<std::uint64_t>(cf) & kMask);
        g[i - 1] = static_cast<std::int64_t>(static_cast<std::uint64_t>(cg) & kMask);
        cf >>= kBatch;
        cg >>= kBatch;
    }
    f[size - 1] = static_cast<std::int64_t>(cf);
    g[size - 1] = static_cast<std::int64_t>(cg);
}

/// The inverse of the modulus, that is of -kDistance, modulo 2^62.
constexpr std::uint64_t modulus_inverse() {
    const std::uint64_t m = 0 - kDistance;
    std::uint64_t x = m;
    for (int i = 0; i < 5; ++i) x *= 2 - m * x;
    return x & kMask;
}

/// (d, e) = matrix * (d, e) / 2^62 modulo the modulus; both stay between minus twice the modulus and the modulus.
void apply_modular(const Matrix& t, Signed& d, Signed& e) {
    const std::int64_t sign_d = d.back() >> 63, sign_e = e.back() >> 63;
    std::int64_t add_d = (t.u & sign_d) + (t.v & sign_e);
    std::int64_t add_e = (t.q & sign_d) + (t.r & sign_e);
    Wide cd = static_cast<Wide>(t.u) * d[0] + static_cast<Wide>(t.v) * e[0];
    Wide ce = static_cast<Wide>(t.q) * d[0] + static_cast<Wide>(t.r) * e[0];
    // Multiples of the modulus that make the lowest 62 bits zero.
    constexpr std::uint64_t inverse = modulus_inverse();
    add_d -= static_cast<std::int64_t>((inverse * static_cast<std::uint64_t>(cd) + static_cast<std::uint64_t>(add_d)) &
                                       kMask);
    add_e -= static_cast<std::int64_t>((inverse * static_cast<std::uint64_t>(ce) + static_cast<std::uint64_t>(add_e)) &
                                       kMask);
    // The modulus has two limbs that are not zero: -kDistance below and one bit in the highest.
    cd -= static_cast<Wide>(add_d) * static_cast<std::int64_t>(kDistance);
    ce -= static_cast<Wide>(add_e) * static_cast<std::int64_t>(kDistance);
    cd >>= kBatch;
    ce >>= kBatch;
    for (std::size_t i = 1; i < kSignedLimbs; ++i) {
        cd += static_cast<Wide>(t.u) * d[i] + static_cast<Wide>(t.v) * e[i];
        ce += static_cast<Wide>(t.q) * d[i] + static_cast<Wide>(t.r) * e[i];
        if (i == kSignedLimbs - 1) {
            cd += static_cast<Wide>(add_d) << kTopBit;
            ce += static_cast<Wide>(add_e) << kTopBit;
        }
        d[i - 1] = static_cast<std::int64_t>(static_cast<std::uint64_t>(cd) & kMask);
        e[i - 1] = static_cast<std::int64_t>(static_cast<std::uint64_t>(ce) & kMask);
        cd >>= kBatch;
        ce >>= kBatch;
    }
    d.back() = static_cast<std::int64_t>(cd);
    e.back() = static_cast<std::int64_t>(ce);
}

void carry(Signed& x) {
    for (std::size_t i = 0; i + 1 < kSignedLimbs; ++i) {
        x[i + 1] += x[i] >> kBatch;
        x[i] &= static_cast<std::int64_t>(kMask);
    }
}

void add_modulus_if_negative(Signed& x) {
    if (x.back() >= 0) return;
    x[0] -= static_cast<std::int64_t>(kDistance);
    x.back() += std::int64_t{1} << kTopBit;
    carry(x);
}

Signed to_signed(const Limbs& limbs) {
    Signed x{};
    for (std::size_t i = 0; i < kSignedLimbs; ++i) {
        const std::size_t bit = i * kBatch, limb = bit / 64, shift = bit % 64;
        std::uint64_t value = limbs[limb] >> shift;
        if (shift > 64 - kBatch && limb + 1 < kLimbs) value |= limbs[limb + 1] << (64 - shift);
        x[i] = static_cast<std::int64_t>(value & kMask);
    }
    return x;
}

Limbs to_unsigned(const Signed& x) {
    Limbs limbs{};
    for (std::size_t i = 0; i < kSignedLimbs; ++i) {
        const std::size_t bit = i * kBatch, limb = bit / 64, shift = bit % 64;
        const auto value = static_cast<std::uint64_t>(x[i]);
        limbs[limb] |= value << shift;
        if (shift > 64 - kBatch && limb + 1 < kLimbs) limbs[limb + 1] |= value >> (64 - shift);
    }
    return limbs;
}

bool is_zero(const Signed& x, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
        if (x[i] != 0) return false;
    }
    return true;
}

Limbs invert(const Limbs& value) {
    Signed d{}, e{}, f{}, g = to_signed(value);
    e[0] = 1;
    f[0] = -static_cast<std::int64_t>(kDistance);
    f.back() = std::int64_t{1} << kTopBit;
    carry(f);
    std::size_t size = kSignedLimbs;
    std::int64_t delta = -1;
    while (!is_zero(g, size)) {
        const auto low = [](const Signed& x) {
            return static_cast<std::uint64_t>(x[0]) | static_cast<std::uint64_t>(x[1]) << kBatch;
        };
        const Matrix t = division_steps(delta, low(f), low(g));
        apply_modular(t, d, e);
        apply(t, f, g, size);
        // A highest limb that is only sign in both moves into the limb below.
        while (size > 2 && (f[size - 1] == 0 || f[size - 1] == -1) && (g[size - 1] == 0 || g[size - 1] == -1)) {
            f[size - 2] |= f[size - 1] << kBatch;
            g[size - 2] |= g[size - 1] << kBatch;
            --size;
        }
    }
    // f is now 1 or -1 and d its multiple of the inverse.
    add_modulus_if_negative(d);
    if (f[size - 1] < 0) {
        for (auto& limb : d) limb = -limb;
        carry(d);
    }
    add_modulus_if_negative(d);
    return to_unsigned(d);
}

}  // namespace

Num3072::Num3072(ByteSpan bytes) {
    for (std::size_t i = 0; i < kLimbs; ++i) limbs_[i] = detail::load_le64(bytes.data() + 8 * i);
}

std::array<std::uint8_t, Num3072::kBytes> Num3072::to_bytes() const {
    Limbs reduced = limbs_;
    // Adding the distance wraps around 2^3072 and leaves the number less the modulus.
    if (is_above_modulus(reduced)) {
        unsigned __int128 sum = kDistance;
        for (auto& limb : reduced) {
            sum += limb;
            limb = static_cast<std::uint64_t>(sum);
            sum >>= 64;
        }
    }
    std::array<std::uint8_t, kBytes> bytes;
    for (std::size_t i = 0; i < kLimbs; ++i) detail::store_le64(bytes.data() + 8 * i, reduced[i]);
    return bytes;
}

Num3072& Num3072::operator*=(const Num3072& other) {
    const auto mul_add_row = detail::mul_add_row48();
    std::array<std::uint64_t, 2 * kLimbs> product{};
    for (std::size_t i = 0; i < kLimbs; ++i)
        product[kLimbs + i] = mul_add_row(product.data() + i, other.limbs_.data(), limbs_[i]);
    std::copy_n(product.begin(), kLimbs, limbs_.begin());
    const std::uint64_t over = mul_add_row(limbs_.data(), product.data() + kLimbs, kDistance);
    add_small(limbs_, static_cast<unsigned __int128>(over) * kDistance);
    return *this;
}

Num3072 Num3072::inverse() const {
    const auto bytes = to_bytes();
    Num3072 reduced{ByteSpan(bytes)};
    if (std::all_of(reduced.limbs_.begin(), reduced.limbs_.end(), [](std::uint64_t limb) { return limb == 0; }))
        return reduced;
    reduced.limbs_ = invert(reduced.limbs_);
    return reduced;
}

bool Num3072::is_one() const {
    const auto bytes = to_bytes();
    return bytes[0] == 1 && std::all_of(bytes.begin() + 1, bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

}  // namespace cairn
