#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "consensus/primitives/address.hpp"
#include "consensus/primitives/transaction.hpp"
#include "light/signing/input_signatures.hpp"

/// Partially signed transactions: version 0 (BIP174), version 2 (BIP370), taproot (BIP371), MuSig2 (BIP373).
namespace cairn::light {

using PsbtSignature = InputSignatures::Signature;
/// An aggregate key, and the leaf that it is used in; all zero for the key path.
using MusigPlace = std::pair<KeyBytes, Uint256>;
/// Whole keys (with their type) of proprietary and unknown fields, and their values.
using PsbtFields = std::map<Bytes, Bytes>;

struct PsbtOutpointLocks {
    std::optional<std::uint32_t> time, height;  ///< required lock times of version 2
};

/// What a PSBT knows of one input. Optionals and empty containers stand for fields that are not there.
struct PsbtInput {
    OutPoint prevout;
    std::optional<std::uint32_t> sequence;
    PsbtOutpointLocks locks;

    TransactionPtr non_witness_utxo;
    std::optional<MutableTransaction::Output> witness_utxo;
    std::map<Hash160, PsbtSignature> partial_sigs;  ///< by the hash of the key
    std::optional<std::int32_t> sighash_type;
    Bytes redeem_script, witness_script;
    std::map<KeyBytes, KeyOrigin> key_origins;
    Bytes final_script_sig;
    std::vector<Bytes> final_witness;
    Preimages ripemd160_preimages, sha256_preimages, hash160_preimages, hash256_preimages;

    Bytes tap_key_sig;
    TapScriptSignatures tap_script_sigs;
    TapScripts tap_scripts;
    std::map<KeyBytes, TapKeyOrigin> tap_key_origins;
    std::optional<Uint256> tap_internal_key, tap_merkle_root;

    std::map<KeyBytes, std::vector<KeyBytes>> musig_participants;  ///< by aggregate key
    std::map<MusigPlace, std::map<KeyBytes, Bytes>> musig_nonces;
    std::map<MusigPlace, std::map<KeyBytes, Uint256>> musig_partial_sigs;

    PsbtFields proprietary, unknown;

    bool is_final() const { return !final_script_sig.empty() || !final_witness.empty(); }
    bool has_signatures() const;
    /// The output that it spends, as far as it is known; its script points into this object.
    std::optional<TxOutput> spent() const;
    /// Takes over what `other`, of the same input, knows and this does not.
    void merge(const PsbtInput& other);
};

struct PsbtOutput {
    Amount amount = 0;
    Bytes script;

    Bytes redeem_script, witness_script;
    std::map<KeyBytes, KeyOrigin> key_origins;
    std::optional<Uint256> tap_internal_key;
    std::vector<TapTreeLeaf> tap_tree;  ///< depth first, left to right
    std::map<KeyBytes, TapKeyOrigin> tap_key_origins;
    std::map<KeyBytes, std::vector<KeyBytes>> musig_participants;
    PsbtFields proprietary, unknown;

    void merge(const PsbtOutput& other);
};

/// A partially signed transaction.
/// Thread: one at a time (a value).
struct Psbt {
    /// Bits of the modifiable flags (BIP370).
    static constexpr std::uint8_t kInputsModifiable = 1, kOutputsModifiable = 2, kHasSingle = 4;
    struct XpubOrder {
        bool operator()(const Bytes& a, const Bytes& b) const;
    };

    std::optional<std::uint32_t> version_field;  ///< as it was written; 0 when there was none
    std::uint32_t tx_version = 2;
    std::optional<std::uint32_t> fallback_lock_time;
    std::optional<std::uint8_t> modifiable;
    std::map<KeyOrigin, std::set<Bytes, XpubOrder>> xpubs;  ///< extended keys of 78 bytes, by their origin
    std::vector<PsbtInput> inputs;
    std::vector<PsbtOutput> outputs;
    PsbtFields proprietary, unknown;

    std::uint32_t version() const { return version_field.value_or(0); }

    /// A PSBT of a transaction without signatures, in version 0 or 2.
    static Psbt create(const MutableTransaction& tx, std::uint32_t version);
    /// Reads all of `raw`. Errors: Bitcoin Core's words. Limits: what is allocated is bounded by the size of `raw`.
    static Result<Psbt, std::string> parse(ByteSpan raw);
    Bytes serialize() const;

    /// BIP370's lock time; nullopt when the inputs want both a time and a height.
    std::optional<std::uint32_t> lock_time() const;
    /// Without signatures; nullopt when there is no lock time for it.
    std::optional<MutableTransaction> unsigned_tx() const;
    /// What stays the same whoever works at it.
    std::optional<Txid> unique_id() const;

    /// Takes over what `other` knows; false when it is not of the same transaction and version.
    [[nodiscard]] bool merge(const Psbt& other);
    /// The extended keys that are not known under any origin.
    void merge_xpubs(const Psbt& other);
    /// Appends; false when the flags or lock times do not allow it, or the input is there already.
    [[nodiscard]] bool add_input(const PsbtInput& input);
    [[nodiscard]] bool add_output(const PsbtOutput& output);

    /// The outputs that the inputs spend; null scripts with value -1 for those that are not known.
    std::vector<TxOutput> spent_outputs() const;
};

}  // namespace cairn::light
