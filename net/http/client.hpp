#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "consensus/base/result.hpp"

namespace cairn::http {

struct ClientResponse {
    int status = 0;
    std::string body;
};

/// One POST on a connection of its own; waits for the answer at most `timeout`.
/// Errors: what went wrong in a few words: "Could not resolve host: x", "Could not connect to the server", "timeout", "EOF".
Result<ClientResponse, std::string> post(const std::string& host, std::uint16_t port, const std::string& target,
                                         const std::vector<std::pair<std::string, std::string>>& headers, std::string body,
                                         std::chrono::seconds timeout);

}  // namespace cairn::http
