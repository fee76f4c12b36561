#pragma once

#include <span>

#include "node/config/args.hpp"

namespace cairn::node {

/// Every option of cairnd: bitcoind's, by the same names, and a few of our own.
std::span<const Option> daemon_options();
/// Every option of cairn-cli.
std::span<const Option> client_options();

}  // namespace cairn::node
