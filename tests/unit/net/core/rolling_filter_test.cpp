#include "net/core/rolling_filter.hpp"

#include <gtest/gtest.h>

#include "net/core/random.hpp"

namespace cairn::net {
namespace {

TEST(RollingFilter, RemembersTheLastOnesForCertain) {
    net::Random random = net::Random::from_number(1);
    RollingFilter filter(1000, {1, 2});
    std::vector<Uint256> hashes;
    for (int i = 0; i < 10'000; ++i) {
        hashes.push_back(random.uint256());
        filter.insert(hashes.back());
        if (i % 97 != 0) continue;
        for (std::size_t back = 0; back < std::min<std::size_t>(1000, hashes.size()); ++back)
            ASSERT_TRUE(filter.contains(hashes[hashes.size() - 1 - back]));
    }
}

TEST(RollingFilter, ForgetsTheOldAndInventsNothing) {
    net::Random random = net::Random::from_number(2);
    RollingFilter filter(1000, {3, 4});
    std::vector<Uint256> hashes;
    for (int i = 0; i < 5000; ++i) {
        hashes.push_back(random.uint256());
        filter.insert(hashes.back());
    }
    for (int i = 0; i < 3000; ++i) EXPECT_FALSE(filter.contains(hashes[i]));
    for (int i = 0; i < 100'000; ++i) ASSERT_FALSE(filter.contains(random.uint256()));
}

TEST(RollingFilter, CostsNothingBeforeTheFirstAndABoundAfter) {
    net::Random random = net::Random::from_number(3);
    RollingFilter filter(50'000, {5, 6});
    EXPECT_EQ(filter.memory_usage(), 0u);
    for (int i = 0; i < 200'000; ++i) filter.insert(random.uint256());
    EXPECT_LE(filter.memory_usage(), 12u * 65'536);
    filter.reset();
    EXPECT_FALSE(filter.contains(random.uint256()));
}

TEST(RollingFilter, IsEmptyAfterReset) {
    RollingFilter filter(10, {7, 8});
    const Uint256 hash = net::Random::from_number(4).uint256();
    filter.insert(hash);
    EXPECT_TRUE(filter.contains(hash));
    filter.reset();
    EXPECT_FALSE(filter.contains(hash));
    filter.insert(hash);
    EXPECT_TRUE(filter.contains(hash));
}

}  // namespace
}  // namespace cairn::net
