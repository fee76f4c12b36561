// What discovery finds: neighbours on the local network, who are called, and strangers of the hash table, who go into the address book.
#include <algorithm>

#include "net/engine/detail/engine_peer.hpp"

namespace cairn::net {
namespace {

/// Under this name the book files what the hash table told: an address that nobody has (RFC 6666), so that it is a source of its own.
const NetAddress& hash_table_source() {
    static const NetAddress source = *NetAddress::parse("100::d47");
    return source;
}

}  // namespace

void Engine::on_lan_events(const std::vector<LanEvent>& events, std::int64_t now_us) {
    for (const LanEvent& event : events) {
        const NetAddress& host = event.peer.endpoint.address;
        if (event.present) log_.info("Found a node on the local network: {}", event.peer.endpoint.to_string());
        neighbours_.on_event(event, now_us);
        for (const auto& [id, peer] : peers_)
            if (event.present && peer->info.address.address == host && !peer->onion) peer->info.lan = true;
    }
}

void Engine::call_neighbours(std::int64_t now_us) {
    if (neighbours_.empty()) return;
    const DialState state = dial_state();
    std::vector<LanPeers::Connection> connections;
    for (const DialState::Connection& connection : state.connections) connections.push_back({connection.address, connection.name, connection.type});
    for (const LanPeer& peer : neighbours_.take_due(connections, dialer_.pending(ConnectionType::lan), now_us)) {
        const NetAddress& host = peer.endpoint.address;
        if (discouraged_.contains(host) || bans_.banned(host, now_us / 1'000'000)) continue;
        if (auto action = dialer_.dial(LanPeers::name_of(peer), ConnectionType::lan, options_.v2, state, now_us)) actions_.push_back(std::move(*action));
    }
}

void Engine::on_candidates(const std::vector<Endpoint>& found, std::int64_t now_us) {
    std::vector<Endpoint> wanted;
    for (const Endpoint& endpoint : found)
        if (!options_.local_addresses.contains(endpoint.address) && dialer_.reachable(endpoint.address)) wanted.push_back(endpoint);
    std::vector<PeerAddress> addresses;
    const std::int64_t now_s = now_us / 1'000'000;
    // What they offer is not known; whoever announces himself under our chain is taken for a full node until he is asked.
    for (const Endpoint& endpoint : candidates_.pass(wanted, now_us))
        addresses.push_back({endpoint, kServiceNetwork | kServiceWitness, static_cast<std::uint32_t>(now_s)});
    if (addresses.empty()) return;
    const std::size_t added = book_.add(addresses, hash_table_source(), 0, now_s);
    log_.info("{} addresses found in the hash table, {} of them new", addresses.size(), added);
}

void Engine::describe_discovery(DiscoveryState& state) const {
    for (const LanPeers::Known& known : neighbours_.all()) {
        DiscoveryState::Neighbour neighbour{known.peer.instance, known.peer.endpoint.to_string(), known.peer.interface, known.since_us / 1'000'000, false};
        neighbour.connected = std::any_of(peers_.begin(), peers_.end(), [&](const auto& entry) {
            const PeerInfo& info = entry.second->info;
            return !info.closing && info.ready && info.address.address == known.peer.endpoint.address;
        });
        state.lan_peers.push_back(std::move(neighbour));
    }
    state.dht_passed = candidates_.passed();
    state.dht_refused = candidates_.refused();
}

}  // namespace cairn::net
