#pragma once

#include <chrono>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "net/http/rpc_method.hpp"

namespace cairn::http {

/// A call that is running now, for getrpcinfo.
struct ActiveCall {
    std::string method;
    std::chrono::steady_clock::time_point since;
};

/// All methods by name, and the way from a parsed request to a written result.
/// Thread: methods are added before the first call; afterwards any.
class RpcTable {
public:
    /// A second method of the same name replaces the first.
    void add(RpcMethod method);
    const RpcMethod* find(std::string_view name) const;
    std::vector<std::string> names() const;

    /// Runs one method; `params` is an array or an object of named arguments. Throws RpcError.
    /// Errors: -28 with the status while warming up, -32601 for an unknown method.
    void call(RpcRequest request, JsonWriter& out) const;

    /// `help` without a command: a line for each method by category; with one: its text, or "help: unknown command: x".
    std::string help(std::string_view command) const;
    /// [method, position, name, is_string] of every argument: the conversion table that clients are checked against.
    void write_argument_map(JsonWriter& out) const;

    void set_warmup_status(std::string status);
    void finish_warmup();
    /// The status while warming up; nullopt once ready.
    std::optional<std::string> warmup_status() const;

    std::vector<ActiveCall> active_calls() const;

private:
    std::map<std::string, std::unique_ptr<RpcMethod>, std::less<>> methods_;
    mutable std::mutex mutex_;
    bool warming_up_ = true;
    std::string warmup_status_ = "RPC server started";
    mutable std::list<ActiveCall> active_;
};

/// Named arguments as positional ones, following the method's description; "args" holds leading positional ones. Throws RpcError.
UniValue to_positional(const RpcMethod& method, const UniValue& named);

}  // namespace cairn::http
