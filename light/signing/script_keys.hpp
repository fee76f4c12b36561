#pragma once

#include <map>
#include <optional>

#include "consensus/primitives/address.hpp"

namespace cairn::light {

/// Private keys and the scripts behind hashes: what a signer may use, and nothing else.
/// Thread: one at a time while it is filled, any afterwards.
class ScriptKeys {
public:
    /// What it takes to spend a taproot output by its key.
    struct TaprootKey {
        Uint256 internal_key;                ///< x coordinate
        std::optional<Uint256> merkle_root;  ///< of the scripts, when there are any
    };

    void add(const WalletKey& key);
    /// A redeem or witness script.
    void add_script(Bytes script);
    /// The output key is made of these and found by its x coordinate.
    void add_taproot(const TaprootKey& key);

    /// By the hash of the public key as it is written (compressed or not). Null: unknown.
    const WalletKey* find(const Hash160& pubkey_hash) const;
    /// By the x coordinate; among compressed keys.
    const PrivateKey* find_xonly(const Uint256& x) const;
    /// The key that signs for a taproot output; nullopt when it is not known.
    std::optional<PrivateKey> taproot_signer(const Uint256& output_key) const;
    /// By the hash of P2SH. Null: unknown.
    const Bytes* find_script(const Hash160& script_hash) const;
    /// By the single SHA-256 of P2WSH. Null: unknown.
    const Bytes* find_witness_script(const Uint256& script_hash) const;

private:
    std::map<Hash160, WalletKey> keys_;
    std::map<Hash160, Bytes> scripts_;
    std::map<Uint256, TaprootKey> taproot_;  ///< by output key
};

/// The public key as it is written: 33 or 65 bytes.
Bytes written_public_key(const WalletKey& key);

}  // namespace cairn::light
