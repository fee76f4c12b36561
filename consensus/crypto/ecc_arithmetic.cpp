#include "consensus/crypto/ecc_arithmetic.hpp"

#include <array>
#include <vector>

#include <secp256k1_ecdh.h>

#include "consensus/base/check.hpp"
#include "consensus/crypto/detail/secp.hpp"

namespace cairn {

using detail::from_secp;
using detail::secp_context;
using detail::secp_key;

std::optional<PublicKey> sum_of(std::span<const PublicKey> points) {
    if (points.empty()) return std::nullopt;
    std::vector<const secp256k1_pubkey*> parts;
    parts.reserve(points.size());
    for (const PublicKey& point : points) parts.push_back(secp_key(point));
    secp256k1_pubkey total;
    if (!secp256k1_ec_pubkey_combine(secp_context(), &total, parts.data(), parts.size())) return std::nullopt;
    return from_secp(total);
}

PublicKey negated(const PublicKey& point) {
    secp256k1_pubkey result = *secp_key(point);
    CAIRN_CHECK(secp256k1_ec_pubkey_negate(secp_context(), &result) == 1);
    return from_secp(result);
}

std::optional<PublicKey> product(const PublicKey& point, const Uint256& factor) {
    secp256k1_pubkey result = *secp_key(point);
    if (!secp256k1_ec_pubkey_tweak_mul(secp_context(), &result, factor.data())) return std::nullopt;
    return from_secp(result);
}

PublicKey product(const PublicKey& point, const PrivateKey& scalar) {
    const auto copy_point = [](unsigned char* out, const unsigned char* x, const unsigned char* y, void*) {
        out[0] = 4;
        std::memcpy(out + 1, x, 32);
        std::memcpy(out + 33, y, 32);
        return 1;
    };
    std::array<std::uint8_t, 65> bytes;
    CAIRN_CHECK(secp256k1_ecdh(secp_context(), bytes.data(), secp_key(point), scalar.bytes().data(), copy_point, nullptr) == 1);
    const auto shared = PublicKey::parse(bytes);
    detail::wipe(bytes.data(), bytes.size());
    CAIRN_CHECK(shared.has_value());
    return *shared;
}

std::optional<PrivateKey> sum_of(std::span<const PrivateKey> scalars) {
    // Sums on the way may be zero, which is no private key.
    std::optional<PrivateKey> total;
    for (const PrivateKey& scalar : scalars) total = total ? total->tweak_add(Uint256(scalar.bytes())) : scalar;
    return total;
}

std::optional<PrivateKey> product(const PrivateKey& scalar, const Uint256& factor) {
    Uint256 result(scalar.bytes());
    std::optional<PrivateKey> key;
    if (secp256k1_ec_seckey_tweak_mul(secp_context(), result.data(), factor.data())) key = PrivateKey::parse(result.span());
    detail::wipe(result.data(), Uint256::kSize);
    return key;
}

}  // namespace cairn
