#include "consensus/rules/spend_rules.hpp"

#include <array>
#include <cstdio>
#include <numeric>

#include "consensus/base/check.hpp"

namespace cairn::rules {
namespace {

// Every output that is spent MUST exist and be unspent.
bool finds_every_coin(const SpendSubject& subject) { return !subject.missing; }

// The output of a coinbase MUST NOT be spent before 100 blocks are built on its block.
bool spends_only_mature_coins(const SpendSubject& subject) { return subject.flaw != SpendSubject::Flaw::immature; }

// The values spent, and their sum, MUST be between zero and 21 million bitcoin.
bool has_inputs_in_range(const SpendSubject& subject) { return subject.flaw != SpendSubject::Flaw::values; }

// The outputs MUST NOT take more than the inputs give.
bool gives_no_more_than_it_takes(const SpendSubject& subject) { return subject.value_in >= subject.value_out; }

// The fee MUST be between zero and 21 million bitcoin.
bool has_fee_in_range(const SpendSubject& subject) { return money_range(subject.value_in - subject.value_out); }

constexpr SpendRule kRules[] = {
    {"bad-txns-inputs-missingorspent", TxError::inputs_missing_or_spent, finds_every_coin, "Bitcoin paper, section 5"},
    {"bad-txns-premature-spend-of-coinbase", TxError::premature_coinbase_spend, spends_only_mature_coins, "original client"},
    {"bad-txns-inputvalues-outofrange", TxError::input_values_out_of_range, has_inputs_in_range, "CVE-2010-5139"},
    {"bad-txns-in-belowout", TxError::in_below_out, gives_no_more_than_it_takes, "original client"},
    {"bad-txns-fee-outofrange", TxError::fee_out_of_range, has_fee_in_range, "CVE-2010-5139"},
};

std::string debug_for(TxError error, const SpendSubject& subject) {
    switch (error) {
        case TxError::inputs_missing_or_spent: return "CheckTxInputs: inputs missing/spent";
        case TxError::premature_coinbase_spend:
            return "tried to spend coinbase at depth " + std::to_string(subject.immature_depth);
        case TxError::in_below_out:
            return "value in (" + format_money(subject.value_in) + ") < value out (" + format_money(subject.value_out) + ")";
        default: return "";
    }
}

}  // namespace

SpendSubject::SpendSubject(const Transaction& transaction, const SpentCoins& coins, Height block_height, Amount sum_out)
    : tx(transaction), spent(coins), height(block_height), value_out(sum_out) {
    CAIRN_CHECK(spent.size() == tx.inputs.size());
    for (std::size_t i = 0; i < spent.size(); ++i) {
        if (spent.missing(i)) {
            missing = true;
            return;
        }
    }
    for (std::size_t i = 0; i < spent.size(); ++i) {
        const Amount value = spent.outputs[i].value;
        const CoinOrigin origin = spent.origins[i];
        if (origin.coinbase && height - origin.height < kCoinbaseMaturity) {
            flaw = Flaw::immature;
            immature_depth = height - origin.height;
            return;
        }
        if (!money_range(value) || !money_range(value_in + value)) {
            flaw = Flaw::values;
            return;
        }
        value_in += value;
    }
}

std::span<const SpendRule> spend_rules() { return kRules; }

Result<Amount, TxFault> check_tx_inputs(const Transaction& tx, const SpentCoins& spent, Height height, Amount value_out) {
    const SpendSubject subject(tx, spent, height, value_out);
    if (const auto error = first_broken(spend_rules(), subject)) return fail(TxFault{*error, debug_for(*error, subject)});
    return subject.value_in - subject.value_out;
}

Result<Amount, TxFault> check_tx_inputs(const Transaction& tx, const SpentCoins& spent, Height height) {
    const Amount value_out = std::accumulate(tx.outputs.begin(), tx.outputs.end(), Amount{0},
                                             [](Amount sum, const TxOutput& output) { return sum + output.value; });
    return check_tx_inputs(tx, spent, height, value_out);
}

std::string format_money(Amount amount) {
    const std::uint64_t magnitude = amount < 0 ? 0 - static_cast<std::uint64_t>(amount) : static_cast<std::uint64_t>(amount);
    std::array<char, 32> text;
    std::snprintf(text.data(), text.size(), "%llu.%08llu", static_cast<unsigned long long>(magnitude / kCoin),
                  static_cast<unsigned long long>(magnitude % kCoin));
    std::string out = text.data();
    constexpr std::size_t kKeptDecimals = 2;
    const std::size_t shortest = out.find('.') + 1 + kKeptDecimals;
    while (out.size() > shortest && out.back() == '0') out.pop_back();
    return amount < 0 ? "-" + out : out;
}

}  // namespace cairn::rules
