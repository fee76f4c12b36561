#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace cairn {

/// One byte of script. Values 0x01 to 0x4b have no name: they push that many bytes.
enum class Opcode : std::uint8_t {
    // Values
    op_0 = 0x00,
    op_pushdata1 = 0x4c,
    op_pushdata2 = 0x4d,
    op_pushdata4 = 0x4e,
    op_1negate = 0x4f,
    op_reserved = 0x50,
    op_1 = 0x51,
    op_2,
    op_3,
    op_4,
    op_5,
    op_6,
    op_7,
    op_8,
    op_9,
    op_10,
    op_11,
    op_12,
    op_13,
    op_14,
    op_15,
    op_16 = 0x60,

    // Flow
    op_nop = 0x61,
    op_ver,
    op_if,
    op_notif,
    op_verif,
    op_vernotif,
    op_else,
    op_endif,
    op_verify,
    op_return = 0x6a,

    // Stack
    op_toaltstack = 0x6b,
    op_fromaltstack,
    op_2drop,
    op_2dup,
    op_3dup,
    op_2over,
    op_2rot,
    op_2swap,
    op_ifdup,
    op_depth,
    op_drop,
    op_dup,
    op_nip,
    op_over,
    op_pick,
    op_roll,
    op_rot,
    op_swap,
    op_tuck = 0x7d,

    // Bytes and bits
    op_cat = 0x7e,
    op_substr,
    op_left,
    op_right,
    op_size,
    op_invert,
    op_and,
    op_or,
    op_xor,
    op_equal,
    op_equalverify,
    op_reserved1,
    op_reserved2 = 0x8a,

    // Numbers
    op_1add = 0x8b,
    op_1sub,
    op_2mul,
    op_2div,
    op_negate,
    op_abs,
    op_not,
    op_0notequal,
    op_add,
    op_sub,
    op_mul,
    op_div,
    op_mod,
    op_lshift,
    op_rshift,
    op_booland,
    op_boolor,
    op_numequal,
    op_numequalverify,
    op_numnotequal,
    op_lessthan,
    op_greaterthan,
    op_lessthanorequal,
    op_greaterthanorequal,
    op_min,
    op_max,
    op_within = 0xa5,

    // Hashes and signatures
    op_ripemd160 = 0xa6,
    op_sha1,
    op_sha256,
    op_hash160,
    op_hash256,
    op_codeseparator,
    op_checksig,
    op_checksigverify,
    op_checkmultisig,
    op_checkmultisigverify = 0xaf,

    // Expansion
    op_nop1 = 0xb0,
    op_checklocktimeverify,  ///< once NOP2 (BIP65)
    op_checksequenceverify,  ///< once NOP3 (BIP112)
    op_nop4,
    op_nop5,
    op_nop6,
    op_nop7,
    op_nop8,
    op_nop9,
    op_nop10 = 0xb9,

    op_checksigadd = 0xba,  ///< BIP342
    op_invalidopcode = 0xff,
};

/// The highest opcode that has a meaning outside tapscript.
inline constexpr Opcode kMaxOpcode = Opcode::op_nop10;

constexpr bool operator<(Opcode a, Opcode b) {
    return static_cast<std::uint8_t>(a) < static_cast<std::uint8_t>(b);
}
constexpr bool operator>(Opcode a, Opcode b) {
    return b < a;
}
constexpr bool operator<=(Opcode a, Opcode b) {
    return !(b < a);
}
constexpr bool operator>=(Opcode a, Opcode b) {
    return !(a < b);
}

/// True for op_0, direct pushes and the three PUSHDATA forms: opcodes that carry data (or nothing, for op_0).
constexpr bool is_push_data(Opcode opcode) {
    return opcode <= Opcode::op_pushdata4;
}
/// True for op_1 to op_16.
constexpr bool is_small_integer(Opcode opcode) {
    return opcode >= Opcode::op_1 && opcode <= Opcode::op_16;
}
/// The number that op_0 and op_1 to op_16 push.
constexpr int small_integer(Opcode opcode) {
    return opcode == Opcode::op_0 ? 0 : static_cast<int>(opcode) - static_cast<int>(Opcode::op_1) + 1;
}
/// The opcode that pushes `number`, 0 to 16.
constexpr Opcode small_integer_opcode(int number) {
    return number == 0 ? Opcode::op_0 : static_cast<Opcode>(static_cast<int>(Opcode::op_1) + number - 1);
}
/// True for the opcodes that make a tapscript succeed at once (BIP342).
constexpr bool is_op_success(Opcode opcode) {
    const auto value = static_cast<unsigned>(opcode);
    return value == 80 || value == 98 || (value >= 126 && value <= 129) || (value >= 131 && value <= 134) ||
           (value >= 137 && value <= 138) || (value >= 141 && value <= 142) || (value >= 149 && value <= 153) ||
           (value >= 187 && value <= 254);
}

/// As RPC shows it: "0", "-1", "16", "OP_DUP", …; "OP_UNKNOWN" for what has no name.
std::string_view opcode_name(Opcode opcode);
/// By name with or without "OP_"; neither numbers nor direct pushes have a name here. nullopt when unknown.
std::optional<Opcode> opcode_by_name(std::string_view name);

}  // namespace cairn
