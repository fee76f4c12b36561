#include "light/signing/signed_message.hpp"

#include "consensus/base/codec.hpp"
#include "consensus/crypto/hash.hpp"

namespace cairn::light {

Uint256 signed_message_hash(std::string_view message) {
    const auto bytes_of = [](std::string_view text) { return ByteSpan(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()); };
    Bytes data;
    Writer out(data);
    out.var_bytes(bytes_of("Bitcoin Signed Message:\n"));
    out.var_bytes(bytes_of(message));
    return hash256(data);
}

std::array<std::uint8_t, 65> sign_with_key(std::string_view message, const WalletKey& key) {
    return key.key.sign_recoverable(signed_message_hash(message), key.compressed);
}

bool is_signed_by(std::string_view message, ByteSpan signature, const Hash160& key_hash) {
    const auto signer = recover_public_key(signed_message_hash(message), signature);
    if (!signer) return false;
    return (signer->compressed ? hash160(signer->key.compressed()) : hash160(signer->key.uncompressed())) == key_hash;
}

}  // namespace cairn::light
