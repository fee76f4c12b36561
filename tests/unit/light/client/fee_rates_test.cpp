#include "light/client/fee_rates.hpp"

#include <gtest/gtest.h>

#include "tests/support/light_scenes.hpp"

namespace cairn::light {
namespace {

FeeView view_of(std::initializer_list<std::int64_t> means, bool full, std::optional<std::int64_t> floor) {
    FeeView view;
    view.floor = floor;
    view.peers = FeeView::kPeersOfFloor;
    Height height = 100;
    for (const std::int64_t mean : means) view.blocks[height++] = {mean, full, false};
    return view;
}

TEST(FeeRates, MeanOfABlockIsWhatItsMinerGotAboveTheSubsidy) {
    test::ChainBuilder chain;
    chain.mine_many(110);
    const TransactionPtr tx = chain.spend({chain.coin(1)}, 5000);
    const HeaderNode* node = chain.mine({tx}, 5000);
    FeeRates rates(chain.params());
    rates.on_block(*chain.block(node), node->height);
    const auto view = rates.view(node->height);
    ASSERT_EQ(view->blocks.size(), 1u);
    EXPECT_EQ(view->blocks.begin()->second.mean, 5000 * 4000 / tx->tx().weight());
    EXPECT_FALSE(view->blocks.begin()->second.full);
    EXPECT_TRUE(view->blocks.begin()->second.empty) << "one payment tells nothing of a market";
    rates.cut(node->height - 1);
    EXPECT_TRUE(rates.view(node->height)->blocks.empty());
}

TEST(FeeRates, FloorIsTheMedianOfWhatPeersSay) {
    test::ChainBuilder chain;
    FeeRates rates(chain.params());
    EXPECT_FALSE(rates.view(0)->floor);
    rates.on_fee_filter(1, 1000);
    rates.on_fee_filter(2, 4'000'000);  // one of them exaggerates
    rates.on_fee_filter(3, 1500);
    EXPECT_EQ(rates.view(0)->floor, 1500);
    rates.on_fee_filter(2, 9'170'997);  // and now wants nothing at all
    rates.on_fee_filter(4, -1);
    EXPECT_EQ(rates.view(0)->peers, 2u);
    rates.remove(3);
    EXPECT_EQ(rates.view(0)->floor, 1000);
}

TEST(FeeRates, SaysNothingWithTooFewBlocksOrOnlyEmptyOnes) {
    EXPECT_FALSE(view_of({5000, 6000}, true, 1000).estimate(1, false));
    FeeView empty = view_of({0, 0, 0, 0}, false, 1000);
    for (auto& [height, block] : empty.blocks) block.empty = true;
    EXPECT_FALSE(empty.estimate(1, false));
}

TEST(FeeRates, LaterTargetsCostLessAndCautiousOnesMore) {
    const FeeView view = view_of({20'000, 5000, 9000, 12'000, 30'000}, true, 1000);
    EXPECT_EQ(view.estimate(1, false)->rate, 30'000);
    EXPECT_EQ(view.estimate(6, false)->rate, 12'000);
    EXPECT_EQ(view.estimate(6, true)->rate, 30'000);
    EXPECT_EQ(view.estimate(24, false)->rate, 9000);
    EXPECT_EQ(view.estimate(144, false)->rate, 5000);
    EXPECT_EQ(view.estimate(144, false)->blocks, 5u);
}

TEST(FeeRates, BlocksWithRoomShowThatTheFloorIsEnough) {
    EXPECT_EQ(view_of({20'000, 5000, 9000}, false, 1000).estimate(1, false)->rate, 1000);
    EXPECT_EQ(view_of({200, 500, 900}, true, 1000).estimate(144, false)->rate, 1000) << "never below what peers take";
}

TEST(FeeRates, OnePeerAloneDoesNotRaiseThem) {
    FeeView view = view_of({20'000, 5000, 9000}, false, 4'000'000);
    view.peers = 1;
    EXPECT_EQ(view.estimate(6, false)->rate, 9000) << "a block with room left shows that less is enough";
    EXPECT_FALSE(view.firm_floor());
}

TEST(FeeRates, SamplesNewBlocksAtRandomTimes) {
    test::LightWorld world;
    world.fee_blocks_per_hour = 2;
    world.restart();
    test::make_chain(world);
    for (int i = 0; i < 3; ++i) world.add_server();
    ASSERT_TRUE(world.sync());
    const std::uint64_t before = world.role->view()->blocks_fetched;
    world.run(200);
    EXPECT_GE(world.role->view()->blocks_fetched, before + 3);
    EXPECT_GE(world.role->view()->fees->blocks.size(), 3u);
    const std::uint64_t soon = world.role->view()->blocks_fetched;
    world.run(3600);
    EXPECT_LE(world.role->view()->blocks_fetched, soon + 5);
}

}  // namespace
}  // namespace cairn::light
