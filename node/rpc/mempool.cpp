#include "consensus/base/hex.hpp"
#include "net/http/rpc_table.hpp"
#include "node/index/index_service.hpp"
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

RpcMethod getmempoolinfo(const NodeContext& context) {
    Results members = {flag("loaded", "Was the stored mempool read?"),
                       num("size", "Transactions"),
                       num("bytes", "Virtual bytes of all transactions"),
                       num("usage", "Memory used"),
                       amount("total_fee", "Fees of all transactions in BTC, without the deltas of prioritisetransaction"),
                       num("maxmempool", "Memory that it may use"),
                       amount("mempoolminfee", "Lowest fee rate that is taken now, in BTC/kvB"),
                       amount("minrelaytxfee", "Lowest fee rate that is relayed, in BTC/kvB"),
                       num("incrementalrelayfee", "Least step of the fee rate for replacement, in BTC/kvB"),
                       num("unbroadcastcount", "Transactions that no peer has asked for yet"),
                       flag("permitbaremultisig", "Are bare multisig outputs taken?"),
                       num("maxdatacarriersize", "Bytes that OP_RETURN outputs may have"),
                       num("limitclustercount", "Transactions that a cluster may have"),
                       num("limitclustersize", "Virtual bytes that a cluster may have"),
                       flag("optimal", "Is the mempool in the best order?")};
    if (context.deprecated_enabled("fullrbf")) members.push_back(flag("fullrbf", "Is everything replaceable? (DEPRECATED)"));
    return {"getmempoolinfo", "blockchain", "Tells about the mempool.", {}, {obj("", "", std::move(members))},
            examples("getmempoolinfo"),
            [&context](const RpcRequest&, JsonWriter& out) {
                const MempoolPort& port = mempool(context);
                const MempoolOptions& options = port.options();
                const FeeRate minimum = port.minimum_fee();
                out.begin_object().field("loaded", port.loaded());
                bool optimal = false;
                std::size_t unbroadcast = 0;
                {
                    const MempoolReader pool = port.read();
                    out.field("size", pool->size()).field("bytes", pool->total_vsize()).field("usage", pool->memory_usage());
                    out.amount_field("total_fee", pool->total_fee());
                    optimal = pool->graph().optimal();
                    unbroadcast = pool->unbroadcast().size();
                }
                out.field("maxmempool", options.max_bytes).amount_field("mempoolminfee", minimum.per_kvb);
                out.amount_field("minrelaytxfee", options.min_relay.per_kvb);
                out.amount_field("incrementalrelayfee", options.incremental_relay.per_kvb);
                out.field("unbroadcastcount", unbroadcast).field("permitbaremultisig", options.permit_bare_multisig);
                out.field("maxdatacarriersize", options.datacarrier_bytes.value_or(0));
                out.field("limitclustercount", options.cluster_count).field("limitclustersize", options.cluster_vbytes);
                out.field("optimal", optimal);
                if (context.deprecated_enabled("fullrbf")) out.field("fullrbf", true);
                out.end_object();
            }};
}

void write_all(JsonWriter& out, const NodeContext& context) {
    const MempoolPort& port = mempool(context);
    const MempoolPicture picture = [&] { return MempoolPicture(*port.read()); }();
    const bool replaceable = context.deprecated_enabled("bip125");
    out.begin_object();
    for (std::size_t i = 0; i < picture.size(); ++i) {
        out.key(picture.tx(i).txid.to_display_hex());
        picture.write(out, i, replaceable);
    }
    out.end_object();
}

void write_ids(JsonWriter& out, const NodeContext& context, bool with_sequence) {
    std::vector<Txid> txids;
    std::uint64_t sequence = 0;
    {
        const MempoolReader pool = mempool(context).read();
        txids.reserve(pool->size());
        for (const MempoolEntry* entry : pool->ordered()) txids.push_back(entry->txid());
        sequence = pool->sequence();
    }
    if (with_sequence) out.begin_object().key("txids");
    out.begin_array();
    for (const Txid& txid : txids) out.hash(txid);
    out.end_array();
    if (with_sequence) out.field("mempool_sequence", sequence).end_object();
}

RpcMethod getrawmempool(const NodeContext& context) {
    return {"getrawmempool",
            "blockchain",
            "Lists the ids of all transactions in the mempool, the best first.\n"
            "getmempoolentry gives the details of a single one.",
            {arg_bool("verbose", http::default_value("false"), "true for an object with details, false for an array of ids"),
             arg_bool("mempool_sequence", http::default_value("false"),
                      "Without details: give an object with the ids and the mempool's sequence number.")},
            {http::when("for verbose = false", arr("", "", {hex("", "The transaction id")})),
             http::when("for verbose = true", map("", "", {obj("transactionid", "", mempool_entry_doc(context))})),
             http::when("for verbose = false and mempool_sequence = true",
                        obj("", "",
                            {arr("txids", "", {hex("", "The transaction id")}),
                             num("mempool_sequence", "The sequence number")}))},
            examples("getrawmempool", "true"),
            [&context](const RpcRequest& request, JsonWriter& out) {
                const bool sequence = request.bool_or("mempool_sequence", false);
                if (!request.bool_or("verbose", false)) return write_ids(out, context, sequence);
                if (sequence) {
                    throw RpcError{http::rpc_code::kInvalidParameter,
                                   "Verbose results cannot contain mempool sequence values."};
                }
                write_all(out, context);
            }};
}

RpcMethod getmempoolfeeratediagram(const NodeContext& context) {
    return {"getmempoolfeeratediagram",
            "hidden",
            "Adds up the fees of the mempool's chunks, the best first: the most that blocks of each size could earn.",
            {},
            {http::when("mempool chunks",
                        arr("", "",
                            {obj("", "",
                                 {num("weight", "Adjusted weight of all chunks up to this one"),
                                  num("fee", "Modified fees of these in BTC")})}))},
            examples("getmempoolfeeratediagram"),
            [&context](const RpcRequest&, JsonWriter& out) {
                std::vector<FeeSize> chunks;
                mempool(context).read()->graph().walk([&](const TxGraph::Chunk& chunk) {
                    chunks.push_back(chunk.rate);
                    return TxGraph::Walk::next;
                });
                FeeSize sum;
                out.begin_array().begin_object().field("weight", 0).amount_field("fee", 0).end_object();
                for (const FeeSize& chunk : chunks) {
                    sum += chunk;
                    out.begin_object().field("weight", sum.size).amount_field("fee", sum.fee).end_object();
                }
                out.end_array();
            }};
}

struct SpenderQuestion {
    OutPoint outpoint;
    TransactionPtr spender;
    const HeaderNode* block = nullptr;  ///< that holds the spender
};

/// Asks the index for those that the mempool could not answer.
void ask_spender_index(const NodeContext& context, std::vector<SpenderQuestion>& questions) {
    const auto* index = context.indexes ? context.indexes->spenders() : nullptr;
    bool ready = false;
    for (SpenderQuestion& question : questions) {
        if (question.spender) continue;
        if (!ready && !(ready = index && index->wait_until_current())) {
            throw RpcError{http::rpc_code::kMisc, "Mempool lacks a relevant spend, and txospenderindex is unavailable."};
        }
        auto found = (*index)->find(question.outpoint, index->driver->reached());
        if (!found) {
            throw RpcError{http::rpc_code::kMisc, "IO error finding spending tx for outpoint " + question.outpoint.txid.to_display_hex() + ":" +
                                                      std::to_string(question.outpoint.index) + "."};
        }
        if (!*found) continue;
        question.spender = std::move((*found)->tx);
        question.block = (*found)->block;
    }
}

std::vector<SpenderQuestion> read_outputs(const UniValue& outputs) {
    std::vector<SpenderQuestion> questions;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        const UniValue& output = http::as_object(outputs[i]);
        http::check_object_types(output, {{"txid", UniValue::VSTR}, {"vout", UniValue::VNUM}}, false, true);
        const Txid txid(http::as_hash(http::member(output, "txid"), "txid"));
        const int index = http::as_int<int>(http::member(output, "vout"));
        if (index < 0) throw RpcError{http::rpc_code::kInvalidParameter, "Invalid parameter, vout cannot be negative"};
        questions.push_back({{txid, static_cast<std::uint32_t>(index)}, nullptr, nullptr});
    }
    return questions;
}

void answer_spenders(const NodeContext& context, const RpcRequest& request, JsonWriter& out) {
    const UniValue& outputs = http::as_array(request.param(0));
    if (outputs.empty()) throw RpcError{http::rpc_code::kInvalidParameter, "Invalid parameter, outputs are missing"};
    const UniValue options = request.param(1).isNull() ? UniValue(UniValue::VOBJ) : request.param(1);
    http::check_object_types(options, {{"mempool_only", UniValue::VBOOL}, {"return_spending_tx", UniValue::VBOOL}}, true, true);
    const bool indexed = context.indexes && context.indexes->spenders();
    const bool mempool_only = options.exists("mempool_only") ? http::as_bool(options["mempool_only"]) : !indexed;
    const bool whole = options.exists("return_spending_tx") && http::as_bool(options["return_spending_tx"]);

    std::vector<SpenderQuestion> questions = read_outputs(outputs);
    {
        const MempoolReader pool = mempool(context).read();
        for (SpenderQuestion& question : questions) {
            if (const MempoolEntry* spender = pool->spender(question.outpoint)) question.spender = spender->tx;
        }
    }
    if (!mempool_only) ask_spender_index(context, questions);
    out.begin_array();
    for (std::size_t i = 0; i < questions.size(); ++i) {
        const TransactionPtr& spender = questions[i].spender;
        UniValue answer = outputs[i];
        if (spender) answer.pushKV("spendingtxid", spender->tx().txid.to_display_hex());
        if (spender && whole) answer.pushKV("spendingtx", to_hex(spender->tx().raw));
        if (questions[i].block) answer.pushKV("blockhash", questions[i].block->hash.to_display_hex());
        out.raw(answer.write());
    }
    out.end_array();
}

RpcMethod gettxspendingprevout(const NodeContext& context) {
    using http::RpcArg;
    RpcArg output{"", http::ArgType::object, http::optional(), ""};
    output.inner = {arg_hex("txid", http::required(), "The transaction id"), arg_num("vout", http::required(), "Which of its outputs")};
    RpcArg options{"options", http::ArgType::named_options, http::optional(), ""};
    options.inner = {
        arg_bool("mempool_only", http::default_hint("true if txospenderindex unavailable, otherwise false"),
                 "If false, what the mempool does not know is looked up in the index of spenders; an error without one."),
        arg_bool("return_spending_tx", http::default_hint("false"), "Give the whole spending transaction, too.")};
    const std::string outpoint = "[{\"txid\":\"a08e6907dbbd3d809776dbfc5d82e371b764ed838b5655e72f463568df1aadf0\",\"vout\":3}]";
    return {"gettxspendingprevout",
            "blockchain",
            "Looks in the mempool (and in the index of spenders, if there is one) for transactions that spend given outputs.",
            {arg_arr("outputs", http::required(), "The outputs, each by its transaction's id and its number.", {output}), options},
            {arr("", "",
                 {obj("", "",
                      {hex("txid", "The id that was asked for"), num("vout", "The number that was asked for"),
                       http::maybe(hex("spendingtxid", "The transaction that spends it (omitted if unspent)")),
                       http::maybe(hex("spendingtx", "That transaction in hex (only with return_spending_tx)")),
                       http::maybe(hex("blockhash", "The block that holds it (omitted if unconfirmed)"))})})},
            examples("gettxspendingprevout", "'" + outpoint + "'", outpoint) +
                http::example_cli_named("gettxspendingprevout", {{"outputs", outpoint}, {"return_spending_tx", "true"}}),
            [&context](const RpcRequest& request, JsonWriter& out) { answer_spenders(context, request, out); }};
}

}  // namespace

void add_mempool_methods(http::RpcTable& table, const NodeContext& context) {
    table.add(getmempoolinfo(context));
    table.add(getrawmempool(context));
    table.add(getmempoolfeeratediagram(context));
    table.add(gettxspendingprevout(context));
    add_mempool_entry_methods(table, context);
    add_priority_methods(table, context);
}

}  // namespace cairn::node
