#include "consensus/crypto/detail/secp.hpp"

#include "consensus/base/check.hpp"
#include "consensus/crypto/random.hpp"

namespace cairn::detail {

const secp256k1_context* secp_context() {
    static const secp256k1_context* const context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    return context;
}

const secp256k1_context* secp_signing_context() {
    static const secp256k1_context* const context = [] {
        secp256k1_context* made = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
        Uint256 seed = random_uint256();
        CAIRN_CHECK(secp256k1_context_randomize(made, seed.data()) == 1);
        wipe(seed.data(), seed.span().size());
        return made;
    }();
    return context;
}

}  // namespace cairn::detail
