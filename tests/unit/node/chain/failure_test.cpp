#include <gtest/gtest.h>

#include "tests/support/chain_harness.hpp"

namespace cairn::node {
namespace {

using test::ChainBuilder;
using test::ChainHarness;
using Kind = BlockVerdict::Kind;

TEST(DiskFailure, StopsTheNodeAndBlamesNoBlockWhicheverWriteFails) {
    ChainBuilder builder;
    builder.mine_many(130);
    for (int i = 0; i < 5; ++i) builder.mine({builder.spend({builder.coin(1 + i)}, 10)}, 10);
    for (std::uint64_t failing = 1; failing <= 14; ++failing) {
        ChainHarness node;
        node.options.cache_bytes = failing % 2 == 0 ? 4096 : std::size_t{1} << 20;  // flushes often, or never
        ASSERT_TRUE(node.start());
        node.submit_chain(builder, builder.tip()->ancestor(120));
        node.kv.fail_after(failing);
        for (Height h = 121; h <= builder.tip()->height && node.fatal_message.empty(); ++h) {
            const Kind kind = node.submit(*builder.block_at(h)).kind;
            EXPECT_TRUE(kind == Kind::connected || kind == Kind::inconclusive) << failing;
        }
        EXPECT_FALSE(node.fatal_message.empty()) << failing;
        EXPECT_FALSE(node.chain().warnings().empty());
        EXPECT_NE(node.submit(*builder.block(builder.tip())).kind, Kind::connected);
        EXPECT_FALSE(node.chain().flush());
        for (const HeaderNode* tip : node.chain().branch_tips()) EXPECT_FALSE(node.chain().facts(tip).failed);
        const std::string first = node.fatal_message;
        node.crash();
        EXPECT_EQ(node.fatal_message, first) << "the stop itself must not fail anew";
        node.fatal_message.clear();
        ASSERT_TRUE(node.start()) << node.start_error;
        node.submit_chain(builder, builder.tip());
        EXPECT_EQ(node.tip()->hash, builder.tip()->hash);
        EXPECT_TRUE(node.fatal_message.empty());
    }
}

TEST(DiskFailure, PreventsTheStartOfANewNode) {
    ChainHarness node;
    node.kv.fail_after(1);
    EXPECT_FALSE(node.start());
    EXPECT_FALSE(node.start_error.empty());
}

TEST(DiskFailure, EndsTheNodeWhenFreeSpaceRunsLow) {
    ChainBuilder builder;
    builder.mine_many(3);
    ChainHarness node;
    node.options.datadir = std::filesystem::temp_directory_path();
    ASSERT_TRUE(node.start());
    EXPECT_EQ(node.submit(*builder.block_at(1)).kind, Kind::connected);
    node.stop();
    node.options.min_free_space = std::uint64_t{1} << 62;
    node.options.cache_bytes = 1;
    if (node.start()) {
        EXPECT_NE(node.submit(*builder.block_at(2)).kind, Kind::invalid);
        node.chain().drain_events();
        EXPECT_FALSE(node.chain().flush());
    }
    EXPECT_NE((node.fatal_message + node.start_error).find("Disk space is too low"), std::string::npos);
}

class Schema : public testing::Test {
protected:
    void put(std::string_view key, ByteSpan value) {
        storage::WriteBatch batch;
        batch.put(storage::Family::meta, as_bytes(key), value);
        ASSERT_TRUE(node.kv.write(batch));
        ASSERT_TRUE(node.kv.flush());
    }
    // Why the node does not start.
    std::string refusal() {
        EXPECT_FALSE(node.start());
        return node.start_error;
    }
    ChainHarness node;
};

TEST_F(Schema, OfANewerProgramIsRefused) {
    ASSERT_TRUE(node.start());
    node.stop();
    const Bytes newer{99, 0, 0, 0, 0, 0, 0, 0};
    put("version", newer);
    const std::string why = refusal();
    EXPECT_NE(why.find("has format 99"), std::string::npos) << why;
    EXPECT_NE(why.find("newer program"), std::string::npos) << why;
}

TEST_F(Schema, OfAnotherNetworkIsRefused) {
    ASSERT_TRUE(node.start());
    node.stop();
    put("network", Bytes(36, 7));
    const std::string why = refusal();
    EXPECT_NE(why.find("belongs to another network"), std::string::npos) << why;
}

TEST_F(Schema, OfAnotherProgramIsRefused) {
    put("something", Bytes(4, 1));
    const std::string why = refusal();
    EXPECT_NE(why.find("not made by this program"), std::string::npos) << why;
}

}  // namespace
}  // namespace cairn::node
