#include <iostream>

#include "consensus/crypto/ecc.hpp"
#include "consensus/script/script.hpp"
#include "consensus/script/taproot.hpp"
#include "tests/support/json.hpp"
#include "tests/support/script_spend.hpp"

namespace cairn {
namespace {

/// A leaf is an object, a branch an array of two.
std::unique_ptr<TapTree> read_tree(const UniValue& json) {
    if (json.isNull()) return nullptr;
    auto tree = std::make_unique<TapTree>();
    if (json.isArray()) {
        EXPECT_EQ(json.size(), 2u);
        tree->left = read_tree(json[0]);
        tree->right = read_tree(json[1]);
    } else {
        tree->script = test::hex_of(json["script"]);
        tree->leaf_version = static_cast<std::uint8_t>(json["leafVersion"].get_int());
    }
    return tree;
}

void check_output(const UniValue& c) {
    const Bytes internal_key = test::hex_of(c["given"]["internalPubkey"]);
    const auto tree = read_tree(c["given"]["scriptTree"]);
    const auto output = make_taproot_output(internal_key, tree.get());
    ASSERT_TRUE(output.has_value());
    const UniValue& intermediary = c["intermediary"];
    EXPECT_EQ(output->merkle_root ? to_hex(output->merkle_root->span()) : "", intermediary["merkleRoot"].getValStr());
    EXPECT_EQ(to_hex(output->tweak.span()), intermediary["tweak"].get_str());
    EXPECT_EQ(to_hex(output->output_key), intermediary["tweakedPubkey"].get_str());
    EXPECT_EQ(to_hex(make_witness_program(1, output->output_key)), c["expected"]["scriptPubKey"].get_str());
    for (std::size_t i = 0; i < output->leaves.size(); ++i) {
        const auto& leaf = output->leaves[i];
        EXPECT_EQ(to_hex(leaf.hash.span()), intermediary["leafHashes"][i].get_str());
        EXPECT_EQ(to_hex(leaf.control_block), c["expected"]["scriptPathControlBlocks"][i].get_str());
        EXPECT_TRUE(verify_taproot_commitment(leaf.control_block, output->output_key, leaf.hash));
    }
}

struct KeyPathCase {
    TransactionPtr tx;
    std::vector<Bytes> scripts;
    std::vector<TxOutput> spent;
    PrecomputedTxData precomputed;

    explicit KeyPathCase(const UniValue& c)
        : tx(TransactionHolder::parse(test::hex_of(c["given"]["rawUnsignedTx"])).value()) {
        for (const UniValue& utxo : c["given"]["utxosSpent"].getValues()) {
            scripts.push_back(test::hex_of(utxo["scriptPubKey"]));
            spent.push_back({utxo["amountSats"].get_int64(), scripts.back()});
        }
        precomputed = PrecomputedTxData(tx->tx(), spent, true);
    }
};

void check_input(const KeyPathCase& c, const UniValue& input) {
    const auto index = static_cast<std::size_t>(input["given"]["txinIndex"].get_int());
    const auto hash_type = static_cast<std::uint8_t>(input["given"]["hashType"].get_int());
    const UniValue& intermediary = input["intermediary"];
    const TaprootContext context;
    const auto message =
        taproot_sighash_message(c.tx->tx(), index, hash_type, SigVersion::taproot, context, c.precomputed);
    const auto hash = taproot_sighash(c.tx->tx(), index, hash_type, SigVersion::taproot, context, c.precomputed);
    ASSERT_TRUE(message && hash);
    EXPECT_EQ(to_hex(*message), intermediary["sigMsg"].get_str());
    EXPECT_EQ(to_hex(hash->span()), intermediary["sigHash"].get_str());

    const auto key = PrivateKey::parse(test::hex_of(input["given"]["internalPrivkey"]));
    ASSERT_TRUE(key.has_value());
    const Uint256 internal_key = key->public_key().xonly();
    EXPECT_EQ(to_hex(internal_key.span()), intermediary["internalPubkey"].get_str());
    std::optional<Uint256> root;
    if (!input["given"]["merkleRoot"].isNull()) root = Uint256(test::hex_of(input["given"]["merkleRoot"]));
    const Uint256 tweak = taptweak_hash(internal_key.span(), root);
    EXPECT_EQ(to_hex(tweak.span()), intermediary["tweak"].get_str());

    const auto tweaked = key->xonly_tweak_add(tweak);
    ASSERT_TRUE(tweaked.has_value());
    const SchnorrSignature signature = tweaked->sign_schnorr(hash->span(), Uint256());
    Bytes witness(signature.begin(), signature.end());
    if (hash_type != kSighashDefault) witness.push_back(hash_type);
    EXPECT_EQ(to_hex(witness), input["expected"]["witness"][0].get_str());
}

void check_key_path(const UniValue& c) {
    const KeyPathCase unsigned_case(c);
    const UniValue& hashes = c["intermediary"];
    const PrecomputedTxData& precomputed = unsigned_case.precomputed;
    EXPECT_EQ(to_hex(precomputed.sha_amounts().span()), hashes["hashAmounts"].get_str());
    EXPECT_EQ(to_hex(precomputed.sha_outputs().span()), hashes["hashOutputs"].get_str());
    EXPECT_EQ(to_hex(precomputed.sha_prevouts().span()), hashes["hashPrevouts"].get_str());
    EXPECT_EQ(to_hex(precomputed.sha_script_pubkeys().span()), hashes["hashScriptPubkeys"].get_str());
    EXPECT_EQ(to_hex(precomputed.sha_sequences().span()), hashes["hashSequences"].get_str());
    for (const UniValue& input : c["inputSpending"].getValues()) check_input(unsigned_case, input);

    const auto signed_tx = TransactionHolder::parse(test::hex_of(c["auxiliary"]["fullySignedTx"])).value();
    const PrecomputedTxData signed_data(signed_tx->tx(), unsigned_case.spent);
    for (std::size_t i = 0; i < signed_tx->tx().inputs.size(); ++i) {
        EXPECT_EQ(verify_input(signed_tx->tx(), i, kStandardScriptFlags, signed_data), ScriptError::ok);
        EXPECT_EQ(test::verify_by_rows(signed_tx->tx(), i, kStandardScriptFlags, signed_data),
                  test::RowsVerdict::valid);
    }
}

TEST(TaprootWalletVectors, OutputsAndKeyPathSpendsAreMadeAsTheVectorSays) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    int outputs = 0;
    int spends = 0;
    for (const auto& path : test::vector_files("script", "bip341_wallet_vectors*.json")) {
        const UniValue json = test::load_json(path);
        for (const UniValue& c : json["scriptPubKey"].getValues()) {
            check_output(c);
            ++outputs;
        }
        for (const UniValue& c : json["keyPathSpending"].getValues()) {
            check_key_path(c);
            spends += static_cast<int>(c["inputSpending"].size());
        }
    }
    std::cout << "bip341_wallet_vectors: " << outputs << " outputs, " << spends << " signed inputs\n";
    if (outputs + spends == 0) GTEST_SKIP() << "no such files among these vectors";
}

}  // namespace
}  // namespace cairn
