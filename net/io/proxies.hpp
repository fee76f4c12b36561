#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "consensus/base/result.hpp"
#include "net/wire/net_address.hpp"

namespace cairn::net {

/// Where a proxy listens: an address and port, or a local socket.
struct ProxyAddress {
    Endpoint endpoint;
    std::string unix_path;  ///< not empty: a local socket; `endpoint` does not count
    bool isolate = false;   ///< every connection has credentials of its own, so that Tor gives it its own circuit

    /// "127.0.0.1:9050", "[::1]:9050", "unix:/path".
    std::string to_string() const { return unix_path.empty() ? endpoint.to_string() : "unix:" + unix_path; }
};

/// The options about proxies and networks as they were written.
struct ProxyArguments {
    std::vector<std::string> proxies;    ///< -proxy, `address[=network]`; "0" or empty takes the proxy away again
    std::string onion;                   ///< -onion; empty: not given, "0": never
    std::string i2p_sam;                 ///< -i2psam
    std::vector<std::string> only_nets;  ///< -onlynet
    bool cjdns_given = false;            ///< -cjdnsreachable in any form
    bool randomize = true;               ///< -proxyrandomize
    bool listen_onion = true;            ///< -listenonion
    bool name_lookup = true;             ///< -dns: proxies may be named by host names
};

/// Which networks can be reached, and by which way. By default: all without a proxy, as far as that is possible.
struct ProxyPlan {
    std::map<NetworkId, ProxyAddress> networks;  ///< SOCKS5, except I2P's, which is the SAM bridge
    std::optional<ProxyAddress> names;           ///< host names are given to this one and never looked up here
    std::vector<NetworkId> reachable{NetworkId::ipv4, NetworkId::ipv6};
    bool onion_allowed = true;                   ///< -onlynet does not speak against it: Tor's control port may make it reachable

    bool reaches(NetworkId network) const;
};

/// Errors: the complaint that operators of Bitcoin Core know.
Result<ProxyPlan, std::string> plan_proxies(const ProxyArguments& arguments);

/// `host[:port]` as one address; host names are looked up when `name_lookup`. Waits for the answer.
std::optional<Endpoint> lookup_endpoint(const std::string& text, std::uint16_t default_port, bool name_lookup);

}  // namespace cairn::net
