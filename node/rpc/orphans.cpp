#include "consensus/base/hex.hpp"
#include "net/http/rpc_table.hpp"
#include "node/relay/tx_relay_port.hpp"
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

Results orphan_doc(bool with_hex) {
    Results fields = {hex("txid", "The transaction id"),
                      hex("wtxid", "The transaction id with witness"),
                      num("bytes", "Serialised bytes"),
                      num("vsize", "(DEPRECATED) Virtual bytes; see vsize_bip141"),
                      num("vsize_bip141", "Virtual bytes as of BIP141: witness bytes count a quarter"),
                      num("weight", "Weight as of BIP141"),
                      arr("from", "", {num("peer_id", "Who announced it")})};
    if (with_hex) fields.push_back(hex("hex", "The serialised transaction"));
    return fields;
}

void write_orphan(JsonWriter& out, const OrphanSnapshot& orphan, bool with_hex) {
    const Transaction& tx = orphan.tx->tx();
    out.begin_object()
        .field("txid", tx.txid.to_display_hex())
        .field("wtxid", tx.wtxid.to_display_hex())
        .field("bytes", tx.total_size())
        .field("vsize", tx.vsize())
        .field("vsize_bip141", tx.vsize())
        .field("weight", tx.weight());
    out.key("from").begin_array();
    for (const net::PeerId peer : orphan.from) out.number(peer);
    out.end_array();
    if (with_hex) out.key("hex").hex(tx.raw);
    out.end_object();
}

void run_getorphantxs(const NodeContext& context, const RpcRequest& request, JsonWriter& out) {
    network(context);
    if (!context.relay) throw RpcError{http::rpc_code::kClientP2pDisabled, "Error: Peer-to-peer functionality missing or disabled"};
    const std::vector<OrphanSnapshot> orphans = context.relay->orphans();
    const int verbosity = http::as_verbosity(request.param(0), 0, false);
    if (verbosity < 0 || verbosity > 2)
        throw RpcError{http::rpc_code::kInvalidParameter, "Invalid verbosity value " + std::to_string(verbosity)};
    out.begin_array();
    for (const OrphanSnapshot& orphan : orphans) {
        if (verbosity == 0)
            out.string(orphan.tx->tx().txid.to_display_hex());
        else
            write_orphan(out, orphan, verbosity == 2);
    }
    out.end_array();
}

RpcMethod getorphantxs(const NodeContext& context) {
    return {"getorphantxs",
            "hidden",
            "Lists the transactions that wait for their parents.\n"
            "\nEXPERIMENTAL warning: this call may be changed in future releases.\n",
            {http::no_type_check(arg_num("verbosity", http::default_value("0"),
                                         "0 for transaction ids (one may come twice), 1 for objects, 2 for objects with the "
                                         "transaction in hex"))},
            {http::when("for verbose = 0", arr("", "", {hex("txid", "The transaction id")})),
             http::when("for verbose = 1", arr("", "", {obj("", "", orphan_doc(false))})),
             http::when("for verbose = 2", arr("", "", {obj("", "", orphan_doc(true))}))},
            examples("getorphantxs", "2"),
            [&context](const RpcRequest& request, JsonWriter& out) { run_getorphantxs(context, request, out); }};
}

}  // namespace

void add_orphan_methods(http::RpcTable& table, const NodeContext& context) { table.add(getorphantxs(context)); }

}  // namespace cairn::node
