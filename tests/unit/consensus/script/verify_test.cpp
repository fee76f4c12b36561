#include "consensus/script/verify.hpp"

#include <gtest/gtest.h>

#include "consensus/base/hex.hpp"
#include "consensus/script/asm.hpp"
#include "consensus/script/number.hpp"
#include "consensus/script/signature_encoding.hpp"
#include "tests/support/script_spend.hpp"
#include "tests/support/spend_builder.hpp"

namespace cairn {
namespace {

Bytes script(std::string_view text) {
    return parse_script(text).value();
}

TEST(ScriptFlags, NamesReadBack) {
    for (int i = 0; i < kScriptFlagCount; ++i) {
        const auto flag = static_cast<ScriptFlag>(i);
        EXPECT_EQ(parse_script_flags(script_flag_name(flag)), ScriptFlags(flag));
    }
    EXPECT_EQ(parse_script_flags(""), ScriptFlags());
    EXPECT_EQ(parse_script_flags("NONE"), ScriptFlags());
    EXPECT_EQ(parse_script_flags("WITNESS,P2SH"), ScriptFlag::witness | ScriptFlag::p2sh);
    EXPECT_FALSE(parse_script_flags("P2SH,"));
    EXPECT_FALSE(parse_script_flags("p2sh"));
    EXPECT_EQ(script_flag_names(ScriptFlag::witness | ScriptFlag::p2sh),
              (std::vector<std::string_view>{"P2SH", "WITNESS"}));
}

TEST(ScriptFlags, TrimAndFillMakeConsistentSets) {
    for (std::uint32_t bits = 0; bits < 1u << 12; ++bits) {
        const ScriptFlags flags = ScriptFlags::from_bits(bits);
        EXPECT_TRUE(is_consistent(trim_flags(flags)));
        EXPECT_TRUE(is_consistent(fill_flags(flags)));
        EXPECT_TRUE(flags.contains(trim_flags(flags)));
        EXPECT_TRUE(fill_flags(flags).contains(flags));
        if (is_consistent(flags)) {
            EXPECT_EQ(trim_flags(flags), flags);
            EXPECT_EQ(fill_flags(flags), flags);
        }
    }
}

TEST(ScriptError, NamesReadBackAndTextsAreCores) {
    for (int i = 0; i <= static_cast<int>(ScriptError::sig_findanddelete); ++i) {
        const auto error = static_cast<ScriptError>(i);
        EXPECT_EQ(script_error_by_name(script_error_name(error)), error);
        EXPECT_FALSE(to_string(error).empty());
    }
    EXPECT_EQ(to_string(ScriptError::sig_nullfail), "Signature must be zero for failed CHECK(MULTI)SIG operation");
}

TEST(ScriptNumber, RoundTripsAtTheEdges) {
    for (const std::int64_t value :
         {INT64_C(0), INT64_C(1), INT64_C(-1), INT64_C(127), INT64_C(128), INT64_C(-128), INT64_C(255), INT64_C(-255),
          INT64_C(256), INT64_C(32767), INT64_C(32768), INT64_C(2147483647), INT64_C(-2147483647), INT64_C(4294967295),
          INT64_C(1) << 38}) {
        EXPECT_EQ(decode_script_number(encode_script_number(value).span(), true, 8), value);
    }
    EXPECT_EQ(to_hex(encode_script_number(INT64_MIN).span()), "000000000000008080");
    EXPECT_FALSE(decode_script_number(*from_hex("80"), true));
    EXPECT_EQ(decode_script_number(*from_hex("80"), false), 0);
    EXPECT_EQ(decode_script_number(*from_hex("ff00"), true), 255);
    EXPECT_FALSE(decode_script_number(*from_hex("7f00"), true));
    EXPECT_FALSE(decode_script_number(Bytes(5, 1), false));
}

TEST(VerifyScript, P2shTakesTheRedeemScriptFromInsideTheStack) {
    // A redeem script of one byte, pushed by op_1: the item lives in the stack, not in a script.
    const Bytes redeem_script = *from_hex("01");
    const Bytes script_pubkey = make_p2sh(hash160(redeem_script));
    const test::ScriptSpend spend(script("1"), script_pubkey, {}, 0);
    EXPECT_EQ(spend.verify({}), ScriptError::ok);
    EXPECT_EQ(spend.verify(ScriptFlag::p2sh), ScriptError::bad_opcode);  // 01: a push without data
}

TEST(VerifyScript, WitnessIsUnexpectedWithoutAProgram) {
    const Bytes script_pubkey = script("1");
    const test::ScriptSpend spend({}, script_pubkey, {Bytes{1}}, 0);
    EXPECT_EQ(spend.verify(ScriptFlag::p2sh), ScriptError::ok);
    EXPECT_EQ(spend.verify(ScriptFlag::p2sh | ScriptFlag::witness), ScriptError::witness_unexpected);
}

TEST(VerifyScript, AnchorsAndUnknownProgramsPassButOnlyAnchorsArePolicy) {
    const ScriptFlags flags = kMandatoryScriptFlags | ScriptFlag::discourage_upgradable_witness_program;
    const Bytes anchor = make_witness_program(1, *from_hex("4e73"));
    const Bytes unknown = make_witness_program(1, *from_hex("4e74"));
    EXPECT_EQ(test::ScriptSpend({}, anchor, {}, 0).verify(flags), ScriptError::ok);
    EXPECT_EQ(test::ScriptSpend({}, unknown, {}, 0).verify(kMandatoryScriptFlags), ScriptError::ok);
    EXPECT_EQ(test::ScriptSpend({}, unknown, {}, 0).verify(flags), ScriptError::discourage_upgradable_witness_program);
}

TEST(VerifyScript, AProgramOfZerosIsAFalseValue) {
    const Bytes zeros = make_witness_program(1, Bytes(32));
    const test::ScriptSpend spend({}, zeros, {Bytes(64)}, 0);
    EXPECT_EQ(spend.verify(kMandatoryScriptFlags), ScriptError::eval_false);
    EXPECT_EQ(test::verify_by_rows(spend.tx->tx(), 0, kMandatoryScriptFlags, spend.precomputed),
              test::RowsVerdict::unknown);
}

TEST(TransactionSignatureChecker, ComparesLockTimesOfOneKind) {
    MutableTransaction tx;
    tx.inputs.push_back({OutPoint{}, {}, 10, {}});
    tx.outputs.push_back({});
    tx.lock_time = 100;
    const TransactionPtr by_height = tx.finish();
    const PrecomputedTxData none;
    const TransactionSignatureChecker checker(by_height->tx(), 0, 0, none);
    EXPECT_TRUE(checker.check_lock_time(100));
    EXPECT_FALSE(checker.check_lock_time(101));
    EXPECT_FALSE(checker.check_lock_time(kLockTimeThreshold));
    EXPECT_TRUE(checker.check_sequence(10));
    EXPECT_FALSE(checker.check_sequence(11));
    EXPECT_FALSE(checker.check_sequence(1 << 22)) << "a time against a number of blocks";
    EXPECT_TRUE(checker.check_sequence(10 | 1 << 23)) << "bits without meaning do not count";

    tx.inputs[0].sequence = TxInput::kFinalSequence;
    const TransactionPtr is_final = tx.finish();
    const TransactionSignatureChecker final_checker(is_final->tx(), 0, 0, none);
    EXPECT_FALSE(final_checker.check_lock_time(0));
    EXPECT_FALSE(final_checker.check_sequence(0));

    tx.inputs[0].sequence = 10;
    tx.version = 1;
    const TransactionPtr old_version = tx.finish();
    EXPECT_FALSE(TransactionSignatureChecker(old_version->tx(), 0, 0, none).check_sequence(0));
}

TEST(SignatureOracle, DecidesInsteadOfLibsecp) {
    class Always final : public SignatureOracle {
        bool verify_ecdsa(ByteSpan, ByteSpan, const Uint256&) const override { return true; }
    };
    test::SpendBuilder builder(7);
    builder.add({.kind = test::SpendKind::p2wpkh});
    builder.sign();
    builder.amount(0) ^= 1;  // breaks the signature
    const TransactionPtr tx = builder.tx().finish();
    const auto spent = builder.spent_outputs();
    const PrecomputedTxData precomputed(tx->tx(), spent);
    EXPECT_EQ(verify_input(tx->tx(), 0, kMandatoryScriptFlags, precomputed), ScriptError::eval_false);
    EXPECT_EQ(verify_input(tx->tx(), 0, kMandatoryScriptFlags, precomputed, Always()), ScriptError::ok);
}

TEST(PrecomputedTxData, CostsNothingWithoutAWitness) {
    test::SpendBuilder builder(8);
    builder.add({.kind = test::SpendKind::p2pkh});
    builder.sign();
    const TransactionPtr tx = builder.tx().finish();
    const auto spent = builder.spent_outputs();
    const PrecomputedTxData precomputed(tx->tx(), spent);
    EXPECT_FALSE(precomputed.bip143_ready());
    EXPECT_FALSE(precomputed.bip341_ready());
    EXPECT_EQ(verify_input(tx->tx(), 0, kMandatoryScriptFlags, precomputed), ScriptError::ok);
}

TEST(Sighash, SingleWithoutItsOutputIsTheNumberOne) {
    MutableTransaction tx;
    tx.inputs.resize(2);
    tx.outputs.resize(1);
    const TransactionPtr holder = tx.finish();
    const Uint256 hash = ecdsa_sighash(holder->tx(), 1, {}, kSighashSingle, 0, SigVersion::base);
    EXPECT_EQ(hash.to_display_hex(), std::string(63, '0') + "1");
    EXPECT_NE(ecdsa_sighash(holder->tx(), 1, {}, kSighashSingle, 0, SigVersion::witness_v0), hash);
}

TEST(FindAndDelete, RemovesOnlyWhatStartsAtAnInstruction) {
    Bytes storage;
    const auto result = [&](std::string_view text, std::string_view needle) {
        const Bytes bytes = *from_hex(text);
        return to_hex(find_and_delete(bytes, *from_hex(needle), storage));
    };
    EXPECT_EQ(result("5152", "51"), "52");
    EXPECT_EQ(result("515152", "51"), "52");
    EXPECT_EQ(result("0302ff03", "02ff03"), "0302ff03") << "inside a push";
    EXPECT_EQ(result("0302ff0302ff03", "0302ff03"), "02ff03");
    EXPECT_EQ(result("0302ff030302ff03", "02"), "0302ff030302ff03");
    EXPECT_EQ(result("0302ff030302ff03", "03"), "02ff0302ff03") << "the deletion shifts what an instruction is";
    EXPECT_EQ(result("02feed5169", "feed51"), "02feed5169");
    EXPECT_EQ(result("02feed02feed51", "02feed"), "51");
    EXPECT_EQ(result("5102aa", "02"), "51aa") << "where the script is broken, bytes are still compared";
    EXPECT_EQ(result("", "51"), "");
    EXPECT_EQ(result("51", ""), "51");
}

TEST(StrictDer, RefusesEveryChangedByteOfTheFrame) {
    const Bytes signature = *from_hex("300602010102010101");
    EXPECT_TRUE(is_strict_der(signature));
    for (const std::size_t at : {0, 1, 2, 3, 5, 6}) {
        Bytes changed = signature;
        changed[at] ^= 0x80;
        EXPECT_FALSE(is_strict_der(changed)) << at;
    }
    EXPECT_FALSE(is_strict_der(Bytes{}));
    EXPECT_EQ(check_signature_encoding({}, ScriptFlags::all()), ScriptError::ok);
}

}  // namespace
}  // namespace cairn
