#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>

namespace cairn::http {

/// Lets a fixed number of requests be answered at a time and a bounded number wait for their turn.
/// Thread: any.
class Turnstile {
public:
    using Job = std::function<void()>;
    enum class Outcome { now, queued, full, stopping };

    void open(int places, std::size_t depth) {
        places_ = places;
        depth_ = depth;
    }
    /// `now`: the caller goes on and calls leave() afterwards. `queued`: `later` is called once it is its turn, and whoever runs it
    /// calls leave().
    Outcome enter(Job later) {
        const std::lock_guard lock(mutex_);
        if (stopping_) return Outcome::stopping;
        if (busy_ < places_) {
            ++busy_;
            return Outcome::now;
        }
        if (waiting_.size() >= depth_) return Outcome::full;
        waiting_.push_back(std::move(later));
        return Outcome::queued;
    }
    void leave() {
        Job next;
        {
            const std::lock_guard lock(mutex_);
            if (waiting_.empty()) {
                --busy_;
                if (busy_ == 0) quiet_.notify_all();
                return;
            }
            next = std::move(waiting_.front());  // takes the place over
            waiting_.pop_front();
        }
        next();
    }
    /// Lets nobody in any more and waits until all who were let in have left.
    void stop() {
        std::unique_lock lock(mutex_);
        stopping_ = true;
        quiet_.wait(lock, [this] { return busy_ == 0; });
    }

private:
    std::mutex mutex_;
    std::condition_variable quiet_;
    std::deque<Job> waiting_;
    std::size_t depth_ = 0;
    int places_ = 1;
    int busy_ = 0;
    bool stopping_ = false;
};

}  // namespace cairn::http
