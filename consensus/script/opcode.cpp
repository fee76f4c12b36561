#include "consensus/script/opcode.hpp"

#include <array>
#include <string>

namespace cairn {
namespace {

constexpr std::uint8_t kFirstNamed = 0x4c;

// Every opcode from op_pushdata1 to op_checksigadd, in order.
constexpr auto kNames = std::to_array<std::string_view>({
    "OP_PUSHDATA1",
    "OP_PUSHDATA2",
    "OP_PUSHDATA4",
    "-1",
    "OP_RESERVED",
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "8",
    "9",
    "10",
    "11",
    "12",
    "13",
    "14",
    "15",
    "16",
    "OP_NOP",
    "OP_VER",
    "OP_IF",
    "OP_NOTIF",
    "OP_VERIF",
    "OP_VERNOTIF",
    "OP_ELSE",
    "OP_ENDIF",
    "OP_VERIFY",
    "OP_RETURN",
    "OP_TOALTSTACK",
    "OP_FROMALTSTACK",
    "OP_2DROP",
    "OP_2DUP",
    "OP_3DUP",
    "OP_2OVER",
    "OP_2ROT",
    "OP_2SWAP",
    "OP_IFDUP",
    "OP_DEPTH",
    "OP_DROP",
    "OP_DUP",
    "OP_NIP",
    "OP_OVER",
    "OP_PICK",
    "OP_ROLL",
    "OP_ROT",
    "OP_SWAP",
    "OP_TUCK",
    "OP_CAT",
    "OP_SUBSTR",
    "OP_LEFT",
    "OP_RIGHT",
    "OP_SIZE",
    "OP_INVERT",
    "OP_AND",
    "OP_OR",
    "OP_XOR",
    "OP_EQUAL",
    "OP_EQUALVERIFY",
    "OP_RESERVED1",
    "OP_RESERVED2",
    "OP_1ADD",
    "OP_1SUB",
    "OP_2MUL",
    "OP_2DIV",
    "OP_NEGATE",
    "OP_ABS",
    "OP_NOT",
    "OP_0NOTEQUAL",
    "OP_ADD",
    "OP_SUB",
    "OP_MUL",
    "OP_DIV",
    "OP_MOD",
    "OP_LSHIFT",
    "OP_RSHIFT",
    "OP_BOOLAND",
    "OP_BOOLOR",
    "OP_NUMEQUAL",
    "OP_NUMEQUALVERIFY",
    "OP_NUMNOTEQUAL",
    "OP_LESSTHAN",
    "OP_GREATERTHAN",
    "OP_LESSTHANOREQUAL",
    "OP_GREATERTHANOREQUAL",
    "OP_MIN",
    "OP_MAX",
    "OP_WITHIN",
    "OP_RIPEMD160",
    "OP_SHA1",
    "OP_SHA256",
    "OP_HASH160",
    "OP_HASH256",
    "OP_CODESEPARATOR",
    "OP_CHECKSIG",
    "OP_CHECKSIGVERIFY",
    "OP_CHECKMULTISIG",
    "OP_CHECKMULTISIGVERIFY",
    "OP_NOP1",
    "OP_CHECKLOCKTIMEVERIFY",
    "OP_CHECKSEQUENCEVERIFY",
    "OP_NOP4",
    "OP_NOP5",
    "OP_NOP6",
    "OP_NOP7",
    "OP_NOP8",
    "OP_NOP9",
    "OP_NOP10",
    "OP_CHECKSIGADD",
});

static_assert(kNames.size() == static_cast<std::size_t>(Opcode::op_checksigadd) - kFirstNamed + 1);

}  // namespace

std::string_view opcode_name(Opcode opcode) {
    if (opcode == Opcode::op_0) return "0";
    if (opcode == Opcode::op_invalidopcode) return "OP_INVALIDOPCODE";
    const auto value = static_cast<std::uint8_t>(opcode);
    if (value < kFirstNamed || value - kFirstNamed >= static_cast<int>(kNames.size())) return "OP_UNKNOWN";
    return kNames[value - kFirstNamed];
}

std::optional<Opcode> opcode_by_name(std::string_view name) {
    constexpr std::string_view prefix = "OP_";
    if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
    for (unsigned value = kFirstNamed; value <= static_cast<unsigned>(kMaxOpcode); ++value) {
        const auto opcode = static_cast<Opcode>(value);
        if (opcode < Opcode::op_nop && opcode != Opcode::op_reserved) continue;
        if (opcode_name(opcode).substr(prefix.size()) == name) return opcode;
    }
    return std::nullopt;
}

}  // namespace cairn
