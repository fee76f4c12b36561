#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace cairn::net {

/// The one place where time comes in. `setmocktime` and `-mocktime` replace the wall clock.
/// Thread: any.
class Clock {
public:
    /// Seconds since 1970; the mocked time when one is set.
    std::int64_t now() const {
        const std::int64_t mocked = mock_.load(std::memory_order_relaxed);
        return mocked != 0 ? mocked : system_now();
    }
    /// Microseconds since 1970; whole mocked seconds when a time is mocked.
    std::int64_t now_us() const {
        const std::int64_t mocked = mock_.load(std::memory_order_relaxed);
        if (mocked != 0) return mocked * 1'000'000;
        return std::chrono::duration_cast<std::chrono::microseconds>(
                   std::chrono::system_clock::now().time_since_epoch()).count();
    }
    /// Seconds since 1970, whatever is mocked.
    static std::int64_t system_now() {
        return std::chrono::duration_cast<std::chrono::seconds>(
                   std::chrono::system_clock::now().time_since_epoch()).count();
    }
    /// 0 returns to the real time.
    void set_mock(std::int64_t seconds) { mock_.store(seconds, std::memory_order_relaxed); }
    bool mocked() const { return mock_.load(std::memory_order_relaxed) != 0; }

private:
    std::atomic<std::int64_t> mock_{0};
};

}  // namespace cairn::net
