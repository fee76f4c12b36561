#include <iostream>

#include <gtest/gtest.h>

#include "light/psbt/psbt.hpp"
#include "tests/support/base64.hpp"
#include "tests/support/json.hpp"

/// The PSBTs of BIP174, BIP370 and BIP371, of Bitcoin Core and of other wallets.
namespace cairn::light {
namespace {

Result<Psbt, std::string> read(const std::string& base64) {
    const auto raw = test::from_base64(base64);
    if (!raw) return fail(std::string("no base64"));
    return Psbt::parse(*raw);
}

void expect_valid(const std::string& base64, const std::string& what) {
    const auto psbt = read(base64);
    ASSERT_TRUE(psbt.has_value()) << what << ": " << psbt.error();
    // Written and read once more it is the same; other writers sort their fields otherwise.
    const Bytes written = psbt->serialize();
    const auto again = Psbt::parse(written);
    ASSERT_TRUE(again.has_value()) << what << ": " << again.error();
    EXPECT_EQ(to_hex(again->serialize()), to_hex(written)) << what;
}

/// Is the case one that nobody must read?
bool is_invalid_case(const std::string& file, const std::string& name) {
    const auto starts = [&](std::string_view text) { return name.starts_with(text); };
    if (file.find("0371") != std::string::npos) return starts("Case: PSBT With ");
    if (file.find("0370") != std::string::npos)
        return starts("Case: PSBTv0 but") || starts("Case: PSBTv2 but") || starts("Case: PSBTv2 missing") || starts("Case: PSBTv2 with PSBT_IN_REQUIRED");
    return starts("Case: PSBT missing") || starts("Case: PSBT where one input has a filled") || starts("Case: PSBT where inputs and outputs are provided") ||
           starts("Case: PSBT with duplicate") || starts("Case: PSBT with invalid") || starts("Case: PSBT with an invalid") ||
           starts("Case: PSBT with unsigned tx serialized with witness");
}

TEST(PsbtVectors, AreReadOrRefusedAsTheStandardsSay) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t valid = 0, invalid = 0;
    for (const auto& path : test::vector_files("psbt", "bip*_base64.json")) {
        const UniValue file = test::load_json(path);
        for (const UniValue& entry : file.getValues()) {
            const std::string name = entry["case"].get_str(), base64 = entry["base64"].get_str();
            if (is_invalid_case(path.filename().string(), name)) {
                EXPECT_FALSE(read(base64).has_value()) << path << ": " << name;
                ++invalid;
            } else {
                expect_valid(base64, path.string() + ": " + name);
                ++valid;
            }
        }
    }
    std::cout << "PSBTs of the standards: " << valid << " valid, " << invalid << " invalid\n";
}

TEST(PsbtVectors, HaveTheLockTimesOfTheStandard) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t cases = 0;
    for (const auto& path : test::vector_files("psbt", "bip0370_base64*.json")) {
        const UniValue file = test::load_json(path);
        for (const UniValue& entry : file.getValues()) {
            const std::string name = entry["case"].get_str();
            const bool none = name == "Case: No locktimes specified" || name == "Case: Fallback locktime of 0";
            const bool impossible = name.starts_with("Case: Input 1 has PSBT_IN_REQUIRED_HEIGHT_LOCKTIME of 10000, Input 2 has PSBT_IN_REQUIRED_TIME_LOCKTIME");
            if (!none && !impossible) continue;
            const auto psbt = read(entry["base64"].get_str());
            ASSERT_TRUE(psbt.has_value()) << psbt.error();
            EXPECT_EQ(psbt->lock_time(), impossible ? std::nullopt : std::optional<std::uint32_t>(0)) << name;
            ++cases;
        }
    }
    std::cout << "lock times: " << cases << "\n";
}

TEST(PsbtVectors, OfBitcoinCore) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    for (const auto& path : test::vector_files("psbt", "core_rpc_psbt*.json")) {
        const UniValue file = test::load_json(path);
        for (const UniValue& text : file["invalid"].getValues()) EXPECT_FALSE(read(text.get_str()).has_value()) << text.get_str();
        for (const UniValue& entry : file["invalid_with_msg"].getValues()) {
            const auto psbt = read(entry[0].get_str());
            ASSERT_FALSE(psbt.has_value()) << entry.write();
            EXPECT_NE(psbt.error().find(entry[1].get_str()), std::string::npos) << psbt.error() << " is not " << entry[1].get_str();
        }
        for (const UniValue& text : file["valid"].getValues()) expect_valid(text.get_str(), "valid");
        for (const UniValue& entry : file["combiner"].getValues()) {
            auto combined = read(entry["combine"][0].get_str());
            ASSERT_TRUE(combined.has_value());
            for (const UniValue& text : entry["combine"].getValues()) EXPECT_TRUE(combined->merge(read(text.get_str()).value()));
            EXPECT_EQ(to_hex(combined->serialize()), to_hex(read(entry["result"].get_str())->serialize()));
        }
        std::cout << path.filename().string() << ": " << file["invalid"].size() + file["invalid_with_msg"].size() << " invalid, " << file["valid"].size()
                  << " valid, " << file["combiner"].size() << " combined\n";
    }
}

/// These files have unknown fields of the number 15, which BIP370 gave to the output's index afterwards.
bool uses_a_number_taken_since(const std::string& base64) {
    const auto psbt = read(base64);
    return !psbt && psbt.error().find("Input Previous Output's Index") != std::string::npos;
}

TEST(PsbtVectors, OfOtherWallets) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t valid = 0, invalid = 0;
    for (const auto& path : test::vector_files("psbt", "nbitcoin_psbt*.json")) {
        const UniValue file = test::load_json(path);
        for (const UniValue& text : file["valid"].getValues()) {
            if (uses_a_number_taken_since(text.get_str())) continue;
            expect_valid(text.get_str(), "nbitcoin");
            ++valid;
        }
        for (const UniValue& text : file["invalid"].getValues()) {
            EXPECT_FALSE(read(text.get_str()).has_value()) << text.get_str();
            ++invalid;
        }
        for (const char* name : {"psbtUnknown0", "psbtUnknown1", "psbtUnknown2"}) EXPECT_TRUE(uses_a_number_taken_since(file[name].get_str())) << name;
    }
    std::cout << "PSBTs of other wallets: " << valid << " valid, " << invalid << " invalid\n";
}

/// Bytes, base64 or hex, as the files come.
std::optional<Bytes> psbt_bytes(const std::filesystem::path& path) {
    const Bytes raw = test::read_file(path);
    if (raw.size() > 5 && raw[0] == 'p' && raw[4] == 0xff) return raw;
    std::string text(raw.begin(), raw.end());
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
    return is_hex(text) ? from_hex(text) : test::from_base64(text);
}

TEST(PsbtVectors, OfFilesAreReadWithoutHarm) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t files = 0, good = 0;
    for (const char* pattern : {"*.psbt", "*.hex"}) {
        for (const auto& path : test::vector_files("psbt", pattern)) {
            ++files;
            const auto bytes = psbt_bytes(path);
            if (!bytes) continue;
            const auto psbt = Psbt::parse(*bytes);
            if (!psbt) {
                std::cout << "  " << path.filename().string() << ": " << psbt.error() << "\n";
                continue;
            }
            ++good;
            const Bytes written = psbt->serialize();
            EXPECT_EQ(Psbt::parse(written)->serialize(), written) << path;
        }
    }
    std::cout << files << " files of wallets and fuzzers, " << good << " valid\n";
}

}  // namespace
}  // namespace cairn::light
