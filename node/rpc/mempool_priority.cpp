#include "net/http/rpc_table.hpp"
#include "node/policy/dust.hpp"
#include "node/rpc/doc.hpp"
#include "node/rpc/mempool_picture.hpp"
#include "node/rpc/methods.hpp"

namespace cairn::node {
namespace {

using http::JsonWriter;
using http::RpcError;
using http::RpcMethod;
using http::RpcRequest;
using namespace doc;

void prioritise(const NodeContext& context, const RpcRequest& request) {
    const Txid txid(http::as_hash(request.param(0), "txid"));
    const UniValue& dummy = request.param(1);
    const Amount delta = http::as_int<std::int64_t>(request.param(2));
    if (!dummy.isNull() && http::as_real(dummy) != 0) {
        throw RpcError{http::rpc_code::kInvalidParameter,
                       "Priority is no longer supported, dummy argument to prioritisetransaction must be 0."};
    }
    MempoolPort& port = mempool(context);
    TransactionPtr tx;
    if (const MempoolReader pool = port.read(); const MempoolEntry* entry = pool->find(txid)) tx = entry->tx;
    // With dust it must pay nothing, now and later.
    if (port.options().require_standard && tx && !dust_outputs(tx->tx(), port.options().dust_relay).empty()) {
        throw RpcError{http::rpc_code::kInvalidParameter, "Priority is not supported for transactions with dust outputs."};
    }
    port.prioritise(txid, delta);
}

RpcMethod prioritisetransaction(const NodeContext& context) {
    return {"prioritisetransaction",
            "mining",
            "Lets a transaction count as if it paid more (or less), for mining and for its place in the mempool.",
            {arg_hex("txid", http::required(), "The transaction id."),
             arg_num("dummy", http::optional(),
                     "Of an older interface: zero or null.\n"
                     "DEPRECATED. Use named arguments and leave it out."),
             arg_num("fee_delta", http::required(),
                     "Satoshis to add (or to take away, if negative).\n"
                     "Not a fee rate: it changes the fee of the whole transaction. Nobody pays it; the transaction is only treated\n"
                     "as if it had been paid.")},
            {flag("", "true")},
            examples("prioritisetransaction", "\"txid\" 0.0 10000", "\"txid\", 0.0, 10000"),
            [&context](const RpcRequest& request, JsonWriter& out) {
                prioritise(context, request);
                out.boolean(true);
            }};
}

RpcMethod getprioritisedtransactions(const NodeContext& context) {
    return {"getprioritisedtransactions",
            "mining",
            "Lists all fee deltas that prioritisetransaction has set, and whether their transactions are in the mempool.",
            {},
            {map("", "by transaction id",
                 {obj("<transactionid>", "",
                      {num("fee_delta", "The fee delta in satoshis"), flag("in_mempool", "Is the transaction in the mempool?"),
                       http::maybe(num("modified_fee", "The fee with the delta in satoshis; only when it is in the mempool"))})})},
            examples("getprioritisedtransactions"),
            [&context](const RpcRequest&, JsonWriter& out) {
                const MempoolReader pool = mempool(context).read();
                out.begin_object();
                for (const auto& [txid, delta] : pool->fee_deltas()) {
                    const MempoolEntry* entry = pool->find(txid);
                    out.key(txid.to_display_hex()).begin_object().field("fee_delta", delta).field("in_mempool", entry != nullptr);
                    if (entry) out.field("modified_fee", entry->modified_fee());
                    out.end_object();
                }
                out.end_object();
            }};
}

}  // namespace

void add_priority_methods(http::RpcTable& table, const NodeContext& context) {
    table.add(prioritisetransaction(context));
    table.add(getprioritisedtransactions(context));
}

}  // namespace cairn::node
