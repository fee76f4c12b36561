#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <array>
#include <functional>
#include <memory>

#include "net/io/detail/negotiation.hpp"
#include "net/io/proxies.hpp"

namespace cairn::net::detail {

namespace asio = boost::asio;
/// A connection of any kind: over TCP, or a local socket to a proxy.
using StreamSocket = asio::generic::stream_protocol::socket;

/// The address of a socket's end; not valid when it is not one of TCP.
Endpoint to_endpoint(const asio::generic::stream_protocol::endpoint& endpoint);
/// The address of our end of a connection.
Endpoint local_endpoint(const StreamSocket& socket);

/// Connects to a helper and lets a Negotiation speak with it until that is done or has failed.
/// Owner: net thread, always in a shared_ptr.
class Talk : public std::enable_shared_from_this<Talk> {
public:
    Talk(asio::io_context& io, std::unique_ptr<Negotiation> negotiation);

    /// `on_end` is called once, unless stop() came first: with true when the helper was reached at all. Never from
    /// within start(). `on_step`, when given, is called after every answer that does not end the conversation.
    void start(const ProxyAddress& helper, std::chrono::milliseconds connect_timeout, std::function<void(bool)> on_end,
               std::function<void()> on_step = {});
    /// Ends it without another word.
    void stop();

    const Negotiation& negotiation() const { return *negotiation_; }
    template <class T>
    const T& as() const {
        return static_cast<const T&>(*negotiation_);
    }
    /// After the end: the connection, and what came on it after the negotiation.
    StreamSocket take_socket() { return std::move(socket_); }
    Bytes take_leftover() { return std::move(leftover_); }
    /// The system's words for not reaching the helper.
    const std::string& connect_error() const { return connect_error_; }

private:
    void proceed();
    void write();
    void read();
    void wait(std::chrono::milliseconds patience);
    void end(bool reached);

    StreamSocket socket_;
    asio::steady_timer timer_;
    std::unique_ptr<Negotiation> negotiation_;
    std::function<void(bool)> on_end_;
    std::function<void()> on_step_;
    std::array<std::uint8_t, 4096> buffer_{};
    Bytes outgoing_, leftover_;
    std::string connect_error_;
    bool connected_ = false, ended_ = false, writing_ = false;
};

}  // namespace cairn::net::detail
