#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "node/mempool/fee_size.hpp"

namespace cairn::node {

/// The transactions of the mempool as a graph of fees, sizes and dependencies, always in order.
///
/// Transactions that are connected by spending form a cluster. Each cluster is linearised: put into an order in which no child
/// comes before its parents and the best fee rates come first; the linearisation falls into chunks of falling fee rate. All
/// clusters' chunks together, best first, are the one order by which blocks are filled, transactions evicted and
/// replacements judged.
///
/// Knows nothing of transactions but fee and size. Sizes are weight units here, adjusted for signature operations: positive
/// and below 2^31. Fees may be negative (prioritisation); beyond ±2^55 they count as that.
/// The order of chunks: higher fee rate first; at equal rates the smaller sum of sizes of this chunk and the equal ones before
/// it in its cluster; then the smaller of the largest ties (see Addition).
/// Cost: a transaction without relatives is one slot and one key in the order; a change costs in proportion to the clusters
/// it touches, with a fixed bound on the search for the best order, which improve() goes on with.
/// Invariants: between calls every cluster keeps the limits (but while dependencies are being added by hand after a reorg: see
/// link and trim); every linearisation is topological; chunk fee rates never rise within a cluster.
/// Thread: one writer; const methods by any number of readers while nobody writes.
class TxGraph {
public:
    using Id = std::uint32_t;   ///< of a transaction in the graph; reused after its removal
    static constexpr Id kNoId = 0xffffffff;

    struct Limits {
        unsigned count = 64;          ///< transactions in a cluster; at most 64
        std::int64_t size = 404'000;  ///< weight units of a cluster
        /// Of the search for the best order, so that nobody can tell which clusters are hard for this node. 0: a random one.
        std::uint64_t seed = 0;
    };

    explicit TxGraph(Limits limits);
    ~TxGraph();
    TxGraph(const TxGraph&) = delete;
    TxGraph& operator=(const TxGraph&) = delete;

    // ------------------------------------------------------------------------------------------ changes as a whole

    /// One new transaction of a change.
    struct Addition {
        FeeSize rate;
        std::vector<Id> parents;           ///< of the graph, none of them removed by the same change
        std::vector<unsigned> new_parents; ///< earlier additions of the same change, by their index
        /// Decides between equals: among chunks (and transactions) of the same rate and size the smaller tie comes first; at
        /// equal ties the smaller id. Made from the first bytes of the txid the order of the mempool does not depend on
        /// when transactions came.
        std::uint64_t tie = 0;
    };
    /// A change worked out but not made: what leaves, what comes, and how the affected clusters look then. Valid until the
    /// graph changes.
    class Change {
    public:
        Change();
        ~Change();
        Change(Change&&) noexcept;
        Change& operator=(Change&&) noexcept;

        bool too_large() const;    ///< a cluster would break the limits: cannot be made
        /// Chunks of the affected clusters before and after, best first. When too large, after() is empty.
        std::span<const FeeSize> before() const;
        std::span<const FeeSize> after() const;
        /// The chunk that an addition would be in. When too large: empty.
        FeeSize chunk_of_addition(unsigned index) const;

    private:
        friend class TxGraph;
        struct Parts;
        std::unique_ptr<Parts> parts_;
    };
    /// `removals`: with all their descendants.
    Change propose(std::span<const Id> removals, std::span<const Addition> additions) const;
    /// Makes it: gives the additions' ids, in order. It must not be too large.
    std::vector<Id> commit(Change change);

    // ------------------------------------------------------------------------------------------ simple changes

    /// Takes transactions out, whether or not something depends on them (a block's transactions leave their children behind).
    /// What stays and depended on a removed one depends from now on on the parents of that one, as far as they stay.
    void remove(std::span<const Id> ids);
    void set_fee(Id id, Amount fee);
    /// Adds one without dependencies. `tie`: see Addition.
    Id add(const FeeSize& rate, std::uint64_t tie = 0);
    /// Makes `child` depend on `parent`. Clusters may break the limits until trim() is called; until then only link, add and
    /// trim may be called. For transactions that return with a reorg, below those that spend them.
    void link(Id parent, Id child);
    /// Linearises what link() joined, and takes out as little as makes every cluster keep the limits, the worst first and
    /// always with all descendants. Gives what was taken out.
    std::vector<Id> trim();

    // ------------------------------------------------------------------------------------------ questions

    std::size_t size() const;
    FeeSize rate(Id id) const;
    std::vector<Id> parents(Id id) const;    ///< direct ones
    std::vector<Id> children(Id id) const;   ///< direct ones
    std::vector<Id> ancestors(Id id) const;    ///< without itself; parents before children
    std::vector<Id> descendants(Id id) const;  ///< without itself; parents before children
    struct Sum {
        unsigned count = 0;
        FeeSize rate;
    };
    Sum ancestor_sum(Id id) const;     ///< with itself
    Sum descendant_sum(Id id) const;   ///< with itself

    /// A chunk: transactions that are taken together, in order.
    struct Chunk {
        FeeSize rate;
        std::span<const Id> members;  ///< valid until the graph changes
    };
    /// The cluster of a transaction: its linearisation, cut into chunks.
    std::vector<Chunk> cluster(Id id) const;
    unsigned cluster_size(Id id) const;       ///< transactions
    /// The same number for all members of a cluster, different from other clusters', until the graph changes.
    std::uint64_t cluster_number(Id id) const;
    std::size_t cluster_count() const;
    FeeSize chunk_of(Id id) const;            ///< of the chunk that the transaction is in
    /// Less than 0: a comes before b in the one order of all.
    int compare(Id a, Id b) const;

    /// Visits chunks from the best to the worst. `visit` says how to go on.
    enum class Walk { next, skip_cluster, stop };
    void walk(const std::function<Walk(const Chunk&)>& visit) const;
    /// The worst chunk of all: what is evicted first. Empty when the graph is.
    Chunk worst() const;
    /// All clusters are in an order that is proven to be the best.
    bool optimal() const;
    /// Spends about `cost` (steps of the search, 3 ns each) on clusters that are not optimal yet. A cluster that has begun gets
    /// at least what promises to finish it: 200,000 steps, twice as much after each time that was not enough. False: all are
    /// optimal now.
    bool improve(std::uint64_t cost);

    /// Bytes of the transactions that are here, of their clusters and of the order; free places that wait for reuse are not counted.
    std::size_t memory_usage() const;
    /// Checks all invariants the slow way and aborts when one is broken; for tests and -checkmempool.
    void check() const;

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

/// Compares two diagrams (chunks, best first): is `after` nowhere below `before` and somewhere above? The replacement rule.
bool improves(std::span<const FeeSize> before, std::span<const FeeSize> after);

}  // namespace cairn::node
