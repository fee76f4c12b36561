#include <gtest/gtest.h>

#include "consensus/base/hex.hpp"
#include "consensus/crypto/hmac.hpp"
#include "consensus/crypto/random.hpp"
#include "consensus/crypto/ripemd160.hpp"
#include "consensus/crypto/sha1.hpp"
#include "consensus/crypto/sha3.hpp"
#include "consensus/crypto/sha512.hpp"
#include "consensus/crypto/siphash_rows.hpp"

namespace cairn {
namespace {

TEST(Ripemd160, HashesWhatItsAuthorsShow) {
    EXPECT_EQ(to_hex(ripemd160({})), "9c1185a5c5e9fc54612808977ee8f548b2258d31");
    EXPECT_EQ(to_hex(ripemd160(as_bytes("abc"))), "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc");
}

TEST(Ripemd160, TakesPiecesLikeTheWhole) {
    FastRandom random(3);
    for (std::size_t size = 0; size <= 300; ++size) {
        Bytes data(size);
        random.fill(data);
        const std::size_t cut = random.below(size + 1);
        const ByteSpan whole(data);
        ASSERT_EQ(Ripemd160().write(whole.first(cut)).write(whole.subspan(cut)).finish(), ripemd160(whole)) << size;
    }
}

TEST(Sha1, HashesWhatTheStandardShows) {
    EXPECT_EQ(to_hex(sha1({})), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    EXPECT_EQ(to_hex(sha1(as_bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))),
              "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
}

TEST(Sha512, HashesWhatTheStandardShows) {
    EXPECT_EQ(to_hex(sha512(as_bytes("abc"))),
              "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
              "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

TEST(Sha3, HashesWhatTheStandardShows) {
    EXPECT_EQ(to_hex(sha3_256({}).span()), "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a");
    EXPECT_EQ(to_hex(sha3_256(as_bytes("abc")).span()),
              "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532");
}

TEST(Sha3, TakesEveryLengthAroundABlock) {
    // One more bit must always change the hash, at the edges of the 1088-bit block too.
    const Bytes data(300, 0);
    std::vector<Bytes> seen;
    for (const std::size_t bits : {0, 1, 7, 8, 1079, 1080, 1083, 1084, 1085, 1086, 1087, 1088, 1089, 2176, 2177}) {
        const Bytes digest = sha3(256, data, bits);
        EXPECT_EQ(digest.size(), 32u);
        EXPECT_EQ(std::count(seen.begin(), seen.end(), digest), 0) << bits;
        seen.push_back(digest);
    }
}

TEST(Hmac, AuthenticatesWhatRfc4231Shows) {
    const Bytes key(20, 0x0b);
    EXPECT_EQ(to_hex(hmac_sha256(key, as_bytes("Hi There")).span()),
              "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    EXPECT_EQ(to_hex(hmac_sha512(as_bytes("Jefe"), as_bytes("what do ya want for nothing?"))),
              "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
              "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
    const Bytes long_key(131, 0xaa);
    EXPECT_EQ(to_hex(hmac_sha256(long_key, as_bytes("Test Using Larger Than Block-Size Key - Hash Key First")).span()),
              "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Hmac, TakesAnEmptyKey) {
    EXPECT_EQ(to_hex(hmac_sha256({}, {}).span()), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
    EXPECT_EQ(to_hex(hmac_sha512({}, {})).substr(0, 32), "b936cee86c9f87aa5d3c6f2e84cb5a42");
}

TEST(Pbkdf2, StretchesWhatBip39Stretches) {
    const auto seed = pbkdf2_sha512(
        as_bytes("abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"),
        as_bytes("mnemonicTREZOR"), 2048);
    EXPECT_EQ(to_hex(seed).substr(0, 64), "c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e5349553");
}

TEST(ConstantTimeComparison, TellsEqualFromDifferent) {
    EXPECT_TRUE(equal_in_constant_time({}, {}));
    EXPECT_TRUE(equal_in_constant_time(as_bytes("abc"), as_bytes("abc")));
    EXPECT_FALSE(equal_in_constant_time(as_bytes("abc"), as_bytes("abd")));
    EXPECT_FALSE(equal_in_constant_time(as_bytes("abc"), as_bytes("ab")));
}

TEST(SipHash, HashesWhatItsAuthorsShow) {
    const SipKey key{0x0706050403020100, 0x0f0e0d0c0b0a0908};
    EXPECT_EQ(siphash(key, ByteSpan()), 0x726fdb47dd0e0e31u);
    Bytes data;
    for (std::uint8_t i = 0; i < 15; ++i) data.push_back(i);
    EXPECT_EQ(siphash(key, data), 0xa129ca6149be45e5u);
}

TEST(SipHash, EveryWayToWriteTheSameBytesAgrees) {
    FastRandom random(4);
    const SipKey key{random.next(), random.next()};
    for (std::size_t size = 0; size <= 300; ++size) {
        Bytes data(size);
        random.fill(data);
        const std::size_t cut = random.below(size + 1);
        SipHasher pieces(key);
        pieces.write(ByteSpan(data).first(cut)).write(ByteSpan(data).subspan(cut));
        ASSERT_EQ(pieces.finish(), siphash(key, data)) << size;
    }
    const Uint256 hash = random.uint256();
    Bytes outpoint = to_bytes(hash.span());
    EXPECT_EQ(siphash(key, hash), siphash(key, outpoint));
    outpoint.insert(outpoint.end(), {4, 3, 2, 1});
    EXPECT_EQ(siphash(key, hash, 0x01020304), siphash(key, outpoint));
    EXPECT_EQ(siphash13_jumbo(key, hash, 9), SipHasher13Jumbo(key).write_jumbo(hash).write(9).finish());
    EXPECT_EQ(siphash13_jumbo(key, hash), SipHasher13Jumbo(key).write_jumbo(hash).finish());
}

std::vector<std::uint64_t> sorted_hashes(const SipRows& rows, SipKey key, SipRows::Backend backend) {
    std::vector<std::uint64_t> all;
    rows.hash(key, backend, [&all](std::span<const std::uint64_t> piece) {
        all.insert(all.end(), piece.begin(), piece.end());
        return true;
    });
    std::ranges::sort(all);
    return all;
}

constexpr SipRows::Backend kSipBackends[] = {SipRows::Backend::portable, SipRows::Backend::avx2, SipRows::Backend::avx512};

TEST(SipRows, EveryBackendHashesWhatOneAtATimeGives) {
    FastRandom random(11);
    for (const std::size_t count : {0u, 1u, 7u, 8u, 9u, 17u, 255u, 256u, 257u, 3000u}) {
        const SipKey key{random.next(), random.next()};
        SipRows rows;
        std::vector<std::uint64_t> expected;
        for (std::size_t i = 0; i < count; ++i) {
            Bytes message(random.below(random.below(10) == 0 ? 600 : 50));
            random.fill(message);
            rows.add(message);
            expected.push_back(siphash(key, message));
        }
        std::ranges::sort(expected);
        EXPECT_EQ(rows.size(), count);
        for (const SipRows::Backend backend : kSipBackends) {
            if (!SipRows::supports(backend)) continue;
            ASSERT_EQ(sorted_hashes(rows, key, backend), expected) << count << " by " << static_cast<int>(backend);
        }
    }
}

TEST(SipRows, EveryBackendGivesTheHashesOfItsAuthors) {
    // Of the messages 00, 00 01, 00 01 02 …: the first bytes of vectors_sip64 for lengths 0 to 8, 15 and 63.
    const SipKey key{0x0706050403020100, 0x0f0e0d0c0b0a0908};
    const std::vector<std::pair<std::size_t, std::uint64_t>> known{
        {0, 0x726fdb47dd0e0e31}, {1, 0x74f839c593dc67fd}, {2, 0x0d6c8009d9a94f5a}, {3, 0x85676696d7fb7e2d}, {4, 0xcf2794e0277187b7},
        {5, 0x18765564cd99a68d}, {6, 0xcbc9466e58fee3ce}, {7, 0xab0200f58b01d137}, {8, 0x93f5f5799a932462}, {15, 0xa129ca6149be45e5},
        {63, 0x958a324ceb064572}};
    for (const SipRows::Backend backend : kSipBackends) {
        if (!SipRows::supports(backend)) continue;
        for (const auto& [size, hash] : known) {
            Bytes message(size);
            for (std::size_t i = 0; i < size; ++i) message[i] = static_cast<std::uint8_t>(i);
            SipRows rows;
            rows.add(message);
            EXPECT_EQ(sorted_hashes(rows, key, backend), std::vector<std::uint64_t>{hash}) << size;
        }
    }
}

TEST(SipRows, StopsWhenItIsTold) {
    SipRows rows;
    for (int i = 0; i < 2000; ++i) rows.add(Bytes(20, static_cast<std::uint8_t>(i)));
    int pieces = 0;
    rows.hash({1, 2}, [&pieces](std::span<const std::uint64_t>) { return ++pieces < 2; });
    EXPECT_EQ(pieces, 2);
}

}  // namespace
}  // namespace cairn
