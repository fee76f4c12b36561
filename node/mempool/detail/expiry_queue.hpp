#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "node/mempool/tx_graph.hpp"

namespace cairn::node::detail {

/// Who came when, the oldest first. What left otherwise stays until it is found out or swept away.
/// Cost: constant for times that rise; asking whether anyone is due is constant, too.
class ExpiryQueue {
public:
    struct Item {
        std::int64_t time;
        TxGraph::Id id;
        bool operator>(const Item& other) const { return time > other.time; }
    };

    void push(std::int64_t time, TxGraph::Id id) {
        items_.push_back({time, id});
        std::push_heap(items_.begin(), items_.end(), std::greater<>());
    }
    bool due(std::int64_t before) const { return !items_.empty() && items_.front().time < before; }
    Item pop() {
        std::pop_heap(items_.begin(), items_.end(), std::greater<>());
        const Item item = items_.back();
        items_.pop_back();
        return item;
    }
    /// Drops what `valid` denies once it may be more than half.
    template <class Valid>
    void sweep(std::size_t entries, Valid&& valid) {
        if (items_.size() < 2 * entries + kSlack) return;
        std::erase_if(items_, [&](const Item& item) { return !valid(item); });
        std::make_heap(items_.begin(), items_.end(), std::greater<>());
        if (items_.capacity() > 4 * items_.size() + kSlack) items_.shrink_to_fit();
    }
    std::size_t memory_usage() const { return items_.size() * sizeof(Item); }

private:
    static constexpr std::size_t kSlack = 1000;
    std::vector<Item> items_;  ///< a heap
};

}  // namespace cairn::node::detail
