#include "light/keys/mnemonic.hpp"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <unordered_map>
#include <vector>

#include <fmt/format.h>
#include <utf8proc.h>

#include "consensus/base/check.hpp"
#include "consensus/crypto/hmac.hpp"
#include "consensus/crypto/hash.hpp"

namespace cairn::light {
namespace {

constexpr std::size_t kWords = 2048;
constexpr unsigned kRounds = 2048;
constexpr int kBitsPerWord = 11;

struct Source {
    std::string_view name, words;
};

// One word a line, in the order of Language. Source: the files of BIP39.
constexpr std::array<Source, kLanguages> kSources{{
    {"english",
#include "light/keys/wordlists/english.inc"
    },
    {"japanese",
#include "light/keys/wordlists/japanese.inc"
    },
    {"korean",
#include "light/keys/wordlists/korean.inc"
    },
    {"spanish",
#include "light/keys/wordlists/spanish.inc"
    },
    {"chinese_simplified",
#include "light/keys/wordlists/chinese_simplified.inc"
    },
    {"chinese_traditional",
#include "light/keys/wordlists/chinese_traditional.inc"
    },
    {"french",
#include "light/keys/wordlists/french.inc"
    },
    {"italian",
#include "light/keys/wordlists/italian.inc"
    },
    {"czech",
#include "light/keys/wordlists/czech.inc"
    },
    {"portuguese",
#include "light/keys/wordlists/portuguese.inc"
    },
}};

/// Compatibility decomposition (NFKD); bytes that are no UTF-8 stay as they are.
std::string decomposed(std::string_view text) {
    utf8proc_uint8_t* raw = nullptr;
    const auto size = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()), &raw,
                                   static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT));
    const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(raw, &std::free);
    if (size < 0) return std::string(text);
    return {reinterpret_cast<const char*>(raw), static_cast<std::size_t>(size)};
}

struct WordList {
    std::array<std::string_view, kWords> words;
    std::unordered_map<std::string, std::uint16_t> numbers;  ///< by the decomposed word
};

WordList load(std::string_view lines) {
    WordList list;
    for (std::size_t n = 0; n < kWords; ++n) {
        const std::size_t end = lines.find('\n');
        list.words[n] = lines.substr(0, end);
        list.numbers.emplace(decomposed(list.words[n]), static_cast<std::uint16_t>(n));
        if (end != std::string_view::npos) lines.remove_prefix(end + 1);
    }
    CAIRN_CHECK(list.numbers.size() == kWords);
    return list;
}

const WordList& list_of(Language language) {
    static const auto lists = [] {
        auto all = std::make_unique<std::array<WordList, kLanguages>>();
        for (std::size_t n = 0; n < kLanguages; ++n) (*all)[n] = load(kSources[n].words);
        return all;
    }();
    return (*lists)[static_cast<std::size_t>(language)];
}

/// The decomposed words. Decomposition makes every kind of space in use an ordinary one.
std::vector<std::string> split(std::string_view sentence) {
    const std::string plain = decomposed(sentence);
    std::vector<std::string> words;
    std::size_t at = 0;
    const auto is_space = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
    while (at < plain.size()) {
        while (at < plain.size() && is_space(plain[at])) ++at;
        const std::size_t begin = at;
        while (at < plain.size() && !is_space(plain[at])) ++at;
        if (at > begin) words.push_back(plain.substr(begin, at - begin));
    }
    return words;
}

/// The word of the list with the longest beginning in common, of at least two bytes.
std::string suggest(const std::string& word, const WordList& list) {
    std::size_t best = 1;
    std::string found;
    for (const std::string_view candidate : list.words) {
        const std::string plain = decomposed(candidate);
        const auto [end, other] = std::mismatch(word.begin(), word.end(), plain.begin(), plain.end());
        const auto common = static_cast<std::size_t>(end - word.begin());
        if (common > best) {
            best = common;
            found = candidate;
        }
    }
    return found;
}

bool bit(ByteSpan bytes, std::size_t n) { return bytes[n / 8] >> (7 - n % 8) & 1; }

bool is_word_count(std::size_t count) { return count >= 12 && count <= 24 && count % 3 == 0; }

}  // namespace

std::string_view language_name(Language language) { return kSources[static_cast<std::size_t>(language)].name; }

std::optional<Language> language_by_name(std::string_view name) {
    for (std::size_t n = 0; n < kLanguages; ++n) {
        if (kSources[n].name == name) return static_cast<Language>(n);
    }
    return std::nullopt;
}

std::span<const std::string_view, 2048> word_list(Language language) { return list_of(language).words; }

std::string MnemonicError::to_string() const {
    switch (kind) {
        case Kind::word_count: return "A sentence has 12, 15, 18, 21 or 24 words";
        case Kind::unknown_word:
            return fmt::format("Word {}, '{}', is not in the list of words", position, word) +
                   (suggestion.empty() ? std::string() : fmt::format("; did you mean '{}'?", suggestion));
        case Kind::checksum: break;
    }
    return "The last word does not fit the others: a word is wrong, or two are exchanged";
}

std::string mnemonic_from_entropy(ByteSpan entropy, Language language) {
    CAIRN_CHECK(entropy.size() >= 16 && entropy.size() <= 32 && entropy.size() % 4 == 0);
    const WordList& list = list_of(language);
    Bytes bits = to_bytes(entropy);
    bits.push_back(sha256(entropy).span()[0]);
    const std::string_view space = language == Language::japanese ? "\u3000" : " ";
    std::string sentence;
    for (std::size_t n = 0; n < entropy.size() * 3 / 4; ++n) {
        std::size_t number = 0;
        for (int i = 0; i < kBitsPerWord; ++i) number = number << 1 | bit(bits, n * kBitsPerWord + static_cast<std::size_t>(i));
        if (n > 0) sentence += space;
        sentence += list.words[number];
    }
    return sentence;
}

Result<Bytes, MnemonicError> entropy_of_mnemonic(std::string_view sentence, Language language) {
    using Kind = MnemonicError::Kind;
    const std::vector<std::string> words = split(sentence);
    if (!is_word_count(words.size())) return fail(MnemonicError{Kind::word_count, 0, {}, {}});
    const WordList& list = list_of(language);
    Bytes bits(words.size() * kBitsPerWord / 8 + 1);
    std::size_t at = 0;
    for (std::size_t n = 0; n < words.size(); ++n) {
        const auto found = list.numbers.find(words[n]);
        if (found == list.numbers.end()) return fail(MnemonicError{Kind::unknown_word, n + 1, words[n], suggest(words[n], list)});
        for (int i = kBitsPerWord - 1; i >= 0; --i, ++at)
            if (found->second >> i & 1) bits[at / 8] |= static_cast<std::uint8_t>(0x80 >> at % 8);
    }
    const std::size_t size = words.size() * 4 / 3, checked = size / 4;
    const Uint256 sum = sha256(ByteSpan(bits).first(size));
    for (std::size_t n = 0; n < checked; ++n)
        if (bit(bits, size * 8 + n) != bit(sum.span(), n)) return fail(MnemonicError{Kind::checksum, 0, {}, {}});
    bits.resize(size);
    return bits;
}

std::optional<Language> language_of_mnemonic(std::string_view sentence) {
    const std::vector<std::string> words = split(sentence);
    if (words.empty()) return std::nullopt;
    for (std::size_t n = 0; n < kLanguages; ++n) {
        const auto& numbers = list_of(static_cast<Language>(n)).numbers;
        if (std::ranges::all_of(words, [&](const std::string& word) { return numbers.contains(word); })) return static_cast<Language>(n);
    }
    return std::nullopt;
}

std::array<std::uint8_t, 64> seed_of_mnemonic(std::string_view sentence, std::string_view passphrase) {
    std::string password;
    for (const std::string& word : split(sentence)) password.append(password.empty() ? "" : " ").append(word);
    const std::string salt = decomposed("mnemonic" + std::string(passphrase));
    return pbkdf2_sha512(as_bytes(password), as_bytes(salt), kRounds);
}

}  // namespace cairn::light
