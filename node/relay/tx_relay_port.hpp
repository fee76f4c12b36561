#pragma once

#include <cstdint>
#include <vector>

#include "consensus/primitives/transaction.hpp"
#include "net/core/net_port.hpp"

namespace cairn::node {

/// One transaction that waits for its parents, as getorphantxs lists it.
struct OrphanSnapshot {
    TransactionPtr tx;
    std::vector<net::PeerId> from;  ///< who announced or sent it, ascending
};

/// How fast transactions go out to peers.
struct SendRates {
    struct Bucket {
        std::size_t backlog = 0;   ///< transactions that wait
        double count_tokens = 0;   ///< transactions that may go at once
        double size_tokens = 0;    ///< bytes that may go at once
    };
    unsigned per_second = 14;      ///< -txsendrate
    Bucket inbound, outbound;
};

/// Transaction relay as RPC sees it.
class TxRelayPort {
public:
    virtual ~TxRelayPort() = default;

    /// Tells all peers of a transaction of the mempool once more, in their turn; nothing happens when it is not there.
    /// Thread: any; returns at once.
    virtual void announce(const Txid& txid, const Wtxid& wtxid) = 0;
    /// All orphans, in order of their wtxid. Thread: any but net; waits a moment for the net thread.
    virtual std::vector<OrphanSnapshot> orphans() const = 0;
    /// Thread: any but net; waits a moment for the net thread.
    virtual SendRates send_rates() const = 0;
    /// mockscheduler: moves the timer of the unbroadcast transactions ahead. Thread: any; returns at once.
    virtual void advance_timers(std::int64_t seconds) = 0;
};

}  // namespace cairn::node
