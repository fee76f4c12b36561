#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/wire/net_address.hpp"

namespace cairn::net::detail {

/// The addresses of this machine's interfaces that are up, without those of the loopback.
std::vector<NetAddress> interface_addresses();

/// The router through which everything goes that has no way of its own.
struct Gateway {
    NetAddress address;
    std::string interface;  ///< link-local addresses mean something on their interface only
};
/// From the text of /proc/net/route and /proc/net/ipv6_route. nullopt: there is none.
std::optional<Gateway> parse_gateway_v4(std::string_view table);
std::optional<Gateway> parse_gateway_v6(std::string_view table);
/// NetworkId::ipv4 or ipv6.
std::optional<Gateway> default_gateway(NetworkId network);

}  // namespace cairn::net::detail
