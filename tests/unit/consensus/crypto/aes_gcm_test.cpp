#include "consensus/crypto/aes_gcm.hpp"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "consensus/base/hex.hpp"

namespace cairn {
namespace {

struct GcmCase {
    std::string key, nonce, aad, data, sealed;
};

// McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B, test cases 13 to 16.
std::vector<GcmCase> cases() {
    const std::string zeros(64, '0'), key = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", nonce = "cafebabefacedbaddecaf888";
    const std::string data =
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255";
    const std::string cipher =
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad";
    return {{zeros, std::string(24, '0'), "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
            {zeros, std::string(24, '0'), "", std::string(32, '0'), "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
            {key, nonce, "", data, cipher + "b094dac5d93471bdec1a502270e3cc6c"},
            {key, nonce, "feedfacedeadbeeffeedfacedeadbeefabaddad2", data.substr(0, 120), cipher.substr(0, 120) + "76fc6ece0f4e1768cddf8853bb2d551b"}};
}

Bytes hex(const std::string& text) { return *from_hex(text); }

TEST(AesGcm, SealsAndOpensTheKnownAnswers) {
    for (const GcmCase& c : cases()) {
        const Bytes key = hex(c.key), nonce = hex(c.nonce), aad = hex(c.aad), data = hex(c.data), sealed = hex(c.sealed);
        Bytes out(data.size() + kGcmTagSize), back(data.size());
        aes256_gcm_seal(key, nonce, aad, data, out);
        EXPECT_EQ(to_hex(out), c.sealed);
        EXPECT_TRUE(aes256_gcm_open(key, nonce, aad, sealed, back));
        EXPECT_EQ(back, data);
    }
}

TEST(AesGcm, OpensNothingWhenAnyBitWasChanged) {
    const GcmCase c = cases().back();
    const std::vector<Bytes> parts{hex(c.key), hex(c.nonce), hex(c.aad), hex(c.sealed)};
    for (std::size_t part = 0; part < parts.size(); ++part)
        for (std::size_t bit = 0; bit < parts[part].size() * 8; ++bit) {
            std::vector<Bytes> wrong = parts;
            wrong[part][bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
            Bytes back(parts[3].size() - kGcmTagSize, 0xaa);
            EXPECT_FALSE(aes256_gcm_open(wrong[0], wrong[1], wrong[2], wrong[3], back)) << part << " " << bit;
            EXPECT_TRUE(std::all_of(back.begin(), back.end(), [](std::uint8_t byte) { return byte == 0; }));
        }
}

TEST(AesGcm, OpensNothingThatIsShorterThanATag) {
    const Bytes key(32), nonce(12);
    for (std::size_t size = 0; size < kGcmTagSize; ++size) EXPECT_FALSE(aes256_gcm_open(key, nonce, {}, Bytes(size), {}));
}

}  // namespace
}  // namespace cairn
