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
    Endpoint local;
    bool onion = false;         ///< came in over the socket that Tor forwards to
    bool known_to_role = false; ///< its version was accepted
    bool discouraged = false;   ///< it misbehaved before it came
    bool useful_services = false; ///< offers what we want of outbound peers
    bool added = false;         ///< made because the operator added the node
    bool held_up = false;       ///< nothing is read
    std::optional<Frame> waiting;  ///< came and is heard when the role says so; nothing is read meanwhile
    struct Deferred {
        Message message;
        std::size_t payload_bytes = 0;
    };
    std::deque<Deferred> deferred;      ///< requests that wait for their turn, in order
    std::size_t deferred_bytes = 0;
    /// What -uploadrate keeps back.
    struct Paced {
        std::deque<std::pair<std::string, Bytes>> waiting;  ///< not framed yet: others may overtake them
        std::size_t waiting_bytes = 0;
        Bytes stream;          ///< framed, to be written in order
        std::size_t at = 0;    ///< so much of it was
        std::size_t rest() const { return stream.size() - at; }
        std::size_t bytes() const { return waiting_bytes + rest(); }
        bool empty() const { return waiting.empty() && rest() == 0; }
    } paced;
    ByteBucket trickle{Bandwidth::kTrickle};  ///< what is read of it though -downloadrate is used up
    std::int64_t send_progress_us = 0;  ///< when bytes last went out, or had none before them
    std::int64_t last_send_s = 0, last_receive_s = 0;
    std::uint64_t bytes_sent = 0;
    std::vector<std::pair<std::string, Bytes>> unsent;  ///< messages that wait for the transport's handshake; a handful, of ours
    std::map<std::string, std::uint64_t> sent_by_command, received_by_command;
};

}  // namespace cairn::net
