#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "consensus/base/result.hpp"
#include "consensus/base/uint256.hpp"
#include "net/core/upload_target.hpp"

namespace cairn::net {

using PeerId = std::int64_t;

enum class ConnectionType { inbound, outbound_full_relay, manual, feeler, block_relay_only, addr_fetch, private_broadcast, lan };

/// What getpeerinfo says of one peer. Times are seconds since 1970, 0 for never.
struct PeerSnapshot {
    PeerId id = 0;
    std::string address;        ///< ip:port, or the name that was dialled
    std::string bind_address;   ///< our end
    std::string local_address;  ///< how the peer names us; empty when it did not
    std::string network;        ///< ipv4 ipv6 onion i2p cjdns not_publicly_routable
    std::uint32_t mapped_as = 0;  ///< its autonomous system, where there is a map
    std::uint64_t services = 0;
    bool relay_transactions = false;
    std::int64_t last_send = 0, last_receive = 0, last_transaction = 0, last_block = 0, connected = 0;
    std::uint64_t bytes_sent = 0, bytes_received = 0;
    std::int64_t time_offset = 0;
    std::optional<std::int64_t> ping_us, min_ping_us, ping_wait_us;
    std::int32_t version = 0;
    std::string user_agent;
    bool inbound = false;
    bool hb_to = false, hb_from = false;
    std::int32_t starting_height = -1, presynced_headers = -1, synced_headers = -1, synced_blocks = -1;
    std::vector<std::int32_t> inflight_heights;
    std::uint64_t unconnecting_headers = 0;  ///< announcements in a row that build on nothing we know; 0 while there are few
    bool addr_relay_enabled = false;
    std::uint64_t addr_processed = 0, addr_rate_limited = 0;
    std::vector<std::string> permissions;
    std::int64_t min_fee_filter = 0;  ///< satoshis per kvB
    std::uint64_t last_inv_sequence = 0;  ///< of the mempool at our last announcement
    std::uint64_t inv_to_send = 0;        ///< transactions waiting to be announced
    std::map<std::string, std::uint64_t> bytes_sent_per_message, bytes_received_per_message;
    ConnectionType type = ConnectionType::inbound;
    std::string transport = "v1";  ///< detecting, v1, v2
    std::string session_id;
};

struct AddedNode {
    std::string node;
    bool connected = false;
    std::string address;  ///< of the connection
    bool inbound = false;
};

struct LocalAddress {
    std::string address;
    std::uint16_t port = 0;
    int score = 0;
};

/// What can be done with one kind of address.
struct NetworkState {
    std::string name;        ///< ipv4 ipv6 onion i2p cjdns
    bool reachable = false;
    std::string proxy;       ///< empty: none
    bool proxy_randomizes = false;  ///< every connection through it has credentials of its own
};

/// What the two ways to find peers without any server are doing; times are seconds since 1970.
struct DiscoveryState {
    struct Neighbour {
        std::string name;      ///< that it gave itself
        std::string address;
        std::string interface;
        std::int64_t since = 0;
        bool connected = false;
    };
    bool lan = false;                      ///< services of the local network are asked for
    std::string lan_name;                  ///< ours
    bool lan_announced = false;            ///< others have been told of us
    std::vector<std::string> lan_interfaces;
    std::vector<Neighbour> lan_peers;
    std::uint64_t lan_sent = 0, lan_received = 0, lan_malformed = 0, lan_rate_limited = 0;  ///< packets

    bool dht = false;                      ///< we are in the hash table
    std::uint16_t dht_port = 0;
    std::string dht_id;                    ///< under which nodes of this chain are found
    int dht_good = 0, dht_dubious = 0;     ///< nodes of the table
    std::uint64_t dht_searches = 0, dht_announced = 0, dht_found = 0, dht_sent = 0, dht_received = 0;
    std::uint64_t dht_passed = 0, dht_refused = 0;  ///< finds that went to the address book, and that did not
};

/// A picture of all connections.
struct NetView {
    std::vector<PeerSnapshot> peers;
    std::uint64_t total_sent = 0, total_received = 0;
    UploadState upload;  ///< -maxuploadtarget
    bool active = true;  ///< setnetworkactive
    std::uint64_t local_services = 0;
    std::vector<LocalAddress> local_addresses;
    std::vector<NetworkState> networks;
    std::int64_t time_offset = 0;       ///< seconds that the clocks of most outbound peers are ahead of ours
    int inbound_limit = 0;
    DiscoveryState discovery;
};

/// A network that the operator banned; times are seconds since 1970.
struct Ban {
    std::string subnet;  ///< "1.2.3.4/32", "10.0.0.0/8", "2001:db8::/32", or an overlay's address
    std::int64_t created = 0, until = 0;
};
enum class BanError { bad_subnet, already_banned, not_banned };

/// An address of the book.
struct KnownAddress {
    std::string address;
    std::uint16_t port = 0;
    std::uint64_t services = 0;
    std::int64_t time = 0;
    std::string network;
};
/// Where an address stands in the book's tables.
struct BookPlace {
    int bucket = 0, position = 0;
    KnownAddress address;
    std::string source, source_network;
    std::uint32_t system = 0, source_system = 0;  ///< autonomous systems; 0: not known
};
struct BookCount {
    std::string network;  ///< empty: all of them
    std::size_t in_new = 0, in_tried = 0;
};
enum class AddAddressResult { added, bad_address, not_added_to_new, not_added_to_tried };

enum class NodeCommandError { already_added, not_added, not_connected, no_capacity, network_inactive, bad_address, self };

/// The network as RPC sees it. Thread: any; each call may wait a moment for the net thread.
class NetPort {
public:
    virtual ~NetPort() = default;

    virtual std::shared_ptr<const NetView> view() const = 0;
    virtual Result<void, NodeCommandError> add_node(const std::string& node, bool v2) = 0;
    virtual Result<void, NodeCommandError> remove_node(const std::string& node) = 0;
    /// Dials once, without keeping it.
    virtual Result<void, NodeCommandError> try_node(const std::string& node, bool v2) = 0;
    virtual std::vector<AddedNode> added_nodes() const = 0;
    virtual Result<void, NodeCommandError> disconnect(PeerId id) = 0;
    virtual Result<void, NodeCommandError> disconnect(const std::string& address) = 0;
    virtual void set_active(bool active) = 0;
    virtual void ping_all() = 0;
    /// Regtest only: opens an outbound connection of the given type (for tests).
    virtual Result<void, NodeCommandError> add_connection(const std::string& address, ConnectionType type, bool v2) = 0;
    // --- bans
    virtual std::vector<Ban> bans() const = 0;
    /// Bans a network (`subnet` in Ban's forms, the number of bits may be left out) and drops its peers.
    virtual Result<void, BanError> ban(const Ban& ban) = 0;
    virtual Result<void, BanError> unban(const std::string& subnet) = 0;
    virtual void clear_bans() = 0;

    // --- the address book
    /// A random share of what may be of use to others; 0: all of it. `network`: "ipv4" and so on, empty for any.
    virtual std::vector<KnownAddress> addresses(std::size_t count, const std::string& network) const = 0;
    virtual std::vector<BookCount> address_counts() const = 0;
    virtual std::vector<BookPlace> address_places(bool tried) const = 0;
    /// For tests: as if the address had announced itself, and had answered us when `tried`.
    virtual AddAddressResult add_address(const std::string& address, std::uint16_t port, bool tried) = 0;

    /// Sends a message of any bytes (for tests). `command` has at most 12 characters.
    virtual Result<void, NodeCommandError> send_message(PeerId id, const std::string& command, std::vector<std::uint8_t> payload) = 0;
};

}  // namespace cairn::net
