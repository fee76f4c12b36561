#include "net/peer/ping.hpp"

#include <algorithm>

#include "net/wire/limits.hpp"

namespace cairn::net {

void Ping::on_ping(const PeerInfo& peer, const PingMessage& message, Outbox& out) {
    if (peer.common_version >= limits::kPongVersion && message.nonce) out.send(peer.id, PongMessage{message.nonce});
}

void Ping::on_pong(const PeerInfo& peer, const PongMessage& message, std::size_t payload_bytes, Outbox& out, std::int64_t now_us) {
    const char* problem = nullptr;
    bool finished = false;
    if (!message.nonce) {
        problem = "Short payload";
        finished = true;
    } else if (nonce_ == 0) {
        problem = "Unsolicited pong without ping";
    } else if (*message.nonce == nonce_) {
        finished = true;
        const std::int64_t took_us = now_us - sent_us_;
        if (took_us >= 0) {
            last_us_ = took_us;
            min_us_ = std::min(min_us_.value_or(took_us), took_us);
        } else {
            problem = "Timing mishap";
        }
    } else {
        problem = *message.nonce == 0 ? "Nonce zero" : "Nonce mismatch";
        finished = *message.nonce == 0;
    }
    if (problem)
        out.log().debug("pong peer={}: {}, {:x} expected, {:x} received, {} bytes", peer.id, problem, nonce_, message.nonce.value_or(0), payload_bytes);
    if (finished) nonce_ = 0;
}

std::optional<std::int64_t> Ping::wait_us(std::int64_t now_us) const {
    if (nonce_ == 0 || sent_us_ == 0) return std::nullopt;
    return now_us - sent_us_;
}

void Ping::pump(const PeerInfo& peer, bool check_timeout, Random& random, Outbox& out, std::int64_t now_us) {
    if (check_timeout && nonce_ != 0 && now_us > sent_us_ + limits::kInactivityTimeout_s * 1'000'000) {
        out.disconnect(peer.id, fmt::format("ping timeout: {:f}s", static_cast<double>(now_us - sent_us_) / 1e6));
        return;
    }
    const bool due = nonce_ == 0 && now_us > sent_us_ + limits::kPingInterval_s * 1'000'000;
    if (!due && !queued_) return;
    queued_ = false;
    sent_us_ = now_us;
    nonce_ = 0;
    if (peer.common_version < limits::kPongVersion) {
        out.send(peer.id, PingMessage{});
        return;
    }
    while (nonce_ == 0) nonce_ = random.u64();
    out.send(peer.id, PingMessage{nonce_});
}

}  // namespace cairn::net
