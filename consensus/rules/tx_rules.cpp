#include "consensus/rules/tx_rules.hpp"

#include <algorithm>

namespace cairn::rules {
namespace {

constexpr std::size_t kMinCoinbaseScript = 2;
constexpr std::size_t kMaxCoinbaseScript = 100;

// A transaction MUST have at least one input.
bool has_inputs(const TxSubject& subject) { return !subject.tx.inputs.empty(); }

// A transaction MUST have at least one output.
bool has_outputs(const TxSubject& subject) { return !subject.tx.outputs.empty(); }

// Without its witness, which may have been tampered with, a transaction MUST fit into a block.
bool fits_a_block(const TxSubject& subject) {
    return std::int64_t{subject.tx.stripped_size} * kWitnessScaleFactor <= kMaxBlockWeight;
}

// The value of an output MUST NOT be negative.
bool has_no_negative_value(const TxSubject& subject) { return subject.amounts != TxSubject::Amounts::negative; }

// The value of an output MUST NOT exceed 21 million bitcoin.
bool has_no_large_value(const TxSubject& subject) { return subject.amounts != TxSubject::Amounts::too_large; }

// The sum of all outputs MUST NOT exceed 21 million bitcoin.
bool has_no_large_sum(const TxSubject& subject) { return subject.amounts != TxSubject::Amounts::total_too_large; }

// Two inputs MUST NOT spend the same output.
bool spends_no_output_twice(const TxSubject& subject) { return !subject.duplicate_inputs; }

// The script of a coinbase's input MUST have 2 to 100 bytes.
bool has_coinbase_script_length(const TxSubject& subject) {
    if (!subject.coinbase) return true;
    const std::size_t size = subject.tx.inputs[0].script_sig.size();
    return size >= kMinCoinbaseScript && size <= kMaxCoinbaseScript;
}

// Only a coinbase may have an input that spends nothing.
bool has_only_real_prevouts(const TxSubject& subject) { return subject.coinbase || !subject.null_prevout; }

constexpr TxRule kRules[] = {
    {"bad-txns-vin-empty", TxError::vin_empty, has_inputs, "original client"},
    {"bad-txns-vout-empty", TxError::vout_empty, has_outputs, "original client"},
    {"bad-txns-oversize", TxError::oversize, fits_a_block, "original client; BIP141"},
    {"bad-txns-vout-negative", TxError::vout_negative, has_no_negative_value, "CVE-2010-5139"},
    {"bad-txns-vout-toolarge", TxError::vout_too_large, has_no_large_value, "CVE-2010-5139"},
    {"bad-txns-txouttotal-toolarge", TxError::vout_total_too_large, has_no_large_sum, "CVE-2010-5139"},
    {"bad-txns-inputs-duplicate", TxError::inputs_duplicate, spends_no_output_twice, "CVE-2018-17144"},
    {"bad-cb-length", TxError::coinbase_length, has_coinbase_script_length, "original client"},
    {"bad-txns-prevout-null", TxError::prevout_null, has_only_real_prevouts, "original client"},
};

}  // namespace

bool TxCheckScratch::has_duplicate_inputs(std::span<const TxInput> inputs) {
    constexpr std::size_t kFewInputs = 16;
    if (inputs.size() <= kFewInputs) {
        for (std::size_t i = 1; i < inputs.size(); ++i) {
            for (std::size_t j = 0; j < i; ++j) {
                if (inputs[i].prevout.index == inputs[j].prevout.index && inputs[i].prevout.txid == inputs[j].prevout.txid) {
                    return true;
                }
            }
        }
        return false;
    }
    outpoints_.clear();
    for (const TxInput& input : inputs) outpoints_.push_back(&input.prevout);
    const auto less = [](const OutPoint* a, const OutPoint* b) {
        if (a->txid.low64() != b->txid.low64()) return a->txid.low64() < b->txid.low64();
        return *a < *b;
    };
    std::sort(outpoints_.begin(), outpoints_.end(), less);
    const auto equal = [](const OutPoint* a, const OutPoint* b) { return *a == *b; };
    return std::adjacent_find(outpoints_.begin(), outpoints_.end(), equal) != outpoints_.end();
}

TxSubject::TxSubject(const Transaction& transaction, TxCheckScratch& scratch)
    : tx(transaction), coinbase(transaction.is_coinbase()) {
    for (const TxOutput& output : tx.outputs) {
        if (output.value < 0) {
            amounts = Amounts::negative;
        } else if (output.value > kMaxMoney) {
            amounts = Amounts::too_large;
        } else if (!money_range(value_out += output.value)) {
            amounts = Amounts::total_too_large;
        }
        if (amounts != Amounts::good) break;
    }
    duplicate_inputs = scratch.has_duplicate_inputs(tx.inputs);
    null_prevout = std::any_of(tx.inputs.begin(), tx.inputs.end(), [](const TxInput& input) { return input.prevout.is_null(); });
}

std::span<const TxRule> tx_rules() { return kRules; }

Result<void, TxError> check_transaction(const TxSubject& subject) {
    if (const auto error = first_broken(tx_rules(), subject)) return fail(*error);
    return {};
}

Result<void, TxError> check_transaction(const Transaction& tx) {
    TxCheckScratch scratch;
    return check_transaction(TxSubject(tx, scratch));
}

}  // namespace cairn::rules
