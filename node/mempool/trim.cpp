#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "consensus/base/check.hpp"
#include "node/mempool/detail/graph_parts.hpp"
#include "node/mempool/detail/planner.hpp"
#include "node/mempool/tx_graph.hpp"

// What link() joined may be far larger than a cluster can be, so nothing here uses sets of 64. Each group of clusters that are
// joined is trimmed by itself: transactions are taken in from the best to the worst (by the chunk they were in), each when its
// parents and, because their order is a good one already, its predecessor in its old cluster are in. On the way it is counted
// how large the clusters have become; who would break a limit stays out, and so does everything behind it.

namespace cairn::node {

namespace {

using detail::Id;
using detail::Link;
using Index = std::uint32_t;

class UnionFind {
public:
    explicit UnionFind(std::size_t count) : parent_(count) { std::iota(parent_.begin(), parent_.end(), Index{0}); }
    Index root(Index i) {
        while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
        return i;
    }
    /// Gives the root of both; `a`'s when they were apart.
    Index unite(Index a, Index b) {
        a = root(a);
        parent_[root(b)] = a;
        return a;
    }

private:
    std::vector<Index> parent_;
};

/// Pairs sorted by their first, with a table where each begins.
struct Adjacency {
    std::vector<Index> begin, target;

    Adjacency(std::size_t count, std::span<const std::pair<Index, Index>> pairs, bool reversed)
        : begin(count + 1), target(pairs.size()) {
        for (const auto& [a, b] : pairs) ++begin[(reversed ? b : a) + 1];
        std::partial_sum(begin.begin(), begin.end(), begin.begin());
        std::vector<Index> next(begin.begin(), begin.end() - 1);
        for (const auto& [a, b] : pairs) target[next[reversed ? b : a]++] = reversed ? a : b;
    }
    std::span<const Index> of(Index i) const { return std::span(target).subspan(begin[i], begin[i + 1] - begin[i]); }
};

/// Transactions that links join, directly or not, with the links between them.
struct Group {
    std::vector<Id> members;  ///< cluster by cluster, in order
    std::vector<Link> links;
    std::int64_t size = 0;
};

std::vector<Group> groups_of(const detail::GraphState& graph, std::span<const Link> links, std::span<const Id> oversized) {
    std::unordered_map<std::uint64_t, Index> index;  // of clusters
    std::vector<Id> first;                           // one member of each
    const auto cluster_index = [&](Id id) {
        const std::uint32_t cluster = graph.slots[id].cluster;
        const std::uint64_t number = cluster == detail::kAlone ? id : (std::uint64_t{1} << 32) + cluster;
        const auto [entry, fresh] = index.emplace(number, static_cast<Index>(first.size()));
        if (fresh) first.push_back(id);
        return entry->second;
    };
    std::vector<std::pair<Index, Index>> joined;
    joined.reserve(links.size());
    for (const Link& link : links) joined.emplace_back(cluster_index(link.parent), cluster_index(link.child));
    for (const Id id : oversized) {
        if (graph.slots.has(id) && graph.slots[id].size > graph.limits.size) cluster_index(id);  // not removed since
    }
    UnionFind sets(first.size());
    for (const auto& [a, b] : joined) sets.unite(a, b);

    std::vector<Group> groups;
    std::vector<Index> group_of(first.size(), ~Index{0});  // by root
    for (Index c = 0; c < first.size(); ++c) {
        Index& g = group_of[sets.root(c)];
        if (g == ~Index{0}) {
            g = static_cast<Index>(groups.size());
            groups.emplace_back();
        }
        const detail::Cluster* cluster = graph.cluster_of(first[c]);
        const auto ids = cluster == nullptr ? std::span<const Id>(&first[c], 1) : std::span<const Id>(cluster->ids);
        groups[g].members.insert(groups[g].members.end(), ids.begin(), ids.end());
        for (const Id id : ids) groups[g].size += graph.slots[id].size;
    }
    for (std::size_t i = 0; i < links.size(); ++i) groups[group_of[sets.root(joined[i].first)]].links.push_back(links[i]);
    return groups;
}

/// What of a group that is too large has to go.
std::vector<Id> to_drop(const detail::GraphState& graph, const Group& group) {
    const auto count = static_cast<Index>(group.members.size());
    std::unordered_map<Id, Index> index;
    index.reserve(count);
    std::vector<FeeSize> chunk(count);
    std::vector<std::pair<Index, Index>> edges;  // before, after
    edges.reserve(count + group.links.size());
    for (Index i = 0; i < count; ++i) {
        const Id id = group.members[i];
        index.emplace(id, i);
        chunk[i] = graph.key_of(id).rate();
        if (graph.slots[id].cluster != detail::kAlone && graph.slots[id].position > 0) edges.emplace_back(i - 1, i);
    }
    for (const Link& link : group.links) edges.emplace_back(index.at(link.parent), index.at(link.child));
    const Adjacency before(count, edges, true), after(count, edges, false);

    std::vector<Index> missing(count), ready;
    for (Index i = 0; i < count; ++i) {
        missing[i] = static_cast<Index>(before.of(i).size());
        if (missing[i] == 0) ready.push_back(i);
    }
    const auto later = [&](Index a, Index b) {
        const auto order = compare_rate(chunk[a], chunk[b]);
        if (order != 0) return order < 0;
        const detail::Slot& slot_a = graph.slots[group.members[a]];
        const detail::Slot& slot_b = graph.slots[group.members[b]];
        if (slot_a.size != slot_b.size) return slot_a.size > slot_b.size;
        if (slot_a.tie != slot_b.tie) return slot_a.tie > slot_b.tie;
        return slot_a.self > slot_b.self;
    };
    std::ranges::make_heap(ready, later);

    UnionFind sets(count);
    std::vector<unsigned> set_count(count, 1);
    std::vector<std::int64_t> set_size(count);
    for (Index i = 0; i < count; ++i) set_size[i] = graph.slots[group.members[i]].size;
    std::vector<bool> in(count, false);
    std::vector<Index> roots;
    while (!ready.empty()) {
        std::ranges::pop_heap(ready, later);
        const Index i = ready.back();
        ready.pop_back();
        roots.clear();
        for (const Index other : before.of(i)) roots.push_back(sets.root(other));
        std::ranges::sort(roots);
        roots.erase(std::ranges::unique(roots).begin(), roots.end());
        unsigned new_count = 1;
        std::int64_t new_size = set_size[i];
        for (const Index root : roots) {
            new_count += set_count[root];
            new_size += set_size[root];
        }
        if (new_count > graph.limits.count || new_size > graph.limits.size) continue;
        for (const Index root : roots) sets.unite(i, root);
        set_count[i] = new_count;
        set_size[i] = new_size;
        in[i] = true;
        for (const Index other : after.of(i)) {
            if (--missing[other] > 0) continue;
            ready.push_back(other);
            std::ranges::push_heap(ready, later);
        }
    }
    std::vector<Id> dropped;
    for (Index i = 0; i < count; ++i) {
        if (!in[i]) dropped.push_back(group.members[i]);
    }
    return dropped;
}

}  // namespace

std::vector<TxGraph::Id> TxGraph::trim() {
    const std::vector<Link> links = std::move(parts_->links);
    const std::vector<Id> oversized = std::move(parts_->oversized);
    parts_->links.clear();
    parts_->oversized.clear();
    if (links.empty() && oversized.empty()) return {};

    std::vector<Id> dropped;
    detail::Budget budget;
    for (const Group& group : groups_of(*parts_, links, oversized)) {
        std::vector<Id> gone;
        if (group.members.size() > parts_->limits.count || group.size > parts_->limits.size) gone = to_drop(*parts_, group);
        std::ranges::sort(gone);
        const auto stays = [&](Id id) { return !std::ranges::binary_search(gone, id); };
        detail::Planner planner(*parts_, budget);
        for (const Id id : group.members) planner.touch(id);
        for (const Id id : gone) planner.remove(id);
        for (const Link& link : group.links) {
            if (stays(link.parent) && stays(link.child)) planner.link(link.parent, link.child);
        }
        parts_->apply(planner.finish());
        dropped.insert(dropped.end(), gone.begin(), gone.end());
    }
    return dropped;
}

}  // namespace cairn::node
