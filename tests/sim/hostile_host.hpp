#pragma once

#include <vector>

#include "tests/sim/scripted_host.hpp"
#include "tests/sim/sim_chain.hpp"

namespace cairn::sim {

/// Somebody who wants to do harm: calls honest nodes at random, has himself called, and sends rubbish or headers.
class HostileHost final : public ScriptedHost {
public:
    enum class Kind { garbage, headers };
    struct Options {
        Kind kind = Kind::garbage;
        std::vector<net::Endpoint> targets;
        std::size_t connections = 4;                 ///< that it keeps open
        std::int64_t pace_us = 2 * kSecond;          ///< between two messages on one connection
        std::int64_t batch_pace_us = 60 * kSecond;   ///< between two full batches of headers
    };
    HostileHost(World& world, const net::Endpoint& endpoint, Origin& origin, Options options);

    void go();
    void set_pace(std::int64_t pace_us, std::int64_t batch_pace_us) {
        options_.pace_us = pace_us;
        options_.batch_pace_us = batch_pace_us;
    }

    void on_wake() override;

protected:
    void on_connected(Connection& connection) override;
    void on_ready(Connection& connection) override;
    void on_message(Connection& connection, net::Message&& message) override;

private:
    void attack(Connection& connection);
    void send_garbage(Connection& connection);
    void send_headers(Connection& connection);
    void send_batch(Connection& connection, std::size_t from);
    Bytes random_bytes(std::size_t size);

    Origin& origin_;
    Options options_;
};

}  // namespace cairn::sim
