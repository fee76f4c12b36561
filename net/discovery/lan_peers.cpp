#include "net/discovery/lan_peers.hpp"

#include <algorithm>

namespace cairn::net {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kFirstRetry_us = 10 * kSecond;
constexpr int kMaxDoublings = 9;                       // up to about an hour and a half
constexpr std::int64_t kCourtesy_us = 15 * kSecond;    // so long the other one may call first

}  // namespace

std::string LanPeers::name_of(const LanPeer& peer) {
    const ByteSpan bytes = peer.endpoint.address.bytes();
    if (peer.endpoint.address.network() != NetworkId::ipv6 || bytes[0] != 0xfe || (bytes[1] & 0xc0) != 0x80) return peer.endpoint.to_string();
    return "[" + peer.endpoint.address.to_string() + "%" + peer.interface + "]:" + std::to_string(peer.endpoint.port);
}

void LanPeers::on_event(const LanEvent& event, std::int64_t now_us) {
    if (!event.present) {
        peers_.erase(event.peer.instance);
        return;
    }
    if (peers_.size() >= LanService::kMaxInstances && !peers_.contains(event.peer.instance)) return;
    Entry& entry = peers_[event.peer.instance];
    entry.peer = event.peer;
    entry.since_us = now_us;
    entry.failures = 0;
    entry.next_try_us = event.peer.instance > own_ ? now_us : now_us + kCourtesy_us;
}

std::vector<LanPeer> LanPeers::take_due(const std::vector<Connection>& connections, int calling, std::int64_t now_us) {
    std::vector<LanPeer> due;
    auto slots = kMaxConnections - calling - static_cast<int>(std::count_if(connections.begin(), connections.end(),
                                                                  [](const Connection& c) { return c.type == ConnectionType::lan; }));
    for (auto& [instance, entry] : peers_) {
        if (slots <= 0) break;
        const std::int64_t wait_us = kFirstRetry_us << std::min(entry.failures, kMaxDoublings);
        if (now_us < entry.next_try_us && entry.next_try_us - now_us <= std::max(wait_us, kCourtesy_us)) continue;
        const std::string name = name_of(entry.peer);
        const bool connected = std::any_of(connections.begin(), connections.end(), [&, &peer = entry.peer](const Connection& c) {
            if (c.type == ConnectionType::inbound) return c.address.address == peer.endpoint.address;
            return c.name == name || (c.address == peer.endpoint && c.address.address.is_valid());
        });
        if (connected) continue;
        ++entry.failures;
        entry.next_try_us = now_us + wait_us;
        due.push_back(entry.peer);
        --slots;
    }
    return due;
}

void LanPeers::on_connected(const NetAddress& address) {
    for (auto& [instance, entry] : peers_)
        if (entry.peer.endpoint.address == address) entry.failures = 0;
}

bool LanPeers::contains(const NetAddress& address) const {
    return std::any_of(peers_.begin(), peers_.end(), [&](const auto& entry) { return entry.second.peer.endpoint.address == address; });
}

std::vector<LanPeers::Known> LanPeers::all() const {
    std::vector<Known> known;
    for (const auto& [instance, entry] : peers_) known.push_back(entry);
    return known;
}

}  // namespace cairn::net
