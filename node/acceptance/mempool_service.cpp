#include "node/acceptance/mempool_service.hpp"

#include <chrono>
#include <condition_variable>

#include "net/io/clock.hpp"
#include "net/io/log.hpp"

namespace cairn::node {

namespace log = net::log;

namespace {

constexpr std::size_t kBatch = 128;
constexpr std::uint64_t kImproveSteps = 50'000;  // about a millisecond
constexpr unsigned kImprovements = 100;
constexpr std::int64_t kPatienceMs = 300;
constexpr int kTurns = 4;  // in a row that one caller takes for others

std::int64_t steady_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// A place where one thread waits for another's answer; both keep it alive.
template <class T>
class Answer {
public:
    void give(T value) {
        const std::lock_guard lock(mutex_);
        value_ = std::move(value);
        given_.notify_one();
    }
    T wait() {
        std::unique_lock lock(mutex_);
        given_.wait(lock, [this] { return value_.has_value(); });
        return std::move(*value_);
    }
    bool given() {
        const std::lock_guard lock(mutex_);
        return value_.has_value();
    }

private:
    std::mutex mutex_;
    std::condition_variable given_;
    std::optional<T> value_;
};

}  // namespace

MempoolService::MempoolService(MempoolOptions options, ChainPort& chain, ChainThread& thread, const net::Clock& clock)
    : chain_(chain), thread_(thread), clock_(clock), pool_(options), judge_(pool_, thread, clock) {}

MempoolService::~MempoolService() { stop(); }

void MempoolService::start(const std::filesystem::path& path) {
    path_ = path;
    running_ = true;
    {
        const std::lock_guard lock(queue_mutex_);
        closed_ = false;
    }
    chain_.subscribe(this);
    thread_.set_resident(this);
    run_on_chain([this] {
        const std::unique_lock lock(mutex_);
        if (!tip_) tip_ = thread_.tip();
    });
    if (!pool_.options().persist || path.empty()) {
        loaded_ = true;
        return;
    }
    loader_ = std::thread([this] { load(path_); });
}

void MempoolService::stop() {
    if (!running_) return;
    running_ = false;
    stopping_ = true;
    if (loader_.joinable()) loader_.join();
    {
        const std::lock_guard lock(queue_mutex_);
        closed_ = true;
    }
    chain_.unsubscribe(this);
    thread_.set_resident(nullptr);
    give_up_waiting();
    if (pool_.options().persist && loaded_ && !path_.empty()) (void)save(path_);
}

// ---------------------------------------------------------------------------------------------- the queue

void MempoolService::submit(TransactionPtr tx, TxSubmission options, std::function<void(const TxVerdict&)> done) {
    auto fault = Judge::check_alone(tx->tx(), pool_.options());
    enqueue({std::move(tx), std::move(options), std::move(done), std::move(fault), nullptr});
}

void MempoolService::submit_package(std::vector<TransactionPtr> txs, TxSubmission options,
                                    std::function<void(const PackageVerdict&)> done) {
    Ticket ticket;
    ticket.options = std::move(options);
    ticket.package = std::make_unique<PackageTicket>(PackageTicket{std::move(txs), std::move(done)});
    enqueue(std::move(ticket));
}

TxVerdict MempoolService::accept(TransactionPtr tx, TxSubmission options) {
    const auto answer = std::make_shared<Answer<TxVerdict>>();
    auto fault = Judge::check_alone(tx->tx(), pool_.options());
    const bool awake = enqueue({std::move(tx), std::move(options), [answer](const TxVerdict& verdict) { answer->give(verdict); }, std::move(fault), nullptr}, false);
    judge_here([&] { return answer->given(); }, awake);
    return answer->wait();
}

PackageVerdict MempoolService::accept_package(std::vector<TransactionPtr> txs, TxSubmission options) {
    const auto answer = std::make_shared<Answer<PackageVerdict>>();
    Ticket ticket;
    ticket.options = std::move(options);
    ticket.package = std::make_unique<PackageTicket>(PackageTicket{std::move(txs), [answer](const PackageVerdict& verdict) { answer->give(verdict); }});
    const bool awake = enqueue(std::move(ticket), false);
    judge_here([&] { return answer->given(); }, awake);
    return answer->wait();
}

// The caller waits anyway: while the chain thread sleeps it judges what is queued itself. Whoever has the turn meanwhile sees
// what is queued when his ends.
void MempoolService::judge_here(const std::function<bool()>& answered, bool awake) {
    for (int turns = 0; turns < kTurns; ++turns) {
        const auto turn = thread_.try_at_rest([&] {
            while (on_rest() && !answered()) {
            }
        });
        if (turn == ChainThread::Turn::taken) return;
        if (turn == ChainThread::Turn::busy) {
            if (awake) return;
            break;
        }
        awake = false;
        if (!waiting()) return;  // others may have come meanwhile: they counted on this turn
    }
    if (!thread_.post([] {})) give_up_waiting();
}

bool MempoolService::waiting() const {
    const std::lock_guard lock(queue_mutex_);
    return !queue_.empty();
}

void MempoolService::answer_inconclusive(Ticket& ticket) {
    if (ticket.package) {
        PackageVerdict verdict;
        verdict.refusal = PackageRefusal::internal;
        verdict.reject_reason = "node is stopping";
        if (ticket.package->done) ticket.package->done(verdict);
        return;
    }
    TxVerdict verdict;
    verdict.refusal = TxRefusal::no_mempool;
    verdict.txid = ticket.tx->tx().txid;
    verdict.wtxid = ticket.tx->tx().wtxid;
    if (ticket.done) ticket.done(verdict);
}

bool MempoolService::enqueue(Ticket ticket, bool wake) {
    bool first = false;
    {
        const std::lock_guard lock(queue_mutex_);
        if (!closed_) {
            first = queue_.empty();
            if (first) waiting_since_.store(steady_ms(), std::memory_order_relaxed);
            pending_.fetch_add(1, std::memory_order_relaxed);
            queue_.push_back(std::move(ticket));
            if (!first) return true;
        }
    }
    if (!first) {
        answer_inconclusive(ticket);
        return true;
    }
    // Whoever finds the queue empty wakes the chain thread; on_rest() then stays until it is empty again.
    if (wake && !thread_.post([] {})) give_up_waiting();
    return wake;
}

void MempoolService::give_up_waiting() {
    Fifo<Ticket> waiting;
    {
        const std::lock_guard lock(queue_mutex_);
        std::swap(waiting, queue_);
        pending_.fetch_sub(waiting.size(), std::memory_order_relaxed);
    }
    while (!waiting.empty()) {
        Ticket ticket = waiting.take();
        answer_inconclusive(ticket);
    }
}

// Single transactions up to a batch, or one package.
std::vector<MempoolService::Ticket> MempoolService::take_batch(bool& more) {
    std::vector<Ticket> batch;
    const std::lock_guard lock(queue_mutex_);
    while (!queue_.empty() && batch.size() < kBatch) {
        if (queue_.front().package && !batch.empty()) break;
        batch.push_back(queue_.take());
        if (batch.back().package) break;
    }
    more = !queue_.empty();
    waiting_since_.store(more ? steady_ms() : 0, std::memory_order_relaxed);
    return batch;
}

bool MempoolService::impatient() const {
    const std::int64_t since = waiting_since_.load(std::memory_order_relaxed);
    return since != 0 && !returning_ && steady_ms() - since > kPatienceMs;
}

bool MempoolService::on_rest() {
    if (thread_.broken()) {
        give_up_waiting();
        return false;
    }
    on_settled();
    bool more = false;
    std::vector<Ticket> batch = take_batch(more);
    if (!batch.empty()) improvements_left_ = kImprovements;
    if (batch.empty()) {
        // Nobody waits: a moment for the order of clusters that are not at their best yet.
        if (improvements_left_ == 0 || pool_.size() == 0 || pool_.graph().optimal()) return false;
        --improvements_left_;
        const std::unique_lock lock(mutex_);
        return pool_.improve(kImproveSteps);
    }
    if (batch.front().package) {
        const PackageVerdict verdict = judge_package(*batch.front().package, batch.front().options);
        pending_.fetch_sub(1, std::memory_order_relaxed);
        if (batch.front().package->done) batch.front().package->done(verdict);
    } else {
        judge_batch(batch);
    }
    return true;
}

// ---------------------------------------------------------------------------------------------- commands

// Runs `work` on the chain thread and waits; on the caller's when that has ended.
bool MempoolService::run_on_chain(const std::function<void()>& work) {
    const auto answer = std::make_shared<Answer<bool>>();
    if (!thread_.post([answer, &work] {
            work();
            answer->give(true);
        }))
        return false;
    return answer->wait();
}

FeeRate MempoolService::minimum_fee() const {
    const std::shared_lock lock(mutex_);
    return std::max(pool_.rolling_minimum(clock_.now()), pool_.options().min_relay);
}

Amount MempoolService::prioritise(const Txid& txid, Amount delta) {
    Amount result = 0;
    run_on_chain([&] {
        const std::unique_lock lock(mutex_);
        result = pool_.prioritise(txid, delta);
    });
    return result;
}

void MempoolService::set_unbroadcast(const Txid& txid, bool on) {
    run_on_chain([&] {
        const std::unique_lock lock(mutex_);
        if (on) pool_.add_unbroadcast(txid);
        else pool_.remove_unbroadcast(txid);
    });
}

void MempoolService::note_broadcast(const Txid& txid) {
    thread_.post([this, txid] {
        const std::unique_lock lock(mutex_);
        if (!pool_.remove_unbroadcast(txid)) return;
        log::debug(log::Category::mempool, "Removed {} from set of unbroadcast txns", txid.to_display_hex());
    });
}

void MempoolService::list_unbroadcast(std::function<void(std::vector<TransactionPtr>)> done) {
    thread_.post([this, done = std::move(done)] {
        std::vector<TransactionPtr> txs;
        for (const Txid& txid : pool_.unbroadcast())
            if (const MempoolEntry* entry = pool_.find(txid)) txs.push_back(entry->tx);
        done(std::move(txs));
    });
}

void MempoolService::subscribe(MempoolObserver* observer) {
    const auto add = [&] { observers_.push_back(observer); };
    if (!run_on_chain(add)) add();
}

void MempoolService::unsubscribe(MempoolObserver* observer) {
    const auto remove = [&] { std::erase(observers_, observer); };
    if (!run_on_chain(remove)) remove();
}

}  // namespace cairn::node
