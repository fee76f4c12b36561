#pragma once

#include <string>

#include "consensus/rules/params.hpp"
#include "net/io/network.hpp"
#include "node/config/args.hpp"

namespace cairn::node {

/// -landiscovery, -dht, -dhtport and -dhtbootstrap; the rest of `net` is there already.
///
/// The local network is asked by default when we take connections from it, on every chain but regtest, unless an option says that our
/// connections are to be few or hidden (-connect, -proxy, -onlynet without IPv4 and IPv6). Neither way goes through a proxy: where one is
/// set, both are refused.
/// Errors: a sentence for "Error: ...".
Result<void, std::string> fill_discovery(const Args& args, const ChainParams& params, net::NetworkOptions& net);

}  // namespace cairn::node
