#include <gtest/gtest.h>

#include "net/peer/time_offsets.hpp"

namespace cairn::net {
namespace {

TEST(TimeOffsets, SaysNothingFromFewerThanFive) {
    TimeOffsets offsets;
    for (int i = 0; i < 4; ++i) offsets.add(10'000);
    EXPECT_EQ(offsets.median(), 0);
    EXPECT_EQ(offsets.warning(), "");
    offsets.add(10'000);
    EXPECT_EQ(offsets.median(), 10'000);
    EXPECT_NE(offsets.warning(), "");
}

TEST(TimeOffsets, TakesTheMiddleOfTheLatestFifty) {
    TimeOffsets offsets;
    for (int i = 0; i < 1000; ++i) offsets.add(1'000'000);
    for (int i = 1; i <= 50; ++i) offsets.add(i);
    EXPECT_EQ(offsets.size(), 50u);
    EXPECT_EQ(offsets.median(), 26);
}

TEST(TimeOffsets, WarnsBeyondTenMinutesEitherWay) {
    for (const std::int64_t sign : {1, -1}) {
        TimeOffsets near, far;
        for (int i = 0; i < 5; ++i) {
            near.add(sign * 600);
            far.add(sign * 601);
        }
        EXPECT_EQ(near.warning(), "");
        EXPECT_NE(far.warning().find("more than 10 minutes out of sync"), std::string::npos);
    }
}

}  // namespace
}  // namespace cairn::net
