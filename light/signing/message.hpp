#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "consensus/primitives/transaction.hpp"

/// Messages signed for any script (BIP322): two transactions that no chain takes. The first pays to the script and commits to the
/// message, the second spends it.
namespace cairn::light {

/// What the message goes into the first transaction as.
Uint256 generic_message_hash(std::string_view message);
MutableTransaction message_to_spend(std::string_view message, ByteSpan script);

/// What scripts with lock times ask of the second transaction; all zero for others.
struct MessageLocks {
    std::uint32_t version = 0, lock_time = 0, sequence = 0;

    bool operator==(const MessageLocks&) const = default;
};
/// Without signatures.
MutableTransaction message_to_sign(const Txid& to_spend, const MessageLocks& locks = {});

enum class MessageState : std::uint8_t {
    valid,         ///< at a time and age
    inconclusive,  ///< it uses what later rules may give a meaning
    invalid,
};
std::string_view to_string(MessageState state);

struct MessageVerdict {
    MessageState state = MessageState::invalid;
    std::string reason;           ///< for people; empty when it is valid
    std::uint32_t lock_time = 0;  ///< valid only from this height or time on
    std::uint32_t sequence = 0;   ///< valid only after this age of the output, as BIP68 writes it
};

/// Judges the second transaction with its signatures. `others`: what its inputs behind the first spend, in their order; whether these
/// exist is for the caller to find out. Cost: each script runs twice.
MessageVerdict verify_to_sign(const MutableTransaction& to_sign, std::string_view message, ByteSpan script,
                              std::span<const TxOutput> others = {});

}  // namespace cairn::light
