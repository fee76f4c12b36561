#include "consensus/base/check.hpp"
#include "consensus/rules/block_rules.hpp"
#include "consensus/rules/header_rules.hpp"
#include "net/io/clock.hpp"
#include "net/io/log.hpp"
#include "node/chain/chain_core.hpp"
#include "node/chain/text.hpp"

namespace cairn::node {

namespace log = net::log;

// ---------------------------------------------------------------------------------------------- branches by hand

Result<void, CommandError> ChainCore::invalidate(const HeaderNode* node) {
    if (node->height == 0) return fail(CommandError{"The genesis block cannot be invalidated"});
    drain();
    if (halted_) return fail(CommandError{"The node is stopping"});
    StatusTable& table = gate_.status();
    const HeaderNode* last = node;
    while (tip_->ancestor(node->height) == node) {
        if (stopping()) return fail(CommandError{"The node is stopping"});
        last = tip_;
        if (!disconnect_tip()) return fail(CommandError{"Failed to disconnect block."});
        // Each block is marked by itself: a pruned node that cannot go all the way must not try to come back here.
        for (const HeaderNode* changed : gate_.mark_failed(last)) {
            candidates_.erase(changed);
            touch(changed);
        }
        candidates_.insert(tip_);
    }
    if (last == node && tip_->ancestor(node->height) != node) {
        for (const HeaderNode* changed : gate_.mark_failed(node)) {
            candidates_.erase(changed);
            touch(changed);
        }
    }
    // Blocks that were no candidates while the old tip stood may be now.
    const std::uint32_t count = gate_.tree().size();
    for (std::uint32_t id = 0; id < count; ++id) {
        const HeaderNode* other = gate_.tree().at(id);
        if (table[other].linked() && table[other].has(BlockStatus::checked)) add_candidate(other);
    }
    target_ = nullptr;
    block_failed(last);
    candidates_.insert(tip_);
    prune_candidates();
    publish(true);
    settle();
    if (!flush_if_due(false)) return fail(CommandError{"Could not write to disk"});
    return {};
}

Result<void, CommandError> ChainCore::reconsider(const HeaderNode* node) {
    drain();
    for (const HeaderNode* changed : gate_.forgive(node)) {
        touch(changed);
        if (changed == best_invalid_) best_invalid_ = nullptr;
        add_candidate(changed);
    }
    target_ = nullptr;
    path_.clear();
    board_.change([this](ChainView& view) { view.best_header = gate_.best(); });
    check_fork_warning();
    settle();
    if (!flush_if_due(false)) return fail(CommandError{"Could not write to disk"});
    return {};
}

Result<void, CommandError> ChainCore::precious(const HeaderNode* node) {
    drain();
    if (node->chain_work < tip_->chain_work) return {};
    if (tip_->chain_work > last_precious_work_) next_precious_ = -1;  // the chain has grown since the last one
    last_precious_work_ = tip_->chain_work;
    candidates_.erase(node);
    BlockStatus& status = gate_.status()[node];
    status.sequence = next_precious_;
    if (next_precious_ > std::numeric_limits<std::int32_t>::min()) --next_precious_;
    if (status.has(BlockStatus::checked) && status.linked()) {
        add_candidate(node);
        prune_candidates();
    }
    settle();
    return {};
}

// ---------------------------------------------------------------------------------------------- questions

std::optional<Coin> ChainCore::coin(const OutPoint& outpoint) {
    drain();
    if (broken_) return std::nullopt;
    auto coin = coins_.get(outpoint);
    if (!coin) {
        fatal(coin.error(), "Error reading from database");
        return std::nullopt;
    }
    return std::move(*coin);
}

Result<void, BlockVerdict> ChainCore::test_block(const Block& block, bool check_pow) {
    drain();
    const auto refuse = [&](std::string reason, std::string debug) {
        BlockVerdict verdict;
        verdict.kind = BlockVerdict::Kind::invalid;
        verdict.hash = block.hash();
        verdict.reject_reason = std::move(reason);
        verdict.debug_message = std::move(debug);
        return fail(std::move(verdict));
    };
    const auto refuse_fault = [&](const BlockFault& fault) { return refuse(fault.reject_reason(), fault.debug); };
    if (block.header().previous != tip_->hash) return refuse("inconclusive-not-best-prevblk", "");
    const std::int64_t now = clock_.now();
    const auto header = check_pow ? rules::check_header(block.header(), block.hash(), *tip_, now, *params_)
                                  : rules::check_header_context(block.header(), block.hash(), *tip_, now, *params_);
    if (!header) return refuse(reject_reason(header.error(), block.header().version), debug_message(header.error()));
    auto own = Block::parse(to_bytes(block.raw()));
    CAIRN_CHECK(own);
    auto checked = rules::check_block(*own, *params_, {check_pow, true});
    if (!checked) return refuse_fault(checked.error());
    if (auto good = rules::check_block_context(*checked, tip_, *params_); !good) return refuse_fault(good.error());

    HeaderNode node;
    node.header = block.header();
    node.hash = block.hash();
    node.parent = tip_;
    node.height = tip_->height + 1;
    auto changes = coins_.connect(std::move(*checked), node, nullptr);
    if (!changes) {
        fatal(changes.error(), "Error reading from database");
        return refuse("inconclusive", "");
    }
    if (changes->bip30) return refuse_fault(rules::bip30_fault());
    std::optional<BlockFault> fault;
    if (auto spends = rules::check_spends(*changes->resolved, *tip_, *params_); !spends) {
        fault = std::move(spends.error());
    } else {
        fault = verify_scripts(*changes->resolved, 1, block.txs().size(), rules::script_flags_for_block(node.hash, node.height, *params_));
    }
    coins_.roll_back(**own, std::move(changes->undo));
    if (fault) return refuse_fault(*fault);
    return {};
}

// ---------------------------------------------------------------------------------------------- -checkblocks, verifychain

namespace {

// Tells every tenth of the work.
class ProgressLog {
public:
    ProgressLog(const ChainHooks& hooks) : hooks_(hooks) { log::info("Verification progress: 0%"); }
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

}  // namespace

// Takes the newest blocks back, and at level 4 connects them again, on coins of its own in front of the same disk.
Result<bool, CommandError> ChainCore::verify(int level, int blocks) {
    drain();
    if (!tip_->parent) return true;
    if (running_ && !flush_ledger(false)) return fail(CommandError{"Could not write to disk"});
    const int depth = blocks <= 0 || blocks > tip_->height ? tip_->height : blocks;
    level = std::clamp(level, 0, 4);
    log::info("Verifying last {} blocks at level {}", depth, level);
    ProgressLog report(hooks_);
    Chainstate scratch(kv_, params_);
    const auto bad = [](const std::string& why) {
        log::error("Verification error: {}", why);
        return false;
    };
    const auto describe = [](const HeaderNode* node) { return std::to_string(node->height) + ", hash=" + node->hash.to_display_hex(); };
    const auto interrupted = [&] { return stopping() || (!running_ && hooks_.interrupted && hooks_.interrupted()); };
    const HeaderNode* node = tip_;
    const HeaderNode* inconsistent = nullptr;
    std::size_t good_transactions = 0;
    bool skipped_no_data = false, skipped_coins = false;
    for (; node->parent && node->height > tip_->height - depth; node = node->parent) {
        report.at(std::clamp((tip_->height - node->height) * (level >= 4 ? 50 : 100) / depth, 1, 99));
        if (options_.prune && !gate_.status()[node].has(BlockStatus::have_data)) {
            log::info("Block verification stopping at height {} (no data). This could be due to pruning or use of an assumeutxo snapshot.", node->height);
            skipped_no_data = true;
            break;
        }
        auto raw = read_block(node);
        auto block = raw ? Block::parse(std::move(*raw)) : Result<BlockPtr, DecodeError>(fail(DecodeError::truncated));
        if (!block || (*block)->hash() != node->hash) return bad("ReadBlock failed at " + describe(node));
        if (level >= 1) {
            if (auto checked = rules::check_block(*block, *params_); !checked)
                return bad("found bad block at " + describe(node) + " (" + checked.error().reject_reason() + ")");
        }
        if (level >= 2) {
            auto undo = read_undo(node);
            if (!undo) return bad("found bad undo data at " + describe(node));
            skipped_coins = skipped_coins || scratch.cache().live_bytes() + coins_.cache().live_bytes() > options_.cache_bytes;
            if (level >= 3 && !skipped_coins) {
                const auto result = scratch.disconnect(**block, *node, std::move(*undo));
                if (!result || !*result) return bad("irrecoverable inconsistency in block data at " + describe(node));
                if (**result == Chainstate::Disconnected::clean) {
                    good_transactions += (*block)->txs().size();
                } else {
                    good_transactions = 0;
                    inconsistent = node;
                }
            }
        }
        if (interrupted()) return fail(CommandError{"Interrupted"});
    }
    if (inconsistent) {
        return bad(fmt::format("coin database inconsistencies found (last {} blocks, {} good transactions before that)",
                               tip_->height - inconsistent->height + 1, good_transactions));
    }
    if (skipped_coins) log::warning("Skipped verification of level >=3 (insufficient database cache size). Consider increasing -dbcache.");
    const int count = tip_->height - node->height;
    for (; level >= 4 && !skipped_coins && node != tip_;) {
        report.at(std::clamp(100 - (tip_->height - node->height) * 50 / depth, 1, 99));
        node = tip_->ancestor(node->height + 1);
        auto raw = read_block(node);
        auto block = raw ? Block::parse(std::move(*raw)) : Result<BlockPtr, DecodeError>(fail(DecodeError::truncated));
        if (!block) return bad("ReadBlock failed at " + describe(node));
        auto checked = rules::check_block(*block, *params_);
        if (!checked) return bad("found bad block at " + describe(node) + " (" + checked.error().reject_reason() + ")");
        auto changes = scratch.connect(std::move(*checked), *node, nullptr);
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
        if (interrupted()) return fail(CommandError{"Interrupted"});
    }
    log::info("Verification: checked last {} blocks at level {}", count, level);
    if (level >= 3 && !skipped_coins) log::info("Verification: no coin database inconsistencies ({} transactions)", good_transactions);
    return !(running_ && (skipped_coins || skipped_no_data));
}

}  // namespace cairn::node
