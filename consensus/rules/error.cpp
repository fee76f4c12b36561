#include "consensus/rules/error.hpp"

#include <array>
#include <cstdio>

namespace cairn {
namespace {

std::string version_in_hex(std::int32_t version) {
    std::array<char, 16> text;
    std::snprintf(text.data(), text.size(), "0x%08x", static_cast<unsigned>(version));
    return text.data();
}

}  // namespace

std::string to_string(HeaderError error) {
    switch (error) {
        case HeaderError::high_hash: return "high-hash";
        case HeaderError::missing_parent: return "prev-blk-not-found";
        case HeaderError::bad_parent: return "bad-prevblk";
        case HeaderError::cached_invalid: return "duplicate-invalid";
        case HeaderError::bad_difficulty: return "bad-diffbits";
        case HeaderError::time_too_old: return "time-too-old";
        case HeaderError::time_timewarp: return "time-timewarp-attack";
        case HeaderError::bad_version: return "bad-version";
        case HeaderError::time_too_new: return "time-too-new";
        case HeaderError::too_little_work: return "too-little-chainwork";
        case HeaderError::not_continuous: return "non-continuous headers sequence";
    }
    return "unknown";
}

std::string debug_message(HeaderError error) {
    switch (error) {
        case HeaderError::high_hash: return "proof of work failed";
        case HeaderError::bad_difficulty: return "incorrect proof of work";
        case HeaderError::time_too_old: return "block's timestamp is too early";
        case HeaderError::time_timewarp: return "block's timestamp is too early on diff adjustment block";
        case HeaderError::time_too_new: return "block timestamp too far in the future";
        default: return "";
    }
}

std::string reject_reason(HeaderError error, std::int32_t version) {
    if (error == HeaderError::bad_version) return "bad-version(" + version_in_hex(version) + ")";
    return to_string(error);
}

std::string debug_message(HeaderError error, std::int32_t version) {
    if (error == HeaderError::bad_version) return "rejected nVersion=" + version_in_hex(version) + " block";
    return debug_message(error);
}

std::string_view to_string(TxError error) {
    switch (error) {
        case TxError::vin_empty: return "bad-txns-vin-empty";
        case TxError::vout_empty: return "bad-txns-vout-empty";
        case TxError::oversize: return "bad-txns-oversize";
        case TxError::vout_negative: return "bad-txns-vout-negative";
        case TxError::vout_too_large: return "bad-txns-vout-toolarge";
        case TxError::vout_total_too_large: return "bad-txns-txouttotal-toolarge";
        case TxError::inputs_duplicate: return "bad-txns-inputs-duplicate";
        case TxError::coinbase_length: return "bad-cb-length";
        case TxError::prevout_null: return "bad-txns-prevout-null";
        case TxError::inputs_missing_or_spent: return "bad-txns-inputs-missingorspent";
        case TxError::premature_coinbase_spend: return "bad-txns-premature-spend-of-coinbase";
        case TxError::input_values_out_of_range: return "bad-txns-inputvalues-outofrange";
        case TxError::in_below_out: return "bad-txns-in-belowout";
        case TxError::fee_out_of_range: return "bad-txns-fee-outofrange";
    }
    return "unknown";
}

std::string_view to_string(BlockError error) {
    switch (error) {
        case BlockError::bad_header: return "bad-header";
        case BlockError::bad_signet_solution: return "bad-signet-blksig";
        case BlockError::bad_merkle_root: return "bad-txnmrklroot";
        case BlockError::duplicate_transaction: return "bad-txns-duplicate";
        case BlockError::bad_length: return "bad-blk-length";
        case BlockError::coinbase_missing: return "bad-cb-missing";
        case BlockError::coinbase_multiple: return "bad-cb-multiple";
        case BlockError::bad_transaction: return "bad-txns";
        case BlockError::too_many_legacy_sigops: return "bad-blk-sigops";
        case BlockError::nonfinal_transaction: return "bad-txns-nonfinal";
        case BlockError::bad_coinbase_height: return "bad-cb-height";
        case BlockError::bad_witness_nonce_size: return "bad-witness-nonce-size";
        case BlockError::bad_witness_commitment: return "bad-witness-merkle-match";
        case BlockError::unexpected_witness: return "unexpected-witness";
        case BlockError::bad_weight: return "bad-blk-weight";
        case BlockError::overwrites_transaction: return "bad-txns-BIP30";
        case BlockError::bad_spend: return "bad-txns-spend";
        case BlockError::accumulated_fee_out_of_range: return "bad-txns-accumulated-fee-outofrange";
        case BlockError::nonfinal_sequence: return "bad-txns-nonfinal";
        case BlockError::too_many_sigops: return "bad-blk-sigops";
        case BlockError::script_failed: return "block-script-verify-flag-failed";
        case BlockError::bad_coinbase_amount: return "bad-cb-amount";
    }
    return "unknown";
}

bool is_mutation(BlockError error) {
    switch (error) {
        case BlockError::bad_merkle_root:
        case BlockError::duplicate_transaction:
        case BlockError::bad_witness_nonce_size:
        case BlockError::bad_witness_commitment:
        case BlockError::unexpected_witness: return true;
        default: return false;
    }
}

std::string BlockFault::reject_reason() const {
    if (header) return to_string(*header);
    if (tx) return std::string(to_string(*tx));
    std::string reason(to_string(error));
    if (script) reason.append(" (").append(to_string(*script)).append(")");
    return reason;
}

}  // namespace cairn
