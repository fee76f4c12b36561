#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "node/mempool/detail/graph_parts.hpp"

namespace cairn::node::detail {

/// Works out a change of the graph without making it: name what is touched, then finish().
///
/// The affected clusters fall into pieces when transactions leave; pieces and new transactions are joined by new
/// dependencies; each group that results is put into order and becomes a cluster (or stands alone).
/// Thread: any, while nobody changes the graph.
class Planner {
public:
    Planner(const GraphState& graph, Budget& budget) : graph_(graph), budget_(budget) {}

    /// The transaction's cluster is to be put into order again (its fees have changed).
    void touch(Id id);
    void remove(Id id);
    void add(const TxGraph::Addition& addition);
    /// Between transactions of the graph.
    void link(Id parent, Id child);

    Plan finish();

private:
    /// A cluster that the change affects (or a transaction that was alone).
    struct Old {
        std::uint32_t cluster = kAlone;
        Id alone = TxGraph::kNoId;
        Mask all = 0;    ///< positions
        Mask stays = 0;
        bool touched = false;
        std::uint32_t first_unit = 0, unit_count = 0;
    };
    /// What stays together: a piece of an old cluster, or a new transaction.
    struct Unit {
        std::uint32_t old = 0;    ///< kNew: a new one
        Mask members = 0;         ///< positions in the old cluster
        std::uint32_t addition = 0;
        std::uint32_t root = 0;   ///< union-find
    };
    static constexpr std::uint32_t kNew = 0xffffffff;
    /// A member of a group before it is in order.
    struct Candidate {
        FeeSize chunk;            ///< of the piece that it comes from
        std::uint32_t old = 0;
        std::uint8_t position = 0;
    };

    std::uint32_t find_old(Id id) const;  ///< kNew: not affected yet
    std::uint32_t old_of(Id id);
    void split(std::uint32_t old);
    std::uint32_t unit_of(Id id) const;
    std::uint32_t root_of(std::uint32_t unit);
    void unite(std::uint32_t a, std::uint32_t b);
    void unite_all();

    void build_group(std::span<const std::uint32_t> units, Plan& plan);
    void build_alone(const Unit& unit, Plan& plan);
    void note_addition_chunks(std::span<const std::uint32_t> units, const Cluster& cluster);
    bool within_limits(std::span<const std::uint32_t> units) const;
    void append_candidates(const Unit& unit, bool with_chunks, std::vector<Candidate>& out) const;
    void fill_draft(std::span<const std::uint32_t> units, ClusterDraft& draft);
    void fill_linked(std::span<const Candidate> candidates, std::uint32_t root, ClusterDraft& draft);
    Mask mapped_parents(const Candidate& candidate) const;
    bool order_known(std::span<const std::uint32_t> units, const ClusterDraft& draft) const;
    Id member_id(const Candidate& candidate) const;

    const GraphState& graph_;
    Budget& budget_;
    std::vector<Old> olds_;
    std::unordered_map<std::uint64_t, std::uint32_t> old_index_;  ///< when there are many
    std::vector<const TxGraph::Addition*> additions_;
    std::vector<Plan::Added> added_;
    std::vector<Link> links_;
    std::vector<Id> removed_;
    std::vector<Unit> units_;
    std::vector<std::array<std::uint8_t, kMaxCluster>> place_;  ///< per old and position: index in the draft
    std::vector<std::array<Mask, kMaxCluster>> parents_;        ///< per old: parents that stay
    std::vector<std::uint8_t> addition_place_;
};

}  // namespace cairn::node::detail
