#include <fstream>
#include <iostream>
#include <sstream>

#include <univalue.h>

#include "node/config/args.hpp"
#include "node/config/identity.hpp"

/// bitcoin.conf, what it includes, and settings.json.
namespace cairn::node {
namespace {

std::string trimmed(std::string_view text) {
    constexpr std::string_view kBlanks = " \t\r\n";
    const std::size_t begin = text.find_first_not_of(kBlanks);
    if (begin == std::string_view::npos) return {};
    return std::string(text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1));
}

struct Line {
    std::string name, value;
};

/// Splits a file into name and value; names carry their section as "section.name".
Result<std::vector<Line>, std::string> split(std::string_view text, const std::string& file, std::vector<ConfigSection>& sections) {
    std::vector<Line> lines;
    std::string prefix;
    std::istringstream stream{std::string(text)};
    std::string raw;
    for (int number = 1; std::getline(stream, raw); ++number) {
        const std::size_t hash = raw.find('#');
        const std::string line = trimmed(std::string_view(raw).substr(0, hash));
        if (line.empty()) continue;
        const std::string at = "parse error on line " + std::to_string(number);
        if (line.front() == '[' && line.back() == ']') {
            const std::string section = line.substr(1, line.size() - 2);
            sections.push_back({section, file, number});
            prefix = section + '.';
            continue;
        }
        if (line.front() == '-') return fail(at + ": " + line + ", options in configuration file must be specified without leading -");
        const std::size_t equals = line.find('=');
        if (equals == std::string::npos) {
            std::string error = at + ": " + line;
            if (line.starts_with("no")) error += ", if you intended to specify a negated option, use " + line + "=1 instead";
            return fail(error);
        }
        const std::string name = prefix + trimmed(std::string_view(line).substr(0, equals));
        if (hash != std::string::npos && name.find("rpcpassword") != std::string::npos) {
            return fail(at + ", using # in rpcpassword can be ambiguous and should be avoided");
        }
        lines.push_back({name, trimmed(std::string_view(line).substr(equals + 1))});
        if (const std::size_t dot = name.rfind('.'); dot != std::string::npos && prefix.size() <= dot) {
            sections.push_back({name.substr(0, dot), file, number});
        }
    }
    return lines;
}

std::optional<std::string> read_file(const std::filesystem::path& path) {
    std::ifstream stream(path, std::ios::binary);
    if (!stream.good()) return std::nullopt;
    std::ostringstream text;
    text << stream.rdbuf();
    return std::move(text).str();
}

}  // namespace

Result<void, std::string> Args::read_config_text(std::string_view text, const std::string& file) {
    const auto lines = split(text, file, sections_);
    if (!lines) return fail(lines.error());
    for (const Line& line : *lines) {
        const Key key = parse_key(line.name);
        if (key.name == "conf") {
            return fail(std::string("conf cannot be set in the configuration file; use includeconf= if you want to include additional config files"));
        }
        if (key.name == "reindex") {
            warnings_.push_back("reindex=1 is set in the configuration file, which will significantly slow down startup. "
                                "Consider removing or commenting out this option for better performance, unless there is currently "
                                "a condition which makes rebuilding the indexes necessary");
        }
        const Option* option = find("-" + key.name);
        if (!option) {
            warnings_.push_back("Ignoring unknown configuration value " + line.name);
            continue;
        }
        auto setting = interpret(key, &line.value, *option);
        if (!setting) return fail(setting.error());
        file_[key.section][key.name].push_back(std::move(*setting));
    }
    return {};
}

/// The network that is chosen so far, for its includeconf; "" while the choice makes no sense.
std::string Args::config_chain() const {
    Args copy = *this;
    return copy.select_network().value_or("");
}

Result<void, std::string> Args::read_config_files() {
    namespace fs = std::filesystem;
    std::error_code error;
    file_.clear();
    sections_.clear();
    const fs::path conf = path("-conf", "bitcoin.conf");
    config_file_ = conf.empty() || conf.is_absolute() ? conf : data_dir() / conf;
    std::optional<std::string> text;
    if (!config_file_.empty()) {
        if (fs::is_directory(config_file_, error)) return fail("Config file \"" + config_file_.string() + "\" is a directory.");
        text = read_file(config_file_);
        if (is_set("-conf") && !text) return fail("specified config file \"" + config_file_.string() + "\" could not be opened.");
    }
    if (text) {
        if (auto done = read_config_text(*text, config_file_.string()); !done) return done;
        const auto includes = [&](const std::string& section, std::size_t skip, std::vector<std::string>& out) {
            std::size_t count = 0;
            if (const auto values = file_.find(section); values != file_.end()) {
                if (const auto list = values->second.find("includeconf"); list != values->second.end()) {
                    count = list->second.size();
                    std::size_t first = skip;
                    for (std::size_t i = 0; i < count; ++i) {
                        if (list->second[i].kind == Setting::Kind::no) first = std::max(first, i + 1);
                    }
                    for (std::size_t i = first; i < count; ++i) out.push_back(list->second[i].as_string());
                }
            }
            return count;
        };
        if (!command_line_.contains("includeconf")) {
            const std::string chain = config_chain();
            std::vector<std::string> files;
            const std::size_t of_chain = includes(chain, 0, files);
            const std::size_t of_default = includes("", 0, files);
            for (const std::string& file : files) {
                const fs::path included = absolute(file, false);
                if (fs::is_directory(included, error)) return fail("Included config file \"" + included.string() + "\" is a directory.");
                const auto more = read_file(included);
                if (!more) return fail("Failed to include configuration file " + file);
                if (auto done = read_config_text(*more, file); !done) return done;
            }
            std::vector<std::string> ignored;
            includes(chain, of_chain, ignored);
            includes("", of_default, ignored);
            if (const std::string final_chain = config_chain(); final_chain != chain) includes(final_chain, 0, ignored);
            for (const std::string& file : ignored) {
                std::cerr << "warning: -includeconf cannot be used from included files; ignoring -includeconf=" << file << std::endl;
            }
        }
    }
    if (!data_dir_exists()) return fail("specified data directory \"" + get("-datadir", "") + "\" does not exist.");
    return {};
}

Result<void, std::string> Args::sync_settings_file() {
    namespace fs = std::filesystem;
    const fs::path name = path("-settings", "settings.json");
    if (name.empty()) return {};
    const fs::path file = absolute(name);
    std::error_code error;
    UniValue root(UniValue::VOBJ);
    settings_.clear();
    settings_text_.clear();
    if (fs::exists(file, error)) {
        const auto text = read_file(file);
        if (!text) return fail("Settings file could not be read\n- " + file.string() + ". Please check permissions.");
        if (!root.read(*text)) {
            return fail("Settings file could not be read\n- Settings file " + file.string() +
                        " does not contain valid JSON. This may be caused by a crash, power loss, full disk, or storage error, and can "
                        "be fixed by removing the file, which will reset settings to default values.");
        }
        if (!root.isObject()) {
            return fail("Settings file could not be read\n- Found non-object value " + root.write() + " in settings file " + file.string());
        }
        for (std::size_t i = 0; i < root.size(); ++i) {
            const std::string& key = root.getKeys()[i];
            if (key == "_warning_") continue;
            if (settings_.contains(key)) {
                return fail("Settings file could not be read\n- Found duplicate key " + key + " in settings file " + file.string());
            }
            const Key parsed = parse_key(key);
            if (!find("-" + parsed.name)) warnings_.push_back("Ignoring unknown rw_settings value " + key);
            const auto convert = [](const UniValue& value) {
                if (value.isBool()) return Setting{value.isTrue() ? Setting::Kind::yes : Setting::Kind::no, {}};
                return Setting{Setting::Kind::text, value.getValStr()};
            };
            const UniValue& value = root.getValues()[i];
            settings_text_.emplace_back(key, value.write());
            std::vector<Setting>& out = settings_[key];
            if (!value.isArray()) out.push_back(convert(value));
            else for (const UniValue& element : value.getValues()) out.push_back(convert(element));
        }
    }
    UniValue written(UniValue::VOBJ);
    written.pushKV("_warning_", "This file is automatically generated and updated by " + std::string(kCompatibleName) +
                                ". Please do not edit this file while the node is running, as any changes might be ignored or overwritten.");
    for (std::size_t i = 0; i < root.size(); ++i) {
        if (root.getKeys()[i] != "_warning_") written.pushKV(root.getKeys()[i], root.getValues()[i]);
    }
    fs::path temporary = file;
    temporary += ".tmp";
    {
        std::ofstream out(temporary);
        out << written.write(4, 1) << std::endl;
        if (!out) return fail("Settings file could not be written\n- Error: Unable to open settings file " + temporary.string() + " for writing");
    }
    fs::rename(temporary, file, error);
    if (error) {
        return fail("Settings file could not be written\n- Failed renaming settings file " + temporary.string() + " to " + file.string());
    }
    return {};
}

}  // namespace cairn::node
