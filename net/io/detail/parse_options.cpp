#include "net/io/detail/parse_options.hpp"

#include <fstream>
#include <iterator>

#include <algorithm>

#include "net/io/log.hpp"
#include "net/swarm/seeds.hpp"

namespace cairn::net::detail {
namespace {

Result<void, std::string> parse_binds(const NetworkOptions& options, std::vector<Bind>& binds) {
    const std::uint16_t port = options.port != 0 ? options.port : options.default_port;
    for (const std::string& text : options.binds) {
        Bind bind;
        std::string_view host = text;
        if (host.ends_with("=onion")) {
            bind.onion = true;
            host.remove_suffix(6);
        }
        const std::uint16_t fallback = bind.onion ? static_cast<std::uint16_t>(options.default_port + 1) : port;
        const auto endpoint = Endpoint::parse(host, fallback);
        if (!endpoint || !endpoint->address.is_ip()) return fail("Cannot resolve -bind address: '" + std::string(host) + "'");
        bind.endpoint = *endpoint;
        binds.push_back(bind);
    }
    for (const std::string& text : options.white_binds) {
        const auto entry = parse_whitebind(text);
        if (!entry) return fail(entry.error());
        binds.push_back({entry->endpoint, entry->permissions, false, true});
    }
    if (!options.listen) binds.clear();
    if (options.listen && options.binds.empty() && options.white_binds.empty()) {
        binds.push_back({{NetAddress::ipv6(Bytes(16, 0)), port}, kPermitNone, false, false});
        binds.push_back({{NetAddress::ipv4(0), port}, kPermitNone, false, false});
    }
    return {};
}

Result<NetGroups, std::string> read_asmap(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return fail("Could not find asmap file \"" + path.string() + "\"");
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    log::info("Opened asmap file \"{}\" ({} bytes) from disk", path.string(), text.size());
    auto groups = NetGroups::from_asmap(Bytes(text.begin(), text.end()));
    if (!groups) {
        log::warning("Sanity check of asmap file \"{}\" failed", path.string());
        return fail("Could not parse asmap file \"" + path.string() + "\"");
    }
    log::info("Using asmap version {} for IP bucketing", groups->version().to_display_hex());
    return groups;
}

}  // namespace

Result<ParsedOptions, std::string> parse_options(const NetworkOptions& options) {
    ParsedOptions parsed;
    EngineOptions& engine = parsed.engine;
    if (auto ok = parse_binds(options, parsed.binds); !ok) return fail(ok.error());
    for (const std::string& text : options.white_lists) {
        const auto entry = parse_whitelist(text);
        if (!entry) return fail(entry.error());
        engine.whitelist.push_back(*entry);
    }
    if (!options.only_nets.empty()) {
        engine.dialer.reachable.clear();
        for (const std::string& name : options.only_nets) {
            const auto network = parse_network(name);
            if (!network) return fail("Unknown network specified in -onlynet: '" + name + "'");
            engine.dialer.reachable.push_back(*network);
        }
    }
    const std::uint16_t port = options.port != 0 ? options.port : options.default_port;
    for (const std::string& text : options.external_ips) {
        const auto endpoint = Endpoint::parse(text, port);
        if (!endpoint) return fail("Cannot resolve -externalip address: '" + text + "'");
        engine.local_addresses.push_back({endpoint->address.to_string(), endpoint->port, 4});
    }
    engine.magic = options.magic;
    engine.user_agent = options.user_agent;
    engine.max_connections = std::max(0, options.max_connections);
    engine.peer_timeout_s = options.peer_timeout_s;
    engine.max_send_buffer = options.max_send_buffer;
    engine.active = options.active;
    engine.blocks_only = options.blocks_only;
    engine.v2 = options.v2_transport;
    engine.deterministic_addresses = options.deterministic_addresses;
    for (const Ban& ban : options.bans)
        if (const auto subnet = Subnet::parse(ban.subnet)) engine.bans.push_back({*subnet, ban.created, ban.until});
    if (options.bans_changed) {
        engine.bans_changed = [store = options.bans_changed](const std::vector<BanList::Entry>& entries) {
            std::vector<Ban> bans;
            for (const BanList::Entry& entry : entries) bans.push_back({entry.subnet.to_string(), entry.created_s, entry.until_s});
            store(bans);
        };
    }
    if (!options.asmap.empty()) {
        auto groups = read_asmap(options.asmap);
        if (!groups) return fail(groups.error());
        engine.groups = std::move(*groups);
    }
    engine.whitelist_relay = options.whitelist_relay;
    engine.whitelist_force_relay = options.whitelist_force_relay;
    Dialer::Options& dialer = engine.dialer;
    dialer.default_port = options.default_port;
    dialer.connect_given = options.connect_given;
    dialer.connect = options.connect;
    dialer.add_nodes = options.add_nodes;
    dialer.seed_nodes = options.seed_nodes;
    dialer.dns_seed = options.dns_seed && options.name_lookup;
    dialer.force_dns_seed = options.force_dns_seed && options.name_lookup;
    dialer.dns_seeds = options.dns_seeds;
    dialer.use_fixed_seeds = options.fixed_seeds;
    if (options.fixed_seeds && !options.connect_given) dialer.fixed_seeds = fixed_seeds(options.chain);
    dialer.v2 = options.v2_transport;
    dialer.max_connections = engine.max_connections;
    return parsed;
}

}  // namespace cairn::net::detail
