// The connections that nobody named: which kind is wanted, and whom of the address book to call for it.
#include <algorithm>
#include <array>

#include "net/core/intervals.hpp"
#include "net/engine/dialer.hpp"
#include "net/swarm/bad_ports.hpp"
#include "net/wire/limits.hpp"

namespace cairn::net {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kAutomaticInterval_us = kSecond / 2;
constexpr int kSelectTries = 100;                 // draws from the address book for one dial
constexpr int kTriesForRested = 30;               // of them for addresses that were not tried
constexpr int kTriesForGoodPorts = 50;            // of them for ports that are no other service's
constexpr std::int64_t kRest_s = 10 * 60;         // within this time
constexpr std::size_t kMaxAddedCompared = 24;     // nodes that the operator added, more are not looked through
constexpr int kPeersThatProveUs = 2;              // connections to different places: we are online

bool lasting(ConnectionType type) {
    return type == ConnectionType::manual || type == ConnectionType::outbound_full_relay || type == ConnectionType::block_relay_only;
}

/// Where an address says nothing of the way to it.
bool is_overlay(const NetAddress& host) {
    return host.network() == NetworkId::onion || host.network() == NetworkId::i2p || host.network() == NetworkId::cjdns;
}

}  // namespace

void Dialer::start_clocks(std::int64_t now_us) {
    if (started_us_ != 0 && now_us >= started_us_) return;  // otherwise the time was set back
    started_us_ = now_us;
    next_feeler_us_ = now_us + exponential_interval(random_, limits::kFeelerInterval_us);
    next_extra_block_us_ = now_us + exponential_interval(random_, limits::kExtraBlockRelayInterval_us);
    next_extra_network_us_ = now_us + exponential_interval(random_, limits::kExtraNetworkInterval_us);
}

Dialer::Tally Dialer::tally(const DialState& state) const {
    Tally tally;
    const auto add = [&](ConnectionType type, const NetAddress& host) {
        if (!lasting(type)) return;
        if (is_overlay(host)) ++tally.overlay_peers;
        else tally.groups.insert(book_.group(host));
    };
    for (const auto& connection : state.connections) add(connection.type, connection.address.address);
    for (const auto& [id, pending] : pending_)
        if (pending.endpoint) add(pending.type, pending.endpoint->address);
    return tally;
}

std::optional<NetworkId> Dialer::missing_network(const DialState& state) {
    std::array networks{NetworkId::ipv4, NetworkId::ipv6, NetworkId::onion, NetworkId::i2p, NetworkId::cjdns};
    for (std::size_t i = networks.size(); i > 1; --i) std::swap(networks[i - 1], networks[random_.below(i)]);
    const auto counts = [](ConnectionType type) { return type == ConnectionType::manual || type == ConnectionType::outbound_full_relay; };
    for (const NetworkId network : networks) {
        const auto is_there = [&](ConnectionType type, const NetAddress& host) {
            return counts(type) && host.network() == network && host.is_routable();
        };
        if (!reachable(network) || book_.size(network, std::nullopt) == 0) continue;
        if (std::any_of(state.connections.begin(), state.connections.end(), [&](const auto& c) { return is_there(c.type, c.address.address); })) continue;
        if (std::any_of(pending_.begin(), pending_.end(), [&](const auto& entry) {
                return entry.second.endpoint && is_there(entry.second.type, entry.second.endpoint->address);
            }))
            continue;
        return network;
    }
    return std::nullopt;
}

/// What kind of connection is wanting most; nullopt: none.
std::optional<Dialer::Plan> Dialer::plan(const DialState& state, std::int64_t now_us) {
    const int full = count(ConnectionType::outbound_full_relay, state);
    const int block = count(ConnectionType::block_relay_only, state);
    if (!options_.anchors.empty() && block < limits_.block_relay) return Plan{ConnectionType::block_relay_only, true, {}};
    if (full < limits_.full_relay) return Plan{};
    if (block < limits_.block_relay) return Plan{ConnectionType::block_relay_only, false, {}};
    if (state.extra_full_relay) return Plan{};
    if (state.extra_block_relay && now_us > next_extra_block_us_) {
        next_extra_block_us_ = now_us + exponential_interval(random_, limits::kExtraBlockRelayInterval_us);
        return Plan{ConnectionType::block_relay_only, false, {}};
    }
    if (now_us > next_feeler_us_) {
        next_feeler_us_ = now_us + exponential_interval(random_, limits::kFeelerInterval_us);
        return Plan{ConnectionType::feeler, false, {}};
    }
    if (full != limits_.full_relay || limits_.full_relay != limits::kFullRelayOutbound || now_us <= next_extra_network_us_) return std::nullopt;
    const auto network = missing_network(state);
    if (!network) return std::nullopt;
    next_extra_network_us_ = now_us + exponential_interval(random_, limits::kExtraNetworkInterval_us);
    return Plan{ConnectionType::outbound_full_relay, false, network};
}

bool Dialer::connected(const NetAddress& host, const DialState& state) const {
    return std::any_of(state.connections.begin(), state.connections.end(), [&](const auto& c) { return c.address.address == host; }) ||
           std::any_of(pending_.begin(), pending_.end(), [&](const auto& e) { return e.second.endpoint && e.second.endpoint->address == host; });
}

bool Dialer::callable(const NetAddress& host, const DialState& state, std::int64_t now_s) const {
    return reachable(host) && host.is_routable() && !(state.own && state.own->contains(host)) && !discouraged_.contains(host) &&
           !bans_.banned(host, now_s) && !connected(host, state);
}

bool Dialer::useful(const PeerAddress& address, const Plan& plan, const DialState& state, std::int64_t now_us) const {
    if (address.services & kServiceOtherFork) return false;
    if (plan.type == ConnectionType::feeler) return (address.services & (kServiceNetwork | kServiceNetworkLimited)) != 0;
    return state.useful ? state.useful(address.services, now_us) : (address.services & kServiceWitness) != 0;
}

bool Dialer::is_added(const Endpoint& endpoint) const {
    if (added_.size() >= kMaxAddedCompared) return false;
    const std::string host = endpoint.address.to_string(), full = endpoint.to_string();
    return std::any_of(added_.begin(), added_.end(), [&](const Named& named) { return named.node == host || named.node == full; });
}

std::optional<AddrBook::Choice> Dialer::draw(const Plan& plan, const DialState& state, std::int64_t now_s) {
    const std::set<NetworkId> networks(options_.reachable.begin(), options_.reachable.end());
    if (plan.type != ConnectionType::feeler) return book_.select(false, plan.network ? std::set{*plan.network} : networks, now_s);
    if (auto rival = book_.select_collision()) {
        if (!connected(rival->address.endpoint.address, state)) return rival;
        // We see that it is there: it keeps its place without a call.
        book_.on_good(rival->address.endpoint, now_s);
    }
    return book_.select(true, networks, now_s);
}

std::optional<PeerAddress> Dialer::choose(const Plan& plan, const Tally& tally, const DialState& state, std::int64_t now_us) {
    const std::int64_t now_s = now_us / kSecond;
    const auto taken = [&](const NetAddress& host) { return tally.groups.contains(book_.group(host)); };
    while (plan.anchor && !options_.anchors.empty()) {
        const PeerAddress anchor = options_.anchors.back();
        options_.anchors.pop_back();
        if (!callable(anchor.endpoint.address, state, now_s) || !useful(anchor, plan, state, now_us) || taken(anchor.endpoint.address)) continue;
        log_.debug("Trying to make an anchor connection to {}", anchor.endpoint.to_string());
        return anchor;
    }
    for (int tries = 1; tries <= kSelectTries; ++tries) {
        const auto choice = draw(plan, state, now_s);
        if (!choice) return std::nullopt;
        const Endpoint& endpoint = choice->address.endpoint;
        const NetAddress& host = endpoint.address;
        if (plan.type != ConnectionType::feeler && taken(host)) continue;
        if (!callable(host, state, now_s)) continue;
        if (tries < kTriesForRested && now_s - choice->last_try_s < kRest_s) continue;
        if (!useful(choice->address, plan, state, now_us)) continue;
        if (tries < kTriesForGoodPorts && host.is_ip() && is_bad_port(endpoint.port)) continue;
        if (is_added(endpoint)) {
            log_.debug("Not making automatic {}{} connection to {} peer selected for manual (addnode) connection",
                       plan.network ? "network-specific " : "", to_string(plan.type), to_string(host.network()));
            continue;
        }
        return choice->address;
    }
    return std::nullopt;
}

DialAction Dialer::make_automatic(const PeerAddress& address, ConnectionType type, bool count_failure, std::int64_t now_us) {
    DialAction action = make("", address.endpoint, type, options_.v2 && (address.services & kServiceP2pV2) != 0, now_us);
    pending_[action.dial].count_failure = count_failure;
    return action;
}

/// A feeler goes out a moment after it was chosen, so that nodes that started together do not call together.
void Dialer::dial_feeler(const DialState& state, std::int64_t now_us, Output& out) {
    if (!feeler_ || (now_us < feeler_->at_us && feeler_->at_us - now_us <= limits::kFeelerDelay_us)) return;
    const Feeler feeler = *feeler_;
    feeler_.reset();
    if (!callable(feeler.address.endpoint.address, state, now_us / kSecond)) return;
    log_.debug("Making feeler connection to {}", feeler.address.endpoint.to_string());
    out.dials.push_back(make_automatic(feeler.address, ConnectionType::feeler, feeler.count_failure, now_us));
}

void Dialer::dial_automatic(const DialState& state, std::int64_t now_us, Output& out) {
    start_clocks(now_us);
    dial_feeler(state, now_us, out);
    if (now_us < next_automatic_us_ && next_automatic_us_ - now_us <= kAutomaticInterval_us) return;
    if (pending_.size() >= limits::kMaxPendingDials || automatic(state) >= limits_.outbound) return;
    next_automatic_us_ = now_us + kAutomaticInterval_us;
    const auto wanted = plan(state, now_us);
    if (!wanted) return;
    book_.resolve_collisions(now_us / kSecond);
    const Tally present = tally(state);
    const auto address = choose(*wanted, present, state, now_us);
    if (!address) return;
    // Without connections to different places we may be cut off, and no address is to blame.
    const bool online = static_cast<int>(present.groups.size()) + present.overlay_peers >= std::min(limits_.automatic - 1, kPeersThatProveUs);
    if (wanted->type == ConnectionType::feeler) {
        feeler_ = Feeler{*address, now_us + static_cast<std::int64_t>(random_.below(limits::kFeelerDelay_us)), online};
        return;
    }
    if (wanted->network)
        log_.debug("Making network specific connection to {} on {}.", address->endpoint.to_string(), to_string(*wanted->network));
    out.dials.push_back(make_automatic(*address, wanted->type, online, now_us));
}

}  // namespace cairn::net
