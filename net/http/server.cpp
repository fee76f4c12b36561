#include "net/http/server.hpp"

#include <atomic>
#include <list>
#include <mutex>
#include <optional>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "net/http/detail/crew.hpp"
#include "net/http/detail/turnstile.hpp"
#include "net/io/log.hpp"
#include "net/io/log_control.hpp"

namespace cairn::http {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using asio::ip::tcp;
namespace log = net::log;

namespace {

std::string endpoint_text(const tcp::endpoint& endpoint) {
    std::string host = endpoint.address().to_string();
    if (endpoint.address().is_v6()) host = "[" + host + "]";
    return host + ":" + std::to_string(endpoint.port());
}

struct Route {
    std::string prefix;
    bool exact;
    HttpServer::Handler handler;
};

HttpResponse refusal(int status, std::string body = {}) {
    HttpResponse response;
    response.status = status;
    response.body = std::move(body);
    response.headers.emplace_back("Cache-Control", "no-store");
    return response;
}

/// Request line and fields together; the parser bounds each of them alone.
std::size_t header_bytes(const bhttp::request<bhttp::string_body>& message) {
    std::size_t bytes = message.method_string().size() + message.target().size() + sizeof "  HTTP/1.1\r\n" + 1;
    for (const auto& field : message) bytes += field.name_string().size() + field.value().size() + sizeof ": \r\n" - 1;
    return bytes;
}

std::string_view reason_of(int status) {
    if (status == 413) return "Content too large";
    return bhttp::obsolete_reason(static_cast<bhttp::status>(status));
}

}  // namespace

class Session;

/// What all connections share. Constant once the server runs, but for what synchronises itself and what `mutex` guards.
struct ServerState {
    explicit ServerState(HttpServer::Options o) : options(std::move(o)) {
        options.allowed.add("127.0.0.0/8");
        options.allowed.add("::1");
    }

    void accept(tcp::acceptor& acceptor);
    bool listen(const std::string& host, std::uint16_t port);
    const Route* route(std::string_view target) const {
        for (const Route& candidate : routes) {
            if (candidate.exact ? target == candidate.prefix : target.starts_with(candidate.prefix)) return &candidate;
        }
        return nullptr;
    }

    HttpServer::Options options;
    std::vector<Route> routes;
    std::atomic<bool> interrupted{false};
    std::atomic<int> open_sessions{0};  // before io: sessions that end together with io still count down
    asio::io_context io;
    std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work;
    Crew crew{io};
    std::list<tcp::acceptor> acceptors;
    std::mutex mutex;
    std::list<std::weak_ptr<Session>> sessions;  // guarded by mutex
    Turnstile turnstile;
    std::vector<std::thread> threads;
};

/// One connection. Its calls run one after the other, on whichever of the server's threads is free: the one that reads a
/// request answers it, too.
class Session : public std::enable_shared_from_this<Session> {
public:
    Session(tcp::socket socket, ServerState& server)
        : stream_(std::move(socket)), server_(server), buffer_(server.options.max_header_bytes + 65536) {
        beast::error_code error;
        peer_ = endpoint_text(stream_.socket().remote_endpoint(error));
        ++server_.open_sessions;
    }
    ~Session() { --server_.open_sessions; }

    void begin() {
        asio::post(stream_.get_executor(), [self = shared_from_this()] { self->read(); });
    }

    void read() {
        parser_.emplace();
        parser_->header_limit(static_cast<std::uint32_t>(server_.options.max_header_bytes));
        parser_->body_limit(server_.options.max_body_bytes);
        stream_.expires_after(std::chrono::seconds(server_.options.timeout_s));
        reading_ = true;
        bhttp::async_read(stream_, buffer_, *parser_,
                          [self = shared_from_this()](beast::error_code error, std::size_t) { self->on_read(error); });
    }

    /// Nothing more is read; what is being written still goes out. Thread: any.
    void finish() {
        asio::post(stream_.get_executor(), [self = shared_from_this()] {
            self->finishing_ = true;
            if (self->reading_) self->close();
        });
    }

    void close() {
        beast::error_code error;
        stream_.socket().shutdown(tcp::socket::shutdown_both, error);
        stream_.socket().close(error);
    }

private:
    void on_read(beast::error_code error) {
        reading_ = false;
        if (error) return on_read_error(error);
        stream_.expires_never();
        auto message = parser_->release();
        keep_alive_ = message.keep_alive();
        version_ = message.version();
        if (header_bytes(message) > server_.options.max_header_bytes) {
            keep_alive_ = false;
            return write(refusal(400));
        }
        const Route* route = server_.route({message.target().data(), message.target().size()});
        switch (message.method()) {
            case bhttp::verb::get:
            case bhttp::verb::post:
            case bhttp::verb::head:
            case bhttp::verb::put: break;
            default: return write(refusal(405));
        }
        if (server_.interrupted) return write(refusal(503));
        if (!route) return write(refusal(404));
        dispatch(std::move(message), *route);
    }

    void dispatch(bhttp::request<bhttp::string_body>&& message, const Route& route) {
        auto request = std::make_shared<HttpRequest>();
        request->method = std::string(message.method_string());
        request->target = std::string(message.target());
        request->path_rest = request->target.substr(route.prefix.size());
        if (const auto it = message.find(bhttp::field::authorization); it != message.end()) {
            request->authorization = std::string(it->value());
        }
        request->host = std::string(message[bhttp::field::host]);
        request->origin = std::string(message[bhttp::field::origin]);
        request->content_type = std::string(message[bhttp::field::content_type]);
        request->body = std::move(message.body());
        request->peer = peer_;
        log::debug(log::Category::http, "Received a {} request for {} from {}", request->method, request->target.substr(0, 100), peer_);
        const auto later = [self = shared_from_this(), request, handler = &route.handler] {
            asio::post(self->stream_.get_executor(), [self, request, handler] { self->answer(*request, *handler); });
        };
        switch (server_.turnstile.enter(later)) {
            case Turnstile::Outcome::now: return answer(*request, route.handler);
            case Turnstile::Outcome::queued: return;
            case Turnstile::Outcome::full:
                log::warning("Request rejected because http work queue depth exceeded, it can be increased with the -rpcworkqueue= setting");
                return write(refusal(503, "Work queue depth exceeded"));
            case Turnstile::Outcome::stopping: return write(refusal(503, "Request rejected during server shutdown"));
        }
    }

    void answer(const HttpRequest& request, const HttpServer::Handler& handler) {
        HttpResponse response;
        try {
            const Crew::Answering answering(server_.crew);
            response = handler(request);
        } catch (const std::exception& e) {
            log::warning("Unexpected error while processing request for '{}'. Error msg: '{}'", request.target, e.what());
            response = refusal(500, e.what());
        }
        write(std::move(response));
        server_.turnstile.leave();
    }

    void on_read_error(beast::error_code error) {
        if (error == bhttp::error::end_of_stream || error == beast::error::timeout || error == asio::error::operation_aborted ||
            error == asio::error::eof || error == asio::error::connection_reset || error == bhttp::error::partial_message) {
            return close();
        }
        if (error.category() != bhttp::make_error_code(bhttp::error::bad_method).category()) return close();
        log::debug(log::Category::http, "Bad request from {}: {}", peer_, error.message());
        keep_alive_ = false;
        version_ = 11;
        write(refusal(error == bhttp::error::body_limit ? 413 : 400));
    }

    /// Sends the answer: at once as far as the socket takes it, which for small ones is all of it; the rest as there is room.
    void write(HttpResponse&& response) {
        if (finishing_ || server_.interrupted) keep_alive_ = false;
        head_ = version_ == 10 ? "HTTP/1.0 " : "HTTP/1.1 ";
        head_.append(std::to_string(response.status)).append(" ").append(reason_of(response.status)).append("\r\n");
        const auto field = [this](std::string_view name, std::string_view value) { head_.append(name).append(": ").append(value).append("\r\n"); };
        for (const auto& [name, value] : response.headers) field(name, value);
        if (!keep_alive_ && version_ != 10) field("Connection", "close");
        if (keep_alive_ && version_ == 10) field("Connection", "keep-alive");
        body_.clear();
        if (response.status != 204) {
            field("Content-Type", response.content_type);
            field("Content-Length", std::to_string(response.body.size()));
            body_ = std::move(response.body);
        }
        head_.append("\r\n");
        beast::error_code error;
        stream_.socket().non_blocking(true, error);
        const std::array<asio::const_buffer, 2> all{asio::buffer(head_), asio::buffer(body_)};
        const std::size_t sent = error ? 0 : stream_.socket().write_some(all, error);
        if (error == asio::error::would_block || error == asio::error::try_again) error.clear();
        if (error || sent == head_.size() + body_.size()) return on_written(error);
        stream_.expires_after(std::chrono::seconds(server_.options.timeout_s));
        const std::size_t of_head = std::min(sent, head_.size());
        const std::array<asio::const_buffer, 2> rest{asio::buffer(head_) + of_head, asio::buffer(body_) + (sent - of_head)};
        asio::async_write(stream_, rest, [self = shared_from_this()](beast::error_code failed, std::size_t) { self->on_written(failed); });
    }

    void on_written(beast::error_code error) {
        body_ = {};
        if (error || !keep_alive_ || finishing_) return linger();
        read();
    }

    /// Sends the end of the stream, so that an answer to a request we did not read to its end is not lost to a reset.
    void linger() {
        beast::error_code error;
        stream_.socket().shutdown(tcp::socket::shutdown_send, error);
        if (finishing_ || server_.interrupted || error) return close();
        stream_.expires_after(std::chrono::seconds(2));
        discard();
    }

    void discard() {
        stream_.async_read_some(asio::buffer(discarded_), [self = shared_from_this()](beast::error_code error, std::size_t count) {
            self->discarded_bytes_ += count;
            if (error || self->discarded_bytes_ > 4096) return self->close();
            self->discard();
        });
    }

    beast::tcp_stream stream_;
    ServerState& server_;
    beast::flat_buffer buffer_;
    std::optional<bhttp::request_parser<bhttp::string_body>> parser_;
    std::string head_, body_;  ///< of the answer that is being sent
    std::string peer_;
    std::array<char, 4096> discarded_{};
    std::size_t discarded_bytes_ = 0;
    unsigned version_ = 11;
    bool keep_alive_ = false;
    bool reading_ = false;
    bool finishing_ = false;
};

bool ServerState::listen(const std::string& host, std::uint16_t port) {
    log::info("Binding RPC on address {} port {}", host, port);
    beast::error_code error;
    std::string_view bare = host;
    if (bare.size() > 2 && bare.front() == '[' && bare.back() == ']') bare = bare.substr(1, bare.size() - 2);
    std::vector<tcp::endpoint> endpoints;
    if (const auto address = asio::ip::make_address(std::string(bare), error); !error) {
        endpoints.emplace_back(address, port);
    } else {
        tcp::resolver resolver(io);
        for (const auto& entry : resolver.resolve(std::string(bare), std::to_string(port), error)) endpoints.push_back(entry.endpoint());
        if (error || endpoints.empty()) {
            log::warning("Could not bind RPC on address {} port {}: Address lookup failed.", host, port);
            return false;
        }
        endpoints.resize(1);
    }
    const tcp::endpoint& endpoint = endpoints.front();
    if (endpoint.address().is_unspecified()) {
        log::warning("The RPC server is not safe to expose to untrusted networks such as the public internet");
    }
    tcp::acceptor acceptor(asio::make_strand(io));
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error && endpoint.address().is_v6()) acceptor.set_option(asio::ip::v6_only(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error) {
        log::warning("Binding RPC on address {} failed: {}", endpoint_text(endpoint), error.message());
        return false;
    }
    acceptors.push_back(std::move(acceptor));
    return true;
}

void ServerState::accept(tcp::acceptor& acceptor) {
    acceptor.async_accept(asio::make_strand(io), [this, &acceptor](beast::error_code error, tcp::socket socket) {
        if (!acceptor.is_open()) return;
        if (!error) {
            beast::error_code ignored;
            const auto remote = socket.remote_endpoint(ignored);
            if (ignored || !options.allowed.contains(remote.address().to_string())) {
                log::debug(log::Category::http, "HTTP request from {} rejected: Client network is not allowed RPC access",
                           endpoint_text(remote));
                static constexpr std::string_view kForbidden = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                socket.non_blocking(true, ignored);
                socket.send(asio::buffer(kForbidden), 0, ignored);
                socket.close(ignored);
            } else {
                socket.set_option(tcp::no_delay(true), ignored);
                auto session = std::make_shared<Session>(std::move(socket), *this);
                {
                    const std::lock_guard lock(mutex);
                    sessions.remove_if([](const auto& weak) { return weak.expired(); });
                    sessions.push_back(session);
                }
                session->begin();
            }
        }
        accept(acceptor);
    });
}

struct HttpServer::Impl : ServerState {
    using ServerState::ServerState;
};

HttpServer::HttpServer(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}

HttpServer::~HttpServer() { stop(); }

void HttpServer::add_route(std::string prefix, bool exact, Handler handler) {
    impl_->routes.push_back({std::move(prefix), exact, std::move(handler)});
}

bool HttpServer::bind() {
    bool any = false;
    for (const auto& [host, port] : impl_->options.binds) any |= impl_->listen(host, port);
    if (!any) log::error("Unable to bind any endpoint for RPC server");
    return any;
}

void HttpServer::start() {
    const int threads = std::max(impl_->options.threads, 1);
    log::info("Starting HTTP server with {} worker threads", threads);
    impl_->turnstile.open(threads, static_cast<std::size_t>(impl_->options.queue_depth));
    for (tcp::acceptor& acceptor : impl_->acceptors) impl_->accept(acceptor);
    impl_->work.emplace(impl_->io.get_executor());
    // One more than answer: there is always one for sockets.
    for (int i = 0; i <= threads; ++i) {
        impl_->threads.emplace_back([this, i] {
            log::name_thread("http." + std::to_string(i));
            impl_->crew.serve();
        });
    }
}

void HttpServer::interrupt() { impl_->interrupted = true; }

void HttpServer::stop() {
    if (impl_->threads.empty()) return;
    interrupt();
    impl_->turnstile.stop();
    for (tcp::acceptor& acceptor : impl_->acceptors) {
        asio::post(acceptor.get_executor(), [&acceptor] {
            beast::error_code error;
            acceptor.close(error);
        });
    }
    {
        const std::lock_guard lock(impl_->mutex);
        for (const auto& weak : impl_->sessions) {
            if (const auto session = weak.lock()) session->finish();
        }
    }
    // The last answers are on their way: they are small or the client is slow; neither may hold the shutdown up.
    for (int i = 0; i < 200 && impl_->open_sessions > 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    impl_->io.stop();
    impl_->crew.stop();
    for (std::thread& thread : impl_->threads) thread.join();
    impl_->threads.clear();
    impl_->io.restart();
    impl_->sessions.clear();
}

std::vector<std::uint16_t> HttpServer::ports() const {
    std::vector<std::uint16_t> result;
    for (const tcp::acceptor& acceptor : impl_->acceptors) {
        beast::error_code error;
        result.push_back(acceptor.local_endpoint(error).port());
    }
    return result;
}

}  // namespace cairn::http
