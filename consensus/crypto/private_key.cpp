#include <secp256k1_ecdh.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_recovery.h>
#include <secp256k1_schnorrsig.h>

#include "consensus/base/check.hpp"
#include "consensus/crypto/detail/bits.hpp"
#include "consensus/crypto/detail/secp.hpp"
#include "consensus/crypto/random.hpp"

namespace cairn {

using detail::secp_context;
using detail::secp_key;
using detail::secp_signing_context;

std::optional<PrivateKey> PrivateKey::parse(ByteSpan bytes) {
    if (bytes.size() != 32 || !secp256k1_ec_seckey_verify(secp_context(), bytes.data())) return std::nullopt;
    PrivateKey key;
    std::memcpy(key.scalar_.data(), bytes.data(), 32);
    return key;
}

PrivateKey PrivateKey::random() {
    for (;;) {
        Uint256 seed = random_uint256();
        const auto key = parse(seed.span());
        detail::wipe(seed.data(), 32);
        if (key) return *key;
    }
}

PrivateKey::~PrivateKey() {
    detail::wipe(scalar_.data(), scalar_.size());
}

PublicKey PrivateKey::public_key() const {
    secp256k1_pubkey point;
    CAIRN_CHECK(secp256k1_ec_pubkey_create(secp_signing_context(), &point, scalar_.data()) == 1);
    return detail::from_secp(point);
}

Bytes PrivateKey::sign_ecdsa(const Uint256& message, bool grind_low_r) const {
    secp256k1_ecdsa_signature signature;
    std::array<std::uint8_t, 64> compact;
    std::uint8_t extra[32] = {};
    for (std::uint32_t counter = 0;; ++counter) {
        detail::store_le32(extra, counter);
        const void* data = counter == 0 ? nullptr : extra;
        CAIRN_CHECK(secp256k1_ecdsa_sign(secp_signing_context(), &signature, message.data(), scalar_.data(),
                                         secp256k1_nonce_function_rfc6979, data) == 1);
        secp256k1_ecdsa_signature_serialize_compact(secp_context(), compact.data(), &signature);
        if (!grind_low_r || compact[0] < 0x80) break;
    }
    Bytes der(72);
    std::size_t size = der.size();
    CAIRN_CHECK(secp256k1_ecdsa_signature_serialize_der(secp_context(), der.data(), &size, &signature) == 1);
    der.resize(size);
    // A fault while signing could betray the key: what is given out has been verified.
    CAIRN_CHECK(secp256k1_ecdsa_verify(secp_context(), &signature, message.data(), secp_key(public_key())) == 1);
    return der;
}

std::array<std::uint8_t, 64> PrivateKey::sign_ecdsa_compact(const Uint256& message) const {
    secp256k1_ecdsa_signature signature;
    CAIRN_CHECK(secp256k1_ecdsa_sign(secp_signing_context(), &signature, message.data(), scalar_.data(),
                                     secp256k1_nonce_function_rfc6979, nullptr) == 1);
    std::array<std::uint8_t, 64> compact;
    secp256k1_ecdsa_signature_serialize_compact(secp_context(), compact.data(), &signature);
    return compact;
}

std::array<std::uint8_t, 65> PrivateKey::sign_recoverable(const Uint256& message, bool compressed) const {
    secp256k1_ecdsa_recoverable_signature signature;
    CAIRN_CHECK(secp256k1_ecdsa_sign_recoverable(secp_signing_context(), &signature, message.data(), scalar_.data(),
                                                 secp256k1_nonce_function_rfc6979, nullptr) == 1);
    std::array<std::uint8_t, 65> out;
    int recovery_id = 0;
    secp256k1_ecdsa_recoverable_signature_serialize_compact(secp_context(), out.data() + 1, &recovery_id, &signature);
    out[0] = static_cast<std::uint8_t>(27 + recovery_id + (compressed ? 4 : 0));
    return out;
}

SchnorrSignature PrivateKey::sign_schnorr(ByteSpan message, const Uint256& aux) const {
    secp256k1_keypair pair;
    CAIRN_CHECK(secp256k1_keypair_create(secp_signing_context(), &pair, scalar_.data()) == 1);
    Uint256 randomness = aux;
    secp256k1_schnorrsig_extraparams params = SECP256K1_SCHNORRSIG_EXTRAPARAMS_INIT;
    params.ndata = randomness.data();
    SchnorrSignature signature;
    const int done = secp256k1_schnorrsig_sign_custom(secp_signing_context(), signature.data(), message.data(),
                                                      message.size(), &pair, &params);
    detail::wipe(&pair, sizeof pair);
    CAIRN_CHECK(done == 1);
    CAIRN_CHECK(verify_schnorr(public_key().xonly(), message, signature));
    return signature;
}

std::optional<PrivateKey> PrivateKey::tweak_add(const Uint256& tweak) const {
    PrivateKey sum = *this;
    if (!secp256k1_ec_seckey_tweak_add(secp_context(), sum.scalar_.data(), tweak.data())) return std::nullopt;
    return sum;
}

PrivateKey PrivateKey::with_even_y() const {
    PrivateKey key = *this;
    if (public_key().has_odd_y()) CAIRN_CHECK(secp256k1_ec_seckey_negate(secp_context(), key.scalar_.data()) == 1);
    return key;
}

std::optional<PrivateKey> PrivateKey::xonly_tweak_add(const Uint256& tweak) const {
    return with_even_y().tweak_add(tweak);
}

Uint256 PrivateKey::ecdh_x(const PublicKey& other) const {
    const auto copy_x = [](unsigned char* out, const unsigned char* x, const unsigned char*, void*) {
        std::memcpy(out, x, 32);
        return 1;
    };
    Uint256 shared;
    CAIRN_CHECK(secp256k1_ecdh(secp_context(), shared.data(), secp_key(other), scalar_.data(), copy_x, nullptr) == 1);
    return shared;
}

std::optional<RecoveredKey> recover_public_key(const Uint256& message, ByteSpan signature) {
    if (signature.size() != 65 || signature[0] < 27 || signature[0] > 34) return std::nullopt;
    const int recovery_id = (signature[0] - 27) & 3;
    secp256k1_ecdsa_recoverable_signature parsed;
    secp256k1_pubkey point;
    if (!secp256k1_ecdsa_recoverable_signature_parse_compact(secp_context(), &parsed, signature.data() + 1,
                                                             recovery_id) ||
        !secp256k1_ecdsa_recover(secp_context(), &point, &parsed, message.data())) {
        return std::nullopt;
    }
    return RecoveredKey{detail::from_secp(point), signature[0] >= 31};
}

}  // namespace cairn
