#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "consensus/primitives/block.hpp"
#include "node/mempool/entry.hpp"
#include "node/mempool/options.hpp"
#include "node/mempool/tx_graph.hpp"

namespace cairn::node {

/// A transaction that left, as it was in the mempool.
struct RemovedEntry {
    MempoolEntry entry;
    RemovalReason reason = RemovalReason::expiry;
    std::uint64_t sequence = 0;  ///< of the removal, in one count with additions
    bool unbroadcast = false;    ///< of this node's user, and no peer had asked for it yet
};

/// The transactions that wait for a block: which there are, what they spend, in which order they are worth mining.
///
/// A data structure and no more: it knows no chain, no clock, no scripts, no threads. Who may come in is decided above; here
/// it is kept consistent and within its size.
/// Invariants: no two entries spend the same output; the parents of an entry are in the mempool or confirmed; entries and
/// graph correspond.
/// Thread: one writer; const methods by any number of readers while nobody writes.
class Mempool {
public:
    explicit Mempool(const MempoolOptions& options);
    ~Mempool();
    Mempool(const Mempool&) = delete;
    Mempool& operator=(const Mempool&) = delete;

    const MempoolOptions& options() const;

    // ------------------------------------------------------------------------------------------ look-ups
    /// Entries live until they are removed; pointers hold as long.
    const MempoolEntry* find(const Txid& txid) const;
    const MempoolEntry* find(const Wtxid& wtxid) const;
    const MempoolEntry* at(TxGraph::Id id) const;
    /// Who spends this output. Null: nobody here.
    const MempoolEntry* spender(const OutPoint& outpoint) const;
    const TxGraph& graph() const;
    /// All of them, in the order in which they would be mined (chunk by chunk).
    std::vector<const MempoolEntry*> ordered() const;
    void for_each(const std::function<void(const MempoolEntry&)>& visit) const;  ///< in no order

    std::size_t size() const;
    std::int64_t total_vsize() const;
    Amount total_fee() const;          ///< without prioritisation
    std::size_t memory_usage() const;  ///< bytes, of everything that an entry costs
    std::uint64_t sequence() const;    ///< of the next addition or removal, whatever its reason; starts at 1
    /// Counts additions, removals, prioritisations and blocks (getblocktemplate's longpoll id).
    std::uint64_t changes() const;

    // ------------------------------------------------------------------------------------------ taking in
    /// A change worked out: `removed` leave (with descendants), new entries come. Valid until the mempool changes.
    struct Staged {
        std::vector<MempoolEntry> added;            ///< parents before children; `graph` is not set yet
        std::vector<const MempoolEntry*> removed;
        TxGraph::Change change;
    };
    /// `conflicts`: entries that must leave; their descendants are found here. Parents of `added` are found by their inputs.
    /// Fee deltas set before are put into the entries.
    Staged stage(std::vector<MempoolEntry> added, std::span<const MempoolEntry* const> conflicts) const;
    /// Makes it; `change` must not be too large. Sequences are given out here. Gives what left (reason: replaced).
    std::vector<RemovedEntry> commit(Staged staged);

    // ------------------------------------------------------------------------------------------ taking out
    /// A block's transactions, and whatever conflicts with them (with descendants). Fee deltas of the former and of those that
    /// conflict themselves are forgotten.
    std::vector<RemovedEntry> remove_for_block(std::span<const Transaction> txs);
    /// With all descendants.
    std::vector<RemovedEntry> remove(std::span<const Txid> txids, RemovalReason reason);
    /// What came before `time` (seconds), with all descendants.
    std::vector<RemovedEntry> expire(std::int64_t time);
    /// Evicts the worst chunks until memory_usage() is at most `bytes`; raises the rolling minimum fee. `no_spends_remaining`: gets
    /// outpoints that nothing here spends any more; may be null.
    std::vector<RemovedEntry> trim_to(std::size_t bytes, std::int64_t now, std::vector<OutPoint>* no_spends_remaining = nullptr);

    // ------------------------------------------------------------------------------------------ after a reorg
    /// Puts back a transaction that a disconnected block gave up; children that are here already are found. Limits are
    /// looked at by end_reorg() only; until then the graph does not know its dependencies, but remove() does. Its entry's
    /// sequence is 0, for peers know it from the block; in the count of changes it has sequence() - 1.
    /// False: it is here already, or what it spends is spent here.
    bool add_back(MempoolEntry entry);
    /// Takes out everything for which `keep` says no (with descendants; reason: reorg), renews locks as `keep` writes them, then
    /// trims clusters (reason: size_limit). Needs to be called after disconnected blocks even if nothing was put back.
    std::vector<RemovedEntry> end_reorg(const std::function<bool(MempoolEntry&)>& keep);

    // ------------------------------------------------------------------------------------------ fees
    /// The lowest fee rate that has a chance now: what was evicted last, falling by half every 12 hours (faster while there
    /// is room), never below -incrementalrelayfee while above 0. Does not count -minrelaytxfee.
    FeeRate rolling_minimum(std::int64_t now) const;
    /// A block came: the minimum may fall from here on. Counts as a change.
    void note_block(std::int64_t now);
    /// The fee rate (sat/kvB) of the worst chunk that would still be in the best `vbytes` of the mempool; 0 when it holds less.
    FeeRate rate_at_depth(std::int64_t vbytes) const;

    /// Adds to the fee delta of a transaction that is here or may come; stops at the ends of the number's range. Gives the new
    /// delta; 0 is forgotten. A modified fee counts for at most 2^55 satoshis either way.
    Amount prioritise(const Txid& txid, Amount delta);
    Amount fee_delta(const Txid& txid) const;
    const std::map<Txid, Amount>& fee_deltas() const;

    // ------------------------------------------------------------------------------------------ unbroadcast
    /// Own transactions that no peer has asked for yet. Only what is here is added; whatever leaves is removed.
    void add_unbroadcast(const Txid& txid);
    bool remove_unbroadcast(const Txid& txid);
    const std::set<Txid>& unbroadcast() const;

    /// Improves the order of clusters that are not optimal, by about `cost` steps. False: nothing to do.
    bool improve(std::uint64_t cost);
    /// Checks all invariants the slow way and aborts when one is broken.
    void check() const;

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace cairn::node
