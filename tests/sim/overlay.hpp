#pragma once

#include <memory>
#include <vector>

#include "tests/sim/hostile_host.hpp"
#include "tests/sim/node_host.hpp"

namespace cairn::sim {

/// A whole network: honest nodes, some of them behind NAT, liars about blocks, senders of garbage, spammers of headers. All
/// of them know a handful of hard-coded seeds and nothing else.
class Overlay {
public:
    struct Options {
        std::uint64_t seed = 1;
        std::size_t hosts = 500;          ///< all together
        double behind_nat = 0.10;         ///< honest nodes that others know only as inbound peers
        double liars = 0.10;              ///< production nodes that lie about blocks
        double garbage = 0.05;
        double header_spam = 0.05;
        double slow = 0.10;               ///< honest nodes with 20 kB/s for each connection
        double v2 = 0;                    ///< nodes that speak BIP324
        std::size_t seeds = 8;            ///< honest nodes that everybody knows
        std::int64_t start_spread_us = kMinute;
        std::int64_t latency_low_us = 50 * kMillisecond, latency_high_us = 150 * kMillisecond;
        std::int64_t tick_us = 500 * kMillisecond;
        bool churn = true;
        std::int64_t mean_uptime_us = 30 * kMinute, mean_downtime_us = 30 * kSecond;
        bool fresh_chains = true;         ///< half of the nodes have nothing but the genesis block at first
        int trace = -1;                   ///< the host whose log is shown
    };
    explicit Overlay(Options options);

    World& world() { return world_; }
    std::int64_t now_us() const { return world_.now_us(); }
    Rng& rng() { return rng_; }
    Origin& origin() { return origin_; }
    const std::vector<NodeHost*>& honest() const { return honest_; }
    const std::vector<std::unique_ptr<NodeHost>>& nodes() const { return nodes_; }
    const std::vector<std::unique_ptr<HostileHost>>& hostile() const { return hostile_; }

    void set_churn(bool on) { churning_ = on; }
    void set_tick(std::int64_t tick_us);
    /// Some honest node that is settled and where most are finds a block now; null: there is none. `among` chooses which may.
    NodeHost* mine(const std::function<bool(const NodeHost&)>& among = nullptr);

    // --- pictures
    /// Tips of the honest nodes that are settled (and of which `among` is true), each with how many have it.
    std::map<BlockHash, std::size_t> tips(const std::function<bool(const NodeHost&)>& among = nullptr) const;
    /// The one that most of them have; null hash: none is settled.
    BlockHash common_tip(const std::function<bool(const NodeHost&)>& among = nullptr) const;
    /// It runs since half a minute or longer, so that it may be asked what the others know.
    bool settled(const NodeHost& node) const { return node.running() && world_.now_us() - node.started_us() >= 30 * kSecond; }
    struct Filling {
        std::size_t honest = 0, running = 0, full_now = 0;
        std::int64_t slowest_us = 0;       ///< of those that had eight, from their start
        std::vector<const NodeHost*> late; ///< have been up for `patience` or more and never had eight
    };
    Filling filling(std::int64_t patience_us) const;
    /// Honest addresses that some honest node discourages or has banned: "host 3 discourages host 17".
    std::vector<std::string> unjust() const;
    /// The honest node with most memory a connection, beyond what it had at its start: what it knows of addresses is
    /// counted, too, its chain is not.
    struct Weight {
        std::int64_t bytes_per_peer = 0;
        HostId host = 0;
        std::size_t connections = 0;
    };
    Weight heaviest() const;

private:
    void make_hosts();
    net::EngineOptions engine_options(bool v2) const;
    void start_all();
    void churn_one();
    void break_some();

    Options options_;
    World world_;
    Rng rng_;
    Origin& origin_;
    SimChain::Shared shared_;
    std::vector<std::unique_ptr<NodeHost>> nodes_;
    std::vector<std::unique_ptr<HostileHost>> hostile_;
    std::vector<NodeHost*> honest_;
    std::unordered_map<net::NetAddress, const NodeHost*> honest_addresses_;
    std::vector<net::PeerAddress> fixed_seeds_;
    bool churning_ = true;
};

/// A routable address of its own group for each number up to some thousands.
net::Endpoint address_of(std::size_t number);

}  // namespace cairn::sim
