#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "net/io/detail/interfaces.hpp"
#include "net/io/detail/port_map.hpp"

namespace cairn::net::detail {

/// Has the routers of this machine forward our port, and renews that before it runs out.
/// Owner: net thread, always in a shared_ptr; the shell calls stop() before it lets go.
class PortMapper : public std::enable_shared_from_this<PortMapper> {
public:
    struct Options {
        std::uint16_t port = 0;  ///< ours
        /// The routers: the machine's own ones unless given.
        std::function<std::optional<Gateway>(NetworkId)> gateway = default_gateway;
        std::function<std::vector<NetAddress>()> addresses = interface_addresses;
        std::uint16_t server_port = PortMapRequest::kServerPort;
        std::chrono::milliseconds patience{1000};  ///< for one answer
    };
    PortMapper(boost::asio::io_context& io, Options options, std::function<void(const Endpoint& external)> on_mapped);

    void start();
    void stop();

private:
    struct Wish {
        Gateway gateway;
        NetAddress from;  ///< all zeros: whichever address leads to the router
    };
    void begin_round();
    void next_wish();
    bool open(const Wish& wish);
    void send();
    void receive();
    void wait_for_answer();
    void on_answer(std::size_t size);
    void finish_wish();
    void end_round();
    void again_in(std::chrono::milliseconds time);

    boost::asio::io_context& io_;
    Options options_;
    std::function<void(const Endpoint&)> on_mapped_;
    PortMapRequest::Nonce nonce_{};  ///< the same for all, so that a renewal is known as one
    std::vector<Wish> wishes_;
    std::optional<boost::asio::ip::udp::socket> socket_;
    std::uint64_t socket_generation_ = 0;
    std::optional<PortMapRequest> request_;
    boost::asio::steady_timer timer_;
    std::array<std::uint8_t, PortMapRequest::kMaxDatagram> buffer_{};
    std::uint32_t shortest_s_ = 0;
    bool mapped_any_ = false, no_resources_ = false, stopped_ = false;
};

}  // namespace cairn::net::detail
