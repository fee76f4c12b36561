#pragma once

#include <array>
#include <map>
#include <set>

#include "net/core/role.hpp"
#include "node/relay/full_role.hpp"
#include "tests/sim/rng.hpp"

namespace cairn::sim {

/// How a node with the production code lies about blocks.
enum class BlockLie {
    none,
    withhold,   ///< announces every block at once and never gives it
    not_found,  ///< announces it, then says that it has not got it
    mutate,     ///< gives blocks with a byte changed
    silent,     ///< announces nothing
    late,       ///< gives blocks half a minute late
};

/// The node's own role, watched: it counts connections by type, and may bend what is said of blocks.
/// Owner: one thread.
class SimRole final : public net::Role {
public:
    SimRole(node::FullRole& role, BlockLie lie) : role_(role), lie_(lie) {}

    /// Connections of this type that have shaken hands.
    int ready(net::ConnectionType type) const { return ready_[static_cast<std::size_t>(type)]; }

    /// Those that have shaken hands, as they were then.
    const std::map<net::PeerId, net::PeerInfo>& peers() const { return peers_; }

    void attach(std::function<void(std::function<void()>)> post) override { role_.attach(std::move(post)); }
    void detach() override { role_.detach(); }
    std::uint64_t local_services() const override { return role_.local_services(); }
    std::int32_t best_height() const override { return role_.best_height(); }
    std::uint64_t desirable_services(std::uint64_t offered, std::int64_t now_us) const override { return role_.desirable_services(offered, now_us); }
    bool initial_block_download() const override { return role_.initial_block_download(); }
    void on_version(net::PeerInfo& peer, net::Outbox& out, std::int64_t now_us) override { role_.on_version(peer, out, now_us); }
    void on_ready(net::PeerInfo& peer, net::Outbox& out, std::int64_t now_us) override;
    void on_gone(const net::PeerInfo& peer, net::Outbox& out, std::int64_t now_us) override;
    void on_message(net::PeerInfo& peer, net::Message&& message, net::Outbox& out, std::int64_t now_us) override;
    void on_pump(net::PeerInfo& peer, net::Outbox& out, std::int64_t now_us) override;
    void on_tick(net::Outbox& out, std::int64_t now_us) override;
    bool wants_pause(const net::PeerInfo& peer) const override { return role_.wants_pause(peer); }
    bool must_wait(const net::PeerInfo& peer, std::string_view command) const override { return role_.must_wait(peer, command); }
    bool answering(const net::PeerInfo& peer) const override { return role_.answering(peer); }
    net::PrivateBroadcast* private_broadcast() override { return role_.private_broadcast(); }
    net::PeerStanding standing(const net::PeerInfo& peer) const override { return role_.standing(peer); }
    net::ChainPulse pulse(std::int64_t now_us) const override { return role_.pulse(now_us); }
    void describe(const net::PeerInfo& peer, net::PeerSnapshot& snapshot) const override { role_.describe(peer, snapshot); }

private:
    struct Late {
        std::int64_t at_us;
        net::PeerId peer;
        net::Message message;
    };
    bool bend(net::PeerInfo& peer, net::Message& message, net::Outbox& out, std::int64_t now_us);
    void bend_answers(net::Outbox& out, std::int64_t now_us);

    node::FullRole& role_;
    BlockLie lie_;
    std::array<int, 8> ready_{};
    std::map<net::PeerId, net::PeerInfo> peers_;
    std::set<BlockHash> announced_;
    std::vector<Late> late_;
};

}  // namespace cairn::sim
