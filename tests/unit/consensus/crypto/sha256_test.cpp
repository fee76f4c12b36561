#include "consensus/crypto/sha256.hpp"

#include <random>

#include <gtest/gtest.h>

#include "consensus/base/hex.hpp"
#include "consensus/crypto/detail/sha256_backend.hpp"
#include "consensus/crypto/hash.hpp"

namespace cairn {
namespace {

Bytes random_bytes(std::size_t size, std::uint32_t seed) {
    std::mt19937 rng(seed);
    Bytes bytes(size);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(rng());
    return bytes;
}

TEST(Sha256, HashesWhatTheStandardShows) {
    EXPECT_EQ(to_hex(sha256({}).span()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(to_hex(sha256(as_bytes("abc")).span()),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(to_hex(sha256(as_bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")).span()),
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(Sha256, TakesPiecesLikeTheWhole) {
    const Bytes data = random_bytes(300, 7);
    for (std::size_t size = 0; size <= data.size(); ++size) {
        const ByteSpan whole(data.data(), size);
        const Uint256 expected = sha256(whole);
        for (const std::size_t cut : {size / 3, size / 2, size - size / 5}) {
            ASSERT_EQ(Sha256().write(whole.first(cut)).write(whole.subspan(cut)).finish(), expected) << size;
        }
        ASSERT_EQ(hash256(whole.first(size / 3), whole.subspan(size / 3)), hash256(whole));
        ASSERT_EQ(hash256(whole), sha256(expected.span()));
    }
}

TEST(Sha256, CopyContinuesFromTheMidstate) {
    Sha256 first;
    first.write(as_bytes("some text that is shared"));
    Sha256 second = first;
    EXPECT_EQ(first.write(as_bytes("1")).finish(), sha256(as_bytes("some text that is shared1")));
    EXPECT_EQ(second.write(as_bytes("2")).finish(), sha256(as_bytes("some text that is shared2")));
}

TEST(Sha256, TaggedHashPrependsTheTagHashTwice) {
    const Uint256 tag = sha256(as_bytes("BIP0340/challenge"));
    EXPECT_EQ(tagged_hash("BIP0340/challenge", as_bytes("x")),
              Sha256().write(tag).write(tag).write(as_bytes("x")).finish());
}

TEST(Sha256Backend, EveryOneAgreesWithThePortableOne) {
    std::mt19937 rng(11);
    ASSERT_FALSE(detail::sha256_backends().empty());
    for (const auto& backend : detail::sha256_backends()) {
        for (std::size_t blocks = 0; blocks < 40; ++blocks) {
            const Bytes data = random_bytes(blocks * 64, static_cast<std::uint32_t>(rng()));
            detail::Sha256State expected, got;
            for (std::size_t i = 0; i < 8; ++i) expected[i] = got[i] = static_cast<std::uint32_t>(rng());
            detail::sha256_compress_portable(expected.data(), data.data(), blocks);
            backend.compress(got.data(), data.data(), blocks);
            ASSERT_EQ(got, expected) << backend.name << " " << blocks;
        }
    }
}

TEST(Sha256Backend, DoublesMany64ByteInputsLikeOneByOne) {
    for (const auto& backend : detail::sha256_backends()) {
        for (std::size_t count = 0; count <= 40; ++count) {
            Bytes data = random_bytes(count * 64, static_cast<std::uint32_t>(count));
            Bytes expected;
            for (std::size_t i = 0; i < count; ++i) {
                const Uint256 hash = hash256(ByteSpan(data).subspan(64 * i, 64));
                expected.insert(expected.end(), hash.data(), hash.data() + 32);
            }
            Bytes got(32 * count);
            detail::sha256d_64_many(backend, got.data(), data.data(), count);
            ASSERT_EQ(got, expected) << backend.name << " " << count;
            detail::sha256d_64_many(backend, data.data(), data.data(), count);
            data.resize(32 * count);
            ASSERT_EQ(data, expected) << backend.name << " in place";
        }
    }
}

TEST(Sha256Backend, NameIsThatOfTheLastOneFound) {
    EXPECT_EQ(sha256_backend_name(), detail::sha256_backends().back().name);
}

TEST(Hash160, IsRipemdOfSha) {
    EXPECT_EQ(to_hex(hash160(*from_hex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"))),
              "751e76e8199196d454941c45d1b3a323f1433bd6");
}

}  // namespace
}  // namespace cairn
