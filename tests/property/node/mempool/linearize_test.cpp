#include <algorithm>
#include <iostream>
#include <numeric>
#include <set>

#include <gtest/gtest.h>

#include "consensus/crypto/random.hpp"
#include "node/mempool/detail/linearize.hpp"
#include "node/mempool/detail/spanning_forest.hpp"
#include "node/mempool/tx_graph.hpp"

namespace cairn::node::detail {
namespace {

/// Random clusters of many shapes; fees from few values, so that equal rates are frequent.
ClusterDraft random_draft(FastRandom& random, unsigned count) {
    ClusterDraft draft;
    const std::uint64_t shape = random.below(5);
    const bool same_size = random.flip();
    const std::uint64_t fees = random.flip() ? 4 : 1000;
    for (unsigned i = 0; i < count; ++i) {
        Mask parents = 0;
        if (i > 0) {
            switch (shape) {
                case 0: parents = bit(static_cast<unsigned>(random.below(i))); break;               // one parent
                case 1: for (unsigned p = 0; p < i; ++p) parents |= random.below(4) == 0 ? bit(p) : 0; break;
                case 2: parents = bit(i - 1) | (random.flip() ? bit(static_cast<unsigned>(random.below(i))) : 0); break;
                case 3: parents = i < count / 2 ? 0 : random.next() & low_bits(count / 2); break;    // two layers
                default: for (int k = 0; k < 2; ++k) parents |= random.flip() ? bit(static_cast<unsigned>(random.below(i))) : 0;
            }
        }
        draft.add({static_cast<Amount>(random.below(fees)) - static_cast<Amount>(random.below(8) == 0 ? 3 : 0),
                   same_size ? 100 : static_cast<std::int64_t>(1 + random.below(9))},
                  parents, random.below(3), i);
    }
    return draft;
}

bool topological(const ClusterDraft& draft, std::span<const std::uint8_t> order) {
    Mask done = 0;
    for (const std::uint8_t i : order) {
        if ((draft.parents[i] & ~done) != 0 || (done & bit(i)) != 0) return false;
        done |= bit(i);
    }
    return order.size() == draft.count;
}

std::vector<FeeSize> diagram(const ClusterDraft& draft, std::span<const std::uint8_t> order) {
    std::vector<FeeSize> rates;
    const Chunking chunking = chunks_of(draft, order);
    for (const ChunkRange& chunk : chunking.span()) rates.push_back(chunk.rate);
    return rates;
}

/// The best diagram: again and again the best of all sets that contain their parents; of equals the smallest.
std::vector<FeeSize> best_diagram(const ClusterDraft& draft) {
    std::vector<Mask> closed;
    for (Mask set = 1; set <= low_bits(draft.count); ++set) {
        bool good = true;
        for_each_bit(set, [&](unsigned i) { good = good && (draft.parents[i] & ~set) == 0; });
        if (good) closed.push_back(set);
    }
    std::vector<FeeSize> result;
    for (Mask done = 0; done != low_bits(draft.count);) {
        Mask best = 0;
        FeeSize best_rate;
        for (const Mask set : closed) {
            if ((set & done) != done || set == done) continue;
            const FeeSize rate = draft.sum(set & ~done);
            const auto order = best == 0 ? std::strong_ordering::greater : compare_rate(rate, best_rate);
            if (order > 0 || (order == 0 && std::popcount(set) < std::popcount(best))) {
                best = set;
                best_rate = rate;
            }
        }
        result.push_back(best_rate);
        done = best;
    }
    return result;
}

std::vector<std::uint8_t> identity(unsigned count) {
    std::vector<std::uint8_t> order(count);
    std::iota(order.begin(), order.end(), std::uint8_t{0});
    return order;
}

bool same_diagram(const std::vector<FeeSize>& a, const std::vector<FeeSize>& b);
bool no_worse(const std::vector<FeeSize>& before, const std::vector<FeeSize>& after) {
    return same_diagram(before, after) || improves(before, after);
}

/// Neither above the other anywhere.
bool same_diagram(const std::vector<FeeSize>& a, const std::vector<FeeSize>& b) {
    FeeSize sum_a, sum_b;
    for (const FeeSize& chunk : a) sum_a += chunk;
    for (const FeeSize& chunk : b) sum_b += chunk;
    const auto corners = [](const std::vector<FeeSize>& chunks) {  // equal rates joined
        std::vector<FeeSize> joined;
        for (const FeeSize& chunk : chunks) {
            if (!joined.empty() && compare_rate(joined.back(), chunk) == 0) {
                joined.back() += chunk;
            } else {
                joined.push_back(chunk);
            }
        }
        return joined;
    };
    return sum_a == sum_b && corners(a) == corners(b);
}

TEST(LinearizeProperty, IsTheBestOrderOfSmallClusters) {
    for (std::uint64_t seed = 1; seed <= 6000; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        FastRandom random(seed);
        const ClusterDraft draft = random_draft(random, 2 + static_cast<unsigned>(random.below(9)));
        const Linearization found = linearize(draft, 10'000'000, seed);
        ASSERT_TRUE(found.optimal);
        ASSERT_TRUE(topological(draft, found.span()));
        // The same corners, and chunks that cannot be cut any further: as many as the naive search finds.
        const auto best = best_diagram(draft), got = diagram(draft, found.span());
        ASSERT_TRUE(same_diagram(best, got));
        ASSERT_EQ(best.size(), got.size());
    }
}

/// Trees take a way of their own: they must get the same order that the search finds.
TEST(LinearizeProperty, OrdersTreesLikeTheSearch) {
    for (std::uint64_t seed = 1; seed <= 20'000; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        FastRandom random(seed);
        const unsigned count = 2 + static_cast<unsigned>(random.below(40));
        const std::uint64_t fees = 1 + random.below(5);
        std::array<Mask, kMaxCluster> parents{};
        const bool one_parent = random.flip();
        for (unsigned i = 1; i < count; ++i) {  // mirrored, each has one child at most
            const auto other = static_cast<unsigned>(random.below(i + 1));
            if (other == i) continue;
            if (one_parent) {
                parents[i] |= bit(other);
            } else {
                parents[count - 1 - other] |= bit(count - 1 - i);
            }
        }
        ClusterDraft draft;
        for (unsigned i = 0; i < count; ++i) {
            draft.add({static_cast<Amount>(random.below(fees)), 1 + static_cast<std::int64_t>(random.below(2))}, parents[i],
                      random.below(3), i);
        }
        const Linearization fast = linearize(draft, 10'000'000, seed);
        SpanningForest forest(draft, seed);
        forest.load();
        ASSERT_TRUE(forest.optimise(10'000'000) && forest.minimise(10'000'000));
        std::array<Mask, kMaxCluster> masks;
        Linearization slow;
        const unsigned chunk_count = forest.chunks(masks);
        write_order(draft, {masks.data(), chunk_count}, slow);
        ASSERT_TRUE(std::ranges::equal(fast.span(), slow.span()));
        ASSERT_EQ(diagram(draft, fast.span()).size(), chunk_count);
    }
}

TEST(LinearizeProperty, DoesNotDependOnTheSeedOrTheStartWhenOptimal) {
    for (std::uint64_t seed = 1; seed <= 1500; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        FastRandom random(seed);
        const ClusterDraft draft = random_draft(random, 2 + static_cast<unsigned>(random.below(40)));
        const Linearization first = linearize(draft, 100'000'000, seed);
        // The same cluster, its indices in another topological order.
        ClusterDraft other;
        std::vector<unsigned> place(draft.count);
        Mask done = 0;
        while (other.count < draft.count) {
            const auto i = static_cast<unsigned>(random.below(draft.count));
            if ((done & bit(i)) != 0 || (draft.parents[i] & ~done) != 0) continue;
            Mask parents = 0;
            for_each_bit(draft.parents[i], [&](unsigned p) { parents |= bit(place[p]); });
            place[i] = other.add(draft.rate[i], parents, draft.tie[i], draft.id[i]);
            done |= bit(i);
        }
        const Linearization second = linearize(other, 100'000'000, seed + 77);
        ASSERT_TRUE(first.optimal && second.optimal);
        for (unsigned i = 0; i < draft.count; ++i) ASSERT_EQ(draft.id[first.order[i]], other.id[second.order[i]]);
    }
}

TEST(LinearizeProperty, IsNeverWorseThanTheStartWhateverTheBudget) {
    for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        FastRandom random(seed);
        const ClusterDraft draft = random_draft(random, 2 + static_cast<unsigned>(random.below(63)));
        const auto start = identity(draft.count);
        const Linearization found = linearize(draft, random.below(3000), seed);
        ASSERT_TRUE(topological(draft, found.span()));
        ASSERT_FALSE(improves(diagram(draft, found.span()), diagram(draft, start)));
        ASSERT_TRUE(no_worse(diagram(draft, start), diagram(draft, found.span())));
        // Chunks are connected.
        const Chunking chunking = chunks_of(draft, found.span());
        for (const ChunkRange& chunk : chunking.span()) {
            Mask reached = chunk.members & (~chunk.members + 1);
            for (unsigned round = 0; round < draft.count; ++round) {
                for_each_bit(chunk.members, [&](unsigned i) {
                    const Mask family = (bit(i) | draft.ancestors[i]) & chunk.members;
                    if ((family & reached) != 0) reached |= family;
                });
            }
            ASSERT_EQ(reached, chunk.members);
        }
    }
}

TEST(LinearizeProperty, PostLinearizeIsNeverWorse) {
    for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        FastRandom random(seed);
        const ClusterDraft draft = random_draft(random, 2 + static_cast<unsigned>(random.below(63)));
        auto order = identity(draft.count);
        const auto before = diagram(draft, order);
        post_linearize(draft, order);
        ASSERT_TRUE(topological(draft, order));
        const auto after = diagram(draft, order);
        ASSERT_TRUE(same_diagram(before, after) || improves(before, after));
    }
}

TEST(LinearizeProperty, LargeClustersAreSolvedWithinTheBudgetOfAChange) {
    unsigned solved = 0, total = 0;
    std::uint64_t most = 0;
    for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
        FastRandom random(seed);
        const ClusterDraft draft = random_draft(random, 64);
        const Linearization found = linearize(draft, 60'000, seed);
        most = std::max(most, found.cost);
        solved += found.optimal;
        ++total;
    }
    std::cout << solved << " of " << total << " clusters of 64 proven optimal at once; most steps " << most << '\n';
    EXPECT_GT(solved * 10, total * 8);
}

/// The height of a diagram at a size, times a common multiple of all chunk sizes below 10; level after its end.
std::int64_t height(std::span<const FeeSize> chunks, std::int64_t size) {
    constexpr std::int64_t kMultiple = 2520;
    std::int64_t fee = 0;
    for (const FeeSize& chunk : chunks) {
        const std::int64_t part = std::min(size, chunk.size);
        fee += chunk.fee * part * (kMultiple / chunk.size);
        size -= part;
    }
    return fee;
}

TEST(ImprovesProperty, ComparesAtEverySize) {
    unsigned better = 0;
    for (std::uint64_t seed = 1; seed <= 100'000; ++seed) {
        FastRandom random(seed);
        std::vector<FeeSize> before(random.below(4)), after(random.below(4));
        for (auto* diagram : {&before, &after}) {
            for (FeeSize& chunk : *diagram) {
                chunk = {static_cast<Amount>(random.below(12)) - 1, 1 + static_cast<std::int64_t>(random.below(9))};
            }
            std::ranges::stable_sort(*diagram, higher_rate);
        }
        bool above = false, below = false;
        for (std::int64_t size = 0; size <= 40; ++size) {
            above |= height(after, size) > height(before, size);
            below |= height(after, size) < height(before, size);
        }
        ASSERT_EQ(improves(before, after), above && !below) << "seed " << seed;
        better += above && !below;
    }
    EXPECT_GT(better, 10'000u);
}

}  // namespace
}  // namespace cairn::node::detail
