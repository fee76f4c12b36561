#pragma once

#include <span>

#include "consensus/base/bytes.hpp"
#include "consensus/chain/header_tree.hpp"
#include "consensus/primitives/amount.hpp"
#include "consensus/primitives/transaction.hpp"

namespace cairn {

/// Where an output was made.
struct CoinOrigin {
    Height height = 0;      ///< of the block that made it
    bool coinbase = false;  ///< made by a coinbase: must mature for 100 blocks

    bool operator==(const CoinOrigin&) const = default;
};

/// An unspent output and where it was made.
struct Coin {
    Amount value = 0;
    Bytes script_pubkey;
    Height height = 0;      ///< of the block that made it
    bool coinbase = false;  ///< made by a coinbase: must mature for 100 blocks

    TxOutput output() const { return {value, script_pubkey}; }
    CoinOrigin origin() const { return {height, coinbase}; }

    bool operator==(const Coin&) const = default;
};

/// The value of an output that is not there: no coin has it. An input whose coin is missing or spent gets this output.
inline constexpr Amount kMissingCoinValue = -1;

/// The coins that the inputs of one transaction spend, in the order of the inputs; it owns nothing. The outputs lie in
/// one row because signatures of taproot cover all of them.
struct SpentCoins {
    std::span<const TxOutput> outputs;
    std::span<const CoinOrigin> origins;

    std::size_t size() const { return outputs.size(); }
    bool missing(std::size_t input) const { return outputs[input].value == kMissingCoinValue; }
};

}  // namespace cairn
