#include "consensus/script/interpreter.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "consensus/base/hex.hpp"
#include "consensus/script/asm.hpp"
#include "consensus/script/detail/condition_stack.hpp"
#include "consensus/script/script.hpp"

namespace cairn {
namespace {

struct Outcome {
    ScriptError error;
    std::vector<std::string> stack;  ///< hex, bottom first
};

Outcome run_bytes(ByteSpan script, ScriptFlags flags = {}, SigVersion version = SigVersion::base) {
    ScriptStack stack;
    TaprootContext context;
    const ScriptError error = eval_script(stack, script, flags, SignatureChecker(), version, context);
    Outcome out{error, {}};
    for (const StackItem& item : stack) out.stack.push_back(to_hex(item.span()));
    return out;
}

Outcome run(std::string_view text, ScriptFlags flags = {}, SigVersion version = SigVersion::base) {
    const Bytes script = parse_script(text).value();
    return run_bytes(script, flags, version);
}

using Stack = std::vector<std::string>;

TEST(Interpreter, MovesItemsAsEachOpcodeSays) {
    const struct {
        const char* script;
        Stack stack;
    } cases[] = {
        {"1 2 2DUP", {"01", "02", "01", "02"}},
        {"1 2 3 3DUP", {"01", "02", "03", "01", "02", "03"}},
        {"1 2 3 4 2OVER", {"01", "02", "03", "04", "01", "02"}},
        {"1 2 3 4 5 6 2ROT", {"03", "04", "05", "06", "01", "02"}},
        {"1 2 3 4 2SWAP", {"03", "04", "01", "02"}},
        {"1 2 3 ROT", {"02", "03", "01"}},
        {"1 2 SWAP", {"02", "01"}},
        {"1 2 TUCK", {"02", "01", "02"}},
        {"1 2 NIP", {"02"}},
        {"1 2 OVER", {"01", "02", "01"}},
        {"7 8 9 2 PICK", {"07", "08", "09", "07"}},
        {"7 8 9 2 ROLL", {"08", "09", "07"}},
        {"1 IFDUP", {"01", "01"}},
        {"0 IFDUP", {""}},
        {"5 TOALTSTACK 6 FROMALTSTACK", {"06", "05"}},
        {"'abc' SIZE", {"616263", "03"}},
        {"1 2 DEPTH", {"01", "02", "02"}},
        {"1 2 2DROP", {}},
    };
    for (const auto& c : cases) {
        const Outcome result = run(c.script);
        EXPECT_EQ(result.error, ScriptError::ok) << c.script;
        EXPECT_EQ(result.stack, c.stack) << c.script;
    }
}

TEST(Interpreter, CalculatesWithSignedNumbers) {
    const struct {
        const char* script;
        const char* top;
    } cases[] = {
        {"2147483647 DUP ADD", "feffffff00"},
        {"-5 ABS", "05"},
        {"5 NEGATE", "85"},
        {"0 NOT", "01"},
        {"7 0NOTEQUAL", "01"},
        {"3 5 SUB", "82"},
        {"3 5 MIN", "03"},
        {"3 5 MAX", "05"},
        {"3 2 5 WITHIN", "01"},
        {"5 2 5 WITHIN", ""},
        {"1 1SUB", ""},
        {"-1 1ADD", ""},
        {"1 0 BOOLAND", ""},
        {"1 0 BOOLOR", "01"},
        {"2 2 NUMEQUAL", "01"},
        {"2 3 LESSTHAN", "01"},
    };
    for (const auto& c : cases) {
        const Outcome result = run(c.script);
        ASSERT_EQ(result.error, ScriptError::ok) << c.script;
        EXPECT_EQ(result.stack.back(), c.top) << c.script;
    }
    EXPECT_EQ(run("2147483647 DUP ADD 1ADD").error, ScriptError::scriptnum)
        << "a result may overflow, an operand may not";
}

TEST(Interpreter, ObeysItsLimits) {
    const auto repeated = [](Opcode opcode, std::size_t count) {
        return Bytes(count, static_cast<std::uint8_t>(opcode));
    };
    EXPECT_EQ(run_bytes(repeated(Opcode::op_nop, 201)).error, ScriptError::ok);
    EXPECT_EQ(run_bytes(repeated(Opcode::op_nop, 202)).error, ScriptError::op_count);
    EXPECT_EQ(run_bytes(repeated(Opcode::op_nop, 5000), {}, SigVersion::tapscript).error, ScriptError::ok);
    EXPECT_EQ(run_bytes(repeated(Opcode::op_1, 1000)).error, ScriptError::ok);
    EXPECT_EQ(run_bytes(repeated(Opcode::op_1, 1001)).error, ScriptError::stack_size);
    EXPECT_EQ(run_bytes(repeated(Opcode::op_1, 10001)).error, ScriptError::script_size);
    EXPECT_EQ(run_bytes(ScriptBuilder().push(Bytes(520)).take()).error, ScriptError::ok);
    EXPECT_EQ(run_bytes(ScriptBuilder().push(Bytes(521)).take()).error, ScriptError::push_size);
    EXPECT_EQ(run_bytes(ScriptBuilder().op(Opcode::op_0).op(Opcode::op_if).push(Bytes(521)).take()).error,
              ScriptError::push_size);
}

TEST(Interpreter, RefusesDisabledOpcodesEvenWhereTheyAreNotReached) {
    EXPECT_EQ(run("0 IF CAT ENDIF").error, ScriptError::disabled_opcode);
    EXPECT_EQ(run("0 IF VERIF ENDIF").error, ScriptError::bad_opcode);
    EXPECT_EQ(run("0 IF VER RESERVED 0xba ENDIF").error, ScriptError::ok);
    EXPECT_EQ(run("VER").error, ScriptError::bad_opcode);
    EXPECT_EQ(run("0 IF CODESEPARATOR ENDIF", ScriptFlag::const_scriptcode).error, ScriptError::op_codeseparator);
}

TEST(Interpreter, BalancesConditions) {
    EXPECT_EQ(run("1 IF").error, ScriptError::unbalanced_conditional);
    EXPECT_EQ(run("ELSE").error, ScriptError::unbalanced_conditional);
    EXPECT_EQ(run("ENDIF").error, ScriptError::unbalanced_conditional);
    EXPECT_EQ(run("1 IF 2 ELSE 3 ELSE 4 ENDIF").stack, (Stack{"02", "04"}));
    EXPECT_EQ(run("0 NOTIF 2 ELSE 3 ENDIF").stack, (Stack{"02"}));
    EXPECT_EQ(run("2 IF ENDIF", {}, SigVersion::tapscript).error, ScriptError::tapscript_minimalif);
    EXPECT_EQ(run("2 IF ENDIF", ScriptFlag::minimalif, SigVersion::witness_v0).error, ScriptError::minimalif);
    EXPECT_EQ(run("2 IF ENDIF", ScriptFlag::minimalif).error, ScriptError::ok);
}

TEST(Interpreter, HashesTheTop) {
    EXPECT_EQ(run("'abc' SHA256").stack[0], "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(run("'abc' SHA1").stack[0], "a9993e364706816aba3e25717850c26c9cd0d89d");
    EXPECT_EQ(run("'abc' RIPEMD160").stack[0], "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc");
    EXPECT_EQ(run("'abc' HASH256").stack[0], "4f8b42c22dd3729b519ba6f68d2da7cc5b2d606d05daed5ad5128cc03e6c6358");
    EXPECT_EQ(run("'abc' HASH160").stack[0], "bb1be98c142444d7a56aa3981c3942a978e4dc33");
}

TEST(Interpreter, AsksForItemsBeforeItTakesThem) {
    for (const char* script :
         {"DUP",         "1 2DUP",     "1 2 3DUP",      "1 2 3 2OVER",       "1 2 3 4 5 2ROT",
          "1 2 3 2SWAP", "1 2 ROT",    "1 ADD",         "1 2 WITHIN",        "SHA256",
          "1 EQUAL",     "1 PICK",     "5 1 PICK",      "5 -1 ROLL",         "VERIFY",
          "IF",          "1 CHECKSIG", "CHECKMULTISIG", "0 1 CHECKMULTISIG", "0 0 CHECKMULTISIG"}) {
        EXPECT_EQ(run(script).error, ScriptError::invalid_stack_operation) << script;
    }
    EXPECT_EQ(run("FROMALTSTACK").error, ScriptError::invalid_altstack_operation);
    EXPECT_EQ(run("1 2 0xba").error, ScriptError::bad_opcode);
    EXPECT_EQ(run("1 2 0xba", {}, SigVersion::tapscript).error, ScriptError::invalid_stack_operation);
    EXPECT_EQ(run("0 0 0 CHECKMULTISIG").stack, (Stack{"01"}));
}

TEST(CastToBool, NegativeZeroIsFalse) {
    for (const char* value : {"", "00", "80", "0000", "000080"}) EXPECT_FALSE(cast_to_bool(*from_hex(value))) << value;
    for (const char* value : {"01", "0100", "8000", "800080"}) EXPECT_TRUE(cast_to_bool(*from_hex(value))) << value;
}

TEST(ConditionStack, AgreesWithAStackOfBooleans) {
    std::uint64_t state = 1;
    for (int round = 0; round < 2000; ++round) {
        ConditionStack conditions;
        std::vector<bool> model;
        for (int step = 0; step < 40; ++step) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            const auto choice = state >> 60;
            if (choice < 8 || model.empty()) {
                conditions.push(choice % 2 == 0);
                model.push_back(choice % 2 == 0);
            } else if (choice < 12) {
                conditions.toggle();
                model.back() = !model.back();
            } else {
                conditions.pop();
                model.pop_back();
            }
            ASSERT_EQ(conditions.empty(), model.empty());
            ASSERT_EQ(conditions.all_true(), std::find(model.begin(), model.end(), false) == model.end());
        }
    }
}

}  // namespace
}  // namespace cairn
