// Bugs that light clients are known for, each with the tests that show it is not one of ours (from row 14 on in
// bug_table_later_rows_test.cpp):
//  1  one block that cannot be fetched ends the rescan for ever
//  2  asks for filters up to a block that the peer does not have, during a reorganisation
//  3  a reorganisation in the middle of the filters makes it ban its only peer
//  4  announcements by inv are not heard
//  5  a slow consumer of events holds up the network
//  6  starves when all peers are gone for a while
//  7  stuck for ever when all peers contradict a built-in filter header
//  8  bans everybody when nobody serves filters
//  9  reorganisations of more than 2,000 blocks, or across a restart; no announcements by headers
// 10  scans again from the birthday at every start when the wallet has no coins
// 11  says synced before the filters are scanned; no progress to see
// 12  misses payments to used addresses, or beyond the lookahead, in a recovery
// 13  a height gives a header of a stale branch when the chain with more work is shorter
// 14  onion addresses of version 3 cannot be read; a Tor that does not answer prevents the start
// 15  the time for a batch is counted from its start, not from its last progress
// 16  falls over filter headers that come out of order
// 17  merkle proofs with doubled neighbours (CVE-2012-2459) or of 64-byte transactions (CVE-2017-12842)
// 18  heights below zero, or before the first filter
// 19  filters do not cover what waits: is my payment out there, is somebody paying me, is somebody spending my coins?
// 20  headers of 164 bytes read as headers of 80
// 21  a filter cannot be proven by the block alone: spent scripts may stand nowhere in it
#include <gtest/gtest.h>

#include "consensus/rules/difficulty.hpp"
#include "consensus/rules/header_rules.hpp"
#include "light/client/light_role.hpp"
#include "tests/support/light_scenes.hpp"

namespace cairn::light {
namespace {

using test::found;
using test::LightWorld;
using test::make_chain;
using test::pay;
using test::script;
using Server = LightWorld::Server;

std::vector<BlockHeader> headers_to(const HeaderNode* tip) {
    std::vector<BlockHeader> headers;
    for (; tip->parent; tip = tip->parent) headers.push_back(tip->header);
    std::ranges::reverse(headers);
    return headers;
}

TEST(LightBugTable, Row01FailedBlockFetchDoesNotEndTheScan) {
    LightWorld world;
    make_chain(world);
    for (int i = 0; i < 3; ++i) world.add_server().keeps_blocks = true;
    EXPECT_FALSE(world.sync(200));
    world.wallet.watch_script(script(2), Birthday{1, {}});  // later additions are heard of, too
    world.role->watch_changed();
    for (int i = 0; i < 3; ++i) world.add_server();
    ASSERT_TRUE(world.sync(200));
    EXPECT_EQ(found(world), (std::vector<Height>{121, 125}));
}

TEST(LightBugTable, Row02NeverAsksForAStopBlockThatThePeerDoesNotHave) {
    LightWorld world;
    make_chain(world);
    const HeaderNode* fork = world.chain.tip();
    for (int i = 0; i < 4; ++i) world.add_server();
    world.run(1);
    world.chain.mine_many(5);
    const HeaderNode* old_branch = world.chain.tip();
    for (int i = 0; i < 3; ++i) world.move(*world.servers[i], old_branch);
    world.run(2);
    world.chain.set_tip(fork);
    world.chain.mine_many(7);
    world.move(*world.servers[3], world.chain.tip());  // one alone knows the better branch at first
    world.run(40);
    for (int i = 0; i < 3; ++i) world.move(*world.servers[i], world.chain.tip());
    ASSERT_TRUE(world.sync());
    for (const auto& server : world.servers) {
        EXPECT_EQ(server->unknown_stops, 0u);
        EXPECT_FALSE(server->misbehaved || server->disconnected);
    }
}

TEST(LightBugTable, Row03ReorganisationInMidFilterSyncBlamesNobody) {
    LightWorld world;
    make_chain(world);
    for (int i = 0; i < 3; ++i) world.add_server().filter_delay_us = 200'000;
    ASSERT_TRUE(world.run_until([&] { return world.role->view()->filters_fetched > 20; }));
    const HeaderNode* fork = world.chain.tip()->ancestor(123);
    world.chain.set_tip(fork);
    world.chain.mine_many(12);
    world.move_all(world.chain.tip());
    ASSERT_TRUE(world.sync());
    for (const auto& server : world.servers) EXPECT_FALSE(server->misbehaved || server->disconnected);
    EXPECT_EQ(found(world), (std::vector<Height>{121}));
}

TEST(LightBugTable, Row04FollowsABlockThatIsAnnouncedByInv) {
    LightWorld world;
    make_chain(world);
    for (int i = 0; i < 3; ++i) world.add_server().announces_by_inv = true;
    ASSERT_TRUE(world.sync());
    world.chain.mine();
    world.move_all(world.chain.tip());
    EXPECT_TRUE(world.sync(20));
}

TEST(LightBugTable, Row05SlowSinkDoesNotHoldUpTheNetwork) {
    LightWorld world;
    make_chain(world);
    for (int i = 0; i < 3; ++i) world.add_server();
    ASSERT_TRUE(world.sync());
    world.jobs.sink_stuck = true;
    for (int i = 0; i < 10; ++i) {
        world.chain.mine();
        world.move_all(world.chain.tip());
        world.run(1);
    }
    EXPECT_EQ(world.role->view()->filter_height, 140);
    EXPECT_EQ(world.role->view()->phase, Phase::scanning);
    EXPECT_LT(world.jobs.waiting(), 100u);
    world.jobs.sink_stuck = false;
    EXPECT_TRUE(world.sync());
    EXPECT_EQ(world.wallet.scanned, 140);
}

TEST(LightBugTable, Row06GoesOnWhenAllPeersWereGoneForAWhile) {
    LightWorld world;
    make_chain(world);
    for (int i = 0; i < 3; ++i) world.add_server().filter_delay_us = 100'000;
    world.run(5);
    for (auto& server : world.servers) world.leave(*server);
    world.run(120);
    EXPECT_NE(world.role->view()->phase, Phase::synced);
    for (auto& server : world.servers) world.join(*server);
    ASSERT_TRUE(world.sync());
    EXPECT_EQ(found(world), (std::vector<Height>{121, 125}));
}

TEST(LightBugTable, Row07BuiltInHeaderThatAllContradictIsNoDeadEnd) {
    LightWorld world;
    world.filter_options.checkpoints = {{100, sha256(Bytes{1})}};
    world.restart();
    make_chain(world);
    for (int i = 0; i < 3; ++i) world.add_server();
    world.run(60);
    EXPECT_TRUE(world.role->view()->disputed);
    EXPECT_EQ(world.role->view()->filter_height, 0);
    for (const auto& server : world.servers) EXPECT_FALSE(server->misbehaved);
    // A release with the right one goes on from there.
    world.filter_options.checkpoints.clear();
    world.restart();
    for (int i = 0; i < 3; ++i) world.add_server();
    EXPECT_TRUE(world.sync());
}

TEST(LightBugTable, Row08PeersWithoutFiltersAreOfUseForHeadersAndAreNotPunished) {
    LightWorld world;
    make_chain(world);
    for (int i = 0; i < 3; ++i) world.add_server(net::kServiceNetwork | net::kServiceWitness);
    world.run(100);
    EXPECT_EQ(world.role->view()->tip->height, 130);
    EXPECT_EQ(world.role->view()->filter_peers, 0);
    EXPECT_EQ(world.role->view()->phase, Phase::filter_headers);
    for (const auto& server : world.servers) EXPECT_FALSE(server->misbehaved || server->disconnected);
    for (int i = 0; i < 3; ++i) world.add_server();
    EXPECT_TRUE(world.sync());
}

TEST(LightBugTable, Row09SurvivesAReorganisationOfMoreThanTwoThousandBlocksAcrossARestart) {
    LightWorld world;
    make_chain(world);
    const HeaderNode* fork = world.chain.tip()->ancestor(122);
    for (int i = 0; i < 3; ++i) world.add_server();
    world.chain.mine_many(2050);
    world.move_all(world.chain.tip());
    ASSERT_TRUE(world.sync());
    world.restart();
    EXPECT_EQ(world.role->view()->tip->height, 2180);
    world.chain.set_tip(fork);
    world.chain.mine_many(2070);
    pay(world.chain, 3, script(1));
    for (int i = 0; i < 3; ++i) world.add_server();
    ASSERT_TRUE(world.sync());
    EXPECT_EQ(found(world), (std::vector<Height>{121, 2193}));
    EXPECT_EQ(world.wallet.disconnected.size(), 2180u - 122u);
}

TEST(LightBugTable, Row09AsksForAnnouncementsByHeaders) {
    LightWorld world;
    make_chain(world);
    const Server& server = world.add_server();
    world.step();
    EXPECT_TRUE(server.asked_for_headers);
}

TEST(LightBugTable, Row10NothingFoundIsNoReasonToScanAgainAtTheNextStart) {
    LightWorld world;
    world.chain.mine_many(150);
    world.wallet.watch_script(script(9));
    world.role->watch_changed();
    for (int i = 0; i < 3; ++i) world.add_server();
    ASSERT_TRUE(world.sync());
    world.restart();
    for (int i = 0; i < 3; ++i) world.add_server();
    ASSERT_TRUE(world.sync());
    EXPECT_EQ(world.role->view()->filters_fetched, 0u);
    world.chain.mine();
    for (auto& server : world.servers) world.move(*server, world.chain.tip());
    ASSERT_TRUE(world.sync());
    EXPECT_EQ(world.role->view()->filters_fetched, 1u);
}

TEST(LightBugTable, Row11SaysSyncedOnlyWhenTheScanIsDone) {
    LightWorld world;
    make_chain(world);
    for (int i = 0; i < 3; ++i) world.add_server().filter_delay_us = 50'000;
    double before = 0;
    bool saw_progress = false;
    ASSERT_TRUE(world.run_until([&] {
        const auto view = world.role->view();
        if (view->phase == Phase::synced) return true;
        if (view->phase == Phase::scanning) {
            saw_progress = saw_progress || (view->progress > before && view->rate > 0 && view->eta_s);
            before = view->progress;
        }
        return false;
    }));
    EXPECT_EQ(world.wallet.scanned, 130);
    EXPECT_TRUE(saw_progress);
}

TEST(LightBugTable, Row12ScriptsThatASeenBlockBringsAreLookedForInTheBlocksBehindIt) {
    LightWorld world;
    make_chain(world);
    pay(world.chain, 3, script(2));  // block 131, of use only once block 121 was seen
    world.wallet.on_seen = [&](const BlockPtr&, const ScanPlace& place) {
        if (place.height == 121 && world.wallet.set.scripts.size() == 1) world.wallet.watch_script(script(2));
    };
    for (int i = 0; i < 3; ++i) world.add_server();
    ASSERT_TRUE(world.sync());
    EXPECT_EQ(found(world), (std::vector<Height>{121, 125, 131}));
    EXPECT_EQ(world.wallet.order, (std::vector<Height>{121, 125, 131}));
}

/// Watches a list of scripts as a wallet does its descriptor: some ahead of the highest that was paid.
struct GapWallet {
    static constexpr std::size_t kGap = 3;
    std::vector<Bytes> scripts;
    std::size_t watched = 0;

    explicit GapWallet(LightWorld& world) {
        for (std::uint8_t i = 0; i < 20; ++i) scripts.push_back(script(static_cast<std::uint8_t>(100 + i)));
        extend(world, kGap);
        world.wallet.on_seen = [this, &world](const BlockPtr& block, const ScanPlace&) {
            for (bool again = true; again;) {
                again = false;
                for (const Transaction& tx : block->txs())
                    for (const TxOutput& output : tx.outputs) {
                        const auto place = std::ranges::find(scripts, to_bytes(output.script_pubkey)) - scripts.begin();
                        if (static_cast<std::size_t>(place) < watched) again = extend(world, static_cast<std::size_t>(place) + 1 + kGap) || again;
                    }
            }
        };
    }
    bool extend(LightWorld& world, std::size_t to) {
        const std::size_t before = watched;
        for (; watched < std::min(to, scripts.size()); ++watched) world.wallet.watch_script(scripts[watched]);
        return watched != before;
    }
};

TEST(LightBugTable, Row12LookaheadReachesEveryAddressThatARecoveryNeeds) {
    LightWorld world;
    world.chain.mine_many(120);
    GapWallet wallet(world);
    world.role->watch_changed();
    std::vector<Height> expected;
    // Each payment is at the edge of what the one before it made known; the last blocks hold two at once.
    for (const std::size_t index : {2u, 5u, 8u, 11u}) {
        expected.push_back(pay(world.chain, static_cast<Height>(index), wallet.scripts[index])->height);
    }
    const test::TestCoin one = world.chain.coin(20), two = world.chain.coin(21);
    expected.push_back(world.chain.mine({world.chain.spend({one}, {{one.coin.value, wallet.scripts[17]}}),
                                         world.chain.spend({two}, {{two.coin.value, wallet.scripts[14]}})})->height);
    expected.push_back(pay(world.chain, 22, wallet.scripts[19])->height);
    for (int i = 0; i < 3; ++i) world.add_server();
    ASSERT_TRUE(world.sync());
    EXPECT_EQ(found(world), expected);
    EXPECT_EQ(world.wallet.order, expected) << "each once, in order";
    EXPECT_EQ(wallet.watched, 20u);
}

TEST(LightBugTable, Row12AddressReuseIsFoundWhereverItHappens) {
    LightWorld world;
    world.chain.mine_many(120);
    GapWallet wallet(world);
    world.role->watch_changed();
    std::vector<Height> expected;
    Height coin = 1;
    for (const std::size_t index : {0u, 3u, 0u, 6u, 3u, 0u}) {  // old addresses again after newer ones
        expected.push_back(pay(world.chain, coin++, wallet.scripts[index])->height);
        world.chain.mine_many(2);
    }
    const test::TestCoin one = world.chain.coin(30), two = world.chain.coin(31);
    expected.push_back(world.chain.mine({world.chain.spend({one}, {{one.coin.value, wallet.scripts[0]}}),
                                         world.chain.spend({two}, {{two.coin.value, wallet.scripts[0]}})})->height);
    for (int i = 0; i < 3; ++i) world.add_server();
    ASSERT_TRUE(world.sync());
    EXPECT_EQ(found(world), expected);
    world.restart();
    for (int i = 0; i < 3; ++i) world.add_server();
    ASSERT_TRUE(world.sync());
    expected.push_back(pay(world.chain, 32, wallet.scripts[0])->height);
    world.move_all(world.chain.tip());
    ASSERT_TRUE(world.sync());
    EXPECT_EQ(found(world), expected) << "and after a restart";
}

TEST(LightBugTable, Row13ShorterChainWithMoreWorkIsTheBestAndSaysWhatIsAtAHeight) {
    ChainParams params = *make_params(Network::regtest);
    params.no_retargeting = false;
    params.allow_min_difficulty_blocks = false;
    params.pow_target_timespan = 10 * params.pow_target_spacing;
    test::ChainBuilder builder(std::make_shared<const ChainParams>(params));
    const HeaderNode* slow = builder.headers().genesis();
    for (int i = 0; i < 40; ++i) {
        test::BlockDraft draft = builder.draft(slow);
        draft.header.time = slow->header.time + 3000;
        draft.header.bits = rules::next_work_required(*slow, draft.header.time, params);
        slow = builder.add(draft.fix_merkle_root().mine(params).finish());
    }
    builder.set_tip(builder.headers().genesis());
    const HeaderNode* fast = builder.mine_many(35);
    ASSERT_GT(fast->chain_work, slow->chain_work);

    HeaderChain chain(params);
    chain.set_now((std::int64_t{slow->header.time} + 100) * 1'000'000);
    ASSERT_TRUE(chain.accept_headers(headers_to(slow)));
    EXPECT_EQ(chain.tip()->height, 40);
    ASSERT_TRUE(chain.accept_headers(headers_to(fast)));
    EXPECT_EQ(chain.tip()->hash, fast->hash);
    EXPECT_EQ(chain.tip()->ancestor(20)->hash, fast->ancestor(20)->hash);
    EXPECT_EQ(chain.tip()->ancestor(38), nullptr);
    EXPECT_FALSE(chain.on_active_chain(chain.find(slow->ancestor(20)->hash)));
}

}  // namespace
}  // namespace cairn::light
