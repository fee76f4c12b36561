#include "net/core/upload_target.hpp"

#include <gtest/gtest.h>

namespace cairn::net {
namespace {

constexpr std::int64_t kNow = 1'700'000'000;
constexpr std::uint64_t kTarget = 800u << 20;
constexpr std::uint64_t kKeptForADay = 144 * 4'000'000;

TEST(UploadTarget, RefusesNothingWithoutATarget) {
    UploadTarget target;
    target.on_sent(1ull << 50, kNow);
    EXPECT_FALSE(target.reached());
    EXPECT_FALSE(target.history_refused(kNow));
    EXPECT_EQ(target.state(kNow).bytes_left, 0u);
    EXPECT_EQ(target.state(kNow).time_left_s, 0);
}

TEST(UploadTarget, KeepsRoomForABlockEveryTenMinutes) {
    UploadTarget target(kTarget);
    EXPECT_EQ(target.state(kNow).time_left_s, UploadTarget::kCycle_s);
    target.on_sent(kTarget - kKeptForADay - 1, kNow);
    EXPECT_FALSE(target.history_refused(kNow));
    target.on_sent(1, kNow);
    EXPECT_TRUE(target.history_refused(kNow));
    EXPECT_FALSE(target.reached());
    EXPECT_FALSE(target.history_refused(kNow + 12 * 3600)) << "less has to be kept later in the day";
    target.on_sent(kKeptForADay, kNow);
    EXPECT_TRUE(target.reached());
    EXPECT_EQ(target.state(kNow).bytes_left, 0u);
}

TEST(UploadTarget, BeginsAnewAfterADay) {
    UploadTarget target(kTarget);
    target.on_sent(kTarget, kNow);
    target.on_sent(1, kNow + UploadTarget::kCycle_s);
    EXPECT_TRUE(target.reached());
    target.on_sent(1, kNow + UploadTarget::kCycle_s + 1);
    EXPECT_FALSE(target.reached());
    EXPECT_EQ(target.state(kNow + UploadTarget::kCycle_s + 1).bytes_left, kTarget - 1);
}

TEST(UploadTarget, IsTooSmallForHistoryBelowADaysBlocks) {
    const UploadTarget target(1u << 20);
    EXPECT_TRUE(target.history_refused(kNow));
    EXPECT_FALSE(target.reached());
}

}  // namespace
}  // namespace cairn::net
