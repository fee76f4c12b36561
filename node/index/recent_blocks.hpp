#pragma once

#include <deque>
#include <mutex>
#include <optional>

#include "node/index/index.hpp"

namespace cairn::node {

/// The blocks connected last, so that indexes which keep up need not read them again.
/// Limits: kMostBytes of blocks; the oldest go first. Thread: any.
class RecentBlocks {
public:
    static constexpr std::size_t kMostBytes = 16 << 20;

    void put(IndexedBlock block) {
        const std::lock_guard lock(mutex_);
        bytes_ += size(block);
        blocks_.push_back(std::move(block));
        while (bytes_ > kMostBytes) drop_front();
    }
    std::optional<IndexedBlock> find(const HeaderNode* node) const {
        const std::lock_guard lock(mutex_);
        for (const IndexedBlock& block : blocks_) {
            if (block.node == node) return block;
        }
        return std::nullopt;
    }
    /// Everybody has seen the blocks up to this height.
    void forget(Height height) {
        const std::lock_guard lock(mutex_);
        while (!blocks_.empty() && blocks_.front().node->height <= height) drop_front();
    }

private:
    static std::size_t size(const IndexedBlock& block) { return 2 * block.block->raw().size(); }
    void drop_front() {
        bytes_ -= size(blocks_.front());
        blocks_.pop_front();
    }

    mutable std::mutex mutex_;
    std::deque<IndexedBlock> blocks_;
    std::size_t bytes_ = 0;
};

}  // namespace cairn::node
