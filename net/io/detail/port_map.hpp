#pragma once

#include <array>
#include <functional>
#include <string>
#include <string_view>

#include "net/wire/net_address.hpp"

namespace cairn::net::detail {

/// A port of the router that leads to one of ours.
struct PortMapping {
    bool pcp = true;  ///< otherwise NAT-PMP
    Endpoint external, internal;
    std::uint32_t lifetime_s = 0;

    std::string to_string() const;
};

/// Asks a router to forward a TCP port: by PCP (RFC 6887), and by NAT-PMP (RFC 6886) when the router knows only that.
/// Datagrams in, datagrams out, no sockets, no clock; each question is asked three times.
class PortMapRequest {
public:
    static constexpr std::uint16_t kServerPort = 5351;
    static constexpr int kTries = 3;
    static constexpr std::size_t kMaxDatagram = 1100;
    using Nonce = std::array<std::uint8_t, 12>;

    struct Options {
        Nonce nonce{};
        NetAddress internal;   ///< our address towards the router
        NetAddress suggested;  ///< the wished external address; all zeros: any
        std::uint16_t port = 0;
        std::uint32_t lifetime_s = 0;
    };
    enum class State { running, mapped, failed };
    enum class Severity { debug, warning };

    PortMapRequest(Options options, std::function<void(Severity, const std::string&)> log);

    /// What to send: after construction, and whenever a call below gave true.
    const Bytes& datagram() const { return datagram_; }
    /// An answer of the router, or something else. True: there is something new to send.
    bool on_datagram(ByteSpan bytes);
    /// No answer within a second. True: to be sent again.
    bool on_timeout();

    State state() const { return state_; }
    /// Once mapped.
    const PortMapping& mapping() const { return mapping_; }
    /// Failed because the router has no such port to give.
    bool no_resources() const { return no_resources_; }

private:
    enum class Step { pcp, external_address, nat_pmp };
    void ask_pcp();
    bool ask(Step step, Bytes datagram);
    bool on_pcp(ByteSpan bytes);
    bool on_external_address(ByteSpan bytes);
    bool on_nat_pmp(ByteSpan bytes);
    bool ignore(std::string_view why);
    bool give_up(const std::string& why);
    const char* protocol() const { return step_ == Step::pcp ? "pcp" : "natpmp"; }

    Options options_;
    std::function<void(Severity, const std::string&)> log_;
    Step step_ = Step::pcp;
    State state_ = State::running;
    Bytes datagram_;
    int tries_ = 0;
    PortMapping mapping_;
    bool no_resources_ = false;
};

}  // namespace cairn::net::detail
