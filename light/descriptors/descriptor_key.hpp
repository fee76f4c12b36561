#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "consensus/base/result.hpp"
#include "light/keys/script_keys.hpp"

namespace cairn::light {

/// Where a key expression stands: it decides which kinds of keys are allowed.
enum class KeyPlace { top, p2sh, p2wpkh, p2wsh, p2tr };

/// How a descriptor is written.
enum class DescriptorForm {
    public_keys,   ///< private keys as their public ones
    private_keys,  ///< private keys where they are known
    normalized,    ///< public, with hardened steps done and told in the origin: what others need to watch
};

/// A key in a descriptor: plain, WIF, or extended with a path; with its origin (BIP380), and with one step of several alternatives
/// (BIP389).
/// Thread: any (a value).
class KeyExpression {
public:
    /// The key at an index.
    struct Derived {
        Bytes pubkey;  ///< 33 bytes, or 65 for an uncompressed one
        KeyOrigin origin;
        std::optional<WalletKey> private_key;
    };

    /// Errors: Bitcoin Core's words.
    static Result<KeyExpression, std::string> parse(std::string_view text, KeyPlace place, const ChainParams& params);
    /// The key behind a public key's bytes; nullopt for hybrid keys, and for uncompressed ones where they are not
    /// allowed.
    static std::optional<KeyExpression> from_public_key(ByteSpan key, KeyPlace place);
    /// A key of which only the x coordinate counts.
    static KeyExpression from_xonly(ByteSpan key);

    bool is_range() const { return ranged_; }
    bool has_private_key() const { return wif_ || (extended_ && extended_->private_key); }
    bool compressed() const { return compressed_; }
    /// How many keys the alternatives of BIP389 make of this; 1 without them.
    std::size_t alternatives() const { return step_choices_.empty() ? 1 : step_choices_.size(); }
    /// The expression with this alternative; the same one without alternatives.
    KeyExpression alternative(std::size_t n) const;

    /// nullopt when a hardened step needs a private key that is not known.
    std::optional<Bytes> public_key(std::uint32_t index) const;
    std::optional<Derived> derive(std::uint32_t index) const;
    /// nullopt: normalising needs a private key that is not known.
    std::optional<std::string> text(const ChainParams& params, DescriptorForm form = DescriptorForm::public_keys) const;
    /// The extended key that the path starts from, if it is one.
    const std::optional<ExtendedKey>& extended() const { return extended_; }

private:
    std::string origin_text() const;
    std::optional<std::string> normalized_text(const ChainParams& params) const;

    std::optional<KeyOrigin> origin_;
    bool origin_apostrophe_ = false;
    Bytes key_;           ///< of a plain key
    std::optional<WalletKey> wif_;
    bool xonly_ = false;  ///< shown as its x coordinate
    bool compressed_ = true;
    std::optional<ExtendedKey> extended_;
    std::vector<std::uint32_t> path_;
    std::size_t choice_at_ = 0;                ///< the step with alternatives
    std::vector<std::uint32_t> step_choices_;  ///< its alternatives; empty: none
    bool ranged_ = false;
    bool hardened_range_ = false;
    bool apostrophe_ = false;
};

}  // namespace cairn::light
