#pragma once

#include <unordered_map>
#include <unordered_set>

#include "consensus/rules/block_rules.hpp"
#include "consensus/rules/header_rules.hpp"
#include "node/chain/chain_port.hpp"

namespace cairn::test {

/// A chain in memory that checks headers and context-free rules, connects what has most work, and answers at once.
/// What only the network needs is there; the rest aborts.
/// Thread: one.
class FakeChainPort final : public node::ChainPort {
public:
    explicit FakeChainPort(ChainParamsPtr params) : params_(std::move(params)), tree_(params_->genesis->header()) {
        blocks_[tree_.genesis()] = params_->genesis;
        picture_ = std::make_shared<node::ChainView>(node::ChainView{tree_.genesis(), tree_.genesis(), true, false, 0});
    }

    /// Takes a block as if it had been mined here.
    void mine(const BlockPtr& block) { submit_block({to_bytes(block->raw()), node::kNoPeer, true, true, {}}); }
    std::int64_t now_s = 0;
    bool initial_download = false;
    std::size_t submissions = 0;

    std::shared_ptr<const node::ChainView> view() const override { return picture_; }
    const HeaderTree& headers() const override { return tree_; }
    node::BlockFacts facts(const HeaderNode* node) const override {
        node::BlockFacts facts;
        facts.have_data = blocks_.contains(node);
        facts.failed = failed_.contains(node);
        facts.scripts_valid = facts.have_data && !facts.failed;
        facts.chain_tx_count = picture_->contains(node) ? 1 : 0;
        return facts;
    }
    std::vector<const HeaderNode*> branch_tips() const override { return {}; }
    std::size_t pending_bytes() const override { return 0; }

    Result<const HeaderNode*, HeaderError> accept_headers(std::span<const BlockHeader> headers, bool) override {
        const HeaderNode* node = nullptr;
        for (const BlockHeader& header : headers) {
            const BlockHash hash = header.hash();
            const HeaderNode* parent = tree_.find(header.previous);
            if (!parent) return fail(HeaderError::missing_parent);
            if (failed_.contains(parent)) return fail(HeaderError::bad_parent);
            if (auto good = rules::check_header(header, hash, *parent, now_s, *params_); !good)
                return fail(good.error());
            node = tree_.insert(header, hash, parent);
            if (failed_.contains(node)) return fail(HeaderError::cached_invalid);
            if (node->chain_work > picture_->best_header->chain_work)
                change([&](node::ChainView& v) { v.best_header = node; });
        }
        return node;
    }

    void submit_block(node::BlockSubmission submission) override {
        ++submissions;
        node::BlockVerdict verdict;
        verdict.peer = submission.peer;
        auto block = submission.block ? Result<BlockPtr, DecodeError>(submission.block) : Block::parse(std::move(submission.raw));
        if (!block) return judge(verdict, "block-decode-failed");
        verdict.hash = (*block)->hash();
        const auto accepted = accept_headers({&(*block)->header(), 1}, true);
        if (!accepted) return judge(verdict, to_string(accepted.error()));
        if (auto checked = rules::check_block(*block, *params_); !checked) {
            failed_.insert(*accepted);
            return judge(verdict, "bad-block");
        }
        blocks_[*accepted] = *block;
        verdict.kind = node::BlockVerdict::Kind::stored;
        tell(verdict);
        connect_best();
    }

    Result<Bytes, node::ReadError> read_block(const HeaderNode* node) const override {
        const auto found = blocks_.find(node);
        if (found == blocks_.end()) return fail(node::ReadError::not_stored);
        return to_bytes(found->second->raw());
    }
    void read_block_async(const HeaderNode* node,
                          std::function<void(Result<Bytes, node::ReadError>)> done) const override {
        done(read_block(node));
    }
    void subscribe(node::ChainObserver* observer) override { observers_.push_back(observer); }
    void unsubscribe(node::ChainObserver* observer) override { std::erase(observers_, observer); }

    // --- not asked by the network
    Result<node::BlockUndo, node::ReadError> read_undo(const HeaderNode*) const override {
        return fail(node::ReadError::not_stored);
    }
    std::uint64_t size_on_disk() const override { return 0; }
    std::optional<Coin> coin(const OutPoint&) override { return std::nullopt; }
    Result<node::UtxoStats, node::CommandError> utxo_stats(node::UtxoHash, const std::function<bool()>&) override {
        return unsupported();
    }
    Result<const HeaderNode*, node::CommandError> scan_coins(
        const std::function<bool(const OutPoint&, const Coin&)>&) override {
        return unsupported();
    }
    Result<void, node::CommandError> invalidate_block(const HeaderNode*) override { return unsupported(); }
    Result<void, node::CommandError> reconsider_block(const HeaderNode*) override { return unsupported(); }
    Result<void, node::CommandError> precious_block(const HeaderNode*) override { return unsupported(); }
    Result<Height, node::CommandError> prune_to(Height) override { return unsupported(); }
    Result<bool, node::CommandError> verify_chain(int, int) override { return unsupported(); }
    Result<void, node::BlockVerdict> test_block(const Block&, bool) override { return {}; }
    Result<void, node::CommandError> flush() override { return {}; }
    std::shared_ptr<const node::ChainView> wait_for(const std::function<bool(const node::ChainView&)>&,
                                                    std::optional<std::int64_t>) override {
        return picture_;
    }
    void drain_events() override {}

private:
    static tl::unexpected<node::CommandError> unsupported() { return fail(node::CommandError{"not here"}); }
    void tell(const node::BlockVerdict& verdict) {
        for (auto* observer : observers_) observer->on_verdict(verdict);
    }
    void judge(node::BlockVerdict& verdict, std::string reason) {
        verdict.kind = node::BlockVerdict::Kind::invalid;
        verdict.reject_reason = std::move(reason);
        tell(verdict);
    }
    template <class F>
    void change(F edit) {
        auto next = std::make_shared<node::ChainView>(*picture_);
        edit(*next);
        next->initial_block_download = initial_download;
        picture_ = std::move(next);
    }
    bool complete(const HeaderNode* node) const {
        for (; node && !picture_->contains(node); node = node->parent)
            if (!blocks_.contains(node)) return false;
        return true;
    }
    void connect_best() {
        const HeaderNode* best = picture_->tip;
        for (const auto& [node, block] : blocks_)
            if (node->chain_work > best->chain_work && complete(node)) best = node;
        if (best == picture_->tip) return;
        const HeaderNode* old = picture_->tip;
        change([&](node::ChainView& v) { v.tip = best; });
        for (auto* observer : observers_) observer->on_tip(picture_, old, last_common_ancestor(old, best));
    }

    ChainParamsPtr params_;
    HeaderTree tree_;
    std::unordered_map<const HeaderNode*, BlockPtr> blocks_;
    std::unordered_set<const HeaderNode*> failed_;
    std::shared_ptr<const node::ChainView> picture_;
    std::vector<node::ChainObserver*> observers_;
};

}  // namespace cairn::test
