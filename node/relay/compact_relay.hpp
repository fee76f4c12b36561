#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>

#include "net/sync/block_fetch.hpp"
#include "net/sync/header_sync.hpp"
#include "node/relay/chain_adapter.hpp"
#include "node/relay/compact_reconstruct.hpp"

namespace cairn::node {

/// Compact blocks from peers (BIP152 version 2): who is to announce blocks by them, and how each becomes a block.
///
/// Up to three peers that gave us the newest blocks are asked to announce by compact blocks at once (high bandwidth), one of
/// them outbound whenever an outbound peer was ever among them. A block may be under reconstruction with three peers at a
/// time, so that one that does not answer holds nothing up; the third place is for an outbound peer unless one is at it
/// already. What fails falls back to the whole block from the peer that was first. A peer is never blamed for a block whose
/// header is good: BIP152 lets it relay before it has verified.
/// Limits: three partial blocks for each block near the tip, sixteen for each peer.
/// Owner: net thread.
class CompactRelay {
public:
    struct Options {
        bool blocks_only = false;               ///< no mempool to rebuild from: take part as a sender only
        std::size_t extra_transactions = 100;   ///< -blockreconstructionextratxn
    };
    /// A block that is whole; it goes to the chain as one that was asked for.
    struct Rebuilt {
        const HeaderNode* node = nullptr;
        BlockPtr block;
    };
    struct Outcome {
        std::optional<Rebuilt> block;
        bool as_headers = false;  ///< far ahead: its header is to be treated as if it had come alone
    };
    /// How blocks became whole since the start.
    struct Totals {
        std::uint64_t at_once = 0;      ///< everything was here
        std::uint64_t round_trips = 0;  ///< something had to be asked for
        std::uint64_t fallbacks = 0;    ///< asked for as a whole
    };

    CompactRelay(ChainAdapter& chain, net::PeerChains& chains, net::HeaderSync& headers, net::BlockFetch& blocks,
                 const ChainParams& params, Options options)
        : chain_(chain), chains_(chains), headers_(headers), blocks_(blocks), params_(params), options_(options),
          extra_(options.extra_transactions) {}

    void add(const net::PeerInfo& peer) { states_[peer.id].inbound = peer.inbound(); }
    void remove(net::PeerId peer);

    /// Offers version 2.
    void on_ready(const net::PeerInfo& peer, net::Outbox& out);
    /// True when the message counts: version 2 and sane.
    bool on_send_cmpct(const net::PeerInfo& peer, const net::SendCmpctMessage& message, net::Outbox& out);
    /// `pool`: the mempool's transactions.
    Outcome on_compact_block(const net::PeerInfo& peer, net::CompactBlockMessage&& message, const CandidateTxs& pool, net::Outbox& out,
                             std::int64_t now_us);
    std::optional<Rebuilt> on_block_txn(const net::PeerInfo& peer, net::BlockTxnMessage&& message, net::Outbox& out, std::int64_t now_us);

    /// A block of this peer is valid and on the active chain: a good source. To be called before BlockFetch forgets its requests.
    void on_connected(net::PeerId peer, const HeaderNode* node, net::Outbox& out);
    /// A block is here and was judged: attempts at it are over. `final`: nothing more will be said about it.
    void on_judged(const HeaderNode* node, bool final);
    /// True when this peer gave the block by compact blocks: it is not to blame for it.
    bool came_compact(net::PeerId peer, const BlockHash& hash) const;

    /// A block that this peer announces may be fetched as a compact block.
    bool may_request(net::PeerId peer, const HeaderNode* node) const;
    /// We asked the peer to announce by compact blocks; it asked us.
    bool hb_to(net::PeerId peer) const;
    bool hb_from(net::PeerId peer) const;
    /// A transaction that is not in the mempool but may be in a block: refused, replaced, an orphan.
    void add_extra(const TransactionPtr& tx) { extra_.add(tx); }
    /// Indexes of the transactions that we had to ask for in this block, while they are few: our neighbours lack them, too.
    std::vector<std::uint32_t> lacked(const HeaderNode* node) const;
    const Totals& totals() const { return totals_; }

private:
    struct State {
        bool inbound = false;
        bool provides = false;   ///< sent sendcmpct with version 2
        bool wants_fast = false; ///< asked us to announce by compact blocks
        bool chosen = false;     ///< we asked it
        std::map<const HeaderNode*, std::unique_ptr<PartialBlock>> partial;
    };

    const HeaderNode* take_header(const net::PeerInfo& peer, const BlockHeader& header, net::Outbox& out, std::int64_t now_us);
    Outcome reconstruct(const net::PeerInfo& peer, State& state, const HeaderNode* node, std::unique_ptr<PartialBlock> partial,
                        const CandidateTxs& pool, net::Outbox& out, std::int64_t now_us);
    std::optional<Rebuilt> reconstruct_aside(net::PeerId peer, const HeaderNode* node, PartialBlock& partial, const CandidateTxs& pool,
                                             net::Outbox& out);
    std::optional<Rebuilt> complete(const net::PeerInfo& peer, State& state, const HeaderNode* node, Bytes raw, net::Outbox& out,
                                    std::int64_t now_us);
    Rebuilt finish(net::PeerId peer, const HeaderNode* node, PartialBlock& partial, net::Outbox& out);
    void ask_whole(const net::PeerInfo& peer, const HeaderNode* node, net::Outbox& out);
    bool first_in_line(net::PeerId peer, const HeaderNode* node) const;
    bool may_ask_missing(const net::PeerInfo& peer, const State& state, const HeaderNode* node, std::size_t others) const;
    bool segwit_at(const HeaderNode* node) const { return params_.active_at(BuriedDeployment::segwit, node->height); }

    ChainAdapter& chain_;
    net::PeerChains& chains_;
    net::HeaderSync& headers_;
    net::BlockFetch& blocks_;
    const ChainParams& params_;
    Options options_;
    ExtraPool extra_;
    std::unordered_map<net::PeerId, State> states_;
    std::deque<net::PeerId> chosen_;  ///< the one that gave a block last at the end
    std::unordered_map<BlockHash, std::vector<net::PeerId>> givers_;  ///< who gave blocks by compact blocks that are not judged
    const HeaderNode* lacked_node_ = nullptr;
    std::vector<std::uint32_t> lacked_;
    Totals totals_;
};

}  // namespace cairn::node
