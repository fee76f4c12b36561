#include "node/mempool/tx_graph.hpp"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

namespace cairn::node {
namespace {

using Id = TxGraph::Id;
using Ids = std::vector<Id>;
using Rates = std::vector<FeeSize>;
using Addition = TxGraph::Addition;

constexpr TxGraph::Limits kLimits{64, 404'000, 1};

Id add(TxGraph& graph, FeeSize rate, Ids parents = {}, std::uint64_t tie = 0) {
    const Addition addition{rate, std::move(parents), {}, tie};
    auto change = graph.propose({}, std::span(&addition, 1));
    EXPECT_FALSE(change.too_large());
    return graph.commit(std::move(change))[0];
}
Rates rates(std::span<const FeeSize> chunks) { return {chunks.begin(), chunks.end()}; }
Ids ids(std::span<const Id> members) { return {members.begin(), members.end()}; }
Ids sorted(Ids list) {
    std::ranges::sort(list);
    return list;
}
Ids walked(const TxGraph& graph) {
    Ids all;
    graph.walk([&](const TxGraph::Chunk& chunk) {
        all.insert(all.end(), chunk.members.begin(), chunk.members.end());
        return TxGraph::Walk::next;
    });
    return all;
}

TEST(TxGraph, IsEmptyAtFirst) {
    const TxGraph graph(kLimits);
    EXPECT_EQ(graph.size(), 0u);
    EXPECT_EQ(graph.cluster_count(), 0u);
    EXPECT_TRUE(graph.worst().members.empty());
    EXPECT_TRUE(graph.optimal());
    graph.check();
}

TEST(TxGraph, OrdersTransactionsWithoutRelativesByRate) {
    TxGraph graph(kLimits);
    const Id low = add(graph, {10, 100}), high = add(graph, {30, 100}), middle = add(graph, {20, 100});
    EXPECT_EQ(walked(graph), (Ids{high, middle, low}));
    EXPECT_EQ(ids(graph.worst().members), (Ids{low}));
    EXPECT_LT(graph.compare(high, low), 0);
    EXPECT_GT(graph.compare(low, middle), 0);
    EXPECT_EQ(graph.compare(low, low), 0);
    EXPECT_EQ(graph.cluster_count(), 3u);
    EXPECT_EQ(ids(graph.cluster(low)[0].members), (Ids{low}));
    graph.check();
}

TEST(TxGraph, OrdersEqualsBySizeThenTie) {
    TxGraph graph(kLimits);
    const Id large = add(graph, {20, 200}, {}, 0), second = add(graph, {10, 100}, {}, 9), first = add(graph, {10, 100}, {}, 4);
    EXPECT_EQ(walked(graph), (Ids{first, second, large}));
}

TEST(TxGraph, LetsAChildPayForItsParent) {
    TxGraph graph(kLimits);
    const Id parent = add(graph, {0, 100}), other = add(graph, {10, 100}), child = add(graph, {50, 100}, {parent});
    EXPECT_EQ(graph.chunk_of(parent), (FeeSize{50, 200}));
    EXPECT_EQ(walked(graph), (Ids{parent, child, other}));
    EXPECT_EQ(graph.parents(child), (Ids{parent}));
    EXPECT_EQ(graph.children(parent), (Ids{child}));
    EXPECT_EQ(graph.cluster_size(child), 2u);
    EXPECT_EQ(graph.cluster_number(child), graph.cluster_number(parent));
    EXPECT_NE(graph.cluster_number(child), graph.cluster_number(other));
    graph.check();
}

TEST(TxGraph, KnowsTheRelativesInADiamond) {
    TxGraph graph(kLimits);
    const Id top = add(graph, {40, 10});
    const Id left = add(graph, {30, 10}, {top}), right = add(graph, {20, 10}, {top});
    const Id end = add(graph, {10, 10}, {left, right});
    EXPECT_EQ(graph.ancestors(end), (Ids{top, left, right}));
    EXPECT_EQ(graph.descendants(top), (Ids{left, right, end}));
    EXPECT_EQ(graph.ancestor_sum(end).count, 4u);
    EXPECT_EQ(graph.ancestor_sum(end).rate, (FeeSize{100, 40}));
    EXPECT_EQ(graph.descendant_sum(right).rate, (FeeSize{30, 20}));
    EXPECT_EQ(sorted(graph.children(top)), sorted({left, right}));
    graph.check();
}

TEST(TxGraph, ProposesWithoutChangingAnything) {
    TxGraph graph(kLimits);
    const Id parent = add(graph, {10, 100});
    const Addition child{{50, 100}, {parent}, {}, 0};
    const auto change = graph.propose({}, std::span(&child, 1));
    EXPECT_EQ(rates(change.before()), (Rates{{10, 100}}));
    EXPECT_EQ(rates(change.after()), (Rates{{60, 200}}));
    EXPECT_EQ(change.chunk_of_addition(0), (FeeSize{60, 200}));
    EXPECT_EQ(graph.size(), 1u);
    EXPECT_EQ(graph.chunk_of(parent), (FeeSize{10, 100}));
    graph.check();
}

TEST(TxGraph, ReplacesAFamilyByAPackage) {
    TxGraph graph(kLimits);
    const Id parent = add(graph, {100, 100});
    const Id old_one = add(graph, {10, 100}, {parent}), below = add(graph, {5, 100}, {old_one});
    const std::vector<Addition> package{{{0, 100}, {parent}, {}, 0}, {{90, 100}, {}, {0}, 0}};
    const Ids leaving{old_one, below};
    auto change = graph.propose(leaving, package);
    EXPECT_EQ(rates(change.before()), (Rates{{100, 100}, {10, 100}, {5, 100}}));
    EXPECT_EQ(rates(change.after()), (Rates{{100, 100}, {90, 200}}));
    EXPECT_TRUE(improves(change.before(), change.after()));
    const Ids fresh = graph.commit(std::move(change));
    ASSERT_EQ(fresh.size(), 2u);
    EXPECT_EQ(walked(graph), (Ids{parent, fresh[0], fresh[1]}));
    EXPECT_EQ(graph.ancestors(fresh[1]), (Ids{parent, fresh[0]}));
    graph.check();
}

TEST(TxGraph, JoinsClustersThatATransactionSpendsFrom) {
    TxGraph graph(kLimits);
    const Id a = add(graph, {1, 10}), b = add(graph, {2, 10}), c = add(graph, {3, 10});
    const Id join = add(graph, {100, 10}, {a, b, c});
    EXPECT_EQ(graph.cluster_count(), 1u);
    EXPECT_EQ(graph.cluster_size(a), 4u);
    EXPECT_EQ(graph.chunk_of(join), (FeeSize{106, 40}));
    graph.check();
}

TEST(TxGraph, LimitsTheCountOfACluster) {
    TxGraph graph({4, 404'000, 1});
    Id last = add(graph, {1, 10});
    for (int i = 0; i < 3; ++i) last = add(graph, {1, 10}, {last});
    const Addition fifth{{1000, 10}, {last}, {}, 0};
    const auto change = graph.propose({}, std::span(&fifth, 1));
    EXPECT_TRUE(change.too_large());
    EXPECT_TRUE(change.after().empty());
    EXPECT_EQ(change.before().size(), 4u);
    // In place of the last one it fits.
    EXPECT_FALSE(graph.propose(std::span(&last, 1), std::vector<Addition>{{{1000, 10}, {graph.parents(last)}, {}, 0}}).too_large());
}

TEST(TxGraph, LimitsTheSizeOfACluster) {
    TxGraph graph({64, 1000, 1});
    const Id parent = add(graph, {1, 600});
    const Addition just{{1, 400}, {parent}, {}, 0}, more{{1, 401}, {parent}, {}, 0}, alone{{1, 1001}, {}, {}, 0};
    EXPECT_FALSE(graph.propose({}, std::span(&just, 1)).too_large());
    EXPECT_TRUE(graph.propose({}, std::span(&more, 1)).too_large());
    EXPECT_TRUE(graph.propose({}, std::span(&alone, 1)).too_large());
}

TEST(TxGraph, HoldsAChainOf64) {
    TxGraph graph(kLimits);
    Ids chain{add(graph, {1, 10})};
    while (chain.size() < 64) chain.push_back(add(graph, {static_cast<Amount>(chain.size()), 10}, {chain.back()}));
    EXPECT_EQ(graph.ancestors(chain.back()).size(), 63u);
    EXPECT_EQ(graph.descendants(chain.front()).size(), 63u);
    EXPECT_EQ(walked(graph), chain);
    EXPECT_TRUE(graph.optimal());
    graph.check();
    graph.remove(chain);
    EXPECT_EQ(graph.size(), 0u);
    graph.check();
}

TEST(TxGraph, SplitsAClusterWhenABlockTakesTheParent) {
    TxGraph graph(kLimits);
    const Id parent = add(graph, {100, 10});
    const Id a = add(graph, {5, 10}, {parent}), b = add(graph, {7, 10}, {parent}), below_a = add(graph, {50, 10}, {a});
    graph.remove(std::span(&parent, 1));
    EXPECT_EQ(graph.size(), 3u);
    EXPECT_EQ(graph.cluster_count(), 2u);
    EXPECT_TRUE(graph.ancestors(a).empty());
    EXPECT_EQ(graph.chunk_of(below_a), (FeeSize{55, 20}));
    EXPECT_EQ(walked(graph), (Ids{a, below_a, b}));
    graph.check();
}

TEST(TxGraph, KeepsGrandparentsWhenAParentAloneIsRemoved) {
    TxGraph graph(kLimits);
    const Id grandparent = add(graph, {1, 10}), parent = add(graph, {2, 10}, {grandparent}), child = add(graph, {3, 10}, {parent});
    graph.remove(std::span(&parent, 1));
    EXPECT_EQ(graph.ancestors(child), (Ids{grandparent}));
    EXPECT_EQ(graph.parents(child), (Ids{grandparent}));
    EXPECT_EQ(graph.cluster_size(child), 2u);
    graph.check();
}

TEST(TxGraph, ReusesIds) {
    TxGraph graph(kLimits);
    const Id first = add(graph, {1, 10});
    graph.remove(std::span(&first, 1));
    EXPECT_EQ(add(graph, {2, 10}), first);
    graph.check();
}

TEST(TxGraph, GivesMemoryBackWithTransactions) {
    TxGraph graph(kLimits);
    const std::size_t empty = graph.memory_usage();
    Ids all;
    for (int i = 0; i < 1000; ++i) all.push_back(add(graph, {i, 10}, i % 10 == 0 ? Ids{} : Ids{all.back()}));
    EXPECT_GT(graph.memory_usage(), empty + 50'000);
    graph.remove(all);
    EXPECT_LT(graph.memory_usage(), empty + 2'000);
}

TEST(TxGraph, OrdersAnewWhenAFeeChanges) {
    TxGraph graph(kLimits);
    const Id parent = add(graph, {1, 10}), child = add(graph, {2, 10}, {parent}), alone = add(graph, {5, 10});
    EXPECT_EQ(walked(graph), (Ids{alone, parent, child}));
    graph.set_fee(child, 100);
    EXPECT_EQ(walked(graph), (Ids{parent, child, alone}));
    graph.set_fee(alone, 1000);
    EXPECT_EQ(walked(graph), (Ids{alone, parent, child}));
    graph.set_fee(parent, -1000);
    EXPECT_EQ(walked(graph), (Ids{alone, parent, child}));
    EXPECT_EQ(graph.rate(parent).fee, -1000);
    graph.check();
}

TEST(TxGraph, CountsAbsurdFeesAsLarge) {
    TxGraph graph(kLimits);
    const Id parent = add(graph, {INT64_MAX, 10});
    Id last = parent;
    for (int i = 0; i < 40; ++i) last = add(graph, {i % 2 == 0 ? INT64_MAX : INT64_MIN, 10}, {last});
    EXPECT_EQ(graph.rate(parent).fee, Amount{1} << 55);
    graph.check();
}

TEST(TxGraph, SkipsAClusterWhenTheWalkSaysSo) {
    TxGraph graph(kLimits);
    const Id parent = add(graph, {100, 10}), child = add(graph, {10, 10}, {parent}), alone = add(graph, {5, 10});
    Ids seen;
    graph.walk([&](const TxGraph::Chunk& chunk) {
        seen.insert(seen.end(), chunk.members.begin(), chunk.members.end());
        return TxGraph::Walk::skip_cluster;
    });
    EXPECT_EQ(seen, (Ids{parent, alone}));
    (void)child;
    seen.clear();
    graph.walk([&](const TxGraph::Chunk& chunk) {
        seen.push_back(chunk.members[0]);
        return TxGraph::Walk::stop;
    });
    EXPECT_EQ(seen, (Ids{parent}));
}

TEST(TxGraph, ImprovesUntilAllIsOptimal) {
    TxGraph graph(kLimits);
    Ids parents;
    for (int i = 0; i < 24; ++i) parents.push_back(add(graph, {i % 5, 10 + i % 7}));
    for (unsigned i = 0; i < 40; ++i) {
        Ids needs;
        for (unsigned k = 0; k < 6; ++k) {
            const Id parent = parents[(i * 7 + k * k * 5 + k) % parents.size()];
            if (std::ranges::find(needs, parent) == needs.end()) needs.push_back(parent);
        }
        add(graph, {60 + static_cast<Amount>(i * 37 % 50), 10 + i % 11}, needs);
    }
    for (int rounds = 0; rounds < 1000 && graph.improve(100'000); ++rounds) graph.check();
    EXPECT_TRUE(graph.optimal());
    EXPECT_FALSE(graph.improve(1));
    graph.check();
}

// ---------------------------------------------------------------------------------------------- after a reorg

TEST(TxGraphTrim, JoinsWhatIsLinked) {
    TxGraph graph(kLimits);
    const Id child = add(graph, {50, 10}), returned = graph.add({0, 10});
    graph.link(returned, child);
    EXPECT_TRUE(graph.trim().empty());
    EXPECT_EQ(graph.parents(child), (Ids{returned}));
    EXPECT_EQ(graph.chunk_of(returned), (FeeSize{50, 20}));
    graph.check();
}

TEST(TxGraphTrim, DropsTheWorstWithItsDescendants) {
    TxGraph graph({4, 404'000, 1});
    const Id a = add(graph, {90, 10}), b = add(graph, {10, 10}), below_b = add(graph, {5, 10}, {b}), c = add(graph, {80, 10});
    const Id returned = graph.add({100, 10});
    for (const Id child : {a, b, c}) graph.link(returned, child);
    EXPECT_EQ(graph.trim(), (Ids{below_b}));
    EXPECT_EQ(graph.cluster_size(returned), 4u);
    graph.check();

    const Id more = graph.add({200, 10});
    graph.link(more, returned);
    EXPECT_EQ(graph.trim(), (Ids{b}));
    EXPECT_EQ(sorted(walked(graph)), sorted({a, c, returned, more}));
    graph.check();
}

TEST(TxGraphTrim, KeepsTheSizeLimit) {
    TxGraph graph({64, 1000, 1});
    const Id small = add(graph, {100, 300}), large = add(graph, {200, 500}), returned = graph.add({10, 400});
    graph.link(returned, small);
    graph.link(returned, large);
    EXPECT_EQ(graph.trim(), (Ids{small}));  // what comes second does not fit beside the first
    EXPECT_EQ(graph.cluster_size(large), 2u);
    graph.check();
}

TEST(TxGraphTrim, DropsWhatIsTooLargeAlone) {
    TxGraph graph({64, 1000, 1});
    const Id fits = graph.add({1, 1000}), large = graph.add({1, 1001});
    EXPECT_EQ(graph.trim(), (Ids{large}));
    EXPECT_EQ(walked(graph), (Ids{fits}));
}

TEST(TxGraphTrim, HandlesAChainOfThousands) {
    TxGraph graph(kLimits);
    Ids chain{graph.add({1000, 10})};
    for (int i = 1; i < 5000; ++i) {
        chain.push_back(graph.add({1000, 10}));
        graph.link(chain[chain.size() - 2], chain.back());
    }
    EXPECT_EQ(graph.trim().size(), 5000u - 64u);
    EXPECT_EQ(walked(graph), Ids(chain.begin(), chain.begin() + 64));
    graph.check();
}

// ---------------------------------------------------------------------------------------------- diagrams

TEST(Improves, IsFalseForEqualDiagrams) {
    EXPECT_FALSE(improves({}, {}));
    const Rates one{{30, 20}}, two{{15, 10}, {15, 10}};
    EXPECT_FALSE(improves(one, one));
    EXPECT_FALSE(improves(one, two));
    EXPECT_FALSE(improves(two, one));
}

TEST(Improves, IsTrueWhenNowhereWorseAndSomewhereBetter) {
    EXPECT_TRUE(improves(Rates{{10, 10}}, Rates{{11, 10}}));
    EXPECT_TRUE(improves(Rates{{10, 10}, {5, 10}}, Rates{{10, 10}, {6, 10}}));
    EXPECT_TRUE(improves(Rates{{10, 10}, {0, 10}}, Rates{{10, 5}}));      // the same fee in less space
    EXPECT_TRUE(improves({}, Rates{{1, 10}}));
    EXPECT_FALSE(improves(Rates{{11, 10}}, Rates{{10, 10}}));
}

TEST(Improves, IsFalseForIncomparableDiagrams) {
    const Rates early{{50, 10}, {0, 90}}, late{{100, 100}};
    EXPECT_FALSE(improves(early, late));  // more in all, less at the start
    EXPECT_FALSE(improves(late, early));
}

TEST(Improves, IsFalseWhenTheTotalFalls) { EXPECT_FALSE(improves(Rates{{10, 10}, {10, 20}}, Rates{{19, 10}})); }

TEST(Improves, CountsAnEndAsLevel) {
    EXPECT_FALSE(improves(Rates{{10, 10}}, Rates{{10, 10}, {0, 5}}));
    EXPECT_FALSE(improves(Rates{{10, 10}}, Rates{{10, 10}, {-1, 5}}));
    EXPECT_TRUE(improves(Rates{{10, 10}, {-1, 5}}, Rates{{10, 10}}));
    EXPECT_TRUE(improves(Rates{{10, 10}}, Rates{{10, 10}, {1, 1'000'000}}));
}

}  // namespace
}  // namespace cairn::node
