#include "net/io/proxies.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>

namespace cairn::net {
namespace {

constexpr std::uint16_t kTorPort = 9050, kSamPort = 7656;
constexpr std::string_view kUnix = "unix:";

/// nullopt: not an address of a proxy.
std::optional<ProxyAddress> parse_proxy(const std::string& text, std::uint16_t default_port, const ProxyArguments& given, bool allow_unix) {
    ProxyAddress proxy;
    proxy.isolate = given.randomize;
    if (allow_unix && text.starts_with(kUnix)) {
        proxy.unix_path = text.substr(kUnix.size());
        if (proxy.unix_path.empty() || proxy.unix_path.size() >= sizeof(sockaddr_un::sun_path)) return std::nullopt;
        return proxy;
    }
    const auto endpoint = lookup_endpoint(text, default_port, given.name_lookup);
    if (!endpoint || !endpoint->address.is_ip() || !endpoint->address.is_valid()) return std::nullopt;
    proxy.endpoint = *endpoint;
    return proxy;
}

/// One proxy for each network, as the -proxy options set and override them in order.
struct Chosen {
    std::optional<ProxyAddress> ipv4, ipv6, onion, cjdns, names;
};

Result<Chosen, std::string> choose(const ProxyArguments& given) {
    Chosen chosen;
    for (const std::string& value : given.proxies) {
        const std::size_t equals = value.rfind('=');
        const std::string address = value.substr(0, equals);
        const std::string network = equals == std::string::npos ? std::string() : value.substr(equals + 1);
        if (equals != std::string::npos && network.empty()) return fail("Invalid -proxy address or hostname, ends with '=': '" + value + "'");
        std::optional<ProxyAddress> proxy;
        if (!address.empty() && address != "0") {
            proxy = parse_proxy(address, kTorPort, given, true);
            if (!proxy) return fail("Invalid -proxy address or hostname: '" + address + "'");
        }
        if (network.empty()) chosen = {proxy, proxy, proxy, proxy, proxy};
        else if (network == "ipv4") chosen.ipv4 = chosen.names = proxy;
        else if (network == "ipv6") chosen.ipv6 = chosen.names = proxy;
        else if (network == "onion" || network == "tor") chosen.onion = proxy;
        else if (network == "cjdns") chosen.cjdns = proxy;
        else return fail("Unrecognized network in -proxy='" + value + "': '" + network + "'");
    }
    return chosen;
}

}  // namespace

bool ProxyPlan::reaches(NetworkId network) const { return std::find(reachable.begin(), reachable.end(), network) != reachable.end(); }

std::optional<Endpoint> lookup_endpoint(const std::string& text, std::uint16_t default_port, bool name_lookup) {
    if (const auto endpoint = Endpoint::parse(text, default_port)) return endpoint;
    const auto parts = split_host_port(text);
    if (!parts || !name_lookup || parts->host.find('\0') != std::string::npos) return std::nullopt;
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG;
    addrinfo* found = nullptr;
    if (getaddrinfo(parts->host.c_str(), nullptr, &hints, &found) != 0) return std::nullopt;
    std::optional<NetAddress> address;
    for (const addrinfo* entry = found; entry != nullptr && !address; entry = entry->ai_next) {
        if (entry->ai_family == AF_INET)
            address = NetAddress::ipv4(ntohl(reinterpret_cast<const sockaddr_in*>(entry->ai_addr)->sin_addr.s_addr));
        else if (entry->ai_family == AF_INET6)
            address = NetAddress::ipv6(ByteSpan(reinterpret_cast<const sockaddr_in6*>(entry->ai_addr)->sin6_addr.s6_addr, 16));
    }
    freeaddrinfo(found);
    if (!address) return std::nullopt;
    return Endpoint{*address, parts->port != 0 ? parts->port : default_port};
}

Result<ProxyPlan, std::string> plan_proxies(const ProxyArguments& given) {
    ProxyPlan plan;
    plan.reachable = {NetworkId::ipv4, NetworkId::ipv6, NetworkId::onion, NetworkId::i2p, NetworkId::cjdns};
    if (!given.only_nets.empty()) {
        plan.reachable.clear();
        for (const std::string& name : given.only_nets) {
            const auto network = parse_network(name);
            if (!network) return fail("Unknown network specified in -onlynet: '" + name + "'");
            if (!plan.reaches(*network)) plan.reachable.push_back(*network);
        }
    }
    const auto only = [&](NetworkId network) { return !given.only_nets.empty() && plan.reaches(network); };
    const auto drop = [&](NetworkId network) { std::erase(plan.reachable, network); };
    plan.onion_allowed = plan.reaches(NetworkId::onion);
    if (!given.cjdns_given) {
        if (only(NetworkId::cjdns))
            return fail(std::string("Outbound connections restricted to CJDNS (-onlynet=cjdns) but -cjdnsreachable is not provided"));
        drop(NetworkId::cjdns);
    }
    auto chosen = choose(given);
    if (!chosen) return fail(chosen.error());
    if (!given.onion.empty()) {
        if (given.onion == "0") {
            chosen->onion.reset();
            if (only(NetworkId::onion))
                return fail(std::string("Outbound connections restricted to Tor (-onlynet=onion) but the proxy for reaching the Tor network is "
                                        "explicitly forbidden: -onion=0"));
        } else {
            chosen->onion = parse_proxy(given.onion, kTorPort, given, true);
            if (!chosen->onion) return fail("Invalid -onion address or hostname: '" + given.onion + "'");
        }
    }
    const auto set = [&](NetworkId network, const std::optional<ProxyAddress>& proxy) {
        if (proxy) plan.networks[network] = *proxy;
    };
    set(NetworkId::ipv4, chosen->ipv4);
    set(NetworkId::ipv6, chosen->ipv6);
    set(NetworkId::cjdns, chosen->cjdns);
    set(NetworkId::onion, chosen->onion);
    plan.names = chosen->names;
    if (!chosen->onion) {
        if (only(NetworkId::onion) && !given.listen_onion)
            return fail(std::string("Outbound connections restricted to Tor (-onlynet=onion) but the proxy for reaching the Tor network is not "
                                    "provided: none of -proxy, -onion or -listenonion is given"));
        drop(NetworkId::onion);
    }
    if (!given.i2p_sam.empty()) {
        auto sam = parse_proxy(given.i2p_sam, kSamPort, given, false);
        if (!sam) return fail("Invalid -i2psam address or hostname: '" + given.i2p_sam + "'");
        sam->isolate = false;
        plan.networks[NetworkId::i2p] = *sam;
    } else {
        if (only(NetworkId::i2p))
            return fail(std::string("Outbound connections restricted to i2p (-onlynet=i2p) but -i2psam is not provided"));
        drop(NetworkId::i2p);
    }
    return plan;
}

}  // namespace cairn::net
