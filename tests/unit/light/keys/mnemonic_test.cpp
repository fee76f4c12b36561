#include "light/keys/mnemonic.hpp"

#include <set>

#include <gtest/gtest.h>

#include "consensus/base/hex.hpp"
#include "consensus/crypto/random.hpp"
#include "consensus/rules/params.hpp"
#include "light/keys/extended_key.hpp"

namespace cairn::light {
namespace {

constexpr std::string_view kAbandon = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";

// BIP39, reference vectors.
TEST(Mnemonic, MakesTheSentencesOfTheStandard) {
    EXPECT_EQ(mnemonic_from_entropy(Bytes(16, 0)), kAbandon);
    EXPECT_EQ(mnemonic_from_entropy(Bytes(16, 0x7f)), "legal winner thank year wave sausage worth useful legal winner thank yellow");
    EXPECT_EQ(mnemonic_from_entropy(Bytes(32, 0xff)).substr(0, 20), "zoo zoo zoo zoo zoo ");
    EXPECT_EQ(to_hex(seed_of_mnemonic(kAbandon, "TREZOR")),
              "c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f2cf141630c7a3c4ab7c81b2f001698e7463b04");
}

TEST(Mnemonic, ReadsBackWhatItMadeInEveryLanguageAndLength) {
    FastRandom random(1);
    for (std::size_t n = 0; n < kLanguages; ++n) {
        const auto language = static_cast<Language>(n);
        EXPECT_EQ(language_by_name(language_name(language)), language);
        for (std::size_t size = 16; size <= 32; size += 4) {
            Bytes entropy(size);
            random.fill(entropy);
            const std::string sentence = mnemonic_from_entropy(entropy, language);
            const auto back = entropy_of_mnemonic(sentence, language);
            ASSERT_TRUE(back.has_value()) << sentence << ": " << back.error().to_string();
            EXPECT_EQ(*back, entropy) << sentence;
            const auto guessed = language_of_mnemonic(sentence);
            ASSERT_TRUE(guessed.has_value());
            EXPECT_EQ(entropy_of_mnemonic(sentence, *guessed).has_value(), true) << sentence;
        }
    }
}

TEST(Mnemonic, SaysWhatIsWrong) {
    const auto wrong = [](std::string_view sentence) { return entropy_of_mnemonic(sentence, Language::english).error(); };
    EXPECT_EQ(wrong("abandon abandon").kind, MnemonicError::Kind::word_count);
    EXPECT_EQ(wrong("").kind, MnemonicError::Kind::word_count);
    const auto unknown = wrong("abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon aboot");
    EXPECT_EQ(unknown.kind, MnemonicError::Kind::unknown_word);
    EXPECT_EQ(unknown.position, 12u);
    EXPECT_EQ(unknown.suggestion.substr(0, 3), "abo");
    EXPECT_EQ(wrong("abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon").kind,
              MnemonicError::Kind::checksum);
    EXPECT_FALSE(language_of_mnemonic("no such words").has_value());
}

TEST(Mnemonic, ReadsAnySpaceAndComposedLetters) {
    EXPECT_TRUE(entropy_of_mnemonic("  abandon abandon\tabandon abandon abandon abandon\nabandon abandon abandon abandon abandon about ", Language::english));
    const std::string sentence = mnemonic_from_entropy(Bytes(16, 0), Language::spanish);  // ábaco …
    std::string composed = sentence;
    for (std::size_t at; (at = composed.find("a\u0301")) != std::string::npos;) composed.replace(at, 3, "á");
    EXPECT_NE(composed, sentence);
    EXPECT_EQ(entropy_of_mnemonic(composed, Language::spanish), Bytes(16, 0));
    EXPECT_EQ(seed_of_mnemonic(composed, ""), seed_of_mnemonic(sentence, ""));
}

TEST(Mnemonic, HasDistinctWordsInEveryList) {
    for (std::size_t n = 0; n < kLanguages; ++n) {
        const auto words = word_list(static_cast<Language>(n));
        EXPECT_EQ(std::set<std::string_view>(words.begin(), words.end()).size(), 2048u);
    }
    EXPECT_EQ(word_list(Language::english)[2047], "zoo");
}

// BIP84, the test vectors' account.
TEST(ExtendedKey, FollowsASentenceToItsAccount) {
    const ChainParamsPtr mainnet = make_params(Network::mainnet);
    const ChainParams& params = *mainnet;
    const auto master = ExtendedKey::from_seed(seed_of_mnemonic(kAbandon, ""));
    ASSERT_TRUE(master.has_value());
    const auto account = master->derive(parse_key_path("m/86'/0'/0'")->steps);
    EXPECT_EQ(account->private_text(params),
              "xprv9xgqHN7yz9MwCkxsBPN5qetuNdQSUttZNKw1dcYTV4mkaAFiBVGQziHs3NRSWMkCzvgjEe3n9xV8oYywvM8at9yRqyaZVz6TYYhX98VjsUk");
    EXPECT_EQ(account->public_text(params),
              "xpub6BgBgsespWvERF3LHQu6CnqdvfEvtMcQjYrcRzx53QJjSxarj2afYWcLteoGVky7D3UKDP9QyrLprQ3VCECoY49yfdDEHGCtMMj92pReUsQ");
    const auto back = parse_extended_key(account->private_text(params), params);
    ASSERT_TRUE(back.has_value());
    EXPECT_EQ(back->public_text(params), account->public_text(params));
    EXPECT_FALSE(account->neutered().derive(kHardened).has_value());
    EXPECT_EQ(account->neutered().derive(7)->public_text(params), account->derive(7)->public_text(params));
}

TEST(ExtendedKey, RefusesSeedsOfTheWrongSize) {
    EXPECT_FALSE(ExtendedKey::from_seed(Bytes(15, 1)).has_value());
    EXPECT_FALSE(ExtendedKey::from_seed(Bytes(65, 1)).has_value());
    EXPECT_TRUE(ExtendedKey::from_seed(Bytes(16, 1)).has_value());
}

TEST(KeyPath, ReadsBothMarksAndRefusesTheRest) {
    EXPECT_EQ(parse_key_path("m")->steps.size(), 0u);
    EXPECT_EQ(parse_key_path("m/84h/0'/7")->steps, (std::vector<std::uint32_t>{84 | kHardened, kHardened, 7}));
    EXPECT_EQ(key_path_text(parse_key_path("84h/1")->steps), "/84h/1");
    EXPECT_EQ(key_path_text(parse_key_path("84'/1")->steps, true), "/84'/1");
    EXPECT_FALSE(parse_key_path("m/").has_value());
    EXPECT_FALSE(parse_key_path("m/x").has_value());
    EXPECT_FALSE(parse_key_path("m/2147483648").has_value());
    EXPECT_FALSE(parse_key_path("m/1hh").has_value());
}

}  // namespace
}  // namespace cairn::light
