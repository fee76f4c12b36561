#pragma once

#include <memory>
#include <vector>

#include "node/chain/chain_port.hpp"
#include "node/mempool/mempool_port.hpp"
#include "node/zmq/notifier.hpp"

namespace cairn::node {

/// Tells subscribers over ZeroMQ what happens to chain and mempool (-zmqpub*).
///
/// Shape: three frames: topic, body, and a little-endian 32-bit count of the notifier's messages. Bodies: hashes in display
/// order, raw blocks and transactions, and for `sequence` a hash, C or D (blocks) or A or R with the mempool's sequence
/// number (64 bits, little-endian).
/// Order: a block's transactions and its C come when the tip that contains it is shown, behind what the mempool did
/// for it, as in Bitcoin Core; hashblock and rawblock name tips only, and none during the initial download.
/// Limits: 100,000 events wait for the publishing thread; what comes then is counted but not sent, so subscribers see a gap.
/// Thread: observers on the chain thread, which never waits here; sockets on a thread of their own; the rest any.
class ZmqPublisher final : public ChainObserver, public MempoolObserver {
public:
    /// Binds every address. Null when there is nothing to publish or one of them cannot be bound: the log says why, and the
    /// node goes on without.
    static std::unique_ptr<ZmqPublisher> create(std::vector<ZmqNotifier> notifiers);
    /// Sends what waits and closes the sockets. Unsubscribe it first.
    ~ZmqPublisher() override;

    /// Those that work, ordered by type.
    std::vector<ZmqNotifier> active() const;

    void on_tip(const std::shared_ptr<const ChainView>& view, const HeaderNode* old_tip, const HeaderNode* fork) override;
    void on_block_connected(const BlockPtr& block, const HeaderNode* node) override;
    void on_block_disconnected(const BlockPtr& block, const HeaderNode* node) override;
    void on_added(const AddedTransaction& added) override;
    void on_removed(const RemovedEntry& removed) override;

private:
    struct Parts;
    explicit ZmqPublisher(std::unique_ptr<Parts> parts);
    void release_held();

    std::unique_ptr<Parts> parts_;
};

}  // namespace cairn::node
