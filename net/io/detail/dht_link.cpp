#include "net/io/detail/dht_link.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <chrono>
#include <sstream>

#include "consensus/base/hex.hpp"
#include "net/io/detail/asio_address.hpp"
#include "net/io/detail/peers_file.hpp"
#include "net/io/detail/small_file.hpp"
#include "net/io/log.hpp"

namespace cairn::net::detail {
namespace {

namespace asio = boost::asio;
using udp = asio::ip::udp;

constexpr auto kTick = std::chrono::milliseconds(500);
constexpr int kPacketsAtOnce = 32;                         // then others have their turn
constexpr std::int64_t kFirstBegin_us = 5'000'000;         // between attempts to find anybody at all
constexpr std::int64_t kLastBegin_us = 300'000'000;
constexpr std::size_t kMaxRemembered = 128;
constexpr std::size_t kMaxFileBytes = 16 * 1024;
constexpr std::size_t kMaxOfOneName = 4;                   // addresses of one name that are asked

std::int64_t steady_us() {
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

udp::endpoint to_udp(const Endpoint& endpoint) {
    const auto same = to_asio(endpoint);
    return {same.address(), same.port()};
}

}  // namespace

DhtLink::DhtLink(asio::io_context& io, Options options) : io_(io), options_(std::move(options)), timer_(io), resolver_(io) {}

Result<DhtLink::Socket, std::string> DhtLink::bind(bool ipv6) {
    Socket socket(io_);
    boost::system::error_code error;
    socket.open(ipv6 ? udp::v6() : udp::v4(), error);
    if (!error && ipv6) socket.set_option(asio::ip::v6_only(true), error);
    if (!error) socket.bind(udp::endpoint(ipv6 ? udp::v6() : udp::v4(), options_.port), error);
    if (!error) socket.non_blocking(true, error);
    if (error) return fail(error.message());
    return socket;
}

Result<void, std::string> DhtLink::open() {
    std::string problem;
    for (const bool ipv6 : {false, true}) {
        if (ipv6 ? !options_.ipv6 : !options_.ipv4) continue;
        auto socket = bind(ipv6);
        if (socket) sockets_[ipv6 ? 1 : 0].emplace(std::move(*socket));
        else if (!ipv6 || !options_.ipv4) problem = socket.error();  // many machines have no IPv6
    }
    if (!problem.empty() || (!sockets_[0] && !sockets_[1])) {
        return fail(fmt::format("Unable to bind to UDP port {} for -dht on this computer ({}). Another port can be chosen with -dhtport.",
                                options_.port, problem));
    }
    return {};
}

void DhtLink::start(Hooks hooks) {
    hooks_ = std::move(hooks);
    load();
    DhtNode::Options options{options_.network, options_.announced_port, sockets_[0].has_value(), sockets_[1].has_value()};
    node_ = std::make_unique<DhtNode>(options, Random::from_system(), steady_us());
    log::info("dht: looking for nodes under {} on UDP port {}", to_hex(options_.network), options_.port);
    for (const bool ipv6 : {false, true})
        if (sockets_[ipv6 ? 1 : 0]) wait_readable(ipv6);
    tick();
}

void DhtLink::stop() {
    if (stopped_) return;
    stopped_ = true;
    save();
    hooks_ = {};
    node_.reset();
    timer_.cancel();
    resolver_.cancel();
    boost::system::error_code ignored;
    for (auto& socket : sockets_)
        if (socket) socket->close(ignored);
}

void DhtLink::wait_readable(bool ipv6) {
    sockets_[ipv6 ? 1 : 0]->async_wait(asio::socket_base::wait_read, [self = shared_from_this(), ipv6](boost::system::error_code error) {
        if (error || self->stopped_) return;
        self->read(ipv6);
        if (!self->stopped_) self->wait_readable(ipv6);
    });
}

void DhtLink::read(bool ipv6) {
    std::array<std::uint8_t, DhtNode::kMaxPacketBytes + 1> buffer;
    for (int i = 0; i < kPacketsAtOnce; ++i) {
        udp::endpoint from;
        boost::system::error_code error;
        const std::size_t size = sockets_[ipv6 ? 1 : 0]->receive_from(asio::buffer(buffer), from, 0, error);
        if (error == asio::error::would_block || error == asio::error::try_again) break;
        if (error) continue;  // somebody's "unreachable"
        if (!hooks_.active()) continue;
        node_->on_packet({from_asio(from.address()), from.port()}, ByteSpan(buffer).first(size), steady_us());
    }
    act();
}

void DhtLink::tick() {
    if (stopped_) return;
    if (hooks_.active()) {
        const std::int64_t now_us = steady_us();
        node_->on_tick(now_us);
        begin_again(now_us);
        act();
    }
    timer_.expires_after(kTick);
    timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
        if (!error) self->tick();
    });
}

/// While nobody is known, those of the last run are asked, and the named ones.
void DhtLink::begin_again(std::int64_t now_us) {
    if (now_us < next_begin_us_) return;
    if (!node_->lonely()) {
        begin_interval_us_ = 0;
        return;
    }
    begin_interval_us_ = begin_interval_us_ == 0 ? kFirstBegin_us : std::min(begin_interval_us_ * 2, kLastBegin_us);
    next_begin_us_ = now_us + begin_interval_us_;
    for (const Endpoint& endpoint : remembered_) node_->ping(endpoint);
    for (const std::string& name : options_.bootstrap) look_up(name);
}

void DhtLink::look_up(const std::string& node) {
    if (const auto endpoint = Endpoint::parse(node); endpoint && endpoint->address.is_ip()) return node_->ping(*endpoint);
    const auto parts = split_host_port(node);
    if (!parts || parts->port == 0 || !options_.name_lookup) return;
    resolver_.async_resolve(parts->host, std::to_string(parts->port), [self = shared_from_this(), node](boost::system::error_code error, udp::resolver::results_type found) {
        if (self->stopped_) return;
        if (error) {
            log::debug(log::Category::net, "dht: looking up {} failed: {}", node, error.message());
            return;
        }
        std::size_t asked = 0;
        for (const auto& entry : found) {
            if (asked++ == kMaxOfOneName) break;
            self->node_->ping({from_asio(entry.endpoint().address()), entry.endpoint().port()});
        }
        self->act();
    });
}

void DhtLink::act() {
    for (const DhtPacket& packet : node_->take_packets()) {
        auto& socket = sockets_[packet.to.address.network() == NetworkId::ipv4 ? 0 : 1];
        boost::system::error_code ignored;  // what cannot be sent is lost, as packets may be
        if (socket) socket->send_to(asio::buffer(packet.bytes), to_udp(packet.to), 0, ignored);
    }
    hooks_.write_log(node_->log());
    if (const auto found = node_->take_found(); !found.empty()) hooks_.on_found(found);
}

/// One endpoint a line.
void DhtLink::load() {
    if (options_.file.empty()) return;
    const auto bytes = read_small_file(options_.file, kMaxFileBytes);
    if (!bytes) return;
    std::istringstream lines{std::string(as_text(*bytes))};
    for (std::string line; std::getline(lines, line) && remembered_.size() < kMaxRemembered;)
        if (const auto endpoint = Endpoint::parse(line); endpoint && endpoint->address.is_ip() && endpoint->port != 0) remembered_.push_back(*endpoint);
}

void DhtLink::save() {
    if (options_.file.empty() || !node_) return;
    std::string text;
    for (const Endpoint& endpoint : node_->good_nodes()) text += endpoint.to_string() + "\n";
    if (text.empty()) return;
    if (auto saved = replace_file(options_.file, as_bytes(text)); !saved) log::error("{}", saved.error());
}

void DhtLink::describe(DiscoveryState& state) const {
    state.dht = node_ != nullptr;
    state.dht_port = options_.port;
    state.dht_id = to_hex(options_.network);
    if (!node_) return;
    const DhtNode::Counts counts = node_->counts();
    state.dht_good = counts.good;
    state.dht_dubious = counts.dubious;
    state.dht_searches = counts.searches;
    state.dht_announced = counts.announced;
    state.dht_found = counts.found;
    state.dht_sent = counts.sent;
    state.dht_received = counts.received;
}

}  // namespace cairn::net::detail
