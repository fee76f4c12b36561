#pragma once

#include <vector>

#include "consensus/base/result.hpp"
#include "consensus/chain/header_tree.hpp"
#include "consensus/primitives/transaction.hpp"
#include "consensus/rules/error.hpp"
#include "consensus/rules/rule.hpp"

namespace cairn::rules {

inline constexpr std::int64_t kMaxBlockWeight = 4'000'000;
inline constexpr std::int64_t kMaxBlockSigopCost = 80'000;
inline constexpr Height kCoinbaseMaturity = 100;

/// Work space for checking transactions one after another without allocating each time.
/// Thread: one at a time.
class TxCheckScratch {
public:
    /// True when two inputs spend the same output. Cost: O(n log n), whatever an attacker sends.
    bool has_duplicate_inputs(std::span<const TxInput> inputs);

private:
    std::vector<const OutPoint*> outpoints_;
};

/// A transaction and what one walk over it found out.
struct TxSubject {
    enum class Amounts : std::uint8_t { good, negative, too_large, total_too_large };

    const Transaction& tx;
    Amounts amounts = Amounts::good;  ///< the first thing wrong with the outputs' values, in their order
    Amount value_out = 0;             ///< the sum of the outputs, when good
    bool duplicate_inputs = false;
    bool coinbase = false;
    bool null_prevout = false;

    TxSubject(const Transaction& tx, TxCheckScratch& scratch);
};

using TxRule = Rule<TxSubject, TxError>;

/// The rules of a transaction by itself, in Bitcoin Core's order.
std::span<const TxRule> tx_rules();

/// Checks all of them.
Result<void, TxError> check_transaction(const Transaction& tx);
Result<void, TxError> check_transaction(const TxSubject& subject);

}  // namespace cairn::rules
