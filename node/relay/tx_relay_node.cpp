#include "node/relay/tx_relay_node.hpp"

#include <future>
#include <chrono>
#include <limits>
#include <variant>

namespace cairn::node {

namespace {

constexpr std::int64_t kFeeInterval_us = 100'000;
constexpr unsigned kFeeTicks = 16;  // while the clock stands still

struct Removed {
    Wtxid wtxid;
    std::uint64_t sequence = 0;
};
/// What a block took out, in one piece: the tip waits until all has been told.
using RemovedMany = std::vector<Removed>;
constexpr auto kLeisure = std::chrono::milliseconds(10);
constexpr std::size_t kSpareEvents = 4'096;

struct Connected {
    BlockPtr block;
};
struct Disconnected {};
struct NewTip {};
struct Judged {
    std::uint64_t ticket = 0;
    std::variant<TxVerdict, PackageVerdict> verdict;
};
struct Announce {
    std::vector<Wtxid> wtxids;
};
/// A question from another thread.
struct Ask {
    std::function<void(TxRelay&)> question;
};
/// The same, about what goes out privately.
struct AskPrivate {
    std::function<void(net::PrivateBroadcast&, net::LogLines&, std::int64_t now_us)> question;
};
using Event = std::variant<AddedTransaction, Removed, RemovedMany, Connected, Disconnected, NewTip, Judged, Announce, Ask, AskPrivate>;

/// What relay needs to know of a verdict.
TxVerdict essence(const TxVerdict& verdict) {
    TxVerdict essence;
    essence.kind = verdict.kind;
    essence.refusal = verdict.refusal;
    essence.reject_reason = verdict.reject_reason;
    essence.debug_message = verdict.debug_message;
    essence.txid = verdict.txid;
    essence.wtxid = verdict.wtxid;
    essence.replaced = verdict.replaced;
    return essence;
}
const PackageVerdict& essence(const PackageVerdict& verdict) { return verdict; }

template <class... F>
struct Cases : F... {
    using F::operator()...;
};
template <class... F>
Cases(F...) -> Cases<F...>;

}  // namespace

/// Outlives the node as long as a verdict is out.
struct TxRelayNode::Inbox {
    std::vector<Event> events;
    std::vector<Event> spare;  ///< empty, with room: two lists take turns, so that none is made and grown for each batch
    std::mutex mutex;
    std::function<void(std::function<void()>)> post;  ///< empty when nobody listens

    bool woken = false;  ///< the net thread knows that something is here
    std::chrono::steady_clock::time_point last_wake;

    /// Not `urgent`: when many come one after the other, the net thread need not be woken for each; its next tick, or the next
    /// message of a peer, is soon enough.
    void put(Event event, bool urgent = true) {
        const std::lock_guard lock(mutex);
        if (!post) return;
        events.push_back(std::move(event));
        if (woken) return;
        const auto now = std::chrono::steady_clock::now();
        if (!urgent && now - last_wake < kLeisure) return;
        last_wake = now;
        woken = true;
        post([] {});
    }
    std::vector<Event> take() {
        const std::lock_guard lock(mutex);
        woken = false;
        if (events.empty()) return {};
        return std::exchange(events, std::exchange(spare, {}));
    }
    /// What take() gave, when nobody needs it any more.
    void give_back(std::vector<Event> taken) {
        taken.clear();
        if (taken.capacity() > kSpareEvents) return;
        const std::lock_guard lock(mutex);
        if (spare.capacity() < taken.capacity()) spare.swap(taken);
    }
};

TxRelayNode::TxRelayNode(ChainPort& chain, MempoolPort* mempool, TxRelay::Options options, net::Random random)
    : chain_(chain), mempool_(mempool), relay_(options, net::Random(random.uint256())), private_(std::move(random)), inbox_(std::make_shared<Inbox>()) {
    relay_.set_heard([this](const TransactionPtr& tx, net::PeerId from, net::LogLines& log) { private_.on_heard(tx, from, log); });
}

TxRelayNode::~TxRelayNode() = default;

void TxRelayNode::attach(std::function<void(std::function<void()>)> post) {
    {
        const std::lock_guard lock(inbox_->mutex);
        inbox_->post = std::move(post);
    }
    if (!mempool_) return;
    mempool_->subscribe(this);
    chain_.subscribe(this);
    fill_pool();
}

void TxRelayNode::detach() {
    if (mempool_) {
        mempool_->unsubscribe(this);
        chain_.unsubscribe(this);
    }
    {
        const std::lock_guard lock(inbox_->mutex);
        inbox_->post = nullptr;
    }
    inbox_->take();  // who waits for an answer learns that there is none
}

/// What came before anyone listened.
void TxRelayNode::fill_pool() {
    const MempoolReader pool = mempool_->read();
    pool->for_each([this](const MempoolEntry& entry) {
        AddedTransaction added;
        added.tx = entry.tx;
        added.fee = entry.fee;
        added.vsize = entry.vsize();
        added.chunk = entry.rate();
        added.sequence = entry.sequence;
        added.time = entry.time;
        relay_.pool().add(added);
    });
    relay_.pool().note_sequence(pool->sequence());
}

// --- on the net thread

void TxRelayNode::take_in(net::Outbox& out, std::int64_t now_us) {
    const auto cases = Cases{
        [&](const AddedTransaction& added) { relay_.on_added(added, out, now_us); },
        [&](const Removed& removed) { relay_.on_removed(removed.wtxid, removed.sequence); },
        [&](const RemovedMany& many) {
            for (const Removed& removed : many) relay_.on_removed(removed.wtxid, removed.sequence);
        },
        [&](const Connected& connected) { relay_.on_block_connected(connected.block, out); },
        [&](const Disconnected&) { relay_.on_block_disconnected(); },
        [&](const NewTip&) { relay_.on_tip_changed(); },
        [&](const Judged& judged) {
            std::visit([&](const auto& verdict) { relay_.on_verdict(judged.ticket, verdict, out, now_us); }, judged.verdict);
        },
        [&](const Announce& announce) {
            for (const Wtxid& wtxid : announce.wtxids) relay_.announce(wtxid, now_us);
        },
        [&](const Ask& ask) { ask.question(relay_); },
        [&](const AskPrivate& ask) { ask.question(private_, out.log(), now_us); },
    };
    std::vector<Event> events = inbox_->take();
    if (events.empty()) return;
    for (const Event& event : events) std::visit(cases, event);
    hand_over();
    inbox_->give_back(std::move(events));
}

void TxRelayNode::tick(net::Outbox& out, std::int64_t now_us) {
    take_in(out, now_us);
    if (!mempool_) return;
    refresh_minimum_fee(now_us);
    heap_.tick(relay_.departures(), now_us);
    if (relay_.tick(out, now_us))
        mempool_->list_unbroadcast([inbox = inbox_](std::vector<TransactionPtr> txs) {
            Announce announce;
            for (const TransactionPtr& tx : txs) announce.wtxids.push_back(tx->tx().wtxid);
            inbox->put(std::move(announce));
        });
    if (private_.tick(now_us)) judge_stale(now_us);
    hand_over();
}

/// What did not come back is sent again only while the mempool would take it.
void TxRelayNode::judge_stale(std::int64_t now_us) {
    TxSubmission options;
    options.test_only = true;
    for (const TransactionPtr& tx : private_.stale(now_us)) {
        mempool_->submit(tx, options, [inbox = inbox_, tx](const TxVerdict& verdict) {
            const bool keep = verdict.accepted() || verdict.kind == TxVerdict::Kind::inconclusive;
            inbox->put(AskPrivate{[tx, problem = keep ? std::string() : verdict.to_string()](net::PrivateBroadcast& own, net::LogLines& log, std::int64_t) {
                own.on_stale_judged(tx, problem, log);
            }});
        });
    }
}

/// Not at each tick: it takes the mempool's lock for a moment.
void TxRelayNode::refresh_minimum_fee(std::int64_t now_us) {
    if (now_us >= fee_read_us_ && now_us - fee_read_us_ < kFeeInterval_us && ++ticks_ % kFeeTicks != 0) return;
    fee_read_us_ = now_us;
    relay_.set_minimum_fee(mempool_->minimum_fee());
}

void TxRelayNode::hand_over() {
    if (!mempool_) return;
    for (TxRelay::Submission& submission : relay_.take_submissions()) {
        TxSubmission options;
        options.peer = submission.peer;
        const auto answer = [inbox = inbox_, ticket = submission.ticket](const auto& verdict) { inbox->put(Judged{ticket, essence(verdict)}); };
        if (submission.txs.size() == 1)
            mempool_->submit(std::move(submission.txs.front()), options, answer);
        else
            mempool_->submit_package(std::move(submission.txs), options, answer);
    }
    for (const Txid& txid : relay_.take_broadcast()) mempool_->note_broadcast(txid);
}

// --- on the chain thread

// What a peer sent has its verdict right behind; of our own it is announced at a tick anyway.
void TxRelayNode::on_added(const AddedTransaction& added) { inbox_->put(added, false); }

void TxRelayNode::on_removed(const RemovedEntry& removed) { inbox_->put(Removed{removed.entry.wtxid(), removed.sequence}, false); }

void TxRelayNode::on_block_removed(const std::vector<RemovedEntry>& removed, const HeaderNode*) {
    if (removed.empty()) return;
    RemovedMany many;
    many.reserve(removed.size());
    for (const RemovedEntry& one : removed) many.push_back({one.entry.wtxid(), one.sequence});
    inbox_->put(std::move(many), false);
}

void TxRelayNode::on_block_connected(const BlockPtr& block, const HeaderNode*) {
    // While the chain is far behind no transactions come, and blocks would only be kept in memory for longer.
    if (!chain_.view()->initial_block_download) inbox_->put(Connected{block});
}

void TxRelayNode::on_block_disconnected(const BlockPtr&, const HeaderNode*) { inbox_->put(Disconnected{}); }

void TxRelayNode::on_tip(const std::shared_ptr<const ChainView>&, const HeaderNode*, const HeaderNode*) { inbox_->put(NewTip{}); }

// --- on any thread

void TxRelayNode::announce(const Txid&, const Wtxid& wtxid) { inbox_->put(Announce{{wtxid}}); }

std::vector<OrphanSnapshot> TxRelayNode::orphans() const {
    auto answer = std::make_shared<std::promise<std::vector<OrphanSnapshot>>>();
    auto future = answer->get_future();
    inbox_->put(Ask{[answer](TxRelay& relay) { answer->set_value(relay.orphans()); }});
    answer.reset();
    try {
        return future.get();
    } catch (const std::future_error&) {
        return {};  // the network has ended
    }
}

SendRates TxRelayNode::send_rates() const {
    auto answer = std::make_shared<std::promise<SendRates>>();
    auto future = answer->get_future();
    inbox_->put(Ask{[answer](TxRelay& relay) {
        const auto bucket = [](const TxAnnounce::BucketFacts& facts) {
            return SendRates::Bucket{facts.backlog, facts.count_tokens, facts.size_tokens};
        };
        answer->set_value({relay.send_rate(), bucket(relay.announcer().inbound_bucket()), bucket(relay.announcer().outbound_bucket())});
    }});
    answer.reset();
    try {
        return future.get();
    } catch (const std::future_error&) {
        SendRates rates;
        rates.per_second = relay_.send_rate();
        return rates;
    }
}

/// nullopt: the network has ended.
template <class T>
std::optional<T> TxRelayNode::ask_private(std::function<T(net::PrivateBroadcast&, net::LogLines&, std::int64_t)> question) const {
    auto answer = std::make_shared<std::promise<T>>();
    auto future = answer->get_future();
    inbox_->put(AskPrivate{[answer, question = std::move(question)](net::PrivateBroadcast& own, net::LogLines& log, std::int64_t now_us) {
        answer->set_value(question(own, log, now_us));
    }});
    answer.reset();
    try {
        return future.get();
    } catch (const std::future_error&) {
        return std::nullopt;
    }
}

std::optional<net::PrivateBroadcast::AddResult> TxRelayNode::broadcast_privately(TransactionPtr tx) {
    return ask_private<net::PrivateBroadcast::AddResult>(
        [tx = std::move(tx)](net::PrivateBroadcast& own, net::LogLines& log, std::int64_t now_us) { return own.add(tx, log, now_us); });
}

std::vector<net::PrivateBroadcast::Picture> TxRelayNode::private_broadcasts() const {
    return ask_private<std::vector<net::PrivateBroadcast::Picture>>(
               [](net::PrivateBroadcast& own, net::LogLines&, std::int64_t) { return own.pictures(); })
        .value_or(std::vector<net::PrivateBroadcast::Picture>());
}

std::vector<TransactionPtr> TxRelayNode::abort_private_broadcast(const Uint256& id) {
    return ask_private<std::vector<TransactionPtr>>([id](net::PrivateBroadcast& own, net::LogLines&, std::int64_t) { return own.abort(id); })
        .value_or(std::vector<TransactionPtr>());
}

void TxRelayNode::advance_timers(std::int64_t seconds) {
    inbox_->put(Ask{[seconds](TxRelay& relay) { relay.advance_timers(seconds); }});
    inbox_->put(AskPrivate{[seconds](net::PrivateBroadcast& own, net::LogLines&, std::int64_t) { own.advance_timer(seconds); }});
}

}  // namespace cairn::node
