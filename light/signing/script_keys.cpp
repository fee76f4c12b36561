#include "light/signing/script_keys.hpp"

#include "consensus/crypto/hash.hpp"
#include "consensus/crypto/ripemd160.hpp"
#include "consensus/script/taproot.hpp"

namespace cairn::light {

Bytes written_public_key(const WalletKey& key) {
    const PublicKey point = key.key.public_key();
    return key.compressed ? to_bytes(point.compressed()) : to_bytes(point.uncompressed());
}

void ScriptKeys::add(const WalletKey& key) { keys_.emplace(hash160(written_public_key(key)), key); }

void ScriptKeys::add_script(Bytes script) {
    const Hash160 hash = hash160(script);
    scripts_.emplace(hash, std::move(script));
}

void ScriptKeys::add_taproot(const TaprootKey& key) {
    const auto output = cairn::xonly_tweak_add(key.internal_key, taptweak_hash(key.internal_key.span(), key.merkle_root));
    if (output) taproot_.emplace(output->x, key);
}

const WalletKey* ScriptKeys::find(const Hash160& pubkey_hash) const {
    const auto found = keys_.find(pubkey_hash);
    return found == keys_.end() ? nullptr : &found->second;
}

const PrivateKey* ScriptKeys::find_xonly(const Uint256& x) const {
    for (const std::uint8_t parity : {0x02, 0x03}) {
        Bytes written{parity};
        written.insert(written.end(), x.span().begin(), x.span().end());
        if (const WalletKey* key = find(hash160(written))) return &key->key;
    }
    return nullptr;
}

std::optional<PrivateKey> ScriptKeys::taproot_signer(const Uint256& output_key) const {
    if (const auto known = taproot_.find(output_key); known != taproot_.end()) {
        const TaprootKey& parts = known->second;
        if (const PrivateKey* key = find_xonly(parts.internal_key)) {
            return key->xonly_tweak_add(taptweak_hash(parts.internal_key.span(), parts.merkle_root));
        }
    }
    if (const PrivateKey* key = find_xonly(output_key)) return *key;
    return std::nullopt;
}

const Bytes* ScriptKeys::find_script(const Hash160& script_hash) const {
    const auto found = scripts_.find(script_hash);
    return found == scripts_.end() ? nullptr : &found->second;
}

const Bytes* ScriptKeys::find_witness_script(const Uint256& script_hash) const { return find_script(ripemd160(script_hash.span())); }

}  // namespace cairn::light
