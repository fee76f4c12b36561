#include "node/policy/policy.hpp"

#include <fmt/format.h>

#include "consensus/script/interpreter.hpp"
#include "consensus/script/script.hpp"
#include "consensus/script/sigops.hpp"
#include "consensus/script/solver.hpp"
#include "node/policy/dust.hpp"

namespace cairn::node {
namespace {

constexpr std::uint8_t kAnnexTag = 0x50;
constexpr std::uint8_t kLeafVersionMask = 0xfe;
constexpr std::uint8_t kTapscriptLeaf = 0xc0;
constexpr std::size_t kMaxMultisigKeys = 3;

PolicyResult refuse(PolicyReason reason) { return fail(make_fault(reason)); }

PolicyResult bad_input(std::string debug) {
    return fail(make_fault(PolicyReason::nonstandard_inputs, std::move(debug)));
}

/// A multisig outside P2SH and P2WSH has at most three keys.
bool is_standard_multisig(ByteSpan script) {
    const Solution solution = solve(script);
    return solution.parts.size() <= kMaxMultisigKeys;  // 1 <= required <= keys holds for every solution
}

/// What an input script of P2SH leaves on the stack. ok: `stack` holds it; its items point into the script.
ScriptError run_input_script(ByteSpan script_sig, ScriptStack& stack) {
    TaprootContext context;
    return eval_script(stack, script_sig, ScriptFlags{}, SignatureChecker{}, SigVersion::base, context);
}

bool legacy_sigops_within_limit(const Transaction& tx, const SpentCoins& spent) {
    unsigned count = 0;
    for (std::size_t i = 0; i < tx.inputs.size(); ++i) {
        const ByteSpan script_sig = tx.inputs[i].script_sig;
        const ByteSpan script_pubkey = spent.outputs[i].script_pubkey;
        count += static_cast<unsigned>(count_sigops(script_sig, true));
        count += static_cast<unsigned>(is_p2sh(script_pubkey) ? count_p2sh_sigops(script_pubkey, script_sig)
                                                              : count_sigops(script_pubkey, true));
        if (count > kMaxLegacySigops) return false;
    }
    return true;
}

bool small_items(std::span<const ByteSpan> items) {
    return std::all_of(items.begin(), items.end(), [](ByteSpan item) { return item.size() <= kMaxStandardWitnessItemSize; });
}

bool is_standard_p2wsh_witness(std::span<const ByteSpan> witness) {
    return witness.back().size() <= kMaxStandardWitnessScriptSize && witness.size() - 1 <= kMaxStandardWitnessItems &&
           small_items(witness.first(witness.size() - 1));
}

bool is_standard_taproot_witness(std::span<const ByteSpan> witness) {
    if (witness.size() < 2) return true;  // a key path signature
    if (!witness.back().empty() && witness.back()[0] == kAnnexTag) return false;
    const ByteSpan control = witness.back();
    if (control.empty()) return false;
    return (control[0] & kLeafVersionMask) != kTapscriptLeaf || small_items(witness.first(witness.size() - 2));
}

bool is_standard_witness(const TxInput& input, ByteSpan script) {
    if (is_p2a(script)) return false;  // needs none
    ScriptStack stack;
    ByteSpan redeem_script = script;
    const bool p2sh = is_p2sh(script);
    if (p2sh) {
        if (run_input_script(input.script_sig, stack) != ScriptError::ok || stack.empty()) return false;
        redeem_script = stack.back().span();
    }
    const auto program = witness_program(redeem_script);
    if (!program) return false;
    if (program->version == 0 && program->program.size() == 32) return is_standard_p2wsh_witness(input.witness);
    if (program->version == 1 && program->program.size() == 32 && !p2sh) return is_standard_taproot_witness(input.witness);
    return true;
}

}  // namespace

bool is_standard_output(ByteSpan script_pubkey) {
    const OutputType type = classify(script_pubkey);
    return type != OutputType::nonstandard && (type != OutputType::multisig || is_standard_multisig(script_pubkey));
}

PolicyResult check_standard(const Transaction& tx, const MempoolOptions& options) {
    if (tx.version > kMaxStandardVersion || tx.version < kMinStandardVersion) return refuse(PolicyReason::version);
    // Signature hashes of many inputs cost the product of inputs and size: no transaction gets all that a block may have.
    if (tx.weight() > kMaxStandardWeight) return refuse(PolicyReason::tx_size);
    for (const TxInput& input : tx.inputs) {
        if (input.script_sig.size() > kMaxStandardScriptSigSize) return refuse(PolicyReason::scriptsig_size);
        if (!is_push_only(input.script_sig)) return refuse(PolicyReason::scriptsig_not_pushonly);
    }
    std::size_t data_left = options.datacarrier_bytes.value_or(0);
    for (const TxOutput& output : tx.outputs) {
        const OutputType type = classify(output.script_pubkey);
        if (type == OutputType::nonstandard) return refuse(PolicyReason::scriptpubkey);
        if (type == OutputType::multisig && !is_standard_multisig(output.script_pubkey)) return refuse(PolicyReason::scriptpubkey);
        if (type == OutputType::nulldata) {
            if (output.script_pubkey.size() > data_left) return refuse(PolicyReason::datacarrier);
            data_left -= output.script_pubkey.size();
        } else if (type == OutputType::multisig && !options.permit_bare_multisig) {
            return refuse(PolicyReason::bare_multisig);
        }
    }
    unsigned dust = 0;
    for (const TxOutput& output : tx.outputs) {
        if (is_dust(output, options.dust_relay) && ++dust > kMaxDustOutputs) return refuse(PolicyReason::too_much_dust);
    }
    return {};
}

PolicyResult check_nonwitness_size(const Transaction& tx) {
    if (tx.stripped_size < kMinStandardNonWitnessSize) return refuse(PolicyReason::tx_size_small);
    return {};
}

PolicyResult check_inputs_standard(const Transaction& tx, const SpentCoins& spent) {
    if (tx.is_coinbase()) return {};
    if (!legacy_sigops_within_limit(tx, spent)) return bad_input("non-witness sigops exceed bip54 limit");
    for (std::size_t i = 0; i < tx.inputs.size(); ++i) {
        const OutputType type = classify(spent.outputs[i].script_pubkey);
        if (type == OutputType::nonstandard) return bad_input(fmt::format("input {} script unknown", i));
        if (type == OutputType::witness_unknown) return bad_input(fmt::format("input {} witness program is undefined", i));
        if (type != OutputType::scripthash) continue;
        ScriptStack stack;
        const ScriptError error = run_input_script(tx.inputs[i].script_sig, stack);
        if (error != ScriptError::ok) return bad_input(fmt::format("p2sh scriptsig malformed (input {}: {})", i, to_string(error)));
        if (stack.empty()) return bad_input(fmt::format("input {} P2SH redeemscript missing", i));
        const auto sigops = static_cast<unsigned>(count_sigops(stack.back().span(), true));
        if (sigops > kMaxP2shSigops) {
            return bad_input(fmt::format("p2sh redeemscript sigops exceed limit (input {}: {} > {})", i, sigops, kMaxP2shSigops));
        }
    }
    return {};
}

PolicyResult check_witness_standard(const Transaction& tx, const SpentCoins& spent) {
    if (tx.is_coinbase() || !tx.has_witness()) return {};
    for (std::size_t i = 0; i < tx.inputs.size(); ++i) {
        if (tx.inputs[i].witness.empty() || is_standard_witness(tx.inputs[i], spent.outputs[i].script_pubkey)) continue;
        return refuse(PolicyReason::nonstandard_witness);
    }
    return {};
}

PolicyResult check_sigop_cost(std::int64_t sigop_cost) {
    if (sigop_cost <= kMaxStandardSigopCost) return {};
    return fail(make_fault(PolicyReason::too_many_sigops, std::to_string(sigop_cost)));
}

bool spends_non_anchor_witness_program(const Transaction& tx, const SpentCoins& spent) {
    if (tx.is_coinbase()) return false;
    for (std::size_t i = 0; i < tx.inputs.size(); ++i) {
        const ByteSpan script = spent.outputs[i].script_pubkey;
        if (witness_program(script) && !is_p2a(script)) return true;
        if (!is_p2sh(script)) continue;
        ScriptStack stack;
        if (run_input_script(tx.inputs[i].script_sig, stack) != ScriptError::ok || stack.empty()) continue;
        if (witness_program(stack.back().span())) return true;
    }
    return false;
}

PolicyResult check_fee_rate(Amount modified_fee, std::int64_t vsize, FeeRate rolling_minimum, const MempoolOptions& options) {
    const auto too_low = [&](PolicyReason reason, Amount needed) {
        return fail(make_fault(reason, fmt::format("{} < {}", modified_fee, needed)));
    };
    const Amount rolling = rolling_minimum.fee(vsize);
    if (rolling > 0 && modified_fee < rolling) return too_low(PolicyReason::mempool_min_fee, rolling);
    const Amount relay = options.min_relay.fee(vsize);
    if (modified_fee < relay) return too_low(PolicyReason::min_relay_fee, relay);
    return {};
}

}  // namespace cairn::node
