#pragma once

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <vector>

#include "consensus/primitives/transaction.hpp"
#include "net/core/outbox.hpp"
#include "net/core/peer_info.hpp"
#include "net/core/random.hpp"

namespace cairn::net {

/// Tells the network of our own transactions without telling anybody that they are ours: each goes to three peers over
/// connections that are made for it alone, through Tor or I2P, carry nothing else and end with it. It counts as
/// received when the peer answers the ping that was sent behind it, and as known to the network when any other peer
/// brings it to us; until then it is sent again and again.
///
/// One connection carries one transaction: two of them from one place would be seen to belong together. Unless they do: a
/// transaction may come with unconfirmed ones that it builds on, and a peer that asks for those gets them on the same connection, so
/// that it can judge parent and child as one. It may have the child from another of these connections.
/// Limits: 10,000 transactions; 1,000 recipients each, then it rests until it is added again.
/// Owner: net thread; times are microseconds.
class PrivateBroadcast {
public:
    static constexpr std::size_t kRecipients = 3;                             ///< of each transaction, unless it comes back earlier
    static constexpr std::int64_t kFirstStale_us = 5LL * 60 * 1'000'000;      ///< nobody confirmed it for so long: try again
    static constexpr std::int64_t kStale_us = 60LL * 1'000'000;               ///< somebody did, and it has not come back
    static constexpr std::int64_t kMaxLifetime_us = 3LL * 60 * 1'000'000;     ///< of a connection
    static constexpr std::int64_t kParentPatience_us = 10LL * 1'000'000;      ///< for a peer to ask for parents

    struct Options {
        std::size_t max_transactions = 10'000;
        std::size_t max_attempts = 1'000;
    };
    enum class AddResult {
        added,    ///< new here, or given new attempts after it had used them up
        known,    ///< here already, with attempts left
        full,
    };
    struct Recipient {
        Endpoint address;
        std::int64_t sent_us = 0;                  ///< when it was chosen for this peer
        std::optional<std::int64_t> received_us;   ///< when the peer confirmed it
        bool given = false;                        ///< it asked for it and it was sent
    };
    struct Picture {
        TransactionPtr tx;
        std::int64_t added_us = 0;
        std::size_t attempts_left = 0;
        std::vector<Recipient> recipients;         ///< in order of choice
    };

    explicit PrivateBroadcast(Random random) : PrivateBroadcast(std::move(random), Options()) {}
    PrivateBroadcast(Random random, Options options);

    // --- transactions
    struct Request {
        TransactionPtr tx;
        std::vector<TransactionPtr> parents{};    ///< given to peers that ask for them behind it
        std::optional<std::size_t> attempts{};    ///< fewer than Options::max_attempts
    };
    AddResult add(Request request, LogLines& log, std::int64_t now_us);
    AddResult add(const TransactionPtr& tx, LogLines& log, std::int64_t now_us) { return add(Request{tx}, log, now_us); }
    /// Forgets the transactions with this txid or wtxid: what they were.
    std::vector<TransactionPtr> abort(const Uint256& id);
    /// A peer sent us this transaction: if it is one of ours, the network has it and nothing is left to do.
    void on_heard(const TransactionPtr& tx, PeerId from, LogLines& log);
    std::vector<Picture> pictures() const;
    /// nullopt: it is not, or not any more, one of ours.
    std::optional<Picture> picture(const Wtxid& wtxid) const;
    bool empty() const { return entries_.empty(); }

    // --- trying again
    /// Lets time pass by the steps between calls, not by the clock, which may be set. True when stale() is to be asked.
    bool tick(std::int64_t now_us);
    /// The timer comes up so much earlier.
    void advance_timer(std::int64_t seconds) { retry_in_us_ -= seconds * 1'000'000; }
    /// Transactions that should have come back by now: to be judged once more, as the chain may have overtaken them.
    std::vector<TransactionPtr> stale(std::int64_t now_us) const;
    /// What the mempool would do with one of them; `problem` is empty when it would take it.
    void on_stale_judged(const TransactionPtr& tx, const std::string& problem, LogLines& log);

    // --- connections
    /// So many connections are wanted beyond those there are.
    std::size_t wanted() const { return wanted_; }
    /// One of them stands.
    void on_connected() { wanted_ -= wanted_ > 0 ? 1 : 0; }
    /// The handshake is done: names a transaction to the peer, or ends the connection when there is none.
    void on_ready(const PeerInfo& peer, Outbox& out, std::int64_t now_us);
    /// Anything that the peer says after the handshake.
    void on_message(const PeerInfo& peer, const Message& message, Outbox& out, std::int64_t now_us);
    /// To be called at intervals: ends what takes too long.
    void pump(const PeerInfo& peer, Outbox& out, std::int64_t now_us);
    /// The connection is gone; another is wanted if this one did not do its work.
    void on_gone(PeerId peer);
    /// The only messages that such a connection may carry from us.
    static bool may_send(std::string_view command);

private:
    struct Entry {
        TransactionPtr tx;
        std::vector<TransactionPtr> parents;
        std::size_t attempts = 0;      ///< recipients that it may have
        std::int64_t added_us = 0;
        std::vector<Recipient> recipients;
        std::size_t confirmed = 0;
        std::int64_t last_sent_us = 0, last_confirmed_us = 0;
    };
    /// What one connection carries. The entry may be gone, and may have started anew.
    struct Errand {
        TransactionPtr tx;
        std::size_t place = 0;         ///< among the recipients
        std::int64_t sent_us = 0;
        std::uint64_t ping_nonce = 0;  ///< 0: nothing to be confirmed yet
        bool confirmed = false;
        std::vector<TransactionPtr> parents;  ///< that it was not given yet
        std::int64_t parents_until_us = 0;    ///< so long they may be asked for; 0: the peer has not got the child yet
    };

    static bool pending(const Entry& entry) { return entry.recipients.size() < entry.attempts; }
    Picture picture(const Entry& entry) const {
        return {entry.tx, entry.added_us, entry.attempts - std::min(entry.attempts, entry.recipients.size()), entry.recipients};
    }
    /// Null: the entry is gone, or began anew.
    Recipient* recipient_of(const Errand& errand);
    void ping(Errand& errand, PeerId peer, Outbox& out);
    bool give_parents(Errand& errand, const PeerInfo& peer, const GetDataMessage& message, Outbox& out);
    Entry* most_urgent();
    std::optional<std::size_t> remove(const Wtxid& wtxid);
    void cancel(std::size_t confirmed);
    void on_get_data(const PeerInfo& peer, const GetDataMessage& message, Outbox& out);
    void on_pong(const PeerInfo& peer, const PongMessage& message, Outbox& out, std::int64_t now_us);

    Random random_;
    Options options_;
    std::unordered_map<Wtxid, Entry> entries_;
    std::unordered_map<PeerId, Errand> errands_;
    std::size_t wanted_ = 0;
    std::int64_t retry_in_us_ = 0, last_tick_us_ = 0;
};

}  // namespace cairn::net
