#pragma once

#include "net/wire/net_address.hpp"

namespace cairn::net {

/// CJDNS numbers its hosts with IPv6 addresses of fc00::/8, which elsewhere are private ones. On a host that is part of
/// CJDNS they mean a node of that network; this turns them into such. Everything else comes back as it was.
inline NetAddress as_cjdns(const NetAddress& address, bool host_is_in_cjdns) {
    if (!host_is_in_cjdns || address.network() != NetworkId::ipv6 || address.bytes()[0] != 0xfc) return address;
    return NetAddress::from_bip155(NetworkId::cjdns, address.bytes()).value_or(address);
}
inline Endpoint as_cjdns(const Endpoint& endpoint, bool host_is_in_cjdns) {
    return {as_cjdns(endpoint.address, host_is_in_cjdns), endpoint.port};
}

}  // namespace cairn::net
