#pragma once

#include <span>
#include <vector>

#include "net/core/outbox.hpp"
#include "net/core/peer_info.hpp"
#include "net/core/role.hpp"
#include "net/engine/connection_limits.hpp"

namespace cairn::net {

/// Keeps the outbound connections good: finds out when the tip has become old, so that one peer more is called than there
/// are slots for, and drops one of the peers that are too many once the newest had time to show what it is worth.
///
/// - Every 45 seconds: of block-relay peers above their number the youngest goes, or the second youngest when the youngest
///   has given us a block later; of full-relay peers above theirs the one goes that has not announced a block for the
///   longest time (the younger one of equals), but never a protected one, nor the last one of its network. Nobody is
///   dropped in its first 30 seconds or while a block is fetched from it.
/// - Every 10 minutes: when no block was connected for three block intervals and none is being fetched, an extra full-relay
///   peer is wanted, until one was dropped or the next check finds the tip fresh.
/// - Once the chain has reached the present, short-lived extra block-relay peers are of use.
/// Limits: what it decides on is bounded by the connections there are; it keeps no state of peers.
/// Source: the behaviour of Bitcoin Core (EvictExtraOutboundPeers, CheckForStaleTipAndEvictPeers).
/// Owner: net thread.
class OutboundCare {
public:
    struct Peer {
        PeerId id = 0;
        ConnectionType type = ConnectionType::outbound_full_relay;
        bool ready = false;                  ///< has shaken hands
        NetworkId network = NetworkId::none; ///< none: of no public network
        std::int64_t connected_us = 0;
        std::int64_t last_block_s = 0;       ///< when it last gave us a new block
        PeerStanding standing;
    };
    struct State {
        std::vector<Peer> peers;   ///< outbound ones that are not being closed, in order of id
        ChainPulse chain;
        bool may_dial = true;      ///< the network is on, and peers are ours to choose
    };

    OutboundCare(const ConnectionLimits& limits, LogLines& log) : limits_(limits), log_(log) {}

    /// True when on_tick has something to do: a State need not be made before.
    bool due(std::int64_t now_us) const { return now_us >= next_check_us_ || next_check_us_ - now_us > limits::kExtraPeerCheck_us; }
    /// Who is to be disconnected; the reasons are logged.
    std::vector<PeerId> on_tick(const State& state, std::int64_t now_us);

    /// One full-relay peer more than there are slots is wanted.
    bool wants_extra_full_relay() const { return wants_extra_full_relay_; }
    /// Extra block-relay peers are of use.
    bool wants_extra_block_relay() const { return wants_extra_block_relay_; }

private:
    void drop_extra_block_relay(const State& state, std::int64_t now_us, std::vector<PeerId>& dropped) const;
    void drop_extra_full_relay(const State& state, std::int64_t now_us, std::vector<PeerId>& dropped);
    void check_tip(const State& state, std::int64_t now_us);
    void want_extra_full_relay(bool wanted);

    const ConnectionLimits& limits_;
    LogLines& log_;
    std::int64_t next_check_us_ = 0;
    std::int64_t next_tip_check_us_ = 0;
    bool wants_extra_full_relay_ = false, wants_extra_block_relay_ = false;
};

}  // namespace cairn::net
