#include <algorithm>

#include <fmt/format.h>

#include "net/io/log.hpp"
#include "node/settings.hpp"

/// From the command line to a complete set of options.
namespace cairn::node {

namespace fs = std::filesystem;
namespace log = net::log;

namespace {

std::string quoted(const fs::path& path) { return "\"" + path.string() + "\""; }

/// A data directory may hold a bitcoin.conf that nobody reads: that is rarely meant.
Result<void, std::string> check_ignored_config(const Args& args, const fs::path& original_dir, const fs::path& used) {
    const fs::path base = args.data_dir();
    const fs::path beside = base / "bitcoin.conf";
    std::error_code error;
    if (!fs::exists(beside, error)) return {};
    if (used.empty()) {
        log::info("Data directory {} contains a \"bitcoin.conf\" file which is explicitly ignored using -noconf.", quoted(base));
        return {};
    }
    if (fs::equivalent(used, beside, error)) return {};
    const std::string given = args.get("-conf", "");
    const std::string source =
        given.empty() ? "data directory " + quoted(original_dir) : "command line argument \"-conf=" + given + "\"";
    std::string text = fmt::format(
        "Data directory {0} contains a \"bitcoin.conf\" file which is ignored, because a different configuration file {1} from {2} is "
        "being used instead. Possible ways to address this would be to:\n"
        "- Delete or rename the \"bitcoin.conf\" file in data directory {0}.\n"
        "- Change datadir= or conf= options to specify one configuration file, not two, and use includeconf= to include any other "
        "configuration files.",
        quoted(base), quoted(used), source);
    if (args.get_bool("-allowignoredconf", false)) {
        log::warning("{}", text);
        return {};
    }
    return fail(text + "\n- Set allowignoredconf=1 option to treat this condition as a warning, not an error.");
}

}  // namespace

Result<void, std::string> load_configuration(Args& args) {
    if (!args.data_dir_exists()) return fail("Specified data directory \"" + args.get("-datadir", "") + "\" does not exist.");
    const fs::path original_dir = args.data_dir();
    const fs::path conf = args.path("-conf", "bitcoin.conf");
    const fs::path used = conf.empty() || conf.is_absolute() ? conf : original_dir / conf;
    if (auto done = args.read_config_files(); !done) return fail("Error reading configuration file: " + done.error());
    const auto network = args.select_network();
    if (!network) return fail(network.error());
    std::error_code error;
    // A new data directory gets a folder for wallets, which other software looks for; an old one stays as it is.
    for (const fs::path& dir : {args.data_dir(), args.network_data_dir()}) {
        if (fs::exists(dir, error)) continue;
        fs::create_directories(dir / "wallets", error);
        if (error) return fail("filesystem error: cannot create directories: " + error.message() + " [" + (dir / "wallets").string() + "]");
    }
    if (auto done = check_ignored_config(args, original_dir, used); !done) return done;
    return args.sync_settings_file();
}

void apply_interactions(Args& args) {
    const auto soft = [&](const char* option, const char* value, const char* because) {
        if (args.soft_set(option, value)) log::info("parameter interaction: {} -> setting {}={}", because, option, value);
    };
    if (!args.list("-bind").empty()) soft("-listen", "1", "-bind set");
    if (!args.list("-whitebind").empty()) soft("-listen", "1", "-whitebind set");
    if (!args.list("-connect").empty() || args.is_negated("-connect") || args.get_int("-maxconnections", 125) <= 0) {
        soft("-dnsseed", "0", "-connect or -maxconnections=0 set");
        soft("-listen", "0", "-connect or -maxconnections=0 set");
    }
    if (const std::string proxy = args.get("-proxy", ""); !proxy.empty() && proxy != "0") {
        soft("-listen", "0", "-proxy set");
        soft("-natpmp", "0", "-proxy set");
        soft("-discover", "0", "-proxy set");
    }
    if (!args.get_bool("-listen", true)) {
        for (const char* option : {"-natpmp", "-discover", "-listenonion", "-i2pacceptincoming"}) soft(option, "0", "-listen=0");
    }
    if (!args.list("-externalip").empty()) soft("-discover", "0", "-externalip set");
    if (args.get_bool("-blocksonly", false)) {
        soft("-whitelistrelay", "0", "-blocksonly=1");
        soft("-maxmempool", "5", "-blocksonly=1");
    }
    if (args.get_bool("-whitelistforcerelay", false)) soft("-whitelistrelay", "1", "-whitelistforcerelay=1");
    const auto nets = args.list("-onlynet");
    const bool clearnet = std::any_of(nets.begin(), nets.end(), [](const std::string& net) { return net == "ipv4" || net == "ipv6"; });
    if (!nets.empty() && !clearnet) soft("-dnsseed", "0", "-onlynet excludes IPv4 and IPv6");
}

Result<void, std::string> apply_log_levels(const Args& args) {
    std::vector<std::string> categories = args.list("-debug");
    // What stands before -debug=0 or -debug=none does not count.
    const auto last_none = std::find_if(categories.rbegin(), categories.rend(), [](const auto& c) { return c == "0" || c == "none"; });
    categories.erase(categories.begin(), last_none.base());
    for (const std::string& category : categories) {
        if (!log::enable_category(category)) return fail("Unsupported logging category -debug=" + category + ".");
    }
    for (const std::string& category : args.list("-debugexclude")) {
        if (!log::disable_category(category)) return fail("Unsupported logging category -debugexclude=" + category + ".");
    }
    log::info("Log output may contain privacy-sensitive information. Be cautious when sharing logs.");
    for (const std::string& level : args.list("-loglevel")) {
        const std::size_t colon = level.find(':');
        if (level.size() < 3 || level.find(':', 3) == std::string::npos) {
            if (!log::set_level(level)) {
                return fail("Unsupported global logging level -loglevel=" + level + ". Valid values: info, debug, trace.");
            }
        } else if (!log::set_category_level(level.substr(0, colon), level.substr(colon + 1))) {
            std::string names;
            for (const std::string& name : log::category_names()) names += (names.empty() ? "" : ", ") + name;
            return fail("Unsupported category-specific logging level -loglevel=" + level +
                        ". Expected -loglevel=<category>:<loglevel>. Valid categories: " + names +
                        ". Valid loglevels: info, debug, trace.");
        }
    }
    return {};
}

log::Options log_options(const Args& args) {
    log::Options options;
    options.print_to_file = !args.is_negated("-debuglogfile");
    options.file = args.absolute(args.path("-debuglogfile", "debug.log"));
    options.print_to_console = args.get_bool("-printtoconsole", !args.get_bool("-daemon", false));
    options.timestamps = args.get_bool("-logtimestamps", true);
    options.microseconds = args.get_bool("-logtimemicros", false);
    options.thread_names = args.get_bool("-logthreadnames", false);
    options.source_locations = args.get_bool("-logsourcelocations", false);
    options.level_always = args.get_bool("-loglevelalways", false);
    const auto states = log::category_states();
    const bool quiet = std::none_of(states.begin(), states.end(), [](const auto& state) { return state.second; });
    options.shrink_file = args.get_bool("-shrinkdebugfile", quiet);
    return options;
}

bool set_up_authorization(const Args& args, const NodeSettings& settings, http::Authorizer& authorizer) {
    const std::string password = args.get("-rpcpassword", "");
    if (!password.empty()) {
        log::info("Using rpcuser/rpcpassword authentication.");
        log::warning("The use of rpcuser/rpcpassword is less secure, because credentials are configured in plain text. It is recommended "
                     "that locally-run instances switch to cookie-based auth, or otherwise to use hashed rpcauth credentials.");
        authorizer.add_plain(args.get("-rpcuser", ""), password);
    } else if (args.is_set("-rpccookieperms") && !settings.cookie_permissions) {
        log::error("Invalid -rpccookieperms={}; must be one of 'owner', 'group', or 'all'.", args.get("-rpccookieperms", ""));
        return false;
    } else if (settings.cookie_file.empty()) {
        log::info("RPC authentication cookie file generation is disabled.");
    } else {
        const auto cookie = http::write_cookie(settings.cookie_file, settings.cookie_permissions);
        if (!cookie) {
            log::warning("{}", cookie.error());
            return false;
        }
        log::info("Generated RPC authentication cookie {}", settings.cookie_file.string());
        log::info("Using random cookie authentication.");
        authorizer.add_plain(http::kCookieUser, *cookie);
    }
    const auto lines = args.list("-rpcauth");
    if (!lines.empty()) log::info("Using rpcauth authentication.");
    for (const std::string& line : lines) {
        if (authorizer.add_hashed(line)) continue;
        log::warning("Invalid -rpcauth argument.");
        return false;
    }
    const auto whitelists = args.list("-rpcwhitelist");
    authorizer.set_whitelist_default(args.get_bool("-rpcwhitelistdefault", !whitelists.empty()));
    for (const std::string& line : whitelists) authorizer.add_whitelist(line);
    return true;
}

}  // namespace cairn::node
