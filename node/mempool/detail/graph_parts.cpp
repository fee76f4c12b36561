#include "node/mempool/detail/graph_parts.hpp"

#include <algorithm>

#include "consensus/base/check.hpp"

namespace cairn::node::detail {

namespace {

/// What an allocation of `bytes` takes from the heap.
std::size_t heap_block(std::size_t bytes) { return bytes == 0 ? 0 : (bytes + 8 + 15) / 16 * 16; }

}  // namespace

FeeSize counted(const FeeSize& rate) {
    CAIRN_CHECK(rate.size > 0 && rate.size <= INT32_MAX);
    constexpr Amount kMost = Amount{1} << 55;
    return {std::clamp(rate.fee, -kMost, kMost), rate.size};
}

// ---------------------------------------------------------------------------------------------- slots and clusters

Id Slots::take() {
    if (!free_.empty()) {
        const Id id = free_.back();
        free_.pop_back();
        return id;
    }
    if (end_ % kBlock == 0) blocks_.push_back(std::make_unique<Slot[]>(kBlock));
    return end_++;
}

void Slots::give_back(Id id) {
    (*this)[id].cluster = kFree;
    free_.push_back(id);
}

const Cluster::ChunkEntry& Cluster::chunk_at(unsigned position) const {
    return *std::ranges::upper_bound(chunks, position, {}, [](const ChunkEntry& chunk) { return unsigned{chunk.end}; });
}

Mask Cluster::descendants(unsigned position) const {
    Mask found = 0;
    for (unsigned i = position + 1; i < count(); ++i) found |= ((links[i].ancestors >> position) & 1) << i;
    return found;
}

std::size_t Cluster::heap_usage() const {
    return heap_block(ids.capacity() * sizeof(Id)) + heap_block(links.capacity() * sizeof(Links)) +
           heap_block(chunks.capacity() * sizeof(ChunkEntry));
}

Cluster make_cluster(const ClusterDraft& draft, const Linearization& order) {
    Cluster cluster;
    cluster.optimal = order.optimal;
    cluster.ids.resize(draft.count);
    cluster.links.resize(draft.count);
    std::array<std::uint8_t, kMaxCluster> position;
    for (unsigned i = 0; i < draft.count; ++i) {
        const unsigned member = order.order[i];
        position[member] = static_cast<std::uint8_t>(i);
        cluster.ids[i] = draft.id[member];
        Cluster::Links& links = cluster.links[i];
        for_each_bit(draft.parents[member], [&](unsigned parent) {
            links.parents |= bit(position[parent]);
            links.ancestors |= bit(position[parent]) | cluster.links[position[parent]].ancestors;
        });
    }
    const Chunking chunking = chunks_of(draft, order.span());
    cluster.chunks.reserve(chunking.count);
    FeeSize before;
    std::int64_t prefix = 0;
    for (const ChunkRange& chunk : chunking.span()) {
        if (prefix == 0 || compare_rate(before, chunk.rate) != 0) prefix = 0;
        prefix += chunk.rate.size;
        before = chunk.rate;
        unsigned largest = order.order[chunk.begin];
        for (unsigned i = chunk.begin + 1u; i < chunk.end; ++i) {
            if (draft.tie_first(largest, order.order[i])) largest = order.order[i];
        }
        const ChunkKey key{chunk.rate.fee, static_cast<std::int32_t>(chunk.rate.size), draft.id[largest], draft.tie[largest], prefix};
        cluster.chunks.push_back({key, chunk.begin, chunk.end});
    }
    return cluster;
}

// ---------------------------------------------------------------------------------------------- the graph

void GraphState::require(Id id) const { CAIRN_CHECK(slots.has(id)); }
void GraphState::require_settled() const { CAIRN_CHECK(links.empty()); }

ChunkKey GraphState::key_of(Id id) const {
    const Cluster* cluster = cluster_of(id);
    return cluster == nullptr ? slots[id].key() : cluster->chunk_at(slots[id].position).key;
}

TxGraph::Chunk GraphState::chunk_of_key(const ChunkKey& key) const {
    const Slot& slot = slots[key.id];
    if (slot.cluster == kAlone) return {slot.rate(), {&slot.self, 1}};
    const Cluster& cluster = clusters[slot.cluster];
    const Cluster::ChunkEntry& chunk = cluster.chunk_at(slot.position);
    return {key.rate(), std::span<const Id>(cluster.ids).subspan(chunk.begin, chunk.end - chunk.begin)};
}

void GraphState::put(std::uint32_t index, Cluster cluster) {
    clusters_heap += cluster.heap_usage();
    in_clusters += cluster.count();
    for (unsigned i = 0; i < cluster.count(); ++i) {
        Slot& slot = slots[cluster.ids[i]];
        slot.cluster = index;
        slot.position = i;
    }
    clusters[index] = std::move(cluster);
}

void GraphState::install(Cluster cluster) {
    std::uint32_t index;
    if (free_clusters.empty()) {
        index = static_cast<std::uint32_t>(clusters.size());
        clusters.emplace_back();
    } else {
        index = free_clusters.back();
        free_clusters.pop_back();
    }
    put(index, std::move(cluster));
    if (!clusters[index].optimal) note_unfinished(index);
}

void GraphState::uninstall(std::uint32_t index) {
    if (!clusters[index].optimal) forget_unfinished(index);
    clusters_heap -= clusters[index].heap_usage();
    in_clusters -= clusters[index].count();
    clusters[index] = Cluster{};
    free_clusters.push_back(index);
}

void GraphState::note_unfinished(std::uint32_t index) {
    clusters[index].unfinished = static_cast<std::uint32_t>(unfinished.size());
    unfinished.push_back(index);
}

void GraphState::forget_unfinished(std::uint32_t index) {
    const std::uint32_t place = clusters[index].unfinished;
    unfinished[place] = unfinished.back();
    clusters[unfinished[place]].unfinished = place;
    unfinished.pop_back();
}

// Both in order; what is in both stays untouched.
void GraphState::exchange_keys(std::span<const ChunkKey> before, std::span<const ChunkKey> after) {
    std::size_t b = 0, a = 0;
    while (b < before.size() || a < after.size()) {
        if (a == after.size() || (b < before.size() && comes_before(before[b], after[a]))) {
            order.erase(before[b++]);
        } else if (b == before.size() || comes_before(after[a], before[b])) {
            order.insert(after[a++]);
        } else {
            if (!(before[b] == after[a])) {  // the same place in the order, but of another size
                order.erase(before[b]);
                order.insert(after[a]);
            }
            ++b, ++a;
        }
    }
}

std::vector<Id> GraphState::apply(Plan plan) {
    CAIRN_CHECK(plan.version == version && !plan.too_large);
    ++version;
    std::vector<Id> ids;
    ids.reserve(plan.added.size());
    for (const Plan::Added& added : plan.added) {  // before others are given back: so their ids are the ones foreseen
        const Id id = slots.take();
        CAIRN_CHECK(id == added.id);
        slots[id] = Slot{added.rate.fee, added.tie, static_cast<std::int32_t>(added.rate.size), kAlone, id, 0};
        ids.push_back(id);
    }
    exchange_keys(plan.keys_before, plan.keys_after);
    for (const Id id : plan.removed) slots.give_back(id);
    for (const std::uint32_t index : plan.clusters_gone) uninstall(index);
    for (const Id id : plan.alone) {
        slots[id].cluster = kAlone;
        slots[id].position = 0;
    }
    for (Cluster& cluster : plan.clusters) install(std::move(cluster));
    return ids;
}

void GraphState::improve_cluster(std::uint32_t index, std::uint64_t& cost) {
    const Cluster& old = clusters[index];
    ClusterDraft draft;
    for (unsigned i = 0; i < old.count(); ++i) {
        const Slot& slot = slots[old.ids[i]];
        draft.add(slot.rate(), old.links[i].parents, slot.tie, slot.self);
    }
    // The search starts over each time, so a cluster that it could not finish gets twice as much the next time.
    constexpr std::uint8_t kMostTries = 5;
    const std::uint64_t allowed = std::max(cost, Budget::kCluster << (old.tries + 1));
    const Linearization found = linearize(draft, allowed, limits.seed + version);
    cost -= std::min(cost, found.cost);
    Cluster cluster = make_cluster(draft, found);
    std::vector<ChunkKey> before, after;
    for (const Cluster::ChunkEntry& chunk : old.chunks) before.push_back(chunk.key);
    for (const Cluster::ChunkEntry& chunk : cluster.chunks) after.push_back(chunk.key);
    ++version;
    exchange_keys(before, after);
    clusters_heap -= old.heap_usage();
    in_clusters -= old.count();
    cluster.unfinished = old.unfinished;
    cluster.tries = std::min<std::uint8_t>(kMostTries, old.tries + 1);
    if (cluster.optimal) forget_unfinished(index);
    put(index, std::move(cluster));
}

}  // namespace cairn::node::detail
