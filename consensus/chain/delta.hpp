#pragma once

#include <vector>

#include "consensus/base/codec.hpp"
#include "consensus/base/result.hpp"
#include "consensus/chain/coin.hpp"

namespace cairn {

/// The coins that a block's transactions spent: for every transaction but the coinbase one entry, in it one coin for
/// every input, in order. With it the block can be taken back.
using SpentByTx = std::vector<Coin>;
using SpentByBlock = std::vector<SpentByTx>;

/// Appends the undo data of a block: a count of transactions, for each a count of coins and the coins in their
/// compressed form (coin_codec.hpp).
void write_undo(Bytes& out, const SpentByBlock& spent);
/// What write_undo wrote; all of `data`.
Result<SpentByBlock, DecodeError> read_undo(ByteSpan data);

}  // namespace cairn
