#include "light/keys/script_keys.hpp"

#include "consensus/crypto/hash.hpp"
#include "consensus/crypto/ripemd160.hpp"

namespace cairn::light {
namespace {

template <class Map, class Key>
const typename Map::mapped_type* look_up(const Map& map, const Key& key) {
    const auto found = map.find(key);
    return found == map.end() ? nullptr : &found->second;
}

Hash160 compressed_hash(std::uint8_t parity, const Uint256& x) {
    Bytes written{parity};
    written.insert(written.end(), x.span().begin(), x.span().end());
    return hash160(written);
}

}  // namespace

Bytes written_public_key(const WalletKey& key) {
    const PublicKey point = key.key.public_key();
    return key.compressed ? to_bytes(point.compressed()) : to_bytes(point.uncompressed());
}

void ScriptKeys::add(const WalletKey& key) {
    const Bytes written = written_public_key(key);
    keys_.emplace(hash160(written), key);
    add_public(written);
}

void ScriptKeys::add_public(Bytes key, std::optional<KeyOrigin> origin) {
    const Hash160 id = hash160(key);
    if (key.size() == 33) xonly_hashes_.emplace(hash160(ByteSpan(key).last(32)), id);
    const auto [known, is_new] = public_keys_.emplace(id, PublicKeyInfo{std::move(key), origin});
    if (!is_new && !known->second.origin) known->second.origin = std::move(origin);
}

void ScriptKeys::add_script(Bytes script) {
    const Hash160 hash = hash160(script);
    scripts_.emplace(hash, std::move(script));
}

void ScriptKeys::add_taproot(TaprootSpend spend) {
    const auto output = cairn::xonly_tweak_add(spend.internal_key, taptweak_hash(spend.internal_key.span(), spend.merkle_root));
    if (!output) return;
    const auto [known, is_new] = taproot_.emplace(output->x, spend);
    if (!is_new && known->second.leaves.empty()) known->second = std::move(spend);
}

void ScriptKeys::merge(const ScriptKeys& other) {
    keys_.insert(other.keys_.begin(), other.keys_.end());
    for (const auto& [id, info] : other.public_keys_) add_public(info.key, info.origin);
    scripts_.insert(other.scripts_.begin(), other.scripts_.end());
    for (const auto& [output, spend] : other.taproot_) add_taproot(spend);
    musig_.insert(other.musig_.begin(), other.musig_.end());
}

const WalletKey* ScriptKeys::find(const Hash160& pubkey_hash) const { return look_up(keys_, pubkey_hash); }

const PrivateKey* ScriptKeys::find_xonly(const Uint256& x) const {
    for (const std::uint8_t parity : {0x02, 0x03})
        if (const WalletKey* key = find(compressed_hash(parity, x))) return &key->key;
    return nullptr;
}

std::optional<PrivateKey> ScriptKeys::taproot_signer(const Uint256& output_key) const {
    if (const TaprootSpend* parts = find_taproot(output_key)) {
        if (const PrivateKey* key = find_xonly(parts->internal_key))
            return key->xonly_tweak_add(taptweak_hash(parts->internal_key.span(), parts->merkle_root));
    }
    if (const PrivateKey* key = find_xonly(output_key)) return *key;
    return std::nullopt;
}

const ScriptKeys::PublicKeyInfo* ScriptKeys::find_public(const Hash160& pubkey_hash) const { return look_up(public_keys_, pubkey_hash); }

const ScriptKeys::PublicKeyInfo* ScriptKeys::find_public_xonly(const Uint256& x) const {
    for (const std::uint8_t parity : {0x02, 0x03})
        if (const PublicKeyInfo* key = find_public(compressed_hash(parity, x))) return key;
    return nullptr;
}

const ScriptKeys::PublicKeyInfo* ScriptKeys::find_public_xonly_hash(const Hash160& hash) const {
    const Hash160* id = look_up(xonly_hashes_, hash);
    return id ? find_public(*id) : nullptr;
}

ScriptKeys ScriptKeys::without_private_keys() const {
    ScriptKeys keys = *this;
    keys.keys_.clear();
    return keys;
}

ScriptKeys ScriptKeys::without_origins() const {
    ScriptKeys keys = *this;
    for (auto& [id, info] : keys.public_keys_) info.origin.reset();
    return keys;
}

const TaprootSpend* ScriptKeys::find_taproot(const Uint256& output_key) const { return look_up(taproot_, output_key); }

const Bytes* ScriptKeys::find_script(const Hash160& script_hash) const { return look_up(scripts_, script_hash); }

const Bytes* ScriptKeys::find_witness_script(const Uint256& script_hash) const { return find_script(ripemd160(script_hash.span())); }

}  // namespace cairn::light
