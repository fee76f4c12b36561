#include "light/psbt/roles.hpp"

#include <gtest/gtest.h>

#include "consensus/crypto/hash.hpp"
#include "consensus/script/script.hpp"
#include "consensus/script/verify.hpp"
#include "light/psbt/analysis.hpp"
#include "light/psbt/base64.hpp"

namespace cairn::light {
namespace {

WalletKey make_key(std::uint8_t number) { return {PrivateKey::parse(Bytes(32, number)).value(), true}; }
Bytes pubkey(std::uint8_t number) { return written_public_key(make_key(number)); }
Bytes p2wpkh(std::uint8_t number) { return make_witness_program(0, hash160(pubkey(number))); }
Bytes p2tr(std::uint8_t number) { return make_witness_program(1, make_key(number).key.public_key().xonly().span()); }

/// One input that spends `script`, and one output.
struct Case {
    TransactionPtr before;
    Psbt psbt;
    ScriptKeys keys;

    explicit Case(Bytes script, bool whole = true) {
        MutableTransaction funding;
        funding.inputs.push_back({OutPoint{Txid(Uint256(Bytes(32, 9))), 0}, {}, 0, {}});
        funding.outputs.push_back({50'000, script});
        before = funding.finish();
        MutableTransaction tx;
        tx.inputs.push_back({OutPoint{before->tx().txid, 0}, {}, 0xfffffffd, {}});
        tx.outputs.push_back({40'000, p2wpkh(7)});
        psbt = Psbt::create(tx, 2);
        if (whole) psbt.inputs[0].non_witness_utxo = before;
        else psbt.inputs[0].witness_utxo = MutableTransaction::Output{50'000, std::move(script)};
    }
    PsbtInput& input() { return psbt.inputs[0]; }
    PsbtStatus sign(const PsbtSignOptions& options = {}, InputSignatures::Missing* missing = nullptr) {
        return sign_psbt_input(psbt, 0, keys, *PsbtTransaction::make(psbt), options, missing);
    }
};

TEST(PsbtRoles, SignAndFinalizeASingleKey) {
    for (const Bytes& script : {make_p2pkh(hash160(pubkey(1))), p2wpkh(1), p2tr(1)}) {
        Case spend(script);
        spend.keys.add(make_key(1));
        EXPECT_EQ(spend.sign({std::nullopt, false}), PsbtStatus::complete);
        EXPECT_FALSE(spend.input().is_final());
        EXPECT_EQ(analyze_psbt(spend.psbt).next, PsbtRole::finalizer);
        const auto tx = extract_transaction(spend.psbt);
        ASSERT_TRUE(tx.has_value());
        EXPECT_TRUE(is_signed_and_valid(spend.input(), 0, *PsbtTransaction::make(spend.psbt)));
        EXPECT_EQ(analyze_psbt(spend.psbt).next, PsbtRole::extractor);
    }
}

TEST(PsbtRoles, RefuseAHashTypeThatContradictsTheInput) {
    Case spend(p2wpkh(1));
    spend.keys.add(make_key(1));
    spend.input().sighash_type = kSighashNone;
    EXPECT_EQ(spend.sign(), PsbtStatus::sighash_mismatch);
    EXPECT_EQ(spend.sign({kSighashAll, true}), PsbtStatus::sighash_mismatch);
    EXPECT_TRUE(spend.input().partial_sigs.empty());
    EXPECT_EQ(spend.sign({kSighashNone, true}), PsbtStatus::complete);
}

TEST(PsbtRoles, RefuseAHashTypeThatContradictsASignature) {
    Case ecdsa(p2wpkh(1));
    ecdsa.input().partial_sigs[hash160(pubkey(2))] = {pubkey(2), Bytes{0x30, kSighashNone}};
    EXPECT_EQ(ecdsa.sign({kSighashAll, true}), PsbtStatus::sighash_mismatch);
    EXPECT_EQ(ecdsa.sign({kSighashDefault, true}), PsbtStatus::incomplete);
    Case schnorr(p2tr(1));
    schnorr.input().tap_key_sig = Bytes(65, kSighashAll);
    EXPECT_EQ(schnorr.sign(), PsbtStatus::sighash_mismatch);
}

TEST(PsbtRoles, DoNotSignAConstantForSingleWithoutItsOutput) {
    for (const Bytes& script : {make_p2pkh(hash160(pubkey(1))), p2wpkh(1), p2tr(1)}) {
        Case spend(script);
        spend.keys.add(make_key(1));
        spend.psbt.outputs.clear();
        EXPECT_EQ(spend.sign({kSighashSingle, true}), PsbtStatus::incomplete);
        EXPECT_FALSE(spend.input().has_signatures());
    }
}

TEST(PsbtRoles, TellTheHashTypeWhenItIsUnusual) {
    Case usual(p2wpkh(1)), unusual(p2wpkh(1)), taproot(p2tr(1));
    usual.sign({kSighashAll, true});
    unusual.sign({kSighashAll | kSighashAnyoneCanPay, true});
    taproot.sign({kSighashAll, true});
    EXPECT_FALSE(usual.input().sighash_type.has_value());
    EXPECT_EQ(unusual.input().sighash_type, kSighashAll | kSighashAnyoneCanPay);
    EXPECT_EQ(taproot.input().sighash_type, kSighashAll);
}

TEST(PsbtRoles, DoNotTrustALoneOutputWhoseAmountNoSignatureCovers) {
    Case old(make_p2pkh(hash160(pubkey(1))), false), segwit(p2wpkh(1), false), unknown(p2wpkh(1), false);
    for (Case* spend : {&old, &segwit, &unknown}) spend->keys.add(make_key(1));
    EXPECT_EQ(old.sign(), PsbtStatus::incomplete);
    EXPECT_TRUE(old.input().partial_sigs.empty());
    EXPECT_EQ(segwit.sign(), PsbtStatus::complete);
    unknown.input().witness_utxo.reset();
    EXPECT_EQ(unknown.sign(), PsbtStatus::missing_input);
    // A whole transaction that is another one is none.
    unknown.input().non_witness_utxo = old.before;
    EXPECT_EQ(unknown.sign(), PsbtStatus::missing_input);
}

TEST(PsbtRoles, AddScriptsAndOriginsWithoutPrivateKeys) {
    const Bytes key = pubkey(1), other = pubkey(2);
    const Bytes script = make_multisig(2, std::array<ByteSpan, 2>{key, other});
    const Bytes program = make_witness_program(0, sha256(script).span());
    Case spend(make_p2sh(hash160(program)));
    const KeyOrigin origin{{1, 2, 3, 4}, {5, 6}};
    spend.keys.add_script(script);
    spend.keys.add_script(program);
    spend.keys.add_public(key, origin);
    InputSignatures::Missing missing;
    EXPECT_EQ(spend.sign({}, &missing), PsbtStatus::incomplete);
    EXPECT_EQ(spend.input().redeem_script, program);
    EXPECT_EQ(spend.input().witness_script, script);
    EXPECT_EQ(spend.input().key_origins, (std::map<KeyBytes, KeyOrigin>{{key, origin}}));
    EXPECT_EQ(missing.signatures, (std::vector<Hash160>{hash160(key), hash160(other)}));
    EXPECT_TRUE(spend.input().witness_utxo.has_value());
    EXPECT_EQ(analyze_psbt(spend.psbt).next, PsbtRole::signer);

    spend.psbt.outputs[0].script = make_p2sh(hash160(program));
    update_psbt_output(spend.psbt.outputs[0], spend.keys);
    EXPECT_EQ(spend.psbt.outputs[0].redeem_script, program);
    EXPECT_EQ(spend.psbt.outputs[0].witness_script, script);
    EXPECT_EQ(spend.psbt.outputs[0].key_origins.at(key), origin);
}

TEST(PsbtRoles, DropWholeTransactionsOnlyWhereEverySignatureCoversAllAmounts) {
    Case taproot(p2tr(1)), segwit(p2wpkh(1)), others(p2tr(1));
    for (Case* spend : {&taproot, &segwit, &others}) spend->input().witness_utxo = MutableTransaction::Output{50'000, to_bytes(spend->input().spent()->script_pubkey)};
    others.input().sighash_type = kSighashAll | kSighashAnyoneCanPay;
    for (Case* spend : {&taproot, &segwit, &others}) drop_needless_transactions(spend->psbt);
    EXPECT_FALSE(taproot.input().non_witness_utxo);
    EXPECT_TRUE(segwit.input().non_witness_utxo);
    EXPECT_TRUE(others.input().non_witness_utxo);
}

TEST(PsbtRoles, JoinInputsAndOutputsOfSeveral) {
    Case a(p2wpkh(1)), b(p2wpkh(2));
    a.psbt.version_field = b.psbt.version_field = 0;
    a.psbt.fallback_lock_time = 9;
    b.psbt.fallback_lock_time = 4;
    FastRandom random(1);
    const auto joined = join_psbts(std::vector{a.psbt, b.psbt}, random);
    ASSERT_TRUE(joined.has_value());
    EXPECT_EQ(joined->inputs.size(), 2u);
    EXPECT_EQ(joined->outputs.size(), 2u);
    EXPECT_EQ(joined->lock_time(), 4u);
    const auto twice = join_psbts(std::vector{a.psbt, a.psbt}, random);
    ASSERT_FALSE(twice.has_value());
    EXPECT_EQ(twice.error(), a.input().prevout);
}

TEST(PsbtAnalysisOf, AMissingOutputAsksForAnUpdater) {
    Case spend(p2wpkh(1));
    spend.input().non_witness_utxo = nullptr;
    const PsbtAnalysis analysis = analyze_psbt(spend.psbt);
    EXPECT_EQ(analysis.next, PsbtRole::updater);
    EXPECT_FALSE(analysis.inputs[0].has_utxo);
    EXPECT_FALSE(analysis.fee.has_value());
}

TEST(PsbtAnalysisOf, AnUnsignedInputKnowsItsSizeAndFee) {
    Case spend(p2wpkh(1));
    spend.keys.add_public(pubkey(1), KeyOrigin{});
    spend.sign();
    const PsbtAnalysis analysis = analyze_psbt(spend.psbt);
    EXPECT_EQ(analysis.next, PsbtRole::signer);
    EXPECT_EQ(analysis.fee, 10'000);
    EXPECT_EQ(analysis.vsize, 110);  // one key hash in, one out
    EXPECT_EQ(analysis.fee_rate(), 10'000 * 1000 / 110);
}

TEST(PsbtAnalysisOf, WhatCanNeverBeValidSaysSo) {
    Case burnt(Bytes{0x6a}), rich(p2wpkh(1));
    EXPECT_EQ(analyze_psbt(burnt.psbt).error, "PSBT is not valid. Input 0 spends unspendable output");
    rich.psbt.outputs[0].amount = kMaxMoney + 1;
    EXPECT_EQ(analyze_psbt(rich.psbt).error, "PSBT is not valid. Output amount invalid");
    EXPECT_EQ(analyze_psbt(rich.psbt).next, PsbtRole::creator);
}

TEST(Base64, IsReadOnlyAsItIsWritten) {
    for (std::size_t size = 0; size < 20; ++size) {
        const Bytes bytes(size, static_cast<std::uint8_t>(0xf0 + size));
        EXPECT_EQ(from_base64(to_base64(bytes)), bytes);
    }
    EXPECT_EQ(to_base64(Bytes{'M', 'a'}), "TWE=");
    for (const char* wrong : {"TWE", "TW=E", "TWF=", "T===", "====", "TW E", "TWE=TWE="}) EXPECT_FALSE(from_base64(wrong).has_value()) << wrong;
}

}  // namespace
}  // namespace cairn::light
