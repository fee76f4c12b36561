#include "node/config/args.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>

namespace cairn::node {
namespace {

bool text_as_bool(const std::string& text) { return text.empty() || parse_leading_int(text) != 0; }

std::string_view bare(std::string_view name) {
    if (!name.empty() && name.front() == '-') name.remove_prefix(1);
    return name;
}

/// A list of values in which -nofoo cancels what stands before it.
struct Span {
    const std::vector<Setting>& values;

    bool last_negated() const { return !values.empty() && values.back().kind == Setting::Kind::no; }
    std::size_t negated() const {
        for (std::size_t i = values.size(); i > 0; --i) {
            if (values[i - 1].kind == Setting::Kind::no) return i;
        }
        return 0;
    }
    bool empty() const { return values.empty() || last_negated(); }
    const Setting& front() const { return values[negated()]; }
    const Setting& back() const { return values.back(); }
};

constexpr std::array<std::string_view, 5> kNetworks = {"main", "test", "testnet4", "signet", "regtest"};

}  // namespace

std::int64_t parse_leading_int(std::string_view text) {
    std::size_t at = 0;
    while (at < text.size() && (text[at] == ' ' || (text[at] >= '\t' && text[at] <= '\r'))) ++at;
    bool negative = false;
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) negative = text[at++] == '-';
    constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
    std::int64_t value = 0;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
        const int digit = text[at] - '0';
        if (value > (kMax - digit) / 10) return negative ? std::numeric_limits<std::int64_t>::min() : kMax;
        value = value * 10 + digit;
    }
    return negative ? -value : value;
}

std::filesystem::path default_data_dir() {
    const char* home = std::getenv("HOME");
    return std::filesystem::path(home && *home ? home : "/") / ".bitcoin";
}

std::string data_subdir(std::string_view network) {
    if (network == "main") return {};
    if (network == "test") return "testnet3";
    return std::string(network);
}

std::uint16_t default_rpc_port(std::string_view network) {
    if (network == "test") return 18332;
    if (network == "testnet4") return 48332;
    if (network == "signet") return 38332;
    if (network == "regtest") return 18443;
    return 8332;
}

void Args::add(const Option& option) { options_.emplace(option.name, option); }

const Option* Args::find(std::string_view name) const {
    const auto it = options_.find(name);
    return it == options_.end() ? nullptr : &it->second;
}

/// "section.noname" in its parts.
Args::Key Args::parse_key(std::string text) {
    Key key;
    if (const std::size_t dot = text.find('.'); dot != std::string::npos) {
        key.section = text.substr(0, dot);
        text.erase(0, dot + 1);
    }
    if (text.starts_with("no")) {
        text.erase(0, 2);
        key.negated = true;
    }
    key.name = std::move(text);
    return key;
}

Result<Setting, std::string> Args::interpret(const Key& key, const std::string* value, const Option& option) {
    if (key.negated) {
        if (option.flags & kNoNegation) return fail("Negating of -" + key.name + " is meaningless and therefore forbidden");
        if (value && !text_as_bool(*value)) {
            warnings_.push_back("Parsed potentially confusing double-negative -" + key.name + "=" + *value);
            return Setting{Setting::Kind::yes, {}};
        }
        return Setting{Setting::Kind::no, {}};
    }
    if (!value && (option.flags & kNoElision)) {
        return fail("Can not set -" + key.name + " with no value. Please specify value with -" + key.name + "=value.");
    }
    return Setting{Setting::Kind::text, value ? *value : ""};
}

Result<void, std::string> Args::parse_command_line(int argc, const char* const argv[]) {
    command_line_.clear();
    words_.clear();
    const bool takes_words = std::any_of(options_.begin(), options_.end(), [](const auto& entry) {
        return entry.second.group == OptionGroup::cli_commands;
    });
    for (int i = 1; i < argc; ++i) {
        std::string text = argv[i];
        if (text == "-") break;
        if (text.empty() || text[0] != '-') {
            if (!takes_words) return fail("Command line contains unexpected token '" + text + "', see bitcoind -h for a list of options.");
            for (; i < argc; ++i) words_.emplace_back(argv[i]);
            break;
        }
        std::optional<std::string> value;
        if (const std::size_t equals = text.find('='); equals != std::string::npos) {
            value = text.substr(equals + 1);
            text.erase(equals);
        }
        text.erase(0, text.size() > 1 && text[1] == '-' ? 2 : 1);
        const Key key = parse_key(text);
        const Option* option = find("-" + key.name);
        if (!option || !key.section.empty()) return fail("Error parsing command line arguments: Invalid parameter " + std::string(argv[i]));
        auto setting = interpret(key, value ? &*value : nullptr, *option);
        if (!setting) return fail("Error parsing command line arguments: " + setting.error());
        command_line_[key.name].push_back(std::move(*setting));
    }
    if (const auto it = command_line_.find("includeconf"); it != command_line_.end() && !Span{it->second}.empty()) {
        return fail("Error parsing command line arguments: -includeconf cannot be used from commandline; -includeconf=" +
                    (Span{it->second}.front().kind == Setting::Kind::yes ? "true" : "\"" + Span{it->second}.front().text + "\""));
    }
    return {};
}

template <class Visit>
void Args::merge(std::string_view name, Visit&& visit) const {
    const auto one = [&](const Values& values, Source source) {
        if (const auto it = values.find(name); it != values.end()) visit(Span{it->second}, source);
    };
    one(forced_, Source::forced);
    one(command_line_, Source::command_line);
    one(settings_, Source::settings);
    if (!network_.empty()) {
        if (const auto it = file_.find(network_); it != file_.end()) one(it->second, Source::network_section);
    }
    if (const auto it = file_.find(std::string_view()); it != file_.end()) one(it->second, Source::default_section);
}

bool Args::default_section_counts(std::string_view name) const {
    const Option* option = find("-" + std::string(name));
    return network_ == "main" || network_.empty() || !option || !(option->flags & kNetworkOnly);
}

std::optional<Setting> Args::setting(std::string_view name, bool choosing_chain) const {
    std::optional<Setting> result;
    bool done = false;
    const bool use_default = default_section_counts(name);
    merge(name, [&](const Span& span, Source source) {
        if (done) return;
        if (!use_default && source == Source::default_section && !span.last_negated()) return;
        if (choosing_chain && span.last_negated()) return;
        if (!span.empty()) {
            const bool first_counts = (source == Source::network_section || source == Source::default_section) && !choosing_chain;
            result = first_counts ? span.front() : span.back();
            done = true;
        } else if (span.last_negated()) {
            result = Setting{Setting::Kind::no, {}};
            done = true;
        }
    });
    return result;
}

std::vector<std::string> Args::list(std::string_view name) const {
    name = bare(name);
    std::vector<std::string> result;
    bool done = false;
    bool negated_and_empty = false;
    const bool use_default = default_section_counts(name);
    merge(name, [&](const Span& span, Source source) {
        const bool from_file = source == Source::network_section || source == Source::default_section;
        if (!use_default && source == Source::default_section) return;
        // A list that was cut short on the command line still gets the file's values, unless nothing was left of it.
        if (!done || (from_file && !negated_and_empty)) {
            for (std::size_t i = span.negated(); i < span.values.size(); ++i) result.push_back(span.values[i].as_string());
        }
        done |= span.negated() > 0 || source == Source::forced;
        negated_and_empty |= span.last_negated() && result.empty();
    });
    return result;
}

std::optional<std::string> Args::get(std::string_view name) const {
    const auto value = setting(bare(name));
    if (!value) return std::nullopt;
    return value->as_string();
}

std::string Args::get(std::string_view name, std::string_view fallback) const {
    return get(name).value_or(std::string(fallback));
}

std::optional<std::int64_t> Args::get_int(std::string_view name) const {
    const auto value = get(name);
    if (!value) return std::nullopt;
    return parse_leading_int(*value);
}

std::int64_t Args::get_int(std::string_view name, std::int64_t fallback) const { return get_int(name).value_or(fallback); }

std::optional<bool> Args::get_bool(std::string_view name) const {
    const auto value = setting(bare(name));
    if (!value) return std::nullopt;
    return value->kind == Setting::Kind::text ? text_as_bool(value->text) : value->kind == Setting::Kind::yes;
}

bool Args::get_bool(std::string_view name, bool fallback) const { return get_bool(name).value_or(fallback); }

bool Args::is_set(std::string_view name) const { return setting(bare(name)).has_value(); }

bool Args::is_negated(std::string_view name) const {
    const auto value = setting(bare(name));
    return value && value->kind == Setting::Kind::no;
}

bool Args::soft_set(std::string_view name, std::string value) {
    if (is_set(name)) return false;
    force_set(name, std::move(value));
    return true;
}

void Args::force_set(std::string_view name, std::string value) {
    forced_[std::string(bare(name))] = {Setting{Setting::Kind::text, std::move(value)}};
}

std::filesystem::path Args::path(std::string_view name, const std::filesystem::path& fallback) const {
    const auto value = setting(bare(name));
    if (value && value->kind == Setting::Kind::no) return {};
    const std::string text = value ? value->as_string() : "";
    if (text.empty()) return fallback;
    const std::filesystem::path result = std::filesystem::path(text).lexically_normal();
    return result.has_filename() ? result : result.parent_path();
}

std::filesystem::path Args::data_dir() const {
    const auto chosen = path("-datadir");
    return chosen.empty() ? default_data_dir() : std::filesystem::absolute(chosen);
}

std::filesystem::path Args::network_data_dir() const {
    const std::string sub = data_subdir(network_.empty() ? "main" : network_);
    return sub.empty() ? data_dir() : data_dir() / sub;
}

std::filesystem::path Args::absolute(const std::filesystem::path& path, bool of_network) const {
    if (path.empty() || path.is_absolute()) return path;
    return (of_network ? network_data_dir() : data_dir()) / path;
}

bool Args::data_dir_exists() const {
    const auto chosen = path("-datadir");
    std::error_code error;
    return chosen.empty() || std::filesystem::is_directory(std::filesystem::absolute(chosen), error);
}

Result<std::string, std::string> Args::select_network() {
    const auto on = [&](std::string_view name) {
        const auto value = setting(name, true);
        if (!value) return false;
        return value->kind == Setting::Kind::text ? text_as_bool(value->text) : value->kind == Setting::Kind::yes;
    };
    const bool chain_given = is_set("-chain");
    const int chosen = chain_given + on("regtest") + on("signet") + on("testnet") + on("testnet4");
    if (chosen > 1) {
        return fail(std::string("Invalid combination of -regtest, -signet, -testnet, -testnet4 and -chain. Can use at most one."));
    }
    std::string network = "main";
    if (chain_given) network = get("-chain", "");
    else if (on("regtest")) network = "regtest";
    else if (on("signet")) network = "signet";
    else if (on("testnet")) network = "test";
    else if (on("testnet4")) network = "testnet4";
    if (std::find(kNetworks.begin(), kNetworks.end(), network) == kNetworks.end()) return fail("Unknown chain " + network + ".");
    network_ = network;
    return network;
}

std::vector<ConfigSection> Args::unknown_sections() const {
    std::vector<ConfigSection> result;
    for (const ConfigSection& section : sections_) {
        if (std::find(kNetworks.begin(), kNetworks.end(), section.name) == kNetworks.end()) result.push_back(section);
    }
    return result;
}

std::set<std::string> Args::misplaced_network_options() const {
    std::set<std::string> result;
    if (network_.empty() || network_ == "main") return result;
    for (const auto& [name, option] : options_) {
        if (!(option.flags & kNetworkOnly)) continue;
        bool in_default = false, elsewhere = false;
        merge(bare(name), [&](const Span& span, Source source) {
            if (span.empty()) return;
            (source == Source::default_section ? in_default : elsewhere) = true;
        });
        if (in_default && !elsewhere) result.insert(name);
    }
    return result;
}

std::vector<std::string> Args::without_effect() const {
    std::vector<std::string> result;
    for (const auto& [name, option] : options_) {
        if (!(option.flags & kNoEffect)) continue;
        const auto value = setting(bare(name));
        if (value && value->as_string() != "0") result.push_back(name);
    }
    return result;
}

std::vector<std::string> Args::describe() const {
    std::vector<std::string> lines;
    const auto all = [&](const Values& values, const std::string& head) {
        for (const auto& [name, settings] : values) {
            const Option* option = find("-" + name);
            if (!option) continue;
            for (const Setting& setting : settings) {
                std::string value = setting.kind == Setting::Kind::no ? "false" : setting.kind == Setting::Kind::yes ? "true" : "\"" + setting.text + "\"";
                if (option->flags & kSensitive) value = "****";
                lines.push_back(head + name + "=" + value);
            }
        }
    };
    for (const auto& [section, values] : file_) all(values, "Config file arg: " + (section.empty() ? "" : "[" + section + "] "));
    for (const auto& [name, text] : settings_text_) {
        const Option* option = find("-" + name);
        lines.push_back("Setting file arg: " + name + " = " + (option && (option->flags & kSensitive) ? "****" : text));
    }
    all(command_line_, "Command-line arg: ");
    return lines;
}

}  // namespace cairn::node
