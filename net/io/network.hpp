#pragma once

#include <array>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "consensus/base/result.hpp"
#include "net/core/net_port.hpp"
#include "net/core/role.hpp"
#include "net/io/clock.hpp"
#include "net/io/proxies.hpp"

namespace cairn::net {

/// What the command line says about the network, as it was written; Network::start parses it.
struct NetworkOptions {
    std::array<std::uint8_t, 4> magic{};     ///< first bytes of every message
    std::uint16_t default_port = 8333;       ///< of this chain
    std::string chain = "main";              ///< main, test, testnet4, signet, regtest: picks the seed lists
    std::string user_agent = "/Satoshi:31.0.0/Cairn:0.1.0/";
    std::string client_name = "Cairn";       ///< for "is probably already running"

    std::vector<std::string> dns_seeds;      ///< names whose addresses are nodes of this chain

    bool connect_given = false;              ///< -connect or -noconnect was given: dial these and no others
    std::vector<std::string> connect;        ///< -connect
    std::vector<std::string> add_nodes;      ///< -addnode
    std::vector<std::string> seed_nodes;     ///< -seednode
    std::vector<std::string> binds;          ///< -bind, `ip[:port][=onion]`
    std::vector<std::string> white_binds;    ///< -whitebind, `[permissions@]ip:port`
    std::vector<std::string> white_lists;    ///< -whitelist, `[permissions@]ip[/bits]`
    ProxyPlan proxies;                       ///< -proxy, -onion, -i2psam, -onlynet: what plan_proxies made of them
    bool cjdns_reachable = false;            ///< -cjdnsreachable: fc00::/8 is CJDNS
    bool i2p_accept_incoming = true;         ///< -i2pacceptincoming
    bool listen_onion = false;               ///< -listenonion: ask Tor for an onion service
    bool onion_proxy_given = false;          ///< -onion was given: what Tor says about its proxy does not count
    std::string tor_control = "127.0.0.1:9051";  ///< -torcontrol
    std::string tor_password;                ///< -torpassword
    bool nat_pmp = false;                    ///< -natpmp: ask the router to forward our port
    bool lan_discovery = false;              ///< -landiscovery: find nodes on the local network and be found there
    bool dht = false;                        ///< -dht: find nodes in the hash table of BEP 5
    std::uint16_t dht_port = 0;              ///< -dhtport, of UDP; 0: that of -port
    std::vector<std::string> dht_bootstrap;  ///< -dhtbootstrap, host:port
    Uint256 genesis;                         ///< hash of the first block of the chain: by it discovery knows its own
    bool discover = true;                    ///< -discover: the addresses of this machine may be ours
    bool log_ips = false;                    ///< -logips
    std::vector<std::string> external_ips;   ///< -externalip
    bool listen = true;                      ///< -listen
    std::uint16_t port = 0;                  ///< -port; 0: default_port
    bool dns_seed = true;                    ///< -dnsseed
    bool force_dns_seed = false;             ///< -forcednsseed
    bool fixed_seeds = true;                 ///< -fixedseeds
    bool name_lookup = true;                 ///< -dns
    bool private_in_the_open = false;        ///< private broadcast does without Tor and I2P where there is none
    int max_connections = 125;               ///< -maxconnections
    int inbound_relay_percent = 50;          ///< -inboundrelaypercent
    int timeout_ms = 5000;                   ///< -timeout
    std::int64_t peer_timeout_s = 60;        ///< -peertimeout
    std::size_t max_send_buffer = 1'000'000;     ///< -maxsendbuffer in bytes
    std::size_t max_receive_buffer = 5'000'000;  ///< -maxreceivebuffer in bytes
    std::uint64_t max_upload_bytes = 0;      ///< -maxuploadtarget in bytes a day; 0: no limit
    std::vector<std::string> upload_rates;   ///< -uploadrate, see RateSchedule
    std::vector<std::string> download_rates; ///< -downloadrate
    std::int64_t ban_time_s = 86'400;        ///< -bantime
    bool active = true;                      ///< -networkactive
    bool whitelist_relay = true;             ///< -whitelistrelay
    bool whitelist_force_relay = false;      ///< -whitelistforcerelay
    bool blocks_only = false;                ///< -blocksonly
    bool tx_reconciliation = false;          ///< -txreconciliation
    bool v2_transport = true;                ///< -v2transport
    std::filesystem::path data_dir;          ///< where peers.dat and anchors.dat lie; empty: nothing is kept
    std::filesystem::path asmap;             ///< -asmap; empty: none
    bool embedded_asmap = false;             ///< -asmap without a file: the map that was built in
    bool deterministic_addresses = false;    ///< -test=addrman
    int check_addresses = 0;                 ///< -checkaddrman
    std::vector<Ban> bans;                   ///< of earlier runs
    std::function<void(const std::string&)> clock_doubted;  ///< called on the net thread, see EngineOptions; may be empty
    std::function<void(const std::vector<Ban>&)> bans_changed;  ///< called on the net thread: they are to be stored; may be empty
};

/// Runs the engine on a thread of its own, with sockets, timers and name look-ups, and answers for it as NetPort.
/// Thread: construct, start and stop on one thread; everything else from any.
class Network final : public NetPort {
public:
    /// `role` and `clock` outlive this object.
    Network(NetworkOptions options, Role& role, const Clock& clock);
    ~Network() override;
    Network(const Network&) = delete;
    Network& operator=(const Network&) = delete;

    /// Parses the options and binds the listening sockets, then starts the "net" thread.
    /// Errors: a text for people, such as "Unable to bind to 127.0.0.1:8333 on this computer. …".
    Result<void, std::string> start();
    /// Closes every connection and ends the thread. Again: does nothing.
    void stop();

    /// Runs `task` on the net thread soon; dropped when the thread does not run. Thread: any.
    void post(std::function<void()> task);
    /// Looks at every peer again soon: after the mocked time was changed, for instance. Thread: any.
    void wake();

    std::shared_ptr<const NetView> view() const override;
    Result<void, NodeCommandError> add_node(const std::string& node, bool v2) override;
    Result<void, NodeCommandError> remove_node(const std::string& node) override;
    Result<void, NodeCommandError> try_node(const std::string& node, bool v2) override;
    std::vector<AddedNode> added_nodes() const override;
    Result<void, NodeCommandError> disconnect(PeerId id) override;
    Result<void, NodeCommandError> disconnect(const std::string& address) override;
    void set_active(bool active) override;
    void ping_all() override;
    Result<void, NodeCommandError> add_connection(const std::string& address, ConnectionType type, bool v2) override;
    std::vector<Ban> bans() const override;
    Result<void, BanError> ban(const Ban& ban) override;
    Result<void, BanError> unban(const std::string& subnet) override;
    void clear_bans() override;
    std::vector<KnownAddress> addresses(std::size_t count, const std::string& network) const override;
    std::vector<BookCount> address_counts() const override;
    std::vector<BookPlace> address_places(bool tried) const override;
    AddAddressResult add_address(const std::string& address, std::uint16_t port, bool tried) override;
    Result<void, NodeCommandError> send_message(PeerId id, const std::string& command, std::vector<std::uint8_t> payload) override;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace cairn::net
