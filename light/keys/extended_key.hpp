#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "consensus/crypto/ecc.hpp"
#include "light/keys/key_path.hpp"

namespace cairn {
struct ChainParams;
}

namespace cairn::light {

/// The first four bytes of a public key's HASH160 (BIP32).
using KeyFingerprint = std::array<std::uint8_t, 4>;
KeyFingerprint fingerprint_of(const PublicKey& key);

/// An extended public key (BIP32), and the private key where it is known.
/// Thread: any (a value).
struct ExtendedKey {
    std::uint8_t depth = 0;
    KeyFingerprint parent{};
    std::uint32_t child = 0;
    Uint256 chain_code;
    std::optional<PublicKey> public_key;  ///< always there in a key that came from a function below
    std::optional<PrivateKey> private_key;

    /// The master key of a seed (16 to 64 bytes); nullopt for another size, or a seed that gives no key (1 in 2^127).
    static std::optional<ExtendedKey> from_seed(ByteSpan seed);

    /// The child with this number, 2^31 and above for hardened ones; nullopt when that needs a private key that is not
    /// known.
    std::optional<ExtendedKey> derive(std::uint32_t number) const;
    std::optional<ExtendedKey> derive(std::span<const std::uint32_t> path) const;
    /// What is added to this key to make the child with this number; nullopt for hardened ones.
    std::optional<Uint256> child_tweak(std::uint32_t number) const;
    /// The same without the private key.
    ExtendedKey neutered() const;
    KeyFingerprint fingerprint() const { return fingerprint_of(*public_key); }

    /// "xpub…" or "tpub…".
    std::string public_text(const ChainParams& params) const;
    /// "xprv…" or "tprv…"; the private key is known.
    std::string private_text(const ChainParams& params) const;
    /// The 74 bytes behind the version, with the public key, as PSBT has them.
    Bytes public_bytes() const;
};

/// The extended key whose children an aggregate of several keys has (BIP328).
ExtendedKey aggregate_extended_key(const PublicKey& aggregate);

/// An xpub/tpub or xprv/tprv of this network.
std::optional<ExtendedKey> parse_extended_key(std::string_view text, const ChainParams& params);

/// What other wallets say of the addresses of an extended key by its first letters (SLIP-132).
enum class AddressKind { p2pkh, p2sh_p2wpkh, p2wpkh };
struct ExportedKey {
    ExtendedKey key;
    AddressKind kind = AddressKind::p2pkh;
};
/// xpub, ypub, zpub and so on of this network; tpub, upub, vpub of the test networks.
std::optional<ExportedKey> parse_exported_key(std::string_view text, const ChainParams& params);

}  // namespace cairn::light
