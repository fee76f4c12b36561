#include "node/cli/client.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <chrono>
#include <fstream>
#include <iostream>
#include <thread>

#include <fmt/format.h>

#include "net/http/auth.hpp"
#include "net/http/client.hpp"
#include "net/http/rpc_error.hpp"
#include "net/http/rpc_params.hpp"
#include "node/config/identity.hpp"

namespace cairn::node {
namespace {

enum class Cookie { none_needed, read, unreadable, disabled };

struct Server {
    std::string host;
    std::uint16_t port = 0;
};

/// -rpcport, else the port within -rpcconnect, else the network's own.
Server find_server(const Args& args) {
    Server server;
    const std::string connect = args.get("-rpcconnect", "127.0.0.1");
    std::uint16_t own_port = 0;
    if (!split_host_port(connect, server.host, own_port)) throw std::runtime_error("Invalid port provided in -rpcconnect: " + connect);
    const int above = args.get_bool("-light", false) ? kLightPortAbove : 0;
    server.port = own_port ? own_port : static_cast<std::uint16_t>(default_rpc_port(args.network()) + above);
    if (const auto text = args.get("-rpcport")) {
        std::uint16_t port = 0;
        const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), port);
        if (error != std::errc{} || end != text->data() + text->size() || port == 0) {
            throw std::runtime_error("Invalid port provided in -rpcport: " + *text);
        }
        server.port = port;
        if (own_port) std::cerr << "Warning: Port specified in both -rpcconnect and -rpcport. Using -rpcport " << port << std::endl;
    }
    return server;
}

std::pair<std::string, Cookie> credentials(const Args& args) {
    const std::string password = args.get("-rpcpassword", "");
    if (!password.empty()) return {args.get("-rpcuser", "") + ":" + password, Cookie::none_needed};
    const auto path = args.absolute(args.path("-rpccookiefile", ".cookie"));
    if (path.empty()) return {"", Cookie::disabled};
    std::ifstream file(path);
    std::string line;
    if (!file.is_open()) return {"", Cookie::unreadable};
    std::getline(file, line);
    return {line, Cookie::read};
}

std::string refused(const Args& args, Cookie cookie) {
    std::string text = "Authorization failed: ";
    switch (cookie) {
        case Cookie::none_needed: text += "Incorrect rpcuser or rpcpassword were specified."; break;
        case Cookie::read: text += "Cookie file credentials were invalid and no rpcpassword was specified."; break;
        case Cookie::unreadable: text += "Failed to read cookie file and no rpcpassword was specified."; break;
        case Cookie::disabled: text += "Cookie file was disabled via -norpccookiefile and no rpcpassword was specified."; break;
    }
    return text + " Configuration file: (" + args.config_file().string() + ")";
}

std::string url_encode(const std::string& text) {
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (std::isalnum(byte) || c == '-' || c == '.' || c == '_' || c == '~') out += c;
        else out += fmt::format("%{:02X}", byte);
    }
    return out;
}

}  // namespace

UniValue make_request(const std::string& method, const UniValue& params, const UniValue& id) {
    UniValue request(UniValue::VOBJ);
    request.pushKV("method", method);
    request.pushKV("params", params);
    request.pushKV("id", id);
    request.pushKV("jsonrpc", "2.0");
    return request;
}

std::vector<UniValue> sort_batch(const UniValue& reply) {
    if (!reply.isArray()) throw std::runtime_error("Batch must be an array");
    std::vector<UniValue> batch(reply.size());
    for (const UniValue& member : reply.getValues()) {
        if (!member.isObject()) throw std::runtime_error("Batch member must be an object");
        const auto id = http::as_int<std::int64_t>(http::member(member, "id"));
        if (id < 0 || static_cast<std::size_t>(id) >= batch.size()) throw std::runtime_error("Batch member id is larger than batch size");
        batch[static_cast<std::size_t>(id)] = member;
    }
    return batch;
}

UniValue RpcClient::call_once(const UniValue& request, const std::string& target) const {
    const Server server = find_server(args_);
    const std::int64_t timeout = args_.get_int("-rpcclienttimeout", 900);
    const auto [login, cookie] = credentials(args_);
    const std::vector<std::pair<std::string, std::string>> headers = {{"Content-Type", "application/json"},
                                                                       {"Authorization", "Basic " + http::base64_encode(login)}};
    constexpr std::int64_t kForever = 5LL * 365 * 86'400;
    const auto response = http::post(server.host, server.port, target, headers, request.write() + "\n",
                                     std::chrono::seconds(timeout > 0 ? std::min(timeout, kForever) : kForever));
    if (!response) {
        throw ConnectionFailed(fmt::format("Error while attempting to communicate with server {}:{} ({})\n\n"
                                           "Make sure the bitcoind server is running and that you are connecting to the correct RPC port.\n"
                                           "Use \"bitcoin-cli -help\" for more info.",
                                           server.host, server.port, response.error()));
    }
    const int status = response->status;
    if (status == 401) throw std::runtime_error(refused(args_, cookie));
    if (status == 503) throw std::runtime_error("Server response: " + response->body);
    if (status >= 400 && status != 400 && status != 404 && status != 500) {
        throw std::runtime_error(fmt::format("server returned HTTP error {}", status));
    }
    if (response->body.empty()) throw std::runtime_error("no response from server");
    UniValue reply;
    if (!reply.read(response->body)) throw std::runtime_error("couldn't parse reply from server");
    if (reply.empty()) throw std::runtime_error("expected reply to have result, error and id properties");
    return reply;
}

UniValue RpcClient::call(const UniValue& request, const std::optional<std::string>& wallet) const {
    const bool wait = args_.get_bool("-rpcwait", false);
    const std::int64_t limit = args_.get_int("-rpcwaittimeout", 0);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(limit);
    const std::string target = wallet ? "/wallet/" + url_encode(*wallet) : "/";
    while (true) {
        try {
            UniValue reply = call_once(request, target);
            if (!wait) return reply;
            // A node that is still starting answers every call with an error of its own.
            const UniValue& first = reply.isArray() ? reply[std::size_t{0}] : reply;
            const UniValue& code = http::member(http::member(first, "error"), "code");
            if (code.isNum() && code.getValStr() == std::to_string(http::rpc_code::kInWarmup)) throw ConnectionFailed("server in warmup");
            return reply;
        } catch (const ConnectionFailed& e) {
            if (!wait) throw;
            if (limit > 0 && std::chrono::steady_clock::now() >= deadline) {
                throw ConnectionFailed(std::string("timeout on transient error: ") + e.what());
            }
            std::this_thread::sleep_for(std::chrono::seconds(1));
        }
    }
}

}  // namespace cairn::node
