#include "consensus/crypto/musig.hpp"

#include <gtest/gtest.h>

#include "consensus/crypto/detail/curve.hpp"
#include "consensus/crypto/dleq.hpp"
#include "consensus/crypto/hash.hpp"
#include "consensus/crypto/random.hpp"

namespace cairn {
namespace {

using detail::FieldElement;
using detail::Point;
using detail::Scalar;

TEST(Residue, ArithmeticObeysTheLawsOfAField) {
    FastRandom random(2);
    const auto edge = [&](int i) {
        Uint256 bytes = random.uint256();
        if (i % 4 == 0) std::fill_n(bytes.data(), 20, std::uint8_t{0xff});
        return bytes;
    };
    const auto check = [&]<class Residue>(const Residue& one) {
        for (int i = 0; i < 300; ++i) {
            const Residue a = Residue::reduced(edge(i).span()), b = Residue::reduced(edge(i + 1).span());
            const Residue c = Residue::reduced(edge(i + 2).span());
            ASSERT_EQ((a + b) * c, a * c + b * c);
            ASSERT_EQ(a * b, b * a);
            ASSERT_EQ((a * b) * c, a * (b * c));
            ASSERT_EQ(a - b, -(b - a));
            ASSERT_EQ(Residue::parse(a.bytes().span()), a);
            ASSERT_TRUE(i >= 20 || a * a.inverse() == one);
        }
    };
    check(Scalar(1));
    check(FieldElement(1));
}

TEST(Residue, AgreesWithTheGroup) {
    FastRandom random(3);
    for (int i = 0; i < 30; ++i) {
        const Scalar a = Scalar::reduced(random.uint256().span()), b = Scalar::reduced(random.uint256().span());
        ASSERT_EQ(Point::times_generator(a) + Point::times_generator(b), Point::times_generator(a + b));
        ASSERT_EQ(Point::times_generator(a) * b, Point::times_generator(a * b));
        ASSERT_EQ(-Point::times_generator(a), Point::times_generator(-a));
    }
    EXPECT_TRUE((Point::generator() + -Point::generator()).is_infinity());
    EXPECT_TRUE((Point::generator() * Scalar()).is_infinity());
    EXPECT_FALSE(Scalar::parse(Uint256(ByteSpan(Bytes(32, 0xff))).span()));
}

TEST(Residue, SquareRootsExistForHalfTheNumbers) {
    int squares = 0;
    for (std::uint64_t i = 1; i <= 100; ++i) {
        const auto root = detail::square_root(FieldElement(i));
        if (!root) continue;
        ++squares;
        EXPECT_EQ(*root * *root, FieldElement(i));
    }
    EXPECT_NEAR(squares, 50, 20);
    EXPECT_EQ(detail::square_root(FieldElement(4))->bytes(), FieldElement(2).bytes());
}

struct Signer {
    PrivateKey key = PrivateKey::random();
    MusigNonce nonce;
};

TEST(Musig, ThreeSignersMakeOneSignature) {
    const Bytes message = to_bytes(as_bytes("three of three"));
    const std::vector<MusigTweak> tweaks = {{sha256(as_bytes("plain")), false}, {sha256(as_bytes("taproot")), true}};
    std::vector<Signer> signers(3);
    MusigSession session{{}, {}, tweaks, message};
    for (const auto& signer : signers) session.keys.push_back(signer.key.public_key().compressed());
    const auto key = MusigKey::aggregate(session.keys)->tweak(tweaks[0])->tweak(tweaks[1]);
    ASSERT_TRUE(key);

    std::vector<MusigPublicNonce> nonces;
    for (auto& signer : signers) {
        MusigNonceSource source;
        source.random = random_uint256();
        source.public_key = signer.key.public_key().compressed();
        source.secret_key = Uint256(signer.key.bytes());
        source.aggregate_key = key->key.xonly();
        source.message = ByteSpan(message);
        signer.nonce = musig_make_nonce(source).value();
        nonces.push_back(signer.nonce.public_nonce);
    }
    session.aggregate_nonce = musig_aggregate_nonces(nonces).value();

    std::vector<MusigPartialSignature> parts;
    for (std::size_t i = 0; i < signers.size(); ++i) {
        parts.push_back(musig_sign(signers[i].nonce.secret, Uint256(signers[i].key.bytes()), session).value());
        EXPECT_TRUE(musig_verify_partial(parts[i], nonces, session.keys, tweaks, message, i).value());
        EXPECT_FALSE(musig_verify_partial(parts[i], nonces, session.keys, tweaks, message, (i + 1) % 3).value());
    }
    EXPECT_TRUE(verify_schnorr(key->key.xonly(), message, musig_aggregate_signatures(parts, session).value()));

    const auto again = musig_sign(signers[0].nonce.secret, Uint256(signers[0].key.bytes()), session);
    ASSERT_FALSE(again) << "a nonce serves once";
    EXPECT_EQ(again.error().what, "first secnonce value is out of range.");
}

TEST(Musig, LastSignerNeedsNoRandomNumbers) {
    const PrivateKey first = PrivateKey::random(), last = PrivateKey::random();
    const std::vector<CompressedKey> keys = {first.public_key().compressed(), last.public_key().compressed()};
    MusigNonceSource source;
    source.random = random_uint256();
    source.public_key = keys[0];
    MusigNonce nonce = musig_make_nonce(source).value();
    const Bytes message(5, 1);
    const auto done =
        musig_sign_deterministically(Uint256(last.bytes()), nonce.public_nonce, keys, {}, message, std::nullopt);
    ASSERT_TRUE(done);
    const MusigPublicNonce nonces[] = {done->public_nonce, nonce.public_nonce};
    const MusigSession session{musig_aggregate_nonces(nonces).value(), keys, {}, message};
    const MusigPartialSignature parts[] = {musig_sign(nonce.secret, Uint256(first.bytes()), session).value(),
                                           done->signature};
    EXPECT_TRUE(verify_schnorr(MusigKey::aggregate(keys)->key.xonly(), message,
                               musig_aggregate_signatures(parts, session).value()));
}

TEST(Musig, NobodyIsNoKey) {
    EXPECT_FALSE(MusigKey::aggregate({}));
}

TEST(Dleq, ProofHoldsForItsPointsOnly) {
    const PrivateKey a = PrivateKey::random(), b = PrivateKey::random();
    const PublicKey generator = secp256k1_generator(), big_b = b.public_key();
    const Uint256 secret(a.bytes());
    const PublicKey c = (Point(big_b) * Scalar::reduced(secret.span())).key();
    for (const auto& message : {std::optional<Uint256>(), std::optional<Uint256>(sha256(as_bytes("purpose")))}) {
        const auto proof = dleq_prove(secret, big_b, random_uint256(), generator, message);
        ASSERT_TRUE(proof);
        EXPECT_TRUE(dleq_verify(a.public_key(), big_b, c, *proof, generator, message));
        EXPECT_FALSE(dleq_verify(a.public_key(), big_b, big_b, *proof, generator, message));
        EXPECT_FALSE(dleq_verify(a.public_key(), big_b, c, *proof, generator, sha256(as_bytes("another"))));
        auto touched = *proof;
        touched[40] ^= 1;
        EXPECT_FALSE(dleq_verify(a.public_key(), big_b, c, touched, generator, message));
    }
    EXPECT_FALSE(dleq_prove(Uint256(), big_b, Uint256(), generator, std::nullopt));
}

}  // namespace
}  // namespace cairn
