// How connections come about and end: who is let in, who is called, who has to go.
#include <algorithm>

#include "net/engine/detail/engine_peer.hpp"
#include "net/engine/engine.hpp"
#include "net/wire/cjdns.hpp"
#include "net/wire/transport_v1.hpp"
#include "net/wire/transport_v2.hpp"

namespace cairn::net {

/// `address`: nullptr when it is not the peer's own, as with what Tor forwards.
std::uint32_t Engine::granted(std::uint32_t permissions, const NetAddress* address, bool inbound) const {
    for (const WhitelistEntry& entry : options_.whitelist)
        if (address && (inbound ? entry.inbound : entry.outbound) && entry.subnet.contains(*address)) permissions |= entry.permissions;
    if (permissions & kPermitImplicit) {
        permissions &= ~kPermitImplicit;
        if (options_.whitelist_force_relay) permissions |= kPermitForceRelay;
        if (options_.whitelist_relay) permissions |= kPermitRelay;
        permissions |= kPermitMempool | kPermitNoBan;
    }
    return permissions;
}

Engine::Peer& Engine::add_peer(ConnectionType type, const Endpoint& remote, const Endpoint& local, std::uint32_t permissions, bool v2,
                               std::int64_t now_us) {
    PeerInfo info;
    info.id = next_id_++;
    info.type = type;
    info.permissions = permissions;
    info.address = remote;
    info.name = remote.to_string();
    info.mapped_as = options_.groups.autonomous_system(remote.address);
    info.in_log = options_.log_ips ? fmt::format("peer={}, peeraddr={}", info.id, info.name) : fmt::format("peer={}", info.id);
    info.connected_us = now_us;
    info.lan = neighbours_.contains(remote.address);
    std::unique_ptr<Transport> transport;
    if (v2)
        transport = std::make_unique<TransportV2>(options_.magic, info.inbound() ? TransportV2::Side::responder : TransportV2::Side::initiator);
    else
        transport = std::make_unique<TransportV1>(options_.magic);
    auto peer = std::make_unique<Peer>(std::move(info), std::move(transport), random_.u64());
    peer->local = local;
    Peer& added = *peer;
    peers_.emplace(added.info.id, std::move(peer));
    log_.debug("Added connection peer={}", added.info.id);
    return added;
}

/// Drops the least worthy of the inbound peers. False: all of them are protected.
bool Engine::evict_inbound(bool tx_relay_only, std::optional<PeerId> spared) {
    std::vector<EvictionCandidate> candidates;
    for (const auto& [id, peer] : peers_) {
        const PeerInfo& info = peer->info;
        if (!info.inbound() || info.closing || info.has(kPermitNoBan) || spared == id || (tx_relay_only && !info.relay_wanted)) continue;
        const NetAddress& host = info.address.address;
        EvictionCandidate c;
        c.id = id;
        c.connected_us = info.connected_us;
        c.min_ping_us = peer->ping.min_us().value_or(c.min_ping_us);
        c.last_block_s = info.last_block_s;
        c.last_transaction_s = info.last_transaction_s;
        c.relays_transactions = info.relay_wanted;
        c.bloom_filter = info.bloom_filter;
        c.useful_services = peer->useful_services;
        c.prefer = peer->discouraged;
        c.local = host.is_loopback();
        c.network = peer->onion ? NetworkId::onion : host.network();
        Bytes keyed = options_.groups.group(host);
        Writer(keyed).u64(group_secret_);
        c.keyed_group = sha256(keyed).low64();
        candidates.push_back(c);
    }
    const auto victim = choose_eviction(std::move(candidates));
    if (!victim) return false;
    log_.debug("selected inbound connection for eviction, disconnecting peer={}", *victim);
    close(*peers_.at(*victim));
    return true;
}

int Engine::inbound_peers(bool tx_relay_only) const {
    return static_cast<int>(std::count_if(peers_.begin(), peers_.end(), [tx_relay_only](const auto& entry) {
        const PeerInfo& info = entry.second->info;
        return info.inbound() && !info.closing && (!tx_relay_only || info.relay_wanted);
    }));
}

/// Transactions cost memory for each peer that wants to hear of them: there may be only so many. Drops another one, or else
/// ends the connection with this one.
bool Engine::has_tx_room(const PeerInfo& peer, std::string_view command, std::optional<PeerId> spared) {
    if (!peer.inbound() || !peer.relay_wanted || inbound_peers(true) <= connection_limits_.inbound_tx_relay || evict_inbound(true, spared)) return true;
    log_.debug("failed to find a tx-relaying eviction candidate - connection dropped after {} message, peer={}", command, peer.id);
    outbox_.disconnect(peer.id, {});
    return false;
}

std::string_view Engine::transport_of(const PeerInfo& peer) const { return peers_.at(peer.id)->transport->name(); }

bool Engine::takes_on(const PeerInfo& peer) { return has_tx_room(peer, "version", peer.id); }

std::optional<PeerId> Engine::on_accepted(const Endpoint& given_remote, const Endpoint& local, std::uint32_t bind_permissions, bool onion,
                                          std::int64_t now_us) {
    const Endpoint remote = as_cjdns(given_remote, options_.cjdns);
    if (!active_) {
        log_.debug("connection from {} dropped: not accepting new connections", remote.to_string());
        return std::nullopt;
    }
    const std::uint32_t permissions = granted(bind_permissions, onion ? nullptr : &remote.address, true);
    const bool welcome = has_permission(permissions, kPermitNoBan);
    if (!welcome && bans_.banned(remote.address, now_us / 1'000'000)) {
        log_.debug("connection from {} dropped (banned)", remote.to_string());
        return std::nullopt;
    }
    const int inbound = inbound_peers(false);
    const bool discouraged = discouraged_.contains(remote.address);
    if (!welcome && discouraged && inbound + 1 >= connection_limits_.inbound) {
        log_.debug("connection from {} dropped (discouraged)", remote.to_string());
        return std::nullopt;
    }
    if (inbound >= connection_limits_.inbound && !evict_inbound(false, std::nullopt)) {
        log_.debug("failed to find an eviction candidate - connection dropped (full)");
        flush(now_us);
        return std::nullopt;
    }
    Peer& peer = add_peer(ConnectionType::inbound, remote, local, permissions, options_.v2, now_us);
    peer.onion = onion;
    if (onion) peer.info.lan = false;
    peer.discouraged = discouraged;
    log_.debug("connection from {} accepted", remote.to_string());
    const PeerId id = peer.info.id;
    flush(now_us);
    return id;
}

std::optional<PeerId> Engine::on_dialed(std::uint64_t dial, const Endpoint& given_remote, const Endpoint& local, std::int64_t now_us) {
    const Endpoint remote = as_cjdns(given_remote, options_.cjdns);
    const auto pending = dialer_.finish(dial);
    if (!pending || !active_) return std::nullopt;
    if (pending->type == ConnectionType::private_broadcast && !take_private(*pending, remote)) return std::nullopt;
    if (remote.address.is_valid() && pending->type != ConnectionType::private_broadcast)
        book_.on_attempt(remote, pending->count_failure, now_us / 1'000'000);
    // A name may have led to somebody whom we have already.
    if (!pending->endpoint && remote.address.is_valid() && std::any_of(peers_.begin(), peers_.end(), [&remote](const auto& entry) {
            return !entry.second->info.closing && entry.second->info.address == remote;
        })) {
        log_.info("Not opening a connection to {}, already connected to {}", pending->name, remote.to_string());
        return std::nullopt;
    }
    const bool manual = pending->type == ConnectionType::manual;
    Peer& peer = add_peer(pending->type, remote, local, manual ? granted(kPermitNone, &remote.address, false) : kPermitNone, pending->v2, now_us);
    peer.added = pending->added;
    if (!pending->name.empty()) peer.info.name = pending->name;
    if (pending->v2) log_.debug("start sending v2 handshake to peer={}", peer.info.id);
    send_handshake(peer, now_us);
    peer.handshake.start(*this, outbox_, now_us);
    const PeerId id = peer.info.id;
    drain(now_us);
    flush(now_us);
    return id;
}

void Engine::on_dial_failed(std::uint64_t dial, const std::string& reason, std::int64_t now_us, bool peer_failed) {
    const auto pending = dialer_.finish(dial);
    if (!pending) return;
    if (peer_failed && pending->endpoint && pending->type != ConnectionType::private_broadcast)
        book_.on_attempt(*pending->endpoint, pending->count_failure, now_us / 1'000'000);
    if (pending->type == ConnectionType::private_broadcast) on_private_failed(*pending);
    log_.debug("connection to {} failed: {}", pending->endpoint ? pending->endpoint->to_string() : pending->name, reason);
}

void Engine::on_resolved(const ResolveAction& question, const std::vector<NetAddress>& addresses, std::int64_t now_us) {
    dialer_.on_resolved(question, addresses, now_us);
}

void Engine::on_closed(PeerId id, const std::string& reason, std::int64_t now_us) {
    Peer* peer = find(id);
    if (!peer) return;
    close(*peer, reason, LogLine::Kind::debug);
    flush(now_us);
}

void Engine::redial_by_v1(const Peer& peer, std::int64_t now_us) {
    if (!active_ || !peer.transport->may_be_v1() || peer.bytes_sent < TransportV1::kHeaderSize) return;
    log_.debug("retrying with v1 transport protocol for peer={}", peer.info.id);
    const std::string& name = peer.info.name == peer.info.address.to_string() ? std::string() : peer.info.name;
    actions_.emplace_back(dialer_.redial(name, peer.info.address, peer.info.type, peer.added, now_us));
}

void Engine::close(Peer& peer) {
    if (peer.info.closing) return;
    peer.info.closing = true;
    closing_any_ = true;
    actions_.emplace_back(CloseAction{peer.info.id});
}

void Engine::close(Peer& peer, const std::string& reason, LogLine::Kind kind) {
    if (peer.info.closing) return;
    if (kind != LogLine::Kind::debug || log_.debug_wanted())
        log_.add(kind, fmt::format("{}, disconnecting peer={}", reason, peer.info.id));
    close(peer);
}

void Engine::misbehaving(Peer& peer, const std::string& reason) {
    log_.debug("Misbehaving: peer={}{}{}", peer.info.id, reason.empty() ? "" : ": ", reason);
    if (peer.info.closing) return;
    if (peer.info.has(kPermitNoBan)) {
        log_.add(LogLine::Kind::warning, fmt::format("Not punishing noban peer {}!", peer.info.id));
    } else if (peer.info.manual()) {
        log_.add(LogLine::Kind::warning, fmt::format("Not punishing manually connected peer {}!", peer.info.id));
    } else if (peer.onion || peer.info.address.address.is_loopback()) {
        log_.debug("Warning: disconnecting but not discouraging {} peer {}!", peer.onion ? "inbound onion" : "local", peer.info.id);
        close(peer);
    } else {
        log_.debug("Disconnecting and discouraging peer {}!", peer.info.id);
        discouraged_.add(peer.info.address.address);
        for (const auto& [id, other] : peers_)
            if (other->info.address.address == peer.info.address.address) close(*other);
    }
}

/// Removes what was closed; the role hears of it once no call of it is on the stack.
void Engine::reap(std::int64_t now_us) {
    while (closing_any_) {
        closing_any_ = false;
        for (auto place = peers_.begin(); place != peers_.end();) {
            if (!place->second->info.closing) {
                ++place;
                continue;
            }
            const auto gone = std::move(place->second);
            place = peers_.erase(place);
            redial_by_v1(*gone, now_us);
            if (gone->known_to_role) role_.on_gone(gone->info, outbox_, now_us);
            gossip_.on_gone(gone->info.id);
            // When it was seen last may be passed on: not for connections that nobody should learn of.
            if (gone->info.ready && (gone->info.full_outbound() || gone->info.manual() || gone->info.type == ConnectionType::addr_fetch))
                book_.on_connected(gone->info.address, now_us / 1'000'000);
            if (gone->info.private_broadcast()) on_private_gone(*gone);
            log_.debug("Cleared nodestate for peer={}", gone->info.id);
        }
        drain(now_us);
    }
}

void Engine::flush(std::int64_t now_us) {
    drain(now_us);
    reap(now_us);
}

// --- outbound connections

DialState Engine::dial_state() const {
    DialState state;
    state.initial_block_download = role_.initial_block_download();
    state.own = &options_.local_addresses;
    state.extra_full_relay = care_.wants_extra_full_relay();
    state.extra_block_relay = care_.wants_extra_block_relay();
    state.useful = [this](std::uint64_t services, std::int64_t now_us) { return (role_.desirable_services(services, now_us) & ~services) == 0; };
    for (const auto& [id, peer] : peers_)
        if (!peer->info.closing) state.connections.push_back({peer->info.name, peer->info.address, peer->info.type, peer->info.ready, peer->added});
    return state;
}

/// Lets those go that are too many among the outbound peers.
void Engine::care_for_outbound(std::int64_t now_us) {
    if (!care_.due(now_us)) return;
    OutboundCare::State state;
    state.chain = role_.pulse(now_us);
    state.may_dial = active_ && !options_.dialer.connect_given;
    for (const auto& [id, peer] : peers_) {
        const PeerInfo& info = peer->info;
        if (info.inbound() || info.closing) continue;
        const NetAddress& host = info.address.address;
        state.peers.push_back({id, info.type, info.ready, host.is_routable() ? host.network() : NetworkId::none, info.connected_us, info.last_block_s,
                               peer->known_to_role ? role_.standing(info) : PeerStanding{}});
    }
    for (const PeerId id : care_.on_tick(state, now_us)) close(*peers_.at(id));
}

}  // namespace cairn::net
