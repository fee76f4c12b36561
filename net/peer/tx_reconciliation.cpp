#include "net/peer/tx_reconciliation.hpp"

namespace cairn::net {

void TxReconciliation::offer(const PeerInfo& peer, Outbox& out) {
    state_ = State::offered;
    out.log().debug("Pre-register peer={}", peer.id);
    out.send(peer.id, SendTxRcnclMessage{kVersion, salt_});
}

void TxReconciliation::on_offer(const PeerInfo& peer, const SendTxRcnclMessage& message, bool taken, Outbox& out) {
    if (peer.ready)
        out.disconnect(peer.id, "sendtxrcncl received after verack");
    else if (!taken)
        out.disconnect(peer.id, "sendtxrcncl received to which we indicated no tx relay");
    else if (!peer.relay_wanted)
        out.disconnect(peer.id, "sendtxrcncl received which indicated no tx relay to us");
    else if (state_ == State::none)
        out.log().debug("Ignore unexpected txreconciliation signal from peer={}", peer.id);
    else if (state_ == State::agreed)
        out.disconnect(peer.id, "txreconciliation protocol violation (sendtxrcncl received from already registered peer)");
    else if (message.version < 1)
        out.disconnect(peer.id, "txreconciliation protocol violation");
    else {
        state_ = State::agreed;
        their_salt_ = message.salt;
        out.log().debug("Register peer={} (inbound={})", peer.id, peer.inbound() ? 1 : 0);
    }
}

void TxReconciliation::on_verack(const PeerInfo& peer, Outbox& out) {
    if (state_ == State::none || (state_ == State::agreed && peer.wtxid_relay)) return;
    state_ = State::none;
    out.log().debug("Forget txreconciliation state of peer={}", peer.id);
}

}  // namespace cairn::net
