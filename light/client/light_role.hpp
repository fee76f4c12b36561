#pragma once

#include <filesystem>
#include <memory>

#include "light/client/filter_headers.hpp"
#include "light/client/header_ranges.hpp"
#include "light/client/ports.hpp"
#include "net/core/role.hpp"
#include "storage/kv.hpp"

namespace cairn::light {

/// A light client on the network: follows headers with their full proof of work, agrees with several peers on filter
/// headers, scans filters for the scripts that are watched and fetches the blocks that concern them.
/// Owner: net thread, except where a method says otherwise. `jobs` must have come to rest before this object goes.
class LightRole final : public net::Role, public LightChain {
public:
    struct Options {
        std::optional<Arith256> minimum_chain_work{};   ///< instead of the network's own
        FilterHeaders::Options filters{};
        std::vector<HeaderAnchor> anchors{};            ///< between which old headers are fetched from many peers at once
        bool hear_transactions = true;                  ///< ask for relayed transactions once synced, to see payments early
        bool broadcast_privately = true;                ///< own payments go out over connections of their own
        bool bloom_filters = false;                     ///< BIP37 instead of compact filters: no privacy towards peers
        unsigned fee_blocks_per_hour = 0;               ///< so many new blocks are fetched for what they tell of fees
        std::optional<Uint256> seed{};                  ///< of random choices, for simulations; none: from the system
        std::optional<Height> keep_filters{};           ///< of so many blocks below the last that was scanned (and up to 1,000 more); none: all
        std::filesystem::path scratch{};                ///< headers that are seldom looked at lie in a file here, not in memory; empty: in memory
        std::function<void(const storage::StorageError&)> fatal{};  ///< the disk failed; thread: any
    };

    /// Reads what earlier runs left in `kv`, which is used for nothing else. All but the options outlive this object.
    static storage::Stored<std::unique_ptr<LightRole>> open(const ChainParams& params, storage::KvStore& kv, Jobs& jobs, ScriptSource& source,
                                                            BlockSink& sink, Options options);
    ~LightRole() override;

    /// The source has something new. Thread: any.
    void watch_changed() override;
    /// The newest picture; never null. Its tip stays valid as long as this object. Thread: any.
    std::shared_ptr<const LightView> view() const override;
    /// Looks up a header. Thread: any.
    const HeaderNode* find(const BlockHash& hash) const override;
    /// Thread: any.
    void submit(const OwnPayment& payment) override;
    /// Thread: any.
    bool forget_payment(const Uint256& id) override;
    /// Thread: any.
    void give_up_rescan(std::uint64_t revision) override;

    void attach(std::function<void(std::function<void()>)> post) override;
    void detach() override;
    std::uint64_t local_services() const override { return 0; }
    std::int32_t best_height() const override;
    std::uint64_t desirable_services(std::uint64_t offered, std::int64_t now_us) const override;
    bool initial_block_download() const override;
    void on_version(net::PeerInfo& peer, net::Outbox& out, std::int64_t now_us) override;
    void on_ready(net::PeerInfo& peer, net::Outbox& out, std::int64_t now_us) override;
    void on_gone(const net::PeerInfo& peer, net::Outbox& out, std::int64_t now_us) override;
    void on_message(net::PeerInfo& peer, net::Message&& message, net::Outbox& out, std::int64_t now_us) override;
    void on_pump(net::PeerInfo& peer, net::Outbox& out, std::int64_t now_us) override;
    void on_tick(net::Outbox& out, std::int64_t now_us) override;
    bool wants_pause(const net::PeerInfo&) const override { return false; }
    net::PrivateBroadcast* private_broadcast() override;
    net::PeerStanding standing(const net::PeerInfo& peer) const override;
    net::ChainPulse pulse(std::int64_t now_us) const override;
    void describe(const net::PeerInfo& peer, net::PeerSnapshot& snapshot) const override;

private:
    class Impl;
    explicit LightRole(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace cairn::light
