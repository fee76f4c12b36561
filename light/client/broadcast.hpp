#pragma once

#include <map>
#include <memory>
#include <set>
#include <vector>

#include "light/client/ports.hpp"
#include "net/core/random.hpp"
#include "net/sync/private_broadcast.hpp"

namespace cairn::light {

/// Brings own payments into the network and sees to it that they get there.
///
/// Each goes to three peers over connections made for it alone (net/sync/private_broadcast.hpp), with the unconfirmed
/// transactions that it builds on for those who ask for them, so that a child with a high fee brings along a parent that
/// nobody would take alone. That a peer took it proves nothing: it counts as known to the network when a peer tells us of
/// it that we did not give it to. Until it is in a block it is given away again and again, after the echo at long
/// intervals.
///
/// A transaction that nobody keeps is forgotten some hours after the network had it. Which payments still wait is for whoever keeps them to say (`set_waiting`): at the start, with each block and now and
/// then. This object forgets everything at its end.
/// Limits: kMost payments; what comes beyond waits until others are through.
/// Owner: net thread; times are microseconds.
class Broadcast {
public:
    static constexpr std::size_t kMost = 1'000;
    static constexpr std::size_t kTries = 12;                              ///< peers of one round
    static constexpr std::int64_t kPause_us = 20LL * 60 * 1'000'000;       ///< before another round when nobody echoed it
    static constexpr std::int64_t kAgainMin_us = 2LL * 3600 * 1'000'000;   ///< and when somebody did, to which a random share
    static constexpr std::int64_t kAgainSpread_us = 4LL * 3600 * 1'000'000;  ///< of this is added
    static constexpr std::size_t kEnoughWithoutEchoes = 3;  ///< peers that took it, when no peer tells us of transactions

    struct Options {
        bool privately = true;    ///< over connections of their own; false: to three of the peers there are
        bool hears_echoes = true; ///< peers tell us of transactions
    };

    Broadcast(net::Random random, Options options);

    /// Null: nothing goes out privately.
    net::PrivateBroadcast* connections() { return options_.privately ? &own_ : nullptr; }

    void add(const net::PeerInfo& peer) { peers_[peer.id] = &peer; }
    void remove(net::PeerId peer) { peers_.erase(peer); }

    /// To be sent now.
    void submit(const OwnPayment& payment, net::Outbox& out, std::int64_t now_us);
    /// All that is not in a block yet. What came by an earlier call and is not among them needs nothing more.
    void set_waiting(const std::vector<OwnPayment>& payments, net::Outbox& out, std::int64_t now_us);
    /// Forgets what has this txid or wtxid; false: there is none.
    bool forget(const Uint256& id, net::Outbox& out);

    /// A peer tells of transactions, or sends one.
    void on_inv(const net::PeerInfo& peer, const net::InvMessage& message, net::Outbox& out, std::int64_t now_us);
    void on_tx(const net::PeerInfo& peer, const Transaction& tx, net::Outbox& out, std::int64_t now_us);
    /// It is in a block that was seen.
    void on_confirmed(const Txid& txid, net::Outbox& out);
    void tick(net::Outbox& out, std::int64_t now_us);

    std::vector<PaymentView> pictures() const;
    bool empty() const { return entries_.empty(); }

private:
    struct Entry {
        OwnPayment payment;
        bool kept = false;                ///< came by set_waiting
        std::int64_t added_us = 0;
        std::size_t rounds = 0;
        std::int64_t next_round_us = 0;   ///< 0: a round is under way
        std::vector<net::PrivateBroadcast::Recipient> past;  ///< of earlier rounds
        std::vector<PaymentView::Echo> echoes;
    };
    using Entries = std::map<Wtxid, Entry>;

    void start_round(Entry& entry, net::Outbox& out, std::int64_t now_us);
    void send_openly(Entry& entry, net::Outbox& out, std::int64_t now_us);
    void end_round(Entry& entry, std::int64_t pause_us, std::int64_t now_us);
    void on_echo(Entry& entry, const net::PeerInfo& peer, net::Outbox& out, std::int64_t now_us);
    void erase(Entries::iterator place);
    std::vector<net::PrivateBroadcast::Recipient> recipients(const Entry& entry) const;

    net::Random random_;
    Options options_;
    net::PrivateBroadcast own_;
    Entries entries_;
    std::map<Uint256, Wtxid> names_;  ///< by txid and by wtxid
    std::map<net::PeerId, const net::PeerInfo*> peers_;
};

}  // namespace cairn::light
