#pragma once

#include <functional>
#include <unordered_map>
#include <vector>

#include "net/core/outbox.hpp"
#include "net/core/peer_info.hpp"
#include "net/core/random.hpp"
#include "net/core/rolling_filter.hpp"
#include "node/relay/relay_pool.hpp"

namespace cairn::node {

/// Tells peers which transactions there are, and answers for those that they were told of.
///
/// What is new passes two buckets, one for inbound peers and one for outbound ones, that let through only so many
/// transactions a second and so many bytes, best fee rate first; the rest waits in a backlog. Each peer is told at random
/// moments, inbound ones all at the same, so that nobody can measure when a transaction came to us. A peer that asks for a
/// transaction gets it when the mempool had it before that peer was told something last, or the newest block has it: who asks
/// for what nobody announced learns nothing.
/// Memory: of each peer 400 kB (what it knows) and what waits for its turn, at most what the buckets let through
/// between two turns.
/// Source: Bitcoin Core's net_processing.
/// Owner: one thread; times are microseconds.
class TxAnnounce {
public:
    using PeerId = net::PeerId;
    static constexpr std::int64_t kInboundInterval_us = 5'000'000;   ///< mean time between two announcements
    static constexpr std::int64_t kOutboundInterval_us = 2'000'000;
    static constexpr std::size_t kKnownCapacity = 50'000;            ///< hashes that a peer is known to know

    struct Options {
        unsigned send_rate = 14;  ///< -txsendrate: transactions a second to inbound peers, on average
    };
    /// `pool` outlives this object.
    TxAnnounce(const RelayPool& pool, net::Random& random, net::LogLines& log, Options options);

    /// The peer wants announcements, or may want them later. Others are no peers here: what names them is ignored.
    void add_peer(const net::PeerInfo& peer);
    void remove_peer(PeerId peer);
    bool has_peer(PeerId peer) const { return peers_.contains(peer); }

    /// Says of a transaction whether the peer wants to hear of it at all.
    using Wanted = std::function<bool(PeerId peer, const Transaction& tx)>;
    void set_wanted(Wanted wanted) { wanted_ = std::move(wanted); }

    /// The peer has this transaction: hash as the peer names transactions.
    void note_known(PeerId peer, const Uint256& hash);
    void set_fee_filter(PeerId peer, FeeRate rate);
    /// BIP35: the whole mempool is to be announced, in its turn.
    void want_mempool(PeerId peer);

    /// A transaction of the pool is to be announced to everyone.
    void announce(const Wtxid& wtxid, std::int64_t now_us);
    /// Lets through what the buckets allow.
    void tick(std::int64_t now_us) { release(now_us, false); }
    /// Announces what is due to this peer.
    void pump(const net::PeerInfo& peer, net::Outbox& out, std::int64_t now_us);

    /// The transaction, when this peer may have it; valid until the pool changes. Null: say notfound.
    const Transaction* find_for(PeerId peer, const net::InvItem& item) const;

    struct PeerFacts {
        std::uint64_t last_sequence = 0;  ///< of the mempool at our last announcement
        std::size_t waiting = 0;          ///< transactions to be announced
        FeeRate fee_filter;
    };
    PeerFacts facts(PeerId peer) const;  ///< all zero for others
    struct BucketFacts {
        std::size_t backlog = 0;
        double count_tokens = 0, size_tokens = 0;
    };
    BucketFacts inbound_bucket() const { return inbound_.facts(); }
    BucketFacts outbound_bucket() const { return outbound_.facts(); }

private:
    struct Tokens {
        double rate = 0, value = 0, cap = 0;
        std::int64_t updated_us = -1;
        void refill(std::int64_t now_us);
    };
    struct Bucket {
        std::vector<Wtxid> backlog;
        Tokens size, count;
        double count_floor = 0;
        bool open() const { return !backlog.empty() && size.value > 0 && count.value > 0; }
        BucketFacts facts() const { return {backlog.size(), count.value, size.value}; }
    };
    struct Peer {
        Peer(const net::PeerInfo& info, SipKey key) : inbound(info.inbound()), known(kKnownCapacity, key) {}
        bool inbound;
        net::RollingFilter known;          ///< wtxids for peers of BIP339, txids for others
        std::vector<Wtxid> to_send;
        bool want_mempool = false;
        std::int64_t next_us = 0;     ///< 0: never had a turn; nothing is queued before it had one
        std::uint64_t last_sequence = 1;
        FeeRate fee_filter{0};
    };

    Bucket make_bucket(double multiplier) const;
    void release(std::int64_t now_us, bool fresh);
    std::vector<Wtxid> take_from(Bucket& bucket);
    std::vector<const RelayEntry*> take_best(std::vector<Wtxid>& list, std::size_t count) const;
    std::vector<const RelayEntry*> parents_first(std::vector<const RelayEntry*> list, std::size_t count) const;
    void log_backlog(std::int64_t now_us);
    bool turn(const net::PeerInfo& info, Peer& peer, std::int64_t now_us);

    const RelayPool& pool_;
    net::Random& random_;
    net::LogLines& log_;
    Options options_;
    Wanted wanted_;
    Bucket inbound_, outbound_;
    std::unordered_map<PeerId, Peer> peers_;
    std::int64_t next_inbound_us_ = 0;  ///< the shared turn of inbound peers
    std::int64_t next_check_us_ = 0;
    std::int64_t heartbeat_us_ = -1;    ///< when the backlog is next logged; -1: there is none
};

}  // namespace cairn::node
