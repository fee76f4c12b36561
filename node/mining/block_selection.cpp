#include "node/mining/block_selection.hpp"

#include "consensus/rules/block_rules.hpp"
#include "consensus/rules/locktime.hpp"

namespace cairn::node {

namespace {

constexpr std::int64_t kMaxSigopCost = rules::kMaxBlockSigopCost;
constexpr int kMaxMisfits = 1000;            // in a row, near a full block
constexpr std::int64_t kNearlyFull = 4'000;  // weight units that may be left then

/// Fills one block.
class Selector {
public:
    Selector(const Mempool& pool, const SelectionLimits& limits) : pool_(pool), limits_(limits) {
        block_.weight = limits.reserved_weight;
        block_.sigop_cost = limits.reserved_sigop_cost;
    }

    TxGraph::Walk visit(const TxGraph::Chunk& chunk) {
        const FeeSize rate{chunk.rate.fee, (chunk.rate.size + kWitnessScaleFactor - 1) / kWitnessScaleFactor};
        if (compare_rate(rate, {limits_.min_fee_rate.per_kvb, 1000}) < 0) return TxGraph::Walk::stop;
        look_up(chunk);
        if (!fits(chunk)) {
            const bool enough = ++misfits_ > kMaxMisfits && block_.weight + kNearlyFull > limits_.max_weight;
            return enough ? TxGraph::Walk::stop : TxGraph::Walk::skip_cluster;
        }
        misfits_ = 0;
        for (const MempoolEntry* entry : entries_) take(*entry);
        block_.chunks.push_back(rate);
        return TxGraph::Walk::next;
    }

    BlockSelection finish() { return std::move(block_); }

private:
    void look_up(const TxGraph::Chunk& chunk) {
        entries_.clear();
        for (const TxGraph::Id id : chunk.members) entries_.push_back(pool_.at(id));
    }

    bool fits(const TxGraph::Chunk& chunk) const {
        if (block_.weight + chunk.rate.size >= limits_.max_weight) return false;
        std::int64_t sigops = block_.sigop_cost;
        for (const MempoolEntry* entry : entries_) sigops += entry->sigop_cost;
        if (sigops >= kMaxSigopCost) return false;
        // The mempool holds only what may be in the next block; this is a second look.
        for (const MempoolEntry* entry : entries_) {
            if (!rules::is_final(entry->tx->tx(), limits_.height, limits_.lock_time_cutoff)) return false;
        }
        return true;
    }

    void take(const MempoolEntry& entry) {
        block_.transactions.push_back({entry.tx, entry.fee, entry.sigop_cost, entry.modified_fee()});
        block_.fees += entry.fee;
        block_.weight += entry.tx->tx().weight();
        block_.sigop_cost += entry.sigop_cost;
    }

    const Mempool& pool_;
    const SelectionLimits& limits_;
    BlockSelection block_;
    std::vector<const MempoolEntry*> entries_;  // of the chunk being looked at
    int misfits_ = 0;
};

}  // namespace

BlockSelection select_for_block(const Mempool& pool, const SelectionLimits& limits) {
    Selector selector(pool, limits);
    pool.graph().walk([&selector](const TxGraph::Chunk& chunk) { return selector.visit(chunk); });
    return selector.finish();
}

}  // namespace cairn::node
