#pragma once

#include <deque>

#include "net/engine/engine.hpp"

namespace cairn::net {

/// Everything that belongs to one connection.
struct Engine::Peer {
    Peer(PeerInfo given, std::unique_ptr<Transport> wire, std::uint64_t nonce)
        : info(std::move(given)), transport(std::move(wire)), handshake(info, nonce) {}
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

    PeerInfo info;
    std::unique_ptr<Transport> transport;
    Handshake handshake;
    Ping ping;
    TokenBucket addr_tokens{limits::kAddressRate, static_cast<double>(limits::kMaxAddresses), 1.0};
    Endpoint local;
    bool onion = false;         ///< came in over the socket that Tor forwards to
    bool known_to_role = false; ///< its version was accepted
    bool held_up = false;       ///< nothing is read
    std::optional<Frame> waiting;  ///< came and is heard when the role says so; nothing is read meanwhile
    struct Deferred {
        Message message;
        std::size_t payload_bytes = 0;
    };
    std::deque<Deferred> deferred;      ///< requests that wait for their turn, in order
    std::size_t deferred_bytes = 0;
    std::int64_t send_progress_us = 0;  ///< when bytes last went out, or had none before them
    bool addr_relay = false;
    bool getaddr_sent = false;
    bool getaddr_answered = false;
    std::uint64_t addr_processed = 0, addr_rate_limited = 0;
    std::int64_t last_send_s = 0, last_receive_s = 0;
    std::uint64_t bytes_sent = 0, bytes_received = 0;
    std::vector<std::pair<std::string, Bytes>> unsent;  ///< messages that wait for the transport's handshake; a handful, of ours
    std::map<std::string, std::uint64_t> sent_by_command, received_by_command;
};

}  // namespace cairn::net
