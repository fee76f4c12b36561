#include "light/client/light_role.hpp"

#include <gtest/gtest.h>

#include "tests/support/light_world.hpp"

namespace cairn::light {
namespace {

using test::LightWorld;
using Server = LightWorld::Server;

/// A script that nothing else pays.
Bytes script(std::uint8_t tag) { return make_witness_program(0, Bytes(20, tag)); }

/// Mines a block that pays `to`, from the coinbase of the block at `from` (it is spent 100 blocks later at the earliest).
const HeaderNode* pay(test::ChainBuilder& chain, Height from, const Bytes& to) {
    const test::TestCoin coin = chain.coin(from);
    return chain.mine({chain.spend({coin}, {{coin.coin.value, to}})});
}

/// A chain of 120 blocks; those at 121 and 125 pay script(1).
void make_chain(LightWorld& world) {
    world.chain.mine_many(120);
    pay(world.chain, 1, script(1));
    world.chain.mine_many(3);
    pay(world.chain, 2, script(1));
    world.chain.mine_many(5);
    world.wallet.watch_script(script(1));
    world.role->watch_changed();
}

std::vector<Height> found(const LightWorld& world) {
    std::vector<Height> heights;
    for (const auto& [height, hash] : world.wallet.blocks) heights.push_back(height);
    return heights;
}

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

// --- known bugs of light clients, each by what goes wrong elsewhere

TEST(LightClient, FailedBlockFetchDoesNotEndTheScan) {
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

TEST(LightClient, NeverAsksForAStopBlockThatThePeerDoesNotHave) {
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

TEST(LightClient, ReorganisationInMidFilterSyncBlamesNobody) {
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

TEST(LightClient, FollowsABlockThatIsAnnouncedByInv) {
    LightWorld world;
    make_chain(world);
    for (int i = 0; i < 3; ++i) world.add_server().announces_by_inv = true;
    ASSERT_TRUE(world.sync());
    world.chain.mine();
    world.move_all(world.chain.tip());
    EXPECT_TRUE(world.sync(20));
}

TEST(LightClient, SlowSinkDoesNotHoldUpTheNetwork) {
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

TEST(LightClient, GoesOnWhenAllPeersWereGoneForAWhile) {
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

TEST(LightClient, BuiltInHeaderThatAllContradictIsNoDeadEnd) {
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

TEST(LightClient, PeersWithoutFiltersAreOfUseForHeadersAndAreNotPunished) {
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

TEST(LightClient, SurvivesAReorganisationOfMoreThanTwoThousandBlocksAcrossARestart) {
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

TEST(LightClient, NothingFoundIsNoReasonToScanAgainAtTheNextStart) {
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

TEST(LightClient, SaysSyncedOnlyWhenTheScanIsDone) {
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

TEST(LightClient, ScriptsThatASeenBlockBringsAreLookedForInTheBlocksBehindIt) {
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

TEST(LightClient, SlowButSteadyFiltersAreNoTimeout) {
    LightWorld world;
    make_chain(world);
    Server& slow = world.add_server();
    slow.filter_delay_us = 5'000'000;  // the batch takes minutes
    ASSERT_TRUE(world.sync(1200));
    EXPECT_FALSE(slow.disconnected || slow.misbehaved);
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

TEST(LightClient, FilterHeadersThatNobodyAskedForChangeNothing) {
    LightWorld world;
    make_chain(world);
    Server& server = world.add_server();
    for (const HeaderNode* stop : {world.chain.tip(), world.chain.tip()->ancestor(5)}) {
        net::CFHeadersMessage message;
        message.stop = stop->hash;
        message.filter_hashes = {Uint256(), sha256(Bytes{1})};
        world.send(server, message);
        message.filter_hashes.clear();
        world.send(server, message);
    }
    EXPECT_EQ(world.role->view()->filter_height, 0);
    ASSERT_TRUE(world.sync());
    EXPECT_EQ(found(world), (std::vector<Height>{121, 125}));
}

TEST(LightClient, BlockWithDoubledTransactionsIsRefused) {
    LightWorld world;
    make_chain(world);
    pay(world.chain, 3, script(1));
    for (int i = 0; i < 3; ++i) world.add_server();
    bool spoiled = false;
    world.spoil = [&](const Block& block) {
        test::BlockDraft draft(block);
        if (!spoiled && draft.txs.size() > 1) {
            draft.txs.push_back(draft.txs.back());  // the merkle root stays the same with an even number before (CVE-2012-2459)
            spoiled = true;
        }
        return draft.serialize();
    };
    ASSERT_TRUE(world.sync());
    EXPECT_TRUE(spoiled);
    EXPECT_EQ(std::ranges::count_if(world.servers, [](const auto& server) { return server->misbehaved; }), 1);
    EXPECT_EQ(found(world), (std::vector<Height>{121, 125, 131}));
}

TEST(LightClient, BirthdayAheadOfTheChainIsWaitedFor) {
    LightWorld world;
    make_chain(world);
    world.wallet.set.birthday.height = 140;
    ++world.wallet.set.revision;
    for (int i = 0; i < 3; ++i) world.add_server();
    ASSERT_TRUE(world.sync());
    EXPECT_EQ(world.role->view()->filters_fetched, 0u);
    EXPECT_EQ(world.wallet.scanned, 130);
    world.chain.mine_many(9);
    pay(world.chain, 3, script(1));
    world.move_all(world.chain.tip());
    ASSERT_TRUE(world.sync());
    EXPECT_EQ(found(world), (std::vector<Height>{140}));
    EXPECT_EQ(world.role->view()->filters_fetched, 1u);
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

TEST(LightClient, SeesUnconfirmedPayments) {
    LightWorld world;
    make_chain(world);
    for (int i = 0; i < 3; ++i) world.add_server();
    ASSERT_TRUE(world.sync());
    const test::TestCoin coin = world.chain.coin(4);
    const TransactionPtr ours = world.chain.spend({coin}, {{coin.coin.value, script(1)}});
    const TransactionPtr other = world.chain.spend({world.chain.coin(5)}, 1000);
    for (const TransactionPtr& tx : {ours, other}) {
        world.mempool[tx->tx().wtxid] = tx;
        for (auto& server : world.servers) {
            net::InvMessage inv;
            inv.items.push_back({net::kInvWtx, tx->tx().wtxid});
            world.send(*server, std::move(inv));
        }
    }
    world.step();
    ASSERT_EQ(world.wallet.transactions.size(), 1u);
    EXPECT_EQ(world.wallet.transactions[0]->tx().txid, ours->tx().txid);
}

TEST(LightClient, HeadersOfAnotherFormatAreRefusedWhole) {
    LightWorld world;
    make_chain(world);
    Server& strange = world.add_server();
    net::HeadersMessage message;
    message.malformed = true;
    message.count = 3;
    world.send(strange, std::move(message));
    EXPECT_TRUE(strange.misbehaved);
    for (int i = 0; i < 3; ++i) world.add_server();
    EXPECT_TRUE(world.sync());
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
