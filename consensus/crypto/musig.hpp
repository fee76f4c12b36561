#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "consensus/base/result.hpp"
#include "consensus/crypto/ecc.hpp"

namespace cairn {

/// MuSig2 (BIP327): several signers, one key, one BIP340 signature.

using MusigPublicNonce = std::array<std::uint8_t, 66>;
using MusigSecretNonce = std::array<std::uint8_t, 97>;
using MusigPartialSignature = std::array<std::uint8_t, 32>;

/// Why it went wrong: somebody sent what cannot be, or an argument is out of range.
struct MusigError {
    enum class Kind : std::uint8_t { invalid_contribution, invalid_value };

    Kind kind = Kind::invalid_value;
    std::optional<std::size_t> signer;  ///< whose contribution, by index; none for what an aggregator sent
    std::string_view what;  ///< "pubkey", "pubnonce", "aggnonce", "psig"; or the sentence of BIP327's reference
};

/// Into the order that makes the aggregate key independent of who comes first.
void musig_sort_keys(std::vector<CompressedKey>& keys);

struct MusigTweak {
    Uint256 value;
    bool is_xonly = false;  ///< applied to the x-only key (taproot) instead of the point (BIP32)
};

/// The aggregate key, and what tweaks have done to it.
struct MusigKey {
    PublicKey key;
    Uint256 sign_factor;  ///< gacc: one, or minus one modulo the group order
    Uint256 tweak_sum;    ///< tacc

    static Result<MusigKey, MusigError> aggregate(std::span<const CompressedKey> keys);
    Result<MusigKey, MusigError> tweak(const MusigTweak& tweak) const;
};

/// What a nonce is made of. Only `random` and the signer's public key must be there; the more, the safer.
struct MusigNonceSource {
    Uint256 random;
    CompressedKey public_key{};
    std::optional<Uint256> secret_key;
    std::optional<Uint256> aggregate_key;  ///< x-only
    std::optional<ByteSpan> message;
    ByteSpan extra;
};
struct MusigNonce {
    MusigSecretNonce secret;
    MusigPublicNonce public_nonce;
};
Result<MusigNonce, MusigError> musig_make_nonce(const MusigNonceSource& source);

Result<MusigPublicNonce, MusigError> musig_aggregate_nonces(std::span<const MusigPublicNonce> nonces);

/// All that the signers of one message agree on.
struct MusigSession {
    MusigPublicNonce aggregate_nonce{};
    std::vector<CompressedKey> keys;
    std::vector<MusigTweak> tweaks;
    Bytes message;
};

/// Signs and wipes the secret nonce: to use one twice gives the key away.
Result<MusigPartialSignature, MusigError> musig_sign(MusigSecretNonce& nonce, const Uint256& secret_key,
                                                     const MusigSession& session);

/// A nonce that no random numbers went into, for the last signer, who knows everybody else's nonces; and its signature.
struct MusigDeterministicSignature {
    MusigPublicNonce public_nonce;
    MusigPartialSignature signature;
};
Result<MusigDeterministicSignature, MusigError> musig_sign_deterministically(
    const Uint256& secret_key, const MusigPublicNonce& others_nonce, std::span<const CompressedKey> keys,
    std::span<const MusigTweak> tweaks, ByteSpan message, const std::optional<Uint256>& random);

/// Whether `nonces[signer]` and `keys[signer]` made this partial signature. An error only for what cannot be read.
Result<bool, MusigError> musig_verify_partial(const MusigPartialSignature& signature,
                                              std::span<const MusigPublicNonce> nonces,
                                              std::span<const CompressedKey> keys, std::span<const MusigTweak> tweaks,
                                              ByteSpan message, std::size_t signer);

/// The BIP340 signature.
Result<SchnorrSignature, MusigError> musig_aggregate_signatures(std::span<const MusigPartialSignature> signatures,
                                                                const MusigSession& session);

}  // namespace cairn
