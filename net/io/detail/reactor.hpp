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
#include "net/io/detail/parse_options.hpp"

namespace cairn::net::detail {

namespace asio = boost::asio;
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
    };

    Reactor(EngineOptions engine, Role& role, const Clock& clock, Options options);
    ~Reactor();

    /// Opens the listening sockets. Errors: a text for people.
    Result<void, std::string> listen(const std::vector<Bind>& binds);
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
        explicit Connection(tcp::socket given) : socket(std::move(given)) {}
        tcp::socket socket;
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
    void adopt(PeerId id, tcp::socket socket);
    void wait_readable(PeerId id, const ConnectionPtr& connection);
    void on_readable(PeerId id, const ConnectionPtr& connection);
    bool feed(PeerId id, const ConnectionPtr& connection, ByteSpan bytes);
    void on_write(const WriteAction& action, Bytes head, Bytes body);
    void write(PeerId id, const ConnectionPtr& connection);
    void resume(PeerId id);
    void close(PeerId id);
    void dial(const DialAction& action);
    void connect(const std::shared_ptr<Dialing>& dialing);
    void on_connected(const std::shared_ptr<Dialing>& dialing, const boost::system::error_code& error);
    void resolve(const ResolveAction& action);
    void schedule_tick();
    void write_log();
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
    Bytes buffer_;
    std::vector<PeerAddress> anchors_at_end_;
    std::chrono::steady_clock::time_point next_save_ = std::chrono::steady_clock::now();
    std::thread saver_;
    std::atomic<bool> saving_{false};
    bool acting_ = false, stopped_ = false;
    std::atomic<bool> tick_queued_{false};
};

}  // namespace cairn::net::detail
