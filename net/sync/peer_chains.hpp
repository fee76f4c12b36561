#pragma once

#include <unordered_map>

#include "net/core/chain_access.hpp"
#include "net/core/net_port.hpp"

namespace cairn::net {

/// What each peer has shown of its chain.
/// Owner: net thread.
class PeerChains {
public:
    struct Entry {
        const HeaderNode* best_known = nullptr;   ///< the block with most work that it announced or gave
        const HeaderNode* best_sent = nullptr;    ///< the last header that we gave it
        BlockHash last_unknown;                   ///< announced, but its header is not known yet
    };

    explicit PeerChains(const ChainAccess& chain) : chain_(chain) {}

    void add(PeerId peer) { entries_.try_emplace(peer); }
    void remove(PeerId peer) { entries_.erase(peer); }
    /// `peer` was added.
    Entry& at(PeerId peer) { return entries_.at(peer); }
    const Entry* find(PeerId peer) const;

    /// The peer has this block, so it says.
    void on_announced(PeerId peer, const BlockHash& hash);
    /// Looks whether the header that was missing has come.
    void refresh(PeerId peer);
    /// True when the peer has the header: it announced it or we sent it.
    bool has_header(PeerId peer, const HeaderNode* node) const;

private:
    static void improve(Entry& entry, const HeaderNode* node);

    const ChainAccess& chain_;
    std::unordered_map<PeerId, Entry> entries_;
};

}  // namespace cairn::net
