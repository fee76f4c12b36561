#pragma once

#include "consensus/crypto/siphash.hpp"
#include "node/mempool/detail/entry_slab.hpp"
#include "node/mempool/detail/expiry_queue.hpp"
#include "node/mempool/detail/flat_index.hpp"
#include "node/mempool/mempool.hpp"
#include "node/mempool/rolling_minimum.hpp"

namespace cairn::node {

/// What a mempool consists of, and the steps that keep it together. Entries and indexes change in place() and take_out()
/// only; the graph is changed by who calls them.
struct Mempool::Parts {
    using Id = TxGraph::Id;

    explicit Parts(const MempoolOptions& chosen);

    // --- look-ups
    const MempoolEntry* find(const Txid& txid) const;
    const MempoolEntry* find(const Wtxid& wtxid) const;
    const MempoolEntry* spender(const OutPoint& outpoint) const;
    /// Those in the mempool that spend from `entry`, each once, by what they spend (not by the graph).
    std::vector<Id> spenders_of(const MempoolEntry& entry) const;
    /// Those in the mempool that `tx` spends from, each once, by what it spends.
    std::vector<Id> sources_of(const Transaction& tx) const;
    /// These with all their descendants, each once, in rising order.
    std::vector<Id> with_descendants(std::vector<Id> roots) const;

    // --- changes
    /// The fee delta that `entry` is to have; limited so that sums over a cluster cannot overflow.
    Amount delta_for(const MempoolEntry& entry) const;
    void place(MempoolEntry entry, Id id);
    /// Leaves the graph as it is.
    RemovedEntry take_out(Id id, RemovalReason reason);
    /// From the graph, too.
    std::vector<RemovedEntry> take_out_all(const std::vector<Id>& ids, RemovalReason reason);

    std::size_t memory_usage() const;
    RollingMinimum::Setting setting() const {
        return {memory_usage(), static_cast<std::size_t>(options.max_bytes), options.incremental_relay};
    }
    bool reorganising() const { return !returned.empty(); }

    std::uint32_t hash(const Uint256& id) const { return static_cast<std::uint32_t>(siphash13_jumbo(key, id)); }
    std::uint32_t hash(const OutPoint& outpoint) const {
        return static_cast<std::uint32_t>(siphash13_jumbo(key, outpoint.txid, outpoint.index));
    }

    const MempoolOptions options;
    const SipKey key;  ///< secret: txids are chosen by others
    TxGraph graph;
    detail::EntrySlab entries;
    detail::FlatIndex<detail::IdSlot> by_txid, by_wtxid;
    detail::FlatIndex<detail::SpentSlot> spent;
    detail::ExpiryQueue expiry;
    RollingMinimum minimum;
    std::map<Txid, Amount> deltas;
    std::set<Txid> unbroadcast;
    std::vector<Txid> returned;  ///< put back by add_back(): the graph does not know yet who spends from them, and from whom they do

    std::int64_t total_vsize = 0;
    Amount total_fee = 0;
    std::size_t transaction_bytes = 0;
    std::uint64_t sequence = 1;
    std::uint64_t changes = 0;
};

}  // namespace cairn::node
