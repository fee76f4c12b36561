#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "consensus/script/error.hpp"

namespace cairn {

/// Why a header is refused. The order is the order of the checks.
enum class HeaderError : std::uint8_t {
    high_hash,          ///< proof of work does not meet its own target
    missing_parent,     ///< does not build on a known header: no one's fault
    bad_parent,         ///< builds on an invalid block
    cached_invalid,     ///< this very block is known to be invalid
    bad_difficulty,     ///< bits are not what the retarget demands
    time_too_old,       ///< not after the median time past
    time_timewarp,      ///< BIP94
    bad_version,        ///< obsolete version after BIP34, 66 or 65
    time_too_new,       ///< more than two hours ahead of our clock
    too_little_work,    ///< the chain does not reach the minimum work
    not_continuous,     ///< headers of one message do not build on each other
};

/// Bitcoin Core's reject token: "high-hash", "prev-blk-not-found", "bad-prevblk", "duplicate-invalid", "bad-diffbits",
/// "time-too-old", "time-timewarp-attack", "bad-version(0x…)" (the caller adds the number), "time-too-new", "too-little-chainwork".
std::string to_string(HeaderError error);
/// Bitcoin Core's sentence beside the token, such as "proof of work failed"; may be empty.
std::string debug_message(HeaderError error);
/// The token with the number in "bad-version(0x00000001)".
std::string reject_reason(HeaderError error, std::int32_t version);
/// debug_message with the number for bad_version.
std::string debug_message(HeaderError error, std::int32_t version);

/// Why a transaction is refused: by itself, or for the coins it spends.
enum class TxError : std::uint8_t {
    // by itself
    vin_empty,
    vout_empty,
    oversize,
    vout_negative,
    vout_too_large,
    vout_total_too_large,
    inputs_duplicate,
    coinbase_length,
    prevout_null,
    // for the coins it spends
    inputs_missing_or_spent,
    premature_coinbase_spend,
    input_values_out_of_range,
    in_below_out,
    fee_out_of_range,
};

/// Bitcoin Core's reject token, such as "bad-txns-vin-empty".
std::string_view to_string(TxError error);

/// A refused transaction and Bitcoin Core's words about it.
struct TxFault {
    TxError error;
    std::string debug{};  ///< may be empty

    std::string_view reject_reason() const { return to_string(error); }
};

/// Why a block is refused. The order is the order of the checks.
enum class BlockError : std::uint8_t {
    // context-free
    bad_header,               ///< see BlockFault::header
    bad_signet_solution,
    bad_merkle_root,          ///< mutated
    duplicate_transaction,    ///< mutated (CVE-2012-2459)
    bad_length,
    coinbase_missing,
    coinbase_multiple,
    bad_transaction,          ///< see BlockFault::tx
    too_many_legacy_sigops,
    // against the headers before it
    nonfinal_transaction,
    bad_coinbase_height,
    bad_witness_nonce_size,   ///< mutated
    bad_witness_commitment,   ///< mutated
    unexpected_witness,       ///< mutated
    bad_weight,
    // against the coins
    overwrites_transaction,   ///< BIP30
    bad_spend,                ///< see BlockFault::tx
    accumulated_fee_out_of_range,
    nonfinal_sequence,        ///< BIP68
    too_many_sigops,
    script_failed,            ///< see BlockFault::script
    bad_coinbase_amount,
};

/// Bitcoin Core's reject token. bad_header, bad_transaction, bad_spend and script_failed have none of their own: take
/// BlockFault::reject_reason.
std::string_view to_string(BlockError error);

/// True when these bytes are wrong but the header they came under may belong to a good block, so that nothing may be
/// remembered against the header: the merkle root or the witness commitment does not match the transactions.
bool is_mutation(BlockError error);

/// A refused block.
struct BlockFault {
    BlockError error;
    std::optional<HeaderError> header{};      ///< with bad_header
    std::optional<TxError> tx{};            ///< with bad_transaction and bad_spend
    std::optional<ScriptError> script{};    ///< with script_failed
    std::string debug{};                    ///< Bitcoin Core's words about it; may be empty

    bool mutated() const { return is_mutation(error); }
    /// Such as "bad-txnmrklroot" or "block-script-verify-flag-failed (…)".
    std::string reject_reason() const;
};

}  // namespace cairn
