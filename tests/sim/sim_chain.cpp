#include "tests/sim/sim_chain.hpp"

#include <algorithm>

#include "consensus/base/check.hpp"
#include "consensus/rules/block_rules.hpp"
#include "consensus/rules/difficulty.hpp"
#include "consensus/rules/header_rules.hpp"
#include "consensus/rules/subsidy.hpp"
#include "tests/sim/heap.hpp"
#include "tests/sim/world.hpp"
#include "tests/support/chain_builder.hpp"

namespace cairn::sim {
namespace {

constexpr std::uint32_t kBits = 0x1f7fffff;         // 512 tries a block
constexpr std::int64_t kDay_s = 86'400;
constexpr std::int64_t kSpacing_s = 600;
constexpr int kTransactions = 4;                    // of a block beside its coinbase

ChainParamsPtr make_sim_params(std::int64_t now_s) {
    ChainParams params = *make_params(Network::regtest);
    test::BlockDraft draft(*params.genesis);
    draft.header.time = static_cast<std::uint32_t>(now_s - 90 * kDay_s);
    draft.header.bits = kBits;
    params.genesis = draft.mine(params).finish();
    return std::make_shared<const ChainParams>(std::move(params));
}

MutableTransaction make_coinbase(Height height, std::uint64_t salt, const ChainParams& params) {
    MutableTransaction coinbase;
    coinbase.inputs.push_back({.script_sig = ScriptBuilder().raw(rules::coinbase_height_script(height)).number(static_cast<std::int64_t>(salt >> 2)).take()});
    coinbase.outputs.push_back({rules::block_subsidy(height, params), Bytes(22, 0x51)});
    return coinbase;
}

MutableTransaction make_payment(Rng& rng) {
    MutableTransaction tx;
    OutPoint spent;
    for (std::size_t i = 0; i < Uint256::kSize; i += 8) {
        const std::uint64_t part = rng.next();
        std::memcpy(spent.txid.data() + i, &part, sizeof part);
    }
    tx.inputs.push_back({.prevout = spent, .script_sig = Bytes(107, 0x01)});
    tx.outputs.push_back({1'000, Bytes(25, 0x51)});
    tx.outputs.push_back({2'000, Bytes(25, 0x51)});
    return tx;
}

BlockPtr make_block(const HeaderNode& parent, std::int64_t time_s, int payments, Rng& rng, const ChainParams& params) {
    test::BlockDraft draft;
    draft.header.version = 0x20000000;
    draft.header.previous = parent.hash;
    draft.header.time = static_cast<std::uint32_t>(time_s);
    draft.header.bits = rules::next_work_required(parent, draft.header.time, params);
    draft.txs.push_back(make_coinbase(parent.height + 1, rng.next(), params));
    for (int i = 0; i < payments; ++i) draft.txs.push_back(make_payment(rng));
    return draft.fix_merkle_root().mine(params).finish();
}

}  // namespace

Origin::Origin(std::int64_t now_s) : params_(make_sim_params(now_s)) {
    Rng rng(1);
    HeaderTree tree(params_->genesis->header());
    const HeaderNode* tip = tree.genesis();
    for (int i = 0; i < kBlocks; ++i) {
        blocks_.push_back(make_block(*tip, now_s - (kBlocks - i) * kSpacing_s + kSpacing_s / 2, 0, rng, *params_));
        tip = tree.insert(blocks_.back()->header(), blocks_.back()->hash(), tip);
    }
}

Origin& Origin::get() {
    static Origin origin(World::kBegin_us / kSecond);
    return origin;
}

Arith256 Origin::minimum_work() const { return block_work(kBits) * std::uint64_t{kBlocks / 2}; }

const std::vector<BlockHeader>& Origin::worthless() {
    BlockHeader last = params_->genesis->header();
    while (worthless_.size() < 2 * 2'000) {
        BlockHeader next;
        next.version = 0x20000000;
        next.previous = last.hash();
        next.time = last.time + 2 * kSpacing_s + 1;
        next.bits = 0x207fffff;
        while (!rules::check_proof_of_work(next.hash(), next.bits, *params_)) ++next.nonce;
        worthless_.push_back(next);
        last = next;
    }
    return worthless_;
}

SimChain::SimChain(ChainParamsPtr params, Shared& shared, std::function<std::int64_t()> now_s)
    : params_(std::move(params)), shared_(shared), now_s_(std::move(now_s)), tree_(params_->genesis->header()), best_complete_(tree_.genesis()) {
    rows_.push_back({params_->genesis, true, false});
    picture_ = std::make_shared<node::ChainView>(node::ChainView{tree_.genesis(), tree_.genesis(), true, false, 0});
}

SimChain::Row& SimChain::row(const HeaderNode* node) {
    if (node->id >= rows_.size()) rows_.resize(node->id + 1);
    return rows_[node->id];
}

/// The copy that all nodes have of it.
const BlockPtr& SimChain::keep(const BlockPtr& block) {
    const heap::As nobody(0);
    return shared_.try_emplace(block->hash(), block).first->second;
}

template <class F>
void SimChain::change(F edit) {
    const heap::As nobody(0);
    auto next = std::make_shared<node::ChainView>(*picture_);
    edit(*next);
    if (next->tip && now_s_() - next->tip->header.time < kDay_s && next->tip->height > 0) next->initial_block_download = false;
    picture_ = std::move(next);
}

node::BlockFacts SimChain::facts(const HeaderNode* node) const {
    node::BlockFacts facts;
    if (node->id >= rows_.size()) return facts;
    const Row& here = rows_[node->id];
    facts.have_data = here.block != nullptr;
    facts.failed = here.failed;
    facts.checked = facts.scripts_valid = facts.have_data && !here.failed;
    facts.chain_tx_count = here.complete ? 1 : 0;
    return facts;
}

Result<const HeaderNode*, HeaderError> SimChain::accept_headers(std::span<const BlockHeader> headers, bool) {
    const heap::As nobody(0);  // the chain is no peer's memory
    const HeaderNode* node = nullptr;
    for (const BlockHeader& header : headers) {
        const BlockHash hash = header.hash();
        node = tree_.find(hash);
        if (!node) {
            const HeaderNode* parent = tree_.find(header.previous);
            if (!parent) return fail(HeaderError::missing_parent);
            if (row(parent).failed) return fail(HeaderError::bad_parent);
            if (auto good = rules::check_header(header, hash, *parent, now_s_(), *params_); !good) return fail(good.error());
            node = tree_.insert(header, hash, parent);
        }
        if (row(node).failed) return fail(HeaderError::cached_invalid);
        if (node->chain_work > picture_->best_header->chain_work) change([&](node::ChainView& v) { v.best_header = node; });
    }
    return node;
}

node::BlockVerdict SimChain::judge(node::BlockSubmission& submission) {
    using Kind = node::BlockVerdict::Kind;
    node::BlockVerdict verdict;
    verdict.peer = submission.peer;
    verdict.kind = Kind::invalid;
    const std::uint32_t submitter = heap::set_owner(0);
    // Copied, so that what is kept is nobody's.
    auto block = Block::parse(submission.block ? to_bytes(submission.block->raw()) : to_bytes(submission.raw));
    heap::set_owner(submitter);
    if (!block) {
        verdict.reject_reason = "block-decode-failed";
        return verdict;
    }
    verdict.hash = (*block)->hash();
    auto checked = rules::check_block(*block, *params_);
    if (!checked && checked.error().mutated()) {
        verdict.mutated = true;
        verdict.reject_reason = checked.error().reject_reason();
        return verdict;
    }
    const auto accepted = accept_headers({&(*block)->header(), 1}, true);
    if (!accepted) {
        verdict.reject_reason = to_string(accepted.error());
        return verdict;
    }
    if (!checked) {
        row(*accepted).failed = true;
        verdict.reject_reason = checked.error().reject_reason();
        return verdict;
    }
    verdict.kind = Kind::duplicate;
    if (row(*accepted).block) return verdict;
    if (!submission.force && (*accepted)->chain_work < picture_->tip->chain_work) {
        verdict.kind = Kind::not_requested;
        return verdict;
    }
    const BlockPtr& kept = keep(*block);
    const bool builds_on_tip = (*accepted)->parent == picture_->tip;
    if (builds_on_tip && !picture_->initial_block_download)
        for (auto* observer : observers_) observer->on_new_pow_valid_block(kept, *accepted);
    store(*accepted, kept);
    verdict.kind = Kind::stored;
    return verdict;
}

void SimChain::submit_block(node::BlockSubmission submission) {
    using Kind = node::BlockVerdict::Kind;
    const node::BlockVerdict verdict = judge(submission);
    for (auto* observer : observers_) observer->on_verdict(verdict);
    if (verdict.kind == Kind::stored) {
        connect_best();
        if (const HeaderNode* node = tree_.find(verdict.hash); picture_->contains(node)) {
            node::BlockVerdict connected = verdict;
            connected.kind = Kind::connected;
            for (auto* observer : observers_) observer->on_verdict(connected);
        }
    }
    if (submission.done) submission.done(verdict);
}

/// The block is here; so may be others that waited for it.
void SimChain::store(const HeaderNode* node, const BlockPtr& block) {
    const heap::As nobody(0);
    row(node).block = block;
    if (!row(node->parent).complete) {
        waiting_.emplace(node->parent, node);
        return;
    }
    std::vector<const HeaderNode*> ready{node};
    while (!ready.empty()) {
        const HeaderNode* next = ready.back();
        ready.pop_back();
        row(next).complete = true;
        if (next->chain_work > best_complete_->chain_work) best_complete_ = next;
        const auto [first, last] = waiting_.equal_range(next);
        for (auto place = first; place != last; ++place) ready.push_back(place->second);
        waiting_.erase(first, last);
    }
}

void SimChain::connect_best() {
    if (best_complete_ == picture_->tip) return;
    const HeaderNode* old = picture_->tip;
    const HeaderNode* fork = last_common_ancestor(old, best_complete_);
    change([&](node::ChainView& v) { v.tip = best_complete_; });
    for (auto* observer : observers_) observer->on_tip(picture_, old, fork);
}

Result<Bytes, node::ReadError> SimChain::read_block(const HeaderNode* node) const {
    if (node->id >= rows_.size() || !rows_[node->id].block) return fail(node::ReadError::not_stored);
    return to_bytes(rows_[node->id].block->raw());
}

void SimChain::load(const std::vector<BlockPtr>& blocks) {
    for (const BlockPtr& block : blocks) {
        const auto node = accept_headers({&block->header(), 1}, true);
        CAIRN_CHECK(node.has_value());
        store(*node, keep(block));
    }
    connect_best();
}

BlockPtr SimChain::next_block(const HeaderNode& parent, std::int64_t now_s, Rng& rng, const ChainParams& params) {
    // Never so late that the rules would make the difficulty fall.
    const std::int64_t time_s = std::clamp<std::int64_t>(now_s, parent.median_time_past() + 1, std::int64_t{parent.header.time} + 2 * kSpacing_s - 1);
    return make_block(parent, std::max<std::int64_t>(time_s, parent.header.time + 1), kTransactions, rng, params);
}

BlockPtr SimChain::mine(Rng& rng) {
    const BlockPtr block = next_block(*picture_->tip, now_s_(), rng, *params_);
    submit_block({to_bytes(block->raw()), node::kNoPeer, true, true, {}});
    CAIRN_CHECK(picture_->tip->hash == block->hash());
    return block;
}

}  // namespace cairn::sim
