#include <gtest/gtest.h>

#include "consensus/base/hex.hpp"
#include "node/mining/template_board.hpp"
#include "tests/support/fake_mempool_port.hpp"
#include "tests/support/mempool_builder.hpp"
#include "tests/support/rpc_desk.hpp"
#include "tests/support/scripted_chain.hpp"

namespace cairn::node {
namespace {

/// A node of a network with 10 blocks.
class BlockTemplates : public ::testing::Test, protected test::RpcDesk {
protected:
    explicit BlockTemplates(Network network = Network::regtest) : params_(make_params(network)), chain_(*params_) {
        for (int i = 0; i < 10; ++i) chain_.extend();
        clock_.set_mock(chain_.view()->tip->header.time + 100);
        context_.params = params_.get();
        context_.chain = &chain_;
        context_.clock = &clock_;
        context_.mempool = &pool_;
        board_.emplace(chain_, &pool_, params_, clock_, MiningOptions{});
        context_.templates = &*board_;
        register_methods(table_, context_);
        open();
    }

    std::string ask(const std::string& params, const std::string& method = "getblocktemplate") { return RpcDesk::ask(method, params); }

    ChainParamsPtr params_;
    test::ScriptedChain chain_;
    net::Clock clock_;
    test::FakeMempoolPort pool_;
    std::optional<TemplateBoard> board_;
};

class BlockTemplatesOnMainnet : public BlockTemplates {
protected:
    BlockTemplatesOnMainnet() : BlockTemplates(Network::mainnet) {}
};

class BlockTemplatesOnSignet : public BlockTemplates {
protected:
    BlockTemplatesOnSignet() : BlockTemplates(Network::signet) {}
};

TEST_F(BlockTemplates, SayWhatTheNextBlockNeeds) {
    UniValue answer;
    ASSERT_TRUE(answer.read(ask(R"([{"rules":["segwit"]}])")));
    const std::string tip = chain_.view()->tip->hash.to_display_hex();
    EXPECT_EQ(answer["previousblockhash"].get_str(), tip);
    EXPECT_EQ(answer["longpollid"].get_str(), tip + "0");
    EXPECT_EQ(answer["height"].get_int(), 11);
    EXPECT_EQ(answer["coinbasevalue"].get_int64(), 50 * kCoin);
    EXPECT_EQ(answer["curtime"].get_int64(), clock_.now());
    EXPECT_EQ(answer["mintime"].get_int64(), chain_.view()->tip->median_time_past() + 1);
    EXPECT_EQ(answer["rules"].write(), R"(["csv","!segwit","taproot"])");
    EXPECT_EQ(answer["weightlimit"].get_int(), 4'000'000);
    EXPECT_EQ(answer["transactions"].size(), 0u);
    EXPECT_TRUE(answer["default_witness_commitment"].get_str().starts_with("6a24aa21a9ed"));
}

TEST_F(BlockTemplates, AreOnlyForThoseWhoKnowTheRules) {
    EXPECT_EQ(ask("[{}]"), "-8: getblocktemplate must be called with the segwit rule set (call with {\"rules\": [\"segwit\"]})");
    EXPECT_EQ(ask(R"([{"mode":"other"}])"), "-8: Invalid mode");
    EXPECT_EQ(ask(R"([{"mode":1}])"), "-8: Invalid mode");
}

TEST_F(BlockTemplates, ShowTheMempoolsTransactions) {
    test::MempoolBuilder builder;
    const TransactionPtr parent = builder.tx({builder.coin()}, 2);
    const TransactionPtr child = builder.tx({test::MempoolBuilder::out(parent, 1), builder.coin(), test::MempoolBuilder::out(parent)});
    test::MempoolBuilder::add(pool_.pool, parent, 1'000);
    test::MempoolBuilder::add(pool_.pool, child, 50'000);
    UniValue answer;
    ASSERT_TRUE(answer.read(ask(R"([{"rules":["segwit"]}])")));
    const UniValue& transactions = answer["transactions"];
    ASSERT_EQ(transactions.size(), 2u);
    EXPECT_EQ(transactions[0]["txid"].get_str(), parent->tx().txid.to_display_hex());
    EXPECT_EQ(transactions[0]["depends"].write(), "[]");
    EXPECT_EQ(transactions[1]["data"].get_str(), to_hex(child->tx().raw));
    EXPECT_EQ(transactions[1]["hash"].get_str(), child->tx().wtxid.to_display_hex());
    EXPECT_EQ(transactions[1]["depends"].write(), "[1,1]");
    EXPECT_EQ(transactions[1]["fee"].get_int(), 50'000);
    EXPECT_EQ(transactions[1]["sigops"].get_int(), 0);
    EXPECT_EQ(transactions[1]["weight"].get_int64(), child->tx().weight());
    EXPECT_EQ(answer["coinbasevalue"].get_int64(), 50 * kCoin + 51'000);
    EXPECT_EQ(answer["longpollid"].get_str(), chain_.view()->tip->hash.to_display_hex() + std::to_string(pool_.pool.changes()));
    EXPECT_TRUE(ask("[]", "getmininginfo").find("\"currentblocktx\":2") != std::string::npos);
}

TEST_F(BlockTemplates, WaitForAnotherTipOrMempoolWhenAskedTo) {
    const std::string tip = chain_.view()->tip->hash.to_display_hex();
    ask(R"([{"rules":["segwit"],"longpollid":")" + tip + R"(7"}])");
    EXPECT_EQ(chain_.commands, std::vector<std::string>{"wait 60000"}) << "the mempool has changed since";
    chain_.commands.clear();
    int looks = 0;
    context_.shutdown_requested = [&] { return ++looks > 6; };
    EXPECT_EQ(ask(R"([{"rules":["segwit"],"longpollid":")" + tip + R"(0"}])"), "-9: Shutting down");
    ASSERT_GE(chain_.commands.size(), 3u);
    EXPECT_EQ(chain_.commands[0], "wait 60000");
    EXPECT_EQ(chain_.commands[1], "wait 10000");
    EXPECT_EQ(chain_.commands[2], "wait 10000");
    EXPECT_EQ(ask(R"([{"rules":["segwit"],"longpollid":"ab"}])"), "-8: longpollid must be of length 64 (not 2, for 'ab')");
}

TEST_F(BlockTemplates, AnswerProposalsAsBip22Says) {
    EXPECT_EQ(ask(R"([{"mode":"proposal"}])"), "-3: Missing data String key for proposal");
    EXPECT_EQ(ask(R"([{"mode":"proposal","data":"00"}])"), "-22: Block decode failed");
    const HeaderNode* genesis = chain_.headers().genesis();
    const std::string proposal = R"([{"mode":"proposal","data":")" + to_hex(params_->genesis->raw()) + R"("}])";
    EXPECT_EQ(ask(proposal), "\"duplicate\"");
    chain_.known[genesis].scripts_valid = false;
    EXPECT_EQ(ask(proposal), "\"duplicate-inconclusive\"");
    chain_.known[genesis].failed = true;
    EXPECT_EQ(ask(proposal), "\"duplicate-invalid\"");
}

TEST_F(BlockTemplatesOnMainnet, NeedANetwork) {
    EXPECT_TRUE(ask(R"([{"rules":["segwit"]}])").starts_with("-31: "));
}

TEST_F(BlockTemplatesOnSignet, AreForThoseWhoKnowSignet) {
    EXPECT_EQ(ask(R"([{"rules":["segwit"]}])"),
              "-8: getblocktemplate must be called with the signet rule set (call with {\"rules\": [\"segwit\", \"signet\"]})");
}

}  // namespace
}  // namespace cairn::node
