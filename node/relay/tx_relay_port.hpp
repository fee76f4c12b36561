#pragma once

#include <cstdint>
#include <vector>

#include "consensus/primitives/transaction.hpp"
#include "net/core/net_port.hpp"
#include "net/sync/private_broadcast.hpp"

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

    // --- without showing that they are ours (-privatebroadcast): through Tor and I2P only, and into our own mempool when
    // another peer brings them back. Who calls this has made sure that the mempool would take the transaction.
    // Thread: any but net; these wait a moment for the net thread.
    /// nullopt: the network has ended.
    virtual std::optional<net::PrivateBroadcast::AddResult> broadcast_privately(TransactionPtr tx) = 0;
    virtual std::vector<net::PrivateBroadcast::Picture> private_broadcasts() const = 0;
    /// Gives up those with this txid or wtxid: what they were.
    virtual std::vector<TransactionPtr> abort_private_broadcast(const Uint256& id) = 0;

    /// mockscheduler: moves the timers of unbroadcast and privately broadcast transactions ahead. Thread: any; returns at once.
    virtual void advance_timers(std::int64_t seconds) = 0;
};

}  // namespace cairn::node
