#include "consensus/base/hex.hpp"
#include "node/rest/detail/request.hpp"
#include "node/rpc/lookup.hpp"

namespace cairn::node::rest {

namespace {

constexpr std::size_t kMaxHeaders = 2000;
constexpr const char* kDefaultCount = "5";

/// How many of something from which block: in the query, or in the path as older clients write it.
struct Row {
    std::size_t count = 0;
    Uint256 hash;
};

Row parse_row(const std::string& count, const std::string& hash) {
    const auto number = parse_number<std::size_t>(count);
    if (!number || *number < 1 || *number > kMaxHeaders) {
        throw Refusal{400, "Header count is invalid or out of acceptable range (1-" + std::to_string(kMaxHeaders) + "): " + count};
    }
    return {*number, parse_hash(hash)};
}

/// The block and those behind it on the active chain; none when it is not there.
std::vector<const HeaderNode*> active_row(const Call& call, const ChainView& view, const Row& row) {
    std::vector<const HeaderNode*> nodes;
    const HeaderNode* node = call.context.chain->headers().find(BlockHash(row.hash));
    if (!view.contains(node)) return nodes;
    for (; node && nodes.size() < row.count; node = view.at(node->height + 1)) nodes.push_back(node);
    return nodes;
}

std::string printable(const std::string& text) {
    static constexpr std::string_view kSafe =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*'();:@&=+$,/?#[]-_.~%";
    std::string out;
    for (const char c : text) {
        if (kSafe.find(c) != std::string_view::npos) out += c;
    }
    return out;
}

/// There is one kind of filter, and this node keeps no index of it: nobody comes behind this.
[[noreturn]] void refuse_filter_type(const std::string& type) {
    if (type != "basic") throw Refusal{400, "Unknown filtertype " + type};
    throw Refusal{400, "Index is not enabled for filtertype " + type};
}

}  // namespace

http::HttpResponse headers(const Call& call) {
    const auto parts = call.target.parts();
    if (parts.empty() || parts.size() > 2) {
        throw Refusal{400, "Invalid URI format. Expected /rest/headers/<hash>.<ext>?count=<count>"};
    }
    const Row row = parts.size() == 2 ? parse_row(parts[0], parts[1])
                                      : parse_row(call.query("count").value_or(kDefaultCount), parts[0]);
    const auto view = call.context.chain->view();
    const auto nodes = active_row(call, *view, row);
    if (call.target.format == Format::json) {
        http::JsonWriter out;
        out.begin_array();
        for (const HeaderNode* node : nodes) {
            out.begin_object();
            write_header_fields(out, call.context, *view, *node);
            out.end_object();
        }
        out.end_array();
        return json(out.take());
    }
    Bytes raw;
    Writer writer(raw);
    for (const HeaderNode* node : nodes) node->header.write(writer);
    return binary_or_hex(call.target.format, raw);
}

http::HttpResponse chain_info(const Call& call) {
    if (call.target.format != Format::json) refuse_format("json");
    return json(call.rpc("getblockchaininfo"));
}

http::HttpResponse deployment_info(const Call& call) {
    if (call.target.format != Format::json) refuse_format("json");
    const std::string& hash = call.target.path;
    if (hash.empty()) return json(call.rpc("getdeploymentinfo"));
    if (!call.context.chain->headers().find(BlockHash(parse_hash(hash)))) throw Refusal{400, "Block not found"};
    return json(call.rpc("getdeploymentinfo", {UniValue(hash)}), Caching::forever);
}

http::HttpResponse block_hash_by_height(const Call& call) {
    const auto height = parse_number<std::int32_t>(call.target.path);
    if (!height || *height < 0) throw Refusal{400, "Invalid height: " + printable(call.target.path)};
    const auto view = call.context.chain->view();
    const HeaderNode* node = view->at(*height);
    if (!node) throw Refusal{404, "Block height out of range"};
    switch (call.target.format) {
        case Format::json: {
            http::JsonWriter out;
            out.begin_object().field("blockhash", node->hash).end_object();
            return json(out.take());
        }
        case Format::hex: {
            // In display order, unlike every other hash in hexadecimal here.
            const auto reversed = from_hex(node->hash.to_display_hex());
            return binary_or_hex(Format::hex, *reversed);
        }
        default: return binary_or_hex(call.target.format, node->hash.span());
    }
}

http::HttpResponse block_filter(const Call& call) {
    const auto parts = call.target.parts();
    if (parts.size() != 2) {
        throw Refusal{400, "Invalid URI format. Expected /rest/blockfilter/<filtertype>/<blockhash>"};
    }
    parse_hash(parts[1]);
    refuse_filter_type(parts[0]);
}

http::HttpResponse block_filter_headers(const Call& call) {
    const auto parts = call.target.parts();
    if (parts.size() == 3) {
        parse_row(parts[1], parts[2]);
    } else if (parts.size() == 2) {
        parse_row(call.query("count").value_or(kDefaultCount), parts[1]);
    } else {
        throw Refusal{400,
                      "Invalid URI format. Expected /rest/blockfilterheaders/<filtertype>/<blockhash>.<ext>?count=<count>"};
    }
    refuse_filter_type(parts[0]);
}

}  // namespace cairn::node::rest
