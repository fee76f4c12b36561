#include <fmt/core.h>

#include "consensus/rules/block_rules.hpp"
#include "net/io/log.hpp"
#include "node/chain/chain_core.hpp"

namespace cairn::node {

namespace log = net::log;

namespace {

// Blocks that are read, checked and looked up in the coins together.
constexpr std::size_t kGroupBlocks = 16;
constexpr std::size_t kGroupBytes = 16 << 20;
// Coins that are looked up in one task.
constexpr std::size_t kLookUpsAtOnce = 4096;

// Tells every tenth of the work.
class ProgressLog {
public:
    explicit ProgressLog(const ChainHooks& hooks) : hooks_(hooks) { log::info("Verification progress: 0%"); }
    void at(int percent) {
        if (reported_ < percent / 10) {
            log::info("Verification progress: {}%", percent);
            reported_ = percent / 10;
        }
        if (hooks_.progress) hooks_.progress("Verifying blocks…", percent);
    }

private:
    const ChainHooks& hooks_;
    int reported_ = 0;
};

bool bad(const std::string& why) {
    log::error("Verification error: {}", why);
    return false;
}

std::string describe(const HeaderNode* node) { return std::to_string(node->height) + ", hash=" + node->hash.to_display_hex(); }

}  // namespace

// A stored block and what a worker found out about it.
struct ChainCore::Examined {
    const HeaderNode* node = nullptr;
    BlockPtr block;
    SpentByBlock undo;
    std::string problem;
};

// Where a verification stands. The coins are its own, in front of the same disk.
struct ChainCore::Verification {
    Chainstate coins;
    ProgressLog report;
    const int level;
    const int depth;
    std::function<bool()> interrupted_now;
    const HeaderNode* node = nullptr;          // the next block to take back
    const HeaderNode* inconsistent = nullptr;  // the lowest block whose coins were not as they should be
    std::size_t good_transactions = 0;
    bool skipped_no_data = false, skipped_coins = false, interrupted = false;
};

// Levels 0 to 2 for one block. Thread: any.
ChainCore::Examined ChainCore::examine(const HeaderNode* node, int level) const {
    Examined found{node, nullptr, {}, {}};
    auto raw = read_block(node);
    auto block = raw ? Block::parse(std::move(*raw)) : Result<BlockPtr, DecodeError>(fail(DecodeError::truncated));
    if (!block || (*block)->hash() != node->hash) {
        found.problem = "ReadBlock failed at " + describe(node);
        return found;
    }
    found.block = std::move(*block);
    if (level >= 1) {
        if (auto checked = rules::check_block(found.block, *params_); !checked) {
            found.problem = "found bad block at " + describe(node) + " (" + checked.error().reject_reason() + ")";
            return found;
        }
    }
    if (level >= 2) {
        auto undo = read_undo(node);
        if (undo) found.undo = std::move(*undo);
        else found.problem = "found bad undo data at " + describe(node);
    }
    return found;
}

// The next blocks downwards that are worth reading together: above height `above`, as far as they are stored.
std::vector<ChainCore::Examined> ChainCore::examine_next(const HeaderNode* from, Height above, int level) {
    std::vector<const HeaderNode*> nodes;
    std::size_t bytes = 0;
    for (const HeaderNode* node = from; node->parent && node->height > above; node = node->parent) {
        if (options_.prune && !gate_.status()[node].has(BlockStatus::have_data)) break;
        bytes += gate_.status()[node].raw_size;
        if (!nodes.empty() && (nodes.size() == kGroupBlocks || bytes > kGroupBytes)) break;
        nodes.push_back(node);
    }
    std::vector<Examined> group(nodes.size());
    workers_->share(nodes.size(), [&](std::size_t i) { group[i] = examine(nodes[i], level); });
    return group;
}

// Looks up every coin that the blocks touch, in the order of the disk.
storage::Stored<DiskCoins> ChainCore::ask_disk(const std::vector<Examined>& group) {
    DiskCoins disk;
    for (const Examined& each : group) {
        if (each.block) Chainstate::touched_outpoints(*each.block, disk.asked);
    }
    std::ranges::sort(disk.asked);
    disk.asked.erase(std::unique(disk.asked.begin(), disk.asked.end()), disk.asked.end());
    disk.coins.resize(disk.asked.size());
    std::mutex mutex;
    storage::Stored<void> result;
    const std::span<const OutPoint> asked(disk.asked);
    workers_->share((asked.size() + kLookUpsAtOnce - 1) / kLookUpsAtOnce, [&](std::size_t i) {
        const std::size_t begin = i * kLookUpsAtOnce;
        auto coins = coins_.store().multi_get(asked.subspan(begin, std::min(kLookUpsAtOnce, asked.size() - begin)));
        if (coins) {
            std::move(coins->begin(), coins->end(), disk.coins.begin() + static_cast<std::ptrdiff_t>(begin));
        } else {
            const std::lock_guard lock(mutex);
            result = fail(coins.error());
        }
    });
    if (!result) return fail(result.error());
    return disk;
}

// Takes the newest blocks back, a group at a time. False when something is wrong with one.
bool ChainCore::take_back(Verification& state) {
    const Height above = tip_->height - state.depth;
    while (state.node->parent && state.node->height > above) {
        auto group = examine_next(state.node, above, state.level);
        if (group.empty()) {
            log::info("Block verification stopping at height {} (no data). This could be due to pruning or use of an assumeutxo snapshot.",
                      state.node->height);
            state.skipped_no_data = true;
            return true;
        }
        DiskCoins disk;
        if (state.level >= 3 && !state.skipped_coins) {
            auto asked = ask_disk(group);
            if (!asked) return bad("Error reading from database: " + asked.error().message);
            disk = std::move(*asked);
        }
        for (Examined& each : group) {
            state.report.at(std::clamp((tip_->height - each.node->height) * (state.level >= 4 ? 50 : 100) / state.depth, 1, 99));
            if (!each.problem.empty()) return bad(each.problem);
            if (state.level >= 2) {
                const std::size_t bytes = state.coins.cache().live_bytes() + coins_.cache().live_bytes();
                state.skipped_coins = state.skipped_coins || bytes > options_.cache_bytes;
            }
            if (state.level >= 3 && !state.skipped_coins) {
                const auto result = state.coins.disconnect(*each.block, *each.node, std::move(each.undo), &disk);
                if (!result || !*result) return bad("irrecoverable inconsistency in block data at " + describe(each.node));
                const bool clean = **result == Chainstate::Disconnected::clean;
                state.good_transactions = clean ? state.good_transactions + each.block->txs().size() : 0;
                if (!clean) state.inconsistent = each.node;
            }
            state.node = each.node->parent;
            state.interrupted = state.interrupted_now();
            if (state.interrupted) return true;
        }
    }
    return true;
}

// Level 4: connects what was taken back. False when a block does not fit any more.
bool ChainCore::connect_again(Verification& state) {
    while (state.node != tip_ && !state.interrupted) {
        state.report.at(std::clamp(100 - (tip_->height - state.node->height) * 50 / state.depth, 1, 99));
        const HeaderNode* node = state.node = tip_->ancestor(state.node->height + 1);
        auto raw = read_block(node);
        auto block = raw ? Block::parse(std::move(*raw)) : Result<BlockPtr, DecodeError>(fail(DecodeError::truncated));
        if (!block) return bad("ReadBlock failed at " + describe(node));
        auto checked = rules::check_block(*block, *params_);
        if (!checked) return bad("found bad block at " + describe(node) + " (" + checked.error().reject_reason() + ")");
        auto changes = state.coins.connect(std::move(*checked), *node, nullptr);
        if (!changes) return bad("Error reading from database at " + describe(node));
        std::optional<BlockFault> fault;
        if (changes->bip30) {
            fault = rules::bip30_fault();
        } else if (auto spends = rules::check_spends(*changes->resolved, *node->parent, *params_); !spends) {
            fault = spends.error();
        } else if (script_reason(node)) {
            fault = verify_scripts(*changes->resolved, 1, (*block)->txs().size(), rules::script_flags_for_block(*node, *params_));
        }
        if (fault) return bad("found unconnectable block at " + describe(node) + " (" + fault->reject_reason() + ")");
        state.interrupted = state.interrupted_now();
    }
    return true;
}

// Takes the newest blocks back, and at level 4 connects them again.
Result<bool, CommandError> ChainCore::verify(int level, int blocks) {
    drain();
    if (!tip_->parent) return true;
    if (running_ && !flush_ledger(false)) return fail(CommandError{"Could not write to disk"});
    const int depth = blocks <= 0 || blocks > tip_->height ? tip_->height : blocks;
    level = std::clamp(level, 0, 4);
    log::info("Verifying last {} blocks at level {}", depth, level);
    const auto interrupted = [this] { return stopping() || (!running_ && hooks_.interrupted && hooks_.interrupted()); };
    Verification state{Chainstate(kv_, params_), ProgressLog(hooks_), level, depth, interrupted, tip_};
    if (!take_back(state)) return false;
    if (state.interrupted) return fail(CommandError{"Interrupted"});
    if (state.inconsistent) {
        return bad(fmt::format("coin database inconsistencies found (last {} blocks, {} good transactions before that)",
                               tip_->height - state.inconsistent->height + 1, state.good_transactions));
    }
    if (state.skipped_coins) log::warning("Skipped verification of level >=3 (insufficient database cache size). Consider increasing -dbcache.");
    const int count = tip_->height - state.node->height;
    if (level >= 4 && !state.skipped_coins && !connect_again(state)) return false;
    if (state.interrupted) return fail(CommandError{"Interrupted"});
    log::info("Verification: checked last {} blocks at level {}", count, level);
    if (level >= 3 && !state.skipped_coins) log::info("Verification: no coin database inconsistencies ({} transactions)", state.good_transactions);
    return !(running_ && (state.skipped_coins || state.skipped_no_data));
}

}  // namespace cairn::node
