#include "consensus/base/hex.hpp"
#include "node/index/index_service.hpp"
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

const DrivenIndex<FilterIndex>& filter_index(const Call& call, const std::string& type) {
    if (type != "basic") throw Refusal{400, "Unknown filtertype " + type};
    const auto* index = call.context.indexes ? call.context.indexes->filters() : nullptr;
    if (!index) throw Refusal{400, "Index is not enabled for filtertype " + type};
    return *index;
}

/// Why an index that keeps up has no filter of a block.
[[noreturn]] void refuse_filter(bool was_connected, bool ready) {
    if (!was_connected) throw Refusal{404, "Filter not found. Block was not connected to active chain."};
    if (!ready) throw Refusal{404, "Filter not found. Block filters are still in the process of being indexed."};
    throw Refusal{404, "Filter not found. This error is unexpected and indicates index corruption."};
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
    const BlockHash hash(parse_hash(parts[1]));
    const auto& index = filter_index(call, parts[0]);
    const HeaderNode* node = call.context.chain->headers().find(hash);
    if (!node) throw Refusal{404, parts[1] + " not found"};
    const bool was_connected = call.context.chain->facts(node).scripts_valid;
    const bool ready = index.wait_until_current();
    const auto filter = index->filter(node);
    if (!filter) refuse_filter(was_connected, ready);
    if (call.target.format == Format::json) {
        http::JsonWriter out;
        out.begin_object().hex_field("filter", *filter).end_object();
        return json(out.take(), Caching::forever);
    }
    Bytes raw;
    Writer writer(raw);
    writer.u8(0);  // the type
    writer.uint256(hash);
    writer.var_bytes(*filter);
    return binary_or_hex(call.target.format, raw, Caching::forever);
}

http::HttpResponse block_filter_headers(const Call& call) {
    const auto parts = call.target.parts();
    if (parts.size() < 2 || parts.size() > 3) {
        throw Refusal{400,
                      "Invalid URI format. Expected /rest/blockfilterheaders/<filtertype>/<blockhash>.<ext>?count=<count>"};
    }
    const Row row = parts.size() == 3 ? parse_row(parts[1], parts[2]) : parse_row(call.query("count").value_or(kDefaultCount), parts[1]);
    const auto& index = filter_index(call, parts[0]);
    const auto view = call.context.chain->view();
    const auto nodes = active_row(call, *view, row);
    const bool ready = index.wait_until_current();
    std::vector<FilterSource::Row> rows;
    if (!nodes.empty()) {
        auto found = index->rows(nodes.front()->height, nodes.back());
        if (!found) refuse_filter(true, ready);
        rows = std::move(*found);
    }
    if (call.target.format == Format::json) {
        http::JsonWriter out;
        out.begin_array();
        for (const FilterSource::Row& found : rows) out.hash(found.header);
        out.end_array();
        return json(out.take());
    }
    Bytes raw;
    Writer writer(raw);
    for (const FilterSource::Row& found : rows) writer.uint256(found.header);
    return binary_or_hex(call.target.format, raw);
}

}  // namespace cairn::node::rest
