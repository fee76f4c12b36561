#include "net/io/detail/interfaces.hpp"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <charconv>
#include <fstream>
#include <sstream>

#include "consensus/base/hex.hpp"

namespace cairn::net::detail {
namespace {

constexpr unsigned kRouteUp = 1, kRouteGateway = 2, kRouteReject = 0x200;  // RTF_UP, RTF_GATEWAY, RTF_REJECT

std::vector<std::string> fields_of(const std::string& line) {
    std::istringstream in(line);
    std::vector<std::string> fields;
    for (std::string field; in >> field;) fields.push_back(field);
    return fields;
}

std::optional<std::uint32_t> parse_hex32(std::string_view text) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

bool is_way_out(std::uint32_t flags) { return (flags & kRouteUp) != 0 && (flags & kRouteGateway) != 0 && (flags & kRouteReject) == 0; }

}  // namespace

std::vector<NetAddress> interface_addresses() {
    std::vector<NetAddress> addresses;
    ifaddrs* list = nullptr;
    if (getifaddrs(&list) != 0) return addresses;
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
        if (entry->ifa_addr == nullptr || (entry->ifa_flags & IFF_UP) == 0 || (entry->ifa_flags & IFF_LOOPBACK) != 0) continue;
        if (entry->ifa_addr->sa_family == AF_INET)
            addresses.push_back(NetAddress::ipv4(ntohl(reinterpret_cast<const sockaddr_in*>(entry->ifa_addr)->sin_addr.s_addr)));
        else if (entry->ifa_addr->sa_family == AF_INET6)
            addresses.push_back(NetAddress::ipv6(ByteSpan(reinterpret_cast<const sockaddr_in6*>(entry->ifa_addr)->sin6_addr.s6_addr, 16)));
    }
    freeifaddrs(list);
    return addresses;
}

/// Iface Destination Gateway Flags RefCnt Use Metric Mask …; addresses are numbers in the machine's byte order.
std::optional<Gateway> parse_gateway_v4(std::string_view table) {
    std::istringstream lines{std::string(table)};
    for (std::string line; std::getline(lines, line);) {
        const auto fields = fields_of(line);
        if (fields.size() < 8) continue;
        const auto destination = parse_hex32(fields[1]), gateway = parse_hex32(fields[2]), flags = parse_hex32(fields[3]), mask = parse_hex32(fields[7]);
        if (!destination || !gateway || !flags || !mask || *destination != 0 || *mask != 0 || *gateway == 0 || !is_way_out(*flags)) continue;
        return Gateway{NetAddress::ipv4(ntohl(*gateway)), fields[0]};
    }
    return std::nullopt;
}

/// Destination its bits source its bits gateway metric references use flags interface; addresses in network order.
std::optional<Gateway> parse_gateway_v6(std::string_view table) {
    std::istringstream lines{std::string(table)};
    for (std::string line; std::getline(lines, line);) {
        const auto fields = fields_of(line);
        if (fields.size() < 10 || fields[1] != "00") continue;
        const auto destination = from_hex(fields[0]), gateway = from_hex(fields[4]);
        const auto flags = parse_hex32(fields[8]);
        if (!destination || !gateway || gateway->size() != 16 || !flags || !is_way_out(*flags)) continue;
        const NetAddress address = NetAddress::ipv6(*gateway);
        if (*destination == Bytes(16, 0) && address.is_valid()) return Gateway{address, fields[9]};
    }
    return std::nullopt;
}

std::optional<Gateway> default_gateway(NetworkId network) {
    const bool v6 = network == NetworkId::ipv6;
    std::ifstream in(v6 ? "/proc/net/ipv6_route" : "/proc/net/route");
    std::ostringstream text;
    text << in.rdbuf();
    return v6 ? parse_gateway_v6(text.str()) : parse_gateway_v4(text.str());
}

}  // namespace cairn::net::detail
