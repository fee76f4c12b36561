#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "net/core/role.hpp"
#include "net/engine/bandwidth.hpp"
#include "net/engine/dialer.hpp"
#include "net/engine/outbound_care.hpp"
#include "net/discovery/candidate_gate.hpp"
#include "net/discovery/lan_peers.hpp"
#include "net/peer/handshake.hpp"
#include "net/peer/ping.hpp"
#include "net/peer/rate_limit.hpp"
#include "net/peer/time_offsets.hpp"
#include "net/swarm/addr_book.hpp"
#include "net/swarm/address_relay.hpp"
#include "net/swarm/asmap_health.hpp"
#include "net/swarm/bans.hpp"
#include "net/swarm/eviction.hpp"
#include "net/swarm/local_addresses.hpp"
#include "net/wire/codec.hpp"
#include "net/wire/transport.hpp"

namespace cairn::net {

struct EngineOptions {
    std::array<std::uint8_t, 4> magic{};
    std::string user_agent;
    int max_connections = 125;
    int inbound_relay_percent = limits::kInboundRelayPercent;  ///< of inbound peers may want to hear of transactions
    std::int64_t peer_timeout_s = limits::kHandshakeTimeout_s;
    std::size_t max_send_buffer = 1'000'000;  ///< requests of a peer that has not read this much wait
    std::size_t max_receive_buffer = limits::kMaxDeferredBytes;  ///< so much of what waits is kept of each peer
    Bandwidth::Options bandwidth;
    bool active = true;
    bool blocks_only = false;
    bool tx_reconciliation = false;           ///< offer to reconcile transactions (BIP330)
    bool v2 = true;                           ///< take and make connections of BIP324, and say so in the services
    bool log_ips = false;                     ///< the log names the addresses of peers
    bool whitelist_relay = true;
    bool whitelist_force_relay = false;
    std::vector<WhitelistEntry> whitelist;
    LocalAddresses local_addresses;           ///< that are known at the start
    bool listen = true;                       ///< others can call us; they hear of our addresses
    bool discover = true;                     ///< believe peers a little about our own address
    std::uint16_t listen_port = 8333;
    bool cjdns = false;                       ///< this host is in CJDNS: fc00::/8 are its addresses
    std::vector<BanList::Entry> bans;
    /// Called when the list of bans changed, with the new one; it has to be stored. May be empty.
    std::function<void(const std::vector<BanList::Entry>&)> bans_changed;
    /// Called with the sentence for people when our clock begins to seem wrong, and with none when it no longer does. May be empty.
    std::function<void(const std::string&)> clock_doubted;
    NetGroups groups;
    bool deterministic_addresses = false;     ///< the address book has a known secret (tests)
    int check_addresses = 0;                  ///< see AddrBook::Options::check_ratio
    Dialer::Options dialer;
};

/// Outgoing bytes for a connection.
struct WriteAction {
    PeerId peer = 0;
    OutgoingBytes bytes;
};
/// Close the socket; nothing of this connection is reported any more.
struct CloseAction {
    PeerId peer = 0;
};
/// Reading was held up and goes on: feed what is left.
struct ResumeAction {
    PeerId peer = 0;
};
using EngineAction = std::variant<WriteAction, CloseAction, ResumeAction, DialAction, ResolveAction>;

/// The network side of a node without sockets, clocks or threads: inputs are calls that carry the time, outputs are
/// values to be taken after each call. The same code runs behind Asio and in simulations on virtual time.
///
/// What a peer asks for is answered only as fast as it reads: beyond `max_send_buffer` unread bytes its requests wait,
/// in order. All else it sends is heard meanwhile, so that two nodes whose buffers are full both ways cannot wait for
/// each other. The requests that wait are bounded: beyond the bound nothing is read while our bytes still drain, and
/// a peer that reads none of them for a minute is dropped.
/// Owner: net thread.
class Engine final : private HandshakePolicy {
public:
    /// `role` outlives this object.
    Engine(EngineOptions options, Role& role, Random random);
    ~Engine() override;

    // --- connections come and go
    /// Somebody connected. nullopt: no room or not welcome, close it.
    std::optional<PeerId> on_accepted(const Endpoint& remote, const Endpoint& local, std::uint32_t bind_permissions, bool onion,
                                      std::int64_t now_us);
    /// A DialAction succeeded. nullopt: not wanted any more, close it.
    std::optional<PeerId> on_dialed(std::uint64_t dial, const Endpoint& remote, const Endpoint& local, std::int64_t now_us);
    /// `peer_failed`: the address was tried; otherwise what stands before it (a proxy) was not to be had, and it is not to blame.
    void on_dial_failed(std::uint64_t dial, const std::string& reason, std::int64_t now_us, bool peer_failed = true);
    void on_resolved(const ResolveAction& question, const std::vector<NetAddress>& addresses, std::int64_t now_us);
    void on_closed(PeerId id, const std::string& reason, std::int64_t now_us);

    // --- discovery
    /// Who came, moved or left on the local network.
    void on_lan_events(const std::vector<LanEvent>& events, std::int64_t now_us);
    /// The name under which the local network knows us.
    void set_lan_name(std::string name) { neighbours_.set_own_name(std::move(name)); }
    /// What somebody whom anybody can tell things says where nodes are.
    void on_candidates(const std::vector<Endpoint>& found, std::int64_t now_us);
    /// Fills in what is known here.
    void describe_discovery(DiscoveryState& state) const;

    // --- bytes
    /// Gives the bytes taken; fewer than given when the peer is held up until a ResumeAction.
    std::size_t on_bytes(PeerId id, ByteSpan bytes, std::int64_t now_us);
    /// Where the next bytes of a large message may be read to directly; empty: read elsewhere and call on_bytes.
    MutableByteSpan direct_buffer(PeerId id);
    void on_direct(PeerId id, std::size_t count, std::int64_t now_us);
    /// True while the engine takes no bytes of this peer.
    bool held_up(PeerId id) const;
    void on_written(PeerId id, std::size_t bytes, std::int64_t now_us);

    // --- time and tasks
    /// To be called about ten times a second, and after tasks that others posted.
    void on_tick(std::int64_t now_us);

    // --- commands
    Result<void, NodeCommandError> add_node(const std::string& node, bool v2);
    Result<void, NodeCommandError> remove_node(const std::string& node);
    Result<void, NodeCommandError> try_node(const std::string& node, bool v2, std::int64_t now_us);
    Result<void, NodeCommandError> add_connection(const std::string& address, ConnectionType type, bool v2, std::int64_t now_us);
    Result<void, NodeCommandError> disconnect(PeerId id, std::int64_t now_us);
    Result<void, NodeCommandError> disconnect(const std::string& address, std::int64_t now_us);
    /// Sends any payload under any command of at most 12 characters, for tests.
    Result<void, NodeCommandError> send_message(PeerId id, const std::string& command, Bytes payload, std::int64_t now_us);
    std::vector<AddedNode> added_nodes() const;
    Result<void, BanError> ban(const Ban& ban, std::int64_t now_us);
    Result<void, BanError> unban(const std::string& subnet);
    void clear_bans();
    std::vector<Ban> bans(std::int64_t now_us);
    std::vector<KnownAddress> known_addresses(std::size_t count, const std::string& network, std::int64_t now_us);
    std::vector<BookCount> address_counts() const;
    std::vector<BookPlace> address_places(bool tried) const;
    AddAddressResult add_address(const std::string& address, std::uint16_t port, bool tried, std::int64_t now_us);
    /// Whom to call first after the next start: peers that only give us blocks, whom an attacker could not easily learn.
    std::vector<PeerAddress> anchors() const;
    void set_active(bool active, std::int64_t now_us);
    void ping_all();

    // --- pictures and outputs
    NetView view(std::int64_t now_us) const;
    std::vector<EngineAction> take_actions() { return std::exchange(actions_, {}); }
    LogLines& log() { return log_; }
    LocalAddresses& local_addresses() { return options_.local_addresses; }
    bool dialing(const std::string& node) const { return dialer_.dialing(node); }
    bool active() const { return active_; }
    bool reachable(NetworkId network) const { return dialer_.reachable(network); }
    /// From now on addresses of this network are dialled, too.
    void set_reachable(NetworkId network) { dialer_.set_reachable(network); }
    std::size_t peer_count() const { return peers_.size(); }
    /// The address misbehaved since the start.
    bool discourages(const NetAddress& address) const { return discouraged_.contains(address); }
    AddrBook& addresses() { return book_; }
    const AddrBook& addresses() const { return book_; }
    /// Addresses for which this is true are nobody else's business: they are neither gossiped nor taken from gossip.
    void set_secret_addresses(std::function<bool(const NetAddress&)> secret) { gossip_.set_secret(std::move(secret)); }
    const std::array<std::uint8_t, 4>& magic() const { return options_.magic; }

private:
    struct Peer;

    // HandshakePolicy
    LocalVersion local_version(const PeerInfo& peer) const override;
    bool is_own_nonce(std::uint64_t nonce) const override;
    std::uint64_t desirable_services(std::uint64_t offered, std::int64_t now_us) const override;
    bool takes_on(const PeerInfo& peer) override;
    std::string_view transport_of(const PeerInfo& peer) const override;

    Peer* find(PeerId id);
    Peer& add_peer(ConnectionType type, const Endpoint& remote, const Endpoint& local, std::uint32_t permissions, bool v2,
                   std::int64_t now_us);
    void redial_by_v1(const Peer& peer, std::int64_t now_us);
    void send_handshake(Peer& peer, std::int64_t now_us);
    void write(Peer& peer, OutgoingBytes bytes, std::int64_t now_us);
    std::uint32_t granted(std::uint32_t permissions, const NetAddress* address, bool inbound) const;
    int inbound_peers(bool tx_relay_only) const;
    bool evict_inbound(bool tx_relay_only, std::optional<PeerId> spared);
    bool has_tx_room(const PeerInfo& peer, std::string_view command, std::optional<PeerId> spared);
    void care_for_outbound(std::int64_t now_us);
    bool rejects_transactions(const PeerInfo& peer) const;

    void process(Peer& peer, Frame&& frame, std::int64_t now_us);
    void to_role(Peer& peer, Message&& message, std::int64_t now_us);
    void dispatch(Peer& peer, Message&& message, std::size_t payload_bytes, std::int64_t now_us);
    std::size_t run(Peer& peer, ByteSpan bytes, std::int64_t now_us);
    void pump(Peer& peer, std::int64_t now_us);
    bool must_wait(Peer& peer, std::int64_t now_us);
    bool role_waits(const Peer& peer, const Frame& frame) const;
    bool defers_requests(const Peer& peer) const;
    void defer(Peer& peer, Message&& message, std::size_t payload_bytes, std::int64_t now_us);
    void serve_deferred(Peer& peer, std::int64_t now_us);
    void advance(Peer& peer, std::int64_t now_us);
    void note_received(Peer& peer, std::size_t count, std::int64_t now_us);
    bool held_back(Peer& peer, std::int64_t now_us);
    bool overloads(Peer& peer, std::int64_t now_us);
    bool inactive(Peer& peer, std::int64_t now_us);

    void note_time_offset(std::int64_t seconds);
    void call_neighbours(std::int64_t now_us);

    // connections for private broadcast
    void dial_privately(std::int64_t now_us);
    bool take_private(const Dialer::Pending& pending, const Endpoint& remote);
    void on_private_failed(const Dialer::Pending& pending);
    bool may_send(const Peer& peer, std::string_view command);
    void on_private_ready(Peer& peer, std::int64_t now_us);
    void on_private_message(Peer& peer, const Message& message, std::int64_t now_us);
    void pump_private(Peer& peer, std::int64_t now_us);
    void on_private_gone(const Peer& peer);

    // outputs
    void drain(std::int64_t now_us);
    void send(Peer& peer, Message&& message, std::int64_t now_us);
    void send(Peer& peer, const std::string& command, Bytes payload, std::int64_t now_us);
    OutgoingBytes framed(Peer& peer, const std::string& command, Bytes payload);
    bool pace(Peer& peer, const std::string& command, Bytes& payload, std::int64_t now_us);
    void frame_paced(Peer& peer, std::pair<std::string, Bytes> message);
    bool write_paced(Peer& peer, std::int64_t now_us);
    void release_paced(std::int64_t now_us);
    void close(Peer& peer);
    void close(Peer& peer, const std::string& reason, LogLine::Kind kind);
    void misbehaving(Peer& peer, const std::string& reason);
    void reap(std::int64_t now_us);
    void flush(std::int64_t now_us);
    DialState dial_state() const;

    EngineOptions options_;
    Role& role_;
    Random random_;
    LogLines log_;
    Bandwidth bandwidth_;
    Outbox outbox_;
    AddrBook book_;
    Discouraged discouraged_;
    BanList bans_;
    TimeOffsets time_offsets_;
    AsmapHealth asmap_health_;
    ConnectionLimits connection_limits_;
    Dialer dialer_;
    OutboundCare care_;
    AddressRelay gossip_;
    LanPeers neighbours_;
    CandidateGate candidates_;
    std::uint64_t group_secret_;
    std::map<PeerId, std::unique_ptr<Peer>> peers_;  ///< in order of id, as getpeerinfo lists them
    std::vector<EngineAction> actions_;
    bool closing_any_ = false;
    bool pacing_any_ = false;    ///< something waits for -uploadrate
    PeerId last_paced_ = -1;     ///< had its turn
    bool tor_works_ = false;  ///< a hidden service has answered: what we take for Tor's proxy is one
    PeerId next_id_ = 0;
    std::uint64_t total_sent_ = 0, total_received_ = 0;
    bool active_;
};

}  // namespace cairn::net
