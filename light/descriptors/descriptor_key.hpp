#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "consensus/base/result.hpp"
#include "consensus/crypto/ecc.hpp"
#include "light/keys/script_keys.hpp"

namespace cairn::light {

/// Where a key expression stands: it decides which kinds of keys are allowed.
enum class KeyPlace { top, p2sh, p2wpkh, p2wsh, p2tr, musig };

/// How a descriptor is written.
enum class DescriptorForm {
    public_keys,   ///< private keys as their public ones
    private_keys,  ///< private keys where they are known
    normalized,    ///< public, with hardened steps done and told in the origin: what others need to watch
};

/// A key in a descriptor: plain, WIF, extended with a path, or the aggregate of several (BIP390); with its origin (BIP380), and with
/// one step of several alternatives (BIP389).
/// Thread: any (a value).
class KeyExpression {
public:
    /// The key at an index.
    struct Derived {
        Bytes pubkey;  ///< 33 bytes, or 65 for an uncompressed one
        KeyOrigin origin;
        std::optional<WalletKey> private_key;
        Bytes aggregate;                  ///< of musig(): before its path is followed
        std::vector<Bytes> participants;  ///< in the order in which they are aggregated
    };

    /// Errors: Bitcoin Core's words.
    static Result<KeyExpression, std::string> parse(std::string_view text, KeyPlace place, const ChainParams& params);
    /// The key behind a public key's bytes; nullopt for hybrid keys, and for uncompressed ones where they are not
    /// allowed.
    static std::optional<KeyExpression> from_public_key(ByteSpan key, KeyPlace place, std::optional<KeyOrigin> origin = {});
    /// A key of which only the x coordinate counts.
    static KeyExpression from_xonly(ByteSpan key, std::optional<KeyOrigin> origin = {});

    bool is_range() const;
    /// Is a private key known, or one of its participants'?
    bool has_private_key() const;
    bool has_all_private_keys() const;
    bool compressed() const { return compressed_; }
    /// How many keys the alternatives of BIP389 make of this; 1 without them.
    std::size_t alternatives() const;
    /// The expression with this alternative; the same one without alternatives.
    KeyExpression alternative(std::size_t n) const;

    /// nullopt when a hardened step needs a private key that is not known.
    std::optional<Bytes> public_key(std::uint32_t index) const;
    std::optional<Derived> derive(std::uint32_t index) const;
    /// Of musig(), in the order of the text; empty for other keys.
    const std::vector<KeyExpression>& participants() const { return participants_; }
    /// nullopt: normalising needs a private key that is not known.
    std::optional<std::string> text(const ChainParams& params, DescriptorForm form = DescriptorForm::public_keys) const;
    /// The extended key that the path starts from, if it is one.
    const std::optional<ExtendedKey>& extended() const { return extended_; }

private:
    static Result<KeyExpression, std::string> parse_musig(std::string_view text, KeyPlace place, const ChainParams& params);
    /// Reads the path behind a key, with a range at its end.
    Result<void, std::string> read_path(std::vector<std::string_view> parts);
    std::string path_text() const;
    std::optional<PublicKey> aggregate(std::uint32_t index, std::vector<CompressedKey>* sorted = nullptr) const;
    std::optional<std::string> musig_text(const ChainParams& params, DescriptorForm form) const;
    std::string origin_text() const;
    std::optional<std::string> normalized_text(const ChainParams& params) const;

    std::optional<KeyOrigin> origin_;
    bool origin_apostrophe_ = false;
    std::vector<KeyExpression> participants_;
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
