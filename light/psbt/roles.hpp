#pragma once

#include "consensus/crypto/random.hpp"
#include "consensus/script/sighash.hpp"
#include "light/keys/script_keys.hpp"
#include "light/psbt/psbt.hpp"

/// What signers, updaters, finalizers, extractors and combiners do with a PSBT (BIP174), as Bitcoin Core does it.
namespace cairn::light {

/// A PSBT's transaction and all that its signatures cover: made once and used for every input. Signing changes neither.
/// Thread: any (immutable).
class PsbtTransaction {
public:
    /// nullopt when no lock time suits all inputs.
    static std::optional<PsbtTransaction> make(const Psbt& psbt);

    /// Null when there are no inputs.
    const TransactionHolder* tx() const { return tx_.get(); }
    const PrecomputedTxData& precomputed() const { return precomputed_; }
    /// Is every output that is spent known?
    bool knows_all() const { return knows_all_; }

private:
    TransactionPtr tx_;
    std::vector<Bytes> scripts_;
    std::vector<TxOutput> spent_;
    PrecomputedTxData precomputed_;
    bool knows_all_ = false;
};

enum class PsbtStatus {
    complete,
    incomplete,         ///< more signatures or other data are needed
    missing_input,      ///< the output that is spent is not known, or the transaction that is there is another
    sighash_mismatch,   ///< the input, or a signature that it has, wants another hash type
};
/// Bitcoin Core's sentence.
std::string_view to_string(PsbtStatus status);

class MusigSessions;

struct PsbtSignOptions {
    std::optional<int> hash_type;  ///< none: DEFAULT for taproot, ALL otherwise
    bool finalize = true;          ///< put complete signatures into the final fields
    MusigSessions* musig = nullptr;  ///< where secret nonces wait; null: no nonces and partial signatures are made
};

/// Adds to an input what `keys` know: scripts, origins, taproot fields, and signatures when there are private keys. What is wanted must
/// agree with the input's own hash type and with the signatures that it has. Without the whole previous transaction only signatures that
/// cover the amount count. `missing`: gets what would have been of use.
PsbtStatus sign_psbt_input(Psbt& psbt, std::size_t index, const ScriptKeys& keys, const PsbtTransaction& transaction,
                           const PsbtSignOptions& options = {}, InputSignatures::Missing* missing = nullptr);
/// The same with stand-ins for signatures: `input` becomes as large as a final one, when all but signatures is known.
PsbtStatus stand_in_for_signatures(PsbtInput& input);
/// Does the input carry what its output demands?
bool is_signed_and_valid(const PsbtInput& input, std::size_t index, const PsbtTransaction& transaction);
/// Adds to an output what `keys` know: scripts, origins, taproot fields.
void update_psbt_output(PsbtOutput& output, const ScriptKeys& keys);

/// Whole previous transactions are of no use where all inputs are of taproot or later, and no signature leaves out other inputs.
void drop_needless_transactions(Psbt& psbt);

/// Makes final fields from what is there. True: all inputs are final.
bool finalize_psbt(Psbt& psbt);
/// The signed transaction, after finalizing; nullopt when it is not complete.
std::optional<MutableTransaction> extract_transaction(Psbt& psbt);

/// What all know of one transaction; nullopt when they are not of the same transaction and version. Shape: at least one.
std::optional<Psbt> combine_psbts(std::span<const Psbt> psbts);
/// One of version 0 with the inputs and outputs of all, in random order, without signatures. Shape: all have version 0. Errors: the
/// output that two of them spend.
Result<Psbt, OutPoint> join_psbts(std::span<const Psbt> psbts, FastRandom& random);

}  // namespace cairn::light
