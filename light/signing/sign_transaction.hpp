#pragma once

#include <span>
#include <string>
#include <vector>

#include "consensus/chain/coin.hpp"
#include "consensus/primitives/transaction.hpp"
#include "consensus/script/sighash.hpp"
#include "light/keys/script_keys.hpp"

/// Signing: all that descriptors can make. Pure: transaction, spent outputs and
/// keys in, signed transaction out.
namespace cairn::light {

/// Stands for the value of an output that nobody told.
inline constexpr Amount kUnknownAmount = kMaxMoney;

/// What is wrong with an input after signing.
struct InputError {
    std::size_t input = 0;
    std::string message;  ///< Bitcoin Core's sentence
};
/// The message of an input whose signature covers an amount that is kUnknownAmount.
inline constexpr const char* kMissingAmount = "Missing amount";

/// Signs what the keys can sign. Inputs that carry valid signatures keep them; partial multisigs are completed.
/// `spent`: one for each input, with value kMissingCoinValue where it is unknown. `hash_type`: kSighashDefault means ALL outside
/// taproot. Gives the inputs that are not completely signed, in order; none: the transaction is complete.
std::vector<InputError> sign_transaction(MutableTransaction& tx, std::span<const TxOutput> spent, const ScriptKeys& keys,
                                         int hash_type = kSighashDefault);

/// One transaction with the signatures of all: they are the same but for input scripts and witnesses. `spent`: all are known.
MutableTransaction combine_transactions(std::span<const MutableTransaction> variants, std::span<const TxOutput> spent);

}  // namespace cairn::light
