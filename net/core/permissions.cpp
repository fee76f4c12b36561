#include "net/core/permissions.hpp"

namespace cairn::net {
namespace {

struct Name {
    std::string_view text;
    std::uint32_t bits;
};
constexpr Name kNames[] = {
    {"bloomfilter", kPermitBloomFilter}, {"noban", kPermitNoBan},       {"forcerelay", kPermitForceRelay}, {"relay", kPermitRelay},
    {"mempool", kPermitMempool},         {"download", kPermitDownload}, {"addr", kPermitAddr},
};

struct Parsed {
    std::uint32_t permissions = kPermitNone;
    bool in = false, out = false;
    std::string_view rest;
};

Result<Parsed, std::string> parse_permissions(std::string_view text) {
    Parsed parsed;
    const auto at = text.find('@');
    if (at == std::string_view::npos) {
        parsed.permissions = kPermitImplicit;
        parsed.rest = text;
        return parsed;
    }
    std::string_view list = text.substr(0, at);
    while (!list.empty()) {
        const auto comma = list.find(',');
        const std::string_view name = list.substr(0, comma);
        list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
        if (name.empty()) continue;
        if (name == "in") {
            parsed.in = true;
            continue;
        }
        if (name == "out") {
            parsed.out = true;
            continue;
        }
        if (name == "bloom") {
            parsed.permissions |= kPermitBloomFilter;
            continue;
        }
        if (name == "all") {
            parsed.permissions |= kPermitAll;
            continue;
        }
        bool known = false;
        for (const auto& [known_name, bits] : kNames)
            if (name == known_name) {
                parsed.permissions |= bits;
                known = true;
            }
        if (!known) return fail("Invalid P2P permission: '" + std::string(name) + "'");
    }
    if ((parsed.in || parsed.out) && parsed.permissions == kPermitNone)
        return fail("Only direction was set, no permissions: '" + std::string(text) + "'");
    parsed.rest = text.substr(at + 1);
    return parsed;
}

}  // namespace

std::vector<std::string> permission_names(std::uint32_t permissions) {
    std::vector<std::string> names;
    for (const auto& [name, bits] : kNames)
        if (has_permission(permissions, bits)) names.emplace_back(name);
    return names;
}

Result<WhitelistEntry, std::string> parse_whitelist(std::string_view text) {
    const auto parsed = parse_permissions(text);
    if (!parsed) return fail(parsed.error());
    const auto subnet = Subnet::parse(parsed->rest);
    if (!subnet) return fail("Invalid netmask specified in -whitelist: '" + std::string(parsed->rest) + "'");
    return WhitelistEntry{parsed->permissions, *subnet, parsed->in || !parsed->out, parsed->out};
}

Result<WhitebindEntry, std::string> parse_whitebind(std::string_view text) {
    const auto parsed = parse_permissions(text);
    if (!parsed) return fail(parsed.error());
    if (parsed->out) return fail(std::string("whitebind may only be used for incoming connections (\"out\" was passed)"));
    const auto parts = split_host_port(parsed->rest);
    const auto address = parts ? NetAddress::parse(parts->host) : std::nullopt;
    if (!address) return fail("Cannot resolve -whitebind address: '" + std::string(parsed->rest) + "'");
    if (parts->port == 0) return fail("Need to specify a port with -whitebind: '" + std::string(parsed->rest) + "'");
    return WhitebindEntry{parsed->permissions, {*address, parts->port}};
}

}  // namespace cairn::net
