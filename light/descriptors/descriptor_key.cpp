#include "light/descriptors/descriptor_key.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "consensus/base/codec.hpp"
#include "consensus/base/hex.hpp"
#include "consensus/crypto/hash.hpp"
#include "consensus/crypto/hmac.hpp"
#include "consensus/primitives/base58.hpp"
#include "consensus/rules/params.hpp"

namespace cairn::light {
namespace {

constexpr std::uint32_t kHardened = 0x80000000;
constexpr std::size_t kExtendedKeySize = 74;

bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    std::size_t begin = 0;
    while (true) {
        const std::size_t end = text.find(separator, begin);
        parts.push_back(text.substr(begin, end - begin));
        if (end == std::string_view::npos) return parts;
        begin = end + 1;
    }
}

struct Path {
    std::vector<std::uint32_t> steps;
    bool apostrophe = false;
};

Result<Path, std::string> parse_path(std::span<const std::string_view> parts) {
    Path path;
    for (const std::string_view part : parts) {
        if (part.empty()) return fail(fmt::format("Key path value '{}' is not valid", part));
        if (part.front() == '<' && part.back() == '>')
            return fail(std::string("Multipath key expressions are not supported"));
        std::string_view digits = part;
        const bool hardened = part.back() == '\'' || part.back() == 'h';
        if (hardened) {
            digits.remove_suffix(1);
            path.apostrophe = part.back() == '\'';
        }
        std::uint32_t number = 0;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
        if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) {
            return fail(fmt::format("Key path value '{}' is not a valid uint32", part));
        }
        if (number >= kHardened) return fail(fmt::format("Key path value {} is out of range", number));
        path.steps.push_back(number | (hardened ? kHardened : 0));
    }
    return path;
}

std::string path_text(std::span<const std::uint32_t> steps, bool apostrophe) {
    std::string text;
    for (const std::uint32_t step : steps) {
        text += fmt::format("/{}", step & ~kHardened);
        if (step & kHardened) text += apostrophe ? '\'' : 'h';
    }
    return text;
}

std::array<std::uint8_t, 4> big_endian(std::uint32_t value) {
    return {static_cast<std::uint8_t>(value >> 24), static_cast<std::uint8_t>(value >> 16),
            static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
}

bool has_prefix(const Bytes& data, std::span<const std::uint8_t> prefix) {
    return data.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), data.begin());
}

Bytes serialized(const PublicKey& key, bool compressed) {
    if (compressed) {
        const auto bytes = key.compressed();
        return Bytes(bytes.begin(), bytes.end());
    }
    const auto bytes = key.uncompressed();
    return Bytes(bytes.begin(), bytes.end());
}

bool uncompressed_allowed(KeyPlace place) {
    return place == KeyPlace::top || place == KeyPlace::p2sh;
}

}  // namespace

std::optional<ExtendedKey> ExtendedKey::derive(std::uint32_t number) const {
    if (depth == 255 || (number & kHardened && !private_key)) return std::nullopt;
    Bytes data;
    Writer writer(data);
    if (number & kHardened) {
        writer.u8(0);
        writer.bytes(private_key->bytes());
    } else {
        writer.bytes(public_key->compressed());
    }
    writer.bytes(big_endian(number));
    const auto code = hmac_sha512(chain_code.span(), data);
    const Uint256 tweak(ByteSpan(code).first(32));
    ExtendedKey result;
    result.depth = static_cast<std::uint8_t>(depth + 1);
    const auto id = hash160(public_key->compressed());
    std::copy_n(id.begin(), result.parent.size(), result.parent.begin());
    result.child = number;
    result.chain_code = Uint256(ByteSpan(code).subspan(32));
    if (private_key) {
        result.private_key = private_key->tweak_add(tweak);
        if (!result.private_key) return std::nullopt;
        result.public_key = result.private_key->public_key();
    } else {
        result.public_key = public_key->tweak_add(tweak);
        if (!result.public_key) return std::nullopt;
    }
    return result;
}

std::string ExtendedKey::public_text(const ChainParams& params) const {
    Bytes data;
    Writer writer(data);
    writer.bytes(params.addresses.extended_public);
    writer.u8(depth);
    writer.bytes(parent);
    writer.bytes(big_endian(child));
    writer.bytes(chain_code.span());
    writer.bytes(public_key->compressed());
    return encode_base58_check(data);
}

std::optional<ExtendedKey> parse_extended_key(std::string_view text, const ChainParams& params) {
    const auto data = decode_base58_check(text, kExtendedKeySize + 4);
    if (!data || data->size() != kExtendedKeySize + 4) return std::nullopt;
    const bool is_public = has_prefix(*data, params.addresses.extended_public);
    if (!is_public && !has_prefix(*data, params.addresses.extended_secret)) return std::nullopt;
    const ByteSpan body = ByteSpan(*data).subspan(4);
    ExtendedKey key;
    key.depth = body[0];
    std::copy_n(body.begin() + 1, 4, key.parent.begin());
    key.child = static_cast<std::uint32_t>(body[5]) << 24 | static_cast<std::uint32_t>(body[6]) << 16 |
                static_cast<std::uint32_t>(body[7]) << 8 | body[8];
    key.chain_code = Uint256(body.subspan(9, 32));
    if (key.depth == 0 && (key.child != 0 || key.parent != std::array<std::uint8_t, 4>{})) return std::nullopt;
    if (is_public) {
        key.public_key = PublicKey::parse(body.subspan(41, 33));
    } else if (body[41] == 0) {
        key.private_key = PrivateKey::parse(body.subspan(42, 32));
        if (key.private_key) key.public_key = key.private_key->public_key();
    }
    if (!key.public_key) return std::nullopt;
    return key;
}

std::optional<KeyExpression> KeyExpression::from_public_key(ByteSpan key, KeyPlace place) {
    const bool compressed = key.size() == 33 && (key[0] == 2 || key[0] == 3);
    const bool uncompressed = key.size() == 65 && key[0] == 4;
    if (!compressed && !(uncompressed && uncompressed_allowed(place))) return std::nullopt;
    KeyExpression result;
    result.key_ = to_bytes(key);
    result.compressed_ = compressed;
    return result;
}

KeyExpression KeyExpression::from_xonly(ByteSpan key) {
    KeyExpression result;
    result.key_.assign(1, 2);
    result.key_.insert(result.key_.end(), key.begin(), key.end());
    result.xonly_ = true;
    return result;
}

namespace {

/// A plain key in hex; nullopt with the error set.
Result<KeyExpression, std::string> parse_hex_key(std::string_view text, KeyPlace place) {
    const Bytes data = from_hex(text).value_or(Bytes{});
    const auto size_fits = [&](std::size_t size) { return data.size() == size; };
    if (size_fits(65) && (data[0] == 6 || data[0] == 7)) return fail(std::string("Hybrid public keys are not allowed"));
    if (PublicKey::parse(data)) {
        if (auto key = KeyExpression::from_public_key(data, place)) return std::move(*key);
        return fail(std::string("Uncompressed keys are not allowed"));
    }
    if (size_fits(32) && place == KeyPlace::p2tr && is_xonly_key(Uint256(ByteSpan(data))))
        return KeyExpression::from_xonly(data);
    return fail(fmt::format("Pubkey '{}' is invalid", text));
}

}  // namespace

Result<KeyExpression, std::string> KeyExpression::parse(std::string_view text, KeyPlace place,
                                                        const ChainParams& params) {
    const auto origin_parts = split(text, ']');
    if (origin_parts.size() > 2) return fail(std::string("Multiple ']' characters found for a single pubkey"));
    std::string origin;
    if (origin_parts.size() == 2) {
        const std::string_view first = origin_parts[0];
        if (first.empty() || first[0] != '[') {
            return fail(fmt::format("Key origin start '[ character expected but not found, got '{}' instead",
                                    first.empty() ? ']' : first[0]));
        }
        const auto parts = split(first.substr(1), '/');
        if (parts[0].size() != 8)
            return fail(
                fmt::format("Fingerprint is not 4 bytes ({} characters instead of 8 characters)", parts[0].size()));
        const auto fingerprint = from_hex(parts[0]);
        if (!fingerprint) return fail(fmt::format("Fingerprint '{}' is not hex", parts[0]));
        const auto path = parse_path(std::span(parts).subspan(1));
        if (!path) return fail(path.error());
        origin = "[" + to_hex(*fingerprint) + path_text(path->steps, path->apostrophe) + "]";
    }
    auto parts = split(origin_parts.back(), '/');
    const std::string_view key_text = parts[0];
    if (key_text.empty()) return fail(std::string("No key provided"));
    if (is_space(key_text.front()) || is_space(key_text.back()))
        return fail(fmt::format("Key '{}' is invalid due to whitespace", key_text));
    KeyExpression result;
    if (parts.size() == 1) {
        if (is_hex(key_text)) {
            auto key = parse_hex_key(key_text, place);
            if (key) key->origin_ = origin;
            return key;
        }
        if (const auto secret = decode_wif(key_text, params.addresses)) {
            if (!secret->compressed && !uncompressed_allowed(place))
                return fail(std::string("Uncompressed keys are not allowed"));
            result.key_ = serialized(secret->key.public_key(), secret->compressed);
            result.compressed_ = secret->compressed;
            result.xonly_ = place == KeyPlace::p2tr;
            result.private_key_ = true;
            result.origin_ = origin;
            return result;
        }
    }
    result.extended_ = parse_extended_key(key_text, params);
    if (!result.extended_) return fail(fmt::format("key '{}' is not valid", key_text));
    if (parts.back() == "*" || parts.back() == "*'" || parts.back() == "*h") {
        result.ranged_ = true;
        result.hardened_range_ = parts.back() != "*";
        result.apostrophe_ = parts.back() == "*'";
        parts.pop_back();
    }
    const auto path = parse_path(std::span(parts).subspan(1));
    if (!path) return fail(path.error());
    result.path_ = path->steps;
    result.apostrophe_ = result.apostrophe_ || path->apostrophe;
    result.private_key_ = result.extended_->private_key.has_value();
    result.origin_ = origin;
    return result;
}

std::optional<Bytes> KeyExpression::public_key(std::uint32_t index) const {
    if (!extended_) return key_;
    std::optional<ExtendedKey> key = extended_;
    for (const std::uint32_t step : path_) {
        key = key->derive(step);
        if (!key) return std::nullopt;
    }
    if (ranged_) key = key->derive(index | (hardened_range_ ? kHardened : 0));
    if (!key) return std::nullopt;
    return serialized(*key->public_key, true);
}

std::string KeyExpression::text(const ChainParams& params) const {
    if (!extended_) return origin_ + to_hex(ByteSpan(key_).subspan(xonly_ ? 1 : 0));
    std::string text = origin_ + extended_->public_text(params) + path_text(path_, apostrophe_);
    if (ranged_) {
        text += "/*";
        if (hardened_range_) text += apostrophe_ ? "'" : "h";
    }
    return text;
}

}  // namespace cairn::light
