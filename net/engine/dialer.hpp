#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "net/core/net_port.hpp"
#include "net/core/outbox.hpp"
#include "net/core/peer_info.hpp"
#include "net/core/random.hpp"
#include "net/engine/bootstrap.hpp"
#include "net/swarm/addr_book.hpp"
#include "net/swarm/bans.hpp"
#include "net/swarm/local_addresses.hpp"

namespace cairn::net {

/// Open a connection: to `endpoint` when it is known, otherwise to whatever address `host` has.
struct DialAction {
    std::uint64_t dial = 0;
    std::optional<Endpoint> endpoint;
    std::string host;
    std::uint16_t port = 0;
    bool v2 = false;  ///< speak BIP324 on it
    bool anonymous = false;  ///< nothing may tell who we are: through Tor or a new address of I2P, or not at all
};
/// Look up a DNS seed.
struct ResolveAction {
    std::string name;
    std::string seed;  ///< whose answer it is
};

/// The connections there are, as far as it matters for making more.
struct DialState {
    struct Connection {
        std::string name;
        Endpoint address;
        ConnectionType type;
        bool ready = true;  ///< has shaken hands
    };
    std::vector<Connection> connections;
    const LocalAddresses* own = nullptr;  ///< under which we would reach ourselves
    bool initial_block_download = true;
};

/// Decides whom to call: what the operator named, and otherwise enough nodes of diverse address groups for eight full
/// and two block-relay connections, from the address book that DNS and built-in seeds fill when it is empty.
/// Owner: net thread.
class Dialer {
public:
    struct Options {
        std::uint16_t default_port = 8333;
        bool connect_given = false;             ///< dial `connect` and nobody else
        std::vector<std::string> connect;
        std::vector<std::string> add_nodes;
        std::vector<std::string> seed_nodes;
        std::vector<NetworkId> reachable{NetworkId::ipv4, NetworkId::ipv6};
        bool dns_seed = true;
        bool force_dns_seed = false;
        std::vector<std::string> dns_seeds;
        bool use_fixed_seeds = true;
        std::vector<PeerAddress> fixed_seeds;
        std::vector<PeerAddress> anchors;       ///< block-relay peers of the last run: called before anybody else
        int max_connections = 125;
        bool cjdns = false;                     ///< this host is in CJDNS
        bool names_by_proxy = false;            ///< host names are looked up by a proxy, those of seeds, too
        bool v2 = true;                         ///< BIP324 with those who offer it and those named by the operator
    };

    Dialer(Options options, Random& random, AddrBook& book, const Discouraged& discouraged, const BanList& bans, LogLines& log);

    struct Output {
        std::vector<DialAction> dials;
        std::vector<ResolveAction> questions;
    };
    /// What is due now.
    Output on_tick(const DialState& state, std::int64_t now_us);
    void on_resolved(const ResolveAction& question, const std::vector<NetAddress>& addresses, std::int64_t now_us);

    /// A connection wanted by hand. nullopt: it exists or is being made.
    std::optional<DialAction> dial(const std::string& node, ConnectionType type, bool v2, const DialState& state, std::int64_t now_us);
    /// Once more by v1, to somebody who hung up on v2.
    DialAction redial(const std::string& name, const Endpoint& endpoint, ConnectionType type, std::int64_t now_us) {
        return make(name, endpoint.address.is_valid() ? std::optional(endpoint) : std::nullopt, type, false, now_us);
    }

    /// What a dial was for; forgets it.
    struct Pending {
        std::string name;   ///< as the operator wrote it; empty when we chose the address
        std::optional<Endpoint> endpoint;
        ConnectionType type = ConnectionType::outbound_full_relay;
        std::int64_t since_us = 0;
        bool v2 = false;
    };
    std::optional<Pending> finish(std::uint64_t dial);

    bool add_node(const std::string& node, bool v2);
    bool remove_node(const std::string& node);
    struct Named {
        std::string node;
        bool v2 = false;
    };
    const std::vector<Named>& added() const { return added_; }
    /// Connections that being made count against the limit of their type, too.
    int pending(ConnectionType type) const;
    /// Somebody of this name or address is being called.
    bool dialing(const std::string& node) const { return known(node, {}); }
    bool reachable(const NetAddress& address) const { return reachable(address.network()); }
    bool reachable(NetworkId network) const;
    void set_reachable(NetworkId network);
    /// The address that the operator means; nullopt: it is a name.
    std::optional<Endpoint> parse(const std::string& node) const;
    /// Forgets what is being dialled (the network was switched off).
    void clear() { pending_.clear(); }

private:
    DialAction make(const std::string& name, std::optional<Endpoint> endpoint, ConnectionType type, bool v2, std::int64_t now_us);
    bool known(const std::string& node, const DialState& state) const;
    void dial_named(const std::vector<Named>& nodes, std::int64_t retry_us, const DialState& state, std::int64_t now_us, Output& out);
    void dial_automatic(const DialState& state, std::int64_t now_us, Output& out);
    void fill_book(const DialState& state, std::int64_t now_us, Output& out);
    static Bootstrap::Options bootstrap_options(const Options& options);

    Options options_;
    Random& random_;
    AddrBook& book_;
    const Discouraged& discouraged_;
    const BanList& bans_;
    LogLines& log_;
    std::vector<Named> added_, connect_;
    std::unordered_map<std::uint64_t, Pending> pending_;
    std::unordered_map<std::string, std::int64_t> next_try_us_;
    std::uint64_t next_dial_ = 1;
    std::int64_t next_automatic_us_ = 0;
    Bootstrap bootstrap_;
    std::vector<std::string> fetches_;  ///< to be called for addresses when there is room
};

}  // namespace cairn::net
