#pragma once

#include <optional>
#include <string>

#include "net/core/net_port.hpp"
#include "net/core/permissions.hpp"

namespace cairn::net {

/// What is known of one connected peer and of use to a role. The engine fills it in.
/// Owner: net thread.
struct PeerInfo {
    PeerId id = 0;
    ConnectionType type = ConnectionType::inbound;
    std::uint32_t permissions = kPermitNone;
    Endpoint address;                ///< the other end
    std::string name;                ///< as it was dialled, or the address
    std::string in_log;              ///< "peer=3", with -logips its address, too
    std::uint32_t mapped_as = 0;     ///< its autonomous system; 0: not known
    std::int64_t connected_us = 0;
    bool lan = false;                ///< on the local network, found there by discovery; whoever called whom

    // --- from the handshake; zero before
    std::int32_t version = 0;        ///< what the peer said
    std::int32_t common_version = 0; ///< the smaller of both
    std::uint64_t services = 0;
    std::string user_agent;
    std::int32_t start_height = -1;
    bool relay_wanted = false;       ///< the peer wants transaction announcements (BIP37 flag)
    bool bloom_filter = false;       ///< it has loaded one (BIP37)
    bool wtxid_relay = false;        ///< BIP339
    bool wants_addrv2 = false;       ///< BIP155
    bool ready = false;              ///< both version and verack were exchanged

    std::size_t send_queue_bytes = 0;  ///< handed over and not yet written to the socket
    std::uint64_t received_bytes = 0;  ///< all that came of it, a message under way included
    std::int64_t held_back_us = 0;     ///< when -downloadrate last kept us from reading what it sends; 0: never
    bool closing = false;

    std::int64_t last_block_s = 0;        ///< when it last gave us a new block
    std::int64_t last_transaction_s = 0;

    bool inbound() const { return type == ConnectionType::inbound; }
    bool manual() const { return type == ConnectionType::manual; }
    bool full_outbound() const { return type == ConnectionType::outbound_full_relay; }
    bool block_only() const { return type == ConnectionType::block_relay_only; }
    /// Carries one transaction of ours and must not show whose it is.
    bool private_broadcast() const { return type == ConnectionType::private_broadcast; }
    /// Outbound connections that were made by ourselves to follow the chain.
    bool outbound_or_block_relay() const { return full_outbound() || block_only(); }
    bool expects_services() const { return full_outbound() || block_only() || private_broadcast() || type == ConnectionType::addr_fetch; }
    bool has(std::uint32_t permission) const { return has_permission(permissions, permission); }

    bool can_serve_blocks() const { return (services & (kServiceNetwork | kServiceNetworkLimited)) != 0; }
    bool limited() const { return (services & kServiceNetwork) == 0 && (services & kServiceNetworkLimited) != 0; }
    bool can_serve_witnesses() const { return (services & kServiceWitness) != 0; }
};

/// "inbound", "outbound-full-relay", "manual", "feeler", "block-relay-only", "addr-fetch", "private-broadcast", "lan".
std::string_view to_string(ConnectionType type);

}  // namespace cairn::net
