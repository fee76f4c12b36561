#include "node/mining/block_selection.hpp"

#include <gtest/gtest.h>

#include "consensus/rules/block_rules.hpp"
#include "tests/support/mempool_builder.hpp"

namespace cairn::node {
namespace {

using test::MempoolBuilder;

class Selection : public testing::Test {
protected:
    Selection() : pool(MempoolOptions{}) { limits.height = 101; }

    TransactionPtr add(Amount fee, const std::vector<OutPoint>& spent, std::size_t padding = 0, std::int64_t sigops = 0) {
        TransactionPtr tx = builder.tx(spent, 2, padding);
        MempoolEntry entry = MempoolBuilder::entry(tx, fee);
        entry.sigop_cost = sigops;
        pool.commit(pool.stage(MempoolBuilder::one(std::move(entry)), {}));
        return tx;
    }
    TransactionPtr add(Amount fee, std::size_t padding = 0, std::int64_t sigops = 0) { return add(fee, {builder.coin()}, padding, sigops); }
    std::vector<Txid> chosen() const {
        std::vector<Txid> ids;
        for (const auto& one : select_for_block(pool, limits).transactions) ids.push_back(one.tx->tx().txid);
        return ids;
    }
    static Txid id(const TransactionPtr& tx) { return tx->tx().txid; }

    Mempool pool;
    MempoolBuilder builder;
    SelectionLimits limits;
};

TEST_F(Selection, TakesTheBestFirstAndParentsWithTheirChildren) {
    const auto cheap = add(100);
    const auto parent = add(10);
    const auto child = add(5000, {MempoolBuilder::out(parent)});
    const auto good = add(1000);
    EXPECT_EQ(chosen(), (std::vector{id(parent), id(child), id(good), id(cheap)}));
    const BlockSelection block = select_for_block(pool, limits);
    EXPECT_EQ(block.fees, 6110);
    EXPECT_EQ(block.chunks.size(), 3u);
}

TEST_F(Selection, CountsPrioritisationForTheOrderButNotForTheReward) {
    const auto favoured = add(0);
    const auto good = add(1000);
    pool.prioritise(id(favoured), 100'000);
    EXPECT_EQ(chosen(), (std::vector{id(favoured), id(good)}));
    EXPECT_EQ(select_for_block(pool, limits).fees, 1000);
}

TEST_F(Selection, LeavesOutWhatIsBelowTheMinimumRate) {
    const auto tx = add(1000);
    const std::int64_t vsize = pool.find(id(tx))->vsize();
    limits.min_fee_rate = FeeRate::of(1000, vsize);
    EXPECT_EQ(chosen().size(), 1u);
    limits.min_fee_rate.per_kvb += 1;
    EXPECT_TRUE(chosen().empty());
    add(0);
    limits.min_fee_rate.per_kvb = 0;
    EXPECT_EQ(chosen().size(), 2u) << "zero takes all";
}

TEST_F(Selection, NeverReachesTheMaximumWeight) {
    const auto tx = add(1000);
    limits.max_weight = limits.reserved_weight + tx->tx().weight();
    EXPECT_TRUE(chosen().empty()) << "as in Bitcoin Core, the last unit stays free";
    ++limits.max_weight;
    EXPECT_EQ(chosen().size(), 1u);
}

TEST_F(Selection, FillsGapsWithWhatIsSmaller) {
    const auto large = add(100'000, 3000);
    const auto child_of_large = add(90'000, {MempoolBuilder::out(large)});
    const auto small = add(10);
    limits.max_weight = limits.reserved_weight + 5'000;
    EXPECT_EQ(chosen(), std::vector{id(small)}) << "and not the child without its parent";
}

TEST_F(Selection, KeepsTheLimitOfSignatureOperations) {
    const std::int64_t all = rules::kMaxBlockSigopCost - limits.reserved_sigop_cost;
    const auto first = add(1000, 0, all - 10);
    const auto second = add(900, 0, 10);
    const auto third = add(800, 0, 9);
    EXPECT_EQ(chosen(), (std::vector{id(first), id(third)}));
}

TEST_F(Selection, LeavesOutWhatIsStillLocked) {
    MutableTransaction locked(builder.tx({builder.coin()})->tx());
    locked.lock_time = 101;
    const TransactionPtr tx = locked.finish();
    MempoolBuilder::add(pool, tx, 1000);
    EXPECT_TRUE(chosen().empty());
    limits.height = 102;
    EXPECT_EQ(chosen().size(), 1u);
}

TEST_F(Selection, GivesUpNearAFullBlock) {
    // A block with less than 4,000 weight units left, 1,001 transactions that do not fit, and one that would.
    const auto filler = add(1'000'000'000, 100'000 - 500);
    limits.max_weight = limits.reserved_weight + filler->tx().weight() + 1'000;
    for (int i = 0; i < 1000; ++i) add(100'000 - i, 500);
    const auto fits = add(10);
    EXPECT_EQ(chosen(), (std::vector{id(filler), id(fits)}));
    add(99'999, 500);
    EXPECT_EQ(chosen(), std::vector{id(filler)});
}

}  // namespace
}  // namespace cairn::node
