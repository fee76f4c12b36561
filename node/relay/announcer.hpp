#pragma once

#include <unordered_map>
#include <vector>

#include "net/core/outbox.hpp"
#include "net/core/peer_info.hpp"
#include "net/sync/peer_chains.hpp"
#include "node/relay/compact_block.hpp"

namespace cairn::node {

/// Tells peers of new blocks: by a compact block, before it is connected, to those who asked for that (BIP152); by headers to
/// those who asked for them and can connect them (BIP130); by the hash of the tip to all others.
/// Owner: net thread.
class Announcer {
public:
    Announcer(const net::ChainAccess& chain, net::PeerChains& chains, RecentBlock& recent) : chain_(chain), chains_(chains), recent_(recent) {}

    void add(net::PeerId peer) { states_.try_emplace(peer); }
    void remove(net::PeerId peer) { states_.erase(peer); }

    /// The peer sent sendheaders.
    void on_send_headers(net::PeerId peer) { states_[peer].prefers_headers = true; }
    /// The peer wants blocks announced by compact blocks, or not.
    void on_send_compact(net::PeerId peer, bool wanted) { states_[peer].wants_compact = wanted; }
    /// The recent block builds on the tip and its bytes are good: who asked for compact blocks and has its parent hears of it.
    void on_valid_block(net::Outbox& out);
    /// The best chain has a new tip; `fork` is where it left the old one.
    void on_new_tip(const HeaderNode* tip, const HeaderNode* fork);
    /// Adds a hash to what is announced by inv next (an answer to getblocks).
    void queue_inv(net::PeerId peer, const BlockHash& hash) { states_[peer].invs.push_back(hash); }

    /// Sends what is due to this peer.
    void pump(const net::PeerInfo& peer, net::Outbox& out);

private:
    struct State {
        bool prefers_headers = false;
        bool wants_compact = false;
        bool asked_for_headers = false;             ///< we sent sendheaders
        std::vector<const HeaderNode*> blocks;      ///< new since the last announcement, ascending
        std::vector<BlockHash> invs;
    };

    /// The headers to send, or nothing when the peer could not connect them.
    std::vector<BlockHeader> connecting_headers(net::PeerId peer, const State& state, bool& fall_back) const;
    void announce(const net::PeerInfo& peer, State& state, net::Outbox& out);
    void send_compact(net::PeerId peer, net::Outbox& out);
    void ask_for_headers(const net::PeerInfo& peer, State& state, net::Outbox& out);

    const net::ChainAccess& chain_;
    net::PeerChains& chains_;
    RecentBlock& recent_;
    std::unordered_map<net::PeerId, State> states_;
};

}  // namespace cairn::node
