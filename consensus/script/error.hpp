#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace cairn {

/// Why a script fails; `ok` when it does not.
enum class ScriptError : std::uint8_t {
    ok,
    unknown_error,
    eval_false,
    op_return,
    scriptnum,

    // Limits
    script_size,
    push_size,
    op_count,
    stack_size,
    sig_count,
    pubkey_count,

    // Failed verifications
    verify,
    equalverify,
    checkmultisigverify,
    checksigverify,
    numequalverify,

    // Form
    bad_opcode,
    disabled_opcode,
    invalid_stack_operation,
    invalid_altstack_operation,
    unbalanced_conditional,

    // BIP65, BIP112
    negative_locktime,
    unsatisfied_locktime,

    // Malleability
    sig_hashtype,
    sig_der,
    minimaldata,
    sig_pushonly,
    sig_high_s,
    sig_nulldummy,
    pubkeytype,
    cleanstack,
    minimalif,
    sig_nullfail,

    // Room for soft forks
    discourage_upgradable_nops,
    discourage_upgradable_witness_program,
    discourage_upgradable_taproot_version,
    discourage_op_success,
    discourage_upgradable_pubkeytype,

    // BIP141
    witness_program_wrong_length,
    witness_program_witness_empty,
    witness_program_mismatch,
    witness_malleated,
    witness_malleated_p2sh,
    witness_unexpected,
    witness_pubkeytype,

    // BIP340 to 342
    schnorr_sig_size,
    schnorr_sig_hashtype,
    schnorr_sig,
    taproot_wrong_control_size,
    tapscript_validation_weight,
    tapscript_checkmultisig,
    tapscript_minimalif,
    tapscript_empty_pubkey,

    // Constant script code
    op_codeseparator,
    sig_findanddelete,
};

/// Bitcoin Core's sentence, as it stands in "mandatory-script-verify-flag-failed (…)" and in RPC answers.
std::string_view to_string(ScriptError error);

/// The name in Bitcoin Core's test vectors: "OK", "EVAL_FALSE", "NULLFAIL", …
std::string_view script_error_name(ScriptError error);
std::optional<ScriptError> script_error_by_name(std::string_view name);

}  // namespace cairn
