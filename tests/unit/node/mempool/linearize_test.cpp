#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "node/mempool/detail/chunk_order.hpp"
#include "node/mempool/detail/linearize.hpp"
#include "node/mempool/detail/spanning_forest.hpp"
#include "node/mempool/tx_graph.hpp"

namespace cairn::node::detail {
namespace {

using Order = std::vector<int>;
using Rates = std::vector<FeeSize>;

constexpr std::uint64_t kPlenty = 10'000'000;

/// Members as {fee, size, parents}; ids and ties are their indices.
struct Member {
    FeeSize rate;
    Mask parents = 0;
};
ClusterDraft draft_of(const std::vector<Member>& members) {
    ClusterDraft draft;
    for (const Member& member : members) draft.add(member.rate, member.parents, draft.count, draft.count);
    return draft;
}
Order order_of(const Linearization& found) { return {found.order.begin(), found.order.begin() + found.count}; }
Rates rates_of(const ClusterDraft& draft, const Linearization& found) {
    Rates rates;
    const Chunking chunking = chunks_of(draft, found.span());
    for (const ChunkRange& chunk : chunking.span()) rates.push_back(chunk.rate);
    return rates;
}

TEST(Linearize, PutsTheBetterOfTwoSiblingsFirst) {
    const auto draft = draft_of({{{10, 10}}, {{20, 10}, bit(0)}, {{50, 10}, bit(0)}});
    const Linearization found = linearize(draft, kPlenty, 1);
    EXPECT_TRUE(found.optimal);
    EXPECT_EQ(order_of(found), (Order{0, 2, 1}));
    EXPECT_EQ(rates_of(draft, found), (Rates{{60, 20}, {20, 10}}));
}

TEST(Linearize, TakesAPoorParentWithTheChildThatPaysForIt) {
    const auto draft = draft_of({{{0, 10}}, {{30, 10}, bit(0)}});
    EXPECT_EQ(rates_of(draft, linearize(draft, kPlenty, 1)), (Rates{{30, 20}}));
}

TEST(Linearize, TakesADiamondAsOneWhenItsEndPaysForAll) {
    const auto draft = draft_of({{{1, 10}}, {{1, 10}, bit(0)}, {{1, 10}, bit(0)}, {{100, 10}, bit(1) | bit(2)}});
    const Linearization found = linearize(draft, kPlenty, 1);
    EXPECT_TRUE(found.optimal);
    EXPECT_EQ(order_of(found), (Order{0, 1, 2, 3}));
    EXPECT_EQ(rates_of(draft, found), (Rates{{103, 40}}));
}

TEST(Linearize, CutsADiamondWhenItsEndPaysLittle) {
    const auto draft = draft_of({{{40, 10}}, {{30, 10}, bit(0)}, {{20, 10}, bit(0)}, {{10, 10}, bit(1) | bit(2)}});
    EXPECT_EQ(rates_of(draft, linearize(draft, kPlenty, 1)), (Rates{{40, 10}, {30, 10}, {20, 10}, {10, 10}}));
}

// Two children share one of two parents each: the best set is neither what one child needs nor a prefix of the given order.
TEST(Linearize, FindsASetThatNoSingleChildPaysFor) {
    const auto draft = draft_of({{{0, 10}}, {{0, 10}}, {{0, 10}}, {{14, 10}, bit(0) | bit(1)}, {{14, 10}, bit(1) | bit(2)},
                                 {{14, 10}, bit(0) | bit(2)}, {{6, 10}}});
    const Linearization found = linearize(draft, kPlenty, 7);
    EXPECT_TRUE(found.optimal);
    EXPECT_EQ(rates_of(draft, found), (Rates{{42, 60}, {6, 10}}));
}

TEST(Linearize, CutsEqualRatesIntoTheSmallestPieces) {
    // Twice a parent that a child pays for, all of one rate, and a transaction that needs both.
    const auto draft =
        draft_of({{{0, 10}}, {{20, 10}, bit(0)}, {{5, 10}}, {{15, 10}, bit(2)}, {{10, 10}, bit(1) | bit(3)}});
    const Linearization found = linearize(draft, kPlenty, 3);
    EXPECT_TRUE(found.optimal);
    EXPECT_EQ(rates_of(draft, found), (Rates{{20, 20}, {20, 20}, {10, 10}}));
}

TEST(Linearize, OrdersEqualsBySizeThenTie) {
    ClusterDraft draft;
    draft.add({100, 10}, 0, 0, 0);
    draft.add({20, 20}, bit(0), 1, 1);
    draft.add({10, 10}, bit(0), 3, 2);
    draft.add({10, 10}, bit(0), 2, 3);
    EXPECT_EQ(order_of(linearize(draft, kPlenty, 1)), (Order{0, 3, 2, 1}));
}

TEST(Linearize, KeepsTheGivenOrderWithoutABudget) {
    const auto draft = draft_of({{{0, 10}}, {{0, 10}}, {{0, 10}}, {{14, 10}, bit(0) | bit(1)}, {{14, 10}, bit(1) | bit(2)},
                                 {{14, 10}, bit(0) | bit(2)}});
    const Linearization found = linearize(draft, 0, 1);
    EXPECT_FALSE(found.optimal);
    EXPECT_EQ(found.count, 6u);
}

TEST(Linearize, HandlesNegativeFees) {
    const auto draft = draft_of({{{-50, 10}}, {{20, 10}, bit(0)}, {{-10, 10}, bit(0)}});
    // The parent and the child that pays cost 15 per 10; the other child costs less and so belongs with them.
    EXPECT_EQ(rates_of(draft, linearize(draft, kPlenty, 1)), (Rates{{-40, 30}}));
}

TEST(Linearize, HandlesAChainOf64) {
    ClusterDraft draft;
    for (unsigned i = 0; i < 64; ++i) draft.add({static_cast<Amount>(i), 10}, i == 0 ? 0 : bit(i - 1), 0, i);
    const Linearization found = linearize(draft, kPlenty, 1);
    EXPECT_TRUE(found.optimal);
    EXPECT_EQ(rates_of(draft, found), (Rates{{63 * 32, 640}}));
}

TEST(PostLinearize, MovesALateTransactionToItsPlace) {
    const auto draft = draft_of({{{50, 10}}, {{10, 10}, bit(0)}, {{40, 10}, bit(0)}});
    std::array<std::uint8_t, 3> order{0, 1, 2};
    post_linearize(draft, order);
    EXPECT_EQ(order, (std::array<std::uint8_t, 3>{0, 2, 1}));
}

TEST(ChunksOf, JoinsOnlyWhatIsStrictlyBetterThanBefore) {
    const auto draft = draft_of({{{10, 10}}, {{10, 10}}, {{5, 10}}, {{7, 10}}});
    const std::array<std::uint8_t, 4> order{0, 1, 2, 3};
    const Chunking chunking = chunks_of(draft, order);
    ASSERT_EQ(chunking.count, 3u);
    EXPECT_EQ(chunking.chunks[2].rate, (FeeSize{12, 20}));
    EXPECT_EQ(chunking.chunks[2].begin, 2);
    EXPECT_EQ(chunking.chunks[2].end, 4);
}

ChunkKey key(Amount fee, std::uint32_t id) { return {fee, 10, id, 0, 10}; }

TEST(ChunkOrder, StaysSortedThroughSplitsAndMerges) {
    ChunkOrder order;
    constexpr std::uint32_t kCount = 5000;
    for (std::uint32_t i = 0; i < kCount; ++i) order.insert(key((i * 7919) % kCount, i));
    const auto sorted = [&] {
        std::size_t seen = 0;
        ChunkKey before{};
        for (std::size_t b = 0; b < order.block_count(); ++b) {
            for (const ChunkKey& each : order.block(b)) {
                if (seen++ > 0 && !comes_before(before, each)) return false;
                before = each;
            }
        }
        return seen == order.size();
    };
    EXPECT_TRUE(sorted());
    EXPECT_EQ(order.back().fee, 0);
    const std::size_t full = order.memory_usage();
    for (std::uint32_t i = 0; i < kCount; ++i) {
        if (i % 50 != 0) order.erase(key((i * 7919) % kCount, i));
    }
    EXPECT_TRUE(sorted());
    EXPECT_EQ(order.size(), kCount / 50);
    EXPECT_LT(order.memory_usage(), full / 5);
    for (std::uint32_t i = 0; i < kCount; i += 50) order.erase(key((i * 7919) % kCount, i));
    EXPECT_EQ(order.size(), 0u);
    EXPECT_EQ(order.block_count(), 0u);
}

TEST(ChunkOrder, OrdersEqualRatesByPrefixThenTieThenId) {
    const ChunkKey first{10, 10, 9, 5, 10}, longer{20, 20, 1, 0, 20}, later_tie{10, 10, 1, 6, 10}, later_id{10, 10, 10, 5, 10};
    EXPECT_TRUE(comes_before(first, longer));
    EXPECT_TRUE(comes_before(first, later_tie));
    EXPECT_TRUE(comes_before(first, later_id));
    EXPECT_FALSE(comes_before(first, first));
}

}  // namespace
}  // namespace cairn::node::detail
