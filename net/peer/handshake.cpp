#include "net/peer/handshake.hpp"

#include <algorithm>

#include "consensus/crypto/hash.hpp"
#include "net/wire/codec.hpp"

namespace cairn::net {
namespace {

constexpr const char* kPrivateUserAgent = "/pynode:0.0.1/";  // Core's, for connections of private broadcast

}  // namespace

std::string sanitize(std::string_view text) {
    static constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,;-_/:?@()";
    std::string clean;
    for (const char c : text)
        if (kAllowed.find(c) != std::string_view::npos) clean += c;
    return clean;
}

namespace {

/// As unpredictable as the nonce, and another number.
std::uint64_t reconciliation_salt(std::uint64_t nonce) {
    Bytes bytes;
    Writer(bytes).u64(nonce);
    return sha256(bytes).low64();
}

}  // namespace

Handshake::Handshake(PeerInfo& peer, std::uint64_t nonce) : peer_(peer), nonce_(nonce), reconciliation_(reconciliation_salt(nonce)) {}

/// The same for every node that broadcasts privately, so that the message tells none of them apart.
VersionMessage Handshake::private_version() const {
    VersionMessage message;
    message.version = limits::kPrivateVersion;
    message.nonce = nonce_;
    message.user_agent = kPrivateUserAgent;
    message.start_height = 0;
    message.relay = false;
    return message;
}

VersionMessage Handshake::public_version(const HandshakePolicy& policy, std::int64_t now_us) const {
    const LocalVersion local = policy.local_version(peer_);
    VersionMessage message;
    message.services = local.services;
    message.time = now_us / 1'000'000;
    message.their_services = 0;
    if (peer_.address.address.is_routable() && peer_.address.address.is_v1_compatible()) message.their_address = peer_.address;
    message.nonce = nonce_;
    message.user_agent = local.user_agent;
    message.start_height = local.best_height;
    message.relay = local.relay;
    return message;
}

void Handshake::send_version(const HandshakePolicy& policy, Outbox& out, std::int64_t now_us) {
    VersionMessage message = peer_.private_broadcast() ? private_version() : public_version(policy, now_us);
    out.log().debug("send version message: version={}, blocks={}, txrelay={}, peer={}", message.version, message.start_height,
                    message.relay ? 1 : 0, peer_.id);
    out.send(peer_.id, std::move(message));
}

void Handshake::start(const HandshakePolicy& policy, Outbox& out, std::int64_t now_us) {
    if (!peer_.inbound()) send_version(policy, out, now_us);
}

bool Handshake::accept_version(const VersionMessage& m, const HandshakePolicy& policy, Outbox& out, std::int64_t now_us) {
    std::uint64_t wanted = policy.desirable_services(m.services, now_us);
    if (peer_.private_broadcast()) wanted &= kServiceNetwork | kServiceNetworkLimited | kServiceWitness;  // it only passes a transaction on
    if (peer_.expects_services() && (wanted & ~m.services) != 0) {
        out.disconnect(peer_.id, fmt::format("peer does not offer the expected services ({:08x} offered, {:08x} expected)", m.services, wanted));
        return false;
    }
    if (m.version < limits::kMinPeerVersion) {
        out.disconnect(peer_.id, fmt::format("peer using obsolete version {}", m.version));
        return false;
    }
    if (peer_.inbound() && policy.is_own_nonce(m.nonce)) {
        out.log().info("connected to self at {}, disconnecting", peer_.address.to_string());
        out.disconnect(peer_.id, "connected to self");
        return false;
    }
    peer_.version = m.version;
    peer_.common_version = std::min(m.version, peer_.private_broadcast() ? limits::kPrivateVersion : limits::kProtocolVersion);
    peer_.services = m.services;
    peer_.user_agent = sanitize(m.user_agent);
    peer_.start_height = m.start_height;
    peer_.relay_wanted = m.relay && !peer_.block_only() && peer_.type != ConnectionType::feeler;
    local_address_ = m.their_address;
    time_offset_s_ = std::max<std::int64_t>(m.time, 0) - now_us / 1'000'000;
    if (peer_.inbound()) send_version(policy, out, now_us);
    out.log().debug("receive version message: {}: version {}, blocks={}, us={}, txrelay={}, {}{}",
                    peer_.user_agent.empty() ? "<no user agent>" : peer_.user_agent, m.version, m.start_height,
                    m.their_address.to_string(), m.relay ? 1 : 0, peer_.in_log,
                    peer_.mapped_as ? fmt::format(", mapped_as={}", peer_.mapped_as) : "");
    return true;
}

/// False: the connection is not wanted.
bool Handshake::negotiate(HandshakePolicy& policy, Outbox& out) {
    if (peer_.private_broadcast()) {
        if (peer_.relay_wanted) {
            out.send(peer_.id, VerackMessage{});
        } else {
            out.log().private_broadcast("Disconnecting: does not support transaction relay (connected in vain), peer={}", peer_.id);
            out.disconnect(peer_.id, {});
        }
        return true;
    }
    if (peer_.common_version >= limits::kNegotiationVersion) {
        out.send(peer_.id, WtxidRelayMessage{});
        out.send(peer_.id, SendAddrV2Message{});
        const bool hears_all = peer_.relay_wanted && peer_.type != ConnectionType::addr_fetch;
        const LocalVersion local = policy.local_version(peer_);
        if (hears_all && local.relay && local.reconcile) reconciliation_.offer(peer_, out);
    }
    // Here features of ours would be announced; there are none yet that BIP434 is needed for.
    if (!policy.takes_on(peer_)) return false;
    out.send(peer_.id, VerackMessage{});
    return true;
}

void Handshake::on_reconciliation(const SendTxRcnclMessage& message, const HandshakePolicy& policy, Outbox& out) {
    const LocalVersion local = policy.local_version(peer_);
    if (local.reconcile)
        reconciliation_.on_offer(peer_, message, local.relay, out);
    else
        out.log().debug("sendtxrcncl from peer={} ignored, as our node does not have txreconciliation enabled", peer_.id);
}

void Handshake::on_feature(const FeatureMessage& message, Outbox& out) {
    if (late("feature", out)) return;
    if (peer_.common_version < limits::kFeatureVersion)
        out.disconnect(peer_.id, fmt::format("feature received with incompatible version {}", peer_.common_version));
    else if (message.malformed)
        out.disconnect(peer_.id, "invalid feature payload");
    else
        out.log().debug("unknown feature advertised: {}", sanitize(message.id));
}

void Handshake::on_verack(const HandshakePolicy& policy, Outbox& out) {
    const std::string text = fmt::format("New {} peer connected: transport: {}, version: {}, peer={}", to_string(peer_.type),
                                         policy.transport_of(peer_), peer_.version, peer_.id);
    out.log().add(peer_.inbound() ? LogLine::Kind::debug : LogLine::Kind::info, text);
    peer_.ready = true;
    reconciliation_.on_verack(peer_, out);
}

bool Handshake::late(std::string_view command, Outbox& out) const {
    if (!peer_.ready) return false;
    out.disconnect(peer_.id, fmt::format("{} received after verack", command));
    return true;
}

Handshake::Outcome Handshake::on_message(const Message& message, HandshakePolicy& policy, Outbox& out, std::int64_t now_us) {
    if (const auto* version = std::get_if<VersionMessage>(&message)) {
        if (peer_.version != 0) {
            out.log().debug("redundant version message from peer={}", peer_.id);
            return Outcome::handled;
        }
        if (!accept_version(*version, policy, out, now_us)) return Outcome::handled;
        return negotiate(policy, out) ? Outcome::version : Outcome::handled;
    }
    if (peer_.version == 0) {
        out.log().debug("non-version message before version handshake. Message \"{}\" from peer={}", sanitize(command_of(message)), peer_.id);
        return Outcome::handled;
    }
    if (std::holds_alternative<VerackMessage>(message)) {
        if (peer_.ready) {
            out.log().debug("ignoring redundant verack message from peer={}", peer_.id);
            return Outcome::handled;
        }
        on_verack(policy, out);
        return Outcome::ready;
    }
    if (std::holds_alternative<WtxidRelayMessage>(message)) {
        if (late("wtxidrelay", out)) return Outcome::handled;
        if (peer_.common_version < limits::kNegotiationVersion)
            out.log().debug("ignoring wtxidrelay due to old common version={} from peer={}", peer_.common_version, peer_.id);
        else if (peer_.wtxid_relay)
            out.log().debug("ignoring duplicate wtxidrelay from peer={}", peer_.id);
        else
            peer_.wtxid_relay = true;
        return Outcome::handled;
    }
    if (std::holds_alternative<SendAddrV2Message>(message)) {
        if (!late("sendaddrv2", out)) peer_.wants_addrv2 = true;
        return Outcome::handled;
    }
    if (const auto* feature = std::get_if<FeatureMessage>(&message)) {
        on_feature(*feature, out);
        return Outcome::handled;
    }
    if (const auto* offer = std::get_if<SendTxRcnclMessage>(&message)) {
        on_reconciliation(*offer, policy, out);
        return Outcome::handled;
    }
    if (std::holds_alternative<SendHeadersMessage>(message) || std::holds_alternative<SendCmpctMessage>(message)) return Outcome::pass_on;
    if (!peer_.ready) {
        out.log().debug("Unsupported message \"{}\" prior to verack from peer={}", sanitize(command_of(message)), peer_.id);
        return Outcome::handled;
    }
    return Outcome::pass_on;
}

}  // namespace cairn::net
