#include "node/relay/tx_request.hpp"

#include <algorithm>

namespace cairn::node {

namespace {

constexpr std::size_t kMinBuckets = 64;

}  // namespace

std::uint64_t TxRequest::priority(const Uint256& hash, PeerId peer, bool preferred) const {
    const std::uint64_t low = siphash13_jumbo(key_, hash, static_cast<std::uint64_t>(peer)) >> 1;
    return preferred ? low : low | (std::uint64_t{1} << 63);
}

// --- look-ups

TxRequest::Id TxRequest::same_hash(Id from, const Uint256& hash) const {
    while (from != kNone && entries_[from].hash != hash) from = entries_[from].in_bucket;
    return from;
}

TxRequest::Id TxRequest::find(PeerId peer, const Uint256& hash) const {
    Id id = first_of(hash);
    while (id != kNone && peers_[entries_[id].peer].id != peer) id = next_of(id);
    return id;
}

const TxRequest::Peer* TxRequest::peer_facts(PeerId peer) const {
    const auto found = peer_places_.find(peer);
    return found == peer_places_.end() ? nullptr : &peers_[found->second];
}

/// At most one announcement to a bucket, and a quarter of one at least, so that neither growing nor shrinking happens often.
void TxRequest::resize_buckets() {
    const std::size_t size = entries_.size(), buckets = buckets_.size();
    std::size_t wanted = buckets;
    if (size >= buckets) wanted = std::max(kMinBuckets, buckets * 2);
    else if (buckets > kMinBuckets && size < buckets / 4) wanted = buckets / 2;
    if (wanted == buckets) return;
    buckets_.assign(wanted, kNone);
    buckets_.shrink_to_fit();
    entries_.for_each([this](Id id, Entry& entry) {
        Id& first = buckets_[bucket(entry.hash)];
        entry.in_bucket = std::exchange(first, id);
    });
}

std::size_t TxRequest::memory_usage() const {
    return entries_.memory_usage() + buckets_.capacity() * sizeof(Id) + future_.memory_usage() + past_.memory_usage() +
           peers_.capacity() * sizeof(Peer);
}

// --- states

/// Takes the entry out of what its state keeps.
void TxRequest::leave_state(Id id) {
    Entry& entry = entries_[id];
    Peer& peer = peers_[entry.peer];
    switch (entry.state) {
        case State::waiting: future_.erase(id, Soonest{*this}); break;
        case State::ready:
        case State::chosen: past_.erase(id, Latest{*this}); break;
        case State::requested:
            future_.erase(id, Soonest{*this});
            --peer.requested;
            break;
        case State::failed: --peer.failed; break;
    }
    Id& first = entry.state == State::chosen ? peer.chosen : peer.others;
    if (entry.before == kNone) first = entry.after;
    else entries_[entry.before].after = entry.after;
    if (entry.after != kNone) entries_[entry.after].before = entry.before;
}

void TxRequest::enter_state(Id id, State state, std::int64_t time) {
    Entry& entry = entries_[id];
    Peer& peer = peers_[entry.peer];
    entry.state = state;
    entry.time = time;
    switch (state) {
        case State::waiting: future_.push(id, Soonest{*this}); break;
        case State::ready:
        case State::chosen: past_.push(id, Latest{*this}); break;
        case State::requested:
            future_.push(id, Soonest{*this});
            ++peer.requested;
            break;
        case State::failed: ++peer.failed; break;
    }
    Id& first = state == State::chosen ? peer.chosen : peer.others;
    entry.before = kNone;
    entry.after = std::exchange(first, id);
    if (entry.after != kNone) entries_[entry.after].before = id;
}

void TxRequest::set_state(Id id, State state, std::int64_t time) {
    leave_state(id);
    enter_state(id, state, time);
}

/// All of it: out of state, bucket and slab. A peer of which nothing is left is forgotten.
void TxRequest::erase(Id id) {
    leave_state(id);
    const Entry& entry = entries_[id];
    Id* link = &buckets_[bucket(entry.hash)];
    while (*link != id) link = &entries_[*link].in_bucket;
    *link = entry.in_bucket;
    Peer& peer = peers_[entry.peer];
    if (--peer.count == 0) {
        peer_places_.erase(peer.id);
        free_peers_.push_back(entry.peer);
    }
    entries_.take_back(id);
}

/// Chooses anew for one hash, after any change; forgets it when nothing but failures is left.
void TxRequest::settle(const Uint256& hash) {
    Id best = kNone;
    std::uint64_t best_priority = 0;
    bool out = false, alive = false;
    const Id first = first_of(hash);
    for (Id id = first; id != kNone; id = next_of(id)) {
        const Entry& entry = entries_[id];
        alive |= entry.state != State::failed;
        out |= entry.state == State::requested;
        if (entry.state != State::ready && entry.state != State::chosen) continue;
        const std::uint64_t priority_here = priority(entry);
        if (best != kNone && priority_here >= best_priority) continue;
        best = id;
        best_priority = priority_here;
    }
    if (!alive) {
        forget(hash);
        return;
    }
    if (out) best = kNone;
    for (Id id = first; id != kNone; id = next_of(id)) {
        const Entry& entry = entries_[id];
        if (entry.state == State::chosen && id != best) set_state(id, State::ready, entry.time);
        else if (entry.state == State::ready && id == best) set_state(id, State::chosen, entry.time);
    }
}

// --- what happens

void TxRequest::on_announced(PeerId peer, const TxName& name, bool preferred, std::int64_t time) {
    if (find(peer, name.hash) != kNone) return;
    auto [place, fresh] = peer_places_.try_emplace(peer, 0);
    if (fresh) {
        if (free_peers_.empty()) {
            free_peers_.push_back(static_cast<std::uint32_t>(peers_.size()));
            peers_.emplace_back();
        }
        place->second = free_peers_.back();
        free_peers_.pop_back();
        peers_[place->second] = Peer{};
        peers_[place->second].id = peer;
    }
    ++peers_[place->second].count;
    resize_buckets();
    Entry entry;
    entry.hash = name.hash;
    entry.by_wtxid = name.by_wtxid;
    entry.preferred = preferred;
    entry.peer = place->second;
    entry.sequence = next_sequence_++;
    Id& first = buckets_[bucket(name.hash)];
    entry.in_bucket = first;
    first = entries_.give(entry);
    enter_state(first, State::waiting, time);
}

void TxRequest::forget(const Uint256& given) {
    const Uint256 hash = given;  // may lie in what is erased
    for (Id id = first_of(hash); id != kNone;) {
        const Id next = next_of(id);
        erase(id);
        id = next;
    }
    resize_buckets();
}

void TxRequest::remove_peer(PeerId peer) {
    const auto found = peer_places_.find(peer);
    if (found == peer_places_.end()) return;
    const std::uint32_t place = found->second;
    // Until nothing is left of it: settling may forget others of its announcements on the way, too.
    while (peer_places_.contains(peer)) {
        const Peer& facts = peers_[place];
        const Id id = facts.others != kNone ? facts.others : facts.chosen;
        const Uint256 hash = entries_[id].hash;
        erase(id);
        if (first_of(hash) != kNone) settle(hash);
    }
    resize_buckets();
}

/// Moves everything to where it belongs at this time.
void TxRequest::advance(std::int64_t now, std::vector<Expired>* expired) {
    while (!future_.empty() && entries_[future_.top()].time <= now) {
        const Id id = future_.top();
        const Entry& entry = entries_[id];
        const Uint256 hash = entry.hash;
        if (entry.state == State::requested) {
            if (expired) expired->push_back({peers_[entry.peer].id, {hash, entry.by_wtxid}});
            set_state(id, State::failed, entry.time);
        } else {
            set_state(id, State::ready, entry.time);
        }
        settle(hash);
    }
    while (!past_.empty() && entries_[past_.top()].time > now) {
        const Id id = past_.top();
        const Uint256 hash = entries_[id].hash;
        set_state(id, State::waiting, entries_[id].time);
        settle(hash);
    }
}

std::vector<TxName> TxRequest::requestable(PeerId peer, std::int64_t now, std::vector<Expired>* expired) {
    advance(now, expired);
    std::vector<TxName> names;
    const Peer* facts = peer_facts(peer);
    if (!facts || facts->chosen == kNone) return names;
    std::vector<std::pair<std::uint64_t, Id>> order;
    for (Id id = facts->chosen; id != kNone; id = entries_[id].after) order.emplace_back(entries_[id].sequence, id);
    std::sort(order.begin(), order.end());
    names.reserve(order.size());
    for (const auto& [sequence, id] : order) names.push_back({entries_[id].hash, entries_[id].by_wtxid});
    return names;
}

void TxRequest::on_requested(PeerId peer, const Uint256& given, std::int64_t expiry) {
    const Id asked = find(peer, given);
    if (asked == kNone || entries_[asked].state == State::requested || entries_[asked].state == State::failed) return;
    const Uint256 hash = given;
    for (Id id = first_of(hash); id != kNone; id = next_of(id))
        if (entries_[id].state == State::requested) set_state(id, State::failed, entries_[id].time);
    set_state(asked, State::requested, expiry);
    settle(hash);
}

void TxRequest::on_answered(PeerId peer, const Uint256& given) {
    const Id id = find(peer, given);
    if (id == kNone || entries_[id].state == State::failed) return;
    const Uint256 hash = given;
    set_state(id, State::failed, entries_[id].time);
    settle(hash);
}

// --- counts

std::size_t TxRequest::in_flight(PeerId peer) const {
    const Peer* facts = peer_facts(peer);
    return facts ? facts->requested : 0;
}

std::size_t TxRequest::candidates(PeerId peer) const {
    const Peer* facts = peer_facts(peer);
    return facts ? facts->count - facts->requested - facts->failed : 0;
}

std::size_t TxRequest::count(PeerId peer) const {
    const Peer* facts = peer_facts(peer);
    return facts ? facts->count : 0;
}

std::vector<net::PeerId> TxRequest::candidate_peers(const Uint256& hash) const {
    std::vector<PeerId> peers;
    for (Id id = first_of(hash); id != kNone; id = next_of(id))
        if (entries_[id].state != State::failed) peers.push_back(peers_[entries_[id].peer].id);
    std::sort(peers.begin(), peers.end());
    return peers;
}

}  // namespace cairn::node
