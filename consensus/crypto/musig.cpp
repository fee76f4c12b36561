#include "consensus/crypto/musig.hpp"

#include <algorithm>

#include "consensus/crypto/detail/bits.hpp"
#include "consensus/crypto/detail/curve.hpp"
#include "consensus/crypto/detail/secp.hpp"
#include "consensus/crypto/sha256.hpp"

namespace cairn {
namespace {

using detail::Point;
using detail::Scalar;

MusigError bad_value(std::string_view what) {
    return {MusigError::Kind::invalid_value, std::nullopt, what};
}
MusigError bad_contribution(std::optional<std::size_t> signer, std::string_view what) {
    return {MusigError::Kind::invalid_contribution, signer, what};
}

Scalar to_scalar(const Uint256& hash) {
    return Scalar::reduced(hash.span());
}
/// A scalar that is already known to be below the group order.
Scalar known(const Uint256& scalar) {
    return Scalar::reduced(scalar.span());
}

const ByteSpan half(const MusigPublicNonce& nonce, int which) {
    return ByteSpan(nonce).subspan(which == 0 ? 0 : 33, 33);
}

Uint256 hash_keys(std::span<const CompressedKey> keys) {
    Sha256 hasher = tagged_hasher("KeyAgg list");
    for (const auto& key : keys) hasher.write(key);
    return hasher.finish();
}

/// The key's weight in the sum: one for the second distinct key of the list, a hash for every other.
Scalar coefficient(std::span<const CompressedKey> keys, const Uint256& list_hash, const CompressedKey& key) {
    const auto second = std::find_if(keys.begin(), keys.end(), [&](const auto& other) { return other != keys[0]; });
    if (second != keys.end() && *second == key) return Scalar(1);
    return to_scalar(tagged_hasher("KeyAgg coefficient").write(list_hash).write(key).finish());
}

Result<MusigKey, MusigError> aggregate_and_tweak(std::span<const CompressedKey> keys,
                                                 std::span<const MusigTweak> tweaks) {
    auto key = MusigKey::aggregate(keys);
    for (const auto& tweak : tweaks) {
        if (!key) break;
        key = key->tweak(tweak);
    }
    return key;
}

/// What follows from a session.
struct Values {
    MusigKey key;
    Scalar nonce_factor;  // b
    Point nonce;          // R
    Scalar challenge;     // e
};

Result<Values, MusigError> session_values(const MusigPublicNonce& aggregate_nonce, std::span<const CompressedKey> keys,
                                          std::span<const MusigTweak> tweaks, ByteSpan message) {
    const auto key = aggregate_and_tweak(keys, tweaks);
    if (!key) return fail(key.error());
    const Uint256 x = key->key.xonly();
    const Scalar b =
        to_scalar(tagged_hasher("MuSig/noncecoef").write(aggregate_nonce).write(x).write(message).finish());
    const auto first = Point::parse_extended(half(aggregate_nonce, 0));
    const auto second = Point::parse_extended(half(aggregate_nonce, 1));
    if (!first || !second) return fail(bad_contribution(std::nullopt, "aggnonce"));
    Point nonce = *first + *second * b;
    if (nonce.is_infinity()) nonce = Point::generator();
    const Scalar e = to_scalar(tagged_hasher("BIP0340/challenge").write(nonce.x()).write(x).write(message).finish());
    return Values{*key, b, nonce, e};
}

Scalar sign_of(const Point& point) {
    return point.has_even_y() ? Scalar(1) : -Scalar(1);
}

bool verify_partial(const MusigPartialSignature& signature, const MusigPublicNonce& public_nonce,
                    const CompressedKey& key, std::span<const CompressedKey> keys, const Values& values) {
    const auto s = Scalar::parse(signature);
    const auto first = Point::parse(half(public_nonce, 0)), second = Point::parse(half(public_nonce, 1));
    const auto point = Point::parse(key);
    if (!s || !first || !second || !point) return false;
    const Point combined = *first + *second * values.nonce_factor;
    const Point nonce = values.nonce.has_even_y() ? combined : -combined;
    const Scalar a = coefficient(keys, hash_keys(keys), key);
    const Scalar g = sign_of(Point(values.key.key)) * known(values.key.sign_factor);
    return Point::times_generator(*s) == nonce + *point * (values.challenge * a * g);
}

MusigSecretNonce secret_nonce(const Scalar& first, const Scalar& second, const CompressedKey& key) {
    MusigSecretNonce nonce;
    std::copy_n(first.bytes().data(), 32, nonce.begin());
    std::copy_n(second.bytes().data(), 32, nonce.begin() + 32);
    std::copy(key.begin(), key.end(), nonce.begin() + 64);
    return nonce;
}

MusigPublicNonce join(const Point& first, const Point& second) {
    MusigPublicNonce nonce;
    const auto left = first.compressed(), right = second.compressed();
    std::copy(left.begin(), left.end(), nonce.begin());
    std::copy(right.begin(), right.end(), nonce.begin() + 33);
    return nonce;
}

Uint256 exclusive_or(const Uint256& a, const Uint256& b) {
    Uint256 result;
    for (std::size_t i = 0; i < 32; ++i) result.data()[i] = a.data()[i] ^ b.data()[i];
    return result;
}

/// Big-endian length in `size` bytes.
Bytes length_bytes(std::size_t size, std::uint64_t value) {
    std::uint8_t bytes[8];
    detail::store_be64(bytes, value);
    return Bytes(bytes + 8 - size, bytes + 8);
}

}  // namespace

void musig_sort_keys(std::vector<CompressedKey>& keys) {
    std::sort(keys.begin(), keys.end());
}

Result<MusigKey, MusigError> MusigKey::aggregate(std::span<const CompressedKey> keys) {
    if (keys.empty()) return fail(bad_value("The list of pubkeys must not be empty."));
    const Uint256 list_hash = hash_keys(keys);
    Point sum;
    for (std::size_t i = 0; i < keys.size(); ++i) {
        const auto point = Point::parse(keys[i]);
        if (!point) return fail(bad_contribution(i, "pubkey"));
        sum = sum + *point * coefficient(keys, list_hash, keys[i]);
    }
    if (sum.is_infinity()) return fail(bad_value("The aggregate public key cannot be infinity."));
    return MusigKey{sum.key(), Scalar(1).bytes(), Scalar().bytes()};
}

Result<MusigKey, MusigError> MusigKey::tweak(const MusigTweak& tweak) const {
    const Point point(key);
    const Scalar g = tweak.is_xonly ? sign_of(point) : Scalar(1);
    const auto t = Scalar::parse(tweak.value.span());
    if (!t) return fail(bad_value("The tweak must be less than n."));
    const Point tweaked = point * g + Point::times_generator(*t);
    if (tweaked.is_infinity()) return fail(bad_value("The result of tweaking cannot be infinity."));
    return MusigKey{tweaked.key(), (g * known(sign_factor)).bytes(), (*t + g * known(tweak_sum)).bytes()};
}

Result<MusigNonce, MusigError> musig_make_nonce(const MusigNonceSource& source) {
    Uint256 random = source.random;
    if (source.secret_key) random = exclusive_or(*source.secret_key, tagged_hash("MuSig/aux", source.random.span()));
    Scalar k[2];
    for (std::uint8_t i = 0; i < 2; ++i) {
        Sha256 hasher = tagged_hasher("MuSig/nonce");
        hasher.write(random).write(length_bytes(1, source.public_key.size())).write(source.public_key);
        hasher.write(length_bytes(1, source.aggregate_key ? 32 : 0));
        if (source.aggregate_key) hasher.write(*source.aggregate_key);
        hasher.write(length_bytes(1, source.message ? 1 : 0));
        if (source.message) hasher.write(length_bytes(8, source.message->size())).write(*source.message);
        hasher.write(length_bytes(4, source.extra.size())).write(source.extra).write(length_bytes(1, i));
        k[i] = to_scalar(hasher.finish());
        if (k[i].is_zero()) return fail(bad_value("The nonce cannot be zero."));
    }
    detail::wipe(random.data(), 32);
    MusigNonce nonce{secret_nonce(k[0], k[1], source.public_key),
                     join(Point::times_generator(k[0]), Point::times_generator(k[1]))};
    detail::wipe(k, sizeof k);
    return nonce;
}

Result<MusigPublicNonce, MusigError> musig_aggregate_nonces(std::span<const MusigPublicNonce> nonces) {
    Point sums[2];
    for (int which = 0; which < 2; ++which) {
        for (std::size_t i = 0; i < nonces.size(); ++i) {
            const auto point = Point::parse(half(nonces[i], which));
            if (!point) return fail(bad_contribution(i, "pubnonce"));
            sums[which] = sums[which] + *point;
        }
    }
    return join(sums[0], sums[1]);
}

Result<MusigPartialSignature, MusigError> musig_sign(MusigSecretNonce& nonce, const Uint256& secret_key,
                                                     const MusigSession& session) {
    const auto values = session_values(session.aggregate_nonce, session.keys, session.tweaks, session.message);
    if (!values) return fail(values.error());
    auto first = Scalar::parse(ByteSpan(nonce).first(32)), second = Scalar::parse(ByteSpan(nonce).subspan(32, 32));
    CompressedKey nonce_key;
    std::copy_n(nonce.begin() + 64, nonce_key.size(), nonce_key.begin());
    detail::wipe(nonce.data(), 64);
    if (!first || first->is_zero()) return fail(bad_value("first secnonce value is out of range."));
    if (!second || second->is_zero()) return fail(bad_value("second secnonce value is out of range."));
    const auto secret = Scalar::parse(secret_key.span());
    if (!secret || secret->is_zero()) return fail(bad_value("secret key value is out of range."));
    const CompressedKey key = Point::times_generator(*secret).compressed();
    if (key != nonce_key) return fail(bad_value("Public key does not match nonce_gen argument"));
    if (std::find(session.keys.begin(), session.keys.end(), key) == session.keys.end()) {
        return fail(bad_value("The signer's pubkey must be included in the list of pubkeys."));
    }

    const MusigPublicNonce public_nonce = join(Point::times_generator(*first), Point::times_generator(*second));
    const Scalar nonce_sign = sign_of(values->nonce);
    const Scalar a = coefficient(session.keys, hash_keys(session.keys), key);
    const Scalar d = sign_of(Point(values->key.key)) * known(values->key.sign_factor) * *secret;
    const Scalar s = nonce_sign * *first + values->nonce_factor * nonce_sign * *second + values->challenge * a * d;
    detail::wipe(&*first, sizeof *first);
    detail::wipe(&*second, sizeof *second);

    MusigPartialSignature signature;
    std::copy_n(s.bytes().data(), 32, signature.begin());
    if (!verify_partial(signature, public_nonce, key, session.keys, *values))
        return fail(bad_value("The signature is invalid."));
    return signature;
}

Result<MusigDeterministicSignature, MusigError> musig_sign_deterministically(
    const Uint256& secret_key, const MusigPublicNonce& others_nonce, std::span<const CompressedKey> keys,
    std::span<const MusigTweak> tweaks, ByteSpan message, const std::optional<Uint256>& random) {
    const Uint256 base = random ? exclusive_or(secret_key, tagged_hash("MuSig/aux", random->span())) : secret_key;
    const auto aggregate = aggregate_and_tweak(keys, tweaks);
    if (!aggregate) return fail(aggregate.error());
    Scalar k[2];
    for (std::uint8_t i = 0; i < 2; ++i) {
        Sha256 hasher = tagged_hasher("MuSig/deterministic/nonce");
        hasher.write(base).write(others_nonce).write(aggregate->key.xonly());
        hasher.write(length_bytes(8, message.size())).write(message).write(length_bytes(1, i));
        k[i] = to_scalar(hasher.finish());
        if (k[i].is_zero()) return fail(bad_value("The nonce cannot be zero."));
    }
    const auto secret = Scalar::parse(secret_key.span());
    if (!secret || secret->is_zero()) return fail(bad_value("secret key value is out of range."));
    const MusigPublicNonce ours = join(Point::times_generator(k[0]), Point::times_generator(k[1]));
    MusigSecretNonce nonce = secret_nonce(k[0], k[1], Point::times_generator(*secret).compressed());
    detail::wipe(k, sizeof k);

    const MusigPublicNonce all[] = {ours, others_nonce};
    const auto aggregate_nonce = musig_aggregate_nonces(all);
    if (!aggregate_nonce) return fail(bad_contribution(std::nullopt, "aggothernonce"));
    const MusigSession session{
        *aggregate_nonce, {keys.begin(), keys.end()}, {tweaks.begin(), tweaks.end()}, to_bytes(message)};
    const auto signature = musig_sign(nonce, secret_key, session);
    if (!signature) return fail(signature.error());
    return MusigDeterministicSignature{ours, *signature};
}

Result<bool, MusigError> musig_verify_partial(const MusigPartialSignature& signature,
                                              std::span<const MusigPublicNonce> nonces,
                                              std::span<const CompressedKey> keys, std::span<const MusigTweak> tweaks,
                                              ByteSpan message, std::size_t signer) {
    if (nonces.size() != keys.size() || signer >= keys.size()) {
        return fail(bad_value("The nonces and pubkeys must have the same length."));
    }
    const auto aggregate_nonce = musig_aggregate_nonces(nonces);
    if (!aggregate_nonce) return fail(aggregate_nonce.error());
    const auto values = session_values(*aggregate_nonce, keys, tweaks, message);
    if (!values) return fail(values.error());
    return verify_partial(signature, nonces[signer], keys[signer], keys, *values);
}

Result<SchnorrSignature, MusigError> musig_aggregate_signatures(std::span<const MusigPartialSignature> signatures,
                                                                const MusigSession& session) {
    const auto values = session_values(session.aggregate_nonce, session.keys, session.tweaks, session.message);
    if (!values) return fail(values.error());
    Scalar s;
    for (std::size_t i = 0; i < signatures.size(); ++i) {
        const auto part = Scalar::parse(signatures[i]);
        if (!part) return fail(bad_contribution(i, "psig"));
        s = s + *part;
    }
    s = s + values->challenge * sign_of(Point(values->key.key)) * known(values->key.tweak_sum);
    SchnorrSignature signature;
    std::copy_n(values->nonce.x().data(), 32, signature.begin());
    std::copy_n(s.bytes().data(), 32, signature.begin() + 32);
    return signature;
}

}  // namespace cairn
