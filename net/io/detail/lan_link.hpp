#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "net/core/net_port.hpp"
#include "net/discovery/lan_service.hpp"

namespace cairn::net::detail {

/// The interfaces that multicast goes over: up, and neither the loopback nor a tunnel to one other machine.
std::vector<LanInterface> lan_interfaces();

/// Carries LanService's packets by UDP port 5353, IPv4 and IPv6, over every interface there is.
/// Owner: net thread, always in a shared_ptr; the shell calls stop() before it lets go.
class LanLink : public std::enable_shared_from_this<LanLink> {
public:
    struct Options {
        LanService::Options service;
        std::function<std::vector<LanInterface>()> interfaces = lan_interfaces;
    };
    struct Hooks {
        std::function<bool()> active;  ///< the network is switched on
        std::function<void(const std::vector<LanEvent>&)> on_events;
        std::function<void(LogLines&)> write_log;
        std::function<void(const std::string& instance)> on_name;
    };
    LanLink(boost::asio::io_context& io, Options options, Hooks hooks);

    /// Joins the groups. Without any socket it does nothing and says so in the log.
    void start();
    /// Says goodbye and lets go of the sockets.
    void stop();
    void describe(DiscoveryState& state) const;

private:
    using Socket = boost::asio::ip::udp::socket;

    void open(bool ipv6);
    void look_at_interfaces(std::int64_t now_us);
    void wait_readable(bool ipv6);
    void read(bool ipv6);
    void tick();
    void act();
    void send(const LanPacket& packet);
    Socket* socket(bool ipv6) { return sockets_[ipv6 ? 1 : 0] ? &*sockets_[ipv6 ? 1 : 0] : nullptr; }

    boost::asio::io_context& io_;
    Options options_;
    Hooks hooks_;
    LanService service_;
    std::array<std::optional<Socket>, 2> sockets_;
    boost::asio::steady_timer timer_;
    std::vector<std::pair<unsigned, bool>> joined_;
    std::int64_t next_look_us_ = 0;
    std::string told_name_;
    bool stopped_ = false, speaking_ = false;
};

}  // namespace cairn::net::detail
