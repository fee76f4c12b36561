#pragma once

#include <optional>
#include <string>

#include "consensus/crypto/locked_memory.hpp"
#include "consensus/primitives/address.hpp"
#include "light/keys/extended_key.hpp"
#include "light/keys/mnemonic.hpp"

/// Secrets made from a master key, which tell nothing of it or of each other (BIP85). `index` is below 2^31. nullopt: an argument out of
/// range, a master key without its private key, or (1 in 2^127) no result for this index.
namespace cairn::light {

/// The 64 bytes for "m/83696968h/" and these hardened steps.
std::optional<SecretBytes> derived_entropy(const ExtendedKey& master, std::span<const std::uint32_t> steps);

/// A sentence of 12, 15, 18, 21 or 24 words.
std::optional<std::string> derived_mnemonic(const ExtendedKey& master, Language language, std::uint32_t words, std::uint32_t index);
/// A single key.
std::optional<WalletKey> derived_key(const ExtendedKey& master, std::uint32_t index);
/// A master key of its own.
std::optional<ExtendedKey> derived_master(const ExtendedKey& master, std::uint32_t index);
/// 16 to 64 bytes.
std::optional<SecretBytes> derived_bytes(const ExtendedKey& master, std::uint32_t size, std::uint32_t index);
/// A password of 20 to 86 letters, digits, '+' and '/'.
std::optional<std::string> derived_password(const ExtendedKey& master, std::uint32_t length, std::uint32_t index);
/// A password of 10 to 80 characters, most punctuation among them.
std::optional<std::string> derived_dense_password(const ExtendedKey& master, std::uint32_t length, std::uint32_t index);
/// What a die with 2 sides or more (below 2^31) shows at each of up to kMaxRolls rolls, counted from zero.
inline constexpr std::uint32_t kMaxRolls = 100'000;
std::optional<std::vector<std::uint32_t>> derived_rolls(const ExtendedKey& master, std::uint32_t sides, std::uint32_t rolls, std::uint32_t index);

}  // namespace cairn::light
