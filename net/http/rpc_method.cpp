#include "net/http/rpc_method.hpp"

#include <algorithm>

#include "consensus/base/check.hpp"

namespace cairn::http {
namespace {

std::optional<UniValue::VType> expected_type(ArgType type) {
    switch (type) {
        case ArgType::string:
        case ArgType::hex: return UniValue::VSTR;
        case ArgType::number: return UniValue::VNUM;
        case ArgType::boolean: return UniValue::VBOOL;
        case ArgType::array: return UniValue::VARR;
        case ArgType::object:
        case ArgType::named_options:
        case ArgType::user_keys: return UniValue::VOBJ;
        case ArgType::amount:
        case ArgType::range: return std::nullopt;
    }
    return std::nullopt;
}

}  // namespace

std::vector<std::string> RpcArg::all_names() const {
    std::vector<std::string> result;
    std::size_t begin = 0;
    while (true) {
        const std::size_t end = names.find('|', begin);
        result.push_back(names.substr(begin, end - begin));
        if (end == std::string::npos) return result;
        begin = end + 1;
    }
}

std::optional<std::string> RpcArg::mismatch(const UniValue& value) const {
    if (skip_type_check || (is_optional() && value.isNull())) return std::nullopt;
    const auto wanted = expected_type(type);
    if (!wanted || *wanted == value.getType()) return std::nullopt;
    return std::string("JSON value of type ") + type_name(value.getType()) + " is not of expected type " + type_name(*wanted);
}

const UniValue& RpcRequest::arg(std::string_view name) const {
    CAIRN_CHECK(spec != nullptr);
    const auto index = spec->position(name);
    CAIRN_CHECK(index.has_value());
    return params[*index];
}

std::string RpcRequest::string_or(std::string_view name, std::string fallback) const {
    const UniValue& value = arg(name);
    return value.isNull() ? std::move(fallback) : as_string(value);
}

bool RpcRequest::bool_or(std::string_view name, bool fallback) const {
    const UniValue& value = arg(name);
    return value.isNull() ? fallback : as_bool(value);
}

std::int64_t RpcRequest::int_or(std::string_view name, std::int64_t fallback) const {
    const UniValue& value = arg(name);
    return value.isNull() ? fallback : as_int<std::int64_t>(value);
}

bool RpcMethod::takes(std::size_t argument_count) const {
    std::size_t needed = args.size();
    while (needed > 0 && args[needed - 1].is_optional()) --needed;
    return needed <= argument_count && argument_count <= args.size();
}

std::optional<std::size_t> RpcMethod::position(std::string_view argument) const {
    for (std::size_t i = 0; i < args.size(); ++i) {
        for (const std::string& candidate : args[i].all_names()) {
            if (candidate == argument) return i;
        }
    }
    return std::nullopt;
}

void RpcMethod::call(RpcRequest& request, JsonWriter& out) const {
    if (!takes(request.params.size())) throw RpcError{rpc_code::kMisc, help()};
    UniValue wrong(UniValue::VOBJ);
    for (std::size_t i = 0; i < args.size(); ++i) {
        if (const auto text = args[i].mismatch(request.params[i])) {
            wrong.pushKV("Position " + std::to_string(i + 1) + " (" + args[i].names + ")", *text);
        }
    }
    if (!wrong.empty()) throw RpcError{rpc_code::kType, "Wrong type passed:\n" + wrong.write(4)};
    request.spec = this;
    const std::size_t depth = out.depth();
    try {
        handler(request, out);
    } catch (const std::exception& e) {
        throw RpcError{rpc_code::kMisc, e.what()};
    }
    CAIRN_CHECK(out.depth() == depth);
}

std::string example_cli(std::string_view method, std::string_view arguments) {
    return "> bitcoin-cli " + std::string(method) + " " + std::string(arguments) + "\n";
}

std::string example_rpc(std::string_view method, std::string_view arguments) {
    return "> curl --user myusername --data-binary '{\"jsonrpc\": \"2.0\", \"id\": \"curltest\", \"method\": \"" +
           std::string(method) + "\", \"params\": [" + std::string(arguments) +
           "]}' -H 'content-type: application/json' http://127.0.0.1:8332/\n";
}

std::string example_cli_named(std::string_view method, const std::vector<std::pair<std::string, std::string>>& arguments) {
    std::string text = "> bitcoin-cli -named " + std::string(method);
    for (const auto& [name, json] : arguments) {
        std::string value = json;
        if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
        const bool quote = value.find_first_of(" '\"") != std::string::npos;
        text += " " + name + "=" + (quote ? "'" + value + "'" : value);
    }
    return text + "\n";
}

std::string example_rpc_named(std::string_view method, const std::vector<std::pair<std::string, std::string>>& arguments) {
    std::string params;
    for (const auto& [name, json] : arguments) {
        if (!params.empty()) params += ",";
        params += "\"" + name + "\":" + json;
    }
    return "> curl --user myusername --data-binary '{\"jsonrpc\": \"2.0\", \"id\": \"curltest\", \"method\": \"" +
           std::string(method) + "\", \"params\": {" + params +
           "}}' -H 'content-type: application/json' http://127.0.0.1:8332/\n";
}

}  // namespace cairn::http
