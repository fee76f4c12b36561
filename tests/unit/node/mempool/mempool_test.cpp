#include "node/mempool/mempool.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "node/mempool/rolling_minimum.hpp"
#include "tests/support/mempool_builder.hpp"

namespace cairn::node {
namespace {

using test::MempoolBuilder;

constexpr std::int64_t kDay = 24 * 3600;
constexpr std::size_t kNoLimit = std::size_t{1} << 60;

std::vector<Txid> txids(const std::vector<RemovedEntry>& removed) {
    std::vector<Txid> ids;
    for (const RemovedEntry& gone : removed) ids.push_back(gone.entry.txid());
    std::sort(ids.begin(), ids.end());
    return ids;
}
std::vector<Txid> ids_of(std::initializer_list<TransactionPtr> txs) {
    std::vector<Txid> ids;
    for (const TransactionPtr& tx : txs) ids.push_back(tx->tx().txid);
    std::sort(ids.begin(), ids.end());
    return ids;
}

class MempoolTest : public ::testing::Test {
protected:
    explicit MempoolTest(const MempoolOptions& options = {}) : pool_(options) {}
    ~MempoolTest() override { pool_.check(); }

    TransactionPtr add(const std::vector<OutPoint>& inputs, Amount fee, unsigned outputs = 1, std::int64_t time = 1000) {
        TransactionPtr tx = make_.tx(inputs, outputs);
        EXPECT_NE(make_.add(pool_, tx, fee, time), nullptr);
        return tx;
    }
    bool has(const TransactionPtr& tx) const { return pool_.find(tx->tx().txid) != nullptr; }
    std::vector<RemovedEntry> connect(std::initializer_list<TransactionPtr> txs) {
        std::vector<Transaction> block;
        for (const TransactionPtr& tx : txs) block.push_back(tx->tx());
        return pool_.remove_for_block(block);
    }

    MempoolBuilder make_;
    Mempool pool_;
};

// -------------------------------------------------------------------------------------------------------- look-ups

TEST_F(MempoolTest, FindsWhatItHolds) {
    const OutPoint coin = make_.coin();
    const TransactionPtr parent = add({coin}, 500, 2);
    const TransactionPtr child = add({make_.out(parent, 1)}, 700);
    ASSERT_NE(parent->tx().txid, Txid(static_cast<const Uint256&>(parent->tx().wtxid)));

    const MempoolEntry* entry = pool_.find(parent->tx().txid);
    ASSERT_NE(entry, nullptr);
    EXPECT_EQ(pool_.find(parent->tx().wtxid), entry);
    EXPECT_EQ(pool_.at(entry->graph), entry);
    EXPECT_EQ(entry->tx, parent);
    EXPECT_EQ(entry->fee, 500);
    EXPECT_EQ(pool_.spender(coin), entry);
    EXPECT_EQ(pool_.spender(make_.out(parent, 1)), pool_.find(child->tx().txid));
    EXPECT_EQ(pool_.spender(make_.out(parent, 0)), nullptr);
    EXPECT_EQ(pool_.find(Txid(make_.random().uint256())), nullptr);
    EXPECT_EQ(pool_.at(12345), nullptr);
    EXPECT_EQ(pool_.at(TxGraph::kNoId), nullptr);
}

TEST_F(MempoolTest, CountsTransactionsSizesAndFees) {
    EXPECT_EQ(pool_.size(), 0u);
    const TransactionPtr a = add({make_.coin()}, 500);
    const TransactionPtr b = add({make_.coin(), make_.coin()}, 600);
    EXPECT_EQ(pool_.size(), 2u);
    EXPECT_EQ(pool_.total_vsize(), a->tx().vsize() + b->tx().vsize());
    EXPECT_EQ(pool_.total_fee(), 1100);
    pool_.remove(std::vector{a->tx().txid}, RemovalReason::expiry);
    EXPECT_EQ(pool_.size(), 1u);
    EXPECT_EQ(pool_.total_vsize(), b->tx().vsize());
    EXPECT_EQ(pool_.total_fee(), 600);
}

TEST_F(MempoolTest, OrdersByChunksWithParentsFirst) {
    const TransactionPtr middle = add({make_.coin()}, 1000);
    const TransactionPtr poor_parent = add({make_.coin()}, 100);
    const TransactionPtr rich_child = add({make_.out(poor_parent)}, 5000);
    const TransactionPtr last = add({make_.coin()}, 50);
    std::vector<Txid> order;
    for (const MempoolEntry* entry : pool_.ordered()) order.push_back(entry->txid());
    EXPECT_EQ(order, (std::vector<Txid>{poor_parent->tx().txid, rich_child->tx().txid, middle->tx().txid, last->tx().txid}));
    std::size_t visited = 0;
    pool_.for_each([&](const MempoolEntry& entry) { visited += entry.fee > 0; });
    EXPECT_EQ(visited, 4u);
}

TEST_F(MempoolTest, EmptiedItCostsWhatItCostAtFirst) {
    const std::size_t empty = pool_.memory_usage();
    std::vector<Txid> all;
    for (int i = 0; i < 2000; ++i) all.push_back(add({make_.coin()}, 100)->tx().txid);
    EXPECT_GT(pool_.memory_usage(), empty + 2000 * 400);
    EXPECT_EQ(pool_.remove(all, RemovalReason::expiry).size(), 2000u);
    EXPECT_LE(pool_.memory_usage(), empty + 20'000);
}

// ------------------------------------------------------------------------------------------- sequences and changes

TEST_F(MempoolTest, CountsEveryAdditionAndRemovalInOneSequence) {
    EXPECT_EQ(pool_.sequence(), 1u);
    const TransactionPtr a = add({make_.coin()}, 500);
    const TransactionPtr b = add({make_.coin()}, 500);
    EXPECT_EQ(pool_.find(a->tx().txid)->sequence, 1u);
    EXPECT_EQ(pool_.find(b->tx().txid)->sequence, 2u);
    EXPECT_EQ(pool_.sequence(), 3u);
    const auto removed = pool_.remove(std::vector{a->tx().txid}, RemovalReason::expiry);
    ASSERT_EQ(removed.size(), 1u);
    EXPECT_EQ(removed[0].sequence, 3u);
    EXPECT_EQ(removed[0].reason, RemovalReason::expiry);
    EXPECT_EQ(removed[0].entry.fee, 500);
    connect({b});
    EXPECT_EQ(pool_.sequence(), 5u);
}

TEST_F(MempoolTest, CountsChanges) {
    const std::uint64_t start = pool_.changes();
    const TransactionPtr a = add({make_.coin()}, 500);
    EXPECT_EQ(pool_.changes(), start + 1);
    pool_.prioritise(a->tx().txid, 10);
    EXPECT_EQ(pool_.changes(), start + 2);
    pool_.prioritise(Txid(make_.random().uint256()), 10);  // not here: nothing changed
    EXPECT_EQ(pool_.changes(), start + 2);
    connect({a});
    EXPECT_EQ(pool_.changes(), start + 3);
    pool_.note_block(0);
    EXPECT_EQ(pool_.changes(), start + 4);
}

// ----------------------------------------------------------------------------------------------------- replacement

TEST_F(MempoolTest, ReplacesConflictsWithTheirDescendants) {
    const OutPoint coin = make_.coin();
    const TransactionPtr old = add({coin}, 100);
    const TransactionPtr old_child = add({make_.out(old)}, 100);
    const TransactionPtr bystander = add({make_.coin()}, 100);
    const TransactionPtr better = make_.tx({coin});

    const MempoolEntry* conflict = pool_.find(old->tx().txid);
    Mempool::Staged staged = pool_.stage(make_.one(make_.entry(better, 5000)), std::span(&conflict, 1));
    EXPECT_EQ(staged.removed.size(), 2u);
    EXPECT_FALSE(staged.change.too_large());
    EXPECT_TRUE(improves(staged.change.before(), staged.change.after()));
    EXPECT_TRUE(has(old));  // nothing has happened yet

    const auto removed = pool_.commit(std::move(staged));
    EXPECT_EQ(txids(removed), ids_of({old, old_child}));
    for (const RemovedEntry& gone : removed) EXPECT_EQ(gone.reason, RemovalReason::replaced);
    EXPECT_FALSE(has(old));
    EXPECT_TRUE(has(better));
    EXPECT_TRUE(has(bystander));
    EXPECT_EQ(pool_.spender(coin), pool_.find(better->tx().txid));
    EXPECT_EQ(pool_.find(better->tx().txid)->sequence, 6u);  // three came, two left
}

TEST_F(MempoolTest, TakesInAPackageAsOne) {
    const TransactionPtr parent = make_.tx({make_.coin()}, 2);
    const TransactionPtr child = make_.tx({make_.out(parent, 0), make_.coin()});
    std::vector<MempoolEntry> package;
    package.push_back(make_.entry(parent, 0));
    package.push_back(make_.entry(child, 3000));
    Mempool::Staged staged = pool_.stage(std::move(package), {});
    EXPECT_EQ(staged.change.chunk_of_addition(0), (FeeSize{3000, parent->tx().weight() + child->tx().weight()}));
    EXPECT_TRUE(pool_.commit(std::move(staged)).empty());
    EXPECT_EQ(pool_.graph().cluster_size(pool_.find(parent->tx().txid)->graph), 2u);
}

TEST_F(MempoolTest, SaysWhenAClusterWouldBeTooLarge) {
    TransactionPtr tip = add({make_.coin()}, 100);
    for (int i = 1; i < 64; ++i) tip = add({make_.out(tip)}, 100);
    const Mempool::Staged staged = pool_.stage(make_.one(make_.entry(make_.tx({make_.out(tip)}), 100)), {});
    EXPECT_TRUE(staged.change.too_large());
    EXPECT_EQ(pool_.size(), 64u);
}

// ----------------------------------------------------------------------------------------------------------- blocks

TEST_F(MempoolTest, ABlockTakesItsTransactionsAndLeavesTheirChildren) {
    const TransactionPtr parent = add({make_.coin()}, 100);
    const TransactionPtr child = add({make_.out(parent)}, 100);
    const TransactionPtr unknown = make_.tx({make_.coin()});
    const auto removed = connect({parent, unknown});
    ASSERT_EQ(removed.size(), 1u);
    EXPECT_EQ(removed[0].reason, RemovalReason::block);
    EXPECT_TRUE(has(child));
    EXPECT_EQ(pool_.graph().cluster_size(pool_.find(child->tx().txid)->graph), 1u);
}

TEST_F(MempoolTest, ABlockDrivesOutWhatConflictsWithItAndForgetsTheirDeltas) {
    const OutPoint coin = make_.coin();
    const TransactionPtr loser = add({coin, make_.coin()}, 100);
    const TransactionPtr loser_child = add({make_.out(loser)}, 100);
    const TransactionPtr winner = make_.tx({coin});
    pool_.prioritise(loser->tx().txid, 7);
    pool_.prioritise(loser_child->tx().txid, 8);
    pool_.prioritise(winner->tx().txid, 9);
    const auto removed = connect({winner});
    EXPECT_EQ(txids(removed), ids_of({loser, loser_child}));
    for (const RemovedEntry& gone : removed) EXPECT_EQ(gone.reason, RemovalReason::conflict);
    EXPECT_EQ(pool_.size(), 0u);
    EXPECT_EQ(pool_.fee_delta(loser->tx().txid), 0);
    EXPECT_EQ(pool_.fee_delta(winner->tx().txid), 0);
    EXPECT_EQ(pool_.fee_delta(loser_child->tx().txid), 8);
}

TEST_F(MempoolTest, OneConflictBelowTwoBlockTransactionsLeavesOnce) {
    const OutPoint a = make_.coin(), b = make_.coin();
    const TransactionPtr first = add({a}, 100, 2);
    const TransactionPtr second = add({b}, 100);
    const TransactionPtr both = add({make_.out(first), make_.out(second)}, 100);
    const auto removed = connect({make_.tx({a}), make_.tx({b})});
    EXPECT_EQ(txids(removed), ids_of({first, second, both}));
}

TEST_F(MempoolTest, ATransactionMinedWithAnotherWitnessLeavesForTheBlock) {
    const TransactionPtr tx = add({make_.coin()}, 100);
    MutableTransaction other(tx->tx());
    other.inputs[0].witness = {Bytes(10, 7)};
    const auto removed = connect({other.finish()});
    ASSERT_EQ(removed.size(), 1u);
    EXPECT_EQ(removed[0].reason, RemovalReason::block);
}

// ----------------------------------------------------------------------------------------------------------- expiry

TEST_F(MempoolTest, ExpiresWhatIsOlderWithItsDescendants) {
    const TransactionPtr old = add({make_.coin()}, 100, 1, 1000);
    const TransactionPtr edge = add({make_.coin()}, 100, 1, 1001);
    const TransactionPtr young_child = add({make_.out(old)}, 100, 1, 5000);
    EXPECT_TRUE(pool_.expire(1000).empty());
    const auto removed = pool_.expire(1001);
    EXPECT_EQ(txids(removed), ids_of({old, young_child}));
    EXPECT_EQ(removed[0].reason, RemovalReason::expiry);
    EXPECT_TRUE(has(edge));
    EXPECT_TRUE(pool_.expire(1001).empty());
    EXPECT_EQ(pool_.expire(1002).size(), 1u);
}

TEST_F(MempoolTest, ExpiresWhateverTheOrderOfTimesWas) {
    for (int i = 0; i < 500; ++i) add({make_.coin()}, 100, 1, (i * 7919) % 500);
    for (std::int64_t time = 1; time <= 500; ++time) {
        const auto removed = pool_.expire(time);
        ASSERT_EQ(removed.size(), 1u);
        ASSERT_EQ(removed[0].entry.time, time - 1);
    }
    EXPECT_EQ(pool_.size(), 0u);
}

// --------------------------------------------------------------------------------------------------------- eviction

TEST_F(MempoolTest, EvictsTheWorstChunkFirst) {
    const TransactionPtr good = add({make_.coin()}, 3000);
    const TransactionPtr poor_parent = add({make_.coin()}, 10);
    const TransactionPtr rich_child = add({make_.out(poor_parent)}, 4000);
    const TransactionPtr worst = add({make_.coin()}, 100);
    const std::size_t full = pool_.memory_usage();
    auto removed = pool_.trim_to(full - 1, 0);
    EXPECT_EQ(txids(removed), ids_of({worst}));
    EXPECT_EQ(removed[0].reason, RemovalReason::size_limit);
    removed = pool_.trim_to(pool_.memory_usage() - 1, 0);
    EXPECT_EQ(txids(removed), ids_of({poor_parent, rich_child}));
    EXPECT_TRUE(has(good));
    EXPECT_TRUE(pool_.trim_to(full, 0).empty());
}

TEST_F(MempoolTest, TellsWhichOutputsNobodySpendsAnyMore) {
    const OutPoint coin = make_.coin();
    const TransactionPtr parent = add({coin}, 5000, 2);
    const TransactionPtr child = add({make_.out(parent, 0), make_.coin()}, 10);
    std::vector<OutPoint> loose;
    EXPECT_EQ(pool_.trim_to(pool_.memory_usage() - 1, 0, &loose).size(), 1u);
    // The child's: its parent is still here, so only the confirmed one counts.
    EXPECT_EQ(loose, (std::vector<OutPoint>{child->tx().inputs[1].prevout}));
}

TEST_F(MempoolTest, EvictionRaisesTheMinimumByTheIncrementalFee) {
    EXPECT_EQ(pool_.rolling_minimum(0).per_kvb, 0);
    const TransactionPtr tx = add({make_.coin()}, 1000);
    const std::int64_t vsize = tx->tx().vsize();
    pool_.trim_to(0, 0);
    EXPECT_EQ(pool_.rolling_minimum(0).per_kvb, 1000 * 1000 / vsize + 100);
    // A cheaper one that is evicted later changes nothing.
    add({make_.coin()}, 10);
    pool_.trim_to(0, 0);
    EXPECT_EQ(pool_.rolling_minimum(0).per_kvb, 1000 * 1000 / vsize + 100);
}

/// One transaction of 100 vbytes and some fee was evicted at time 0 from a mempool that may hold next to nothing, so that the half
/// life is the full one.
class RollingMinimumTest : public MempoolTest {
protected:
    static MempoolOptions options(std::int64_t max_bytes) {
        MempoolOptions chosen;
        chosen.max_bytes = max_bytes;
        return chosen;
    }
    explicit RollingMinimumTest(std::int64_t max_bytes = 1) : MempoolTest(options(max_bytes)) {
        MempoolEntry entry = make_.entry(make_.tx({make_.coin()}), 1590);
        entry.weight = 400;
        pool_.commit(pool_.stage(make_.one(std::move(entry)), {}));
        pool_.trim_to(0, 0);
    }
    static constexpr std::int64_t kHalf = 12 * 3600;
};

TEST_F(RollingMinimumTest, StaysUntilABlockComes) {
    EXPECT_EQ(pool_.rolling_minimum(0).per_kvb, 16'000);
    EXPECT_EQ(pool_.rolling_minimum(30 * kDay).per_kvb, 16'000);
}

TEST_F(RollingMinimumTest, HalvesEveryTwelveHoursAfterABlock) {
    pool_.note_block(1000);
    EXPECT_EQ(pool_.rolling_minimum(1000).per_kvb, 16'000);
    EXPECT_EQ(pool_.rolling_minimum(1010).per_kvb, 16'000);  // steps of up to ten seconds are none
    EXPECT_EQ(pool_.rolling_minimum(1000 + kHalf).per_kvb, 8000);
    EXPECT_EQ(pool_.rolling_minimum(1000 + 2 * kHalf).per_kvb, 4000);
    EXPECT_EQ(pool_.rolling_minimum(1000 + kHalf / 2).per_kvb, 11'314);  // 16000 / sqrt 2 = 11313.7
    EXPECT_EQ(pool_.rolling_minimum(1000 + 7 * kHalf).per_kvb, 125);
    EXPECT_EQ(pool_.rolling_minimum(1000 + 8 * kHalf).per_kvb, 100);  // 62.5, but not below the incremental fee
    EXPECT_EQ(pool_.rolling_minimum(1000 + 9 * kHalf).per_kvb, 0);    // 31.25 is less than half of it
}

TEST_F(RollingMinimumTest, AnotherEvictionStopsTheFall) {
    pool_.note_block(0);
    MempoolEntry entry = make_.entry(make_.tx({make_.coin()}), 1190);
    entry.weight = 400;
    pool_.commit(pool_.stage(make_.one(std::move(entry)), {}));
    pool_.trim_to(0, kHalf);  // it has fallen to 8000; 11900 + 100 is more
    EXPECT_EQ(pool_.rolling_minimum(kHalf).per_kvb, 12'000);
    EXPECT_EQ(pool_.rolling_minimum(9 * kHalf).per_kvb, 12'000);
    pool_.note_block(9 * kHalf);
    EXPECT_EQ(pool_.rolling_minimum(10 * kHalf).per_kvb, 6000);
}

TEST_F(RollingMinimumTest, EveryBlockContinuesTheFall) {
    pool_.note_block(0);
    pool_.note_block(kHalf / 2);
    EXPECT_EQ(pool_.rolling_minimum(kHalf).per_kvb, 8000);
    EXPECT_EQ(pool_.rolling_minimum(kHalf - 50 * kDay).per_kvb, 11'314);  // a clock set back does not raise it
}

class RoomyMempoolTest : public RollingMinimumTest {
protected:
    RoomyMempoolTest() : RollingMinimumTest(1 << 30) {}
};

TEST_F(RoomyMempoolTest, FallsFourTimesAsFastWhileThreeQuartersAreFree) {
    pool_.note_block(0);
    EXPECT_EQ(pool_.rolling_minimum(kHalf / 4).per_kvb, 8000);
    EXPECT_EQ(pool_.rolling_minimum(kHalf).per_kvb, 1000);
}

TEST(RollingMinimum, FallsTwiceAsFastWhileHalfIsFree) {
    RollingMinimum minimum;
    minimum.raise({16'000});
    minimum.note_block(0, {});
    const std::int64_t half = 12 * 3600;
    EXPECT_EQ(minimum.at(half, {50, 100, {100}}).per_kvb, 8000);
    EXPECT_EQ(minimum.at(half, {49, 100, {100}}).per_kvb, 4000);
    EXPECT_EQ(minimum.at(half, {25, 100, {100}}).per_kvb, 4000);
    EXPECT_EQ(minimum.at(half, {24, 100, {100}}).per_kvb, 1000);
}

// ------------------------------------------------------------------------------------------------------------- fees

TEST_F(MempoolTest, GivesTheRateAtADepth) {
    const TransactionPtr best = add({make_.coin()}, 3000);
    const TransactionPtr second = add({make_.coin()}, 2000);
    const std::int64_t vsize = best->tx().vsize();
    ASSERT_EQ(best->tx().weight(), second->tx().weight());
    EXPECT_EQ(pool_.rate_at_depth(1).per_kvb, 3000 * 1000 / vsize);
    EXPECT_EQ(pool_.rate_at_depth(vsize + 1).per_kvb, 2000 * 1000 / vsize);
    EXPECT_EQ(pool_.rate_at_depth(10 * vsize).per_kvb, 0);
}

TEST_F(MempoolTest, PrioritisationMovesATransaction) {
    const TransactionPtr a = add({make_.coin()}, 1000);
    const TransactionPtr b = add({make_.coin()}, 1500);
    EXPECT_EQ(pool_.ordered()[0]->txid(), b->tx().txid);
    EXPECT_EQ(pool_.prioritise(a->tx().txid, 600), 600);
    EXPECT_EQ(pool_.ordered()[0]->txid(), a->tx().txid);
    EXPECT_EQ(pool_.find(a->tx().txid)->modified_fee(), 1600);
    EXPECT_EQ(pool_.total_fee(), 2500);
    EXPECT_EQ(pool_.prioritise(a->tx().txid, -200), 400);
    EXPECT_EQ(pool_.ordered()[0]->txid(), b->tx().txid);
    EXPECT_EQ(pool_.prioritise(a->tx().txid, -400), 0);
    EXPECT_TRUE(pool_.fee_deltas().empty());
    EXPECT_EQ(pool_.find(a->tx().txid)->modified_fee(), 1000);
}

TEST_F(MempoolTest, ADeltaWaitsForItsTransactionAndOutlivesIt) {
    const TransactionPtr tx = make_.tx({make_.coin()});
    pool_.prioritise(tx->tx().txid, 5000);
    make_.add(pool_, tx, 100);
    EXPECT_EQ(pool_.find(tx->tx().txid)->modified_fee(), 5100);
    EXPECT_EQ(pool_.find(tx->tx().txid)->fee, 100);
    pool_.trim_to(0, 0);
    EXPECT_EQ(pool_.fee_delta(tx->tx().txid), 5000);
    connect({tx});
    EXPECT_EQ(pool_.fee_delta(tx->tx().txid), 0);
}

TEST_F(MempoolTest, DeltasStopAtTheEndsOfTheirRange) {
    constexpr Amount kMost = std::numeric_limits<Amount>::max();
    const TransactionPtr parent = add({make_.coin()}, 1000);
    const TransactionPtr child = add({make_.out(parent)}, 1000);
    for (const TransactionPtr& tx : {parent, child}) {
        EXPECT_EQ(pool_.prioritise(tx->tx().txid, kMost), kMost);
        EXPECT_EQ(pool_.prioritise(tx->tx().txid, kMost), kMost);
        EXPECT_EQ(pool_.find(tx->tx().txid)->modified_fee(), Amount{1} << 55);
    }
    pool_.check();
    EXPECT_EQ(pool_.prioritise(parent->tx().txid, -kMost), 0);
    EXPECT_EQ(pool_.prioritise(parent->tx().txid, std::numeric_limits<Amount>::min()), std::numeric_limits<Amount>::min());
    EXPECT_EQ(pool_.find(parent->tx().txid)->modified_fee(), -(Amount{1} << 55));
}

// ------------------------------------------------------------------------------------------------------ unbroadcast

TEST_F(MempoolTest, RemembersWhatNobodyAskedFor) {
    const TransactionPtr a = add({make_.coin()}, 100), b = add({make_.coin()}, 100);
    pool_.add_unbroadcast(a->tx().txid);
    pool_.add_unbroadcast(b->tx().txid);
    pool_.add_unbroadcast(Txid(make_.random().uint256()));  // is not here
    EXPECT_EQ(pool_.unbroadcast().size(), 2u);
    EXPECT_TRUE(pool_.remove_unbroadcast(a->tx().txid));
    EXPECT_FALSE(pool_.remove_unbroadcast(a->tx().txid));
    connect({b});
    EXPECT_TRUE(pool_.unbroadcast().empty());
}

// ------------------------------------------------------------------------------------------------------------ reorgs

TEST_F(MempoolTest, AReturnedParentIsLinkedToItsChildren) {
    const TransactionPtr parent = add({make_.coin()}, 100, 2);
    const TransactionPtr child = add({make_.out(parent)}, 300);
    connect({parent});
    pool_.note_block(0);
    const std::uint64_t sequence = pool_.sequence();
    EXPECT_TRUE(pool_.add_back(make_.entry(parent, 100)));
    EXPECT_FALSE(pool_.add_back(make_.entry(parent, 100)));
    EXPECT_EQ(pool_.sequence(), sequence + 1);
    EXPECT_EQ(pool_.find(parent->tx().txid)->sequence, 0u);
    EXPECT_TRUE(pool_.end_reorg([](MempoolEntry&) { return true; }).empty());
    pool_.check();
    const auto id = pool_.find(child->tx().txid)->graph;
    EXPECT_EQ(pool_.graph().ancestor_sum(id).count, 2u);
    EXPECT_EQ(pool_.ordered()[0]->txid(), parent->tx().txid);
}

TEST_F(MempoolTest, ReturnedTransactionsAreLinkedToEachOther) {
    const TransactionPtr a = make_.tx({make_.coin()}, 2);
    const TransactionPtr b = make_.tx({make_.out(a, 0)});
    const TransactionPtr c = make_.tx({make_.out(a, 1), make_.out(b)});
    for (const TransactionPtr& tx : {a, b, c}) EXPECT_TRUE(pool_.add_back(make_.entry(tx, 100)));
    pool_.end_reorg([](MempoolEntry&) { return true; });
    EXPECT_EQ(pool_.graph().descendant_sum(pool_.find(a->tx().txid)->graph).count, 3u);
}

TEST_F(MempoolTest, WhatMayNotStayAfterAReorgLeavesWithItsDescendants) {
    const TransactionPtr parent = add({make_.coin()}, 100);
    const TransactionPtr child = add({make_.out(parent)}, 100);
    const TransactionPtr grandchild = add({make_.out(child)}, 100);
    const TransactionPtr other = add({make_.coin()}, 100);
    connect({parent});
    pool_.add_back(make_.entry(parent, 100));
    const auto removed = pool_.end_reorg([&](MempoolEntry& entry) {
        entry.locks.height = 42;
        return entry.txid() != parent->tx().txid;
    });
    EXPECT_EQ(txids(removed), ids_of({parent, child, grandchild}));
    for (const RemovedEntry& gone : removed) EXPECT_EQ(gone.reason, RemovalReason::reorg);
    EXPECT_EQ(pool_.find(other->tx().txid)->locks.height, 42);
}

TEST_F(MempoolTest, RemovesDescendantsThatTheGraphDoesNotKnowYet) {
    const TransactionPtr parent = add({make_.coin()}, 100);
    const TransactionPtr child = add({make_.out(parent)}, 100);
    connect({parent});
    pool_.add_back(make_.entry(parent, 100));
    EXPECT_EQ(pool_.remove(std::vector{parent->tx().txid}, RemovalReason::reorg).size(), 2u);
    EXPECT_FALSE(has(child));
    EXPECT_TRUE(pool_.end_reorg([](MempoolEntry&) { return true; }).empty());
}

TEST_F(MempoolTest, TrimsClustersThatAReorgMadeTooLarge) {
    // Two chains of 40 hang on one confirmed transaction, which returns: 81 in one cluster.
    const TransactionPtr root = add({make_.coin()}, 5000, 2);
    connect({root});
    std::vector<TransactionPtr> tips;
    for (std::uint32_t i = 0; i < 2; ++i) {
        TransactionPtr tip = add({make_.out(root, i)}, 1000 + i);
        for (int k = 1; k < 40; ++k) tip = add({make_.out(tip)}, 1000 + i);
        tips.push_back(tip);
    }
    EXPECT_TRUE(pool_.add_back(make_.entry(root, 5000)));
    const auto removed = pool_.end_reorg([](MempoolEntry&) { return true; });
    EXPECT_GE(removed.size(), 17u);
    for (const RemovedEntry& gone : removed) EXPECT_EQ(gone.reason, RemovalReason::size_limit);
    EXPECT_TRUE(has(root));
    EXPECT_FALSE(has(tips[0]));
    EXPECT_EQ(pool_.size(), 81 - removed.size());
    EXPECT_LE(pool_.graph().cluster_size(pool_.find(root->tx().txid)->graph), 64u);
    EXPECT_TRUE(pool_.trim_to(kNoLimit, 0).empty());
}

TEST(RemovalReason, HasTheNamesThatClientsKnow) {
    EXPECT_STREQ(to_string(RemovalReason::expiry), "expiry");
    EXPECT_STREQ(to_string(RemovalReason::size_limit), "sizelimit");
    EXPECT_STREQ(to_string(RemovalReason::reorg), "reorg");
    EXPECT_STREQ(to_string(RemovalReason::block), "block");
    EXPECT_STREQ(to_string(RemovalReason::conflict), "conflict");
    EXPECT_STREQ(to_string(RemovalReason::replaced), "replaced");
}

}  // namespace
}  // namespace cairn::node
