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
      bandwidth_(options_.bandwidth),
      outbox_(log_, bandwidth_.target()),
      book_(random_, {options_.deterministic_addresses, &options_.groups, &log_, options_.check_addresses}),
      connection_limits_(ConnectionLimits::share(options_.max_connections, options_.inbound_relay_percent)),
      dialer_(options_.dialer, random_, book_, discouraged_, bans_, log_),
      care_(connection_limits_, log_),
      gossip_({options_.listen, options_.discover, options_.listen_port, [this](NetworkId network) { return dialer_.reachable(network); }},
              {book_, discouraged_, bans_, options_.local_addresses}, random_),
      candidates_(options_.groups),
      group_secret_(random_.u64()),
      active_(options_.active) {
    for (const BanList::Entry& entry : options_.bans) bans_.add(entry);
    set_secret_addresses([this](const NetAddress& address) { return neighbours_.contains(address); });
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
    return {services, options_.user_agent, role_.best_height(), !rejects_transactions(peer), options_.tx_reconciliation};
}

bool Engine::is_own_nonce(std::uint64_t nonce) const {
    return std::any_of(peers_.begin(), peers_.end(), [nonce](const auto& entry) {
        // A peer of private broadcast that passed its nonce on must not learn by our hanging up who we are.
        const PeerInfo& info = entry.second->info;
        return !info.inbound() && !info.private_broadcast() && !info.ready && entry.second->handshake.nonce() == nonce;
    });
}

std::uint64_t Engine::desirable_services(std::uint64_t offered, std::int64_t now_us) const {
    return role_.desirable_services(offered, now_us);
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
    note_received(*peer, count, now_us);
    run(*peer, {}, now_us);
    flush(now_us);
}

std::size_t Engine::run(Peer& peer, ByteSpan bytes, std::int64_t now_us) {
    std::size_t taken = 0;
    while (!peer.info.closing) {
        if (must_wait(peer, now_us)) {
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
        note_received(peer, count, now_us);
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
    bandwidth_.on_written(bytes, now_us / 1'000'000);
    peer->info.send_queue_bytes -= std::min(bytes, peer->info.send_queue_bytes);
    peer->send_progress_us = now_us;
    peer->last_send_s = now_us / 1'000'000;
    if (!peer->paced.empty()) release_paced(now_us);
    if (peer->held_up || !peer->deferred.empty() || (peer->known_to_role && role_.answering(peer->info))) {
        pump(*peer, now_us);
        advance(*peer, now_us);
    }
    flush(now_us);
}

bool Engine::must_wait(Peer& peer, std::int64_t now_us) {
    return peer.deferred_bytes > options_.max_receive_buffer || (peer.known_to_role && role_.wants_pause(peer.info)) || held_back(peer, now_us);
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
    if (!peer.held_up || peer.info.closing || must_wait(peer, now_us) || (peer.waiting && role_waits(peer, *peer.waiting))) return;
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
    if (const auto* version = std::get_if<VersionMessage>(&message); version && peer.info.version == 0 && !peer.info.inbound() && !peer.info.private_broadcast())
        book_.set_services(peer.info.address, version->services);  // of use to know even when we do not want it
    switch (peer.handshake.on_message(message, *this, outbox_, now_us)) {
        case Handshake::Outcome::handled: return;
        case Handshake::Outcome::version:
            peer.useful_services = (desirable_services(peer.info.services, now_us) & ~peer.info.services) == 0;
            tor_works_ |= !peer.info.inbound() && peer.info.address.address.network() == NetworkId::onion;
            if (peer.info.private_broadcast()) return;
            peer.known_to_role = true;
            role_.on_version(peer.info, outbox_, now_us);
            gossip_.on_version(peer.info, {peer.local, peer.onion, peer.handshake.local_address(), local_version(peer.info).services}, outbox_);
            if (peer.info.inbound()) {
                options_.local_addresses.vote(peer.handshake.local_address().address);
            } else {
                book_.on_good(peer.info.address, now_us / 1'000'000);
                note_time_offset(peer.handshake.time_offset_s());
            }
            if (peer.info.type == ConnectionType::feeler) outbox_.disconnect(peer.info.id, "feeler connection completed");
            return;
        case Handshake::Outcome::ready:
            if (peer.info.lan) neighbours_.on_connected(peer.info.address.address);
            peer.info.private_broadcast() ? on_private_ready(peer, now_us) : role_.on_ready(peer.info, outbox_, now_us);
            return;
        case Handshake::Outcome::pass_on: break;
    }
    if (peer.info.private_broadcast()) return on_private_message(peer, message, now_us);
    if (const auto* ping = std::get_if<PingMessage>(&message))
        peer.ping.on_ping(peer.info, *ping, outbox_);
    else if (const auto* pong = std::get_if<PongMessage>(&message))
        peer.ping.on_pong(peer.info, *pong, payload_bytes, outbox_, now_us);
    else if (auto* addr = std::get_if<AddrMessage>(&message))
        gossip_.on_addresses(peer.info, "addr", std::move(addr->addresses), addr->count, outbox_, now_us);
    else if (auto* addr2 = std::get_if<AddrV2Message>(&message))
        gossip_.on_addresses(peer.info, "addrv2", std::move(addr2->addresses), addr2->count, outbox_, now_us);
    else if (std::holds_alternative<GetAddrMessage>(message))
        gossip_.on_get_addresses(peer.info, outbox_, now_us);
    else if (const auto* unknown = std::get_if<UnknownMessage>(&message))
        log_.debug("Unknown message type \"{}\" from peer={}", sanitize(unknown->command), peer.info.id);
    else if (peer.known_to_role)
        to_role(peer, std::move(message), now_us);
}

void Engine::to_role(Peer& peer, Message&& message, std::int64_t now_us) {
    const char* asks_for_transactions = std::holds_alternative<FilterLoadMessage>(message)    ? "filterload"
                                        : std::holds_alternative<FilterClearMessage>(message) ? "filterclear"
                                                                                              : nullptr;
    role_.on_message(peer.info, std::move(message), outbox_, now_us);
    if (asks_for_transactions) has_tx_room(peer.info, asks_for_transactions, std::nullopt);
}

// --- time

bool Engine::inactive(Peer& peer, std::int64_t now_us) {
    const std::int64_t now_s = now_us / 1'000'000;
    if (peer.info.connected_us / 1'000'000 + options_.peer_timeout_s >= now_s) return false;
    if (peer.last_receive_s == 0 || peer.last_send_s == 0) {
        close(peer, fmt::format("socket no message in first {} seconds{}{}", options_.peer_timeout_s,
                                peer.last_receive_s == 0 ? ", never received from peer" : "", peer.last_send_s == 0 ? ", never sent to peer" : ""),
              LogLine::Kind::debug);
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
        close(peer, peer.transport->name() == "detecting" ? "V2 handshake timeout" : "version handshake timeout", LogLine::Kind::debug);
        return true;
    }
    return false;
}

void Engine::pump(Peer& peer, std::int64_t now_us) {
    if (!peer.info.ready || peer.info.closing) return;
    if (peer.info.private_broadcast()) return pump_private(peer, now_us);
    const bool old_enough = peer.info.connected_us / 1'000'000 + options_.peer_timeout_s < now_us / 1'000'000;
    peer.ping.pump(peer.info, old_enough, random_, outbox_, now_us);
    gossip_.on_pump(peer.info, !role_.initial_block_download(), outbox_, now_us);
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
    release_paced(now_us);
    asmap_health_.on_tick(options_.groups, book_, log_, now_us);
    care_for_outbound(now_us);
    if (active_) {
        call_neighbours(now_us);
        Dialer::Output due = dialer_.on_tick(dial_state(), now_us);
        for (auto& dial : due.dials) actions_.push_back(std::move(dial));
        for (auto& question : due.questions) actions_.push_back(std::move(question));
        dial_privately(now_us);
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
                if (Peer* peer = find(ending->peer)) ending->reason.empty() ? close(*peer) : close(*peer, ending->reason, ending->kind);
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
    if (!may_send(peer, command)) return;
    if (!peer.transport->can_send()) {
        peer.unsent.emplace_back(command, std::move(payload));
        return;
    }
    if (pace(peer, command, payload, now_us)) return;
    write(peer, framed(peer, command, std::move(payload)), now_us);
}

OutgoingBytes Engine::framed(Peer& peer, const std::string& command, Bytes payload) {
    log_.debug("sending {} ({} bytes) peer={}", command, payload.size(), peer.info.id);
    OutgoingBytes bytes = peer.transport->frame(command, std::move(payload));
    peer.sent_by_command[command] += bytes.size();
    return bytes;
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
    bandwidth_.on_queued(size);
    peer.info.send_queue_bytes += size;
    actions_.emplace_back(WriteAction{peer.info.id, std::move(bytes)});
}

}  // namespace cairn::net
