#include "net/io/detail/talk.hpp"

#include <netinet/in.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>

namespace cairn::net::detail {
namespace {

using Address = asio::generic::stream_protocol::endpoint;

Address address_of(const ProxyAddress& helper) {
    if (!helper.unix_path.empty()) return asio::local::stream_protocol::endpoint(helper.unix_path);
    const ByteSpan bytes = helper.endpoint.address.bytes();
    if (helper.endpoint.address.network() == NetworkId::ipv4) {
        asio::ip::address_v4::bytes_type raw{};
        std::copy_n(bytes.begin(), raw.size(), raw.begin());
        return asio::ip::tcp::endpoint(asio::ip::address_v4(raw), helper.endpoint.port);
    }
    asio::ip::address_v6::bytes_type raw{};
    std::copy_n(bytes.begin(), std::min(raw.size(), bytes.size()), raw.begin());
    return asio::ip::tcp::endpoint(asio::ip::address_v6(raw), helper.endpoint.port);
}

}  // namespace

Endpoint to_endpoint(const Address& endpoint) {
    const auto* raw = endpoint.data();
    if (raw->sa_family == AF_INET && endpoint.size() >= sizeof(sockaddr_in)) {
        const auto* v4 = reinterpret_cast<const sockaddr_in*>(raw);
        return {NetAddress::ipv4(ntohl(v4->sin_addr.s_addr)), ntohs(v4->sin_port)};
    }
    if (raw->sa_family == AF_INET6 && endpoint.size() >= sizeof(sockaddr_in6)) {
        const auto* v6 = reinterpret_cast<const sockaddr_in6*>(raw);
        return {NetAddress::ipv6(ByteSpan(v6->sin6_addr.s6_addr, 16)), ntohs(v6->sin6_port)};
    }
    return {};
}

Endpoint local_endpoint(const StreamSocket& socket) {
    boost::system::error_code failed;
    const auto endpoint = socket.local_endpoint(failed);
    return failed ? Endpoint() : to_endpoint(endpoint);
}

Talk::Talk(asio::io_context& io, std::unique_ptr<Negotiation> negotiation) : socket_(io), timer_(io), negotiation_(std::move(negotiation)) {}

void Talk::start(const ProxyAddress& helper, std::chrono::milliseconds connect_timeout, std::function<void(bool)> on_end,
                 std::function<void()> on_step) {
    on_end_ = std::move(on_end);
    on_step_ = std::move(on_step);
    wait(connect_timeout);
    socket_.async_connect(address_of(helper), [self = shared_from_this()](boost::system::error_code error) {
        if (self->ended_) return;
        if (error) {
            self->connect_error_ = error.message();
            return self->end(false);
        }
        self->connected_ = true;
        boost::system::error_code ignored;
        self->socket_.non_blocking(true, ignored);
        self->proceed();
        if (!self->ended_) self->read();
    });
}

void Talk::stop() {
    ended_ = true;
    on_end_ = {};
    on_step_ = {};
    timer_.cancel();
    boost::system::error_code ignored;
    socket_.close(ignored);
}

void Talk::end(bool reached) {
    if (ended_) return;
    ended_ = true;
    timer_.cancel();
    on_step_ = {};
    if (negotiation_->state() != Negotiation::State::done) {
        boost::system::error_code ignored;
        socket_.close(ignored);
    }
    const auto on_end = std::exchange(on_end_, {});
    if (on_end) on_end(reached);
}

/// Sends what there is to say, and ends when there is nothing to wait for.
void Talk::proceed() {
    const Bytes more = negotiation_->take_output();
    outgoing_.insert(outgoing_.end(), more.begin(), more.end());
    if (negotiation_->state() != Negotiation::State::running) return end(true);
    if (!outgoing_.empty()) write();
    if (const auto patience = negotiation_->patience(); patience.count() > 0) wait(patience);
    else timer_.cancel();
}

void Talk::write() {
    if (writing_) return;
    writing_ = true;
    auto bytes = std::make_shared<Bytes>(std::exchange(outgoing_, {}));
    asio::async_write(socket_, asio::buffer(*bytes), [self = shared_from_this(), bytes](boost::system::error_code error, std::size_t) {
        self->writing_ = false;
        if (self->ended_ || error) return;  // the reader hears of it, too
        if (!self->outgoing_.empty()) self->write();
    });
}

void Talk::read() {
    socket_.async_read_some(asio::buffer(buffer_), [self = shared_from_this()](boost::system::error_code error, std::size_t count) {
        if (self->ended_) return;
        if (error) {
            self->negotiation_->on_silence(true);
            return self->end(true);
        }
        const ByteSpan bytes = ByteSpan(self->buffer_).first(count);
        const std::size_t taken = self->negotiation_->on_bytes(bytes);
        self->leftover_.assign(bytes.begin() + static_cast<std::ptrdiff_t>(taken), bytes.end());
        self->proceed();
        if (self->ended_) return;
        if (const auto step = self->on_step_) step();
        if (!self->ended_) self->read();
    });
}

void Talk::wait(std::chrono::milliseconds patience) {
    timer_.expires_after(patience);
    timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
        if (error || self->ended_) return;
        if (!self->connected_) {
            self->connect_error_ = "timed out";
            return self->end(false);
        }
        self->negotiation_->on_silence(false);
        self->end(true);
    });
}

}  // namespace cairn::net::detail
