#pragma once

#include <string>
#include <string_view>

#include "net/http/auth.hpp"
#include "net/http/rpc_table.hpp"
#include "net/http/server.hpp"

namespace cairn::http {

/// JSON-RPC 1.0, 1.1 and 2.0 over HTTP POST: authorisation, single calls and batches, notifications, status codes.
///
/// A 1.x error has HTTP status 500 (400 for an invalid request, 404 for an unknown method); a 2.0 error is a 200 with the error
/// inside; a 2.0 call without id gets 204.
/// Thread: any (immutable).
class JsonRpc {
public:
    /// Both outlive this object. `log_peers`: -logips.
    JsonRpc(const RpcTable& table, const Authorizer& authorizer, bool log_peers)
        : table_(table), authorizer_(authorizer), log_peers_(log_peers) {}

    /// The HTTP face: method, authorisation (a wrong password costs 250 ms), then `execute`.
    HttpResponse handle(const HttpRequest& request) const;
    /// One body by an authorised user.
    HttpResponse execute(std::string_view body, const std::string& user, const std::string& peer, const std::string& uri) const;

private:
    struct Call;
    HttpResponse single(const UniValue& request, Call& call) const;
    HttpResponse batch(const UniValue& requests, Call& call) const;
    void parse(const UniValue& request, Call& call) const;
    void reply_to(Call& call, JsonWriter& out, bool catch_errors) const;

    const RpcTable& table_;
    const Authorizer& authorizer_;
    bool log_peers_;
};

}  // namespace cairn::http
