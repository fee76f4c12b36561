#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "node/mempool/mempool.hpp"
#include "tests/support/mempool_builder.hpp"

namespace cairn::node {
namespace {

using test::MempoolBuilder;

/// The mempool as plainly as it can be said: everything is worked out anew from a map.
class Model {
public:
    struct Entry {
        TransactionPtr tx;
        Amount fee = 0;
        std::int64_t time = 0;
    };
    std::map<Txid, Entry> entries;
    std::map<Txid, Amount> deltas;
    std::set<Txid> unbroadcast;

    std::set<Txid> parents(const Transaction& tx) const {
        std::set<Txid> found;
        for (const TxInput& input : tx.inputs) {
            if (entries.contains(input.prevout.txid)) found.insert(input.prevout.txid);
        }
        return found;
    }
    std::set<Txid> with_descendants(std::set<Txid> set) const {
        for (bool grew = true; grew;) {
            grew = false;
            for (const auto& [txid, entry] : entries) {
                if (set.contains(txid)) continue;
                for (const Txid& parent : parents(entry.tx->tx())) {
                    if (set.contains(parent)) grew = set.insert(txid).second || grew;
                }
            }
        }
        return set;
    }
    std::set<Txid> with_ancestors(std::set<Txid> set) const {
        for (bool grew = true; grew;) {
            grew = false;
            for (const Txid& txid : std::set<Txid>(set)) {
                for (const Txid& parent : parents(entries.at(txid).tx->tx())) grew = set.insert(parent).second || grew;
            }
        }
        return set;
    }
    /// Clusters by joining neighbours until nothing changes.
    std::set<Txid> cluster(const Txid& txid) const {
        std::set<Txid> set{txid};
        for (std::size_t before = 0; before != set.size();) {
            before = set.size();
            set = with_descendants(with_ancestors(set));
        }
        return set;
    }
    std::map<OutPoint, Txid> spenders() const {
        std::map<OutPoint, Txid> found;
        for (const auto& [txid, entry] : entries) {
            for (const TxInput& input : entry.tx->tx().inputs) found[input.prevout] = txid;
        }
        return found;
    }
    Amount delta(const Txid& txid) const {
        const auto found = deltas.find(txid);
        return found == deltas.end() ? 0 : found->second;
    }
    void erase(const std::set<Txid>& gone) {
        for (const Txid& txid : gone) {
            entries.erase(txid);
            unbroadcast.erase(txid);
        }
    }
};

class World {
public:
    World(std::uint64_t seed, const MempoolOptions& options) : make(seed), random(seed ^ 0x5eed), pool(options) {}

    void step() {
        const std::uint64_t kind = random.below(100);
        if (kind < 72) add();
        else if (kind < 75) replace();
        else if (kind < 80) mine();
        else if (kind < 84) reorg();
        else if (kind < 85) expire();
        else if (kind < 88) trim();
        else if (kind < 90) remove();
        else if (kind < 97) prioritise();
        else broadcast();
        compare();
    }

    void compare() {
        ASSERT_EQ(pool.size(), model.entries.size());
        largest = std::max(largest, pool.size());
        std::int64_t vsize = 0;
        Amount fee = 0;
        for (const auto& [txid, entry] : model.entries) {
            const MempoolEntry* found = pool.find(txid);
            ASSERT_NE(found, nullptr);
            ASSERT_EQ(pool.find(entry.tx->tx().wtxid), found);
            ASSERT_EQ(pool.at(found->graph), found);
            ASSERT_EQ(found->tx, entry.tx);
            ASSERT_EQ(found->fee_delta, model.delta(txid));
            vsize += entry.tx->tx().vsize();
            fee += entry.fee;
        }
        ASSERT_EQ(pool.total_vsize(), vsize);
        ASSERT_EQ(pool.total_fee(), fee);
        ASSERT_EQ(pool.fee_deltas(), model.deltas);
        ASSERT_EQ(pool.unbroadcast(), model.unbroadcast);
        const auto spenders = model.spenders();
        for (const auto& [outpoint, txid] : spenders) ASSERT_EQ(pool.spender(outpoint), pool.find(txid));
        for (const auto& [txid, entry] : model.entries) {
            for (std::uint32_t i = 0; i < entry.tx->tx().outputs.size(); ++i) {
                ASSERT_EQ(pool.spender({txid, i}) != nullptr, spenders.contains({txid, i}));
            }
        }
        compare_relatives();
        compare_order();
        if (random.below(4) == 0) pool.check();
    }

    Model model;
    MempoolBuilder make;
    FastRandom random;
    Mempool pool;
    std::vector<Model::Entry> mined;  ///< parents first
    std::int64_t now = 1000;
    std::size_t largest = 0;  ///< that the mempool was

private:
    void compare_relatives() {
        if (model.entries.empty()) return;
        const Txid txid = any();
        const auto id = pool.find(txid)->graph;
        ASSERT_EQ(pool.graph().ancestor_sum(id).count, model.with_ancestors({txid}).size());
        ASSERT_EQ(pool.graph().descendant_sum(id).count, model.with_descendants({txid}).size());
        ASSERT_EQ(pool.graph().cluster_size(id), model.cluster(txid).size());
    }
    /// Parents first, chunks of falling rates, the sums of chunks as given.
    void compare_order() {
        std::set<Txid> seen;
        const auto order = pool.ordered();
        ASSERT_EQ(order.size(), model.entries.size());
        for (const MempoolEntry* entry : order) {
            for (const Txid& parent : model.parents(entry->tx->tx())) ASSERT_TRUE(seen.contains(parent));
            ASSERT_TRUE(seen.insert(entry->txid()).second);
        }
        FeeSize last;
        std::int64_t weight = 0;
        pool.graph().walk([&](const TxGraph::Chunk& chunk) {
            FeeSize sum;
            for (const TxGraph::Id id : chunk.members) sum += pool.at(id)->rate();
            EXPECT_EQ(sum, chunk.rate);
            EXPECT_TRUE(last.empty() || !higher_rate(chunk.rate, last));
            weight += sum.size;
            EXPECT_EQ(pool.rate_at_depth((weight + 3) / 4).per_kvb > 0 || weight % 4 != 0, sum.fee * 4000 >= sum.size || weight % 4 != 0);
            last = sum;
            return TxGraph::Walk::next;
        });
    }

    Txid any() {
        auto it = model.entries.begin();
        std::advance(it, static_cast<std::ptrdiff_t>(random.below(model.entries.size())));
        return it->first;
    }
    /// Outputs of the mempool that nobody spends yet, but for those of `not_of`; and new confirmed ones.
    OutPoint spendable(const std::set<Txid>& not_of, const std::set<OutPoint>& taken) {
        const auto spenders = model.spenders();
        if (!model.entries.empty() && random.flip()) {
            for (int tries = 0; tries < 5; ++tries) {
                const Txid txid = any();
                if (not_of.contains(txid)) continue;
                const OutPoint out{txid, static_cast<std::uint32_t>(random.below(model.entries.at(txid).tx->tx().outputs.size()))};
                if (!spenders.contains(out) && !taken.contains(out)) return out;
            }
        }
        return make.coin();
    }
    std::vector<OutPoint> some_inputs(const std::set<Txid>& not_of) {
        std::set<OutPoint> chosen;
        for (std::uint64_t left = 1 + random.below(3); left > 0; --left) chosen.insert(spendable(not_of, chosen));
        return {chosen.begin(), chosen.end()};
    }
    Model::Entry some_entry(const std::vector<OutPoint>& inputs) {
        const Amount fee = static_cast<Amount>(random.below(5000));
        return {make.tx(inputs, 1 + static_cast<unsigned>(random.below(3)), random.below(3) ? 0 : random.below(200)), fee, now++};
    }
    static MempoolEntry entry(const Model::Entry& from) { return MempoolBuilder::entry(from.tx, from.fee, from.time); }
    void expect_gone(const std::vector<RemovedEntry>& removed, const std::set<Txid>& expected, RemovalReason reason) {
        std::set<Txid> got;
        for (const RemovedEntry& gone : removed) {
            EXPECT_TRUE(got.insert(gone.entry.txid()).second);
            EXPECT_EQ(gone.reason, reason);
        }
        EXPECT_EQ(got, expected);
    }

    void add() {
        const Model::Entry fresh = some_entry(some_inputs({}));
        Mempool::Staged staged = pool.stage(MempoolBuilder::one(entry(fresh)), {});
        if (staged.change.too_large()) return;
        EXPECT_TRUE(pool.commit(std::move(staged)).empty());
        model.entries[fresh.tx->tx().txid] = fresh;
    }
    void replace() {
        if (model.entries.empty()) return add();
        const Txid victim = any();
        const std::set<Txid> gone = model.with_descendants({victim});
        std::vector<OutPoint> inputs = some_inputs(gone);
        const OutPoint contested = model.entries.at(victim).tx->tx().inputs[0].prevout;
        if (std::find(inputs.begin(), inputs.end(), contested) == inputs.end()) inputs.push_back(contested);
        const Model::Entry fresh = some_entry(inputs);
        const MempoolEntry* conflict = pool.find(victim);
        Mempool::Staged staged = pool.stage(MempoolBuilder::one(entry(fresh)), std::span(&conflict, 1));
        if (staged.change.too_large()) return;
        expect_gone(pool.commit(std::move(staged)), gone, RemovalReason::replaced);
        model.erase(gone);
        model.entries[fresh.tx->tx().txid] = fresh;
    }
    /// Some with their ancestors, parents first; sometimes a stranger that conflicts.
    void mine() {
        std::set<Txid> chosen;
        for (std::uint64_t left = random.below(6); left > 0 && !model.entries.empty(); --left) chosen.insert(any());
        chosen = model.with_ancestors(chosen);
        std::vector<Transaction> block;
        mined.clear();
        for (const MempoolEntry* entry : pool.ordered()) {
            if (!chosen.contains(entry->txid())) continue;
            block.push_back(entry->tx->tx());
            mined.push_back(model.entries.at(entry->txid()));
        }
        std::set<Txid> conflicts;
        TransactionPtr stranger;
        if (!model.entries.empty() && random.below(2) == 0) {
            const Txid victim = any();
            const OutPoint contested = model.entries.at(victim).tx->tx().inputs[0].prevout;
            if (!chosen.contains(victim) && (!model.entries.contains(contested.txid) || chosen.contains(contested.txid))) {
                stranger = make.tx({contested});
                block.push_back(stranger->tx());
                mined.push_back({stranger, 500, now++});
                conflicts = model.with_descendants({victim});
                model.deltas.erase(victim);
            }
        }
        std::set<Txid> got_mined, got_conflicts;
        for (const RemovedEntry& gone : pool.remove_for_block(block)) {
            (gone.reason == RemovalReason::block ? got_mined : got_conflicts).insert(gone.entry.txid());
        }
        pool.note_block(now);
        EXPECT_EQ(got_mined, chosen);
        EXPECT_EQ(got_conflicts, conflicts);
        model.erase(chosen);
        model.erase(conflicts);
        for (const Transaction& tx : block) model.deltas.erase(tx.txid);
    }
    /// The last block is taken back, but for some of its transactions.
    void reorg() {
        std::set<Txid> refused;
        for (const Model::Entry& back : mined) {
            bool fits = random.below(5) != 0;
            const auto spenders = model.spenders();
            for (const TxInput& input : back.tx->tx().inputs) {
                fits = fits && !refused.contains(input.prevout.txid) && !spenders.contains(input.prevout);
            }
            if (fits) {
                EXPECT_TRUE(pool.add_back(entry(back)));
                model.entries[back.tx->tx().txid] = back;
                continue;
            }
            refused.insert(back.tx->tx().txid);
            std::vector<Txid> children;
            for (const auto& [outpoint, txid] : spenders) {
                if (outpoint.txid == back.tx->tx().txid) children.push_back(txid);
            }
            const std::set<Txid> gone = model.with_descendants({children.begin(), children.end()});
            expect_gone(pool.remove(children, RemovalReason::reorg), gone, RemovalReason::reorg);
            model.erase(gone);
        }
        mined.clear();
        std::set<Txid> unwanted;
        if (!model.entries.empty() && random.below(2) == 0) unwanted.insert(any());
        const auto removed = pool.end_reorg([&](MempoolEntry& each) { return !unwanted.contains(each.txid()); });
        std::set<Txid> by_rule, by_limit;
        for (const RemovedEntry& gone : removed) {
            (gone.reason == RemovalReason::reorg ? by_rule : by_limit).insert(gone.entry.txid());
        }
        EXPECT_EQ(by_rule, model.with_descendants(unwanted));
        model.erase(by_rule);
        EXPECT_EQ(by_limit, model.with_descendants(by_limit));
        model.erase(by_limit);
        for (const auto& [txid, each] : model.entries) {
            ASSERT_LE(pool.graph().cluster_size(pool.find(txid)->graph), pool.options().cluster_count);
        }
    }
    void expire() {
        const std::int64_t before = now - static_cast<std::int64_t>(random.below(3000));
        std::set<Txid> old;
        for (const auto& [txid, entry] : model.entries) {
            if (entry.time < before) old.insert(txid);
        }
        const std::set<Txid> gone = model.with_descendants(old);
        expect_gone(pool.expire(before), gone, RemovalReason::expiry);
        model.erase(gone);
    }
    void trim() {
        const std::size_t usage = pool.memory_usage();
        const std::size_t limit = usage - std::min<std::size_t>(usage, random.below(6000));
        FeeSize worst;
        if (!model.entries.empty()) worst = pool.graph().worst().rate;
        std::vector<OutPoint> loose;
        const auto removed = pool.trim_to(limit, now, &loose);
        EXPECT_TRUE(pool.memory_usage() <= limit || pool.size() == 0);
        std::set<Txid> gone;
        for (const RemovedEntry& each : removed) {
            EXPECT_EQ(each.reason, RemovalReason::size_limit);
            gone.insert(each.entry.txid());
        }
        EXPECT_EQ(gone, model.with_descendants(gone));
        if (!gone.empty()) {
            const FeeRate floor{FeeRate::of(worst.fee, (worst.size + 3) / 4).per_kvb + pool.options().incremental_relay.per_kvb};
            EXPECT_GE(pool.rolling_minimum(now), floor);
        }
        model.erase(gone);
        for (const OutPoint& outpoint : loose) {
            EXPECT_EQ(pool.spender(outpoint), nullptr);
            EXPECT_FALSE(model.entries.contains(outpoint.txid));
        }
    }
    void remove() {
        if (model.entries.empty()) return;
        const std::vector<Txid> roots{any(), any(), Txid(random.uint256())};
        const std::set<Txid> gone = model.with_descendants({roots[0], roots[1]});
        expect_gone(pool.remove(roots, RemovalReason::conflict), gone, RemovalReason::conflict);
        model.erase(gone);
    }
    void prioritise() {
        const Txid txid = !model.entries.empty() && random.below(5) != 0 ? any() : Txid(random.uint256());
        const Amount delta = static_cast<Amount>(random.below(4001)) - 2000;
        Amount& sum = model.deltas[txid];
        sum += delta;
        EXPECT_EQ(pool.prioritise(txid, delta), sum);
        if (sum == 0) model.deltas.erase(txid);
    }
    void broadcast() {
        if (model.entries.empty()) return;
        const Txid txid = any();
        if (random.flip()) {
            pool.add_unbroadcast(txid);
            model.unbroadcast.insert(txid);
        } else {
            EXPECT_EQ(pool.remove_unbroadcast(txid), model.unbroadcast.erase(txid) > 0);
        }
    }
};

void run(std::uint64_t seed, unsigned cluster_count, int steps) {
    MempoolOptions options;
    options.cluster_count = cluster_count;
    World world(seed, options);
    for (int step = 0; step < steps; ++step) {
        world.step();
        if (::testing::Test::HasFailure()) FAIL() << "seed " << seed << ", clusters of " << cluster_count << ", step " << step;
    }
    world.pool.check();
    ::testing::Test::RecordProperty("largest", static_cast<int>(world.largest));
}

TEST(MempoolProperty, DoesWhatTheNaiveModelDoes) {
    for (std::uint64_t seed = 1; seed <= 20 && !HasFailure(); ++seed) run(seed, 64, 800);
}

TEST(MempoolProperty, DoesWhatTheNaiveModelDoesWithSmallClusters) {
    for (std::uint64_t seed = 101; seed <= 120 && !HasFailure(); ++seed) run(seed, 1 + static_cast<unsigned>(seed % 8), 800);
}

}  // namespace
}  // namespace cairn::node
