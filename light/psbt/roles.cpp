#include "light/psbt/roles.hpp"

#include <algorithm>

#include "consensus/base/check.hpp"
#include "consensus/script/script.hpp"
#include "consensus/script/verify.hpp"
#include "light/psbt/detail/signature_data.hpp"
#include "light/psbt/musig.hpp"
#include "light/signing/produce_signature.hpp"

namespace cairn::light {
namespace {

constexpr std::size_t kSchnorrSize = 64;

/// Signs nothing: to learn what belongs to an output.
class NoSignatureMaker final : public SignatureMaker {
public:
    const SignatureChecker& checker() const override {
        static const SignatureChecker says_no;
        return says_no;
    }
    std::optional<Bytes> ecdsa(const ScriptKeys&, const Hash160&, ByteSpan, SigVersion) const override { return std::nullopt; }
    std::optional<Bytes> schnorr_key_path(const ScriptKeys&, const Uint256&, const std::optional<Uint256>&) const override { return std::nullopt; }
    std::optional<Bytes> schnorr_leaf(const ScriptKeys&, const Uint256&, const Uint256&) const override { return std::nullopt; }
};

/// Do all Schnorr signatures have this hash type, as their size and last byte tell?
bool has_hash_type(const Bytes& signature, int hash_type) {
    if (hash_type == kSighashDefault) return signature.size() == kSchnorrSize;
    return signature.size() == kSchnorrSize + 1 && signature.back() == hash_type;
}

bool signatures_agree(const PsbtInput& input, int hash_type) {
    if (!input.tap_key_sig.empty() && !has_hash_type(input.tap_key_sig, hash_type)) return false;
    const auto agrees = [&](const auto& entry) { return has_hash_type(entry.second, hash_type); };
    if (!std::ranges::all_of(input.tap_script_sigs, agrees)) return false;
    // DEFAULT may be asked of inputs that know no such type: it is ALL for them.
    if (hash_type == kSighashDefault) return true;
    return std::ranges::all_of(input.partial_sigs, [&](const auto& entry) {
        const Bytes& signature = entry.second.signature;
        return !signature.empty() && signature.back() == hash_type;
    });
}

/// The hash type to sign with; nullopt when the input or a signature that it has wants another. Whoever wants an unusual type says so,
/// lest a PSBT talk him into it.
std::optional<int> choose_hash_type(PsbtInput& input, ByteSpan script, std::optional<int> wanted) {
    const bool taproot = is_p2tr(script);
    const int hash_type = wanted.value_or(taproot ? kSighashDefault : kSighashAll);
    if (input.sighash_type && *input.sighash_type != hash_type) return std::nullopt;
    if (hash_type != kSighashDefault && (taproot || hash_type != kSighashAll)) input.sighash_type = hash_type;
    return signatures_agree(input, hash_type) ? std::optional(hash_type) : std::nullopt;
}

/// Takes what `maker` can make into the input.
PsbtStatus produce(PsbtInput& input, const MutableTransaction::Output& spent, const ScriptKeys& keys, const SignatureMaker& maker, bool finalize,
                   InputSignatures::Missing* missing) {
    // A witness output that stands alone may be a lie; only signatures that cover the amount unmask it.
    const bool must_sign_witness = !input.non_witness_utxo;
    InputSignatures data = psbt_detail::signature_data(input);
    const bool complete = produce_signature(spent.script_pubkey, keys, maker, data);
    if (must_sign_witness && !data.signs_witness) return PsbtStatus::incomplete;
    if (!finalize) data.complete = false;
    if (missing) *missing = std::move(data.missing);
    const bool has_witness = data.signs_witness;
    psbt_detail::take(input, std::move(data));
    if (has_witness) input.witness_utxo = spent;
    return complete ? PsbtStatus::complete : PsbtStatus::incomplete;
}

std::optional<MutableTransaction::Output> spent_by(const PsbtInput& input) {
    const auto spent = input.spent();
    if (!spent) return std::nullopt;
    return MutableTransaction::Output{spent->value, to_bytes(spent->script_pubkey)};
}

}  // namespace

std::string_view to_string(PsbtStatus status) {
    switch (status) {
        case PsbtStatus::complete: return "No errors";
        case PsbtStatus::incomplete: return "Input needs additional signatures or other data";
        case PsbtStatus::missing_input: return "Inputs missing or spent";
        default: return "Specified sighash value does not match value stored in PSBT";
    }
}

std::optional<PsbtTransaction> PsbtTransaction::make(const Psbt& psbt) {
    const auto unsigned_tx = psbt.unsigned_tx();
    if (!unsigned_tx) return std::nullopt;
    PsbtTransaction made;
    if (psbt.inputs.empty()) return made;
    auto parsed = TransactionHolder::parse(unsigned_tx->serialize(false), false);
    CAIRN_CHECK(parsed.has_value());
    made.tx_ = std::move(*parsed);
    made.knows_all_ = true;
    for (const PsbtInput& input : psbt.inputs) {
        const auto spent = input.spent();
        if (!spent) made.knows_all_ = false;
        made.scripts_.push_back(spent ? to_bytes(spent->script_pubkey) : Bytes());
        made.spent_.push_back({spent ? spent->value : 0, {}});
    }
    for (std::size_t i = 0; i < made.spent_.size(); ++i) made.spent_[i].script_pubkey = made.scripts_[i];
    const std::span<const TxOutput> known = made.knows_all_ ? std::span<const TxOutput>(made.spent_) : std::span<const TxOutput>{};
    made.precomputed_ = PrecomputedTxData(made.tx_->tx(), known, true);
    return made;
}

bool is_signed_and_valid(const PsbtInput& input, std::size_t index, const PsbtTransaction& transaction) {
    const auto spent = input.spent();
    if (!spent) return false;
    const std::vector<ByteSpan> witness(input.final_witness.begin(), input.final_witness.end());
    const InputChecker checker(transaction.tx()->tx(), index, spent->value, transaction.precomputed());
    return verify_script(input.final_script_sig, spent->script_pubkey, witness, kStandardScriptFlags, checker) == ScriptError::ok;
}

PsbtStatus sign_psbt_input(Psbt& psbt, std::size_t index, const ScriptKeys& keys, const PsbtTransaction& transaction,
                           const PsbtSignOptions& options, InputSignatures::Missing* missing) {
    PsbtInput& input = psbt.inputs.at(index);
    if (is_signed_and_valid(input, index, transaction)) return PsbtStatus::complete;
    const auto spent = spent_by(input);
    if (!spent) return PsbtStatus::missing_input;
    const auto hash_type = choose_hash_type(input, spent->script_pubkey, options.hash_type);
    if (!hash_type) return PsbtStatus::sighash_mismatch;
    sign_musig_input(input, index, keys, transaction, *hash_type, options.musig);
    const TransactionSignatureMaker maker(transaction.tx()->tx(), index, spent->value, transaction.precomputed(), *hash_type);
    return produce(input, *spent, keys, maker, options.finalize, missing);
}

PsbtStatus stand_in_for_signatures(PsbtInput& input) {
    const auto spent = spent_by(input);
    if (!spent) return PsbtStatus::missing_input;
    if (!choose_hash_type(input, spent->script_pubkey, std::nullopt)) return PsbtStatus::sighash_mismatch;
    if (input.is_final()) return PsbtStatus::complete;
    return produce(input, *spent, ScriptKeys{}, DummySignatureMaker{}, true, nullptr);
}

void update_psbt_output(PsbtOutput& output, const ScriptKeys& keys) {
    InputSignatures data = psbt_detail::signature_data(output);
    produce_signature(output.script, keys, NoSignatureMaker{}, data);
    psbt_detail::take(output, std::move(data));
}

void drop_needless_transactions(Psbt& psbt) {
    for (const PsbtInput& input : psbt.inputs) {
        const auto program = input.witness_utxo ? witness_program(input.witness_utxo->script_pubkey) : std::nullopt;
        if (!program || program->version == 0) return;
        if (input.sighash_type && (*input.sighash_type & kSighashAnyoneCanPay)) return;
    }
    for (PsbtInput& input : psbt.inputs) input.non_witness_utxo = nullptr;
}

bool finalize_psbt(Psbt& psbt) {
    const auto transaction = PsbtTransaction::make(psbt);
    if (!transaction) return false;
    bool complete = true;
    for (std::size_t i = 0; i < psbt.inputs.size(); ++i) {
        const PsbtSignOptions options{psbt.inputs[i].sighash_type, true};
        if (sign_psbt_input(psbt, i, ScriptKeys{}, *transaction, options) != PsbtStatus::complete) complete = false;
    }
    return complete;
}

std::optional<MutableTransaction> extract_transaction(Psbt& psbt) {
    if (!finalize_psbt(psbt)) return std::nullopt;
    auto tx = psbt.unsigned_tx();
    for (std::size_t i = 0; i < psbt.inputs.size(); ++i) {
        tx->inputs[i].script_sig = psbt.inputs[i].final_script_sig;
        tx->inputs[i].witness = psbt.inputs[i].final_witness;
    }
    return tx;
}

std::optional<Psbt> combine_psbts(std::span<const Psbt> psbts) {
    Psbt combined = psbts[0];
    for (const Psbt& psbt : psbts.subspan(1))
        if (!combined.merge(psbt)) return std::nullopt;
    return combined;
}

Result<Psbt, OutPoint> join_psbts(std::span<const Psbt> psbts, FastRandom& random) {
    Psbt joined = Psbt::create(MutableTransaction(), 0);
    joined.tx_version = 1;
    joined.fallback_lock_time = TxInput::kFinalSequence;
    for (const Psbt& psbt : psbts) {
        joined.tx_version = std::max(joined.tx_version, psbt.tx_version);
        joined.fallback_lock_time = std::min(*joined.fallback_lock_time, psbt.fallback_lock_time.value_or(0));
        for (const PsbtInput& input : psbt.inputs)
            if (!joined.add_input(input)) return fail(input.prevout);
        joined.outputs.insert(joined.outputs.end(), psbt.outputs.begin(), psbt.outputs.end());
        joined.merge_xpubs(psbt);
        joined.unknown.insert(psbt.unknown.begin(), psbt.unknown.end());
    }
    // Who brought which input and output is nobody's business.
    std::shuffle(joined.inputs.begin(), joined.inputs.end(), random);
    std::shuffle(joined.outputs.begin(), joined.outputs.end(), random);
    return joined;
}

}  // namespace cairn::light
