#pragma once

#include <deque>
#include <optional>
#include <span>
#include <unordered_map>
#include <unordered_set>

#include "consensus/rules/params.hpp"
#include "net/core/outbox.hpp"
#include "net/core/peer_info.hpp"
#include "net/sync/peer_chains.hpp"

namespace cairn::net {

/// The chain ends near the present: what is announced now may be fetched at once.
bool near_tip(const HeaderNode& tip, const ChainParams& params, std::int64_t now_us);

/// Decides which blocks to ask of whom, and who holds everybody up.
///
/// Blocks are fetched in a window that moves with the last block before which nothing is missing: at most 1024
/// blocks ahead of it and at most `window_bytes` of blocks that were taken in and not yet judged. Each peer has 16
/// in flight, more while blocks are small; once it has been measured, what it gives in 4 seconds, from 2 to 128 of
/// them. While peers on the local network give at least as much as all others, the others have two. When the window
/// is full and one peer alone holds back what all wait for, it has 2 seconds, doubled for each peer that was
/// dropped for it, up to 64. When all that is left is in flight and one peer has given nothing for a while, an idle
/// peer is asked for its blocks, too; whoever is first wins. A single block may take as long as one block interval,
/// and half of one more for each other peer that we download from.
///
/// Once we are in step (no initial download) a block may be in flight with three peers: compact blocks ask several at
/// once (note_request), and when all who owe a block have sent nothing for 2 seconds, or if it is the next one no whole
/// block for 10, one more that has it is asked, the third being an outbound one unless one is among them. Nobody is
/// dropped for it. Who was outrun in this way gets no time of his own the next time: until he gives a block, others are
/// asked beside him at once. When the third does not help either, whoever was silent for 10 seconds loses his place to
/// another.
/// Once a block is here, nobody is waited for.
/// Owner: net thread.
class BlockFetch {
public:
    BlockFetch(ChainAccess& chain, PeerChains& peers, const ChainParams& params, std::size_t window_bytes)
        : chain_(chain), chains_(peers), params_(params), window_bytes_(window_bytes) {}

    void add(PeerId peer) { states_.try_emplace(peer); }
    void remove(PeerId peer);

    /// Asks the peer for what is due; ends the connection when it holds us up. `allowed`: it may be used for this now.
    void pump(const PeerInfo& peer, bool allowed, Outbox& out, std::int64_t now_us);
    /// Asks at once for the blocks up to a header that was just announced, when we are close to the tip. `compact`: a single
    /// block may be asked for as a compact block.
    void direct_fetch(const PeerInfo& peer, const HeaderNode* last, bool compact, Outbox& out, std::int64_t now_us);
    /// The block is being fetched from this peer, too, whoever else was asked.
    void note_request(PeerId peer, const HeaderNode* node, std::int64_t now_us);
    /// Asks this peer for the block, and expects it of nobody else any more.
    void request(const PeerInfo& peer, const HeaderNode* node, Outbox& out, std::int64_t now_us);
    /// Nothing is expected of this peer for the block any more.
    void cancel_request(PeerId peer, const HeaderNode* node, std::int64_t now_us);

    /// A block came and goes to the chain now. True when it was asked for, of whomever.
    bool on_block(PeerId peer, const HeaderNode* node, std::size_t size_bytes, std::int64_t now_us);
    /// The chain has judged a block that `peer` sent; `good`: its data need not be asked for again. Otherwise others are
    /// asked for it, and this peer not before a minute has passed or it announces the block again.
    void on_verdict(PeerId peer, const HeaderNode* node, bool good, std::int64_t now_us);
    /// Blocks were connected: patience returns to normal by and by.
    void on_connected(std::size_t blocks, LogLines& log);
    /// The peer says that it has not got it: others are asked, and this peer not before ten minutes have passed, however often
    /// it announces the block; when nobody else is left, not before half a minute. The same holds for a peer whose place another took.
    void on_not_found(PeerId peer, const HeaderNode* node, std::int64_t now_us);

    bool requested(const HeaderNode* node) const { return in_flight_.contains(node); }
    bool requested_from(PeerId peer, const HeaderNode* node) const;
    /// Who was asked for this block, in order.
    std::span<const PeerId> asked_for(const HeaderNode* node) const;
    /// Blocks in flight, a block from two peers counted twice.
    std::size_t requests() const;
    /// The block came and is not judged yet.
    bool judging(const HeaderNode* node) const { return submitted_.contains(node); }
    bool any_in_flight() const { return !in_flight_.empty(); }
    std::size_t in_flight(PeerId peer) const;
    /// What it gives, in bytes a second; nullopt while that is not known.
    std::optional<double> measured_rate(PeerId peer, std::int64_t now_us) const;
    std::vector<std::int32_t> heights_in_flight(PeerId peer) const;
    const HeaderNode* last_common(PeerId peer) const;

private:
    /// Bytes and the time they took, while something was asked for; what is long past fades.
    struct Measure {
        double bytes = 0, busy_us = 0;
        std::int64_t since_us = 0;  ///< busy from here on, not counted yet
        void add(std::size_t size_bytes, std::int64_t now_us);
        /// Bytes a second; nullopt while too little came.
        std::optional<double> rate(bool busy, std::int64_t now_us) const;
    };
    struct State {
        Measure measure;
        bool lan = false;                        ///< on the local network
        bool inbound = true, serves = false;     ///< `serves`: gives blocks, as far as it says
        bool outrun = false;                     ///< another gave a block for which it had been waited in vain
        std::uint64_t seen_bytes = 0;            ///< received of it when it was last looked at
        std::int64_t seen_us = 0, giving_us = 0; ///< when that was; when it last had given enough not to be called silent
        std::deque<const HeaderNode*> queue;     ///< in the order of asking
        std::int64_t downloading_since_us = 0;
        std::int64_t stalling_since_us = 0;      ///< 0: not stalling
        const HeaderNode* last_common = nullptr; ///< up to here nothing is missing on the peer's chain
        std::unordered_map<const HeaderNode*, std::int64_t> spoiled;   ///< its bytes of these were of no use; when that was
        std::unordered_map<const HeaderNode*, std::int64_t> withheld;  ///< it did not give these though asked; when that was
        bool unfit(const HeaderNode* node) const { return spoiled.contains(node) || withheld.contains(node); }
    };
    struct Choice {
        std::vector<const HeaderNode*> blocks;
        std::optional<PeerId> staller;  ///< holds back what keeps the window from moving
        std::optional<PeerId> holder;   ///< has the first block that is missing, when all others are asked for or here
    };

    Choice choose(const PeerInfo& peer, State& state, std::size_t count, std::int64_t now_us);
    void note_peer(const PeerInfo& peer, State& state, std::int64_t now_us);
    /// Owes a block and has sent nothing for so long, or none of its blocks became whole in `while_giving_us`.
    bool hangs(const State& state, std::int64_t silent_us, std::int64_t while_giving_us, std::int64_t now_us) const;
    bool last_resort(PeerId peer, const State& state, const HeaderNode* node, std::int64_t now_us) const;
    bool may_ask_too(const PeerInfo& peer, std::span<const PeerId> asked, bool first_missing, std::int64_t now_us) const;
    void take_over(const PeerInfo& peer, State& state, PeerId from, Outbox& out, std::int64_t now_us);
    void ask(const PeerInfo& peer, State& state, const HeaderNode* node, std::vector<InvItem>& items, std::int64_t now_us);
    void forget(PeerId peer, State& state, const HeaderNode* node, std::int64_t now_us);
    void forget_all(PeerId giver, const HeaderNode* node, std::int64_t now_us);
    void drop_flight(PeerId peer, const HeaderNode* node);
    bool check_timeouts(const PeerInfo& peer, State& state, Outbox& out, std::int64_t now_us);
    std::size_t flight_limit(const State& state, std::int64_t now_us) const;
    std::size_t peers_downloading() const;
    bool neighbours_suffice(std::int64_t now_us) const;

    ChainAccess& chain_;
    PeerChains& chains_;
    const ChainParams& params_;
    std::size_t window_bytes_;
    std::unordered_map<PeerId, State> states_;
    std::unordered_map<const HeaderNode*, std::vector<PeerId>> in_flight_;  ///< who was asked, in order
    std::unordered_set<const HeaderNode*> submitted_;  ///< came, not judged yet
    std::size_t neighbours_ = 0;  ///< peers on the local network
    std::int64_t stall_timeout_us_ = 2'000'000;
    double average_bytes_ = 1'000'000;  ///< of the blocks that came lately
};

}  // namespace cairn::net
