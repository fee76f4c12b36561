#pragma once

#include <map>
#include <set>

#include "light/client/ports.hpp"
#include "net/core/outbox.hpp"
#include "net/core/peer_info.hpp"
#include "net/core/random.hpp"
#include "net/core/rolling_filter.hpp"

namespace cairn::light {

/// Sees unconfirmed payments: asks for every transaction that a peer announces, from the first that does, so that nobody
/// learns which of them matter here, and tells which pay a watched script.
/// Limits: kInFlight requests of a peer; what comes beyond is not asked for. A transaction is looked at once.
/// Owner: net thread.
class TxWatch {
public:
    static constexpr std::size_t kInFlight = 100;
    static constexpr std::size_t kRemembered = 50'000;

    explicit TxWatch(net::Random& random) : seen_(kRemembered, {random.u64(), random.u64()}) {}

    void on_inv(const net::PeerInfo& peer, const net::InvMessage& message, net::Outbox& out, std::int64_t now_us);
    struct Heard {
        TransactionPtr tx;  ///< null: it does not decode
        bool pays = false;  ///< one of the scripts
    };
    Heard on_tx(const net::TxMessage& message, const std::shared_ptr<const WatchSet>& watch);
    void remove(net::PeerId peer) { in_flight_.erase(peer); }

private:
    struct Window {
        std::int64_t since_us = 0;
        std::size_t asked = 0;
    };
    net::RollingFilter seen_;
    std::map<net::PeerId, Window> in_flight_;
    std::shared_ptr<const WatchSet> watch_;  ///< that scripts_ is of
    std::set<Bytes> scripts_;
};

}  // namespace cairn::light
