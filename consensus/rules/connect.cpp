#include "consensus/rules/connect.hpp"

#include <string>

#include "consensus/base/check.hpp"
#include "consensus/rules/sigops.hpp"
#include "consensus/rules/subsidy.hpp"

namespace cairn::rules {
namespace {

// The rules of this file follow each other transaction by transaction, so that the first broken one is the verdict.
struct SpendState {
    const ResolvedBlock& resolved;
    const HeaderNode& parent;
    const ChainParams& params;
    Height height;
    ScriptFlags flags;
    bool relative_locks;  ///< BIP68 is in force
    std::int64_t parent_median_time;
    SpendSummary sum;
};

using MaybeFault = std::optional<BlockFault>;

// A transaction MUST obey the rules of what it spends.
MaybeFault add_fee(SpendState& state, const Transaction& tx, const TxFacts& facts, const SpentCoins& spent) {
    auto fee = check_tx_inputs(tx, spent, state.height, facts.value_out);
    if (!fee) {
        return BlockFault{.error = BlockError::bad_spend,
                          .tx = fee.error().error,
                          .debug = fee.error().debug + " in transaction " + tx.txid.to_display_hex()};
    }
    // The fees of a block together MUST NOT exceed 21 million bitcoin.
    state.sum.fees += *fee;
    if (!money_range(state.sum.fees)) {
        return BlockFault{.error = BlockError::accumulated_fee_out_of_range, .debug = "accumulated fee in the block out of range"};
    }
    return std::nullopt;
}

// Since BIP68 every relative lock time MUST have passed.
MaybeFault check_relative_locks(const SpendState& state, const Transaction& tx, const TxFacts& facts, const SpentCoins& spent) {
    if (!state.relative_locks || !facts.has_relative_lock) return std::nullopt;
    const auto median_time_at = [&state](Height height) { return state.parent.ancestor(height)->median_time_past(); };
    if (sequence_lock(tx, spent.origins, median_time_at).open_at(state.height, state.parent_median_time)) return std::nullopt;
    return BlockFault{.error = BlockError::nonfinal_sequence,
                      .debug = "contains a non-BIP68-final transaction " + tx.txid.to_display_hex()};
}

// The signature operations of a block MUST NOT cost more than 80,000.
MaybeFault add_sigops(SpendState& state, const Transaction& tx, const TxFacts& facts, const SpentCoins& spent) {
    state.sum.sigop_cost += sigop_cost(tx, spent, state.flags, facts.legacy_sigops);
    if (state.sum.sigop_cost <= kMaxBlockSigopCost) return std::nullopt;
    return BlockFault{.error = BlockError::too_many_sigops, .debug = "too many sigops"};
}

// The coinbase MUST NOT take more than the subsidy and the fees.
MaybeFault check_reward(SpendState& state) {
    state.sum.limit = state.sum.fees + block_subsidy(state.height, state.params);
    const Amount taken = state.resolved.checked().facts()[0].value_out;
    if (taken <= state.sum.limit) return std::nullopt;
    return BlockFault{.error = BlockError::bad_coinbase_amount,
                      .debug = "coinbase pays too much (actual=" + std::to_string(taken) + " vs limit=" +
                               std::to_string(state.sum.limit) + ")"};
}

struct KnownBlock {
    Height height;
    std::string_view hash;
};
constexpr KnownBlock kBip30Repeats[] = {
    {91842, "00000000000a4d0a398161ffc163c503763b1f4360639393e0e4c8e300e0caec"},
    {91880, "00000000000743f190a18c5577a3c2d2a1f610ae9601ac046a38084ccb7cd721"},
};
constexpr KnownBlock kBip30Unspendable[] = {
    {91722, "00000000000271a2dc26e7667f8419f2e15416dc6955e5a6c6cdf3f2574dd08e"},
    {91812, "00000000000af0aed4792b1acee3d966af36cf5def14935db8de83d6f9306f2f"},
};

bool is_one_of(std::span<const KnownBlock> known, const BlockHash& hash, Height height) {
    return std::any_of(known.begin(), known.end(), [&](const KnownBlock& block) {
        return block.height == height && hash.to_display_hex() == block.hash;
    });
}

}  // namespace

SpentCoins ResolvedBlock::spent_by(std::size_t tx_index) const {
    if (tx_index == 0) return {};
    const std::size_t first = checked_.facts()[tx_index].first_input;
    const std::size_t count = checked_.block().txs()[tx_index].inputs.size();
    return {std::span(outputs_).subspan(first, count), std::span(origins_).subspan(first, count)};
}

Result<SpendSummary, BlockFault> check_spends(const ResolvedBlock& resolved, const HeaderNode& parent, const ChainParams& params) {
    CAIRN_CHECK(resolved.complete());
    const Height height = parent.height + 1;
    SpendState state{resolved,
                     parent,
                     params,
                     height,
                     script_flags_for_block(resolved.block().hash(), height, params),
                     params.active_at(BuriedDeployment::csv, height),
                     parent.median_time_past(),
                     {}};
    const auto txs = resolved.block().txs();
    const auto facts = resolved.checked().facts();
    for (std::size_t i = 0; i < txs.size(); ++i) {
        const SpentCoins spent = resolved.spent_by(i);
        if (i > 0) {
            if (auto fault = add_fee(state, txs[i], facts[i], spent)) return fail(std::move(*fault));
            if (auto fault = check_relative_locks(state, txs[i], facts[i], spent)) return fail(std::move(*fault));
        }
        if (auto fault = add_sigops(state, txs[i], facts[i], spent)) return fail(std::move(*fault));
    }
    if (auto fault = check_reward(state)) return fail(std::move(*fault));
    return state.sum;
}

ScriptFlags script_flags_for_block(const BlockHash& hash, Height height, const ChainParams& params) {
    ScriptFlags flags{ScriptFlag::p2sh, ScriptFlag::witness, ScriptFlag::taproot};
    for (const ScriptFlagException& exception : params.script_flag_exceptions) {
        if (exception.block == hash) flags = exception.flags;
    }
    if (params.active_at(BuriedDeployment::bip66, height)) flags |= ScriptFlag::dersig;
    if (params.active_at(BuriedDeployment::bip65, height)) flags |= ScriptFlag::checklocktimeverify;
    if (params.active_at(BuriedDeployment::csv, height)) flags |= ScriptFlag::checksequenceverify;
    if (params.active_at(BuriedDeployment::segwit, height)) flags |= ScriptFlag::nulldummy;
    return flags;
}

BlockFault script_fault(const Transaction& tx, std::size_t input, ScriptError error) {
    const OutPoint& prevout = tx.inputs[input].prevout;
    return BlockFault{.error = BlockError::script_failed,
                      .script = error,
                      .debug = "input " + std::to_string(input) + " of " + tx.txid.to_display_hex() + " (wtxid " +
                               tx.wtxid.to_display_hex() + "), spending " + prevout.txid.to_display_hex() + ":" +
                               std::to_string(prevout.index)};
}

bool must_check_bip30(const BlockHash& hash, const HeaderNode& parent, const ChainParams& params) {
    const Height height = parent.height + 1;
    if (height >= kBip34ImpliesBip30Limit) return true;
    if (is_bip30_repeat(hash, height)) return false;
    const HeaderNode* bip34_block = parent.ancestor(params.bip34_height);
    return bip34_block == nullptr || bip34_block->hash != params.bip34_hash;
}

bool is_bip30_repeat(const BlockHash& hash, Height height) { return is_one_of(kBip30Repeats, hash, height); }

bool is_bip30_unspendable(const BlockHash& hash, Height height) { return is_one_of(kBip30Unspendable, hash, height); }

BlockFault bip30_fault() {
    return BlockFault{.error = BlockError::overwrites_transaction, .debug = "tried to overwrite transaction"};
}

}  // namespace cairn::rules
