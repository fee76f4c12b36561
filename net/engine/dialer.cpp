#include "net/engine/dialer.hpp"

#include <algorithm>

#include "net/wire/cjdns.hpp"
#include "net/wire/limits.hpp"

namespace cairn::net {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kConnectRetry_us = 5 * kSecond;       // -connect
constexpr std::int64_t kAddedRetry_us = 60 * kSecond;        // -addnode

}  // namespace

Dialer::Dialer(Options options, Random& random, AddrBook& book, const Discouraged& discouraged, const BanList& bans, LogLines& log)
    : options_(std::move(options)),
      limits_(ConnectionLimits::share(options_.max_connections)),
      random_(random),
      book_(book),
      discouraged_(discouraged),
      bans_(bans),
      log_(log),
      bootstrap_(bootstrap_options(options_), random, book, log) {
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

int Dialer::count(ConnectionType type, const DialState& state) const {
    const auto present = std::count_if(state.connections.begin(), state.connections.end(), [type](const auto& c) { return c.type == type; });
    return pending(type) + static_cast<int>(present);
}

int Dialer::automatic(const DialState& state) const {
    return count(ConnectionType::outbound_full_relay, state) + count(ConnectionType::block_relay_only, state) +
           count(ConnectionType::feeler, state) + count(ConnectionType::addr_fetch, state) + (feeler_ ? 1 : 0);
}

DialAction Dialer::make(const std::string& name, std::optional<Endpoint> endpoint, ConnectionType type, bool v2, std::int64_t now_us) {
    DialAction action;
    action.v2 = v2;
    action.anonymous = type == ConnectionType::private_broadcast;
    action.dial = next_dial_++;
    action.endpoint = endpoint;
    if (!endpoint) {
        const auto parts = split_host_port(name);
        action.host = parts ? parts->host : name;
        action.port = parts && parts->port != 0 ? parts->port : options_.default_port;
    }
    pending_[action.dial] = {name, endpoint, type, now_us, v2, false, false};
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

bool Dialer::known(const std::string& node, const DialState& state, bool private_too) const {
    const auto endpoint = parse(node);
    const auto same = [&](ConnectionType type, const std::string& name, const std::optional<Endpoint>& address) {
        if (type == ConnectionType::private_broadcast && !private_too) return false;
        return (!name.empty() && name == node) || (endpoint && address && *endpoint == *address);
    };
    for (const auto& connection : state.connections)
        if (same(connection.type, connection.name, connection.address)) return true;
    return std::any_of(pending_.begin(), pending_.end(),
                       [&](const auto& entry) { return same(entry.second.type, entry.second.name, entry.second.endpoint); });
}

std::optional<DialAction> Dialer::dial(const std::string& node, ConnectionType type, bool v2, const DialState& state, std::int64_t now_us) {
    if (known(node, state)) return std::nullopt;
    return make(node, parse(node), type, v2, now_us);
}

bool Dialer::add_node(const std::string& node, bool v2) {
    const auto endpoint = parse(node);
    const auto same = [&](const Named& named) { return named.node == node || (endpoint && parse(named.node) == endpoint); };
    if (std::any_of(added_.begin(), added_.end(), same)) return false;
    added_.push_back({node, v2});
    next_try_us_.erase(node);
    return true;
}

bool Dialer::remove_node(const std::string& node) {
    return std::erase_if(added_, [&](const Named& named) { return named.node == node; }) != 0;
}

void Dialer::dial_named(const std::vector<Named>& nodes, std::int64_t retry_us, const DialState& state, std::int64_t now_us,
                        Output& out) {
    const bool added = &nodes == &added_;
    for (const auto& [node, v2] : nodes) {
        if (pending_.size() >= limits::kMaxPendingDials || (added && added_connections(state) >= limits::kMaxManual)) return;
        std::int64_t& next = next_try_us_[node];
        if (now_us < next && next - now_us <= retry_us) continue;
        if (known(node, state, false)) continue;
        next = now_us + retry_us;
        out.dials.push_back(make(node, parse(node), ConnectionType::manual, v2, now_us));
        pending_[out.dials.back().dial].added = added;
    }
}

int Dialer::added_connections(const DialState& state) const {
    const auto pending = std::count_if(pending_.begin(), pending_.end(), [](const auto& entry) { return entry.second.added; });
    return static_cast<int>(pending + std::count_if(state.connections.begin(), state.connections.end(), [](const auto& c) { return c.added; }));
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
    while (!fetches_.empty() && pending_.size() < limits::kMaxPendingDials && automatic(state) < limits_.outbound) {
        const std::string node = std::move(fetches_.front());
        fetches_.erase(fetches_.begin());
        if (!known(node, state)) out.dials.push_back(make(node, parse(node), ConnectionType::addr_fetch, options_.v2, now_us));
    }
}

Dialer::Output Dialer::on_tick(const DialState& state, std::int64_t now_us) {
    Output out;
    dial_named(added_, kAddedRetry_us, state, now_us, out);
    fill_book(state, now_us, out);
    if (options_.connect_given) {
        dial_named(connect_, kConnectRetry_us, state, now_us, out);
        return out;
    }
    dial_automatic(state, now_us, out);
    return out;
}

void Dialer::on_resolved(const ResolveAction& question, const std::vector<NetAddress>& addresses, std::int64_t now_us) {
    bootstrap_.on_resolved(question.seed, addresses, options_.default_port, now_us);
}

}  // namespace cairn::net
