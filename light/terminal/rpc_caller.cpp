#include "light/terminal/rpc_caller.hpp"

#include <cctype>
#include <chrono>
#include <fstream>

#include <fmt/format.h>

#include "net/http/auth.hpp"
#include "net/http/client.hpp"
#include "net/http/rpc_params.hpp"

namespace cairn::light {
namespace {

using http::member;

std::string url_encode(const std::string& text) {
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (std::isalnum(byte) || c == '-' || c == '.' || c == '_' || c == '~') out += c;
        else out += fmt::format("%{:02X}", byte);
    }
    return out;
}

std::string first_line(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

}  // namespace

Result<UniValue, CallError> HttpCaller::call(const std::string& method, const UniValue& params, const std::optional<std::string>& wallet) {
    UniValue request(UniValue::VOBJ);
    request.pushKV("jsonrpc", "2.0");
    request.pushKV("id", 1);
    request.pushKV("method", method);
    request.pushKV("params", params);
    const std::string login = options_.login.empty() ? first_line(options_.cookie_file) : options_.login;
    constexpr std::chrono::hours kRescansTakeLong{24 * 30};
    const auto response = http::post(options_.host, options_.port, wallet ? "/wallet/" + url_encode(*wallet) : "/",
                                     {{"Content-Type", "application/json"}, {"Authorization", "Basic " + http::base64_encode(login)}},
                                     request.write(), std::chrono::duration_cast<std::chrono::seconds>(kRescansTakeLong));
    if (!response) {
        return fail(CallError{0, fmt::format("cairn-light does not answer at {}:{} ({}). Start it with: cairn-light -daemon", options_.host,
                                             options_.port, response.error())});
    }
    if (response->status == 401) {
        return fail(CallError{0, "cairn-light refuses the password of " + options_.cookie_file.string() +
                                     ". Was it started with another data directory, or as another user?"});
    }
    UniValue reply;
    if (!reply.read(response->body) || !reply.isObject()) {
        return fail(CallError{0, fmt::format("cairn-light gave no proper answer (HTTP status {})", response->status)});
    }
    const UniValue& error = member(reply, "error");
    if (error.isObject()) {
        const UniValue& code = member(error, "code");
        const UniValue& message = member(error, "message");
        return fail(CallError{code.isNum() ? static_cast<int>(code.get_int64()) : -1, message.isStr() ? message.get_str() : error.write()});
    }
    return member(reply, "result");
}

}  // namespace cairn::light
