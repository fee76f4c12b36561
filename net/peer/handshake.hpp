#pragma once

#include <functional>

#include "net/core/outbox.hpp"
#include "net/core/peer_info.hpp"
#include "net/peer/tx_reconciliation.hpp"

namespace cairn::net {

/// What our version message says.
struct LocalVersion {
    std::uint64_t services = 0;
    std::string user_agent;
    std::int32_t best_height = 0;
    bool relay = true;  ///< ask for transaction announcements
    bool reconcile = false;  ///< offer to reconcile transactions (BIP330)
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
    /// Asked when the peer's version is known and before it is acknowledged. False: there is no room for it, and its
    /// connection is being ended.
    virtual bool takes_on(const PeerInfo& /*peer*/) { return true; }
    /// How the connection is secured, for the log: v1, v2.
    virtual std::string_view transport_of(const PeerInfo& /*peer*/) const { return "v1"; }
};

/// The first messages of a connection: version and verack both ways, and what is agreed on between them (wtxidrelay,
/// sendaddrv2, sendtxrcncl, feature). Nothing else is sent or heard before both veracks. A connection for private broadcast says and
/// agrees on nothing by which our node could be told from others.
/// Source: BIP14, BIP60, BIP155, BIP330, BIP339, BIP434.
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
    Handshake(PeerInfo& peer, std::uint64_t nonce);

    /// Outbound connections speak first.
    void start(const HandshakePolicy& policy, Outbox& out, std::int64_t now_us);
    Outcome on_message(const Message& message, HandshakePolicy& policy, Outbox& out, std::int64_t now_us);

    std::uint64_t nonce() const { return nonce_; }
    /// How the peer names us; invalid when it did not say.
    const Endpoint& local_address() const { return local_address_; }
    std::int64_t time_offset_s() const { return time_offset_s_; }

private:
    VersionMessage private_version() const;
    VersionMessage public_version(const HandshakePolicy& policy, std::int64_t now_us) const;
    void send_version(const HandshakePolicy& policy, Outbox& out, std::int64_t now_us);
    bool accept_version(const VersionMessage& message, const HandshakePolicy& policy, Outbox& out, std::int64_t now_us);
    bool negotiate(HandshakePolicy& policy, Outbox& out);
    void on_reconciliation(const SendTxRcnclMessage& message, const HandshakePolicy& policy, Outbox& out);
    void on_feature(const FeatureMessage& message, Outbox& out);
    void on_verack(const HandshakePolicy& policy, Outbox& out);
    bool late(std::string_view command, Outbox& out) const;

    PeerInfo& peer_;
    std::uint64_t nonce_;
    Endpoint local_address_;
    std::int64_t time_offset_s_ = 0;
    TxReconciliation reconciliation_;
};

/// Only printable characters that cannot confuse a log or a terminal.
std::string sanitize(std::string_view text);

}  // namespace cairn::net
