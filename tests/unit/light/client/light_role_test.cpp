#include "light/client/light_role.hpp"

#include <gtest/gtest.h>

#include "tests/support/light_scenes.hpp"

namespace cairn::light {
namespace {

using test::found;
using test::LightWorld;
using test::make_chain;
using test::pay;
using test::script;
using Server = LightWorld::Server;

TEST(LightClient, FindsPaymentsWithThreeHonestPeers) {
    LightWorld world;
    make_chain(world);
    for (int i = 0; i < 3; ++i) world.add_server();
    ASSERT_TRUE(world.sync(60));
    EXPECT_EQ(found(world), (std::vector<Height>{121, 125}));
    EXPECT_EQ(world.wallet.scanned, 130);
    const auto view = world.role->view();
    EXPECT_EQ(view->cross_checked_by, 3);
    EXPECT_EQ(view->filter_height, 130);
    EXPECT_LE(view->blocks_fetched, 3u);
    EXPECT_EQ(view->progress, 1);
}

TEST(LightClient, WaitsForMorePeersAndSaysHowManyThereWere) {
    LightWorld world;
    make_chain(world);
    world.add_server();
    EXPECT_FALSE(world.sync(5));  // others may still come
    ASSERT_TRUE(world.sync(60));
    EXPECT_EQ(world.role->view()->cross_checked_by, 1);
}

TEST(LightClient, FollowsNewBlocksAndShortReorganisations) {
    LightWorld world;
    make_chain(world);
    for (int i = 0; i < 3; ++i) world.add_server();
    ASSERT_TRUE(world.sync());
    const HeaderNode* fork = world.chain.tip();
    const HeaderNode* stale = pay(world.chain, 3, script(1));
    world.move_all(stale);
    ASSERT_TRUE(world.sync());
    EXPECT_EQ(found(world), (std::vector<Height>{121, 125, 131}));
    world.chain.set_tip(fork);
    for (int i = 0; i < 3; ++i) world.chain.mine();
    world.move_all(world.chain.tip());
    ASSERT_TRUE(world.sync());
    EXPECT_EQ(found(world), (std::vector<Height>{121, 125}));
    EXPECT_EQ(world.wallet.disconnected, (std::vector<BlockHash>{stale->hash}));
}

// --- liars

TEST(LightClient, DropsALiarThatHidesPaymentsAndBelievesTheOthers) {
    LightWorld world;
    make_chain(world);
    for (int i = 0; i < 3; ++i) world.add_server();
    Server& liar = world.add_server();
    liar.lies = {125};
    ASSERT_TRUE(world.sync());
    EXPECT_TRUE(liar.misbehaved);
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(world.servers[i]->misbehaved || world.servers[i]->disconnected);
    EXPECT_EQ(found(world), (std::vector<Height>{121, 125}));
    EXPECT_EQ(world.role->view()->liars_dropped, 1u);
}

TEST(LightClient, BelievesOneHonestPeerAgainstThreeLiarsWhereTheBlockShowsIt) {
    LightWorld world;
    make_chain(world);
    world.add_server();
    for (int i = 0; i < 3; ++i) world.add_server().lies = {125};
    ASSERT_TRUE(world.sync());
    EXPECT_FALSE(world.servers[0]->misbehaved);
    for (int i = 1; i < 4; ++i) EXPECT_TRUE(world.servers[i]->misbehaved);
    EXPECT_EQ(found(world), (std::vector<Height>{121, 125}));
}

TEST(LightClient, FindsOutLaterThatItsOnlyPeerLied) {
    LightWorld world;
    make_chain(world);
    Server& liar = world.add_server();
    liar.lies = {125};
    ASSERT_TRUE(world.sync());
    EXPECT_EQ(found(world), (std::vector<Height>{121}));
    Server& honest = world.add_server();
    ASSERT_TRUE(world.run_until([&] { return found(world).size() == 2; }));
    ASSERT_TRUE(world.sync());
    EXPECT_TRUE(liar.misbehaved);
    EXPECT_FALSE(honest.misbehaved || honest.disconnected);
    EXPECT_EQ(found(world), (std::vector<Height>{121, 125}));
}

TEST(LightClient, FindsTheLieOfALatecomerByHalving) {
    LightWorld world;
    make_chain(world);
    for (int i = 0; i < 3; ++i) world.add_server();
    ASSERT_TRUE(world.sync());
    Server& liar = world.add_server();
    liar.lies = {17};
    ASSERT_TRUE(world.run_until([&] { return liar.misbehaved; }, 30));
    EXPECT_TRUE(world.sync());
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(world.servers[i]->misbehaved || world.servers[i]->disconnected);
    EXPECT_EQ(world.role->view()->filter_height, 130);
}

TEST(LightClient, DropsAPeerWhoseFiltersAreNotWhatItsHeadersSaid) {
    LightWorld world;
    make_chain(world);
    for (int i = 0; i < 3; ++i) world.add_server();
    Server& liar = world.add_server();
    liar.mute_filter_headers = true;  // it keeps out of the vote, and forges afterwards
    liar.lies = {121, 122, 123};
    ASSERT_TRUE(world.sync());
    EXPECT_EQ(found(world), (std::vector<Height>{121, 125}));
}

// --- scans and peers

TEST(LightClient, LaterAdditionsMakeARescanThatGoesOnAfterARestart) {
    LightWorld world;
    make_chain(world);
    pay(world.chain, 3, script(2));  // block 131
    world.chain.mine_many(200);
    for (int i = 0; i < 3; ++i) world.add_server();
    ASSERT_TRUE(world.sync());
    EXPECT_EQ(found(world), (std::vector<Height>{121, 125}));
    const std::uint64_t fetched = world.role->view()->filters_fetched;
    world.wallet.watch_script(script(2), Birthday{1, {}});
    world.role->watch_changed();
    world.step();
    world.step();
    ASSERT_TRUE(world.sync());
    EXPECT_EQ(found(world), (std::vector<Height>{121, 125, 131}));
    EXPECT_EQ(world.role->view()->filters_fetched, fetched) << "filters are kept";

    world.wallet.watch_script(script(3), Birthday{1, {}});
    world.restart();  // before anything of it was done
    world.wallet.order.clear();
    for (int i = 0; i < 3; ++i) world.add_server();
    ASSERT_TRUE(world.sync());
    EXPECT_EQ(world.wallet.order, (std::vector<Height>{121, 125, 131}));
    world.restart();
    world.wallet.order.clear();
    for (int i = 0; i < 3; ++i) world.add_server();
    ASSERT_TRUE(world.sync());
    EXPECT_TRUE(world.wallet.order.empty()) << "a rescan that was done is not done again";
}

TEST(LightClient, ReorganisationDuringARescanTakesBackWhatTheFirstScanFound) {
    LightWorld world;
    make_chain(world);
    for (int i = 0; i < 3; ++i) world.add_server();
    ASSERT_TRUE(world.sync());
    world.wallet.watch_script(script(2), Birthday{1, {}});
    world.jobs.sink_stuck = true;  // the rescan does not get far before the other branch comes
    world.role->watch_changed();
    world.step();
    world.jobs.sink_stuck = false;
    world.step();
    world.chain.set_tip(world.chain.tip()->ancestor(123));
    world.chain.mine_many(8);
    world.move_all(world.chain.tip());
    ASSERT_TRUE(world.sync());
    EXPECT_EQ(found(world), (std::vector<Height>{121}));
    world.restart();
    for (int i = 0; i < 3; ++i) world.add_server();
    ASSERT_TRUE(world.sync());
    EXPECT_EQ(found(world), (std::vector<Height>{121}));
}

TEST(LightClient, SilentFilterPeersAreReplacedAndDropped) {
    LightWorld world;
    make_chain(world);
    Server& silent = world.add_server();
    silent.mute_filters = true;
    for (int i = 0; i < 2; ++i) world.add_server();
    ASSERT_TRUE(world.sync(30));
    EXPECT_FALSE(silent.misbehaved);
}

TEST(LightClient, BirthdayByDateSkipsWhatIsOlder) {
    LightWorld world;
    world.chain.mine_many(100);
    test::BlockDraft late = world.chain.draft(world.chain.tip());
    late.header.time += 10 * 86'400;
    world.chain.add(late.mine(world.chain.params()).finish());
    world.chain.mine_many(10);
    world.wallet.watch_script(script(1));
    world.wallet.set.birthday.time_s = late.header.time;
    world.role->watch_changed();
    world.now_us = (std::int64_t{late.header.time} + 100) * 1'000'000;
    for (int i = 0; i < 3; ++i) world.add_server();
    ASSERT_TRUE(world.sync());
    EXPECT_EQ(world.role->view()->filters_fetched, 11u);
}

TEST(LightClient, HeadersWithoutWorkCostTheirSenderTheConnection) {
    LightWorld world;
    make_chain(world);
    Server& liar = world.add_server();
    net::HeadersMessage message;
    BlockHeader header = world.chain.draft(world.chain.tip()).header;
    header.bits = 0x1d00ffff;
    message.headers.push_back(header);
    message.count = 1;
    world.send(liar, std::move(message));
    EXPECT_TRUE(liar.misbehaved);
    EXPECT_EQ(world.role->view()->tip->height, 0);
}

}  // namespace
}  // namespace cairn::light
