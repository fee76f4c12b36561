#include <algorithm>
#include <vector>

#include "consensus/base/check.hpp"
#include "node/mempool/detail/graph_parts.hpp"
#include "node/mempool/tx_graph.hpp"

namespace cairn::node {

namespace {

using detail::Cluster;
using detail::ChunkKey;
using detail::GraphState;
using detail::Mask;

void check_cluster(const GraphState& graph, std::uint32_t index) {
    const Cluster& cluster = graph.clusters[index];
    const unsigned count = cluster.count();
    CAIRN_CHECK(count >= 2 && count <= graph.limits.count);
    CAIRN_CHECK(cluster.links.size() == count && !cluster.chunks.empty());
    CAIRN_CHECK(cluster.optimal || graph.unfinished.at(cluster.unfinished) == index);

    detail::ClusterDraft draft;
    std::int64_t size = 0;
    Mask connected = detail::bit(0);
    for (unsigned i = 0; i < count; ++i) {
        const detail::Slot& slot = graph.slots[cluster.ids[i]];
        CAIRN_CHECK(slot.cluster == index && slot.position == i && slot.self == cluster.ids[i]);
        CAIRN_CHECK((cluster.links[i].parents & ~detail::low_bits(i)) == 0);  // in topological order
        draft.add(slot.rate(), cluster.links[i].parents, slot.tie, slot.self);
        CAIRN_CHECK(draft.ancestors[i] == cluster.links[i].ancestors);
        size += slot.size;
    }
    CAIRN_CHECK(size <= graph.limits.size);
    for (unsigned round = 0; round < count; ++round) {
        for (unsigned i = 0; i < count; ++i) {
            const Mask family = detail::bit(i) | cluster.links[i].parents;
            if ((family & connected) != 0) connected |= family;
        }
    }
    CAIRN_CHECK(connected == detail::low_bits(count));

    // Chunks: cut anew, in the order as it stands.
    detail::Linearization order;
    order.count = count;
    for (unsigned i = 0; i < count; ++i) order.order[i] = static_cast<std::uint8_t>(i);
    const Cluster again = detail::make_cluster(draft, order);
    CAIRN_CHECK(again.chunks.size() == cluster.chunks.size());
    for (std::size_t i = 0; i < again.chunks.size(); ++i) {
        CAIRN_CHECK(again.chunks[i].key == cluster.chunks[i].key);
        CAIRN_CHECK(again.chunks[i].begin == cluster.chunks[i].begin && again.chunks[i].end == cluster.chunks[i].end);
    }
}

}  // namespace

void TxGraph::check() const {
    const GraphState& graph = *parts_;
    std::vector<ChunkKey> expected;
    std::vector<std::size_t> found(graph.clusters.size(), 0);
    std::size_t used = 0, in_clusters = 0, heap = 0, unfinished = 0;
    for (Id id = 0; id < graph.slots.end(); ++id) {
        const detail::Slot& slot = graph.slots[id];
        if (slot.cluster == detail::kFree) continue;
        ++used;
        CAIRN_CHECK(slot.self == id && slot.size > 0);
        if (slot.cluster == detail::kAlone) {
            CAIRN_CHECK(slot.position == 0);
            expected.push_back(slot.key());
        } else {
            ++found.at(slot.cluster);
        }
    }
    CAIRN_CHECK(used == graph.slots.used());
    std::vector<bool> free(graph.clusters.size(), false);
    for (const std::uint32_t index : graph.free_clusters) {
        CAIRN_CHECK(!free.at(index) && graph.clusters[index].ids.empty() && found[index] == 0);
        free[index] = true;
    }
    for (std::uint32_t index = 0; index < graph.clusters.size(); ++index) {
        if (free[index]) continue;
        const Cluster& cluster = graph.clusters[index];
        check_cluster(graph, index);
        CAIRN_CHECK(found[index] == cluster.count());
        in_clusters += cluster.count();
        heap += cluster.heap_usage();
        unfinished += !cluster.optimal;
        for (const Cluster::ChunkEntry& chunk : cluster.chunks) expected.push_back(chunk.key);
    }
    CAIRN_CHECK(in_clusters == graph.in_clusters && heap == graph.clusters_heap && unfinished == graph.unfinished.size());

    std::ranges::sort(expected, detail::comes_before);
    std::size_t at = 0;
    for (std::size_t i = 0; i < graph.order.block_count(); ++i) {
        CAIRN_CHECK(!graph.order.block(i).empty());
        for (const ChunkKey& key : graph.order.block(i)) CAIRN_CHECK(at < expected.size() && key == expected[at++]);
    }
    CAIRN_CHECK(at == expected.size() && at == graph.order.size());
}

}  // namespace cairn::node
