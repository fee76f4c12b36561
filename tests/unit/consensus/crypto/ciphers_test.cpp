#include <gtest/gtest.h>

#include "consensus/base/hex.hpp"
#include "consensus/crypto/aes.hpp"
#include "consensus/crypto/bip324.hpp"
#include "consensus/crypto/chacha20poly1305.hpp"
#include "consensus/crypto/random.hpp"

namespace cairn {
namespace {

TEST(ChaCha20, StreamGoesOnAcrossPiecesAndSeeks) {
    const Bytes key(32, 5);
    ChaCha20 whole(key), pieces(key);
    Bytes expected(1000), got(1000);
    whole.seek({7, 8}, 3);
    whole.keystream(expected);
    pieces.seek({7, 8}, 3);
    std::size_t at = 0;
    for (const std::size_t size : {1, 63, 64, 65, 130, 677}) {
        pieces.keystream(MutableByteSpan(got).subspan(at, size));
        at += size;
    }
    EXPECT_EQ(got, expected);
    pieces.seek({7, 8}, 4);
    Bytes next(64);
    pieces.keystream(next);
    EXPECT_TRUE(std::equal(next.begin(), next.end(), expected.begin() + 64));
}

TEST(ChaCha20Poly1305, RejectsWhateverWasTouched) {
    const Bytes key(32, 1), plain = to_bytes(as_bytes("attack at dawn")), aad = to_bytes(as_bytes("header"));
    ChaCha20Poly1305 cipher(key);
    Bytes sealed(plain.size() + ChaCha20Poly1305::kExpansion), opened(plain.size());
    cipher.encrypt(plain, {}, aad, {1, 2}, sealed);
    EXPECT_TRUE(cipher.decrypt(sealed, aad, {1, 2}, opened, {}));
    EXPECT_EQ(opened, plain);
    EXPECT_FALSE(cipher.decrypt(sealed, aad, {1, 3}, opened, {}));
    EXPECT_FALSE(cipher.decrypt(sealed, as_bytes("Header"), {1, 2}, opened, {}));
    for (auto& byte : sealed) {
        byte ^= 0x10;
        EXPECT_FALSE(cipher.decrypt(sealed, aad, {1, 2}, opened, {}));
        byte ^= 0x10;
    }
    EXPECT_TRUE(cipher.decrypt(sealed, aad, {1, 2}, opened, {}));
}

TEST(Aes256, PadsAndUnpads) {
    const Bytes key(32, 2), iv(16, 3);
    for (std::size_t size = 0; size < 50; ++size) {
        const Bytes plain(size, 9);
        const auto sealed = aes256_cbc_encrypt(key, iv, plain, true);
        ASSERT_TRUE(sealed);
        EXPECT_EQ(sealed->size(), size / 16 * 16 + 16);
        EXPECT_EQ(aes256_cbc_decrypt(key, iv, *sealed, true), plain);
        EXPECT_EQ(aes256_cbc_encrypt(key, iv, plain, false).has_value(), size % 16 == 0);
    }
    EXPECT_FALSE(aes256_cbc_decrypt(key, iv, Bytes(15), true));
    EXPECT_FALSE(aes256_cbc_decrypt(key, iv, {}, true));
}

struct Pair {
    Bip324Cipher initiator{{1, 2, 3, 4}}, responder{{1, 2, 3, 4}};
    Pair() {
        const EllSwiftKey key = initiator.our_key();
        initiator.initialize(responder.our_key(), true);
        responder.initialize(key, false);
    }
};

void send(Bip324Cipher& from, Bip324Cipher& to, ByteSpan contents, ByteSpan aad, bool ignore) {
    Bytes packet(contents.size() + Bip324Cipher::kExpansion), opened(contents.size());
    from.encrypt(contents, aad, ignore, packet);
    ASSERT_EQ(to.decrypt_length(ByteSpan(packet).first(3)), contents.size());
    bool flag = !ignore;
    ASSERT_TRUE(to.decrypt(ByteSpan(packet).subspan(3), aad, flag, opened));
    ASSERT_EQ(flag, ignore);
    ASSERT_TRUE(std::ranges::equal(opened, contents));
}

TEST(Bip324Cipher, TwoSidesUnderstandEachOtherThroughManyRekeys) {
    Pair pair;
    EXPECT_EQ(pair.initiator.session_id(), pair.responder.session_id());
    EXPECT_EQ(pair.initiator.send_garbage_terminator(), pair.responder.receive_garbage_terminator());
    EXPECT_EQ(pair.responder.send_garbage_terminator(), pair.initiator.receive_garbage_terminator());
    FastRandom random(6);
    for (int i = 0; i < 1000; ++i) {
        Bytes contents(random.below(200));
        random.fill(contents);
        const Bytes aad(i == 0 ? 10 : 0, 1);
        send(pair.initiator, pair.responder, contents, aad, random.flip());
        if (i % 3 == 0) send(pair.responder, pair.initiator, contents, aad, random.flip());
    }
}

TEST(Bip324Cipher, RejectsATouchedPacket) {
    Pair pair;
    const Bytes contents(100, 7);
    Bytes packet(contents.size() + Bip324Cipher::kExpansion), opened(contents.size());
    pair.initiator.encrypt(contents, {}, false, packet);
    EXPECT_EQ(pair.responder.decrypt_length(ByteSpan(packet).first(3)), 100u);
    packet[50] ^= 1;
    bool ignore = false;
    EXPECT_FALSE(pair.responder.decrypt(ByteSpan(packet).subspan(3), {}, ignore, opened));
}

TEST(Bip324Cipher, AnotherNetworkHasOtherKeys) {
    Bip324Cipher ours({1, 2, 3, 4}), theirs({4, 3, 2, 1});
    const EllSwiftKey key = ours.our_key();
    ours.initialize(theirs.our_key(), true);
    theirs.initialize(key, false);
    EXPECT_NE(ours.session_id(), theirs.session_id());
}

TEST(EllSwift, EncodingsDifferAndDecodeToTheKey) {
    const PrivateKey key = PrivateKey::random();
    const EllSwiftKey first = ellswift_create(key, random_uint256()), second = ellswift_create(key, random_uint256());
    EXPECT_NE(first, second);
    EXPECT_EQ(ellswift_decode(first), key.public_key());
    EXPECT_EQ(ellswift_decode(second), key.public_key());
}

TEST(EllSwift, InversesDecodeToX) {
    FastRandom random(8);
    for (int i = 0; i < 20; ++i) {
        const Uint256 u = random.uint256(), x = PrivateKey::random().public_key().xonly();
        for (unsigned which = 0; which < 8; ++which) {
            const auto t = xswiftec_inverse(x, u, which);
            if (!t) continue;
            EllSwiftKey encoded;
            std::copy_n(u.data(), 32, encoded.begin());
            std::copy_n(t->data(), 32, encoded.begin() + 32);
            EXPECT_EQ(ellswift_decode(encoded).xonly(), x) << which;
        }
    }
}

}  // namespace
}  // namespace cairn
