#include <iostream>

#include <gtest/gtest.h>

#include "light/signing/sign_transaction.hpp"
#include "tests/support/json.hpp"

/// BIP341's wallet vectors: signing with the given keys makes exactly the witnesses that they show.
namespace cairn::light {
namespace {

TEST(Bip341Signing, MakesTheWitnessesOfTheVectors) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t cases = 0;
    for (const auto& path : test::vector_files("script", "bip341_wallet*.json")) {
        const UniValue vectors = test::load_json(path);
        for (const UniValue& group : vectors["keyPathSpending"].getValues()) {
            const auto tx = TransactionHolder::parse(test::hex_of(group["given"]["rawUnsignedTx"]));
            ASSERT_TRUE(tx);
            std::vector<Bytes> scripts;
            for (const UniValue& output : group["given"]["utxosSpent"].getValues()) scripts.push_back(test::hex_of(output["scriptPubKey"]));
            std::vector<TxOutput> spent;
            for (std::size_t i = 0; i < scripts.size(); ++i) spent.push_back({group["given"]["utxosSpent"][i]["amountSats"].get_int64(), scripts[i]});

            for (const UniValue& entry : group["inputSpending"].getValues()) {
                const UniValue& given = entry["given"];
                const WalletKey key{PrivateKey::parse(test::hex_of(given["internalPrivkey"])).value(), true};
                std::optional<Uint256> root;
                if (!given["merkleRoot"].isNull()) root = Uint256(test::hex_of(given["merkleRoot"]));
                ScriptKeys keys;
                keys.add(key);
                keys.add_taproot({key.key.public_key().xonly(), root, {}});
                MutableTransaction signed_tx((*tx)->tx());
                sign_transaction(signed_tx, spent, keys, given["hashType"].get_int());
                const auto& witness = signed_tx.inputs[static_cast<std::size_t>(given["txinIndex"].get_int())].witness;
                ASSERT_EQ(witness.size(), 1u);
                EXPECT_EQ(to_hex(witness[0]), entry["expected"]["witness"][0].get_str());
                ++cases;
            }
        }
    }
    std::cout << cases << " inputs signed\n";
    EXPECT_GT(cases, 0u);
}

}  // namespace
}  // namespace cairn::light
