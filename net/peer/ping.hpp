#pragma once

#include <optional>

#include "net/core/outbox.hpp"
#include "net/core/peer_info.hpp"
#include "net/core/random.hpp"

namespace cairn::net {

/// Keeps a connection alive and measures it: a ping every two minutes, twenty minutes for the answer (BIP31).
/// Owner: net thread.
class Ping {
public:
    /// Answers a ping.
    void on_ping(const PeerInfo& peer, const PingMessage& message, Outbox& out);
    void on_pong(const PeerInfo& peer, const PongMessage& message, std::size_t payload_bytes, Outbox& out, std::int64_t now_us);
    /// Asks for a ping soon, whatever the interval.
    void queue() { queued_ = true; }
    /// Sends what is due; ends the connection when an answer is overdue and `check_timeout` is set.
    void pump(const PeerInfo& peer, bool check_timeout, Random& random, Outbox& out, std::int64_t now_us);

    std::optional<std::int64_t> last_us() const { return last_us_; }
    std::optional<std::int64_t> min_us() const { return min_us_; }
    /// How long the present ping waits already.
    std::optional<std::int64_t> wait_us(std::int64_t now_us) const;

private:
    std::uint64_t nonce_ = 0;  ///< of the ping under way; 0: none
    std::int64_t sent_us_ = 0;
    bool queued_ = false;
    std::optional<std::int64_t> last_us_, min_us_;
};

}  // namespace cairn::net
