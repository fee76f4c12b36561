#include <iostream>

#include <gtest/gtest.h>

#include "consensus/primitives/address.hpp"
#include "consensus/rules/params.hpp"
#include "light/psbt/base64.hpp"
#include "light/psbt/roles.hpp"
#include "tests/support/json.hpp"

/// What Bitcoin Core's creator, signer, combiner, finalizer and extractor make of its examples, which are those of BIP174.
namespace cairn::light {
namespace {

Psbt read(const UniValue& text) { return Psbt::parse(from_base64(text.get_str()).value()).value(); }
std::string written(const Psbt& psbt) { return to_base64(psbt.serialize()); }
const ChainParams& params() {
    static const ChainParamsPtr regtest = make_params(Network::regtest);
    return *regtest;
}

template <class Check>
void for_each_case(const char* role, Check check) {
    std::size_t cases = 0;
    for (const auto& path : test::vector_files("psbt", "core_rpc_psbt*.json")) {
        const UniValue file = test::load_json(path);
        for (const UniValue& entry : file[role].getValues()) {
            check(entry);
            ++cases;
        }
    }
    std::cout << role << ": " << cases << " cases\n";
}

TEST(PsbtRoleVectors, Creator) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    for_each_case("creator", [](const UniValue& entry) {
        MutableTransaction tx;
        for (const UniValue& input : entry["inputs"].getValues()) {
            const Txid txid(*Uint256::from_display_hex(input["txid"].get_str()));
            tx.inputs.push_back({OutPoint{txid, static_cast<std::uint32_t>(input["vout"].get_int())}, {}, TxInput::kFinalSequence, {}});
        }
        for (const UniValue& output : entry["outputs"].getValues()) {
            const std::string address = output.getKeys()[0];
            const auto value = static_cast<Amount>(output[address].get_real() * static_cast<double>(kCoin) + 0.5);
            tx.outputs.push_back({value, script_for(decode_address(address, params().addresses).value())});
        }
        EXPECT_EQ(written(Psbt::create(tx, static_cast<std::uint32_t>(entry["version"].get_int()))), entry["result"].get_str());
    });
}

TEST(PsbtRoleVectors, Signer) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    for_each_case("signer", [](const UniValue& entry) {
        Psbt psbt = read(entry["psbt"]);
        ScriptKeys keys;
        for (const UniValue& wif : entry["privkeys"].getValues()) keys.add(decode_wif(wif.get_str(), params().addresses).value());
        const auto transaction = PsbtTransaction::make(psbt);
        ASSERT_TRUE(transaction.has_value());
        for (std::size_t i = 0; i < psbt.inputs.size(); ++i) sign_psbt_input(psbt, i, keys, *transaction, {kSighashAll, true});
        drop_needless_transactions(psbt);
        EXPECT_EQ(written(psbt), entry["result"].get_str());
    });
}

TEST(PsbtRoleVectors, Combiner) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    for_each_case("combiner", [](const UniValue& entry) {
        std::vector<Psbt> psbts;
        for (const UniValue& text : entry["combine"].getValues()) psbts.push_back(read(text));
        EXPECT_EQ(written(combine_psbts(psbts).value()), entry["result"].get_str());
    });
}

TEST(PsbtRoleVectors, Finalizer) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    for_each_case("finalizer", [](const UniValue& entry) {
        Psbt psbt = read(entry["finalize"]);
        EXPECT_TRUE(finalize_psbt(psbt));
        EXPECT_EQ(written(psbt), entry["result"].get_str());
    });
}

TEST(PsbtRoleVectors, Extractor) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    for_each_case("extractor", [](const UniValue& entry) {
        Psbt psbt = read(entry["extract"]);
        const auto tx = extract_transaction(psbt);
        ASSERT_TRUE(tx.has_value());
        EXPECT_EQ(to_hex(tx->serialize()), entry["result"].get_str());
    });
}

}  // namespace
}  // namespace cairn::light
