#pragma once

#include <memory>
#include <optional>

#include "consensus/rules/params.hpp"
#include "net/core/role.hpp"
#include "node/chain/chain_port.hpp"
#include "node/relay/block_request_port.hpp"
#include "node/mempool/fee_size.hpp"

namespace cairn::node {

class FilterSource;
class MempoolPort;
class TxRelayPort;

/// A full node on the network: follows the headers of its peers, fetches blocks, serves what it has, announces new tips.
/// Owner: net thread; chain events arrive on the chain thread and are posted over.
class FullRole final : public net::Role, public BlockRequestPort, private ChainObserver {
public:
    struct Options {
        Arith256 minimum_chain_work;          ///< -minimumchainwork or the chain's own
        bool prune_mode = false;              ///< -prune: offer only NETWORK_LIMITED
        bool peer_bloom_filters = false;      ///< -peerbloomfilters
        bool private_broadcast = false;       ///< -privatebroadcast: own transactions may go out over connections of their own
        bool blocks_only = false;             ///< -blocksonly: transaction announcements are a violation
        const FilterSource* filters = nullptr; ///< -peerblockfilters: offered and served; outlives the chain's workers. Null: not
        MempoolPort* mempool = nullptr;       ///< outlives the role; null: no transactions are relayed
        FeeRate min_relay{100};               ///< -minrelaytxfee
        FeeRate incremental_relay{100};       ///< -incrementalrelayfee
        unsigned tx_send_rate = 14;           ///< -txsendrate: transactions a second to inbound peers
        std::size_t extra_transactions = 100; ///< -blockreconstructionextratxn
        std::size_t window_bytes = net::limits::kBlockWindowBytes;  ///< blocks taken in and not yet judged
        std::size_t max_send_buffer = 1'000'000;  ///< stop reading blocks for a peer beyond this
        std::optional<Uint256> seed;          ///< of its random choices, for simulations; none: from the system
    };

    /// `chain` and `params` outlive this object. Subscribes to `chain` between attach and detach.
    FullRole(ChainPort& chain, const ChainParams& params, Options options);
    ~FullRole() override;

    void attach(std::function<void(std::function<void()>)> post) override;
    void detach() override;

    std::uint64_t local_services() const override;
    std::int32_t best_height() const override;
    std::uint64_t desirable_services(std::uint64_t offered, std::int64_t now_us) const override;
    bool initial_block_download() const override;
    void on_version(net::PeerInfo& peer, net::Outbox& out, std::int64_t now_us) override;
    void on_ready(net::PeerInfo& peer, net::Outbox& out, std::int64_t now_us) override;
    void on_gone(const net::PeerInfo& peer, net::Outbox& out, std::int64_t now_us) override;
    void on_message(net::PeerInfo& peer, net::Message&& message, net::Outbox& out, std::int64_t now_us) override;
    void on_pump(net::PeerInfo& peer, net::Outbox& out, std::int64_t now_us) override;
    void on_tick(net::Outbox& out, std::int64_t now_us) override;
    bool wants_pause(const net::PeerInfo& peer) const override;
    bool must_wait(const net::PeerInfo& peer, std::string_view command) const override;
    bool answering(const net::PeerInfo& peer) const override;
    net::PrivateBroadcast* private_broadcast() override;
    net::PeerStanding standing(const net::PeerInfo& peer) const override;
    net::ChainPulse pulse(std::int64_t now_us) const override;
    void describe(const net::PeerInfo& peer, net::PeerSnapshot& snapshot) const override;

    Result<void, std::string> request_block(net::PeerId peer, const HeaderNode* node) override;

    /// Transaction relay for RPC; lives as long as the role.
    TxRelayPort& tx_relay();

private:
    void on_tip(const std::shared_ptr<const ChainView>& view, const HeaderNode* old_tip, const HeaderNode* fork) override;
    void on_verdict(const BlockVerdict& verdict) override;
    void on_new_pow_valid_block(const BlockPtr& block, const HeaderNode* node) override;

    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace cairn::node
