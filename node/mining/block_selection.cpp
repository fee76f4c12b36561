#include "node/mining/block_selection.hpp"

#include <algorithm>
#include <optional>
#include <span>

#include "consensus/base/check.hpp"
#include "consensus/rules/block_rules.hpp"
#include "consensus/rules/locktime.hpp"

namespace cairn::node {

namespace {

constexpr std::int64_t kMaxSigopCost = rules::kMaxBlockSigopCost;
constexpr int kMaxMisfits = 1000;            // in a row, near a full block
constexpr std::int64_t kNearlyFull = 4'000;  // weight units that may be left then
constexpr std::size_t kCacheLine = 64, kAhead = 8;

/// Asks the processor for memory that is used soon: what is chosen lies scattered over the whole mempool.
void fetch_ahead(const MempoolEntry& entry) {
    const char* memory = reinterpret_cast<const char*>(entry.tx.get());
    __builtin_prefetch(memory, 1);
    __builtin_prefetch(memory + kCacheLine, 0);
}

/// Fills one block. While chunks are being chosen only entries are looked at, not their transactions.
class Selector {
public:
    /// `check_locks`: leave out chunks with transactions that are not final.
    Selector(const Mempool& pool, const SelectionLimits& limits, bool check_locks)
        : pool_(pool), limits_(limits), bytes_per_sigop_(pool.options().bytes_per_sigop), check_locks_(check_locks) {
        block_.weight = limits.reserved_weight;
        block_.sigop_cost = limits.reserved_sigop_cost;
    }

    TxGraph::Walk visit(const TxGraph::Chunk& chunk) {
        const FeeSize rate{chunk.rate.fee, (chunk.rate.size + kWitnessScaleFactor - 1) / kWitnessScaleFactor};
        if (compare_rate(rate, {limits_.min_fee_rate.per_kvb, 1000}) < 0) return TxGraph::Walk::stop;
        const std::size_t first = chosen_.size();
        for (const TxGraph::Id id : chunk.members) chosen_.push_back(pool_.at(id));
        const auto entries = std::span(chosen_).subspan(first);
        if (!fits(chunk, entries)) {
            chosen_.resize(first);
            const bool enough = ++misfits_ > kMaxMisfits && block_.weight + kNearlyFull > limits_.max_weight;
            return enough ? TxGraph::Walk::stop : TxGraph::Walk::skip_cluster;
        }
        misfits_ = 0;
        for (const MempoolEntry* entry : entries) {
            block_.fees += entry->fee;
            block_.weight += weight_of(*entry);
            block_.sigop_cost += entry->sigop_cost;
        }
        block_.chunks.push_back(rate);
        return TxGraph::Walk::next;
    }

    /// nullopt: something chosen is not final, which is seen only now when locks were not to be checked before.
    std::optional<BlockSelection> finish() {
        block_.transactions.reserve(chosen_.size());
        for (std::size_t i = 0; i < chosen_.size(); ++i) {
            if (i + kAhead < chosen_.size()) fetch_ahead(*chosen_[i + kAhead]);
            const MempoolEntry& entry = *chosen_[i];
            if (!is_final(entry)) return std::nullopt;
            block_.transactions.push_back({entry.tx, entry.fee, entry.sigop_cost, entry.modified_fee()});
        }
        return std::move(block_);
    }

private:
    bool fits(const TxGraph::Chunk& chunk, std::span<const MempoolEntry* const> entries) const {
        if (block_.weight + chunk.rate.size >= limits_.max_weight) return false;
        std::int64_t sigops = block_.sigop_cost;
        for (const MempoolEntry* entry : entries) sigops += entry->sigop_cost;
        if (sigops >= kMaxSigopCost) return false;
        return !check_locks_ || std::all_of(entries.begin(), entries.end(), [this](const MempoolEntry* entry) { return is_final(*entry); });
    }
    /// The real one: an entry's own counts signature operations in.
    std::int64_t weight_of(const MempoolEntry& entry) const {
        return entry.sigop_cost * bytes_per_sigop_ < entry.weight ? entry.weight : entry.tx->tx().weight();
    }
    bool is_final(const MempoolEntry& entry) const {
        return rules::is_final(entry.tx->tx(), limits_.height, limits_.lock_time_cutoff);
    }

    const Mempool& pool_;
    const SelectionLimits& limits_;
    const std::int64_t bytes_per_sigop_;
    const bool check_locks_;
    BlockSelection block_;
    std::vector<const MempoolEntry*> chosen_;
    int misfits_ = 0;
};

}  // namespace

BlockSelection select_for_block(const Mempool& pool, const SelectionLimits& limits) {
    // The mempool holds only what may be in the next block; locks are a second look, and cost one only when they do not hold.
    for (const bool check_locks : {false, true}) {
        Selector selector(pool, limits, check_locks);
        pool.graph().walk([&selector](const TxGraph::Chunk& chunk) { return selector.visit(chunk); });
        if (auto block = selector.finish()) return std::move(*block);
    }
    CAIRN_CHECK(false);
}

}  // namespace cairn::node
