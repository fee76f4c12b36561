#include "light/client/block_requests.hpp"

#include "consensus/rules/block_rules.hpp"

namespace cairn::light {

using namespace net;  // NOLINT: this file speaks the network's language

void BlockRequests::add(const PeerInfo& peer) {
    if ((peer.services & kServiceNetwork) != 0 && peer.can_serve_witnesses()) peers_[peer.id] = {&peer};
}

void BlockRequests::remove(PeerId peer) {
    peers_.erase(peer);
    for (auto& [node, request] : requests_) {
        request.failed_us.erase(peer);
        if (request.peer == peer) request.peer = -1;
    }
}

void BlockRequests::want(const HeaderNode* node, Done done) {
    requests_[node].done.push_back(std::move(done));
    by_hash_[node->hash] = node;
}

void BlockRequests::forget(const HeaderNode* node) {
    const auto found = requests_.find(node);
    if (found == requests_.end()) return;
    if (const auto peer = peers_.find(found->second.peer); peer != peers_.end()) --peer->second.in_flight;
    by_hash_.erase(node->hash);
    requests_.erase(found);
}

std::size_t BlockRequests::in_flight(PeerId peer) const {
    const auto found = peers_.find(peer);
    return found == peers_.end() ? 0 : found->second.in_flight;
}

/// Nobody is asked for it any more.
void BlockRequests::release(Request& request, std::int64_t now_us, bool failed) {
    if (const auto peer = peers_.find(request.peer); peer != peers_.end()) {
        --peer->second.in_flight;
        if (failed) {
            request.failed_us[request.peer] = now_us;
            ++peer->second.failures;
        }
    }
    request.peer = -1;
}

bool BlockRequests::on_block(const PeerInfo& peer, Bytes raw, Outbox& out, std::int64_t now_us) {
    Reader reader(raw);
    const BlockHash hash = BlockHeader::read(reader).hash();
    const auto known = by_hash_.find(hash);
    if (!reader.ok() || known == by_hash_.end()) return false;
    Request& request = requests_.at(known->second);
    auto block = Block::parse(std::move(raw), TrailingBytes::drop);
    if (!block || rules::is_block_mutated(**block, true)) {
        out.misbehaving(peer.id, "mutated block");
        if (request.peer == peer.id) release(request, now_us, true);
        return true;
    }
    if (request.peer == peer.id) {
        if (const auto state = peers_.find(peer.id); state != peers_.end()) state->second.failures = 0;
    }
    release(request, now_us, false);
    const std::vector<Done> done = std::move(request.done);
    requests_.erase(known->second);
    by_hash_.erase(known);
    ++fetched_;
    for (const Done& call : done) call(*block, out, now_us);
    return true;
}

void BlockRequests::on_not_found(const PeerInfo& peer, const NotFoundMessage& message, std::int64_t now_us) {
    for (const InvItem& item : message.items) {
        const auto known = by_hash_.find(BlockHash(item.hash));
        if (!item.is_block() || known == by_hash_.end()) continue;
        Request& request = requests_.at(known->second);
        if (request.peer == peer.id) release(request, now_us, true);
    }
}

PeerId BlockRequests::choose(const HeaderNode* node, const Request& request, std::int64_t now_us) {
    PeerId chosen = -1;
    std::uint64_t fit = 0;
    for (const auto& [id, peer] : peers_) {
        if (!peer.info->ready || peer.info->closing || peer.in_flight >= kPerPeer || now_us < peer.paused_until_us) continue;
        if (const auto failed = request.failed_us.find(id); failed != request.failed_us.end() && now_us - failed->second < kPause_us) continue;
        const PeerChains::Entry* chain = chains_.find(id);
        if (!chain || !chain->best_known || chain->best_known->ancestor(node->height) != node) continue;
        if (random_.below(++fit) == 0) chosen = id;
    }
    return chosen;
}

void BlockRequests::tick(Outbox& out, std::int64_t now_us) {
    for (auto& [node, request] : requests_) {
        if (request.peer >= 0 && now_us - request.asked_us >= kPatience_us) {
            const PeerId slow = request.peer;
            release(request, now_us, true);
            Peer& peer = peers_.at(slow);
            peer.paused_until_us = now_us + kPatience_us;
            if (peer.failures >= kFailures) out.disconnect(slow, "does not give the blocks that it announced", LogLine::Kind::info);
        }
        if (request.peer >= 0) continue;
        const PeerId chosen = choose(node, request, now_us);
        if (chosen < 0) continue;
        request.peer = chosen;
        request.asked_us = now_us;
        ++peers_.at(chosen).in_flight;
        out.send(chosen, GetDataMessage{{InvItem{kInvWitnessBlock, node->hash}}});
    }
}

}  // namespace cairn::light
