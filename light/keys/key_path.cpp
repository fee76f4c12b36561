#include "light/keys/key_path.hpp"

#include <charconv>

#include <fmt/format.h>

namespace cairn::light {
namespace {

Result<std::uint32_t, std::string> parse_number(std::string_view digits, std::string_view part) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (digits.empty() || error != std::errc() || end != digits.data() + digits.size())
        return fail(fmt::format("Key path value '{}' is not a valid uint32", part));
    if (number >= kHardened) return fail(fmt::format("Key path value {} is out of range", number));
    return number;
}

}  // namespace

Result<KeyPath, std::string> parse_key_path(std::span<const std::string_view> parts) {
    KeyPath path;
    for (const std::string_view part : parts) {
        if (part.empty()) return fail(fmt::format("Key path value '{}' is not valid", part));
        std::string_view digits = part;
        const bool hardened = part.back() == '\'' || part.back() == 'h';
        if (hardened) {
            digits.remove_suffix(1);
            path.apostrophe = part.back() == '\'';
        }
        const auto number = parse_number(digits, part);
        if (!number) return fail(number.error());
        path.steps.push_back(*number | (hardened ? kHardened : 0));
    }
    return path;
}

Result<KeyPath, std::string> parse_key_path(std::string_view text) {
    if (text == "m") return KeyPath{};
    if (text.starts_with("m/")) text.remove_prefix(2);
    std::vector<std::string_view> parts;
    for (std::size_t begin = 0;;) {
        const std::size_t end = text.find('/', begin);
        parts.push_back(text.substr(begin, end - begin));
        if (end == std::string_view::npos) break;
        begin = end + 1;
    }
    return parse_key_path(std::span<const std::string_view>(parts));
}

std::string key_path_text(std::span<const std::uint32_t> steps, bool apostrophe) {
    std::string text;
    for (const std::uint32_t step : steps) {
        text += fmt::format("/{}", step & ~kHardened);
        if (step & kHardened) text += apostrophe ? '\'' : 'h';
    }
    return text;
}

}  // namespace cairn::light
