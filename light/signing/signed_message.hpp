#pragma once

#include <array>
#include <string_view>

#include "consensus/crypto/ecc.hpp"
#include "consensus/primitives/address.hpp"

/// Messages signed with the key of a P2PKH address, as signmessage has always done it. For other scripts: message.hpp.
namespace cairn::light {

/// What is signed to show that one holds the key of an address: a hash that no transaction can have. Source: Bitcoin Core's signmessage.
Uint256 signed_message_hash(std::string_view message);

/// 65 bytes, from which the public key can be found.
std::array<std::uint8_t, 65> sign_with_key(std::string_view message, const WalletKey& key);
/// Was it made with the key that has this hash?
bool is_signed_by(std::string_view message, ByteSpan signature, const Hash160& key_hash);

}  // namespace cairn::light
