#include "net/io/detail/reactor.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>

#include "net/io/detail/asio_address.hpp"
#include "net/io/detail/peers_file.hpp"
#include "net/io/log.hpp"

namespace cairn::net::detail {
namespace {

constexpr std::size_t kReadBuffer = 64 * 1024;   // what one peer may have heard of small messages before the clock is looked at
constexpr int kReadsAtOnce = 16;      // then others have their turn,
constexpr auto kTurn = std::chrono::milliseconds(2);  // or after this
constexpr std::size_t kGather = 16;   // pieces written by one call
constexpr auto kTick = std::chrono::milliseconds(100);
constexpr auto kSavePeers = std::chrono::minutes(15);

}  // namespace

Reactor::Reactor(EngineOptions engine, Role& role, const Clock& clock, Options options)
    : clock_(clock), options_(std::move(options)), engine_(std::move(engine), role, Random::from_system()), timer_(io_), resolver_(io_), buffer_(kReadBuffer) {}

Reactor::~Reactor() {
    if (saver_.joinable()) saver_.join();
}

// --- listening

Result<void, std::string> Reactor::listen(const std::vector<Bind>& binds) {
    std::string problem;
    for (const Bind& bind : binds) {
        auto listener = std::make_unique<Listener>(io_, bind);
        const tcp::endpoint endpoint = to_asio(bind.endpoint);
        boost::system::error_code error;
        listener->socket.open(endpoint.protocol(), error);
        if (!error) listener->socket.set_option(tcp::acceptor::reuse_address(true), error);
        if (!error && endpoint.protocol() == tcp::v6()) listener->socket.set_option(asio::ip::v6_only(true), error);
        if (!error) listener->socket.bind(endpoint, error);
        if (!error) listener->socket.listen(asio::socket_base::max_listen_connections, error);
        if (error) {
            const std::string name = bind.endpoint.to_string();
            problem = error == asio::error::address_in_use
                          ? fmt::format("Unable to bind to {} on this computer. {} is probably already running.", name, options_.client_name)
                          : fmt::format("Unable to bind to {} on this computer (bind returned error {} ({}))", name, error.message(), error.value());
            log::error("{}", problem);
            if (bind.required) return fail(problem);
            continue;
        }
        listener->socket.non_blocking(true, error);
        log::info("Bound to {}", bind.endpoint.to_string());
        listeners_.push_back(std::move(listener));
    }
    if (!binds.empty() && listeners_.empty()) return fail(problem.empty() ? std::string("Failed to listen on any port. Use -listen=0 if you want this.") : problem);
    return {};
}

void Reactor::accept(std::size_t index) {
    Listener& listener = *listeners_[index];
    listener.socket.async_accept([this, index](boost::system::error_code error, tcp::socket socket) {
        if (stopped_ || error == asio::error::operation_aborted) return;
        const Listener& from = *listeners_[index];
        if (!error) {
            boost::system::error_code ignored;
            const auto remote = socket.remote_endpoint(ignored);
            const auto local = socket.local_endpoint(ignored);
            if (!ignored) {
                const auto id = engine_.on_accepted(from_asio(remote), from_asio(local), from.permissions, from.onion, now_us());
                if (id) adopt(*id, std::move(socket));
            }
            act();
        }
        accept(index);
    });
}

void Reactor::start() {
    next_save_ = std::chrono::steady_clock::now() + kSavePeers;
    for (std::size_t i = 0; i < listeners_.size(); ++i) accept(i);
    start_helpers();
    tick_soon();
    schedule_tick();
}

void Reactor::stop() {
    stopped_ = true;
    anchors_at_end_ = engine_.anchors();
    boost::system::error_code ignored;
    for (auto& listener : listeners_) listener->socket.close(ignored);
    for (auto& [id, connection] : connections_) {
        connection->closed = true;
        connection->socket.close(ignored);
    }
    connections_.clear();
    stop_helpers();
    timer_.cancel();
    resolver_.cancel();
    write_log();
    io_.stop();
}

// --- time and actions

void Reactor::schedule_tick() {
    timer_.expires_after(kTick);
    timer_.async_wait([this](boost::system::error_code error) {
        if (error || stopped_) return;
        engine_.log().set_debug_wanted(log::enabled(log::Category::net, log::Level::debug));
        engine_.log().set_compact_wanted(log::enabled(log::Category::cmpctblock, log::Level::debug));
        engine_.log().set_private_wanted(log::enabled(log::Category::privatebroadcast, log::Level::debug));
        engine_.on_tick(now_us());
        act();
        save_peers();
        schedule_tick();
    });
}

void Reactor::tick_soon() {
    if (tick_queued_.exchange(true)) return;
    asio::post(io_, [this] {
        tick_queued_ = false;
        if (stopped_) return;
        engine_.on_tick(now_us());
        act();
    });
}

/// The address book goes to disk now and then, on a thread that may wait for the disk.
void Reactor::save_peers() {
    if (options_.peers_file.empty() || std::chrono::steady_clock::now() < next_save_ || saving_) return;
    next_save_ = std::chrono::steady_clock::now() + kSavePeers;
    if (saver_.joinable()) saver_.join();
    saving_ = true;
    saver_ = std::thread([this, bytes = peers_file_bytes(engine_.magic(), engine_.addresses())] {
        if (auto saved = replace_file(options_.peers_file, bytes); !saved) log::error("{}", saved.error());
        saving_ = false;
    });
}

void Reactor::write_log() { write_log(engine_.log()); }

void Reactor::write_log(LogLines& lines) {
    for (LogLine& line : lines.take()) {
        switch (line.kind) {
            case LogLine::Kind::debug: log::debug(log::Category::net, "{}", line.text); break;
            case LogLine::Kind::validation_debug: log::debug(log::Category::validation, "{}", line.text); break;
            case LogLine::Kind::compact_debug: log::debug(log::Category::cmpctblock, "{}", line.text); break;
            case LogLine::Kind::private_debug: log::debug(log::Category::privatebroadcast, "{}", line.text); break;
            case LogLine::Kind::info: log::info("{}", line.text); break;
            case LogLine::Kind::warning: log::warning("{}", line.text); break;
            case LogLine::Kind::error: log::error("{}", line.text); break;
        }
    }
}

void Reactor::act() {
    if (acting_) return;
    acting_ = true;
    write_log();
    while (!stopped_) {
        auto actions = engine_.take_actions();
        if (actions.empty()) break;
        for (EngineAction& action : actions) {
            if (auto* writing = std::get_if<WriteAction>(&action))
                on_write(*writing, std::move(writing->bytes.head), std::move(writing->bytes.body));
            else if (const auto* closing = std::get_if<CloseAction>(&action))
                close(closing->peer);
            else if (const auto* resuming = std::get_if<ResumeAction>(&action))
                resume(resuming->peer);
            else if (const auto* dialing = std::get_if<DialAction>(&action))
                dial(*dialing);
            else if (const auto* question = std::get_if<ResolveAction>(&action))
                resolve(*question);
        }
        write_log();
    }
    acting_ = false;
}

// --- reading

void Reactor::adopt(PeerId id, StreamSocket socket, Bytes leftover, std::shared_ptr<I2pSession> session) {
    boost::system::error_code ignored;
    socket.non_blocking(true, ignored);
    socket.set_option(tcp::no_delay(true), ignored);
    auto connection = std::make_shared<Connection>(std::move(socket), std::move(session));
    connections_[id] = connection;
    connection->leftover = std::move(leftover);
    if (connection->leftover.empty()) wait_readable(id, connection);
    else resume(id);
}

void Reactor::wait_readable(PeerId id, const ConnectionPtr& connection) {
    if (connection->waiting_to_read || connection->closed) return;
    connection->waiting_to_read = true;
    connection->socket.async_wait(asio::socket_base::wait_read, [this, id, connection](boost::system::error_code error) {
        connection->waiting_to_read = false;
        if (error || stopped_ || connection->closed) return;
        on_readable(id, connection);
        act();
    });
}

/// False when the engine wants no more for now; what it did not take is kept.
bool Reactor::feed(PeerId id, const ConnectionPtr& connection, ByteSpan bytes) {
    const std::size_t taken = engine_.on_bytes(id, bytes, now_us());
    if (taken < bytes.size()) connection->leftover.assign(bytes.begin() + static_cast<std::ptrdiff_t>(taken), bytes.end());
    return taken == bytes.size() && !engine_.held_up(id);
}

void Reactor::on_readable(PeerId id, const ConnectionPtr& connection) {
    const auto end = std::chrono::steady_clock::now() + kTurn;
    for (int i = 0; i < kReadsAtOnce && !connection->closed && (i == 0 || std::chrono::steady_clock::now() < end); ++i) {
        const MutableByteSpan direct = engine_.direct_buffer(id);
        boost::system::error_code error;
        const asio::mutable_buffer target = direct.empty() ? asio::buffer(buffer_) : asio::buffer(direct.data(), direct.size());
        const std::size_t count = connection->socket.read_some(target, error);
        if (error == asio::error::would_block || error == asio::error::try_again) break;
        if (error == asio::error::interrupted) continue;
        if (error || count == 0) {
            engine_.on_closed(id, error == asio::error::eof ? "socket closed" : "socket recv error: " + error.message(), now_us());
            act();
            return;
        }
        if (!direct.empty()) {
            engine_.on_direct(id, count, now_us());
            if (engine_.held_up(id)) return;
        } else if (!feed(id, connection, ByteSpan(buffer_).first(count))) {
            return;  // goes on with a ResumeAction
        }
        act();
        if (count < target.size() && direct.empty()) break;
    }
    if (!connection->closed) wait_readable(id, connection);
}

void Reactor::resume(PeerId id) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    const ConnectionPtr connection = found->second;
    const Bytes bytes = std::exchange(connection->leftover, {});
    if (feed(id, connection, bytes)) wait_readable(id, connection);
}

// --- writing

void Reactor::on_write(const WriteAction& action, Bytes head, Bytes body) {
    const auto found = connections_.find(action.peer);
    if (found == connections_.end()) return;
    const ConnectionPtr connection = found->second;
    connection->outgoing.push_back(std::move(head));
    if (!body.empty()) connection->outgoing.push_back(std::move(body));
    if (!connection->waiting_to_write) write(action.peer, connection);
}

void Reactor::write(PeerId id, const ConnectionPtr& connection) {
    while (!connection->outgoing.empty() && !connection->closed) {
        std::vector<asio::const_buffer> pieces;
        for (std::size_t i = 0; i < connection->outgoing.size() && i < kGather; ++i) {
            const Bytes& piece = connection->outgoing[i];
            const std::size_t skip = i == 0 ? connection->written : 0;
            pieces.emplace_back(piece.data() + skip, piece.size() - skip);
        }
        boost::system::error_code error;
        const std::size_t count = connection->socket.write_some(pieces, error);
        if (error == asio::error::would_block || error == asio::error::try_again) {
            connection->waiting_to_write = true;
            connection->socket.async_wait(asio::socket_base::wait_write, [this, id, connection](boost::system::error_code failed) {
                connection->waiting_to_write = false;
                if (failed || stopped_ || connection->closed) return;
                write(id, connection);
                act();
            });
            return;
        }
        if (error) {
            engine_.on_closed(id, "socket send error: " + error.message(), now_us());
            return;
        }
        connection->written += count;
        while (!connection->outgoing.empty() && connection->written >= connection->outgoing.front().size()) {
            connection->written -= connection->outgoing.front().size();
            connection->outgoing.pop_front();
        }
        engine_.on_written(id, count, now_us());
    }
}

void Reactor::close(PeerId id) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    const ConnectionPtr connection = found->second;
    connections_.erase(found);
    connection->closed = true;
    boost::system::error_code ignored;
    connection->socket.shutdown(asio::socket_base::shutdown_both, ignored);
    connection->socket.close(ignored);
}

}  // namespace cairn::net::detail
