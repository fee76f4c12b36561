#pragma once

#include "consensus/base/result.hpp"
#include "consensus/chain/coin.hpp"
#include "consensus/rules/error.hpp"
#include "consensus/rules/rule.hpp"
#include "consensus/rules/tx_rules.hpp"

namespace cairn::rules {

/// A transaction (no coinbase) and the coins it spends, with what one walk over them found out.
struct SpendSubject {
    const Transaction& tx;
    const SpentCoins& spent;
    Height height;     ///< of the block that it would be in
    Amount value_out;  ///< the sum of its outputs, in range

    bool missing = false;
    /// What is wrong first in the order of the inputs, when none is missing.
    enum class Flaw : std::uint8_t { none, immature, values } flaw = Flaw::none;
    Height immature_depth = 0;  ///< with Flaw::immature
    Amount value_in = 0;        ///< when nothing is wrong

    SpendSubject(const Transaction& tx, const SpentCoins& spent, Height height, Amount value_out);
};

using SpendRule = Rule<SpendSubject, TxError>;

/// The rules of a transaction against the coins it spends, in Bitcoin Core's order.
std::span<const SpendRule> spend_rules();

/// Checks all of them and gives the fee. `tx` passed check_transaction and is no coinbase; `spent` has an entry for each
/// input, with value kMissingCoinValue where there is no coin.
Result<Amount, TxFault> check_tx_inputs(const Transaction& tx, const SpentCoins& spent, Height height);
Result<Amount, TxFault> check_tx_inputs(const Transaction& tx, const SpentCoins& spent, Height height, Amount value_out);

/// An amount as RPC and messages show it: "1.50", "0.00000001"; at least two decimals.
std::string format_money(Amount amount);

}  // namespace cairn::rules
