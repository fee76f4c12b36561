#include "net/swarm/local_addresses.hpp"

#include <algorithm>

namespace cairn::net {
namespace {

bool starts_with(const NetAddress& address, std::initializer_list<std::uint8_t> prefix) {
    return address.network() == NetworkId::ipv6 && std::equal(prefix.begin(), prefix.end(), address.bytes().begin());
}

/// IPv6 through somebody's NAT: RFC 4380.
bool is_teredo(const NetAddress& address) { return starts_with(address, {0x20, 0x01, 0, 0}); }

/// IPv6 that IPv4 is translated to or carries: RFC 3964, 6052, 6145.
bool is_tunnel(const NetAddress& address) {
    return starts_with(address, {0x20, 0x02}) || starts_with(address, {0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0}) ||
           starts_with(address, {0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0});
}

bool hides(NetworkId network) { return network == NetworkId::onion || network == NetworkId::i2p; }

/// How well somebody gets to us, ascending.
enum class Reach { none, some, teredo, ipv6_weak, ipv4, ipv6_strong, same_overlay };

Reach from_teredo(const NetAddress& own) {
    if (is_teredo(own)) return Reach::teredo;
    if (own.network() == NetworkId::ipv6) return Reach::ipv6_weak;
    return own.network() == NetworkId::ipv4 ? Reach::ipv4 : Reach::some;
}

/// How well `own` is reached from `peer`.
Reach reach(const NetAddress& own, const NetAddress& peer) {
    if (!own.is_routable()) return Reach::none;
    const NetworkId ours = own.network();
    if (is_teredo(peer)) return from_teredo(own);
    switch (peer.is_routable() ? peer.network() : NetworkId::none) {
        case NetworkId::ipv4: return ours == NetworkId::ipv4 ? Reach::ipv4 : Reach::some;
        case NetworkId::ipv6:
            if (ours == NetworkId::ipv4) return Reach::ipv4;
            if (ours != NetworkId::ipv6) return Reach::some;
            if (is_teredo(own)) return Reach::teredo;
            return is_tunnel(own) ? Reach::ipv6_weak : Reach::ipv6_strong;
        case NetworkId::onion:
            if (ours == NetworkId::ipv4) return Reach::ipv4;
            return ours == NetworkId::onion ? Reach::same_overlay : Reach::some;
        case NetworkId::i2p:
        case NetworkId::cjdns: return ours == peer.network() ? Reach::same_overlay : Reach::some;
        case NetworkId::none: break;
    }
    return ours == NetworkId::onion ? Reach::same_overlay : from_teredo(own);
}

}  // namespace

std::optional<Endpoint> LocalAddresses::best_for(const NetAddress& peer, bool through_onion) const {
    const NetworkId theirs = through_onion ? NetworkId::onion : peer.network();
    std::optional<Endpoint> best;
    std::pair<Reach, int> best_rank{Reach::none, -1};
    for (const auto& [address, entry] : entries_) {
        if (address.network() != theirs && (hides(address.network()) || hides(theirs))) continue;
        const std::pair rank{reach(address, peer), entry.score};
        if (best && rank <= best_rank) continue;
        best = Endpoint{address, entry.port};
        best_rank = rank;
    }
    return best;
}

}  // namespace cairn::net
