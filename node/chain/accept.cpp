#include "consensus/base/check.hpp"
#include "consensus/rules/block_rules.hpp"
#include "net/io/log.hpp"
#include "node/chain/chain_core.hpp"
#include "node/chain/text.hpp"

namespace cairn::node {

namespace log = net::log;
using Kind = BlockVerdict::Kind;

namespace {

// Unrequested blocks further ahead than this are of no use now (and pruning keeps as many).
constexpr Height kMaxAhead = 288;
// Blocks that wait in memory for their parent; beyond this they are read back from disk later.
constexpr std::size_t kUnlinkedBytes = 16 << 20;

BlockVerdict refuse(Kind kind, std::string reason, std::string debug = {}, bool mutated = false) {
    BlockVerdict verdict;
    verdict.kind = kind;
    verdict.reject_reason = std::move(reason);
    verdict.debug_message = std::move(debug);
    verdict.mutated = mutated;
    return verdict;
}

BlockVerdict refuse(const BlockFault& fault) { return refuse(Kind::invalid, fault.reject_reason(), fault.debug, fault.mutated()); }

}  // namespace

// Runs on a worker: parses the block and checks what needs no context.
void ChainCore::decode(IncomingBlock& incoming) const {
    const BlockSubmission& from = incoming.submission;
    // Whatever follows, the header tells which block these bytes claim to be.
    Reader reader(from.block ? from.block->raw() : ByteSpan(from.raw));
    incoming.header = BlockHeader::read(reader);
    if (reader.ok()) incoming.hash = incoming.header.hash();
    const auto trailing = incoming.stored_already ? TrailingBytes::refuse : TrailingBytes::drop;
    const auto block = from.block ? Result<BlockPtr, DecodeError>(from.block) : Block::parse(std::move(incoming.submission.raw), trailing);
    if (!block) {
        incoming.undecodable = block.error();
        return;
    }
    auto checked = rules::check_block(*block, *params_);
    if (checked) incoming.checked = std::move(*checked);
    else incoming.fault = std::move(checked.error());
    // What a peer changed on the way must not be held against the header. A block that was asked for and passed so far
    // has the right transactions, and its witness is checked with the context anyway.
    if (from.peer == kNoPeer || (from.force && incoming.checked)) return;
    const HeaderNode* parent = gate_.tree().find(incoming.header.previous);
    if (parent) incoming.mutation = rules::find_mutation(**block, params_->active_at(BuriedDeployment::segwit, parent->height + 1));
}

void ChainCore::submit(BlockSubmission submission, bool stored_already) {
    auto incoming = std::make_shared<IncomingBlock>();
    incoming->bytes = submission.block ? submission.block->raw().size() : submission.raw.size();
    incoming->submission = std::move(submission);
    incoming->stored_already = stored_already;
    pending_bytes_.fetch_add(incoming->bytes, std::memory_order_relaxed);
    const bool posted = workers_->post(
        [this, incoming] {
            if (!stopping()) decode(*incoming);
            mailbox_.post([this, incoming] { on_decoded(incoming); });
        },
        Workers::Priority::urgent);
    if (posted) return;
    pending_bytes_.fetch_sub(incoming->bytes, std::memory_order_relaxed);
    if (incoming->submission.done) incoming->submission.done(refuse(Kind::inconclusive, {}));
}

// Tells the verdict that ends a block's way in.
void ChainCore::judge(const IncomingBlock& incoming, BlockVerdict verdict) {
    verdict.hash = incoming.hash;
    verdict.peer = incoming.submission.peer;
    if (verdict.kind == Kind::invalid && !(verdict.mutated && verdict.peer != kNoPeer)) {
        log::error("AcceptBlock FAILED ({}{}{})", verdict.reject_reason, verdict.debug_message.empty() ? "" : ", ", verdict.debug_message);
    }
    if (incoming.submission.done) incoming.submission.done(verdict);
    for (ChainObserver* observer : observers_) observer->on_verdict(verdict);
}

void ChainCore::on_decoded(const std::shared_ptr<IncomingBlock>& incoming) {
    pending_bytes_.fetch_sub(incoming->bytes, std::memory_order_relaxed);
    if (stopping() || halted_) return judge(*incoming, refuse(Kind::inconclusive, {}));
    if (incoming->undecodable != DecodeError::none) {
        // Bytes that are no block say nothing about one: nobody is blamed, as bitcoind does.
        const char* why = incoming->undecodable == DecodeError::non_canonical_size ? "non-canonical ReadCompactSize()"
                          : incoming->undecodable == DecodeError::truncated        ? "DataStream::read(): end of data"
                                                                                   : to_string(incoming->undecodable);
        log::debug(log::Category::net, "ProcessMessages(block, {} bytes): Exception '{}' caught", incoming->bytes, why);
        return judge(*incoming, refuse(Kind::inconclusive, "block-decode-failed", to_string(incoming->undecodable), true));
    }
    if (incoming->mutation) {
        BlockVerdict verdict = refuse(Kind::invalid, incoming->mutation->reject_reason(), incoming->mutation->debug, true);
        log::debug(log::Category::validation, "Block mutated: {}{}{}", verdict.reject_reason, verdict.debug_message.empty() ? "" : ", ", verdict.debug_message);
        return judge(*incoming, std::move(verdict));
    }
    if (incoming->checked) incoming->bytes = incoming->checked->block().raw().size();
    const HeaderNode* node = gate_.tree().find(incoming->hash);
    if (incoming->fault) {
        const bool known_failed = node && gate_.status()[node].invalid();
        if (known_failed && !incoming->fault->mutated())
            return judge(*incoming, refuse(Kind::duplicate_invalid, "duplicate-invalid"));
        return judge(*incoming, refuse(*incoming->fault));
    }
    const BlockSubmission& from = incoming->submission;
    const bool vouched = from.header_checked || from.force;
    auto accepted = accept_headers({&incoming->header, 1}, vouched);
    if (incoming->hash == params_->genesis_hash()) accepted = gate_.tree().genesis();
    if (!accepted) {
        if (accepted.error() == HeaderError::cached_invalid) {
            return judge(*incoming, refuse(Kind::duplicate_invalid, "duplicate-invalid",
                                           "block " + incoming->hash.to_display_hex() + " was previously marked invalid"));
        }
        return judge(*incoming, refuse(Kind::invalid, reject_reason(accepted.error(), incoming->header.version), debug_message(accepted.error())));
    }
    node = *accepted;
    BlockStatus& status = gate_.status()[node];
    if (status.has(BlockStatus::have_data)) return judge(*incoming, refuse(Kind::duplicate, {}));
    if (!from.force) {
        const bool useful = status.tx_count == 0 && node->chain_work >= tip_->chain_work && node->height <= tip_->height + kMaxAhead &&
                            node->chain_work >= minimum_work_;
        if (!useful) return judge(*incoming, refuse(Kind::not_requested, {}));
    }
    if (auto good = rules::check_block_context(*incoming->checked, node->parent, *params_); !good) {
        if (!good.error().mutated()) block_failed(node);
        return judge(*incoming, refuse(good.error()));
    }
    if (!initial_download_ && node->parent == tip_) {
        for (ChainObserver* observer : observers_) observer->on_new_pow_valid_block(incoming->checked->ptr(), node);
    }
    if (!incoming->stored_already && !store_block(node, incoming->checked->block(), incoming->bytes))
        return judge(*incoming, refuse(Kind::inconclusive, {}));

    status.raw_size = static_cast<std::uint32_t>(incoming->bytes);
    status.tx_count = static_cast<std::uint32_t>(incoming->checked->block().txs().size());
    status.set(BlockStatus::have_data | BlockStatus::checked);
    if (params_->active_at(BuriedDeployment::segwit, node->height)) status.set(BlockStatus::witness_checked);
    stored_bytes_.fetch_add(incoming->bytes, std::memory_order_relaxed);
    touch(node);
    prune_check_ = true;
    if (node->height < lowest_stored()) fetched_again_[node] = tip_->height;

    Source& source = sources_[node];
    source.peer = from.peer;
    if (from.done) source.done.push_back(from.done);
    const bool was_linked = status.linked();
    if (!incoming->stored_already) keep_ahead(node, std::move(*incoming->checked), incoming->bytes, false);
    link(node);
    if (was_linked) add_candidate(node);
    const HeaderNode* best = best_candidate();
    const bool on_the_way = best && !hold_ && best->ancestor(node->height) == node && front_->ancestor(node->height) != node;
    if (!on_the_way) {
        if (status.linked()) drop_ahead(node);
        BlockVerdict verdict;
        verdict.kind = Kind::stored;
        settle_source(node, verdict);
    }
}

bool ChainCore::store_block(const HeaderNode* node, const Block& block, std::size_t size) {
    unchecked_space_ += size;
    if (unchecked_space_ > (16u << 20) && !check_space(0)) return false;
    storage::WriteBatch batch;
    storage::BlockStore::put_block(batch, key(node), block.raw());
    if (auto written = kv_.write(batch); !written) {
        fatal(written.error(), "System error while saving block to disk");
        return false;
    }
    return true;
}

void ChainCore::touch(const HeaderNode* node) {
    BlockStatus& status = gate_.status()[node];
    if (status.dirty) return;
    status.dirty = true;
    dirty_.push_back(node);
}

// Counts the transactions up to this block once all its ancestors are here, and those of descendants that waited for it.
void ChainCore::link(const HeaderNode* node) {
    StatusTable& table = gate_.status();
    if (node->parent && !table[node->parent].linked()) {
        unlinked_.emplace(node->parent, node);
        return;
    }
    std::deque<const HeaderNode*> queue{node};
    while (!queue.empty()) {
        const HeaderNode* next = queue.front();
        queue.pop_front();
        link_one(next);
        const auto [begin, end] = unlinked_.equal_range(next);
        for (auto it = begin; it != end; ++it) queue.push_back(it->second);
        unlinked_.erase(begin, end);
    }
}

void ChainCore::link_one(const HeaderNode* node) {
    BlockStatus& status = gate_.status()[node];
    const std::uint64_t before = node->parent ? gate_.status()[node->parent].chain_tx_count.load() : 0;
    candidates_.erase(node);
    status.chain_tx_count.store(before + status.tx_count, std::memory_order_release);
    status.sequence = next_sequence_++;
    add_candidate(node);
    if (const auto it = ahead_.find(node); it != ahead_.end() && it->second.checked && !it->second.counted) {
        it->second.counted = true;
        pending_bytes_.fetch_add(it->second.bytes, std::memory_order_relaxed);
    }
}

void ChainCore::add_candidate(const HeaderNode* node) {
    if (gate_.status()[node].invalid() || !gate_.status()[node].linked()) return;
    const CandidateOrder order{&gate_.status()};
    if (!order(node, tip_)) candidates_.insert(node);
}

void ChainCore::prune_candidates() {
    const CandidateOrder order{&gate_.status()};
    while (!candidates_.empty() && order(*candidates_.begin(), tip_)) candidates_.erase(candidates_.begin());
}

// The best candidate whose blocks down to the active chain are all here and none has failed. Candidates that turn out
// unusable are dropped on the way.
const HeaderNode* ChainCore::best_candidate() {
    while (!candidates_.empty()) {
        const HeaderNode* best = *candidates_.rbegin();
        const HeaderNode* bad = nullptr;
        for (const HeaderNode* node = best; node != target_ && front_->ancestor(node->height) != node; node = node->parent) {
            const BlockStatus& status = gate_.status()[node];
            if (!status.invalid() && status.has(BlockStatus::have_data)) continue;
            bad = node;
            break;
        }
        if (!bad) return target_ = best;
        const bool failed = gate_.status()[bad].invalid();
        if (failed) note_invalid(best);
        for (const HeaderNode* node = best; node != bad; node = node->parent) {
            if (!failed) {
                const auto [begin, end] = unlinked_.equal_range(node->parent);
                if (std::none_of(begin, end, [&](const auto& entry) { return entry.second == node; })) unlinked_.emplace(node->parent, node);
            }
            candidates_.erase(node);
        }
        candidates_.erase(bad);
    }
    return target_ = nullptr;
}

void ChainCore::keep_ahead(const HeaderNode* node, rules::CheckedBlock checked, std::size_t bytes, bool counted) {
    if (!counted && ahead_bytes_ > options_.pending_limit + kUnlinkedBytes) return;
    Ahead& ahead = ahead_[node];
    if (ahead.checked) return;
    if (!ahead.reading) {
        ahead.bytes = bytes;
        ahead_bytes_ += bytes;
    }
    ahead.checked = std::move(checked);
}

void ChainCore::drop_ahead(const HeaderNode* node) {
    const auto it = ahead_.find(node);
    if (it == ahead_.end()) return;
    ahead_bytes_ -= it->second.bytes;
    if (it->second.counted) pending_bytes_.fetch_sub(it->second.bytes, std::memory_order_relaxed);
    ahead_.erase(it);
}

void ChainCore::settle_source(const HeaderNode* node, BlockVerdict verdict) {
    const auto it = sources_.find(node);
    verdict.hash = node->hash;
    if (it == sources_.end()) {
        if (verdict.kind == Kind::stored) return;
    } else {
        verdict.peer = it->second.peer;
        const auto done = std::exchange(it->second.done, {});
        // A block that only waits may still turn out bad: its sender is remembered.
        if (verdict.kind != Kind::stored || verdict.peer == kNoPeer) sources_.erase(it);
        for (const auto& tell : done) tell(verdict);
    }
    for (ChainObserver* observer : observers_) observer->on_verdict(verdict);
}

// Nothing more will be connected now: whoever still waits for a verdict learns that the block is kept.
void ChainCore::settle_waiting_sources() {
    std::vector<const HeaderNode*> waiting;
    for (const auto& [node, source] : sources_) {
        if (!source.done.empty()) waiting.push_back(node);
    }
    BlockVerdict verdict;
    verdict.kind = stopping() || halted_ ? Kind::inconclusive : Kind::stored;
    for (const HeaderNode* node : waiting) settle_source(node, verdict);
}

// Remembers the invalid block whose chain has most work, for the warning about long invalid chains.
void ChainCore::note_invalid(const HeaderNode* node) {
    if (!best_invalid_ || node->chain_work > best_invalid_->chain_work) best_invalid_ = node;
}

// The block breaks a rule: it and what builds on it is never tried again.
void ChainCore::block_failed(const HeaderNode* node) {
    note_invalid(node);
    for (const HeaderNode* changed : gate_.mark_failed(node)) {
        candidates_.erase(changed);
        drop_ahead(changed);
        touch(changed);
        note_invalid(changed);
    }
    target_ = nullptr;
    path_.clear();
    const auto describe = [](const char* what, const HeaderNode* at) {
        log::info("InvalidChainFound: {}={} height={} log2_work={:f} date={}", what, at->hash.to_display_hex(), at->height,
                  log2_work(at), iso_time(at->header.time));
    };
    describe("invalid block", node);
    describe("current best", tip_);
    board_.change([this](ChainView& view) { view.best_header = gate_.best(); });
    check_fork_warning();
}

}  // namespace cairn::node
