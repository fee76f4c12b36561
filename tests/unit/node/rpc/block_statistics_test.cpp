#include "node/rpc/block_statistics.hpp"

#include <gtest/gtest.h>

namespace cairn::node {
namespace {

TEST(TruncatedMedian, TakesTheMiddle) {
    EXPECT_EQ(truncated_median({}), 0);
    EXPECT_EQ(truncated_median({3}), 3);
    EXPECT_EQ(truncated_median({5, 1}), 3);
    EXPECT_EQ(truncated_median({4, 1}), 2);
    EXPECT_EQ(truncated_median({9, 1, 5}), 5);
}

TEST(PercentilesByWeight, AreZeroForNothing) {
    EXPECT_EQ(percentiles_by_weight({}, 0), (std::array<std::int64_t, 5>{}));
}

TEST(PercentilesByWeight, WeighTheValues) {
    std::vector<std::pair<std::int64_t, std::int64_t>> values;
    for (int i = 1; i <= 100; ++i) values.emplace_back(i, 1);
    EXPECT_EQ(percentiles_by_weight(values, 100), (std::array<std::int64_t, 5>{10, 25, 50, 75, 90}));
    EXPECT_EQ(percentiles_by_weight({{1, 9}, {2, 16}, {4, 50}, {5, 10}, {9, 15}}, 100),
              (std::array<std::int64_t, 5>{2, 2, 4, 4, 9}));
    EXPECT_EQ(percentiles_by_weight({{7, 100}}, 100), (std::array<std::int64_t, 5>{7, 7, 7, 7, 7}));
}

}  // namespace
}  // namespace cairn::node
