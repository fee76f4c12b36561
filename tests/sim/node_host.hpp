#pragma once

#include <map>
#include <memory>

#include "net/engine/engine.hpp"
#include "node/relay/full_role.hpp"
#include "tests/sim/sim_chain.hpp"
#include "tests/sim/sim_role.hpp"
#include "tests/sim/world.hpp"

namespace cairn::sim {

/// A node: the production engine and full role, with a chain in memory, on virtual time. It can be stopped and started
/// again with what it would find on its disk: its chain, peers.dat and anchors.
class NodeHost final : public Host {
public:
    struct Options {
        net::EngineOptions engine;       ///< seeds and all; `local_addresses` is filled in here
        BlockLie lie = BlockLie::none;
        std::uint64_t seed = 1;
        Arith256 minimum_chain_work;
        std::int64_t tick_us = 500 * kMillisecond;
        bool trace = false;              ///< log lines go to standard error
    };
    NodeHost(World& world, ChainParamsPtr params, SimChain::Shared& shared, const net::Endpoint& endpoint, Options options);
    ~NodeHost() override { stop(); }

    void start();
    /// `orderly`: its anchors are on disk, too.
    void stop(bool orderly = true);
    bool running() const { return live_ != nullptr; }
    /// How often the engine is asked what is due: behind sockets it is every 100 ms; in quiet hours seldom is enough.
    void set_tick(std::int64_t tick_us) { options_.tick_us = tick_us; }
    /// The connection is lost, for both sides.
    void break_connection(net::PeerId peer);
    void mine(Rng& rng);

    SimChain& chain() { return chain_; }
    const SimChain& chain() const { return chain_; }
    net::Engine& engine() { return live_->engine; }
    SimRole& role() { return live_->role; }
    int ready(net::ConnectionType type) const { return live_ ? live_->role.ready(type) : 0; }
    std::int64_t started_us() const { return started_us_; }
    /// When it first had eight full outbound connections since its start; 0: not yet.
    std::int64_t filled_us() const { return filled_us_; }
    /// When the block became its tip or an ancestor of it; nullopt: not yet. Only of blocks since watch().
    void watch(const BlockHash& block);
    std::optional<std::int64_t> got_us() const { return got_us_; }
    std::size_t connections() const { return live_ ? live_->ends.size() : 0; }
    /// Bytes that its code has allocated and not freed, whoever holds them.
    std::int64_t heap_bytes() const;
    /// The same without what it had before its first connection.
    std::int64_t grown_bytes() const { return heap_bytes() - bytes_at_start_; }

    // Host
    bool listening() const override { return live_ != nullptr && !behind_nat; }
    bool on_accepted(End end, const net::Endpoint& remote) override;
    void on_dialed(std::uint64_t dial, End end, const net::Endpoint& remote) override;
    void on_dial_failed(std::uint64_t dial) override;
    std::size_t on_bytes(End end, ByteSpan bytes) override;
    void on_written(End end, std::size_t bytes) override;
    void on_closed(End end) override;
    void on_wake() override;

private:
    struct Live {
        Live(NodeHost& host, net::EngineOptions engine_options, node::FullRole::Options role_options, net::Random random);
        ~Live();
        node::FullRole full;
        SimRole role;
        net::Engine engine;
        std::unordered_map<net::PeerId, End> ends;
        std::unordered_map<std::uint32_t, net::PeerId> peers;  ///< by link and side
        bool dirty = false;   ///< something was posted to the net thread
        bool acting = false;
    };
    static std::uint32_t key(End end) { return end.link * 2 + end.side; }
    void bind(End end, net::PeerId peer);
    /// Does what the engine wants done, and lets it think as often as something was posted.
    void act();
    void act_once();
    void observe();

    World& world_;
    ChainParamsPtr params_;
    Options options_;
    SimChain chain_;
    Rng rng_;
    std::unique_ptr<Live> live_;
    Bytes peers_file_;
    std::vector<net::PeerAddress> anchors_;
    std::int64_t started_us_ = 0, filled_us_ = 0;
    std::int64_t bytes_at_start_ = 0;
    const HeaderNode* seen_tip_ = nullptr;
    std::optional<BlockHash> watched_;
    std::optional<std::int64_t> got_us_;
};

}  // namespace cairn::sim
