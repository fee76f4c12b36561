#include "net/http/rpc_table.hpp"
#include "node/index/index_service.hpp"
#include "node/rpc/doc.hpp"
#include "node/rpc/lookup.hpp"
#include "node/rpc/methods.hpp"

namespace cairn::node {
namespace {

using http::JsonWriter;
using http::RpcError;
using http::RpcMethod;
using http::RpcRequest;
using namespace doc;
namespace code = http::rpc_code;

RpcMethod getindexinfo(const NodeContext& context) {
    return {"getindexinfo",
            "util",
            "Tells how far each optional index is that this node keeps.",
            {arg_str("index_name", http::optional(), "Only the index of this name.")},
            {map("", "",
                 {obj("name", "The index",
                      {flag("synced", "Does it cover the whole chain?"),
                       num("best_block_height", "Height up to which it does")})})},
            examples("getindexinfo") + examples("getindexinfo", "txindex"),
            [&context](const RpcRequest& request, JsonWriter& out) {
                const std::string name = request.string_or("index_name", "");
                out.begin_object();
                for (const IndexSummary& index : context.indexes ? context.indexes->summaries() : std::vector<IndexSummary>()) {
                    if (!name.empty() && name != index.name) continue;
                    out.key(index.name).begin_object();
                    out.field("synced", index.synced).field("best_block_height", index.best_block_height).end_object();
                }
                out.end_object();
            }};
}

void run_getblockfilter(const NodeContext& context, const RpcRequest& request, JsonWriter& out) {
    const BlockHash hash(http::as_hash(request.param(0), "blockhash"));
    const std::string type = request.string_or("filtertype", "basic");
    if (type != "basic") throw RpcError{code::kInvalidAddressOrKey, "Unknown filtertype"};
    const auto* index = context.indexes ? context.indexes->filters() : nullptr;
    if (!index) throw RpcError{code::kMisc, "Index is not enabled for filtertype " + type};
    const HeaderNode* node = context.chain->headers().find(hash);
    if (!node) throw RpcError{code::kInvalidAddressOrKey, "Block not found"};
    const bool was_connected = context.chain->facts(node).scripts_valid;
    const bool ready = index->wait_until_current();
    const auto filter = (*index)->filter(node);
    const auto row = (*index)->row(node);
    if (!filter || !row) {
        if (!was_connected) throw RpcError{code::kInvalidAddressOrKey, "Filter not found. Block was not connected to active chain."};
        if (!ready) throw RpcError{code::kMisc, "Filter not found. Block filters are still in the process of being indexed."};
        throw RpcError{code::kInternalError, "Filter not found. This error is unexpected and indicates index corruption."};
    }
    out.begin_object().hex_field("filter", *filter).field("header", row->header).end_object();
}

RpcMethod getblockfilter(const NodeContext& context) {
    const std::string sample = "\"00000000c937983704a73af28acdec37b049d214adbda81d7e2a3dd146f6ed09\"";
    return {"getblockfilter",
            "blockchain",
            "Gives the compact filter of a block (BIP157).",
            {arg_hex("blockhash", http::required(), "The block's hash"),
             arg_str("filtertype", http::default_value("\"basic\""), "The kind of filter")},
            {obj("", "", {hex("filter", "The filter"), hex("header", "The filter header")})},
            http::example_cli("getblockfilter", sample + " \"basic\"") + http::example_rpc("getblockfilter", sample + ", \"basic\""),
            [&context](const RpcRequest& request, JsonWriter& out) { run_getblockfilter(context, request, out); }};
}

}  // namespace

void add_index_methods(http::RpcTable& table, const NodeContext& context) {
    table.add(getindexinfo(context));
    table.add(getblockfilter(context));
}

}  // namespace cairn::node
