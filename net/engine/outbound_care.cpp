#include "net/engine/outbound_care.hpp"

#include <algorithm>
#include <array>

namespace cairn::net {
namespace {

constexpr std::int64_t kSecond = 1'000'000;

int connected(const OutboundCare::State& state, ConnectionType type) {
    return static_cast<int>(std::count_if(state.peers.begin(), state.peers.end(), [type](const auto& p) { return p.type == type && p.ready; }));
}

/// Another peer leads to the same network, so that this one may go.
bool replaceable(const OutboundCare::State& state, const OutboundCare::Peer& peer) {
    return std::count_if(state.peers.begin(), state.peers.end(), [&peer](const OutboundCare::Peer& other) {
               return other.network == peer.network && (other.type == ConnectionType::outbound_full_relay || other.type == ConnectionType::manual);
           }) > 1;
}

}  // namespace

std::vector<PeerId> OutboundCare::on_tick(const State& state, std::int64_t now_us) {
    std::vector<PeerId> dropped;
    if (!due(now_us)) return dropped;
    next_check_us_ = now_us + limits::kExtraPeerCheck_us;
    drop_extra_block_relay(state, now_us, dropped);
    drop_extra_full_relay(state, now_us, dropped);
    if (now_us > next_tip_check_us_ || next_tip_check_us_ - now_us > limits::kStaleTipCheck_us) check_tip(state, now_us);
    if (!wants_extra_block_relay_ && state.chain.at_present) {
        log_.debug("enabling extra block-relay-only peers");
        wants_extra_block_relay_ = true;
    }
    return dropped;
}

void OutboundCare::drop_extra_block_relay(const State& state, std::int64_t now_us, std::vector<PeerId>& dropped) const {
    if (connected(state, ConnectionType::block_relay_only) <= limits_.block_relay) return;
    std::array<const Peer*, 2> youngest{};  // and the one before it
    for (const Peer& peer : state.peers)
        if (peer.type == ConnectionType::block_relay_only && peer.ready) youngest = {&peer, youngest[0]};
    const bool newest_is_better = youngest[1] && youngest[0]->last_block_s > youngest[1]->last_block_s;
    const Peer& peer = *youngest[newest_is_better ? 1 : 0];
    if (now_us - peer.connected_us < limits::kMinConnectTime_us || peer.standing.blocks_in_flight > 0) {
        log_.debug("keeping block-relay-only peer={} chosen for eviction (connect time: {}, blocks_in_flight: {})", peer.id,
                   peer.connected_us / kSecond, peer.standing.blocks_in_flight);
        return;
    }
    log_.debug("disconnecting extra block-relay-only peer={} (last block received at time {})", peer.id, peer.last_block_s);
    dropped.push_back(peer.id);
}

void OutboundCare::drop_extra_full_relay(const State& state, std::int64_t now_us, std::vector<PeerId>& dropped) {
    if (connected(state, ConnectionType::outbound_full_relay) <= limits_.full_relay) return;
    const Peer* worst = nullptr;
    for (const Peer& peer : state.peers) {
        if (peer.type != ConnectionType::outbound_full_relay || !peer.ready || peer.standing.protected_ || !replaceable(state, peer)) continue;
        if (!worst || peer.standing.last_announcement_s <= worst->standing.last_announcement_s) worst = &peer;
    }
    if (!worst) return;
    if (now_us - worst->connected_us <= limits::kMinConnectTime_us || worst->standing.blocks_in_flight > 0) {
        log_.debug("keeping outbound peer={} chosen for eviction (connect time: {}, blocks_in_flight: {})", worst->id,
                   worst->connected_us / kSecond, worst->standing.blocks_in_flight);
        return;
    }
    log_.debug("disconnecting extra outbound peer={} (last block announcement received at time {})", worst->id,
               worst->standing.last_announcement_s);
    dropped.push_back(worst->id);
    // One was called since the tip was found old, and came: no more of them before the next check.
    want_extra_full_relay(false);
}

void OutboundCare::check_tip(const State& state, std::int64_t now_us) {
    next_tip_check_us_ = now_us + limits::kStaleTipCheck_us;
    const std::int64_t age_s = now_us / kSecond - state.chain.last_block_s;
    const bool stale = age_s > limits::kStaleTipBlocks * state.chain.block_interval_s && !state.chain.fetching;
    if (state.may_dial && !state.chain.importing && stale) {
        log_.info("Potential stale tip detected, will try using extra outbound peer (last tip update: {} seconds ago)", age_s);
        want_extra_full_relay(true);
    } else if (wants_extra_full_relay_) {
        want_extra_full_relay(false);
    }
}

void OutboundCare::want_extra_full_relay(bool wanted) {
    wants_extra_full_relay_ = wanted;
    log_.debug("setting try another outbound peer={}", wanted);
}

}  // namespace cairn::net
