#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "consensus/base/bytes.hpp"
#include "consensus/base/result.hpp"

/// Mnemonic sentences (BIP39).
namespace cairn::light {

enum class Language {
    english,
    japanese,
    korean,
    spanish,
    chinese_simplified,
    chinese_traditional,
    french,
    italian,
    czech,
    portuguese,
};
inline constexpr std::size_t kLanguages = 10;

/// "english", "chinese_simplified" …
std::string_view language_name(Language language);
std::optional<Language> language_by_name(std::string_view name);
/// The 2048 words, as the BIP's files have them.
std::span<const std::string_view, 2048> word_list(Language language);

/// What is wrong with a sentence.
struct MnemonicError {
    enum class Kind { word_count, unknown_word, checksum };
    Kind kind = Kind::word_count;
    std::size_t position = 0;  ///< of the unknown word, from 1
    std::string word;          ///< the unknown word
    std::string suggestion;    ///< a word of the list that begins alike; may be empty

    /// For people.
    std::string to_string() const;
};

/// The sentence for 16, 20, 24, 28 or 32 bytes; 12, 15, 18, 21 or 24 words.
std::string mnemonic_from_entropy(ByteSpan entropy, Language language = Language::english);
/// The bytes behind a sentence. Words may be separated by any space, and written composed or decomposed.
Result<Bytes, MnemonicError> entropy_of_mnemonic(std::string_view sentence, Language language);
/// The language whose list has all words of the sentence; the first when several have (Chinese). nullopt: none.
std::optional<Language> language_of_mnemonic(std::string_view sentence);
/// The seed for ExtendedKey::from_seed; of any words, whether or not they are a sentence of BIP39; one space stands between
/// words whatever stood there (2048 rounds of PBKDF2-SHA512).
std::array<std::uint8_t, 64> seed_of_mnemonic(std::string_view sentence, std::string_view passphrase);

}  // namespace cairn::light
