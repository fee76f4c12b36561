#include <algorithm>

#include "consensus/base/hex.hpp"
#include "node/rest/detail/request.hpp"

namespace cairn::node::rest {

namespace {

constexpr const char* kForever = "public, immutable, max-age=86400";
constexpr const char* kNever = "no-store";

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    while (true) {
        const std::size_t end = text.find(separator);
        parts.emplace_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

/// A percent sign that two hex digits do not follow stays as it is.
std::string url_decode(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size()) {
            if (const auto byte = from_hex(text.substr(i + 1, 2))) {
                out += static_cast<char>((*byte)[0]);
                i += 2;
                continue;
            }
        }
        out += text[i];
    }
    return out;
}

http::HttpResponse answer(std::string body, const char* content_type, Caching caching) {
    http::HttpResponse response;
    response.body = std::move(body);
    response.content_type = content_type;
    response.headers.emplace_back("Cache-Control", caching == Caching::forever ? kForever : kNever);
    return response;
}

}  // namespace

std::vector<std::string> Target::parts() const { return split(path, '/'); }

Target parse_target(std::string_view path_rest) {
    Target target{std::string(path_rest.substr(0, path_rest.rfind('?')))};
    const std::size_t dot = target.path.rfind('.');
    if (dot == std::string::npos) return target;
    const std::string_view suffix = std::string_view(target.path).substr(dot + 1);
    if (suffix == "bin") target.format = Format::binary;
    else if (suffix == "hex") target.format = Format::hex;
    else if (suffix == "json") target.format = Format::json;
    else if (!suffix.empty()) return target;
    target.path.erase(dot);
    return target;
}

std::optional<std::string> query_parameter(std::string_view target, std::string_view name) {
    const std::size_t start = target.find('?');
    if (start == std::string_view::npos) return std::nullopt;
    target.remove_prefix(start + 1);
    for (const std::string& pair : split(target.substr(0, target.find('#')), '&')) {
        const std::size_t sign = pair.find('=');
        if (url_decode(std::string_view(pair).substr(0, sign)) != name) continue;
        return sign == std::string::npos ? "" : url_decode(std::string_view(pair).substr(sign + 1));
    }
    return std::nullopt;
}

http::HttpResponse text(int status, std::string message) {
    http::HttpResponse response = answer(std::move(message) + "\r\n", "text/plain", Caching::none);
    response.status = status;
    return response;
}

http::HttpResponse json(std::string body, Caching caching) {
    body += '\n';
    return answer(std::move(body), "application/json", caching);
}

http::HttpResponse binary_or_hex(Format format, ByteSpan bytes, Caching caching) {
    if (format == Format::binary) return answer(std::string(as_text(bytes)), "application/octet-stream", caching);
    if (format != Format::hex) refuse_format();
    std::string body;
    body.reserve(bytes.size() * 2 + 1);
    append_hex(body, bytes);
    body += '\n';
    return answer(std::move(body), "text/plain", caching);
}

void refuse_format(const char* available) {
    throw Refusal{404, std::string("output format not found (available: ") + available + ")"};
}

std::string Call::rpc(std::string_view method, std::initializer_list<UniValue> params) const {
    http::RpcRequest call;
    call.method = method;
    for (const UniValue& param : params) call.params.push_back(param);
    call.peer = request.peer;
    http::JsonWriter out;
    table.call(std::move(call), out);
    return out.take();
}

Uint256 parse_hash(const std::string& text) {
    const auto hash = Uint256::from_display_hex(text);
    if (!hash) throw Refusal{400, "Invalid hash: " + text};
    return *hash;
}

const HeaderNode& known_block(const Call& call, const std::string& hash) {
    const HeaderNode* node = call.context.chain->headers().find(BlockHash(parse_hash(hash)));
    if (!node) throw Refusal{404, hash + " not found"};
    return *node;
}

bool parse_flag(const Call& call, const char* name, const char* fallback) {
    const std::string value = call.query(name).value_or(fallback);
    if (value == "true" || value == "false") return value == "true";
    throw Refusal{400, std::string("The \"") + name + "\" query parameter must be either \"true\" or \"false\"."};
}

}  // namespace cairn::node::rest
