#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "consensus/base/hex.hpp"
#include "consensus/rules/params.hpp"
#include "consensus/script/script.hpp"
#include "consensus/script/taproot.hpp"
#include "light/descriptors/descriptor.hpp"

namespace cairn::light {
namespace {

constexpr std::size_t kMaxBareKeys = 3;
constexpr std::size_t kMaxTapscriptKeys = 999;

using Parsed = Result<Descriptor, std::string>;

/// How many descriptors the keys make of one; 0: they do not agree.
std::size_t alternatives(std::span<const KeyExpression> keys) {
    std::size_t count = 1;
    for (const KeyExpression& key : keys) {
        if (key.alternatives() == 1) continue;
        if (count != 1 && count != key.alternatives()) return 0;
        count = key.alternatives();
    }
    return count;
}

/// True when `text` starts with `name(` and ends with `)`; then only what is between remains.
bool take_function(std::string_view name, std::string_view& text) {
    if (text.size() < name.size() + 2 || !text.starts_with(name) || text[name.size()] != '(' || text.back() != ')')
        return false;
    text = text.substr(name.size() + 1, text.size() - name.size() - 2);
    return true;
}

bool take(char c, std::string_view& text) {
    if (text.empty() || text[0] != c) return false;
    text.remove_prefix(1);
    return true;
}

/// Takes the text up to a comma or closing bracket that belongs to what is around it.
std::string_view take_expression(std::string_view& text) {
    int level = 0;
    std::size_t end = 0;
    for (; end < text.size(); ++end) {
        const char c = text[end];
        if (c == '(' || c == '{') {
            ++level;
        } else if (level > 0 && (c == ')' || c == '}')) {
            --level;
        } else if (level == 0 && (c == ')' || c == '}' || c == ',')) {
            break;
        }
    }
    const std::string_view expression = text.substr(0, end);
    text.remove_prefix(end);
    return expression;
}

std::string error_text(std::string_view words) {
    return std::string(words);
}

}  // namespace

/// Recursive descent over one descriptor. Depth is bounded: sh and wsh nest by rule, braces within tr by a limit.
class DescriptorParser {
public:
    explicit DescriptorParser(const ChainParams& params) : params_(params) {}

    /// One of each key's alternatives.
    static Descriptor alternative(const Descriptor& whole, std::size_t n) {
        Descriptor result = whole;
        for (KeyExpression& key : result.keys_) key = key.alternative(n);
        for (auto& inner : result.inner_) inner = std::make_shared<const Descriptor>(alternative(*inner, n));
        return result;
    }

    Parsed parse(std::string_view text, KeyPlace place) {
        std::string_view rest = text;
        std::string_view body = take_expression(rest);
        auto result = parse_function(body, place);
        if (result && !rest.empty()) return fail(error_text(""));
        return result;
    }

private:
    using Kind = Descriptor::Kind;

    Descriptor make(Kind kind) const {
        Descriptor descriptor;
        descriptor.kind_ = kind;
        descriptor.params_ = &params_;
        return descriptor;
    }

    Parsed single_key(Kind kind, std::string_view name, std::string_view text, KeyPlace place) const {
        auto key = KeyExpression::parse(text, place, params_);
        if (!key) return fail(fmt::format("{}(): {}", name, key.error()));
        Descriptor descriptor = make(kind);
        descriptor.tapscript_ = place == KeyPlace::p2tr;
        descriptor.keys_.push_back(std::move(*key));
        return descriptor;
    }

    Parsed parse_function(std::string_view text, KeyPlace place) {
        const bool top = place == KeyPlace::top;
        const bool script_place = top || place == KeyPlace::p2sh || place == KeyPlace::p2wsh;
        const std::string_view whole = text;
        if (take_function("pk", text)) return single_key(Kind::pk, "pk", text, place);
        if (script_place && take_function("pkh", text)) return single_key(Kind::pkh, "pkh", text, place);
        if (take_function("combo", text)) {
            if (!top) return fail(error_text("Can only have combo() at top level"));
            return single_key(Kind::combo, "combo", text, place);
        }
        for (const std::string_view name : {"multi", "sortedmulti", "multi_a", "sortedmulti_a"}) {
            if (take_function(name, text)) return parse_multi(name, text, place);
        }
        if (take_function("wpkh", text)) {
            if (!top && place != KeyPlace::p2sh)
                return fail(error_text("Can only have wpkh() at top level or inside sh()"));
            return single_key(Kind::wpkh, "wpkh", text, KeyPlace::p2wpkh);
        }
        if (take_function("sh", text)) {
            if (!top) return fail(error_text("Can only have sh() at top level"));
            return wrap(Kind::sh, text, KeyPlace::p2sh);
        }
        if (take_function("wsh", text)) {
            if (!top && place != KeyPlace::p2sh)
                return fail(error_text("Can only have wsh() at top level or inside sh()"));
            return wrap(Kind::wsh, text, KeyPlace::p2wsh);
        }
        return parse_output(whole, place);
    }

    /// The functions that only stand at the top.
    Parsed parse_output(std::string_view text, KeyPlace place) {
        const bool top = place == KeyPlace::top;
        if (take_function("addr", text))
            return top ? parse_address(text) : fail(error_text("Can only have addr() at top level"));
        if (take_function("tr", text))
            return top ? parse_taproot(text) : fail(error_text("Can only have tr at top level"));
        if (take_function("rawtr", text)) {
            if (!top) return fail(error_text("Can only have rawtr at top level"));
            const std::string_view key = take_expression(text);
            if (!text.empty()) return fail(error_text("rawtr(): only one key expected."));
            return single_key(Kind::rawtr, "rawtr", key, KeyPlace::p2tr);
        }
        if (take_function("unused", text)) return top ? parse_unused(text) : fail(error_text("Can only have unused at top level"));
        if (take_function("raw", text))
            return top ? parse_raw(text) : fail(error_text("Can only have raw() at top level"));
        if (auto found = parse_miniscript(text, place)) return std::move(*found);
        if (place == KeyPlace::p2sh) return fail(error_text("A function is needed within P2SH"));
        if (place == KeyPlace::p2wsh) return fail(error_text("A function is needed within P2WSH"));
        return fail(fmt::format("'{}' is not a valid descriptor function", text));
    }

    /// A key that is kept without any script of its own.
    Parsed parse_unused(std::string_view text) const {
        const std::string_view key = take_expression(text);
        if (!text.empty()) return fail(error_text("unused(): only one key expected"));
        auto parsed = KeyExpression::parse(key, KeyPlace::top, params_);
        if (!parsed) return fail(parsed.error());
        if (parsed->is_range()) return fail(error_text("unused(): key cannot be ranged"));
        Descriptor descriptor = make(Kind::unused);
        descriptor.keys_.push_back(std::move(*parsed));
        return descriptor;
    }

    /// nullopt: it is no miniscript at all.
    std::optional<Parsed> parse_miniscript(std::string_view text, KeyPlace place) const {
        const bool in_tr = place == KeyPlace::p2tr;
        Descriptor descriptor = make(Kind::miniscript);
        descriptor.tapscript_ = in_tr;
        std::string key_error;
        std::vector<std::string> names;
        const auto read_key = [&](std::string_view key_text) -> std::optional<std::size_t> {
            auto key = KeyExpression::parse(key_text, in_tr ? KeyPlace::p2tr : KeyPlace::p2wsh, params_);
            if (!key) {
                key_error = key.error();
                return std::nullopt;
            }
            names.push_back(*key->text(params_));
            descriptor.keys_.push_back(std::move(*key));
            return names.size() - 1;
        };
        auto node = miniscript::parse(text, in_tr ? miniscript::Context::tapscript : miniscript::Context::p2wsh, read_key);
        if (!key_error.empty()) return fail(key_error);
        if (!node) return std::nullopt;
        if (!in_tr && place != KeyPlace::p2wsh) return fail(error_text("Miniscript expressions can only be used in wsh or tr."));
        std::vector<Bytes> ids;
        for (const std::string& name : names) ids.emplace_back(name.begin(), name.end());
        if (auto fault = miniscript::fault_of(*node, ids, [&](std::size_t key) { return names[key]; })) return fail(std::move(*fault));
        if (alternatives(descriptor.keys_) == 0) return fail(error_text("Miniscript: Multipath derivation paths have mismatched lengths"));
        descriptor.node_ = std::move(node);
        return descriptor;
    }

    Parsed wrap(Kind kind, std::string_view text, KeyPlace inside) {
        auto inner = parse(text, inside);
        if (!inner) return inner;
        Descriptor descriptor = make(kind);
        descriptor.inner_.push_back(std::make_shared<const Descriptor>(std::move(*inner)));
        return descriptor;
    }

    Parsed parse_address(std::string_view text) const {
        const auto destination = decode_address(text, params_.addresses);
        if (!destination) return fail(error_text("Address is not valid"));
        Descriptor descriptor = make(Kind::addr);
        descriptor.address_ = encode_address(*destination, params_.addresses);
        descriptor.script_ = script_for(*destination);
        return descriptor;
    }

    Parsed parse_raw(std::string_view text) const {
        auto script = is_hex(text) ? from_hex(text) : std::nullopt;
        if (!script) return fail(error_text("Raw script is not hex"));
        Descriptor descriptor = make(Kind::raw);
        descriptor.script_ = std::move(*script);
        return descriptor;
    }

    Parsed parse_multi(std::string_view name, std::string_view text, KeyPlace place) const {
        const bool tapscript = name.ends_with("_a");
        if (tapscript && place != KeyPlace::p2tr)
            return fail(error_text("Can only have multi_a/sortedmulti_a inside tr()"));
        if (!tapscript && place == KeyPlace::p2tr)
            return fail(error_text("Can only have multi/sortedmulti at top level, in sh(), or in wsh()"));
        const std::string_view threshold_text = take_expression(text);
        std::uint32_t threshold = 0;
        const auto [end, error] =
            std::from_chars(threshold_text.data(), threshold_text.data() + threshold_text.size(), threshold);
        if (threshold_text.empty() || error != std::errc() || end != threshold_text.data() + threshold_text.size()) {
            return fail(fmt::format("Multi threshold '{}' is not valid", threshold_text));
        }
        Descriptor descriptor = make(Kind::multi);
        descriptor.sorted_ = name.starts_with("sorted");
        descriptor.tapscript_ = tapscript;
        std::size_t script_size = 0;
        while (!text.empty()) {
            const char got = text[0];
            if (!take(',', text)) return fail(fmt::format("Multi: expected ',', got '{}'", got));
            auto key = KeyExpression::parse(take_expression(text), place, params_);
            if (!key) return fail("Multi: " + key.error());
            script_size += (key->compressed() ? 33 : 65) + 1;
            descriptor.keys_.push_back(std::move(*key));
        }
        if (auto problem = check_multi(threshold, descriptor.keys_.size(), script_size, tapscript, place);
            !problem.empty())
            return fail(problem);
        if (alternatives(descriptor.keys_) == 0) return fail(error_text("multi(): Multipath derivation paths have mismatched lengths"));
        descriptor.threshold_ = static_cast<int>(threshold);
        return descriptor;
    }

    static std::string check_multi(std::uint32_t threshold, std::size_t keys, std::size_t script_size, bool tapscript,
                                   KeyPlace place) {
        if (!tapscript && (keys == 0 || keys > static_cast<std::size_t>(kMaxPubkeysPerMultisig))) {
            return fmt::format("Cannot have {} keys in multisig; must have between 1 and {} keys, inclusive", keys,
                               kMaxPubkeysPerMultisig);
        }
        if (tapscript && (keys == 0 || keys > kMaxTapscriptKeys)) {
            return fmt::format("Cannot have {} keys in multi_a; must have between 1 and {} keys, inclusive", keys,
                               kMaxTapscriptKeys);
        }
        if (threshold < 1) return fmt::format("Multisig threshold cannot be {}, must be at least 1", threshold);
        if (threshold > keys) {
            return fmt::format(
                "Multisig threshold cannot be larger than the number of keys; threshold is {} but only {} keys "
                "specified",
                threshold, keys);
        }
        if (place == KeyPlace::top && keys > kMaxBareKeys) {
            return fmt::format("Cannot have {} pubkeys in bare multisig; only at most 3 pubkeys", keys);
        }
        if (place == KeyPlace::p2sh && script_size + 3 > kMaxScriptElementSize) {
            return fmt::format("P2SH script is too large, {} bytes is larger than {} bytes", script_size + 3,
                               kMaxScriptElementSize);
        }
        return {};
    }

    Parsed parse_taproot(std::string_view text) {
        auto key = KeyExpression::parse(take_expression(text), KeyPlace::p2tr, params_);
        if (!key) return fail("tr(): " + key.error());
        Descriptor descriptor = make(Kind::tr);
        descriptor.keys_.push_back(std::move(*key));
        if (text.empty()) return descriptor;
        const char got = text[0];
        if (!take(',', text)) return fail(fmt::format("tr: expected ',', got '{}'", got));
        if (auto problem = parse_tree(descriptor, text); !problem.empty()) return fail(problem);
        std::size_t most = descriptor.keys_[0].alternatives();
        for (const auto& leaf : descriptor.inner_) most = std::max(most, alternatives(leaf->keys()));
        for (const auto& leaf : descriptor.inner_) {
            const std::size_t count = alternatives(leaf->keys());
            if (count != 1 && count != most) return fail(error_text("tr(): Multipath subscripts have mismatched lengths"));
        }
        if (alternatives(descriptor.keys_) != 1 && alternatives(descriptor.keys_) != most)
            return fail(error_text("tr(): Multipath internal key mismatches multipath subscripts lengths"));
        return descriptor;
    }

    /// Leaves from left to right; `right[i]` tells whether the i-th step down from the root went to the right.
    std::string parse_tree(Descriptor& descriptor, std::string_view text) {
        std::vector<bool> right;
        do {
            while (take('{', text)) {
                right.push_back(false);
                if (right.size() > kControlMaxNodes)
                    return fmt::format("tr() supports at most {} nesting levels", kControlMaxNodes);
            }
            auto leaf = parse_function(take_expression(text), KeyPlace::p2tr);
            if (!leaf) return leaf.error();
            descriptor.inner_.push_back(std::make_shared<const Descriptor>(std::move(*leaf)));
            descriptor.depths_.push_back(static_cast<int>(right.size()));
            while (!right.empty() && right.back()) {
                if (!take('}', text)) return "tr(): expected '}' after script expression";
                right.pop_back();
            }
            if (!right.empty()) {
                if (!take(',', text)) return "tr(): expected ',' after script expression";
                right.back() = true;
            }
        } while (!right.empty());
        return text.empty() ? "" : "tr(): expected ')' after script expression";
    }

    const ChainParams& params_;
};

Result<std::vector<Descriptor>, std::string> parse_descriptors(std::string_view text, const ChainParams& params, bool require_checksum) {
    const std::size_t mark = text.find('#');
    const std::string_view body = text.substr(0, mark);
    const bool has_checksum = mark != std::string_view::npos;
    const std::string_view given = has_checksum ? text.substr(mark + 1) : std::string_view{};
    if (given.find('#') != std::string_view::npos) return fail(error_text("Multiple '#' symbols"));
    if (!has_checksum && require_checksum) return fail(error_text("Missing checksum"));
    if (has_checksum && given.size() != 8)
        return fail(fmt::format("Expected 8 character checksum, not {} characters", given.size()));
    const std::string checksum = descriptor_checksum(body);
    if (checksum.empty()) return fail(error_text("Invalid characters in payload"));
    if (has_checksum && given != checksum) {
        return fail(fmt::format("Provided checksum '{}' does not match computed checksum '{}'", given, checksum));
    }
    const auto whole = DescriptorParser(params).parse(body, KeyPlace::top);
    if (!whole) return fail(whole.error());
    const std::vector<KeyExpression> keys = whole->keys();
    std::vector<Descriptor> result;
    for (std::size_t n = 0; n < alternatives(keys); ++n) result.push_back(DescriptorParser::alternative(*whole, n));
    return result;
}

Result<Descriptor, std::string> parse_descriptor(std::string_view text, const ChainParams& params, bool require_checksum) {
    auto all = parse_descriptors(text, params, require_checksum);
    if (!all) return fail(all.error());
    if (all->size() != 1) return fail(error_text("Cannot have multipath key expressions here"));
    return std::move(all->front());
}

}  // namespace cairn::light
