#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "node/chain/chain_port.hpp"
#include "node/mempool/mempool_port.hpp"
#include "node/mining/block_template.hpp"
#include "node/mining/options.hpp"

namespace cairn::net {
class Clock;
}

namespace cairn::node {

/// The last block that was put together for mining, for getmininginfo.
struct LastAssembled {
    std::int64_t weight = 0;        ///< of the transactions, plus what is reserved for header and coinbase
    std::int64_t transactions = 0;  ///< beside the coinbase
};

/// Keeps the template of the next block ready.
///
/// A template is worked out under the mempool's shared lock only while transactions are being chosen; commitment and JSON are
/// made afterwards, and the result is kept. A call gets the kept one while its tip is the chain's and the mempool did not
/// change, or changed within the last five seconds (as Bitcoin Core does it). While someone asks now and then, a thread
/// renews it ahead, so that calls find it made: for a new tip as soon as the mempool has let go what the block took, while the tip is
/// still on its way to everyone else; else just before the five seconds are over.
///
/// Is every template valid? What is in the mempool was checked against the tip's coins under all rules of consensus, stays in
/// topological order here, and the block's limits are counted; so a template is right unless there is a bug. Bitcoin Core
/// connects each one on trial nevertheless, which takes many milliseconds for a full block. Here, small ones are tried before
/// they are given out on chains that check themselves (regtest); else the thread tries the first of each tip off the callers'
/// way. One that fails is logged and withdrawn, and empty blocks are offered until the tip changes.
/// Thread: any.
class TemplateBoard final : public ChainObserver, public MempoolObserver {
public:
    /// `pool` may be null: blocks stay empty. All outlive the board. Nothing runs before start().
    TemplateBoard(ChainPort& chain, MempoolPort* pool, ChainParamsPtr params, const net::Clock& clock, MiningOptions options);
    ~TemplateBoard() override;
    TemplateBoard(const TemplateBoard&) = delete;
    TemplateBoard& operator=(const TemplateBoard&) = delete;

    /// Subscribes to the chain and starts the thread.
    void start();
    /// Ends both. Also done by the destructor.
    void stop();

    const MiningOptions& options() const { return options_; }
    /// For getblocktemplate: the kept template, or a new one. Throws std::runtime_error "TestBlockValidity failed: ..." when it
    /// was tried and found wrong.
    BlockTemplatePtr current();
    /// A template as of now, without JSON. `use_mempool` false: of an empty block.
    BlockTemplatePtr fresh(bool use_mempool);
    /// The whole block of a template, paying to `script_pubkey`; without proof of work.
    Bytes assemble(const BlockTemplate& of, ByteSpan script_pubkey) const;

    /// nullopt: none yet.
    std::optional<LastAssembled> last_assembled() const;
    /// The mempool's count of changes now.
    std::uint64_t mempool_changes() const;
    /// The one that the last answer to getblocktemplate showed; 0 before the first.
    std::uint64_t shown_changes() const;

    void on_tip(const std::shared_ptr<const ChainView>& view, const HeaderNode* old_tip, const HeaderNode* fork) override;
    void on_block_removed(const std::vector<RemovedEntry>& removed, const HeaderNode* block) override;

private:
    using Steady = std::chrono::steady_clock;

    std::shared_ptr<BlockTemplate> make(bool use_mempool);
    void select(BlockTemplate& made, bool use_mempool) const;
    void complete(BlockTemplate& made);
    static void commit(BlockTemplate& made);
    BlockTemplatePtr make_for_callers();
    std::string trial(const BlockTemplate& of) const;
    bool still_good(std::int64_t max_age_s) const;
    void renew(std::unique_lock<std::mutex>& lock);
    void wake(const HeaderNode* tip);
    bool wanted() const;
    void run();
    void try_first_of_tip(std::unique_lock<std::mutex>& lock);

    ChainPort& chain_;
    MempoolPort* pool_;
    ChainParamsPtr params_;
    const net::Clock& clock_;
    const MiningOptions options_;

    std::mutex states_mutex_;
    rules::DeploymentStates states_;

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    BlockTemplatePtr kept_;
    bool given_ = false;       ///< somebody got the kept one
    std::uint64_t shown_changes_ = 0;
    bool making_ = false;      ///< a thread is replacing the kept one
    bool woken_ = false;
    std::atomic<const HeaderNode*> coming_ = nullptr;  ///< the block that the mempool goes with and that is about to be the tip
    bool stopping_ = false;
    std::optional<Steady::time_point> last_asked_;
    Steady::time_point first_made_;                     ///< when a template was first made for the kept one's tip
    const HeaderNode* tried_ = nullptr;                 ///< the tip whose first template was tried
    std::atomic<const HeaderNode*> broken_ = nullptr;   ///< the tip on which a template failed
    std::optional<LastAssembled> last_;
    std::thread thread_;
};

}  // namespace cairn::node
