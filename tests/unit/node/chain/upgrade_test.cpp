#include <gtest/gtest.h>

#include "storage/header_store.hpp"
#include "tests/support/chain_harness.hpp"

namespace cairn::node {
namespace {

using storage::HeaderRecord;
using storage::HeaderStore;
using test::ChainBuilder;
using test::ChainHarness;
using Kind = BlockVerdict::Kind;

TEST(WitnessUpgrade, AsksForAReindexWhenABlockWasTakenInWithoutSegwitsChecks) {
    ChainBuilder builder;
    builder.mine_many(8);
    ChainHarness node;
    ASSERT_TRUE(node.start());
    node.submit_chain(builder, builder.tip());
    node.stop();
    auto record = HeaderStore(node.kv).get(5, builder.tip()->ancestor(5)->hash);
    ASSERT_TRUE(record && *record);
    ASSERT_TRUE((*record)->has(HeaderRecord::witness_checked));
    (*record)->status &= ~HeaderRecord::witness_checked;
    storage::WriteBatch batch;
    HeaderStore::put(batch, **record);
    ASSERT_TRUE(node.kv.write(batch));

    EXPECT_FALSE(node.start());
    EXPECT_EQ(node.start_error, "Witness data for blocks after height 0 requires validation. Please restart with -reindex.");
    node.options.reindex = true;
    ASSERT_TRUE(node.start()) << node.start_error;
    EXPECT_EQ(node.tip()->hash, builder.tip()->hash);
    node.stop();
    node.options.reindex = false;
    EXPECT_TRUE(node.start()) << node.start_error;
}

TEST(InvalidChainWarning, CountsWhatBuildsOnTheBlockThatFailed) {
    ChainBuilder builder;
    const HeaderNode* fork = builder.mine_many(2);
    const HeaderNode* bad = builder.mine({}, 1);  // its coinbase takes a fee that nobody paid
    const HeaderNode* last = builder.mine_many(6);
    ChainHarness node;
    ASSERT_TRUE(node.start());
    node.submit_chain(builder, fork);
    for (Height height = bad->height; height <= last->height; ++height) {
        const auto header = builder.block_at(height)->header();
        ASSERT_TRUE(node.chain().accept_headers({&header, 1}, true));
    }
    EXPECT_TRUE(node.chain().warnings().empty());
    EXPECT_EQ(node.submit(*builder.block(bad)).kind, Kind::invalid);
    EXPECT_EQ(node.chain().warnings().size(), 1u);
    node.stop();
    ASSERT_TRUE(node.start());
    EXPECT_EQ(node.submit(*builder.block(builder.mine_on(fork))).kind, Kind::connected);
    EXPECT_EQ(node.chain().warnings().size(), 0u) << "the block has made the difference smaller";
}

}  // namespace
}  // namespace cairn::node
