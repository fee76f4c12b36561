#include "net/engine/engine.hpp"

#include <algorithm>

#include "net/engine/detail/engine_peer.hpp"
#include "net/wire/cjdns.hpp"
#include "net/wire/transport_v1.hpp"
#include "net/wire/transport_v2.hpp"

namespace cairn::net {
namespace {

/// Messages that make us send something large, or something for each of them.
bool is_request(const Message& message) {
    return std::holds_alternative<GetDataMessage>(message) || std::holds_alternative<GetHeadersMessage>(message) ||
           std::holds_alternative<GetBlocksMessage>(message) || std::holds_alternative<GetBlockTxnMessage>(message) ||
           std::holds_alternative<GetAddrMessage>(message) || std::holds_alternative<MempoolMessage>(message) ||
           std::holds_alternative<GetCFiltersMessage>(message) || std::holds_alternative<GetCFHeadersMessage>(message) ||
           std::holds_alternative<GetCFCheckptMessage>(message) || std::holds_alternative<PingMessage>(message);
}

}  // namespace

Engine::Engine(EngineOptions options, Role& role, Random random)
    : options_(std::move(options)),
      role_(role),
      random_(std::move(random)),
      outbox_(log_),
      book_(random_, {options_.deterministic_addresses, &options_.groups, &log_}),
      dialer_(options_.dialer, random_, book_, discouraged_, bans_, log_),
      group_secret_(random_.u64()),
      active_(options_.active) {
    for (const BanList::Entry& entry : options_.bans) bans_.add(entry);
}

Engine::~Engine() = default;

Engine::Peer* Engine::find(PeerId id) {
    const auto found = peers_.find(id);
    return found == peers_.end() || found->second->info.closing ? nullptr : found->second.get();
}

// --- HandshakePolicy

bool Engine::rejects_transactions(const PeerInfo& peer) const {
    if (peer.block_only() || peer.type == ConnectionType::feeler) return true;
    return options_.blocks_only && !peer.has(kPermitRelay);
}

LocalVersion Engine::local_version(const PeerInfo& peer) const {
    std::uint64_t services = role_.local_services();
    if (peer.has(kPermitBloomFilter)) services |= kServiceBloom;
    if (options_.v2) services |= kServiceP2pV2;
    return {services, options_.user_agent, role_.best_height(), !rejects_transactions(peer)};
}

bool Engine::is_own_nonce(std::uint64_t nonce) const {
    return std::any_of(peers_.begin(), peers_.end(), [nonce](const auto& entry) {
        return !entry.second->info.inbound() && !entry.second->info.ready && entry.second->handshake.nonce() == nonce;
    });
}

std::uint64_t Engine::desirable_services(std::uint64_t offered, std::int64_t now_us) const {
    return role_.desirable_services(offered, now_us);
}

// --- connections come and go

std::uint32_t Engine::granted(std::uint32_t permissions, const NetAddress& address, bool inbound) const {
    for (const WhitelistEntry& entry : options_.whitelist)
        if ((inbound ? entry.inbound : entry.outbound) && entry.subnet.contains(address)) permissions |= entry.permissions;
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
    info.connected_us = now_us;
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

bool Engine::make_inbound_room() {
    const int reserved = std::min(options_.max_connections, limits::kFullRelayOutbound + limits::kBlockRelayOutbound + limits::kMaxFeelers);
    const int limit = std::max(0, options_.max_connections - reserved);
    const auto inbound = std::count_if(peers_.begin(), peers_.end(), [](const auto& e) { return e.second->info.inbound() && !e.second->info.closing; });
    if (inbound < limit) return true;
    std::vector<EvictionCandidate> candidates;
    for (const auto& [id, peer] : peers_) {
        if (!peer->info.inbound() || peer->info.closing || peer->info.has(kPermitNoBan)) continue;
        Bytes keyed = options_.groups.group(peer->info.address.address);
        Writer(keyed).u64(group_secret_);
        candidates.push_back({id, peer->info.connected_us, peer->ping.min_us().value_or(std::numeric_limits<std::int64_t>::max()),
                              peer->info.last_block_s, peer->info.last_transaction_s, peer->info.relay_wanted,
                              peer->info.can_serve_witnesses() && peer->info.can_serve_blocks(),
                              discouraged_.contains(peer->info.address.address), sha256(keyed).low64()});
    }
    const auto victim = choose_eviction(std::move(candidates));
    if (!victim) return false;
    log_.debug("selected inbound connection for eviction, disconnecting peer={}", *victim);
    close(*peers_.at(*victim));
    return true;
}

std::optional<PeerId> Engine::on_accepted(const Endpoint& given_remote, const Endpoint& local, std::uint32_t bind_permissions, bool onion,
                                          std::int64_t now_us) {
    const Endpoint remote = as_cjdns(given_remote, options_.cjdns);
    if (!active_) {
        log_.debug("connection from {} dropped: not accepting new connections", remote.to_string());
        return std::nullopt;
    }
    const std::uint32_t permissions = granted(bind_permissions, remote.address, true);
    if (!has_permission(permissions, kPermitNoBan) && bans_.banned(remote.address, now_us / 1'000'000)) {
        log_.debug("connection from {} dropped (banned)", remote.to_string());
        return std::nullopt;
    }
    if (!make_inbound_room()) {
        log_.debug("failed to find an eviction candidate - connection dropped (full)");
        flush(now_us);
        return std::nullopt;
    }
    Peer& peer = add_peer(ConnectionType::inbound, remote, local, permissions, options_.v2, now_us);
    peer.onion = onion;
    log_.debug("connection from {} accepted", remote.to_string());
    const PeerId id = peer.info.id;
    flush(now_us);
    return id;
}

std::optional<PeerId> Engine::on_dialed(std::uint64_t dial, const Endpoint& given_remote, const Endpoint& local, std::int64_t now_us) {
    const Endpoint remote = as_cjdns(given_remote, options_.cjdns);
    const auto pending = dialer_.finish(dial);
    if (!pending || !active_) return std::nullopt;
    const bool manual = pending->type == ConnectionType::manual;
    Peer& peer = add_peer(pending->type, remote, local, manual ? granted(kPermitNone, remote.address, false) : kPermitNone, pending->v2, now_us);
    if (!pending->name.empty()) peer.info.name = pending->name;
    send_handshake(peer, now_us);
    peer.handshake.start(*this, outbox_, now_us);
    const PeerId id = peer.info.id;
    drain(now_us);
    flush(now_us);
    return id;
}

void Engine::on_dial_failed(std::uint64_t dial, const std::string& reason, std::int64_t) {
    const auto pending = dialer_.finish(dial);
    if (!pending) return;
    log_.debug("connection to {} failed: {}", pending->endpoint ? pending->endpoint->to_string() : pending->name, reason);
}

void Engine::on_resolved(const ResolveAction& question, const std::vector<NetAddress>& addresses, std::int64_t now_us) {
    dialer_.on_resolved(question, addresses, now_us);
}

void Engine::on_closed(PeerId id, const std::string& reason, std::int64_t now_us) {
    Peer* peer = find(id);
    if (!peer) return;
    redial_by_v1(*peer, now_us);
    close(*peer, reason, LogLine::Kind::debug);
    flush(now_us);
}

void Engine::redial_by_v1(const Peer& peer, std::int64_t now_us) {
    if (!active_ || !peer.transport->may_be_v1() || peer.bytes_sent < TransportV1::kHeaderSize) return;
    log_.debug("retrying with v1 transport protocol for peer={}", peer.info.id);
    const std::string& name = peer.info.name == peer.info.address.to_string() ? std::string() : peer.info.name;
    actions_.emplace_back(dialer_.redial(name, peer.info.address, peer.info.type, now_us));
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
            if (gone->known_to_role) role_.on_gone(gone->info, outbox_, now_us);
            log_.debug("Cleared nodestate for peer={}", gone->info.id);
        }
        drain(now_us);
    }
}

void Engine::flush(std::int64_t now_us) {
    drain(now_us);
    reap(now_us);
}

// --- bytes

std::size_t Engine::on_bytes(PeerId id, ByteSpan bytes, std::int64_t now_us) {
    Peer* peer = find(id);
    if (!peer) return bytes.size();
    const std::size_t taken = run(*peer, bytes, now_us);
    flush(now_us);
    return taken;
}

MutableByteSpan Engine::direct_buffer(PeerId id) {
    Peer* peer = find(id);
    return peer && !peer->held_up ? peer->transport->direct_buffer() : MutableByteSpan();
}

void Engine::on_direct(PeerId id, std::size_t count, std::int64_t now_us) {
    Peer* peer = find(id);
    if (!peer) return;
    peer->transport->on_direct(count);
    peer->bytes_received += count;
    total_received_ += count;
    peer->last_receive_s = now_us / 1'000'000;
    run(*peer, {}, now_us);
    flush(now_us);
}

std::size_t Engine::run(Peer& peer, ByteSpan bytes, std::int64_t now_us) {
    std::size_t taken = 0;
    while (!peer.info.closing) {
        if (must_wait(peer)) {
            peer.held_up = true;
            break;
        }
        peer.held_up = false;
        auto frame = peer.waiting ? std::exchange(peer.waiting, std::nullopt) : peer.transport->take_frame();
        if (frame) {
            if (role_waits(peer, *frame)) {
                peer.waiting = std::move(frame);
                peer.held_up = true;
                break;
            }
            process(peer, std::move(*frame), now_us);
            continue;
        }
        if (taken == bytes.size()) break;
        const std::size_t count = peer.transport->on_bytes(bytes.subspan(taken));
        taken += count;
        peer.bytes_received += count;
        total_received_ += count;
        peer.last_receive_s = now_us / 1'000'000;
        send_handshake(peer, now_us);
        if (const std::string& fatal = peer.transport->fatal(); !fatal.empty()) {
            log_.debug("{}, peer={}", fatal, peer.info.id);
            close(peer, "receiving message bytes failed", LogLine::Kind::debug);
        }
    }
    return peer.info.closing ? bytes.size() : taken;
}

bool Engine::held_up(PeerId id) const {
    const auto found = peers_.find(id);
    return found != peers_.end() && found->second->held_up;
}

void Engine::on_written(PeerId id, std::size_t bytes, std::int64_t now_us) {
    Peer* peer = find(id);
    if (!peer) return;
    peer->info.send_queue_bytes -= std::min(bytes, peer->info.send_queue_bytes);
    peer->send_progress_us = now_us;
    peer->last_send_s = now_us / 1'000'000;
    if (peer->held_up || !peer->deferred.empty() || (peer->known_to_role && role_.answering(peer->info))) {
        pump(*peer, now_us);
        advance(*peer, now_us);
    }
    flush(now_us);
}

bool Engine::must_wait(const Peer& peer) const {
    return peer.deferred_bytes > options_.max_receive_buffer || (peer.known_to_role && role_.wants_pause(peer.info));
}

bool Engine::role_waits(const Peer& peer, const Frame& frame) const {
    return peer.info.ready && !frame.rejected && role_.must_wait(peer.info, frame.command);
}

bool Engine::defers_requests(const Peer& peer) const {
    return peer.info.send_queue_bytes > options_.max_send_buffer || (peer.known_to_role && role_.answering(peer.info));
}

void Engine::defer(Peer& peer, Message&& message, std::size_t payload_bytes, std::int64_t now_us) {
    if (peer.deferred.empty() && peer.info.send_queue_bytes == 0) peer.send_progress_us = now_us;
    peer.deferred_bytes += payload_bytes + limits::kDeferredOverhead;
    peer.deferred.push_back({std::move(message), payload_bytes});
}

void Engine::serve_deferred(Peer& peer, std::int64_t now_us) {
    while (!peer.deferred.empty() && !peer.info.closing && !defers_requests(peer) && !role_.wants_pause(peer.info)) {
        Peer::Deferred next = std::move(peer.deferred.front());
        peer.deferred.pop_front();
        peer.deferred_bytes -= next.payload_bytes + limits::kDeferredOverhead;
        dispatch(peer, std::move(next.message), next.payload_bytes, now_us);
        drain(now_us);
    }
}

/// Goes on with what waited, as far as it may.
void Engine::advance(Peer& peer, std::int64_t now_us) {
    serve_deferred(peer, now_us);
    if (!peer.held_up || peer.info.closing || must_wait(peer) || (peer.waiting && role_waits(peer, *peer.waiting))) return;
    peer.held_up = false;
    actions_.emplace_back(ResumeAction{peer.info.id});
}

/// A peer that asks and asks, or makes us speak, and does not read.
bool Engine::overloads(Peer& peer, std::int64_t now_us) {
    const bool asks_on = peer.deferred_bytes > options_.max_receive_buffer && peer.info.send_queue_bytes > 0 &&
                         now_us - peer.send_progress_us > limits::kSendProgress_s * 1'000'000;
    if (!asks_on && peer.info.send_queue_bytes <= options_.max_send_buffer + limits::kMaxUnread) return false;
    close(peer, fmt::format("peer does not read what it makes us send ({} bytes)", peer.info.send_queue_bytes), LogLine::Kind::debug);
    return true;
}

void Engine::process(Peer& peer, Frame&& frame, std::int64_t now_us) {
    const std::string_view account = frame.rejected ? std::string_view("*other*") : accounting_name(frame.command);
    peer.received_by_command[std::string(account)] += frame.wire_bytes;
    if (frame.rejected) {
        log_.debug("{}, peer={}", frame.problem, peer.info.id);
        return;
    }
    const std::size_t size = frame.payload.size();
    log_.debug("received: {} ({} bytes) peer={}", sanitize(frame.command), size, peer.info.id);
    auto message = decode_message(frame.command, std::move(frame.payload));
    if (!message) {
        log_.debug("ProcessMessages({}, {} bytes): Exception '{}' caught, peer={}", sanitize(frame.command), size, message.error().text, peer.info.id);
        return;
    }
    if (peer.info.ready && is_request(*message) && (!peer.deferred.empty() || defers_requests(peer))) {
        defer(peer, std::move(*message), size, now_us);
        return;
    }
    dispatch(peer, std::move(*message), size, now_us);
    drain(now_us);
    serve_deferred(peer, now_us);
    if (!peer.info.closing && peer.info.ready) pump(peer, now_us);
}

void Engine::dispatch(Peer& peer, Message&& message, std::size_t payload_bytes, std::int64_t now_us) {
    switch (peer.handshake.on_message(message, *this, outbox_, now_us)) {
        case Handshake::Outcome::handled: return;
        case Handshake::Outcome::version:
            peer.known_to_role = true;
            role_.on_version(peer.info, outbox_, now_us);
            if (!peer.info.inbound() && !peer.info.block_only()) {
                peer.addr_relay = true;
                peer.getaddr_sent = true;
                peer.addr_tokens.add(static_cast<double>(limits::kMaxAddresses));
                outbox_.send(peer.info.id, GetAddrMessage{});
            }
            if (peer.info.inbound()) {
                options_.local_addresses.vote(peer.handshake.local_address().address);
            } else {
                book_.set_services(peer.info.address, peer.info.services);
                book_.on_good(peer.info.address, now_us / 1'000'000);
            }
            return;
        case Handshake::Outcome::ready: role_.on_ready(peer.info, outbox_, now_us); return;
        case Handshake::Outcome::pass_on: break;
    }
    if (const auto* ping = std::get_if<PingMessage>(&message))
        peer.ping.on_ping(peer.info, *ping, outbox_);
    else if (const auto* pong = std::get_if<PongMessage>(&message))
        peer.ping.on_pong(peer.info, *pong, payload_bytes, outbox_, now_us);
    else if (const auto* addr = std::get_if<AddrMessage>(&message))
        on_addresses(peer, "addr", addr->addresses, addr->count, now_us);
    else if (const auto* addr2 = std::get_if<AddrV2Message>(&message))
        on_addresses(peer, "addrv2", addr2->addresses, addr2->count, now_us);
    else if (std::holds_alternative<GetAddrMessage>(message))
        on_get_addresses(peer, now_us);
    else if (const auto* unknown = std::get_if<UnknownMessage>(&message))
        log_.debug("Unknown message type \"{}\" from peer={}", sanitize(unknown->command), peer.info.id);
    else if (peer.known_to_role)
        role_.on_message(peer.info, std::move(message), outbox_, now_us);
}

// --- addresses

void Engine::on_addresses(Peer& peer, std::string_view command, const std::vector<PeerAddress>& addresses, std::size_t count,
                          std::int64_t now_us) {
    if (peer.info.block_only()) {
        log_.debug("ignoring {} message from {} peer={}", command, to_string(peer.info.type), peer.info.id);
        return;
    }
    peer.addr_relay = true;
    if (count > limits::kMaxAddresses) {
        outbox_.misbehaving(peer.info.id, fmt::format("{} message size = {}", command, count));
        return;
    }
    peer.addr_tokens.advance(now_us);
    const bool limited = !peer.info.has(kPermitAddr);
    std::vector<PeerAddress> kept;
    std::uint64_t processed = 0, dropped = 0;
    const std::int64_t now_s = now_us / 1'000'000;
    for (PeerAddress address : addresses) {
        if (!peer.addr_tokens.take() && limited) {
            ++dropped;
            continue;
        }
        if ((address.services & (kServiceNetwork | kServiceNetworkLimited)) == 0) continue;
        if (address.time <= 100'000'000 || address.time > now_s + 600) address.time = static_cast<std::uint32_t>(now_s - 5 * 86'400);
        if (discouraged_.contains(address.endpoint.address) || bans_.banned(address.endpoint.address, now_s)) continue;
        ++processed;
        if ((address.services & kServiceOtherFork) == 0 && dialer_.reachable(address.endpoint.address)) kept.push_back(address);
    }
    peer.addr_processed += processed;
    peer.addr_rate_limited += dropped;
    log_.debug("Received addr: {} addresses ({} processed, {} rate-limited) from peer={}", addresses.size(), processed, dropped, peer.info.id);
    book_.add(kept, peer.info.address.address, 2 * 60 * 60, now_s);
    if (count < limits::kMaxAddresses) peer.getaddr_sent = false;
    if (peer.info.type == ConnectionType::addr_fetch && addresses.size() > 1) outbox_.disconnect(peer.info.id, "addrfetch connection completed");
}

void Engine::on_get_addresses(Peer& peer, std::int64_t now_us) {
    if (!peer.info.inbound()) {
        log_.debug("Ignoring \"getaddr\" from {} connection. peer={}", to_string(peer.info.type), peer.info.id);
        return;
    }
    peer.addr_relay = true;
    if (peer.getaddr_answered) {
        log_.debug("Ignoring repeated \"getaddr\". peer={}", peer.info.id);
        return;
    }
    peer.getaddr_answered = true;
    const std::size_t percent = peer.info.has(kPermitAddr) ? 100 : limits::kAddressPercent;
    std::vector<PeerAddress> sample = book_.sample(limits::kMaxAddresses, percent, std::nullopt, true, now_us / 1'000'000);
    if (!peer.info.wants_addrv2) std::erase_if(sample, [](const PeerAddress& a) { return !a.endpoint.address.is_v1_compatible(); });
    if (sample.empty()) return;
    const std::size_t count = sample.size();
    if (peer.info.wants_addrv2)
        outbox_.send(peer.info.id, AddrV2Message{std::move(sample), count});
    else
        outbox_.send(peer.info.id, AddrMessage{std::move(sample), count});
}

// --- time

bool Engine::inactive(Peer& peer, std::int64_t now_us) {
    const std::int64_t now_s = now_us / 1'000'000;
    if (peer.info.connected_us / 1'000'000 + options_.peer_timeout_s >= now_s) return false;
    if (peer.last_receive_s == 0 || peer.last_send_s == 0) {
        close(peer, fmt::format("socket no message in first {} seconds, {} {}", options_.peer_timeout_s, peer.last_receive_s != 0 ? 1 : 0,
                                peer.last_send_s != 0 ? 1 : 0), LogLine::Kind::debug);
        return true;
    }
    if (now_s > peer.last_send_s + limits::kInactivityTimeout_s) {
        close(peer, fmt::format("socket sending timeout: {}s", now_s - peer.last_send_s), LogLine::Kind::debug);
        return true;
    }
    if (now_s > peer.last_receive_s + limits::kInactivityTimeout_s) {
        close(peer, fmt::format("socket receive timeout: {}s", now_s - peer.last_receive_s), LogLine::Kind::debug);
        return true;
    }
    if (!peer.info.ready) {
        redial_by_v1(peer, now_us);
        close(peer, "version handshake timeout", LogLine::Kind::debug);
        return true;
    }
    return false;
}

void Engine::pump(Peer& peer, std::int64_t now_us) {
    if (!peer.info.ready || peer.info.closing) return;
    const bool old_enough = peer.info.connected_us / 1'000'000 + options_.peer_timeout_s < now_us / 1'000'000;
    peer.ping.pump(peer.info, old_enough, random_, outbox_, now_us);
    role_.on_pump(peer.info, outbox_, now_us);
    drain(now_us);
}

void Engine::on_tick(std::int64_t now_us) {
    role_.on_tick(outbox_, now_us);
    drain(now_us);
    for (const auto& [id, peer] : peers_) {
        if (peer->info.closing || inactive(*peer, now_us) || overloads(*peer, now_us)) continue;
        if (peer->info.type == ConnectionType::addr_fetch && now_us - peer->info.connected_us > 300'000'000) {
            close(*peer, "addrfetch connection timeout", LogLine::Kind::debug);
            continue;
        }
        pump(*peer, now_us);
        advance(*peer, now_us);
    }
    if (active_) {
        Dialer::Output due = dialer_.on_tick(dial_state(), now_us);
        for (auto& dial : due.dials) actions_.push_back(std::move(dial));
        for (auto& question : due.questions) actions_.push_back(std::move(question));
    }
    flush(now_us);
}

// --- outputs

void Engine::drain(std::int64_t now_us) {
    while (!outbox_.empty()) {
        for (RoleAction& action : outbox_.take()) {
            if (auto* sending = std::get_if<SendAction>(&action)) {
                if (Peer* peer = find(sending->peer)) send(*peer, std::move(sending->message), now_us);
            } else if (const auto* ending = std::get_if<DisconnectAction>(&action)) {
                if (Peer* peer = find(ending->peer)) close(*peer, ending->reason, ending->kind);
            } else if (const auto* blaming = std::get_if<MisbehavingAction>(&action)) {
                if (Peer* peer = find(blaming->peer)) misbehaving(*peer, blaming->reason);
            }
        }
    }
}

void Engine::send(Peer& peer, Message&& message, std::int64_t now_us) {
    const std::string command(command_of(message));
    send(peer, command, encode_message(std::move(message)), now_us);
}

void Engine::send(Peer& peer, const std::string& command, Bytes payload, std::int64_t now_us) {
    if (!peer.transport->can_send()) {
        peer.unsent.emplace_back(command, std::move(payload));
        return;
    }
    log_.debug("sending {} ({} bytes) peer={}", command, payload.size(), peer.info.id);
    OutgoingBytes bytes = peer.transport->frame(command, std::move(payload));
    peer.sent_by_command[command] += bytes.size();
    write(peer, std::move(bytes), now_us);
}

/// What the transport itself has to say, and what waited for it.
void Engine::send_handshake(Peer& peer, std::int64_t now_us) {
    if (Bytes output = peer.transport->take_output(); !output.empty()) write(peer, {{}, std::move(output)}, now_us);
    if (peer.unsent.empty() || !peer.transport->can_send()) return;
    for (auto& [command, payload] : std::exchange(peer.unsent, {})) send(peer, command, std::move(payload), now_us);
}

void Engine::write(Peer& peer, OutgoingBytes bytes, std::int64_t now_us) {
    const std::size_t size = bytes.size();
    if (peer.info.send_queue_bytes == 0) peer.send_progress_us = now_us;
    peer.bytes_sent += size;
    total_sent_ += size;
    peer.info.send_queue_bytes += size;
    actions_.emplace_back(WriteAction{peer.info.id, std::move(bytes)});
}

}  // namespace cairn::net
