#pragma once

#include <chrono>
#include <thread>

#include "net/io/network.hpp"

namespace cairn::test {

/// A node's role in the network that only shakes hands.
class QuietRole final : public net::Role {
public:
    void attach(std::function<void(std::function<void()>)>) override {}
    void detach() override {}
    std::uint64_t local_services() const override { return net::kServiceNetwork | net::kServiceWitness; }
    std::int32_t best_height() const override { return 3; }
    std::uint64_t desirable_services(std::uint64_t, std::int64_t) const override { return net::kServiceNetwork; }
    bool initial_block_download() const override { return false; }
    void on_ready(net::PeerInfo&, net::Outbox&, std::int64_t) override {}
    void on_gone(const net::PeerInfo&, net::Outbox&, std::int64_t) override {}
    void on_message(net::PeerInfo&, net::Message&&, net::Outbox&, std::int64_t) override {}
    void on_pump(net::PeerInfo&, net::Outbox&, std::int64_t) override {}
    void on_tick(net::Outbox&, std::int64_t) override {}
    bool wants_pause(const net::PeerInfo&) const override { return false; }
    void describe(const net::PeerInfo&, net::PeerSnapshot&) const override {}
};

/// A node of regtest on 127.0.0.1 that dials nobody by itself.
inline net::NetworkOptions local_options(std::uint16_t port) {
    net::NetworkOptions options;
    options.magic = {0xfa, 0xbf, 0xb5, 0xda};
    options.default_port = port;
    options.chain = "regtest";
    options.connect_given = true;
    options.binds = {"127.0.0.1:" + std::to_string(port)};
    options.dns_seed = options.fixed_seeds = false;
    options.discover = false;
    return options;
}

/// Waits up to ten seconds for something that another thread brings about.
template <class F>
bool eventually(F wanted) {
    for (int i = 0; i < 500; ++i) {
        if (wanted()) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
}

}  // namespace cairn::test
