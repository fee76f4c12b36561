#include "net/engine/dialer.hpp"

#include <algorithm>
#include <set>

#include "net/swarm/bad_ports.hpp"
#include "net/wire/cjdns.hpp"
#include "net/wire/limits.hpp"

namespace cairn::net {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kAutomaticInterval_us = kSecond / 2;
constexpr std::int64_t kConnectRetry_us = 5 * kSecond;       // -connect
constexpr std::int64_t kAddedRetry_us = 60 * kSecond;        // -addnode
constexpr int kSelectTries = 100;                                  // draws from the address book for one dial
constexpr int kTriesForRested = 30;                                // of them for addresses that were not tried
constexpr int kTriesForGoodPorts = 50;                             // of them for ports that are no other service's
constexpr std::int64_t kRest_s = 10 * 60;                          // within this time

}  // namespace

Dialer::Dialer(Options options, Random& random, AddrBook& book, const Discouraged& discouraged, const BanList& bans, LogLines& log)
    : options_(std::move(options)), random_(random), book_(book), discouraged_(discouraged), bans_(bans), log_(log), bootstrap_(bootstrap_options(options_), random, book, log) {
    for (const std::string& node : options_.add_nodes) added_.push_back({node, options_.v2});
    for (const std::string& node : options_.connect)
        if (node != "0") connect_.push_back({node, options_.v2});
}

Bootstrap::Options Dialer::bootstrap_options(const Options& options) {
    return {options.dns_seed, options.force_dns_seed, options.dns_seeds, options.names_by_proxy, options.seed_nodes,
            options.use_fixed_seeds, options.fixed_seeds, options.connect_given};
}

bool Dialer::reachable(NetworkId network) const {
    return std::find(options_.reachable.begin(), options_.reachable.end(), network) != options_.reachable.end();
}

void Dialer::set_reachable(NetworkId network) {
    if (!reachable(network)) options_.reachable.push_back(network);
}

std::optional<Endpoint> Dialer::parse(const std::string& node) const {
    const auto endpoint = Endpoint::parse(node, options_.default_port);
    return endpoint ? std::optional(as_cjdns(*endpoint, options_.cjdns)) : std::nullopt;
}

int Dialer::pending(ConnectionType type) const {
    return static_cast<int>(std::count_if(pending_.begin(), pending_.end(), [type](const auto& entry) { return entry.second.type == type; }));
}

DialAction Dialer::make(const std::string& name, std::optional<Endpoint> endpoint, ConnectionType type, bool v2, std::int64_t now_us) {
    DialAction action;
    action.v2 = v2;
    action.dial = next_dial_++;
    action.endpoint = endpoint;
    if (!endpoint) {
        const auto parts = split_host_port(name);
        action.host = parts ? parts->host : name;
        action.port = parts && parts->port != 0 ? parts->port : options_.default_port;
    }
    pending_[action.dial] = {name, endpoint, type, now_us, v2};
    log_.debug("trying {} connection ({}) to {}", v2 ? "v2" : "v1", to_string(type), endpoint ? endpoint->to_string() : name);
    return action;
}

std::optional<Dialer::Pending> Dialer::finish(std::uint64_t dial) {
    const auto found = pending_.find(dial);
    if (found == pending_.end()) return std::nullopt;
    Pending pending = std::move(found->second);
    pending_.erase(found);
    return pending;
}

bool Dialer::known(const std::string& node, const DialState& state) const {
    const auto endpoint = parse(node);
    const auto same = [&](const std::string& name, const std::optional<Endpoint>& address) {
        return (!name.empty() && name == node) || (endpoint && address && *endpoint == *address);
    };
    for (const auto& connection : state.connections)
        if (same(connection.name, connection.address)) return true;
    return std::any_of(pending_.begin(), pending_.end(), [&](const auto& entry) { return same(entry.second.name, entry.second.endpoint); });
}

std::optional<DialAction> Dialer::dial(const std::string& node, ConnectionType type, bool v2, const DialState& state, std::int64_t now_us) {
    if (known(node, state)) return std::nullopt;
    return make(node, parse(node), type, v2, now_us);
}

bool Dialer::add_node(const std::string& node, bool v2) {
    if (std::any_of(added_.begin(), added_.end(), [&](const Named& named) { return named.node == node; })) return false;
    added_.push_back({node, v2});
    next_try_us_.erase(node);
    return true;
}

bool Dialer::remove_node(const std::string& node) {
    return std::erase_if(added_, [&](const Named& named) { return named.node == node; }) != 0;
}

void Dialer::dial_named(const std::vector<Named>& nodes, std::int64_t retry_us, const DialState& state, std::int64_t now_us,
                        Output& out) {
    for (const auto& [node, v2] : nodes) {
        if (pending_.size() >= limits::kMaxPendingDials) return;
        std::int64_t& next = next_try_us_[node];
        if (now_us < next && next - now_us <= retry_us) continue;
        if (known(node, state)) continue;
        next = now_us + retry_us;
        out.dials.push_back(make(node, parse(node), ConnectionType::manual, v2, now_us));
    }
}

/// Sees to it that there are addresses to choose from.
void Dialer::fill_book(const DialState& state, std::int64_t now_us, Output& out) {
    Bootstrap::State known_state;
    for (const auto& connection : state.connections) {
        if (connection.type != ConnectionType::outbound_full_relay) continue;
        ++known_state.full_relay;
        if (connection.ready) ++known_state.full_relay_ready;
    }
    known_state.added_nodes = !added_.empty();
    known_state.reachable = options_.reachable;
    Bootstrap::Output wanted = bootstrap_.on_tick(known_state, now_us);
    for (const std::string& seed : wanted.lookups) out.questions.push_back({Bootstrap::lookup_name(seed), seed});
    fetches_.insert(fetches_.end(), wanted.fetches.begin(), wanted.fetches.end());
    while (!fetches_.empty() && pending_.size() < limits::kMaxPendingDials) {
        const std::string node = std::move(fetches_.front());
        fetches_.erase(fetches_.begin());
        if (!known(node, state)) out.dials.push_back(make(node, parse(node), ConnectionType::addr_fetch, options_.v2, now_us));
    }
}

void Dialer::dial_automatic(const DialState& state, std::int64_t now_us, Output& out) {
    if (now_us < next_automatic_us_ && next_automatic_us_ - now_us <= kAutomaticInterval_us) return;
    next_automatic_us_ = now_us + kAutomaticInterval_us;
    const auto count = [&](ConnectionType type) {
        return pending(type) + static_cast<int>(std::count_if(state.connections.begin(), state.connections.end(),
                                                              [type](const auto& c) { return c.type == type; }));
    };
    ConnectionType type = ConnectionType::outbound_full_relay;
    if (options_.anchors.empty() && count(type) >= std::min(limits::kFullRelayOutbound, options_.max_connections)) {
        type = ConnectionType::block_relay_only;
        if (count(type) >= std::min(limits::kBlockRelayOutbound, std::max(0, options_.max_connections - limits::kFullRelayOutbound))) return;
    }
    std::set<Bytes> groups;
    for (const auto& connection : state.connections)
        if (connection.type != ConnectionType::inbound) groups.insert(book_.group(connection.address.address));
    for (const auto& [id, pending] : pending_)
        if (pending.endpoint) groups.insert(book_.group(pending.endpoint->address));
    const auto wanted = [&](const PeerAddress& address) {
        const NetAddress& host = address.endpoint.address;
        return reachable(host) && host.is_routable() && !(state.own && state.own->contains(host)) && !discouraged_.contains(host) && !bans_.banned(host, now_us / kSecond) && !groups.contains(book_.group(host)) &&
               (address.services & kServiceOtherFork) == 0 && (address.services & kServiceWitness) != 0;
    };
    const std::int64_t now_s = now_us / kSecond;
    while (!options_.anchors.empty()) {
        const PeerAddress anchor = options_.anchors.back();
        options_.anchors.pop_back();
        if (!wanted(anchor)) continue;
        log_.debug("Trying to make an anchor connection to {}", anchor.endpoint.to_string());
        book_.on_attempt(anchor.endpoint, !groups.empty(), now_s);
        out.dials.push_back(make("", anchor.endpoint, ConnectionType::block_relay_only, options_.v2 && (anchor.services & kServiceP2pV2) != 0, now_us));
        return;
    }
    const std::set<NetworkId> networks(options_.reachable.begin(), options_.reachable.end());
    std::optional<PeerAddress> chosen;
    for (int tries = 0; tries < kSelectTries && !chosen; ++tries) {
        const auto choice = book_.select(false, networks, now_s);
        if (!choice) return;
        if (tries < kTriesForRested && now_s - choice->last_try_s < kRest_s) continue;  // was tried a moment ago
        if (tries < kTriesForGoodPorts && choice->address.endpoint.address.is_ip() && is_bad_port(choice->address.endpoint.port)) continue;
        if (wanted(choice->address)) chosen = choice->address;
    }
    if (!chosen) return;
    book_.on_attempt(chosen->endpoint, !groups.empty(), now_s);
    out.dials.push_back(make("", chosen->endpoint, type, options_.v2 && (chosen->services & kServiceP2pV2) != 0, now_us));
}

Dialer::Output Dialer::on_tick(const DialState& state, std::int64_t now_us) {
    Output out;
    dial_named(added_, kAddedRetry_us, state, now_us, out);
    fill_book(state, now_us, out);
    if (options_.connect_given) {
        dial_named(connect_, kConnectRetry_us, state, now_us, out);
        return out;
    }
    if (pending_.size() < limits::kMaxPendingDials) dial_automatic(state, now_us, out);
    return out;
}

void Dialer::on_resolved(const ResolveAction& question, const std::vector<NetAddress>& addresses, std::int64_t now_us) {
    bootstrap_.on_resolved(question.seed, addresses, options_.default_port, now_us);
}

}  // namespace cairn::net
