#pragma once

#include <memory>

#include "consensus/rules/params.hpp"
#include "node/chain/chain_options.hpp"
#include "node/chain/chain_port.hpp"
#include "node/chain/chain_thread.hpp"

namespace cairn::storage {
class KvStore;
}
namespace cairn::net {
class Clock;
}

namespace cairn::node {

/// The chain: headers, blocks, coins, and which branch is best.
///
/// One thread of its own (the chain thread) owns coin cache, stores and block status; workers decode blocks, fetch coins
/// ahead and verify scripts. Blocks are connected speculatively while verdicts on the scripts of earlier ones are
/// outstanding; the published view only ever shows a tip all of whose scripts hold.
///
/// start() opens the ledger on the caller's thread and leaves the threads running; -loadblock, bootstrap.dat and -reindex then
/// go on in the background (view()->importing). stop() finishes what is being connected, writes everything and joins the threads.
class ChainService final : public ChainPort {
public:
    /// All references outlive the service.
    ChainService(ChainServiceOptions options, ChainParamsPtr params, storage::KvStore& kv, const net::Clock& clock, ChainHooks hooks);
    ~ChainService() override;

    Result<void, ChainStartError> start();
    /// Idempotent. Any thread but the chain thread.
    void stop();
    /// Every wait_for returns at once, now and from now on; the rest goes on. Before stop(), so that callers come home. Any thread.
    void end_waiting();

    /// -prune is on: the node serves only the newest 288 blocks (NODE_NETWORK_LIMITED without NODE_NETWORK).
    bool prune_mode() const;
    bool prune_automatic() const;
    std::uint64_t prune_target() const;
    /// The chain's own thread, for what lives on it beside the chain.
    ChainThread& thread();
    const ChainServiceOptions& options() const;
    const ChainParams& params() const;
    /// The warnings that concern the chain, as getblockchaininfo's `warnings` lists them.
    std::vector<std::string> warnings() const;
    /// Share of the chain's expected transactions that are verified at `node`, 0 to 1 (verificationprogress).
    double verification_progress(const HeaderNode* node) const;

    // ChainPort
    std::shared_ptr<const ChainView> view() const override;
    const HeaderTree& headers() const override;
    BlockFacts facts(const HeaderNode* node) const override;
    std::vector<const HeaderNode*> branch_tips() const override;
    std::size_t pending_bytes() const override;
    Result<const HeaderNode*, HeaderError> accept_headers(std::span<const BlockHeader> headers, bool minimum_work_shown) override;
    void submit_block(BlockSubmission submission) override;
    Result<Bytes, ReadError> read_block(const HeaderNode* node) const override;
    Result<BlockUndo, ReadError> read_undo(const HeaderNode* node) const override;
    void read_block_async(const HeaderNode* node, std::function<void(Result<Bytes, ReadError>)> done) const override;
    std::uint64_t size_on_disk() const override;
    std::optional<Coin> coin(const OutPoint& outpoint) override;
    Result<UtxoStats, CommandError> utxo_stats(UtxoHash hash, const std::function<bool()>& keep_going) override;
    Result<const HeaderNode*, CommandError> scan_coins(const std::function<bool(const OutPoint&, const Coin&)>& visit) override;
    Result<void, CommandError> invalidate_block(const HeaderNode* node) override;
    Result<void, CommandError> reconsider_block(const HeaderNode* node) override;
    Result<void, CommandError> precious_block(const HeaderNode* node) override;
    Result<Height, CommandError> prune_to(Height height) override;
    Result<bool, CommandError> verify_chain(int level, int blocks) override;
    Result<void, BlockVerdict> test_block(const Block& block, bool check_pow) override;
    Result<void, CommandError> flush() override;
    std::shared_ptr<const ChainView> wait_for(const std::function<bool(const ChainView&)>& wanted,
                                              std::optional<std::int64_t> timeout_ms) override;
    void drain_events() override;
    void subscribe(ChainObserver* observer) override;
    void unsubscribe(ChainObserver* observer) override;

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace cairn::node
