#include <algorithm>
#include <iostream>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "consensus/crypto/random.hpp"
#include "node/mempool/tx_graph.hpp"

namespace cairn::node {
namespace {

using Id = TxGraph::Id;
using Ids = std::set<Id>;

/// The graph as plainly as it can be said; everything else is computed anew for each question.
struct Model {
    struct Tx {
        FeeSize rate;
        std::uint64_t tie = 0;
        Ids parents;
    };
    std::map<Id, Tx> txs;

    Ids ancestors(Id id) const {
        Ids found;
        std::vector<Id> todo{id};
        while (!todo.empty()) {
            const Id next = todo.back();
            todo.pop_back();
            for (const Id parent : txs.at(next).parents) {
                if (found.insert(parent).second) todo.push_back(parent);
            }
        }
        return found;
    }
    Ids children(Id id) const {
        Ids found;
        for (const auto& [other, tx] : txs) {
            if (tx.parents.contains(id)) found.insert(other);
        }
        return found;
    }
    Ids descendants(Id id) const {
        Ids found;
        std::vector<Id> todo{id};
        while (!todo.empty()) {
            const Id next = todo.back();
            todo.pop_back();
            for (const Id child : children(next)) {
                if (found.insert(child).second) todo.push_back(child);
            }
        }
        return found;
    }
    Ids cluster(Id id) const {
        Ids found{id};
        std::vector<Id> todo{id};
        while (!todo.empty()) {
            const Id next = todo.back();
            todo.pop_back();
            Ids near = children(next);
            near.insert(txs.at(next).parents.begin(), txs.at(next).parents.end());
            for (const Id other : near) {
                if (found.insert(other).second) todo.push_back(other);
            }
        }
        return found;
    }
    std::vector<Ids> clusters() const {
        std::vector<Ids> all;
        Ids seen;
        for (const auto& [id, tx] : txs) {
            if (seen.contains(id)) continue;
            all.push_back(cluster(id));
            seen.insert(all.back().begin(), all.back().end());
        }
        return all;
    }
    void remove(Id id) {
        const Ids up = txs.at(id).parents;
        txs.erase(id);
        for (auto& [other, tx] : txs) {
            if (tx.parents.erase(id) > 0) tx.parents.insert(up.begin(), up.end());
        }
    }
    bool too_large(const Ids& cluster, const TxGraph::Limits& limits) const {
        std::int64_t size = 0;
        for (const Id id : cluster) size += txs.at(id).rate.size;
        return cluster.size() > limits.count || size > limits.size;
    }
};

Ids set_of(const std::vector<Id>& ids) { return {ids.begin(), ids.end()}; }

std::vector<FeeSize> sorted(std::vector<FeeSize> rates) {
    std::ranges::stable_sort(rates, [](const FeeSize& a, const FeeSize& b) {
        const auto order = compare_rate(a, b);
        return order != 0 ? order > 0 : a.size < b.size;
    });
    return rates;
}

/// Cuts an order into chunks by the definition: the best prefix first, of equals the shortest.
std::vector<std::vector<Id>> cut(const Model& model, std::vector<Id> order) {
    std::vector<std::vector<Id>> chunks;
    while (!order.empty()) {
        FeeSize sum, best;
        std::size_t length = 0;
        for (std::size_t i = 0; i < order.size(); ++i) {
            sum += model.txs.at(order[i]).rate;
            if (length == 0 || higher_rate(sum, best)) {
                best = sum;
                length = i + 1;
            }
        }
        chunks.emplace_back(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(length));
        order.erase(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(length));
    }
    return chunks;
}

/// The best diagram of a small cluster, by trying all sets.
std::vector<FeeSize> best_diagram(const Model& model, const Ids& cluster) {
    const std::vector<Id> ids(cluster.begin(), cluster.end());
    const unsigned all = (1u << ids.size()) - 1;
    std::vector<FeeSize> sums(all + 1);
    std::vector<bool> closed(all + 1, true);
    for (unsigned set = 0; set <= all; ++set) {
        for (std::size_t i = 0; i < ids.size(); ++i) {
            if ((set >> i & 1) == 0) continue;
            sums[set] += model.txs.at(ids[i]).rate;
            for (std::size_t p = 0; p < ids.size(); ++p) {
                if (model.txs.at(ids[i]).parents.contains(ids[p]) && (set >> p & 1) == 0) closed[set] = false;
            }
        }
    }
    std::vector<FeeSize> chunks;
    for (unsigned done = 0; done != all;) {
        unsigned best = 0;
        FeeSize rate;
        for (unsigned set = 0; set <= all; ++set) {
            if (!closed[set] || (set & done) != done || set == done) continue;
            const FeeSize here = sums[set] - sums[done];
            const auto order = best == 0 ? std::strong_ordering::greater : compare_rate(here, rate);
            if (order > 0 || (order == 0 && std::popcount(set) < std::popcount(best))) best = set, rate = here;
        }
        chunks.push_back(rate);
        done = best;
    }
    return chunks;
}

void compare_cluster(const TxGraph& graph, const Model& model, const Ids& members) {
    const Id some = *members.begin();
    const auto chunks = graph.cluster(some);
    std::vector<Id> order;
    for (const TxGraph::Chunk& chunk : chunks) order.insert(order.end(), chunk.members.begin(), chunk.members.end());
    ASSERT_EQ(set_of(order), members);
    ASSERT_EQ(order.size(), members.size());
    const auto expected = cut(model, order);
    ASSERT_EQ(expected.size(), chunks.size());
    std::vector<FeeSize> rates;
    for (std::size_t i = 0; i < chunks.size(); ++i) {
        ASSERT_TRUE(std::ranges::equal(expected[i], chunks[i].members));
        FeeSize sum;
        for (const Id id : expected[i]) {
            sum += model.txs.at(id).rate;
            ASSERT_EQ(graph.chunk_of(id), chunks[i].rate);
        }
        ASSERT_EQ(sum, chunks[i].rate);
        rates.push_back(sum);
    }
    Ids done;
    for (const Id id : order) {
        for (const Id parent : model.txs.at(id).parents) ASSERT_TRUE(done.contains(parent));
        done.insert(id);
        ASSERT_EQ(graph.cluster_number(id), graph.cluster_number(some));
        ASSERT_EQ(graph.cluster_size(id), members.size());
    }
    if (graph.optimal() && members.size() <= 9) {
        const auto best = best_diagram(model, members);
        ASSERT_EQ(sorted(best), sorted(rates));
    }
}

void compare_order(const TxGraph& graph, const Model& model, FastRandom& random) {
    struct Place {
        FeeSize rate;
        std::int64_t prefix;
        std::pair<std::uint64_t, Id> last;
    };
    std::map<std::uint64_t, FeeSize> equal_so_far;
    std::map<std::uint64_t, std::vector<Id>> by_cluster;
    std::vector<Id> all;
    std::optional<Place> before;
    std::vector<Id> last_chunk;
    graph.walk([&](const TxGraph::Chunk& chunk) {
        const std::uint64_t number = graph.cluster_number(chunk.members[0]);
        FeeSize& equal = equal_so_far[number];
        if (equal.size != 0 && compare_rate(equal, chunk.rate) != 0) equal = {};
        equal += chunk.rate;
        Place place{chunk.rate, equal.size, {0, 0}};
        for (const Id id : chunk.members) {
            place.last = std::max(place.last, {model.txs.at(id).tie, id});
            by_cluster[number].push_back(id);
            all.push_back(id);
        }
        if (before) {
            const auto order = compare_rate(before->rate, place.rate);
            EXPECT_TRUE(order > 0 || (order == 0 && std::tie(before->prefix, before->last) < std::tie(place.prefix, place.last)));
        }
        before = place;
        last_chunk.assign(chunk.members.begin(), chunk.members.end());
        return TxGraph::Walk::next;
    });
    ASSERT_EQ(all.size(), model.txs.size());
    ASSERT_EQ(graph.cluster_count(), by_cluster.size());
    ASSERT_TRUE(std::ranges::equal(graph.worst().members, last_chunk));
    for (const auto& [number, order] : by_cluster) {  // the walk keeps each cluster's own order
        std::vector<Id> own;
        for (const TxGraph::Chunk& chunk : graph.cluster(order[0])) own.insert(own.end(), chunk.members.begin(), chunk.members.end());
        ASSERT_EQ(own, order);
    }
    for (int i = 0; i < 30 && !all.empty(); ++i) {
        const std::size_t a = random.below(all.size()), b = random.below(all.size());
        const int expected = a < b ? -1 : a > b ? 1 : 0;
        ASSERT_EQ(graph.compare(all[a], all[b]), expected);
    }
}

void compare(const TxGraph& graph, const Model& model, FastRandom& random) {
    graph.check();
    ASSERT_EQ(graph.size(), model.txs.size());
    for (const Ids& members : model.clusters()) ASSERT_NO_FATAL_FAILURE(compare_cluster(graph, model, members));
    for (const auto& [id, tx] : model.txs) {
        if (random.below(3) != 0) continue;
        ASSERT_EQ(graph.rate(id), tx.rate);
        ASSERT_EQ(set_of(graph.parents(id)), tx.parents);
        ASSERT_EQ(set_of(graph.children(id)), model.children(id));
        const Ids up = model.ancestors(id), down = model.descendants(id);
        ASSERT_EQ(set_of(graph.ancestors(id)), up);
        ASSERT_EQ(set_of(graph.descendants(id)), down);
        FeeSize up_sum = tx.rate, down_sum = tx.rate;
        for (const Id other : up) up_sum += model.txs.at(other).rate;
        for (const Id other : down) down_sum += model.txs.at(other).rate;
        ASSERT_EQ(graph.ancestor_sum(id).count, up.size() + 1);
        ASSERT_EQ(graph.ancestor_sum(id).rate, up_sum);
        ASSERT_EQ(graph.descendant_sum(id).count, down.size() + 1);
        ASSERT_EQ(graph.descendant_sum(id).rate, down_sum);
    }
    ASSERT_NO_FATAL_FAILURE(compare_order(graph, model, random));
}

/// One run: a graph and its model under random changes.
class Run {
public:
    Run(std::uint64_t seed, TxGraph::Limits limits) : random_(seed), limits_(limits), graph_(limits) {}

    void step() {
        switch (random_.below(10)) {
            case 0: case 1: case 2: case 3: case 4: change(); break;
            case 5: remove_some(); break;
            case 6: remove_worst(); break;
            case 7: set_fee(); break;
            case 8: graph_.improve(random_.below(20'000)); break;
            default: reorg(); break;
        }
    }
    void compare_all() { compare(graph_, model_, random_); }

private:
    Id any() {
        auto it = model_.txs.begin();
        std::advance(it, static_cast<std::ptrdiff_t>(random_.below(model_.txs.size())));
        return it->first;
    }
    FeeSize rate() {
        const std::int64_t size = random_.flip() ? 10 : static_cast<std::int64_t>(1 + random_.below(30));
        return {static_cast<Amount>(random_.below(random_.flip() ? 5 : 500)), size};
    }
    std::uint64_t tie() { return random_.below(4); }

    void change() {
        Ids leaving;
        for (std::uint64_t n = random_.below(4) == 0 ? random_.below(3) : 0; n > 0 && !model_.txs.empty(); --n) {
            const Id id = any();
            leaving.insert(id);
            for (const Id other : model_.descendants(id)) leaving.insert(other);
        }
        std::vector<TxGraph::Addition> additions(random_.below(3) == 0 ? random_.below(4) : 1);
        Ids affected;  // members of clusters before
        for (const Id id : leaving) affected.merge(model_.cluster(id));
        for (unsigned i = 0; i < additions.size(); ++i) {
            additions[i].rate = rate();
            additions[i].tie = tie();
            for (std::uint64_t n = random_.below(3); n > 0 && !model_.txs.empty(); --n) {
                const Id parent = any();
                if (leaving.contains(parent) || std::ranges::count(additions[i].parents, parent) > 0) continue;
                additions[i].parents.push_back(parent);
                affected.merge(model_.cluster(parent));
            }
            if (i > 0 && random_.flip()) additions[i].new_parents.push_back(static_cast<unsigned>(random_.below(i)));
        }
        const std::vector<Id> removals(leaving.begin(), leaving.end());
        TxGraph::Change change = graph_.propose(removals, additions);

        Model next = model_;
        for (const Id id : leaving) next.txs.erase(id);
        constexpr Id kNew = 1u << 30;
        for (unsigned i = 0; i < additions.size(); ++i) {
            Ids parents = set_of(additions[i].parents);
            for (const unsigned other : additions[i].new_parents) parents.insert(kNew + other);
            next.txs[kNew + i] = {additions[i].rate, additions[i].tie, parents};
        }
        bool too_large = false;
        for (const Ids& cluster : next.clusters()) too_large |= next.too_large(cluster, limits_);
        ASSERT_EQ(change.too_large(), too_large);
        ASSERT_EQ(sorted({change.before().begin(), change.before().end()}), chunks_of(affected));
        if (too_large || random_.below(8) == 0) return;

        const std::vector<FeeSize> after(change.after().begin(), change.after().end());
        std::vector<FeeSize> addition_chunks;
        for (unsigned i = 0; i < additions.size(); ++i) addition_chunks.push_back(change.chunk_of_addition(i));
        const std::vector<Id> ids = graph_.commit(std::move(change));
        ASSERT_EQ(ids.size(), additions.size());
        for (const Id id : leaving) model_.txs.erase(id), affected.erase(id);
        for (unsigned i = 0; i < additions.size(); ++i) {
            Ids parents = set_of(additions[i].parents);
            for (const unsigned other : additions[i].new_parents) parents.insert(ids[other]);
            ASSERT_FALSE(model_.txs.contains(ids[i]));
            model_.txs[ids[i]] = {additions[i].rate, additions[i].tie, parents};
            affected.insert(ids[i]);
        }
        for (unsigned i = 0; i < ids.size(); ++i) ASSERT_EQ(graph_.chunk_of(ids[i]), addition_chunks[i]);
        ASSERT_EQ(sorted(after), chunks_of(affected));
        ASSERT_TRUE(std::ranges::is_sorted(after, [](const FeeSize& a, const FeeSize& b) { return higher_rate(a, b); }));
    }

    /// Rates of all chunks with one of these members.
    std::vector<FeeSize> chunks_of(const Ids& members) {
        std::vector<FeeSize> rates;
        Ids seen;
        for (const Id id : members) {
            if (seen.contains(id)) continue;
            for (const TxGraph::Chunk& chunk : graph_.cluster(id)) {
                rates.push_back(chunk.rate);
                seen.insert(chunk.members.begin(), chunk.members.end());
            }
        }
        return sorted(rates);
    }

    void remove_some() {  // whoever: parents without children, and from the middle too
        std::vector<Id> ids;
        Ids chosen;
        for (std::uint64_t n = 1 + random_.below(6); n > 0 && chosen.size() < model_.txs.size(); --n) {
            const Id id = any();
            if (!chosen.insert(id).second) continue;
            ids.push_back(id);
            if (!random_.flip()) continue;
            for (const Id other : model_.ancestors(id)) {
                if (chosen.insert(other).second) ids.push_back(other);
            }
        }
        graph_.remove(ids);
        for (const Id id : ids) model_.remove(id);
    }
    void remove_worst() {
        for (std::uint64_t n = random_.below(4); n > 0 && !model_.txs.empty(); --n) {
            const auto members = graph_.worst().members;
            const std::vector<Id> ids(members.begin(), members.end());
            for (const Id id : ids) {
                for (const Id below : model_.descendants(id)) ASSERT_TRUE(std::ranges::count(ids, below) == 1);
            }
            graph_.remove(ids);
            for (const Id id : ids) model_.remove(id);
        }
    }
    void set_fee() {
        if (model_.txs.empty()) return;
        const Id id = any();
        const Amount fee = static_cast<Amount>(random_.below(300)) - 50;
        graph_.set_fee(id, fee);
        model_.txs[id].rate.fee = fee;
    }
    void reorg() {
        std::vector<Id> back;
        for (std::uint64_t n = 1 + random_.below(8); n > 0; --n) {
            FeeSize r = rate();
            if (random_.below(20) == 0) r.size = limits_.size + 1;
            const std::uint64_t t = tie();
            const Id id = graph_.add(r, t);
            model_.txs[id] = {r, t, {}};
            back.push_back(id);
        }
        const Ids returned = set_of(back);
        for (std::size_t i = 0; i < back.size(); ++i) {  // among themselves in order, and on what is there
            if (i > 0 && random_.flip()) link(back[random_.below(i)], back[i]);
            for (std::uint64_t n = random_.below(4); n > 0; --n) {
                const Id child = any();
                if (!returned.contains(child)) link(back[i], child);
            }
        }
        bool too_large = false;
        for (const Ids& cluster : model_.clusters()) too_large |= model_.too_large(cluster, limits_);
        const std::vector<Id> dropped = graph_.trim();
        ASSERT_EQ(too_large, !dropped.empty());
        const Ids gone = set_of(dropped);
        ASSERT_EQ(gone.size(), dropped.size());
        for (const Id id : dropped) {
            for (const Id below : model_.descendants(id)) ASSERT_TRUE(gone.contains(below));
        }
        for (const Id id : dropped) model_.remove(id);
        for (const Ids& cluster : model_.clusters()) ASSERT_FALSE(model_.too_large(cluster, limits_));
    }
    void link(Id parent, Id child) {
        graph_.link(parent, child);
        model_.txs[child].parents.insert(parent);
    }

    FastRandom random_;
    TxGraph::Limits limits_;
    TxGraph graph_;
    Model model_;
};

void play(std::uint64_t first_seed, unsigned runs, unsigned steps, const TxGraph::Limits& limits) {
    for (std::uint64_t seed = first_seed; seed < first_seed + runs; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        TxGraph::Limits own = limits;
        own.seed = seed;
        Run run(seed, own);
        for (unsigned i = 0; i < steps; ++i) {
            SCOPED_TRACE("step " + std::to_string(i));
            run.step();
            if (testing::Test::HasFatalFailure()) return;
            if (i % 3 == 0) run.compare_all();
            if (testing::Test::HasFatalFailure()) return;
        }
    }
}

TEST(TxGraphProperty, AgreesWithTheModelInSmallClusters) { play(1, 60, 250, {8, 120, 0}); }
TEST(TxGraphProperty, AgreesWithTheModelInLargeClusters) { play(1000, 25, 250, {64, 1'000'000, 0}); }
TEST(TxGraphProperty, AgreesWithTheModelWhenSizeLimits) { play(2000, 30, 250, {64, 200, 0}); }

TEST(TxGraphProperty, TrimsGroupsOfThousands) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        FastRandom random(seed);
        TxGraph graph({64, 404'000, seed});
        Model model;
        std::vector<Id> ids;
        for (unsigned i = 0; i < 3000; ++i) {
            const FeeSize rate{static_cast<Amount>(random.below(100'000)), 400 + static_cast<std::int64_t>(random.below(4000))};
            ids.push_back(graph.add(rate, i));
            model.txs[ids.back()] = {rate, i, {}};
            for (std::uint64_t n = i == 0 ? 0 : random.below(3); n > 0; --n) {
                const Id parent = ids[random.below(i)];
                graph.link(parent, ids.back());
                model.txs[ids.back()].parents.insert(parent);
            }
        }
        const std::vector<Id> dropped = graph.trim();
        std::cout << "of 3000 transactions in one web " << dropped.size() << " are dropped\n";
        const Ids gone = set_of(dropped);
        for (const auto& [id, tx] : model.txs) {
            if (gone.contains(id)) continue;
            for (const Id parent : tx.parents) ASSERT_FALSE(gone.contains(parent));
        }
        for (const Id id : dropped) model.txs.erase(id);
        ASSERT_EQ(graph.size(), model.txs.size());
        graph.check();
        for (const auto& [id, tx] : model.txs) ASSERT_EQ(set_of(graph.parents(id)), tx.parents);
        ASSERT_LT(dropped.size(), 2700u);
    }
}

}  // namespace
}  // namespace cairn::node
