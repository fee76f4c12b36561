#include "net/http/rpc_table.hpp"
#include "node/rpc/decode_transaction.hpp"
#include "node/rpc/doc.hpp"
#include "node/rpc/methods.hpp"

namespace cairn::node {
namespace {

using http::JsonWriter;
using http::RpcMethod;
using http::RpcRequest;
using namespace doc;

RpcMethod sendrawtransaction() {
    return {"sendrawtransaction",
            "rawtransactions",
            "Hands a transaction to the mempool and so to the network. This node has no mempool and refuses.",
            {arg_hex("hexstring", http::required(), "The transaction in hex"),
             {"maxfeerate", http::ArgType::amount, http::default_value("\"0.10\""),
              "Refuse higher fee rates than this, in BTC/kvB; 0 for any."},
             {"maxburnamount", http::ArgType::amount, http::default_value("\"0.00\""),
              "Refuse outputs that nobody can spend above this value, in BTC."}},
            {hex("", "The transaction id")},
            examples("sendrawtransaction", "\"signedhex\""),
            [](const RpcRequest& request, JsonWriter&) {
                if (!decode_transaction(http::as_string(request.param(0)), true, true)) {
                    throw http::RpcError{http::rpc_code::kDeserialization,
                                         "TX decode failed. Make sure the tx has at least one input."};
                }
                throw http::RpcError{http::rpc_code::kClientMempoolDisabled, "Mempool disabled or instance not found"};
            }};
}

}  // namespace

void add_send_transaction_methods(http::RpcTable& table, const NodeContext&) {
    table.add(sendrawtransaction());
}

}  // namespace cairn::node
