#pragma once

#include <utility>
#include <vector>

namespace cairn::node {

/// First in, first out, in one piece of memory that is used again and again. Where one thread puts in and another takes out, a
/// deque's blocks are given back to the other's heap all the time, and both wait for its lock.
/// Memory: of the most that waited, up to kKeep; more is given back when nothing waits. Cost: constant, amortised.
/// Owner: whoever holds the lock beside it.
template <class T>
class Fifo {
public:
    bool empty() const { return head_ == items_.size(); }
    std::size_t size() const { return items_.size() - head_; }
    T& front() { return items_[head_]; }
    void push_back(T item) { items_.push_back(std::move(item)); }
    T take() {
        T item = std::exchange(items_[head_], T{});
        ++head_;
        if (empty()) {
            items_.clear();
            head_ = 0;
            if (items_.capacity() > kKeep) items_.shrink_to_fit();
        } else if (head_ >= kKeep && head_ >= size()) {
            items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(head_));
            head_ = 0;
        }
        return item;
    }

private:
    static constexpr std::size_t kKeep = 4'096;
    std::vector<T> items_;
    std::size_t head_ = 0;  ///< what lies before it was taken
};

}  // namespace cairn::node
