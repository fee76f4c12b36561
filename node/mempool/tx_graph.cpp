#include "node/mempool/tx_graph.hpp"

#include <algorithm>
#include <unordered_set>

#include "consensus/base/check.hpp"
#include "consensus/crypto/random.hpp"
#include "node/mempool/detail/graph_parts.hpp"
#include "node/mempool/detail/planner.hpp"

namespace cairn::node {

using detail::Cluster;
using detail::ChunkKey;
using detail::Mask;
using detail::Slot;

struct TxGraph::Change::Parts {
    detail::Plan plan;
    std::vector<FeeSize> before, after;
};

TxGraph::Change::Change() = default;
TxGraph::Change::~Change() = default;
TxGraph::Change::Change(Change&&) noexcept = default;
TxGraph::Change& TxGraph::Change::operator=(Change&&) noexcept = default;

bool TxGraph::Change::too_large() const { return parts_ != nullptr && parts_->plan.too_large; }
std::span<const FeeSize> TxGraph::Change::before() const {
    return parts_ == nullptr ? std::span<const FeeSize>{} : std::span<const FeeSize>(parts_->before);
}
std::span<const FeeSize> TxGraph::Change::after() const {
    return parts_ == nullptr ? std::span<const FeeSize>{} : std::span<const FeeSize>(parts_->after);
}
FeeSize TxGraph::Change::chunk_of_addition(unsigned index) const {
    CAIRN_CHECK(parts_ != nullptr && index < parts_->plan.added.size());
    return parts_->plan.added[index].chunk;
}

TxGraph::TxGraph(Limits limits) : parts_(std::make_unique<Parts>()) {
    limits.count = std::clamp(limits.count, 1u, detail::kMaxCluster);
    limits.size = std::clamp<std::int64_t>(limits.size, 1, INT32_MAX);
    if (limits.seed == 0) limits.seed = FastRandom().next() | 1;
    parts_->limits = limits;
}
TxGraph::~TxGraph() = default;

// ---------------------------------------------------------------------------------------------- changes

TxGraph::Change TxGraph::propose(std::span<const Id> removals, std::span<const Addition> additions) const {
    parts_->require_settled();
    detail::Budget budget;
    detail::Planner planner(*parts_, budget);
    for (const Id id : removals) planner.remove(id);
    for (const Addition& addition : additions) planner.add(addition);
    Change change;
    change.parts_ = std::make_unique<Change::Parts>();
    change.parts_->plan = planner.finish();
    const detail::Plan& plan = change.parts_->plan;
    change.parts_->before.reserve(plan.keys_before.size());
    change.parts_->after.reserve(plan.keys_after.size());
    for (const ChunkKey& key : plan.keys_before) change.parts_->before.push_back(key.rate());
    for (const ChunkKey& key : plan.keys_after) change.parts_->after.push_back(key.rate());
    return change;
}

std::vector<TxGraph::Id> TxGraph::commit(Change change) {
    CAIRN_CHECK(change.parts_ != nullptr);
    return parts_->apply(std::move(change.parts_->plan));
}

void TxGraph::remove(std::span<const Id> ids) {
    parts_->require_settled();
    std::vector<std::pair<std::uint32_t, Id>> related;
    for (const Id id : ids) {
        parts_->require(id);
        const Slot& slot = parts_->slots[id];
        if (slot.cluster != detail::kAlone) {
            related.emplace_back(slot.cluster, id);
            continue;
        }
        ++parts_->version;
        parts_->order.erase(slot.key());
        parts_->slots.give_back(id);
    }
    std::ranges::sort(related);
    detail::Budget budget;
    for (std::size_t begin = 0, end = 0; begin < related.size(); begin = end) {
        detail::Planner planner(*parts_, budget);
        for (; end < related.size() && related[end].first == related[begin].first; ++end) planner.remove(related[end].second);
        parts_->apply(planner.finish());
    }
}

void TxGraph::set_fee(Id id, Amount fee) {
    parts_->require_settled();
    parts_->require(id);
    Slot& slot = parts_->slots[id];
    fee = detail::counted({fee, slot.size}).fee;
    if (slot.fee == fee) return;
    if (slot.cluster == detail::kAlone) {
        ++parts_->version;
        parts_->order.erase(slot.key());
        slot.fee = fee;
        parts_->order.insert(slot.key());
        return;
    }
    slot.fee = fee;
    detail::Budget budget;
    detail::Planner planner(*parts_, budget);
    planner.touch(id);
    parts_->apply(planner.finish());
}

TxGraph::Id TxGraph::add(const FeeSize& given, std::uint64_t tie) {
    const FeeSize rate = detail::counted(given);
    ++parts_->version;
    const Id id = parts_->slots.take();
    Slot& slot = parts_->slots[id];
    slot = Slot{rate.fee, tie, static_cast<std::int32_t>(rate.size), detail::kAlone, id, 0};
    parts_->order.insert(slot.key());
    if (rate.size > parts_->limits.size) parts_->oversized.push_back(id);
    return id;
}

void TxGraph::link(Id parent, Id child) {
    parts_->require(parent);
    parts_->require(child);
    CAIRN_CHECK(parent != child);
    parts_->links.push_back({parent, child});
}

bool TxGraph::improve(std::uint64_t cost) {
    parts_->require_settled();
    std::vector<std::uint32_t>& unfinished = parts_->unfinished;
    for (std::size_t tries = unfinished.size(); tries > 0 && cost > 0 && !unfinished.empty(); --tries) {
        // The first in line; what is not finished goes to the end.
        std::size_t& next = parts_->next_unfinished;
        if (next >= unfinished.size()) next = 0;
        const std::size_t count = unfinished.size();
        parts_->improve_cluster(unfinished[next], cost);
        if (unfinished.size() == count) ++next;
    }
    return !unfinished.empty();
}

// ---------------------------------------------------------------------------------------------- questions

std::size_t TxGraph::size() const { return parts_->slots.used(); }

FeeSize TxGraph::rate(Id id) const {
    parts_->require(id);
    return parts_->slots[id].rate();
}

namespace {

std::vector<TxGraph::Id> ids_of(const Cluster& cluster, Mask members) {
    std::vector<TxGraph::Id> ids;
    ids.reserve(static_cast<std::size_t>(std::popcount(members)));
    detail::for_each_bit(members, [&](unsigned i) { ids.push_back(cluster.ids[i]); });
    return ids;
}

/// `pick` gives the members of a cluster that are asked for; nobody alone has any.
template <typename Pick>
std::vector<TxGraph::Id> relatives(const detail::GraphState& graph, TxGraph::Id id, Pick pick) {
    graph.require_settled();
    graph.require(id);
    const Cluster* cluster = graph.cluster_of(id);
    if (cluster == nullptr) return {};
    return ids_of(*cluster, pick(*cluster, graph.slots[id].position));
}

template <typename Pick>
TxGraph::Sum sum_with_relatives(const detail::GraphState& graph, TxGraph::Id id, Pick pick) {
    graph.require_settled();
    graph.require(id);
    TxGraph::Sum sum{1, graph.slots[id].rate()};
    const Cluster* cluster = graph.cluster_of(id);
    if (cluster == nullptr) return sum;
    detail::for_each_bit(pick(*cluster, graph.slots[id].position), [&](unsigned i) {
        ++sum.count;
        sum.rate += graph.slots[cluster->ids[i]].rate();
    });
    return sum;
}

Mask ancestors_in(const Cluster& cluster, unsigned position) { return cluster.links[position].ancestors; }
Mask descendants_in(const Cluster& cluster, unsigned position) { return cluster.descendants(position); }

}  // namespace

std::vector<TxGraph::Id> TxGraph::parents(Id id) const {
    return relatives(*parts_, id, [](const Cluster& cluster, unsigned i) { return cluster.links[i].parents; });
}

std::vector<TxGraph::Id> TxGraph::children(Id id) const {
    return relatives(*parts_, id, [](const Cluster& cluster, unsigned position) {
        Mask found = 0;
        for (unsigned i = position + 1; i < cluster.count(); ++i) found |= ((cluster.links[i].parents >> position) & 1) << i;
        return found;
    });
}

std::vector<TxGraph::Id> TxGraph::ancestors(Id id) const { return relatives(*parts_, id, ancestors_in); }
std::vector<TxGraph::Id> TxGraph::descendants(Id id) const { return relatives(*parts_, id, descendants_in); }
TxGraph::Sum TxGraph::ancestor_sum(Id id) const { return sum_with_relatives(*parts_, id, ancestors_in); }
TxGraph::Sum TxGraph::descendant_sum(Id id) const { return sum_with_relatives(*parts_, id, descendants_in); }

std::vector<TxGraph::Chunk> TxGraph::cluster(Id id) const {
    parts_->require_settled();
    parts_->require(id);
    const Slot& slot = parts_->slots[id];
    const Cluster* cluster = parts_->cluster_of(id);
    if (cluster == nullptr) return {{slot.rate(), {&slot.self, 1}}};
    std::vector<Chunk> chunks;
    chunks.reserve(cluster->chunks.size());
    for (const Cluster::ChunkEntry& chunk : cluster->chunks) {
        chunks.push_back({chunk.key.rate(), std::span<const Id>(cluster->ids).subspan(chunk.begin, chunk.end - chunk.begin)});
    }
    return chunks;
}

unsigned TxGraph::cluster_size(Id id) const {
    parts_->require_settled();
    parts_->require(id);
    const Cluster* cluster = parts_->cluster_of(id);
    return cluster == nullptr ? 1 : cluster->count();
}

std::uint64_t TxGraph::cluster_number(Id id) const {
    parts_->require_settled();
    parts_->require(id);
    const std::uint32_t cluster = parts_->slots[id].cluster;
    return cluster == detail::kAlone ? id : (std::uint64_t{1} << 32) + cluster;
}

std::size_t TxGraph::cluster_count() const {
    parts_->require_settled();
    return size() - parts_->in_clusters + parts_->clusters.size() - parts_->free_clusters.size();
}

FeeSize TxGraph::chunk_of(Id id) const {
    parts_->require_settled();
    parts_->require(id);
    return parts_->key_of(id).rate();
}

int TxGraph::compare(Id a, Id b) const {
    parts_->require_settled();
    parts_->require(a);
    parts_->require(b);
    if (a == b) return 0;
    const Slot& slot_a = parts_->slots[a];
    const Slot& slot_b = parts_->slots[b];
    if (slot_a.cluster == slot_b.cluster && slot_a.cluster != detail::kAlone) return slot_a.position < slot_b.position ? -1 : 1;
    return detail::comes_before(parts_->key_of(a), parts_->key_of(b)) ? -1 : 1;
}

void TxGraph::walk(const std::function<Walk(const Chunk&)>& visit) const {
    parts_->require_settled();
    std::unordered_set<std::uint32_t> skipped;
    for (std::size_t i = 0; i < parts_->order.block_count(); ++i) {
        for (const ChunkKey& key : parts_->order.block(i)) {
            const std::uint32_t cluster = parts_->slots[key.id].cluster;
            if (!skipped.empty() && skipped.contains(cluster)) continue;
            const Walk answer = visit(parts_->chunk_of_key(key));
            if (answer == Walk::stop) return;
            if (answer == Walk::skip_cluster && cluster != detail::kAlone) skipped.insert(cluster);
        }
    }
}

TxGraph::Chunk TxGraph::worst() const {
    parts_->require_settled();
    if (parts_->order.size() == 0) return {};
    return parts_->chunk_of_key(parts_->order.back());
}

bool TxGraph::optimal() const { return parts_->unfinished.empty(); }

std::size_t TxGraph::memory_usage() const {
    const std::size_t clusters = parts_->clusters.size() - parts_->free_clusters.size();
    return parts_->slots.used() * sizeof(Slot) + clusters * sizeof(Cluster) + parts_->clusters_heap +
           parts_->unfinished.size() * sizeof(std::uint32_t) + parts_->order.memory_usage();
}

}  // namespace cairn::node
