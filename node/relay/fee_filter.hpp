#pragma once

#include <unordered_map>
#include <vector>

#include "net/core/outbox.hpp"
#include "net/core/peer_info.hpp"
#include "net/core/random.hpp"
#include "node/mempool/fee_size.hpp"

namespace cairn::node {

/// Rounds a fee rate to one of a hundred or so, so that peers cannot tell nodes apart by it.
class FeeFilterRounder {
public:
    explicit FeeFilterRounder(FeeRate incremental);
    /// A neighbour of the rate: the one below twice as often as the one above.
    FeeRate round(FeeRate rate, net::Random& random) const;
    /// What the highest possible rate becomes: "send nothing".
    FeeRate highest() const { return steps_.back(); }

private:
    std::vector<FeeRate> steps_;
};

/// Tells peers below which fee rate their transactions are of no use to us (BIP133): at random intervals of about ten
/// minutes, and sooner when it has changed much. During initial download nothing is of use.
/// Owner: one thread; times are microseconds.
class FeeFilter {
public:
    struct Options {
        FeeRate min_relay{100};
        FeeRate incremental{100};
    };
    FeeFilter(Options options, net::Random& random) : options_(options), rounder_(options.incremental), random_(random) {}

    void remove_peer(net::PeerId peer) { peers_.erase(peer); }
    /// `minimum`: what the mempool takes now. For peers that may send us transactions.
    void pump(const net::PeerInfo& peer, FeeRate minimum, bool initial_block_download, net::Outbox& out, std::int64_t now_us);

private:
    struct Peer {
        FeeRate sent{0};
        std::int64_t next_us = 0;
    };
    Options options_;
    FeeFilterRounder rounder_;
    net::Random& random_;
    std::unordered_map<net::PeerId, Peer> peers_;
};

}  // namespace cairn::node
