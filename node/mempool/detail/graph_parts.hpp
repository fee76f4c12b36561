#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "node/mempool/detail/chunk_order.hpp"
#include "node/mempool/detail/linearize.hpp"
#include "node/mempool/tx_graph.hpp"

namespace cairn::node::detail {

using Id = TxGraph::Id;

constexpr std::uint32_t kFree = 0xffffffff;   ///< a slot's cluster when nothing is in it
constexpr std::uint32_t kAlone = 0xfffffffe;  ///< a slot's cluster when it has no relatives

/// A transaction.
struct Slot {
    Amount fee = 0;
    std::uint64_t tie = 0;
    std::int32_t size = 0;
    std::uint32_t cluster = kFree;
    Id self = TxGraph::kNoId;    ///< its own id: the members of a chunk that is alone
    std::uint32_t position = 0;  ///< in its cluster

    FeeSize rate() const { return {fee, size}; }
    /// Its key when it is alone.
    ChunkKey key() const { return {fee, size, self, tie, size}; }
};

/// Slots in blocks: they never move, and growing copies nothing.
class Slots {
public:
    Slot& operator[](Id id) { return blocks_[id / kBlock][id % kBlock]; }
    const Slot& operator[](Id id) const { return blocks_[id / kBlock][id % kBlock]; }
    bool has(Id id) const { return id < end_ && (*this)[id].cluster != kFree; }
    /// The id that the nth take() from now will give.
    Id upcoming(std::size_t nth) const {
        return nth < free_.size() ? free_[free_.size() - 1 - nth] : static_cast<Id>(end_ + (nth - free_.size()));
    }
    Id take();
    void give_back(Id id);
    std::size_t used() const { return end_ - free_.size(); }
    Id end() const { return end_; }

private:
    static constexpr std::uint32_t kBlock = 4096;
    std::vector<std::unique_ptr<Slot[]>> blocks_;
    std::vector<Id> free_;
    Id end_ = 0;
};

/// Two and more transactions that are connected, in their order: a position is an index into everything here.
struct Cluster {
    struct Links {
        Mask parents = 0;    ///< direct ones
        Mask ancestors = 0;  ///< without itself
    };
    struct ChunkEntry {
        ChunkKey key;
        std::uint8_t begin = 0, end = 0;
    };
    std::vector<Id> ids;
    std::vector<Links> links;
    std::vector<ChunkEntry> chunks;
    bool optimal = true;
    std::uint8_t tries = 0;        ///< how often improve() has tried without proof
    std::uint32_t unfinished = 0;  ///< place in the list of those that are not optimal

    unsigned count() const { return static_cast<unsigned>(ids.size()); }
    const ChunkEntry& chunk_at(unsigned position) const;
    Mask descendants(unsigned position) const;  ///< without itself
    std::size_t heap_usage() const;
};

struct Link {
    Id parent, child;
};

/// Steps of search that a change may spend: on one cluster, and in all.
struct Budget {
    static constexpr std::uint64_t kCluster = 100'000;
    static constexpr std::uint64_t kChange = 250'000;

    std::uint64_t left = kChange;
    std::uint64_t for_cluster() const { return left < kCluster ? left : kCluster; }
    void spend(std::uint64_t cost) { left -= cost < left ? cost : left; }
};

/// A change, worked out.
struct Plan {
    struct Added {
        FeeSize rate;
        std::uint64_t tie = 0;
        Id id = TxGraph::kNoId;
        FeeSize chunk;
    };
    std::uint64_t version = 0;            ///< of the graph that it was worked out for
    bool too_large = false;
    std::vector<std::uint32_t> clusters_gone;
    std::vector<Id> removed;
    std::vector<Added> added;             ///< with the ids that they will get
    std::vector<Id> alone;                ///< transactions without relatives, new or left over
    std::vector<Cluster> clusters;        ///< new ones
    std::vector<ChunkKey> keys_before, keys_after;  ///< of all that is affected, in order
};

/// All that a TxGraph is made of.
struct GraphState {
    TxGraph::Limits limits;
    std::uint64_t version = 0;  ///< counts changes
    Slots slots;
    std::vector<Cluster> clusters;
    std::vector<std::uint32_t> free_clusters;
    std::size_t clusters_heap = 0;          ///< bytes that clusters hold
    std::size_t in_clusters = 0;            ///< transactions that are not alone
    std::vector<std::uint32_t> unfinished;  ///< clusters that are not proven optimal
    std::size_t next_unfinished = 0;
    ChunkOrder order;
    std::vector<Link> links;                ///< asked for since the last trim()
    std::vector<Id> oversized;              ///< added since the last trim() though larger than a cluster may be

    /// Null: it is alone.
    const Cluster* cluster_of(Id id) const {
        const std::uint32_t cluster = slots[id].cluster;
        return cluster == kAlone ? nullptr : &clusters[cluster];
    }
    ChunkKey key_of(Id id) const;  ///< of its chunk
    TxGraph::Chunk chunk_of_key(const ChunkKey& key) const;
    void require(Id id) const;     ///< aborts when there is no such transaction
    void require_settled() const;  ///< aborts between link() and trim()

    /// Makes a worked out change; gives the new ids.
    std::vector<Id> apply(Plan plan);
    void improve_cluster(std::uint32_t index, std::uint64_t& cost);

private:
    void install(Cluster cluster);
    void uninstall(std::uint32_t index);
    void put(std::uint32_t index, Cluster cluster);
    void note_unfinished(std::uint32_t index);
    void forget_unfinished(std::uint32_t index);
    void exchange_keys(std::span<const ChunkKey> before, std::span<const ChunkKey> after);
};

/// The rate of a transaction as the graph counts it: fees are kept where no sum of a cluster's can overflow.
FeeSize counted(const FeeSize& rate);
/// A cluster in the order found.
Cluster make_cluster(const ClusterDraft& draft, const Linearization& order);

}  // namespace cairn::node::detail

struct cairn::node::TxGraph::Parts : cairn::node::detail::GraphState {};
