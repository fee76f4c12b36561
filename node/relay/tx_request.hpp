#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "consensus/crypto/siphash.hpp"
#include "consensus/primitives/ids.hpp"
#include "net/core/net_port.hpp"
#include "node/relay/detail/placed_heap.hpp"
#include "node/relay/detail/slab.hpp"

namespace cairn::node {

/// A transaction by name: by its wtxid, or by its txid where no more is known.
struct TxName {
    Uint256 hash;
    bool by_wtxid = false;

    static TxName of(const Txid& txid) { return {txid, false}; }
    static TxName of(const Wtxid& wtxid) { return {wtxid, true}; }
    bool operator==(const TxName&) const = default;
};

/// Decides which transaction to ask of which peer, and when.
///
/// What a peer announces is a candidate from its time on. For each hash at most one request is out; it fails by running
/// out, or by an answer that is not the transaction, and then the next candidate has its turn. Nobody is asked twice for
/// the same hash. Among candidates whose time has come preferred peers go first; who comes first among equals a secret
/// hash of transaction and peer decides, so that an attacker can be early but not lucky. When only failures are left for a hash, all
/// of it is forgotten.
/// Source: the rules of Bitcoin Core's txrequest.
/// Shape: announcements lie in a slab; each is in the chain of its hash's bucket, in one of two lists of its peer, and in one of
/// two heaps by time unless it failed.
/// Memory: 80 to 100 bytes for each of size(); the caller bounds what one peer may announce.
/// Cost: logarithmic in size(), and linear in the announcers of the hash concerned.
/// Owner: one thread; times are microseconds of any clock, which may run backwards.
class TxRequest {
public:
    using PeerId = net::PeerId;

    explicit TxRequest(SipKey key) : key_(key) {}

    /// A candidate from `time` on; nothing happens when the peer announced this hash before.
    void on_announced(PeerId peer, const TxName& name, bool preferred, std::int64_t time);
    void remove_peer(PeerId peer);
    /// The transaction is not needed any more.
    void forget(const Uint256& hash);

    struct Expired {
        PeerId peer;
        TxName name;
    };
    /// What to ask of this peer now, in the order in which it was announced. Requests of all peers that have run out fail;
    /// they are added to `expired` when that is given.
    std::vector<TxName> requestable(PeerId peer, std::int64_t now, std::vector<Expired>* expired = nullptr);
    /// The peer was asked; nothing happens when it is no candidate. Another request that is out for the hash fails.
    void on_requested(PeerId peer, const Uint256& hash, std::int64_t expiry);
    /// The peer answered, with the transaction or without.
    void on_answered(PeerId peer, const Uint256& hash);

    std::size_t in_flight(PeerId peer) const;
    std::size_t candidates(PeerId peer) const;
    /// All that is known of this peer, failures included.
    std::size_t count(PeerId peer) const;
    std::size_t size() const { return entries_.size(); }
    std::size_t memory_usage() const;  ///< bytes
    /// Peers whose announcement of this hash has not failed, in no order.
    std::vector<PeerId> candidate_peers(const Uint256& hash) const;
    /// Lower goes first.
    std::uint64_t priority(const Uint256& hash, PeerId peer, bool preferred) const;

private:
    /// waiting: its time has not come. ready: it has. chosen: the best of the ready ones, and no request is out.
    enum class State : std::uint8_t { waiting, ready, chosen, requested, failed };
    using Id = std::uint32_t;
    static constexpr Id kNone = 0xffffffff;
    struct Entry {
        Uint256 hash;
        std::int64_t time = 0;       ///< waiting, ready, chosen: may be asked from then on; requested: until then
        std::uint64_t sequence = 0;
        std::uint32_t peer = 0;      ///< place in peers_
        Id in_bucket = kNone;        ///< the next in the bucket
        Id before = kNone, after = kNone;  ///< in the list of its peer
        std::uint32_t heap_place = 0;
        State state = State::failed;
        bool by_wtxid = false, preferred = false;
    };
    static_assert(sizeof(Entry) <= 72);
    struct Peer {
        PeerId id = 0;
        Id chosen = kNone, others = kNone;  ///< the first in the lists of those in State::chosen, and of all others
        std::uint32_t count = 0, requested = 0, failed = 0;
    };
    struct Soonest {
        TxRequest& tracker;
        bool before(Id a, Id b) const { return tracker.entries_[a].time < tracker.entries_[b].time; }
        std::uint32_t& place(Id id) { return tracker.entries_[id].heap_place; }
    };
    struct Latest {
        TxRequest& tracker;
        bool before(Id a, Id b) const { return tracker.entries_[a].time > tracker.entries_[b].time; }
        std::uint32_t& place(Id id) { return tracker.entries_[id].heap_place; }
    };

    std::size_t bucket(const Uint256& hash) const { return siphash13_jumbo(key_, hash) & (buckets_.size() - 1); }
    /// The first announcement of the hash from here on in a bucket's chain.
    Id same_hash(Id from, const Uint256& hash) const;
    Id first_of(const Uint256& hash) const { return buckets_.empty() ? kNone : same_hash(buckets_[bucket(hash)], hash); }
    Id next_of(Id id) const { return same_hash(entries_[id].in_bucket, entries_[id].hash); }
    Id find(PeerId peer, const Uint256& hash) const;
    const Peer* peer_facts(PeerId peer) const;
    std::uint64_t priority(const Entry& entry) const { return priority(entry.hash, peers_[entry.peer].id, entry.preferred); }
    void resize_buckets();
    void enter_state(Id id, State state, std::int64_t time);
    void leave_state(Id id);
    void set_state(Id id, State state, std::int64_t time);
    void erase(Id id);
    void settle(const Uint256& hash);
    void advance(std::int64_t now, std::vector<Expired>* expired);

    SipKey key_;
    detail::Slab<Entry> entries_;
    std::vector<Id> buckets_;  ///< first of each chain; a power of two of them
    std::vector<Peer> peers_;
    std::vector<std::uint32_t> free_peers_;
    std::unordered_map<PeerId, std::uint32_t> peer_places_;
    detail::PlacedHeap future_;  ///< waiting and requested, the earliest on top: what happens at its time
    detail::PlacedHeap past_;    ///< ready and chosen, the latest on top: what a clock that runs backwards undoes
    std::uint64_t next_sequence_ = 1;
};

}  // namespace cairn::node
