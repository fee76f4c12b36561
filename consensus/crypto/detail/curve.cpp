#include "consensus/crypto/detail/curve.hpp"

#include <algorithm>

#include "consensus/base/check.hpp"
#include "consensus/crypto/detail/secp.hpp"

namespace cairn::detail {

Point Point::times_generator(const Scalar& scalar) {
    const Uint256 bytes = scalar.bytes();
    secp256k1_pubkey point;
    if (!secp256k1_ec_pubkey_create(secp_signing_context(), &point, bytes.data())) return Point();
    return from_secp(point);
}

Point Point::generator() {
    return times_generator(Scalar(1));
}

std::optional<Point> Point::parse(ByteSpan bytes) {
    if (bytes.size() != 33) return std::nullopt;
    const auto key = PublicKey::parse(bytes);
    if (!key) return std::nullopt;
    return Point(*key);
}

std::optional<Point> Point::parse_extended(ByteSpan bytes) {
    const bool zero =
        bytes.size() == 33 && std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t b) { return b == 0; });
    if (zero) return Point();
    return parse(bytes);
}

Point Point::operator+(const Point& other) const {
    if (is_infinity()) return other;
    if (other.is_infinity()) return *this;
    const secp256k1_pubkey* const points[] = {secp_key(*key_), secp_key(*other.key_)};
    secp256k1_pubkey sum;
    if (!secp256k1_ec_pubkey_combine(secp_context(), &sum, points, 2)) return Point();
    return from_secp(sum);
}

Point Point::operator-() const {
    if (is_infinity()) return *this;
    secp256k1_pubkey point = *secp_key(*key_);
    CAIRN_CHECK(secp256k1_ec_pubkey_negate(secp_context(), &point) == 1);
    return from_secp(point);
}

Point Point::operator*(const Scalar& scalar) const {
    if (is_infinity() || scalar.is_zero()) return Point();
    secp256k1_pubkey point = *secp_key(*key_);
    const Uint256 bytes = scalar.bytes();
    CAIRN_CHECK(secp256k1_ec_pubkey_tweak_mul(secp_context(), &point, bytes.data()) == 1);
    return from_secp(point);
}

}  // namespace cairn::detail
