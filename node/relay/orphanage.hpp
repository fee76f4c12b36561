#pragma once

#include <map>
#include <set>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "consensus/crypto/siphash.hpp"
#include "consensus/primitives/block.hpp"
#include "consensus/primitives/transaction.hpp"
#include "net/core/outbox.hpp"
#include "net/core/random.hpp"
#include "node/relay/tx_relay_port.hpp"

namespace cairn::node {

/// Transactions whose parents are not known, kept while the parents are asked for.
///
/// An orphan may be a good transaction that overtook its parents, or rubbish; nothing tells them apart. So all of them
/// together are bounded, in weight and in latency score (one for each announcement, and one for every ten inputs of a
/// transaction), and each peer has an equal share. A peer may use more than its share while there is room; when there is
/// none, the peer that exceeds its share most loses its oldest announcements, those that wait to be looked at again last.
/// An orphan stays as long as one of its announcers' announcements does, so no peer can push out what another vouches for
/// within its share.
/// Memory: 404,000 weight units for each peer with orphans; 3,000 latency score in all.
/// Source: the rules of Bitcoin Core 31's node/txorphanage.
/// Owner: one thread.
class Orphanage {
public:
    using PeerId = net::PeerId;
    struct Options {
        std::int64_t max_latency_score = 3'000;     ///< of all announcements
        std::int64_t weight_per_peer = 404'000;     ///< times the peers that have orphans: the weight of all
        std::int64_t max_tx_weight = 400'000;       ///< heavier orphans are not kept
    };

    Orphanage(SipKey key, net::LogLines& log) : Orphanage(key, log, Options()) {}
    Orphanage(SipKey key, net::LogLines& log, Options options)
        : options_(options), log_(log), unique_(0, Hasher{key}), by_outpoint_(0, Hasher{key}) {}

    /// True when the transaction was not here; another announcer of one that is here is added all the same.
    bool add(const TransactionPtr& tx, PeerId peer);
    /// False: no such orphan, or the peer announced it before.
    bool add_announcer(const Wtxid& wtxid, PeerId peer);
    bool contains(const Wtxid& wtxid) const;
    bool contains(const Wtxid& wtxid, PeerId peer) const;
    TransactionPtr find(const Wtxid& wtxid) const;  ///< null: none

    /// False: it was not here.
    bool remove(const Wtxid& wtxid);
    void remove_peer(PeerId peer);
    /// What the block contains or makes impossible.
    void remove_for_block(const Block& block);

    /// Puts the orphans that spend this transaction's outputs on the work list of one of their announcers each.
    void add_children_to_work(const Transaction& parent, net::Random& random);
    bool has_work(PeerId peer) const;
    /// Takes one off the work list of this peer; it stays an orphan. Null: none.
    TransactionPtr take_work(PeerId peer);
    /// Peers that have work, ascending.
    std::vector<PeerId> peers_with_work() const;

    /// Orphans from this peer that spend an output of `parent`: those on the work list first, then the newest first.
    std::vector<TransactionPtr> children_from(const Transaction& parent, PeerId peer) const;
    std::vector<OrphanSnapshot> all() const;  ///< by wtxid

    std::size_t size() const { return unique_.size(); }
    std::size_t announcements() const { return by_wtxid_.size(); }
    std::size_t announcements(PeerId peer) const;
    std::int64_t total_weight() const { return weight_; }
    std::int64_t weight(PeerId peer) const;
    std::int64_t latency_score() const { return input_score_ + static_cast<std::int64_t>(by_wtxid_.size()); }
    std::int64_t latency_score(PeerId peer) const;
    std::int64_t max_weight() const;
    std::int64_t max_latency_score_per_peer() const;

private:
    struct Entry {
        TransactionPtr tx;
        PeerId peer = 0;
        std::uint64_t sequence = 0;
        bool reconsider = false;  ///< on the work list; at most one entry of a transaction is

        std::int64_t weight() const { return tx->tx().weight(); }
        std::int64_t input_score() const { return static_cast<std::int64_t>(tx->tx().inputs.size() / 10); }
    };
    struct Usage {
        std::int64_t weight = 0, score = 0;
        std::size_t announcements = 0;
    };
    struct Hasher {
        SipKey key;
        std::size_t operator()(const OutPoint& o) const noexcept { return siphash13_jumbo(key, o.txid, o.index); }
        std::size_t operator()(const Wtxid& wtxid) const noexcept { return siphash13_jumbo(key, wtxid); }
    };
    using WtxidKey = std::pair<Wtxid, PeerId>;
    using PeerKey = std::tuple<PeerId, bool, std::uint64_t>;
    using ByWtxid = std::map<WtxidKey, Entry>;
    /// How far a peer exceeds its share: the larger of two fractions.
    struct Excess {
        std::int64_t used = 0, share = 1;
    };

    bool insert(const TransactionPtr& tx, PeerId peer);
    void erase(ByWtxid::iterator place);
    std::size_t erase_all(const Wtxid& wtxid);
    bool unique(ByWtxid::const_iterator place) const;
    void set_reconsider(ByWtxid::iterator place, bool on);
    bool over_limit() const;
    static bool exceeds_more(const Excess& a, const Excess& b);
    void trim();

    Options options_;
    net::LogLines& log_;
    ByWtxid by_wtxid_;
    std::map<PeerKey, ByWtxid::iterator> by_peer_;
    std::unordered_map<Wtxid, TransactionPtr, Hasher> unique_;  ///< each transaction once: nearly all that is asked for is not here
    std::unordered_map<OutPoint, std::set<Wtxid>, Hasher> by_outpoint_;
    std::set<Wtxid> reconsiderable_;
    std::map<PeerId, Usage> usage_;
    std::int64_t weight_ = 0;       ///< each transaction once
    std::int64_t input_score_ = 0;  ///< of the inputs, each transaction once
    std::uint64_t next_sequence_ = 0;
};

}  // namespace cairn::node
