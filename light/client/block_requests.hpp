#pragma once

#include <functional>
#include <map>
#include <set>
#include <unordered_map>

#include "consensus/primitives/block.hpp"
#include "net/core/outbox.hpp"
#include "net/core/peer_info.hpp"
#include "net/core/random.hpp"
#include "net/sync/peer_chains.hpp"

namespace cairn::light {

/// Fetches single blocks, each from a peer chosen at random, so that no peer learns what this client looks for from the
/// set of its questions. A block that does not come is asked of somebody else, and again and again: no failure is final.
///
/// What has not come after kDoubt_us is asked of another peer, too, rather of one that owes nothing for so long. A peer that stays silent for kPatience_us is asked no
/// more for a while; one that does so three times, or once without having given any block, is disconnected.
/// One that sends a block that was changed on the way pays for it. Blocks are asked only of peers whose announced chain
/// holds them.
/// Owner: net thread.
class BlockRequests {
public:
    static constexpr std::int64_t kPatience_us = 20'000'000;
    static constexpr std::int64_t kDoubt_us = 3'000'000;
    static constexpr std::size_t kAtOnce = 4;                  ///< peers that one block is asked of
    static constexpr std::int64_t kPause_us = 60'000'000;      ///< before a peer that failed is asked again
    static constexpr std::size_t kPerPeer = 4;                 ///< in flight
    static constexpr int kFailures = 3;                        ///< then it is disconnected

    using Done = std::function<void(const BlockPtr& block, net::Outbox& out, std::int64_t now_us)>;

    /// Both outlive this object.
    BlockRequests(const net::PeerChains& chains, net::Random& random) : chains_(chains), random_(random) {}

    void add(const net::PeerInfo& peer);
    void remove(net::PeerId peer);

    /// `done` is called once, when the block has come. Several may want the same block.
    void want(const HeaderNode* node, Done done);
    /// Nobody wants it any more.
    void forget(const HeaderNode* node);

    /// True when it was one that was asked for.
    bool on_block(const net::PeerInfo& peer, Bytes raw, net::Outbox& out, std::int64_t now_us);
    void on_not_found(const net::PeerInfo& peer, const net::NotFoundMessage& message, std::int64_t now_us);
    void tick(net::Outbox& out, std::int64_t now_us);

    /// Called for each block that has come, whoever wanted it.
    std::function<void(const HeaderNode* node, const BlockPtr& block, net::Outbox& out)> on_fetched;

    std::size_t wanted() const { return requests_.size(); }
    std::uint64_t fetched() const { return fetched_; }
    std::size_t in_flight(net::PeerId peer) const;

private:
    struct Request {
        std::vector<Done> done;
        std::map<net::PeerId, std::int64_t> asked_us;   ///< who owes it, and since when
        std::map<net::PeerId, std::int64_t> failed_us;  ///< who did not give it, and when
    };
    struct Peer {
        const net::PeerInfo* info = nullptr;
        std::size_t in_flight = 0;
        int failures = 0;
        bool gave = false;               ///< a block, at any time
        std::int64_t paused_until_us = 0;
        std::map<BlockHash, std::int64_t> late;  ///< blocks that somebody else gave first, and when it was asked for them
    };

    bool doubtful(net::PeerId peer, std::int64_t now_us) const;
    void release(Request& request, net::PeerId peer, std::int64_t now_us, bool failed);
    void give_up_on_silent(Request& request, net::Outbox& out, std::int64_t now_us);
    void give_up_on_late(net::Outbox& out, std::int64_t now_us);
    net::PeerId choose(const HeaderNode* node, const Request& request, std::int64_t now_us);

    const net::PeerChains& chains_;
    net::Random& random_;
    std::map<const HeaderNode*, Request> requests_;
    std::unordered_map<BlockHash, const HeaderNode*> by_hash_;
    std::map<net::PeerId, Peer> peers_;
    std::uint64_t fetched_ = 0;
};

}  // namespace cairn::light
