#include "light/keys/derived_entropy.hpp"

#include <iostream>
#include <sstream>

#include <gtest/gtest.h>

#include "consensus/crypto/sha3.hpp"
#include "consensus/rules/params.hpp"
#include "tests/support/json.hpp"

/// BIP85: the examples of its text.
namespace cairn::light {
namespace {

/// What stands behind `name` and '=' or ':' in a line of a list; empty when it stands not there.
std::string value_of(const std::string& line, const std::string& name) {
    const std::size_t at = line.find(name);
    if (!line.starts_with("*") || at == std::string::npos) return {};
    const std::size_t begin = line.find_first_not_of("=: ", at + name.size());
    return begin == std::string::npos ? "" : line.substr(begin);
}

/// An example: a master key, a path, what is derived.
struct Example {
    ExtendedKey master;
    std::vector<std::uint32_t> steps;  ///< behind the purpose, without the hardened bit
    Bytes entropy;
};

void check_application(const Example& example, const std::string& line, const ChainParams& params, std::size_t& results) {
    const auto& steps = example.steps;
    const std::uint32_t index = steps.back();
    if (const std::string words = value_of(line, "DERIVED BIP39 MNEMONIC"); !words.empty()) {
        ASSERT_EQ(steps.size(), 4u);
        EXPECT_EQ(steps[1], 0u);
        EXPECT_EQ(derived_mnemonic(example.master, Language::english, steps[2], index), words);
        ++results;
    }
    if (const std::string wif = value_of(line, "DERIVED WIF"); !wif.empty()) {
        EXPECT_EQ(encode_wif(*derived_key(example.master, index), params.addresses), wif);
        ++results;
    }
    if (const std::string text = value_of(line, "DERIVED PWD"); !text.empty()) {
        EXPECT_EQ(steps[0] == 707764 ? derived_password(example.master, steps[1], index) : derived_dense_password(example.master, steps[1], index), text);
        ++results;
    }
    if (const std::string text = value_of(line, "DERIVED ROLLS"); !text.empty()) {
        std::string ours;
        const auto rolls = derived_rolls(example.master, steps[1], steps[2], index);
        ASSERT_TRUE(rolls);
        for (const std::uint32_t roll : *rolls) ours += (ours.empty() ? "" : ",") + std::to_string(roll);
        EXPECT_EQ(ours, text);
        ++results;
    }
    if (const std::string text = value_of(line, "DRNG(80 bytes)"); !text.empty()) {
        EXPECT_EQ(to_hex(shake256(example.entropy, 80)), text);
        ++results;
    }
    if (const std::string text = value_of(line, "DERIVED XPRV"); !text.empty()) {
        EXPECT_EQ(derived_master(example.master, index)->private_text(params), text);
        ++results;
    }
}

TEST(DerivedEntropyVectors, AgreeWithTheStandard) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    const ChainParamsPtr params = make_params(Network::mainnet);
    std::size_t entropies = 0, results = 0;
    for (const auto& path : test::vector_files("bip_text_vectors", "bip0085*.txt")) {
        Example example;
        for (const std::string& line : test::read_lines(path)) {
            if (const auto key = parse_extended_key(value_of(line, "MASTER BIP32 ROOT KEY"), *params)) example.master = *key;
            std::string steps = value_of(line, "PATH");
            if (steps.empty() && line.starts_with("xprv")) example.master = *parse_extended_key(line, *params);
            if (const std::string misplaced = value_of(line, "MASTER BIP32 ROOT KEY"); misplaced.starts_with("m/")) steps = misplaced;
            if (!steps.empty()) {
                const auto parsed = parse_key_path(steps);
                ASSERT_TRUE(parsed.has_value()) << steps;
                example.steps.clear();
                for (const std::uint32_t step : parsed->steps) example.steps.push_back(step & ~kHardened);
                ASSERT_EQ(example.steps.at(0), 83696968u);
                example.steps.erase(example.steps.begin());
            }
            if (const std::string text = value_of(line, "DERIVED ENTROPY"); !text.empty()) {
                example.entropy = *from_hex(text);
                const auto ours = derived_entropy(example.master, example.steps);
                ASSERT_TRUE(ours.has_value()) << line;
                // Applications show the part that they use: the first bytes, of XPRV the last.
                const std::string whole = to_hex(*ours);
                EXPECT_TRUE(whole.starts_with(text) || (example.steps[0] == 32 && whole.ends_with(text))) << line;
                if (example.steps[0] == 128169) {
                    EXPECT_EQ(to_hex(*derived_bytes(example.master, example.steps[1], example.steps.back())), text);
                    ++results;
                }
                ++entropies;
            }
            if (!example.steps.empty()) check_application(example, line, *params, results);
        }
    }
    std::cout << "derived entropy: " << entropies << " entropies, " << results << " results of applications\n";
    EXPECT_GT(entropies, 0u);
}

}  // namespace
}  // namespace cairn::light
