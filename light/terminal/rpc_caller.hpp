#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include <univalue.h>

#include "consensus/base/result.hpp"

namespace cairn::light {

/// Why a call gave nothing: the server's error, or code 0 when there was no answer.
struct CallError {
    int code = 0;
    std::string message;
};

/// Somebody who answers JSON-RPC.
class RpcCaller {
public:
    virtual ~RpcCaller() = default;
    /// `params`: an array, or an object of named arguments. `wallet`: for /wallet/<name>.
    virtual Result<UniValue, CallError> call(const std::string& method, const UniValue& params,
                                             const std::optional<std::string>& wallet = {}) = 0;
};

/// Calls over HTTP, a connection each, as long as they take.
/// Thread: the one that made it.
class HttpCaller final : public RpcCaller {
public:
    struct Options {
        std::string host = "127.0.0.1";
        std::uint16_t port = 0;
        std::filesystem::path cookie_file;
        std::string login;  ///< "user:password"; empty: what the cookie file holds
    };
    explicit HttpCaller(Options options) : options_(std::move(options)) {}
    Result<UniValue, CallError> call(const std::string& method, const UniValue& params,
                                     const std::optional<std::string>& wallet) override;

private:
    Options options_;
};

}  // namespace cairn::light
