#include "consensus/crypto/ecc.hpp"

#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>

#include "consensus/base/check.hpp"
#include "consensus/crypto/detail/secp.hpp"

namespace cairn {

using detail::from_secp;
using detail::secp_context;
using detail::secp_key;

std::optional<PublicKey> PublicKey::parse(ByteSpan bytes) {
    if (bytes.size() != 33 && bytes.size() != 65) return std::nullopt;
    secp256k1_pubkey point;
    if (!secp256k1_ec_pubkey_parse(secp_context(), &point, bytes.data(), bytes.size())) return std::nullopt;
    return from_secp(point);
}

std::optional<PublicKey> PublicKey::from_xonly(const Uint256& x) {
    std::array<std::uint8_t, 33> bytes{0x02};
    std::memcpy(bytes.data() + 1, x.data(), 32);
    return parse(bytes);
}

PublicKey PublicKey::from_internal(const std::array<std::uint8_t, 64>& point) {
    PublicKey key;
    key.point_ = point;
    return key;
}

CompressedKey PublicKey::compressed() const {
    CompressedKey out;
    std::size_t size = out.size();
    secp256k1_ec_pubkey_serialize(secp_context(), out.data(), &size, secp_key(*this), SECP256K1_EC_COMPRESSED);
    return out;
}

std::array<std::uint8_t, 65> PublicKey::uncompressed() const {
    std::array<std::uint8_t, 65> out;
    std::size_t size = out.size();
    secp256k1_ec_pubkey_serialize(secp_context(), out.data(), &size, secp_key(*this), SECP256K1_EC_UNCOMPRESSED);
    return out;
}

Uint256 PublicKey::xonly() const {
    return Uint256(ByteSpan(compressed()).subspan(1));
}

bool PublicKey::has_odd_y() const {
    return compressed()[0] == 0x03;
}

std::optional<PublicKey> PublicKey::tweak_add(const Uint256& tweak) const {
    secp256k1_pubkey point = *secp_key(*this);
    if (!secp256k1_ec_pubkey_tweak_add(secp_context(), &point, tweak.data())) return std::nullopt;
    return from_secp(point);
}

bool PublicKey::operator==(const PublicKey& other) const {
    return secp256k1_ec_pubkey_cmp(secp_context(), secp_key(*this), secp_key(other)) == 0;
}

namespace {

bool parse_lax(secp256k1_ecdsa_signature& out, ByteSpan signature) {
    const auto compact = parse_ecdsa_lax(signature);
    return compact && secp256k1_ecdsa_signature_parse_compact(secp_context(), &out, compact->data());
}

bool parse_xonly(secp256k1_xonly_pubkey& out, const Uint256& x) {
    return secp256k1_xonly_pubkey_parse(secp_context(), &out, x.data()) == 1;
}

}  // namespace

bool verify_ecdsa(const PublicKey& key, const Uint256& message, ByteSpan signature) {
    secp256k1_ecdsa_signature parsed;
    if (!parse_lax(parsed, signature)) return false;
    // libsecp256k1 refuses a high S, which consensus has always accepted.
    secp256k1_ecdsa_signature_normalize(secp_context(), &parsed, &parsed);
    return secp256k1_ecdsa_verify(secp_context(), &parsed, message.data(), secp_key(key)) == 1;
}

bool verify_ecdsa(ByteSpan key, const Uint256& message, ByteSpan signature) {
    const auto parsed = PublicKey::parse(key);
    return parsed && verify_ecdsa(*parsed, message, signature);
}

bool has_low_s(ByteSpan signature) {
    secp256k1_ecdsa_signature parsed;
    return parse_lax(parsed, signature) && !secp256k1_ecdsa_signature_normalize(secp_context(), nullptr, &parsed);
}

bool verify_schnorr(const Uint256& xonly_key, ByteSpan message, ByteSpan signature) {
    secp256k1_xonly_pubkey key;
    if (signature.size() != 64 || !parse_xonly(key, xonly_key)) return false;
    return secp256k1_schnorrsig_verify(secp_context(), signature.data(), message.data(), message.size(), &key) == 1;
}

bool check_xonly_tweak(const Uint256& output_key, bool parity, const Uint256& internal_key, const Uint256& tweak) {
    secp256k1_xonly_pubkey key;
    return parse_xonly(key, internal_key) &&
           secp256k1_xonly_pubkey_tweak_add_check(secp_context(), output_key.data(), parity ? 1 : 0, &key,
                                                  tweak.data()) == 1;
}

std::optional<XOnlyKey> xonly_tweak_add(const Uint256& internal_key, const Uint256& tweak) {
    const auto internal = PublicKey::from_xonly(internal_key);
    if (!internal) return std::nullopt;
    const auto output = internal->tweak_add(tweak);
    if (!output) return std::nullopt;
    return XOnlyKey{output->xonly(), output->has_odd_y()};
}

bool is_xonly_key(const Uint256& x) {
    secp256k1_xonly_pubkey key;
    return parse_xonly(key, x);
}

}  // namespace cairn
