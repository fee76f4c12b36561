#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <thread>
#include <unordered_map>
#include <unordered_set>

#include "consensus/rules/assume_valid.hpp"
#include "consensus/rules/deployments.hpp"
#include "node/chain/chain_options.hpp"
#include "node/chain/chain_thread.hpp"
#include "node/chain/chainstate.hpp"
#include "node/chain/header_gate.hpp"
#include "node/chain/mailbox.hpp"
#include "node/chain/script_cache.hpp"
#include "node/chain/view_board.hpp"
#include "node/chain/workers.hpp"
#include "storage/header_store.hpp"

namespace cairn::node {

/// A block on its way in, decoded by a worker.
struct IncomingBlock {
    BlockSubmission submission;
    std::size_t bytes = 0;
    DecodeError undecodable = DecodeError::none;
    bool stored_already = false;                ///< read from the block store (reindexing)
    BlockHeader header;
    BlockHash hash;
    std::optional<rules::CheckedBlock> checked;
    std::optional<BlockFault> fault;            ///< of the context-free check
    std::optional<BlockFault> mutation;         ///< how a peer's bytes do not belong to their header
};

/// A block connected on speculation: its coins are in, its verdict is out.
struct PendingBlock {
    const HeaderNode* node = nullptr;
    std::shared_ptr<rules::ResolvedBlock> resolved;
    SpentByBlock undo;
    ScriptFlags flags;
    std::size_t bytes = 0;
    std::atomic<int> remaining{0};   ///< jobs not yet finished
    std::atomic<bool> failed{false}; ///< lets other jobs of this block end early
    bool coins_untouched = false;    ///< was found bad before a coin moved: nothing to roll back
    bool doomed = false;             ///< was found bad when its coins were connected: nothing is connected on top

    std::mutex mutex;                ///< guards the faults
    std::optional<BlockFault> spend_fault;
    std::optional<BlockFault> script_fault;
    std::size_t script_fault_at = 0; ///< transaction

    const BlockPtr& block() const { return resolved->checked().ptr(); }
};

/// The chain's one writer: takes blocks in, connects the best branch, tells the world, writes it down.
///
/// A block passes: decode and check (worker) → accept: context, store, link (here) → prefetch coins (worker) → connect
/// the coins (here, ahead of verdicts) → spends and scripts (workers) → retire in order (here): undo, status, view, events.
/// When a verdict is bad everything connected since is rolled back from memory.
/// Owner: chain thread, but for what says otherwise.
class ChainCore final : public ChainThread {
public:
    ChainCore(ChainServiceOptions options, ChainParamsPtr params, storage::KvStore& kv, const net::Clock& clock, ChainHooks hooks);
    ~ChainCore() override;

    // --- life (the caller's thread)
    Result<void, ChainStartError> open();
    void start_threads();
    void stop();

    // --- any thread
    HeaderGate& gate() { return gate_; }
    const HeaderGate& gate() const { return gate_; }
    ViewBoard& board() { return board_; }
    const ChainServiceOptions& options() const { return options_; }
    const ChainParamsPtr& params() const { return params_; }
    std::size_t pending_bytes() const { return pending_bytes_.load(std::memory_order_relaxed); }
    std::uint64_t stored_bytes() const { return stored_bytes_.load(std::memory_order_relaxed); }
    Result<const HeaderNode*, HeaderError> accept_headers(std::span<const BlockHeader> headers, bool minimum_work_shown);
    void submit(BlockSubmission submission, bool stored_already = false);
    Result<Bytes, ReadError> read_block(const HeaderNode* node) const;
    /// The same for a block that others will check: cheaper.
    Result<Bytes, ReadError> read_block_unverified(const HeaderNode* node) const;
    Result<BlockUndo, ReadError> read_undo(const HeaderNode* node) const;
    double progress(const HeaderNode* node) const;
    std::vector<std::string> warnings() const;
    bool stopping() const { return stopping_.load(std::memory_order_relaxed); }
    /// Runs `work` on the chain thread and waits; false when the chain has stopped and it never ran.
    bool run_and_wait(const std::function<void()>& work);
    void set_observer(ChainObserver* observer, bool on);

    // --- ChainThread
    bool post(std::function<void()> work) override { return mailbox_.post(std::move(work)); }
    bool run_at_rest(const std::function<void()>& work) override;
    Turn try_at_rest(const std::function<void()>& work) override;
    Workers& workers() override { return *workers_; }
    void set_resident(ChainResident* resident) override;
    void set_companion(LedgerCompanion* companion) override;
    bool write_companion(storage::WriteBatch& batch, const std::function<void(const HeaderNode* flushed)>& before) override;
    const HeaderNode* tip() const override { return tip_; }
    bool initial_block_download() const override { return initial_download_; }
    std::optional<Coin> coin(const OutPoint& outpoint, bool& failed) override;
    bool find_coins(std::span<const OutPoint* const> outpoints, std::span<FoundCoin> coins, Arena& arena) override;
    void keep_coin(const OutPoint& outpoint, const FoundCoin& coin) override;
    bool coin_in_memory(const OutPoint& outpoint) const override;
    const HeaderNode* best_header() const override { return gate_.best(); }
    const ChainParams& chain_params() const override { return *params_; }
    bool broken() const override { return broken_; }
    ScriptCache& script_cache() override { return script_cache_; }

    // --- commands, on the chain thread
    Result<void, CommandError> invalidate(const HeaderNode* node);
    Result<void, CommandError> reconsider(const HeaderNode* node);
    Result<void, CommandError> precious(const HeaderNode* node);
    Result<Height, CommandError> prune_to(Height height);
    Result<bool, CommandError> verify(int level, int blocks);
    Result<void, BlockVerdict> test_block(const Block& block, bool check_pow);
    std::optional<Coin> coin(const OutPoint& outpoint);
    /// Everything to disk. False: it failed and the node is stopping.
    bool flush_all();
    /// The coins in memory to the store, where snapshots see them; not necessarily durable yet.
    bool flush_coins();
    /// Waits for all verdicts without connecting more: what is connected is verified then.
    void drain();
    /// Processes everything until no branch is better and no verdict is out.
    void settle();
    storage::KvStore& kv() { return kv_; }
    Chainstate& coins() { return coins_; }

private:
    struct Ahead {
        std::optional<rules::CheckedBlock> checked;
        std::size_t bytes = 0;       ///< counted in pending_bytes_ when `counted`
        bool counted = false;
        bool reading = false;
        enum class Prefetch { none, running, done } prefetch = Prefetch::none;
        Prefetched coins;
    };
    struct Source {
        PeerId peer = kNoPeer;
        std::vector<std::function<void(const BlockVerdict&)>> done;
    };
    // chain_core.cpp: life
    void run();
    void read_mail(std::chrono::milliseconds wait);
    bool step();
    void on_idle();
    bool idle();
    Result<void, ChainStartError> load();
    Result<void, ChainStartError> make_genesis();
    Result<void, ChainStartError> load_tip();
    bool lacks_witness_checks() const;
    void end_import();
    void fatal(const std::string& message);
    void fatal(const storage::StorageError& error, const std::string& doing);
    void set_warning(const std::string& name, const std::string& text);

    // accept.cpp: blocks coming in, candidates
    void decode(IncomingBlock& incoming) const;
    void on_decoded(const std::shared_ptr<IncomingBlock>& incoming);
    void judge(const IncomingBlock& incoming, BlockVerdict verdict);
    bool store_block(const HeaderNode* node, const Block& block, std::size_t size);
    void link(const HeaderNode* node);
    void link_one(const HeaderNode* node);
    void add_candidate(const HeaderNode* node);
    void prune_candidates();
    const HeaderNode* best_candidate();
    void keep_ahead(const HeaderNode* node, rules::CheckedBlock checked, std::size_t bytes, bool counted);
    void drop_ahead(const HeaderNode* node);
    void touch(const HeaderNode* node);
    void settle_source(const HeaderNode* node, BlockVerdict verdict);
    void settle_waiting_sources();
    void note_invalid(const HeaderNode* node);
    void block_failed(const HeaderNode* node);

    // connect.cpp: the pipeline
    bool advance();
    bool retire();
    void commit(PendingBlock& block);
    void reject(PendingBlock& block, const BlockFault& fault);
    void roll_back_pending();
    bool plan(const HeaderNode* target);
    void finish_jobs();
    void read_ahead();
    void request_read(const HeaderNode* node, Ahead& ahead);
    void request_prefetch(const HeaderNode* node, Ahead& ahead);
    bool connect_next();
    void post_jobs(const std::shared_ptr<PendingBlock>& block, bool scripts);
    bool disconnect_tip();
    void publish(bool force);
    void publish_state();
    void log_tip(const HeaderNode* node);
    void check_fork_warning();
    std::string check_unknown_rules();
    std::optional<std::string_view> script_reason(const HeaderNode* node);

    // verify.cpp: -checkblocks, verifychain
    struct Examined;
    struct Verification;
    Examined examine(const HeaderNode* node, int level) const;
    std::vector<Examined> examine_next(const HeaderNode* from, Height above, int level);
    storage::Stored<DiskCoins> ask_disk(const std::vector<Examined>& group);
    bool take_back(Verification& state);
    bool connect_again(Verification& state);

    // flush.cpp: to disk
    bool need_flush() const;
    bool flush_due() const;
    bool flush_now();
    bool prune_due() const;
    bool flush_ledger(bool drop_coins);
    void append_index(storage::WriteBatch& batch);
    std::chrono::milliseconds calm_left();
    bool flush_if_due(bool idle);
    bool write_index();
    bool check_space(std::uint64_t needed);
    void prune_if_due();
    Height last_prunable() const;
    void log_prune_limit() const;
    Height prune_range(Height first, Height last, std::uint64_t stop_at_bytes);
    bool may_go_again(const HeaderNode* node, Height last) const;
    void prune_block(const HeaderNode* node, storage::WriteBatch& batch);
    Height lowest_stored() const;
    storage::BlockKey key(const HeaderNode* node) const { return {node->height, node->hash}; }

    // import.cpp
    void import();
    void import_file(const std::filesystem::path& path);
    void import_store();
    bool wait_for_room();

    ChainServiceOptions options_;
    ChainParamsPtr params_;
    storage::KvStore& kv_;
    storage::BlockStore blocks_;
    storage::HeaderStore headers_;
    const net::Clock& clock_;
    ChainHooks hooks_;
    HeaderGate gate_;
    ViewBoard board_;
    Mailbox mailbox_;
    std::mutex duty_;             ///< held by whoever does the chain thread's work: that thread while it is awake
    Chainstate coins_;
    ScriptCache script_cache_;
    rules::DeploymentStates deployments_;
    std::unique_ptr<Workers> workers_;
    std::thread chain_thread_, import_thread_;
    std::atomic<bool> stopping_{false};
    bool running_ = false;
    bool halted_ = false;         ///< a fatal error or -stopatheight: nothing is connected any more
    bool broken_ = false;         ///< the disk failed: nothing is written any more
    std::atomic<std::size_t> pending_bytes_{0};
    std::atomic<std::uint64_t> stored_bytes_{0};

    // The chain. tip_ <= front_ : verified, and with everything pending.
    const HeaderNode* tip_ = nullptr;
    const HeaderNode* front_ = nullptr;
    std::set<const HeaderNode*, CandidateOrder> candidates_;
    std::multimap<const HeaderNode*, const HeaderNode*> unlinked_;  ///< parent -> children with data, in the order of their coming
    const HeaderNode* target_ = nullptr;     ///< a candidate whose path is known to be good
    std::deque<const HeaderNode*> path_;     ///< from front_'s child towards target_
    std::unordered_map<const HeaderNode*, Ahead> ahead_;
    std::size_t ahead_bytes_ = 0;            ///< blocks held in ahead_ or being read
    std::deque<std::shared_ptr<PendingBlock>> pending_;
    std::size_t window_bytes_ = 0;
    std::unordered_map<const HeaderNode*, Source> sources_;
    std::int32_t next_sequence_ = 2;
    std::int32_t next_precious_ = -1;
    Arith256 last_precious_work_;
    const HeaderNode* best_invalid_ = nullptr;
    std::string script_reason_logged_;
    const HeaderNode* assumed_ = nullptr;
    BlockHash assume_valid_;
    Arith256 minimum_work_;

    // Disk.
    std::vector<const HeaderNode*> dirty_;
    std::uint32_t headers_written_ = 0;      ///< ids below are on disk, but for dirty_
    const HeaderNode* flushed_tip_ = nullptr;
    const HeaderNode* settled_tip_ = nullptr;  ///< the tip of settled_at_
    std::chrono::steady_clock::time_point settled_at_;
    std::optional<std::chrono::steady_clock::time_point> restless_since_;  ///< since when a flush waits for calm
    bool flush_wanted_ = false;
    bool write_ahead_ = false;
    std::int64_t last_flush_ = 0;            ///< steady seconds
    std::uint64_t unchecked_space_ = 0;      ///< bytes written since free space was looked at
    bool prune_check_ = false;
    bool have_pruned_ = false;
    std::unordered_map<const HeaderNode*, Height> fetched_again_;  ///< pruned blocks that came once more, and the tip's height then

    // Import.
    bool hold_ = false;                      ///< -reindex: nothing is connected until all blocks are indexed
    std::atomic<bool> import_done_{false};
    bool importing_ = false;
    bool initial_download_ = true;

    std::vector<ChainObserver*> observers_;
    ChainResident* resident_ = nullptr;
    LedgerCompanion* companion_ = nullptr;
    mutable std::mutex warnings_mutex_;
    std::map<std::string, std::string> warnings_;
};

}  // namespace cairn::node
