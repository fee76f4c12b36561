#include "node/relay/announcer.hpp"

#include <algorithm>

#include "net/wire/limits.hpp"

namespace cairn::node {

using namespace net;  // NOLINT: this file speaks the network's language

void Announcer::on_new_tip(const HeaderNode* tip, const HeaderNode* fork) {
    std::vector<const HeaderNode*> fresh;
    for (const HeaderNode* node = tip; node && node != fork && fresh.size() < limits::kMaxAnnounced; node = node->parent) fresh.push_back(node);
    std::reverse(fresh.begin(), fresh.end());
    for (auto& [peer, state] : states_) state.blocks.insert(state.blocks.end(), fresh.begin(), fresh.end());
}

std::vector<BlockHeader> Announcer::connecting_headers(PeerId peer, const State& state, bool& fall_back) const {
    std::vector<BlockHeader> headers;
    const HeaderNode* last = nullptr;
    for (const HeaderNode* node : state.blocks) {
        // Reorganised away, or with a gap in between: the list no longer describes our chain.
        if (!chain_.on_active_chain(node) || (last && node->parent != last)) {
            fall_back = true;
            return {};
        }
        last = node;
        if (!headers.empty()) {
            headers.push_back(node->header);
        } else if (chains_.has_header(peer, node)) {
            continue;
        } else if (!node->parent || chains_.has_header(peer, node->parent)) {
            headers.push_back(node->header);
        } else {
            fall_back = true;
            return {};
        }
    }
    return headers;
}

void Announcer::send_compact(PeerId peer, Outbox& out) {
    out.log().debug("sending header-and-ids {} to peer={}", recent_.node()->hash.to_display_hex(), peer);
    chains_.at(peer).best_sent = recent_.node();
    out.send(peer, recent_.compact());
}

void Announcer::on_valid_block(Outbox& out) {
    const HeaderNode* node = recent_.node();
    for (const auto& [peer, state] : states_) {
        if (!state.wants_compact) continue;
        chains_.refresh(peer);
        if (!chains_.has_header(peer, node) && chains_.has_header(peer, node->parent)) send_compact(peer, out);
    }
}

void Announcer::announce(const PeerInfo& peer, State& state, Outbox& out) {
    if (state.blocks.empty()) return;
    chains_.refresh(peer.id);
    const HeaderNode* last = state.blocks.back();
    const bool one_compact = state.wants_compact && state.blocks.size() == 1 && recent_.node() == last;
    bool fall_back = (!state.prefers_headers && !one_compact) || state.blocks.size() > limits::kMaxAnnounced;
    std::vector<BlockHeader> headers;
    if (!fall_back) headers = connecting_headers(peer.id, state, fall_back);
    if (!headers.empty() && one_compact) {
        send_compact(peer.id, out);
    } else if (!headers.empty()) {
        out.log().debug("sending {} header(s) up to {} to peer={}", headers.size(), last->hash.to_display_hex(), peer.id);
        chains_.at(peer.id).best_sent = last;
        const std::size_t count = headers.size();
        out.send(peer.id, HeadersMessage{std::move(headers), count});
    }
    if (fall_back && !chains_.has_header(peer.id, last)) {
        state.invs.push_back(last->hash);
        out.log().debug("sending inv peer={} hash={}", peer.id, last->hash.to_display_hex());
    }
    state.blocks.clear();
}

/// Not before the peer's chain has shown enough work: announcements by headers would disturb its first synchronisation.
void Announcer::ask_for_headers(const PeerInfo& peer, State& state, Outbox& out) {
    if (state.asked_for_headers || peer.common_version < limits::kSendHeadersVersion) return;
    const HeaderNode* best_known = chains_.at(peer.id).best_known;
    if (!best_known || best_known->chain_work <= chain_.minimum_chain_work()) return;
    state.asked_for_headers = true;
    out.send(peer.id, SendHeadersMessage{});
}

void Announcer::pump(const PeerInfo& peer, Outbox& out) {
    const auto found = states_.find(peer.id);
    if (found == states_.end()) return;
    State& state = found->second;
    ask_for_headers(peer, state, out);
    announce(peer, state, out);
    for (std::size_t start = 0; start < state.invs.size(); start += limits::kMaxInv) {
        InvMessage message;
        const std::size_t end = std::min(state.invs.size(), start + limits::kMaxInv);
        for (std::size_t i = start; i < end; ++i) message.items.push_back({kInvBlock, state.invs[i]});
        out.send(peer.id, std::move(message));
    }
    state.invs.clear();
}

}  // namespace cairn::node
