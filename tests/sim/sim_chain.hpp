#pragma once

#include <functional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "consensus/rules/params.hpp"
#include "node/chain/chain_port.hpp"
#include "tests/sim/rng.hpp"

namespace cairn::sim {

/// The chain that every simulation begins with: regtest's rules, but a difficulty at which headers of the least difficulty
/// allowed are worth next to nothing, so that floods of them can be told from work.
/// Thread: one.
class Origin {
public:
    static constexpr int kBlocks = 200;

    /// The one of this program. Its last block is a few minutes old when a World begins.
    static Origin& get();

    const ChainParamsPtr& params() const { return params_; }
    const std::vector<BlockPtr>& blocks() const { return blocks_; }
    /// The work of a chain that spammers cannot reach.
    Arith256 minimum_work() const;
    /// 4,000 headers on the genesis block with the least work that the rules allow. Made when first asked for.
    const std::vector<BlockHeader>& worthless();

private:
    explicit Origin(std::int64_t now_s);

    ChainParamsPtr params_;
    std::vector<BlockPtr> blocks_;
    std::vector<BlockHeader> worthless_;
};

/// A chain in memory behind the node's own port: headers go through all rules, blocks through those that need no coins;
/// what has most work is connected at once. Blocks are shared between nodes, as bytes that are equal may be.
/// Thread: one.
class SimChain final : public node::ChainPort {
public:
    /// Blocks by hash, so that a thousand nodes keep one copy.
    using Shared = std::unordered_map<BlockHash, BlockPtr>;
    /// `now_s` reads the virtual clock.
    SimChain(ChainParamsPtr params, Shared& shared, std::function<std::int64_t()> now_s);

    /// Takes blocks that are good, without telling anybody.
    void load(const std::vector<BlockPtr>& blocks);
    /// Finds a block on the tip, with a few transactions that nobody has seen, and takes it.
    BlockPtr mine(Rng& rng);
    /// A block that somebody else found on this one.
    static BlockPtr next_block(const HeaderNode& parent, std::int64_t now_s, Rng& rng, const ChainParams& params);
    const HeaderNode* tip() const { return picture_->tip; }

    std::shared_ptr<const node::ChainView> view() const override { return picture_; }
    const HeaderTree& headers() const override { return tree_; }
    node::BlockFacts facts(const HeaderNode* node) const override;
    std::vector<const HeaderNode*> branch_tips() const override { return {}; }
    std::size_t pending_bytes() const override { return 0; }
    Result<const HeaderNode*, HeaderError> accept_headers(std::span<const BlockHeader> headers, bool minimum_work_shown) override;
    void submit_block(node::BlockSubmission submission) override;
    Result<Bytes, node::ReadError> read_block(const HeaderNode* node) const override;
    void read_block_async(const HeaderNode* node, std::function<void(Result<Bytes, node::ReadError>)> done) const override { done(read_block(node)); }
    void subscribe(node::ChainObserver* observer) override { observers_.push_back(observer); }
    void unsubscribe(node::ChainObserver* observer) override { std::erase(observers_, observer); }

    // --- not asked by the network
    Result<node::BlockUndo, node::ReadError> read_undo(const HeaderNode*) const override { return fail(node::ReadError::not_stored); }
    std::uint64_t size_on_disk() const override { return 0; }
    std::optional<Coin> coin(const OutPoint&) override { return std::nullopt; }
    Result<node::UtxoStats, node::CommandError> utxo_stats(node::UtxoHash, const std::function<bool()>&) override { return no(); }
    Result<const HeaderNode*, node::CommandError> scan_coins(const std::function<bool(const OutPoint&, const Coin&)>&) override { return no(); }
    Result<void, node::CommandError> invalidate_block(const HeaderNode*) override { return no(); }
    Result<void, node::CommandError> reconsider_block(const HeaderNode*) override { return no(); }
    Result<void, node::CommandError> precious_block(const HeaderNode*) override { return no(); }
    Result<Height, node::CommandError> prune_to(Height) override { return no(); }
    Result<bool, node::CommandError> verify_chain(int, int) override { return no(); }
    Result<void, node::BlockVerdict> test_block(const Block&, bool) override { return {}; }
    Result<void, node::CommandError> flush() override { return {}; }
    std::shared_ptr<const node::ChainView> wait_for(const std::function<bool(const node::ChainView&)>&, std::optional<std::int64_t>) override {
        return picture_;
    }
    void drain_events() override {}

private:
    struct Row {
        BlockPtr block;
        bool complete = false;  ///< it and all before it are here
        bool failed = false;
    };
    static tl::unexpected<node::CommandError> no() { return fail(node::CommandError{"not simulated"}); }
    Row& row(const HeaderNode* node);
    node::BlockVerdict judge(node::BlockSubmission& submission);
    void store(const HeaderNode* node, const BlockPtr& block);
    const BlockPtr& keep(const BlockPtr& block);
    void connect_best();
    template <class F>
    void change(F edit);

    ChainParamsPtr params_;
    Shared& shared_;
    std::function<std::int64_t()> now_s_;
    HeaderTree tree_;
    std::vector<Row> rows_;  ///< by the node's id
    std::unordered_multimap<const HeaderNode*, const HeaderNode*> waiting_;  ///< stored, by the parent that is not complete
    const HeaderNode* best_complete_;
    std::shared_ptr<const node::ChainView> picture_;
    std::vector<node::ChainObserver*> observers_;
};

}  // namespace cairn::sim
