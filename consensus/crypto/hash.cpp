#include "consensus/crypto/hash.hpp"

#include "consensus/crypto/ripemd160.hpp"
#include "consensus/crypto/sha256.hpp"

namespace cairn {

Uint256 sha256(ByteSpan data) {
    return Sha256().write(data).finish();
}

Uint256 hash256(ByteSpan data) {
    return Sha256().write(data).finish_double();
}

Uint256 hash256(ByteSpan first, ByteSpan second) {
    return Sha256().write(first).write(second).finish_double();
}

std::array<std::uint8_t, 20> hash160(ByteSpan data) {
    return ripemd160(sha256(data).span());
}

}  // namespace cairn
