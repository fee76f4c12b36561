#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <filesystem>
#include <thread>
#include <unordered_map>

#include "net/engine/engine.hpp"
#include "net/io/clock.hpp"
#include "net/io/detail/dht_link.hpp"
#include "net/io/detail/i2p_session.hpp"
#include "net/io/detail/lan_link.hpp"
#include "net/io/detail/parse_options.hpp"
#include "net/io/detail/port_mapper.hpp"
#include "net/io/detail/tor_link.hpp"

namespace cairn::net::detail {

using tcp = asio::ip::tcp;

/// Sockets and timers around the engine: carries bytes and time in, actions out.
/// Owner: net thread, except construct, listen and io().
class Reactor {
public:
    struct Options {
        int timeout_ms = 5000;
        std::string client_name;
        bool name_lookup = true;
        std::filesystem::path peers_file;  ///< the address book is saved here now and then; empty: never
        ProxyPlan proxies;
        bool log_ips = false;
        std::optional<I2pSession::Options> i2p_accept;  ///< take connections of I2P under a lasting address
        std::optional<TorLink::Options> tor;            ///< have an onion service
        std::optional<PortMapper::Options> port_map;    ///< have the router forward our port
        std::optional<LanLink::Options> lan;            ///< find nodes on the local network
        std::optional<DhtLink::Options> dht;            ///< find nodes in the hash table
    };

    Reactor(EngineOptions engine, Role& role, const Clock& clock, Options options);
    ~Reactor();

    /// Opens the listening sockets. Errors: a text for people.
    Result<void, std::string> listen(const std::vector<Bind>& binds);
    /// Opens what discovery needs. Errors: a text for people.
    Result<void, std::string> open_discovery();
    /// Begins to accept and to tick.
    void start();
    /// Closes everything; after that run() of the io_context returns.
    void stop();

    asio::io_context& io() { return io_; }
    Engine& engine() { return engine_; }
    /// Carries out what the engine wants after any call of it.
    void act();
    /// Ticks once soon, however often it is asked.
    void tick_soon();
    std::int64_t now_us() const { return clock_.now_us(); }
    /// What can be reached, and how.
    std::vector<NetworkState> networks() const;
    DiscoveryState discovery() const;
    /// The anchors of the moment in which stop() was called.
    const std::vector<PeerAddress>& anchors_at_end() const { return anchors_at_end_; }

private:
    struct Listener {
        tcp::acceptor socket;
        std::uint32_t permissions;
        bool onion;
        explicit Listener(asio::io_context& io, const Bind& bind) : socket(io), permissions(bind.permissions), onion(bind.onion) {}
    };
    struct Connection {
        Connection(StreamSocket given, std::shared_ptr<I2pSession> own_session) : socket(std::move(given)), session(std::move(own_session)) {}
        ~Connection() {
            if (session) session->stop();
        }
        StreamSocket socket;
        std::shared_ptr<I2pSession> session;  ///< that was made for this connection alone
        Bytes leftover;              ///< read, but the engine does not want it yet
        std::deque<Bytes> outgoing;
        std::size_t written = 0;     ///< of the first one
        bool waiting_to_write = false;
        bool waiting_to_read = false;
        bool closed = false;
    };
    using ConnectionPtr = std::shared_ptr<Connection>;
    struct Dialing;

    void accept(std::size_t listener);
    void adopt(PeerId id, StreamSocket socket, Bytes leftover = {}, std::shared_ptr<I2pSession> session = nullptr);
    void wait_readable(PeerId id, const ConnectionPtr& connection);
    void on_readable(PeerId id, const ConnectionPtr& connection);
    bool feed(PeerId id, const ConnectionPtr& connection, ByteSpan bytes);
    void on_write(const WriteAction& action, Bytes head, Bytes body);
    void write(PeerId id, const ConnectionPtr& connection);
    void resume(PeerId id);
    void close(PeerId id);
    void dial(const DialAction& action);
    void dial_through(const std::shared_ptr<Dialing>& dialing, const ProxyAddress& proxy, const std::string& host, std::uint16_t port);
    void on_proxied(const std::shared_ptr<Dialing>& dialing, bool reached);
    void dial_i2p(const std::shared_ptr<Dialing>& dialing);
    void look_up(const std::shared_ptr<Dialing>& dialing, const std::string& host, std::uint16_t port);
    void connect(const std::shared_ptr<Dialing>& dialing);
    void on_connected(const std::shared_ptr<Dialing>& dialing, const boost::system::error_code& error);
    void fail_soon(const std::shared_ptr<Dialing>& dialing, const std::string& reason);
    void on_dial_failed(const std::shared_ptr<Dialing>& dialing, const std::string& reason, bool peer_failed = true);
    void resolve(const ResolveAction& action);
    void start_helpers();
    void stop_helpers();
    void start_discovery();
    void set_local(const Endpoint& endpoint, bool present, int score);
    void schedule_tick();
    void write_log();
    static void write_log(LogLines& lines);
    void save_peers();

    asio::io_context io_{1};
    const Clock& clock_;
    Options options_;
    Engine engine_;
    std::vector<std::unique_ptr<Listener>> listeners_;
    std::unordered_map<PeerId, ConnectionPtr> connections_;
    std::unordered_map<std::uint64_t, std::shared_ptr<Dialing>> dialing_;
    asio::steady_timer timer_;
    tcp::resolver resolver_;
    std::shared_ptr<I2pSession> i2p_;                      ///< under whose address we can be reached
    std::vector<std::shared_ptr<I2pSession>> spare_i2p_;   ///< made for a connection that then failed
    std::shared_ptr<TorLink> tor_;
    std::shared_ptr<PortMapper> port_mapper_;
    std::shared_ptr<LanLink> lan_;
    std::shared_ptr<DhtLink> dht_;
    std::string isolation_prefix_;
    std::uint64_t isolation_counter_ = 0;
    Bytes buffer_;
    std::vector<PeerAddress> anchors_at_end_;
    std::chrono::steady_clock::time_point next_save_ = std::chrono::steady_clock::now();
    std::thread saver_;
    std::atomic<bool> saving_{false};
    bool acting_ = false, stopped_ = false;
    std::atomic<bool> tick_queued_{false};
};

}  // namespace cairn::net::detail
