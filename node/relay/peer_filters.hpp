#pragma once

#include <memory>
#include <unordered_map>

#include "consensus/primitives/block.hpp"
#include "consensus/script/bloom_filter.hpp"
#include "net/core/outbox.hpp"
#include "net/core/peer_info.hpp"

namespace cairn::node {

/// The bloom filters that peers have loaded (BIP37, BIP111), and what passes through them.
///
/// A filter that matches takes in the outputs that matched, so that it matches what spends them. A block is matched on a
/// worker, with a copy; what the copy took in is merged when the answer is back, if the peer has not loaded another filter.
/// Memory: 36 kB a peer that has loaded one.
/// Owner: net thread.
class PeerFilters {
public:
    using PeerId = net::PeerId;

    /// `everyone`: -peerbloomfilters; otherwise only peers with that permission may load one.
    explicit PeerFilters(bool everyone) : everyone_(everyone) {}

    /// We offer this peer bloom filters (NODE_BLOOM in our version message to it).
    bool offered(const net::PeerInfo& peer) const { return everyone_ || peer.has(net::kPermitBloomFilter); }

    /// Each sets what `peer` says of itself: with a filter or without one, it wants to hear of transactions now.
    void on_load(net::PeerInfo& peer, const net::FilterLoadMessage& message, net::Outbox& out);
    void on_add(const net::PeerInfo& peer, const net::FilterAddMessage& message, net::Outbox& out);
    void on_clear(net::PeerInfo& peer, net::Outbox& out);
    void on_gone(PeerId peer) { filters_.erase(peer); }

    /// The peer is to be told of this transaction: it has no filter, or one that matches.
    bool passes(PeerId peer, const Transaction& tx);

    /// A filter at one moment.
    struct Copy {
        BloomFilter filter;
        std::uint64_t generation = 0;
    };
    /// nullopt: the peer has none.
    std::optional<Copy> copy(PeerId peer) const;
    /// Takes in what the copy took in.
    void merge(PeerId peer, const Copy& copy);

    /// merkleblock and the transactions that match, without witnesses, in order (BIP37, "merkleblock"). Thread: any.
    static std::vector<net::Message> filter_block(const Block& block, BloomFilter& filter);

private:
    struct Loaded {
        BloomFilter filter;
        std::uint64_t generation = 0;
    };
    bool refuses(const net::PeerInfo& peer, std::string_view command, net::Outbox& out) const;

    bool everyone_;
    std::unordered_map<PeerId, Loaded> filters_;
    std::uint64_t next_generation_ = 1;
};

}  // namespace cairn::node
