#pragma once

#include <optional>
#include <vector>

#include "net/core/net_port.hpp"
#include "net/wire/net_address.hpp"

namespace cairn::net {

/// An inbound peer when its slot is wanted by somebody else.
struct EvictionCandidate {
    PeerId id = 0;
    std::int64_t connected_us = 0;
    std::int64_t min_ping_us = 0;   ///< the largest number when unknown
    std::int64_t last_block_s = 0;
    std::int64_t last_transaction_s = 0;
    bool relays_transactions = false;
    bool useful_services = false;
    bool prefer = false;            ///< discouraged: goes first
    std::uint64_t keyed_group = 0;  ///< secret hash of the address group
};

/// Whom to drop. Protected are those whose merit an attacker cannot easily take from all of them at once: some address
/// groups by a secret order, the quickest answers, the latest transactions and blocks, and half of the rest by age; of
/// what remains the youngest of the largest address group goes. Peers that may not be dropped are not given.
/// Source: the scheme of Bitcoin Core.
std::optional<PeerId> choose_eviction(std::vector<EvictionCandidate> candidates);

}  // namespace cairn::net
