#pragma once

#include <functional>

#include "net/core/outbox.hpp"
#include "net/core/peer_info.hpp"

namespace cairn::net {

/// What our version message says.
struct LocalVersion {
    std::uint64_t services = 0;
    std::string user_agent;
    std::int32_t best_height = 0;
    bool relay = true;  ///< ask for transaction announcements
};

/// What the handshake must know of the rest of the node.
class HandshakePolicy {
public:
    virtual ~HandshakePolicy() = default;
    virtual LocalVersion local_version(const PeerInfo& peer) const = 0;
    /// True when one of our own outgoing connections carries this nonce.
    virtual bool is_own_nonce(std::uint64_t nonce) const = 0;
    /// The services that a peer offering `offered` should have to be of use.
    virtual std::uint64_t desirable_services(std::uint64_t offered, std::int64_t now_us) const = 0;
};

/// The first messages of a connection: version and verack both ways, and what is agreed on between them (wtxidrelay,
/// sendaddrv2). Nothing else is sent or heard before both veracks.
/// Source: BIP14, BIP60, BIP155, BIP339.
/// Owner: net thread.
class Handshake {
public:
    enum class Outcome {
        handled,   ///< nothing left to do with the message
        version,   ///< the peer's version was accepted; PeerInfo is filled in
        ready,     ///< that was the last step
        pass_on,   ///< after the handshake: for somebody else
    };

    /// `nonce`: tells a connection to ourselves; `peer` outlives this object.
    Handshake(PeerInfo& peer, std::uint64_t nonce) : peer_(peer), nonce_(nonce) {}

    /// Outbound connections speak first.
    void start(const HandshakePolicy& policy, Outbox& out, std::int64_t now_us);
    Outcome on_message(const Message& message, const HandshakePolicy& policy, Outbox& out, std::int64_t now_us);

    std::uint64_t nonce() const { return nonce_; }
    /// How the peer names us; invalid when it did not say.
    const Endpoint& local_address() const { return local_address_; }
    std::int64_t time_offset_s() const { return time_offset_s_; }

private:
    void send_version(const HandshakePolicy& policy, Outbox& out, std::int64_t now_us);
    bool accept_version(const VersionMessage& message, const HandshakePolicy& policy, Outbox& out, std::int64_t now_us);
    void negotiate(Outbox& out);
    void on_verack(Outbox& out);
    bool late(std::string_view command, Outbox& out) const;

    PeerInfo& peer_;
    std::uint64_t nonce_;
    Endpoint local_address_;
    std::int64_t time_offset_s_ = 0;
};

/// Only printable characters that cannot confuse a log or a terminal.
std::string sanitize(std::string_view text);

}  // namespace cairn::net
