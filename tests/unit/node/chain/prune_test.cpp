#include <gtest/gtest.h>

#include "tests/support/chain_harness.hpp"

namespace cairn::node {
namespace {

using test::ChainBuilder;
using test::ChainHarness;

constexpr Height kBlocks = 700;
constexpr Height kAlwaysKept = 288;

class AutomaticPruning : public testing::Test {
protected:
    static void SetUpTestSuite() {
        builder = std::make_unique<ChainBuilder>();
        builder->mine_many(kBlocks);
        ChainHarness whole;
        ASSERT_TRUE(whole.start());
        whole.submit_chain(*builder, builder->tip());
        size = whole.chain().size_on_disk();
        stats = whole.stats();
    }
    static void TearDownTestSuite() { builder.reset(); }

    void start(std::uint64_t target) {
        node.options.prune = node.options.fast_prune = true;
        node.options.prune_target = target;
        ASSERT_TRUE(node.start()) << node.start_error;
    }
    // Only what is above the tip: pruned blocks that are submitted by force would be stored again.
    void sync() {
        for (Height h = node.tip()->height + 1; h <= kBlocks; ++h) node.submit(*builder->block_at(h));
        node.chain().drain_events();
        ASSERT_EQ(node.tip()->hash, builder->tip()->hash);
    }

    static inline std::unique_ptr<ChainBuilder> builder;
    static inline std::uint64_t size = 0;
    static inline UtxoStats stats;
    ChainHarness node;
};

TEST_F(AutomaticPruning, KeepsTheStoreBelowItsTargetWhileSyncing) {
    const std::uint64_t target = size * 3 / 4;
    start(target);
    sync();
    EXPECT_LE(node.chain().size_on_disk(), target);
    EXPECT_GT(node.chain().size_on_disk(), target / 2) << "no more goes than must";
    const Height lowest = node.chain().view()->prune_height;
    EXPECT_GT(lowest, 1);
    EXPECT_LE(lowest, kBlocks - kAlwaysKept + 1);
    EXPECT_EQ(node.chain().read_block(node.tip()->ancestor(lowest - 1)).error(), ReadError::pruned);
    EXPECT_EQ(node.chain().read_undo(node.tip()->ancestor(lowest - 1)).error(), ReadError::pruned);
    for (Height h = lowest; h <= kBlocks; ++h) EXPECT_TRUE(node.chain().read_block(node.tip()->ancestor(h))) << h;
    EXPECT_EQ(node.stats().hash, stats.hash);
}

TEST_F(AutomaticPruning, KeepsTheNewestBlocksHoweverSmallTheTarget) {
    start(1);
    sync();
    const Height lowest = node.chain().view()->prune_height;
    // In initial download some dozens of blocks go at once.
    EXPECT_LE(lowest, kBlocks - kAlwaysKept + 1);
    EXPECT_GT(lowest, kBlocks - kAlwaysKept - 64);
    for (Height h = kBlocks - kAlwaysKept + 1; h <= kBlocks; ++h) EXPECT_TRUE(node.chain().read_block(node.tip()->ancestor(h))) << h;
}

TEST_F(AutomaticPruning, LeavesAStoreBelowTheTargetAlone) {
    start(size * 2);
    sync();
    EXPECT_EQ(node.chain().view()->prune_height, 0);
    EXPECT_TRUE(node.chain().read_block(node.tip()->ancestor(1)));
}

TEST_F(AutomaticPruning, GoesOnAfterARestartAndSurvivesACrash) {
    start(size * 3 / 4);
    sync();
    const Height lowest = node.chain().view()->prune_height;
    node.crash();
    ASSERT_TRUE(node.start()) << node.start_error;
    sync();
    EXPECT_GE(node.chain().view()->prune_height, 1);
    EXPECT_LE(node.chain().size_on_disk(), size * 3 / 4);
    node.stop();
    node.options.prune_target = 1;
    ASSERT_TRUE(node.start()) << node.start_error;
    node.chain().drain_events();
    EXPECT_GE(node.chain().view()->prune_height, lowest);
    EXPECT_EQ(node.stats().hash, stats.hash);
}

TEST_F(AutomaticPruning, FollowsABranchThatForksOffWithinTheKeptBlocks) {
    start(1);
    sync();
    const HeaderNode* branch = builder->tip()->ancestor(kBlocks - 100);
    for (int i = 0; i < 101; ++i) branch = builder->mine_on(branch);
    for (Height h = kBlocks - 99; h <= branch->height; ++h) node.submit(*builder->block(branch->ancestor(h)));
    EXPECT_EQ(node.tip()->hash, branch->hash);
    builder->set_tip(builder->headers().find(builder->block_at(kBlocks - 100)->hash()));
}

}  // namespace
}  // namespace cairn::node
