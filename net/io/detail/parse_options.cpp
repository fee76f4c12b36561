#include "net/io/detail/parse_options.hpp"

#include <ctime>
#include <fstream>
#include <iterator>

#include <algorithm>

#include "net/io/detail/interfaces.hpp"
#include "net/io/log.hpp"
#include "net/swarm/embedded_asmap.hpp"
#include "net/swarm/seeds.hpp"
#include "net/wire/cjdns.hpp"

namespace cairn::net::detail {
namespace {

/// The port under which others find us: the first one that -bind names, else -whitebind's (where that does not make
/// privileged peers of whoever comes), else -port.
std::uint16_t listen_port(const NetworkOptions& options) {
    for (const std::string& text : options.binds) {
        const auto parts = split_host_port(text);
        if (parts && parts->port != 0 && NetAddress::parse(parts->host)) return parts->port;
    }
    for (const std::string& text : options.white_binds) {
        const auto entry = parse_whitebind(text);
        if (entry && !has_permission(entry->permissions, kPermitNoBan)) return entry->endpoint.port;
    }
    return options.port != 0 ? options.port : options.default_port;
}

bool is_any(const NetAddress& address) { return address.is_ip() && !address.is_valid() && address.bytes()[0] == 0; }

/// Where to listen, and where Tor shall forward to.
Result<void, std::string> parse_binds(const NetworkOptions& options, ParsedOptions& parsed) {
    std::vector<Bind>& binds = parsed.binds;
    const std::uint16_t port = options.port != 0 ? options.port : options.default_port;
    const auto onion_port = static_cast<std::uint16_t>(port + 1);
    std::vector<Bind> onion_binds;
    for (const std::string& text : options.binds) {
        Bind bind;
        std::string_view host = text;
        if (host.ends_with("=onion")) {
            bind.onion = true;
            host.remove_suffix(6);
        }
        const auto endpoint = Endpoint::parse(host, bind.onion ? onion_port : port);
        if (!endpoint || !endpoint->address.is_ip()) return fail("Cannot resolve -bind address: '" + text + "'");
        bind.endpoint = *endpoint;
        (bind.onion ? onion_binds : binds).push_back(bind);
    }
    if (!onion_binds.empty()) {
        parsed.onion_target = onion_binds.front().endpoint;
    } else if (!binds.empty()) {
        parsed.onion_target = binds.front().endpoint;
    } else {
        parsed.onion_target = {NetAddress::ipv4(0x7f000001), onion_port};
        onion_binds.push_back({parsed.onion_target, kPermitNone, true, true});
    }
    if (options.listen_onion && onion_binds.size() > 1) {
        log::warning("More than one onion bind address is provided. Using {} for the automatically created Tor onion service.",
                     parsed.onion_target.to_string());
    }
    for (const std::string& text : options.white_binds) {
        const auto entry = parse_whitebind(text);
        if (!entry) return fail(entry.error());
        binds.push_back({entry->endpoint, entry->permissions, false, true});
    }
    const bool anywhere = options.binds.empty() && options.white_binds.empty();
    parsed.discover = options.discover && (anywhere || std::any_of(binds.begin(), binds.end(), [](const Bind& b) { return is_any(b.endpoint.address); }));
    // Whoever takes connections of this machine alone has nothing to offer to others.
    if (options.listen && (anywhere || std::any_of(binds.begin(), binds.end(), [](const Bind& b) { return !b.endpoint.address.is_loopback(); })))
        parsed.lan_port = listen_port(options);
    binds.insert(binds.end(), onion_binds.begin(), onion_binds.end());
    for (std::size_t i = 0; i < binds.size(); ++i) {
        for (std::size_t k = 0; k < i; ++k) {
            if (binds[i].endpoint != binds[k].endpoint) continue;
            return fail("Duplicate binding configuration for address " + binds[i].endpoint.to_string() +
                        ". Please check your -bind, -bind=...=onion and -whitebind settings.");
        }
    }
    if (anywhere) {
        binds.push_back({{NetAddress::ipv6(Bytes(16, 0)), port}, kPermitNone, false, false});
        binds.push_back({{NetAddress::ipv4(0), port}, kPermitNone, false, true});
    }
    if (!options.listen) binds.clear();
    return {};
}

/// What others may know us by: the addresses that were named, that we listen on, and those of the interfaces.
Result<void, std::string> find_local_addresses(const NetworkOptions& options, ParsedOptions& parsed) {
    LocalAddresses& found = parsed.engine.local_addresses;
    const auto add = [&](const Endpoint& given, int score) {
        const Endpoint endpoint = as_cjdns(given, options.cjdns_reachable);
        if (score < LocalAddresses::from_operator && !options.proxies.reaches(endpoint.address.network())) return;
        if (found.add(endpoint, score) && options.log_ips) log::info("AddLocal({},{})", endpoint.to_string(), score);
    };
    const std::uint16_t port = listen_port(options);
    for (const std::string& text : options.external_ips) {
        const auto endpoint = lookup_endpoint(text, port, options.name_lookup);
        if (!endpoint) return fail("Cannot resolve -externalip address: '" + text + "'");
        add(*endpoint, LocalAddresses::from_operator);
    }
    if (parsed.discover)
        for (const NetAddress& address : interface_addresses()) add({address, port}, LocalAddresses::from_interface);
    for (const Bind& bind : parsed.binds)
        if (options.discover && !bind.onion && !has_permission(bind.permissions, kPermitNoBan)) add(bind.endpoint, LocalAddresses::from_bind);
    return {};
}

Result<NetGroups, std::string> read_asmap(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    if (!std::filesystem::exists(path)) return fail("Could not find asmap file \"" + path.string() + "\"");
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    log::info("Opened asmap file \"{}\" ({} bytes) from disk", path.string(), text.size());
    auto groups = NetGroups::from_asmap(Bytes(text.begin(), text.end()));
    if (!groups) {
        log::warning("Sanity check of asmap file \"{}\" failed", path.string());
        return fail("Could not parse asmap file \"" + path.string() + "\"");
    }
    return groups;
}

Result<NetGroups, std::string> built_in_asmap() {
    const ByteSpan map = embedded_asmap();
    if (map.empty()) return fail("Embedded asmap data not available");
    auto groups = NetGroups::from_asmap(Bytes(map.begin(), map.end()));
    if (!groups) return fail("Could not read embedded asmap data");
    log::info("Opened asmap data ({} bytes) from embedded byte array", map.size());
    return groups;
}

std::int64_t wall_clock(std::int64_t utc_s) {
    const std::time_t time = utc_s;
    std::tm local{};
    return localtime_r(&time, &local) ? utc_s + local.tm_gmtoff : utc_s;
}

/// -maxuploadtarget, -uploadrate, -downloadrate.
Result<void, std::string> parse_bandwidth(const NetworkOptions& options, Bandwidth::Options& bandwidth) {
    auto upload = RateSchedule::parse("-uploadrate", options.upload_rates);
    if (!upload) return fail(upload.error());
    auto download = RateSchedule::parse("-downloadrate", options.download_rates);
    if (!download) return fail(download.error());
    bandwidth = {options.max_upload_bytes, std::move(*upload), std::move(*download), wall_clock};
    return {};
}

/// By what addresses belong together: -asmap.
Result<NetGroups, std::string> make_groups(const NetworkOptions& options) {
    if (!options.embedded_asmap && options.asmap.empty()) {
        log::info("Using /16 prefix for IP bucketing");
        return NetGroups();
    }
    auto groups = options.embedded_asmap ? built_in_asmap() : read_asmap(options.asmap);
    if (groups) log::info("Using asmap version {} for IP bucketing", groups->version().to_display_hex());
    return groups;
}

}  // namespace

Result<ParsedOptions, std::string> parse_options(const NetworkOptions& options) {
    ParsedOptions parsed;
    EngineOptions& engine = parsed.engine;
    if (auto ok = parse_binds(options, parsed); !ok) return fail(ok.error());
    for (const std::string& text : options.white_lists) {
        const auto entry = parse_whitelist(text);
        if (!entry) return fail(entry.error());
        engine.whitelist.push_back(*entry);
    }
    parsed.listen_port = listen_port(options);
    if (auto ok = find_local_addresses(options, parsed); !ok) return fail(ok.error());
    engine.listen = options.listen;
    engine.discover = options.discover;
    engine.listen_port = parsed.listen_port;
    engine.dialer.reachable = options.proxies.reachable;
    engine.cjdns = engine.dialer.cjdns = options.cjdns_reachable;
    engine.dialer.names_by_proxy = options.proxies.names.has_value();
    engine.magic = options.magic;
    engine.user_agent = options.user_agent;
    engine.max_connections = std::max(0, options.max_connections);
    engine.inbound_relay_percent = options.inbound_relay_percent;
    engine.peer_timeout_s = options.peer_timeout_s;
    engine.max_send_buffer = options.max_send_buffer;
    engine.max_receive_buffer = options.max_receive_buffer;
    if (auto ok = parse_bandwidth(options, engine.bandwidth); !ok) return fail(ok.error());
    engine.active = options.active;
    engine.blocks_only = options.blocks_only;
    engine.tx_reconciliation = options.tx_reconciliation;
    engine.v2 = options.v2_transport;
    engine.log_ips = options.log_ips;
    engine.clock_doubted = options.clock_doubted;
    engine.deterministic_addresses = options.deterministic_addresses;
    engine.check_addresses = options.check_addresses;
    for (const Ban& ban : options.bans)
        if (const auto subnet = Subnet::parse(ban.subnet, options.cjdns_reachable)) engine.bans.push_back({*subnet, ban.created, ban.until});
    if (options.bans_changed) {
        engine.bans_changed = [store = options.bans_changed](const std::vector<BanList::Entry>& entries) {
            std::vector<Ban> bans;
            for (const BanList::Entry& entry : entries) bans.push_back({entry.subnet.to_string(), entry.created_s, entry.until_s});
            store(bans);
        };
    }
    auto groups = make_groups(options);
    if (!groups) return fail(groups.error());
    engine.groups = std::move(*groups);
    engine.whitelist_relay = options.whitelist_relay;
    engine.whitelist_force_relay = options.whitelist_force_relay;
    Dialer::Options& dialer = engine.dialer;
    dialer.default_port = options.default_port;
    dialer.connect_given = options.connect_given;
    dialer.connect = options.connect;
    dialer.add_nodes = options.add_nodes;
    dialer.seed_nodes = options.seed_nodes;
    const bool names = options.name_lookup || options.proxies.names;
    dialer.dns_seed = options.dns_seed && names;
    dialer.force_dns_seed = options.force_dns_seed && names;
    dialer.dns_seeds = options.dns_seeds;
    dialer.use_fixed_seeds = options.fixed_seeds;
    if (options.fixed_seeds && !options.connect_given) dialer.fixed_seeds = fixed_seeds(options.chain);
    dialer.v2 = options.v2_transport;
    dialer.private_in_the_open = options.private_in_the_open;
    dialer.max_connections = engine.max_connections;
    return parsed;
}

}  // namespace cairn::net::detail
