#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "light/client/ports.hpp"

namespace cairn::light {

/// Jobs on threads: some workers, and one for what has to happen in order.
/// Thread: construct and stop on one; run and run_in_order from any.
class ThreadJobs final : public Jobs {
public:
    explicit ThreadJobs(unsigned workers);
    ~ThreadJobs() override { stop(); }
    void run(std::function<void()> job) override { parallel_.put(std::move(job)); }
    void run_in_order(std::function<void()> job) override { ordered_.put(std::move(job)); }
    /// Does what was asked for before and ends the threads; what comes later is dropped.
    void stop();

private:
    class Queue {
    public:
        void put(std::function<void()> job);
        void work();
        void close();

    private:
        std::mutex mutex_;
        std::condition_variable wake_;
        std::deque<std::function<void()>> jobs_;
        bool closed_ = false;
    };
    Queue parallel_, ordered_;
    std::vector<std::thread> threads_;
};

}  // namespace cairn::light
