#pragma once

#include <vector>

#include "node/mempool/mempool.hpp"

namespace cairn::node {

/// A transaction chosen for a block.
struct SelectedTransaction {
    TransactionPtr tx;
    Amount fee = 0;              ///< that it really pays
    std::int64_t sigop_cost = 0;
    Amount modified_fee = 0;     ///< with prioritisation
};

/// What a block on some tip would take from the mempool.
struct BlockSelection {
    std::vector<SelectedTransaction> transactions;  ///< parents before children, without the coinbase
    std::vector<FeeSize> chunks;                    ///< that were taken, in order; sizes in virtual bytes
    Amount fees = 0;
    std::int64_t weight = 0;      ///< of the transactions and the reserve
    std::int64_t sigop_cost = 0;  ///< of the transactions and the reserve
};

/// What a block may hold, and where it stands.
struct SelectionLimits {
    std::int64_t max_weight = 4'000'000;      ///< reserve included; never reached
    std::int64_t reserved_weight = 8'000;     ///< of header, count and coinbase
    std::int64_t reserved_sigop_cost = 400;   ///< of the coinbase's outputs
    FeeRate min_fee_rate{1};                  ///< the first chunk below ends the block
    Height height = 0;                        ///< of the block: lock times are compared with it
    std::int64_t lock_time_cutoff = 0;        ///< median time past of its parent (BIP113)
};

/// Fills a block from the mempool's order of chunks, best first. A chunk that does not fit, in weight, in signature operations
/// or because a lock time is not over, is left out together with the rest of its cluster, and the next best is tried; close to
/// a full block it gives up after 1,000 misfits in a row.
/// Cost: about what is taken; copies only references.
/// Source: the order and the limits are Bitcoin Core 31's, so that equal mempools give equal blocks.
BlockSelection select_for_block(const Mempool& pool, const SelectionLimits& limits);

}  // namespace cairn::node
