#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "net/core/net_port.hpp"
#include "net/core/outbox.hpp"
#include "net/core/peer_info.hpp"
#include "net/core/random.hpp"
#include "net/engine/bootstrap.hpp"
#include "net/engine/connection_limits.hpp"
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
        bool added = false; ///< made because the operator added the node
    };
    std::vector<Connection> connections;
    const LocalAddresses* own = nullptr;  ///< under which we would reach ourselves
    bool initial_block_download = true;
    bool extra_full_relay = false;   ///< one peer above the number is wanted (OutboundCare)
    bool extra_block_relay = false;  ///< short-lived peers above the number are of use (OutboundCare)
    /// True for services that a peer must offer to be called; empty: witnesses are enough.
    std::function<bool(std::uint64_t services, std::int64_t now_us)> useful;
};

/// Decides whom to call: what the operator named, and otherwise nodes of the address book, which DNS and built-in seeds
/// fill when it is empty.
///
/// Automatic connections, the first of these that is wanting, one call every half second:
///   the anchors of the last run, block relay only
///   eight full-relay and then two block-relay peers (fewer when -maxconnections is small), of IPv4 and IPv6 no two of one
///   address group; onion, I2P and CJDNS addresses have no groups that mean anything
///   a full-relay peer above the number when the tip is old
///   every five minutes or so a block-relay peer above the number, to hear of headers from ever new nodes
///   every two minutes or so a feeler: an address that somebody's place in the book hangs on, or one that was never tried
///   every five minutes or so a full-relay peer above the number, of a network that we could reach and have nobody of
/// What is above the number shares one slot with feelers and calls for addresses. OutboundCare makes room again.
/// Source: the behaviour of Bitcoin Core (ThreadOpenConnections).
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
        /// Where neither Tor nor I2P is to be had, connections for private broadcast are made like all others; with `connect_given`
        /// to those nodes, and where these are host names alone and no proxy looks them up, in the open anyway.
        bool private_in_the_open = false;
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
    /// Somebody at random to broadcast to privately; the address book says nothing of it but that it was tried. `tor_works`:
    /// Tor may lead to the open Internet, too. nullopt: nobody fits now.
    std::optional<DialAction> dial_private(const DialState& state, bool tor_works, std::int64_t now_us);
    /// Once more by v1, to somebody who hung up on v2.
    DialAction redial(const std::string& name, const Endpoint& endpoint, ConnectionType type, bool added, std::int64_t now_us) {
        DialAction action = make(name, endpoint.address.is_valid() ? std::optional(endpoint) : std::nullopt, type, false, now_us);
        pending_[action.dial].added = added;
        return action;
    }

    /// What a dial was for; forgets it.
    struct Pending {
        std::string name;   ///< as the operator wrote it; empty when we chose the address
        std::optional<Endpoint> endpoint;
        ConnectionType type = ConnectionType::outbound_full_relay;
        std::int64_t since_us = 0;
        bool v2 = false;
        bool added = false;          ///< for a node that the operator added
        bool count_failure = false;  ///< a failure is held against the address: we know that we are online
    };
    std::optional<Pending> finish(std::uint64_t dial);

    bool add_node(const std::string& node, bool v2);
    bool remove_node(const std::string& node);
    struct Named {
        std::string node;
        bool v2 = false;
    };
    const std::vector<Named>& added() const { return added_; }
    /// Connections of this type that are being made.
    int pending(ConnectionType type) const;
    /// Connections of this type, those that are being made counted, too.
    int count(ConnectionType type, const DialState& state) const;
    /// Automatic outbound connections of any type, those that are being made counted, too.
    int automatic(const DialState& state) const;
    /// Somebody of this name or address is being called.
    bool dialing(const std::string& node) const { return known(node, {}); }
    bool reachable(const NetAddress& address) const { return reachable(address.network()); }
    bool reachable(NetworkId network) const;
    void set_reachable(NetworkId network);
    /// The address that the operator means; nullopt: it is a name.
    std::optional<Endpoint> parse(const std::string& node) const;
    /// Forgets what is being dialled (the network was switched off).
    void clear() {
        pending_.clear();
        feeler_.reset();
    }

private:
    /// Whom we have, as far as the choice of the next one hangs on it.
    struct Tally {
        std::set<Bytes> groups;   ///< of lasting connections in IPv4 and IPv6
        int overlay_peers = 0;    ///< lasting connections in other networks
    };
    struct Plan {
        ConnectionType type = ConnectionType::outbound_full_relay;
        bool anchor = false;
        std::optional<NetworkId> network;  ///< of this one alone
    };
    struct Feeler {
        PeerAddress address;
        std::int64_t at_us = 0;
        bool count_failure = false;
    };

    DialAction make(const std::string& name, std::optional<Endpoint> endpoint, ConnectionType type, bool v2, std::int64_t now_us);
    /// Is it called, or connected to? `private_too`: also by a connection for private broadcast, which is nobody's peer.
    bool known(const std::string& node, const DialState& state, bool private_too = true) const;
    std::vector<NetworkId> private_networks(bool tor_works) const;
    std::optional<DialAction> dial_private_named(bool tor_works, std::int64_t now_us);
    /// Connections for private broadcast go through Tor or I2P.
    bool hides_us() const { return !options_.private_in_the_open || reachable(NetworkId::onion) || reachable(NetworkId::i2p); }
    void dial_named(const std::vector<Named>& nodes, std::int64_t retry_us, const DialState& state, std::int64_t now_us, Output& out);
    void dial_automatic(const DialState& state, std::int64_t now_us, Output& out);
    void dial_feeler(const DialState& state, std::int64_t now_us, Output& out);
    DialAction make_automatic(const PeerAddress& address, ConnectionType type, bool count_failure, std::int64_t now_us);
    Tally tally(const DialState& state) const;
    std::optional<Plan> plan(const DialState& state, std::int64_t now_us);
    std::optional<NetworkId> missing_network(const DialState& state);
    std::optional<PeerAddress> choose(const Plan& plan, const Tally& tally, const DialState& state, std::int64_t now_us);
    std::optional<AddrBook::Choice> draw(const Plan& plan, const DialState& state, std::int64_t now_s);
    bool connected(const NetAddress& host, const DialState& state) const;
    bool callable(const NetAddress& host, const DialState& state, std::int64_t now_s) const;
    bool useful(const PeerAddress& address, const Plan& plan, const DialState& state, std::int64_t now_us) const;
    bool is_added(const Endpoint& endpoint) const;
    int added_connections(const DialState& state) const;
    void start_clocks(std::int64_t now_us);
    void fill_book(const DialState& state, std::int64_t now_us, Output& out);
    static Bootstrap::Options bootstrap_options(const Options& options);

    Options options_;
    ConnectionLimits limits_;
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
    std::int64_t started_us_ = 0;  ///< 0: not yet
    std::int64_t next_feeler_us_ = 0, next_extra_block_us_ = 0, next_extra_network_us_ = 0;
    std::optional<Feeler> feeler_;  ///< chosen, waits for its random moment
    std::int64_t next_private_warning_us_ = 0;
    Bootstrap bootstrap_;
    std::vector<std::string> fetches_;  ///< to be called for addresses when there is room
};

}  // namespace cairn::net
