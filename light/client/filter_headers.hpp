#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "light/client/block_requests.hpp"
#include "light/client/filter_ranges.hpp"
#include "light/client/hash_column.hpp"
#include "light/client/header_chain.hpp"

namespace cairn::light {

/// Finds out the filter headers of the best chain (BIP157) by asking several peers for the same and trusting none alone.
///
/// Far behind the tip checkpoints are agreed on first and all between them is fetched from many peers at once (FilterRanges).
/// Else, and where peers contradict each other:
///
/// Extending: the next stretch of at most 2,000 blocks is a vote. Every filter peer whose announced chain holds its last
/// block is asked for it; nobody is ever asked for a stop block that it did not announce. When all that answered agree,
/// the stretch is taken over. A voter whose answer builds on another past than ours is not counted but examined: by
/// halving, with requests for single blocks, the first block is found at which it departs from us, and that block is
/// voted on once more with it among the voters, against what we took for agreed.
///
/// Disputes: at the first block about which voters disagree, one of each camp gives its filter, and the block is fetched
/// from whomever has it. A filter that is not what its header says convicts who sent it. Then judge_filters decides; what
/// it cannot decide, a strict majority of at least three voters does. Who was proven wrong has misbehaved; who was
/// outvoted is only disconnected. Without proof or majority nothing is taken over: the state is `disputed`, and the vote
/// is repeated, with whoever is there by then, every kRetry_us.
///
/// Reorganisations cut the agreed headers back to the fork. Answers about a stretch that is no longer wanted are ignored.
/// Limits: one request a peer at a time; 64 KB of hashes a voter.
/// Owner: net thread.
class FilterHeaders final : private FilterRanges::Host {
public:
    static constexpr std::int64_t kPatience_us = 30'000'000;  ///< for one answer
    static constexpr std::int64_t kDoubt_us = 3'000'000;      ///< after so long enough voters decide without the silent ones
    static constexpr std::int64_t kRetry_us = 30'000'000;     ///< after a dispute that nothing settled
    static constexpr std::size_t kMaxVoters = 8;
    static constexpr int kMaxSearches = 4;                    ///< for one peer's departure from us

    struct Options {
        std::size_t voters = 3;                 ///< so many are waited for
        std::int64_t grace_us = 15'000'000;     ///< so long; then fewer are enough, and view() says how many there were
        std::vector<FilterCheckpoint> checkpoints{};  ///< ascending
    };

    /// All outlive this object. `memory`: where the headers lie.
    FilterHeaders(const HeaderChain& chain, const net::PeerChains& peer_chains, BlockRequests& blocks, Options options,
                  std::pmr::memory_resource* memory = std::pmr::new_delete_resource());

    /// Puts back what was agreed in an earlier run: one header after the other, from block 1 of the best chain up; then how many
    /// agreed on the last.
    void restore(const Uint256& header) { headers_.push_back(header); }
    void restored(int voters);

    void add(const net::PeerInfo& peer);
    void remove(net::PeerId peer);
    void on_cfheaders(const net::PeerInfo& peer, const net::CFHeadersMessage& message, net::Outbox& out, std::int64_t now_us);
    void on_cfcheckpt(const net::PeerInfo& peer, const net::CFCheckptMessage& message, net::Outbox& out, std::int64_t now_us);
    /// True when it was asked for here.
    bool on_cfilter(const net::PeerInfo& peer, const net::CFilterMessage& message, net::Outbox& out, std::int64_t now_us);
    void tick(net::Outbox& out, std::int64_t now_us);

    /// The last block whose filter header is agreed.
    const HeaderNode* tip() const override { return tip_; }
    /// `height` is at most the tip's.
    const Uint256& header(Height height) const override { return headers_[static_cast<std::size_t>(height)]; }
    bool disputed() const { return disputed_; }
    /// How many agreed on the newest header.
    int voters() const { return tip_voters_; }
    std::uint64_t liars() const { return liars_; }

    /// Called when headers from `first` up to the tip are new: those above had other values, or none.
    std::function<void(Height first)> on_agreed;
    /// Called when what was agreed above `height` is void.
    std::function<void(Height height)> on_cut;

private:
    struct Request {
        Height first = 0;
        const HeaderNode* stop = nullptr;
        std::int64_t asked_us = 0;
    };
    /// Looks for the first block at which a peer departs from us: agreed at `same`, not at `other`.
    struct Search {
        Height same = 0, other = 0;
    };
    struct Peer {
        const net::PeerInfo* info = nullptr;
        std::optional<Request> request;
        std::optional<Search> search;
        bool examined = false;   ///< its past was compared with ours
        int searches = 0;        ///< that it made us do
    };
    struct Claim {
        std::vector<Uint256> hashes;
        bool here = false;
    };
    struct Camp {
        std::set<net::PeerId> members;
        std::optional<Bytes> filter;
        net::PeerId asked = -1;
        std::int64_t asked_us = 0;
    };
    struct Dispute {
        const HeaderNode* node = nullptr;
        std::size_t position = 0;         ///< in the vote
        std::map<Uint256, Camp> camps;    ///< by the hash of the filter
        BlockPtr block;
    };
    struct Vote {
        Height first = 0;
        const HeaderNode* stop = nullptr;
        bool retrial = false;             ///< about a block that was agreed before
        std::map<net::PeerId, Claim> claims;
        std::optional<Dispute> dispute;
        std::uint64_t id = 0;
        std::int64_t began_us = 0;
    };

    // --- FilterRanges::Host
    bool can_ask(net::PeerId peer, const HeaderNode* stop) const override;
    void take_range(const std::vector<Uint256>& headers, const HeaderNode* last, const std::vector<net::PeerId>& voters) override;
    void on_departure(net::PeerId peer, net::Outbox& out, std::int64_t now_us) override;
    void convict(net::PeerId peer, const std::string& reason, net::Outbox& out) override;
    void dismiss(net::PeerId peer, const std::string& reason, net::Outbox& out) override;

    bool can_ask(const Peer& peer, const HeaderNode* stop) const;
    bool start_ranges(net::Outbox& out, std::int64_t now_us);
    void call_more_voters(net::Outbox& out, std::int64_t now_us);
    void ask(Peer& peer, Height first, const HeaderNode* stop, net::Outbox& out, std::int64_t now_us);
    void follow_chain();
    void cut(Height height);
    void start_vote(net::Outbox& out, std::int64_t now_us);
    void examine(net::Outbox& out, std::int64_t now_us);
    void search_on(Peer& peer, net::Outbox& out, std::int64_t now_us);
    void on_probe(Peer& peer, const Request& request, const net::CFHeadersMessage& message, net::Outbox& out, std::int64_t now_us);
    void retry_block(Height height, net::Outbox& out, std::int64_t now_us);
    void check_patience(net::Outbox& out, std::int64_t now_us);
    void decide(net::Outbox& out, std::int64_t now_us);
    void adopt(const std::vector<Uint256>& hashes, net::Outbox& out, std::int64_t now_us);
    bool outweighs_past(net::Outbox& out, std::int64_t now_us);
    void open_dispute(std::size_t position, net::Outbox& out, std::int64_t now_us);
    void pursue_dispute(net::Outbox& out, std::int64_t now_us);
    void judge(net::Outbox& out, std::int64_t now_us);
    void settle(const Uint256& right, const char* how, bool proven, net::Outbox& out, std::int64_t now_us);
    void drop_claim(net::PeerId peer);
    void give_up(net::Outbox& out, std::int64_t now_us);

    const HeaderChain& chain_;
    const net::PeerChains& peer_chains_;
    BlockRequests& blocks_;
    Options options_;

    HashColumn headers_;  ///< by height
    const HeaderNode* tip_;
    int tip_voters_ = 0;
    std::map<net::PeerId, Peer> peers_;
    std::set<net::PeerId> gone_wrong_;  ///< convicted or dismissed, waiting for their end
    std::unique_ptr<Vote> vote_;
    FilterRanges ranges_{*this, options_.checkpoints};
    std::uint64_t next_vote_ = 0;
    std::int64_t first_peer_us_ = 0;     ///< when there was a filter peer for the first time
    std::int64_t waiting_since_us_ = 0;  ///< for voters; 0: not
    std::int64_t not_before_us_ = 0;     ///< the next vote
    bool disputed_ = false;
    std::uint64_t liars_ = 0;
};

}  // namespace cairn::light
