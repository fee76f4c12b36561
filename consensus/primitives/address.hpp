#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "consensus/base/bytes.hpp"
#include "consensus/base/result.hpp"
#include "consensus/base/uint256.hpp"
#include "consensus/crypto/ecc.hpp"

namespace cairn {

/// How one network writes addresses and keys.
struct AddressFormat {
    std::uint8_t pubkey_hash = 0;                                         ///< first byte of a base 58 P2PKH address
    std::uint8_t script_hash = 5;                                         ///< of a P2SH address
    std::uint8_t secret_key = 128;                                        ///< of a private key (WIF)
    std::array<std::uint8_t, 4> extended_public{0x04, 0x88, 0xb2, 0x1e};  ///< of an xpub
    std::array<std::uint8_t, 4> extended_secret{0x04, 0x88, 0xad, 0xe4};  ///< of an xprv
    std::string_view bech32_prefix = "bc";                                ///< human-readable part of a segwit address
};

/// Addresses of the main network; of every test network with "tb"; of regtest.
inline constexpr AddressFormat kMainAddresses{};
inline constexpr AddressFormat kTestAddresses{111, 196, 239, {0x04, 0x35, 0x87, 0xcf}, {0x04, 0x35, 0x83, 0x94}, "tb"};
inline constexpr AddressFormat kRegtestAddresses{111,   196, 239, {0x04, 0x35, 0x87, 0xcf}, {0x04, 0x35, 0x83, 0x94},
                                                 "bcrt"};

using Hash160 = std::array<std::uint8_t, 20>;

/// The kinds of places that money can be sent to and that have an address.
struct PayToPubkeyHash {
    Hash160 hash{};
    auto operator<=>(const PayToPubkeyHash&) const = default;
};
struct PayToScriptHash {
    Hash160 hash{};
    auto operator<=>(const PayToScriptHash&) const = default;
};
struct PayToWitnessPubkeyHash {
    Hash160 hash{};
    auto operator<=>(const PayToWitnessPubkeyHash&) const = default;
};
struct PayToWitnessScriptHash {
    Uint256 hash;  ///< single SHA-256 of the script
    auto operator<=>(const PayToWitnessScriptHash&) const = default;
};
struct PayToTaproot {
    Uint256 output_key;  ///< x coordinate
    auto operator<=>(const PayToTaproot&) const = default;
};
/// Version 1 with the two bytes 4e73.
struct PayToAnchor {
    auto operator<=>(const PayToAnchor&) const = default;
};
/// A witness program that has no meaning yet: version 1 to 16, 2 to 40 bytes.
struct PayToWitnessUnknown {
    std::uint8_t version = 1;
    Bytes program;
    auto operator<=>(const PayToWitnessUnknown&) const = default;
};

using Destination = std::variant<PayToPubkeyHash, PayToScriptHash, PayToWitnessPubkeyHash, PayToWitnessScriptHash,
                                 PayToTaproot, PayToAnchor, PayToWitnessUnknown>;

/// The output script that pays to a destination.
Bytes script_for(const Destination& destination);
/// The destination that an output script pays to; nullopt when it has no address (a bare key, multisig, data ...).
std::optional<Destination> destination_of(ByteSpan script);

/// Why a text is not an address, in the words of validateaddress.
struct AddressError {
    std::string message;
    std::vector<int> positions;  ///< indices of wrong characters, where the encoding can tell
};

std::string encode_address(const Destination& destination, const AddressFormat& format);
Result<Destination, AddressError> decode_address(std::string_view text, const AddressFormat& format);

/// The address of an output script, when it has one.
std::optional<std::string> address_of(ByteSpan script, const AddressFormat& format);

/// A private key as wallets pass it on: with the shape that its public key is used in.
struct WalletKey {
    PrivateKey key;
    bool compressed = true;
};
std::string encode_wif(const WalletKey& key, const AddressFormat& format);
std::optional<WalletKey> decode_wif(std::string_view text, const AddressFormat& format);

}  // namespace cairn
