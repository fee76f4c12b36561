#include "consensus/script/solver.hpp"

#include <array>

#include "consensus/script/number.hpp"
#include "consensus/script/script.hpp"
#include "consensus/script/signature_encoding.hpp"

namespace cairn {
namespace {

/// A key count in a multisig: op_1 to op_16 or a minimal push, between `min` and `max`.
std::optional<int> read_count(const Instruction& instruction, int min, int max) {
    std::int64_t count = 0;
    if (is_small_integer(instruction.opcode)) {
        count = small_integer(instruction.opcode);
    } else if (instruction.opcode > Opcode::op_0 && is_push_data(instruction.opcode)) {
        if (!is_minimal_push(instruction.data, instruction.opcode)) return std::nullopt;
        const auto number = decode_script_number(instruction.data, true);
        if (!number) return std::nullopt;
        count = *number;
    } else {
        return std::nullopt;
    }
    if (count < min || count > max) return std::nullopt;
    return static_cast<int>(count);
}

struct Multisig {
    int required = 0;
    int keys = 0;
};

/// `parts`, when given, takes the keys.
std::optional<Multisig> match_multisig(ByteSpan script, std::vector<ByteSpan>* parts) {
    if (script.empty() || static_cast<Opcode>(script.back()) != Opcode::op_checkmultisig) return std::nullopt;
    ScriptReader reader(script);
    Instruction instruction;
    if (!reader.next(instruction)) return std::nullopt;
    const auto required = read_count(instruction, 1, kMaxPubkeysPerMultisig);
    if (!required) return std::nullopt;

    int keys = 0;
    for (;;) {
        if (!reader.next(instruction)) return std::nullopt;
        if (!is_plausible_pubkey(instruction.data)) break;
        if (++keys > kMaxPubkeysPerMultisig) return std::nullopt;
        if (parts != nullptr) parts->push_back(instruction.data);
    }
    const auto count = read_count(instruction, *required, kMaxPubkeysPerMultisig);
    if (!count || *count != keys || reader.position() + 1 != script.size()) return std::nullopt;
    return Multisig{*required, keys};
}

/// The key of a P2PK script; empty when it is not one.
ByteSpan match_pubkey(ByteSpan script) {
    if (script.size() != 35 && script.size() != 67) return {};
    if (script[0] + 2u != script.size() || static_cast<Opcode>(script.back()) != Opcode::op_checksig) return {};
    const ByteSpan key = script.subspan(1, script[0]);
    return is_plausible_pubkey(key) ? key : ByteSpan{};
}

OutputType program_type(ByteSpan script, const WitnessProgram& program) {
    if (program.version == 0) {
        if (program.program.size() == 20) return OutputType::witness_v0_keyhash;
        return program.program.size() == 32 ? OutputType::witness_v0_scripthash : OutputType::nonstandard;
    }
    if (program.version == 1 && program.program.size() == 32) return OutputType::witness_v1_taproot;
    return is_p2a(script) ? OutputType::anchor : OutputType::witness_unknown;
}

/// The type; fills in the parts when there is a solution to fill.
OutputType match(ByteSpan script, Solution* solution) {
    const auto found = [&](OutputType type, ByteSpan part) {
        if (solution != nullptr) solution->parts.push_back(part);
        return type;
    };
    if (is_p2sh(script)) return found(OutputType::scripthash, script.subspan(2, 20));
    if (const auto program = witness_program(script)) {
        const OutputType type = program_type(script, *program);
        if (type == OutputType::nonstandard || type == OutputType::anchor) return type;
        if (solution != nullptr) solution->witness_version = program->version;
        return found(type, program->program);
    }
    if (!script.empty() && static_cast<Opcode>(script[0]) == Opcode::op_return && is_push_only(script.subspan(1))) {
        return OutputType::nulldata;
    }
    if (const ByteSpan key = match_pubkey(script); !key.empty()) return found(OutputType::pubkey, key);
    if (is_p2pkh(script)) return found(OutputType::pubkeyhash, script.subspan(3, 20));
    if (const auto multisig = match_multisig(script, solution != nullptr ? &solution->parts : nullptr)) {
        if (solution != nullptr) solution->required = multisig->required;
        return OutputType::multisig;
    }
    if (solution != nullptr) solution->parts.clear();
    return OutputType::nonstandard;
}

}  // namespace

std::string_view to_string(OutputType type) {
    constexpr auto names = std::to_array<std::string_view>({
        "nonstandard",
        "anchor",
        "pubkey",
        "pubkeyhash",
        "scripthash",
        "multisig",
        "nulldata",
        "witness_v0_keyhash",
        "witness_v0_scripthash",
        "witness_v1_taproot",
        "witness_unknown",
    });
    return names[static_cast<std::size_t>(type)];
}

Solution solve(ByteSpan script) {
    Solution solution;
    solution.type = match(script, &solution);
    return solution;
}

OutputType classify(ByteSpan script) {
    return match(script, nullptr);
}

}  // namespace cairn
