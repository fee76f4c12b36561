#pragma once

#include "consensus/chain/coin.hpp"
#include "consensus/primitives/transaction.hpp"
#include "consensus/script/flags.hpp"

namespace cairn::rules {

/// Signature operations in the scripts that the transaction itself carries, counted the old way.
std::uint32_t legacy_sigops(const Transaction& tx);

/// What the transaction adds to the block's limit of 80,000: legacy and P2SH operations cost 4, witness operations 1.
/// `spent` holds one coin for each input (none for a coinbase). `legacy`: legacy_sigops(tx), counted before.
std::int64_t sigop_cost(const Transaction& tx, const SpentCoins& spent, ScriptFlags flags, std::uint32_t legacy);
inline std::int64_t sigop_cost(const Transaction& tx, const SpentCoins& spent, ScriptFlags flags) {
    return sigop_cost(tx, spent, flags, legacy_sigops(tx));
}

}  // namespace cairn::rules
