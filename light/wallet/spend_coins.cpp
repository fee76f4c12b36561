#include <algorithm>

#include <fmt/format.h>

#include "consensus/script/solver.hpp"
#include "light/signing/input_weight.hpp"
#include "light/wallet/spending.hpp"

/// What there is to spend, at which fee rate, and what weighs how much.
namespace cairn::light {
namespace {

/// Transactions of version 3 and their children keep to limits of their own (BIP431).
constexpr std::uint32_t kTopologyVersion = 3;

}  // namespace

std::string_view to_string(FeeReason reason) {
    switch (reason) {
        case FeeReason::explicit_rate: return "None";
        case FeeReason::estimate: return "Target 85% Threshold";
        case FeeReason::conservative_estimate: return "Conservative Double Target longer horizon";
        case FeeReason::fallback: return "Fallback fee";
        case FeeReason::mempool_minimum: return "Mempool Min Fee";
        case FeeReason::required: return "Minimum Required Fee";
    }
    return "";
}

Spender::Spender(Parts parts, std::optional<std::uint64_t> seed)
    : parts_(std::move(parts)), random_(seed ? FastRandom(*seed) : FastRandom()) {}

std::optional<SignedInput> Spender::input_size(ByteSpan script, const ScriptKeys* external) const {
    const auto measure = [&](const ScriptKeys& keys, bool low_r) -> std::optional<SignedInput> {
        const auto weight = largest_input_weight(script, keys, low_r);
        if (!weight) return std::nullopt;
        return SignedInput{weight->weight(), weight->witness_bytes > 0};
    };
    if (const auto place = parts_.book.find(script)) {
        const auto [row, is_new] = sizes_.emplace(std::pair(place->descriptor, script.size()), std::nullopt);
        if (is_new) row->second = measure(parts_.book.solving_data(script), true);
        if (row->second) return row->second;
    }
    // Who signs it is not known, nor whether he grinds for short signatures.
    return external == nullptr ? std::nullopt : measure(*external, false);
}

std::int64_t signed_weight(const MutableTransaction& tx, std::span<const std::int64_t> input_weights, bool any_witness) {
    auto frame = static_cast<std::int64_t>(4 + 4 + compact_size_length(tx.inputs.size()) + compact_size_length(tx.outputs.size()));
    for (const auto& output : tx.outputs) {
        frame += static_cast<std::int64_t>(8 + compact_size_length(output.script_pubkey.size()) + output.script_pubkey.size());
    }
    std::int64_t weight = frame * kWitnessScaleFactor + (any_witness ? 2 : 0);
    for (const std::int64_t one : input_weights) weight += one - (any_witness ? 0 : 1);
    return weight;
}

Amount Spender::lack(std::span<const OutPoint> outputs, FeeRate rate) const {
    if (outputs.empty()) return 0;
    if (const auto known = parts_.host.bump_fee(outputs, rate)) return *known;
    return parts_.ledger.ancestor_deficit(outputs, rate);
}

bool Spender::suits_version(const WalletTx& tx, std::uint32_t version) const {
    const Transaction& raw = tx.tx->tx();
    if (version != kTopologyVersion) return raw.version != kTopologyVersion;
    if (raw.version != kTopologyVersion) return false;
    // A child of version 3 is the only one, and has no grandparent that waits.
    if (parts_.ledger.has_children(tx)) return false;
    const auto ancestry = parts_.host.ancestry(raw.txid);
    return (ancestry ? ancestry->ancestors : parts_.ledger.ancestors(raw.txid)) <= 1;
}

std::vector<Candidate> Spender::available_coins(const CoinControl& control, const CoinFilter& filter, std::optional<FeeRate> rate) const {
    const Ledger& ledger = parts_.ledger;
    const bool allow_used = !parts_.policy.avoid_reuse || !control.avoid_reuse;
    std::set<OutPoint> preset;
    for (const PresetInput& input : control.inputs) preset.insert(input.outpoint);

    struct Verdict {
        bool fits = false, safe = false, from_me = false;
        WalletTxPtr tx;
        std::size_t ancestors = 0, cluster = 0;
    };
    std::map<Txid, Verdict> verdicts;
    const auto judge = [&](const Txid& txid) {
        Verdict verdict;
        verdict.tx = ledger.find(txid);
        const WalletTx& tx = *verdict.tx;
        const int depth = ledger.depth(tx);
        if ((ledger.is_immature(tx) && !filter.include_immature) || depth < 0) return verdict;
        // What does not wait where others see it may be in conflict with something that the wallet never hears of.
        if (depth == 0 && tx.state != TxState::waiting) return verdict;
        verdict.safe = ledger.is_trusted(tx);
        verdict.from_me = ledger.debit(tx.tx->tx()) > 0;
        // Either side of a replacement may come to nothing in the end, and then its child pays a second time.
        if (depth == 0 && (tx.replaces || tx.replaced_by)) verdict.safe = false;
        if (depth == 0 && filter.check_version && !suits_version(tx, control.version)) return verdict;
        if (!verdict.safe && !control.include_unsafe) return verdict;
        if (depth < control.min_depth || depth > control.max_depth) return verdict;
        verdict.fits = true;
        if (depth == 0) {
            const auto ancestry = parts_.host.ancestry(txid);
            verdict.ancestors = ancestry ? ancestry->ancestors : ledger.ancestors(txid);
            verdict.cluster = ancestry ? ancestry->cluster : verdict.ancestors;
        }
        return verdict;
    };

    std::vector<Candidate> coins;
    Amount sum = 0;
    for (const OutPoint& outpoint : ledger.open()) {
        auto row = verdicts.find(outpoint.txid);
        if (row == verdicts.end()) row = verdicts.emplace(outpoint.txid, judge(outpoint.txid)).first;
        const Verdict& verdict = row->second;
        if (!verdict.fits) continue;
        const OwnedOutput& coin = *ledger.owned(outpoint);
        if (coin.value < filter.min_amount || coin.value > filter.max_amount || preset.contains(outpoint)) continue;
        if ((filter.skip_locked && ledger.is_locked(outpoint)) || ledger.is_spent(outpoint)) continue;
        if (!allow_used && ledger.is_used(coin.script)) continue;

        Candidate made;
        made.outpoint = outpoint;
        made.value = coin.value;
        made.script = to_bytes(coin.script);
        made.depth = ledger.depth(*verdict.tx);
        made.safe = verdict.safe;
        made.from_me = verdict.from_me;
        made.time = verdict.tx->time;
        made.ancestors = verdict.ancestors;
        made.cluster = verdict.cluster;
        const auto place = parts_.book.find(coin.script);
        made.type = parts_.book.all()[place->descriptor].type.value_or(address_type_of(coin.script));
        if (const auto size = input_size(coin.script)) made.set_size(size->weight, size->has_witness);
        if (rate) {
            const std::array<OutPoint, 1> alone{outpoint};
            made.set_rates(*rate, parts_.policy.consolidate_rate, made.depth == 0 ? lack(alone, *rate) : 0);
        }
        sum += made.value;
        coins.push_back(std::move(made));
        if (sum >= filter.min_sum || (filter.max_count > 0 && coins.size() >= filter.max_count)) break;
    }
    if (!filter.check_version || control.version != kTopologyVersion) return coins;

    // Of unconfirmed transactions of version 3 only one may be a parent: the one that gives most.
    std::map<Txid, Amount> given;
    for (const Candidate& coin : coins) {
        if (coin.depth == 0) given[coin.outpoint.txid] += coin.value;
    }
    const auto most = std::max_element(given.begin(), given.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    std::erase_if(coins, [&](const Candidate& coin) { return coin.depth == 0 && coin.outpoint.txid != most->first; });
    return coins;
}

FeeChoice Spender::choose_fee(const CoinControl& control) const {
    FeeChoice choice;
    if (control.fee_rate) {
        choice.rate = *control.fee_rate;
        if (control.override_fee_rate) return choice;
    } else {
        choice.target = control.confirm_target.value_or(parts_.policy.confirm_target);
        bool conservative = !is_signalling(control);
        if (control.mode != EstimateMode::unset) conservative = control.mode == EstimateMode::conservative;
        choice.reason = conservative ? FeeReason::conservative_estimate : FeeReason::estimate;
        if (const auto rate = parts_.host.estimate(choice.target, conservative)) {
            choice.rate = *rate;
        } else {
            choice.reason = FeeReason::fallback;
            choice.rate = parts_.policy.fallback_fee;
            if (choice.rate.per_kvb == 0) return choice;
        }
        if (const FeeRate lowest = parts_.host.mempool_minimum(); choice.rate < lowest) {
            choice.rate = lowest;
            choice.reason = FeeReason::mempool_minimum;
        }
    }
    if (const FeeRate required = std::max(parts_.policy.min_fee, parts_.host.relay_minimum()); choice.rate < required) {
        choice.rate = required;
        choice.reason = FeeReason::required;
    }
    return choice;
}

AddressType Spender::change_type(const std::optional<AddressType>& wanted, std::span<const Recipient> recipients) const {
    if (wanted) return *wanted;
    if (parts_.policy.change_type) return *parts_.policy.change_type;
    if (parts_.policy.address_type == AddressType::legacy) return AddressType::legacy;
    const auto has = [&](AddressType type) { return parts_.book.active(type, true).has_value(); };
    const auto pays = [&](auto matches) { return std::any_of(recipients.begin(), recipients.end(), matches); };
    const auto is = [](OutputType type) { return [type](const Recipient& one) { return classify(one.script) == type; }; };
    // Change that looks like a payment does not stand out among the outputs.
    if (has(AddressType::bech32m) && pays(is(OutputType::witness_v1_taproot))) return AddressType::bech32m;
    if (has(AddressType::bech32) && pays(is(OutputType::witness_v0_keyhash))) return AddressType::bech32;
    if (has(AddressType::p2sh_segwit) && pays(is(OutputType::scripthash))) return AddressType::p2sh_segwit;
    if (has(AddressType::legacy) && pays(is(OutputType::pubkeyhash))) return AddressType::legacy;
    if (has(AddressType::bech32m)) return AddressType::bech32m;
    if (has(AddressType::bech32)) return AddressType::bech32;
    return parts_.policy.address_type;
}

}  // namespace cairn::light
