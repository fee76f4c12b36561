#pragma once

#include <limits>
#include <optional>
#include <vector>

#include "net/core/net_port.hpp"
#include "net/wire/net_address.hpp"

namespace cairn::net {

/// An inbound peer when its slot is wanted by somebody else.
struct EvictionCandidate {
    PeerId id = 0;
    std::int64_t connected_us = 0;
    std::int64_t min_ping_us = std::numeric_limits<std::int64_t>::max();  ///< the largest number when unknown
    std::int64_t last_block_s = 0;        ///< when it last gave us a block that we did not have
    std::int64_t last_transaction_s = 0;  ///< when it last gave us a transaction that we took
    bool relays_transactions = false;
    bool bloom_filter = false;            ///< loaded one (BIP37)
    bool useful_services = false;         ///< serves what we would want of an outbound peer
    bool prefer = false;                  ///< was discouraged when it came: goes first
    bool local = false;                   ///< from this machine
    NetworkId network = NetworkId::none;  ///< through which it came: onion for what Tor forwards
    std::uint64_t keyed_group = 0;        ///< secret hash of the address group
};

/// Whom to drop; nullopt: all are protected. Peers that may not be dropped are not given.
///
/// Protected are those whose merit an attacker cannot easily take from all of them at once, in this order:
///   4  by address group, in a secret order
///   8  by quickest answer to a ping
///   4  by latest transaction
///   8  by latest block, of those who relay no transactions and have useful services
///   4  by latest block
///   half of the rest by age, where up to half of these places are for CJDNS, I2P, this machine and onion, fewest first:
///      their slow ways would lose them the other protections.
/// Of what remains (the discouraged alone, if there are any) the youngest of the largest address group goes.
/// Source: the scheme of Bitcoin Core. Cost: a few sorts.
std::optional<PeerId> choose_eviction(std::vector<EvictionCandidate> candidates);

/// The last step but one of the above on its own: takes the protected half out of the list.
void protect_by_age_and_network(std::vector<EvictionCandidate>& candidates);

}  // namespace cairn::net
