#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "light/client/filter_headers.hpp"

namespace cairn::light {

/// A filter that hashes to the agreed filter header of its block. Shared between threads, never changed.
using FilterBytes = std::shared_ptr<const Bytes>;

/// Fetches compact filters in batches from many peers at a time, and checks each against the agreed filter headers.
///
/// The lowest wanted heights go to the peers with the highest measured rate. A batch holds what its peer gives in
/// kBatch_us, at least kSmallest and at most 1,000 filters (BIP157); a peer that was never measured gets a small one. When
/// nothing is left to hand out, an idle peer takes over what a batch still owes whose peer is much slower or has brought
/// nothing for kTakeOver_us. A batch times out kPatience_us after its last filter came, not after it began. That others brought
/// it meanwhile does not help a peer that gave no answer at all: it is disconnected then.
/// Nobody is asked for a stop block that it did not announce. Filters of blocks that are no longer wanted, as after a
/// reorganisation, are ignored without blame.
/// Owner: net thread.
class FilterFetch {
public:
    static constexpr std::int64_t kPatience_us = 20'000'000;
    static constexpr std::int64_t kTakeOver_us = 3'000'000;
    static constexpr std::int64_t kBatch_us = 2'000'000;
    static constexpr std::size_t kSmallest = 50;
    static constexpr int kFailures = 2;  ///< batches that timed out; then the peer is disconnected

    FilterFetch(const HeaderChain& chain, const net::PeerChains& peer_chains, const FilterHeaders& headers)
        : chain_(chain), peer_chains_(peer_chains), headers_(headers) {}

    void add(const net::PeerInfo& peer);
    void remove(net::PeerId peer);

    /// The filter of this block is needed; its header is agreed.
    void want(const HeaderNode* node) { wanted_.emplace(node->height, node); }
    /// Forgets everything wanted above `height`.
    void cut(Height height);
    void clear();
    std::size_t wanted() const { return wanted_.size(); }

    /// Called for each good filter that is wanted, once.
    std::function<void(const HeaderNode* node, FilterBytes filter)> on_filter;

    void on_cfilter(const net::PeerInfo& peer, net::CFilterMessage&& message, net::Outbox& out, std::int64_t now_us);
    void tick(net::Outbox& out, std::int64_t now_us);

    /// Something could be asked of this peer now.
    bool idle(net::PeerId peer) const;
    /// Measured bytes a second of a peer; 0: not measured.
    double rate(net::PeerId peer) const;
    std::uint64_t fetched() const { return fetched_; }

private:
    struct Batch {
        std::set<Height> open;           ///< not here yet
        std::int64_t began_us = 0, progress_us = 0;
        std::uint64_t bytes = 0;
        bool answered = false;           ///< with anything
    };
    struct Peer {
        const net::PeerInfo* info = nullptr;
        std::optional<Batch> batch;
        double rate = 0;
        int failures = 0;
    };

    std::vector<Peer*> idle_by_rate();
    std::size_t batch_size(const Peer& peer) const;
    bool assign(Peer& peer, net::Outbox& out, std::int64_t now_us);
    bool take_over(Peer& peer, net::Outbox& out, std::int64_t now_us);
    void send(Peer& peer, const HeaderNode* first, const HeaderNode* last, net::Outbox& out, std::int64_t now_us);
    void finish(Peer& peer, std::int64_t now_us);
    void check_patience(net::Outbox& out, std::int64_t now_us);
    const HeaderNode* common(const Peer& peer) const;

    const HeaderChain& chain_;
    const net::PeerChains& peer_chains_;
    const FilterHeaders& headers_;
    std::map<Height, const HeaderNode*> wanted_;
    std::set<Height> assigned_;          ///< of the wanted ones: asked of somebody
    std::map<net::PeerId, Peer> peers_;
    double mean_bytes_ = 1000;           ///< of a filter, over the last ones
    std::uint64_t fetched_ = 0;
};

}  // namespace cairn::light
