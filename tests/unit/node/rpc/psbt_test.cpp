#include <gtest/gtest.h>

#include "consensus/rules/params.hpp"
#include "node/rpc/methods.hpp"
#include "tests/support/rpc_desk.hpp"

namespace cairn::node {
namespace {

class PsbtMethods : public test::RpcDesk, public ::testing::Test {
protected:
    PsbtMethods() {
        context_.params = params_.get();
        add_psbt_methods(table_, context_);
        add_decode_psbt_methods(table_, context_);
        open();
    }
    /// A new PSBT, as a JSON string.
    std::string created(int version, int txid_digit = 1) {
        const std::string txid = std::string(63, '0') + std::to_string(txid_digit);
        return ask("createpsbt", R"([[{"txid":")" + txid + R"(","vout":2}],[{"data":"00"}],7,true,2,)" + std::to_string(version) + "]");
    }

    ChainParamsPtr params_ = make_params(Network::regtest);
};

TEST_F(PsbtMethods, CreateAndDecodeBothVersions) {
    for (const int version : {0, 2}) {
        const UniValue shown = parsed("decodepsbt", "[" + created(version) + "]");
        EXPECT_EQ(shown["psbt_version"].get_int(), version);
        EXPECT_EQ(shown["tx"].isNull(), version == 2);
        EXPECT_EQ(shown["inputs"].size(), 1u);
        EXPECT_EQ(shown["inputs"][0]["previous_vout"].isNull(), version == 0);
        EXPECT_TRUE(shown["fee"].isNull());
    }
    EXPECT_EQ(created(1), "-8: The PSBT version can only be 2 or 0");
}

TEST_F(PsbtMethods, RefuseWhatIsNoPsbt) {
    EXPECT_EQ(ask("decodepsbt", R"([";;"])"), "-22: TX decode failed invalid base64");
    EXPECT_TRUE(ask("analyzepsbt", R"(["AAAA"])").starts_with("-22: TX decode failed "));
    EXPECT_EQ(ask("combinepsbt", "[[]]"), "-8: Parameter 'txs' cannot be empty");
}

TEST_F(PsbtMethods, CombineOnlyWhatIsTheSameTransaction) {
    EXPECT_EQ(ask("combinepsbt", "[[" + created(2) + "," + created(2) + "]]"), created(2));
    EXPECT_EQ(ask("combinepsbt", "[[" + created(2) + "," + created(2, 3) + "]]"), "-8: PSBTs not compatible (different transactions)");
}

TEST_F(PsbtMethods, JoinOnlyVersion0AndEveryInputOnce) {
    EXPECT_EQ(ask("joinpsbts", "[[" + created(0) + "]]"), "-8: At least two PSBTs are required to join PSBTs.");
    EXPECT_EQ(ask("joinpsbts", "[[" + created(0) + "," + created(2, 3) + "]]"), "-8: joinpsbts only operates on version 0 PSBTs");
    EXPECT_EQ(ask("joinpsbts", "[[" + created(0) + "," + created(0) + "]]"),
              "-8: Input " + std::string(63, '0') + "1:2 exists in multiple PSBTs");
    const std::string joined = ask("joinpsbts", "[[" + created(0) + "," + created(0, 3) + "]]");
    EXPECT_EQ(parsed("decodepsbt", "[" + joined + "]")["inputs"].size(), 2u);
}

TEST_F(PsbtMethods, AskForAnUpdaterFirst) {
    const UniValue analysis = parsed("analyzepsbt", "[" + created(2) + "]");
    EXPECT_EQ(analysis["next"].get_str(), "updater");
    EXPECT_FALSE(analysis["inputs"][0]["has_utxo"].get_bool());
    const UniValue finished = parsed("finalizepsbt", "[" + created(2) + "]");
    EXPECT_FALSE(finished["complete"].get_bool());
    EXPECT_EQ('"' + finished["psbt"].get_str() + '"', created(2));
}

}  // namespace
}  // namespace cairn::node
