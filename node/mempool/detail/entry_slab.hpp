#pragma once

#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "consensus/base/check.hpp"
#include "node/mempool/entry.hpp"

namespace cairn::node::detail {

/// Entries by their graph id, in blocks that never move.
class EntrySlab {
public:
    /// Null: there is none of this id.
    const MempoolEntry* find(TxGraph::Id id) const {
        const std::size_t at = id / kBlockSize;
        if (at >= blocks_.size() || !blocks_[at]) return nullptr;
        const MempoolEntry& entry = blocks_[at]->entries[id % kBlockSize];
        return entry.tx ? &entry : nullptr;
    }
    /// The entry of an id that has one.
    MempoolEntry& operator[](TxGraph::Id id) { return blocks_[id / kBlockSize]->entries[id % kBlockSize]; }
    const MempoolEntry& operator[](TxGraph::Id id) const { return blocks_[id / kBlockSize]->entries[id % kBlockSize]; }

    /// At the id that the entry bears.
    MempoolEntry& place(MempoolEntry entry) {
        const std::size_t at = entry.graph / kBlockSize;
        if (at >= blocks_.size()) blocks_.resize(at + 1);
        if (!blocks_[at]) blocks_[at] = spare_ ? std::move(spare_) : std::make_unique<Block>();
        MempoolEntry& place = blocks_[at]->entries[entry.graph % kBlockSize];
        CAIRN_CHECK(!place.tx);
        place = std::move(entry);
        ++blocks_[at]->used;
        ++size_;
        return place;
    }
    MempoolEntry take(TxGraph::Id id) {
        std::unique_ptr<Block>& block = blocks_[id / kBlockSize];
        MempoolEntry taken = std::exchange(block->entries[id % kBlockSize], MempoolEntry{});
        --size_;
        if (--block->used == 0) spare_ = std::move(block);
        return taken;
    }

    template <class Visit>
    void for_each(Visit&& visit) const {
        for (const auto& block : blocks_) {
            if (!block) continue;
            for (const MempoolEntry& entry : block->entries) {
                if (entry.tx) visit(entry);
            }
        }
    }
    template <class Visit>
    void for_each(Visit&& visit) {
        for (const auto& block : blocks_) {
            if (!block) continue;
            for (MempoolEntry& entry : block->entries) {
                if (entry.tx) visit(entry);
            }
        }
    }

    std::size_t size() const { return size_; }
    std::size_t memory_usage() const { return size_ * sizeof(MempoolEntry) + blocks_.size() * sizeof(void*); }

private:
    static constexpr std::size_t kBlockSize = 256;
    struct Block {
        std::array<MempoolEntry, kBlockSize> entries;
        std::size_t used = 0;
    };

    std::vector<std::unique_ptr<Block>> blocks_;
    std::unique_ptr<Block> spare_;  ///< the last one that became empty: coming and going at its edge costs nothing
    std::size_t size_ = 0;
};

}  // namespace cairn::node::detail
