#pragma once

#include <memory>

#include "node/chain/chain_port.hpp"
#include "node/relay/heap_keeper.hpp"
#include "node/relay/tx_relay.hpp"
#include "node/relay/tx_relay_port.hpp"

namespace cairn::node {

/// Transaction relay between its threads: hands to the mempool what TxRelay wants judged, and brings verdicts, the
/// mempool's events, the chain's blocks and questions of RPC to the net thread, in the order in which they happened.
/// Owner: net thread; observers are called on the chain thread, TxRelayPort on any.
/// Limits: what waits here is bounded by the mempool's changes while the net thread is busy.
class TxRelayNode final : public TxRelayPort, private MempoolObserver, private ChainObserver {
public:
    /// `mempool` may be null: then nothing is relayed. Both outlive attach … detach.
    TxRelayNode(ChainPort& chain, MempoolPort* mempool, TxRelay::Options options, net::Random random);
    ~TxRelayNode() override;

    TxRelay& relay() { return relay_; }
    const TxRelay& relay() const { return relay_; }
    /// Own transactions that go out privately. Owner: net thread.
    net::PrivateBroadcast& private_broadcast() { return private_; }
    bool active() const { return mempool_ != nullptr; }

    /// `post` wakes the net thread.
    void attach(std::function<void(std::function<void()>)> post);
    void detach();
    /// Takes in what came from other threads.
    void take_in(net::Outbox& out, std::int64_t now_us);
    /// The same; then what is due.
    void tick(net::Outbox& out, std::int64_t now_us);
    /// Hands on what the last calls of relay() left behind.
    void hand_over();

    // TxRelayPort
    void announce(const Txid& txid, const Wtxid& wtxid) override;
    std::vector<OrphanSnapshot> orphans() const override;
    SendRates send_rates() const override;
    std::optional<net::PrivateBroadcast::AddResult> broadcast_privately(TransactionPtr tx) override;
    std::vector<net::PrivateBroadcast::Picture> private_broadcasts() const override;
    std::vector<TransactionPtr> abort_private_broadcast(const Uint256& id) override;
    void advance_timers(std::int64_t seconds) override;

private:
    struct Inbox;
    struct Context;

    void on_added(const AddedTransaction& added) override;
    void on_removed(const RemovedEntry& removed) override;
    void on_block_removed(const std::vector<RemovedEntry>& removed, const HeaderNode* block) override;
    void on_block_connected(const BlockPtr& block, const HeaderNode* node) override;
    void on_block_disconnected(const BlockPtr& block, const HeaderNode* node) override;
    void on_tip(const std::shared_ptr<const ChainView>& view, const HeaderNode* old_tip, const HeaderNode* fork) override;
    void fill_pool();
    void refresh_minimum_fee(std::int64_t now_us);
    void judge_stale(std::int64_t now_us);
    template <class T>
    std::optional<T> ask_private(std::function<T(net::PrivateBroadcast&, net::LogLines&, std::int64_t)> question) const;

    ChainPort& chain_;
    MempoolPort* mempool_;
    TxRelay relay_;
    net::PrivateBroadcast private_;
    std::shared_ptr<Inbox> inbox_;
    HeapKeeper heap_;
    std::int64_t fee_read_us_ = 0;
    unsigned ticks_ = 0;
};

}  // namespace cairn::node
