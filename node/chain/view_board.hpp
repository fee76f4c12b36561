#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "node/chain/chain_port.hpp"

namespace cairn::node {

/// The published picture of the chain, and who wants to know when it changes.
/// Thread: any may read and wait; change() from the chain thread and whoever accepts headers.
class ViewBoard {
public:
    std::shared_ptr<const ChainView> view() const {
        std::lock_guard lock(mutex_);
        return view_;
    }

    /// Replaces the view by a changed copy; gives the new one. `edit` is short and takes no locks.
    template <class Edit>
    std::shared_ptr<const ChainView> change(Edit&& edit) {
        std::shared_ptr<const ChainView> published;
        {
            std::lock_guard lock(mutex_);
            auto next = std::make_shared<ChainView>(*view_);
            edit(*next);
            view_ = published = std::move(next);
        }
        changed_.notify_all();
        return published;
    }

    std::shared_ptr<const ChainView> wait_for(const std::function<bool(const ChainView&)>& wanted, std::optional<std::int64_t> timeout_ms) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms.value_or(0));
        std::unique_lock lock(mutex_);
        for (;;) {
            const auto view = view_;
            lock.unlock();
            if (closed_.load() || wanted(*view)) return view;
            lock.lock();
            if (view != view_ || closed_.load()) continue;
            if (!timeout_ms) {
                changed_.wait(lock);
            } else if (changed_.wait_until(lock, deadline) == std::cv_status::timeout && view == view_) {
                return view_;
            }
        }
    }
    /// Ends all waiting, now and later.
    void close() {
        {
            std::lock_guard lock(mutex_);
            closed_ = true;
        }
        changed_.notify_all();
    }

private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::shared_ptr<const ChainView> view_ = std::make_shared<ChainView>();
    std::atomic<bool> closed_{false};
};

}  // namespace cairn::node
