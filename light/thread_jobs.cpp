#include "light/thread_jobs.hpp"

#include <algorithm>

#include "net/io/log_control.hpp"

namespace cairn::light {

ThreadJobs::ThreadJobs(unsigned workers) {
    threads_.emplace_back([this] {
        net::log::name_thread("light");
        ordered_.work();
    });
    for (unsigned i = 0; i < std::max(workers, 1u); ++i) {
        threads_.emplace_back([this] {
            net::log::name_thread("match");
            parallel_.work();
        });
    }
}

void ThreadJobs::stop() {
    parallel_.close();
    ordered_.close();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
}

void ThreadJobs::Queue::put(std::function<void()> job) {
    {
        const std::lock_guard lock(mutex_);
        if (closed_) return;
        jobs_.push_back(std::move(job));
    }
    wake_.notify_one();
}

void ThreadJobs::Queue::work() {
    std::unique_lock lock(mutex_);
    while (true) {
        wake_.wait(lock, [this] { return closed_ || !jobs_.empty(); });
        if (jobs_.empty()) return;
        const auto job = std::move(jobs_.front());
        jobs_.pop_front();
        lock.unlock();
        job();
        lock.lock();
    }
}

void ThreadJobs::Queue::close() {
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
    }
    wake_.notify_all();
}

}  // namespace cairn::light
