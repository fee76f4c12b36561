#include <univalue.h>

#include <iostream>

#include <gtest/gtest.h>

#include "consensus/base/hex.hpp"
#include "consensus/primitives/address.hpp"
#include "consensus/primitives/base58.hpp"
#include "consensus/primitives/bech32.hpp"
#include "tests/support/vectors.hpp"

namespace cairn {
namespace {

UniValue read_json(const std::filesystem::path& path) {
    UniValue json;
    EXPECT_TRUE(json.read(test::read_text(path))) << path;
    return json;
}

void report(const char* what, std::size_t count) {
    std::cout << what << ": " << count << " cases\n";
    if (count == 0) GTEST_SKIP() << "no vectors of this kind";
}

const AddressFormat& format_of(const std::string& chain) {
    if (chain == "main") return kMainAddresses;
    if (chain == "regtest") return kRegtestAddresses;
    return kTestAddresses;
}

std::string flip_case(std::string text) {
    for (char& c : text) {
        if (c >= 'a' && c <= 'z') {
            c = static_cast<char>(c - 'a' + 'A');
        } else if (c >= 'A' && c <= 'Z') {
            c = static_cast<char>(c - 'A' + 'a');
        }
    }
    return text;
}

void check_key(const std::string& text, const std::string& payload, const UniValue& info, const AddressFormat& format) {
    const auto key = decode_wif(text, format);
    ASSERT_TRUE(key) << text;
    EXPECT_EQ(to_hex(key->key.bytes()), payload) << text;
    EXPECT_EQ(key->compressed, info["isCompressed"].get_bool()) << text;
    EXPECT_EQ(encode_wif(*key, format), text);
    EXPECT_FALSE(decode_address(text, format)) << text;
}

void check_address(const std::string& text, const std::string& payload, const UniValue& info,
                   const AddressFormat& format) {
    const auto destination = decode_address(text, format);
    ASSERT_TRUE(destination) << text << ": " << destination.error().message;
    EXPECT_EQ(to_hex(script_for(*destination)), payload) << text;
    EXPECT_EQ(address_of(*from_hex(payload), format), text);
    EXPECT_FALSE(decode_wif(text, format)) << text;
    const bool flips = info["tryCaseFlip"].isTrue();
    const auto flipped = decode_address(flip_case(text), format);
    EXPECT_EQ(bool(flipped), flips) << text;
    EXPECT_TRUE(!flips || (flipped && *flipped == *destination)) << text;
}

TEST(KeyIo, ValidOnesDecodeAndEncode) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t count = 0;
    for (const auto& path : test::vector_files("keyio", "key_io_valid*.json")) {
        const UniValue json = read_json(path);
        for (const auto& row : json.getValues()) {
            const auto& info = row[2];
            const auto& format = format_of(info["chain"].get_str());
            const bool secret = info["isPrivkey"].get_bool();
            (secret ? check_key : check_address)(row[0].get_str(), row[1].get_str(), info, format);
            ++count;
        }
    }
    report("valid addresses and keys", count);
}

TEST(KeyIo, InvalidOnesDecodeOnNoNetwork) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t count = 0;
    for (const auto& path : test::vector_files("keyio", "key_io_invalid*.json")) {
        const UniValue json = read_json(path);
        for (const auto& row : json.getValues()) {
            const std::string text = row.isArray() ? row[0].get_str() : row.get_str();
            for (const auto& format : {kMainAddresses, kTestAddresses, kRegtestAddresses}) {
                EXPECT_FALSE(decode_address(text, format)) << text;
                EXPECT_FALSE(decode_wif(text, format)) << text;
            }
            ++count;
        }
    }
    report("invalid addresses and keys", count);
}

TEST(KeyIo, Base58EncodesAndDecodes) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t count = 0;
    for (const auto& path : test::vector_files("keyio", "base58*.json")) {
        const UniValue json = read_json(path);
        for (const auto& row : json.getValues()) {
            const Bytes data = from_hex(row[0].get_str()).value_or(Bytes());
            EXPECT_EQ(encode_base58(data), row[1].get_str());
            EXPECT_EQ(decode_base58(row[1].get_str(), 256), data) << row[1].get_str();
            ++count;
        }
    }
    report("base 58", count);
}

/// Every entry of BIP350's text in its order: valid strings (some in the note after "* "), invalid strings, valid
/// addresses with their script as note, invalid addresses.
TEST(KeyIo, Bip350Entries) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    const auto is_valid_string = [](const std::string& text) {
        const auto decoded = decode_bech32(text);
        return decoded && decoded->encoding == Bech32Encoding::bech32m;
    };
    const auto find_address = [](const std::string& text) -> std::optional<Destination> {
        for (const auto& format : {kMainAddresses, kTestAddresses}) {
            if (const auto destination = decode_address(text, format)) return *destination;
        }
        return std::nullopt;
    };
    std::size_t count = 0;
    for (const auto& path : test::vector_files("keyio", "bip350*.json")) {
        const UniValue json = read_json(path);
        for (const auto& row : json["all_tt_entries"].getValues()) {
            const std::string text = row[0].get_str(), note = row[1].get_str();
            const bool note_is_string = note.starts_with("* ");
            if (note_is_string || note.starts_with("No string can be simultaneously")) {
                EXPECT_TRUE(is_valid_string(text)) << text;
                EXPECT_TRUE(!note_is_string || is_valid_string(note.substr(2))) << note;
                count += note_is_string ? 2 : 1;
            } else if (is_hex(note)) {
                const auto destination = find_address(text);
                ASSERT_TRUE(destination) << text;
                EXPECT_EQ(to_hex(script_for(*destination)), note) << text;
                ++count;
            } else if (note == "HRP character out of range") {
                for (const char first : {'\x20', '\x7f', '\x80'}) EXPECT_FALSE(is_valid_string(first + text)) << text;
                ++count;
            } else {
                EXPECT_FALSE(find_address(text)) << text;
                // A sound Bech32m string may still be no address; only the rows about the string itself must fail.
                const bool is_address = text.size() >= 20 || text.starts_with("bc1");
                EXPECT_TRUE(is_address || !is_valid_string(text)) << text << " " << note;
                ++count;
            }
        }
    }
    report("BIP350", count);
}

TEST(KeyIo, LegacyAddressPairsAreMainNetworkKeyHashes) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t count = 0;
    for (const auto& path : test::vector_files("keyio", "*LegacyAddress*.txt")) {
        for (const auto& line : test::read_lines(path)) {
            for (std::size_t at = 0; at < line.size();) {
                const std::size_t end = std::min(line.find(',', at), line.size());
                const std::string text = line.substr(at, end - at);
                const auto destination = decode_address(text, kMainAddresses);
                ASSERT_TRUE(destination) << text;
                EXPECT_TRUE(std::holds_alternative<PayToPubkeyHash>(*destination));
                EXPECT_EQ(encode_address(*destination, kMainAddresses), text);
                EXPECT_FALSE(decode_address(text, kTestAddresses));
                ++count;
                at = end + 1;
            }
        }
    }
    report("legacy addresses", count);
}

}  // namespace
}  // namespace cairn
