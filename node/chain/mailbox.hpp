#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>

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
        }
        wake_.notify_one();
        return true;
    }
    /// The oldest message; waits up to `wait` for one. Empty when there is none. One at a time, so that a message which itself
    /// takes mail misses nothing that came behind it.
    Message take(std::chrono::milliseconds wait) {
        std::unique_lock lock(mutex_);
        if (wait.count() > 0) wake_.wait_for(lock, wait, [this] { return !messages_.empty() || closed_; });
        if (messages_.empty()) return {};
        Message message = std::move(messages_.front());
        messages_.pop_front();
        return message;
    }
    /// Waits up to `wait` for something to take.
    void await(std::chrono::milliseconds wait) {
        std::unique_lock lock(mutex_);
        wake_.wait_for(lock, wait, [this] { return !messages_.empty() || closed_; });
    }
    bool empty() {
        const std::lock_guard lock(mutex_);
        return messages_.empty();
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
    std::deque<Message> messages_;
    bool closed_ = false;
};

}  // namespace cairn::node
