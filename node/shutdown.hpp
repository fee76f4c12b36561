#pragma once

#include <atomic>
#include <chrono>

namespace cairn::node {

/// The wish to stop, and a way to sleep until it comes.
/// Thread: any; request() also within a signal handler.
class ShutdownSignal {
public:
    ShutdownSignal();
    ~ShutdownSignal();
    ShutdownSignal(const ShutdownSignal&) = delete;
    ShutdownSignal& operator=(const ShutdownSignal&) = delete;

    void request() noexcept;
    bool requested() const noexcept { return requested_.load(std::memory_order_acquire); }
    /// True once a stop is asked for; false when the time is over first. One caller at a time.
    bool wait_for(std::chrono::milliseconds time) const;

private:
    std::atomic<bool> requested_{false};
    int read_end_ = -1, write_end_ = -1;
};

}  // namespace cairn::node
