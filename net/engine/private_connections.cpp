// Short-lived connections that carry one transaction of ours each: whom to call for them, and what the engine does
// differently for them. What is said on them is net/sync/private_broadcast's to decide.
#include <algorithm>

#include "net/engine/detail/engine_peer.hpp"
#include "net/engine/engine.hpp"
#include "net/sync/private_broadcast.hpp"

namespace cairn::net {
namespace {

constexpr int kPrivateTries = 20;                          // draws from the address book for one dial
constexpr std::int64_t kPrivateWarning_us = 5'000'000;     // between two complaints that no network is fit for it

}  // namespace

std::vector<NetworkId> Dialer::private_networks(bool tor_works) const {
    std::vector<NetworkId> networks;
    if (reachable(NetworkId::onion)) {
        networks.push_back(NetworkId::onion);
        // Only what has led to a hidden service is surely Tor and hides us from the rest of the Internet, too.
        for (const NetworkId open : {NetworkId::ipv4, NetworkId::ipv6})
            if ((tor_works || options_.private_in_the_open) && reachable(open)) networks.push_back(open);
    }
    if (reachable(NetworkId::i2p)) networks.push_back(NetworkId::i2p);
    if (networks.empty() && options_.private_in_the_open) networks = options_.reachable;
    return networks;
}

/// Somebody whom the operator named. A connection to the same peer may stand: this one is fresh and shows nothing of that one.
std::optional<DialAction> Dialer::dial_private_named(bool tor_works, std::int64_t now_us) {
    const std::vector<NetworkId> networks = private_networks(tor_works);
    std::vector<const Named*> fit, by_name;
    for (const Named& node : options_.connect_given ? connect_ : added_) {
        const std::optional<Endpoint> endpoint = parse(node.node);
        if (!endpoint) by_name.push_back(&node);
        else if (!endpoint->address.is_routable() || std::ranges::find(networks, endpoint->address.network()) != networks.end()) fit.push_back(&node);
    }
    // Without a proxy a name is called in the open: where Tor or I2P hides us only when there is nobody else to be called ever.
    if (!hides_us() || options_.names_by_proxy || (fit.empty() && options_.connect_given)) fit.insert(fit.end(), by_name.begin(), by_name.end());
    if (fit.empty()) return std::nullopt;
    const Named& node = *fit[random_.below(fit.size())];
    const std::optional<Endpoint> endpoint = parse(node.node);
    const bool own_machine = endpoint && !endpoint->address.is_routable();
    DialAction action = make(node.node, endpoint, ConnectionType::private_broadcast, node.v2, now_us);
    action.anonymous = endpoint && !own_machine && hides_us();
    return action;
}

std::optional<DialAction> Dialer::dial_private(const DialState& state, bool tor_works, std::int64_t now_us) {
    if (options_.private_in_the_open && options_.connect_given) return dial_private_named(tor_works, now_us);
    const std::vector<NetworkId> networks = private_networks(tor_works);
    if (networks.empty()) {
        if (now_us >= next_private_warning_us_)
            log_.add(LogLine::Kind::warning, "Unable to open -privatebroadcast connections: neither Tor nor I2P is reachable");
        next_private_warning_us_ = std::max(next_private_warning_us_, now_us + kPrivateWarning_us);
        return std::nullopt;
    }
    const std::int64_t now_s = now_us / 1'000'000;
    for (int tries = 0; tries < kPrivateTries; ++tries) {
        const auto choice = book_.select(false, {networks[random_.below(networks.size())]}, now_s);
        if (!choice) continue;
        const Endpoint& endpoint = choice->address.endpoint;
        const NetAddress& host = endpoint.address;
        if ((state.own && state.own->contains(host)) || discouraged_.contains(host) || bans_.banned(host, now_s)) continue;
        if (known(endpoint.to_string(), state)) continue;
        book_.on_attempt(endpoint, true, now_s);
        const bool v2 = options_.v2 && (choice->address.services & kServiceP2pV2) != 0;
        DialAction action = make("", endpoint, ConnectionType::private_broadcast, v2, now_us);
        action.anonymous = hides_us();
        return action;
    }
    return options_.private_in_the_open ? dial_private_named(tor_works, now_us) : std::nullopt;
}

/// One at each tick, so that failures that come at once do not make a flood.
void Engine::dial_privately(std::int64_t now_us) {
    const PrivateBroadcast* own = role_.private_broadcast();
    if (!own || own->wanted() == 0) return;
    const auto open = std::count_if(peers_.begin(), peers_.end(), [](const auto& entry) { return entry.second->info.private_broadcast(); });
    const int calling = dialer_.pending(ConnectionType::private_broadcast);
    if (calling >= limits::kMaxPendingPrivate || open + calling >= limits::kMaxPrivate || own->wanted() <= static_cast<std::size_t>(calling)) return;
    if (auto dial = dialer_.dial_private(dial_state(), tor_works_, now_us)) actions_.emplace_back(std::move(*dial));
}

/// False: it is not needed any more.
bool Engine::take_private(const Dialer::Pending& pending, const Endpoint& remote) {
    PrivateBroadcast* own = pending.type == ConnectionType::private_broadcast ? role_.private_broadcast() : nullptr;
    if (!own || own->wanted() == 0) return false;
    own->on_connected();
    log_.private_broadcast("Socket connected to {}; remaining connections to open: {}", remote.to_string(), own->wanted());
    return true;
}

void Engine::on_private_failed(const Dialer::Pending& pending) {
    const PrivateBroadcast* own = role_.private_broadcast();
    const std::string name = pending.endpoint ? pending.endpoint->to_string() : pending.name;
    if (!own || own->wanted() == 0)
        log_.private_broadcast("Failed to connect to {}, will not retry, no more connections needed", name);
    else
        log_.private_broadcast("Failed to connect to {}, will retry to a different address; remaining connections to open: {}", name, own->wanted());
}

bool Engine::may_send(const Peer& peer, std::string_view command) {
    if (!peer.info.private_broadcast() || PrivateBroadcast::may_send(command)) return true;
    log_.private_broadcast("Omitting send of message '{}', peer={}", command, peer.info.id);
    return false;
}

void Engine::on_private_ready(Peer& peer, std::int64_t now_us) {
    if (PrivateBroadcast* own = role_.private_broadcast()) own->on_ready(peer.info, outbox_, now_us);
}

void Engine::on_private_message(Peer& peer, const Message& message, std::int64_t now_us) {
    if (PrivateBroadcast* own = role_.private_broadcast()) own->on_message(peer.info, message, outbox_, now_us);
}

void Engine::pump_private(Peer& peer, std::int64_t now_us) {
    if (PrivateBroadcast* own = role_.private_broadcast()) own->pump(peer.info, outbox_, now_us);
    drain(now_us);
}

void Engine::on_private_gone(const Peer& peer) {
    if (PrivateBroadcast* own = role_.private_broadcast()) own->on_gone(peer.info.id);
}

}  // namespace cairn::net
