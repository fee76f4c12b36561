#pragma once

#include <optional>

#include "consensus/crypto/sha256.hpp"
#include "consensus/primitives/transaction.hpp"

namespace cairn {

inline constexpr std::uint8_t kSighashDefault = 0x00;  ///< taproot only: like kSighashAll, no byte behind the signature
inline constexpr std::uint8_t kSighashAll = 0x01;
inline constexpr std::uint8_t kSighashNone = 0x02;
inline constexpr std::uint8_t kSighashSingle = 0x03;
inline constexpr std::uint8_t kSighashAnyoneCanPay = 0x80;

/// Which rules a script runs under, and so what its signatures sign.
enum class SigVersion : std::uint8_t {
    base,        ///< bare and P2SH
    witness_v0,  ///< BIP143
    taproot,     ///< BIP341, key path: no script runs
    tapscript,   ///< BIP342
};

/// Hashes over a whole transaction that the signature hashes of its inputs share (BIP143, BIP341).
/// Made once for a transaction, then shared by all its inputs. Costs nothing but a look when no input has a witness.
/// Thread: any (immutable after construction). Keeps pointing at `spent_outputs`.
class PrecomputedTxData {
public:
    PrecomputedTxData() = default;
    /// `spent_outputs`: what each input spends, in order; may be empty when no taproot output is spent.
    /// `force`: prepare everything even when there is no witness yet (for signing).
    PrecomputedTxData(const Transaction& tx, std::span<const TxOutput> spent_outputs, bool force = false);

    std::span<const TxOutput> spent_outputs() const { return spent_outputs_; }
    bool bip143_ready() const { return bip143_ready_; }
    bool bip341_ready() const { return bip341_ready_; }

    /// BIP143, double hashes.
    const Uint256& hash_prevouts() const { return hash_prevouts_; }
    const Uint256& hash_sequences() const { return hash_sequences_; }
    const Uint256& hash_outputs() const { return hash_outputs_; }
    /// BIP341, single hashes.
    const Uint256& sha_prevouts() const { return sha_prevouts_; }
    const Uint256& sha_sequences() const { return sha_sequences_; }
    const Uint256& sha_outputs() const { return sha_outputs_; }
    const Uint256& sha_amounts() const { return sha_amounts_; }
    const Uint256& sha_script_pubkeys() const { return sha_script_pubkeys_; }

private:
    std::span<const TxOutput> spent_outputs_;
    Uint256 hash_prevouts_, hash_sequences_, hash_outputs_;
    Uint256 sha_prevouts_, sha_sequences_, sha_outputs_, sha_amounts_, sha_script_pubkeys_;
    bool bip143_ready_ = false;
    bool bip341_ready_ = false;
};

/// What a taproot signature signs besides the transaction, and the budget of the tapscript that runs.
struct TaprootContext {
    std::optional<Uint256> annex_hash;                  ///< SHA-256 of the annex with its length, when there is one
    Uint256 tapleaf_hash;                               ///< tapscript only
    std::uint32_t codeseparator_position = 0xffffffff;  ///< opcode index of the last op_codeseparator that ran
    std::int64_t validation_weight_left = 0;            ///< BIP342, in weight units
};

/// Midstates of the signature hashes of one input, so that many signatures over one long script are not quadratic.
class SighashCache {
public:
    /// Loads the state before the hash type was written; false when there is none for this script.
    bool load(std::int32_t hash_type, ByteSpan script_code, Sha256& hasher) const;
    void store(std::int32_t hash_type, ByteSpan script_code, const Sha256& hasher);

private:
    struct Entry {
        Bytes script_code;
        Sha256 hasher;
    };
    std::optional<Entry> entries_[6];
};

/// What an ECDSA signature of input `index` signs. `hash_type` is the byte behind the signature (any 32-bit value in
/// vectors). Legacy scripts: op_codeseparators are left out here, the signature itself is not (see find_and_delete).
/// Shape: index < inputs. `precomputed` and `cache` may be null; `amount` matters to witness v0 only.
Uint256 ecdsa_sighash(const Transaction& tx, std::size_t index, ByteSpan script_code, std::int32_t hash_type,
                      Amount amount, SigVersion version, const PrecomputedTxData* precomputed = nullptr,
                      SighashCache* cache = nullptr);

/// What a Schnorr signature of input `index` signs (BIP341, BIP342); nullopt when the hash type is undefined or there
/// is no output for kSighashSingle. `precomputed` must be bip341_ready().
std::optional<Uint256> taproot_sighash(const Transaction& tx, std::size_t index, std::uint8_t hash_type,
                                       SigVersion version, const TaprootContext& context,
                                       const PrecomputedTxData& precomputed);

/// The message whose "TapSighash" hash taproot_sighash returns, for tests.
std::optional<Bytes> taproot_sighash_message(const Transaction& tx, std::size_t index, std::uint8_t hash_type,
                                             SigVersion version, const TaprootContext& context,
                                             const PrecomputedTxData& precomputed);

/// Removes every occurrence of `needle` that starts at an instruction of `script`. Returns `script` itself when there
/// is none, otherwise a span of `storage`, which takes the result.
ByteSpan find_and_delete(ByteSpan script, ByteSpan needle, Bytes& storage);

}  // namespace cairn
