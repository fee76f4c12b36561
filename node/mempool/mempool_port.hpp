#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <vector>

#include "node/chain/chain_port.hpp"
#include "node/mempool/mempool.hpp"
#include "node/mempool/verdict.hpp"

namespace cairn::node {

/// A transaction that came in, as observers see it.
struct AddedTransaction {
    TransactionPtr tx;
    Amount fee = 0;
    std::int64_t vsize = 0;        ///< adjusted for signature operations
    FeeSize chunk;                 ///< of the chunk that it is in; size in weight units
    std::uint64_t sequence = 0;
    Height height = 0;             ///< of the tip
    std::int64_t time = 0;
    PeerId peer = kNoPeer;         ///< who sent it
    bool announce = false;         ///< peers are to be told (not: loaded from disk, back after a reorg)
    bool limits_bypassed = false;  ///< back after a reorg
    bool in_package = false;
    bool chain_current = false;    ///< the tip was recent: its fee says something
    bool no_parents_here = false;  ///< spends confirmed outputs only
};

/// What happens in the mempool, told on the chain thread in order; handlers post to their own thread and return at once.
class MempoolObserver {
public:
    virtual ~MempoolObserver() = default;
    virtual void on_added(const AddedTransaction& /*added*/) {}
    /// For every reason but `block`.
    virtual void on_removed(const RemovedEntry& /*removed*/) {}
    /// A block took these; told before ChainObserver::on_tip shows the block.
    virtual void on_block_removed(const std::vector<RemovedEntry>& /*removed*/, const HeaderNode* /*block*/) {}
};

struct TxSubmission {
    PeerId peer = kNoPeer;
    bool test_only = false;                 ///< testmempoolaccept: nothing changes
    std::optional<std::int64_t> time;       ///< of acceptance, when it is not now (loading)
    bool announce = true;
    bool local = false;                     ///< of this node's user: kept in the unbroadcast set
    std::optional<FeeRate> max_fee_rate;    ///< packages: refuse higher ones, "max feerate exceeded"
    std::optional<Amount> max_base_fee;     ///< single ones: refuse what pays more, "max-fee-exceeded"
};

/// Reads the mempool while nobody writes it. Hold it briefly: acceptance waits meanwhile.
class MempoolReader {
public:
    MempoolReader(const Mempool& pool, std::shared_mutex& mutex) : lock_(mutex), pool_(&pool) {}
    const Mempool* operator->() const { return pool_; }
    const Mempool& operator*() const { return *pool_; }

private:
    std::shared_lock<std::shared_mutex> lock_;
    const Mempool* pool_;
};

struct ImportOptions {
    bool use_current_time = true;
    bool apply_fee_delta = false;
    bool apply_unbroadcast = false;
};

/// The mempool as everyone else sees it.
/// Thread: any. What says "waits" hands the work to the chain thread and blocks the caller: not for the net thread.
class MempoolPort {
public:
    virtual ~MempoolPort() = default;

    // --- taking in
    /// Never waits; `done` is called once, on the chain thread. Transactions of one caller are judged in order.
    virtual void submit(TransactionPtr tx, TxSubmission options, std::function<void(const TxVerdict&)> done) = 0;
    virtual void submit_package(std::vector<TransactionPtr> txs, TxSubmission options, std::function<void(const PackageVerdict&)> done) = 0;
    /// Wait.
    virtual TxVerdict accept(TransactionPtr tx, TxSubmission options) = 0;
    virtual PackageVerdict accept_package(std::vector<TransactionPtr> txs, TxSubmission options) = 0;
    /// Transactions taken by submit and not yet judged: ask for less while there are many.
    virtual std::size_t pending() const = 0;

    // --- looking
    virtual MempoolReader read() const = 0;
    /// The block that the mempool goes with: its transactions are valid on top of it. Changes under the writer's lock only: ask
    /// while holding read(). Null: not known (then it is the chain view's tip).
    virtual const HeaderNode* tip() const { return nullptr; }
    virtual const MempoolOptions& options() const = 0;
    /// max(rolling minimum, -minrelaytxfee).
    virtual FeeRate minimum_fee() const = 0;
    /// The stored mempool was read, or there was none to read.
    virtual bool loaded() const = 0;

    // --- commands; they wait
    virtual Amount prioritise(const Txid& txid, Amount delta) = 0;
    virtual void set_unbroadcast(const Txid& txid, bool on) = 0;
    /// Writes mempool.dat. Error: the sentence for people.
    virtual Result<void, std::string> save(const std::filesystem::path& path) = 0;
    /// Reads one of Bitcoin Core's format into the mempool.
    virtual Result<void, std::string> import(const std::filesystem::path& path, ImportOptions options) = 0;

    // --- unbroadcast transactions, for relay; these never wait
    /// A peer asked for this one: it is on its way, and no longer unbroadcast.
    virtual void note_broadcast(const Txid& /*txid*/) {}
    /// Calls `done` with all of them on the chain thread.
    virtual void list_unbroadcast(std::function<void(std::vector<TransactionPtr>)> /*done*/) {}

    virtual void subscribe(MempoolObserver* observer) = 0;
    virtual void unsubscribe(MempoolObserver* observer) = 0;
};

}  // namespace cairn::node
