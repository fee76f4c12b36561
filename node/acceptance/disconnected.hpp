#pragma once

#include <list>
#include <unordered_map>
#include <vector>

#include "consensus/primitives/block.hpp"

namespace cairn::node {

/// Transactions of blocks that a reorganisation took off the chain, until it is over.
/// Limits: memory; when it is used up, what came first (from the old tip) is given up.
/// Owner: chain thread.
class DisconnectedTransactions {
public:
    static constexpr std::size_t kMaxBytes = 20'000'000;

    bool empty() const { return order_.empty(); }
    /// A block left the chain; blocks come from the tip downwards. Gives what had to be given up.
    std::vector<TransactionPtr> add_block(const Block& block);
    /// A block of the new branch: what it brings need not come back.
    void remove_for_block(const Block& block);
    /// All of them, parents before children: in the order in which they stood in the chain. Empty afterwards.
    std::vector<TransactionPtr> take();

private:
    struct Item {
        TransactionPtr tx;
        std::size_t bytes;
    };
    std::list<Item> order_;  ///< the last transaction of the old tip comes first
    std::unordered_map<Txid, std::list<Item>::iterator> by_txid_;
    std::size_t bytes_ = 0;
};

}  // namespace cairn::node
