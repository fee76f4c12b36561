#include "light/descriptors/descriptor_key.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "consensus/base/hex.hpp"
#include "consensus/crypto/hash.hpp"
#include "consensus/crypto/musig.hpp"
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

/// A path of which one step may have alternatives, "<0;1>".
struct Steps {
    KeyPath path;
    std::size_t choice_at = 0;
    std::vector<std::uint32_t> choices;
};

bool is_choice(std::string_view part) { return part.size() > 1 && part.front() == '<' && part.back() == '>'; }

Result<std::vector<std::uint32_t>, std::string> parse_choices(std::string_view part, KeyPath& path) {
    const auto parts = split(part.substr(1, part.size() - 2), ';');
    if (parts.size() < 2) return fail(std::string("Multipath key path specifiers must have at least two items"));
    std::vector<std::uint32_t> choices;
    for (const std::string_view one : parts) {
        const auto step = parse_key_path(std::span(&one, 1));
        if (!step) return fail(step.error());
        if (std::ranges::find(choices, step->steps[0]) != choices.end())
            return fail(fmt::format("Duplicated key path value {} in multipath specifier", step->steps[0]));
        choices.push_back(step->steps[0]);
        path.apostrophe = path.apostrophe || step->apostrophe;
    }
    return choices;
}

Result<Steps, std::string> parse_steps(std::span<const std::string_view> parts, bool choice_allowed) {
    Steps result;
    for (const std::string_view part : parts) {
        if (!is_choice(part)) {
            const auto step = parse_key_path(std::span(&part, 1));
            if (!step) return fail(step.error());
            result.path.steps.push_back(step->steps[0]);
            result.path.apostrophe = result.path.apostrophe || step->apostrophe;
            continue;
        }
        if (!choice_allowed)
            return fail(fmt::format("Key path value '{}' specifies multipath in a section where multipath is not allowed", part));
        if (!result.choices.empty()) return fail(std::string("Multiple multipath key path specifiers found"));
        auto choices = parse_choices(part, result.path);
        if (!choices) return fail(choices.error());
        result.choice_at = result.path.steps.size();
        result.path.steps.push_back(choices->front());
        result.choices = std::move(*choices);
    }
    return result;
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

std::optional<KeyExpression> KeyExpression::from_public_key(ByteSpan key, KeyPlace place, std::optional<KeyOrigin> origin) {
    const bool compressed = key.size() == 33 && (key[0] == 2 || key[0] == 3);
    const bool uncompressed = key.size() == 65 && key[0] == 4;
    if (!compressed && !(uncompressed && uncompressed_allowed(place))) return std::nullopt;
    KeyExpression result;
    result.key_ = to_bytes(key);
    result.compressed_ = compressed;
    result.origin_ = std::move(origin);
    return result;
}

KeyExpression KeyExpression::from_xonly(ByteSpan key, std::optional<KeyOrigin> origin) {
    KeyExpression result;
    result.origin_ = std::move(origin);
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
    if (text.starts_with("musig(")) return parse_musig(text, place, params);
    const auto origin_parts = split(text, ']');
    if (origin_parts.size() > 2) return fail(std::string("Multiple ']' characters found for a single pubkey"));
    std::optional<KeyOrigin> origin;
    bool origin_apostrophe = false;
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
        const auto steps = parse_steps(std::span(parts).subspan(1), false);
        if (!steps) return fail(steps.error());
        origin.emplace();
        std::ranges::copy(*fingerprint, origin->fingerprint.begin());
        origin->path = steps->path.steps;
        origin_apostrophe = steps->path.apostrophe;
    }
    auto parts = split(origin_parts.back(), '/');
    const std::string_view key_text = parts[0];
    if (key_text.empty()) return fail(std::string("No key provided"));
    if (is_space(key_text.front()) || is_space(key_text.back()))
        return fail(fmt::format("Key '{}' is invalid due to whitespace", key_text));
    KeyExpression result;
    result.origin_ = origin;
    result.origin_apostrophe_ = origin_apostrophe;
    if (parts.size() == 1) {
        if (is_hex(key_text)) {
            auto key = parse_hex_key(key_text, place);
            if (key) {
                key->origin_ = origin;
                key->origin_apostrophe_ = origin_apostrophe;
            }
            return key;
        }
        if (const auto secret = decode_wif(key_text, params.addresses)) {
            if (!secret->compressed && !uncompressed_allowed(place))
                return fail(std::string("Uncompressed keys are not allowed"));
            result.key_ = serialized(secret->key.public_key(), secret->compressed);
            result.compressed_ = secret->compressed;
            result.xonly_ = place == KeyPlace::p2tr;
            result.wif_ = secret;
            return result;
        }
    }
    result.extended_ = parse_extended_key(key_text, params);
    if (!result.extended_) return fail(fmt::format("key '{}' is not valid", key_text));
    parts.erase(parts.begin());
    if (const auto read = result.read_path(std::move(parts)); !read) return fail(read.error());
    return result;
}

Result<void, std::string> KeyExpression::read_path(std::vector<std::string_view> parts) {
    if (!parts.empty() && (parts.back() == "*" || parts.back() == "*'" || parts.back() == "*h")) {
        ranged_ = true;
        hardened_range_ = parts.back() != "*";
        apostrophe_ = parts.back() == "*'";
        parts.pop_back();
    }
    const auto steps = parse_steps(parts, true);
    if (!steps) return fail(steps.error());
    path_ = steps->path.steps;
    choice_at_ = steps->choice_at;
    step_choices_ = steps->choices;
    apostrophe_ = apostrophe_ || steps->path.apostrophe;
    return {};
}

// ---------------------------------------------------------------------------------------------- musig (BIP390)

namespace {

/// The texts between the commas.
Result<std::vector<std::string_view>, std::string> musig_arguments(std::string_view text) {
    if (text.empty()) return fail(std::string("musig(): Must contain key expressions"));
    return split(text, ',');
}

bool is_hardened(std::uint32_t step) { return step & kHardened; }

}  // namespace

Result<KeyExpression, std::string> KeyExpression::parse_musig(std::string_view text, KeyPlace place, const ChainParams& params) {
    if (place != KeyPlace::p2tr) return fail(std::string("musig() is only allowed in tr() and rawtr()"));
    const std::size_t close = text.find(')');
    if (close == std::string_view::npos) return fail(std::string("Invalid musig() expression"));
    const std::string_view tail = text.substr(close + 1);
    if (tail.find(')') != std::string_view::npos) return fail(std::string("Too many ')' in musig() expression"));
    const auto arguments = musig_arguments(text.substr(6, close - 6));
    if (!arguments) return fail(arguments.error());
    KeyExpression result;
    std::size_t most = 1;
    for (const std::string_view argument : *arguments) {
        auto key = parse(argument, KeyPlace::musig, params);
        if (!key) return fail("musig(): " + key.error());
        most = std::max(most, key->alternatives());
        result.participants_.push_back(std::move(*key));
    }
    for (const KeyExpression& key : result.participants_)
        if (key.alternatives() != 1 && key.alternatives() != most) return fail(std::string("musig(): Multipath derivation paths have mismatched lengths"));
    if (tail.empty()) return result;
    if (tail.front() != '/') return fail(std::string("Invalid musig() expression"));
    if (!std::ranges::all_of(result.participants_, [](const KeyExpression& key) { return key.extended_.has_value(); }))
        return fail(std::string("musig(): derivation requires all participants to be xpubs or xprvs"));
    if (std::ranges::any_of(result.participants_, [](const KeyExpression& key) { return key.is_range(); }))
        return fail(std::string("musig(): Cannot have ranged participant keys if musig() also has derivation"));
    const auto parts = split(tail.substr(1), '/');
    if (parts.back() == "*'" || parts.back() == "*h") return fail(std::string("musig(): Cannot have hardened child derivation"));
    if (const auto read = result.read_path(parts); !read) return fail("musig(): " + read.error());
    if (std::ranges::any_of(result.path_, is_hardened) || std::ranges::any_of(result.step_choices_, is_hardened))
        return fail(std::string("musig(): cannot have hardened derivation steps"));
    if (most > 1 && !result.step_choices_.empty())
        return fail(std::string("musig(): Cannot have multipath participant keys if musig() is also multipath"));
    return result;
}

std::optional<PublicKey> KeyExpression::aggregate(std::uint32_t index, std::vector<CompressedKey>* sorted) const {
    std::vector<CompressedKey> keys;
    for (const KeyExpression& participant : participants_) {
        const auto key = participant.public_key(index);
        if (!key || key->size() != std::tuple_size_v<CompressedKey>) return std::nullopt;
        std::ranges::copy(*key, keys.emplace_back().begin());
    }
    std::ranges::sort(keys);
    if (sorted) *sorted = keys;
    const auto whole = MusigKey::aggregate(keys);
    if (!whole) return std::nullopt;
    return whole->key;
}

std::optional<std::string> KeyExpression::musig_text(const ChainParams& params, DescriptorForm form) const {
    std::string text = "musig(";
    for (const KeyExpression& participant : participants_) {
        const auto one = participant.text(params, form);
        if (!one) return std::nullopt;
        text += (text.size() > 6 ? "," : "") + *one;
    }
    return text + ")" + path_text();
}

// ---------------------------------------------------------------------------------------------- what it is

bool KeyExpression::is_range() const {
    return ranged_ || std::ranges::any_of(participants_, [](const KeyExpression& key) { return key.is_range(); });
}

bool KeyExpression::has_private_key() const {
    return wif_ || (extended_ && extended_->private_key) ||
           std::ranges::any_of(participants_, [](const KeyExpression& key) { return key.has_private_key(); });
}

bool KeyExpression::has_all_private_keys() const {
    if (participants_.empty()) return has_private_key();
    return std::ranges::all_of(participants_, [](const KeyExpression& key) { return key.has_private_key(); });
}

std::size_t KeyExpression::alternatives() const {
    std::size_t most = std::max<std::size_t>(step_choices_.size(), 1);
    for (const KeyExpression& participant : participants_) most = std::max(most, participant.alternatives());
    return most;
}

KeyExpression KeyExpression::alternative(std::size_t n) const {
    KeyExpression result = *this;
    for (KeyExpression& participant : result.participants_) participant = participant.alternative(n);
    if (step_choices_.empty()) return result;
    result.path_[choice_at_] = step_choices_[n];
    result.step_choices_.clear();
    return result;
}

std::optional<Bytes> KeyExpression::public_key(std::uint32_t index) const {
    std::optional<ExtendedKey> key = extended_;
    if (!participants_.empty()) {
        const auto whole = aggregate(index);
        if (!whole) return std::nullopt;
        key = aggregate_extended_key(*whole);
    }
    if (!key) return key_;
    key = key->derive(path_);
    if (!key) return std::nullopt;
    if (ranged_) key = key->derive(index | (hardened_range_ ? kHardened : 0));
    if (!key) return std::nullopt;
    return serialized(*key->public_key, true);
}

std::optional<KeyExpression::Derived> KeyExpression::derive(std::uint32_t index) const {
    Derived result;
    result.origin = origin_.value_or(KeyOrigin{});
    if (!participants_.empty()) {
        std::vector<CompressedKey> sorted;
        const auto whole = aggregate(index, &sorted);
        const auto key = public_key(index);
        if (!whole || !key) return std::nullopt;
        result.pubkey = *key;
        result.aggregate = to_bytes(whole->compressed());
        for (const CompressedKey& one : sorted) result.participants.push_back(to_bytes(one));
        result.origin.fingerprint = fingerprint_of(*whole);
        result.origin.path = path_;
        if (ranged_) result.origin.path.push_back(index);
        return result;
    }
    if (!extended_) {
        result.pubkey = key_;
        result.private_key = wif_;
        const auto point = PublicKey::parse(key_);
        if (!origin_ && point) {
            const Hash160 id = hash160(key_);
            std::copy_n(id.begin(), result.origin.fingerprint.size(), result.origin.fingerprint.begin());
        }
        return result;
    }
    std::vector<std::uint32_t> steps = path_;
    if (ranged_) steps.push_back(index | (hardened_range_ ? kHardened : 0));
    const auto key = extended_->derive(steps);
    if (!key) return std::nullopt;
    result.pubkey = serialized(*key->public_key, true);
    if (key->private_key) result.private_key = WalletKey{*key->private_key, true};
    if (!origin_) result.origin.fingerprint = extended_->fingerprint();
    result.origin.path.insert(result.origin.path.end(), steps.begin(), steps.end());
    return result;
}

std::string KeyExpression::origin_text() const {
    if (!origin_) return {};
    return "[" + to_hex(origin_->fingerprint) + key_path_text(origin_->path, origin_apostrophe_) + "]";
}

std::optional<std::string> KeyExpression::text(const ChainParams& params, DescriptorForm form) const {
    if (!participants_.empty()) return musig_text(params, form);
    const bool show_private = form == DescriptorForm::private_keys && has_private_key();
    if (!extended_) {
        if (show_private) return origin_text() + encode_wif(*wif_, params.addresses);
        return origin_text() + to_hex(ByteSpan(key_).subspan(xonly_ ? 1 : 0));
    }
    if (form == DescriptorForm::normalized) return normalized_text(params);
    return origin_text() + (show_private ? extended_->private_text(params) : extended_->public_text(params)) + path_text();
}

std::string KeyExpression::path_text() const {
    std::string text;
    if (step_choices_.empty()) {
        text += key_path_text(path_, apostrophe_);
    } else {
        const std::span<const std::uint32_t> steps(path_);
        text += key_path_text(steps.first(choice_at_), apostrophe_) + "/<";
        for (std::size_t i = 0; i < step_choices_.size(); ++i)
            text += (i > 0 ? ";" : "") + key_path_text(std::span(step_choices_).subspan(i, 1), apostrophe_).substr(1);
        text += ">" + key_path_text(steps.subspan(choice_at_ + 1), apostrophe_);
    }
    if (ranged_) {
        text += "/*";
        if (hardened_range_) text += apostrophe_ ? "'" : "h";
    }
    return text;
}

/// All up to the last hardened step is told in the origin, so that the rest can be followed without private keys.
std::optional<std::string> KeyExpression::normalized_text(const ChainParams& params) const {
    if (hardened_range_) return text(params, DescriptorForm::public_keys);
    std::size_t done = path_.size();
    while (done > 0 && !(path_[done - 1] & kHardened)) --done;
    if (done == 0) return text(params, DescriptorForm::public_keys);
    const std::span<const std::uint32_t> steps(path_);
    const auto parent = extended_->derive(steps.first(done));
    if (!parent) return std::nullopt;
    KeyOrigin origin = origin_.value_or(KeyOrigin{extended_->fingerprint(), {}});
    origin.path.insert(origin.path.end(), steps.begin(), steps.begin() + static_cast<std::ptrdiff_t>(done));
    return "[" + to_hex(origin.fingerprint) + key_path_text(origin.path) + "]" + parent->public_text(params) + key_path_text(steps.subspan(done)) +
           (ranged_ ? "/*" : "");
}

}  // namespace cairn::light
