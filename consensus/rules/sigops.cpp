#include "consensus/rules/sigops.hpp"

#include "consensus/script/sigops.hpp"

namespace cairn::rules {

std::uint32_t legacy_sigops(const Transaction& tx) {
    std::uint32_t count = 0;
    for (const TxInput& input : tx.inputs) count += static_cast<std::uint32_t>(count_sigops(input.script_sig, false));
    for (const TxOutput& output : tx.outputs) count += static_cast<std::uint32_t>(count_sigops(output.script_pubkey, false));
    return count;
}

std::int64_t sigop_cost(const Transaction& tx, const SpentCoins& spent, ScriptFlags flags, std::uint32_t legacy) {
    std::int64_t cost = std::int64_t{legacy} * kWitnessScaleFactor;
    if (tx.is_coinbase()) return cost;
    const bool p2sh = flags.has(ScriptFlag::p2sh);
    for (std::size_t i = 0; i < tx.inputs.size(); ++i) {
        const TxInput& input = tx.inputs[i];
        const ByteSpan script_pubkey = spent.outputs[i].script_pubkey;
        if (p2sh) cost += count_p2sh_sigops(script_pubkey, input.script_sig) * kWitnessScaleFactor;
        cost += count_witness_sigops(input.script_sig, script_pubkey, input.witness, flags);
    }
    return cost;
}

}  // namespace cairn::rules
