#pragma once

#include <map>
#include <memory>

#include "net/wire/messages.hpp"
#include "net/wire/transport_v1.hpp"
#include "tests/sim/world.hpp"

namespace cairn::sim {

/// A peer without an engine: it shakes hands and answers pings by the real codec and transport (v1), and does what its
/// class adds to that.
class ScriptedHost : public Host {
public:
    ScriptedHost(World& world, const net::Endpoint& endpoint, std::array<std::uint8_t, 4> magic);

    struct Connection {
        Connection(End where, bool dialled, const net::Endpoint& other, std::array<std::uint8_t, 4> magic)
            : end(where), outbound(dialled), remote(other), wire(magic) {}
        End end;
        bool outbound;
        net::Endpoint remote;
        net::TransportV1 wire;
        bool heard_version = false, ready = false;
        int mood = 0;                ///< free for the class
        std::int64_t opened_us = 0;
    };

    void start();
    /// Hangs up on everybody and accepts nobody.
    void stop();
    bool running() const { return running_; }

    bool listening() const override { return running_; }
    bool on_accepted(End end, const net::Endpoint& remote) override;
    void on_dialed(std::uint64_t dial, End end, const net::Endpoint& remote) override;
    void on_dial_failed(std::uint64_t) override { --dialing_; }
    std::size_t on_bytes(End end, ByteSpan bytes) override;
    void on_written(End, std::size_t) override {}
    void on_closed(End end) override;
    void on_wake() override {}

protected:
    virtual void on_connected(Connection& connection);
    virtual void on_ready(Connection&) {}
    virtual void on_message(Connection&, net::Message&&) {}
    /// False: what comes is not even read.
    virtual bool reads(const Connection&) const { return true; }
    virtual std::uint64_t services() const { return net::kServiceNetwork | net::kServiceWitness | net::kServiceNetworkLimited; }

    void dial(const net::Endpoint& to);
    void send(Connection& connection, net::Message message);
    void send_raw(Connection& connection, Bytes bytes) { world_.write(connection.end, std::move(bytes)); }
    void send_version(Connection& connection);
    void hang_up(Connection& connection);
    Connection* find(End end);
    std::map<std::uint32_t, std::unique_ptr<Connection>>& connections() { return connections_; }
    int dialing() const { return dialing_; }

    World& world_;
    Rng rng_;
    std::array<std::uint8_t, 4> magic_;

private:
    static std::uint32_t key(End end) { return end.link * 2 + end.side; }
    void hear(Connection& connection, net::Frame&& frame);

    std::map<std::uint32_t, std::unique_ptr<Connection>> connections_;
    int dialing_ = 0;
    bool running_ = false;
};

}  // namespace cairn::sim
