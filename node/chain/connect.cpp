#include "consensus/base/check.hpp"
#include "consensus/rules/block_rules.hpp"
#include "net/io/clock.hpp"
#include "net/io/log.hpp"
#include "node/chain/chain_core.hpp"
#include "node/chain/text.hpp"

namespace cairn::node {

namespace log = net::log;

namespace {

constexpr std::size_t kPathBlocks = 512;            // planned at a time
constexpr std::size_t kReadAheadBlocks = 256;       // read and checked ahead of being connected
constexpr std::size_t kReadAheadBytes = 24 << 20;
constexpr std::size_t kPrefetchBlocks = 8;          // whose coins are fetched ahead

std::string describe(const BlockFault& fault) {
    std::string text = fault.reject_reason();
    if (!fault.debug.empty()) text += ", " + fault.debug;
    return text;
}

}  // namespace

// One step of the pipeline. True when something moved.
bool ChainCore::advance() {
    bool moved = retire();
    if (halted_ || hold_) return moved;
    if (flush_wanted_) {
        if (!pending_.empty()) return moved;
        flush_wanted_ = false;
        return flush_now();
    }
    const HeaderNode* target = best_candidate();
    if (!target || front_->ancestor(target->height) == target) return moved;
    if (!plan(target)) return moved;  // another branch, but verdicts are still out
    if (path_.front()->parent != front_) return disconnect_tip();
    read_ahead();
    if (resident_ && resident_->impatient()) {
        // Between two blocks the coins are those of the tip: a moment for those who have waited long.
        if (!pending_.empty()) return moved;
        resident_->on_rest();
    }
    return connect_next() || moved;
}

// Lays the path from the chain to `target`. False when it branches off below blocks whose verdicts are out.
bool ChainCore::plan(const HeaderNode* target) {
    const bool on_path = !path_.empty() && path_.front()->parent == front_ && target->ancestor(path_.back()->height) == path_.back();
    if (!on_path) {
        path_.clear();
        const HeaderNode* fork = last_common_ancestor(front_, target);
        if (fork != front_ && !pending_.empty()) return false;
        path_.push_back(target->ancestor(fork->height + 1));
    }
    if (path_.size() < kPathBlocks / 2 && path_.back() != target) {
        const Height from = path_.back()->height;
        const std::size_t old = path_.size();
        for (const HeaderNode* node = target->ancestor(std::min<Height>(target->height, from + kPathBlocks)); node->height > from; node = node->parent)
            path_.insert(path_.begin() + old, node);
    }
    return true;
}

// Sees to it that the next blocks of the path are decoded and their coins known when their turn comes.
void ChainCore::read_ahead() {
    std::size_t bytes = 0;
    const std::size_t count = std::min(path_.size(), kReadAheadBlocks);
    for (std::size_t i = 0; i < count && bytes < kReadAheadBytes; ++i) {
        const HeaderNode* node = path_[i];
        Ahead& ahead = ahead_[node];
        bytes += std::max<std::size_t>(gate_.status()[node].raw_size, 1);
        if (!ahead.checked) {
            if (!ahead.reading) request_read(node, ahead);
        } else if (i < kPrefetchBlocks && ahead.prefetch == Ahead::Prefetch::none && !coins_.disk_empty()) {
            request_prefetch(node, ahead);
        }
    }
}

void ChainCore::request_read(const HeaderNode* node, Ahead& ahead) {
    ahead.reading = true;
    ahead.bytes = gate_.status()[node].raw_size;
    ahead_bytes_ += ahead.bytes;
    workers_->post(
        [this, node] {
            std::optional<rules::CheckedBlock> checked;
            std::string problem;
            if (!stopping()) {
                auto raw = blocks_.read_block(key(node));
                if (!raw) {
                    problem = raw.error().message;
                } else if (!*raw) {
                    problem = "the block is not there";
                } else if (auto block = Block::parse(std::move(**raw)); !block || (*block)->hash() != node->hash) {
                    problem = "the stored bytes are not the block";
                } else if (auto good = rules::check_block(*block, *params_); !good) {
                    problem = "Corrupt block found indicating potential hardware failure.";
                } else {
                    checked = std::move(*good);
                }
            }
            mailbox_.post([this, node, checked = std::move(checked), problem]() mutable {
                if (stopping()) return;
                if (!checked) return fatal("Failed to read block " + node->hash.to_display_hex() + ": " + problem);
                const auto it = ahead_.find(node);
                if (it == ahead_.end()) return;
                it->second.reading = false;
                if (!it->second.checked) it->second.checked = std::move(checked);
            });
        },
        Workers::Priority::urgent);
}

void ChainCore::request_prefetch(const HeaderNode* node, Ahead& ahead) {
    ahead.prefetch = Ahead::Prefetch::running;
    const bool check_outputs = rules::must_check_bip30(node->hash, *node->parent, *params_);
    const std::uint64_t epoch = coins_.cache().epoch();
    workers_->post(
        [this, node, block = ahead.checked->ptr(), inputs = coins_.unknown_inputs(ahead.checked->block()), epoch, check_outputs]() mutable {
            auto found = std::make_shared<storage::Stored<Prefetched>>(Prefetched{});
            if (!stopping()) *found = Chainstate::prefetch(coins_.store(), *block, std::move(inputs), epoch, check_outputs);
            mailbox_.post([this, node, found] {
                if (stopping()) return;
                if (!*found) return fatal(found->error(), "Error reading from database");
                const auto it = ahead_.find(node);
                if (it == ahead_.end()) return;
                const bool current = (*found)->epoch == coins_.cache().epoch();
                it->second.prefetch = current ? Ahead::Prefetch::done : Ahead::Prefetch::none;
                if (current) it->second.coins = std::move(**found);
            });
        },
        Workers::Priority::urgent);
}

std::optional<std::string_view> ChainCore::script_reason(const HeaderNode* node) {
    if (!assumed_ && !assume_valid_.is_null()) assumed_ = gate_.tree().find(assume_valid_);
    return rules::script_check_reason(*node, {assume_valid_, assumed_, gate_.best(), minimum_work_}, *params_);
}

// Connects the coins of the next block of the path when everything it needs is here.
bool ChainCore::connect_next() {
    const HeaderNode* node = path_.front();
    if (!pending_.empty()) {
        if (pending_.back()->doomed) return false;
        if (window_bytes_ >= options_.window_bytes || pending_.size() >= options_.window_blocks) return false;
    }
    Ahead& ahead = ahead_[node];
    if (!ahead.checked) return false;
    if (!coins_.disk_empty()) {
        if (ahead.prefetch == Ahead::Prefetch::done && ahead.coins.epoch != coins_.cache().epoch()) request_prefetch(node, ahead);
        if (ahead.prefetch != Ahead::Prefetch::done) return false;
    }
    auto block = std::make_shared<PendingBlock>();
    block->node = node;
    block->bytes = ahead.checked->block().raw().size();
    const auto reason = script_reason(node);
    const std::string reason_text = reason ? std::string(*reason) : std::string("-");
    if (reason_text != script_reason_logged_) {
        if (reason) {
            log::info("Enabling script verification at block #{} ({}): {}.", node->height, node->hash.to_display_hex(), *reason);
        } else {
            log::info("Disabling script verification at block #{} ({}).", node->height, node->hash.to_display_hex());
        }
        script_reason_logged_ = reason_text;
    }
    auto changes = coins_.connect(std::move(*ahead.checked), *node, ahead.prefetch == Ahead::Prefetch::done ? &ahead.coins : nullptr);
    drop_ahead(node);
    path_.pop_front();
    if (!changes) {
        fatal(changes.error(), "Error reading from database");
        return false;
    }
    block->resolved = std::move(changes->resolved);
    block->undo = std::move(changes->undo);
    block->flags = rules::script_flags_for_block(*node, *params_);
    front_ = node;
    window_bytes_ += block->bytes;
    pending_bytes_.fetch_add(block->bytes, std::memory_order_relaxed);
    pending_.push_back(block);
    if (changes->bip30) {
        block->coins_untouched = block->doomed = true;
        block->spend_fault = rules::bip30_fault();
    } else if (changes->missing) {
        block->doomed = true;
        const auto checked = rules::check_spends(*block->resolved, *node->parent, *params_);
        CAIRN_CHECK(!checked);
        block->spend_fault = checked.error();
    } else {
        post_jobs(block, reason.has_value());
    }
    if (flush_due()) flush_wanted_ = true;
    return true;
}

// Hands what can be judged beside the chain thread to the workers: spends in one job, scripts in several.
void ChainCore::post_jobs(const std::shared_ptr<PendingBlock>& block, bool scripts) {
    const auto check_spends = [this, block] {
        if (block->failed) return;
        auto checked = rules::check_spends(*block->resolved, *block->node->parent, *params_);
        if (checked) return;
        std::lock_guard lock(block->mutex);
        block->spend_fault = std::move(checked.error());
    };
    const std::size_t inputs = block->resolved->checked().input_count();
    if (inputs < 8 && !scripts) return check_spends();
    const auto finish = [this, block] {
        if (block->remaining.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
        block->remaining.notify_all();
        mailbox_.post([] {});
    };
    const auto txs = block->block()->txs();
    std::vector<std::pair<std::size_t, std::size_t>> parts;
    if (scripts) {
        const std::size_t share = std::clamp<std::size_t>(inputs / (workers_->size() * 4), 16, 256);
        std::size_t begin = 1, taken = 0;
        for (std::size_t t = 1; t < txs.size(); ++t) {
            taken += txs[t].inputs.size();
            if (taken < share && t + 1 < txs.size()) continue;
            parts.emplace_back(begin, t + 1);
            begin = t + 1;
            taken = 0;
        }
    }
    if (inputs == 0) return check_spends();
    block->remaining = static_cast<int>(parts.size()) + 1;
    workers_->post([check_spends, finish] {
        check_spends();
        finish();
    });
    for (const auto& [begin, end] : parts) {
        workers_->post([this, block, begin = begin, end = end, finish] {
            if (!block->failed.load(std::memory_order_relaxed)) {
                if (auto fault = verify_scripts(*block->resolved, begin, end, block->flags, &script_cache_)) {
                    std::lock_guard lock(block->mutex);
                    if (!block->script_fault || begin < block->script_fault_at) {
                        block->script_fault = std::move(fault);
                        block->script_fault_at = begin;
                    }
                }
            }
            finish();
        });
    }
}

// Takes verdicts in order. True when a block left the window.
bool ChainCore::retire() {
    bool moved = false;
    while (!pending_.empty() && pending_.front()->remaining.load(std::memory_order_acquire) == 0) {
        const std::shared_ptr<PendingBlock> block = pending_.front();
        std::unique_lock lock(block->mutex);
        // What is wrong with the coins comes before what is wrong with a script, as if checked one after the other.
        std::optional<BlockFault> fault = block->spend_fault ? block->spend_fault : block->script_fault;
        lock.unlock();
        moved = true;
        if (fault) {
            reject(*block, *fault);
            break;
        }
        commit(*block);
        if (halted_) break;
    }
    return moved;
}

void ChainCore::commit(PendingBlock& block) {
    const HeaderNode* node = block.node;
    storage::WriteBatch batch;
    const std::size_t undo_size = storage::BlockStore::put_undo(batch, key(node), block.undo);
    if (auto written = kv_.write(batch); !written) return fatal(written.error(), "System error while saving undo data to disk");
    unchecked_space_ += undo_size;
    BlockStatus& status = gate_.status()[node];
    if (!status.has(BlockStatus::have_undo)) stored_bytes_.fetch_add(undo_size, std::memory_order_relaxed);
    status.undo_size = static_cast<std::uint32_t>(undo_size);
    status.set(BlockStatus::scripts_valid | BlockStatus::have_undo);
    touch(node);
    window_bytes_ -= block.bytes;
    pending_bytes_.fetch_sub(block.bytes, std::memory_order_relaxed);
    const BlockPtr raw = block.block();
    const auto kept = pending_.front();  // `block` is in it
    pending_.pop_front();
    if (companion_) companion_->on_connected(node, raw, std::make_shared<const BlockUndo>(std::move(kept->undo)));
    tip_ = node;
    prune_candidates();
    publish_state();
    log_tip(node);
    for (ChainObserver* observer : observers_) observer->on_block_connected(raw, node);
    publish(false);
    BlockVerdict verdict;
    verdict.kind = BlockVerdict::Kind::connected;
    settle_source(node, verdict);
    if (options_.stop_at_height > 0 && node->height >= options_.stop_at_height && !halted_) {
        halted_ = true;
        if (hooks_.request_stop) hooks_.request_stop();
    }
}

// Lets the workers finish with everything in the window, fast.
void ChainCore::finish_jobs() {
    for (const auto& block : pending_) block->failed = true;
    for (const auto& block : pending_) {
        for (int left = block->remaining; left != 0; left = block->remaining) block->remaining.wait(left);
    }
}

void ChainCore::roll_back_pending() {
    finish_jobs();
    while (!pending_.empty()) {
        PendingBlock& block = *pending_.back();
        if (!block.coins_untouched) coins_.roll_back(*block.block(), std::move(block.undo));
        window_bytes_ -= block.bytes;
        pending_bytes_.fetch_sub(block.bytes, std::memory_order_relaxed);
        pending_.pop_back();
    }
    front_ = tip_;
    path_.clear();
}

void ChainCore::reject(PendingBlock& block, const BlockFault& fault) {
    const HeaderNode* node = block.node;
    roll_back_pending();
    log::info("Block validation error: {}", describe(fault));
    block_failed(node);
    log::error("ConnectTip: ConnectBlock {} failed, {}", node->hash.to_display_hex(), describe(fault));
    BlockVerdict verdict;
    verdict.kind = BlockVerdict::Kind::invalid;
    verdict.reject_reason = fault.reject_reason();
    verdict.debug_message = fault.debug;
    settle_source(node, verdict);
}

// Waits for all verdicts without connecting more: tip_ and front_ are one then.
void ChainCore::drain() {
    while (!pending_.empty() && !broken_) {
        const auto& block = pending_.front();
        for (int left = block->remaining; left != 0; left = block->remaining) block->remaining.wait(left);
        retire();
        if (halted_ && !pending_.empty()) roll_back_pending();
    }
}

bool ChainCore::disconnect_tip() {
    const HeaderNode* node = front_;
    CAIRN_CHECK(pending_.empty() && node == tip_ && node->parent);
    const auto give_up = [&](const std::string& why) {
        log::error("DisconnectTip(): DisconnectBlock {} failed: {}", node->hash.to_display_hex(), why);
        fatal("Failed to disconnect block.");
        return false;
    };
    auto raw = read_block(node);
    if (!raw) return give_up("Failed to read block");
    auto block = Block::parse(std::move(*raw));
    if (!block) return give_up("Failed to decode block");
    auto undo = read_undo(node);
    if (!undo) return give_up("failure reading undo data");
    const auto result = coins_.disconnect(**block, *node, std::move(*undo));
    if (!result) return give_up(result.error().message);
    if (!*result) return give_up("block and undo data inconsistent");
    if (**result != Chainstate::Disconnected::clean) return give_up("coin database inconsistent");
    tip_ = front_ = node->parent;
    path_.clear();
    target_ = nullptr;
    publish_state();
    log_tip(tip_);
    for (ChainObserver* observer : observers_) observer->on_block_disconnected(*block, node);
    if (need_flush()) flush_ledger(true);
    return true;
}

void ChainCore::log_tip(const HeaderNode* node) {
    std::string warning;
    if (!initial_download_) warning = check_unknown_rules();
    if (!log::enabled(log::Category::none, log::Level::info)) return;
    log::info("UpdateTip: new best={} height={} version=0x{:08x} log2_work={:f} tx={} date='{}' progress={:f} cache={:.1f}MiB({}txo){}",
              node->hash.to_display_hex(), node->height, static_cast<std::uint32_t>(node->header.version), log2_work(node),
              gate_.status()[node].chain_tx_count.load(), iso_time(node->header.time), progress(node),
              static_cast<double>(coins_.cache().live_bytes()) / (1 << 20), coins_.cache().size(),
              warning.empty() ? "" : " warning='" + warning + "'");
}

// Leaves initial download once the tip is recent and has the work it must have; never goes back.
void ChainCore::publish_state() {
    if (!initial_download_ || importing_) return;
    if (tip_->chain_work < minimum_work_ || tip_->header.time < clock_.now() - options_.max_tip_age) return;
    log::info("Leaving InitialBlockDownload (latching to false)");
    initial_download_ = false;
}

// Shows the tip to the world: when it has more work than the one shown, or when it is settled (`force`).
void ChainCore::publish(bool force) {
    const auto shown = board_.view();
    const bool same = shown->tip == tip_;
    if (!same && !force && shown->tip && tip_->chain_work <= shown->tip->chain_work) return;
    // What lives on the coins is put in order before anyone sees the tip.
    if (resident_ && !resident_->settled() && !broken_) {
        if (!pending_.empty()) return;  // the coins are ahead of the tip: it is shown a little later
        resident_->on_settled();
    }
    if (same && shown->initial_block_download == initial_download_ && shown->importing == importing_ && shown->best_header == gate_.best()) return;
    const auto view = board_.change([this](ChainView& next) {
        next.tip = tip_;
        next.best_header = gate_.best();
        next.initial_block_download = initial_download_;
        next.importing = importing_;
    });
    if (same) return;
    const HeaderNode* old_tip = shown->tip ? shown->tip : gate_.tree().genesis();
    const HeaderNode* fork = last_common_ancestor(old_tip, tip_);
    if (best_invalid_) check_fork_warning();
    for (ChainObserver* observer : observers_) observer->on_tip(view, old_tip, fork);
}

}  // namespace cairn::node
