#include "light/signing/silent_payment.hpp"

#include <algorithm>
#include <iostream>
#include <set>

#include <gtest/gtest.h>

#include "consensus/base/codec.hpp"
#include "consensus/crypto/hash.hpp"
#include "consensus/crypto/sha256.hpp"
#include "consensus/rules/params.hpp"
#include "consensus/script/solver.hpp"
#include "tests/support/json.hpp"

/// BIP352: what senders make and receivers find.
namespace cairn::light {
namespace {

using test::hex_of;

const ChainParams& params() {
    static const ChainParamsPtr mainnet = make_params(Network::mainnet);
    return *mainnet;
}

Uint256 number_of(const UniValue& value) { return Uint256(hex_of(value)); }
template <class Key>
std::string hex(const Key& key) {
    return to_hex(key.compressed());
}

/// A transaction with these inputs, and what they spend.
struct Inputs {
    MutableTransaction tx;
    std::vector<Bytes> scripts;
    std::vector<TxOutput> spent;
    TransactionPtr whole;

    explicit Inputs(const UniValue& list) {
        for (const UniValue& item : list.getValues()) {
            MutableTransaction::Input input;
            input.prevout.txid = *Txid::from_display_hex(item["txid"].get_str());
            input.prevout.index = static_cast<std::uint32_t>(item["vout"].get_int64());
            input.script_sig = hex_of(item["scriptSig"]);
            const Bytes stack = hex_of(item["txinwitness"]);
            Reader in(stack);
            for (std::uint64_t left = stack.empty() ? 0 : in.compact_size(); left > 0; --left) {
                const ByteSpan part = in.var_bytes();
                input.witness.emplace_back(part.begin(), part.end());
            }
            EXPECT_TRUE(in.ok());
            tx.inputs.push_back(std::move(input));
            scripts.push_back(hex_of(item["prevout"]["scriptPubKey"]["hex"]));
        }
        for (const Bytes& script : scripts) spent.push_back({0, script});
        tx.outputs.push_back({0, {0x6a}});
        whole = tx.finish();
    }
};

std::set<std::string> strings(const UniValue& list) {
    std::set<std::string> set;
    for (const UniValue& item : list.getValues()) set.insert(item.get_str());
    return set;
}

void check_sending(const UniValue& test) {
    const UniValue &given = test["given"], &expected = test["expected"];
    const Inputs inputs(given["vin"]);
    std::vector<SilentInput> senders;
    std::vector<std::string> keys;
    for (std::size_t i = 0; i < inputs.spent.size(); ++i) {
        const TxInput& input = inputs.whole->tx().inputs[i];
        SilentInput sender{input.prevout, {}, classify(inputs.scripts[i]) == OutputType::witness_v1_taproot};
        if (const auto key = silent_input_key(inputs.scripts[i], input.script_sig, input.witness)) {
            sender.key = PrivateKey::parse(hex_of(given["vin"][i]["private_key"]));
            keys.push_back(hex(*key));
            const PublicKey ours = sender.taproot ? sender.key->with_even_y().public_key() : sender.key->public_key();
            EXPECT_EQ(hex(ours), hex(*key));
        }
        senders.push_back(std::move(sender));
    }
    std::vector<std::string> expected_keys;
    for (const UniValue& key : expected["input_pub_keys"].getValues()) expected_keys.push_back(key.get_str());
    EXPECT_EQ(keys, expected_keys);

    std::vector<SilentAddress> recipients;
    for (const UniValue& recipient : given["recipients"].getValues()) {
        const auto address = SilentAddress::parse(recipient["address"].get_str(), params());
        ASSERT_TRUE(address.has_value()) << address.error();
        EXPECT_EQ(address->to_string(params()), recipient["address"].get_str());
        EXPECT_EQ(hex(address->scan), recipient["scan_pub_key"].get_str());
        EXPECT_EQ(hex(address->spend), recipient["spend_pub_key"].get_str());
        recipients.insert(recipients.end(), recipient["count"].isNull() ? std::size_t{1} : static_cast<std::size_t>(recipient["count"].get_int64()), *address);
    }
    const auto outputs = silent_outputs(senders, recipients);
    std::set<std::string> made;
    if (outputs)
        for (const Uint256& output : *outputs) made.insert(to_hex(output.span()));
    bool matches = false;
    for (const UniValue& possible : expected["outputs"].getValues()) matches = matches || strings(possible) == made;
    EXPECT_TRUE(matches) << test.write().substr(0, 2000);
}

void check_receiving(const UniValue& test) {
    const UniValue &given = test["given"], &expected = test["expected"];
    const auto scan = PrivateKey::parse(hex_of(given["key_material"]["scan_priv_key"]));
    const auto spend = PrivateKey::parse(hex_of(given["key_material"]["spend_priv_key"]));
    ASSERT_TRUE(scan && spend);
    SilentReceiver receiver(*scan, spend->public_key());
    std::set<std::string> addresses{receiver.address().to_string(params())};
    for (const UniValue& label : given["labels"].getValues()) {
        ASSERT_TRUE(receiver.add_label(static_cast<std::uint32_t>(label.get_int64())));
        addresses.insert(receiver.address(static_cast<std::uint32_t>(label.get_int64())).to_string(params()));
    }
    EXPECT_EQ(addresses, strings(expected["addresses"]));

    const Inputs inputs(given["vin"]);
    const auto sum = silent_inputs(inputs.whole->tx(), inputs.spent);
    EXPECT_EQ(sum.has_value(), !expected["tweak"].isNull());
    std::vector<Uint256> outputs;
    for (const UniValue& output : given["outputs"].getValues()) outputs.push_back(number_of(output));
    std::vector<SilentReceiver::Match> matches;
    if (sum) {
        EXPECT_EQ(hex(sum->tweak()), expected["tweak"].get_str());
        EXPECT_EQ(hex(sum->key_sum), expected["input_pub_key_sum"].get_str());
        EXPECT_EQ(hex(receiver.shared_secret(sum->tweak())), expected["shared_secret"].get_str());
        matches = receiver.find(sum->tweak(), outputs);
    }
    if (!expected["n_outputs"].isNull()) {
        EXPECT_EQ(matches.size(), static_cast<std::size_t>(expected["n_outputs"].get_int64()));
        return;
    }
    std::set<std::string> found, wanted;
    const Uint256 message = sha256(Bytes{'m', 'e', 's', 's', 'a', 'g', 'e'});
    for (const SilentReceiver::Match& match : matches) {
        found.insert(to_hex(outputs[match.output].span()) + " " + to_hex(match.tweak.span()));
        const auto key = spend->tweak_add(match.tweak);
        ASSERT_TRUE(key.has_value());
        EXPECT_TRUE(verify_schnorr(outputs[match.output], message.span(), key->sign_schnorr(message.span(), Uint256())));
    }
    for (const UniValue& output : expected["outputs"].getValues()) {
        wanted.insert(output["pub_key"].get_str() + " " + output["priv_key_tweak"].get_str());
        EXPECT_TRUE(verify_schnorr(number_of(output["pub_key"]), message.span(), hex_of(output["signature"])));
    }
    EXPECT_EQ(found, wanted);
}

TEST(SilentPaymentVectors, SenderAndReceiverAgreeWithTheStandard) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t files = 0, sent = 0, received = 0;
    for (const auto& path : test::vector_files("silentpayments", "*send_and_receive*.json")) {
        ++files;
        const UniValue tests = test::load_json(path);
        for (const UniValue& test : tests.getValues()) {
            SCOPED_TRACE(test["comment"].get_str());
            for (const UniValue& one : test["sending"].getValues()) check_sending(one), ++sent;
            for (const UniValue& one : test["receiving"].getValues()) check_receiving(one), ++received;
        }
    }
    std::cout << "silent payments: " << files << " files, " << sent << " sent, " << received << " received\n";
    EXPECT_GT(sent + received, 0u);
}

TEST(SilentPaymentVectors, FindsTheKeysOfRealInputs) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t cases = 0;
    for (const auto& path : test::vector_files("silentpayments", "*pub-keys*.json")) {
        const UniValue tests = test::load_json(path);
        for (const UniValue& test : tests.getValues()) {
            ++cases;
            SCOPED_TRACE(test["prev_op"].get_str());
            const Bytes script_sig = hex_of(test["sig_script"]);
            std::vector<Bytes> stack;
            for (const UniValue& item : test["witness"].getValues()) stack.push_back(hex_of(item));
            const std::vector<ByteSpan> witness(stack.begin(), stack.end());
            Bytes script = hex_of(test["prev_out_script"]);
            if (script.empty() && script_sig.size() > 1)  // of P2SH the vectors leave it out
                script = script_for(PayToScriptHash{hash160(ByteSpan(script_sig).subspan(1))});
            const auto key = silent_input_key(script, script_sig, witness);
            ASSERT_TRUE(key.has_value());
            const std::string expected = test["expected_pub_key"].get_str();
            EXPECT_EQ(expected.size() == 64 ? to_hex(key->xonly().span()) : hex(*key), expected);
        }
    }
    std::cout << "silent payments: keys of " << cases << " inputs\n";
    EXPECT_GT(cases, 0u);
}

}  // namespace
}  // namespace cairn::light
