#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "consensus/base/result.hpp"

namespace cairn::http {

/// What a client asked, once all of it has arrived.
struct HttpRequest {
    std::string method;  ///< GET, POST, ...
    std::string target;  ///< "/wallet/x?y=z", as sent
    std::string path_rest;  ///< what follows the route's prefix
    std::string body;
    std::string peer;    ///< address:port
    std::optional<std::string> authorization;
    std::string host;          ///< as the client names this server; empty when it does not
    std::string origin;        ///< of the page that a browser asks for; empty when there is none
    std::string content_type;
};

struct HttpResponse {
    int status = 200;
    std::string body;
    std::string content_type = "text/html; charset=ISO-8859-1";
    std::vector<std::pair<std::string, std::string>> headers;
};

/// A list of addresses and networks: 1.2.3.4, 1.2.3.0/24, 1.2.3.0/255.255.255.0, ::1, ::/0.
class SubnetList {
public:
    /// False when the text is none of these.
    bool add(std::string_view text);
    bool contains(std::string_view address) const;

private:
    struct Entry {
        bool v6;
        std::vector<std::uint8_t> address;
        std::vector<std::uint8_t> mask;
    };
    std::vector<Entry> entries_;
};

/// An HTTP/1.1 server: a few threads, of which whichever is free reads a request, answers it and sends the answer. At most
/// `threads` answer at a time; a bounded number of requests waits for them, and one thread is always left for sockets.
///
/// Decides: who may connect, how long a client may take, what is refused before a handler sees it.
/// Limits: request line and headers 8 KiB, body 32 MiB; idle or slow clients are dropped after `timeout_s`; never while an
/// answer to them is being made. A full queue answers 503.
/// Thread: start, interrupt and stop by the owner; handlers run on the server's threads.
class HttpServer {
public:
    struct Options {
        std::vector<std::pair<std::string, std::uint16_t>> binds;  ///< address and port; at least one must succeed
        SubnetList allowed;             ///< loopback is always allowed
        int threads = 16;
        int queue_depth = 64;
        int timeout_s = 30;
        std::size_t max_body_bytes = 32u << 20;
        std::size_t max_header_bytes = 8192;
    };
    using Handler = std::function<HttpResponse(const HttpRequest&)>;

    explicit HttpServer(Options options);
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    /// Routes are tried in order; before start() only.
    void add_route(std::string prefix, bool exact, Handler handler);
    /// Opens the listening sockets; clients wait in the backlog. Gives false when none could be opened (the log says why).
    bool bind();
    void start();
    /// From now on every new request is refused with 503.
    void interrupt();
    /// Waits for the answers that are being made, lets them out, closes everything.
    void stop();
    /// The ports that are listened on (they differ from the options when 0 was asked for).
    std::vector<std::uint16_t> ports() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace cairn::http
