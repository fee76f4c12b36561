#include "consensus/primitives/address.hpp"

#include <numeric>

#include <gtest/gtest.h>

#include "consensus/base/hex.hpp"
#include "consensus/primitives/base58.hpp"
#include "consensus/primitives/bech32.hpp"

namespace cairn {
namespace {

struct Invalid {
    const char* text;
    const char* message;
    std::vector<int> positions;
};

void expect_invalid(const Invalid& test, const AddressFormat& format) {
    const auto decoded = decode_address(test.text, format);
    ASSERT_FALSE(decoded) << test.text;
    EXPECT_EQ(decoded.error().message, test.message) << test.text;
    EXPECT_EQ(decoded.error().positions, test.positions) << test.text;
}

TEST(Address, SaysWhatIsWrongOnMain) {
    const char* const not_ours = "Invalid or unsupported Segwit (Bech32) or Base58 encoding.";
    const Invalid tests[] = {
        {"tc1qw508d6qejxtdg4y5r3zarvary0c5xw7kg3g4ty", not_ours, {}},
        {"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", "Invalid Bech32 checksum", {41}},
        {"BC13W508D6QEJXTDG4Y5R3ZARVARY0C5XW7KN40WF2", "Version 1+ witness address must use Bech32m checksum", {}},
        {"BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P", "Invalid Bech32 v0 address program size (16 bytes), per BIP141", {}},
        {"BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3t4", "Invalid character or mixed case", {40}},
        {"bc1gmk9yu", "Empty Bech32 data section", {}},
        {"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh", "Version 0 witness address must use Bech32 checksum", {}},
        {"bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4", "Invalid Base 32 character", {59}},
        {"BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R",
         "Invalid Bech32 address witness version",
         {}},
        {"bc1pw5dgrnzv", "Invalid Bech32 address program size (1 byte)", {}},
        {"bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v8n0nx0muaewav253zgeav",
         "Invalid Bech32 address program size (41 bytes)",
         {}},
        {"bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf",
         "Invalid padding in Bech32 data section",
         {}},
        {"bcrt1qtmp74ayg7p24uslctssvjm06q5phz4yrxucgnv",
         "Invalid or unsupported prefix for Segwit (Bech32) address (expected bc, got bcrt).",
         {}},
        {"mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", "Invalid or unsupported Base58-encoded address.", {}},
        {"", "Invalid checksum or length of Base58 address (P2PKH or P2SH)", {}},
        {"bc1", "Invalid separator position", {2}},
        {"bc", "Missing separator", {}},
    };
    for (const auto& test : tests) expect_invalid(test, kMainAddresses);
}

TEST(Address, FindsWrongCharactersOnRegtest) {
    std::vector<int> beyond(18);
    std::iota(beyond.begin(), beyond.end(), 90);
    const Invalid tests[] = {
        {"bcrt1q049edschfnwystcqnsvyfpj23mpsg3jcedq9xv", "Invalid Bech32 checksum", {9}},
        {"bcrt1qax9suht3qv95sw33xavx8crpxduefdrsvgsklu", "Invalid Bech32 checksum", {22, 43}},
        {"BCRT1QPLMTZKC2XHARPPZDLNPAQL78RSHJ68U32RAH7R", "Invalid Bech32 checksum", {38}},
        {"bcrt1qdg3myrgvzw7ml8q0ejxhlkyxn7vl9r56yzkfgvzclrf4hkpx9yfqhpsuks", "Invalid Bech32 checksum", {19, 30}},
        {"bcrt1ptmp74ayg7p24uslctssvjm06q5phz4yrxucgnv", "Invalid Bech32 checksum", {5}},
        {"bcrtq049ldschfnwystcqnsvyfpj23mpsg3jcedq9xv", "Missing separator", {}},
        {"bcrt1q04oldschfnwystcqnsvyfpj23mpsg3jcedq9xv", "Invalid Base 32 character", {8}},
        {"bcrt1q049edschfnwystcqnsvyfpj23mpsg3jcedq9xv049edschfnwystcqnsvyfpj23mpsg3jcedq9xv049edschfnwystcqnsvyfpj23m",
         "Bech32 string too long", beyond},
        {"17VZNX1SN5NtKa8UQFxwQbFeFc3iqRYhem", "Invalid or unsupported Base58-encoded address.", {}},
        {"mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJJfn", "Invalid checksum or length of Base58 address (P2PKH or P2SH)", {}},
        {"2VKf7XKMrp4bVNVmuRbyCewkP8FhGLP2E54LHDPakr9Sq5mtU2",
         "Invalid checksum or length of Base58 address (P2PKH or P2SH)",
         {}},
        {"asfah14i8fajz0123f", "Invalid or unsupported Segwit (Bech32) or Base58 encoding.", {}},
    };
    for (const auto& test : tests) expect_invalid(test, kRegtestAddresses);
}

TEST(Address, TooShortBase58DataHasTheWrongLength) {
    const Bytes data(20);
    const auto decoded = decode_address(encode_base58_check(data), kMainAddresses);
    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error().message, "Invalid length for Base58 address (P2PKH or P2SH)");
}

TEST(Address, EveryKindGoesThereAndBack) {
    Hash160 hash;
    std::iota(hash.begin(), hash.end(), 1);
    const Uint256 word{ByteSpan(Bytes(32, 7))};
    const Destination destinations[] = {PayToPubkeyHash{hash},
                                        PayToScriptHash{hash},
                                        PayToWitnessPubkeyHash{hash},
                                        PayToWitnessScriptHash{word},
                                        PayToTaproot{word},
                                        PayToAnchor{},
                                        PayToWitnessUnknown{2, Bytes(32, 1)},
                                        PayToWitnessUnknown{16, {1, 2}}};
    for (const auto& format : {kMainAddresses, kTestAddresses, kRegtestAddresses}) {
        for (const auto& destination : destinations) {
            const std::string text = encode_address(destination, format);
            const auto decoded = decode_address(text, format);
            ASSERT_TRUE(decoded) << text;
            EXPECT_EQ(*decoded, destination) << text;
            EXPECT_EQ(destination_of(script_for(destination)), destination) << text;
            EXPECT_EQ(address_of(script_for(destination), format), text);
        }
    }
    EXPECT_EQ(encode_address(PayToAnchor{}, kMainAddresses), "bc1pfeessrawgf");
    EXPECT_EQ(to_hex(script_for(PayToAnchor{})), "51024e73");
}

TEST(Address, ScriptsWithoutOneHaveNone) {
    for (const char* hex : {"", "6a", "51", "5101aa", "0010000102030405060708090a0b0c0d0e0f", "00140102",
                            "21028d7500dd4c12685d1f568b4c2b5048e8534b873319f3a8daa612b469132ec7f7ac"}) {
        EXPECT_FALSE(destination_of(from_hex(hex).value_or(Bytes()))) << hex;
    }
}

TEST(Wif, ReadsAndWritesBothShapes) {
    const auto key = PrivateKey::parse(*from_hex("0c28fca386c7a227600b2fe50b7cae11ec86d3bf1fbe471be89827e19d72aa1d"));
    ASSERT_TRUE(key);
    EXPECT_EQ(encode_wif({*key, false}, kMainAddresses), "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ");
    const std::string compressed = encode_wif({*key, true}, kMainAddresses);
    EXPECT_EQ(compressed, "KwdMAjGmerYanjeui5SHS7JkmpZvVipYvB2LJGU1ZxJwYvP98617");
    const auto decoded = decode_wif(compressed, kMainAddresses);
    ASSERT_TRUE(decoded);
    EXPECT_TRUE(decoded->compressed);
    EXPECT_TRUE(std::ranges::equal(decoded->key.bytes(), key->bytes()));
    EXPECT_FALSE(decode_wif(compressed, kTestAddresses));
    EXPECT_FALSE(decode_wif("KwdMAjGmerYanjeui5SHS7JkmpZvVipYvB2LJGU1ZxJwYvP98618", kMainAddresses));
}

TEST(Base58, PassesOverWhiteSpaceAroundOnly) {
    EXPECT_EQ(decode_base58(" \t\n2NEpo7TZRRrLZSi2U \n", 100), from_hex("48656c6c6f20576f726c6421"));
    EXPECT_FALSE(decode_base58("2NEpo7 TZRRrLZSi2U", 100));
    EXPECT_FALSE(decode_base58(std::string_view("2NEpo7\0TZ", 9), 100));
    EXPECT_FALSE(decode_base58("11111", 4));
    EXPECT_EQ(decode_base58("", 4), Bytes());
}

TEST(Bech32, FindsEverySingleAndManyDoubleErrors) {
    const std::string good = "bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3";
    ASSERT_TRUE(locate_bech32_fault(good).message.empty());
    for (std::size_t i = 3; i < good.size(); ++i) {
        std::string bad = good;
        bad[i] = bad[i] == 'q' ? 'p' : 'q';
        EXPECT_EQ(locate_bech32_fault(bad).positions, std::vector<int>{static_cast<int>(i)});
    }
    for (std::size_t i = 3; i + 9 < good.size(); i += 5) {
        std::string bad = good;
        bad[i] = bad[i] == 'q' ? 'p' : 'q';
        bad[i + 7] = bad[i + 7] == 'z' ? 'x' : 'z';
        EXPECT_EQ(locate_bech32_fault(bad).positions, (std::vector<int>{static_cast<int>(i), static_cast<int>(i + 7)}));
    }
}

}  // namespace
}  // namespace cairn
