#include "net/core/peer_info.hpp"

namespace cairn::net {

std::string_view to_string(ConnectionType type) {
    switch (type) {
        case ConnectionType::inbound: return "inbound";
        case ConnectionType::outbound_full_relay: return "outbound-full-relay";
        case ConnectionType::manual: return "manual";
        case ConnectionType::feeler: return "feeler";
        case ConnectionType::block_relay_only: return "block-relay-only";
        case ConnectionType::addr_fetch: return "addr-fetch";
        case ConnectionType::private_broadcast: return "private-broadcast";
        case ConnectionType::lan: return "lan";
    }
    return "";
}

}  // namespace cairn::net
