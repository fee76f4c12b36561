#include "node/relay/tx_request.hpp"

#include <algorithm>

namespace cairn::node {

std::uint64_t TxRequest::priority(const Uint256& hash, PeerId peer, bool preferred) const {
    const std::uint64_t low = siphash13_jumbo(key_, hash, static_cast<std::uint64_t>(peer)) >> 1;
    return preferred ? low : low | (std::uint64_t{1} << 63);
}

TxRequest::Entry* TxRequest::find(PeerId peer, const Uint256& hash) {
    const auto place = by_hash_.find(hash);
    if (place == by_hash_.end()) return nullptr;
    for (const auto& entry : place->second)
        if (entry->peer == peer) return entry.get();
    return nullptr;
}

/// Takes the entry out of what its state keeps.
void TxRequest::unlink(Entry& entry) {
    Peer& peer = peers_.at(entry.peer);
    switch (entry.state) {
        case State::waiting: future_.erase({entry.time, &entry}); break;
        case State::ready: past_.erase({entry.time, &entry}); break;
        case State::chosen:
            past_.erase({entry.time, &entry});
            peer.chosen.erase(entry.sequence);
            break;
        case State::requested:
            future_.erase({entry.time, &entry});
            --peer.requested;
            break;
        case State::failed: --peer.failed; break;
    }
}

void TxRequest::set_state(Entry& entry, State state, std::int64_t time) {
    unlink(entry);
    entry.state = state;
    entry.time = time;
    Peer& peer = peers_.at(entry.peer);
    switch (state) {
        case State::waiting: future_.insert({time, &entry}); break;
        case State::ready: past_.insert({time, &entry}); break;
        case State::chosen:
            past_.insert({time, &entry});
            peer.chosen.emplace(entry.sequence, &entry);
            break;
        case State::requested:
            future_.insert({time, &entry});
            ++peer.requested;
            break;
        case State::failed: ++peer.failed; break;
    }
}

/// Chooses anew for one hash, after any change; forgets it when nothing but failures is left.
void TxRequest::settle(ByHash::iterator place) {
    Entry* best = nullptr;
    bool out = false, alive = false;
    for (const auto& entry : place->second) {
        alive |= entry->state != State::failed;
        out |= entry->state == State::requested;
        const bool ready = entry->state == State::ready || entry->state == State::chosen;
        if (ready && (!best || entry->priority < best->priority)) best = entry.get();
    }
    if (!alive) {
        const Uint256 hash = place->first;
        forget(hash);
        return;
    }
    if (out) best = nullptr;
    for (const auto& entry : place->second) {
        if (entry->state == State::chosen && entry.get() != best) set_state(*entry, State::ready, entry->time);
        if (entry->state == State::ready && entry.get() == best) set_state(*entry, State::chosen, entry->time);
    }
}

void TxRequest::on_announced(PeerId peer, const TxName& name, bool preferred, std::int64_t time) {
    if (find(peer, name.hash)) return;
    auto entry = std::make_unique<Entry>(Entry{name, peer, preferred, State::waiting, time, next_sequence_++, priority(name.hash, peer, preferred)});
    peers_[peer].all.emplace(entry->sequence, entry.get());
    future_.insert({time, entry.get()});
    by_hash_[name.hash].push_back(std::move(entry));
    ++size_;
}

void TxRequest::forget(const Uint256& hash) {
    const auto place = by_hash_.find(hash);
    if (place == by_hash_.end()) return;
    for (const auto& entry : place->second) {
        unlink(*entry);
        const auto peer = peers_.find(entry->peer);
        peer->second.all.erase(entry->sequence);
        if (peer->second.all.empty()) peers_.erase(peer);
        --size_;
    }
    by_hash_.erase(place);
}

void TxRequest::remove_peer(PeerId peer) {
    const auto found = peers_.find(peer);
    if (found == peers_.end()) return;
    std::vector<Entry*> entries;
    for (const auto& [sequence, entry] : found->second.all) entries.push_back(entry);
    for (Entry* entry : entries) unlink(*entry);
    peers_.erase(found);
    for (Entry* entry : entries) {
        const auto place = by_hash_.find(entry->name.hash);
        std::erase_if(place->second, [entry](const auto& other) { return other.get() == entry; });
        --size_;
        if (place->second.empty())
            by_hash_.erase(place);
        else
            settle(place);
    }
}

/// Moves everything to where it belongs at this time.
void TxRequest::advance(std::int64_t now, std::vector<Expired>* expired) {
    while (!future_.empty() && future_.begin()->first <= now) {
        Entry& entry = *future_.begin()->second;
        if (entry.state == State::requested) {
            if (expired) expired->push_back({entry.peer, entry.name});
            set_state(entry, State::failed, entry.time);
        } else {
            set_state(entry, State::ready, entry.time);
        }
        settle(by_hash_.find(entry.name.hash));
    }
    while (!past_.empty() && std::prev(past_.end())->first > now) {
        Entry& entry = *std::prev(past_.end())->second;
        set_state(entry, State::waiting, entry.time);
        settle(by_hash_.find(entry.name.hash));
    }
}

std::vector<TxName> TxRequest::requestable(PeerId peer, std::int64_t now, std::vector<Expired>* expired) {
    advance(now, expired);
    std::vector<TxName> names;
    const auto found = peers_.find(peer);
    if (found == peers_.end()) return names;
    for (const auto& [sequence, entry] : found->second.chosen) names.push_back(entry->name);
    return names;
}

void TxRequest::on_requested(PeerId peer, const Uint256& hash, std::int64_t expiry) {
    Entry* entry = find(peer, hash);
    if (!entry || entry->state == State::requested || entry->state == State::failed) return;
    const auto place = by_hash_.find(hash);
    for (const auto& other : place->second)
        if (other->state == State::requested) set_state(*other, State::failed, other->time);
    set_state(*entry, State::requested, expiry);
    settle(place);
}

void TxRequest::on_answered(PeerId peer, const Uint256& hash) {
    Entry* entry = find(peer, hash);
    if (!entry || entry->state == State::failed) return;
    set_state(*entry, State::failed, entry->time);
    settle(by_hash_.find(hash));
}

std::size_t TxRequest::in_flight(PeerId peer) const {
    const auto found = peers_.find(peer);
    return found == peers_.end() ? 0 : found->second.requested;
}

std::size_t TxRequest::candidates(PeerId peer) const {
    const auto found = peers_.find(peer);
    return found == peers_.end() ? 0 : found->second.all.size() - found->second.requested - found->second.failed;
}

std::size_t TxRequest::count(PeerId peer) const {
    const auto found = peers_.find(peer);
    return found == peers_.end() ? 0 : found->second.all.size();
}

std::vector<net::PeerId> TxRequest::candidate_peers(const Uint256& hash) const {
    std::vector<PeerId> peers;
    const auto place = by_hash_.find(hash);
    if (place == by_hash_.end()) return peers;
    for (const auto& entry : place->second)
        if (entry->state != State::failed) peers.push_back(entry->peer);
    return peers;
}

}  // namespace cairn::node
