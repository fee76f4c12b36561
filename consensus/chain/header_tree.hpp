#pragma once

#include <cstdint>
#include <deque>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

#include "consensus/base/arith256.hpp"
#include "consensus/primitives/header.hpp"

namespace cairn {

/// Blocks between a block and the genesis block.
using Height = std::int32_t;

/// One header in the tree of all headers. Nothing of it changes after insertion, so any thread may walk ancestors.
struct HeaderNode {
    BlockHeader header;
    BlockHash hash;
    const HeaderNode* parent = nullptr;  ///< null for the genesis block
    const HeaderNode* skip = nullptr;    ///< an ancestor further back, for ancestor() in O(log n)
    Arith256 chain_work;                 ///< expected hashes up to and including this block
    Height height = 0;
    std::uint32_t id = 0;                ///< position in order of insertion; parents come before children
    std::uint32_t time_max = 0;          ///< latest header time up to and including this block

    /// The ancestor at `at_height`, this node itself at its own; null above it or below 0.
    const HeaderNode* ancestor(Height at_height) const;
    /// Median of the times of this block and its 10 predecessors (BIP113).
    std::int64_t median_time_past() const;
};

/// The last block that both chains share; never null for nodes of one tree.
const HeaderNode* last_common_ancestor(const HeaderNode* a, const HeaderNode* b);

/// Expected number of hashes for a header with these bits: 2^256 / (target + 1); 0 for an impossible target.
Arith256 block_work(std::uint32_t bits);

/// Hashes of a node and its ancestors, dense at the tip and exponentially sparser behind, ending with the genesis block.
std::vector<BlockHash> make_locator(const HeaderNode* node);

/// Every header that passed its checks, as a tree that only grows.
/// Thread: any. Look-ups share a lock, insertions take it alone; nodes are immutable and their addresses stable.
class HeaderTree {
public:
    explicit HeaderTree(const BlockHeader& genesis);

    const HeaderNode* genesis() const { return genesis_; }
    /// Null when unknown.
    const HeaderNode* find(const BlockHash& hash) const;
    /// The node with this id; null when there are not so many.
    const HeaderNode* at(std::uint32_t id) const;
    std::uint32_t size() const;

    /// Adds a header whose parent is in the tree and which passed rules::check_header; gives the node that is there
    /// already when it is known.
    const HeaderNode* insert(const BlockHeader& header, const BlockHash& hash, const HeaderNode* parent);

private:
    mutable std::shared_mutex mutex_;
    std::deque<HeaderNode> nodes_;
    std::unordered_map<BlockHash, const HeaderNode*> by_hash_;
    const HeaderNode* genesis_ = nullptr;
};

}  // namespace cairn
