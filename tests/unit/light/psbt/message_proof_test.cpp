#include "light/psbt/message_proof.hpp"

#include <gtest/gtest.h>

#include "consensus/base/hex.hpp"
#include "consensus/crypto/hash.hpp"
#include "consensus/rules/params.hpp"
#include "consensus/script/opcode.hpp"
#include "consensus/script/script.hpp"
#include "consensus/script/sighash.hpp"
#include "consensus/script/taproot.hpp"
#include "light/descriptors/descriptor.hpp"
#include "light/psbt/base64.hpp"
#include "light/psbt/roles.hpp"
#include "light/signing/sign_transaction.hpp"
#include "light/signing/signed_message.hpp"

namespace cairn::light {
namespace {

const std::string kMessage = "I hold this key. \xc3\xa4";

WalletKey make_key(std::uint8_t number, bool compressed = true) { return {PrivateKey::parse(Bytes(32, number)).value(), compressed}; }
Bytes pubkey(std::uint8_t number) { return written_public_key(make_key(number)); }
Bytes p2pkh(std::uint8_t number) { return make_p2pkh(hash160(pubkey(number))); }
Bytes p2wpkh(std::uint8_t number) { return make_witness_program(0, hash160(pubkey(number))); }
Bytes p2wsh(ByteSpan script) { return make_witness_program(0, sha256(script).span()); }
Bytes p2sh(ByteSpan script) { return make_p2sh(hash160(script)); }
Bytes bytes_of_opcode(Opcode opcode) { return {static_cast<std::uint8_t>(opcode)}; }
Bytes operator+(Bytes a, const Bytes& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}
Bytes push(const Bytes& data) { return Bytes{static_cast<std::uint8_t>(data.size())} + data; }
Bytes multisig() {
    const Bytes keys[] = {pubkey(1), pubkey(2), pubkey(3)};
    const std::vector<ByteSpan> spans(std::begin(keys), std::end(keys));
    return make_multisig(2, spans);
}
TaprootSpend taproot(std::uint8_t number) { return {make_key(number).key.public_key().xonly(), {}, {}}; }
Bytes p2tr(std::uint8_t number) {
    const Uint256 internal = taproot(number).internal_key;
    return make_witness_program(1, xonly_tweak_add(internal, taptweak_hash(internal.span(), {}))->x.span());
}
ScriptKeys all_keys() {
    ScriptKeys keys;
    for (const std::uint8_t number : {1, 2, 3}) {
        keys.add(make_key(number));
        keys.add_script(p2wpkh(number));
        keys.add_taproot(taproot(number));
    }
    keys.add_script(multisig());
    keys.add_script(p2wsh(multisig()));
    return keys;
}
MessageState state(ByteSpan script, const std::string& signature, const std::string& message = kMessage) {
    return verify_message(message, script, signature).state;
}

TEST(MessageProof, SignsForEveryKindOfScript) {
    const std::vector<std::pair<Bytes, std::string>> scripts{
        {p2pkh(1), "ful"},      {p2wpkh(1), "smp"},       {p2sh(p2wpkh(1)), "ful"},         {p2tr(1), "smp"},
        {multisig(), "ful"},    {p2sh(multisig()), "ful"}, {p2wsh(multisig()), "smp"},       {p2sh(p2wsh(multisig())), "ful"}};
    for (const auto& [script, prefix] : scripts) {
        const auto signature = sign_message(kMessage, script, all_keys());
        ASSERT_TRUE(signature.has_value()) << signature.error();
        EXPECT_EQ(signature->substr(0, 3), prefix);
        const MessageCheck check = verify_message(kMessage, script, *signature);
        EXPECT_EQ(check.state, MessageState::valid) << check.reason;
        EXPECT_EQ(state(script, *signature, "another message"), MessageState::invalid);
        EXPECT_EQ(state(p2wpkh(3), *signature), MessageState::invalid);
        EXPECT_EQ(state(script, signature->substr(0, signature->size() - 4)), MessageState::invalid);
        // Without its prefix a witness stack is still one; nothing else is.
        EXPECT_EQ(state(script, signature->substr(3)) == MessageState::valid, prefix == "smp");
        EXPECT_FALSE(sign_message(kMessage, script, ScriptKeys{}).has_value());
    }
}

TEST(MessageProof, TakesTheOldFormForP2pkhOnly) {
    const std::string signature = to_base64(sign_with_key(kMessage, make_key(1)));
    EXPECT_EQ(verify_message(kMessage, p2pkh(1), signature).form, MessageCheck::Form::legacy);
    EXPECT_EQ(state(p2pkh(1), signature), MessageState::valid);
    EXPECT_EQ(state(p2pkh(2), signature), MessageState::invalid);
    EXPECT_EQ(state(p2pkh(1), signature, "another"), MessageState::invalid);
    EXPECT_EQ(state(p2wpkh(1), signature), MessageState::invalid);
}

TEST(MessageProof, SaysFromWhenOnItIsValid) {
    Bytes script;  // <100> CHECKLOCKTIMEVERIFY DROP <key> CHECKSIG
    script = Bytes{1, 100} + bytes_of_opcode(Opcode::op_checklocktimeverify) + bytes_of_opcode(Opcode::op_drop) + push(pubkey(1)) +
             bytes_of_opcode(Opcode::op_checksig);
    const auto sign = [&](const MessageLocks& locks) {
        MutableTransaction tx = message_to_sign(message_to_spend(kMessage, p2wsh(script)).finish()->tx().txid, locks);
        const TransactionPtr bare = tx.finish();
        const Uint256 hash = ecdsa_sighash(bare->tx(), 0, script, kSighashAll, 0, SigVersion::witness_v0);
        tx.inputs[0].witness = {make_key(1).key.sign_ecdsa(hash) + Bytes{kSighashAll}, script};
        return verify_message(kMessage, p2wsh(script), "ful" + to_base64(tx.serialize()));
    };
    const MessageCheck check = sign({2, 150, 7});
    EXPECT_EQ(check.state, MessageState::valid) << check.reason;
    EXPECT_EQ(check.lock_time, 150u);
    EXPECT_EQ(check.sequence, 7u);
    EXPECT_EQ(sign({2, 99, 7}).state, MessageState::invalid);
    EXPECT_EQ(sign({3, 150, 7}).state, MessageState::inconclusive);
}

TEST(MessageProof, KnowsWhatLaterRulesMayChange) {
    const auto with_witness = [](const Bytes& script, std::vector<Bytes> witness) {
        MutableTransaction tx = message_to_sign(message_to_spend(kMessage, script).finish()->tx().txid);
        tx.inputs[0].witness = std::move(witness);
        return state(script, "ful" + to_base64(tx.serialize()));
    };
    EXPECT_EQ(with_witness(make_witness_program(2, Bytes(32, 1)), {{1}}), MessageState::inconclusive);
    const Bytes nop = bytes_of_opcode(Opcode::op_nop1) + bytes_of_opcode(Opcode::op_1);
    EXPECT_EQ(with_witness(p2wsh(nop), {nop}), MessageState::inconclusive);
    const Bytes separator = bytes_of_opcode(Opcode::op_codeseparator) + bytes_of_opcode(Opcode::op_1);
    EXPECT_EQ(with_witness(p2wsh(separator), {separator}), MessageState::invalid);
    const Bytes two = bytes_of_opcode(Opcode::op_1) + bytes_of_opcode(Opcode::op_1);
    EXPECT_EQ(with_witness(p2wsh(two), {two}), MessageState::invalid);
}

TEST(MessageProof, TakesOnlySignaturesOfTheWhole) {
    for (const Bytes& script : {p2wpkh(1), p2pkh(1), p2tr(1)})
        for (const int hash_type : {int{kSighashAll}, int{kSighashNone}, int{kSighashSingle}, kSighashAll | kSighashAnyoneCanPay}) {
            MutableTransaction tx = message_to_sign(message_to_spend(kMessage, script).finish()->tx().txid);
            const TxOutput spent[] = {{0, script}};
            ASSERT_TRUE(sign_transaction(tx, spent, all_keys(), hash_type).empty());
            EXPECT_EQ(state(script, "ful" + to_base64(tx.serialize())) == MessageState::valid, hash_type == kSighashAll) << hash_type;
        }
}

TEST(MessageProof, RefusesOtherTransactions) {
    const Bytes script = p2wpkh(1);
    const Txid to_spend = message_to_spend(kMessage, script).finish()->tx().txid;
    const auto signed_state = [&](auto change) {
        MutableTransaction tx = message_to_sign(to_spend);
        change(tx);
        std::vector<TxOutput> spent(tx.inputs.size(), TxOutput{0, script});
        sign_transaction(tx, spent, all_keys());
        return state(script, "ful" + to_base64(tx.serialize()));
    };
    EXPECT_EQ(signed_state([](MutableTransaction&) {}), MessageState::valid);
    EXPECT_EQ(signed_state([](MutableTransaction& tx) { tx.outputs[0].value = 1; }), MessageState::invalid);
    EXPECT_EQ(signed_state([](MutableTransaction& tx) { tx.outputs[0].script_pubkey = {0x51}; }), MessageState::invalid);
    EXPECT_EQ(signed_state([](MutableTransaction& tx) { tx.outputs.push_back(tx.outputs[0]); }), MessageState::invalid);
    EXPECT_EQ(signed_state([](MutableTransaction& tx) { tx.inputs[0].prevout.index = 1; }), MessageState::invalid);
    EXPECT_EQ(signed_state([](MutableTransaction& tx) { tx.inputs.push_back(tx.inputs[0]); }), MessageState::invalid);
}

/// A transaction with one output to each script.
TransactionPtr funding(const std::vector<Bytes>& scripts) {
    MutableTransaction tx;
    tx.inputs.push_back({OutPoint{Txid(Uint256(Bytes(32, 9))), 3}, {}, 0xfffffffd, {}});
    for (const Bytes& script : scripts) tx.outputs.push_back({50'000, script});
    return tx.finish();
}

TEST(MessageProof, ProvesFunds) {
    const std::vector<Bytes> scripts{p2wpkh(2), p2pkh(2), p2tr(3), p2sh(p2wpkh(3)), p2sh(multisig()), p2wsh(multisig())};
    const TransactionPtr from = funding(scripts);
    for (const Bytes& script : {p2tr(1), p2pkh(1), p2wpkh(1)}) {
        MessageOptions options;
        for (std::uint32_t i = 0; i < scripts.size(); ++i) options.proof.push_back({{from->tx().txid, i}, {50'000, scripts[i]}, from, i});
        const auto signature = sign_message(kMessage, script, all_keys(), options);
        ASSERT_TRUE(signature.has_value()) << signature.error();
        EXPECT_EQ(signature->substr(0, 3), "pof");
        const MessageCheck check = verify_message(kMessage, script, *signature);
        EXPECT_EQ(check.state, MessageState::valid) << check.reason;
        ASSERT_EQ(check.claims.size(), scripts.size());
        for (std::uint32_t i = 0; i < scripts.size(); ++i) {
            EXPECT_EQ(check.claims[i].prevout, (OutPoint{from->tx().txid, i}));
            EXPECT_EQ(check.claims[i].spent.script_pubkey, scripts[i]);
            EXPECT_EQ(check.claims[i].sequence, i);
        }
        EXPECT_EQ(state(script, *signature, "another"), MessageState::invalid);

        // Whoever claims another amount, or takes an input's signature away, is found out.
        const auto changed = [&](auto change) {
            Psbt psbt = *Psbt::parse(*from_base64(signature->substr(3)));
            change(psbt);
            return state(script, "pof" + to_base64(psbt.serialize()));
        };
        EXPECT_EQ(changed([](Psbt&) {}), MessageState::valid);
        EXPECT_EQ(changed([](Psbt& psbt) { psbt.inputs[5].non_witness_utxo = nullptr; }), MessageState::valid);  // an input before it has it
        EXPECT_EQ(changed([](Psbt& psbt) {
                      for (PsbtInput& input : psbt.inputs) input.non_witness_utxo = nullptr;
                  }),
                  MessageState::invalid);
        EXPECT_EQ(changed([](Psbt& psbt) {
                      for (PsbtInput& input : psbt.inputs) input.non_witness_utxo = nullptr;
                      psbt.inputs[1].witness_utxo->value += 1;
                  }),
                  MessageState::invalid);
        EXPECT_EQ(changed([](Psbt& psbt) { psbt.inputs[3].final_witness.clear(); }), MessageState::invalid);
        EXPECT_EQ(changed([](Psbt& psbt) { psbt.inputs.pop_back(); }), MessageState::invalid);
    }
    MessageOptions wrong;
    wrong.proof.push_back({{from->tx().txid, 1}, {50'000, scripts[1]}, nullptr, 0});
    EXPECT_FALSE(sign_message(kMessage, p2tr(1), all_keys(), wrong).has_value());
    wrong.proof = {{{from->tx().txid, 1}, {50'001, scripts[1]}, from, 0}};
    EXPECT_FALSE(sign_message(kMessage, p2tr(1), all_keys(), wrong).has_value());
}

TEST(MessageProof, IsSignedBySeveralOverAPsbt) {
    const Bytes script = p2wsh(multisig());
    const Psbt psbt = *make_message_psbt(kMessage, script);
    const auto asked = message_of_psbt(*Psbt::parse(psbt.serialize()));
    ASSERT_TRUE(asked.has_value());
    EXPECT_EQ(asked->message, kMessage);
    EXPECT_EQ(asked->script, script);
    std::vector<Psbt> parts;
    for (const std::uint8_t number : {1, 3}) {
        ScriptKeys keys;
        keys.add(make_key(number));
        keys.add_script(multisig());
        Psbt part = *Psbt::parse(psbt.serialize());
        sign_psbt_input(part, 0, keys, *PsbtTransaction::make(part));
        EXPECT_FALSE(finish_message_psbt(part).has_value());
        parts.push_back(part);
    }
    auto combined = combine_psbts(parts);
    ASSERT_TRUE(combined.has_value());
    const auto signature = finish_message_psbt(*combined);
    ASSERT_TRUE(signature.has_value());
    EXPECT_EQ(state(script, *signature), MessageState::valid);

    Psbt payment = psbt;
    payment.outputs[0].amount = 1;
    EXPECT_FALSE(message_of_psbt(payment).has_value());
    payment = psbt;
    payment.unknown.clear();
    EXPECT_FALSE(message_of_psbt(payment).has_value());
}

TEST(MessageProof, TakesTheLockTimesThatAScriptAsksFor) {
    struct Case {
        std::string descriptor;
        std::uint32_t lock_time, sequence;
    };
    const auto key = [](std::uint8_t number) { return to_hex(pubkey(number)); };
    const ChainParamsPtr params = make_params(Network::regtest);
    const auto wif = encode_wif(make_key(1), params->addresses);
    const std::string nobody = "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0";
    for (const Case& one : {Case{"wsh(and_v(v:pk(" + wif + "),after(500000)))", 500'000, 0}, Case{"wsh(and_v(v:pk(" + wif + "),older(144)))", 0, 144},
                            Case{"wsh(and_v(v:pk(" + wif + "),after(16)))", 16, 0},
                            Case{"sh(wsh(and_v(v:pk(" + wif + "),after(1700000000))))", 1'700'000'000, 0},
                            Case{"tr(" + nobody + ",and_v(v:pk(" + wif + "),older(4194305)))", 0, 4'194'305},
                            // What somebody else could do at once is of no use.
                            Case{"wsh(or_d(pk(" + key(2) + "),and_v(v:pk(" + wif + "),older(10))))", 0, 10},
                            // Of two ways the sooner, and none where none is needed.
                            Case{"wsh(andor(pk(" + wif + "),older(5),and_v(v:pk(" + key(3) + "),after(7))))", 0, 5},
                            Case{"wsh(or_d(pk(" + wif + "),and_v(v:pk(" + key(2) + "),older(10))))", 0, 0}}) {
        const auto descriptor = parse_descriptor(one.descriptor, *params, false);
        ASSERT_TRUE(descriptor) << descriptor.error();
        ScriptKeys keys;
        const Bytes script = descriptor->scripts(0, &keys)->front();
        const auto signature = sign_message(kMessage, script, keys);
        ASSERT_TRUE(signature) << one.descriptor << ": " << signature.error();
        const MessageCheck check = verify_message(kMessage, script, *signature);
        EXPECT_EQ(check.state, MessageState::valid) << one.descriptor << ": " << check.reason;
        EXPECT_EQ(check.lock_time, one.lock_time) << one.descriptor;
        EXPECT_EQ(check.sequence, one.sequence) << one.descriptor;
        EXPECT_FALSE(sign_message(kMessage, script, keys.without_private_keys()));
    }
}

TEST(MessageProof, RefusesWhatIsNoSignature) {
    for (const char* text : {"", "smp", "ful", "pof", "smpAA==", "not-valid-base64!!!", "smp////////", "ful////////", "pof////////", "smp/v////8=",
                             "fooAA==", "pofcHNidP8="})
        for (const Bytes& script : {p2wpkh(1), p2pkh(1), p2tr(1), Bytes{}, Bytes(20'000, 0x51)}) {
            const MessageCheck check = verify_message(kMessage, script, text);
            EXPECT_EQ(check.state, MessageState::invalid) << text;
            EXPECT_FALSE(check.reason.empty());
        }
}

}  // namespace
}  // namespace cairn::light
