#include "consensus/chain/coin_codec.hpp"

#include <gtest/gtest.h>

#include <random>

#include "consensus/base/hex.hpp"
#include "consensus/chain/delta.hpp"

namespace cairn {
namespace {

Bytes varint(std::uint64_t value) {
    Bytes out;
    Writer writer(out);
    write_varint(writer, value);
    return out;
}

Bytes compressed(const std::string& script_hex) {
    Bytes out;
    Writer writer(out);
    write_compressed_script(writer, *from_hex(script_hex));
    return out;
}

std::string restored(const Bytes& bytes) {
    Reader reader(bytes);
    const Bytes script = read_compressed_script(reader);
    reader.expect_end();
    return reader.ok() ? to_hex(script) : "error";
}

TEST(Varint, HasOneFormForEachNumber) {
    EXPECT_EQ(to_hex(varint(0)), "00");
    EXPECT_EQ(to_hex(varint(0x7f)), "7f");
    EXPECT_EQ(to_hex(varint(0x80)), "8000");
    EXPECT_EQ(to_hex(varint(0x407f)), "ff7f");
    EXPECT_EQ(to_hex(varint(0x4080)), "808000");
    EXPECT_EQ(to_hex(varint(0xffffffff)), "8efefefe7f");
    for (unsigned bit = 0; bit < 64; ++bit) {
        for (const std::uint64_t value : {(1ull << bit) - 1, 1ull << bit, ~0ull >> bit}) {
            const Bytes bytes = varint(value);
            Reader reader(bytes);
            EXPECT_EQ(read_varint(reader), value);
            EXPECT_TRUE(reader.ok() && reader.remaining() == 0);
        }
    }
}

TEST(Varint, RefusesWhatDoesNotFit) {
    for (const char* hex : {"80fefefefefefefefe80", "ffffffffffffffffffff7f", "80", ""}) {
        const Bytes bytes = *from_hex(hex);
        Reader reader(bytes);
        read_varint(reader);
        EXPECT_FALSE(reader.ok()) << hex;
    }
}

TEST(AmountCodec, MatchesKnownPairsAndComesBack) {
    EXPECT_EQ(compress_amount(0), 0u);
    EXPECT_EQ(compress_amount(1), 1u);
    EXPECT_EQ(compress_amount(1'000'000), 7u);
    EXPECT_EQ(compress_amount(100'000'000), 9u);
    EXPECT_EQ(compress_amount(50ull * 100'000'000), 0x32u);
    EXPECT_EQ(compress_amount(21'000'000ull * 100'000'000), 0x1406f40u);
    std::mt19937_64 random(3);
    for (int i = 0; i < 20'000; ++i) {
        const std::uint64_t amount = random() % 2'100'000'000'000'000ull >> (random() % 50);
        EXPECT_EQ(decompress_amount(compress_amount(amount)), amount);
    }
}

TEST(ScriptCodec, ShortensTheCommonShapes) {
    const std::string key = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
    const std::string y = "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8";
    const std::string hash = "00112233445566778899aabbccddeeff00112233";
    struct Case {
        std::string script;
        std::size_t size;
    };
    for (const Case& c : {Case{"76a914" + hash + "88ac", 21}, Case{"a914" + hash + "87", 21}, Case{"21" "02" + key + "ac", 33},
                          Case{"21" "03" + key + "ac", 33}, Case{"41" "04" + key + y + "ac", 33}, Case{"0014" + hash, 23},
                          Case{"", 1}, Case{"51", 2}}) {
        const Bytes bytes = compressed(c.script);
        EXPECT_EQ(bytes.size(), c.size) << c.script;
        EXPECT_EQ(restored(bytes), c.script);
    }
}

TEST(ScriptCodec, KeepsUncompressedKeysThatAreNoPoint) {
    const std::string script = "41" "04" + std::string(128, '1') + "ac";
    EXPECT_EQ(compressed(script).size(), 1 + 67u);
    EXPECT_EQ(restored(compressed(script)), script);
    Bytes no_point{4};
    no_point.insert(no_point.end(), 32, 0xff);
    EXPECT_EQ(restored(no_point), "error");
}

TEST(ScriptCodec, ReadsScriptsTooLongToSpendAsUnspendable) {
    EXPECT_EQ(restored(compressed(std::string(2 * 10'001, '5'))), "6a");
    EXPECT_EQ(restored(compressed(std::string(2 * 10'000, '5'))).size(), 20'000u);
}

TEST(CoinCodec, ComesBackAndIsSmall) {
    Coin coin{5'000'000'000, *from_hex("76a914" "00112233445566778899aabbccddeeff00112233" "88ac"), 100'000, true};
    Bytes bytes;
    Writer writer(bytes);
    write_coin(writer, coin);
    EXPECT_EQ(bytes.size(), 25u);
    EXPECT_EQ(*parse_coin(bytes), coin);
    bytes.push_back(0);
    EXPECT_FALSE(parse_coin(bytes));
}

TEST(Undo, ComesBackAndRefusesDamage) {
    const Coin coin{7, {0x51}, 3, false};
    const SpentByBlock spent{{coin, coin}, {}, {coin}};
    Bytes bytes;
    write_undo(bytes, spent);
    EXPECT_EQ(*read_undo(bytes), spent);
    for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(read_undo(ByteSpan(bytes).first(size))) << size;
    const Bytes huge = *from_hex("feffffff01");
    EXPECT_FALSE(read_undo(huge));
}

TEST(Commitment, HasTheFormThatCoreHashes) {
    Bytes bytes;
    Writer writer(bytes);
    write_commitment(writer, {Txid(Uint256(Bytes(32, 0xab))), 2}, {258, Bytes{0x51}}, {3, true});
    std::string expected;
    for (int i = 0; i < 32; ++i) expected += "ab";
    EXPECT_EQ(to_hex(bytes), expected + "02000000" "07000000" "0201000000000000" "0151");
    EXPECT_EQ(bogo_size(25), 75u);
}

}  // namespace
}  // namespace cairn
