#pragma once

#include <map>
#include <optional>
#include <vector>

#include "consensus/primitives/address.hpp"
#include "consensus/script/taproot.hpp"
#include "light/keys/key_origin.hpp"

namespace cairn::light {

/// What it takes to spend a taproot output.
struct TaprootSpend {
    struct Leaf {
        std::uint8_t depth = 0, version = 0;
        Bytes script;
        Bytes control_block;
    };
    Uint256 internal_key;                ///< x coordinate
    std::optional<Uint256> merkle_root;  ///< of the scripts, when there are any
    std::vector<Leaf> leaves;            ///< from left to right; may be empty although there are scripts
};

/// Keys, private ones too, with their origins, and what stands behind hashes: what a signer may use or a viewer may show, and nothing
/// else.
/// Thread: one at a time while it is filled, any afterwards.
class ScriptKeys {
public:
    struct PublicKeyInfo {
        Bytes key;  ///< as it is written, 33 or 65 bytes
        std::optional<KeyOrigin> origin;
    };

    void add(const WalletKey& key);
    void add_public(Bytes key, std::optional<KeyOrigin> origin = {});
    /// A redeem or witness script.
    void add_script(Bytes script);
    /// The output key is made of these and found by its x coordinate.
    void add_taproot(TaprootSpend spend);
    /// The participants of a key of several (BIP327), in the order in which they are aggregated; keys as they are written.
    void add_musig(Bytes aggregate, std::vector<Bytes> participants) { musig_.emplace(std::move(aggregate), std::move(participants)); }
    /// Takes over what `other` knows and this does not.
    void merge(const ScriptKeys& other);

    /// By the hash of the public key as it is written (compressed or not). Null: unknown.
    const WalletKey* find(const Hash160& pubkey_hash) const;
    /// By the x coordinate; among compressed keys.
    const PrivateKey* find_xonly(const Uint256& x) const;
    /// The key that signs for a taproot output; nullopt when it is not known.
    std::optional<PrivateKey> taproot_signer(const Uint256& output_key) const;
    /// Also of private keys that were added. Null: unknown.
    const PublicKeyInfo* find_public(const Hash160& pubkey_hash) const;
    const PublicKeyInfo* find_public_xonly(const Uint256& x) const;
    /// By the hash of the x coordinate, as tapscripts with a hash of a key have it.
    const PublicKeyInfo* find_public_xonly_hash(const Hash160& hash) const;
    const TaprootSpend* find_taproot(const Uint256& output_key) const;
    /// By the hash of P2SH. Null: unknown.
    const Bytes* find_script(const Hash160& script_hash) const;
    /// By the single SHA-256 of P2WSH. Null: unknown.
    const Bytes* find_witness_script(const Uint256& script_hash) const;

    /// Participants by aggregate key.
    const std::map<Bytes, std::vector<Bytes>>& musig() const { return musig_; }

    /// Who only tells others what there is needs no private keys, and may keep origins to himself.
    ScriptKeys without_private_keys() const;
    ScriptKeys without_origins() const;

    bool has_private_keys() const { return !keys_.empty(); }
    const std::map<Hash160, WalletKey>& private_keys() const { return keys_; }

private:
    std::map<Hash160, WalletKey> keys_;
    std::map<Hash160, PublicKeyInfo> public_keys_;
    std::map<Hash160, Hash160> xonly_hashes_;  ///< of the x coordinates of compressed keys, to the hash of the key
    std::map<Hash160, Bytes> scripts_;
    std::map<Uint256, TaprootSpend> taproot_;  ///< by output key
    std::map<Bytes, std::vector<Bytes>> musig_;
};

/// The public key as it is written: 33 or 65 bytes.
Bytes written_public_key(const WalletKey& key);

}  // namespace cairn::light
