#include "node/chain/workers.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>

#include "net/io/log_control.hpp"

namespace cairn::node {

Workers::Workers(int threads) : size_(std::max(1, threads)) {
    for (int i = 0; i < size_; ++i) {
        threads_.emplace_back([this, i] {
            net::log::name_thread("worker." + std::to_string(i));
            run();
        });
    }
}

Workers::~Workers() { stop(false); }

bool Workers::post(std::function<void()> job, Priority priority) {
    {
        std::lock_guard lock(mutex_);
        if (stopping_) return false;
        (priority == Priority::urgent ? urgent_ : normal_).push_back(std::move(job));
    }
    wake_.notify_one();
    return true;
}

void Workers::stop(bool drop) {
    std::deque<std::function<void()>> dropped_urgent, dropped_normal;  // destroyed outside the lock
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
        if (drop) {
            dropped_urgent.swap(urgent_);
            dropped_normal.swap(normal_);
        }
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
}

void Workers::share(std::size_t count, const std::function<void(std::size_t)>& task) {
    struct State {
        std::atomic<std::size_t> next{0}, done{0};
    };
    // A job that starts late finds nothing left to do, so `task` is not touched after the return.
    const auto state = std::make_shared<State>();
    const auto work = [state, count, &task] {
        for (std::size_t i = state->next++; i < count; i = state->next++) {
            task(i);
            if (++state->done == count) state->done.notify_all();
        }
    };
    for (std::size_t i = 1; i < count && i <= static_cast<std::size_t>(size_); ++i) post(work, Priority::urgent);
    work();
    for (std::size_t done = state->done; done != count; done = state->done) state->done.wait(done);
}

void Workers::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        wake_.wait(lock, [this] { return stopping_ || !urgent_.empty() || !normal_.empty(); });
        auto& queue = !urgent_.empty() ? urgent_ : normal_;
        if (queue.empty()) return;
        auto job = std::move(queue.front());
        queue.pop_front();
        lock.unlock();
        job();
        job = nullptr;
        lock.lock();
    }
}

int worker_count(int par) {
    const int cores = std::max(1u, std::thread::hardware_concurrency());
    return std::clamp(par > 0 ? par : cores + par, 1, 64);
}

}  // namespace cairn::node
