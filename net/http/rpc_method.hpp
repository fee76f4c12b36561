#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <univalue.h>

#include "net/http/json_writer.hpp"
#include "net/http/rpc_error.hpp"
#include "net/http/rpc_params.hpp"

/// What a JSON-RPC method is: its arguments, its documentation and its handler. One description serves the type check, the help
/// text, named arguments and the client's conversion table.
namespace cairn::http {

enum class ArgType {
    object, array, string, number, boolean,
    named_options,  ///< an object whose keys may also be given as named arguments of the method
    user_keys,      ///< an object whose keys the caller chooses
    amount,         ///< number or string
    hex,            ///< string of hex digits
    range,          ///< n or [n, n]
};

/// Is an argument needed, and what holds when it is absent?
struct Presence {
    enum class Kind { required, omitted, hint, value } kind = Kind::omitted;
    std::string text;
};
inline Presence required() { return {Presence::Kind::required, {}}; }
/// Optional; nothing to say about the default.
inline Presence optional() { return {Presence::Kind::omitted, {}}; }
/// Optional; the default is described in words.
inline Presence default_hint(std::string words) { return {Presence::Kind::hint, std::move(words)}; }
/// Optional; the default as JSON text: `1`, `true`, `"all"`.
inline Presence default_value(std::string json) { return {Presence::Kind::value, std::move(json)}; }

struct RpcArg {
    std::string names;  ///< the name and its aliases: "verbosity|verbose"; may be empty within arrays
    ArgType type;
    Presence presence;
    std::string description;
    std::vector<RpcArg> inner{};       ///< members of an object, elements of an array
    bool skip_type_check = false;
    bool hidden = false;               ///< not in the help text
    bool also_positional = false;      ///< a named option that is a positional argument, too
    std::string oneline{};             ///< replaces the text in the summary line
    std::vector<std::string> type_words{};  ///< two: the type in a key-value pair, the type in the description

    std::string first_name() const { return names.substr(0, names.find('|')); }
    std::vector<std::string> all_names() const;
    bool is_optional() const { return presence.kind != Presence::Kind::required; }
    /// "JSON value of type x is not of expected type y", or nothing when the type is right.
    std::optional<std::string> mismatch(const UniValue& value) const;
};
/// `no_type_check(RpcArg{...})`: the handler checks by itself.
inline RpcArg no_type_check(RpcArg arg) { arg.skip_type_check = true; return arg; }
inline RpcArg hidden(RpcArg arg) { arg.hidden = true; return arg; }
inline RpcArg with_oneline(RpcArg arg, std::string text) { arg.oneline = std::move(text); return arg; }
inline RpcArg with_type_words(RpcArg arg, std::string in_pair, std::string in_description) {
    arg.type_words = {std::move(in_pair), std::move(in_description)};
    return arg;
}

enum class ResultType { object, array, string, number, boolean, none, any, amount, hex, dynamic_object, fixed_array, time };

/// One value of the reply, for the help text.
struct RpcResult {
    ResultType type;
    std::string key;          ///< empty outside objects
    std::string description;
    std::vector<RpcResult> inner{};
    bool optional = false;
    std::string condition{};  ///< "verbosity = 0": heads the section of one of several results
    bool elided = false;      ///< printed as "..." with the description
};
inline RpcResult maybe(RpcResult result) { result.optional = true; return result; }
inline RpcResult when(std::string condition, RpcResult result) { result.condition = std::move(condition); return result; }
inline RpcResult elided(std::string description) { return {ResultType::any, "", std::move(description), {}, false, {}, true}; }

class RpcMethod;

/// One call, after named arguments became positional ones and the types were checked.
struct RpcRequest {
    std::string method;
    UniValue params{UniValue::VARR};
    std::string user;
    std::string peer;  ///< address:port of the caller
    std::string uri;   ///< "/" or "/wallet/<name>"
    const RpcMethod* spec = nullptr;

    /// The argument at a position; JSON null when it was not given.
    const UniValue& param(std::size_t index) const { return params[index]; }
    /// The argument of that name (any alias); JSON null when it was not given. An unknown name is a bug of ours and aborts.
    const UniValue& arg(std::string_view name) const;
    bool has(std::string_view name) const { return !arg(name).isNull(); }
    std::string string_or(std::string_view name, std::string fallback) const;
    bool bool_or(std::string_view name, bool fallback) const;
    std::int64_t int_or(std::string_view name, std::int64_t fallback) const;
};

/// Writes exactly one JSON value, or throws RpcError. A std::exception becomes code -1 with its text.
using RpcHandler = std::function<void(const RpcRequest&, JsonWriter&)>;

class RpcMethod {
public:
    std::string name;
    std::string category;     ///< blockchain control mining network rawtransactions util hidden ...
    std::string description;
    std::vector<RpcArg> args;
    std::vector<RpcResult> results;
    std::string examples;     ///< joined from example_cli() and example_rpc()
    RpcHandler handler;

    /// The help text in Bitcoin Core's layout.
    std::string help() const;
    bool takes(std::size_t argument_count) const;
    /// Position of the argument of that name (any alias).
    std::optional<std::size_t> position(std::string_view argument) const;
    /// Checks the types and calls the handler. Throws RpcError; a wrong number of arguments gives the help text with code -1.
    void call(RpcRequest& request, JsonWriter& out) const;
};

std::string example_cli(std::string_view method, std::string_view arguments);
std::string example_rpc(std::string_view method, std::string_view arguments);
/// Arguments as name=value pairs; values are JSON text.
std::string example_cli_named(std::string_view method, const std::vector<std::pair<std::string, std::string>>& arguments);
std::string example_rpc_named(std::string_view method, const std::vector<std::pair<std::string, std::string>>& arguments);

}  // namespace cairn::http
