#pragma once

#include "net/core/outbox.hpp"
#include "net/core/peer_info.hpp"

namespace cairn::net {

/// What one connection agrees on about transaction reconciliation before verack (BIP330): both offer it, with a salt
/// each. Reconciling itself is not spoken yet, by nobody.
/// Source: BIP330, "sendtxrcncl".
/// Owner: net thread.
class TxReconciliation {
public:
    static constexpr std::uint32_t kVersion = 1;

    /// `salt`: ours, unpredictable.
    explicit TxReconciliation(std::uint64_t salt) : salt_(salt) {}

    /// Offers it to the peer.
    void offer(const PeerInfo& peer, Outbox& out);
    /// The peer offers it. `taken`: we told it that we take transactions.
    void on_offer(const PeerInfo& peer, const SendTxRcnclMessage& message, bool taken, Outbox& out);
    /// The handshake is over: what was not agreed on by now never is.
    void on_verack(const PeerInfo& peer, Outbox& out);

    bool agreed() const { return state_ == State::agreed; }

private:
    enum class State { none, offered, agreed };

    std::uint64_t salt_;
    std::uint64_t their_salt_ = 0;
    State state_ = State::none;
};

}  // namespace cairn::net
