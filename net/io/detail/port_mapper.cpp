#include "net/io/detail/port_mapper.hpp"

#include <net/if.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>

#include "consensus/crypto/random.hpp"
#include "net/io/detail/asio_address.hpp"
#include "net/io/log.hpp"

namespace cairn::net::detail {
namespace {

namespace asio = boost::asio;
using udp = asio::ip::udp;

constexpr std::chrono::seconds kRetry{5 * 60};
constexpr std::uint32_t kLifetime_s = 2 * 20 * 60;  // renewed at about half of it
constexpr std::uint32_t kShortest_s = 30;           // a router that gives less is not to be trusted

void write_log(PortMapRequest::Severity severity, const std::string& text) {
    if (severity == PortMapRequest::Severity::warning) log::warning("{}", text);
    else log::debug(log::Category::net, "{}", text);
}

asio::ip::address address_of(const NetAddress& address, const std::string& interface) {
    auto result = to_asio({address, 0}).address();
    if (result.is_v6() && result.to_v6().is_link_local()) {
        auto v6 = result.to_v6();
        v6.scope_id(if_nametoindex(interface.c_str()));
        return v6;
    }
    return result;
}

}  // namespace

PortMapper::PortMapper(asio::io_context& io, Options options, std::function<void(const Endpoint&)> on_mapped)
    : io_(io), options_(std::move(options)), on_mapped_(std::move(on_mapped)), timer_(io) {
    fill_random(nonce_);
}

void PortMapper::start() { begin_round(); }

void PortMapper::stop() {
    stopped_ = true;
    on_mapped_ = {};
    timer_.cancel();
    ++socket_generation_;
    socket_.reset();
}

/// One mapping for IPv4, whichever our address there is, and one for each public address of IPv6.
void PortMapper::begin_round() {
    wishes_.clear();
    shortest_s_ = kLifetime_s;
    mapped_any_ = no_resources_ = false;
    if (const auto gateway = options_.gateway(NetworkId::ipv4)) {
        log::debug(log::Category::net, "portmap: gateway [IPv4]: {}", gateway->address.to_string());
        wishes_.push_back({*gateway, NetAddress::ipv4(0)});
    } else {
        log::debug(log::Category::net, "portmap: Could not determine IPv4 default gateway");
    }
    if (const auto gateway = options_.gateway(NetworkId::ipv6)) {
        log::debug(log::Category::net, "portmap: gateway [IPv6]: {}", gateway->address.to_string());
        for (const NetAddress& address : options_.addresses())
            if (address.network() == NetworkId::ipv6 && address.is_routable()) wishes_.push_back({*gateway, address});
    } else {
        log::debug(log::Category::net, "portmap: Could not determine IPv6 default gateway");
    }
    std::reverse(wishes_.begin(), wishes_.end());
    next_wish();
}

void PortMapper::next_wish() {
    while (!wishes_.empty()) {
        const Wish wish = std::move(wishes_.back());
        wishes_.pop_back();
        if (!open(wish)) continue;
        send();
        return receive();
    }
    end_round();
}

/// A socket that speaks with the router alone, from the address that is to be mapped.
bool PortMapper::open(const Wish& wish) {
    const udp::endpoint server(address_of(wish.gateway.address, wish.gateway.interface), options_.server_port);
    log::debug(log::Category::net, "pcp: Requesting port mapping for addr {} port {} from gateway {}", wish.from.to_string(), options_.port,
               wish.gateway.address.to_string());
    ++socket_generation_;
    socket_.emplace(io_);
    boost::system::error_code error;
    socket_->open(server.protocol(), error);
    if (!error) socket_->bind(udp::endpoint(to_asio({wish.from, 0}).address(), 0), error);
    if (!error) socket_->connect(server, error);
    udp::endpoint local;
    if (!error) local = socket_->local_endpoint(error);
    if (error) {
        log::warning("pcp: Could not connect to gateway: {}", error.message());
        socket_.reset();
        return false;
    }
    PortMapRequest::Options request;
    request.nonce = nonce_;
    request.internal = from_asio(local.address());
    request.suggested = wish.from;
    request.port = options_.port;
    request.lifetime_s = kLifetime_s;
    log::debug(log::Category::net, "pcp: Internal address after connect: {}", request.internal.to_string());
    request_.emplace(std::move(request), write_log);
    return true;
}

void PortMapper::send() {
    boost::system::error_code ignored;  // a lost datagram is one that was not answered
    socket_->send(asio::buffer(request_->datagram()), 0, ignored);
    wait_for_answer();
}

void PortMapper::wait_for_answer() {
    timer_.expires_after(options_.patience);
    timer_.async_wait([self = shared_from_this(), generation = socket_generation_](boost::system::error_code error) {
        if (error || self->stopped_ || generation != self->socket_generation_) return;
        if (self->request_->on_timeout()) return self->send();
        if (self->request_->state() != PortMapRequest::State::running) self->finish_wish();
    });
}

void PortMapper::receive() {
    socket_->async_receive(asio::buffer(buffer_), [self = shared_from_this(), generation = socket_generation_](boost::system::error_code error, std::size_t size) {
        if (self->stopped_ || generation != self->socket_generation_ || error == asio::error::operation_aborted) return;
        if (!error) return self->on_answer(size);
        log::debug(log::Category::net, "pcp: Could not receive response: {}", error.message());
        self->finish_wish();  // nobody listens there: asking again is of no use
    });
}

void PortMapper::on_answer(std::size_t size) {
    if (request_->on_datagram(ByteSpan(buffer_).first(size))) send();
    if (request_->state() != PortMapRequest::State::running) return finish_wish();
    receive();
}

void PortMapper::finish_wish() {
    if (request_->state() == PortMapRequest::State::mapped) {
        const PortMapping mapping = request_->mapping();
        log::info("portmap: Added mapping {}", mapping.to_string());
        mapped_any_ = true;
        shortest_s_ = std::min(shortest_s_, mapping.lifetime_s);
        on_mapped_(mapping.external);
    }
    no_resources_ = no_resources_ || request_->no_resources();
    timer_.cancel();
    ++socket_generation_;
    socket_.reset();
    next_wish();
}

void PortMapper::end_round() {
    if (no_resources_) {
        log::warning("portmap: At least one mapping failed because the router has no room for it (NO_RESOURCES). The port is probably in use on "
                     "the router: another node of this network may have it. Choose another one with -port if that lasts.");
    }
    if (!mapped_any_) return again_in(kRetry);
    if (shortest_s_ < kShortest_s) {
        log::warning("portmap: Got impossibly short mapping lifetime of {} seconds", shortest_s_);
        return again_in(kRetry);
    }
    // RFC 6887, 11.2.1: at a random time between one half and five eighths of the lifetime.
    const std::uint64_t half_ms = std::uint64_t{shortest_s_} * 500, span_ms = std::uint64_t{shortest_s_} * 125;
    again_in(std::chrono::milliseconds(half_ms + random_u64() % std::max<std::uint64_t>(1, span_ms)));
}

void PortMapper::again_in(std::chrono::milliseconds time) {
    timer_.expires_after(time);
    timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
        if (!error && !self->stopped_) self->begin_round();
    });
}

}  // namespace cairn::net::detail
