#pragma once

#include "consensus/base/bytes.hpp"
#include "consensus/chain/header_tree.hpp"
#include "consensus/primitives/amount.hpp"

namespace cairn {

/// An unspent output and where it was made.
struct Coin {
    Amount value = 0;
    Bytes script_pubkey;
    Height height = 0;      ///< of the block that made it
    bool coinbase = false;  ///< made by a coinbase: must mature for 100 blocks

    bool operator==(const Coin&) const = default;
};

}  // namespace cairn
