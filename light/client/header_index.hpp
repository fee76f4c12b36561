#pragma once

#include <memory_resource>
#include <shared_mutex>
#include <vector>

#include "consensus/chain/header_tree.hpp"

namespace cairn::light {

/// What HeaderTree is, in little memory of its own: the nodes lie in memory that may be on the disk, in the order in which
/// they came, so that what is old is together and left alone; what finds a header by its hash takes 11 to 21 bytes a header.
/// Thread: any. Look-ups share a lock, insertions take it alone; nodes are immutable and their addresses stable.
class HeaderIndex {
public:
    /// `memory` outlives the index; only insertions ask it for more.
    explicit HeaderIndex(const BlockHeader& genesis, std::pmr::memory_resource* memory = std::pmr::new_delete_resource());
    ~HeaderIndex();
    HeaderIndex(const HeaderIndex&) = delete;

    const HeaderNode* genesis() const { return genesis_; }
    /// Null when unknown.
    const HeaderNode* find(const BlockHash& hash) const;
    /// The node with this id; null when there are not so many.
    const HeaderNode* at(std::uint32_t id) const;
    std::uint32_t size() const;

    /// Adds a header whose parent is here; gives the node that is here already when it is known.
    const HeaderNode* insert(const BlockHeader& header, const BlockHash& hash, const HeaderNode* parent);

private:
    static constexpr std::uint32_t kChunk = 1024;  ///< nodes that are allocated together
    /// Where a header may be: part of its hash, so that hardly ever another node is looked at, and its id plus one. 0: nothing.
    struct Slot {
        std::uint32_t tag = 0, id_plus_one = 0;
    };

    const HeaderNode* node(std::uint32_t id) const { return chunks_[id / kChunk] + id % kChunk; }
    const HeaderNode* look_up(const BlockHash& hash) const;
    HeaderNode& append(const BlockHeader& header, const BlockHash& hash);
    void note(const Slot& slot);

    mutable std::shared_mutex mutex_;
    std::pmr::memory_resource* memory_;
    std::vector<HeaderNode*> chunks_;
    std::uint32_t size_ = 0;
    std::vector<Slot> slots_;  ///< a power of two of them, at most three quarters taken; who finds its place taken goes on to the next
    const HeaderNode* genesis_ = nullptr;
};

}  // namespace cairn::light
