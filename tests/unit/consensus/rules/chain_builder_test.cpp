#include "tests/support/chain_builder.hpp"

#include <gtest/gtest.h>

#include "consensus/rules/connect.hpp"
#include "consensus/rules/header_rules.hpp"
#include "consensus/script/verify.hpp"

namespace cairn {
namespace {

TEST(ChainBuilder, MinesBlocksThatHoldEveryRule) {
    test::ChainBuilder chain;
    chain.mine_many(100);
    const test::TestCoin coin = chain.coin(1);
    const TransactionPtr spend = chain.spend({coin}, 1000);
    const HeaderNode* parent = chain.tip();
    const HeaderNode* node = chain.mine({spend}, 1000);
    const BlockPtr block = chain.block(node);

    EXPECT_TRUE(rules::check_header(block->header(), block->hash(), *parent, block->header().time, chain.params()));
    auto checked = rules::check_block(block, chain.params());
    ASSERT_TRUE(checked) << checked.error().reject_reason();
    EXPECT_TRUE(rules::check_block_context(*checked, parent, chain.params()));
    rules::ResolvedBlock resolved(*checked);
    resolved.add(coin.coin.output(), coin.coin.origin());
    const auto summary = rules::check_spends(resolved, *parent, chain.params());
    ASSERT_TRUE(summary) << summary.error().reject_reason();
    EXPECT_EQ(summary->fees, 1000);
    EXPECT_EQ(summary->sigop_cost, 1);
    const SpentCoins spent = resolved.spent_by(1);
    const PrecomputedTxData precomputed(block->txs()[1], spent.outputs);
    EXPECT_EQ(verify_input(block->txs()[1], 0, rules::script_flags_for_block(*node, chain.params()), precomputed), ScriptError::ok);
}

TEST(ChainBuilder, MinesBranches) {
    test::ChainBuilder chain;
    const HeaderNode* fork = chain.mine_many(3);
    const HeaderNode* left = chain.mine_many(2);
    const HeaderNode* right = chain.mine_on(fork);
    EXPECT_NE(left->ancestor(4), right);
    EXPECT_EQ(last_common_ancestor(left, right), fork);
    EXPECT_EQ(chain.block_at(4)->hash(), right->hash);
}

}  // namespace
}  // namespace cairn
