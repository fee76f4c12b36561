#include "node/mining/block_selection.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "consensus/rules/block_rules.hpp"
#include "tests/support/mempool_builder.hpp"

namespace cairn::node {
namespace {

using test::MempoolBuilder;

/// A mempool with clusters of all shapes; fees, sizes and signature operations at random.
class RandomPool {
public:
    explicit RandomPool(std::uint64_t seed, std::size_t transactions) : pool_(MempoolOptions{}), builder_(seed) {
        FastRandom& random = builder_.random();
        while (pool_.size() < transactions) {
            std::vector<OutPoint> inputs;
            const std::uint64_t parents = random.below(4) == 0 ? 0 : random.below(3);
            for (std::uint64_t i = 0; i < parents && !free_.empty(); ++i) {
                const std::size_t at = random.below(std::min<std::uint64_t>(free_.size(), 40));
                inputs.push_back(free_[free_.size() - 1 - at]);
                free_.erase(free_.end() - 1 - static_cast<std::ptrdiff_t>(at));
            }
            if (inputs.empty()) inputs.push_back(builder_.coin());
            const auto outputs = static_cast<unsigned>(1 + random.below(4));
            const TransactionPtr tx = builder_.tx(inputs, outputs, random.below(5) == 0 ? random.below(3000) : 0);
            MempoolEntry entry = MempoolBuilder::entry(tx, static_cast<Amount>(random.below(20'000)));
            entry.sigop_cost = random.below(50) == 0 ? static_cast<std::int64_t>(random.below(4000)) : 4;
            entry.weight = std::max(entry.weight, entry.sigop_cost * 20);
            Mempool::Staged staged = pool_.stage(MempoolBuilder::one(std::move(entry)), {});
            if (staged.change.too_large()) continue;
            pool_.commit(std::move(staged));
            for (unsigned i = 0; i < outputs; ++i) free_.push_back(MempoolBuilder::out(tx, i));
            if (random.below(30) == 0) pool_.prioritise(tx->tx().txid, static_cast<Amount>(random.below(40'000)) - 20'000);
        }
    }
    const Mempool& pool() const { return pool_; }
    FastRandom& random() { return builder_.random(); }

private:
    Mempool pool_;
    MempoolBuilder builder_;
    std::vector<OutPoint> free_;
};

/// The same block found the slow way: all clusters' next chunks are compared for every choice.
std::vector<Txid> naive_choice(const Mempool& pool, const SelectionLimits& limits) {
    struct Queue {
        std::vector<std::vector<TxGraph::Id>> chunks;
        std::vector<FeeSize> rates;
        std::size_t next = 0;
    };
    std::map<std::uint64_t, Queue> queues;
    pool.for_each([&](const MempoolEntry& entry) {
        Queue& queue = queues[pool.graph().cluster_number(entry.graph)];
        if (!queue.chunks.empty()) return;
        for (const TxGraph::Chunk& chunk : pool.graph().cluster(entry.graph)) {
            queue.chunks.emplace_back(chunk.members.begin(), chunk.members.end());
            queue.rates.push_back(chunk.rate);
        }
    });
    std::vector<Txid> chosen;
    std::int64_t weight = limits.reserved_weight, sigops = limits.reserved_sigop_cost;
    int misfits = 0;
    while (!queues.empty()) {
        auto best = queues.begin();
        for (auto it = queues.begin(); it != queues.end(); ++it) {
            if (pool.graph().compare(it->second.chunks[it->second.next][0], best->second.chunks[best->second.next][0]) < 0) best = it;
        }
        Queue& queue = best->second;
        const FeeSize rate = queue.rates[queue.next];
        if (compare_rate({rate.fee, (rate.size + 3) / 4}, {limits.min_fee_rate.per_kvb, 1000}) < 0) break;
        std::int64_t more_sigops = 0, more_weight = 0;
        for (const TxGraph::Id id : queue.chunks[queue.next]) {
            more_sigops += pool.at(id)->sigop_cost;
            more_weight += pool.at(id)->tx->tx().weight();
        }
        if (weight + rate.size >= limits.max_weight || sigops + more_sigops >= rules::kMaxBlockSigopCost) {
            queues.erase(best);
            if (++misfits > 1000 && weight + 4000 > limits.max_weight) break;
            continue;
        }
        misfits = 0;
        weight += more_weight;
        sigops += more_sigops;
        for (const TxGraph::Id id : queue.chunks[queue.next]) chosen.push_back(pool.at(id)->txid());
        if (++queue.next == queue.chunks.size()) queues.erase(best);
    }
    return chosen;
}

void expect_sound(const BlockSelection& block, const Mempool& pool, const SelectionLimits& limits) {
    std::set<Txid> before;
    std::int64_t weight = limits.reserved_weight, sigops = limits.reserved_sigop_cost;
    Amount fees = 0;
    for (const SelectedTransaction& one : block.transactions) {
        for (const TxInput& input : one.tx->tx().inputs) {
            EXPECT_TRUE(!pool.find(input.prevout.txid) || before.contains(input.prevout.txid)) << "a child before its parent";
        }
        EXPECT_TRUE(before.insert(one.tx->tx().txid).second);
        weight += one.tx->tx().weight();
        sigops += one.sigop_cost;
        fees += one.fee;
    }
    EXPECT_EQ(block.weight, weight);
    EXPECT_EQ(block.sigop_cost, sigops);
    EXPECT_EQ(block.fees, fees);
    EXPECT_LE(weight, limits.max_weight);
    EXPECT_LE(sigops, rules::kMaxBlockSigopCost);
    for (const FeeSize& chunk : block.chunks) {
        EXPECT_FALSE(higher_rate({limits.min_fee_rate.per_kvb, 1000}, chunk));
    }
}

TEST(BlockSelection, IsTheGreedyChoiceOverChunks) {
    std::size_t blocks = 0, transactions = 0;
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        RandomPool random(seed, 300 + 20 * seed);
        const Mempool& pool = random.pool();
        for (int round = 0; round < 6; ++round) {
            SelectionLimits limits;
            limits.height = 101;
            if (round > 0) {
                limits.max_weight = 10'000 + static_cast<std::int64_t>(random.random().below(700'000));
                limits.reserved_weight = 2'000 + static_cast<std::int64_t>(random.random().below(8'000));
                limits.min_fee_rate.per_kvb = static_cast<Amount>(random.random().below(20'000));
            }
            const BlockSelection block = select_for_block(pool, limits);
            expect_sound(block, pool, limits);
            std::vector<Txid> chosen;
            for (const SelectedTransaction& one : block.transactions) chosen.push_back(one.tx->tx().txid);
            EXPECT_EQ(chosen, naive_choice(pool, limits)) << "seed " << seed << " round " << round;
            ++blocks;
            transactions += chosen.size();
        }
    }
    std::printf("%zu blocks, %zu transactions chosen\n", blocks, transactions);
}

}  // namespace
}  // namespace cairn::node
