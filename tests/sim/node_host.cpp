#include "tests/sim/node_host.hpp"

#include <cstdio>

#include "net/wire/limits.hpp"
#include "tests/sim/heap.hpp"

namespace cairn::sim {

NodeHost::Live::Live(NodeHost& host, net::EngineOptions engine_options, node::FullRole::Options role_options, net::Random random)
    : full(host.chain_, *host.params_, role_options), role(full, host.options_.lie), engine(std::move(engine_options), role, std::move(random)) {
    role.attach([this](std::function<void()> task) {
        task();
        dirty = true;
    });
    engine.log().set_debug_wanted(host.options_.trace);
    engine.log().set_compact_wanted(host.options_.trace);
}

NodeHost::Live::~Live() { role.detach(); }

NodeHost::NodeHost(World& world, ChainParamsPtr params, SimChain::Shared& shared, const net::Endpoint& endpoint, Options options)
    : world_(world), params_(params), options_(std::move(options)), chain_(params, shared, [&world] { return world.now_s(); }), rng_(options_.seed) {
    address = endpoint;
    world.add(*this);
}

void NodeHost::start() {
    if (live_) return;
    const heap::As mine(id + 1);
    ++incarnation;
    net::EngineOptions engine = options_.engine;
    engine.dialer.anchors = std::exchange(anchors_, {});
    if (!behind_nat) engine.local_addresses.add(address, net::LocalAddresses::from_bind);
    node::FullRole::Options role;
    role.minimum_chain_work = options_.minimum_chain_work;
    role.seed = net::Random::from_number(rng_.next()).uint256();
    live_ = std::make_unique<Live>(*this, std::move(engine), role, net::Random::from_number(rng_.next()));
    if (!peers_file_.empty()) (void)live_->engine.addresses().deserialize(peers_file_);
    bytes_at_start_ = heap_bytes();
    started_us_ = world_.now_us();
    filled_us_ = 0;
    seen_tip_ = nullptr;
    observe();
    world_.wake(*this, rng_.between(0, options_.tick_us));
}

void NodeHost::stop(bool orderly) {
    if (!live_) return;
    ++incarnation;
    if (orderly) anchors_ = live_->engine.anchors();
    peers_file_ = live_->engine.addresses().serialize();
    const auto ends = live_->ends;
    live_.reset();
    for (const auto& [peer, end] : ends) world_.close(end);
}

void NodeHost::break_connection(net::PeerId peer) {
    if (const auto found = live_->ends.find(peer); found != live_->ends.end()) world_.break_link(found->second.link);
}

void NodeHost::mine(Rng& rng) {
    const heap::As mine(id + 1);
    chain_.mine(rng);
    act();
}

std::int64_t NodeHost::heap_bytes() const { return heap::held(id + 1); }

void NodeHost::watch(const BlockHash& block) {
    watched_ = block;
    got_us_.reset();
    seen_tip_ = nullptr;
    if (live_) observe();
}

/// Notes what the scenarios want to know.
void NodeHost::observe() {
    if (filled_us_ == 0 && live_->role.ready(net::ConnectionType::outbound_full_relay) >= net::limits::kFullRelayOutbound) filled_us_ = world_.now_us();
    if (chain_.tip() == seen_tip_) return;
    seen_tip_ = chain_.tip();
    if (!watched_ || got_us_) return;
    const HeaderNode* node = chain_.headers().find(*watched_);
    if (node && seen_tip_->ancestor(node->height) == node) got_us_ = world_.now_us();
}

// --- what sockets say

void NodeHost::bind(End end, net::PeerId peer) {
    live_->ends[peer] = end;
    live_->peers[key(end)] = peer;
}

bool NodeHost::on_accepted(End end, const net::Endpoint& remote) {
    const heap::As mine(id + 1);
    const auto peer = live_->engine.on_accepted(remote, address, net::kPermitNone, false, world_.now_us());
    if (peer) bind(end, *peer);
    act();
    return peer.has_value();
}

void NodeHost::on_dialed(std::uint64_t dial, End end, const net::Endpoint& remote) {
    const heap::As mine(id + 1);
    const auto peer = live_->engine.on_dialed(dial, remote, address, world_.now_us());
    if (peer)
        bind(end, *peer);
    else
        world_.close(end);
    act();
}

void NodeHost::on_dial_failed(std::uint64_t dial) {
    const heap::As mine(id + 1);
    live_->engine.on_dial_failed(dial, "connection refused", world_.now_us());
    act();
}

std::size_t NodeHost::on_bytes(End end, ByteSpan bytes) {
    if (!live_) return bytes.size();
    const auto found = live_->peers.find(key(end));
    if (found == live_->peers.end()) return bytes.size();
    const heap::As mine(id + 1);
    const std::size_t taken = live_->engine.on_bytes(found->second, bytes, world_.now_us());
    act();
    return taken;
}

void NodeHost::on_written(End end, std::size_t bytes) {
    if (!live_) return;
    const auto found = live_->peers.find(key(end));
    if (found == live_->peers.end()) return;
    const heap::As mine(id + 1);
    live_->engine.on_written(found->second, bytes, world_.now_us());
    act();
}

void NodeHost::on_closed(End end) {
    if (!live_) return;
    const auto found = live_->peers.find(key(end));
    if (found == live_->peers.end()) return;
    const heap::As mine(id + 1);
    const net::PeerId peer = found->second;
    live_->peers.erase(found);
    live_->ends.erase(peer);
    live_->engine.on_closed(peer, "socket closed", world_.now_us());
    act();
}

void NodeHost::on_wake() {
    const heap::As mine(id + 1);
    live_->engine.on_tick(world_.now_us());
    act();
    world_.wake(*this, options_.tick_us);
}

// --- what the engine wants

void NodeHost::act() {
    if (live_->acting) return;
    live_->acting = true;
    act_once();
    while (live_->dirty) {
        live_->dirty = false;
        live_->engine.on_tick(world_.now_us());
        act_once();
    }
    live_->acting = false;
    observe();
}

void NodeHost::act_once() {
    net::Engine& engine = live_->engine;
    for (auto actions = engine.take_actions(); !actions.empty(); actions = engine.take_actions()) {
        for (auto& action : actions) {
            if (auto* write = std::get_if<net::WriteAction>(&action)) {
                if (const auto end = live_->ends.find(write->peer); end != live_->ends.end()) world_.write(end->second, std::move(write->bytes));
            } else if (const auto* close = std::get_if<net::CloseAction>(&action)) {
                const auto end = live_->ends.find(close->peer);
                if (end == live_->ends.end()) continue;
                world_.close(end->second);
                live_->peers.erase(key(end->second));
                live_->ends.erase(end);
            } else if (const auto* resume = std::get_if<net::ResumeAction>(&action)) {
                if (const auto end = live_->ends.find(resume->peer); end != live_->ends.end()) world_.resume(end->second);
            } else if (const auto* dial = std::get_if<net::DialAction>(&action)) {
                if (dial->endpoint)
                    world_.dial(*this, dial->dial, *dial->endpoint);
                else
                    engine.on_dial_failed(dial->dial, "no such name", world_.now_us());
            } else if (const auto* question = std::get_if<net::ResolveAction>(&action)) {
                engine.on_resolved(*question, {}, world_.now_us());
            }
        }
    }
    for (const net::LogLine& line : engine.log().take())
        if (options_.trace)
            std::fprintf(stderr, "%12.3f host %u: %s\n", static_cast<double>(world_.now_us() - started_us_) / 1e6, id, line.text.c_str());
}

}  // namespace cairn::sim
