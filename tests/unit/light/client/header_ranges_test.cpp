#include "light/client/header_ranges.hpp"

#include <gtest/gtest.h>

#include "tests/support/light_world.hpp"

namespace cairn::light {
namespace {

using test::LightWorld;
using Server = LightWorld::Server;

constexpr Height kLength = 9000;

/// A client that knows every 1,500th block of a long chain of which only the end has to be scanned.
void make_world(LightWorld& world, int servers) {
    world.chain.mine_many(kLength);
    for (Height height = 1500; height < kLength; height += 1500) world.anchors.push_back({height, world.chain.tip()->ancestor(height)->hash});
    world.restart();
    world.wallet.set.birthday.height = kLength - 5;
    world.wallet.watch_script(make_witness_program(0, Bytes(20, 1)));
    world.role->watch_changed();
    for (int i = 0; i < servers; ++i) world.add_server();
}

bool headers_here(LightWorld& world, std::int64_t seconds) {
    return world.run_until([&] { return world.role->view()->tip->hash == world.chain.tip()->hash; }, seconds);
}

TEST(HeaderRanges, EachPeerGivesAShareOfTheOldHeaders) {
    LightWorld world;
    make_world(world, 5);
    ASSERT_TRUE(headers_here(world, 5));
    for (const auto& server : world.servers) EXPECT_GE(server->headers_asked, 1u);
    ASSERT_TRUE(world.sync(60));
    for (const auto& server : world.servers) EXPECT_FALSE(server->misbehaved || server->disconnected);
}

TEST(HeaderRanges, WhoGivesNothingIsReplacedWithinSeconds) {
    LightWorld world;
    make_world(world, 4);
    world.servers[0]->mute_headers = world.servers[2]->mute_headers = true;
    ASSERT_TRUE(headers_here(world, 20));
}

TEST(HeaderRanges, WhoLeavesInTheMiddleIsReplaced) {
    LightWorld world;
    make_world(world, 3);
    world.servers[1]->mute_headers = true;
    world.run_until([&] { return world.servers[1]->headers_asked > 0; });
    world.leave(*world.servers[1]);
    ASSERT_TRUE(headers_here(world, 5));
}

TEST(HeaderRanges, HeadersThatLeadElsewhereAreForgottenAndFetchedFromOthers) {
    LightWorld world;
    make_world(world, 3);
    const HeaderNode* good = world.chain.tip();
    // A branch with as many blocks and valid work, from below the first anchor.
    world.chain.set_tip(good->ancestor(700));
    const HeaderNode* other = world.chain.mine_many(kLength - 700);
    world.chain.set_tip(good);
    Server& liar = world.add_server();
    world.leave(liar);
    liar.tip = other;
    world.join(liar);
    for (int i = 0; i < 3; ++i) world.leave(*world.servers[i]);
    world.run(3);  // it is alone at first
    EXPECT_EQ(world.role->view()->tip->height, 0);
    for (int i = 0; i < 3; ++i) world.join(*world.servers[i]);
    ASSERT_TRUE(world.run_until([&] { return world.role->find(good->hash) != nullptr; }, 20));
}

TEST(HeaderRanges, AnchorsThatNoChainHasDoNotMatter) {
    LightWorld world;
    world.chain.mine_many(4000);
    for (std::uint8_t i = 1; i < 4; ++i) world.anchors.push_back({i * 1000, BlockHash(sha256(Bytes{i}))});
    world.restart();
    for (int i = 0; i < 3; ++i) world.add_server();
    ASSERT_TRUE(headers_here(world, 60));
    for (const auto& server : world.servers) EXPECT_FALSE(server->misbehaved || server->disconnected);
}

TEST(HeaderRanges, PeersThatAreBehindTheAnchorsServeTheOrdinaryWay) {
    LightWorld world;
    make_world(world, 0);
    const HeaderNode* best = world.chain.tip();
    for (int i = 0; i < 3; ++i) {
        Server& server = world.add_server();
        world.leave(server);
        server.tip = best->ancestor(1200);
        world.join(server);
    }
    ASSERT_TRUE(world.run_until([&] { return world.role->view()->tip->height == 1200; }, 60));
}

TEST(HeaderRanges, GoesOnBehindWhatIsStoredAfterARestart) {
    LightWorld world;
    make_world(world, 2);
    ASSERT_TRUE(world.run_until([&] { return world.role->view()->tip->height > 0; }, 20));
    world.restart();
    const Height kept = world.role->view()->tip->height;
    EXPECT_GE(kept, 1500);
    for (auto& server : world.servers) world.join(*server);
    ASSERT_TRUE(headers_here(world, 30));
}

TEST(HeaderAnchors, OfTheReleaseAscendAndAreFarApart) {
    for (const Network network : {Network::mainnet, Network::signet, Network::testnet4}) {
        const auto anchors = header_anchors(network);
        ASSERT_GE(anchors.size(), 5u);
        for (std::size_t i = 1; i < anchors.size(); ++i) EXPECT_GE(anchors[i].height, anchors[i - 1].height + 2000);
    }
    EXPECT_GE(header_anchors(Network::mainnet).back().height, 900'000);
}

}  // namespace
}  // namespace cairn::light
