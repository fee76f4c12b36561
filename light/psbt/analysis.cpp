#include "light/psbt/analysis.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "consensus/rules/sigops.hpp"
#include "consensus/script/script.hpp"

namespace cairn::light {
namespace {

PsbtAnalysis invalid(std::string why) {
    PsbtAnalysis analysis;
    analysis.next = PsbtRole::creator;
    analysis.error = std::move(why);
    return analysis;
}

void find_next(PsbtAnalysis::Input& result, Psbt& psbt, std::size_t index, const PsbtTransaction& transaction) {
    if (is_signed_and_valid(psbt.inputs[index], index, transaction)) {
        result.is_final = true;
        return;
    }
    if (sign_psbt_input(psbt, index, ScriptKeys{}, transaction, {}, &result.missing) == PsbtStatus::complete) {
        result.next = PsbtRole::finalizer;
        return;
    }
    const auto& missing = result.missing;
    const bool lacks_data = !missing.keys.empty() || missing.redeem_script || missing.witness_script;
    result.next = !lacks_data && !missing.signatures.empty() ? PsbtRole::signer : PsbtRole::updater;
}

std::optional<std::int64_t> signed_vsize(Psbt& psbt, unsigned bytes_per_sigop) {
    auto tx = psbt.unsigned_tx();
    std::vector<TxOutput> outputs;
    for (std::size_t i = 0; i < psbt.inputs.size(); ++i) {
        PsbtInput& input = psbt.inputs[i];
        if (stand_in_for_signatures(input) != PsbtStatus::complete) return std::nullopt;
        tx->inputs[i].script_sig = input.final_script_sig;
        tx->inputs[i].witness = input.final_witness;
    }
    for (const PsbtInput& input : psbt.inputs) outputs.push_back(*input.spent());
    std::vector<CoinOrigin> origins(outputs.size(), CoinOrigin{1, false});
    std::int64_t sigops = 0, weight = 0;
    if (tx->inputs.empty()) {
        constexpr std::int64_t kScale = 4;
        weight = static_cast<std::int64_t>(tx->serialize(false).size()) * kScale;
    } else {
        const TransactionPtr made = tx->finish();
        sigops = rules::sigop_cost(made->tx(), SpentCoins{outputs, origins}, kStandardScriptFlags);
        weight = made->tx().weight();
    }
    return (std::max(weight, sigops * static_cast<std::int64_t>(bytes_per_sigop)) + 3) / 4;
}

}  // namespace

std::string_view to_string(PsbtRole role) {
    static constexpr std::string_view kNames[] = {"creator", "updater", "signer", "finalizer", "extractor"};
    return kNames[static_cast<std::size_t>(role)];
}

std::optional<Amount> PsbtAnalysis::fee_rate() const {
    if (!fee || !vsize || *vsize == 0) return std::nullopt;
    const Amount scaled = *fee * 1000, rounded = scaled / *vsize;
    return rounded - (scaled % *vsize < 0 ? 1 : 0);
}

PsbtAnalysis analyze_psbt(Psbt psbt, unsigned bytes_per_sigop) {
    const auto transaction = PsbtTransaction::make(psbt);
    if (!transaction) return invalid("PSBT cannot be made into a valid transaction");
    PsbtAnalysis analysis;
    analysis.inputs.resize(psbt.inputs.size());
    Amount in = 0, out = 0;
    bool knows_fee = true;
    for (std::size_t i = 0; i < psbt.inputs.size(); ++i) {
        PsbtAnalysis::Input& result = analysis.inputs[i];
        const auto spent = psbt.inputs[i].spent();
        if (spent) {
            if (!money_range(spent->value) || !money_range(in + spent->value)) return invalid(fmt::format("PSBT is not valid. Input {} has invalid value", i));
            if (is_unspendable(spent->script_pubkey)) return invalid(fmt::format("PSBT is not valid. Input {} spends unspendable output", i));
            in += spent->value;
            result.has_utxo = true;
        } else {
            const TransactionPtr& before = psbt.inputs[i].non_witness_utxo;
            if (before && psbt.inputs[i].prevout.index >= before->tx().outputs.size())
                return invalid(fmt::format("PSBT is not valid. Input {} specifies invalid prevout", i));
            knows_fee = false;
        }
        find_next(result, psbt, i, *transaction);
        analysis.next = std::min(analysis.next, result.next);
    }
    if (!knows_fee) return analysis;
    for (const PsbtOutput& output : psbt.outputs) {
        if (!money_range(output.amount) || !money_range(out + output.amount)) return invalid("PSBT is not valid. Output amount invalid");
        out += output.amount;
    }
    analysis.fee = in - out;
    analysis.vsize = signed_vsize(psbt, bytes_per_sigop);
    return analysis;
}

}  // namespace cairn::light
