#include "net/http/detail/crew.hpp"

#include <thread>

namespace cairn::http {

namespace {

thread_local std::uint64_t t_turn = 0;  ///< in which this thread led last

}  // namespace

Crew::Crew(boost::asio::io_context& io) : io_(io), may_look_(std::thread::hardware_concurrency() > 1) {}

void Crew::serve() {
    while (take_the_lead()) lead();
}

void Crew::stop() {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    sleepers_.notify_all();
    watcher_.notify_all();
}

/// Sleeps until it is this thread's turn to lead. False: the crew is dismissed.
bool Crew::take_the_lead() {
    std::unique_lock lock(mutex_);
    sleepers_.wait(lock, [this] { return stopping_ || !led_ || !watched_; });
    if (!stopping_ && led_) {
        watched_ = true;
        while (!stopping_) {
            const auto now = Clock::now();
            if (answering_ && now - answering_since_ >= kPatience) break;
            if (answering_ || now - answering_since_ < kWatchAfterWork) {
                watcher_.wait_for(lock, kPatience);
                continue;
            }
            watcher_sleeps_ = true;
            watcher_.wait(lock);
            watcher_sleeps_ = false;
        }
        watched_ = false;
        sleepers_.notify_one();
    }
    if (stopping_) return false;
    led_ = true;
    answering_ = false;
    close_together_ = false;
    t_turn = ++turn_;
    return true;
}

void Crew::lead() {
    while (turn_ == t_turn && !io_.stopped()) {
        if (close_together_) look();
        if (turn_ == t_turn) io_.run_one();
    }
    if (!io_.stopped()) return;
    // Nobody follows a leader of a stopped context.
    std::unique_lock lock(mutex_);
    sleepers_.wait(lock, [this] { return stopping_; });
}

/// Handles what is there until nothing has come for a while.
void Crew::look() {
    for (auto since = Clock::now(); turn_ == t_turn && !io_.stopped();) {
        if (io_.poll_one() > 0) {
            since = Clock::now();
        } else if (Clock::now() - since > kLook) {
            return;
        }
    }
}

void Crew::begin_answer() {
    const std::lock_guard lock(mutex_);
    if (turn_ != t_turn) return;
    answering_ = true;
    answering_since_ = Clock::now();
    close_together_ = may_look_ && answering_since_ - answered_ < kCloseTogether;
    if (watcher_sleeps_) watcher_.notify_one();
}

void Crew::end_answer() {
    const std::lock_guard lock(mutex_);
    if (turn_ != t_turn) return;
    answering_ = false;
    answered_ = Clock::now();
}

}  // namespace cairn::http
