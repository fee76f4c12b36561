// What operators ask of the engine, and the picture that it gives of itself.
#include <algorithm>

#include "net/engine/detail/engine_peer.hpp"
#include "net/engine/engine.hpp"
#include "net/wire/cjdns.hpp"

namespace cairn::net {

Result<void, NodeCommandError> Engine::add_node(const std::string& node, bool v2) {
    if (!dialer_.add_node(node, v2)) return fail(NodeCommandError::already_added);
    return {};
}

Result<void, NodeCommandError> Engine::remove_node(const std::string& node) {
    if (!dialer_.remove_node(node)) return fail(NodeCommandError::not_added);
    return {};
}

Result<void, NodeCommandError> Engine::try_node(const std::string& node, bool v2, std::int64_t now_us) {
    if (!active_) return fail(NodeCommandError::network_inactive);
    if (auto action = dialer_.dial(node, ConnectionType::manual, v2, dial_state(), now_us)) actions_.push_back(std::move(*action));
    return {};
}

Result<void, NodeCommandError> Engine::add_connection(const std::string& address, ConnectionType type, bool v2, std::int64_t now_us) {
    if (!active_) return fail(NodeCommandError::network_inactive);
    const DialState state = dial_state();
    const ConnectionLimits& most = connection_limits_;
    const int existing = dialer_.count(type, state);
    if (type == ConnectionType::outbound_full_relay && existing >= most.full_relay) return fail(NodeCommandError::no_capacity);
    if (type == ConnectionType::block_relay_only && existing >= most.block_relay) return fail(NodeCommandError::no_capacity);
    if (dialer_.automatic(state) >= most.outbound) return fail(NodeCommandError::no_capacity);
    if (auto action = dialer_.dial(address, type, v2, state, now_us)) actions_.push_back(std::move(*action));
    return {};
}

Result<void, NodeCommandError> Engine::disconnect(PeerId id, std::int64_t now_us) {
    Peer* peer = find(id);
    if (!peer) return fail(NodeCommandError::not_connected);
    close(*peer, "disconnect by id", LogLine::Kind::debug);
    flush(now_us);
    return {};
}

Result<void, NodeCommandError> Engine::disconnect(const std::string& address, std::int64_t now_us) {
    bool found = false;
    for (const auto& [id, peer] : peers_) {
        if (peer->info.closing || peer->info.name != address) continue;
        close(*peer, "disconnect by address match", LogLine::Kind::debug);
        found = true;
        break;
    }
    flush(now_us);
    if (!found) return fail(NodeCommandError::not_connected);
    return {};
}

Result<void, NodeCommandError> Engine::send_message(PeerId id, const std::string& command, Bytes payload, std::int64_t now_us) {
    Peer* peer = find(id);
    if (!peer) return fail(NodeCommandError::not_connected);
    send(*peer, command, std::move(payload), now_us);
    return {};
}

std::vector<AddedNode> Engine::added_nodes() const {
    std::vector<AddedNode> nodes;
    for (const auto& [name, v2] : dialer_.added()) {
        AddedNode node;
        node.node = name;
        const auto endpoint = dialer_.parse(name);
        for (const auto& [id, peer] : peers_) {
            if (peer->info.closing || (endpoint ? peer->info.address != *endpoint : peer->info.name != name)) continue;
            node.connected = true;
            node.address = peer->info.address.to_string();
            node.inbound = peer->info.inbound();
        }
        nodes.push_back(std::move(node));
    }
    return nodes;
}

// --- bans

Result<void, BanError> Engine::ban(const Ban& ban, std::int64_t now_us) {
    const auto subnet = Subnet::parse(ban.subnet, options_.cjdns);
    if (!subnet) return fail(BanError::bad_subnet);
    const std::int64_t now_s = now_us / 1'000'000;
    auto address = NetAddress::parse(ban.subnet);
    if (address) address = as_cjdns(*address, options_.cjdns);
    if (address ? bans_.banned(*address, now_s) : bans_.banned(*subnet, now_s)) return fail(BanError::already_banned);
    if (bans_.add({*subnet, ban.created, ban.until}) && options_.bans_changed) options_.bans_changed(bans_.entries());
    for (const auto& [id, peer] : peers_) {
        if (peer->info.closing || !subnet->contains(peer->info.address.address)) continue;
        close(*peer, fmt::format("disconnect by subnet={} match", subnet->to_string()), LogLine::Kind::debug);
    }
    flush(now_us);
    return {};
}

Result<void, BanError> Engine::unban(const std::string& text) {
    const auto subnet = Subnet::parse(text, options_.cjdns);
    if (!subnet) return fail(BanError::bad_subnet);
    if (!bans_.remove(*subnet)) return fail(BanError::not_banned);
    if (options_.bans_changed) options_.bans_changed(bans_.entries());
    return {};
}

void Engine::clear_bans() {
    bans_.clear();
    if (options_.bans_changed) options_.bans_changed({});
}

std::vector<Ban> Engine::bans(std::int64_t now_us) {
    const auto over = bans_.sweep(now_us / 1'000'000);
    for (const Subnet& subnet : over) log_.debug("Removed banned node address/subnet: {}", subnet.to_string());
    if (!over.empty() && options_.bans_changed) options_.bans_changed(bans_.entries());
    std::vector<Ban> all;
    for (const BanList::Entry& entry : bans_.entries()) all.push_back({entry.subnet.to_string(), entry.created_s, entry.until_s});
    return all;
}

// --- the address book

namespace {

KnownAddress describe(const PeerAddress& address) {
    const NetAddress& host = address.endpoint.address;
    return {host.to_string(), address.endpoint.port, address.services, address.time, std::string(network_class(host))};
}

}  // namespace

std::vector<KnownAddress> Engine::known_addresses(std::size_t count, const std::string& network, std::int64_t now_us) {
    std::vector<KnownAddress> found;
    const auto wanted = network.empty() ? std::nullopt : parse_network(network);
    for (const PeerAddress& address : book_.sample(count, 0, wanted, true, now_us / 1'000'000))
        if (!bans_.banned(address.endpoint.address, now_us / 1'000'000) && !discouraged_.contains(address.endpoint.address)) found.push_back(describe(address));
    return found;
}

std::vector<BookCount> Engine::address_counts() const {
    std::vector<BookCount> counts;
    for (const NetworkId network : {NetworkId::ipv4, NetworkId::ipv6, NetworkId::onion, NetworkId::i2p, NetworkId::cjdns})
        counts.push_back({std::string(to_string(network)), book_.size(network, true), book_.size(network, false)});
    counts.push_back({"", book_.size(std::nullopt, true), book_.size(std::nullopt, false)});
    return counts;
}

std::vector<BookPlace> Engine::address_places(bool tried) const {
    std::vector<BookPlace> found;
    for (const AddrBook::Place& place : book_.places(tried))
        found.push_back({place.bucket, place.position, describe(place.address), place.source.to_string(), std::string(network_class(place.source)),
                         place.system, place.source_system});
    return found;
}

AddAddressResult Engine::add_address(const std::string& text, std::uint16_t port, bool tried, std::int64_t now_us) {
    const bool bracketed = text.size() > 2 && text.front() == '[' && text.back() == ']';
    auto host = NetAddress::parse(bracketed ? text.substr(1, text.size() - 2) : text);
    if (!host) return AddAddressResult::bad_address;
    host = as_cjdns(*host, options_.cjdns);
    const std::int64_t now_s = now_us / 1'000'000;
    const PeerAddress address{{*host, port}, kServiceNetwork | kServiceWitness, static_cast<std::uint32_t>(now_s)};
    if (book_.add({address}, *host, 0, now_s) == 0) return AddAddressResult::not_added_to_new;
    if (tried && !book_.on_good(address.endpoint, now_s)) return AddAddressResult::not_added_to_tried;
    return AddAddressResult::added;
}

std::vector<PeerAddress> Engine::anchors() const {
    std::vector<PeerAddress> found;
    for (const auto& [id, peer] : peers_)
        if (peer->info.block_only() && !peer->info.closing && found.size() < limits::kMaxAnchors)
            found.push_back({peer->info.address, peer->info.services, static_cast<std::uint32_t>(peer->info.connected_us / 1'000'000)});
    return found;
}

void Engine::set_active(bool active, std::int64_t now_us) {
    log_.info("SetNetworkActive: {}", active);
    if (active_ == active) return;
    active_ = active;
    if (!active) {
        dialer_.clear();
        for (const auto& [id, peer] : peers_) close(*peer, "Network not active", LogLine::Kind::debug);
    }
    flush(now_us);
}

void Engine::ping_all() {
    for (const auto& [id, peer] : peers_) peer->ping.queue();
}

void Engine::note_time_offset(std::int64_t seconds) {
    time_offsets_.add(seconds);
    log_.debug("Added time offset {:+}s, total samples {}", seconds, time_offsets_.size());
    std::string warning = time_offsets_.warning();
    if (options_.clock_doubted) options_.clock_doubted(warning);
    if (!warning.empty()) log_.add(LogLine::Kind::warning, std::move(warning));
}

NetView Engine::view(std::int64_t now_us) const {
    NetView view;
    view.upload = bandwidth_.target().state(now_us / 1'000'000);
    for (const auto& [id, peer] : peers_) {
        const PeerInfo& info = peer->info;
        if (info.closing) continue;
        PeerSnapshot s;
        s.id = id;
        s.address = info.name;
        s.bind_address = peer->local.address.network() == NetworkId::none ? "" : peer->local.to_string();
        const Endpoint& named = peer->handshake.local_address();
        if (named.address.is_valid()) s.local_address = named.to_string();
        s.network = peer->onion ? "onion" : std::string(network_class(info.address.address));
        s.mapped_as = info.mapped_as;
        s.services = info.services;
        s.relay_transactions = info.relay_wanted;
        s.last_send = peer->last_send_s;
        s.last_receive = peer->last_receive_s;
        s.last_transaction = info.last_transaction_s;
        s.last_block = info.last_block_s;
        s.connected = info.connected_us / 1'000'000;
        s.bytes_sent = peer->bytes_sent;
        s.bytes_received = peer->info.received_bytes;
        s.time_offset = peer->handshake.time_offset_s();
        s.ping_us = peer->ping.last_us();
        s.min_ping_us = peer->ping.min_us();
        s.ping_wait_us = peer->ping.wait_us(now_us);
        s.version = info.version;
        s.user_agent = info.user_agent;
        s.inbound = info.inbound();
        s.starting_height = info.start_height;
        gossip_.describe(id, s);
        s.permissions = permission_names(info.permissions);
        s.bytes_sent_per_message = peer->sent_by_command;
        s.bytes_received_per_message = peer->received_by_command;
        s.type = info.type;
        s.transport = peer->transport->name();
        s.session_id = peer->transport->session_id();
        if (peer->known_to_role) role_.describe(info, s);
        view.peers.push_back(std::move(s));
    }
    view.total_sent = total_sent_;
    view.total_received = total_received_;
    view.active = active_;
    view.time_offset = time_offsets_.median();
    view.local_services = role_.local_services() | std::uint64_t{options_.v2 ? kServiceP2pV2 : kServiceNone};
    for (const auto& [address, entry] : options_.local_addresses.entries())
        view.local_addresses.push_back({address.to_string(), entry.port, entry.score});
    view.inbound_limit = connection_limits_.inbound;
    return view;
}

}  // namespace cairn::net
