#include "light/descriptors/descriptor_key.hpp"

#include <fmt/format.h>

#include "consensus/base/hex.hpp"
#include "consensus/rules/params.hpp"

namespace cairn::light {
namespace {

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

Result<KeyPath, std::string> parse_steps(std::span<const std::string_view> parts) {
    for (const std::string_view part : parts) {
        if (part.size() > 1 && part.front() == '<' && part.back() == '>')
            return fail(std::string("Multipath key expressions are not supported"));
    }
    return parse_key_path(parts);
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
        const auto path = parse_steps(std::span(parts).subspan(1));
        if (!path) return fail(path.error());
        origin = "[" + to_hex(*fingerprint) + key_path_text(path->steps, path->apostrophe) + "]";
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
    const auto path = parse_steps(std::span(parts).subspan(1));
    if (!path) return fail(path.error());
    result.path_ = path->steps;
    result.apostrophe_ = result.apostrophe_ || path->apostrophe;
    result.private_key_ = result.extended_->private_key.has_value();
    result.origin_ = origin;
    return result;
}

std::optional<Bytes> KeyExpression::public_key(std::uint32_t index) const {
    if (!extended_) return key_;
    std::optional<ExtendedKey> key = extended_->derive(path_);
    if (!key) return std::nullopt;
    if (ranged_) key = key->derive(index | (hardened_range_ ? kHardened : 0));
    if (!key) return std::nullopt;
    return serialized(*key->public_key, true);
}

std::string KeyExpression::text(const ChainParams& params) const {
    if (!extended_) return origin_ + to_hex(ByteSpan(key_).subspan(xonly_ ? 1 : 0));
    std::string text = origin_ + extended_->public_text(params) + key_path_text(path_, apostrophe_);
    if (ranged_) {
        text += "/*";
        if (hardened_range_) text += apostrophe_ ? "'" : "h";
    }
    return text;
}

}  // namespace cairn::light
