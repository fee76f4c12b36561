#include "light/keys/derived_entropy.hpp"

#include <algorithm>

#include "consensus/crypto/hmac.hpp"

namespace cairn::light {
namespace {

constexpr std::uint32_t kPurpose = 83696968, kMnemonic = 39, kKey = 2, kMaster = 32, kBytes = 128169;
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

}  // namespace cairn::light
