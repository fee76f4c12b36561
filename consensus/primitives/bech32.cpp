#include "consensus/primitives/bech32.hpp"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "consensus/base/check.hpp"

namespace cairn {
namespace {

constexpr std::string_view kAlphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr char kSeparator = '1';
constexpr std::size_t kChecksumSize = 6;

constexpr std::array<std::int8_t, 256> make_values() {
    std::array<std::int8_t, 256> values{};
    values.fill(-1);
    for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
        const char c = kAlphabet[i];
        values[static_cast<std::uint8_t>(c)] = static_cast<std::int8_t>(i);
        if (c >= 'a' && c <= 'z') values[static_cast<std::uint8_t>(c - 'a' + 'A')] = static_cast<std::int8_t>(i);
    }
    return values;
}
constexpr auto kValues = make_values();

char to_lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string to_lower(std::string_view text) {
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) { return to_lower(c); });
    return lower;
}

std::uint32_t final_value(Bech32Encoding encoding) {
    return encoding == Bech32Encoding::bech32 ? 1 : 0x2bc830a3;
}

/// The remainder, six numbers of five bits, after one more number: remainder * x + number modulo BIP173's generator.
std::uint32_t next_remainder(std::uint32_t remainder, std::uint32_t number) {
    static constexpr std::uint32_t kGenerator[5] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3};
    const std::uint32_t top = remainder >> 25;
    remainder = (remainder & 0x1ffffff) << 5 ^ number;
    for (int i = 0; i < 5; ++i) {
        if (top >> i & 1) remainder ^= kGenerator[i];
    }
    return remainder;
}

std::uint32_t remainder_of(std::string_view prefix, ByteSpan data) {
    std::uint32_t remainder = 1;
    for (const char c : prefix) remainder = next_remainder(remainder, static_cast<std::uint8_t>(c) >> 5);
    remainder = next_remainder(remainder, 0);
    for (const char c : prefix) remainder = next_remainder(remainder, static_cast<std::uint8_t>(c) & 31);
    for (const std::uint8_t number : data) remainder = next_remainder(remainder, number);
    return remainder;
}

/// Positions of characters that are not allowed, or of the other case than the first letter.
std::vector<int> wrong_characters(std::string_view text) {
    std::vector<int> wrong;
    bool lower = false, upper = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<std::uint8_t>(text[i]);
        bool bad = c < 33 || c > 126;
        if (c >= 'a' && c <= 'z') {
            bad = upper;
            lower = lower || !bad;
        } else if (c >= 'A' && c <= 'Z') {
            bad = lower;
            upper = upper || !bad;
        }
        if (bad) wrong.push_back(static_cast<int>(i));
    }
    return wrong;
}

/// Which one or two of the last `size` characters, counted from the end, could be wrong to leave this difference. In 89
/// characters no two such answers exist: the code's distance is five.
std::vector<std::size_t> explain(std::uint32_t difference, std::size_t size) {
    std::unordered_map<std::uint32_t, std::size_t> by_difference;
    for (std::uint32_t error = 1; error < 32; ++error) {
        std::uint32_t remainder = error;
        for (std::size_t position = 0; position < size; ++position) {
            by_difference.emplace(remainder, position);
            remainder = next_remainder(remainder, 0);
        }
    }
    if (const auto one = by_difference.find(difference); one != by_difference.end()) return {one->second};
    for (const auto& [first, position] : by_difference) {
        const auto other = by_difference.find(difference ^ first);
        if (other != by_difference.end() && other->second != position) return {position, other->second};
    }
    return {};
}

/// The data characters as numbers; the index of the first one outside the alphabet otherwise.
struct Numbers {
    Bytes values;
    std::optional<std::size_t> wrong;
};
Numbers read_numbers(std::string_view text) {
    Numbers numbers;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const int value = kValues[static_cast<std::uint8_t>(text[i])];
        if (value < 0) {
            numbers.wrong = i;
            break;
        }
        numbers.values.push_back(static_cast<std::uint8_t>(value));
    }
    return numbers;
}

bool is_separator_position(std::size_t position, std::size_t size) {
    return position != 0 && position + kChecksumSize < size;
}

}  // namespace

std::string encode_bech32(Bech32Encoding encoding, std::string_view prefix, ByteSpan data) {
    Bytes numbers = to_bytes(data);
    numbers.resize(data.size() + kChecksumSize);
    const std::uint32_t checksum = remainder_of(prefix, numbers) ^ final_value(encoding);
    for (std::size_t i = 0; i < kChecksumSize; ++i)
        numbers[data.size() + i] = checksum >> 5 * (kChecksumSize - 1 - i) & 31;

    std::string text(prefix);
    text += kSeparator;
    for (const std::uint8_t number : numbers) {
        CAIRN_CHECK(number < 32);
        text += kAlphabet[number];
    }
    return text;
}

std::optional<Bech32Text> decode_bech32(std::string_view text, std::size_t max_size) {
    if (text.size() > max_size || !wrong_characters(text).empty()) return std::nullopt;
    const std::size_t separator = text.rfind(kSeparator);
    if (separator == text.npos || !is_separator_position(separator, text.size())) return std::nullopt;
    Numbers numbers = read_numbers(text.substr(separator + 1));
    if (numbers.wrong) return std::nullopt;

    Bech32Text result;
    result.prefix = to_lower(text.substr(0, separator));
    const std::uint32_t remainder = remainder_of(result.prefix, numbers.values);
    if (remainder == final_value(Bech32Encoding::bech32)) {
        result.encoding = Bech32Encoding::bech32;
    } else if (remainder == final_value(Bech32Encoding::bech32m)) {
        result.encoding = Bech32Encoding::bech32m;
    } else {
        return std::nullopt;
    }
    numbers.values.resize(numbers.values.size() - kChecksumSize);
    result.data = std::move(numbers.values);
    return result;
}

Bech32Fault locate_bech32_fault(std::string_view text) {
    Bech32Fault fault;
    if (text.size() > kMaxBech32Size) {
        for (std::size_t i = kMaxBech32Size; i < text.size(); ++i) fault.positions.push_back(static_cast<int>(i));
        fault.message = "Bech32 string too long";
        return fault;
    }
    fault.positions = wrong_characters(text);
    if (!fault.positions.empty()) return {"Invalid character or mixed case", std::move(fault.positions)};
    const std::size_t separator = text.rfind(kSeparator);
    if (separator == text.npos) return {"Missing separator", {}};
    if (!is_separator_position(separator, text.size()))
        return {"Invalid separator position", {static_cast<int>(separator)}};
    const Numbers numbers = read_numbers(text.substr(separator + 1));
    if (numbers.wrong) return {"Invalid Base 32 character", {static_cast<int>(separator + 1 + *numbers.wrong)}};

    // The version character may itself be wrong, so both encodings are tried and the one with fewer errors is taken.
    const std::uint32_t remainder = remainder_of(to_lower(text.substr(0, separator)), numbers.values);
    fault.message = "Invalid checksum";
    for (const auto encoding : {Bech32Encoding::bech32, Bech32Encoding::bech32m}) {
        const std::uint32_t difference = remainder ^ final_value(encoding);
        if (difference == 0) return {};
        const auto found = explain(difference, numbers.values.size());
        if (found.empty() || (!fault.positions.empty() && found.size() >= fault.positions.size())) continue;
        fault.positions.clear();
        for (const std::size_t from_end : found)
            fault.positions.push_back(static_cast<int>(text.size() - 1 - from_end));
        std::sort(fault.positions.begin(), fault.positions.end());
        fault.message = encoding == Bech32Encoding::bech32 ? "Invalid Bech32 checksum" : "Invalid Bech32m checksum";
    }
    return fault;
}

Bytes to_base32_groups(ByteSpan bytes) {
    Bytes groups;
    groups.reserve((bytes.size() * 8 + 4) / 5);
    unsigned held = 0, bits = 0;
    for (const std::uint8_t byte : bytes) {
        held = (held << 8 | byte) & 0xfff;
        for (bits += 8; bits >= 5; bits -= 5) groups.push_back(held >> (bits - 5) & 31);
    }
    if (bits != 0) groups.push_back(held << (5 - bits) & 31);
    return groups;
}

std::optional<Bytes> from_base32_groups(ByteSpan groups) {
    Bytes bytes;
    bytes.reserve(groups.size() * 5 / 8);
    unsigned held = 0, bits = 0;
    for (const std::uint8_t group : groups) {
        held = (held << 5 | group) & 0xfff;
        bits += 5;
        if (bits >= 8) {
            bits -= 8;
            bytes.push_back(static_cast<std::uint8_t>(held >> bits));
        }
    }
    if (bits >= 5 || (held & ((1u << bits) - 1)) != 0) return std::nullopt;
    return bytes;
}

}  // namespace cairn
