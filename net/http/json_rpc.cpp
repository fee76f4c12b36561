#include "net/http/json_rpc.hpp"

#include <chrono>
#include <thread>

#include "net/io/log.hpp"

namespace cairn::http {

namespace log = net::log;

/// One request object as far as it was understood. A batch reuses it: what a broken member does not say stays as it was.
struct JsonRpc::Call {
    std::optional<std::string> id = "null";  ///< as JSON text; nullopt when the request had none
    bool version_2 = false;
    std::string method;
    UniValue params{UniValue::VARR};
    std::string user, peer, uri;

    bool notification() const { return version_2 && !id; }
};

namespace {

void write_error(JsonWriter& out, const RpcError& error) {
    out.begin_object().field("code", error.code).field("message", error.message).end_object();
}

/// Texts from outside go to the log without control characters.
std::string printable(std::string_view text) {
    static constexpr std::string_view kSafe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 .,;-_/:?@()";
    std::string out;
    for (const char c : text.substr(0, 200)) {
        if (kSafe.find(c) != std::string_view::npos) out += c;
    }
    return out;
}

HttpResponse json(int status, std::string body) {
    HttpResponse response;
    response.status = status;
    response.content_type = "application/json";
    body += '\n';
    response.body = std::move(body);
    return response;
}

HttpResponse bare(int status) {
    HttpResponse response;
    response.status = status;
    return response;
}

}  // namespace

void JsonRpc::parse(const UniValue& request, Call& call) const {
    if (!request.isObject()) throw RpcError{rpc_code::kInvalidRequest, "Invalid Request object"};
    call.id = request.exists("id") ? std::optional(member(request, "id").write()) : std::nullopt;
    call.version_2 = false;
    const UniValue& version = member(request, "jsonrpc");
    if (!version.isNull()) {
        if (!version.isStr()) throw RpcError{rpc_code::kInvalidRequest, "jsonrpc field must be a string"};
        if (version.getValStr() == "2.0") call.version_2 = true;
        else if (version.getValStr() != "1.0") throw RpcError{rpc_code::kInvalidRequest, "JSON-RPC version not supported"};
    }
    const UniValue& method = member(request, "method");
    if (method.isNull()) throw RpcError{rpc_code::kInvalidRequest, "Missing method"};
    if (!method.isStr()) throw RpcError{rpc_code::kInvalidRequest, "Method must be a string"};
    call.method = method.getValStr();
    if (log::enabled(log::Category::rpc, log::Level::debug)) {
        const UniValue& id = member(request, "id");
        const std::string id_text = id.isNull() ? "" : printable(id.getValStr());
        if (log_peers_) {
            log::debug(log::Category::rpc, "ThreadRPCServer method={} user={} peeraddr={} id={}", printable(call.method), call.user,
                       call.peer, id_text);
        } else {
            log::debug(log::Category::rpc, "ThreadRPCServer method={} user={} id={}", printable(call.method), call.user, id_text);
        }
    }
    const UniValue& params = member(request, "params");
    if (params.isArray() || params.isObject()) call.params = params;
    else if (params.isNull()) call.params = UniValue(UniValue::VARR);
    else throw RpcError{rpc_code::kInvalidRequest, "Params must be an array or object"};
}

/// Runs the method and writes the whole reply object. Without `catch_errors` RpcError passes through and nothing is written.
void JsonRpc::reply_to(Call& call, JsonWriter& out, bool catch_errors) const {
    const JsonWriter::Mark start = out.mark();
    const auto close = [&] {
        if (call.id) out.key("id").raw(*call.id);
        out.end_object();
    };
    try {
        out.begin_object();
        if (call.version_2) out.field("jsonrpc", "2.0");
        out.key("result");
        RpcRequest request;
        request.method = call.method;
        request.params = call.params;
        request.user = call.user;
        request.peer = call.peer;
        request.uri = call.uri;
        table_.call(std::move(request), out);
        if (!call.version_2) out.key("error").null();
        close();
    } catch (const RpcError& error) {
        out.roll_back(start);
        if (!catch_errors) throw;
        out.begin_object();
        if (call.version_2) out.field("jsonrpc", "2.0");
        else out.key("result").null();
        out.key("error");
        write_error(out, error);
        close();
    }
}

HttpResponse JsonRpc::single(const UniValue& request, Call& call) const {
    parse(request, call);
    if (authorizer_.has_whitelist(call.user) && !authorizer_.allowed(call.user, call.method)) {
        log::warning("RPC User {} not allowed to call method {}", call.user, call.method);
        return bare(403);
    }
    JsonWriter out;
    reply_to(call, out, call.version_2);
    if (call.notification()) return bare(204);
    return json(200, out.take());
}

HttpResponse JsonRpc::batch(const UniValue& requests, Call& call) const {
    if (authorizer_.has_whitelist(call.user)) {
        for (const UniValue& request : requests.getValues()) {
            if (!request.isObject()) throw RpcError{rpc_code::kInvalidRequest, "Invalid Request object"};
            const std::string method = as_string(member(request, "method"));
            if (authorizer_.allowed(call.user, method)) continue;
            log::warning("RPC User {} not allowed to call method {}", call.user, method);
            return bare(403);
        }
    }
    JsonWriter out;
    out.begin_array();
    std::size_t answered = 0;
    for (const UniValue& request : requests.getValues()) {
        const JsonWriter::Mark start = out.mark();
        try {
            parse(request, call);
            reply_to(call, out, true);
        } catch (const RpcError& error) {
            out.begin_object();
            if (call.version_2) out.field("jsonrpc", "2.0");
            else out.key("result").null();
            out.key("error");
            write_error(out, error);
            if (call.id) out.key("id").raw(*call.id);
            out.end_object();
        }
        if (call.notification()) out.roll_back(start);
        else ++answered;
    }
    out.end_array();
    if (answered == 0 && requests.size() > 0) return bare(204);
    return json(200, out.take());
}

HttpResponse JsonRpc::execute(std::string_view body, const std::string& user, const std::string& peer,
                              const std::string& uri) const {
    Call call;
    call.user = user;
    call.peer = peer;
    call.uri = uri;
    try {
        UniValue request;
        if (!request.read(body.data(), body.size())) throw RpcError{rpc_code::kParseError, "Parse error"};
        if (!authorizer_.allowed_any(user)) {
            log::warning("RPC User {} not allowed to call any methods", user);
            return bare(403);
        }
        if (request.isObject()) return single(request, call);
        if (request.isArray()) return batch(request, call);
        throw RpcError{rpc_code::kParseError, "Top-level object parse error"};
    } catch (const RpcError& error) {
        const int status = error.code == rpc_code::kInvalidRequest ? 400 : error.code == rpc_code::kMethodNotFound ? 404 : 500;
        JsonWriter out;
        out.begin_object();
        if (call.version_2) out.field("jsonrpc", "2.0");
        else out.key("result").null();
        out.key("error");
        write_error(out, error);
        if (call.id) out.key("id").raw(*call.id);
        out.end_object();
        return json(status, out.take());
    }
}

HttpResponse JsonRpc::handle(const HttpRequest& request) const {
    if (request.method != "POST") {
        HttpResponse response = bare(405);
        response.body = "JSONRPC server handles only POST requests";
        return response;
    }
    const auto unauthorized = [] {
        HttpResponse response = bare(401);
        response.headers.emplace_back("WWW-Authenticate", "Basic realm=\"jsonrpc\"");
        return response;
    };
    if (!request.authorization) return unauthorized();
    const auto user = authorizer_.check(*request.authorization);
    if (!user) {
        log::warning("ThreadRPCServer incorrect password attempt from {}", request.peer);
        std::this_thread::sleep_for(std::chrono::milliseconds(250));  // makes guessing slow
        return unauthorized();
    }
    return execute(request.body, *user, request.peer, request.target);
}

}  // namespace cairn::http
