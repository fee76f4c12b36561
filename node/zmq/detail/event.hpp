#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>

#include "node/chain/chain_port.hpp"

namespace cairn::node::zmq_detail {

/// Something to publish.
struct Event {
    enum class Kind { tip, connected, disconnected, added, removed };
    Kind kind;
    BlockPtr block{};            ///< tip, connected, disconnected
    TransactionPtr tx{};         ///< added, removed
    std::uint64_t sequence = 0;  ///< added, removed: the mempool's
    std::uint32_t lost = 0;      ///< events that did not fit before this one
};

/// Events on their way to the publishing thread, bounded: the newest are lost when it is full.
/// Thread: one pushes, one takes.
class EventQueue {
public:
    explicit EventQueue(std::size_t limit) : limit_(limit) {}

    void push(Event event) {
        {
            const std::lock_guard lock(mutex_);
            if (events_.size() >= limit_) {
                ++lost_;
                return;
            }
            event.lost = std::exchange(lost_, 0);
            events_.push_back(std::move(event));
        }
        wake_.notify_one();
    }
    /// Waits for the next one; nullopt when the queue is closed and empty.
    std::optional<Event> take() {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return closed_ || !events_.empty(); });
        if (events_.empty()) return std::nullopt;
        Event event = std::move(events_.front());
        events_.pop_front();
        return event;
    }
    void close() {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        wake_.notify_one();
    }

private:
    const std::size_t limit_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Event> events_;
    std::uint32_t lost_ = 0;
    bool closed_ = false;
};

}  // namespace cairn::node::zmq_detail
