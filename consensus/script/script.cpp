#include "consensus/script/script.hpp"

#include <algorithm>

#include "consensus/base/check.hpp"
#include "consensus/base/codec.hpp"
#include "consensus/script/number.hpp"

namespace cairn {
namespace {

constexpr std::uint8_t byte_of(Opcode opcode) {
    return static_cast<std::uint8_t>(opcode);
}

/// True when the script is `before`, some 20 or 32 free bytes, `after`.
template <std::size_t N, std::size_t M>
bool matches(ByteSpan script, const std::uint8_t (&before)[N], std::size_t hole, const std::uint8_t (&after)[M]) {
    return script.size() == N + hole + M && std::equal(before, before + N, script.begin()) &&
           std::equal(after, after + M, script.begin() + N + hole);
}

bool starts_witness_program(ByteSpan script, Opcode version, std::uint8_t size) {
    return script.size() == size + 2u && script[0] == byte_of(version) && script[1] == size;
}

}  // namespace

bool ScriptReader::read_push(std::uint8_t byte, Instruction& out) {
    std::size_t size = byte;
    if (byte >= byte_of(Opcode::op_pushdata1)) {
        const std::size_t width = std::size_t{1} << (byte - byte_of(Opcode::op_pushdata1));
        if (script_.size() - position_ < width) return fail();
        size = 0;
        for (std::size_t i = width; i-- > 0;) size = size << 8 | script_[position_ + i];
        position_ += width;
    }
    if (script_.size() - position_ < size) return fail();
    out.data = script_.subspan(position_, size);
    position_ += size;
    return true;
}

ScriptBuilder& ScriptBuilder::push(ByteSpan data) {
    Writer writer(script_);
    if (data.size() < byte_of(Opcode::op_pushdata1)) {
        writer.u8(static_cast<std::uint8_t>(data.size()));
    } else if (data.size() <= 0xff) {
        op(Opcode::op_pushdata1);
        writer.u8(static_cast<std::uint8_t>(data.size()));
    } else if (data.size() <= 0xffff) {
        op(Opcode::op_pushdata2);
        writer.u16(static_cast<std::uint16_t>(data.size()));
    } else {
        op(Opcode::op_pushdata4);
        writer.u32(static_cast<std::uint32_t>(data.size()));
    }
    return raw(data);
}

ScriptBuilder& ScriptBuilder::number(std::int64_t value) {
    if (value >= 0 && value <= 16) return op(small_integer_opcode(static_cast<int>(value)));
    if (value == -1) return op(Opcode::op_1negate);
    return push(encode_script_number(value).span());
}

bool is_minimal_push(ByteSpan data, Opcode opcode) {
    const std::size_t size = data.size();
    if (size == 0) return opcode == Opcode::op_0;
    if (size == 1 && ((data[0] >= 1 && data[0] <= 16) || data[0] == 0x81)) return false;  // has an opcode of its own
    if (size < byte_of(Opcode::op_pushdata1)) return byte_of(opcode) == size;
    if (size <= 0xff) return opcode == Opcode::op_pushdata1;
    if (size <= 0xffff) return opcode == Opcode::op_pushdata2;
    return true;
}

bool is_push_only(ByteSpan script) {
    ScriptReader reader(script);
    Instruction instruction;
    while (reader.next(instruction)) {
        if (instruction.opcode > Opcode::op_16) return false;
    }
    return !reader.malformed();
}

bool has_valid_ops(ByteSpan script) {
    ScriptReader reader(script);
    Instruction instruction;
    while (reader.next(instruction)) {
        if (instruction.opcode > kMaxOpcode || instruction.data.size() > kMaxScriptElementSize) return false;
    }
    return !reader.malformed();
}

std::optional<WitnessProgram> witness_program(ByteSpan script) {
    if (script.size() < 4 || script.size() > 42 || script[1] + 2u != script.size()) return std::nullopt;
    const auto version = static_cast<Opcode>(script[0]);
    if (version != Opcode::op_0 && !is_small_integer(version)) return std::nullopt;
    return WitnessProgram{small_integer(version), script.subspan(2)};
}

bool is_p2pkh(ByteSpan script) {
    return matches(script, {byte_of(Opcode::op_dup), byte_of(Opcode::op_hash160), 20}, 20,
                   {byte_of(Opcode::op_equalverify), byte_of(Opcode::op_checksig)});
}

bool is_p2sh(ByteSpan script) {
    return matches(script, {byte_of(Opcode::op_hash160), 20}, 20, {byte_of(Opcode::op_equal)});
}

bool is_p2wpkh(ByteSpan script) {
    return starts_witness_program(script, Opcode::op_0, 20);
}

bool is_p2wsh(ByteSpan script) {
    return starts_witness_program(script, Opcode::op_0, 32);
}

bool is_p2tr(ByteSpan script) {
    return starts_witness_program(script, Opcode::op_1, 32);
}

bool is_p2a(ByteSpan script) {
    return starts_witness_program(script, Opcode::op_1, 2) && script[2] == 0x4e && script[3] == 0x73;
}

bool is_witness_commitment(ByteSpan script) {
    constexpr std::uint8_t start[] = {byte_of(Opcode::op_return), 0x24, 0xaa, 0x21, 0xa9, 0xed};
    return script.size() >= 38 && std::equal(std::begin(start), std::end(start), script.begin());
}

Bytes make_p2pk(ByteSpan pubkey) {
    return ScriptBuilder().push(pubkey).op(Opcode::op_checksig).take();
}

Bytes make_p2pkh(ByteSpan key_hash) {
    return ScriptBuilder()
        .op(Opcode::op_dup)
        .op(Opcode::op_hash160)
        .push(key_hash)
        .op(Opcode::op_equalverify)
        .op(Opcode::op_checksig)
        .take();
}

Bytes make_p2sh(ByteSpan script_hash) {
    return ScriptBuilder().op(Opcode::op_hash160).push(script_hash).op(Opcode::op_equal).take();
}

Bytes make_witness_program(int version, ByteSpan program) {
    CAIRN_CHECK(version >= 0 && version <= 16 && program.size() >= 2 && program.size() <= 40);
    return ScriptBuilder().op(small_integer_opcode(version)).push(program).take();
}

Bytes make_multisig(int required, std::span<const ByteSpan> pubkeys) {
    ScriptBuilder builder;
    builder.number(required);
    for (const ByteSpan pubkey : pubkeys) builder.push(pubkey);
    return builder.number(static_cast<std::int64_t>(pubkeys.size())).op(Opcode::op_checkmultisig).take();
}

}  // namespace cairn
