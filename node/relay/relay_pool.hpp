#pragma once

#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "consensus/primitives/block.hpp"
#include "consensus/primitives/transaction.hpp"
#include "node/mempool/mempool_port.hpp"

namespace cairn::node {

/// One transaction of the mempool, as far as relay needs to know it.
struct RelayEntry {
    TransactionPtr tx;
    Amount fee = 0;
    std::int64_t vsize = 0;      ///< adjusted for signature operations
    FeeSize chunk;               ///< of the chunk it was in when it came; size in weight units
    std::uint64_t sequence = 0;  ///< of acceptance: what came before has a lower one
    std::int64_t time = 0;       ///< of acceptance, seconds
    bool own = false;            ///< came from no peer: the first that asks for it is worth telling the mempool

    const Txid& txid() const { return tx->tx().txid; }
    const Wtxid& wtxid() const { return tx->tx().wtxid; }
};

/// What the net thread knows of the mempool: a mirror that the mempool's events keep, so that relay and compact blocks
/// never take the mempool's lock. It may be behind the mempool by the events that wait in the inbox, never ahead.
/// Owner: net thread.
class RelayPool {
public:
    /// Nothing happens when it is here already.
    void add(const AddedTransaction& added);
    /// nullopt: it was not here.
    std::optional<RelayEntry> remove(const Wtxid& wtxid);
    /// The newest block: its transactions are served a little longer. Null: none.
    void set_recent_block(BlockPtr block);
    /// The mempool's count stands here now: nothing that is here has this sequence or a higher one.
    void note_sequence(std::uint64_t sequence);
    /// The transaction is known to somebody else now. False: it was before, or is not here.
    bool clear_own(const Wtxid& wtxid);

    const RelayEntry* find(const Txid& txid) const;
    const RelayEntry* find(const Wtxid& wtxid) const;
    bool contains(const Txid& txid) const { return by_txid_.contains(txid); }
    bool contains(const Wtxid& wtxid) const { return by_wtxid_.contains(wtxid); }
    /// All of them, in no order and without gaps; valid until the next change.
    std::span<const RelayEntry> entries() const { return entries_; }
    /// The wtxids of entries(), in the same order and side by side in memory: compact blocks hash all of them at once.
    std::span<const Wtxid> wtxids() const { return wtxids_; }
    std::size_t size() const { return entries_.size(); }
    /// Higher than the sequence of everything that is here.
    std::uint64_t next_sequence() const { return next_sequence_; }

    /// A transaction of the newest block; valid until the next one. Null: none such.
    const Transaction* find_recent(const Txid& txid) const;
    const Transaction* find_recent(const Wtxid& wtxid) const;

private:
    std::vector<RelayEntry> entries_;
    std::vector<Wtxid> wtxids_;
    std::unordered_map<Txid, std::size_t> by_txid_;    ///< place in entries_
    std::unordered_map<Wtxid, std::size_t> by_wtxid_;
    std::uint64_t next_sequence_ = 1;
    BlockPtr recent_;
    std::unordered_map<Txid, const Transaction*> recent_by_txid_;
    std::unordered_map<Wtxid, const Transaction*> recent_by_wtxid_;
};

}  // namespace cairn::node
