#include "consensus/primitives/base58.hpp"

#include <algorithm>
#include <array>

#include "consensus/crypto/hash.hpp"

namespace cairn {
namespace {

constexpr std::string_view kAlphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
constexpr std::size_t kChecksumSize = 4;

constexpr std::array<std::int8_t, 256> make_values() {
    std::array<std::int8_t, 256> values{};
    values.fill(-1);
    for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
        values[static_cast<std::uint8_t>(kAlphabet[i])] = static_cast<std::int8_t>(i);
    }
    return values;
}
constexpr auto kValues = make_values();

bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/// number = number * base + digit, its digits least significant first.
void multiply_add(Bytes& number, unsigned from_base, unsigned digit, unsigned to_base) {
    unsigned carry = digit;
    for (auto& part : number) {
        carry += part * from_base;
        part = static_cast<std::uint8_t>(carry % to_base);
        carry /= to_base;
    }
    for (; carry != 0; carry /= to_base) number.push_back(static_cast<std::uint8_t>(carry % to_base));
}

}  // namespace

std::string encode_base58(ByteSpan data) {
    std::size_t zeros = 0;
    while (zeros < data.size() && data[zeros] == 0) ++zeros;
    Bytes digits;
    for (const std::uint8_t byte : data.subspan(zeros)) multiply_add(digits, 256, byte, 58);
    std::string text(zeros, kAlphabet[0]);
    for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit) text += kAlphabet[*digit];
    return text;
}

std::optional<Bytes> decode_base58(std::string_view text, std::size_t max_size) {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    std::size_t zeros = 0;
    while (zeros < text.size() && text[zeros] == kAlphabet[0]) ++zeros;
    if (zeros > max_size) return std::nullopt;

    Bytes number;
    for (const char c : text.substr(zeros)) {
        const int digit = kValues[static_cast<std::uint8_t>(c)];
        if (digit < 0) return std::nullopt;
        multiply_add(number, 58, static_cast<unsigned>(digit), 256);
        if (number.size() + zeros > max_size) return std::nullopt;
    }
    Bytes data(zeros);
    data.insert(data.end(), number.rbegin(), number.rend());
    return data;
}

std::string encode_base58_check(ByteSpan data) {
    Bytes whole = to_bytes(data);
    const Uint256 hash = hash256(data);
    whole.insert(whole.end(), hash.data(), hash.data() + kChecksumSize);
    return encode_base58(whole);
}

std::optional<Bytes> decode_base58_check(std::string_view text, std::size_t max_size) {
    auto whole = decode_base58(text, max_size + kChecksumSize);
    if (!whole || whole->size() < kChecksumSize) return std::nullopt;
    const ByteSpan data = ByteSpan(*whole).first(whole->size() - kChecksumSize);
    const Uint256 hash = hash256(data);
    if (!std::equal(hash.data(), hash.data() + kChecksumSize, whole->end() - kChecksumSize)) return std::nullopt;
    whole->resize(data.size());
    return whole;
}

}  // namespace cairn
