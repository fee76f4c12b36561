#include "node/chain/chainstate.hpp"

#include "consensus/base/check.hpp"
#include "consensus/script/rows.hpp"
#include "consensus/script/script.hpp"
#include "consensus/script/verify.hpp"
#include "node/chain/script_cache.hpp"

namespace cairn::node {

using storage::CoinCache;
using storage::Stored;

namespace {

constexpr std::size_t kPrepareAhead = 16;
constexpr std::size_t kTouchAhead = 8;

}  // namespace

Stored<void> Chainstate::look_at_disk() {
    auto empty = store_.empty();
    if (!empty) return fail(empty.error());
    disk_empty_ = *empty;
    return {};
}

Stored<std::optional<Coin>> Chainstate::get(const OutPoint& outpoint) const {
    const auto probe = cache_.prepare(outpoint);
    switch (cache_.contains(outpoint, probe)) {
        case CoinCache::Lookup::unspent: return cache_.find(outpoint, probe);
        case CoinCache::Lookup::spent: return std::optional<Coin>();
        case CoinCache::Lookup::unknown: break;
    }
    if (disk_empty_) return std::optional<Coin>();
    return store_.get(outpoint);
}

Stored<void> Chainstate::find(std::span<const OutPoint* const> outpoints, std::span<FoundCoin> coins, Arena& arena) const {
    const std::size_t count = outpoints.size();
    std::vector<CoinCache::Probe> probes(count);
    std::vector<OutPoint> unknown;
    std::vector<std::size_t> unknown_at;
    for (std::size_t i = 0; i < std::min(kPrepareAhead, count); ++i) probes[i] = cache_.prepare(*outpoints[i]);
    for (std::size_t i = 0; i < count; ++i) {
        if (i + kPrepareAhead < count) probes[i + kPrepareAhead] = cache_.prepare(*outpoints[i + kPrepareAhead]);
        if (i + kTouchAhead < count) cache_.touch(probes[i + kTouchAhead]);
        coins[i] = {};
        if (const auto coin = cache_.find(*outpoints[i], probes[i], arena)) {
            coins[i] = {coin->output, coin->origin, true, false};
        } else if (!disk_empty_ && cache_.contains(*outpoints[i], probes[i]) == CoinCache::Lookup::unknown) {
            unknown.push_back(*outpoints[i]);
            unknown_at.push_back(i);
        }
    }
    if (unknown.empty()) return {};
    const auto stored = store_.multi_get(unknown);
    if (!stored) return fail(stored.error());
    for (std::size_t u = 0; u < unknown.size(); ++u) {
        const auto& coin = (*stored)[u];
        if (!coin) continue;
        const auto script = arena.make_row<std::uint8_t>(coin->script_pubkey.size());
        std::ranges::copy(coin->script_pubkey, script.begin());
        coins[unknown_at[u]] = {{coin->value, script}, coin->origin(), true, true};
    }
    return {};
}

std::vector<OutPoint> Chainstate::unknown_inputs(const Block& block) const {
    std::vector<const OutPoint*> inputs;
    for (const Transaction& tx : block.txs().subspan(1)) {
        for (const TxInput& input : tx.inputs) inputs.push_back(&input.prevout);
    }
    std::vector<CoinCache::Probe> probes(inputs.size());
    std::vector<OutPoint> unknown;
    for (std::size_t i = 0; i < inputs.size() + kPrepareAhead; ++i) {
        if (i < inputs.size()) probes[i] = cache_.prepare(*inputs[i]);
        if (i >= kTouchAhead && i - kTouchAhead < inputs.size()) cache_.touch(probes[i - kTouchAhead]);
        if (i < kPrepareAhead) continue;
        const std::size_t at = i - kPrepareAhead;
        if (cache_.contains(*inputs[at], probes[at]) == CoinCache::Lookup::unknown) unknown.push_back(*inputs[at]);
    }
    return unknown;
}

Stored<Prefetched> Chainstate::prefetch(const storage::CoinStore& store, const Block& block, std::vector<OutPoint> inputs,
                                        std::uint64_t epoch, bool check_outputs) {
    Prefetched result;
    result.epoch = epoch;
    const auto coins = store.multi_get(inputs);
    if (!coins) return fail(coins.error());
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        if ((*coins)[i]) result.found.emplace_back(inputs[i], std::move(*(*coins)[i]));
    }
    if (!check_outputs) return result;
    std::vector<OutPoint> outputs;
    for (const Transaction& tx : block.txs()) {
        for (std::uint32_t i = 0; i < tx.outputs.size(); ++i) outputs.push_back({tx.txid, i});
    }
    const auto existing = store.multi_get(outputs);
    if (!existing) return fail(existing.error());
    result.outputs_checked = true;
    result.outputs_clear = std::none_of(existing->begin(), existing->end(), [](const auto& coin) { return coin.has_value(); });
    return result;
}

Stored<bool> Chainstate::overwrites(const Block& block, const Prefetched* ahead, std::vector<CoinCache::Probe>& probes) const {
    const bool disk_clear = disk_empty_ || (ahead && ahead->epoch == cache_.epoch() && ahead->outputs_checked && ahead->outputs_clear);
    std::vector<OutPoint> outputs;
    for (const Transaction& tx : block.txs()) {
        for (std::uint32_t i = 0; i < tx.outputs.size(); ++i) outputs.push_back({tx.txid, i});
    }
    probes.resize(outputs.size());
    std::vector<OutPoint> unknown;
    for (std::size_t i = 0; i < outputs.size() + kPrepareAhead; ++i) {
        if (i < outputs.size()) probes[i] = cache_.prepare(outputs[i]);
        if (i < kPrepareAhead) continue;
        const std::size_t at = i - kPrepareAhead;
        switch (cache_.contains(outputs[at], probes[at])) {
            case CoinCache::Lookup::unspent: return true;
            case CoinCache::Lookup::spent: break;
            case CoinCache::Lookup::unknown:
                if (!disk_clear) unknown.push_back(outputs[at]);
        }
    }
    if (unknown.empty()) return false;
    const auto coins = store_.multi_get(unknown);
    if (!coins) return fail(coins.error());
    return std::any_of(coins->begin(), coins->end(), [](const auto& coin) { return coin.has_value(); });
}

Stored<std::optional<Coin>> Chainstate::take(const OutPoint& outpoint, CoinCache::Probe probe) {
    if (auto coin = cache_.spend(outpoint, probe)) return coin;
    if (disk_empty_ || cache_.contains(outpoint, probe) == CoinCache::Lookup::spent) return std::optional<Coin>();
    auto stored = store_.get(outpoint);
    if (!stored || !*stored) return stored;
    cache_.insert_from_disk(outpoint, **stored, cache_.epoch());
    return cache_.spend(outpoint);
}

Stored<CoinChanges> Chainstate::connect(rules::CheckedBlock checked, const HeaderNode& node, const Prefetched* ahead) {
    CoinChanges changes;
    changes.resolved = std::make_shared<rules::ResolvedBlock>(std::move(checked));
    const Block& block = changes.resolved->block();
    const bool check_bip30 = rules::must_check_bip30(node.hash, *node.parent, *params_);
    std::vector<CoinCache::Probe> output_probes;
    if (check_bip30) {
        const auto found = overwrites(block, ahead, output_probes);
        if (!found) return fail(found.error());
        if (*found) {
            changes.bip30 = true;
            return changes;
        }
    }
    if (ahead) {
        for (const auto& [outpoint, coin] : ahead->found) cache_.insert_from_disk(outpoint, coin, ahead->epoch);
    }

    const auto txs = block.txs();
    std::vector<const OutPoint*> inputs;
    inputs.reserve(changes.resolved->checked().input_count());
    for (const Transaction& tx : txs.subspan(1)) {
        for (const TxInput& input : tx.inputs) inputs.push_back(&input.prevout);
    }
    std::vector<CoinCache::Probe> probes(inputs.size());
    for (std::size_t i = 0; i < std::min(kPrepareAhead, inputs.size()); ++i) probes[i] = cache_.prepare(*inputs[i]);

    changes.undo.reserve(txs.size() - 1);
    std::size_t at = 0, output_at = 0;
    for (std::size_t t = 0; t < txs.size(); ++t) {
        const Transaction& tx = txs[t];
        if (t > 0) {
            SpentByTx& spent = changes.undo.emplace_back();
            spent.reserve(tx.inputs.size());
            for (std::size_t i = 0; i < tx.inputs.size() && !changes.missing; ++i, ++at) {
                if (at + kPrepareAhead < inputs.size()) probes[at + kPrepareAhead] = cache_.prepare(*inputs[at + kPrepareAhead]);
                if (at + kTouchAhead < inputs.size()) cache_.touch(probes[at + kTouchAhead]);
                auto coin = take(*inputs[at], probes[at]);
                if (!coin) return fail(coin.error());
                if (!*coin) {
                    changes.missing = true;
                    break;
                }
                spent.push_back(std::move(**coin));
                changes.resolved->add(spent.back().output(), spent.back().origin());
            }
            if (changes.missing) break;
        }
        for (std::uint32_t i = 0; i < tx.outputs.size(); ++i, ++output_at) {
            const TxOutput& output = tx.outputs[i];
            if (is_unspendable(output.script_pubkey)) continue;
            const OutPoint outpoint{tx.txid, i};
            const auto probe = check_bip30 ? output_probes[output_at] : cache_.prepare(outpoint);
            // Without the check a coinbase may repeat an older one.
            cache_.add(outpoint, probe, {output, {node.height, t == 0}}, t == 0 && !check_bip30);
        }
    }
    if (changes.missing) {
        while (!changes.resolved->complete()) changes.resolved->add_missing();
    }
    return changes;
}

void Chainstate::roll_back(const Block& block, SpentByBlock&& undo) {
    // A block that missed a coin stopped within the last entry: its transaction has no outputs yet.
    const auto txs = block.txs();
    for (std::size_t t = undo.size() + 1; t-- > 0;) {
        const Transaction& tx = txs[t];
        const bool whole = t == 0 || undo[t - 1].size() == tx.inputs.size();
        for (std::uint32_t i = 0; whole && i < tx.outputs.size(); ++i) {
            if (!is_unspendable(tx.outputs[i].script_pubkey)) cache_.spend({tx.txid, i});
        }
        for (std::size_t i = t == 0 ? 0 : undo[t - 1].size(); i-- > 0;) cache_.add(tx.inputs[i].prevout, undo[t - 1][i], true);
    }
}

const std::optional<Coin>* DiskCoins::find(const OutPoint& outpoint) const {
    const auto it = std::lower_bound(asked.begin(), asked.end(), outpoint);
    return it != asked.end() && *it == outpoint ? &coins[it - asked.begin()] : nullptr;
}

void Chainstate::touched_outpoints(const Block& block, std::vector<OutPoint>& out) {
    const auto txs = block.txs();
    for (std::size_t t = 0; t < txs.size(); ++t) {
        for (std::uint32_t i = 0; i < txs[t].outputs.size(); ++i) {
            if (!is_unspendable(txs[t].outputs[i].script_pubkey)) out.push_back({txs[t].txid, i});
        }
        for (std::size_t i = 0; t > 0 && i < txs[t].inputs.size(); ++i) out.push_back(txs[t].inputs[i].prevout);
    }
}

// Reads what a block made and spent and the cache does not know, all at once.
Stored<DiskCoins> Chainstate::ask_disk(const Block& block) const {
    DiskCoins disk;
    if (disk_empty_) return disk;
    touched_outpoints(block, disk.asked);
    std::erase_if(disk.asked, [this](const OutPoint& outpoint) { return cache_.contains(outpoint) != CoinCache::Lookup::unknown; });
    std::ranges::sort(disk.asked);
    auto coins = store_.multi_get(disk.asked);
    if (!coins) return fail(coins.error());
    disk.coins = std::move(*coins);
    return disk;
}

Stored<std::optional<Coin>> Chainstate::look_up(const OutPoint& outpoint, CoinCache::Probe probe, const DiskCoins& disk) const {
    switch (cache_.contains(outpoint, probe)) {
        case CoinCache::Lookup::unspent: return cache_.find(outpoint, probe);
        case CoinCache::Lookup::spent: return std::optional<Coin>();
        case CoinCache::Lookup::unknown: break;
    }
    if (disk_empty_) return std::optional<Coin>();
    if (const auto* answer = disk.find(outpoint)) return *answer;
    return store_.get(outpoint);
}

Stored<std::optional<Chainstate::Disconnected>> Chainstate::disconnect(const Block& block, const HeaderNode& node, SpentByBlock&& undo,
                                                                       const DiskCoins* disk) {
    const auto txs = block.txs();
    using Answer = std::optional<Disconnected>;
    if (undo.size() + 1 != txs.size()) return Answer();
    for (std::size_t t = 1; t < txs.size(); ++t) {
        if (undo[t - 1].size() != txs[t].inputs.size()) return Answer();
    }
    DiskCoins own;
    if (!disk) {
        auto asked = ask_disk(block);
        if (!asked) return fail(asked.error());
        own = std::move(*asked);
        disk = &own;
    }
    bool clean = true;
    for (std::size_t t = txs.size(); t-- > 0;) {
        const Transaction& tx = txs[t];
        const bool exempt = t == 0 && rules::is_bip30_unspendable(node.hash, node.height);
        for (std::uint32_t i = 0; i < tx.outputs.size(); ++i) {
            const TxOutput& output = tx.outputs[i];
            if (is_unspendable(output.script_pubkey)) continue;
            const OutPoint outpoint{tx.txid, i};
            const auto probe = cache_.prepare(outpoint);
            auto coin = cache_.spend(outpoint, probe);
            if (!coin) {
                auto stored = look_up(outpoint, probe, *disk);
                if (!stored) return fail(stored.error());
                if (*stored) cache_.erase_blind(outpoint);
                coin = std::move(*stored);
            }
            const bool same = coin && coin->value == output.value && std::ranges::equal(coin->script_pubkey, output.script_pubkey) &&
                              coin->height == node.height && coin->coinbase == (t == 0);
            if (!same && !exempt) clean = false;
        }
        if (t == 0) break;
        for (std::size_t i = tx.inputs.size(); i-- > 0;) {
            const OutPoint& outpoint = tx.inputs[i].prevout;
            const auto probe = cache_.prepare(outpoint);
            const auto existing = look_up(outpoint, probe, *disk);
            if (!existing) return fail(existing.error());
            if (*existing) clean = false;  // overwrites an unspent output
            const Coin& coin = undo[t - 1][i];
            cache_.add(outpoint, probe, {coin.output(), coin.origin()}, true);
        }
    }
    return Answer(clean ? Disconnected::clean : Disconnected::unclean);
}

std::optional<BlockFault> verify_scripts(const rules::ResolvedBlock& block, std::size_t begin, std::size_t end, ScriptFlags flags,
                                         const ScriptCache* known) {
    struct Owner {
        std::uint32_t tx, input;
        std::size_t first_row;
    };
    const auto txs = block.block().txs();
    begin = std::max<std::size_t>(begin, 1);  // the coinbase has no scripts to verify
    std::vector<PrecomputedTxData> prepared;
    prepared.reserve(end - begin);
    std::vector<SignatureRow> rows;
    std::vector<Owner> owners;
    for (std::size_t t = begin; t < end; ++t) {
        if (known && known->holds(txs[t].wtxid, flags)) {
            prepared.emplace_back();
            continue;
        }
        const auto& data = prepared.emplace_back(txs[t], block.spent_by(t).outputs);
        for (std::size_t i = 0; i < txs[t].inputs.size(); ++i) {
            const std::size_t first_row = rows.size();
            if (collect_rows(txs[t], i, flags, data, rows)) {
                owners.push_back({static_cast<std::uint32_t>(t), static_cast<std::uint32_t>(i), first_row});
                continue;
            }
            rows.resize(first_row);
            const ScriptError error = verify_input(txs[t], i, flags, data);
            if (error != ScriptError::ok) return rules::script_fault(txs[t], i, error);
        }
    }
    std::vector<std::uint8_t> verdicts(rows.size());
    default_signature_verifier().verify(rows, verdicts);
    for (std::size_t o = 0; o < owners.size(); ++o) {
        const std::size_t last_row = o + 1 < owners.size() ? owners[o + 1].first_row : rows.size();
        if (std::find(verdicts.begin() + owners[o].first_row, verdicts.begin() + last_row, 0) == verdicts.begin() + last_row) continue;
        // A signature that does not hold need not break the script: the interpreter decides.
        const auto [t, i, first] = owners[o];
        const ScriptError error = verify_input(txs[t], i, flags, prepared[t - begin]);
        if (error != ScriptError::ok) return rules::script_fault(txs[t], i, error);
    }
    return std::nullopt;
}

}  // namespace cairn::node
