#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "light/descriptors/descriptor.hpp"

namespace cairn::light {

/// The kinds of address that a wallet hands out; `unknown` for what has none of them.
enum class AddressType : std::uint8_t { legacy, p2sh_segwit, bech32, bech32m, unknown };
inline constexpr std::array<AddressType, 4> kAddressTypes{AddressType::legacy, AddressType::p2sh_segwit, AddressType::bech32,
                                                          AddressType::bech32m};

/// "legacy", "p2sh-segwit", "bech32", "bech32m", "unknown".
std::string_view to_string(AddressType type);
std::optional<AddressType> address_type_by_name(std::string_view name);

/// Of an output script. `redeem`: what stands behind its hash, when it is known, to tell segwit in P2SH from other P2SH.
AddressType address_type_of(ByteSpan script, ByteSpan redeem = {});
/// Of the addresses that a descriptor makes; nullopt when it makes none (bare keys) or several (combo).
std::optional<AddressType> address_type_of(const Descriptor& descriptor);

/// The descriptor of an account of BIP44, 49, 84 or 86 with the master key's private text, receiving and change in one (BIP389):
/// "wpkh(xprv…/84h/0h/0h/<0;1>/*)" with its checksum. `master` has its private key.
std::string account_descriptor(const ExtendedKey& master, AddressType type, const ChainParams& params, std::uint32_t account = 0);
/// The same for one side only, as wallets keep it.
std::string account_descriptor(const ExtendedKey& master, AddressType type, const ChainParams& params, std::uint32_t account, bool internal);

/// What a person typed as the place to pay to.
/// Errors: the reason, which tells a wrong network from a wrong character.
Result<Bytes, std::string> recipient_script(std::string_view address, const ChainParams& params);

}  // namespace cairn::light
