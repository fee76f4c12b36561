#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "node/chain/chain_thread.hpp"
#include "node/index/index.hpp"
#include "node/index/recent_blocks.hpp"

namespace cairn::node {

struct IndexSummary {
    std::string_view name;
    bool synced = false;  ///< has reached the tip once since the start
    Height best_block_height = 0;
};

/// Keeps one index in step with the active chain: on a thread of its own it follows the published tip, block by block, back and
/// forth, and hands the rows to the chain thread in batches. One loop does for catching up and for following.
///
/// On disk the marker is never ahead of the rows, which are in the same batch or an earlier one, nor of the ledger: it is written
/// while the ledger in the store reaches the block, or with the batch by which it does. After a crash a few blocks are indexed
/// once more, which writes the same rows again.
/// Thread: any, but for what says otherwise.
class IndexDriver {
public:
    /// All references outlive the driver. `fatal`: the index cannot go on, and the node should end.
    IndexDriver(Index& index, ChainPort& chain, ChainThread& thread, const storage::KvStore& store, RecentBlocks& recent,
                std::function<void(const std::string&)> fatal);
    ~IndexDriver() { stop(); }

    /// Finds out where the index stands. Errors: a sentence for people.
    Result<void, std::string> open();
    /// The blocks that are to come are stored. Errors: a sentence for people.
    Result<void, std::string> check_blocks() const;
    void start();
    /// What is done so far is kept.
    void stop();

    /// The tip has changed.
    void wake();
    /// Waits until the index covers the tip. False: it has not caught up yet, or the node is stopping.
    bool wait_until_current() const;
    /// Blocks from this height on are still wanted: those that the index has in common with the chain are not, but for the last.
    Height needed_from() const;
    IndexSummary summary() const;
    /// Everything up to this block can be looked up; null: nothing.
    const HeaderNode* reached() const;
    const Index& index() const { return index_; }

    /// The ledger on disk reaches `tip` with this batch. Chain thread.
    void add_marker(const HeaderNode* tip, storage::WriteBatch& batch) const;

private:
    void run();
    bool step();
    bool take_back();
    bool flush();
    void enable();
    std::optional<IndexedBlock> fetch(const HeaderNode* node, bool with_undo);
    bool give_up(const std::string& why);
    bool give_up(const storage::StorageError& error, const char* doing);

    Index& index_;
    ChainPort& chain_;
    ChainThread& thread_;
    const storage::KvStore& store_;
    RecentBlocks& recent_;
    std::function<void(const std::string&)> fatal_;
    std::thread worker_;
    std::atomic<bool> stopping_{false};
    std::atomic<bool> synced_{false};

    // The index's thread.
    const HeaderNode* position_ = nullptr;  ///< last block appended; null: none
    storage::WriteBatch batch_;             ///< rows of the blocks between done_ and position_
    bool enabled_ = false;                  ///< the tip was reached once
    std::int64_t last_write_ = 0, last_log_ = 0;  ///< steady seconds

    // The chain thread: what the store holds.
    const HeaderNode* written_ = nullptr;
    Bytes written_state_;

    mutable std::mutex mutex_;  // what follows
    mutable std::condition_variable changed_;
    const HeaderNode* done_ = nullptr;  ///< everything up to this block can be looked up
    bool woken_ = false;
    bool ended_ = false;
};

}  // namespace cairn::node
