#pragma once

#include "net/engine/engine.hpp"
#include "net/io/network.hpp"

namespace cairn::net::detail {

/// A socket to listen on.
struct Bind {
    Endpoint endpoint;
    std::uint32_t permissions = kPermitNone;
    bool onion = false;
    bool required = true;  ///< not being able to use it is an error
};

struct ParsedOptions {
    EngineOptions engine;
    std::vector<Bind> binds;
    Endpoint onion_target;          ///< where Tor is to forward to
    std::uint16_t listen_port = 0;  ///< under which others find us
    std::uint16_t lan_port = 0;     ///< the same for the local network; 0: nobody there reaches us
    bool discover = false;          ///< the interfaces' addresses are ours
};

/// Errors: the complaint that operators of Bitcoin Core know.
Result<ParsedOptions, std::string> parse_options(const NetworkOptions& options);

}  // namespace cairn::net::detail
