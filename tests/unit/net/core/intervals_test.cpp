#include "net/core/intervals.hpp"

#include <gtest/gtest.h>

namespace cairn::net {
namespace {

TEST(ExponentialInterval, HasTheWantedMeanAndForgetsThePast) {
    Random random = Random::from_number(1);
    constexpr std::int64_t kMean = 30'000'000;
    constexpr int kDraws = 20'000;
    double sum = 0;
    int longer_than_mean = 0;
    for (int i = 0; i < kDraws; ++i) {
        const std::int64_t interval = exponential_interval(random, kMean);
        ASSERT_GE(interval, 0);
        sum += static_cast<double>(interval);
        longer_than_mean += interval > kMean;
    }
    EXPECT_NEAR(sum / kDraws / kMean, 1.0, 0.03);
    EXPECT_NEAR(longer_than_mean / double{kDraws}, 0.3679, 0.02);  // 1/e
}

}  // namespace
}  // namespace cairn::net
