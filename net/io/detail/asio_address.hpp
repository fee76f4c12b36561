#pragma once

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>

#include "net/wire/net_address.hpp"

namespace cairn::net::detail {

/// `endpoint` is one of IPv4, IPv6 or CJDNS.
inline boost::asio::ip::tcp::endpoint to_asio(const Endpoint& endpoint) {
    if (endpoint.address.network() == NetworkId::ipv4) {
        boost::asio::ip::address_v4::bytes_type bytes;
        std::copy_n(endpoint.address.bytes().begin(), bytes.size(), bytes.begin());
        return {boost::asio::ip::address_v4(bytes), endpoint.port};
    }
    boost::asio::ip::address_v6::bytes_type bytes{};
    std::copy_n(endpoint.address.bytes().begin(), std::min(bytes.size(), endpoint.address.bytes().size()), bytes.begin());
    return {boost::asio::ip::address_v6(bytes), endpoint.port};
}

inline NetAddress from_asio(const boost::asio::ip::address& address) {
    if (address.is_v4()) return NetAddress::ipv4(address.to_v4().to_uint());
    const auto bytes = address.to_v6().to_bytes();
    return NetAddress::ipv6(bytes);
}

inline Endpoint from_asio(const boost::asio::ip::tcp::endpoint& endpoint) { return {from_asio(endpoint.address()), endpoint.port()}; }

}  // namespace cairn::net::detail
