#pragma once

#include <cstdint>
#include <optional>

#include "node/mempool/fee_size.hpp"

namespace cairn::node {

/// What an operator may choose about the blocks that are made here. The names beside are the command line's; the values are
/// Bitcoin Core 31's defaults.
struct MiningOptions {
    /// Errors of the command line are Bitcoin Core's sentences about these: a reserve of 2,000 to 4,000,000, a maximum of at
    /// most 4,000,000 and not below the reserve.
    std::int64_t block_max_weight = 4'000'000;   ///< -blockmaxweight
    std::int64_t block_reserved_weight = 8'000;  ///< -blockreservedweight: for header, count and coinbase
    FeeRate block_min_fee_rate{1};               ///< -blockmintxfee: chunks below stay out
    std::optional<std::int32_t> block_version;   ///< -blockversion; looked at on regtest only
    bool print_fee_rates = false;                ///< -printpriority: each transaction's fee rate goes to the log
};

}  // namespace cairn::node
