#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>
#include <vector>

#include "consensus/crypto/siphash.hpp"
#include "consensus/primitives/ids.hpp"
#include "net/core/net_port.hpp"

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
/// Memory: proportional to size(); the caller bounds what one peer may announce.
/// Cost: logarithmic in size(), and linear in the announcers of the hash concerned.
/// Owner: one thread; times are microseconds of any clock, which may run backwards.
class TxRequest {
public:
    using PeerId = net::PeerId;

    explicit TxRequest(SipKey key) : key_(key), by_hash_(0, Hasher{key}) {}

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
    std::size_t size() const { return size_; }
    /// Peers whose announcement of this hash has not failed, in no order.
    std::vector<PeerId> candidate_peers(const Uint256& hash) const;
    /// Lower goes first.
    std::uint64_t priority(const Uint256& hash, PeerId peer, bool preferred) const;

private:
    /// waiting: its time has not come. ready: it has. chosen: the best of the ready ones, and no request is out.
    enum class State : std::uint8_t { waiting, ready, chosen, requested, failed };
    struct Entry {
        TxName name;
        PeerId peer = 0;
        bool preferred = false;
        State state = State::waiting;
        std::int64_t time = 0;       ///< waiting, ready, chosen: may be asked from then on; requested: until then
        std::uint64_t sequence = 0;
        std::uint64_t priority = 0;
    };
    struct Hasher {
        SipKey key;
        std::size_t operator()(const Uint256& hash) const noexcept { return siphash13_jumbo(key, hash); }
    };
    using Announcers = std::vector<std::unique_ptr<Entry>>;
    using ByHash = std::unordered_map<Uint256, Announcers, Hasher>;
    struct Peer {
        std::map<std::uint64_t, Entry*> all;     ///< by sequence
        std::map<std::uint64_t, Entry*> chosen;  ///< those in State::chosen
        std::size_t requested = 0, failed = 0;
    };
    using Timeline = std::set<std::pair<std::int64_t, Entry*>>;

    Entry* find(PeerId peer, const Uint256& hash);
    void set_state(Entry& entry, State state, std::int64_t time);
    void unlink(Entry& entry);
    void settle(ByHash::iterator place);
    void advance(std::int64_t now, std::vector<Expired>* expired);

    SipKey key_;
    ByHash by_hash_;
    std::unordered_map<PeerId, Peer> peers_;
    Timeline future_;  ///< waiting and requested: what happens at its time
    Timeline past_;    ///< ready and chosen: what a clock that runs backwards undoes
    std::uint64_t next_sequence_ = 1;
    std::size_t size_ = 0;
};

}  // namespace cairn::node
