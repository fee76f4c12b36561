#include "tests/sim/overlay.hpp"

#include <algorithm>

#include <fmt/core.h>

#include "tests/sim/heap.hpp"

namespace cairn::sim {
namespace {

constexpr std::uint64_t kSlow = 20'000, kFast = 1'000'000;  // bytes a second of one connection
constexpr std::array kLies = {BlockLie::withhold, BlockLie::not_found, BlockLie::mutate, BlockLie::silent, BlockLie::late};
constexpr std::int64_t kChurnSpan = kSecond;                // between two looks at who goes down
constexpr std::size_t kCrowd = 8;                           // connections from which on memory is shared out among them
constexpr double kBreaksPerHost = 1.0 / 500;                // connections broken each second, for each host

}  // namespace

net::Endpoint address_of(std::size_t number) {
    const auto a = static_cast<std::uint32_t>(20 + number / 200), b = static_cast<std::uint32_t>(number % 200);
    return {net::NetAddress::ipv4(a << 24 | b << 16 | 1u << 8 | 7), 8333};
}

Overlay::Overlay(Options options)
    : options_(options), world_({options.seed, options.latency_low_us, options.latency_high_us}), rng_(options.seed * 2 + 1), origin_(Origin::get()) {
    for (std::size_t i = 0; i < options_.seeds; ++i)
        fixed_seeds_.push_back({address_of(i), net::kServiceNetwork | net::kServiceWitness | net::kServiceNetworkLimited, 0});
    make_hosts();
    start_all();
}

net::EngineOptions Overlay::engine_options(bool v2) const {
    net::EngineOptions options;
    options.magic = origin_.params()->magic;
    options.user_agent = "/sim/";
    options.v2 = options.dialer.v2 = v2;
    options.dialer.default_port = 8333;
    options.dialer.reachable = {net::NetworkId::ipv4};
    options.dialer.dns_seed = false;
    options.dialer.fixed_seeds = fixed_seeds_;
    return options;
}

void Overlay::make_hosts() {
    const auto share = [&](double part) { return static_cast<std::size_t>(part * static_cast<double>(options_.hosts) + 0.5); };
    const std::size_t liars = share(options_.liars), garbage = share(options_.garbage), spam = share(options_.header_spam);
    const std::size_t production = options_.hosts - garbage - spam;
    std::vector<net::Endpoint> targets;
    for (std::size_t i = 0; i < production; ++i) {
        NodeHost::Options node;
        node.engine = engine_options(rng_.chance(options_.v2));
        node.seed = rng_.next();
        node.minimum_chain_work = origin_.minimum_work();
        node.tick_us = options_.tick_us;
        node.trace = options_.trace == static_cast<int>(i);
        const bool liar = i >= production - liars;
        if (liar) node.lie = kLies[rng_.below(kLies.size())];
        nodes_.push_back(std::make_unique<NodeHost>(world_, origin_.params(), shared_, address_of(i), std::move(node)));
        NodeHost& host = *nodes_.back();
        const bool seed = i < options_.seeds;
        if (seed || liar || !options_.fresh_chains || rng_.chance(0.5)) host.chain().load(origin_.blocks());
        host.bytes_per_s = !seed && !liar && rng_.chance(options_.slow) ? kSlow : kFast;
        host.behind_nat = !seed && !liar && i < options_.seeds + share(options_.behind_nat);
        if (!host.behind_nat) targets.push_back(host.address);
        if (liar) continue;
        honest_.push_back(&host);
        honest_addresses_[host.address.address] = &host;
    }
    for (std::size_t i = 0; i < garbage + spam; ++i) {
        HostileHost::Options hostile;
        hostile.kind = i < garbage ? HostileHost::Kind::garbage : HostileHost::Kind::headers;
        hostile.targets = targets;
        hostile_.push_back(std::make_unique<HostileHost>(world_, address_of(production + i), origin_, std::move(hostile)));
    }
}

void Overlay::start_all() {
    for (const auto& node : nodes_) {
        const bool seed = node->id < options_.seeds;
        world_.after(seed ? 0 : rng_.between(0, options_.start_spread_us), [raw = node.get()] { raw->start(); });
    }
    for (const auto& host : hostile_) world_.after(rng_.between(0, options_.start_spread_us), [raw = host.get()] { raw->go(); });
    if (!options_.churn) return;
    world_.after(kChurnSpan, [this] { churn_one(); });
    world_.after(kSecond, [this] { break_some(); });
}

/// Each second every running honest node goes down by the same small chance, seeds too.
void Overlay::churn_one() {
    const double chance = static_cast<double>(kChurnSpan) / static_cast<double>(options_.mean_uptime_us);
    if (churning_) {
        for (NodeHost* node : honest_) {
            if (!rng_.chance(chance) || !node->running()) continue;
            node->stop();
            world_.after(static_cast<std::int64_t>(rng_.exponential(static_cast<double>(options_.mean_downtime_us))) + kSecond, [node] { node->start(); });
        }
    }
    world_.after(kChurnSpan, [this] { churn_one(); });
}

void Overlay::break_some() {
    if (churning_) {
        double breaks = kBreaksPerHost * static_cast<double>(options_.hosts);
        for (; breaks > 0; breaks -= 1)
            if (rng_.chance(std::min(1.0, breaks))) world_.break_one();
    }
    world_.after(kSecond, [this] { break_some(); });
}

void Overlay::set_tick(std::int64_t tick_us) {
    for (const auto& node : nodes_) node->set_tick(tick_us);
}

std::map<BlockHash, std::size_t> Overlay::tips(const std::function<bool(const NodeHost&)>& among) const {
    std::map<BlockHash, std::size_t> found;
    for (const NodeHost* node : honest_)
        if (settled(*node) && (!among || among(*node))) ++found[node->chain().tip()->hash];
    return found;
}

BlockHash Overlay::common_tip(const std::function<bool(const NodeHost&)>& among) const {
    const auto all = tips(among);
    const auto most = std::max_element(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    return most == all.end() ? BlockHash() : most->first;
}

NodeHost* Overlay::mine(const std::function<bool(const NodeHost&)>& among) {
    const BlockHash common = common_tip(among);
    std::vector<NodeHost*> able;
    for (NodeHost* node : honest_)
        if (settled(*node) && !node->chain().view()->initial_block_download && node->chain().tip()->hash == common && (!among || among(*node)))
            able.push_back(node);
    if (able.empty()) return nullptr;
    NodeHost* miner = able[rng_.below(able.size())];
    miner->mine(rng_);
    return miner;
}

Overlay::Filling Overlay::filling(std::int64_t patience_us) const {
    Filling found;
    found.honest = honest_.size();
    for (const NodeHost* node : honest_) {
        if (!node->running()) continue;
        ++found.running;
        if (node->ready(net::ConnectionType::outbound_full_relay) >= net::limits::kFullRelayOutbound) ++found.full_now;
        if (node->filled_us() != 0)
            found.slowest_us = std::max(found.slowest_us, node->filled_us() - node->started_us());
        else if (world_.now_us() - node->started_us() >= patience_us)
            found.late.push_back(node);
    }
    return found;
}

std::vector<std::string> Overlay::unjust() const {
    std::vector<std::string> found;
    for (NodeHost* judge : honest_) {
        if (!judge->running()) continue;
        for (const auto& [address, node] : honest_addresses_)
            if (judge->engine().discourages(address)) found.push_back(fmt::format("host {} discourages host {}", judge->id, node->id));
        if (!judge->engine().bans(world_.now_us()).empty()) found.push_back(fmt::format("host {} has a ban", judge->id));
    }
    std::sort(found.begin(), found.end());
    return found;
}

Overlay::Weight Overlay::heaviest() const {
    Weight most;
    for (const NodeHost* node : honest_) {
        if (!node->running() || node->connections() < kCrowd) continue;
        const std::int64_t share = node->grown_bytes() / static_cast<std::int64_t>(node->connections());
        if (share > most.bytes_per_peer) most = {share, node->id, node->connections()};
    }
    return most;
}

}  // namespace cairn::sim
