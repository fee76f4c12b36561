#include <gtest/gtest.h>

#include "node/rpc/lookup.hpp"
#include "tests/support/rpc_desk.hpp"
#include "tests/support/scripted_chain.hpp"

namespace cairn::node {
namespace {

/// A node of regtest with 10 blocks and no network.
class RpcMethods : public ::testing::Test, protected test::RpcDesk {
protected:
    RpcMethods() : params_(make_params(Network::regtest)), chain_(*params_) {
        for (int i = 0; i < 10; ++i) chain_.extend();
        context_.params = params_.get();
        context_.chain = &chain_;
        context_.clock = &clock_;
        context_.set_mock_time = [this](std::int64_t seconds) { clock_.set_mock(seconds); };
        register_methods(table_, context_);
        open();
    }

    std::string tip() const { return chain_.view()->tip->hash.to_display_hex(); }

    ChainParamsPtr params_;
    test::ScriptedChain chain_;
    net::Clock clock_;
};

TEST_F(RpcMethods, TellHeightAndHashOfTheTip) {
    EXPECT_EQ(ask("getblockcount"), "10");
    EXPECT_EQ(ask("getbestblockhash"), "\"" + tip() + "\"");
    EXPECT_EQ(ask("getblockhash", "[10]"), "\"" + tip() + "\"");
    EXPECT_EQ(ask("getdifficulty"), "4.656542373906925e-10");
}

TEST_F(RpcMethods, RefuseHeightsThatAreNotThere) {
    EXPECT_EQ(ask("getblockhash", "[11]"), "-8: Block height out of range");
    EXPECT_EQ(ask("getblockhash", "[-1]"), "-8: Block height out of range");
    EXPECT_EQ(ask("getblockhash", "[1.5]"), "-1: JSON integer out of range");
    EXPECT_EQ(ask("getblockstats", "[-1]"), "-8: Target block height -1 is negative");
    EXPECT_EQ(ask("getblockstats", "[11]"), "-8: Target block height 11 after current tip 10");
}

TEST_F(RpcMethods, NameTheArgumentOfAMalformedHash) {
    EXPECT_EQ(ask("getblockheader", R"(["00"])"), "-8: hash must be of length 64 (not 2, for '00')");
    EXPECT_EQ(ask("getblock", R"([""])"), "-8: blockhash must be of length 64 (not 0, for '')");
    const std::string unknown(64, '7');
    EXPECT_EQ(ask("getblock", "[\"" + unknown + "\"]"), "-5: Block not found");
    EXPECT_EQ(ask("getrawtransaction", "[\"" + unknown + "\",0,\"" + unknown + "\"]"), "-5: Block hash not found");
}

TEST_F(RpcMethods, ShowAHeader) {
    const UniValue header = parsed("getblockheader", "[\"" + tip() + "\"]");
    EXPECT_EQ(header["height"].get_int(), 10);
    EXPECT_EQ(header["confirmations"].get_int(), 1);
    EXPECT_EQ(header["bits"].get_str(), "207fffff");
    EXPECT_EQ(header["target"].get_str(), "7fffff" + std::string(58, '0'));
    EXPECT_EQ(header["nTx"].get_int(), 2);
    EXPECT_FALSE(header.exists("nextblockhash"));
    EXPECT_EQ(ask("getblockheader", "[\"" + tip() + "\", false]").size(), 162u);
}

TEST_F(RpcMethods, ShowBlocksOffTheActiveChainWithoutConfirmations) {
    const HeaderNode* fork = chain_.extend(chain_.headers().genesis());
    const UniValue header = parsed("getblockheader", "[\"" + fork->hash.to_display_hex() + "\"]");
    EXPECT_EQ(header["confirmations"].get_int(), -1);
    EXPECT_FALSE(header.exists("nextblockhash"));
}

TEST_F(RpcMethods, ListBranchTipsFromTheHighestDown) {
    const HeaderNode* fork = chain_.extend(chain_.headers().genesis());
    chain_.known[fork].scripts_valid = false;
    const UniValue tips = parsed("getchaintips");
    ASSERT_EQ(tips.size(), 2u);
    EXPECT_EQ(tips[0]["status"].get_str(), "active");
    EXPECT_EQ(tips[1]["status"].get_str(), "valid-headers");
    EXPECT_EQ(tips[1]["branchlen"].get_int(), 1);
    chain_.known[fork].failed = true;
    EXPECT_EQ(parsed("getchaintips")[1]["status"].get_str(), "invalid");
    chain_.known[fork] = {};
    EXPECT_EQ(parsed("getchaintips")[1]["status"].get_str(), "headers-only");
}

TEST_F(RpcMethods, ShowTheGenesisBlockInEveryVerbosity) {
    const std::string hash = "\"" + params_->genesis_hash().to_display_hex() + "\"";
    EXPECT_EQ(ask("getblock", "[" + hash + ",0]").size(), params_->genesis->raw().size() * 2 + 2);
    EXPECT_EQ(ask("getblock", "[" + hash + ",false]").size(), params_->genesis->raw().size() * 2 + 2);
    EXPECT_EQ(parsed("getblock", "[" + hash + "]")["tx"][0].get_str(),
              params_->genesis->txs()[0].txid.to_display_hex());
    const UniValue block = parsed("getblock", "[" + hash + ",3]");
    EXPECT_EQ(block["tx"][0]["vout"][0]["value"].getValStr(), "50.00000000");
    EXPECT_EQ(block["tx"][0]["vout"][0]["scriptPubKey"]["type"].get_str(), "pubkey");
    EXPECT_FALSE(block["tx"][0].exists("fee"));
    EXPECT_TRUE(block["coinbase_tx"].exists("coinbase"));
    EXPECT_EQ(ask("getblock", "[" + hash + ",\"2\"]"), "-3: JSON value of type string is not of expected type number");
}

TEST_F(RpcMethods, SayWhyABlockCannotBeRead) {
    EXPECT_EQ(ask("getblock", "[\"" + tip() + "\"]"), "-1: Block not available (pruned data)");
    EXPECT_EQ(ask("getblockstats", "[10]"), "-1: Block not available (pruned data)");
}

TEST_F(RpcMethods, CountTransactionsInAWindow) {
    const UniValue stats = parsed("getchaintxstats", "[4]");
    EXPECT_EQ(stats["txcount"].get_int(), 21);
    EXPECT_EQ(stats["window_tx_count"].get_int(), 8);
    EXPECT_EQ(ask("getchaintxstats", "[10]"),
              "-8: Invalid block count: should be between 0 and the block's height - 1");
    EXPECT_EQ(ask("getchaintxstats", "[-1]"),
              "-8: Invalid block count: should be between 0 and the block's height - 1");
}

TEST_F(RpcMethods, FindCoinsOrAnswerNull) {
    OutPoint outpoint{Txid(Uint256(ByteSpan(Bytes(32, 5)))), 3};
    chain_.coins[outpoint] = Coin{123, {0x51}, 7, true};
    const std::string txid = "\"" + outpoint.txid.to_display_hex() + "\"";
    EXPECT_EQ(ask("gettxout", "[" + txid + ",2]"), "null");
    const UniValue coin = parsed("gettxout", "[" + txid + ",3]");
    EXPECT_EQ(coin["confirmations"].get_int(), 4);
    EXPECT_EQ(coin["value"].getValStr(), "0.00000123");
    EXPECT_TRUE(coin["coinbase"].get_bool());
    EXPECT_EQ(ask("gettxout", "[" + txid + ",-1]"), "-1: JSON integer out of range");
}

TEST_F(RpcMethods, RefuseWhatNeedsAnIndex) {
    EXPECT_EQ(ask("gettxoutsetinfo", R"(["muhash", 3])"),
              "-8: Querying specific block heights requires coinstatsindex");
    EXPECT_EQ(ask("gettxoutsetinfo", R"(["foo"])"), "-8: 'foo' is not a valid hash_type");
    EXPECT_FALSE(parsed("gettxoutsetinfo", R"(["none"])").exists("hash_serialized_3"));
    EXPECT_TRUE(parsed("gettxoutsetinfo").exists("hash_serialized_3"));
    EXPECT_TRUE(ask("getrawtransaction", "[\"" + std::string(64, '1') + "\"]")
                    .starts_with("-5: No such mempool transaction. Use -txindex"));
    EXPECT_EQ(ask("getindexinfo"), "{}");
}

TEST_F(RpcMethods, PassCommandsOnToTheChain) {
    const std::string hash = "[\"" + tip() + "\"]";
    EXPECT_EQ(ask("invalidateblock", hash), "null");
    EXPECT_EQ(ask("reconsiderblock", hash), "null");
    EXPECT_EQ(ask("preciousblock", hash), "null");
    EXPECT_EQ(ask("verifychain", "[4, 0]"), "true");
    EXPECT_EQ(ask("verifychain"), "true");
    EXPECT_EQ(chain_.commands,
              (std::vector<std::string>{"invalidate", "reconsider", "precious", "verify 4 0", "verify 3 6"}));
}

TEST_F(RpcMethods, WaitOnlyWhenThereIsSomethingToWaitFor) {
    EXPECT_EQ(parsed("waitforblockheight", "[5]")["height"].get_int(), 10);
    EXPECT_TRUE(chain_.commands.empty());
    ask("waitforblockheight", "[11, 20]");
    ask("waitfornewblock");
    EXPECT_EQ(chain_.commands, (std::vector<std::string>{"wait 20", "wait without limit"}));
    EXPECT_EQ(ask("waitfornewblock", "[-1]"), "-1: Negative timeout");
}

TEST_F(RpcMethods, PruneOnlyWithPruning) {
    EXPECT_EQ(ask("pruneblockchain", "[1]"), "-1: Cannot prune blocks because node is not in prune mode.");
    context_.pruning = true;
    EXPECT_EQ(ask("pruneblockchain", "[1]"), "-1: Blockchain is too short for pruning.");
    EXPECT_EQ(ask("pruneblockchain", "[-1]"), "-8: Negative block height.");
    EXPECT_EQ(ask("pruneblockchain", "[4000000000]"), "-1: JSON integer out of range");
}

TEST_F(RpcMethods, AnswerSubmittedBlocksAsBip22Says) {
    const std::string block = "[\"" + [&] {
        std::string text;
        for (const std::uint8_t byte : params_->genesis->raw()) {
            static constexpr char kDigits[] = "0123456789abcdef";
            text += {kDigits[byte >> 4], kDigits[byte & 15]};
        }
        return text;
    }() + "\"]";
    using Kind = BlockVerdict::Kind;
    chain_.verdict.kind = Kind::duplicate;
    EXPECT_EQ(ask("submitblock", block), "\"duplicate\"");
    chain_.verdict.kind = Kind::connected;
    EXPECT_EQ(ask("submitblock", block), "null");
    chain_.verdict.kind = Kind::stored;
    EXPECT_EQ(ask("submitblock", block), "\"inconclusive\"");
    chain_.verdict = {.kind = Kind::invalid, .reject_reason = "bad-cb-amount"};
    EXPECT_EQ(ask("submitblock", block), "\"bad-cb-amount\"");
    EXPECT_EQ(ask("submitblock", R"(["00"])"), "-22: Block decode failed");
    EXPECT_EQ(ask("submitheader", R"(["00"])"), "-22: Block header decode failed");
}

TEST_F(RpcMethods, KeepTheClockWithinWhatBlocksCanSay) {
    EXPECT_EQ(ask("setmocktime", "[4294967296]"), "-8: Mocktime must be in the range [0, 4294967295], not 4294967296.");
    EXPECT_EQ(ask("setmocktime", "[-1]"), "-8: Mocktime must be in the range [0, 4294967295], not -1.");
    EXPECT_EQ(ask("setmocktime", "[1700000000]"), "null");
    EXPECT_EQ(clock_.now(), 1'700'000'000);
    EXPECT_EQ(ask("mockscheduler", "[0]"), "-1: delta_time must be between 1 and 3600 seconds (1 hr)");
}

TEST_F(RpcMethods, SayThatThereIsNoNetwork) {
    for (const char* method : {"getpeerinfo", "getconnectioncount", "ping", "getnettotals"}) {
        EXPECT_EQ(ask(method), "-31: Error: Peer-to-peer functionality missing or disabled") << method;
    }
}

TEST_F(RpcMethods, ValidateAddresses) {
    EXPECT_TRUE(parsed("validateaddress", R"(["bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202"])")["isvalid"].isBool());
    const UniValue bad = parsed("validateaddress", R"(["x"])");
    EXPECT_FALSE(bad["isvalid"].get_bool());
    EXPECT_TRUE(bad["error"].isStr());
    EXPECT_TRUE(bad["error_locations"].isArray());
    const UniValue anchor = parsed("validateaddress", R"(["bcrt1pfeesnyr2tx"])");
    EXPECT_EQ(anchor["scriptPubKey"].get_str(), "51024e73");
    EXPECT_FALSE(anchor.exists("witness_version"));
}

TEST_F(RpcMethods, DecodeScripts) {
    EXPECT_EQ(parsed("decodescript", R"([""])")["type"].get_str(), "nonstandard");
    const UniValue key =
        parsed("decodescript", R"(["210279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798ac"])");
    EXPECT_EQ(key["desc"].get_str(), "pk(0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798)#gn28ywm7");
    EXPECT_EQ(key["segwit"]["type"].get_str(), "witness_v0_keyhash");
    EXPECT_FALSE(parsed("decodescript", R"(["6a"])").exists("p2sh"));
    EXPECT_EQ(ask("decodescript", R"(["zz"])"), "-8: argument must be hexadecimal string (not 'zz')");
}

TEST_F(RpcMethods, GiveHelpForEveryMethod) {
    for (const std::string& name : table_.names()) {
        const std::string text = table_.help(name);
        EXPECT_TRUE(text.starts_with(name)) << name;
        EXPECT_EQ(text.find("unknown command"), std::string::npos) << name;
    }
    EXPECT_EQ(ask("help", R"(["nosuch"])"), "\"help: unknown command: nosuch\"");
    EXPECT_EQ(
        ask("generate"),
        "-32601: generate\n\nhas been replaced by the -generate cli option. Refer to -help for more information.\n");
    EXPECT_EQ(ask("getinfo"), "-32601: Method not found");
}

TEST_F(RpcMethods, EchoWhatTheyGet) {
    EXPECT_EQ(ask("echo", R"([1,"a",[true,null],{"b":1.50}])"), R"([1,"a",[true,null],{"b":1.50}])");
}

TEST(Difficulty, IsOneAtMainnetsEasiestTarget) {
    EXPECT_EQ(difficulty(0x1d00ffff), 1.0);
    EXPECT_EQ(difficulty(0x1b0404cb), 16307.420938523983);
}

}  // namespace
}  // namespace cairn::node
