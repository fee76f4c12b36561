#pragma once

#include <map>

#include "consensus/rules/params.hpp"
#include "node/chain/chain_port.hpp"

namespace cairn::test {

/// A chain of headers over a network's genesis block that says of its blocks what a test writes into the public
/// members. Commands succeed and are remembered by name.
class ScriptedChain : public node::ChainPort {
public:
    explicit ScriptedChain(const ChainParams& params) : tree_(params.genesis->header()), tip_(tree_.genesis()) {
        blocks[tip_] = to_bytes(params.genesis->raw());
        known[tip_] = {.have_data = true, .checked = true, .scripts_valid = true, .tx_count = 1, .chain_tx_count = 1};
    }

    /// A header on `parent` (null: the tip), which becomes the tip when it is the longest.
    const HeaderNode* extend(const HeaderNode* parent = nullptr) {
        if (!parent) parent = tip_;
        BlockHeader header = parent->header;
        header.previous = parent->hash;
        header.time += 600;
        header.nonce = static_cast<std::uint32_t>(tree_.size());
        const HeaderNode* node = tree_.insert(header, header.hash(), parent);
        known[node] = {.have_data = true,
                       .checked = true,
                       .scripts_valid = true,
                       .tx_count = 2,
                       .chain_tx_count = known[parent].chain_tx_count + 2};
        if (node->height > tip_->height) tip_ = node;
        return node;
    }

    std::map<const HeaderNode*, node::BlockFacts> known;
    std::map<const HeaderNode*, Bytes> blocks;
    std::map<const HeaderNode*, node::BlockUndo> undos;
    std::map<OutPoint, Coin> coins;
    std::vector<std::string> commands;
    node::BlockVerdict verdict;

    std::shared_ptr<const node::ChainView> view() const override {
        auto view = std::make_shared<node::ChainView>();
        view->tip = view->best_header = tip_;
        return view;
    }
    const HeaderTree& headers() const override { return tree_; }
    node::BlockFacts facts(const HeaderNode* node) const override {
        const auto found = known.find(node);
        return found == known.end() ? node::BlockFacts{} : found->second;
    }
    std::vector<const HeaderNode*> branch_tips() const override {
        std::vector<const HeaderNode*> tips;
        for (std::uint32_t i = 0; i < tree_.size(); ++i) {
            bool leaf = true;
            for (std::uint32_t j = i + 1; j < tree_.size(); ++j) leaf = leaf && tree_.at(j)->parent != tree_.at(i);
            if (leaf) tips.push_back(tree_.at(i));
        }
        return tips;
    }
    std::size_t pending_bytes() const override { return 0; }
    Result<const HeaderNode*, HeaderError> accept_headers(std::span<const BlockHeader>, bool) override {
        return fail(HeaderError::high_hash);
    }
    void submit_block(node::BlockSubmission submission) override { submission.done(verdict); }
    Result<Bytes, node::ReadError> read_block(const HeaderNode* node) const override {
        const auto found = blocks.find(node);
        if (found == blocks.end()) return fail(node::ReadError::pruned);
        return found->second;
    }
    Result<node::BlockUndo, node::ReadError> read_undo(const HeaderNode* node) const override {
        const auto found = undos.find(node);
        if (found == undos.end()) return fail(node::ReadError::not_stored);
        return found->second;
    }
    void read_block_async(const HeaderNode* node,
                          std::function<void(Result<Bytes, node::ReadError>)> done) const override {
        done(read_block(node));
    }
    std::uint64_t size_on_disk() const override { return 1234; }
    std::optional<Coin> coin(const OutPoint& outpoint) override {
        const auto found = coins.find(outpoint);
        if (found == coins.end()) return std::nullopt;
        return found->second;
    }
    Result<node::UtxoStats, node::CommandError> utxo_stats(node::UtxoHash hash, const std::function<bool()>&) override {
        node::UtxoStats stats;
        stats.at = tip_;
        stats.coins = 3;
        stats.total_amount = 150'000'000;
        if (hash != node::UtxoHash::none) stats.hash = Uint256();
        return stats;
    }
    Result<const HeaderNode*, node::CommandError> scan_coins(
        const std::function<bool(const OutPoint&, const Coin&)>& visit) override {
        for (const auto& [outpoint, coin] : coins) {
            if (!visit(outpoint, coin)) break;
        }
        return tip_;
    }
    Result<void, node::CommandError> invalidate_block(const HeaderNode*) override { return command("invalidate"); }
    Result<void, node::CommandError> reconsider_block(const HeaderNode*) override { return command("reconsider"); }
    Result<void, node::CommandError> precious_block(const HeaderNode*) override { return command("precious"); }
    Result<Height, node::CommandError> prune_to(Height height) override {
        commands.push_back("prune " + std::to_string(height));
        return height;
    }
    Result<bool, node::CommandError> verify_chain(int level, int count) override {
        commands.push_back("verify " + std::to_string(level) + " " + std::to_string(count));
        return true;
    }
    Result<void, node::BlockVerdict> test_block(const Block&, bool) override { return {}; }
    Result<void, node::CommandError> flush() override { return command("flush"); }
    std::shared_ptr<const node::ChainView> wait_for(const std::function<bool(const node::ChainView&)>&,
                                                    std::optional<std::int64_t> timeout_ms) override {
        commands.push_back("wait " + (timeout_ms ? std::to_string(*timeout_ms) : "without limit"));
        return view();
    }
    void drain_events() override { commands.push_back("drain"); }
    void subscribe(node::ChainObserver*) override {}
    void unsubscribe(node::ChainObserver*) override {}

private:
    Result<void, node::CommandError> command(const char* name) {
        commands.push_back(name);
        return {};
    }

    HeaderTree tree_;
    const HeaderNode* tip_;
};

}  // namespace cairn::test
