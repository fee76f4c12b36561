#include "light/keys/derived_entropy.hpp"

#include <algorithm>
#include <bit>

#include "consensus/crypto/hmac.hpp"
#include "consensus/crypto/sha3.hpp"

namespace cairn::light {
namespace {

constexpr std::uint32_t kPurpose = 83696968, kMnemonic = 39, kKey = 2, kMaster = 32, kBytes = 128169, kPassword64 = 707764,
                        kPassword85 = 707785, kDice = 89101;
constexpr std::string_view kDigits64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kDigits85 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";  // RFC 1924
constexpr std::string_view kHmacKey = "bip-entropy-from-k";

/// As BIP85 numbers them.
std::uint32_t language_number(Language language) {
    switch (language) {
        case Language::english: return 0;
        case Language::japanese: return 1;
        case Language::korean: return 2;
        case Language::spanish: return 3;
        case Language::chinese_simplified: return 4;
        case Language::chinese_traditional: return 5;
        case Language::french: return 6;
        case Language::italian: return 7;
        case Language::czech: return 8;
        case Language::portuguese: return 9;
    }
    return 0;
}

/// Groups of `bytes` bytes become groups of `digits.size()`-ary digits, the first one first.
std::string in_digits(ByteSpan entropy, std::size_t bytes, int count, std::string_view digits) {
    std::string text;
    for (std::size_t at = 0; at < entropy.size(); at += bytes) {
        std::uint64_t group = 0;
        for (std::size_t i = 0; i < bytes; ++i) group = group << 8 | (at + i < entropy.size() ? entropy[at + i] : 0u);
        std::string part(static_cast<std::size_t>(count), ' ');
        for (auto digit = part.rbegin(); digit != part.rend(); ++digit, group /= digits.size()) *digit = digits[group % digits.size()];
        text += part;
    }
    return text;
}

std::optional<std::string> password(const ExtendedKey& master, std::uint32_t application, std::uint32_t length, std::uint32_t index) {
    const std::uint32_t steps[] = {application, length, index};
    const auto entropy = derived_entropy(master, steps);
    if (!entropy) return std::nullopt;
    const std::string text = application == kPassword64 ? in_digits(*entropy, 3, 4, kDigits64) : in_digits(*entropy, 4, 5, kDigits85);
    return text.substr(0, length);
}

}  // namespace

std::optional<SecretBytes> derived_entropy(const ExtendedKey& master, std::span<const std::uint32_t> steps) {
    if (!master.private_key) return std::nullopt;
    std::vector<std::uint32_t> path{kHardened | kPurpose};
    for (const std::uint32_t step : steps) {
        if (step >= kHardened) return std::nullopt;
        path.push_back(kHardened | step);
    }
    const auto child = master.derive(path);
    if (!child) return std::nullopt;
    const ByteSpan key(reinterpret_cast<const std::uint8_t*>(kHmacKey.data()), kHmacKey.size());
    const auto entropy = hmac_sha512(key, child->private_key->bytes());
    return SecretBytes(entropy.begin(), entropy.end());
}

std::optional<std::string> derived_mnemonic(const ExtendedKey& master, Language language, std::uint32_t words, std::uint32_t index) {
    if (words < 12 || words > 24 || words % 3 != 0) return std::nullopt;
    const std::uint32_t steps[] = {kMnemonic, language_number(language), words, index};
    const auto entropy = derived_entropy(master, steps);
    if (!entropy) return std::nullopt;
    return mnemonic_from_entropy(ByteSpan(*entropy).first(words / 3 * 4), language);
}

std::optional<WalletKey> derived_key(const ExtendedKey& master, std::uint32_t index) {
    const std::uint32_t steps[] = {kKey, index};
    const auto entropy = derived_entropy(master, steps);
    const auto key = entropy ? PrivateKey::parse(ByteSpan(*entropy).first(32)) : std::nullopt;
    if (!key) return std::nullopt;
    return WalletKey{*key, true};
}

std::optional<ExtendedKey> derived_master(const ExtendedKey& master, std::uint32_t index) {
    const std::uint32_t steps[] = {kMaster, index};
    const auto entropy = derived_entropy(master, steps);
    const auto key = entropy ? PrivateKey::parse(ByteSpan(*entropy).last(32)) : std::nullopt;
    if (!key) return std::nullopt;
    ExtendedKey derived;
    derived.chain_code = Uint256(ByteSpan(*entropy).first(32));
    derived.private_key = *key;
    derived.public_key = key->public_key();
    return derived;
}

std::optional<SecretBytes> derived_bytes(const ExtendedKey& master, std::uint32_t size, std::uint32_t index) {
    if (size < 16 || size > 64) return std::nullopt;
    const std::uint32_t steps[] = {kBytes, size, index};
    auto entropy = derived_entropy(master, steps);
    if (entropy) entropy->resize(size);
    return entropy;
}

std::optional<std::string> derived_password(const ExtendedKey& master, std::uint32_t length, std::uint32_t index) {
    return length < 20 || length > 86 ? std::nullopt : password(master, kPassword64, length, index);
}

std::optional<std::string> derived_dense_password(const ExtendedKey& master, std::uint32_t length, std::uint32_t index) {
    return length < 10 || length > 80 ? std::nullopt : password(master, kPassword85, length, index);
}

std::optional<std::vector<std::uint32_t>> derived_rolls(const ExtendedKey& master, std::uint32_t sides, std::uint32_t rolls, std::uint32_t index) {
    if (sides < 2 || rolls < 1 || rolls > kMaxRolls) return std::nullopt;
    const std::uint32_t steps[] = {kDice, sides, rolls, index};
    const auto entropy = derived_entropy(master, steps);
    if (!entropy) return std::nullopt;
    const auto bits = static_cast<unsigned>(std::bit_width(sides - 1));
    const std::size_t bytes = (bits + 7) / 8;
    std::vector<std::uint32_t> shown;
    // At least every second number is one of the die's; more of the stream is taken until there are enough.
    for (std::size_t length = bytes * (2 * std::size_t{rolls} + 64);; length *= 2) {
        const SecretBytes stream = shake256(*entropy, length);
        shown.clear();
        for (std::size_t at = 0; at + bytes <= stream.size() && shown.size() < rolls; at += bytes) {
            std::uint64_t number = 0;
            for (std::size_t i = 0; i < bytes; ++i) number = number << 8 | stream[at + i];
            number >>= 8 * bytes - bits;
            if (number < sides) shown.push_back(static_cast<std::uint32_t>(number));
        }
        if (shown.size() == rolls) return shown;
    }
}

}  // namespace cairn::light
