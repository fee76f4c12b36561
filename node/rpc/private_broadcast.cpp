#include "net/http/rpc_table.hpp"
#include "node/relay/tx_relay_port.hpp"
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

constexpr std::int64_t kSecond_us = 1'000'000;

TxRelayPort& relay(const NodeContext& context) {
    if (!context.relay) throw RpcError{code::kClientP2pDisabled, "Error: Peer-to-peer functionality missing or disabled"};
    if (!context.private_broadcast)
        throw RpcError{code::kMethodNotFound, "Private broadcast is not enabled. Ensure you're running Bitcoin Core with -privatebroadcast=1."};
    return *context.relay;
}

Results names_doc() {
    return {hex("txid", "The transaction id"), hex("wtxid", "The id with its witness"), hex("hex", "The transaction in hex")};
}

void write_names(JsonWriter& out, const Transaction& tx) {
    out.field("txid", tx.txid).field("wtxid", tx.wtxid);
    out.key("hex").hex(tx.raw);
}

void run_getprivatebroadcastinfo(const NodeContext& context, JsonWriter& out) {
    out.begin_object().key("transactions").begin_array();
    for (const net::PrivateBroadcast::Picture& picture : relay(context).private_broadcasts()) {
        out.begin_object();
        write_names(out, picture.tx->tx());
        out.field("time_added", picture.added_us / kSecond_us).field("attempts_remaining", picture.attempts_left);
        out.key("peers").begin_array();
        for (const net::PrivateBroadcast::Recipient& peer : picture.recipients) {
            out.begin_object().field("address", peer.address.to_string()).field("sent", peer.sent_us / kSecond_us);
            if (peer.received_us) out.field("received", *peer.received_us / kSecond_us);
            out.end_object();
        }
        out.end_array().end_object();
    }
    out.end_array().end_object();
}

RpcMethod getprivatebroadcastinfo(const NodeContext& context) {
    Results fields = names_doc();
    fields.push_back(time("time_added", "When it was handed in"));
    fields.push_back(num("attempts_remaining", "To so many peers more it may be sent; at 0 it rests until it is handed in again"));
    fields.push_back(arr("peers", "Who it was sent to",
                         {obj("", "",
                              {str("address", "Address of the peer"), time("sent", "When it was chosen for this peer"),
                               http::maybe(time("received", "When the peer showed that it had it"))})}));
    return {"getprivatebroadcastinfo",
            "rawtransactions",
            "Lists the transactions that are on their way into the network without showing that they come from here.\n"
            "Only with -privatebroadcast.\n",
            {},
            {obj("", "", {arr("transactions", "", {obj("", "", std::move(fields))})})},
            examples("getprivatebroadcastinfo"),
            [&context](const RpcRequest&, JsonWriter& out) { run_getprivatebroadcastinfo(context, out); }};
}

void run_abortprivatebroadcast(const NodeContext& context, const RpcRequest& request, JsonWriter& out) {
    TxRelayPort& port = relay(context);
    const std::vector<TransactionPtr> removed = port.abort_private_broadcast(http::as_hash(request.param(0), "id"));
    if (removed.empty())
        throw RpcError{code::kInvalidAddressOrKey, "Transaction not in private broadcast queue. Check getprivatebroadcastinfo."};
    out.begin_object().key("removed_transactions").begin_array();
    for (const TransactionPtr& tx : removed) {
        out.begin_object();
        write_names(out, tx->tx());
        out.end_object();
    }
    out.end_array().end_object();
}

RpcMethod abortprivatebroadcast(const NodeContext& context) {
    return {"abortprivatebroadcast",
            "rawtransactions",
            "Gives up sending a transaction privately and forgets it.\n"
            "Only with -privatebroadcast.\n",
            {arg_hex("id", http::required(), "A txid or wtxid. All transactions that have it are given up; of one txid there may be several.")},
            {obj("", "", {arr("removed_transactions", "What was given up", {obj("", "", names_doc())})})},
            examples("abortprivatebroadcast", "\"id\""),
            [&context](const RpcRequest& request, JsonWriter& out) { run_abortprivatebroadcast(context, request, out); }};
}

}  // namespace

void add_private_broadcast_methods(http::RpcTable& table, const NodeContext& context) {
    table.add(getprivatebroadcastinfo(context));
    table.add(abortprivatebroadcast(context));
}

}  // namespace cairn::node
