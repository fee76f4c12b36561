#include "consensus/rules/connect.hpp"

#include <gtest/gtest.h>

#include "consensus/rules/assume_valid.hpp"
#include "tests/support/chain_builder.hpp"

namespace cairn {
namespace {

using test::BlockDraft;
using test::ChainBuilder;
using test::TestCoin;

/// A block's verdict when its inputs spend `coins` in order.
std::string judge(ChainBuilder& chain, const BlockDraft& draft, const std::vector<Coin>& coins, std::string* debug = nullptr) {
    const auto checked = rules::check_block(draft.finish(), chain.params(), {.proof_of_work = false, .merkle_root = false});
    if (!checked) return "alone: " + checked.error().reject_reason();
    rules::ResolvedBlock resolved(*checked);
    for (const Coin& coin : coins) resolved.add(coin.output(), coin.origin());
    const auto summary = rules::check_spends(resolved, *chain.tip(), chain.params());
    if (summary) return "valid";
    if (debug != nullptr) *debug = summary.error().debug;
    EXPECT_FALSE(summary.error().mutated());
    return summary.error().reject_reason();
}

class ConnectTest : public testing::Test {
protected:
    ConnectTest() { chain_.mine_many(110); }

    /// A block with one transaction that spends the first coinbase with this version and sequence.
    BlockDraft draft_with_sequence(std::uint32_t version, std::uint32_t sequence) {
        MutableTransaction tx;
        tx.version = version;
        tx.inputs.push_back({.prevout = chain_.coin(1).outpoint, .sequence = sequence});
        tx.outputs.push_back({1, {0x51}});
        return chain_.draft(chain_.tip(), {tx.finish()});
    }

    ChainBuilder chain_;
};

TEST_F(ConnectTest, LimitsTheCoinbaseToSubsidyAndFees) {
    const TestCoin coin = chain_.coin(1);
    const TransactionPtr spend = chain_.spend({coin}, 700);
    EXPECT_EQ(judge(chain_, chain_.draft(chain_.tip(), {spend}, 700), {coin.coin}), "valid");
    EXPECT_EQ(judge(chain_, chain_.draft(chain_.tip(), {spend}, -5), {coin.coin}), "valid");
    std::string debug;
    EXPECT_EQ(judge(chain_, chain_.draft(chain_.tip(), {spend}, 701), {coin.coin}, &debug), "bad-cb-amount");
    EXPECT_EQ(debug, "coinbase pays too much (actual=5000000701 vs limit=5000000700)");
}

TEST_F(ConnectTest, NamesTheTransactionThatSpendsWrongly) {
    const TestCoin coin = chain_.coin(1);
    const TransactionPtr spend = chain_.spend({coin}, 700);
    const BlockDraft draft = chain_.draft(chain_.tip(), {spend});
    std::string debug;
    EXPECT_EQ(judge(chain_, draft, {Coin{kMissingCoinValue, {}, 0, false}}, &debug), "bad-txns-inputs-missingorspent");
    EXPECT_EQ(debug, "CheckTxInputs: inputs missing/spent in transaction " + spend->tx().txid.to_display_hex());
    Coin young = coin.coin;
    young.height = 12;
    EXPECT_EQ(judge(chain_, draft, {young}, &debug), "bad-txns-premature-spend-of-coinbase");
    EXPECT_EQ(debug.find("tried to spend coinbase at depth 99"), 0u);
    young.height = 11;
    EXPECT_EQ(judge(chain_, draft, {young}), "valid");
}

TEST_F(ConnectTest, BoundsTheSumOfFees) {
    const TransactionPtr first = chain_.spend({chain_.coin(1)}, 0);
    const TransactionPtr second = chain_.spend({chain_.coin(2)}, 0);
    const Coin rich{kMaxMoney, {}, 1, false};
    const BlockDraft draft = chain_.draft(chain_.tip(), {first, second});
    EXPECT_EQ(judge(chain_, draft, {rich, rich}), "bad-txns-accumulated-fee-outofrange");
}

TEST_F(ConnectTest, EnforcesRelativeLocksOfBlocks) {
    const Height height = chain_.tip()->height + 1;
    const auto judge_age = [&](std::uint32_t version, std::uint32_t sequence, Height coin_height) {
        return judge(chain_, draft_with_sequence(version, sequence), {Coin{10, {}, coin_height, false}});
    };
    EXPECT_EQ(judge_age(2, 10, height - 10), "valid");
    EXPECT_EQ(judge_age(2, 10, height - 9), "bad-txns-nonfinal");
    EXPECT_EQ(judge_age(1, 10, height - 9), "valid");
    EXPECT_EQ(judge_age(2, 10 | rules::kSequenceDisableFlag, height - 9), "valid");
    EXPECT_EQ(judge_age(0xffffffff, 10, height - 9), "bad-txns-nonfinal");
    EXPECT_EQ(judge_age(2, 0xffff0000 & ~rules::kSequenceDisableFlag & ~rules::kSequenceTypeFlag, height), "valid");
    EXPECT_EQ(judge_age(2, 1, height), "bad-txns-nonfinal");  // made in the same block
}

TEST_F(ConnectTest, EnforcesRelativeLocksOfTime) {
    // Times of this chain grow by a second a block.
    const auto judge_units = [&](std::uint32_t units, Height coin_height) {
        return judge(chain_, draft_with_sequence(2, units | rules::kSequenceTypeFlag), {Coin{10, {}, coin_height, false}});
    };
    EXPECT_EQ(judge_units(0, 50), "valid");
    EXPECT_EQ(judge_units(1, 50), "bad-txns-nonfinal");
    // A block whose time jumps ahead by 512 seconds moves the median only once six like it stand there.
    for (int i = 0; i < 6; ++i) {
        BlockDraft late = chain_.draft(chain_.tip());
        late.header.time += i == 0 ? 600 : 0;
        chain_.add(late.mine(chain_.params()).finish());
    }
    EXPECT_EQ(judge_units(1, 50), "valid");
    const Height newest = chain_.tip()->height;
    EXPECT_EQ(judge_units(1, newest), "valid");            // its parent's median is still early
    EXPECT_EQ(judge_units(1, newest + 1), "bad-txns-nonfinal");
}

TEST_F(ConnectTest, CountsSignatureOperationsOfAllKinds) {
    const auto judge_script = [&](const Bytes& script_pubkey, const Bytes& script_sig, std::size_t legacy, std::size_t inputs) {
        MutableTransaction tx;
        std::vector<Coin> coins(inputs, Coin{1, script_pubkey, 1, false});
        for (std::uint32_t i = 0; i < inputs; ++i) {
            tx.inputs.push_back({.prevout = {Txid(Uint256(Bytes(32, 9))), i}, .script_sig = script_sig});
        }
        tx.outputs.push_back({0, Bytes(legacy, 0xac)});
        std::string debug;
        const std::string verdict = judge(chain_, chain_.draft(chain_.tip(), {tx.finish()}), coins, &debug);
        if (verdict != "valid") {
            EXPECT_EQ(debug, "too many sigops");
        }
        return verdict;
    };
    const Bytes redeem(500, 0xac);
    const Bytes push = ScriptBuilder().push(redeem).take();
    const Bytes p2sh = make_p2sh(hash160(redeem));
    EXPECT_EQ(judge_script(p2sh, push, 0, 40), "valid");
    EXPECT_EQ(judge_script(p2sh, push, 1, 40), "bad-blk-sigops");
    const Bytes p2wpkh = make_witness_program(0, Bytes(20, 1));
    EXPECT_EQ(judge_script(p2wpkh, {}, 19'999, 4), "valid");
    EXPECT_EQ(judge_script(p2wpkh, {}, 19'999, 5), "bad-blk-sigops");
}

TEST(ScriptFlagsForBlock, FollowHeightsAndExceptions) {
    const ChainParamsPtr params = make_params(Network::mainnet);
    const ScriptFlags always{ScriptFlag::p2sh, ScriptFlag::witness, ScriptFlag::taproot};
    const auto at = [&](Height height) { return rules::script_flags_for_block({}, height, *params); };
    EXPECT_EQ(at(1), always);
    EXPECT_EQ(at(363724), always);
    EXPECT_EQ(at(363725), always | ScriptFlag::dersig);
    EXPECT_EQ(at(388381), always | ScriptFlag::dersig | ScriptFlag::checklocktimeverify);
    EXPECT_EQ(at(419328), always | ScriptFlag::dersig | ScriptFlag::checklocktimeverify | ScriptFlag::checksequenceverify);
    EXPECT_EQ(at(481823).has(ScriptFlag::nulldummy), false);
    EXPECT_EQ(at(481824), kMandatoryScriptFlags);
    const auto of = [&](const char* hash, Height height) {
        return rules::script_flags_for_block(*BlockHash::from_display_hex(hash), height, *params);
    };
    EXPECT_EQ(of("00000000000002dc756eebf4f49723ed8d30cc28a5f108eb94b1ba88ac4f9c22", 170060), ScriptFlags());
    EXPECT_EQ(of("0000000000000000000f14c35b2d841e986ab5441de8c585d5ffe55ea1e395ad", 709632),
              kMandatoryScriptFlags & ~ScriptFlag::taproot);
}

TEST(Bip30, IsCheckedUntilBip34AndAgainInTheFarFuture) {
    const ChainParamsPtr params = make_params(Network::mainnet);
    HeaderNode bip34;
    bip34.height = params->bip34_height;
    bip34.hash = params->bip34_hash;
    HeaderNode parent;
    parent.parent = parent.skip = &bip34;
    const auto must_check = [&](Height height) {
        parent.height = height - 1;
        return rules::must_check_bip30({}, parent, *params);
    };
    EXPECT_TRUE(must_check(227931));  // its parent has no ancestor at that height
    EXPECT_FALSE(must_check(227933));
    EXPECT_FALSE(must_check(1983701));
    EXPECT_TRUE(must_check(1983702));
    bip34.hash = {};
    EXPECT_TRUE(must_check(227933));
    const auto repeat = *BlockHash::from_display_hex("00000000000a4d0a398161ffc163c503763b1f4360639393e0e4c8e300e0caec");
    parent.height = 91841;
    EXPECT_FALSE(rules::must_check_bip30(repeat, parent, *params));
    EXPECT_TRUE(rules::is_bip30_repeat(repeat, 91842));
    EXPECT_FALSE(rules::is_bip30_repeat(repeat, 91843));
    EXPECT_TRUE(rules::is_bip30_unspendable(
        *BlockHash::from_display_hex("00000000000271a2dc26e7667f8419f2e15416dc6955e5a6c6cdf3f2574dd08e"), 91722));
    EXPECT_EQ(rules::bip30_fault().reject_reason(), "bad-txns-BIP30");
}

TEST(Bip30, IsCheckedOnEveryBlockOfRegtest) {
    ChainBuilder chain;
    chain.mine_many(5);
    EXPECT_TRUE(rules::must_check_bip30({}, *chain.tip(), chain.params()));
}

TEST(ScriptFault, NamesInputAndOutpoint) {
    ChainBuilder chain;
    chain.mine();
    const TransactionPtr spend = chain.spend({chain.coin(1)}, 5);
    const BlockFault fault = rules::script_fault(spend->tx(), 0, ScriptError::sig_der);
    EXPECT_EQ(fault.reject_reason(), "block-script-verify-flag-failed (Non-canonical DER signature)");
    EXPECT_EQ(fault.debug, "input 0 of " + spend->tx().txid.to_display_hex() + " (wtxid " + spend->tx().wtxid.to_display_hex() +
                               "), spending " + chain.coin(1).outpoint.txid.to_display_hex() + ":0");
}

TEST(AssumeValid, SkipsScriptsOnlyWhenEveryConditionHolds) {
    ChainBuilder chain;
    // Two weeks are 2016 blocks at equal difficulty.
    const HeaderNode* node = chain.mine_many(1);
    const HeaderNode* assumed = chain.mine_many(10);
    const HeaderNode* best = chain.mine_many(2016);
    const ChainParams& params = chain.params();
    rules::AssumeValid assume{assumed->hash, assumed, best, {}};
    const auto reason = [&](const HeaderNode& of) { return rules::script_check_reason(of, assume, params); };

    EXPECT_EQ(reason(*node), std::nullopt);
    EXPECT_EQ(reason(*best->ancestor(11)), "block too recent relative to best header");  // exactly two weeks
    EXPECT_EQ(reason(*best->ancestor(10)), std::nullopt);
    EXPECT_EQ(reason(*best->ancestor(12)), "block height above assumevalid height");
    const HeaderNode* other = chain.mine_on(node);
    EXPECT_EQ(reason(*other), "block not in assumevalid chain");
    assume.best_header = other;
    EXPECT_EQ(reason(*assumed), "block not in best header chain");
    assume.best_header = best;
    assume.minimum_chain_work = best->chain_work + Arith256(1);
    EXPECT_EQ(reason(*node), "best header chainwork below minimumchainwork");
    assume.assumed = nullptr;
    EXPECT_EQ(reason(*node), "assumevalid hash not in headers");
    assume.block = {};
    EXPECT_EQ(reason(*node), "assumevalid=0 (always verify)");
}

}  // namespace
}  // namespace cairn
