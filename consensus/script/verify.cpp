#include "consensus/script/verify.hpp"

#include <algorithm>

#include "consensus/base/codec.hpp"
#include "consensus/crypto/hash.hpp"
#include "consensus/script/script.hpp"
#include "consensus/script/taproot.hpp"

namespace cairn {
namespace {

using Witness = std::span<const ByteSpan>;

constexpr std::int64_t kWeightAllowance = 50;  // BIP342: free weight on top of the witness

std::int64_t serialized_size(Witness witness) {
    std::size_t size = compact_size_length(witness.size());
    for (const ByteSpan item : witness) size += compact_size_length(item.size()) + item.size();
    return static_cast<std::int64_t>(size);
}

/// Looks for an op_success: it decides before anything else is looked at, even limits. nullopt when there is none.
std::optional<ScriptError> find_op_success(ByteSpan script, ScriptFlags flags) {
    ScriptReader reader(script);
    Instruction instruction;
    while (reader.next(instruction)) {
        if (!is_op_success(instruction.opcode)) continue;
        return flags.has(ScriptFlag::discourage_op_success) ? ScriptError::discourage_op_success : ScriptError::ok;
    }
    if (reader.malformed()) return ScriptError::bad_opcode;
    return std::nullopt;
}

ScriptError run_witness_script(Witness arguments, ByteSpan script, ScriptFlags flags, const SignatureChecker& checker,
                               SigVersion version, TaprootContext& context) {
    if (version == SigVersion::tapscript) {
        if (const auto decided = find_op_success(script, flags)) return *decided;
        if (arguments.size() > kMaxStackSize) return ScriptError::stack_size;
    }
    ScriptStack stack;
    stack.reserve(arguments.size() + 8);
    for (const ByteSpan item : arguments) {
        if (item.size() > kMaxScriptElementSize) return ScriptError::push_size;
        stack.push_back(StackItem::view(item));
    }
    const ScriptError error = eval_script(stack, script, flags, checker, version, context);
    if (error != ScriptError::ok) return error;
    if (stack.size() != 1) return ScriptError::cleanstack;
    return cast_to_bool(stack.back().span()) ? ScriptError::ok : ScriptError::eval_false;
}

ScriptError verify_witness_v0(ByteSpan program, Witness witness, ScriptFlags flags, const SignatureChecker& checker) {
    TaprootContext context;
    if (program.size() == 32) {
        if (witness.empty()) return ScriptError::witness_program_witness_empty;
        const ByteSpan script = witness.back();
        if (!std::ranges::equal(sha256(script).span(), program)) return ScriptError::witness_program_mismatch;
        return run_witness_script(witness.first(witness.size() - 1), script, flags, checker, SigVersion::witness_v0,
                                  context);
    }
    if (program.size() == 20) {
        if (witness.size() != 2) return ScriptError::witness_program_mismatch;
        const Bytes script = make_p2pkh(program);
        return run_witness_script(witness, script, flags, checker, SigVersion::witness_v0, context);
    }
    return ScriptError::witness_program_wrong_length;
}

ScriptError verify_taproot_script(ByteSpan program, Witness stack, std::int64_t witness_size, ScriptFlags flags,
                                  const SignatureChecker& checker, TaprootContext& context) {
    const ByteSpan control = stack.back();
    const ByteSpan script = stack[stack.size() - 2];
    if (!is_valid_control_size(control.size())) return ScriptError::taproot_wrong_control_size;
    const std::uint8_t leaf_version = control[0] & kTaprootLeafMask;
    context.tapleaf_hash = tapleaf_hash(leaf_version, script);
    if (!verify_taproot_commitment(control, program, context.tapleaf_hash))
        return ScriptError::witness_program_mismatch;
    if (leaf_version == kTapscriptLeafVersion) {
        context.validation_weight_left = witness_size + kWeightAllowance;
        return run_witness_script(stack.first(stack.size() - 2), script, flags, checker, SigVersion::tapscript,
                                  context);
    }
    return flags.has(ScriptFlag::discourage_upgradable_taproot_version)
               ? ScriptError::discourage_upgradable_taproot_version
               : ScriptError::ok;
}

ScriptError verify_taproot(ByteSpan program, Witness witness, ScriptFlags flags, const SignatureChecker& checker) {
    if (!flags.has(ScriptFlag::taproot)) return ScriptError::ok;
    if (witness.empty()) return ScriptError::witness_program_witness_empty;
    TaprootContext context;
    Witness stack = witness;
    if (const auto annex = witness_annex(witness)) {
        context.annex_hash = annex_hash(*annex);
        stack = witness.first(witness.size() - 1);
    }
    if (stack.size() == 1) return checker.check_schnorr(stack[0], program, SigVersion::taproot, context);
    return verify_taproot_script(program, stack, serialized_size(witness), flags, checker, context);
}

ScriptError verify_program(const WitnessProgram& program, Witness witness, ScriptFlags flags,
                           const SignatureChecker& checker, bool in_p2sh) {
    if (program.version == 0) return verify_witness_v0(program.program, witness, flags, checker);
    if (program.version == 1 && program.program.size() == 32 && !in_p2sh) {
        return verify_taproot(program.program, witness, flags, checker);
    }
    const bool anchor = program.version == 1 && program.program.size() == 2 && program.program[0] == 0x4e &&
                        program.program[1] == 0x73 && !in_p2sh;
    if (!anchor && flags.has(ScriptFlag::discourage_upgradable_witness_program)) {
        return ScriptError::discourage_upgradable_witness_program;
    }
    return ScriptError::ok;
}

/// Runs a script outside the witness and demands a true value on top.
ScriptError run_to_true(ScriptStack& stack, ByteSpan script, ScriptFlags flags, const SignatureChecker& checker) {
    TaprootContext context;
    const ScriptError error = eval_script(stack, script, flags, checker, SigVersion::base, context);
    if (error != ScriptError::ok) return error;
    return !stack.empty() && cast_to_bool(stack.back().span()) ? ScriptError::ok : ScriptError::eval_false;
}

/// BIP16 and the witness program inside it. `stack` is what the scriptSig left and becomes what the redeem script
/// leaves.
ScriptError verify_p2sh(ScriptStack& stack, ByteSpan script_sig, Witness witness, ScriptFlags flags,
                        const SignatureChecker& checker, bool& used_witness) {
    if (!is_push_only(script_sig)) return ScriptError::sig_pushonly;
    CAIRN_CHECK(!stack.empty());  // or the hash could not have matched
    const StackItem item = stack.back();
    const ByteSpan redeem_script = item.span();
    stack.pop_back();
    if (const auto error = run_to_true(stack, redeem_script, flags, checker); error != ScriptError::ok) return error;

    if (!flags.has(ScriptFlag::witness)) return ScriptError::ok;
    const auto program = witness_program(redeem_script);
    if (!program) return ScriptError::ok;
    used_witness = true;
    const Bytes only_push = ScriptBuilder().push(redeem_script).take();
    if (!std::ranges::equal(script_sig, only_push)) return ScriptError::witness_malleated_p2sh;
    stack.resize(1);  // what cleanstack demands is demanded inside the witness
    return verify_program(*program, witness, flags, checker, true);
}

}  // namespace

ScriptError verify_script(ByteSpan script_sig, ByteSpan script_pubkey, Witness witness, ScriptFlags flags,
                          const SignatureChecker& checker) {
    CAIRN_CHECK(is_consistent(flags));
    if (flags.has(ScriptFlag::sigpushonly) && !is_push_only(script_sig)) return ScriptError::sig_pushonly;

    // One after the other on one stack, never as one script (CVE-2010-5141).
    ScriptStack stack;
    stack.reserve(16);
    TaprootContext context;
    ScriptError error = eval_script(stack, script_sig, flags, checker, SigVersion::base, context);
    if (error != ScriptError::ok) return error;
    const bool p2sh = flags.has(ScriptFlag::p2sh) && is_p2sh(script_pubkey);
    ScriptStack p2sh_stack;
    if (p2sh) p2sh_stack = stack;
    error = run_to_true(stack, script_pubkey, flags, checker);
    if (error != ScriptError::ok) return error;

    bool used_witness = false;
    if (flags.has(ScriptFlag::witness)) {
        if (const auto program = witness_program(script_pubkey)) {
            used_witness = true;
            if (!script_sig.empty()) return ScriptError::witness_malleated;
            error = verify_program(*program, witness, flags, checker, false);
            if (error != ScriptError::ok) return error;
            stack.resize(1);  // what cleanstack demands is demanded inside the witness
        }
    }
    if (p2sh) {
        error = verify_p2sh(p2sh_stack, script_sig, witness, flags, checker, used_witness);
        if (error != ScriptError::ok) return error;
        stack = std::move(p2sh_stack);
    }
    if (flags.has(ScriptFlag::cleanstack) && stack.size() != 1) return ScriptError::cleanstack;
    if (flags.has(ScriptFlag::witness) && !used_witness && !witness.empty()) return ScriptError::witness_unexpected;
    return ScriptError::ok;
}

ScriptError verify_input(const Transaction& tx, std::size_t index, ScriptFlags flags,
                         const PrecomputedTxData& precomputed, const SignatureOracle& oracle) {
    CAIRN_CHECK(index < precomputed.spent_outputs().size());
    const TxOutput& spent = precomputed.spent_outputs()[index];
    const TransactionSignatureChecker checker(tx, index, spent.value, precomputed, oracle);
    const TxInput& input = tx.inputs[index];
    return verify_script(input.script_sig, spent.script_pubkey, input.witness, flags, checker);
}

}  // namespace cairn
