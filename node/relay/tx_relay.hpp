#pragma once

#include <functional>
#include <unordered_map>

#include "node/mempool/mempool_port.hpp"
#include "node/relay/detail/named_once.hpp"
#include "node/relay/fee_filter.hpp"
#include "node/relay/tx_announce.hpp"
#include "node/relay/tx_download.hpp"

namespace cairn::node {

/// Transaction relay of a full node, all of it but threads: what peers say and what the mempool decides come in as
/// calls, what is to be judged goes out as values.
///
/// A transaction that is worth it is handed out to be judged; meanwhile its sender's further transactions and announcements are
/// heard, but nothing else it says (holds()), so that to a peer it looks as if judging took no time.
/// Limits: transactions out to be judged are 1,024 and 4 MB in all (a little more with many peers: 16 and 64 kB each), and one
/// message each beyond that. See TxDownload, Orphanage and TxAnnounce for theirs.
/// Owner: net thread; times are microseconds.
class TxRelay {
public:
    using PeerId = net::PeerId;
    static constexpr std::size_t kMaxJudging = 1'024, kMinJudging = 16;                  ///< transactions: of all peers; of each
    static constexpr std::size_t kMaxJudgingBytes = 4'000'000, kMinJudgingBytes = 64'000;

    struct Options {
        bool blocks_only = false;     ///< -blocksonly: only peers with relay permission may send us transactions
        bool bloom_filters = false;   ///< -peerbloomfilters
        FeeFilter::Options fees;
        TxAnnounce::Options announce;
    };
    /// To be judged by the mempool; the verdict comes back with the ticket.
    struct Submission {
        std::uint64_t ticket = 0;
        std::vector<TransactionPtr> txs;  ///< one, or parent and child as a package
        PeerId peer = 0;
    };

    TxRelay(Options options, net::Random random);

    RelayPool& pool() { return pool_; }
    const RelayPool& pool() const { return pool_; }
    std::vector<Submission> take_submissions() { return std::exchange(submissions_, {}); }
    /// Transactions that peers have asked us for, and that are our own.
    std::vector<Txid> take_broadcast() { return std::exchange(broadcast_, {}); }
    /// Gets transactions that are not in the mempool though a block may have them: refused, replaced, orphans.
    void set_extra(std::function<void(const TransactionPtr&)> extra) { extra_ = std::move(extra); }

    /// Gets every transaction that a peer sends, before anything is made of it.
    using Heard = std::function<void(const TransactionPtr& tx, PeerId from, net::LogLines& log)>;
    void set_heard(Heard heard) { heard_ = std::move(heard); }

    /// Filters what peers are told of.
    void set_wanted(TxAnnounce::Wanted wanted) { announcer_.set_wanted(std::move(wanted)); }

    // --- peers
    void on_ready(const net::PeerInfo& peer);
    void on_gone(PeerId peer);
    /// The peer has no business sending transactions.
    bool rejects(const net::PeerInfo& peer) const;
    /// False when the peer was dropped for it. Only items that name transactions.
    bool on_inv(const net::PeerInfo& peer, std::span<const net::InvItem> items, bool initial_block_download, net::Outbox& out, std::int64_t now_us);
    void on_tx(const net::PeerInfo& peer, net::TxMessage&& message, bool initial_block_download, net::Outbox& out, std::int64_t now_us);
    void on_not_found(const net::PeerInfo& peer, const net::NotFoundMessage& message);
    void on_fee_filter(const net::PeerInfo& peer, const net::FeeFilterMessage& message, net::Outbox& out);
    void on_mempool(const net::PeerInfo& peer, net::Outbox& out);
    /// Answers for one transaction of a getdata; gives the bytes sent.
    std::size_t answer(const net::PeerInfo& peer, const net::InvItem& item, net::NotFoundMessage& missing, net::Outbox& out);
    /// True while this message of the peer has to wait for verdicts.
    bool holds(PeerId peer, std::string_view command) const;
    /// What is due to this peer: fee filter, announcements, requests, its orphans.
    void pump(net::PeerInfo& peer, bool initial_block_download, net::Outbox& out, std::int64_t now_us);

    // --- the mempool and the chain
    void on_added(const AddedTransaction& added, net::Outbox& out, std::int64_t now_us);
    void on_removed(const Wtxid& wtxid, std::uint64_t sequence);
    void on_verdict(std::uint64_t ticket, const TxVerdict& verdict, net::Outbox& out, std::int64_t now_us);
    void on_verdict(std::uint64_t ticket, const PackageVerdict& verdict, net::Outbox& out, std::int64_t now_us);
    void on_block_connected(const BlockPtr& block, net::Outbox& out);
    void on_block_disconnected();
    void on_tip_changed() { download_.on_tip_changed(); }
    /// What the mempool takes at least now.
    void set_minimum_fee(FeeRate rate) { minimum_fee_ = rate; }

    // --- time and wishes
    /// True when the unbroadcast transactions are due: they are to be handed to announce().
    bool tick(net::Outbox& out, std::int64_t now_us);
    void announce(const Wtxid& wtxid, std::int64_t now_us) { if (pool_.contains(wtxid)) announcer_.announce(wtxid, now_us); }
    void advance_timers(std::int64_t seconds) { rebroadcast_in_us_ -= seconds * 1'000'000; }

    // --- pictures
    void describe(PeerId peer, net::PeerSnapshot& snapshot) const;
    std::vector<OrphanSnapshot> orphans() const { return download_.orphanage().all(); }
    const TxDownload& download() const { return download_; }
    std::uint64_t departures() const { return departures_; }  ///< peers that have ever left
    const TxAnnounce& announcer() const { return announcer_; }
    unsigned send_rate() const { return options_.announce.send_rate; }

private:
    struct Peer {
        bool relays = false;           ///< knows transactions at all
        std::size_t judging = 0, judging_bytes = 0;
        bool orphan_out = false;
        std::int64_t last_transaction_s = 0;
    };
    struct Pending {
        TransactionPtr tx;             ///< null for a package
        std::optional<PackageCandidate> package;
        PeerId peer = 0;
        bool orphan = false;
        std::size_t bytes = 0;
    };
    class LogScope;

    void submit(Pending pending);
    void submit(PackageCandidate package, PeerId peer);
    void submit_orphan(PeerId peer);
    std::optional<Pending> take_pending(std::uint64_t ticket);
    void handle(const TransactionPtr& tx, PeerId peer, const TxVerdict& verdict, bool first_time, PeerId owner, std::int64_t now_us);
    void accept(const TransactionPtr& tx, PeerId peer, const TxVerdict& verdict);
    std::optional<PackageCandidate> refuse(const TransactionPtr& tx, PeerId peer, const TxVerdict& verdict, bool first_time, std::int64_t now_us);
    void force_relay(const Transaction& tx, PeerId peer, std::int64_t now_us);

    Options options_;
    net::Random random_;
    net::LogLines log_;
    RelayPool pool_;
    detail::NamedOnce named_once_;
    TxDownload download_;
    TxAnnounce announcer_;
    FeeFilter fee_filter_;
    FeeRate minimum_fee_;
    std::unordered_map<PeerId, Peer> peers_;
    std::unordered_map<std::uint64_t, Pending> pending_;
    std::uint64_t next_ticket_ = 1;
    std::uint64_t departures_ = 0;
    std::size_t judging_peers_ = 0;    ///< peers with something out
    std::vector<Submission> submissions_;
    std::vector<Txid> broadcast_;
    std::function<void(const TransactionPtr&)> extra_;
    Heard heard_;
    std::int64_t rebroadcast_in_us_ = 0, last_tick_us_ = 0;
};

}  // namespace cairn::node
