#pragma once

#include <array>
#include <optional>

#include "consensus/base/bytes.hpp"
#include "consensus/script/opcode.hpp"

namespace cairn {

inline constexpr std::size_t kMaxScriptElementSize = 520;  ///< bytes one push may carry
inline constexpr int kMaxOpsPerScript = 201;               ///< opcodes above op_16, outside tapscript
inline constexpr int kMaxPubkeysPerMultisig = 20;
inline constexpr std::size_t kMaxScriptSize = 10'000;  ///< bytes, outside tapscript
inline constexpr std::size_t kMaxStackSize = 1'000;    ///< items of both stacks
inline constexpr std::uint32_t kLockTimeThreshold =
    500'000'000;  ///< from here on a lock time is a time, below a height

/// An opcode and what it pushes.
struct Instruction {
    Opcode opcode = Opcode::op_invalidopcode;
    ByteSpan data;
};

/// Steps through a script it does not own.
class ScriptReader {
public:
    explicit ScriptReader(ByteSpan script) : script_(script) {}

    bool at_end() const { return malformed_ || position_ >= script_.size(); }
    /// The next instruction; false at the end and when a push reaches beyond it (malformed() tells which).
    bool next(Instruction& out) {
        if (at_end()) return false;
        const std::uint8_t byte = script_[position_++];
        out.opcode = static_cast<Opcode>(byte);
        out.data = {};
        if (byte > static_cast<std::uint8_t>(Opcode::op_pushdata4)) return true;
        return read_push(byte, out);
    }
    bool malformed() const { return malformed_; }
    /// Bytes before the next instruction; after a push that reaches beyond the end, the bytes up to its missing data.
    std::size_t position() const { return position_; }

private:
    bool read_push(std::uint8_t byte, Instruction& out);
    bool fail() {
        malformed_ = true;
        return false;
    }

    ByteSpan script_;
    std::size_t position_ = 0;
    bool malformed_ = false;
};

/// Writes a script.
class ScriptBuilder {
public:
    ScriptBuilder() = default;

    ScriptBuilder& op(Opcode opcode) {
        script_.push_back(static_cast<std::uint8_t>(opcode));
        return *this;
    }
    /// Data behind the shortest length prefix; never op_1 to op_16 or op_1negate.
    ScriptBuilder& push(ByteSpan data);
    /// A number: op_0, op_1negate, op_1 to op_16 where possible, its shortest encoding otherwise.
    ScriptBuilder& number(std::int64_t value);
    /// Script bytes as they are.
    ScriptBuilder& raw(ByteSpan bytes) {
        script_.insert(script_.end(), bytes.begin(), bytes.end());
        return *this;
    }

    const Bytes& script() const { return script_; }
    Bytes take() { return std::move(script_); }

private:
    Bytes script_;
};

/// True when `opcode` is the shortest way to push `data`; `opcode` is one that is_push_data.
bool is_minimal_push(ByteSpan data, Opcode opcode);
/// True when the script consists of pushes (op_reserved counts as one) and is well formed.
bool is_push_only(ByteSpan script);
/// True when every instruction is complete, at most kMaxOpcode, and pushes at most kMaxScriptElementSize bytes.
bool has_valid_ops(ByteSpan script);
/// True when nothing can ever spend it: it starts with op_return or is too long. Such outputs are no coins.
inline bool is_unspendable(ByteSpan script) {
    return (!script.empty() && script[0] == static_cast<std::uint8_t>(Opcode::op_return)) ||
           script.size() > kMaxScriptSize;
}

/// BIP141: a version and 2 to 40 bytes.
struct WitnessProgram {
    int version = 0;
    ByteSpan program;
};
std::optional<WitnessProgram> witness_program(ByteSpan script);

bool is_p2pkh(ByteSpan script);
bool is_p2sh(ByteSpan script);
bool is_p2wpkh(ByteSpan script);
bool is_p2wsh(ByteSpan script);
bool is_p2tr(ByteSpan script);
bool is_p2a(ByteSpan script);
/// BIP141's commitment in a coinbase output: op_return, push of 36 bytes, aa21a9ed.
bool is_witness_commitment(ByteSpan script);

Bytes make_p2pk(ByteSpan pubkey);
Bytes make_p2pkh(ByteSpan key_hash);
Bytes make_p2sh(ByteSpan script_hash);
/// Version 0 to 16, program of 2 to 40 bytes.
Bytes make_witness_program(int version, ByteSpan program);
Bytes make_multisig(int required, std::span<const ByteSpan> pubkeys);

}  // namespace cairn
