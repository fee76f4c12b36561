#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace cairn::node {

/// A few threads that run jobs in the order of their coming, urgent ones first. A job must not wait for another.
/// Thread: any.
class Workers {
public:
    enum class Priority { urgent, normal };

    explicit Workers(int threads);
    /// Runs what was posted, then ends the threads.
    ~Workers();
    Workers(const Workers&) = delete;
    Workers& operator=(const Workers&) = delete;

    /// False when the threads have ended: the job is dropped.
    bool post(std::function<void()> job, Priority priority = Priority::normal);
    /// Ends the threads; jobs that did not start are dropped when `drop` is set, run otherwise.
    void stop(bool drop);
    int size() const { return size_; }
    /// Does task(0) to task(count - 1) on the workers that are free and on the caller's thread; returns when all are done.
    /// Thread: any but a worker.
    void share(std::size_t count, const std::function<void(std::size_t)>& task);

private:
    void run();

    const int size_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::function<void()>> urgent_, normal_;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

/// What -par means: 0 for one a core, negative to leave so many cores free, at least 1, at most 64.
int worker_count(int par);

}  // namespace cairn::node
