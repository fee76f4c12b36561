#include "node/discovery_settings.hpp"

#include <algorithm>

#include "net/discovery/dht_node.hpp"

namespace cairn::node {
namespace {

/// Where to begin: nodes that the hash table's users have run for everybody for years.
const std::vector<std::string> kDhtBootstrap = {"router.bittorrent.com:6881", "dht.transmissionbt.com:6881", "router.utorrent.com:6881"};

/// The option that hides us from the open network; null: none does.
const char* hiding_option(const Args& args) {
    const auto proxies = args.list("-proxy");
    if (std::any_of(proxies.begin(), proxies.end(), [](const std::string& proxy) { return !proxy.empty() && proxy != "0"; })) return "-proxy";
    const auto nets = args.list("-onlynet");
    const bool open = std::any_of(nets.begin(), nets.end(), [](const std::string& net) { return net == "ipv4" || net == "ipv6"; });
    return !nets.empty() && !open ? "-onlynet" : nullptr;
}

/// Somebody else than this machine may connect.
bool listens_beyond_loopback(const net::NetworkOptions& net) {
    if (!net.listen) return false;
    if (net.binds.empty() && net.white_binds.empty()) return true;
    const auto beyond = [](const std::string& text) {
        std::string host = text.substr(text.find('@') == std::string::npos ? 0 : text.find('@') + 1);
        if (host.ends_with("=onion")) return false;
        const auto endpoint = net::Endpoint::parse(host, 1);
        return endpoint && !endpoint->address.is_loopback();
    };
    return std::any_of(net.binds.begin(), net.binds.end(), beyond) || std::any_of(net.white_binds.begin(), net.white_binds.end(), beyond);
}

Result<void, std::string> fill_dht(const Args& args, const ChainParams& params, net::NetworkOptions& net) {
    net.dht = args.get_bool("-dht", false);
    const std::int64_t port = args.get_int("-dhtport", 0);
    if (port < 0 || port > 65535) return fail("Invalid port specified in -dhtport: '" + args.get("-dhtport", "") + "'");
    net.dht_port = static_cast<std::uint16_t>(port);
    if (args.is_set("-dhtbootstrap")) net.dht_bootstrap = args.list("-dhtbootstrap");
    else if (params.network != Network::regtest) net.dht_bootstrap = kDhtBootstrap;
    for (const std::string& node : net.dht_bootstrap) {
        const auto parts = net::split_host_port(node);
        if (!parts || parts->host.empty() || parts->port == 0) return fail("-dhtbootstrap wants host:port, not '" + node + "'");
    }
    if (!net.dht) return {};
    if (!net::DhtNode::available()) return fail(std::string("-dht is not available: this program was built without the dht library (contrib/setup.sh fetches it)"));
    if (const char* option = hiding_option(args)) {
        return fail(std::string("-dht cannot be used together with ") + option +
                    ": the hash table is spoken over UDP, which would go past it and show who we are");
    }
    return {};
}

}  // namespace

Result<void, std::string> fill_discovery(const Args& args, const ChainParams& params, net::NetworkOptions& net) {
    net.genesis = Uint256(params.genesis_hash().span());
    const char* hidden = hiding_option(args);
    const bool usual = params.network != Network::regtest && listens_beyond_loopback(net) && !net.connect_given && hidden == nullptr;
    net.lan_discovery = args.get_bool("-landiscovery", usual);
    if (net.lan_discovery && hidden) {
        return fail(std::string("-landiscovery cannot be used together with ") + hidden + ": the local network would be told what that hides");
    }
    return fill_dht(args, params, net);
}

}  // namespace cairn::node
