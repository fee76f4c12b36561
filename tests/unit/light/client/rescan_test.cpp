#include <gtest/gtest.h>

#include "tests/support/light_scenes.hpp"

/// Second looks at old blocks: where they begin is told, and they can be given up.
namespace cairn::light {
namespace {

using test::LightWorld;
using test::found;
using test::make_chain;
using test::pay;
using test::script;

void keep_blocks(LightWorld& world, bool keep) {
    for (const auto& server : world.servers) server->keeps_blocks = keep;
}

/// A synced world in which block 131 pays script(2), which nobody watches yet.
void make_world(LightWorld& world) {
    make_chain(world);
    pay(world.chain, 3, script(2));
    world.chain.mine_many(9);
    for (int i = 0; i < 3; ++i) world.add_server();
    ASSERT_TRUE(world.sync());
    world.wallet.searches.clear();
}

TEST(Rescan, TellsWhereTheSearchForWhatIsNewBegins) {
    LightWorld world;
    make_world(world);
    world.wallet.watch_script(script(2), Birthday{100, {}});
    world.role->watch_changed();
    ASSERT_TRUE(world.sync());
    ASSERT_FALSE(world.wallet.searches.empty());
    EXPECT_EQ(world.wallet.searches.back(), (std::pair<Height, std::uint64_t>{100, world.wallet.set.revision}));
    EXPECT_EQ(found(world), (std::vector<Height>{121, 125, 131}));
    // What only later blocks can concern asks for no second look.
    world.wallet.watch_script(script(3), Birthday{1000, {}});
    world.role->watch_changed();
    ASSERT_TRUE(world.sync());
    EXPECT_EQ(world.wallet.searches.back(), (std::pair<Height, std::uint64_t>{141, world.wallet.set.revision}));
}

TEST(Rescan, IsGivenUpAndNotBegunAgainAfterARestart) {
    LightWorld world;
    make_world(world);
    keep_blocks(world, true);
    world.wallet.watch_script(script(2), Birthday{1, {}});
    world.role->watch_changed();
    for (int i = 0; i < 5; ++i) world.step();
    EXPECT_NE(world.role->view()->phase, Phase::synced);
    world.role->give_up_rescan(world.wallet.set.revision);
    for (int i = 0; i < 5; ++i) world.step();
    keep_blocks(world, false);
    ASSERT_TRUE(world.sync());
    EXPECT_EQ(found(world), (std::vector<Height>{121, 125}));
    world.restart();
    for (int i = 0; i < 3; ++i) world.add_server();
    ASSERT_TRUE(world.sync());
    EXPECT_EQ(found(world), (std::vector<Height>{121, 125}));
    // New blocks are looked at for it all the same.
    pay(world.chain, 4, script(2));
    world.move_all(world.chain.tip());
    ASSERT_TRUE(world.sync());
    EXPECT_EQ(found(world), (std::vector<Height>{121, 125, 141}));
}

TEST(Rescan, ThatWasAskedForLaterIsNotGivenUp) {
    LightWorld world;
    make_world(world);
    keep_blocks(world, true);
    world.wallet.watch_script(script(2), Birthday{1, {}});
    world.role->watch_changed();
    for (int i = 0; i < 5; ++i) world.step();
    world.role->give_up_rescan(world.wallet.set.revision);
    world.wallet.watch_script(script(3), Birthday{130, {}});
    world.role->watch_changed();
    for (int i = 0; i < 5; ++i) world.step();
    keep_blocks(world, false);
    ASSERT_TRUE(world.sync());
    EXPECT_EQ(found(world), (std::vector<Height>{121, 125, 131}));
}

TEST(Rescan, LooksAlsoAtBlocksThatWereOnTheirWayToTheSinkWhenItWasAskedFor) {
    LightWorld world;
    make_chain(world);
    pay(world.chain, 3, script(2));
    world.chain.mine_many(9);
    for (int i = 0; i < 3; ++i) world.add_server();
    // The sink is busy with the first scan when more is watched.
    world.jobs.sink_stuck = true;
    for (int i = 0; i < 20; ++i) {
        world.step();
        if (i % 4 == 3) {
            world.jobs.sink_stuck = false;
            world.jobs.work();
            world.jobs.sink_stuck = true;
        }
        if (i == 9) {
            world.wallet.watch_script(script(2), Birthday{1, {}});
            world.role->watch_changed();
        }
    }
    world.jobs.sink_stuck = false;
    world.jobs.work();
    ASSERT_TRUE(world.sync());
    EXPECT_EQ(found(world), (std::vector<Height>{121, 125, 131}));
    EXPECT_EQ(world.role->view()->revision, world.wallet.set.revision);
}

}  // namespace
}  // namespace cairn::light
