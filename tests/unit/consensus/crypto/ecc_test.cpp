#include "consensus/crypto/ecc.hpp"

#include <gtest/gtest.h>

#include "consensus/base/hex.hpp"
#include "consensus/crypto/hash.hpp"
#include "consensus/crypto/random.hpp"
#include "consensus/crypto/sha256.hpp"
#include "consensus/crypto/signature_verifier.hpp"

namespace cairn {
namespace {

PrivateKey key_of(std::uint8_t number) {
    Uint256 scalar;
    scalar.data()[31] = number;
    return PrivateKey::parse(scalar.span()).value();
}

const Uint256 kMessage = sha256(as_bytes("a message"));

TEST(PublicKey, ParsesEveryShapeThatCheckSigAccepts) {
    const PublicKey key = key_of(7).public_key();
    auto whole = key.uncompressed();
    EXPECT_EQ(PublicKey::parse(key.compressed()), key);
    EXPECT_EQ(PublicKey::parse(whole), key);
    whole[0] = key.has_odd_y() ? 0x07 : 0x06;
    EXPECT_EQ(PublicKey::parse(whole), key) << "hybrid";
    whole[0] ^= 1;
    EXPECT_FALSE(PublicKey::parse(whole)) << "hybrid of the wrong parity";
    whole[0] = 0x05;
    EXPECT_FALSE(PublicKey::parse(whole));
    whole[0] = 0x04;
    whole[64] ^= 1;
    EXPECT_FALSE(PublicKey::parse(whole)) << "not on the curve";
    EXPECT_FALSE(PublicKey::parse(ByteSpan(whole).first(33))) << "04 with the size of 02";
    EXPECT_FALSE(PublicKey::parse({}));
    EXPECT_EQ(PublicKey::from_xonly(key.xonly())->xonly(), key.xonly());
}

TEST(Ecdsa, SignsWithTheNonceOfRfc6979) {
    // A vector that implementations of deterministic signing for secp256k1 share: key 1, "Satoshi Nakamoto".
    const Uint256 message = sha256(as_bytes("Satoshi Nakamoto"));
    EXPECT_EQ(to_hex(key_of(1).sign_ecdsa_compact(message)),
              "934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8"
              "2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5");
}

TEST(Ecdsa, GroundSignaturesHaveLowRAndLowS) {
    const PrivateKey key = key_of(9);
    for (std::uint8_t i = 0; i < 16; ++i) {
        const Uint256 message = sha256(ByteSpan(&i, 1));
        const Bytes signature = key.sign_ecdsa(message);
        EXPECT_LE(signature.size(), 70u);
        EXPECT_TRUE(has_low_s(signature));
        EXPECT_TRUE(verify_ecdsa(key.public_key(), message, signature));
        EXPECT_FALSE(verify_ecdsa(key.public_key(), kMessage, signature));
        EXPECT_FALSE(verify_ecdsa(key_of(10).public_key(), message, signature));
    }
}

Bytes der(ByteSpan r, ByteSpan s) {
    Bytes out{0x30, static_cast<std::uint8_t>(4 + r.size() + s.size()), 0x02, static_cast<std::uint8_t>(r.size())};
    out.insert(out.end(), r.begin(), r.end());
    out.push_back(0x02);
    out.push_back(static_cast<std::uint8_t>(s.size()));
    out.insert(out.end(), s.begin(), s.end());
    return out;
}

Bytes with_zeros(std::size_t zeros, ByteSpan number) {
    Bytes out(zeros);
    out.insert(out.end(), number.begin(), number.end());
    return out;
}

TEST(Ecdsa, ToleratesWhatOldSignaturesOnTheChainDid) {
    const PrivateKey key = key_of(3);
    const auto compact = key.sign_ecdsa_compact(kMessage);
    const ByteSpan r = ByteSpan(compact).first(32), s = ByteSpan(compact).subspan(32);
    const auto accepts = [&](const Bytes& signature) { return verify_ecdsa(key.public_key(), kMessage, signature); };

    EXPECT_TRUE(accepts(der(r, s))) << "perhaps negative";
    EXPECT_TRUE(accepts(der(with_zeros(5, r), with_zeros(1, s)))) << "padded";
    Bytes wrong_length = der(r, s);
    wrong_length[1] = 0x05;
    EXPECT_TRUE(accepts(wrong_length)) << "the sequence's length is not believed";
    Bytes longer = der(r, s);
    longer.push_back(0xaa);
    EXPECT_TRUE(accepts(longer)) << "bytes after S";
    Bytes long_form = der(r, s);
    long_form.insert(long_form.begin() + 1, {0x83, 0xff, 0xff});
    EXPECT_TRUE(accepts(long_form)) << "long length of the sequence";
    Bytes long_integer{0x30, 0x00, 0x02, 0x84, 0x00, 0x00, 0x00, 0x20};
    long_integer.insert(long_integer.end(), r.begin(), r.end());
    const Bytes rest = der({}, s);
    long_integer.insert(long_integer.end(), rest.begin() + 4, rest.end());
    EXPECT_TRUE(accepts(long_integer)) << "long length of R";

    EXPECT_FALSE(accepts({}));
    EXPECT_FALSE(accepts({0x30}));
    EXPECT_FALSE(accepts({0x31, 0x00}));
    Bytes cut = der(r, s);
    cut.pop_back();
    EXPECT_FALSE(accepts(cut));
    EXPECT_FALSE(accepts(der(with_zeros(0, Bytes(33, 1)), s))) << "R beyond 256 bits";
    EXPECT_FALSE(accepts(der({}, {}))) << "empty numbers are zero";
    EXPECT_FALSE(accepts({0x30, 0x06, 0x02, 0x84, 0x01, 0x00, 0x00, 0x00})) << "a length of four bytes";
}

TEST(Ecdsa, AcceptsHighSButHasLowSTellsThem) {
    const PrivateKey key = key_of(3);
    auto compact = key.sign_ecdsa_compact(kMessage);
    // n - s
    const Bytes order = *from_hex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
    int borrow = 0;
    for (std::size_t i = 32; i-- > 0;) {
        const int difference = order[i] - compact[32 + i] - borrow;
        borrow = difference < 0;
        compact[32 + i] = static_cast<std::uint8_t>(difference);
    }
    const Bytes high = der(with_zeros(1, ByteSpan(compact).first(32)), with_zeros(1, ByteSpan(compact).subspan(32)));
    EXPECT_TRUE(verify_ecdsa(key.public_key(), kMessage, high));
    EXPECT_FALSE(has_low_s(high));
    EXPECT_FALSE(has_low_s({}));
}

TEST(Ecdsa, SurvivesRandomBytesAsSignature) {
    FastRandom random(17);
    const PublicKey key = key_of(5).public_key();
    for (int i = 0; i < 20000; ++i) {
        Bytes signature(random.below(24));
        random.fill(signature);
        if (!signature.empty()) signature[0] = 0x30;
        if (signature.size() > 2 && random.flip()) signature[2] = 0x02;
        EXPECT_FALSE(verify_ecdsa(key, kMessage, signature));
    }
}

TEST(Schnorr, SignsAndVerifies) {
    const PrivateKey key = key_of(11);
    const auto signature = key.sign_schnorr(kMessage.span(), Uint256());
    EXPECT_TRUE(verify_schnorr(key.public_key().xonly(), kMessage.span(), signature));
    auto bad = signature;
    bad[63] ^= 1;
    EXPECT_FALSE(verify_schnorr(key.public_key().xonly(), kMessage.span(), bad));
    EXPECT_FALSE(verify_schnorr(key.public_key().xonly(), kMessage.span(), ByteSpan(signature).first(63)));
    EXPECT_FALSE(verify_schnorr(Uint256(ByteSpan(Bytes(32, 0xff))), kMessage.span(), signature));
}

TEST(Taproot, TweakIsCommittedTo) {
    for (std::uint8_t number = 1; number < 20; ++number) {
        const PrivateKey key = key_of(number);
        const Uint256 internal = key.public_key().xonly();
        const Uint256 tweak = tagged_hash("TapTweak", internal.span());
        const auto output = xonly_tweak_add(internal, tweak);
        ASSERT_TRUE(output);
        EXPECT_TRUE(check_xonly_tweak(output->x, output->odd, internal, tweak));
        EXPECT_FALSE(check_xonly_tweak(output->x, !output->odd, internal, tweak));
        EXPECT_FALSE(check_xonly_tweak(internal, output->odd, internal, tweak));
        const auto signer = key.xonly_tweak_add(tweak);
        ASSERT_TRUE(signer);
        EXPECT_EQ(signer->public_key().xonly(), output->x);
    }
    const Uint256 too_large(ByteSpan(Bytes(32, 0xff)));
    EXPECT_FALSE(xonly_tweak_add(key_of(1).public_key().xonly(), too_large));
    EXPECT_FALSE(xonly_tweak_add(too_large, Uint256()));
    EXPECT_FALSE(is_xonly_key(too_large));
}

TEST(PrivateKey, KnowsItsRange) {
    EXPECT_FALSE(PrivateKey::parse(Uint256().span()));
    EXPECT_FALSE(PrivateKey::parse(Bytes(31, 1)));
    EXPECT_FALSE(PrivateKey::parse(*from_hex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141")));
    const auto largest =
        PrivateKey::parse(*from_hex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140"));
    ASSERT_TRUE(largest);
    Uint256 one;
    one.data()[31] = 1;
    EXPECT_FALSE(largest->tweak_add(one)) << "the sum is zero";
    EXPECT_EQ(key_of(4).tweak_add(one)->public_key(), key_of(5).public_key());
    EXPECT_EQ(key_of(4).public_key().tweak_add(one), key_of(5).public_key());
    EXPECT_FALSE(largest->public_key().tweak_add(one));
    EXPECT_EQ(key_of(3).ecdh_x(key_of(5).public_key()), key_of(15).public_key().xonly());
}

TEST(RecoverableSignature, GivesTheKeyBack) {
    for (const bool compressed : {true, false}) {
        const auto signature = key_of(21).sign_recoverable(kMessage, compressed);
        const auto recovered = recover_public_key(kMessage, signature);
        ASSERT_TRUE(recovered);
        EXPECT_EQ(recovered->key, key_of(21).public_key());
        EXPECT_EQ(recovered->compressed, compressed);
    }
    EXPECT_FALSE(recover_public_key(kMessage, Bytes(65)));
    EXPECT_FALSE(recover_public_key(kMessage, {}));
}

TEST(SignatureVerifier, JudgesEveryRowByItself) {
    const PrivateKey key = key_of(8);
    const auto point = key.public_key().compressed();
    const Bytes ecdsa = key.sign_ecdsa(kMessage);
    const auto schnorr = key.sign_schnorr(kMessage.span(), Uint256());
    const Uint256 x = key.public_key().xonly();
    const SignatureRow rows[] = {EcdsaRow{point, kMessage, ecdsa},   SchnorrRow{x, kMessage, schnorr},
                                 EcdsaRow{point, Uint256(), ecdsa},  SchnorrRow{x, Uint256(), schnorr},
                                 EcdsaRow{{}, kMessage, ecdsa},      SchnorrRow{x, kMessage, {}},
                                 EcdsaRow{point, kMessage, schnorr}, EcdsaRow{point, kMessage, ecdsa}};
    std::array<std::uint8_t, std::size(rows)> verdicts;
    verdicts.fill(7);
    default_signature_verifier().verify(rows, verdicts);
    EXPECT_EQ(verdicts, (std::array<std::uint8_t, 8>{1, 1, 0, 0, 0, 0, 0, 1}));
}

}  // namespace
}  // namespace cairn
