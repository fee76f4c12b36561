#include "net/http/rpc_table.hpp"
#include "node/mempool/mempool_port.hpp"
#include "node/rpc/doc.hpp"
#include "node/rpc/methods.hpp"

namespace cairn::node {
namespace {

using http::JsonWriter;
using http::RpcError;
using http::RpcMethod;
using http::RpcRequest;
using namespace doc;
namespace code = http::rpc_code;

MempoolPort& mempool(const NodeContext& context) {
    if (!context.mempool) throw RpcError{code::kClientMempoolDisabled, "Mempool disabled or instance not found"};
    return *context.mempool;
}

RpcMethod savemempool(const NodeContext& context) {
    return {"savemempool",
            "blockchain",
            "Writes the mempool to disk. Fails until the one that was stored before is read.",
            {},
            {obj("", "", {str("filename", "The file that was written")})},
            examples("savemempool"),
            [&context](const RpcRequest&, JsonWriter& out) {
                MempoolPort& port = mempool(context);
                if (!port.loaded()) throw RpcError{code::kMisc, "The mempool was not loaded yet"};
                const std::filesystem::path path = context.data_dir / "mempool.dat";
                if (!port.save(path)) throw RpcError{code::kMisc, "Unable to dump mempool to disk"};
                out.begin_object().field("filename", path.string()).end_object();
            }};
}

void run_importmempool(const NodeContext& context, const RpcRequest& request, JsonWriter& out) {
    MempoolPort& port = mempool(context);
    if (context.chain->view()->initial_block_download)
        throw RpcError{code::kClientInInitialDownload, "Can only import the mempool after the block download and sync is done."};
    const UniValue& options = request.param(1);
    const auto chosen = [&](const char* name, bool fallback) {
        if (options.isNull()) return fallback;
        const UniValue& value = http::member(options, name);
        return value.isNull() ? fallback : http::as_bool(value);
    };
    ImportOptions import;
    import.use_current_time = chosen("use_current_time", true);
    import.apply_fee_delta = chosen("apply_fee_delta_priority", false);
    import.apply_unbroadcast = chosen("apply_unbroadcast_set", false);
    if (!port.import(http::as_string(request.param(0)), import))
        throw RpcError{code::kMisc, "Unable to import mempool file, see debug log for details."};
    out.begin_object().end_object();
}

RpcMethod importmempool(const NodeContext& context) {
    RpcArg options{"options", http::ArgType::named_options, http::optional(), ""};
    options.inner = {arg_bool("use_current_time", http::default_value("true"),
                              "Count from now, not from when the file says that a transaction came.\n"
                              "What a stranger's file says may have consequences that nobody wants."),
                     arg_bool("apply_fee_delta_priority", http::default_value("false"),
                              "Take over the fee deltas that prioritisetransaction had set; they add to those that are here.\n"
                              "What a stranger's file says may have consequences that nobody wants."),
                     arg_bool("apply_unbroadcast_set", http::default_value("false"),
                              "Take over which transactions nobody has asked for yet.\n"
                              "What a stranger's file says may have consequences that nobody wants.")};
    return {"importmempool",
            "blockchain",
            "Reads a mempool.dat and takes its transactions into the mempool, as far as they may come in.\n"
            "Mind where the file comes from, above all when its details are taken over.",
            {arg_str("filepath", http::required(), "The file"), http::with_oneline(std::move(options), "options")},
            {obj("", "", {})},
            examples("importmempool", "\"/path/to/mempool.dat\""),
            [&context](const RpcRequest& request, JsonWriter& out) { run_importmempool(context, request, out); }};
}

}  // namespace

void add_mempool_storage_methods(http::RpcTable& table, const NodeContext& context) {
    table.add(savemempool(context));
    table.add(importmempool(context));
}

}  // namespace cairn::node
