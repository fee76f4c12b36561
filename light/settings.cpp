#include "light/settings.hpp"

#include <algorithm>
#include <cstdlib>
#include <thread>

#include <fmt/format.h>

#include "consensus/base/hex.hpp"
#include "light/client/filter_checkpoints.hpp"
#include "node/config/identity.hpp"

namespace cairn::light {

namespace fs = std::filesystem;
using node::Option;
using enum node::OptionGroup;

namespace {

constexpr int kWebPortAbove = 12;
constexpr int kRpcPortAbove = 10;  // above that of a full node, so that both can run side by side

constexpr Option kOptions[] = {
    {"-?", "", "Print this text and leave", general},
    {"-bip37", "", "Look for payments by bloom filters (BIP37), with peers that serve no compact filters. They learn which addresses and coins are yours, and may hide payments from you (default: 0)", general},
    {"-conf", "=<file>", "The configuration file (default: cairn-light.conf)", general},
    {"-datadir", "=<dir>", "Where everything is kept (default: ~/.cairn-light)", general},
    {"-fallbackfee", "=<n>", "The fee rate, in satoshis per virtual byte, of payments for which none is known (default: 0, which refuses them)", general},
    {"-feeblocks", "=<n>", "Fetch so many of the newest blocks an hour, at random times, for what they tell of fee rates; 0: none (default: 1)", general},
    {"-filtercheckpoints", "=<file>", "Filter headers that a node of your own vouches for, as contrib/filters/make_filter_checkpoints.py writes them, besides the built-in ones", general, node::kNetworkOnly},
    {"-filterpeers", "=<n>", "So many peers have to agree on compact filters before they are believed, if there are so many (default: 3)", general},
    {"-help", "", "Print this text and leave", general},
    {"-keepfilters", "=<n>", "Keep the compact filters of the last so many blocks only; a rescan fetches the others again (default: all)", general},
    {"-mempoolwatch", "", "Look at relayed transactions, to see payments before they are in a block (default: 1)", general},
    {"-par", "=<n>", "Threads that match filters (default: one for each core)", general},
    {"-privatebroadcast", "", "Give own payments to peers over connections made for each of them alone, through Tor or I2P where these are set up; 0: to peers that are connected anyway (default: 1)", general},
    {"-version", "", "Print the version and leave", general},
    {"-watch", "=<address|hex>[@<height>]", "Watch this address or output script, from this block on. May be given several times", general, node::kNetworkOnly},
    {"-addnode", "=<ip>", "Also connect to this node", connection, node::kNetworkOnly},
    {"-connect", "=<ip>", "Connect to these nodes and no others", connection, node::kNetworkOnly},
    {"-dns", "", "Look up names of nodes (default: 1)", connection},
    {"-dnsseed", "", "Ask DNS seeds for addresses when few are known (default: 1 without -connect)", connection},
    {"-fixedseeds", "", "Use the built-in addresses when seeds give none (default: 1)", connection},
    {"-i2psam", "=<ip:port>", "The I2P SAM proxy", connection},
    {"-maxconnections", "=<n>", "At most this many connections (default: 16)", connection},
    {"-onion", "=<ip:port|path>", "A SOCKS5 proxy for Tor onion services", connection},
    {"-onlynet", "=<net>", "Make connections to this network only (ipv4, ipv6, onion, i2p, cjdns)", connection},
    {"-proxy", "=<ip:port|path>", "Connect through this SOCKS5 proxy", connection},
    {"-proxyrandomize", "", "Other credentials for every connection through a proxy (default: 1)", connection},
    {"-timeout", "=<n>", "Give up connecting after so many milliseconds (default: 5000)", connection},
    {"-v2transport", "", "Speak BIP324 with those who do (default: 1)", connection},
    {"-debug", "=<category>", "Log lines of this category, too; 1 for all", debug_test},
    {"-logips", "", "Name addresses in the log (default: 0)", debug_test},
    {"-logtimemicros", "", "Microseconds in the log (default: 0)", debug_test},
    {"-printtoconsole", "", "Log to the console (default: 1)", debug_test},
    {"-chain", "=<chain>", "main, test, testnet4, signet or regtest (default: main)", chain_selection},
    {"-regtest", "", "The same as -chain=regtest", chain_selection},
    {"-signet", "", "The same as -chain=signet", chain_selection},
    {"-testnet", "", "The same as -chain=test", chain_selection},
    {"-testnet4", "", "The same as -chain=testnet4", chain_selection},
    {"-commands", "", "Tell about the commands for people and leave", cli_commands},
    {"-rpcbind", "=<addr>", "Take RPC calls at this address (default: 127.0.0.1)", rpc, node::kNetworkOnly},
    {"-rpcport", "=<port>", "Take RPC calls at this port (default: 10 above that of a full node)", rpc, node::kNetworkOnly},
    {"-web", "", "Serve the wallet's page to a browser on this computer; -web=<port> chooses the port (default: 0, and 12 above that of a full node's RPC)", rpc, node::kNetworkOnly},
    {"-rpcthreads", "=<n>", "Threads that answer RPC calls (default: 4)", rpc},
};

Result<void, std::string> fill_network(const node::Args& args, LightSettings& settings) {
    net::NetworkOptions& net = settings.net;
    const ChainParams& params = *settings.params;
    net.magic = params.magic;
    net.default_port = params.default_port;
    net.chain = std::string(params.name());
    net.user_agent = fmt::format("/{}-light:{}/", node::kClientName, node::kClientVersion);
    net.dns_seeds = params.dns_seeds;
    net.genesis = params.genesis_hash();
    net.connect = args.list("-connect");
    net.connect_given = !net.connect.empty() || args.is_negated("-connect");
    net.add_nodes = args.list("-addnode");
    net.listen = net.discover = false;
    net.dns_seed = args.get_bool("-dnsseed", !net.connect_given && args.get("-proxy", "").empty());
    net.fixed_seeds = args.get_bool("-fixedseeds", true);
    net.name_lookup = args.get_bool("-dns", true);
    net.max_connections = static_cast<int>(std::clamp<std::int64_t>(args.get_int("-maxconnections", 16), 0, 125));
    net.timeout_ms = static_cast<int>(std::clamp<std::int64_t>(args.get_int("-timeout", 5000), 1, 1 << 30));
    net.v2_transport = args.get_bool("-v2transport", true);
    net.log_ips = args.get_bool("-logips", false);
    net.private_in_the_open = true;
    net.blocks_only = !args.get_bool("-mempoolwatch", true);
    net.data_dir = settings.data_dir;
    net::ProxyArguments proxies;
    proxies.proxies = args.list("-proxy");
    proxies.onion = args.get("-onion", "");
    proxies.i2p_sam = args.get("-i2psam", "");
    proxies.only_nets = args.list("-onlynet");
    proxies.randomize = args.get_bool("-proxyrandomize", true);
    proxies.listen_onion = false;
    proxies.name_lookup = net.name_lookup;
    auto plan = net::plan_proxies(proxies);
    if (!plan) return fail(plan.error());
    net.proxies = std::move(*plan);
    return {};
}

Result<WatchedScript, std::string> parse_watched(const std::string& text, const ChainParams& params) {
    WatchedScript watched;
    const std::size_t at = text.find('@');
    if (at != std::string::npos) watched.since = static_cast<Height>(std::clamp<std::int64_t>(node::parse_leading_int(text.substr(at + 1)), 0, 1 << 30));
    auto script = parse_script(text.substr(0, at), params);
    if (!script) return fail(script.error());
    watched.script = std::move(*script);
    return watched;
}

}  // namespace

std::span<const Option> light_options() { return kOptions; }

Result<Bytes, std::string> parse_script(const std::string& text, const ChainParams& params) {
    if (const auto destination = decode_address(text, params.addresses)) return script_for(*destination);
    else if (const auto bytes = from_hex(text); bytes && !bytes->empty()) return *bytes;
    else return fail("Neither an address nor a script in hexadecimal: " + text + " (" + destination.error().message + ")");
}

Result<LightSettings, std::string> make_settings(node::Args& args) {
    const char* home = std::getenv("HOME");
    args.soft_set("-conf", "cairn-light.conf");
    if (!args.is_set("-datadir")) {
        args.force_set("-datadir", (fs::path(home ? home : "/") / ".cairn-light").string());
        std::error_code error;
        fs::create_directories(args.path("-datadir"), error);
    }
    if (!args.data_dir_exists()) return fail("Specified data directory \"" + args.get("-datadir", "") + "\" does not exist.");
    std::error_code error;
    if (args.get("-conf", "") != "cairn-light.conf" || fs::exists(args.data_dir() / "cairn-light.conf", error))
        if (auto done = args.read_config_files(); !done) return fail("Error reading configuration file: " + done.error());
    const auto name = args.select_network();
    if (!name) return fail(name.error());
    const auto network = network_by_name(*name);
    if (!network) return fail("Unknown chain " + *name + ".");

    LightSettings settings;
    settings.params = make_params(*network);
    settings.data_dir = args.network_data_dir();
    fs::create_directories(settings.data_dir, error);
    if (error) return fail("Cannot make the directory " + settings.data_dir.string() + ": " + error.message());
    if (auto done = fill_network(args, settings); !done) return fail(done.error());
    settings.cookie_file = settings.data_dir / ".cookie";
    const auto port = args.get_int("-rpcport", node::default_rpc_port(*name) + kRpcPortAbove);
    if (port < 1 || port > 65535) return fail(std::string("Invalid port specified in -rpcport: '") + args.get("-rpcport", "") + "'");
    settings.http.binds = {{args.get("-rpcbind", "127.0.0.1"), static_cast<std::uint16_t>(port)}};
    settings.fallback_fee = std::clamp<std::int64_t>(args.get_int("-fallbackfee", 0), 0, 10'000) * 1'000;
    if (args.is_set("-web") && !args.is_negated("-web")) {
        const std::string web = args.get("-web", "");
        const auto web_port = web.empty() || web == "1" ? node::default_rpc_port(*name) + kWebPortAbove : args.get_int("-web", 0);
        if (web_port < 1 || web_port > 65535) return fail("Invalid port specified in -web: '" + web + "'");
        settings.web_port = static_cast<std::uint16_t>(web_port);
    }
    settings.http.threads = static_cast<int>(std::clamp<std::int64_t>(args.get_int("-rpcthreads", 4), 1, 64));
    settings.log.file = settings.data_dir / "debug.log";
    settings.log.print_to_console = args.get_bool("-printtoconsole", true);
    settings.log.microseconds = args.get_bool("-logtimemicros", false);
    settings.log.shrink_file = true;
    // With named peers more than there are need not be waited for.
    const auto wanted = static_cast<std::size_t>(std::clamp<std::int64_t>(args.get_int("-filterpeers", 3), 1, 8));
    settings.voters = settings.net.connect_given ? std::min(wanted, std::max<std::size_t>(1, settings.net.connect.size())) : wanted;
    if (args.is_set("-keepfilters") && !args.is_negated("-keepfilters"))
        settings.keep_filters = static_cast<Height>(std::clamp<std::int64_t>(args.get_int("-keepfilters", 0), 0, 1 << 30));
    settings.checkpoints = filter_checkpoints(settings.params->network);
    if (args.is_set("-filtercheckpoints") && !args.is_negated("-filtercheckpoints")) {
        auto more = read_filter_checkpoints(args.path("-filtercheckpoints"), settings.params->network);
        if (!more) return fail(more.error());
        for (const FilterCheckpoint& point : *more) {
            std::erase_if(settings.checkpoints, [&point](const FilterCheckpoint& known) { return known.height == point.height; });
            settings.checkpoints.push_back(point);
        }
        std::ranges::sort(settings.checkpoints, {}, &FilterCheckpoint::height);
    }
    settings.hear_transactions = !settings.net.blocks_only;
    settings.bloom_filters = args.get_bool("-bip37", false);
    settings.broadcast_privately = args.get_bool("-privatebroadcast", true);
    settings.fee_blocks_per_hour = static_cast<unsigned>(std::clamp<std::int64_t>(args.get_int("-feeblocks", 1), 0, 60));
    settings.workers = static_cast<unsigned>(std::clamp<std::int64_t>(args.get_int("-par", std::thread::hardware_concurrency()), 1, 64));
    for (const std::string& text : args.list("-watch")) {
        auto watched = parse_watched(text, *settings.params);
        if (!watched) return fail(watched.error());
        settings.watched.push_back(std::move(*watched));
    }
    return settings;
}

}  // namespace cairn::light
