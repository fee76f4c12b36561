#pragma once

#include <string_view>
#include <vector>

#include "net/wire/net_address.hpp"

namespace cairn::net {

/// The nodes that were found reliable when this version was made, for when nobody else is known. Empty for chains that
/// have none. `chain`: main, test, testnet4, signet, regtest.
std::vector<PeerAddress> fixed_seeds(std::string_view chain);

}  // namespace cairn::net
