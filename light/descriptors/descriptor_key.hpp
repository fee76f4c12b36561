#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "consensus/base/result.hpp"
#include "light/keys/extended_key.hpp"

namespace cairn {
struct ChainParams;
}

namespace cairn::light {

/// Where a key expression stands: it decides which kinds of keys are allowed.
enum class KeyPlace { top, p2sh, p2wpkh, p2wsh, p2tr };

/// A key in a descriptor: plain, WIF, or extended with a path; with its origin (BIP380).
/// Thread: any (a value).
class KeyExpression {
public:
    /// Errors: Bitcoin Core's words.
    static Result<KeyExpression, std::string> parse(std::string_view text, KeyPlace place, const ChainParams& params);
    /// The key behind a public key's bytes; nullopt for hybrid keys, and for uncompressed ones where they are not
    /// allowed.
    static std::optional<KeyExpression> from_public_key(ByteSpan key, KeyPlace place);
    /// A key of which only the x coordinate counts.
    static KeyExpression from_xonly(ByteSpan key);

    bool is_range() const { return ranged_; }
    bool has_private_key() const { return private_key_; }
    bool compressed() const { return compressed_; }
    /// Serialised: 33 bytes, or 65 for an uncompressed one; nullopt when a hardened step needs a private key that is
    /// not known.
    std::optional<Bytes> public_key(std::uint32_t index) const;
    /// Without private keys; h for hardened steps, an apostrophe where the text had one.
    std::string text(const ChainParams& params) const;

private:
    std::string origin_;  ///< "[fingerprint/path]" or empty
    Bytes key_;           ///< of a plain key
    bool xonly_ = false;  ///< shown as its x coordinate
    bool compressed_ = true;
    std::optional<ExtendedKey> extended_;
    std::vector<std::uint32_t> path_;
    bool ranged_ = false;
    bool hardened_range_ = false;
    bool apostrophe_ = false;
    bool private_key_ = false;
};

}  // namespace cairn::light
