#include <iostream>

#include <gtest/gtest.h>

#include "consensus/rules/params.hpp"
#include "light/keys/extended_key.hpp"
#include "light/keys/mnemonic.hpp"
#include "tests/support/json.hpp"

/// The vectors of BIP32 and BIP39, of the standards and of other wallets.
namespace cairn::light {
namespace {

const ChainParams& params() {
    static const ChainParamsPtr mainnet = make_params(Network::mainnet);
    return *mainnet;
}

ExtendedKey master_of(ByteSpan seed) {
    const auto master = ExtendedKey::from_seed(seed);
    EXPECT_TRUE(master.has_value());
    return *master;
}

ExtendedKey child_of(const ExtendedKey& master, const std::string& path) {
    const auto steps = parse_key_path(path);
    EXPECT_TRUE(steps.has_value()) << path;
    const auto child = master.derive(steps->steps);
    EXPECT_TRUE(child.has_value()) << path;
    return *child;
}

void expect_key(const ExtendedKey& key, const std::string& xpub, const std::string& xprv) {
    EXPECT_EQ(key.public_text(params()), xpub);
    EXPECT_EQ(key.private_text(params()), xprv);
    const auto read = parse_extended_key(xpub, params());
    ASSERT_TRUE(read.has_value()) << xpub;
    EXPECT_EQ(read->public_text(params()), xpub);
}

TEST(Bip32Vectors, DeriveTheKeysOfTheChains) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t keys = 0, invalid = 0;
    for (const auto& path : test::vector_files("hd", "bip32_vectors*.json")) {
        const UniValue file = test::load_json(path);
        for (const UniValue& entry : file["valid"].getValues()) {
            const ExtendedKey master = master_of(test::hex_of(entry["seed"]));
            for (const UniValue& chain : entry["chains"].getValues()) {
                expect_key(child_of(master, chain["path"].get_str()), chain["xpub"].get_str(), chain["xprv"].get_str());
                ++keys;
            }
        }
        for (const UniValue& entry : file["invalid"].getValues()) {
            EXPECT_FALSE(parse_extended_key(entry["key"].get_str(), params()).has_value()) << entry["why"].get_str();
            ++invalid;
        }
    }
    std::cout << "BIP32: " << keys << " keys, " << invalid << " that are none\n";
}

TEST(Bip32Vectors, DeriveTheKeysOfTheFormWithPathsAsNames) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t keys = 0;
    for (const auto& path : test::vector_files("hd", "bcoin_hd*.json")) {
        const UniValue file = test::load_json(path);
        for (const std::string& name : file.getKeys()) {
            const UniValue& vector = file[name];
            if (!vector.isObject() || !vector.exists("seed")) continue;
            const ExtendedKey master = master_of(test::hex_of(vector["seed"]));
            for (const std::string& chain : vector.getKeys()) {
                if (!vector[chain].isObject() || !vector[chain].exists("prv")) continue;
                expect_key(child_of(master, chain), vector[chain]["pub"].get_str(), vector[chain]["prv"].get_str());
                ++keys;
            }
        }
    }
    std::cout << "BIP32, by path: " << keys << " keys\n";
}

TEST(Bip32Vectors, FollowSentencesToTheKeysOfHardwareWallets) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t keys = 0;
    for (const auto& path : test::vector_files("hd", "hwi_bip32*.json")) {
        const UniValue file = test::load_json(path);
        for (const UniValue& entry : file.getValues()) {
            const ExtendedKey master = master_of(seed_of_mnemonic(entry["mnemonic"].get_str(), ""));
            for (const UniValue& vector : entry["vectors"].getValues()) {
                EXPECT_EQ(child_of(master, vector["path"].get_str()).public_text(params()), vector["xpub"].get_str()) << vector["path"].get_str();
                ++keys;
            }
        }
    }
    std::cout << "BIP32 of sentences: " << keys << " keys\n";
}

struct SentenceCase {
    std::string entropy, sentence, passphrase, seed, xprv;
};

std::vector<SentenceCase> sentence_cases(const std::filesystem::path& path) {
    std::vector<SentenceCase> cases;
    const UniValue file = test::load_json(path);
    for (const UniValue& entry : file.getValues()) {
        if (entry.isArray()) {
            const auto& row = entry.getValues();
            const std::size_t tail = row.size() - 2;
            cases.push_back({row[0].get_str(), row[1].get_str(), tail == 3 ? row[2].get_str() : "TREZOR", row[tail].get_str(), row[tail + 1].get_str()});
        } else {
            cases.push_back({entry["entropy"].get_str(), entry["mnemonic"].get_str(), entry["passphrase"].get_str(), entry["seed"].get_str(),
                             entry["bip32_xprv"].get_str()});
        }
    }
    return cases;
}

TEST(Bip39Vectors, MakeSentencesEntropySeedAndMasterKey) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    for (const auto& path : test::vector_files("hd", "bip39_*.json")) {
        std::size_t cases = 0;
        for (const SentenceCase& one : sentence_cases(path)) {
            const Bytes entropy = from_hex(one.entropy).value();
            const auto language = language_of_mnemonic(one.sentence);
            ASSERT_TRUE(language.has_value()) << one.sentence;
            // A sentence of common Chinese words may be in both lists, with different numbers: one of them has this entropy.
            const bool traditional = *language == Language::chinese_simplified && entropy_of_mnemonic(one.sentence, *language) != entropy;
            const Language used = traditional ? Language::chinese_traditional : *language;
            EXPECT_EQ(entropy_of_mnemonic(one.sentence, used), entropy);
            const auto seed = seed_of_mnemonic(one.sentence, one.passphrase);
            EXPECT_EQ(to_hex(seed), one.seed) << one.sentence;
            // The files write accents in one way or the other: the seed, of the decomposed letters, tells that words are the same.
            EXPECT_EQ(seed_of_mnemonic(mnemonic_from_entropy(entropy, used), one.passphrase), seed) << one.sentence;
            EXPECT_EQ(master_of(seed).private_text(params()), one.xprv);
            ++cases;
        }
        std::cout << path.filename().string() << ": " << cases << " sentences\n";
    }
}

TEST(Bip39Vectors, HaveTheWordsOfTheLists) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t lists = 0;
    for (const auto& path : test::vector_files("hd/bip39_wordlists", "*.txt")) {
        const auto language = language_by_name(path.stem().string());
        ASSERT_TRUE(language.has_value()) << path;
        const auto words = word_list(*language);
        const auto lines = test::read_lines(path);
        ASSERT_EQ(lines.size(), words.size());
        for (std::size_t n = 0; n < words.size(); ++n) EXPECT_EQ(lines[n], words[n]);
        ++lists;
    }
    std::cout << lists << " word lists\n";
}

}  // namespace
}  // namespace cairn::light
