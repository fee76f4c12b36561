#include "net/io/detail/lan_link.hpp"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <boost/asio/ip/v6_only.hpp>
#include <chrono>
#include <cstring>

#include "net/io/detail/asio_address.hpp"
#include "net/io/log.hpp"

namespace cairn::net::detail {
namespace {

namespace asio = boost::asio;
using udp = asio::ip::udp;

constexpr std::uint16_t kPort = 5353;
constexpr std::uint32_t kGroup4 = 0xe00000fb;                    // 224.0.0.251
constexpr std::array<std::uint8_t, 16> kGroup6{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xfb};  // ff02::fb
constexpr int kHops = 255;                                       // of every packet; routers would make it less (RFC 6762, section 11)
constexpr auto kTick = std::chrono::milliseconds(50);
constexpr std::int64_t kLookInterval_us = 5'000'000;             // for new interfaces
constexpr int kPacketsAtOnce = 32;                               // then others have their turn

std::int64_t steady_us() {
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::uint8_t prefix_bits(const sockaddr* mask) {
    if (mask == nullptr) return 0;
    int bits = 0;
    if (mask->sa_family == AF_INET) return static_cast<std::uint8_t>(std::popcount(reinterpret_cast<const sockaddr_in*>(mask)->sin_addr.s_addr));
    if (mask->sa_family == AF_INET6)
        for (const std::uint8_t byte : reinterpret_cast<const sockaddr_in6*>(mask)->sin6_addr.s6_addr) bits += std::popcount(byte);
    return static_cast<std::uint8_t>(bits);
}

/// Every packet goes out by an interface that we choose; the control data says which.
template <class Info>
void set_control(msghdr& header, void* control, std::size_t size, int level, int type, const Info& info) {
    header.msg_control = control;
    header.msg_controllen = size;
    cmsghdr* part = CMSG_FIRSTHDR(&header);
    part->cmsg_level = level;
    part->cmsg_type = type;
    part->cmsg_len = CMSG_LEN(sizeof info);
    std::memcpy(CMSG_DATA(part), &info, sizeof info);
}

/// A packet that was read.
struct Datagram {
    std::array<std::uint8_t, dns::kMaxPacketBytes + 1> bytes;
    std::size_t size = 0;
    Endpoint from;
    unsigned interface = 0;
    int hops = -1;
};

bool receive(int socket, Datagram& datagram) {
    sockaddr_storage from{};
    alignas(cmsghdr) std::array<std::uint8_t, 256> control{};
    iovec part{datagram.bytes.data(), datagram.bytes.size()};
    msghdr header{};
    header.msg_name = &from;
    header.msg_namelen = sizeof from;
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    const ssize_t size = recvmsg(socket, &header, MSG_DONTWAIT);
    if (size < 0) return false;
    datagram.size = static_cast<std::size_t>(size);
    for (cmsghdr* entry = CMSG_FIRSTHDR(&header); entry != nullptr; entry = CMSG_NXTHDR(&header, entry)) {
        if (entry->cmsg_level == IPPROTO_IP && entry->cmsg_type == IP_PKTINFO) {
            in_pktinfo info{};
            std::memcpy(&info, CMSG_DATA(entry), sizeof info);
            datagram.interface = static_cast<unsigned>(info.ipi_ifindex);
        } else if (entry->cmsg_level == IPPROTO_IPV6 && entry->cmsg_type == IPV6_PKTINFO) {
            in6_pktinfo info{};
            std::memcpy(&info, CMSG_DATA(entry), sizeof info);
            datagram.interface = info.ipi6_ifindex;
        } else if ((entry->cmsg_level == IPPROTO_IP && entry->cmsg_type == IP_TTL) ||
                   (entry->cmsg_level == IPPROTO_IPV6 && entry->cmsg_type == IPV6_HOPLIMIT)) {
            std::memcpy(&datagram.hops, CMSG_DATA(entry), sizeof datagram.hops);
        }
    }
    if (from.ss_family == AF_INET) {
        const auto& v4 = reinterpret_cast<const sockaddr_in&>(from);
        datagram.from = {NetAddress::ipv4(ntohl(v4.sin_addr.s_addr)), ntohs(v4.sin_port)};
    } else {
        const auto& v6 = reinterpret_cast<const sockaddr_in6&>(from);
        datagram.from = {NetAddress::ipv6(ByteSpan(v6.sin6_addr.s6_addr, 16)), ntohs(v6.sin6_port)};
    }
    return true;
}

}  // namespace

std::vector<LanInterface> lan_interfaces() {
    std::vector<LanInterface> interfaces;
    ifaddrs* list = nullptr;
    if (getifaddrs(&list) != 0) return interfaces;
    constexpr unsigned kWanted = IFF_UP | IFF_RUNNING | IFF_MULTICAST, kUnwanted = IFF_LOOPBACK | IFF_POINTOPOINT;
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
        if (entry->ifa_addr == nullptr || (entry->ifa_flags & kWanted) != kWanted || (entry->ifa_flags & kUnwanted) != 0) continue;
        LanInterface::Place place;
        if (entry->ifa_addr->sa_family == AF_INET)
            place.address = NetAddress::ipv4(ntohl(reinterpret_cast<const sockaddr_in*>(entry->ifa_addr)->sin_addr.s_addr));
        else if (entry->ifa_addr->sa_family == AF_INET6)
            place.address = NetAddress::ipv6(ByteSpan(reinterpret_cast<const sockaddr_in6*>(entry->ifa_addr)->sin6_addr.s6_addr, 16));
        else
            continue;
        place.prefix_bits = prefix_bits(entry->ifa_netmask);
        const auto same = [&](const LanInterface& known) { return known.name == entry->ifa_name; };
        auto found = std::find_if(interfaces.begin(), interfaces.end(), same);
        if (found == interfaces.end()) found = interfaces.insert(interfaces.end(), LanInterface{if_nametoindex(entry->ifa_name), entry->ifa_name, {}});
        found->places.push_back(place);
    }
    freeifaddrs(list);
    return interfaces;
}

LanLink::LanLink(asio::io_context& io, Options options, Hooks hooks)
    : io_(io), options_(std::move(options)), hooks_(std::move(hooks)), service_(options_.service, Random::from_system()), timer_(io) {}

void LanLink::start() {
    open(false);
    open(true);
    if (!sockets_[0] && !sockets_[1]) return;
    tick();
}

void LanLink::stop() {
    if (stopped_) return;
    if (speaking_) service_.stop(steady_us());
    for (const LanPacket& packet : service_.take_packets()) send(packet);
    stopped_ = true;
    hooks_ = {};
    timer_.cancel();
    boost::system::error_code ignored;
    for (auto& socket : sockets_)
        if (socket) socket->close(ignored);
}

/// Others on this machine may use the port, too.
void LanLink::open(bool ipv6) {
    Socket socket(io_);
    boost::system::error_code error;
    socket.open(ipv6 ? udp::v6() : udp::v4(), error);
    const int on = 1;
    const int level = ipv6 ? IPPROTO_IPV6 : IPPROTO_IP;
    const auto set = [&](int at, int option, int value) {
        if (!error && setsockopt(socket.native_handle(), at, option, &value, sizeof value) != 0) error.assign(errno, boost::system::system_category());
    };
    set(SOL_SOCKET, SO_REUSEADDR, on);
    set(SOL_SOCKET, SO_REUSEPORT, on);
    if (ipv6) set(IPPROTO_IPV6, IPV6_V6ONLY, on);
    set(level, ipv6 ? IPV6_RECVPKTINFO : IP_PKTINFO, on);
    set(level, ipv6 ? IPV6_RECVHOPLIMIT : IP_RECVTTL, on);
    set(level, ipv6 ? IPV6_MULTICAST_HOPS : IP_MULTICAST_TTL, kHops);
    set(level, ipv6 ? IPV6_UNICAST_HOPS : IP_TTL, kHops);
    set(level, ipv6 ? IPV6_MULTICAST_LOOP : IP_MULTICAST_LOOP, on);
    if (!error) socket.bind(udp::endpoint(ipv6 ? udp::v6() : udp::v4(), kPort), error);
    if (!error) socket.non_blocking(true, error);
    if (error) {
        log::info("lan: no discovery over {}: {}", ipv6 ? "IPv6" : "IPv4", error.message());
        return;
    }
    sockets_[ipv6 ? 1 : 0].emplace(std::move(socket));
    wait_readable(ipv6);
}

/// Joins the groups on interfaces that are new.
void LanLink::look_at_interfaces(std::int64_t now_us) {
    if (now_us < next_look_us_) return;
    next_look_us_ = now_us + kLookInterval_us;
    std::vector<LanInterface> interfaces = options_.interfaces();
    std::erase_if(joined_, [&](const auto& entry) {
        return std::none_of(interfaces.begin(), interfaces.end(), [&](const LanInterface& interface) { return interface.index == entry.first; });
    });
    for (const LanInterface& interface : interfaces) {
        for (const bool ipv6 : {false, true}) {
            if (!socket(ipv6) || std::find(joined_.begin(), joined_.end(), std::pair(interface.index, ipv6)) != joined_.end()) continue;
            int result = 0;
            if (ipv6) {
                ipv6_mreq request{};
                std::copy(kGroup6.begin(), kGroup6.end(), request.ipv6mr_multiaddr.s6_addr);
                request.ipv6mr_interface = interface.index;
                result = setsockopt(socket(true)->native_handle(), IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &request, sizeof request);
            } else {
                ip_mreqn request{};
                request.imr_multiaddr.s_addr = htonl(kGroup4);
                request.imr_ifindex = static_cast<int>(interface.index);
                result = setsockopt(socket(false)->native_handle(), IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request);
            }
            if (result == 0 || errno == EADDRINUSE) joined_.emplace_back(interface.index, ipv6);
        }
    }
    service_.set_interfaces(std::move(interfaces), now_us);
    speaking_ = true;
}

void LanLink::wait_readable(bool ipv6) {
    socket(ipv6)->async_wait(asio::socket_base::wait_read, [self = shared_from_this(), ipv6](boost::system::error_code error) {
        if (error || self->stopped_) return;
        self->read(ipv6);
        if (!self->stopped_) self->wait_readable(ipv6);
    });
}

void LanLink::read(bool ipv6) {
    Datagram datagram;
    for (int i = 0; i < kPacketsAtOnce && receive(socket(ipv6)->native_handle(), datagram); ++i) {
        // An answer that came through a router is nobody's on this network; questions of plain DNS clients have fewer hops left.
        const bool answer = datagram.size > 2 && (datagram.bytes[2] & 0x80) != 0;
        if (!speaking_ || (answer && datagram.hops != kHops)) continue;
        service_.on_packet(datagram.interface, datagram.from, ByteSpan(datagram.bytes).first(datagram.size), steady_us());
    }
    act();
}

void LanLink::tick() {
    if (stopped_) return;
    const std::int64_t now_us = steady_us();
    if (hooks_.active()) {
        look_at_interfaces(now_us);
        service_.on_tick(now_us);
    } else if (speaking_) {
        service_.stop(now_us);
        speaking_ = false;
        next_look_us_ = 0;
    }
    act();
    timer_.expires_after(kTick);
    timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
        if (!error) self->tick();
    });
}

void LanLink::act() {
    if (stopped_) return;
    if (told_name_ != service_.instance()) hooks_.on_name(told_name_ = service_.instance());
    for (const LanPacket& packet : service_.take_packets()) send(packet);
    hooks_.write_log(service_.log());
    if (const auto events = service_.take_events(); !events.empty()) hooks_.on_events(events);
}

/// What cannot be sent is lost, as packets may be.
void LanLink::send(const LanPacket& packet) {
    Socket* out = socket(packet.ipv6);
    if (!out) return;
    sockaddr_storage target{};
    alignas(cmsghdr) std::array<std::uint8_t, 128> control{};
    iovec part{const_cast<std::uint8_t*>(packet.bytes.data()), packet.bytes.size()};
    msghdr header{};
    header.msg_name = &target;
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    const ByteSpan host = packet.to ? packet.to->address.bytes() : ByteSpan();
    const std::uint16_t port = packet.to ? packet.to->port : kPort;
    if (packet.ipv6) {
        auto& v6 = reinterpret_cast<sockaddr_in6&>(target);
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port);
        v6.sin6_scope_id = packet.interface;
        std::memcpy(v6.sin6_addr.s6_addr, host.empty() ? kGroup6.data() : host.data(), kGroup6.size());
        header.msg_namelen = sizeof v6;
        in6_pktinfo info{};
        info.ipi6_ifindex = packet.interface;
        set_control(header, control.data(), CMSG_SPACE(sizeof info), IPPROTO_IPV6, IPV6_PKTINFO, info);
    } else {
        auto& v4 = reinterpret_cast<sockaddr_in&>(target);
        v4.sin_family = AF_INET;
        v4.sin_port = htons(port);
        if (host.empty()) v4.sin_addr.s_addr = htonl(kGroup4);
        else std::memcpy(&v4.sin_addr, host.data(), host.size());
        header.msg_namelen = sizeof v4;
        in_pktinfo info{};
        info.ipi_ifindex = static_cast<int>(packet.interface);
        set_control(header, control.data(), CMSG_SPACE(sizeof info), IPPROTO_IP, IP_PKTINFO, info);
    }
    if (sendmsg(out->native_handle(), &header, MSG_DONTWAIT) < 0)
        log::debug(log::Category::net, "lan: sending over interface {} failed: {}", packet.interface, std::strerror(errno));
}

void LanLink::describe(DiscoveryState& state) const {
    state.lan = !stopped_ && (sockets_[0] || sockets_[1]);
    state.lan_name = service_.instance();
    state.lan_announced = service_.announced();
    for (const LanInterface& interface : service_.interfaces()) state.lan_interfaces.push_back(interface.name);
    const LanService::Counts& counts = service_.counts();
    state.lan_sent = counts.sent;
    state.lan_received = counts.received;
    state.lan_malformed = counts.malformed;
    state.lan_rate_limited = counts.rate_limited;
}

}  // namespace cairn::net::detail
