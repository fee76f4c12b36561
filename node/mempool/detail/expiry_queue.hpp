#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <deque>
#include <functional>

#include "node/mempool/tx_graph.hpp"

namespace cairn::node::detail {

/// Who came when, the oldest first. What left otherwise stays until it is found out or swept away.
/// Cost: constant for times that rise; asking whether anyone is due is constant, too.
class ExpiryQueue {
public:
    struct Item {
        std::int64_t time;
        TxGraph::Id id;
        auto operator<=>(const Item&) const = default;
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
    /// Drops what `valid` denies, and what is there twice, once that may be a third of all.
    template <class Valid>
    void sweep(std::size_t entries, Valid&& valid) {
        if (items_.size() < entries + entries / 2 + kSlack) return;
        std::erase_if(items_, [&](const Item& item) { return !valid(item); });
        std::sort(items_.begin(), items_.end());  // which is a heap, too
        items_.erase(std::unique(items_.begin(), items_.end()), items_.end());
    }
    std::size_t memory_usage() const { return items_.size() * sizeof(Item); }

private:
    static constexpr std::size_t kSlack = 1000;
    std::deque<Item> items_;  ///< a heap; in pieces, so that growing leaves no large holes behind
};

}  // namespace cairn::node::detail
