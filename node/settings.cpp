#include "node/settings.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include <fmt/format.h>

#include "consensus/base/hex.hpp"
#include "net/io/log.hpp"
#include "net/peer/rate_schedule.hpp"
#include "net/swarm/bad_ports.hpp"
#include "node/config/byte_units.hpp"
#include "node/discovery_settings.hpp"
#include "node/policy_settings.hpp"
#include "storage/coin_cache.hpp"

/// From options to what the parts of the node want to know. Every complaint is in bitcoind's words: wrappers match them.
namespace cairn::node {

namespace fs = std::filesystem;
namespace log = net::log;

namespace {

constexpr std::int64_t kMinimumPruneMiB = 550;
constexpr std::int64_t kMaximumPruneMiB = 8'796'093'022'207;  // the number of bytes stays within 63 bits
constexpr std::size_t kMaxUserAgent = 256;
constexpr int kReservedFiles = 160;  // database, log, listening sockets, connections by hand

using Status = Result<void, std::string>;

bool starts_with_unix(const std::string& text) { return text.starts_with("unix:"); }

/// Up to 64 hex digits, with or without 0x, as people write hashes and work.
std::optional<Uint256> user_hex(std::string text) {
    if (text.starts_with("0x")) text.erase(0, 2);
    if (text.size() < 64) text.insert(0, 64 - text.size(), '0');
    return Uint256::from_display_hex(text);
}

Status check_ports(const Args& args) {
    for (const char* name : {"-port", "-rpcport"}) {
        const auto text = args.get(name);
        if (!text) continue;
        std::uint16_t port = 0;
        const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), port);
        if (error != std::errc{} || end != text->data() + text->size() || port == 0) {
            return fail(fmt::format("Invalid port specified in {}: '{}'", name, *text));
        }
    }
    struct HostOption {
        const char* name;
        bool unix_socket, suffix;
    };
    static constexpr HostOption kOptions[] = {
        {"-i2psam", false, false}, {"-onion", true, false}, {"-proxy", true, true}, {"-bind", false, true}, {"-rpcbind", false, false},
        {"-torcontrol", false, false}, {"-whitebind", false, false}, {"-zmqpubhashblock", true, false}, {"-zmqpubhashtx", true, false},
        {"-zmqpubrawblock", true, false}, {"-zmqpubrawtx", true, false}, {"-zmqpubsequence", true, false},
    };
    for (const HostOption& option : kOptions) {
        for (const std::string& value : args.list(option.name)) {
            std::string host;
            std::uint16_t port = 0;
            const std::string address = option.suffix ? value.substr(0, value.rfind('=')) : value;
            if (split_host_port(address, host, port) || (option.unix_socket && starts_with_unix(value))) continue;
            return fail(fmt::format("Invalid port specified in {}: '{}'", option.name, value));
        }
    }
    return {};
}

/// What transactions must be like to wait, and how blocks are made of them.
Status fill_policy(const Args& args, NodeSettings& settings) {
    auto mempool = make_mempool_options(args, *settings.params);
    if (!mempool) return fail(mempool.error());
    settings.mempool = *mempool;
    settings.min_relay_fee_rate = mempool->min_relay.per_kvb;
    settings.incremental_relay_fee_rate = mempool->incremental_relay.per_kvb;
    auto mining = make_mining_options(args);
    if (!mining) return fail(mining.error());
    settings.mining = *mining;
    settings.accept_stale_fee_estimates = args.get_bool("-acceptstalefeeestimates", false);
    if (settings.accept_stale_fee_estimates && settings.params->network != Network::regtest) {
        return fail("acceptstalefeeestimates is not supported on " + std::string(settings.params->name()) + " chain.");
    }
    if (const auto threads = args.get_int("-prevoutfetchthreads"); threads && *threads < 0) {
        return fail(fmt::format("-prevoutfetchthreads must be non-negative (got {}). Use 0 to disable parallel input fetching.", *threads));
    }
    return {};
}

Status fill_indexes(const Args& args, NodeSettings& settings) {
    const std::string filter = args.get("-blockfilterindex", "0");
    settings.indexes.filters = filter != "0";
    settings.indexes.txs = args.get_bool("-txindex", false);
    settings.indexes.spenders = args.get_bool("-txospenderindex", false);
    settings.indexes.coin_stats = args.get_bool("-coinstatsindex", false);
    settings.peer_block_filters = args.get_bool("-peerblockfilters", false);
    if (!filter.empty() && filter != "0" && filter != "1") {
        for (const std::string& name : args.list("-blockfilterindex")) {
            if (name != "basic") return fail("Unknown -blockfilterindex value " + name + ".");
        }
    }
    if (settings.peer_block_filters && !settings.indexes.filters) {
        return fail(std::string("Cannot set -peerblockfilters without -blockfilterindex."));
    }
    if (args.get_int("-prune", 0) == 0) return {};
    if (settings.indexes.txs) return fail(std::string("Prune mode is incompatible with -txindex."));
    if (settings.indexes.spenders) return fail(std::string("Prune mode is incompatible with -txospenderindex."));
    if (args.get_bool("-reindex-chainstate", false)) {
        return fail(std::string("Prune mode is incompatible with -reindex-chainstate. Use full -reindex instead."));
    }
    return {};
}

Status check_connection_options(const Args& args) {
    if (args.get_bool("-forcednsseed", false) && !args.get_bool("-dnsseed", true)) {
        return fail(std::string("Cannot set -forcednsseed to true when setting -dnsseed to false."));
    }
    const bool listen = args.get_bool("-listen", true);
    if (!listen && !(args.list("-bind").empty() && args.list("-whitebind").empty())) {
        return fail(std::string("Cannot set -bind or -whitebind together with -listen=0"));
    }
    if (!listen && args.get_bool("-listenonion", true)) return fail(std::string("Cannot set -listen=0 together with -listenonion=1"));
    if (args.get_int("-maxconnections", 125) < 0) return fail(std::string("-maxconnections must be greater or equal than zero"));
    if (args.get_int("-peertimeout", 60) <= 0) return fail(std::string("peertimeout must be a positive integer."));
    const auto nets = args.list("-onlynet");
    const auto only = [&](const char* net) { return std::find(nets.begin(), nets.end(), net) != nets.end(); };
    if (!nets.empty() && !only("ipv4") && !only("ipv6") && args.get_bool("-dnsseed") == true && args.get("-dnsseed") != "0") {
        return fail(std::string("Incompatible options: -dnsseed=1 was explicitly specified, but -onlynet forbids connections to IPv4/IPv6"));
    }
    if (args.get_bool("-privatebroadcast", false)) {
        const bool onion_may_come = args.get_bool("-listenonion", true) && (nets.empty() || only("onion"));
        const bool reachable = onion_may_come || !args.get("-onion", "").empty() || !args.get("-i2psam", "").empty() ||
                               !args.get("-proxy", "").empty();
        if (!reachable) {
            return fail(std::string("Private broadcast of own transactions requested (-privatebroadcast), but none of Tor or I2P networks is reachable"));
        }
        if (!args.list("-connect").empty()) {
            return fail(std::string("Private broadcast of own transactions requested (-privatebroadcast), but -connect is also configured. "
                                    "They are incompatible because the private broadcast needs to open new connections to randomly chosen "
                                    "Tor or I2P peers. Consider using -maxconnections=0 -addnode=... instead"));
        }
    }
    return {};
}

Result<ChainParamsPtr, std::string> choose_params(const Args& args) {
    const Network network = *network_by_name(args.network());
    ChainOptions options;
    if (network == Network::mainnet) {
        for (const char* name : {"-testactivationheight", "-vbparams"}) {
            if (args.is_set(name)) return fail("The " + std::string(name) + " option may not be used on mainnet.");
        }
    }
    for (const std::string& value : args.list("-testactivationheight")) {
        if (auto done = add_activation_height(options, value); !done) return fail(done.error());
    }
    for (const std::string& value : args.list("-vbparams")) {
        if (auto done = add_version_bits(options, value); !done) return fail(done.error());
    }
    if (const auto seeds = args.list("-signetseednode"); !seeds.empty()) options.signet_seeds = seeds;
    if (const auto challenges = args.list("-signetchallenge"); !challenges.empty()) {
        if (challenges.size() > 1) return fail(std::string("-signetchallenge cannot be multiple values."));
        auto script = from_hex(challenges[0]);
        if (!script || script->empty()) return fail("-signetchallenge must be hex, not '" + challenges[0] + "'.");
        options.signet_challenge = std::move(*script);
    }
    const auto tests = args.list("-test");
    if (!tests.empty() && network != Network::regtest) return fail(std::string("-test=<option> can only be used with regtest"));
    options.enforce_bip94 = std::find(tests.begin(), tests.end(), "bip94") != tests.end();
    options.fast_prune = args.get_bool("-fastprune", false);
    return make_params(network, options);
}

Status fill_chain(const Args& args, NodeSettings& settings) {
    ChainServiceOptions& chain = settings.chain;
    chain.datadir = settings.data_dir;
    constexpr std::int64_t kMiB = 1 << 20;
    const std::int64_t total = std::clamp<std::int64_t>(args.get_int("-dbcache", 450), 4, 1 << 20) * kMiB;
    settings.block_cache_bytes = static_cast<std::uint64_t>(std::clamp<std::int64_t>(total / 8, 2 * kMiB, 32 * kMiB));
    chain.cache_bytes = std::min(static_cast<std::size_t>(total) - settings.block_cache_bytes, storage::CoinCache::kMostBytes);
    // Half of it, as the other half would hold single signatures, which are not kept.
    chain.script_cache_bytes = static_cast<std::size_t>(std::clamp<std::int64_t>(args.get_int("-maxsigcachesize", 32), 0, 16'384) * kMiB / 2);
    chain.threads = static_cast<int>(std::clamp<std::int64_t>(args.get_int("-par", 0), -256, 256));
    if (const auto text = args.get("-minimumchainwork")) {
        const auto work = user_hex(*text);
        if (!work) return fail("Invalid minimum work specified (" + *text + "), must be up to 64 hex digits");
        chain.minimum_work = Arith256(*work);
    }
    if (const auto text = args.get("-assumevalid")) {
        const auto hash = user_hex(*text);
        if (!hash) return fail("Invalid assumevalid block hash specified (" + *text + "), must be up to 64 hex digits (or 0 to disable)");
        chain.assume_valid = BlockHash(*hash);
    }
    chain.max_tip_age = args.get_int("-maxtipage", chain.max_tip_age);
    chain.check_blocks = static_cast<int>(std::clamp<std::int64_t>(args.get_int("-checkblocks", 6), 0, 1 << 30));
    chain.check_level = static_cast<int>(std::clamp<std::int64_t>(args.get_int("-checklevel", 3), 0, 4));
    chain.reindex = args.get_bool("-reindex", false);
    chain.reindex_chainstate = args.get_bool("-reindex-chainstate", false);
    for (const std::string& file : args.list("-loadblock")) chain.load_blocks.emplace_back(file);
    const std::int64_t prune = args.get_int("-prune", 0);
    if (prune < 0) return fail(std::string("Prune cannot be configured with a negative value."));
    if (prune > 1 && prune < kMinimumPruneMiB) {
        return fail(fmt::format("Prune configured below the minimum of {} MiB.  Please use a higher number.", kMinimumPruneMiB));
    }
    chain.prune = prune != 0;
    chain.prune_target = prune > 1 ? static_cast<std::uint64_t>(std::min(prune, kMaximumPruneMiB)) << 20 : 0;
    chain.fast_prune = args.get_bool("-fastprune", false);
    chain.stop_at_height = static_cast<Height>(std::clamp<std::int64_t>(args.get_int("-stopatheight", 0), 0, 1 << 30));
    return {};
}

/// BIP14 with a known name in front, because many programs ask whether the node's name begins with /Satoshi: and compare its version.
Status fill_identity(const Args& args, NodeSettings& settings) {
    static constexpr std::string_view kSafe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 .,;-_?@";
    const std::string name = args.get("-uaname", "Satoshi:31.0.0");
    std::string comments;
    for (const std::string& comment : args.list("-uacomment")) {
        if (comment.find_first_not_of(kSafe) != std::string::npos) {
            return fail("User Agent comment (" + comment + ") contains unsafe characters.");
        }
        comments += (comments.empty() ? "" : "; ") + comment;
    }
    if (name.find_first_not_of(std::string(kSafe) + ":") != std::string::npos) return fail("The name in -uaname=" + name + " contains unsafe characters.");
    settings.user_agent = "/";
    if (!name.empty() && name != "0") settings.user_agent += name + "/";
    settings.user_agent += std::string(kClientName) + ":" + kClientVersion;
    if (!comments.empty()) settings.user_agent += "(" + comments + ")";
    settings.user_agent += "/";
    if (settings.user_agent.size() > kMaxUserAgent) {
        return fail(fmt::format("Total length of network version string ({}) exceeds maximum length ({}). Reduce the number or size of uacomments.",
                                settings.user_agent.size(), kMaxUserAgent));
    }
    settings.version = static_cast<int>(args.get_int("-uaversion", 310000));
    return {};
}

/// Connections need file descriptors; more may be had for the asking.
Status fit_connections(int wanted, NodeSettings& settings, std::vector<std::string>& warnings) {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        const rlim_t needed = static_cast<rlim_t>(wanted + kReservedFiles + 512);
        if (limit.rlim_cur < needed) {
            limit.rlim_cur = std::min(needed, limit.rlim_max);
            setrlimit(RLIMIT_NOFILE, &limit);
            getrlimit(RLIMIT_NOFILE, &limit);
        }
    } else {
        limit.rlim_cur = 1024;
    }
    const auto available = static_cast<std::int64_t>(std::min<rlim_t>(limit.rlim_cur, 1 << 20));
    if (available < kReservedFiles) {
        return fail(fmt::format("Not enough file descriptors available. {} available, {} required.", available, kReservedFiles));
    }
    settings.net.max_connections = static_cast<int>(std::min<std::int64_t>(wanted, available - kReservedFiles));
    if (settings.net.max_connections < wanted) {
        warnings.push_back(fmt::format("Reducing -maxconnections from {} to {}, because of system limitations.", wanted, settings.net.max_connections));
    }
    return {};
}

/// Proxies and the networks behind them; what the world may know of our own addresses.
Status fill_private_networks(const Args& args, net::NetworkOptions& net) {
    net::ProxyArguments given;
    given.proxies = args.list("-proxy");
    given.onion = args.get("-onion", "");
    given.i2p_sam = args.get("-i2psam", "");
    given.only_nets = args.list("-onlynet");
    given.cjdns_given = args.is_set("-cjdnsreachable");
    given.randomize = args.get_bool("-proxyrandomize", true);
    given.listen_onion = args.get_bool("-listenonion", true);
    given.name_lookup = net.name_lookup;
    auto plan = net::plan_proxies(given);
    if (!plan) return fail(plan.error());
    net.proxies = std::move(*plan);
    net.cjdns_reachable = net.proxies.reaches(net::NetworkId::cjdns);
    net.i2p_accept_incoming = args.get_bool("-i2pacceptincoming", true);
    net.listen_onion = given.listen_onion;
    net.onion_proxy_given = !given.onion.empty();
    net.tor_control = args.get("-torcontrol", net.tor_control);
    net.tor_password = args.get("-torpassword", "");
    net.nat_pmp = args.get_bool("-natpmp", true);
    net.discover = args.get_bool("-discover", true);
    net.log_ips = args.get_bool("-logips", false);
    return {};
}

/// Other nodes dial ports of well-known services last.
void warn_of_bad_ports(const Args& args, const net::NetworkOptions& net, std::vector<std::string>& warnings) {
    const auto check = [&](const char* option, std::uint16_t port) {
        if (!net::is_bad_port(port)) return;
        warnings.push_back(fmt::format("{} request to listen on port {}. This port is considered \"bad\" and thus it is unlikely that any peer will "
                                       "connect to it. See doc/p2p-bad-ports.md for details and a full list.", option, port));
    };
    const std::uint16_t port = net.port != 0 ? net.port : net.default_port;
    for (const std::string& bind : net.binds)
        if (const auto endpoint = net::Endpoint::parse(bind, port)) check("-bind", endpoint->port);
    if (net.binds.empty() && net.white_binds.empty() && args.is_set("-port")) check("-port", port);
}

/// How much traffic there may be: -maxuploadtarget, -uploadrate, -downloadrate.
Status fill_bandwidth(const Args& args, net::NetworkOptions& net) {
    const std::string target = args.is_negated("-maxuploadtarget") ? "0" : args.get("-maxuploadtarget", "0M");
    const auto bytes = parse_byte_units(target, 1u << 20);
    if (!bytes) return fail("Unable to parse -maxuploadtarget: '" + target + "'");
    net.max_upload_bytes = *bytes;
    net.upload_rates = args.list("-uploadrate");
    net.download_rates = args.list("-downloadrate");
    if (auto good = net::RateSchedule::parse("-uploadrate", net.upload_rates); !good) return fail(good.error());
    if (auto good = net::RateSchedule::parse("-downloadrate", net.download_rates); !good) return fail(good.error());
    return {};
}

Status fill_net(const Args& args, NodeSettings& settings, std::vector<std::string>& warnings) {
    net::NetworkOptions& net = settings.net;
    const ChainParams& params = *settings.params;
    net.magic = params.magic;
    net.dns_seeds = params.dns_seeds;
    net.default_port = params.default_port;
    net.chain = std::string(params.name());
    net.user_agent = settings.user_agent;
    net.client_name = kCompatibleName;
    const auto connect = args.list("-connect");
    net.connect_given = !connect.empty() || args.is_negated("-connect");
    if (connect.size() != 1 || connect[0] != "0") net.connect = connect;
    net.seed_nodes = args.list("-seednode");
    if (!net.connect.empty() && !net.seed_nodes.empty()) log::info("-seednode is ignored when -connect is used");
    if (net.connect_given && args.is_set("-dnsseed") && args.get_bool("-dnsseed", true) && args.is_set("-proxy")) {
        log::info("-dnsseed is ignored when -connect is used and -proxy is specified");
    }
    for (const std::string& node : args.list("-addnode")) {
        if (node.find_first_not_of(" \t\r\n") == std::string::npos) log::warning("Ignoring empty -addnode value");
        else net.add_nodes.push_back(node);
    }
    net.binds = args.list("-bind");
    net.white_binds = args.list("-whitebind");
    net.white_lists = args.list("-whitelist");
    net.external_ips = args.list("-externalip");
    net.listen = args.get_bool("-listen", true);
    net.port = static_cast<std::uint16_t>(args.get_int("-port", 0));
    net.dns_seed = args.get_bool("-dnsseed", true);
    net.force_dns_seed = args.get_bool("-forcednsseed", false);
    net.fixed_seeds = args.get_bool("-fixedseeds", true);
    net.name_lookup = args.get_bool("-dns", true);
    const std::int64_t timeout = args.get_int("-timeout", 5000);
    net.timeout_ms = timeout > 0 ? static_cast<int>(std::min<std::int64_t>(timeout, 1 << 30)) : 5000;
    net.peer_timeout_s = args.get_int("-peertimeout", 60);
    net.inbound_relay_percent = static_cast<int>(std::clamp<std::int64_t>(args.get_int("-inboundrelaypercent", 50), 0, 100));
    net.max_send_buffer = static_cast<std::size_t>(std::clamp<std::int64_t>(args.get_int("-maxsendbuffer", 1000), 1, 1'000'000) * 1000);
    net.max_receive_buffer = static_cast<std::size_t>(std::clamp<std::int64_t>(args.get_int("-maxreceivebuffer", 5000), 1, 1'000'000) * 1000);
    net.ban_time_s = args.get_int("-bantime", 86'400);
    net.active = args.get_bool("-networkactive", true);
    net.blocks_only = args.get_bool("-blocksonly", false);
    net.tx_reconciliation = args.get_bool("-txreconciliation", false);
    settings.extra_transactions = static_cast<std::size_t>(
        std::clamp<std::int64_t>(args.get_int("-blockreconstructionextratxn", 100), 0, std::numeric_limits<std::uint32_t>::max()));
    settings.tx_send_rate = static_cast<unsigned>(std::clamp<std::int64_t>(args.get_int("-txsendrate", 14), 1, 1000));
    net.v2_transport = args.get_bool("-v2transport", true);
    net.data_dir = settings.data_dir;
    const auto tests = args.list("-test");
    net.deterministic_addresses = std::find(tests.begin(), tests.end(), "addrman") != tests.end();
    net.check_addresses = static_cast<int>(std::clamp<std::int64_t>(args.get_int("-checkaddrman", 0), 0, 1'000'000));
    if (args.is_set("-asmap") && !args.is_negated("-asmap")) {
        net.embedded_asmap = args.get_bool("-asmap", false);
        if (!net.embedded_asmap) net.asmap = settings.data_dir / args.path("-asmap", "");
    }
    net.whitelist_relay = args.get_bool("-whitelistrelay", true);
    net.whitelist_force_relay = args.get_bool("-whitelistforcerelay", false);
    if (auto done = fill_private_networks(args, net); !done) return done;
    if (auto done = fill_bandwidth(args, net); !done) return done;
    if (auto done = fill_discovery(args, params, net); !done) return done;
    warn_of_bad_ports(args, net, warnings);
    settings.peer_bloom_filters = args.get_bool("-peerbloomfilters", false);
    settings.private_broadcast = args.get_bool("-privatebroadcast", false);
    return fit_connections(static_cast<int>(std::min<std::int64_t>(args.get_int("-maxconnections", 125), 1 << 20)), settings, warnings);
}

void fill_zmq(const Args& args, NodeSettings& settings) {
    static constexpr std::string_view kUnix = "unix:";
    for (const char* type : {"pubhashblock", "pubhashtx", "pubrawblock", "pubrawtx", "pubsequence"}) {
        const std::string option = std::string("-zmq") + type;
        for (std::string address : args.list(option)) {
            if (address.starts_with(kUnix)) address.replace(0, kUnix.size(), "ipc://");
            const std::int64_t mark = args.get_int(option + "hwm", ZmqNotifier{}.high_water_mark);
            settings.zmq.push_back({type, std::move(address), static_cast<int>(mark)});
        }
    }
}

Status fill_http(const Args& args, NodeSettings& settings) {
    settings.rest = args.get_bool("-rest", false);
    settings.server = args.get_bool("-server", true);
    settings.log_ips = args.get_bool("-logips", false);
    http::HttpServer::Options& http = settings.http;
    const auto port = static_cast<std::uint16_t>(args.get_int("-rpcport", default_rpc_port(args.network())));
    const auto allow = args.list("-rpcallowip");
    const auto binds = args.list("-rpcbind");
    for (const std::string& subnet : allow) {
        // With CJDNS its addresses, fc00::/8, name peers of that network and no machines of one's own.
        const bool cjdns = args.get_bool("-cjdnsreachable", false) && (subnet.starts_with("fc") || subnet.starts_with("[fc")) &&
                           subnet.find(':') == subnet.find("fc") + 4;
        if (!cjdns && http.allowed.add(subnet)) continue;
        return fail("Invalid -rpcallowip subnet specification: " + subnet +
                    ". Valid values are a single IP (e.g. 1.2.3.4), a network/netmask (e.g. 1.2.3.4/255.255.255.0), a network/CIDR (e.g. "
                    "1.2.3.4/24), all ipv4 (0.0.0.0/0), or all ipv6 (::/0). RFC4193 is allowed only if -cjdnsreachable=0.");
    }
    if (allow.empty() || binds.empty()) {
        http.binds = {{"::1", port}, {"127.0.0.1", port}};
        if (!allow.empty()) log::warning("Option -rpcallowip was specified without -rpcbind; this doesn't usually make sense");
        if (!binds.empty()) {
            log::warning("Option -rpcbind was ignored because -rpcallowip was not specified, refusing to allow everyone to connect");
        }
    } else {
        for (const std::string& bind : binds) {
            std::string host;
            std::uint16_t own_port = port;
            if (!split_host_port(bind, host, own_port)) return fail("Invalid port specified in -rpcbind: '" + bind + "'");
            http.binds.emplace_back(host, own_port);
        }
    }
    http.threads = static_cast<int>(std::clamp<std::int64_t>(args.get_int("-rpcthreads", 16), 1, 1024));
    http.queue_depth = static_cast<int>(std::clamp<std::int64_t>(args.get_int("-rpcworkqueue", 64), 1, 1 << 20));
    http.timeout_s = static_cast<int>(std::clamp<std::int64_t>(args.get_int("-rpcservertimeout", 30), 1, 1 << 20));
    settings.cookie_file = args.absolute(args.path("-rpccookiefile", ".cookie"));
    const std::string perms = args.get("-rpccookieperms", "");
    using fs::perms::group_read, fs::perms::others_read, fs::perms::owner_read, fs::perms::owner_write;
    if (perms == "owner") settings.cookie_permissions = owner_read | owner_write;
    else if (perms == "group") settings.cookie_permissions = owner_read | owner_write | group_read;
    else if (perms == "all") settings.cookie_permissions = owner_read | owner_write | group_read | others_read;
    return {};
}

/// -blocksdir, as a directory with the network's own below it.
Status fill_directories(const Args& args, NodeSettings& settings) {
    settings.data_dir = args.network_data_dir();
    fs::path blocks = args.data_dir();
    std::error_code error;
    if (args.is_set("-blocksdir")) {
        blocks = fs::absolute(args.path("-blocksdir"));
        if (!fs::is_directory(blocks, error)) return fail("Specified blocks directory \"" + args.get("-blocksdir", "") + "\" does not exist.");
    }
    settings.blocks_dir = blocks / data_subdir(args.network()) / "blocks";
    fs::create_directories(settings.blocks_dir, error);
    if (error) return fail("filesystem error: cannot create directories: " + error.message() + " [" + settings.blocks_dir.string() + "]");
    settings.pid_file = args.absolute(args.path("-pid", "bitcoind.pid"));
    return {};
}

Status check_sections(const Args& args, std::vector<std::string>& warnings) {
    std::string errors;
    for (const std::string& name : args.misplaced_network_options()) {
        errors += fmt::format("Config setting for {} only applied on {} network when in [{}] section.\n", name, args.network(), args.network());
    }
    if (!errors.empty()) return fail(errors);
    std::string unknown;
    for (const ConfigSection& section : args.unknown_sections()) {
        unknown += fmt::format("{}:{} Section [{}] is not recognized.\n", section.file, section.line, section.name);
    }
    if (!unknown.empty()) warnings.push_back(unknown);
    return {};
}

}  // namespace

Result<NodeSettings, std::string> make_settings(const Args& args, std::vector<std::string>& warnings) {
    NodeSettings settings;
    if (args.is_set("-checkpoints")) {
        warnings.emplace_back("Option '-checkpoints' is set but checkpoints were removed. This option has no effect.");
    }
    for (const char* name : {"-limitancestorsize", "-limitdescendantsize"}) {
        if (!args.is_set(name)) continue;
        const std::string kind = name == std::string_view("-limitancestorsize") ? "ancestor" : "descendant";
        warnings.push_back(fmt::format("Option '{}' is given but {} size limits have been replaced with cluster size limits (see "
                                       "-limitclustersize). This option has no effect.", name, kind));
    }
    if (auto done = check_sections(args, warnings); !done) return fail(done.error());
    if (args.network() == "test") {
        log::info("Warning: Support for testnet3 is deprecated and will be removed in an upcoming release. Consider switching to testnet4.");
    }
    if (auto done = fill_directories(args, settings); !done) return fail(done.error());
    if (args.get_bool("-privatebroadcast", false) && !args.get_bool("-proxyrandomize", true)) {
        warnings.emplace_back("Private broadcast of own transactions requested (-privatebroadcast) and -proxyrandomize is disabled. Tor circuits "
                              "for private broadcast connections may be correlated to other connections over Tor. For maximum privacy set "
                              "-proxyrandomize=1.");
    }
    if (auto done = fill_indexes(args, settings); !done) return fail(done.error());
    if (auto done = check_connection_options(args); !done) return fail(done.error());
    auto params = choose_params(args);
    if (!params) return fail(params.error());
    settings.params = *params;
    if (args.network() == "signet") log::info("Signet derived magic (message start): {}", to_hex(settings.params->magic));
    if (auto done = fill_policy(args, settings); !done) return fail(done.error());
    if (auto done = fill_chain(args, settings); !done) return fail(done.error());
    if (auto done = check_ports(args); !done) return fail(done.error());
    if (auto done = fill_identity(args, settings); !done) return fail(done.error());
    if (auto done = fill_net(args, settings, warnings); !done) return fail(done.error());
    if (auto done = fill_http(args, settings); !done) return fail(done.error());
    settings.deprecated_rpc = args.list("-deprecatedrpc");
    fill_zmq(args, settings);
    settings.mock_time = args.get_int("-mocktime", 0);
    settings.stop_after_import = args.get_bool("-stopafterblockimport", false);
    settings.startup_notify = args.get("-startupnotify", "");
    settings.shutdown_notify = args.list("-shutdownnotify");
    settings.block_notify = args.get("-blocknotify", "");
    settings.alert_notify = args.get("-alertnotify", "");
    return settings;
}

}  // namespace cairn::node
