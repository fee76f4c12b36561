#include "light/signing/sign_transaction.hpp"

#include <algorithm>

#include "light/signing/input_signer.hpp"

namespace cairn::light {
namespace {

std::string explain(ScriptError error) {
    switch (error) {
        case ScriptError::invalid_stack_operation: return "Unable to sign input, invalid stack size (possibly missing key)";
        case ScriptError::sig_nullfail: return "CHECK(MULTI)SIG failing with non-zero signature (possibly need more signatures)";
        default: return std::string(to_string(error));
    }
}

}  // namespace

std::vector<InputError> sign_transaction(MutableTransaction& tx, std::span<const TxOutput> spent, const ScriptKeys& keys, int hash_type) {
    std::vector<InputError> errors;
    if (tx.inputs.empty()) return errors;
    const TransactionPtr bare = tx.finish();
    const bool all_known = std::none_of(spent.begin(), spent.end(), [](const TxOutput& output) { return output.value == kMissingCoinValue; });
    const PrecomputedTxData precomputed(bare->tx(), all_known ? spent : std::span<const TxOutput>{}, true);
    const bool single = (hash_type & ~kSighashAnyoneCanPay) == kSighashSingle;
    for (std::size_t i = 0; i < tx.inputs.size(); ++i) {
        if (spent[i].value == kMissingCoinValue) {
            errors.push_back({i, "Input not found or already spent"});
            continue;
        }
        MutableTransaction::Input& input = tx.inputs[i];
        const InputSigner signer(bare->tx(), i, spent[i], precomputed);
        InputSignatures data = signer.extract(input.script_sig, input.witness);
        // SINGLE without an output of the same number would sign a constant.
        if (!single || i < tx.outputs.size()) signer.produce(data, keys, hash_type);
        input.script_sig = data.script_sig;
        input.witness = data.witness;
        if (spent[i].value == kUnknownAmount && !input.witness.empty()) {
            errors.push_back({i, kMissingAmount});
            continue;
        }
        if (data.complete) continue;
        const ScriptError error = signer.verify(input.script_sig, input.witness);
        if (error != ScriptError::ok) errors.push_back({i, explain(error)});
    }
    return errors;
}

MutableTransaction combine_transactions(std::span<const MutableTransaction> variants, std::span<const TxOutput> spent) {
    MutableTransaction merged = variants[0];
    if (merged.inputs.empty()) return merged;
    const TransactionPtr bare = merged.finish();
    const PrecomputedTxData precomputed(bare->tx(), spent, true);
    for (std::size_t i = 0; i < merged.inputs.size(); ++i) {
        const InputSigner signer(bare->tx(), i, spent[i], precomputed);
        InputSignatures data;
        for (const MutableTransaction& variant : variants) data.merge(signer.extract(variant.inputs[i].script_sig, variant.inputs[i].witness));
        signer.produce(data, ScriptKeys{}, kSighashAll);
        merged.inputs[i].script_sig = std::move(data.script_sig);
        merged.inputs[i].witness = std::move(data.witness);
    }
    return merged;
}

}  // namespace cairn::light
