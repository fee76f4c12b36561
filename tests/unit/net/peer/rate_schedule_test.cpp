#include "net/peer/rate_schedule.hpp"

#include <gtest/gtest.h>

namespace cairn::net {
namespace {

constexpr std::int64_t kMonday = 4 * 86'400;  // the fifth of January 1970
constexpr std::int64_t kHour = 3600, kDay = 86'400;

RateSchedule parsed(const std::vector<std::string>& entries) {
    auto schedule = RateSchedule::parse("-uploadrate", entries);
    EXPECT_TRUE(schedule) << (schedule ? "" : schedule.error());
    return schedule ? *schedule : RateSchedule();
}

TEST(RateSchedule, HasNoLimitWithoutEntries) {
    EXPECT_TRUE(parsed({}).empty());
    EXPECT_EQ(parsed({}).rate_at(kMonday), 0);
}

TEST(RateSchedule, HoldsAllDayWithoutTimes) {
    for (const std::int64_t at : {std::int64_t{0}, kMonday, kMonday + 23 * kHour, std::int64_t{-1}}) EXPECT_EQ(parsed({"50"}).rate_at(at), 50'000);
}

TEST(RateSchedule, TakesTheLastEntryThatHolds) {
    const auto schedule = parsed({"1000", "100@08:00-18:00,mon-fri", "0@12:00-13:00"});
    EXPECT_EQ(schedule.rate_at(kMonday + 7 * kHour + 3599), 1'000'000);
    EXPECT_EQ(schedule.rate_at(kMonday + 8 * kHour), 100'000);
    EXPECT_EQ(schedule.rate_at(kMonday + 12 * kHour), 0);
    EXPECT_EQ(schedule.rate_at(kMonday + 13 * kHour), 100'000);
    EXPECT_EQ(schedule.rate_at(kMonday + 18 * kHour), 1'000'000);
    EXPECT_EQ(schedule.rate_at(kMonday + 4 * kDay + 9 * kHour), 100'000) << "Friday";
    EXPECT_EQ(schedule.rate_at(kMonday + 5 * kDay + 9 * kHour), 1'000'000) << "Saturday";
}

TEST(RateSchedule, GoesPastMidnightOnTheDayItBegan) {
    const auto schedule = parsed({"7@22:00-06:00,sun"});
    EXPECT_EQ(schedule.rate_at(kMonday - 2 * kHour), 7'000) << "Sunday evening";
    EXPECT_EQ(schedule.rate_at(kMonday + 5 * kHour), 7'000) << "Monday morning";
    EXPECT_EQ(schedule.rate_at(kMonday + 6 * kHour), 0);
    EXPECT_EQ(schedule.rate_at(kMonday + 23 * kHour), 0);
    EXPECT_EQ(schedule.rate_at(kMonday - 20 * kHour), 0) << "Sunday morning belongs to Saturday";
}

TEST(RateSchedule, TakesDaysAloneAndRangesOverTheWeek) {
    EXPECT_EQ(parsed({"7@sat-mon"}).rate_at(kMonday), 7'000);
    EXPECT_EQ(parsed({"7@sat-mon"}).rate_at(kMonday + kDay), 0);
    EXPECT_EQ(parsed({"7@tue,thu"}).rate_at(kMonday + 3 * kDay), 7'000);
    EXPECT_EQ(parsed({"7@00:00-24:00"}).rate_at(kMonday + 24 * kHour - 1), 7'000);
}

TEST(RateSchedule, RefusesWhatIsNoEntry) {
    for (const char* text : {"", "x", "-5", "5.5", "5@", "5@8-9", "5@08:00", "5@08:00-08:00", "5@25:00-26:00", "5@24:00-08:00", "5@08:60-09:00", "5@08:00-09:00,",
                             "5@08:00-09:00,foo", "5@mon,08:00-09:00", "5@mon-", "999999999999", "99999999999999999999999", "5@08:00-09:00-10:00"}) {
        const auto schedule = RateSchedule::parse("-downloadrate", {"10", text});
        ASSERT_FALSE(schedule) << text;
        EXPECT_TRUE(schedule.error().starts_with("Invalid -downloadrate='" + std::string(text) + "': ")) << schedule.error();
    }
}

}  // namespace
}  // namespace cairn::net
