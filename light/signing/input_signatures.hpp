#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "consensus/primitives/address.hpp"
#include "light/keys/key_origin.hpp"

namespace cairn::light {

/// A public key as it is written: 33 or 65 bytes; x coordinates: 32 bytes.
using KeyBytes = Bytes;
/// A leaf's script and version.
using TapLeafScript = std::pair<Bytes, int>;
struct ShorterFirst {
    bool operator()(const Bytes& a, const Bytes& b) const { return a.size() != b.size() ? a.size() < b.size() : a < b; }
};
/// Leaves with their control blocks.
using TapScripts = std::map<TapLeafScript, std::set<Bytes, ShorterFirst>>;
/// Signatures by x coordinate and hash of the leaf.
using TapScriptSignatures = std::map<std::pair<KeyBytes, Uint256>, Bytes>;
/// The leaves that a key is in, and where it comes from.
struct TapKeyOrigin {
    std::set<Uint256> leaves;
    KeyOrigin origin;
};
struct TapTreeLeaf {
    std::uint8_t depth = 0, version = 0;
    Bytes script;
};
/// What stands behind hashes, by the hash.
using Preimages = std::map<Bytes, Bytes>;

/// What is known of one input's signatures while they are collected, and what was found missing.
struct InputSignatures {
    struct Signature {
        KeyBytes pubkey;
        Bytes signature;  ///< with its hash type
    };
    struct KnownKey {
        KeyBytes pubkey;
        KeyOrigin origin;
    };
    /// Of a taproot output; may be known only in part.
    struct Taproot {
        std::optional<Uint256> internal_key, merkle_root;
        TapScripts scripts;
        std::vector<TapTreeLeaf> tree;  ///< all leaves from left to right, when they are known
    };
    /// What the last attempt lacked.
    struct Missing {
        std::vector<Hash160> keys, signatures;  ///< by the hash of the public key
        std::optional<Hash160> redeem_script;
        std::optional<Uint256> witness_script;
    };

    bool complete = false;       ///< script and witness below are valid as they are
    bool signs_witness = false;  ///< what was made goes into the witness, whose signatures cover the amount
    Bytes script_sig;
    std::vector<Bytes> witness;
    Bytes redeem_script, witness_script;       ///< empty: not known
    std::map<Hash160, Signature> signatures;   ///< ECDSA, by the hash of the public key
    std::map<Hash160, KnownKey> known_keys;    ///< that ECDSA signatures are wanted of

    Taproot taproot;
    Bytes tap_key_sig;
    TapScriptSignatures tap_script_sigs;
    std::map<KeyBytes, TapKeyOrigin> tap_keys;  ///< by x coordinate

    Preimages ripemd160_preimages, sha256_preimages, hash160_preimages, hash256_preimages;
    Missing missing;

    /// Adds the scripts and signatures that `other` knows.
    void merge(InputSignatures other);
};

}  // namespace cairn::light
