#include "consensus/script/script.hpp"

#include <gtest/gtest.h>

#include "consensus/base/hex.hpp"
#include "consensus/script/asm.hpp"
#include "consensus/script/sigops.hpp"
#include "consensus/script/solver.hpp"

namespace cairn {
namespace {

Bytes script(std::string_view text) {
    return parse_script(text).value();
}
Bytes hex(std::string_view text) {
    return from_hex(text).value();
}

const Bytes kKeyA = hex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798");
const Bytes kKeyB = hex("02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5");

TEST(Opcode, NamesReadBackExceptNumbersAndPushes) {
    for (int value = static_cast<int>(Opcode::op_nop); value <= static_cast<int>(kMaxOpcode); ++value) {
        const auto opcode = static_cast<Opcode>(value);
        EXPECT_EQ(opcode_by_name(opcode_name(opcode)), opcode) << value;
        EXPECT_EQ(opcode_by_name(opcode_name(opcode).substr(3)), opcode) << value;
    }
    EXPECT_EQ(opcode_name(Opcode::op_16), "16");
    EXPECT_EQ(opcode_name(Opcode::op_1negate), "-1");
    EXPECT_EQ(opcode_name(Opcode::op_checksigadd), "OP_CHECKSIGADD");
    EXPECT_EQ(opcode_name(static_cast<Opcode>(0xbb)), "OP_UNKNOWN");
    EXPECT_EQ(opcode_name(static_cast<Opcode>(0x05)), "OP_UNKNOWN");
    EXPECT_FALSE(opcode_by_name("PUSHDATA1"));
    EXPECT_FALSE(opcode_by_name("CHECKSIGADD"));
    EXPECT_FALSE(opcode_by_name(""));
}

TEST(ScriptReader, StopsAtPushesThatReachBeyondTheEnd) {
    for (const std::string_view text : {"02aa", "4c", "4c05aa", "4d01", "4dffffaa", "4e010000", "4effffffffaa"}) {
        const Bytes bytes = hex(text);
        ScriptReader reader(bytes);
        Instruction instruction;
        EXPECT_FALSE(reader.next(instruction)) << text;
        EXPECT_TRUE(reader.malformed()) << text;
        EXPECT_TRUE(reader.at_end()) << text;
        EXPECT_FALSE(is_push_only(bytes)) << text;
        EXPECT_FALSE(has_valid_ops(bytes)) << text;
    }
}

TEST(ScriptBuilder, ChoosesTheShortestPush) {
    for (const std::size_t size : {0u, 1u, 75u, 76u, 255u, 256u, 65535u, 65536u}) {
        const Bytes data(size, 0xee);
        const Bytes bytes = ScriptBuilder().push(data).take();
        ScriptReader reader(bytes);
        Instruction instruction;
        ASSERT_TRUE(reader.next(instruction));
        EXPECT_EQ(to_bytes(instruction.data), data);
        EXPECT_TRUE(is_minimal_push(instruction.data, instruction.opcode)) << size;
    }
    EXPECT_EQ(ScriptBuilder().number(-1).number(0).number(16).number(17).number(-255).take(), hex("4f00600111"
                                                                                                  "02ff80"));
}

TEST(MinimalPush, DemandsTheOpcodeThatANumberHas) {
    EXPECT_FALSE(is_minimal_push(hex("01"), static_cast<Opcode>(1)));
    EXPECT_FALSE(is_minimal_push(hex("10"), static_cast<Opcode>(1)));
    EXPECT_FALSE(is_minimal_push(hex("81"), static_cast<Opcode>(1)));
    EXPECT_TRUE(is_minimal_push(hex("11"), static_cast<Opcode>(1)));
    EXPECT_TRUE(is_minimal_push(hex("00"), static_cast<Opcode>(1)));
    EXPECT_FALSE(is_minimal_push(Bytes(75), Opcode::op_pushdata1));
    EXPECT_FALSE(is_minimal_push(Bytes(255), Opcode::op_pushdata2));
    EXPECT_FALSE(is_minimal_push(Bytes(300), Opcode::op_pushdata4));
}

TEST(WitnessProgram, HasAVersionAndTwoToFortyBytes) {
    EXPECT_TRUE(witness_program(make_witness_program(0, Bytes(2))));
    EXPECT_TRUE(witness_program(make_witness_program(16, Bytes(40))));
    EXPECT_FALSE(witness_program(hex("0001aa")));
    EXPECT_FALSE(witness_program(ScriptBuilder().op(Opcode::op_1).push(Bytes(41)).take()));
    EXPECT_FALSE(witness_program(hex("4f02aaaa")));
    EXPECT_FALSE(witness_program(hex("5102aaaaaa")));
    EXPECT_EQ(witness_program(make_witness_program(7, Bytes(4)))->version, 7);
}

TEST(Unspendable, IsOpReturnOrTooLong) {
    EXPECT_TRUE(is_unspendable(hex("6a")));
    EXPECT_FALSE(is_unspendable(hex("516a")));
    EXPECT_FALSE(is_unspendable(Bytes{}));
    EXPECT_FALSE(is_unspendable(Bytes(kMaxScriptSize, 0x51)));
    EXPECT_TRUE(is_unspendable(Bytes(kMaxScriptSize + 1, 0x51)));
}

TEST(WitnessCommitment, MayBeLongerThanNeeded) {
    Bytes commitment = hex("6a24aa21a9ed");
    commitment.resize(37);
    EXPECT_FALSE(is_witness_commitment(commitment));
    commitment.resize(38);
    EXPECT_TRUE(is_witness_commitment(commitment));
    commitment.resize(60);
    EXPECT_TRUE(is_witness_commitment(commitment));
    commitment[5] ^= 1;
    EXPECT_FALSE(is_witness_commitment(commitment));
}

TEST(Solver, KnowsTheShapesOfOutputs) {
    const std::vector<ByteSpan> keys{kKeyA, kKeyB};
    const struct {
        Bytes script;
        OutputType type;
        std::size_t parts;
    } cases[] = {
        {make_p2pk(kKeyA), OutputType::pubkey, 1},
        {make_p2pkh(Bytes(20)), OutputType::pubkeyhash, 1},
        {make_p2sh(Bytes(20)), OutputType::scripthash, 1},
        {make_multisig(2, keys), OutputType::multisig, 2},
        {script("RETURN"), OutputType::nulldata, 0},
        {script("RETURN 'data' 5 RESERVED"), OutputType::nulldata, 0},
        {script("RETURN ADD"), OutputType::nonstandard, 0},
        {make_witness_program(0, Bytes(20)), OutputType::witness_v0_keyhash, 1},
        {make_witness_program(0, Bytes(32)), OutputType::witness_v0_scripthash, 1},
        {make_witness_program(0, Bytes(16)), OutputType::nonstandard, 0},
        {make_witness_program(1, Bytes(32)), OutputType::witness_v1_taproot, 1},
        {make_witness_program(1, hex("4e73")), OutputType::anchor, 0},
        {make_witness_program(1, Bytes(20)), OutputType::witness_unknown, 1},
        {make_witness_program(2, Bytes(32)), OutputType::witness_unknown, 1},
        {script("1 1 CHECKMULTISIG"), OutputType::nonstandard, 0},
        {make_multisig(3, keys), OutputType::nonstandard, 0},
        {Bytes{}, OutputType::nonstandard, 0},
        {script("1"), OutputType::nonstandard, 0},
    };
    for (const auto& c : cases) {
        const Solution solution = solve(c.script);
        EXPECT_EQ(to_string(solution.type), to_string(c.type)) << to_hex(c.script);
        EXPECT_EQ(classify(c.script), c.type);
        EXPECT_EQ(solution.parts.size(), c.parts) << to_hex(c.script);
    }
    EXPECT_EQ(solve(make_multisig(2, keys)).required, 2);
    EXPECT_EQ(solve(make_witness_program(5, Bytes(9))).witness_version, 5);
}

TEST(Solver, ReadsMultisigsOfMoreThanSixteenKeys) {
    const std::vector<ByteSpan> keys(20, kKeyA);
    const Solution solution = solve(make_multisig(17, keys));
    EXPECT_EQ(solution.type, OutputType::multisig);
    EXPECT_EQ(solution.required, 17);
    EXPECT_EQ(classify(make_multisig(1, std::vector<ByteSpan>(21, kKeyA))), OutputType::nonstandard);
}

TEST(Sigops, CountMultisigAsTwentyUnlessItSaysOtherwise) {
    const std::vector<ByteSpan> keys{kKeyA, kKeyB};
    const Bytes multisig = make_multisig(1, keys);
    EXPECT_EQ(count_sigops(multisig, false), 20);
    EXPECT_EQ(count_sigops(multisig, true), 2);
    EXPECT_EQ(count_sigops(script("CHECKSIG CHECKSIGVERIFY CHECKMULTISIGVERIFY"), true), 22);
    EXPECT_EQ(count_sigops(hex("ac02aa"), false), 1) << "counting stops where the script is broken";

    const Bytes p2sh = make_p2sh(Bytes(20));
    EXPECT_EQ(count_p2sh_sigops(p2sh, ScriptBuilder().op(Opcode::op_0).push(multisig).take()), 2);
    EXPECT_EQ(count_p2sh_sigops(p2sh, ScriptBuilder().op(Opcode::op_dup).push(multisig).take()), 0);
    EXPECT_EQ(count_p2sh_sigops(multisig, ScriptBuilder().push(multisig).take()), 0);
    EXPECT_EQ(count_p2sh_sigops(p2sh, Bytes{}), 0);
}

TEST(Sigops, CountWitnessProgramsBareAndInP2sh) {
    const Bytes multisig = make_multisig(1, std::vector<ByteSpan>{kKeyA, kKeyB});
    const std::vector<ByteSpan> witness{multisig};
    const Bytes p2wpkh = make_witness_program(0, Bytes(20));
    const Bytes p2wsh = make_witness_program(0, Bytes(32));
    const Bytes p2sh = make_p2sh(Bytes(20));
    const ScriptFlags on = ScriptFlag::witness | ScriptFlag::p2sh;
    EXPECT_EQ(count_witness_sigops({}, p2wpkh, {}, on), 1);
    EXPECT_EQ(count_witness_sigops({}, p2wsh, witness, on), 2);
    EXPECT_EQ(count_witness_sigops({}, p2wsh, {}, on), 0);
    EXPECT_EQ(count_witness_sigops({}, p2wsh, witness, ScriptFlag::p2sh), 0);
    EXPECT_EQ(count_witness_sigops(ScriptBuilder().push(p2wsh).take(), p2sh, witness, on), 2);
    EXPECT_EQ(count_witness_sigops(ScriptBuilder().op(Opcode::op_nop).push(p2wsh).take(), p2sh, witness, on), 0);
    EXPECT_EQ(count_witness_sigops({}, make_witness_program(1, Bytes(32)), witness, on), 0);
}

TEST(Asm, ShowsNumbersHexNamesAndErrors) {
    EXPECT_EQ(script_to_asm(hex("0051604f76a914000102030405060708090a0b0c0d0e0f1011121388ac")),
              "0 1 16 -1 OP_DUP OP_HASH160 000102030405060708090a0b0c0d0e0f10111213 OP_EQUALVERIFY OP_CHECKSIG");
    EXPECT_EQ(script_to_asm(hex("04ffffffff")), "-2147483647");
    EXPECT_EQ(script_to_asm(hex("020000")), "0");
    EXPECT_EQ(script_to_asm(hex("5102aa")), "1 [error]");
    EXPECT_EQ(script_to_asm(hex("bbff")), "OP_UNKNOWN OP_INVALIDOPCODE");
    EXPECT_EQ(script_to_asm(Bytes{}), "");
}

TEST(Asm, DecodesHashTypesOfSignaturesOnlyWhenAsked) {
    const std::string signature = "300602010102010181";
    const Bytes bytes = hex("09" + signature);
    EXPECT_EQ(script_to_asm(bytes), signature);
    EXPECT_EQ(script_to_asm(bytes, true), "3006020101020101[ALL|ANYONECANPAY]");
    EXPECT_EQ(script_to_asm(hex("6a09" + signature), true), "OP_RETURN " + signature);
}

TEST(ParseScript, SaysWhatIsWrong) {
    EXPECT_EQ(script("0x51 0x0102 'ab' -1 1000 NOP\tOP_DUP\n16"), hex("5101020261624f02e8036176"
                                                                      "60"));
    EXPECT_EQ(parse_script("NOSUCH").error(), "script parse error: unknown opcode");
    EXPECT_EQ(parse_script("4294967296").error(),
              "script parse error: decimal numeric value only allowed in the range -0xFFFFFFFF...0xFFFFFFFF");
    EXPECT_FALSE(parse_script("99999999999999999999"));
    EXPECT_FALSE(parse_script("0x"));
    EXPECT_FALSE(parse_script("0xabc"));
    EXPECT_TRUE(parse_script("   ").value().empty());
}

}  // namespace
}  // namespace cairn
