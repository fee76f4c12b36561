#include "consensus/script/sigops.hpp"

#include "consensus/script/script.hpp"

namespace cairn {
namespace {

int count_program_sigops(const WitnessProgram& program, std::span<const ByteSpan> witness) {
    if (program.version != 0) return 0;
    if (program.program.size() == 20) return 1;
    if (program.program.size() == 32 && !witness.empty()) return count_sigops(witness.back(), true);
    return 0;
}

/// What the last push of a script that only pushes leaves on top; nothing when it is not such a script.
std::optional<ByteSpan> last_push(ByteSpan script) {
    ScriptReader reader(script);
    Instruction instruction;
    while (reader.next(instruction)) {
        if (instruction.opcode > Opcode::op_16) return std::nullopt;
    }
    if (reader.malformed()) return std::nullopt;
    return instruction.data;  // op_1 to op_16 count as empty here, as they always did
}

}  // namespace

int count_sigops(ByteSpan script, bool accurate) {
    int count = 0;
    ScriptReader reader(script);
    Instruction instruction;
    Opcode last = Opcode::op_invalidopcode;
    while (reader.next(instruction)) {
        switch (instruction.opcode) {
            case Opcode::op_checksig:
            case Opcode::op_checksigverify: ++count; break;
            case Opcode::op_checkmultisig:
            case Opcode::op_checkmultisigverify:
                count += accurate && is_small_integer(last) ? small_integer(last) : kMaxPubkeysPerMultisig;
                break;
            default: break;
        }
        last = instruction.opcode;
    }
    return count;
}

int count_p2sh_sigops(ByteSpan script_pubkey, ByteSpan script_sig) {
    if (!is_p2sh(script_pubkey)) return 0;
    const auto redeem_script = last_push(script_sig);
    return redeem_script ? count_sigops(*redeem_script, true) : 0;
}

int count_witness_sigops(ByteSpan script_sig, ByteSpan script_pubkey, std::span<const ByteSpan> witness,
                         ScriptFlags flags) {
    if (!flags.has(ScriptFlag::witness)) return 0;
    if (const auto program = witness_program(script_pubkey)) return count_program_sigops(*program, witness);
    if (!is_p2sh(script_pubkey)) return 0;
    const auto redeem_script = last_push(script_sig);
    if (!redeem_script) return 0;
    const auto program = witness_program(*redeem_script);
    return program ? count_program_sigops(*program, witness) : 0;
}

}  // namespace cairn
