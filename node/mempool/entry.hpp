#pragma once

#include <cstdint>

#include "consensus/chain/header_tree.hpp"
#include "consensus/primitives/transaction.hpp"
#include "node/mempool/fee_size.hpp"
#include "node/mempool/tx_graph.hpp"

namespace cairn::node {

/// At which height and median time past a transaction's relative locks (BIP68) are open, and the newest block that
/// decides about it: while it stays in the chain the result holds.
struct LockPoints {
    Height height = -1;
    std::int64_t time = -1;
    const HeaderNode* newest_input_block = nullptr;
};

/// One transaction of the mempool. Fixed from its acceptance on, but for what the mempool itself changes.
struct MempoolEntry {
    TransactionPtr tx;
    Amount fee = 0;
    Amount fee_delta = 0;             ///< prioritisetransaction
    std::int64_t sigop_cost = 0;
    std::int64_t weight = 0;          ///< adjusted: max(weight, sigop_cost × bytes per sigop)
    std::int64_t time = 0;            ///< of acceptance, seconds since 1970
    Height height = 0;                ///< of the tip at acceptance
    std::uint64_t sequence = 0;       ///< of acceptance: what came before has a lower one; 0: back after a reorg
    LockPoints locks;
    bool spends_coinbase = false;
    TxGraph::Id graph = TxGraph::kNoId;  ///< in the mempool's graph

    Amount modified_fee() const { return fee + fee_delta; }
    std::int64_t vsize() const { return (weight + 3) / 4; }
    FeeSize rate() const { return {modified_fee(), weight}; }
    const Txid& txid() const { return tx->tx().txid; }
    const Wtxid& wtxid() const { return tx->tx().wtxid; }
};

/// Why a transaction left the mempool.
enum class RemovalReason : std::uint8_t { expiry, size_limit, reorg, block, conflict, replaced };
/// "expiry", "sizelimit", "reorg", "block", "conflict", "replaced".
const char* to_string(RemovalReason reason);

}  // namespace cairn::node
