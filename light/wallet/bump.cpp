#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "consensus/script/script.hpp"
#include "consensus/script/solver.hpp"
#include "light/wallet/spending.hpp"

/// Transactions that pay more for others: replacements, children, and all coins at once.
namespace cairn::light {
namespace {

/// What a replacement adds to the rate at least, whatever the host's nodes would be content with.
constexpr FeeRate kSafeIncrement{5'000};
constexpr std::size_t kLongestSignature = 72;  ///< ECDSA with its hash type

WalletError wallet_error(std::string message) { return {WalletErrorKind::wallet, std::move(message)}; }
WalletError parameter_error(std::string message) { return {WalletErrorKind::invalid_parameter, std::move(message)}; }

/// What ECDSA signatures of other lengths could add.
std::int64_t signature_slack(ByteSpan item) {
    const bool signature = item.size() > 8 && item.size() < kLongestSignature && item[0] == 0x30;
    return signature ? static_cast<std::int64_t>(kLongestSignature - item.size()) : 0;
}

/// The most that an input of somebody else weighs when it is signed anew, judged by how it is signed now.
std::int64_t likely_weight(const TxInput& input) {
    std::int64_t script = static_cast<std::int64_t>(32 + 4 + 4 + compact_size_length(input.script_sig.size()) + input.script_sig.size());
    ScriptReader reader(input.script_sig);
    for (Instruction step; reader.next(step);) script += signature_slack(step.data);
    auto witness = static_cast<std::int64_t>(compact_size_length(input.witness.size()));
    for (const ByteSpan item : input.witness) {
        witness += static_cast<std::int64_t>(compact_size_length(item.size()) + item.size()) + signature_slack(item);
    }
    return script * kWitnessScaleFactor + witness;
}

}  // namespace

std::optional<WalletError> Spender::bump_obstacle(const WalletTx& tx, bool require_owned) const {
    if (parts_.ledger.has_children(tx)) return parameter_error("Transaction has descendants in the wallet");
    if (parts_.host.has_descendants(tx.txid())) return parameter_error("Transaction has descendants in the mempool");
    if (parts_.ledger.depth(tx) != 0) return wallet_error("Transaction has been mined, or is conflicted with a mined transaction");
    if (tx.replaced_by) {
        return wallet_error(fmt::format("Cannot bump transaction {} which was already bumped by transaction {}", tx.txid().to_display_hex(),
                                        tx.replaced_by->to_display_hex()));
    }
    if (require_owned && !parts_.ledger.all_inputs_owned(tx.tx->tx())) {
        return wallet_error("Transaction contains inputs that don't belong to this wallet");
    }
    return std::nullopt;
}

std::optional<WalletError> Spender::bump_fault(FeeRate rate, std::int64_t vsize, Amount old_fee, std::span<const OutPoint> inputs) const {
    if (const FeeRate lowest = parts_.host.mempool_minimum(); rate < lowest) {
        return wallet_error(fmt::format("New fee rate ({}) is lower than the minimum fee rate ({}) to get into the mempool -- ",
                                        money_text(rate.per_kvb), money_text(lowest.per_kvb)));
    }
    const Amount total = rate.fee(vsize) + lack(inputs, rate);
    const Amount step = parts_.host.incremental_relay().fee(vsize);
    if (total < old_fee + step) {
        return parameter_error(fmt::format("Insufficient total fee {}, must be at least {} (oldFee {} + incrementalFee {})", money_text(total),
                                           money_text(old_fee + step), money_text(old_fee), money_text(step)));
    }
    const Amount required = std::max(parts_.policy.min_fee, parts_.host.relay_minimum()).fee(vsize);
    if (total < required) {
        return parameter_error(fmt::format("Insufficient total fee (cannot be less than required fee {})", money_text(required)));
    }
    if (total > parts_.policy.max_fee) {
        return wallet_error(fmt::format("Specified or calculated fee {} is too high (cannot be higher than -maxtxfee {})", money_text(total),
                                        money_text(parts_.policy.max_fee)));
    }
    return std::nullopt;
}

FeeRate Spender::raised_rate(const Transaction& old, Amount old_fee, const CoinControl& control) const {
    FeeRate rate = FeeRate::of(old_fee, old.vsize());
    rate.per_kvb += 1 + std::max(parts_.host.incremental_relay(), kSafeIncrement).per_kvb;
    return std::max(rate, choose_fee(control).rate);
}

Outcome<Amount> Spender::take_over_inputs(const WalletTx& old, CoinControl& control, std::vector<std::int64_t>& weights) const {
    Amount sum = 0;
    std::map<OutPoint, PresetInput> given;
    for (PresetInput& input : control.inputs) given.emplace(input.outpoint, std::move(input));
    control.inputs.clear();
    for (const TxInput& input : old.tx->tx().inputs) {
        PresetInput preset;
        if (const auto found = given.find(input.prevout); found != given.end()) preset = std::move(found->second);
        given.erase(input.prevout);
        preset.outpoint = input.prevout;
        if (const OwnedOutput* coin = parts_.ledger.owned(input.prevout)) {
            sum += coin->value;
            const auto size = input_size(coin->script);
            weights.push_back(preset.weight.value_or(size ? size->weight : likely_weight(input)));
            if (!size) preset.weight = weights.back();
        } else {
            if (!preset.external) {
                const auto coin_found = parts_.host.find_coin(input.prevout);
                if (!coin_found) {
                    return fail(wallet_error(fmt::format("{}:{} is already spent", input.prevout.txid.to_display_hex(), input.prevout.index)));
                }
                preset.external = MutableTransaction::Output{coin_found->value, coin_found->script_pubkey};
            }
            sum += preset.external->value;
            if (!preset.weight) preset.weight = likely_weight(input);
            weights.push_back(*preset.weight);
        }
        control.inputs.push_back(std::move(preset));
    }
    for (auto& [outpoint, input] : given) control.inputs.push_back(std::move(input));
    return sum;
}

Outcome<Spender::Bumped> Spender::bump(const Txid& txid, const CoinControl& wishes, const BumpOptions& options) {
    if (!options.outputs.empty() && options.change_position) {
        return fail(parameter_error("The options 'outputs' and 'original_change_index' are incompatible. You can only either specify a new set of "
                                    "outputs, or designate a change output to be recycled."));
    }
    const WalletTxPtr old = parts_.ledger.find(txid);
    if (!old) return fail(WalletError{WalletErrorKind::unknown_transaction, "Invalid or non-wallet transaction id"});
    const Transaction& raw = old->tx->tx();
    if (options.change_position && *options.change_position >= raw.outputs.size()) {
        return fail(parameter_error("Change position is out of range"));
    }
    if (auto obstacle = bump_obstacle(*old, options.require_owned)) return fail(std::move(*obstacle));

    CoinControl control = wishes;
    std::vector<std::int64_t> weights;
    const auto input_sum = take_over_inputs(*old, control, weights);
    if (!input_sum) return fail(input_sum.error());
    Amount old_fee = *input_sum;
    for (const TxOutput& output : raw.outputs) old_fee -= output.value;

    std::vector<Recipient> outputs = options.outputs;
    if (outputs.empty()) {
        for (std::size_t i = 0; i < raw.outputs.size(); ++i) {
            const TxOutput& output = raw.outputs[i];
            const auto silent = options.silent ? options.silent->find(i) : SilentOutputs::const_iterator{};
            if (options.silent && silent != options.silent->end()) {
                outputs.push_back(Recipient::of_silent(silent->second, output.value));
            } else {
                outputs.push_back({to_bytes(output.script_pubkey), output.value, false});
            }
        }
    }
    std::vector<Recipient> recipients;
    Amount outputs_sum = 0;
    bool perhaps_silent = false;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        const bool change = options.change_position ? *options.change_position == i
                                                    : is_change(parts_.book, parts_.addresses, outputs[i].script);
        outputs_sum += outputs[i].amount;
        if (change) {
            control.change_script = outputs[i].script;
        } else {
            recipients.push_back(outputs[i]);
            perhaps_silent = perhaps_silent || (options.outputs.empty() && !options.silent && !parts_.book.owns(outputs[i].script) &&
                                                classify(outputs[i].script) == OutputType::witness_v1_taproot);
        }
    }
    if (recipients.empty()) {
        if (!control.change_script) {
            return fail(parameter_error("Unable to create transaction. Transaction must have at least one recipient"));
        }
        recipients.push_back({*control.change_script, outputs_sum, true});
        control.change_script.reset();
    }

    std::vector<OutPoint> inputs;
    for (const TxInput& input : raw.inputs) inputs.push_back(input.prevout);
    if (wishes.fee_rate) {
        MutableTransaction bare(raw);
        bare.outputs.clear();
        for (const Recipient& one : outputs) bare.outputs.push_back({one.amount, one.script});
        const std::int64_t weight = signed_weight(bare, weights, raw.has_witness());
        if (auto fault = bump_fault(*wishes.fee_rate, (weight + 3) / kWitnessScaleFactor, old_fee, inputs)) return fail(std::move(*fault));
    } else {
        control.fee_rate = raised_rate(raw, old_fee, wishes);
    }
    // All old inputs are spent again: of two replacements that share none, both could confirm and pay twice.
    control.allow_other_inputs = !perhaps_silent;
    control.min_depth = std::max(control.min_depth, 1);  // a replacement brings no new unconfirmed inputs
    auto made = create(recipients, control);
    if (!made && perhaps_silent) {
        return fail(wallet_error("Unable to create transaction. More inputs would be needed, but this wallet did not make the transaction, and an output "
                                 "to a taproot address may be a silent payment, which other inputs would destroy"));
    }
    if (!made) return fail(WalletError{made.error().kind, "Unable to create transaction. " + made.error().message});
    const Amount least = old_fee + parts_.host.incremental_relay().fee(made->vsize);
    if (made->fee < least) {
        return fail(parameter_error(fmt::format("Insufficient total fee {}, must be at least {} (oldFee {} + incrementalFee {})",
                                                money_text(made->fee), money_text(least), money_text(old_fee), money_text(least - old_fee))));
    }
    return Bumped{std::move(*made), old_fee};
}

void Spender::shuffle_outputs(CreatedTransaction& made, std::span<const Recipient> fixed, std::span<const Recipient> rest) {
    std::vector<std::size_t> order(made.tx.outputs.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::shuffle(order.begin(), order.end(), random_);
    std::vector<MutableTransaction::Output> outputs;
    for (std::size_t i = 0; i < order.size(); ++i) {
        const std::size_t from = order[i];
        outputs.push_back(std::move(made.tx.outputs[from]));
        const Recipient& one = from < fixed.size() ? fixed[from] : rest[from - fixed.size()];
        if (one.silent) made.silent.emplace(i, *one.silent);
    }
    made.tx.outputs = std::move(outputs);
}

Outcome<CreatedTransaction> Spender::sweep(std::span<const Recipient> fixed, std::span<const Recipient> rest, const CoinControl& control,
                                            bool only_worthwhile) {
    if (rest.empty()) return fail(parameter_error("Must provide at least one address without a specified amount"));
    auto fee = settle_fee(control);
    if (!fee) return fail(std::move(fee.error()));
    CreatedTransaction made;
    made.fee_choice = *fee;
    made.tx.version = control.version;

    std::vector<Candidate> coins;
    if (!control.inputs.empty()) {
        auto preset = preset_coins(control, fee->rate);
        if (!preset) return fail(std::move(preset.error()));
        coins = std::move(*preset);
    } else {
        CoinFilter filter;
        filter.min_amount = 0;
        coins = available_coins(control, filter, fee->rate);
        if (only_worthwhile) std::erase_if(coins, [](const Candidate& coin) { return coin.fee - coin.ancestor_lack > coin.value; });
    }
    Amount total = 0;
    bool any_witness = false, preset_sequence = false;
    std::vector<std::int64_t> weights;
    std::vector<OutPoint> outpoints;
    for (const Candidate& coin : coins) {
        if (coin.input_weight < 0) {
            return fail(wallet_error("Unable to determine the size of the transaction, the wallet contains unsolvable descriptors"));
        }
        MutableTransaction::Input input{coin.outpoint, {}, is_signalling(control) ? 0xfffffffd : 0xfffffffe, {}};
        for (const PresetInput& preset : control.inputs) {
            if (preset.outpoint != coin.outpoint || !preset.sequence) continue;
            input.sequence = *preset.sequence;
            preset_sequence = true;
        }
        made.tx.inputs.push_back(std::move(input));
        made.spent.push_back({coin.value, coin.script});
        weights.push_back(coin.input_weight);
        outpoints.push_back(coin.outpoint);
        any_witness = any_witness || coin.has_witness;
        total += coin.value;
    }
    Amount claimed = 0;
    for (const Recipient& one : fixed) {
        made.tx.outputs.push_back({one.amount, one.script});
        claimed += one.amount;
    }
    for (const Recipient& one : rest) made.tx.outputs.push_back({0, one.script});

    const std::int64_t weight = signed_weight(made.tx, weights, any_witness);
    made.vsize = (weight + 3) / kWitnessScaleFactor;
    const Amount own_fee = fee->rate.fee(made.vsize);
    made.fee = own_fee + lack(outpoints, fee->rate);
    const auto shortage = [](std::string message) { return fail(WalletError{WalletErrorKind::insufficient_funds, std::move(message)}); };
    if (own_fee > parts_.policy.max_fee) return fail(wallet_error("Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)"));
    if (total - made.fee <= 0) {
        return shortage(only_worthwhile ? "Total value of UTXO pool too low to pay for transaction, try using lower feerate."
                                        : "Total value of UTXO pool too low to pay for transaction. Try using lower feerate or excluding "
                                          "uneconomic UTXOs with 'send_max' option.");
    }
    if (weight > control.max_weight.value_or(kMaxStandardWeight)) return fail(wallet_error("Transaction too large."));
    if (claimed > total) return shortage("Assigned more value to outputs than available funds.");
    const Amount remainder = total - made.fee - claimed;
    if (remainder < 0) return shortage("Insufficient funds for fees after creating specified outputs.");

    const auto shares = static_cast<Amount>(rest.size());
    for (std::size_t i = 0; i < made.tx.outputs.size(); ++i) {
        auto& output = made.tx.outputs[i];
        if (i >= fixed.size()) output.value = remainder / shares + (i == fixed.size() ? remainder % shares : 0);
        if (!is_dust(output.value, output.script_pubkey, parts_.host.dust_relay())) continue;
        if (i >= fixed.size()) return shortage("Dynamically assigned remainder results in dust output.");
        return fail(parameter_error("Specified output amount is below dust threshold."));
    }
    shuffle_outputs(made, fixed, rest);
    set_lock_time(made.tx, control, preset_sequence);
    return made;
}

Outcome<CreatedTransaction> Spender::pay_for_parent(const OutPoint& output, const CoinControl& wishes) {
    const OwnedOutput* coin = parts_.ledger.owned(output);
    const WalletTxPtr parent = parts_.ledger.find(output.txid);
    if (coin == nullptr || !parent) return fail(WalletError{WalletErrorKind::unknown_transaction, "Invalid or non-wallet transaction id"});
    if (parts_.ledger.depth(*parent) != 0) return fail(wallet_error("Transaction has been mined, or is conflicted with a mined transaction"));
    if (parts_.ledger.is_spent(output)) return fail(parameter_error("The output is already spent by a transaction of this wallet"));
    CoinControl control = wishes;
    PresetInput input;
    input.outpoint = output;
    control.inputs = {std::move(input)};
    control.version = parent->tx->tx().version == 3 ? 3 : control.version;
    const AddressType type = change_type(control.change_type, {});
    auto script = control.change_script ? Result<Bytes, std::string>(*control.change_script) : parts_.change(type);
    if (!script) return fail(wallet_error(script.error()));
    const std::array<Recipient, 1> rest{Recipient{*script}};
    auto made = sweep({}, rest, control, false);
    if (!made) return made;
    made->change_position = 0;
    made->change_is_new = !control.change_script.has_value();
    made->change_type = type;
    return made;
}

}  // namespace cairn::light
