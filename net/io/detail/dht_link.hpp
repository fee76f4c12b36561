#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/core/net_port.hpp"
#include "net/discovery/dht_node.hpp"

namespace cairn::net::detail {

/// Carries DhtNode's packets by UDP, finds its first nodes by name, and keeps those that answered for the next start.
/// Owner: net thread, except open(); always in a shared_ptr; the shell calls stop() before it lets go.
class DhtLink : public std::enable_shared_from_this<DhtLink> {
public:
    struct Options {
        DhtNode::Id network{};
        std::uint16_t port = 0;                ///< of UDP
        std::uint16_t announced_port = 0;      ///< of TCP; 0: we do not listen
        std::vector<std::string> bootstrap;    ///< host:port, to begin with while nobody is known
        bool name_lookup = true;
        bool ipv4 = true, ipv6 = true;         ///< which of them -onlynet allows
        std::filesystem::path file;            ///< nodes for the next start; empty: none are kept
    };
    struct Hooks {
        std::function<bool()> active;          ///< the network is switched on
        std::function<void(const std::vector<Endpoint>&)> on_found;
        std::function<void(LogLines&)> write_log;
    };
    DhtLink(boost::asio::io_context& io, Options options);

    /// Binds the sockets. Errors: a text for people.
    Result<void, std::string> open();
    void start(Hooks hooks);
    void stop();
    void describe(DiscoveryState& state) const;

private:
    using Socket = boost::asio::ip::udp::socket;

    Result<Socket, std::string> bind(bool ipv6);
    void wait_readable(bool ipv6);
    void read(bool ipv6);
    void tick();
    void begin_again(std::int64_t now_us);
    void look_up(const std::string& node);
    void act();
    void load();
    void save();

    boost::asio::io_context& io_;
    Options options_;
    Hooks hooks_;
    std::array<std::optional<Socket>, 2> sockets_;
    std::unique_ptr<DhtNode> node_;
    boost::asio::steady_timer timer_;
    boost::asio::ip::udp::resolver resolver_;
    std::vector<Endpoint> remembered_;         ///< from the last run
    std::int64_t next_begin_us_ = 0, begin_interval_us_ = 0;
    bool stopped_ = false;
};

}  // namespace cairn::net::detail
