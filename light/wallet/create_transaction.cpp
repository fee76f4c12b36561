#include <algorithm>

#include <fmt/format.h>

#include "consensus/script/script.hpp"
#include "light/wallet/spending.hpp"

namespace cairn::light {
namespace {

constexpr const char* kFeeTooHigh = "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)";
constexpr std::int64_t kMinNonWitnessSize = 65;            ///< bytes that a relayed transaction has at least
constexpr std::int64_t kNestedInputVsize = 91;             ///< P2SH-P2WPKH: for change that nobody knows how to spend
constexpr std::int64_t kMaxTipAge = 8 * 60 * 60;           ///< seconds after which the height says nothing
constexpr std::uint32_t kReplaceable = 0xfffffffd;         ///< the largest sequence that signals (BIP125)
constexpr std::uint32_t kNotFinal = 0xfffffffe;            ///< lock time counts, nothing is signalled
constexpr std::uint32_t kTopologyVersion = 3;
constexpr std::int64_t kTopologyMaxWeight = 40'000, kTopologyChildMaxWeight = 4'000;


WalletError wallet_error(std::string message) { return {WalletErrorKind::wallet, std::move(message)}; }

std::int64_t output_size(ByteSpan script) {
    return static_cast<std::int64_t>(8 + compact_size_length(script.size()) + script.size());
}

Amount sum_of(const std::vector<MutableTransaction::Output>& outputs) {
    Amount sum = 0;
    for (const auto& output : outputs) sum += output.value;
    return sum;
}

Amount value_of(std::span<const Candidate> coins) {
    Amount sum = 0;
    for (const Candidate& coin : coins) sum += coin.value;
    return sum;
}

Amount effective_value_of(std::span<const Candidate> coins) {
    Amount sum = 0;
    for (const Candidate& coin : coins) sum += coin.effective_value();
    return sum;
}

std::string outpoint_text(const OutPoint& outpoint) {
    return fmt::format("COutPoint({}, {})", outpoint.txid.to_display_hex().substr(0, 10), outpoint.index);
}

}  // namespace

/// What is known before coins are chosen.
struct Spender::Draft {
    std::span<const Recipient> recipients;
    SelectionParams params;
    FeeChoice fee;
    Amount recipients_sum = 0;
    Amount target = 0;  ///< recipients, and the fee of all but inputs and change
    std::size_t payers = 0;
    AddressType change_type = AddressType::unknown;
    Bytes change_script;       ///< empty: there is none to be had
    std::string change_error;  ///< why
    bool change_is_new = false;
};

Outcome<void> Spender::prepare_change(Draft& draft, const CoinControl& control) {
    draft.change_type = change_type(control.change_type, draft.recipients);
    if (control.change_script) {
        draft.change_script = *control.change_script;
    } else if (auto script = parts_.change(draft.change_type)) {
        draft.change_script = std::move(*script);
        draft.change_is_new = true;
    } else {
        draft.change_error = "Transaction needs a change address, but we can't generate it. " + script.error();
    }
    draft.params.change_output_size = output_size(draft.change_script);
    const auto size = input_size(draft.change_script);
    draft.params.change_spend_vsize = size ? (size->weight + kWitnessScaleFactor - 1) / kWitnessScaleFactor : kNestedInputVsize;
    return {};
}

Outcome<void> Spender::prepare(Draft& draft, const CoinControl& control) {
    SelectionParams& params = draft.params;
    params.group_by_script = control.avoid_partial_spends;
    params.include_unsafe = control.include_unsafe;
    params.spend_unconfirmed_change = parts_.policy.spend_unconfirmed_change;
    params.reject_long_chains = parts_.policy.reject_long_chains;
    params.max_ancestors = parts_.policy.max_ancestors;
    params.max_cluster = parts_.policy.max_cluster;
    params.max_weight = control.max_weight.value_or(kMaxStandardWeight);
    if (params.max_weight < kMinNonWitnessSize * kWitnessScaleFactor || params.max_weight > kMaxStandardWeight) {
        return fail(wallet_error(fmt::format("Maximum transaction weight must be between {} and {}", kMinNonWitnessSize * kWitnessScaleFactor,
                                             kMaxStandardWeight)));
    }
    if (control.version == kTopologyVersion) {
        params.max_weight = std::min(params.max_weight, kTopologyMaxWeight);
        params.max_weight_unconfirmed = kTopologyChildMaxWeight;
    }
    params.long_term_rate = parts_.policy.consolidate_rate;
    params.base_vsize = 10 + static_cast<std::int64_t>(compact_size_length(draft.recipients.size()));
    for (const Recipient& one : draft.recipients) {
        if (is_dust(one.amount, one.script, parts_.host.dust_relay())) return fail(wallet_error("Transaction amount too small"));
        params.base_vsize += output_size(one.script);
        if (!money_range(one.amount) || !money_range(draft.recipients_sum += one.amount)) {
            return fail(WalletError{WalletErrorKind::invalid_parameter, "Transaction amounts are out of range"});
        }
        if (one.subtract_fee) ++draft.payers;
    }
    params.recipients_pay = draft.payers > 0;
    if (const auto change = prepare_change(draft, control); !change) return change;

    auto fee = settle_fee(control);
    if (!fee) return fail(std::move(fee.error()));
    draft.fee = *fee;
    params.rate = draft.fee.rate;
    // Change is thought to be spent one day when nobody is in a hurry.
    const auto slow = parts_.host.estimate(parts_.host.highest_target(), false);
    params.discard_rate = std::max(slow ? std::min(*slow, parts_.policy.discard_rate) : parts_.policy.discard_rate, parts_.host.dust_relay());
    params.change_fee = params.rate.fee(params.change_output_size);
    const Amount spend_fee = params.discard_rate.fee(params.change_spend_vsize);
    params.cost_of_change = spend_fee + params.change_fee;
    params.min_viable_change = std::max(spend_fee + 1, dust_threshold(draft.change_script, params.discard_rate));
    params.min_change_target =
        light::change_target(draft.recipients_sum / static_cast<Amount>(draft.recipients.size()), params.change_fee, random_);
    draft.target = draft.recipients_sum + params.rate.fee(params.recipients_pay ? 0 : params.base_vsize);
    if (draft.target == 0 && control.inputs.empty()) {
        return fail(wallet_error("Transaction requires one destination of non-zero value, a non-zero feerate, or a pre-selected input"));
    }
    return {};
}

Outcome<FeeChoice> Spender::settle_fee(const CoinControl& control) const {
    const FeeChoice choice = choose_fee(control);
    if (control.fee_rate && choice.rate > *control.fee_rate) {
        std::string message = fmt::format("Fee rate ({}) is lower than the minimum fee rate setting ({}).", rate_text(*control.fee_rate),
                                          rate_text(choice.rate));
        if (choice.reason == FeeReason::required) {
            message += fmt::format("\nConsider modifying -mintxfee ({}) or -minrelaytxfee ({}).", rate_text(parts_.policy.min_fee),
                                   rate_text(parts_.host.relay_minimum()));
        }
        return fail(WalletError{WalletErrorKind::invalid_parameter, std::move(message)});
    }
    if (choice.reason == FeeReason::fallback && parts_.policy.fallback_fee.per_kvb == 0) {
        return fail(wallet_error("Fee estimation failed. Fallbackfee is disabled. Wait a few blocks or enable -fallbackfee."));
    }
    return choice;
}

Outcome<std::vector<Candidate>> Spender::preset_coins(const CoinControl& control, FeeRate rate) const {
    std::vector<Candidate> coins;
    std::set<OutPoint> seen;
    for (const PresetInput& input : control.inputs) {
        if (!seen.insert(input.outpoint).second) continue;
        Candidate coin;
        coin.outpoint = input.outpoint;
        if (const WalletTxPtr parent = parts_.ledger.find(input.outpoint.txid);
            parent && input.outpoint.index < parent->tx->tx().outputs.size()) {
            const Transaction& raw = parent->tx->tx();
            coin.value = raw.outputs[input.outpoint.index].value;
            coin.script = to_bytes(raw.outputs[input.outpoint.index].script_pubkey);
            if (parts_.ledger.depth(*parent) == 0 && (raw.version == kTopologyVersion) != (control.version == kTopologyVersion)) {
                return fail(wallet_error(fmt::format("Can't spend unconfirmed version {} pre-selected input with a version {} tx", raw.version,
                                                     control.version)));
            }
        } else if (input.external) {
            coin.value = input.external->value;
            coin.script = input.external->script_pubkey;
        } else if (const auto found = parts_.host.find_coin(input.outpoint)) {
            coin.value = found->value;
            coin.script = found->script_pubkey;
        } else {
            return fail(wallet_error("Not found pre-selected input " + outpoint_text(input.outpoint)));
        }
        auto size = input_size(coin.script, &control.external_keys);
        if (input.weight) size = SignedInput{*input.weight, size ? size->has_witness : is_p2sh(coin.script) || witness_program(coin.script)};
        if (!size) return fail(wallet_error("Not solvable pre-selected input " + outpoint_text(input.outpoint)));
        coin.set_size(size->weight, size->has_witness);
        const std::array<OutPoint, 1> alone{input.outpoint};
        coin.set_rates(rate, parts_.policy.consolidate_rate, lack(alone, rate));
        coins.push_back(std::move(coin));
    }
    return coins;
}

Outcome<Selection> Spender::select(const Draft& draft, const CoinControl& control, std::span<const Candidate> preset,
                                    std::span<const Candidate> available) {
    class Lack final : public LackSource {
    public:
        explicit Lack(const Spender& spender) : spender_(spender) {}
        Amount combined_lack(std::span<const OutPoint> outputs, FeeRate rate) const override { return spender_.lack(outputs, rate); }

    private:
        const Spender& spender_;
    };
    const SelectionParams& params = draft.params;
    OutputGroup manual;
    for (const Candidate& coin : preset) manual.add(coin, params.recipients_pay);
    const Amount left = draft.target - (preset.empty() ? 0 : params.recipients_pay ? manual.value : manual.effective_value);
    const auto finish = [&](Selection selection) {
        selection.target = draft.target;
        selection.recipients_pay = params.recipients_pay;
        selection.set_waste(params.min_viable_change, params.cost_of_change, params.change_fee);
        return selection;
    };
    if (left > 0 && !control.allow_other_inputs) {
        return fail(wallet_error("The preselected coins total amount does not cover the transaction target. "
                                 "Please allow other inputs to be automatically selected or include more coins manually"));
    }
    if (left <= 0) {
        Selection selection;
        selection.add(manual);
        return finish(std::move(selection));
    }
    if (left > (params.recipients_pay ? value_of(available) : effective_value_of(available))) {
        return fail(explain_shortage(draft, control, preset, available));
    }
    auto chosen = select_coins(available, left, params, Lack(*this), random_);
    if (!chosen) {
        if (chosen.error().message.empty()) return fail(explain_shortage(draft, control, preset, available));
        return fail(wallet_error(std::move(chosen.error().message)));
    }
    if (preset.empty()) return std::move(*chosen);
    chosen->add(manual);
    if (chosen->weight > params.max_weight - params.base_vsize * kWitnessScaleFactor) {
        return fail(wallet_error("The combination of the pre-selected inputs and the wallet automatic inputs selection exceeds the transaction "
                                 "maximum weight. Please try sending a smaller amount or manually consolidating your wallet's UTXOs"));
    }
    return finish(std::move(*chosen));
}

Outcome<Selection> Spender::select_for_silent(const Draft& draft, const CoinControl& control, std::span<const Candidate> preset,
                                              std::vector<Candidate>& available) {
    std::set<OutPoint> counting;
    const bool any_coin = !preset.empty() || !available.empty();
    const auto examine = [&](const Candidate& coin) {
        const auto input = silent_input(coin.outpoint, coin.script, parts_.book.solving_data(coin.script, true));
        if (input && input->key) counting.insert(coin.outpoint);
        return input.has_value();
    };
    const bool preset_counts = std::count_if(preset.begin(), preset.end(), examine) > 0 && !counting.empty();
    counting.clear();
    std::erase_if(available, [&](const Candidate& coin) { return !examine(coin); });
    if (any_coin && counting.empty() && !preset_counts) {
        return fail(wallet_error("Unable to make the silent payment: " + std::string(to_string(SilentError::no_eligible_input))));
    }
    // First with coins that add a key to the shared secret, then with others whose kind does not count as well.
    std::stable_partition(available.begin(), available.end(), [&](const Candidate& coin) { return counting.contains(coin.outpoint); });
    auto chosen = select(draft, control, preset, std::span<const Candidate>(available).first(counting.size()));
    if (chosen || counting.size() == available.size()) return chosen;
    return select(draft, control, preset, available);
}

WalletError Spender::explain_shortage(const Draft& draft, const CoinControl&, std::span<const Candidate> preset,
                                     std::span<const Candidate> available) const {
    const bool enough_without_fee = value_of(preset) + value_of(available) >= draft.recipients_sum;
    if (enough_without_fee && !draft.params.recipients_pay && effective_value_of(preset) + effective_value_of(available) < draft.target) {
        return {WalletErrorKind::insufficient_funds, fmt::format("The total exceeds your balance when the {} transaction fee is included.",
                                                                money_text(draft.target - draft.recipients_sum))};
    }
    return {WalletErrorKind::insufficient_funds, "Insufficient funds"};
}

void Spender::set_lock_time(MutableTransaction& tx, const CoinControl& control, bool preset_sequence) {
    if (control.lock_time) {
        tx.lock_time = *control.lock_time;
        return;
    }
    if (preset_sequence) return;
    // A miner who would redo the last block to take its fees could not take this one with them.
    const BlockPlace& tip = parts_.ledger.tip();
    if (parts_.host.is_behind() || tip.height < 0 || tip.time < parts_.host.now() - kMaxTipAge) return;
    tx.lock_time = static_cast<std::uint32_t>(tip.height);
    // Now and then further back, as if it had been signed some time ago.
    if (random_.below(10) == 0) tx.lock_time -= static_cast<std::uint32_t>(std::min<std::uint64_t>(tx.lock_time, random_.below(100)));
}

Outcome<void> Spender::subtract_fee(const Draft& draft, CreatedTransaction& made, Amount needed) const {
    const Amount missing = needed - made.fee;
    const auto payers = static_cast<Amount>(draft.payers);
    bool first = true;
    for (std::size_t i = 0; i < draft.recipients.size(); ++i) {
        if (!draft.recipients[i].subtract_fee) continue;
        auto& output = made.tx.outputs[i + (made.change_position && *made.change_position <= i ? 1 : 0)];
        output.value -= missing / payers;
        if (first) output.value -= missing % payers;  // what does not divide
        first = false;
        if (!is_dust(output.value, output.script_pubkey, parts_.host.dust_relay())) continue;
        return fail(wallet_error(output.value < 0 ? "The transaction amount is too small to pay the fee"
                                                  : "The transaction amount is too small to send after the fee has been deducted"));
    }
    made.fee = needed;
    return {};
}

Outcome<CreatedTransaction> Spender::assemble(const Draft& draft, const CoinControl& control, const Selection& selection) {
    CreatedTransaction made;
    made.tx.version = control.version;
    made.fee_choice = draft.fee;
    made.algorithm = selection.algorithm;
    made.waste = selection.waste;
    for (const Recipient& one : draft.recipients) made.tx.outputs.push_back({one.amount, one.script});
    const Amount change = selection.change(draft.params.min_viable_change, draft.params.change_fee);
    if (change > 0) {
        if (draft.change_script.empty()) return fail(wallet_error(draft.change_error));
        made.change_position = control.change_position.value_or(random_.below(made.tx.outputs.size() + 1));
        if (*made.change_position > made.tx.outputs.size()) {
            return fail(WalletError{WalletErrorKind::invalid_parameter, "Transaction change output index out of range"});
        }
        made.tx.outputs.insert(made.tx.outputs.begin() + static_cast<std::ptrdiff_t>(*made.change_position), {change, draft.change_script});
        made.change_is_new = draft.change_is_new;
        made.change_type = draft.change_type;
    }
    for (std::size_t i = 0; i < draft.recipients.size(); ++i) {
        if (!draft.recipients[i].silent) continue;
        made.silent.emplace(i + (made.change_position && *made.change_position <= i ? 1 : 0), *draft.recipients[i].silent);
    }

    // Preset inputs first and in their order; the others in none.
    std::vector<const Candidate*> coins = selection.coins;
    std::shuffle(coins.begin(), coins.end(), random_);
    std::map<OutPoint, std::size_t> wanted;
    for (std::size_t i = 0; i < control.inputs.size(); ++i) wanted.emplace(control.inputs[i].outpoint, i);
    const auto rank = [&](const Candidate* coin) {
        const auto found = wanted.find(coin->outpoint);
        return found == wanted.end() ? control.inputs.size() : found->second;
    };
    std::stable_sort(coins.begin(), coins.end(), [&](const Candidate* a, const Candidate* b) { return rank(a) < rank(b); });

    std::vector<std::int64_t> weights;
    bool preset_sequence = false, any_witness = false;
    for (const Candidate* coin : coins) {
        MutableTransaction::Input input{coin->outpoint, {}, is_signalling(control) ? kReplaceable : kNotFinal, {}};
        if (const std::size_t position = rank(coin); position < control.inputs.size()) {
            const PresetInput& preset = control.inputs[position];
            preset_sequence = preset_sequence || preset.sequence.has_value();
            input.sequence = preset.sequence.value_or(input.sequence);
            input.script_sig = preset.script_sig;
            input.witness = preset.witness;
        }
        made.tx.inputs.push_back(std::move(input));
        made.spent.push_back({coin->value, coin->script});
        weights.push_back(coin->input_weight);
        any_witness = any_witness || coin->has_witness;
    }
    set_lock_time(made.tx, control, preset_sequence);

    const std::int64_t weight = signed_weight(made.tx, weights, any_witness);
    made.vsize = (weight + kWitnessScaleFactor - 1) / kWitnessScaleFactor;
    const Amount needed = draft.params.rate.fee(made.vsize) + selection.ancestor_lack();
    made.fee = selection.value() - sum_of(made.tx.outputs);
    if (made.fee < 0) return fail(wallet_error("Internal bug detected: Fee paid < 0"));
    if (made.change_position && needed < made.fee) {
        made.tx.outputs[*made.change_position].value += made.fee - needed;
        made.fee = needed;
    }
    if (draft.params.recipients_pay) {
        if (const auto paid = subtract_fee(draft, made, needed); !paid) return fail(paid.error());
    }
    if (needed > made.fee) return fail(wallet_error("Internal bug detected: Fee needed > fee paid"));
    if (weight > kMaxStandardWeight) return fail(wallet_error("Transaction too large"));
    if (made.fee > parts_.policy.max_fee) return fail(wallet_error(kFeeTooHigh));
    return made;
}

Outcome<CreatedTransaction> Spender::create_once(std::span<const Recipient> recipients, const CoinControl& control) {
    Draft draft;
    draft.recipients = recipients;
    if (const auto ready = prepare(draft, control); !ready) return fail(ready.error());
    auto preset = preset_coins(control, draft.params.rate);
    if (!preset) return fail(std::move(preset.error()));
    std::vector<Candidate> available;
    if (control.allow_other_inputs) available = available_coins(control, CoinFilter{}, draft.params.rate);
    // A coin of unknown size cannot be paid for.
    std::erase_if(available, [](const Candidate& coin) { return coin.input_vsize < 0; });
    const bool silent = std::any_of(recipients.begin(), recipients.end(), [](const Recipient& one) { return one.silent.has_value(); });
    auto selection = silent ? select_for_silent(draft, control, *preset, available) : select(draft, control, *preset, available);
    if (!selection) return fail(std::move(selection.error()));
    return assemble(draft, control, *selection);
}

Outcome<CreatedTransaction> Spender::create(std::span<const Recipient> recipients, const CoinControl& control) {
    if (recipients.empty()) {
        return fail(WalletError{WalletErrorKind::invalid_parameter, "Transaction must have at least one recipient"});
    }
    for (const Recipient& one : recipients) {
        if (one.amount < 0) return fail(WalletError{WalletErrorKind::invalid_parameter, "Transaction amounts must not be negative"});
    }
    auto made = create_once(recipients, control);
    if (!made || made->fee == 0 || parts_.policy.max_grouping_fee < 0 || control.avoid_partial_spends) return made;
    // Spending all coins of an address together tells less about the wallet; where it costs no more, do that.
    CoinControl grouping = control;
    grouping.avoid_partial_spends = true;
    auto grouped = create_once(recipients, grouping);
    return grouped && grouped->fee <= made->fee + parts_.policy.max_grouping_fee ? std::move(grouped) : std::move(made);
}

}  // namespace cairn::light
