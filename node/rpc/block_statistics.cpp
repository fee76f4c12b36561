#include "node/rpc/block_statistics.hpp"

#include <algorithm>

#include "consensus/base/codec.hpp"
#include "consensus/script/script.hpp"

namespace cairn::node {
namespace {

std::int64_t utxo_size(std::size_t script_bytes) {
    return static_cast<std::int64_t>(sizeof(Amount) + compact_size_length(script_bytes) + script_bytes) + kUtxoOverhead;
}

/// Collects what needs all transactions before it can be told.
struct Samples {
    std::vector<std::int64_t> fees, sizes;
    std::vector<std::pair<std::int64_t, std::int64_t>> fee_rates;  ///< with weight
};

struct Outputs {
    Amount value = 0;
    std::int64_t size = 0;   ///< as entries of the UTXO set
    std::int64_t coins = 0;  ///< that really become entries
    std::int64_t coins_size = 0;
};

Outputs count_outputs(const Transaction& tx, bool makes_coins) {
    Outputs sum;
    for (const TxOutput& output : tx.outputs) {
        sum.value += output.value;
        const std::int64_t size = utxo_size(output.script_pubkey.size());
        sum.size += size;
        if (!makes_coins || is_unspendable(output.script_pubkey)) continue;
        ++sum.coins;
        sum.coins_size += size;
    }
    return sum;
}

void count_transaction(BlockStatistics& stats, Samples& samples, const Transaction& tx, const TxUndo& spent,
                       Amount value_out) {
    stats.ins += static_cast<std::int64_t>(tx.inputs.size());
    stats.total_out += value_out;
    const auto size = static_cast<std::int64_t>(tx.total_size());
    const std::int64_t weight = tx.weight();
    samples.sizes.push_back(size);
    stats.total_size += size;
    stats.total_weight += weight;
    if (tx.has_witness()) {
        ++stats.swtxs;
        stats.swtotal_size += size;
        stats.swtotal_weight += weight;
    }
    Amount value_in = 0;
    for (const Coin& coin : spent) {
        value_in += coin.value;
        const std::int64_t bytes = utxo_size(coin.script_pubkey.size());
        stats.utxo_size_inc -= bytes;
        stats.utxo_size_inc_actual -= bytes;
    }
    const Amount fee = value_in - value_out;
    samples.fees.push_back(fee);
    samples.fee_rates.emplace_back(weight ? fee * kWitnessScaleFactor / weight : 0, weight);
    stats.totalfee += fee;
}

void finish(BlockStatistics& stats, Samples samples) {
    if (samples.fees.empty()) return;
    const auto count = static_cast<std::int64_t>(samples.fees.size());
    stats.avgfee = stats.totalfee / count;
    stats.avgfeerate = stats.total_weight ? stats.totalfee * kWitnessScaleFactor / stats.total_weight : 0;
    stats.avgtxsize = stats.total_size / count;
    const auto [min_fee, max_fee] = std::minmax_element(samples.fees.begin(), samples.fees.end());
    stats.minfee = *min_fee;
    stats.maxfee = *max_fee;
    const auto [min_size, max_size] = std::minmax_element(samples.sizes.begin(), samples.sizes.end());
    stats.mintxsize = *min_size;
    stats.maxtxsize = *max_size;
    const auto [min_rate, max_rate] = std::minmax_element(samples.fee_rates.begin(), samples.fee_rates.end());
    stats.minfeerate = min_rate->first;
    stats.maxfeerate = max_rate->first;
    stats.medianfee = truncated_median(std::move(samples.fees));
    stats.mediantxsize = truncated_median(std::move(samples.sizes));
    stats.feerate_percentiles = percentiles_by_weight(std::move(samples.fee_rates), stats.total_weight);
}

}  // namespace

std::int64_t truncated_median(std::vector<std::int64_t> values) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    const std::size_t middle = values.size() / 2;
    return values.size() % 2 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

std::array<std::int64_t, 5> percentiles_by_weight(std::vector<std::pair<std::int64_t, std::int64_t>> values,
                                                  std::int64_t total_weight) {
    std::array<std::int64_t, 5> result{};
    if (values.empty()) return result;
    std::sort(values.begin(), values.end());
    const auto total = static_cast<double>(total_weight);
    const std::array<double, 5> marks{total / 10.0, total / 4.0, total / 2.0, total * 3.0 / 4.0, total * 9.0 / 10.0};
    std::size_t next = 0;
    std::int64_t passed = 0;
    for (const auto& [value, weight] : values) {
        passed += weight;
        while (next < marks.size() && static_cast<double>(passed) >= marks[next]) result[next++] = value;
    }
    std::fill(result.begin() + static_cast<std::ptrdiff_t>(next), result.end(), values.back().first);
    return result;
}

BlockStatistics block_statistics(const Block& block, const BlockUndo& undo, bool is_genesis,
                                 bool coinbase_makes_coins) {
    BlockStatistics stats;
    Samples samples;
    std::int64_t coins = 0;
    static const TxUndo nothing;
    for (std::size_t i = 0; i < block.txs().size(); ++i) {
        const Transaction& tx = block.txs()[i];
        const bool coinbase = tx.is_coinbase();
        const Outputs outputs = count_outputs(tx, !is_genesis && (!coinbase || coinbase_makes_coins));
        stats.outs += static_cast<std::int64_t>(tx.outputs.size());
        stats.utxo_size_inc += outputs.size;
        stats.utxo_size_inc_actual += outputs.coins_size;
        coins += outputs.coins;
        if (!coinbase)
            count_transaction(stats, samples, tx, i >= 1 && i - 1 < undo.size() ? undo[i - 1] : nothing, outputs.value);
    }
    stats.txs = static_cast<std::int64_t>(block.txs().size());
    stats.utxo_increase = stats.outs - stats.ins;
    stats.utxo_increase_actual = coins - stats.ins;
    finish(stats, std::move(samples));
    return stats;
}

}  // namespace cairn::node
