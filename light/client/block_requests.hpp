#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>

#include "consensus/primitives/block.hpp"
#include "light/client/ports.hpp"
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
///
/// Blocks are parsed and checked on the workers of Jobs, kBytesOfChecks at a time; what comes beyond that is checked at once, which keeps
/// more from being read. What the checks say is taken in the order in which the blocks came, by settle(). While a block is checked nobody
/// else is asked for it.
/// Owner: net thread.
class BlockRequests {
public:
    static constexpr std::int64_t kPatience_us = 20'000'000;
    static constexpr std::int64_t kDoubt_us = 3'000'000;
    static constexpr std::size_t kAtOnce = 4;                  ///< peers that one block is asked of
    static constexpr std::int64_t kPause_us = 60'000'000;      ///< before a peer that failed is asked again
    static constexpr std::size_t kPerPeer = 4;                 ///< in flight
    static constexpr int kFailures = 3;                        ///< then it is disconnected
    static constexpr std::size_t kBytesOfChecks = 32'000'000;  ///< of blocks that came and were not settled

    using Done = std::function<void(const BlockPtr& block, net::Outbox& out, std::int64_t now_us)>;

    /// All outlive this object; no job of it runs on when it goes. `post`: runs a task on the net thread, in order.
    BlockRequests(const net::PeerChains& chains, net::Random& random, Jobs& jobs, std::function<void(std::function<void()>)> post)
        : chains_(chains), random_(random), jobs_(jobs), post_(std::move(post)) {}
    ~BlockRequests() { *alive_ = false; }
    BlockRequests(const BlockRequests&) = delete;
    BlockRequests& operator=(const BlockRequests&) = delete;

    void add(const net::PeerInfo& peer);
    void remove(net::PeerId peer);

    /// `done` is called once, when the block has come. Several may want the same block.
    void want(const HeaderNode* node, Done done);
    /// Nobody wants it any more.
    void forget(const HeaderNode* node);

    /// True when it was one that was asked for. What is to be said about it comes with settle().
    bool on_block(const net::PeerInfo& peer, Bytes raw, net::Outbox& out, std::int64_t now_us);
    void on_not_found(const net::PeerInfo& peer, const net::NotFoundMessage& message, std::int64_t now_us);
    /// Takes what the checks of blocks have said, as far as no earlier one is under way.
    void settle(net::Outbox& out, std::int64_t now_us);
    /// Settles, and asks for what is missing.
    void tick(net::Outbox& out, std::int64_t now_us);

    /// Called when there is something to settle.
    std::function<void()> on_checked;
    /// Called for each block that has come, whoever wanted it.
    std::function<void(const HeaderNode* node, const BlockPtr& block, net::Outbox& out)> on_fetched;

    std::size_t wanted() const { return requests_.size(); }
    std::uint64_t fetched() const { return fetched_; }
    std::size_t in_flight(net::PeerId peer) const;
    /// Of blocks that came and were not settled.
    std::size_t bytes_of_checks() const { return bytes_of_checks_; }

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

    /// A block that came.
    struct Check {
        net::PeerId peer = -1;
        BlockHash hash;
        std::size_t bytes = 0;
        bool owed = false;  ///< it was asked of this peer
        bool done = false;
        BlockPtr block;     ///< once done; null: it is not what its header says
    };

    bool being_checked(const BlockHash& hash) const;
    void take(const BlockHash& hash, const BlockPtr& block, net::PeerId from, net::Outbox& out, std::int64_t now_us);
    bool doubtful(net::PeerId peer, std::int64_t now_us) const;
    void release(Request& request, net::PeerId peer, std::int64_t now_us, bool failed);
    void give_up_on_silent(Request& request, net::Outbox& out, std::int64_t now_us);
    void give_up_on_late(net::Outbox& out, std::int64_t now_us);
    net::PeerId choose(const HeaderNode* node, const Request& request, std::int64_t now_us);

    const net::PeerChains& chains_;
    net::Random& random_;
    Jobs& jobs_;
    std::function<void(std::function<void()>)> post_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  ///< net thread only
    std::deque<std::shared_ptr<Check>> checks_;                   ///< in the order in which they came
    std::size_t bytes_of_checks_ = 0;
    std::map<const HeaderNode*, Request> requests_;
    std::unordered_map<BlockHash, const HeaderNode*> by_hash_;
    std::map<net::PeerId, Peer> peers_;
    std::uint64_t fetched_ = 0;
};

}  // namespace cairn::light
