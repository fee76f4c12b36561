#pragma once

#include <string>
#include <string_view>

#include "consensus/base/result.hpp"
#include "net/wire/net_address.hpp"

namespace cairn::net {

/// The kind of network as RPC names it: "ipv4" also for an IPv6 address that stands for an IPv4 one (6to4, Teredo, NAT64), and
/// "not_publicly_routable" for what no other node can reach.
std::string_view network_class(const NetAddress& address);

/// Which addresses belong together, so that peers are chosen from different places: by the operator of their network
/// (autonomous system) where a map of the Internet is at hand, by the first bits of the address otherwise.
/// Thread: any (constant once made).
class NetGroups {
public:
    NetGroups() = default;
    /// From the bytes of an asmap file (Bitcoin Core's format). Errors: the text for people.
    static Result<NetGroups, std::string> from_asmap(Bytes asmap);

    bool uses_asmap() const { return !asmap_.empty(); }
    /// SHA-256d of the map; zero without one.
    const Uint256& version() const { return version_; }
    /// The autonomous system; 0 when it is not known.
    std::uint32_t autonomous_system(const NetAddress& address) const;
    /// The group as bytes, the same as Bitcoin Core's, for its hashes decide where in the address tables an entry stands.
    Bytes group(const NetAddress& address) const;

private:
    Bytes asmap_;
    Uint256 version_;
};

}  // namespace cairn::net
