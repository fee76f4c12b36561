#include "node/relay/heap_keeper.hpp"

#include <gtest/gtest.h>

namespace cairn::node {
namespace {

constexpr std::int64_t kSecond = 1'000'000;

TEST(HeapKeeper, AsksForMemoryOnceManyPeersHaveLeftAndItIsCalm) {
    HeapKeeper keeper;
    EXPECT_FALSE(keeper.tick(15, 100 * kSecond));
    EXPECT_FALSE(keeper.tick(15, 102 * kSecond));  // few
    EXPECT_FALSE(keeper.tick(40, 103 * kSecond));  // still leaving
    EXPECT_TRUE(keeper.tick(40, 104 * kSecond));
    EXPECT_FALSE(keeper.tick(40, 200 * kSecond));
}

TEST(HeapKeeper, RestsBetweenTwoTimes) {
    HeapKeeper keeper;
    EXPECT_FALSE(keeper.tick(16, 0));
    EXPECT_TRUE(keeper.tick(16, 1 * kSecond));
    EXPECT_FALSE(keeper.tick(32, 2 * kSecond));
    EXPECT_FALSE(keeper.tick(32, 30 * kSecond));
    EXPECT_TRUE(keeper.tick(32, 31 * kSecond));
}

}  // namespace
}  // namespace cairn::node
