#pragma once

#include <atomic>
#include <mutex>
#include <thread>

#include "node/acceptance/disconnected.hpp"
#include "node/acceptance/fifo.hpp"
#include "node/acceptance/judge.hpp"
#include "node/chain/chain_port.hpp"
#include "node/chain/chain_thread.hpp"
#include "node/mempool/mempool_port.hpp"

namespace cairn::node {

/// Owner of the mempool: takes transactions in, lets blocks take them out, puts back what a reorganisation gave up.
///
/// Transactions wait in a queue and are judged on the chain thread when the chain is at rest, many at a time: (1) the cheap rules,
/// (2) the scripts of all that are left, on the workers and the chain thread together, (3) one after the other into the
/// mempool, each against what the ones before it left. The verdicts are those of judging them one by one in order.
///
/// Owner: chain thread. The mempool's one mutex is taken exclusively only for the moments of a change, by the chain thread
/// alone; whoever reads takes it shared; the chain thread reads without.
/// Limits: what waits is bounded by whoever submits (see pending()).
class MempoolService final : public MempoolPort, public ChainResident, public ChainObserver {
public:
    /// The references outlive the service.
    MempoolService(MempoolOptions options, ChainPort& chain, ChainThread& thread, const net::Clock& clock);
    ~MempoolService() override;

    /// Moves in on the chain thread; with -persistmempool, `path` is read in the background once the chain has its blocks.
    /// Before other observers subscribe to the chain.
    void start(const std::filesystem::path& path);
    /// Moves out; what still waits is answered as inconclusive. Writes the mempool when it is to be kept. Idempotent; before
    /// ChainService::stop().
    void stop();

    // MempoolPort
    void submit(TransactionPtr tx, TxSubmission options, std::function<void(const TxVerdict&)> done) override;
    void submit_package(std::vector<TransactionPtr> txs, TxSubmission options, std::function<void(const PackageVerdict&)> done) override;
    TxVerdict accept(TransactionPtr tx, TxSubmission options) override;
    PackageVerdict accept_package(std::vector<TransactionPtr> txs, TxSubmission options) override;
    std::size_t pending() const override { return pending_.load(std::memory_order_relaxed); }
    MempoolReader read() const override { return MempoolReader(pool_, mutex_); }
    const HeaderNode* tip() const override { return tip_; }
    const MempoolOptions& options() const override { return pool_.options(); }
    FeeRate minimum_fee() const override;
    bool loaded() const override { return loaded_; }
    Amount prioritise(const Txid& txid, Amount delta) override;
    void set_unbroadcast(const Txid& txid, bool on) override;
    Result<void, std::string> save(const std::filesystem::path& path) override;
    Result<void, std::string> import(const std::filesystem::path& path, ImportOptions options) override;
    void note_broadcast(const Txid& txid) override;
    void list_unbroadcast(std::function<void(std::vector<TransactionPtr>)> done) override;
    void subscribe(MempoolObserver* observer) override;
    void unsubscribe(MempoolObserver* observer) override;

    // ChainResident
    bool waiting() const override;
    bool on_rest() override;
    void on_settled() override;
    bool settled() const override { return !returning_; }
    bool impatient() const override;

    // ChainObserver
    void on_block_connected(const BlockPtr& block, const HeaderNode* node) override;
    void on_block_disconnected(const BlockPtr& block, const HeaderNode* node) override;

private:
    struct PackageTicket {
        std::vector<TransactionPtr> txs;
        std::function<void(const PackageVerdict&)> done;
    };
    /// Something that waits to be judged.
    struct Ticket {
        TransactionPtr tx;
        TxSubmission options;
        std::function<void(const TxVerdict&)> done;
        std::optional<PolicyFault> alone_fault;
        std::unique_ptr<PackageTicket> package;  ///< then nothing of the above but `options`
    };

    // mempool_service.cpp: queue and life
    /// `wake`: the chain thread is woken when nobody did yet. False: somebody has to.
    bool enqueue(Ticket ticket, bool wake = true);
    void judge_here(const std::function<bool()>& answered, bool awake);
    static void answer_inconclusive(Ticket& ticket);
    std::vector<Ticket> take_batch(bool& more);
    void give_up_waiting();
    bool run_on_chain(const std::function<void()>& work);

    // taking_in.cpp
    void judge_batch(std::vector<Ticket>& batch);
    TxVerdict conclude(Round& round, Candidate& candidate, const TxSubmission& options, bool recheck);
    void insert(const Round& round, Candidate& candidate, const TxSubmission& options, TxVerdict& verdict);
    void expire(std::int64_t now);
    void limit_size(std::int64_t now);
    /// `sequence`: of the change, where the entry's own says something else.
    void tell_added(const Round& round, const MempoolEntry& entry, const TxSubmission& options, bool bypassed, bool in_package,
                    std::optional<std::uint64_t> sequence = std::nullopt);
    static void log_unsent(const std::vector<RemovedEntry>& removed);
    void tell_removed(const std::vector<RemovedEntry>& removed);
    static TxVerdict verdict_of(const Candidate& candidate);

    // taking_in_package.cpp
    PackageVerdict judge_package(const PackageTicket& ticket, const TxSubmission& options);
    PackageVerdict judge_together(Round& round, std::span<const TransactionPtr> txs, const TxSubmission& options);
    void insert_together(const Round& round, std::span<Candidate> candidates, Mempool::Staged staged, const FeeSize& total,
                         const TxSubmission& options, PackageVerdict& verdict);
    PackageVerdict submit_child_with_parents(std::span<const TransactionPtr> txs, const TxSubmission& options);

    // reorg.cpp
    void finish_reorg();
    struct PutBack {
        Txid txid;
        std::uint64_t sequence;  ///< of its return
    };
    void put_back(Round& round, std::span<const TransactionPtr> txs, std::vector<PutBack>& back, std::vector<RemovedEntry>& removed);
    void remove_spenders(const Transaction& tx, std::vector<RemovedEntry>& removed);
    bool still_valid(Round& round, MempoolEntry& entry) const;

    // storing.cpp
    void load(const std::filesystem::path& path);

    ChainPort& chain_;
    ChainThread& thread_;
    const net::Clock& clock_;
    Mempool pool_;
    mutable std::shared_mutex mutex_;
    const HeaderNode* tip_ = nullptr;  ///< guarded by the mutex: what the mempool goes with
    Judge judge_;

    mutable std::mutex queue_mutex_;
    Fifo<Ticket> queue_;
    bool closed_ = true;
    std::atomic<std::size_t> pending_{0};
    std::atomic<std::int64_t> waiting_since_{0};  ///< steady milliseconds of the oldest ticket or the last batch; 0: nobody waits

    // Chain thread.
    std::vector<MempoolObserver*> observers_;
    DisconnectedTransactions disconnected_;
    bool returning_ = false;       ///< a block left the chain and the mempool does not know it yet
    std::int64_t last_expiry_ = 0;
    unsigned improvements_left_ = 0;  ///< until the next change: a hard cluster must not keep the thread busy for ever
    std::uint64_t checks_due_ = 0; ///< -checkmempool: changes since the last check

    std::mutex file_mutex_;        ///< one writes at a time
    std::filesystem::path path_;
    std::thread loader_;
    std::atomic<bool> stopping_{false};
    std::atomic<bool> loaded_{false};
    bool running_ = false;
};

}  // namespace cairn::node
