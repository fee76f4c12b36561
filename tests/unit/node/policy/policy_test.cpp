#include "node/policy/policy.hpp"

#include <gtest/gtest.h>

#include "tests/unit/node/policy/policy_cases.hpp"

namespace cairn::node {
namespace {

using test::debug;
using test::filled;
using test::PolicyCase;
using test::token;

TEST(Standard, TakesVersionsOneToThree) {
    PolicyCase c;
    for (const std::uint32_t version : {1u, 2u, 3u}) {
        c.tx.version = version;
        EXPECT_EQ(token(c.standard()), "ok") << version;
    }
    for (const std::uint32_t version : {0u, 4u, 0xffffffffu}) {
        c.tx.version = version;
        EXPECT_EQ(token(c.standard()), "version") << version;
    }
}

TEST(Standard, TakesFourHundredThousandWeightUnits) {
    PolicyCase c;
    c.tx.inputs[0].witness = {filled(1)};
    const std::int64_t base = c.tx.finish()->tx().weight() - 1;
    c.tx.inputs[0].witness = {filled(static_cast<std::size_t>(kMaxStandardWeight - base - 4))};  // its length takes four more bytes
    ASSERT_EQ(c.tx.finish()->tx().weight(), kMaxStandardWeight);
    EXPECT_EQ(token(c.standard()), "ok");
    c.tx.inputs[0].witness[0].push_back(1);
    EXPECT_EQ(token(c.standard()), "tx-size");
}

TEST(Standard, BoundsInputScripts) {
    PolicyCase c;
    c.tx.inputs[0].script_sig = Bytes(kMaxStandardScriptSigSize, 0x51);
    EXPECT_EQ(token(c.standard()), "ok");
    c.tx.inputs[0].script_sig.push_back(0x51);
    EXPECT_EQ(token(c.standard()), "scriptsig-size");
    c.tx.inputs[0].script_sig = {0x61};  // op_nop
    EXPECT_EQ(token(c.standard()), "scriptsig-not-pushonly");
    c.tx.inputs[0].script_sig = {0x05, 0x01};  // a push that reaches beyond the end
    EXPECT_EQ(token(c.standard()), "scriptsig-not-pushonly");
}

TEST(Standard, KnowsOutputForms) {
    const auto verdict = [](Bytes script) {
        PolicyCase c;
        c.tx.outputs[0].script_pubkey = std::move(script);
        return token(c.standard());
    };
    EXPECT_EQ(verdict(make_p2pkh(filled(20))), "ok");
    EXPECT_EQ(verdict(make_p2sh(filled(20))), "ok");
    EXPECT_EQ(verdict(make_witness_program(0, filled(32))), "ok");
    EXPECT_EQ(verdict(make_witness_program(1, filled(32))), "ok");
    EXPECT_EQ(verdict(make_witness_program(1, filled(2))), "ok") << "unknown programs may be paid to";
    EXPECT_EQ(verdict(make_witness_program(16, filled(40))), "ok");
    EXPECT_EQ(verdict(Bytes{0x51, 0x02, 0x4e, 0x73}), "ok") << "P2A";
    EXPECT_EQ(verdict(make_witness_program(0, filled(21))), "scriptpubkey") << "version 0 has two lengths";
    EXPECT_EQ(verdict({}), "scriptpubkey");
    EXPECT_EQ(verdict(Bytes{0x51}), "scriptpubkey");
}

TEST(Standard, TakesBareMultisigOfUpToThreeKeys) {
    PolicyCase c;
    for (const auto& [required, keys] : {std::pair{1, 1}, {1, 2}, {2, 3}, {3, 3}}) {
        c.tx.outputs[0].script_pubkey = test::multisig_script(required, keys);
        EXPECT_EQ(token(c.standard()), "ok") << required << " of " << keys;
    }
    c.tx.outputs[0].script_pubkey = test::multisig_script(1, 4);
    EXPECT_EQ(token(c.standard()), "scriptpubkey");
    c.options.permit_bare_multisig = false;
    EXPECT_EQ(token(c.standard()), "scriptpubkey");
    c.tx.outputs[0].script_pubkey = test::multisig_script(1, 3);
    EXPECT_EQ(token(c.standard()), "bare-multisig");
}

TEST(Standard, CountsDataOfAllOutputsTogether) {
    PolicyCase c;
    c.options.datacarrier_bytes = 100;
    c.tx.outputs.push_back({0, test::op_return_script(60)});
    c.tx.outputs.push_back({0, test::op_return_script(40)});
    EXPECT_EQ(token(c.standard()), "ok");
    c.tx.outputs.push_back({0, test::op_return_script(1)});
    EXPECT_EQ(token(c.standard()), "datacarrier");
    c.options.datacarrier_bytes.reset();
    c.tx.outputs.resize(1);
    EXPECT_EQ(token(c.standard()), "ok");
    c.tx.outputs.push_back({0, test::op_return_script(1)});
    EXPECT_EQ(token(c.standard()), "datacarrier");
}

TEST(Standard, AllowsOneDustOutput) {
    PolicyCase c;
    c.tx.outputs.push_back({293, test::p2wpkh_script()});
    EXPECT_EQ(token(c.standard()), "ok");
    c.tx.outputs.push_back({293, test::p2wpkh_script()});
    EXPECT_EQ(token(c.standard()), "dust");
    c.tx.outputs[2].value = 294;
    EXPECT_EQ(token(c.standard()), "ok");
}

TEST(Standard, NeedsMoreThanAMerkleNodesSize) {
    PolicyCase c;
    c.tx.outputs[0].script_pubkey = test::op_return_script(4);  // 10 + 41 + 9 + 4
    ASSERT_EQ(c.tx.finish()->tx().stripped_size, 64u);
    EXPECT_EQ(token(check_nonwitness_size(c.tx.finish()->tx())), "tx-size-small");
    c.tx.outputs[0].script_pubkey = test::op_return_script(5);
    EXPECT_EQ(token(check_nonwitness_size(c.tx.finish()->tx())), "ok");
}

TEST(StandardInputs, SaysWhatIsWrongWithWhich) {
    PolicyCase c;
    EXPECT_EQ(token(c.inputs()), "ok");
    c.add_input({0x51});
    EXPECT_EQ(debug(c.inputs()), "input 1 script unknown");
    c.spent_scripts[1] = make_witness_program(2, filled(32));
    EXPECT_EQ(debug(c.inputs()), "input 1 witness program is undefined");
    c.spent_scripts[1] = Bytes{0x51, 0x02, 0x4e, 0x73};
    EXPECT_EQ(token(c.inputs()), "ok") << "P2A may be spent";
    c.spent_scripts[1] = make_p2sh(filled(20));
    EXPECT_EQ(debug(c.inputs()), "input 1 P2SH redeemscript missing");
    c.tx.inputs[1].script_sig = {0x50};  // op_reserved passes for a push until it runs
    EXPECT_EQ(debug(c.inputs()), "p2sh scriptsig malformed (input 1: Opcode missing or not understood)");
    c.tx.inputs[1].script_sig = ScriptBuilder().push(Bytes(15, 0xac)).take();
    EXPECT_EQ(token(c.inputs()), "ok");
    c.tx.inputs[1].script_sig = ScriptBuilder().push(Bytes(16, 0xac)).take();
    EXPECT_EQ(debug(c.inputs()), "p2sh redeemscript sigops exceed limit (input 1: 16 > 15)");
}

TEST(StandardInputs, BoundsSignatureOperationsOutsideWitnesses) {
    PolicyCase c;
    c.tx.inputs.clear();
    c.spent_scripts.clear();
    const Bytes fifteen = ScriptBuilder().push(Bytes(15, 0xac)).take();
    for (int i = 0; i < 166; ++i) c.add_input(make_p2sh(filled(20))).script_sig = fifteen;  // 2,490
    for (int i = 0; i < 10; ++i) c.add_input(make_p2pkh(filled(20)));                       // one each
    EXPECT_EQ(token(c.inputs()), "ok");
    c.add_input(make_p2pkh(filled(20)));
    EXPECT_EQ(token(c.inputs()), "bad-txns-nonstandard-inputs");
    EXPECT_EQ(debug(c.inputs()), "non-witness sigops exceed bip54 limit");
    c.spent_scripts.back() = test::p2wpkh_script();
    EXPECT_EQ(token(c.inputs()), "ok") << "what a witness runs does not count";
}

TEST(StandardWitness, BoundsWhatAWitnessScriptGets) {
    PolicyCase c;
    auto& witness = c.spend(make_witness_program(0, filled(32))).witness;
    witness.assign(100, filled(80));
    witness.push_back(filled(3600));
    EXPECT_EQ(token(c.witness()), "ok");
    witness.back().push_back(1);
    EXPECT_EQ(token(c.witness()), "bad-witness-nonstandard") << "script";
    witness.back().pop_back();
    witness[99].push_back(1);
    EXPECT_EQ(token(c.witness()), "bad-witness-nonstandard") << "item";
    witness[99].pop_back();
    witness.insert(witness.begin(), Bytes{});
    EXPECT_EQ(token(c.witness()), "bad-witness-nonstandard") << "count";
}

TEST(StandardWitness, LooksIntoP2sh) {
    PolicyCase c;
    auto& input = c.spend(make_p2sh(filled(20)));
    input.witness = {filled(3601)};
    EXPECT_EQ(token(c.witness()), "bad-witness-nonstandard") << "no redeem script";
    input.script_sig = ScriptBuilder().push(filled(5)).take();
    EXPECT_EQ(token(c.witness()), "bad-witness-nonstandard") << "no program";
    input.script_sig = ScriptBuilder().push(make_witness_program(0, filled(32))).take();
    EXPECT_EQ(token(c.witness()), "bad-witness-nonstandard") << "too large";
    input.witness = {filled(3600)};
    EXPECT_EQ(token(c.witness()), "ok");
    input.script_sig = ScriptBuilder().push(make_witness_program(1, filled(32))).take();
    input.witness = {filled(5, 0x50), filled(5, 0x50)};
    EXPECT_EQ(token(c.witness()), "ok") << "taproot's limits are not for P2SH";
}

TEST(StandardWitness, RefusesWhatNeedsNone) {
    PolicyCase c;
    c.spend(make_p2pkh(filled(20))).witness = {filled(1)};
    EXPECT_EQ(token(c.witness()), "bad-witness-nonstandard");
    c.spend(Bytes{0x51, 0x02, 0x4e, 0x73});
    EXPECT_EQ(token(c.witness()), "bad-witness-nonstandard") << "P2A";
}

TEST(StandardWitness, BoundsTaproot) {
    PolicyCase c;
    auto& witness = c.spend(make_witness_program(1, filled(32))).witness;
    witness = {filled(64)};
    EXPECT_EQ(token(c.witness()), "ok") << "key path";
    witness = {filled(64), filled(1, 0x50)};
    EXPECT_EQ(token(c.witness()), "bad-witness-nonstandard") << "annex";
    witness = {filled(80), filled(9000), filled(33, 0xc1)};
    EXPECT_EQ(token(c.witness()), "ok") << "scripts may be large";
    witness[0].push_back(1);
    EXPECT_EQ(token(c.witness()), "bad-witness-nonstandard") << "item";
    witness[2] = filled(33, 0xc2);
    EXPECT_EQ(token(c.witness()), "ok") << "another leaf version";
    witness[2].clear();
    EXPECT_EQ(token(c.witness()), "bad-witness-nonstandard") << "no control block";
}

TEST(StrippedWitness, IsPossibleWhereAProgramIsSpent) {
    PolicyCase c;
    EXPECT_TRUE(c.stripped());
    c.spend(make_p2pkh(filled(20)));
    EXPECT_FALSE(c.stripped());
    c.spend(Bytes{0x51, 0x02, 0x4e, 0x73});
    EXPECT_FALSE(c.stripped()) << "P2A";
    c.spend(make_witness_program(16, filled(2)));
    EXPECT_TRUE(c.stripped());
    c.spend(make_p2sh(filled(20)));
    EXPECT_FALSE(c.stripped());
    c.tx.inputs[0].script_sig = ScriptBuilder().push(make_witness_program(0, filled(20))).take();
    EXPECT_TRUE(c.stripped());
    c.tx.inputs[0].script_sig = ScriptBuilder().push(filled(20)).take();
    EXPECT_FALSE(c.stripped());
}

TEST(AdjustedSize, CountsSignatureOperationsLikeBytes) {
    EXPECT_EQ(adjusted_weight(400, 4, 20), 400);
    EXPECT_EQ(adjusted_weight(400, 21, 20), 420);
    EXPECT_EQ(adjusted_vsize(401, 0, 20), 101);
    EXPECT_EQ(adjusted_vsize(400, 80, 20), 400);
    EXPECT_EQ(adjusted_vsize(400, 80, 0), 100);
}

TEST(FeeRates, AreCheckedAgainstBothMinimums) {
    MempoolOptions options;
    options.min_relay = FeeRate{1000};
    EXPECT_EQ(token(check_fee_rate(101, 101, FeeRate{0}, options)), "ok");
    EXPECT_EQ(token(check_fee_rate(100, 101, FeeRate{0}, options)), "min relay fee not met");
    EXPECT_EQ(debug(check_fee_rate(100, 101, FeeRate{0}, options)), "100 < 101");
    EXPECT_EQ(token(check_fee_rate(203, 101, FeeRate{2010}, options)), "mempool min fee not met");
    EXPECT_EQ(debug(check_fee_rate(203, 101, FeeRate{2010}, options)), "203 < 204") << "rounded up";
    EXPECT_EQ(token(check_fee_rate(204, 101, FeeRate{2010}, options)), "ok");
    options.min_relay = FeeRate{0};
    EXPECT_EQ(token(check_fee_rate(0, 101, FeeRate{0}, options)), "ok");
    EXPECT_EQ(token(check_fee_rate(-1, 101, FeeRate{0}, options)), "min relay fee not met");
}

}  // namespace
}  // namespace cairn::node
