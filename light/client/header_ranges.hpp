#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "light/client/header_chain.hpp"
#include "net/core/outbox.hpp"
#include "net/core/peer_info.hpp"

namespace cairn::light {

/// A block whose hash the project knows: only a place to fetch headers from, no rule that a chain has to obey.
struct HeaderAnchor {
    Height height = 0;
    BlockHash hash;
};

/// The anchors of this release, ascending.
std::vector<HeaderAnchor> header_anchors(Network network);

/// Fetches headers far below the present from many peers at a time: each of them the range from one anchor to the next.
///
/// A range is believed to be on the chain of the anchors once it ends with the hash of its second anchor; it then waits until all before it
/// are here, and goes the way of all headers, with every rule checked. Whoever gives something else than what leads to the anchor is not
/// asked again, nor is who gives nothing for kPatience_us, and the range is asked of somebody else. When nobody brings anything for
/// kGiveUp_us the headers are fetched in the ordinary way.
/// Attacker: makes us keep kAhead ranges at most that lead nowhere, each with its proof of work at the easiest target, for as long as a
/// range takes.
/// Limits: kAhead ranges of 80 bytes a header.
/// Owner: net thread.
class HeaderRanges {
public:
    static constexpr std::int64_t kPatience_us = 6'000'000;
    static constexpr std::int64_t kGiveUp_us = 60'000'000;
    static constexpr std::int64_t kNobody_us = 15'000'000;  ///< none of the peers that there are can be asked: the ordinary way, too
    static constexpr std::size_t kAhead = 16;
    static constexpr std::size_t kAnnounced = 8;  ///< headers that a peer may send unasked, to announce blocks

    /// `chain` outlives this object. `anchors`: ascending.
    HeaderRanges(HeaderChain& chain, std::vector<HeaderAnchor> anchors);

    /// There is something left to fetch this way: nobody should fetch headers otherwise.
    bool active() const { return active_; }
    void add(const net::PeerInfo& peer);
    void remove(net::PeerId peer);

    /// True when nobody else should look at them.
    bool on_headers(const net::PeerInfo& peer, const net::HeadersMessage& message, net::Outbox& out, std::int64_t now_us);
    void tick(net::Outbox& out, std::int64_t now_us);

    /// Headers beyond those of the chain that are here.
    std::size_t waiting() const;

    /// Called when new headers are in the chain; who gave them has the block `last`.
    std::function<void(net::PeerId from, const HeaderNode* last)> on_accepted;

private:
    struct Peer {
        const net::PeerInfo* info = nullptr;
        std::optional<Height> range;   ///< the first height of what it was asked for
        std::int64_t asked_us = 0;
        bool unfit = false;
    };
    struct Range {
        BlockHash before;              ///< the block before the first
        HeaderAnchor end;
        std::vector<BlockHeader> headers;
        BlockHash last;                ///< of those that are here, or `before`
        net::PeerId peer = -1;
        bool complete = false;
    };

    void plan();
    void ask(Peer& peer, Range& range, net::Outbox& out, std::int64_t now_us);
    void refuse(Peer& peer, const char* reason, net::Outbox& out);
    void release(Peer& peer);
    bool hopeless(bool asked, std::int64_t now_us);
    void give_up();
    void accept_ready(net::Outbox& out);
    bool take(Range& range, const std::vector<BlockHeader>& headers) const;

    HeaderChain& chain_;
    std::vector<HeaderAnchor> anchors_;
    std::map<net::PeerId, Peer> peers_;
    std::map<Height, Range> ranges_;   ///< by first height, from the block after the chain's tip up
    std::int64_t progress_us_ = 0;     ///< since then nothing came; 0: nobody was asked
    std::int64_t idle_since_us_ = 0;   ///< nobody is asked though there are peers; 0: not so
    bool active_ = false;
};

}  // namespace cairn::light
