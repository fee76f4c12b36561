#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "node/chain/chain_port.hpp"

namespace cairn::node {

/// Bytes that an entry of the UTXO set has beside the output itself: outpoint, height and coinbase flag.
inline constexpr std::int64_t kUtxoOverhead = 40;

/// What getblockstats tells of one block. Amounts in satoshis, fee rates in satoshis per virtual byte, sizes in bytes.
/// "sw" counts transactions with a witness; "actual" leaves out outputs that never become coins.
struct BlockStatistics {
    std::int64_t avgfee = 0, avgfeerate = 0, avgtxsize = 0;
    std::array<std::int64_t, 5> feerate_percentiles{};  ///< at 10, 25, 50, 75 and 90 % of the block's weight
    std::int64_t ins = 0, outs = 0, txs = 0;
    std::int64_t maxfee = 0, maxfeerate = 0, maxtxsize = 0, medianfee = 0, mediantxsize = 0, minfee = 0, minfeerate = 0,
                 mintxsize = 0;
    std::int64_t swtotal_size = 0, swtotal_weight = 0, swtxs = 0;
    std::int64_t total_out = 0, total_size = 0, total_weight = 0, totalfee = 0;
    std::int64_t utxo_increase = 0, utxo_size_inc = 0, utxo_increase_actual = 0, utxo_size_inc_actual = 0;
};

/// `undo`: the coins that all transactions but the coinbase spent, as many entries as such transactions.
/// `coinbase_makes_coins`: false for the genesis block and the two that repeat an earlier coinbase (BIP30).
BlockStatistics block_statistics(const Block& block, const BlockUndo& undo, bool is_genesis, bool coinbase_makes_coins);

/// The values at 10, 25, 50, 75 and 90 % of `total_weight`, when (value, weight) pairs are put in order; all 0 for
/// none.
std::array<std::int64_t, 5> percentiles_by_weight(std::vector<std::pair<std::int64_t, std::int64_t>> values,
                                                  std::int64_t total_weight);

/// The middle value, or the mean of the two middle ones rounded towards zero; 0 for none.
std::int64_t truncated_median(std::vector<std::int64_t> values);

}  // namespace cairn::node
