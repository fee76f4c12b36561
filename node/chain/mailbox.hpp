#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <vector>

namespace cairn::node {

/// Messages to the one thread that reads them, in the order of their coming.
/// Thread: any may post; one takes.
class Mailbox {
public:
    using Message = std::function<void()>;

    /// False when the box is closed: the message was not taken.
    bool post(Message message) {
        {
            std::lock_guard lock(mutex_);
            if (closed_) return false;
            messages_.push_back(std::move(message));
            filled_.store(true, std::memory_order_release);
        }
        wake_.notify_one();
        return true;
    }
    bool has_mail() const { return filled_.load(std::memory_order_acquire); }

    /// Everything that came; waits up to `wait` for the first message.
    std::vector<Message> take(std::chrono::milliseconds wait) {
        std::unique_lock lock(mutex_);
        if (wait.count() > 0) wake_.wait_for(lock, wait, [this] { return !messages_.empty() || closed_; });
        filled_.store(false, std::memory_order_release);
        return std::exchange(messages_, {});
    }
    /// Nothing is taken any more; what was posted before can still be taken.
    void close() {
        std::lock_guard lock(mutex_);
        closed_ = true;
        wake_.notify_one();
    }

private:
    std::mutex mutex_;
    std::condition_variable wake_;
    std::vector<Message> messages_;
    std::atomic<bool> filled_{false};
    bool closed_ = false;
};

}  // namespace cairn::node
