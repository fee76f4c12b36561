#include "consensus/crypto/ellswift.hpp"

#include <secp256k1_ellswift.h>

#include "consensus/base/check.hpp"
#include "consensus/crypto/detail/secp.hpp"

namespace cairn {

EllSwiftKey ellswift_create(const PrivateKey& key, const Uint256& aux) {
    EllSwiftKey encoded;
    CAIRN_CHECK(
        secp256k1_ellswift_create(detail::secp_signing_context(), encoded.data(), key.bytes().data(), aux.data()) == 1);
    return encoded;
}

PublicKey ellswift_decode(const EllSwiftKey& encoded) {
    secp256k1_pubkey point;
    CAIRN_CHECK(secp256k1_ellswift_decode(detail::secp_context(), &point, encoded.data()) == 1);
    return detail::from_secp(point);
}

Uint256 ellswift_bip324_ecdh(const PrivateKey& key, const EllSwiftKey& ours, const EllSwiftKey& theirs,
                             bool initiating) {
    const EllSwiftKey& initiator = initiating ? ours : theirs;
    const EllSwiftKey& responder = initiating ? theirs : ours;
    Uint256 secret;
    CAIRN_CHECK(secp256k1_ellswift_xdh(detail::secp_context(), secret.data(), initiator.data(), responder.data(),
                                       key.bytes().data(), initiating ? 0 : 1,
                                       secp256k1_ellswift_xdh_hash_function_bip324, nullptr) == 1);
    return secret;
}

}  // namespace cairn
