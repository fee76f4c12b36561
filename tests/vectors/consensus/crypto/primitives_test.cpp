#include <functional>
#include <map>

#include "consensus/crypto/aes.hpp"
#include "consensus/crypto/chacha20poly1305.hpp"
#include "consensus/crypto/hash.hpp"
#include "consensus/crypto/hmac.hpp"
#include "consensus/crypto/ripemd160.hpp"
#include "consensus/crypto/sha1.hpp"
#include "consensus/crypto/sha256.hpp"
#include "consensus/crypto/sha3.hpp"
#include "consensus/crypto/sha512.hpp"
#include "consensus/crypto/siphash.hpp"
#include "tests/vectors/consensus/crypto/support.hpp"

namespace cairn {
namespace {

using test::hex;
using test::lower;
using Row = std::vector<UniValue>;

/// A number as C++ writes it: decimal or 0x, perhaps with a suffix.
std::uint64_t number(const std::string& text) {
    return std::stoull(text, nullptr, 0);
}

/// "{first, second}"
Nonce96 nonce(const std::string& text) {
    const std::size_t comma = text.find(',');
    return {static_cast<std::uint32_t>(number(text.substr(1, comma - 1))), number(text.substr(comma + 1))};
}

template <class Hash>
void check_hash(const Row& row, Hash&& hash) {
    EXPECT_EQ(to_hex(hash(hex(row[0]))), lower(row[1].get_str()));
}

void check_sha256(const Row& row) {
    const Bytes data = hex(row[0]);
    EXPECT_EQ(to_hex(sha256(data).span()), row[1].get_str());
    for (const std::size_t step : {1, 63, 64, 65, 1000}) {
        Sha256 pieces;
        for (std::size_t at = 0; at < data.size(); at += step) {
            pieces.write(ByteSpan(data).subspan(at, std::min(step, data.size() - at)));
        }
        EXPECT_EQ(to_hex(pieces.finish().span()), row[1].get_str());
    }
}

void check_aes(const Row& row) {
    const Bytes key = hex(row[0]), in = hex(row[1]), out = hex(row[2]);
    EXPECT_EQ(to_hex(aes256_encrypt_block(key, in)), to_hex(out));
    EXPECT_EQ(to_hex(aes256_decrypt_block(key, out)), to_hex(in));
}

void check_aes_cbc(const Row& row) {
    const bool pad = row[2].isBool() ? row[2].get_bool() : row[2].get_str() == "true";
    const Bytes key = hex(row[0]), iv = hex(row[1]), in = hex(row[3]), out = hex(row[4]);
    EXPECT_EQ(aes256_cbc_encrypt(key, iv, in, pad), out);
    EXPECT_EQ(aes256_cbc_decrypt(key, iv, out, pad), in);
}

void check_chacha20(const Row& row) {
    const Bytes message = hex(row[0]), expected = hex(row[4]);
    const auto block = static_cast<std::uint32_t>(number(row[3].get_str()));
    for (const std::size_t step : {std::size_t{1}, std::size_t{64}, std::size_t{100}, expected.size()}) {
        ChaCha20 cipher(hex(row[1]));
        cipher.seek(nonce(row[2].get_str()), block);
        Bytes out = message.empty() ? Bytes(expected.size()) : message;
        ASSERT_EQ(out.size(), expected.size());
        for (std::size_t at = 0; at < out.size(); at += step) {
            const auto piece = MutableByteSpan(out).subspan(at, std::min(step, out.size() - at));
            cipher.crypt(piece, piece);
        }
        EXPECT_EQ(out, expected);
    }
}

/// The stream runs on through the messages of one interval; the first message after it comes from the new key.
void check_fschacha20(const Row& row) {
    const Bytes plain = hex(row[0]), key = hex(row[1]);
    const auto interval = static_cast<std::uint32_t>(number(row[2].get_str()));
    FsChaCha20 rekeying(key, interval);
    ChaCha20 fixed(key);
    Bytes a(plain.size()), b(plain.size());
    for (std::uint32_t i = 0; i < interval; ++i) {
        rekeying.crypt(plain, a);
        fixed.crypt(plain, b);
        ASSERT_EQ(a, b);
    }
    rekeying.crypt(plain, a);
    EXPECT_EQ(to_hex(a), row[3].get_str());
}

void check_chacha20poly1305(const Row& row) {
    const Bytes plain = hex(row[0]), aad = hex(row[1]), expected = hex(row[4]);
    ChaCha20Poly1305 cipher(hex(row[2]));
    const Nonce96 at = nonce(row[3].get_str());
    for (const std::size_t cut : {std::size_t{0}, plain.size() / 3, plain.size()}) {
        Bytes out(plain.size() + ChaCha20Poly1305::kExpansion), back(plain.size());
        cipher.encrypt(ByteSpan(plain).first(cut), ByteSpan(plain).subspan(cut), aad, at, out);
        ASSERT_EQ(out, expected);
        const MutableByteSpan opened(back);
        ASSERT_TRUE(cipher.decrypt(out, aad, at, opened.first(cut), opened.subspan(cut)));
        ASSERT_EQ(back, plain);
        out[cut] ^= 1;
        EXPECT_FALSE(cipher.decrypt(out, aad, at, opened.first(cut), opened.subspan(cut)));
    }
    Bytes stream(plain.size());
    cipher.keystream(at, stream);
    for (std::size_t i = 0; i < plain.size(); ++i) ASSERT_EQ(stream[i] ^ plain[i], expected[i]);
}

/// The message of that index, after as many others; 224 messages to a key, as BIP324 has it.
void check_fschacha20poly1305(const Row& row) {
    const Bytes plain = hex(row[0]), aad = hex(row[1]), expected = hex(row[4]);
    const std::uint64_t index = number(row[3].get_str());
    FsChaCha20Poly1305 sealing(hex(row[2]), 224), opening(hex(row[2]), 224);
    Bytes dummy(FsChaCha20Poly1305::kExpansion);
    for (std::uint64_t i = 0; i < index; ++i) {
        sealing.encrypt({}, {}, {}, dummy);
        ASSERT_TRUE(opening.decrypt(dummy, {}, {}, {}));
    }
    Bytes out(plain.size() + FsChaCha20Poly1305::kExpansion), back(plain.size());
    sealing.encrypt(plain, {}, aad, out);
    EXPECT_EQ(out, expected);
    EXPECT_TRUE(opening.decrypt(out, aad, back, {}));
    EXPECT_EQ(back, plain);
}

TEST(CryptoVectors, Primitives) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    const std::map<std::string, std::function<void(const Row&)>> checks = {
        {"TestSHA1", [](const Row& row) { check_hash(row, sha1); }},
        {"TestSHA256", check_sha256},
        {"TestSHA512", [](const Row& row) { check_hash(row, sha512); }},
        {"TestRIPEMD160", [](const Row& row) { check_hash(row, ripemd160); }},
        {"TestSHA3_256",
         [](const Row& row) { check_hash(row, [](ByteSpan data) { return sha3(256, data, data.size() * 8); }); }},
        {"TestHMACSHA256",
         [](const Row& row) { EXPECT_EQ(to_hex(hmac_sha256(hex(row[0]), hex(row[1])).span()), row[2].get_str()); }},
        {"TestHMACSHA512",
         [](const Row& row) { EXPECT_EQ(to_hex(hmac_sha512(hex(row[0]), hex(row[1]))), row[2].get_str()); }},
        {"TestAES256", check_aes},
        {"TestAES256CBC", check_aes_cbc},
        {"TestChaCha20", check_chacha20},
        {"TestFSChaCha20", check_fschacha20},
        {"TestPoly1305",
         [](const Row& row) { EXPECT_EQ(to_hex(poly1305(hex(row[1]), hex(row[0]))), row[2].get_str()); }},
        {"TestChaCha20Poly1305", check_chacha20poly1305},
        {"TestFSChaCha20Poly1305", check_fschacha20poly1305},
        {"TestHKDF_SHA256_32",
         [](const Row& row) {
             EXPECT_EQ(to_hex(HkdfSha256(hex(row[0]), hex(row[1])).expand(hex(row[2])).span()), row[3].get_str());
         }},
    };
    std::size_t count = 0;
    for (const auto& path : test::vector_files("crypto", "core_crypto*.json")) {
        const UniValue json = test::read_json(path);
        const UniValue& vectors = json["vectors"];
        for (const auto& name : vectors.getKeys()) {
            SCOPED_TRACE(name);
            const auto check = checks.find(name);
            ASSERT_NE(check, checks.end()) << "no check for this kind";
            for (const auto& row : vectors[name].getValues()) {
                check->second(row.getValues());
                ++count;
            }
        }
    }
    test::report("hashes, codes and ciphers", count);
}

std::uint64_t hex_number(const UniValue& value) {
    return std::stoull(value.get_str(), nullptr, 16);
}

std::uint64_t little_endian(ByteSpan bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | bytes[i];
    return value;
}

/// Through the hasher that takes eight bytes or a hash at a time, and through the functions for a hash alone.
void check_siphash_jumbo(SipKey key, const std::vector<Bytes>& parts, std::uint64_t expected) {
    SipHasher13Jumbo words(key), jumbos(key);
    for (const auto& part : parts) {
        if (part.size() == 8) {
            words.write(little_endian(part));
            Uint256 padded;
            std::copy(part.begin(), part.end(), padded.data());
            jumbos.write_jumbo(padded);
        } else {
            ASSERT_EQ(part.size(), 32u);
            words.write_jumbo(Uint256(part));
            jumbos.write_jumbo(Uint256(part));
        }
    }
    EXPECT_EQ(words.finish(), expected);
    EXPECT_EQ(jumbos.finish(), expected);
    if (parts.empty() || parts[0].size() != 32) return;
    if (parts.size() == 1) {
        EXPECT_EQ(siphash13_jumbo(key, Uint256(parts[0])), expected);
    }
    if (parts.size() == 2 && parts[1].size() == 8) {
        EXPECT_EQ(siphash13_jumbo(key, Uint256(parts[0]), little_endian(parts[1])), expected);
    }
}

TEST(CryptoVectors, SipHash) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t count = 0;
    for (const auto& path : test::vector_files("crypto", "siphash*.json")) {
        const UniValue json = test::read_json(path);
        for (const auto& row : json.getValues()) {
            SCOPED_TRACE(row.write());
            const SipKey key{hex_number(row["key"][0]), hex_number(row["key"][1])};
            std::vector<Bytes> parts;
            Bytes whole;
            SipHasher hasher(key);
            for (const auto& part : row["input"].getValues()) {
                parts.push_back(hex(part));
                whole.insert(whole.end(), parts.back().begin(), parts.back().end());
                hasher.write(parts.back());
            }
            const std::uint64_t expected = hex_number(row["expected"]["siphash24"]);
            EXPECT_EQ(hasher.finish(), expected);
            EXPECT_EQ(siphash(key, whole), expected);
            if (whole.size() == 32) {
                EXPECT_EQ(siphash(key, Uint256(whole)), expected);
            }
            if (whole.size() == 36) {
                const auto extra = static_cast<std::uint32_t>(little_endian(ByteSpan(whole).subspan(32)));
                EXPECT_EQ(siphash(key, Uint256(ByteSpan(whole).first(32)), extra), expected);
            }
            const UniValue& jumbo = row["expected"]["siphash13uj"];
            if (!jumbo.isNull()) check_siphash_jumbo(key, parts, hex_number(jumbo));
            ++count;
        }
    }
    test::report("SipHash", count);
}

/// "SHA3-256 sample of 5-bit message", then the message as bits, then its hash.
TEST(CryptoVectors, Sha3Samples) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t count = 0;
    for (const auto& path : test::vector_files("crypto", "sha3*.txt")) {
        unsigned digest_bits = 0;
        std::string bits, digest;
        std::string* collecting = nullptr;
        const auto finish = [&] {
            if (digest_bits == 0) return;
            Bytes data((bits.size() + 7) / 8);
            for (std::size_t i = 0; i < bits.size(); ++i)
                data[i / 8] |= static_cast<std::uint8_t>((bits[i] == '1') << i % 8);
            EXPECT_EQ(to_hex(sha3(digest_bits, data, bits.size())), lower(digest)) << bits.size() << " bits";
            ++count;
        };
        for (const auto& line : test::read_lines(path)) {
            if (line.starts_with("SHA3-")) {
                finish();
                digest_bits = static_cast<unsigned>(std::stoul(line.substr(5)));
                bits.clear();
                digest.clear();
                collecting = nullptr;
            } else if (line.starts_with("Msg as bit string")) {
                collecting = &bits;
            } else if (line.starts_with("Hash val is")) {
                collecting = &digest;
            } else if (collecting && line.find('#') == line.npos) {
                for (const char c : line) {
                    if (std::isxdigit(static_cast<unsigned char>(c))) *collecting += c;
                }
            }
        }
        finish();
    }
    test::report("SHA-3", count);
}

}  // namespace
}  // namespace cairn
