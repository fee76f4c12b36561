#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "consensus/base/bytes.hpp"
#include "net/http/rpc_table.hpp"
#include "net/http/server.hpp"
#include "node/rpc/context.hpp"

/// What the handlers of the routes share: reading the request's path and query, and making answers.
namespace cairn::node::rest {

/// What follows the last dot of a path.
enum class Format { none, binary, hex, json };

/// A path without its query and its format: "abcd.json?count=2" is {"abcd", json}.
struct Target {
    std::string path;
    Format format = Format::none;

    std::vector<std::string> parts() const;
};
Target parse_target(std::string_view path_rest);

/// The first query parameter of that name, with its percent signs resolved; "" when it has no value.
std::optional<std::string> query_parameter(std::string_view target, std::string_view name);

/// Decimal digits, with a minus where the type has one, and nothing else.
template <class T>
std::optional<T> parse_number(std::string_view text) {
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// Ends a handler with a status and a line of text.
struct Refusal {
    int status;
    std::string message;
};

/// May clients and proxies keep the answer?
enum class Caching { none, forever };

http::HttpResponse text(int status, std::string message);
http::HttpResponse json(std::string body, Caching caching = Caching::none);
/// `bytes` as they are or in hexadecimal with a line's end. Throws Refusal for other formats.
http::HttpResponse binary_or_hex(Format format, ByteSpan bytes, Caching caching = Caching::none);
/// 404 that names the formats that there are.
[[noreturn]] void refuse_format(const char* available = ".bin, .hex, .json");

/// One request on its way through a handler.
struct Call {
    const NodeContext& context;
    const http::RpcTable& table;
    const http::HttpRequest& request;
    Target target;

    std::optional<std::string> query(std::string_view name) const { return query_parameter(request.target, name); }
    /// The answer of a JSON-RPC method.
    std::string rpc(std::string_view method, std::initializer_list<UniValue> params = {}) const;
};

/// 64 hex digits. Throws Refusal.
Uint256 parse_hash(const std::string& text);
/// The block of that hash. Throws Refusal (404 "<hash> not found").
const HeaderNode& known_block(const Call& call, const std::string& hash);
/// "true" or "false". Throws Refusal.
bool parse_flag(const Call& call, const char* name, const char* fallback);

using Handler = http::HttpResponse (*)(const Call& call);

// chain.cpp
http::HttpResponse headers(const Call& call);
http::HttpResponse chain_info(const Call& call);
http::HttpResponse deployment_info(const Call& call);
http::HttpResponse block_hash_by_height(const Call& call);
http::HttpResponse block_filter(const Call& call);
http::HttpResponse block_filter_headers(const Call& call);
// blocks.cpp
http::HttpResponse block(const Call& call);
http::HttpResponse block_without_details(const Call& call);
http::HttpResponse block_part(const Call& call);
http::HttpResponse spent_outputs(const Call& call);
// transactions.cpp
http::HttpResponse transaction(const Call& call);
http::HttpResponse mempool(const Call& call);
http::HttpResponse unspent_outputs(const Call& call);

}  // namespace cairn::node::rest
