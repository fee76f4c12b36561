#pragma once

#include <mutex>

#include "consensus/rules/params.hpp"
#include "node/chain/block_index.hpp"

namespace cairn::net {
class Clock;
}

namespace cairn::node {

/// Lets valid headers into the tree, knows which branches are invalid and which valid header has most work.
/// Thread: any. One mutex orders insertions and verdicts on branches, so that no child of a failed block slips in unmarked.
class HeaderGate {
public:
    HeaderGate(ChainParamsPtr params, const net::Clock& clock);

    HeaderTree& tree() { return tree_; }
    const HeaderTree& tree() const { return tree_; }
    StatusTable& status() { return status_; }
    const StatusTable& status() const { return status_; }
    const HeaderNode* best() const { return best_.load(std::memory_order_acquire); }

    /// Checks and inserts headers that build on each other; see ChainPort::accept_headers.
    Result<const HeaderNode*, HeaderError> accept(std::span<const BlockHeader> headers, bool minimum_work_shown);
    /// A header that was stored before, whose parent is in the tree: without checks.
    const HeaderNode* restore(const BlockHeader& header, const BlockHash& hash, std::uint32_t flags);
    /// Chooses the best header anew, after restoring or when branches failed or were forgiven.
    void recalculate_best();

    /// Marks a block failed and everything that builds on it. Gives all nodes whose status changed. Chain thread.
    std::vector<const HeaderNode*> mark_failed(const HeaderNode* node);
    /// Takes the mark from a block, its ancestors and its descendants. Gives all nodes whose status changed. Chain thread.
    std::vector<const HeaderNode*> forgive(const HeaderNode* node);

    /// Nodes without children.
    std::vector<const HeaderNode*> tips() const;

private:
    Result<const HeaderNode*, HeaderError> accept_one(const BlockHeader& header, const BlockHash& hash, bool minimum_work_shown);
    const HeaderNode* insert(const BlockHeader& header, const BlockHash& hash, const HeaderNode* parent);
    void consider_best(const HeaderNode* node);

    ChainParamsPtr params_;
    const net::Clock& clock_;
    std::mutex mutex_;
    StatusTable status_;
    HeaderTree tree_;
    std::atomic<const HeaderNode*> best_{nullptr};
};

}  // namespace cairn::node
