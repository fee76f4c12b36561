#include "node/policy/replacement.hpp"

#include <gtest/gtest.h>

#include "tests/support/mempool_builder.hpp"
#include "tests/unit/node/policy/policy_cases.hpp"

namespace cairn::node {
namespace {

using test::debug;
using test::MempoolBuilder;
using test::token;

class Replacement : public testing::Test {
protected:
    const MempoolEntry* put(const TransactionPtr& tx, Amount fee) { return MempoolBuilder::add(pool, tx, fee); }
    Mempool::Staged stage(const TransactionPtr& tx, Amount fee, std::vector<const MempoolEntry*> conflicts) {
        return pool.stage(MempoolBuilder::one(MempoolBuilder::entry(tx, fee)), conflicts);
    }
    static PackageMember member(const TransactionPtr& tx, Amount fee, std::span<const MempoolEntry* const> conflicts = {},
                                std::span<const MempoolEntry* const> parents = {}) {
        return {&tx->tx(), fee, tx->tx().vsize(), parents, conflicts};
    }
    std::string package(const std::vector<PackageMember>& members) { return token(check_package_replacement(pool, members)); }

    MempoolBuilder builder;
    Mempool pool{MempoolOptions{}};
};

TEST_F(Replacement, CountsDescendantsOnce) {
    const auto parent = builder.tx({builder.coin()}, 2);
    const auto* first = put(parent, 100);
    const auto left = builder.tx({builder.out(parent)}), right = builder.tx({builder.out(parent, 1)});
    const auto* second = put(left, 200);
    put(right, 300);
    put(builder.tx({builder.out(left), builder.out(right)}), 400);
    pool.prioritise(left->tx().txid, 1000);
    const std::vector direct{first, second};
    const auto all = with_descendants(pool, direct);
    EXPECT_EQ(all.size(), 4u);
    EXPECT_EQ(total_modified_fee(all), 2000);
}

TEST_F(Replacement, TouchesAHundredClusters) {
    std::vector<const MempoolEntry*> conflicts;
    const Txid txid(Uint256(test::filled(32)));
    for (unsigned i = 0; i < kMaxReplacementClusters; ++i) conflicts.push_back(put(builder.tx({builder.coin()}), 100));
    const auto parent = conflicts[0]->tx;
    conflicts.push_back(put(builder.tx({builder.out(parent)}), 100));
    EXPECT_EQ(token(check_conflict_clusters(pool, txid, conflicts)), "ok") << "101 conflicts, 100 clusters";
    conflicts.push_back(put(builder.tx({builder.coin()}), 100));
    EXPECT_EQ(token(check_conflict_clusters(pool, txid, conflicts)), "too many potential replacements");
    EXPECT_EQ(token(check_conflict_clusters(pool, txid, conflicts, true)), "too many potential replacements (including sibling eviction)");
    EXPECT_EQ(debug(check_conflict_clusters(pool, txid, conflicts)),
              "rejecting replacement " + txid.to_display_hex() + "; too many conflicting clusters (101 > 100)");
}

TEST_F(Replacement, PaysForWhatItReplacesAndForItself) {
    const Txid txid(Uint256(test::filled(32)));
    const std::string prefix = "rejecting replacement " + txid.to_display_hex();
    const auto verdict = [&](Amount fee, bool sibling = false) { return check_replacement_fee(txid, fee, 150, 10'000, FeeRate{1000}, sibling); };
    EXPECT_EQ(token(verdict(10'150)), "ok");
    EXPECT_EQ(token(verdict(10'149)), "insufficient fee");
    EXPECT_EQ(debug(verdict(10'149)), prefix + ", not enough additional fees to relay; 0.00000149 < 0.0000015");
    EXPECT_EQ(debug(verdict(9'999)), prefix + ", less fees than conflicting txs; 0.00009999 < 0.0001");
    EXPECT_EQ(token(verdict(9'999, true)), "insufficient fee (including sibling eviction)");
    EXPECT_EQ(verdict(0).error().refusal, TxRefusal::reconsiderable);
}

TEST_F(Replacement, DoesNotSpendWhatItReplaces) {
    const auto parent = builder.tx({builder.coin()});
    const std::vector direct{put(parent, 100)};
    const std::vector other{put(builder.tx({builder.coin()}), 100)};
    const Txid txid(Uint256(test::filled(32)));
    EXPECT_EQ(token(check_no_conflict_spent(txid, direct, other)), "ok");
    const auto refused = check_no_conflict_spent(txid, direct, direct);
    EXPECT_EQ(token(refused), "bad-txns-spends-conflicting-tx");
    EXPECT_EQ(debug(refused), txid.to_display_hex() + " spends conflicting transaction " + parent->tx().txid.to_display_hex());
    EXPECT_EQ(refused.error().refusal, TxRefusal::consensus);
}

TEST_F(Replacement, MakesTheMempoolBetterToMine) {
    const auto coin = builder.coin();
    const auto* small = put(builder.tx({coin}), 10'000);
    const auto large = builder.tx({coin}, 1, 5'000);
    auto worse = stage(large, 20'000, {small});
    EXPECT_EQ(token(check_cluster_limits(worse.change)), "ok");
    EXPECT_EQ(token(check_replacement_diagram(worse.change)), "replacement-failed");
    EXPECT_EQ(debug(check_replacement_diagram(worse.change)), "insufficient feerate: does not improve feerate diagram");
    EXPECT_EQ(token(check_replacement_diagram(stage(builder.tx({coin}), 10'001, {small}).change)), "ok");
    EXPECT_EQ(token(check_replacement_diagram(stage(builder.tx({coin}), 10'000, {small}).change)), "replacement-failed") << "equal is not better";
    EXPECT_EQ(token(check_package_replacement_diagram(worse.change)),
              "package RBF failed: insufficient feerate: does not improve feerate diagram");
}

TEST_F(Replacement, KeepsClustersSmall) {
    auto last = builder.tx({builder.coin()});
    for (int i = 0; i < 64; ++i) {
        ASSERT_NE(put(last, 1000), nullptr);
        last = builder.tx({builder.out(last)});
    }
    const auto change = stage(last, 1000, {}).change;
    EXPECT_EQ(token(check_cluster_limits(change)), "too-large-cluster");
    EXPECT_EQ(token(check_package_cluster_limits(change)), "too-large-cluster");
    EXPECT_EQ(debug(check_cluster_limits(change)), "");
}

TEST_F(Replacement, OfPackagesIsOneParentOneChild) {
    const auto coin = builder.coin();
    const auto* old = put(builder.tx({coin}), 1'000);
    const std::vector conflicts{old};
    const auto parent = builder.tx({coin}, 2);
    const auto child = builder.tx({builder.out(parent)}), second = builder.tx({builder.out(parent, 1)});
    EXPECT_EQ(package({member(parent, 0, conflicts), member(child, 5'000)}), "ok");
    EXPECT_EQ(package({member(parent, 5'000, conflicts)}), "package RBF failed: package must be 1-parent-1-child");
    EXPECT_EQ(package({member(parent, 0, conflicts), member(child, 5'000), member(second, 5'000)}),
              "package RBF failed: package must be 1-parent-1-child");
    EXPECT_EQ(package({member(parent, 0, conflicts), member(builder.tx({builder.coin()}), 5'000)}),
              "package RBF failed: package must be 1-parent-1-child");
    const std::vector ancestors{put(builder.tx({builder.coin()}), 1'000)};
    EXPECT_EQ(package({member(parent, 0, conflicts), member(child, 5'000, {}, ancestors)}),
              "package RBF failed: new transaction cannot have mempool ancestors");
}

TEST_F(Replacement, OfPackagesPaysByTheChild) {
    const auto coin = builder.coin();
    const std::vector conflicts{put(builder.tx({coin}), 1'000)};
    const auto parent = builder.tx({coin});
    const auto child = builder.tx({builder.out(parent)});
    const std::vector poor{member(parent, 0, conflicts), member(child, 1'000)};
    const std::string prefix = "rejecting replacement " + child->tx().txid.to_display_hex();
    EXPECT_EQ(package(poor), "package RBF failed: insufficient anti-DoS fees");
    EXPECT_EQ(debug(check_package_replacement(pool, poor)).substr(0, prefix.size() + 37), prefix + ", not enough additional fees to relay");

    ASSERT_EQ(parent->tx().vsize(), child->tx().vsize());
    const std::vector upside_down{member(parent, 20'000, conflicts), member(child, 20'000)};
    EXPECT_EQ(package(upside_down), "package RBF failed: package feerate is less than or equal to parent feerate");
    PackageMember round_parent = upside_down[0], round_child = upside_down[1];
    round_parent.vsize = round_child.vsize = 125;
    const std::vector round{round_parent, round_child};
    EXPECT_EQ(debug(check_package_replacement(pool, round)), "package feerate 0.00160000 BTC/kvB <= parent feerate is 0.00160000 BTC/kvB");
}

TEST_F(Replacement, OfPackagesTouchesAHundredClustersInAll) {
    std::vector<const MempoolEntry*> first, second;
    for (unsigned i = 0; i < 60; ++i) first.push_back(put(builder.tx({builder.coin()}), 100));
    for (unsigned i = 0; i < 40; ++i) second.push_back(put(builder.tx({builder.coin()}), 100));
    const auto parent = builder.tx({builder.coin()});
    const auto child = builder.tx({builder.out(parent)});
    EXPECT_EQ(package({member(parent, 0, first), member(child, 50'000, second)}), "ok");
    second.push_back(put(builder.tx({builder.coin()}), 100));
    EXPECT_EQ(package({member(parent, 0, first), member(child, 50'000, second)}), "package RBF failed: too many potential replacements");
}

TEST(Signalling, IsASequenceBelowTheLastTwo) {
    MutableTransaction tx;
    tx.inputs.push_back({OutPoint{Txid(Uint256(test::filled(32))), 0}, {}, 0xffffffff, {}});
    tx.inputs.push_back({OutPoint{Txid(Uint256(test::filled(32))), 1}, {}, 0xfffffffe, {}});
    EXPECT_FALSE(signals_replaceable(tx.finish()->tx()));
    tx.inputs[1].sequence = 0xfffffffd;
    EXPECT_TRUE(signals_replaceable(tx.finish()->tx()));
}

}  // namespace
}  // namespace cairn::node
