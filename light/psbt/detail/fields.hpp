#pragma once

#include <cstdint>

/// Numbers of the fields (BIP174, BIP370, BIP371, BIP373).
namespace cairn::light::psbt_field {

enum Global : std::uint64_t {
    unsigned_tx = 0x00,
    xpub = 0x01,
    tx_version = 0x02,
    fallback_lock_time = 0x03,
    input_count = 0x04,
    output_count = 0x05,
    tx_modifiable = 0x06,
    version = 0xfb,
};
enum Input : std::uint64_t {
    non_witness_utxo = 0x00,
    witness_utxo = 0x01,
    partial_sig = 0x02,
    sighash = 0x03,
    redeem_script = 0x04,
    witness_script = 0x05,
    bip32_derivation = 0x06,
    script_sig = 0x07,
    script_witness = 0x08,
    ripemd160 = 0x0a,
    sha256 = 0x0b,
    hash160 = 0x0c,
    hash256 = 0x0d,
    previous_txid = 0x0e,
    output_index = 0x0f,
    sequence = 0x10,
    time_lock = 0x11,
    height_lock = 0x12,
    tap_key_sig = 0x13,
    tap_script_sig = 0x14,
    tap_leaf_script = 0x15,
    tap_bip32_derivation = 0x16,
    tap_internal_key = 0x17,
    tap_merkle_root = 0x18,
    musig_participants = 0x1a,
    musig_nonce = 0x1b,
    musig_partial_sig = 0x1c,
};
enum Output : std::uint64_t {
    out_redeem_script = 0x00,
    out_witness_script = 0x01,
    out_bip32_derivation = 0x02,
    out_amount = 0x03,
    out_script = 0x04,
    out_tap_internal_key = 0x05,
    out_tap_tree = 0x06,
    out_tap_bip32_derivation = 0x07,
    out_musig_participants = 0x08,
};
inline constexpr std::uint64_t kProprietary = 0xfc;

inline constexpr std::uint8_t kMagic[] = {'p', 's', 'b', 't', 0xff};
inline constexpr std::size_t kExtendedKeySize = 78;

}  // namespace cairn::light::psbt_field
