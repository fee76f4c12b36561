#pragma once

#include <filesystem>
#include <optional>

#include "net/io/detail/talk.hpp"
#include "net/io/detail/tor_control.hpp"

namespace cairn::net::detail {

/// Keeps a connection to Tor's control port, and with it our onion service.
/// Owner: net thread, always in a shared_ptr; the shell calls stop() before it lets go.
class TorLink : public std::enable_shared_from_this<TorLink> {
public:
    struct Options {
        ProxyAddress control;
        std::string control_name;         ///< as the operator wrote it
        std::string password;
        std::filesystem::path key_file;   ///< the service's key is kept here; empty: nowhere
        std::uint16_t service_port = 8333;
        std::string target;
        bool ask_for_socks = true;
        std::chrono::milliseconds connect_timeout{5000};
    };
    struct Hooks {
        std::function<void(const Endpoint& proxy)> on_socks;
        /// The service has this address; the second time, with false, it is gone.
        std::function<void(const Endpoint& service, bool present)> on_service;
    };

    TorLink(asio::io_context& io, Options options, Hooks hooks);
    void start();
    void stop();

private:
    TorControl::Options control_options();
    void connect();
    void on_end(bool reached);
    void retry_after(std::chrono::duration<double> seconds);

    asio::io_context& io_;
    Options options_;
    Hooks hooks_;
    asio::steady_timer timer_;
    std::shared_ptr<Talk> talk_;
    std::string private_key_;
    std::optional<Endpoint> service_;
    std::chrono::duration<double> retry_;
    bool stopped_ = false;
};

}  // namespace cairn::net::detail
