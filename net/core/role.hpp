#pragma once

#include <functional>

#include "net/core/outbox.hpp"
#include "net/core/peer_info.hpp"
#include "net/wire/messages.hpp"

namespace cairn::net {

class PrivateBroadcast;

/// What a role holds of an outbound peer when one has to go.
struct PeerStanding {
    std::int64_t last_announcement_s = 0;  ///< when it last announced a block with more work than our tip
    bool protected_ = false;               ///< has shown a chain as good as ours early on
    std::size_t blocks_in_flight = 0;      ///< blocks being fetched from it
};
/// Whether the chain still moves.
struct ChainPulse {
    std::int64_t last_block_s = 0;          ///< when a block was last connected; at the start: the start
    std::int64_t block_interval_s = 600;    ///< that the chain aims at
    bool fetching = false;                  ///< some block is in flight
    bool at_present = false;                ///< the tip is about as new as it can be
    bool importing = false;                 ///< blocks are being read from files
};

/// What a program does on the network once a handshake is done: a full node, a light client, a simulated peer.
/// The engine calls it; it answers by putting actions into the outbox it was given.
/// Thread: net, except where a method says otherwise.
class Role {
public:
    virtual ~Role() = default;

    /// Called once before the network starts. `post` runs a task on the net thread (thread: any).
    virtual void attach(std::function<void(std::function<void()>)> post) = 0;
    /// Called after the last event, when the net thread is gone.
    virtual void detach() = 0;

    /// Service bits for our version message.
    virtual std::uint64_t local_services() const = 0;
    /// Height of our best block, for our version message.
    virtual std::int32_t best_height() const = 0;
    /// True when an outbound peer with these services is of use now.
    virtual std::uint64_t desirable_services(std::uint64_t offered, std::int64_t now_us) const = 0;
    virtual bool initial_block_download() const = 0;

    /// The version message of a peer was accepted.
    virtual void on_version(PeerInfo& /*peer*/, Outbox& /*out*/, std::int64_t /*now_us*/) {}
    /// The handshake is done: messages may be sent and will come.
    virtual void on_ready(PeerInfo& peer, Outbox& out, std::int64_t now_us) = 0;
    /// The connection is gone, whether it was ever ready or not.
    virtual void on_gone(const PeerInfo& peer, Outbox& out, std::int64_t now_us) = 0;
    /// A message that belongs to no one below: everything but handshake, ping, pong and addresses.
    virtual void on_message(PeerInfo& peer, Message&& message, Outbox& out, std::int64_t now_us) = 0;
    /// Called after each message of a peer and for every peer at intervals of about 100 ms: what is due now?
    virtual void on_pump(PeerInfo& peer, Outbox& out, std::int64_t now_us) = 0;
    /// Called at intervals of about 100 ms and after each posted task.
    virtual void on_tick(Outbox& out, std::int64_t now_us) = 0;
    /// True while nothing more of this peer should be heard: something else than the peer has to happen first. It must
    /// never hang on the peer's reading what we send: two nodes that wait so for each other wait forever.
    virtual bool wants_pause(const PeerInfo& peer) const = 0;
    /// True while a message of this peer with this command, and all that follow it, have to wait: what the peer said
    /// before is still being judged, and its next words are to be heard as if the judging had been instant.
    virtual bool must_wait(const PeerInfo& /*peer*/, std::string_view /*command*/) const { return false; }
    /// True while earlier requests of this peer are being answered: its further requests wait, all else is heard.
    virtual bool answering(const PeerInfo& /*peer*/) const { return false; }
    /// Own transactions that go out over connections of their own (net/sync/private_broadcast.hpp); null: there are none.
    /// The engine makes those connections and speaks for them with nobody else.
    virtual PrivateBroadcast* private_broadcast() { return nullptr; }
    /// For the choice which outbound peer has to go.
    virtual PeerStanding standing(const PeerInfo& /*peer*/) const { return {}; }
    virtual ChainPulse pulse(std::int64_t /*now_us*/) const { return {}; }
    /// Adds what only the role knows of a peer: heights, blocks in flight.
    virtual void describe(const PeerInfo& peer, PeerSnapshot& snapshot) const = 0;
};

}  // namespace cairn::net
