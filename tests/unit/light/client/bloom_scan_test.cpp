#include "light/client/bloom_scan.hpp"

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

constexpr std::uint64_t kBloomServices = net::kServiceNetwork | net::kServiceWitness | net::kServiceBloom;

struct BloomWorld : LightWorld {
    BloomWorld() {
        bloom_filters = true;
        restart();
        make_chain(*this);
    }
};

TEST(BloomScan, FindsPaymentsWithoutCompactFilters) {
    BloomWorld world;
    for (int i = 0; i < 2; ++i) world.add_server(kBloomServices);
    ASSERT_TRUE(world.sync(60));
    EXPECT_EQ(found(world), (std::vector<Height>{121, 125}));
    EXPECT_TRUE(world.role->view()->bloom);
    EXPECT_EQ(world.role->view()->cross_checked_by, 2);
    EXPECT_TRUE(world.wallet.transactions.empty()) << "what came with a proof is no news";
    world.chain.mine();
    pay(world.chain, 3, script(1));
    world.move_all(world.chain.tip());
    ASSERT_TRUE(world.sync(60));
    EXPECT_EQ(found(world), (std::vector<Height>{121, 125, 132}));
}

TEST(BloomScan, FindsWhatSpendsCoins) {
    BloomWorld world;
    const HeaderNode* paid = world.chain.tip()->ancestor(121);
    const OutPoint ours{world.chain.block(paid)->txs()[1].txid, 0};
    MutableTransaction spend;
    spend.version = 2;
    spend.inputs.push_back({ours, {}, 0xffffffff, {Bytes(64, 1)}});
    spend.outputs.push_back({1000, script(9)});
    const HeaderNode* spent = world.chain.mine({*TransactionHolder::parse(spend.serialize())});
    for (int i = 0; i < 2; ++i) world.add_server(kBloomServices);
    ASSERT_TRUE(world.sync(60));
    EXPECT_EQ(found(world), (std::vector<Height>{121, 125, spent->height})) << "the filter took in the coin that it found";

    BloomWorld later;  // that begins behind the payment and knows the coin from before
    later.wallet.set.birthday.height = 126;
    ++later.wallet.set.revision;
    later.role->watch_changed();
    later.wallet.owned.insert(ours);
    const HeaderNode* again = later.chain.mine({*TransactionHolder::parse(spend.serialize())});
    for (int i = 0; i < 2; ++i) later.add_server(kBloomServices);
    ASSERT_TRUE(later.sync(60));
    EXPECT_EQ(found(later), (std::vector<Height>{again->height}));
}

TEST(BloomScan, OnePeerThatHidesPaymentsIsNotEnoughToHideThem) {
    BloomWorld world;
    world.add_server(kBloomServices).hides_matches = true;
    world.add_server(kBloomServices);
    ASSERT_TRUE(world.sync(60));
    EXPECT_EQ(found(world), (std::vector<Height>{121, 125}));
}

TEST(BloomScan, ScriptsThatASeenBlockBringsAreLookedForBehindIt) {
    BloomWorld world;
    pay(world.chain, 3, script(2));
    world.wallet.on_seen = [&](const BlockPtr&, const ScanPlace& place) {
        if (place.height == 121 && world.wallet.set.scripts.size() == 1) world.wallet.watch_script(script(2));
    };
    for (int i = 0; i < 2; ++i) world.add_server(kBloomServices);
    ASSERT_TRUE(world.sync(60));
    EXPECT_EQ(found(world), (std::vector<Height>{121, 125, 131}));
    EXPECT_GE(world.servers[0]->filters_loaded, 2u);
}

TEST(BloomScan, ProofsThatDoNotLeadToTheHeaderCostTheirSenderTheConnection) {
    BloomWorld world;
    Server& liar = world.add_server(kBloomServices);
    liar.spoils_proofs = true;
    for (int i = 0; i < 2; ++i) world.add_server(kBloomServices);
    ASSERT_TRUE(world.sync(60));
    EXPECT_TRUE(liar.misbehaved);
    EXPECT_EQ(found(world), (std::vector<Height>{121, 125}));
}

TEST(BloomScan, FollowsReorganisations) {
    BloomWorld world;
    for (int i = 0; i < 2; ++i) world.add_server(kBloomServices);
    ASSERT_TRUE(world.sync(60));
    world.chain.set_tip(world.chain.tip()->ancestor(122));
    world.chain.mine_many(12);
    world.move_all(world.chain.tip());
    ASSERT_TRUE(world.sync(60));
    EXPECT_EQ(found(world), (std::vector<Height>{121}));
}

}  // namespace
}  // namespace cairn::light
