#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "consensus/base/result.hpp"

namespace cairn::node {

/// The headings of -help, in the order in which they are printed. Hidden options are accepted and never shown.
enum class OptionGroup {
    general, connection, wallet, wallet_debug, zmq, debug_test, chain_selection, node_relay, block_creation, rpc, ipc, cli_commands, hidden
};

/// What is special about an option.
enum OptionFlag : unsigned {
    kPlain = 0,
    kDebugOnly = 1,      ///< shown by -help-debug only
    kNetworkOnly = 2,    ///< in bitcoin.conf it must stand in the section of its network, unless that is main
    kNoNegation = 4,     ///< -noname is an error
    kNoElision = 8,      ///< -name without a value is an error
    kSensitive = 16,     ///< its value is not written to the log
    kNoEffect = 32,      ///< known, but nothing stands behind it: setting it gives a warning
};

struct Option {
    const char* name;    ///< "-prune"
    const char* value;   ///< "=<n>", or ""
    const char* help;
    OptionGroup group;
    unsigned flags = kPlain;
};

/// One value of an option: -nofoo is false, -foo is "", -foo=x is "x".
struct Setting {
    enum class Kind { no, yes, text } kind = Kind::text;
    std::string text;

    bool operator==(const Setting&) const = default;
    std::string as_string() const { return kind == Kind::no ? "0" : kind == Kind::yes ? "1" : text; }
};

/// A [section] that bitcoin.conf mentions.
struct ConfigSection {
    std::string name;
    std::string file;
    int line = 0;
};

/// Command line, settings.json and bitcoin.conf as one set of options, merged as bitcoind merges them.
///
/// Precedence: forced > command line > settings.json > section of the network > default section. Among values on the command line
/// the last one counts, in a file the first one. -nofoo removes what came before it.
/// Thread: any once read.
class Args {
public:
    /// Makes options known. Unknown ones are errors on the command line and warnings in the file.
    void add(const Option& option);
    template <class Table>
    void add_all(const Table& table) {
        for (const Option& option : table) add(option);
    }

    /// Errors: Bitcoin Core's sentence, such as "Invalid parameter -foo".
    Result<void, std::string> parse_command_line(int argc, const char* const argv[]);
    /// Reads bitcoin.conf (or -conf) and what it includes.
    Result<void, std::string> read_config_files();
    /// The same for text that is there already; `file` names it in messages.
    Result<void, std::string> read_config_text(std::string_view text, const std::string& file);
    /// Reads <datadir>/settings.json and writes it back. Does nothing with -nosettings.
    Result<void, std::string> sync_settings_file();

    /// The network that -chain, -regtest, ... choose: main, test, testnet4, signet, regtest. From then on its section counts.
    Result<std::string, std::string> select_network();
    const std::string& network() const { return network_; }

    std::optional<std::string> get(std::string_view name) const;
    std::string get(std::string_view name, std::string_view fallback) const;
    std::optional<std::int64_t> get_int(std::string_view name) const;
    std::int64_t get_int(std::string_view name, std::int64_t fallback) const;
    std::optional<bool> get_bool(std::string_view name) const;
    bool get_bool(std::string_view name, bool fallback) const;
    std::vector<std::string> list(std::string_view name) const;
    bool is_set(std::string_view name) const;
    bool is_negated(std::string_view name) const;
    /// Sets the option unless it is set; true when it did.
    bool soft_set(std::string_view name, std::string value);
    /// Sets the option whatever was given.
    void force_set(std::string_view name, std::string value);

    /// Normalised, without a slash at its end; empty for -noname; the fallback when it is absent or empty.
    std::filesystem::path path(std::string_view name, const std::filesystem::path& fallback = {}) const;
    /// A relative path from a setting starts in the data directory (of the network).
    std::filesystem::path absolute(const std::filesystem::path& path, bool of_network = true) const;
    std::filesystem::path data_dir() const;
    std::filesystem::path network_data_dir() const;
    std::filesystem::path config_file() const { return config_file_; }
    /// False when -datadir names something that is no directory.
    bool data_dir_exists() const;

    std::string help(bool with_debug) const;
    std::vector<ConfigSection> unknown_sections() const;
    /// Network-only options that stand in the default section although another network than main is chosen.
    std::set<std::string> misplaced_network_options() const;
    /// Names of options that are set and flagged kNoEffect.
    std::vector<std::string> without_effect() const;
    /// Words of the command line that are no options: the command and its arguments (cairn-cli).
    const std::vector<std::string>& words() const { return words_; }
    /// Lines for the log: `Command-line arg: prune="550"`; sensitive values are starred.
    std::vector<std::string> describe() const;
    /// Warnings that came up while reading; for the log.
    const std::vector<std::string>& warnings() const { return warnings_; }
    const Option* find(std::string_view name) const;

private:
    using Values = std::map<std::string, std::vector<Setting>, std::less<>>;
    struct Key {
        std::string section, name;
        bool negated = false;
    };
    enum class Source { forced, command_line, settings, network_section, default_section };

    static Key parse_key(std::string text);
    Result<Setting, std::string> interpret(const Key& key, const std::string* value, const Option& option);
    template <class Visit>
    void merge(std::string_view name, Visit&& visit) const;
    std::optional<Setting> setting(std::string_view name, bool choosing_chain = false) const;
    bool default_section_counts(std::string_view name) const;
    std::string config_chain() const;

    std::map<std::string, Option, std::less<>> options_;
    Values forced_, command_line_, settings_;
    std::vector<std::pair<std::string, std::string>> settings_text_;  ///< settings_ as they stand in the file: name, JSON
    std::map<std::string, Values, std::less<>> file_;  ///< by section
    std::vector<ConfigSection> sections_;
    std::vector<std::string> words_, warnings_;
    std::string network_;
    std::filesystem::path config_file_;
};

/// ~/.bitcoin
std::filesystem::path default_data_dir();
/// regtest, testnet3, testnet4, signet or nothing.
std::string data_subdir(std::string_view network);
std::uint16_t default_rpc_port(std::string_view network);
/// Leading digits of a number, 0 when there are none; saturates.
std::int64_t parse_leading_int(std::string_view text);
/// Lines of at most `width` characters, all but the first indented.
std::string format_paragraph(std::string_view text, std::size_t width, std::size_t indent = 0);

}  // namespace cairn::node
