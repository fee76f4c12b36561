#pragma once

#include <algorithm>

#include "net/wire/limits.hpp"

namespace cairn::net {

/// How -maxconnections is shared out. Outbound slots come first, inbound peers get what is left; peers that the operator
/// named (-addnode, -connect) count for none of these.
/// Source: Bitcoin Core.
struct ConnectionLimits {
    int automatic = 0;           ///< all connections that nobody named
    int full_relay = 0;          ///< outbound, wanted at any time
    int block_relay = 0;         ///< outbound, wanted at any time
    int outbound = 0;            ///< automatic outbound connections of every type at once: one more for feelers and extra peers
    int inbound = 0;
    int inbound_tx_relay = 0;    ///< of the inbound ones, those that want to hear of transactions

    /// `inbound_relay_percent`: −inboundrelaypercent, 0 to 100.
    static constexpr ConnectionLimits share(int max_connections, int inbound_relay_percent = limits::kInboundRelayPercent) {
        ConnectionLimits shares;
        shares.automatic = std::max(0, max_connections);
        shares.full_relay = std::min(limits::kFullRelayOutbound, shares.automatic);
        shares.block_relay = std::min(limits::kBlockRelayOutbound, shares.automatic - shares.full_relay);
        const int reserved = shares.full_relay + shares.block_relay + limits::kMaxFeelers;
        shares.outbound = std::min(reserved, shares.automatic);
        shares.inbound = std::max(0, shares.automatic - reserved);
        shares.inbound_tx_relay = static_cast<int>(std::clamp(inbound_relay_percent, 0, 100) / 100.0 * shares.inbound);
        return shares;
    }
};

}  // namespace cairn::net
