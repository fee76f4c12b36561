#pragma once

#include <mutex>
#include <utility>
#include <vector>

namespace cairn::net {

/// Values on their way to another thread. Never waits; the sender learns when the box is full.
/// Thread: any.
template <class T>
class Mailbox {
public:
    explicit Mailbox(std::size_t capacity) : capacity_(capacity) {}

    enum class Pushed { first, more, full };
    /// `first`: the box was empty, so its reader has to be woken.
    Pushed push(T value) {
        const std::lock_guard lock(mutex_);
        if (values_.size() >= capacity_) return Pushed::full;
        values_.push_back(std::move(value));
        return values_.size() == 1 ? Pushed::first : Pushed::more;
    }
    std::vector<T> take() {
        const std::lock_guard lock(mutex_);
        return std::exchange(values_, {});
    }

private:
    const std::size_t capacity_;
    std::mutex mutex_;
    std::vector<T> values_;
};

}  // namespace cairn::net
