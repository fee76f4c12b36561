#include "net/http/rpc_table.hpp"
#include "node/rpc/doc.hpp"
#include "node/rpc/lookup.hpp"
#include "node/rpc/methods.hpp"

namespace cairn::node {
namespace {

using http::JsonWriter;
using http::RpcMethod;
using http::RpcRequest;
using namespace doc;

// This node relays no transactions: its mempool is empty, and says so in the shapes that clients expect.
constexpr std::int64_t kMaxMempoolBytes = 300'000'000;
constexpr std::int64_t kMaxDataCarrierBytes = 100'000;
constexpr int kClusterCountLimit = 64, kClusterSizeLimit = 101'000;

RpcMethod getmempoolinfo(const NodeContext& context) {
    return {"getmempoolinfo",
            "blockchain",
            "Tells about the mempool.",
            {},
            {obj("", "",
                 {flag("loaded", "Was the stored mempool read?"), num("size", "Transactions"),
                  num("bytes", "Virtual bytes of all transactions"), num("usage", "Memory used"),
                  amount("total_fee", "Fees of all transactions in BTC"), num("maxmempool", "Memory that it may use"),
                  amount("mempoolminfee", "Lowest fee rate that is taken now, in BTC/kvB"),
                  amount("minrelaytxfee", "Lowest fee rate that is relayed, in BTC/kvB"),
                  num("incrementalrelayfee", "Least step of the fee rate for replacement, in BTC/kvB"),
                  num("unbroadcastcount", "Transactions that no peer has asked for yet"),
                  flag("permitbaremultisig", "Are bare multisig outputs taken?"),
                  num("maxdatacarriersize", "Bytes that OP_RETURN outputs may have"),
                  num("limitclustercount", "Transactions that a cluster may have"),
                  num("limitclustersize", "Virtual bytes that a cluster may have"),
                  flag("optimal", "Is the mempool in the best order?")})},
            examples("getmempoolinfo"),
            [&context](const RpcRequest&, JsonWriter& out) {
                out.begin_object()
                    .field("loaded", !context.chain->view()->importing)
                    .field("size", 0)
                    .field("bytes", 0)
                    .field("usage", 0)
                    .amount_field("total_fee", 0);
                out.field("maxmempool", kMaxMempoolBytes).amount_field("mempoolminfee", context.min_relay_fee_rate);
                out.amount_field("minrelaytxfee", context.min_relay_fee_rate)
                    .amount_field("incrementalrelayfee", context.incremental_relay_fee_rate);
                out.field("unbroadcastcount", 0)
                    .field("permitbaremultisig", true)
                    .field("maxdatacarriersize", kMaxDataCarrierBytes);
                out.field("limitclustercount", kClusterCountLimit)
                    .field("limitclustersize", kClusterSizeLimit)
                    .field("optimal", true);
                if (context.deprecated_enabled("fullrbf")) out.field("fullrbf", true);
                out.end_object();
            }};
}

RpcMethod getrawmempool() {
    return {"getrawmempool",
            "blockchain",
            "Lists the ids of all transactions in the mempool.",
            {arg_bool("verbose", http::default_value("false"),
                      "true for an object with details, false for an array of ids"),
             arg_bool("mempool_sequence", http::default_value("false"),
                      "Without details: give an object with the ids and the mempool's sequence number.")},
            {http::when("for verbose = false", arr("", "", {hex("", "The transaction id")})),
             http::when("for verbose = true", map("", "", {obj("transactionid", "", {num("vsize", "Virtual bytes")})})),
             http::when("for verbose = false and mempool_sequence = true",
                        obj("", "",
                            {arr("txids", "", {hex("", "The transaction id")}),
                             num("mempool_sequence", "The sequence number")}))},
            examples("getrawmempool", "true"),
            [](const RpcRequest& request, JsonWriter& out) {
                const bool sequence = request.bool_or("mempool_sequence", false);
                if (request.bool_or("verbose", false)) {
                    if (sequence)
                        throw http::RpcError{http::rpc_code::kInvalidParameter,
                                             "Verbose results cannot contain mempool sequence values."};
                    out.begin_object().end_object();
                } else if (sequence) {
                    out.begin_object().key("txids").begin_array().end_array().field("mempool_sequence", 1).end_object();
                } else {
                    out.begin_array().end_array();
                }
            }};
}

}  // namespace

void add_mempool_methods(http::RpcTable& table, const NodeContext& context) {
    table.add(getmempoolinfo(context));
    table.add(getrawmempool());
}

}  // namespace cairn::node
