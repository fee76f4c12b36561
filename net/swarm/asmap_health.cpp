#include "net/swarm/asmap_health.hpp"

#include <unordered_set>

namespace cairn::net {

void AsmapHealth::on_tick(const NetGroups& groups, AddrBook& book, LogLines& log, std::int64_t now_us) {
    constexpr std::int64_t kInterval_us = 24LL * 60 * 60 * 1'000'000;
    if (!groups.uses_asmap() || now_us < next_us_) return;
    next_us_ = now_us + kInterval_us;
    std::unordered_set<std::uint32_t> systems;
    std::size_t clearnet = 0, unmapped = 0;
    for (const PeerAddress& known : book.sample(0, 0, std::nullopt, false, now_us / 1'000'000)) {
        const NetAddress& address = known.endpoint.address;
        if (address.network() != NetworkId::ipv4 && address.network() != NetworkId::ipv6) continue;
        ++clearnet;
        const std::uint32_t system = groups.autonomous_system(address);
        if (system == 0) ++unmapped;
        else systems.insert(system);
    }
    log.info("ASMap Health Check: {} clearnet peers are mapped to {} ASNs with {} peers being unmapped", clearnet, systems.size(), unmapped);
}

}  // namespace cairn::net
