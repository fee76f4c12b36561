#pragma once

#include "consensus/rules/params.hpp"

namespace cairn::detail {

// The parameters of each network before options change heights and deployments.
ChainParams mainnet_params();
ChainParams testnet3_params();
ChainParams testnet4_params();
ChainParams signet_params(const ChainOptions& options);
ChainParams regtest_params(const ChainOptions& options);

}  // namespace cairn::detail
