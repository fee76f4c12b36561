#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "consensus/base/result.hpp"
#include "net/wire/net_address.hpp"

namespace cairn::net {

/// What -whitelist and -whitebind grant; the names are Bitcoin Core's.
enum Permissions : std::uint32_t {
    kPermitNone = 0,
    kPermitBloomFilter = 1u << 1,
    kPermitRelay = 1u << 3,
    kPermitForceRelay = (1u << 2) | kPermitRelay,
    kPermitDownload = 1u << 6,
    kPermitNoBan = (1u << 4) | kPermitDownload,
    kPermitMempool = 1u << 5,
    kPermitAddr = 1u << 7,
    kPermitImplicit = 1u << 31,  ///< none were named: the defaults apply
    kPermitAll = kPermitBloomFilter | kPermitForceRelay | kPermitRelay | kPermitNoBan | kPermitMempool | kPermitDownload | kPermitAddr,
};

constexpr bool has_permission(std::uint32_t have, std::uint32_t wanted) { return (have & wanted) == wanted; }

/// "bloomfilter", "noban", "forcerelay", "relay", "mempool", "download", "addr", as getpeerinfo lists them.
std::vector<std::string> permission_names(std::uint32_t permissions);

/// `-whitelist=[permissions@]network`.
struct WhitelistEntry {
    std::uint32_t permissions = kPermitNone;
    Subnet subnet;
    bool inbound = true;
    bool outbound = false;
};
/// Errors: a text for people, worded as operators of Bitcoin Core know it.
Result<WhitelistEntry, std::string> parse_whitelist(std::string_view text);

/// `-whitebind=[permissions@]address:port`.
struct WhitebindEntry {
    std::uint32_t permissions = kPermitNone;
    Endpoint endpoint;
};
Result<WhitebindEntry, std::string> parse_whitebind(std::string_view text);

}  // namespace cairn::net
