#pragma once

#include <filesystem>
#include <set>

#include "consensus/base/result.hpp"
#include "net/io/detail/sam.hpp"
#include "net/io/detail/talk.hpp"

namespace cairn::net::detail {

/// Our presence in I2P through a SAM bridge: made when it is first needed, and again after the bridge lost it.
/// Owner: net thread, always in a shared_ptr; the shell calls stop() before it lets go.
class I2pSession : public std::enable_shared_from_this<I2pSession> {
public:
    struct Options {
        ProxyAddress bridge;
        std::filesystem::path key_file;  ///< empty: a transient session, with a new address each time
        std::chrono::milliseconds connect_timeout{5000};
    };
    /// A stream to or from somebody.
    struct Stream {
        StreamSocket socket;
        Bytes leftover;  ///< came already
        NetAddress me, peer;
    };
    struct Hooks {
        std::function<void(Stream)> on_peer;               ///< somebody came
        std::function<void(const NetAddress&, bool)> on_address;  ///< we can be reached under it, or no longer
    };

    I2pSession(asio::io_context& io, Options options);

    using Connected = Result<Stream, std::string>;
    /// Makes a stream to a host. `on_end` is called once, not from within this call, unless stop() came first.
    void connect(const NetAddress& host, std::function<void(Connected)> on_end);
    /// Waits for peers, one after the other, until stop().
    void accept(Hooks hooks);
    void stop();

private:
    using Ready = std::function<void(const std::string& problem)>;
    void ensure(Ready ready);
    void on_created(bool reached);
    void watch();
    void lose();
    void listen();
    void on_accepted(const std::shared_ptr<Talk>& talk, bool reached);
    void listen_later();
    std::string problem_of(const Talk& talk, bool reached) const;
    std::shared_ptr<Talk> talk(std::unique_ptr<Negotiation> negotiation);

    asio::io_context& io_;
    Options options_;
    Hooks hooks_;
    std::string id_;         ///< of the session; empty: there is none
    NetAddress me_;
    std::optional<StreamSocket> control_;
    std::uint64_t generation_ = 0;  ///< of the control connection
    std::vector<Ready> waiting_;    ///< for the session that is being made
    std::shared_ptr<Talk> creating_;
    std::set<std::shared_ptr<Talk>> talks_;
    asio::steady_timer retry_;
    std::chrono::seconds retry_after_{1};
    std::array<char, 1> byte_{};
    bool advertised_ = false, stopped_ = false;
};

}  // namespace cairn::net::detail
