#include "light/client/filter_ranges.hpp"

#include <gtest/gtest.h>

#include "light/client/light_store.hpp"
#include "tests/support/light_world.hpp"

namespace cairn::light {
namespace {

using test::LightWorld;
using Server = LightWorld::Server;

constexpr Height kLength = 6300;

/// A long chain of which only the end has to be scanned, and so many honest peers.
void make_world(LightWorld& world, int servers) {
    world.chain.mine_many(kLength);
    world.wallet.set.birthday.height = kLength - 20;
    world.wallet.watch_script(make_witness_program(0, Bytes(20, 1)));
    world.role->watch_changed();
    for (int i = 0; i < servers; ++i) world.add_server();
}

void expect_no_blame(const LightWorld& world) {
    for (const auto& server : world.servers) EXPECT_FALSE(server->misbehaved || server->disconnected);
}

TEST(FilterRanges, AsksEachPieceOfOnePeerOnceCheckpointsAgree) {
    LightWorld world;
    make_world(world, 3);
    ASSERT_TRUE(world.sync(60));
    std::size_t asked = 0;
    for (const auto& server : world.servers) {
        EXPECT_EQ(server->checkpoints_asked, 1u);
        EXPECT_GE(server->filter_headers_asked, 1u);
        asked += server->filter_headers_asked;
    }
    EXPECT_LE(asked, 3u + 3u) << "three pieces of 2,000, and a vote of three about the rest";
    EXPECT_EQ(world.role->view()->filter_height, kLength);
    EXPECT_EQ(world.role->view()->cross_checked_by, 3);
    expect_no_blame(world);
}

TEST(FilterRanges, AgreesToTheSameHeadersAsVotesDo) {
    LightWorld world;
    make_world(world, 3);
    ASSERT_TRUE(world.sync(60));
    HeaderChain chain(world.chain.params(), Arith256());
    const auto store = LightStore::open(world.kv, world.chain.params());
    ASSERT_TRUE((*store)->load_headers(chain));
    Uint256 expected = filter_header(filter_hash(world.filter(world.chain.headers().genesis())), {});
    Height height = 0;
    ASSERT_TRUE((*store)->load_filter_headers(chain, [&](const Uint256& header) {
        expected = filter_header(filter_hash(world.filter(world.chain.tip()->ancestor(++height))), expected);
        ASSERT_EQ(header, expected) << height;
    }));
    EXPECT_EQ(height, kLength);
}

TEST(FilterRanges, LeavesContradictionsToVotesAndGoesOnBehindThem) {
    LightWorld world;
    make_world(world, 3);
    Server& liar = world.add_server();
    liar.lies = {777};
    ASSERT_TRUE(world.sync(120));
    EXPECT_TRUE(liar.misbehaved);
    for (int i = 0; i < 3; ++i) {
        EXPECT_FALSE(world.servers[i]->misbehaved || world.servers[i]->disconnected);
        EXPECT_GE(world.servers[i]->checkpoints_asked, 2u);
    }
}

TEST(FilterRanges, ConvictsWhoCannotKeepWhatItsCheckpointsPromise) {
    LightWorld world;
    make_world(world, 3);
    Server& liar = world.add_server();
    for (Height height = 1; height <= kLength; height += 500) liar.lies.insert(height);
    liar.honest_checkpoints = true;
    ASSERT_TRUE(world.sync(120));
    EXPECT_TRUE(liar.misbehaved);
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(world.servers[i]->misbehaved || world.servers[i]->disconnected);
}

TEST(FilterRanges, OthersTakeOverWhatOnePeerDoesNotGive) {
    LightWorld world;
    make_world(world, 4);
    Server& mute = *world.servers[3];
    ASSERT_TRUE(world.run_until([&] { return mute.checkpoints_asked == 1; }));
    mute.mute_filter_headers = true;
    ASSERT_TRUE(world.sync(60));
    EXPECT_FALSE(mute.misbehaved);
}

TEST(FilterRanges, WhoNamesNoCheckpointsHoldsNobodyUpForLong) {
    LightWorld world;
    make_world(world, 3);
    Server& mute = world.add_server();
    mute.mute_filter_headers = true;
    ASSERT_TRUE(world.sync(90));
    EXPECT_TRUE(mute.disconnected);
    EXPECT_FALSE(mute.misbehaved);
}

TEST(FilterRanges, ReorganisationInTheMiddleBlamesNobody) {
    LightWorld world;
    make_world(world, 3);
    for (auto& server : world.servers) server->mute_filter_headers = true;
    ASSERT_TRUE(world.run_until([&] { return world.servers[0]->info.ready && world.role->view()->tip->height == kLength; }));
    world.run(17);
    const HeaderNode* fork = world.chain.tip()->ancestor(3456);
    world.chain.set_tip(fork);
    world.chain.mine_many(kLength - 3456 + 30);
    for (auto& server : world.servers) server->mute_filter_headers = false;
    world.move_all(world.chain.tip());
    ASSERT_TRUE(world.sync(120));
    expect_no_blame(world);
    EXPECT_EQ(world.role->view()->filter_height, kLength + 30);
}

TEST(FilterRanges, BuiltInHeaderThatAllContradictEndsTheRoundBeforeIt) {
    LightWorld world;
    world.filter_options.checkpoints = {{4000, sha256(Bytes{1})}};
    world.restart();
    make_world(world, 3);
    world.run(60);
    EXPECT_TRUE(world.role->view()->disputed);
    EXPECT_EQ(world.role->view()->filter_height, 3000);
    for (const auto& server : world.servers) EXPECT_FALSE(server->misbehaved);
}

std::size_t stored_filters(LightWorld& world) {
    std::size_t count = 0;
    const auto it = world.kv.iterate(storage::Family::filters, nullptr);
    for (it->seek({}); it->valid(); it->next()) ++count;
    return count;
}

TEST(StoredFilters, OldOnesAreDroppedWhenFewAreToBeKeptAndFetchedAgainForARescan) {
    LightWorld world;
    world.keep_filters = 100;
    world.restart();
    world.chain.mine_many(2600);
    world.wallet.watch_script(make_witness_program(0, Bytes(20, 1)));
    world.role->watch_changed();
    for (int i = 0; i < 3; ++i) world.add_server();
    ASSERT_TRUE(world.sync(120));
    world.run(2);
    EXPECT_LE(stored_filters(world), 100u + 1000u);
    EXPECT_GE(stored_filters(world), 100u);
    const std::uint64_t before = world.role->view()->filters_fetched;
    world.wallet.watch_script(make_witness_program(0, Bytes(20, 2)), Birthday{1, {}});
    world.role->watch_changed();
    world.run(1);
    ASSERT_TRUE(world.sync(120));
    EXPECT_GE(world.role->view()->filters_fetched, before + 1400);
}

}  // namespace
}  // namespace cairn::light
