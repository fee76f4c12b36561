#include "net/http/rpc_table.hpp"
#include "node/rpc/doc.hpp"
#include "node/rpc/mempool_picture.hpp"
#include "node/rpc/methods.hpp"

namespace cairn::node {
namespace {

using http::JsonWriter;
using http::RpcMethod;
using http::RpcRequest;
using namespace doc;

/// The entry of `txid`, or -5.
const MempoolEntry& find_entry(const Mempool& pool, const Txid& txid) {
    const MempoolEntry* entry = pool.find(txid);
    if (!entry) throw http::RpcError{http::rpc_code::kInvalidAddressOrKey, "Transaction not in mempool"};
    return *entry;
}

/// A copy of the cluster that the transaction of the first argument is in, and its place there.
struct Subject {
    MempoolPicture picture;
    std::size_t index;
};
Subject find_subject(const NodeContext& context, const RpcRequest& request) {
    const Txid txid(http::as_hash(request.param(0), "txid"));
    MempoolPicture picture = [&] {
        const MempoolReader pool = mempool(context).read();
        return MempoolPicture(*pool, find_entry(*pool, txid));
    }();
    const std::size_t index = picture.index_of(txid);
    return {std::move(picture), index};
}

RpcMethod getmempoolentry(const NodeContext& context) {
    return {"getmempoolentry",
            "blockchain",
            "Tells about a transaction in the mempool.",
            {arg_hex("txid", http::required(), "The transaction id (must be in mempool)")},
            {obj("", "", mempool_entry_doc(context))},
            examples("getmempoolentry", "\"mytxid\""),
            [&context](const RpcRequest& request, JsonWriter& out) {
                const Subject subject = find_subject(context, request);
                subject.picture.write(out, subject.index, context.deprecated_enabled("bip125"));
            }};
}

/// getmempoolancestors and getmempooldescendants.
RpcMethod relatives(const NodeContext& context, const std::string& name, const std::string& kind,
                    std::vector<std::size_t> (MempoolPicture::*choose)(std::size_t) const) {
    return {name,
            "blockchain",
            "Lists all " + kind + "s of a transaction that are in the mempool.",
            {arg_hex("txid", http::required(), "The transaction id (must be in mempool)"),
             arg_bool("verbose", http::default_value("false"), "true for an object with details, false for an array of ids")},
            {http::when("for verbose = false", arr("", "", {hex("", "The id of an " + kind + " in the mempool")})),
             http::when("for verbose = true", map("", "", {obj("transactionid", "", mempool_entry_doc(context))}))},
            examples(name, "\"mytxid\""),
            [&context, choose](const RpcRequest& request, JsonWriter& out) {
                const bool verbose = request.bool_or("verbose", false);
                const Subject subject = find_subject(context, request);
                const bool replaceable = context.deprecated_enabled("bip125");
                verbose ? out.begin_object() : out.begin_array();
                for (const std::size_t index : (subject.picture.*choose)(subject.index)) {
                    const Txid& txid = subject.picture.tx(index).txid;
                    if (!verbose) {
                        out.hash(txid);
                        continue;
                    }
                    out.key(txid.to_display_hex());
                    subject.picture.write(out, index, replaceable);
                }
                verbose ? out.end_object() : out.end_array();
            }};
}

void write_cluster(const Mempool& pool, const MempoolEntry& entry, JsonWriter& out) {
    const std::vector<TxGraph::Chunk> chunks = pool.graph().cluster(entry.graph);
    std::int64_t weight = 0;
    std::size_t count = 0;
    for (const TxGraph::Chunk& chunk : chunks) {
        weight += chunk.rate.size;
        count += chunk.members.size();
    }
    out.begin_object().field("clusterweight", weight).field("txcount", count).key("chunks").begin_array();
    for (const TxGraph::Chunk& chunk : chunks) {
        out.begin_object().amount_field("chunkfee", chunk.rate.fee).field("chunkweight", chunk.rate.size);
        out.key("txs").begin_array();
        for (const TxGraph::Id id : chunk.members) out.hash(pool.at(id)->txid());
        out.end_array().end_object();
    }
    out.end_array().end_object();
}

RpcMethod getmempoolcluster(const NodeContext& context) {
    return {"getmempoolcluster",
            "blockchain",
            "Tells about the cluster that a transaction of the mempool is in.",
            {arg_hex("txid", http::required(), "The id of a transaction in the cluster")},
            {obj("", "",
                 {num("clusterweight", "Weight of all, adjusted for signature operations (-bytespersigop)"),
                  num("txcount", "Transactions"),
                  arr("chunks", "The chunks, in the order in which they would be mined",
                      {obj("chunk", "",
                           {num("chunkfee", "Modified fees of the chunk's transactions"),
                            num("chunkweight", "Their adjusted weight"),
                            arr("txs", "The transactions in mining order", {hex("txid", "The transaction id")})})})})},
            examples("getmempoolcluster", "txid"),
            [&context](const RpcRequest& request, JsonWriter& out) {
                const Txid txid(http::as_hash(request.param(0), "txid"));
                const MempoolReader pool = mempool(context).read();
                write_cluster(*pool, find_entry(*pool, txid), out);
            }};
}

}  // namespace

void add_mempool_entry_methods(http::RpcTable& table, const NodeContext& context) {
    table.add(getmempoolentry(context));
    table.add(relatives(context, "getmempoolancestors", "ancestor", &MempoolPicture::ancestors));
    table.add(relatives(context, "getmempooldescendants", "descendant", &MempoolPicture::descendants));
    table.add(getmempoolcluster(context));
}

}  // namespace cairn::node
