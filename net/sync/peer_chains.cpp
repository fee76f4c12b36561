#include "net/sync/peer_chains.hpp"

namespace cairn::net {

const PeerChains::Entry* PeerChains::find(PeerId peer) const {
    const auto found = entries_.find(peer);
    return found == entries_.end() ? nullptr : &found->second;
}

void PeerChains::improve(Entry& entry, const HeaderNode* node) {
    if (!entry.best_known || node->chain_work >= entry.best_known->chain_work) entry.best_known = node;
}

void PeerChains::refresh(PeerId peer) {
    Entry& entry = entries_.at(peer);
    if (entry.last_unknown.is_null()) return;
    if (const HeaderNode* node = chain_.find(entry.last_unknown)) {
        improve(entry, node);
        entry.last_unknown = BlockHash();
    }
}

void PeerChains::on_announced(PeerId peer, const BlockHash& hash) {
    refresh(peer);
    Entry& entry = entries_.at(peer);
    if (const HeaderNode* node = chain_.find(hash))
        improve(entry, node);
    else
        entry.last_unknown = hash;
}

bool PeerChains::has_header(PeerId peer, const HeaderNode* node) const {
    const Entry* entry = find(peer);
    if (!entry) return false;
    const auto covers = [node](const HeaderNode* end) { return end && end->ancestor(node->height) == node; };
    return covers(entry->best_known) || covers(entry->best_sent);
}

}  // namespace cairn::net
