#include "node/index/coin_stats_index.hpp"

#include <algorithm>

#include "consensus/chain/coin_codec.hpp"
#include "consensus/rules/connect.hpp"
#include "consensus/rules/subsidy.hpp"
#include "consensus/script/script.hpp"
#include "node/chain/workers.hpp"
#include "storage/codec.hpp"

namespace cairn::node {

using storage::Family;
using storage::HeightKey;
using storage::StorageError;

namespace {

constexpr std::size_t kPartChanges = 256;  // hashed by one job of a worker

StorageError damaged() { return {StorageError::Kind::corruption, "The statistics of an indexed block cannot be read."}; }

Bytes write_stats(const CoinStats& stats) {
    Bytes value;
    Writer writer(value);
    writer.uint256(stats.muhash);
    for (const std::uint64_t number : {stats.coins, stats.bogo_size, static_cast<std::uint64_t>(stats.total_amount), stats.subsidy,
                                       stats.prevout_spent, stats.new_outputs_ex_coinbase, stats.coinbase}) {
        writer.u64(number);
    }
    for (const std::int64_t number : {stats.genesis_block, stats.bip30, stats.scripts, stats.unclaimed_rewards}) writer.i64(number);
    return value;
}

std::optional<CoinStats> read_stats(ByteSpan value) {
    Reader reader(value);
    CoinStats stats;
    stats.muhash = reader.uint256();
    stats.coins = reader.u64();
    stats.bogo_size = reader.u64();
    stats.total_amount = reader.i64();
    for (std::uint64_t* number : {&stats.subsidy, &stats.prevout_spent, &stats.new_outputs_ex_coinbase, &stats.coinbase}) *number = reader.u64();
    for (std::int64_t* number : {&stats.genesis_block, &stats.bip30, &stats.scripts, &stats.unclaimed_rewards}) *number = reader.i64();
    if (!reader.ok()) return std::nullopt;
    return stats;
}

/// Every coin that a block makes and every one that it spends, but for those that nobody can ever spend: their value is added to
/// `lost`. Points into the block and its undo.
template <class Change>
std::vector<Change> list_changes(const IndexedBlock& block, std::int64_t& lost) {
    const HeaderNode& node = *block.node;
    std::vector<Change> changes;
    const auto txs = block.block->txs();
    for (std::size_t t = 0; t < txs.size(); ++t) {
        const Transaction& tx = txs[t];
        const bool coinbase = t == 0;
        if (coinbase && rules::is_bip30_unspendable(node.hash, node.height)) continue;
        for (std::uint32_t i = 0; i < tx.outputs.size(); ++i) {
            const TxOutput& output = tx.outputs[i];
            if (is_unspendable(output.script_pubkey)) lost += output.value;
            else changes.push_back({{tx.txid, i}, output, {node.height, coinbase}, true});
        }
        if (coinbase) continue;
        const TxUndo& coins = (*block.undo)[t - 1];
        for (std::size_t i = 0; i < coins.size(); ++i) changes.push_back({tx.inputs[i].prevout, coins[i].output(), coins[i].origin(), false});
    }
    return changes;
}

bool undo_fits(const IndexedBlock& block) {
    const auto txs = block.block->txs();
    if (block.undo->size() + 1 != txs.size()) return false;
    for (std::size_t t = 1; t < txs.size(); ++t) {
        if ((*block.undo)[t - 1].size() != txs[t].inputs.size()) return false;
    }
    return true;
}

}  // namespace

storage::Stored<std::optional<CoinStats>> CoinStatsIndex::find(const HeaderNode* node) const {
    const auto value = store_.get(Family::coin_stats, HeightKey(node->height, node->hash).span());
    if (!value) return fail(value.error());
    if (!*value) return std::nullopt;
    const auto stats = read_stats(**value);
    if (!stats) return fail(damaged());
    return stats;
}

storage::Stored<bool> CoinStatsIndex::load(const HeaderNode* at, ByteSpan state) {
    stats_ = {};
    set_ = {};
    if (!at) return true;
    const auto stats = find(at);
    if (!stats) return fail(stats.error());
    if (!*stats || state.size() != MuHash3072::kSerializedSize) return false;
    set_ = MuHash3072::deserialize(state);
    stats_ = **stats;
    return set_.finish() == stats_.muhash;
}

void CoinStatsIndex::count(const std::vector<Change>& changes) {
    for (const Change& change : changes) {
        const std::int64_t sign = change.made ? 1 : -1;
        const auto value = static_cast<std::uint64_t>(change.output.value);
        if (!change.made) stats_.prevout_spent += value;
        else (change.origin.coinbase ? stats_.coinbase : stats_.new_outputs_ex_coinbase) += value;
        stats_.coins += static_cast<std::uint64_t>(sign);
        stats_.total_amount += sign * change.output.value;
        stats_.bogo_size += static_cast<std::uint64_t>(sign) * bogo_size(change.output.script_pubkey.size());
    }
}

// The changes to the set, or their opposite; in parts, side by side.
void CoinStatsIndex::hash(const std::vector<Change>& changes, bool back) {
    const std::size_t count = (changes.size() + kPartChanges - 1) / kPartChanges;
    std::vector<MuHash3072> parts(count);
    const auto one = [&](std::size_t part) {
        Bytes element;
        const std::size_t end = std::min(changes.size(), (part + 1) * kPartChanges);
        for (std::size_t i = part * kPartChanges; i < end; ++i) {
            const Change& change = changes[i];
            element.clear();
            Writer writer(element);
            write_commitment(writer, change.outpoint, change.output, change.origin);
            if (change.made != back) parts[part].insert(element);
            else parts[part].remove(element);
        }
    };
    if (count > 1) thread_.workers().share(count, one);
    else if (count == 1) one(0);
    for (const MuHash3072& part : parts) set_ *= part;
}

storage::Stored<void> CoinStatsIndex::append(const IndexedBlock& block, storage::WriteBatch& batch) {
    const HeaderNode& node = *block.node;
    const Amount subsidy = rules::block_subsidy(node.height, params_);
    stats_.subsidy += static_cast<std::uint64_t>(subsidy);
    if (!node.parent) {
        stats_.genesis_block += subsidy;
    } else {
        if (!undo_fits(block)) return fail(damaged());
        if (rules::is_bip30_unspendable(node.hash, node.height)) stats_.bip30 += subsidy;
        const auto changes = list_changes<Change>(block, stats_.scripts);
        count(changes);
        hash(changes, false);
    }
    // What was there to be taken and is nowhere, the miner left.
    stats_.unclaimed_rewards += static_cast<std::int64_t>(stats_.prevout_spent + stats_.subsidy - stats_.new_outputs_ex_coinbase - stats_.coinbase -
                                                          static_cast<std::uint64_t>(stats_.unspendable()));
    set_.normalize();  // so that the next hash needs no division of its own
    stats_.muhash = set_.finish();
    batch.put(Family::coin_stats, HeightKey(node.height, node.hash).span(), write_stats(stats_));
    return {};
}

storage::Stored<void> CoinStatsIndex::take_back(const IndexedBlock& block) {
    if (!undo_fits(block)) return fail(damaged());
    const auto before = find(block.node->parent);
    if (!before) return fail(before.error());
    if (!*before) return fail(damaged());
    std::int64_t ignored = 0;
    hash(list_changes<Change>(block, ignored), true);
    set_.normalize();
    stats_ = **before;
    if (set_.finish() != stats_.muhash) return fail(damaged());
    return {};
}

}  // namespace cairn::node
