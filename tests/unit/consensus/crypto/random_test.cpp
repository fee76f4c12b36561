#include "consensus/crypto/random.hpp"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

namespace cairn {
namespace {

TEST(FillRandom, GivesOtherBytesEachTime) {
    std::set<Uint256> seen;
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(seen.insert(random_uint256()).second);
    EXPECT_NE(random_u64(), random_u64());
    Bytes large(100'000);
    fill_random(large);
    EXPECT_LT(std::count(large.begin(), large.end(), 0), 1000);
    fill_random({});
}

TEST(FastRandom, SameSeedGivesTheSameNumbers) {
    FastRandom one(42), same(42), other(43);
    const std::uint64_t first = one.next();
    EXPECT_EQ(first, same.next());
    EXPECT_NE(first, other.next());
    EXPECT_EQ(one.uint256(), same.uint256());
    EXPECT_NE(FastRandom().next(), FastRandom().next());
    EXPECT_NE(FastRandom(Uint256()).next(), 0u);
}

TEST(FastRandom, BelowStaysBelowAndReachesEverything) {
    FastRandom random(1);
    std::array<int, 10> counts{};
    for (int i = 0; i < 10000; ++i) ++counts[random.below(10)];
    for (const int count : counts) EXPECT_NEAR(count, 1000, 200);
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(random.below(1), 0u);
        EXPECT_LT(random.below(~std::uint64_t{0}), ~std::uint64_t{0});
        const double unit = random.unit();
        EXPECT_TRUE(unit >= 0 && unit < 1);
    }
}

TEST(FastRandom, ShufflesWithTheStandardLibrary) {
    std::vector<int> numbers(100);
    for (int i = 0; i < 100; ++i) numbers[static_cast<std::size_t>(i)] = i;
    auto shuffled = numbers;
    std::shuffle(shuffled.begin(), shuffled.end(), FastRandom(5));
    EXPECT_NE(shuffled, numbers);
    std::sort(shuffled.begin(), shuffled.end());
    EXPECT_EQ(shuffled, numbers);
}

}  // namespace
}  // namespace cairn
