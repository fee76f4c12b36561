// Rooms: node/mempool
// The order of the mempool: what taking one transaction in and out again costs, without anything around it.
#include <algorithm>
#include <vector>

#include <benchmark/benchmark.h>

#include "consensus/crypto/random.hpp"
#include "node/mempool/tx_graph.hpp"

namespace cairn::node {
namespace {

using Id = TxGraph::Id;

FeeSize random_rate(FastRandom& random) {
    return {static_cast<Amount>(500 + random.below(100'000)), 400 + static_cast<std::int64_t>(random.below(2000))};
}

/// A graph with `count` transactions that have no relatives.
void fill(TxGraph& graph, FastRandom& random, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) graph.add(random_rate(random), random.next());
}

Id commit_one(TxGraph& graph, TxGraph::Addition addition) {
    return graph.commit(graph.propose({}, std::span(&addition, 1)))[0];
}

void evict_worst(TxGraph& graph) {
    const auto members = graph.worst().members;
    graph.remove(std::vector<Id>(members.begin(), members.end()));
}

/// Propose, commit; the worst is evicted. Argument: transactions that are there.
void insert_evict_independent(benchmark::State& state) {
    FastRandom random(1);
    TxGraph graph({});
    fill(graph, random, state.range(0));
    for (auto _ : state) {
        commit_one(graph, {random_rate(random), {}, {}, random.next()});
        evict_worst(graph);
    }
    state.counters["bytes_per_tx"] = static_cast<double>(graph.memory_usage()) / static_cast<double>(graph.size());
}
BENCHMARK(insert_evict_independent)->Arg(1'000)->Arg(100'000)->Arg(1'000'000);

/// Grows clusters of `length` one by one and takes them out chunk by chunk, in a mempool of 100,000; time per transaction.
template <typename MakeParents>
void insert_evict_clusters(benchmark::State& state, std::size_t length, MakeParents parents_of) {
    FastRandom random(2);
    TxGraph graph({});
    fill(graph, random, 100'000);
    std::vector<Id> ids;
    for (auto _ : state) {
        ids.clear();
        for (std::size_t i = 0; i < length; ++i) {
            ids.push_back(commit_one(graph, {random_rate(random), parents_of(random, ids), {}, random.next()}));
        }
        for (std::size_t left = length; left > 0;) {  // from its worst chunk on
            const auto chunks = graph.cluster(ids[0]);
            const auto members = chunks.back().members;
            left -= members.size();
            graph.remove(std::vector<Id>(members.begin(), members.end()));
        }
        benchmark::DoNotOptimize(graph.size());
    }
    state.counters["per_tx"] = benchmark::Counter(static_cast<double>(state.iterations()) * static_cast<double>(length),
                                                  benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

std::vector<Id> the_last(FastRandom&, const std::vector<Id>& ids) { return ids.empty() ? ids : std::vector<Id>{ids.back()}; }
std::vector<Id> any_one(FastRandom& random, const std::vector<Id>& ids) {
    return ids.empty() ? ids : std::vector<Id>{ids[random.below(ids.size())]};
}
std::vector<Id> any_three(FastRandom& random, const std::vector<Id>& ids) {
    std::vector<Id> parents;
    for (int i = 0; i < 3 && !ids.empty(); ++i) {
        const Id parent = ids[random.below(ids.size())];
        if (std::find(parents.begin(), parents.end(), parent) == parents.end()) parents.push_back(parent);
    }
    return parents;
}

BENCHMARK_CAPTURE(insert_evict_clusters, chain_of_25, 25, the_last);
BENCHMARK_CAPTURE(insert_evict_clusters, chain_of_64, 64, the_last);
BENCHMARK_CAPTURE(insert_evict_clusters, tree_of_64, 64, any_one);
BENCHMARK_CAPTURE(insert_evict_clusters, web_of_64, 64, any_three);

/// A transaction that spends what all of a cluster's 62 others offer, and is replaced again and again.
void replace_in_cluster_of_64(benchmark::State& state) {
    FastRandom random(3);
    TxGraph graph({});
    fill(graph, random, 100'000);
    std::vector<Id> ids;
    for (std::size_t i = 0; i < 63; ++i) ids.push_back(commit_one(graph, {random_rate(random), any_three(random, ids), {}, 0}));
    std::vector<Id> last;
    for (auto _ : state) {
        const TxGraph::Addition next{random_rate(random), ids, {}, 0};
        last = graph.commit(graph.propose(last, std::span(&next, 1)));
    }
}
BENCHMARK(replace_in_cluster_of_64);

/// A block takes the best out of 300,000: 4,000 transactions at once.
void remove_block(benchmark::State& state) {
    FastRandom random(4);
    TxGraph graph({});
    fill(graph, random, 300'000);
    for (auto _ : state) {
        std::vector<Id> block;
        graph.walk([&](const TxGraph::Chunk& chunk) {
            block.insert(block.end(), chunk.members.begin(), chunk.members.end());
            return block.size() < 4000 ? TxGraph::Walk::next : TxGraph::Walk::stop;
        });
        graph.remove(block);
        state.PauseTiming();
        fill(graph, random, 4000);
        state.ResumeTiming();
    }
}
BENCHMARK(remove_block)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace cairn::node
