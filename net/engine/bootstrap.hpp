#pragma once

#include <string>
#include <vector>

#include "net/core/outbox.hpp"
#include "net/core/random.hpp"
#include "net/swarm/addr_book.hpp"

namespace cairn::net {

/// Where the first addresses come from, the least telling source first: what is known from earlier runs, the nodes that
/// the operator named for this, DNS seeds a few at a time, and after a minute the built-in list.
/// Owner: net thread.
class Bootstrap {
public:
    struct Options {
        bool dns_seed = true;
        bool force_dns_seed = false;             ///< all of them, whatever is known
        std::vector<std::string> dns_seeds;
        bool names_by_proxy = false;             ///< seeds cannot be looked up here: connect to them by name
        std::vector<std::string> seed_nodes;
        bool use_fixed_seeds = true;
        std::vector<PeerAddress> fixed_seeds;
        bool connect_given = false;              ///< only named peers are dialled: nobody is asked for addresses
    };
    Bootstrap(Options options, Random& random, AddrBook& book, LogLines& log);

    struct State {
        int full_relay = 0;        ///< outbound connections of this type
        int full_relay_ready = 0;  ///< those of them that have shaken hands
        bool added_nodes = false;  ///< the operator named peers to keep
        std::vector<NetworkId> reachable;
    };
    struct Output {
        std::vector<std::string> lookups;  ///< seeds whose addresses are wanted
        std::vector<std::string> fetches;  ///< nodes to connect to for addresses
    };
    /// What is due now.
    Output on_tick(const State& state, std::int64_t now_us);
    /// The name to look up for a seed: only nodes that serve the whole chain with witnesses are wanted.
    static std::string lookup_name(const std::string& seed) { return "x9." + seed; }
    /// A seed's answer; with none it is connected to instead.
    void on_resolved(const std::string& seed, const std::vector<NetAddress>& addresses, std::uint16_t port, std::int64_t now_us);

private:
    enum class Phase { begin, seed_nodes, start, asking, waiting, answers, over };
    void ask_dns(const State& state, std::int64_t now_us, Output& out);
    void ask_next(std::int64_t now_us, Output& out);
    void ask_seed_nodes(const State& state, std::int64_t now_us, Output& out);
    void use_fixed(const State& state, std::int64_t now_us);
    void end_answers();

    Options options_;
    Random& random_;
    AddrBook& book_;
    LogLines& log_;
    const bool seed_nodes_given_;
    Phase phase_ = Phase::begin;
    std::int64_t started_us_ = 0, until_us_ = 0, check_us_ = 0, wait_us_ = 0, seed_node_us_ = 0;
    std::size_t next_seed_ = 0, seeds_now_ = 0, unanswered_ = 0, found_ = 0;
    std::vector<std::string> fetches_;  ///< wanted since the last tick
    bool started_ = false;
    bool fixed_for_empty_ = false;  ///< networks of which nobody was known had their built-in addresses
};

}  // namespace cairn::net
