#include <algorithm>
#include <utility>

#include "net/io/log.hpp"
#include "node/chain/chain_core.hpp"
#include "node/chain/text.hpp"
#include "storage/datadir.hpp"

namespace cairn::node {

namespace log = net::log;

namespace {

// In initial download everything is written at least this often, so that a crash costs no more.
constexpr std::int64_t kDownloadInterval = 15 * 60;
// A node that idles below the tip writes what it has.
constexpr std::int64_t kIdleInterval = 60;
// A new tip is news to peers, miners and wallets: the disk is left alone until they had it.
constexpr std::chrono::milliseconds kCalm{80};
constexpr std::chrono::milliseconds kCalmAtMost{1000};
// A batch of more coins than this is streamed instead of copied.
constexpr std::size_t kStreamCoins = 100'000;
// Blocks that stay, whatever the prune target.
constexpr Height kMinBlocksToKeep = 288;
// Blocks below those that an index has not seen that stay, too, lest it must go back a little.
constexpr Height kNeededBuffer = 10;
// In initial download pruning waits until so many blocks may go.
constexpr Height kPruneStep = 32;
// What is left free below the prune target for the blocks to come.
constexpr std::uint64_t kPruneBuffer = 17 << 20;

Height allowed_by(const LedgerCompanion::Need& need) { return std::max<Height>(need.from - kNeededBuffer - 1, 1); }

std::int64_t milliseconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

bool ChainCore::check_space(std::uint64_t needed) {
    unchecked_space_ = 0;
    if (options_.datadir.empty()) return true;
    const auto space = storage::free_space(options_.datadir);
    if (!space || *space >= options_.min_free_space + needed) return true;
    fatal("Disk space is too low!");
    return false;
}

// Time, memory or the prune target ask for a flush although blocks keep coming.
bool ChainCore::flush_due() const {
    return need_flush() || steady_seconds() - last_flush_ >= kDownloadInterval || (prune_check_ && prune_due());
}

bool ChainCore::flush_now() {
    const bool done = need_flush() ? flush_ledger(true) : flush_all();
    if (done) prune_if_due();
    return done;
}

bool ChainCore::need_flush() const { return coins_.cache().live_bytes() > options_.cache_bytes; }

// Records of headers that are new or whose status changed.
void ChainCore::append_index(storage::WriteBatch& batch) {
    const auto put = [&](const HeaderNode* node) {
        BlockStatus& status = gate_.status()[node];
        status.dirty = false;
        storage::HeaderRecord record;
        record.header = node->header;
        record.hash = node->hash;
        record.height = node->height;
        record.status = status.flags.load() & BlockStatus::kStored;
        record.tx_count = status.tx_count;
        record.data_size = status.raw_size;
        record.undo_size = status.undo_size;
        storage::HeaderStore::put(batch, record);
    };
    const std::uint32_t count = gate_.tree().size();
    for (const HeaderNode* node : dirty_) {
        if (node->id < headers_written_) put(node);
    }
    for (std::uint32_t id = headers_written_; id < count; ++id) put(gate_.tree().at(id));
    dirty_.clear();
    headers_written_ = count;
}

bool ChainCore::write_index() {
    if (broken_) return false;
    storage::WriteBatch batch;
    append_index(batch);
    if (batch.empty()) return true;
    if (auto written = kv_.write(batch); !written) {
        fatal(written.error(), "System error while flushing");
        return false;
    }
    return true;
}

// Brings coins, index and marker to disk in one step; no verdict may be out. `drop_coins`: memory is short, so most coins
// leave the cache.
bool ChainCore::flush_ledger(bool drop_coins) {
    if (broken_) return false;
    if (!check_space(48 * 2 * 2 * coins_.cache().dirty_count())) return false;
    const auto start = std::chrono::steady_clock::now();
    storage::CoinCache& cache = coins_.cache();
    const std::size_t dirty = cache.dirty_count();
    log::debug(log::Category::coindb, "Flushing {} changed coins of {} at height {}, {:.1f} MiB in the cache", dirty, cache.size(), tip_->height,
               static_cast<double>(cache.live_bytes()) / (1 << 20));
    storage::WriteBatch batch;
    append_index(batch);
    if (companion_) companion_->add_markers(tip_, batch);
    const storage::BestBlock best{tip_->hash, tip_->height};
    const std::size_t keep = drop_coins ? options_.cache_bytes / 2 : options_.cache_bytes;
    storage::Stored<void> written;
    if (drop_coins && dirty * 4 < cache.size()) {
        cache.flush(batch, best);
        written = kv_.write(batch);
        if (written) cache.evict(keep);
    } else if (drop_coins || dirty > kStreamCoins) {
        written = cache.flush_all(kv_, batch, best, keep);
    } else {
        cache.flush(batch, best);
        written = kv_.write(batch);
    }
    if (written) written = coins_.look_at_disk();
    if (!written) {
        fatal(written.error(), "System error while flushing");
        return false;
    }
    flushed_tip_ = tip_;
    last_flush_ = steady_seconds();
    log::debug(log::Category::coindb, "Flushed {} changed coins at height {} in {} ms", dirty, tip_->height, milliseconds_since(start));
    return true;
}

bool ChainCore::flush_all() {
    if (!flush_ledger(false)) return false;
    const auto start = std::chrono::steady_clock::now();
    log::debug(log::Category::coindb, "Flushing the database's memory to its files");
    if (auto flushed = kv_.flush(); !flushed) {
        fatal(flushed.error(), "System error while flushing");
        return false;
    }
    log::debug(log::Category::coindb, "Flushed the database's memory in {} ms", milliseconds_since(start));
    return true;
}

bool ChainCore::flush_coins() { return !broken_ && (coins_.cache().dirty_count() == 0 || flush_ledger(false)); }

// How long the flush of a new tip still waits for those who act on it; a row of tips does not put it off for ever.
std::chrono::milliseconds ChainCore::calm_left() {
    using namespace std::chrono;
    if (!write_ahead_ || broken_ || flushed_tip_ == tip_) {
        restless_since_.reset();
        return 0ms;
    }
    const auto now = steady_clock::now();
    if (!restless_since_) restless_since_ = now;
    if (std::exchange(settled_tip_, tip_) != tip_) settled_at_ = now;
    const auto until = std::min(settled_at_ + kCalm, *restless_since_ + kCalmAtMost);
    return until <= now ? 0ms : ceil<milliseconds>(until - now);
}

// Called when no verdict is out. At the tip every block goes through the log; in initial download writes are rare.
bool ChainCore::flush_if_due(bool idle) {
    if (broken_) return false;
    if (!initial_download_ && !write_ahead_) {
        if (auto set = kv_.set_durability(storage::Durability::write_ahead); !set) {
            fatal(set.error(), "System error while flushing");
            return false;
        }
        write_ahead_ = true;
    }
    if (write_ahead_) {
        const bool changed = flushed_tip_ != tip_ || !dirty_.empty() || headers_written_ != gate_.tree().size();
        return !changed || flush_ledger(need_flush());
    }
    const std::int64_t since = steady_seconds() - last_flush_;
    if (flushed_tip_ == tip_ && dirty_.empty()) return true;
    if (since < (idle ? kIdleInterval : kDownloadInterval)) return true;
    return flush_all();
}

Height ChainCore::lowest_stored() const { return board_.view()->prune_height; }

// A pruned block that was fetched once more stays until what was the tip then is pruned.
bool ChainCore::may_go_again(const HeaderNode* node, Height last) const {
    const auto found = fetched_again_.find(node);
    return found == fetched_again_.end() || found->second <= last;
}

void ChainCore::prune_block(const HeaderNode* node, storage::WriteBatch& batch) {
    BlockStatus& status = gate_.status()[node];
    storage::BlockStore::erase_block(batch, key(node));
    storage::BlockStore::erase_undo(batch, key(node));
    stored_bytes_ -= (status.has(BlockStatus::have_data) ? status.raw_size : 0) + (status.has(BlockStatus::have_undo) ? status.undo_size : 0);
    status.clear(BlockStatus::have_data | BlockStatus::have_undo);
    fetched_again_.erase(node);
    drop_ahead(node);
    touch(node);
}

// Deletes blocks and undo of heights first..last until no more than `stop_at_bytes` are stored. Gives the last height gone.
Height ChainCore::prune_range(Height first, Height last, std::uint64_t stop_at_bytes) {
    std::vector<std::vector<const HeaderNode*>> by_height(std::max<Height>(0, last - first + 1));
    std::vector<const HeaderNode*> again;
    const std::uint32_t count = gate_.tree().size();
    for (std::uint32_t id = 0; id < count; ++id) {
        const HeaderNode* node = gate_.tree().at(id);
        if (node->height > last || !gate_.status()[node].has(BlockStatus::have_data | BlockStatus::have_undo)) continue;
        if (node->height >= first) {
            by_height[node->height - first].push_back(node);
        } else if (node->height > 0 && may_go_again(node, last)) {
            again.push_back(node);
        }
    }
    // The coins on disk must not need a block that goes now.
    if (!flush_all()) return first - 1;
    storage::WriteBatch batch;
    Height done = first - 1;
    for (const HeaderNode* node : again) prune_block(node, batch);
    for (; done < last && stored_bytes_ > stop_at_bytes; ++done)
        for (const HeaderNode* node : by_height[done + 1 - first]) prune_block(node, batch);
    if (batch.empty()) return done;
    append_index(batch);
    if (!have_pruned_) storage::put_fact(batch, "pruned", 1);
    have_pruned_ = true;
    storage::put_fact(batch, "prune_height", done + 1);
    if (auto written = kv_.write(batch); !written) {
        fatal(written.error(), "System error while pruning");
        return first - 1;
    }
    if (auto reclaimed = blocks_.reclaim_up_to(done); !reclaimed) log::warning("Pruned blocks still take space: {}", reclaimed.error().message);
    target_ = nullptr;
    board_.change([&](ChainView& view) { view.prune_height = done + 1; });
    log::debug(log::Category::prune, "Pruned blocks up to height {}, {} MiB left", done, stored_bytes_ >> 20);
    return done;
}

// More is stored than the target allows, and enough of it may go for a flush to be worth it.
bool ChainCore::prune_due() const {
    if (!options_.prune || options_.prune_target == 0 || hold_ || broken_) return false;
    if (!options_.fast_prune && tip_->height <= params_->prune_after_height) return false;
    if (stored_bytes_ + (options_.fast_prune ? 0 : kPruneBuffer) < options_.prune_target) return false;
    return last_prunable() - std::max<Height>(lowest_stored(), 1) >= (initial_download_ ? kPruneStep : 0);
}

void ChainCore::log_prune_limit() const {
    if (!companion_) return;
    const LedgerCompanion::Need need = companion_->needed();
    if (allowed_by(need) < tip_->height) log::debug(log::Category::prune, "{} limited pruning to height {}", need.who, allowed_by(need));
}

// The newest block that may go: some stay for reorganisations, and what an index has not seen yet.
Height ChainCore::last_prunable() const {
    const Height last = tip_->height - kMinBlocksToKeep;
    return companion_ ? std::min(last, allowed_by(companion_->needed())) : last;
}

// Nothing is pending. In initial download more goes at once, so that pruning, which flushes, is rare.
void ChainCore::prune_if_due() {
    if (!prune_check_) return;
    prune_check_ = false;
    if (!prune_due()) return;
    const std::uint64_t slack = (options_.fast_prune ? 0 : kPruneBuffer) + options_.prune_target / (initial_download_ ? 10 : 50);
    log_prune_limit();
    prune_range(std::max<Height>(lowest_stored(), 1), last_prunable(),
                options_.prune_target > slack ? options_.prune_target - slack : 0);
}

Result<Height, CommandError> ChainCore::prune_to(Height height) {
    drain();
    log_prune_limit();
    const Height last = std::min(height, last_prunable());
    const Height first = std::max<Height>(lowest_stored(), 1);
    if (last < first) return lowest_stored() - 1;
    const Height done = prune_range(first, last, 0);
    if (broken_) return fail(CommandError{"Could not write to disk"});
    return done;
}

}  // namespace cairn::node
