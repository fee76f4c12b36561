#include "consensus/script/script.hpp"
#include "net/http/rpc_table.hpp"
#include "node/mempool/mempool_port.hpp"
#include "node/policy/package.hpp"
#include "node/relay/tx_relay_port.hpp"
#include "node/rpc/decode_transaction.hpp"
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
using Kind = TxVerdict::Kind;

constexpr Amount kDefaultMaxFeeRate = 10'000'000;  // satoshis per kvB
constexpr const char* kBurnExceeded = "Unspendable output exceeds maximum configured by user (maxburnamount)";

MempoolPort& mempool(const NodeContext& context) {
    if (!context.mempool) throw RpcError{code::kClientMempoolDisabled, "Mempool disabled or instance not found"};
    return *context.mempool;
}

FeeRate max_fee_rate(const UniValue& value) {
    if (value.isNull()) return {kDefaultMaxFeeRate};
    const Amount rate = http::as_amount(value);
    if (rate >= kCoin) throw RpcError{code::kInvalidParameter, "Fee rates larger than or equal to 1BTC/kvB are not accepted"};
    return {rate};
}

void check_burned(const Transaction& tx, Amount most) {
    for (const TxOutput& output : tx.outputs) {
        if (output.value > most && (is_unspendable(output.script_pubkey) || !has_valid_ops(output.script_pubkey)))
            throw RpcError{code::kVerify, kBurnExceeded};
    }
}

void announce_openly(const NodeContext& context, const Txid& txid, const Wtxid& wtxid) {
    if (context.relay) context.relay->announce(txid, wtxid);
}

/// Tells the network of a transaction that is in the mempool or could be, openly or privately as the node is set up.
void announce(const NodeContext& context, const TransactionPtr& tx, const Wtxid& wtxid) {
    if (!context.relay) return;
    if (!context.private_broadcast) return announce_openly(context, tx->tx().txid, wtxid);
    if (context.relay->broadcast_privately(tx) == net::PrivateBroadcast::AddResult::full)
        throw RpcError{code::kLimitExceeded, "Private broadcast queue is full"};
}

void check_privacy(const NodeContext& context) {
    if (!context.private_broadcast) return;
    if (context.net)
        for (const net::NetworkState& network : context.net->view()->networks)
            if (network.reachable && (network.name == "onion" || network.name == "i2p")) return;
    throw RpcError{code::kMisc, "-privatebroadcast is enabled, but none of the Tor or I2P networks is reachable. Maybe the location of the Tor proxy "
                                "couldn't be retrieved from the Tor daemon at startup. Check whether the Tor daemon is running and that -torcontrol, "
                                "-torpassword and -i2psam are configured properly."};
}

RpcArg fee_rate_arg() {
    return {"maxfeerate", http::ArgType::amount, http::default_value("\"0.10\""),
            "Refuse higher fee rates than this, in BTC/kvB; it must be below 1 BTC/kvB. 0 for any."};
}

RpcArg burn_arg() {
    return {"maxburnamount", http::ArgType::amount, http::default_value("\"0.00\""),
            "Refuse outputs that surely nobody can spend (such as data behind OP_RETURN) above this value, in BTC."};
}

// ---------------------------------------------------------------------------------------------- sendrawtransaction

void run_sendrawtransaction(const NodeContext& context, const RpcRequest& request, JsonWriter& out) {
    const Amount max_burn = request.param(2).isNull() ? 0 : http::as_amount(request.param(2));
    const TransactionPtr tx = decode_transaction(http::as_string(request.param(0)), true, true);
    if (!tx) throw RpcError{code::kDeserialization, "TX decode failed. Make sure the tx has at least one input."};
    check_burned(tx->tx(), max_burn);
    const FeeRate max_rate = max_fee_rate(request.param(1));
    check_privacy(context);
    MempoolPort& port = mempool(context);

    // What is here already is told to the network once more, whatever its witness.
    std::optional<Wtxid> known;
    {
        const MempoolReader pool = port.read();
        if (const MempoolEntry* entry = pool->find(tx->tx().txid)) known = entry->wtxid();
    }
    if (known) {
        announce(context, tx, *known);
        out.hash(tx->tx().txid);
        return;
    }
    TxSubmission options;
    options.local = true;
    options.test_only = context.private_broadcast;
    if (const Amount most = max_rate.fee(tx->tx().vsize()); most > 0) options.max_base_fee = most;
    const TxVerdict verdict = port.accept(tx, options);
    if (verdict.kind == Kind::inconclusive) throw RpcError{code::kVerify, "Mempool internal error"};
    if (!verdict.accepted()) {
        if (verdict.in_chain) throw RpcError{code::kVerifyAlreadyInUtxoSet, "Transaction outputs already in utxo set"};
        if (verdict.reject_reason == "txn-already-in-mempool" || verdict.reject_reason == "txn-same-nonwitness-data-in-mempool") {
            announce(context, tx, verdict.wtxid);  // it came in meanwhile
            out.hash(verdict.txid);
            return;
        }
        if (verdict.reject_reason == "max-fee-exceeded")
            throw RpcError{code::kVerify, "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)"};
        throw RpcError{verdict.refusal == TxRefusal::missing_inputs ? code::kVerify : code::kVerifyRejected, verdict.to_string()};
    }
    if (context.private_broadcast) announce(context, tx, verdict.wtxid);
    out.hash(verdict.txid);
}

RpcMethod sendrawtransaction(const NodeContext& context) {
    return {"sendrawtransaction",
            "rawtransactions",
            "Hands a transaction (serialised, in hex) to the mempool and, when that takes it, to all peers.\n"
            "\nPeers that get it at once can guess where it comes from: sending a transaction again that came from others costs "
            "privacy.\n"
            "\nWith -privatebroadcast it goes to a few peers instead, each by a short connection of its own through Tor or I2P, and into the "
            "mempool only when it comes back from the network (see getprivatebroadcastinfo, abortprivatebroadcast).\n"
            "\nFails with its own error code when the transaction is confirmed already and has unspent outputs.\n"
            "\nRelated: createrawtransaction, signrawtransactionwithkey",
            {arg_hex("hexstring", http::required(), "The transaction in hex"), fee_rate_arg(), burn_arg()},
            {hex("", "The transaction id")},
            examples("sendrawtransaction", "\"signedhex\""),
            [&context](const RpcRequest& request, JsonWriter& out) { run_sendrawtransaction(context, request, out); }};
}

// ---------------------------------------------------------------------------------------------- several transactions

std::vector<TransactionPtr> decode_all(const UniValue& list, std::optional<Amount> max_burn) {
    if (http::as_array(list).empty() || list.size() > kMaxPackageCount)
        throw RpcError{code::kInvalidParameter, "Array must contain between 1 and " + std::to_string(kMaxPackageCount) + " transactions."};
    std::vector<TransactionPtr> txs;
    for (const UniValue& item : list.getValues()) {
        const std::string& text = http::as_string(item);
        txs.push_back(decode_transaction(text, true, true));
        if (!txs.back())
            throw RpcError{code::kDeserialization, "TX decode failed: " + text + " Make sure the tx has at least one input."};
        if (max_burn) check_burned(txs.back()->tx(), *max_burn);
    }
    return txs;
}

void write_sizes(JsonWriter& out, const TxVerdict& verdict, const Transaction& tx) {
    out.field("vsize_adjusted", verdict.vsize).field("vsize", verdict.vsize).field("vsize_bip141", tx.vsize());
}

void write_fees(JsonWriter& out, const TxVerdict& verdict) {
    out.key("fees").begin_object().amount_field("base", verdict.base_fee);
    if (verdict.accepted()) {
        out.amount_field("effective-feerate", verdict.effective.rate(1000)).key("effective-includes").begin_array();
        for (const Wtxid& wtxid : verdict.effective_includes) out.hash(wtxid);
        out.end_array();
    }
    out.end_object();
}

void run_testmempoolaccept(const NodeContext& context, const RpcRequest& request, JsonWriter& out) {
    const UniValue& list = http::as_array(request.param(0));
    if (list.empty() || list.size() > kMaxPackageCount)
        throw RpcError{code::kInvalidParameter, "Array must contain between 1 and " + std::to_string(kMaxPackageCount) + " transactions."};
    const FeeRate max_rate = max_fee_rate(request.param(1));
    const std::vector<TransactionPtr> txs = decode_all(list, std::nullopt);
    MempoolPort& port = mempool(context);
    TxSubmission options;
    options.test_only = true;
    PackageVerdict verdict;
    if (txs.size() > 1) {
        verdict = port.accept_package(txs, options);
    } else {
        verdict.transactions.push_back(port.accept(txs[0], options));
    }
    out.begin_array();
    bool stopped = false;
    for (std::size_t i = 0; i < txs.size(); ++i) {
        const Transaction& tx = txs[i]->tx();
        out.begin_object().field("txid", tx.txid).field("wtxid", tx.wtxid);
        if (verdict.refusal == PackageRefusal::policy) out.field("package-error", verdict.to_string());
        const TxVerdict* result = i < verdict.transactions.size() ? &verdict.transactions[i] : nullptr;
        if (!stopped && result && result->accepted()) {
            const Amount most = max_rate.fee(result->vsize);
            if (most > 0 && result->base_fee > most) {
                out.field("allowed", false).field("reject-reason", "max-fee-exceeded");
                stopped = true;  // what follows may depend on it
            } else {
                out.field("allowed", true);
                write_sizes(out, *result, tx);
                write_fees(out, *result);
            }
        } else if (!stopped && result && result->kind == Kind::refused) {
            out.field("allowed", false);
            if (result->refusal == TxRefusal::missing_inputs) {
                out.field("reject-reason", "missing-inputs");
            } else {
                out.field("reject-reason", result->reject_reason).field("reject-details", result->to_string());
            }
        }
        out.end_object();
    }
    out.end_array();
}

Results fees_doc(bool always) {
    const auto when_new = [&](RpcResult result) { return always ? result : http::maybe(std::move(result)); };
    return {amount("base", "The fee in BTC"),
            when_new(amount("effective-feerate", "The fee rate by which it was judged, in BTC/kvB: with prioritisation, or of its package")),
            when_new(arr("effective-includes", "Whose fees and sizes that rate counts", {hex("", "A wtxid")}))};
}

Results sizes_doc() {
    return {http::maybe(num("vsize_adjusted", "Virtual size, more when there are many signature operations (-bytespersigop)")),
            http::maybe(num("vsize", "(DEPRECATED) The same as vsize_adjusted")), http::maybe(num("vsize_bip141", "Virtual size by BIP141"))};
}

RpcMethod testmempoolaccept(const NodeContext& context) {
    Results fields{hex("txid", "The transaction id"), hex("wtxid", "The id with its witness"),
                   http::maybe(str("package-error", "What is wrong with the list as a whole; only where there are several")),
                   http::maybe(flag("allowed", "Would it be taken? Absent when another one failed before it was looked at."))};
    for (RpcResult& field : sizes_doc()) fields.push_back(std::move(field));
    fields.push_back(http::maybe(obj("fees", "Its fees (only when allowed)", fees_doc(true))));
    fields.push_back(http::maybe(str("reject-reason", "Why not (only when not allowed)")));
    fields.push_back(http::maybe(str("reject-details", "Why not, at length (only when not allowed and there is more to say)")));
    return {"testmempoolaccept",
            "rawtransactions",
            "Says whether the mempool would take transactions, without taking them.\n"
            "\nSeveral are looked at together: parents come before children, none may conflict with another or with the mempool, and each "
            "has to pay its way alone. The list ends early when one fails.",
            {arg_arr("rawtxs", http::required(), "Transactions in hex", {arg_hex("rawtx", http::optional(), "")}), fee_rate_arg()},
            {arr("", "One answer for each, in the same order", {obj("", "", std::move(fields))})},
            examples("testmempoolaccept", "[\"signedhex\"]"),
            [&context](const RpcRequest& request, JsonWriter& out) { run_testmempoolaccept(context, request, out); }};
}

// ---------------------------------------------------------------------------------------------- submitpackage

void write_package_result(JsonWriter& out, const Transaction& tx, const TxVerdict* result) {
    out.key(tx.wtxid.to_display_hex()).begin_object().field("txid", tx.txid);
    if (!result) {
        out.field("error", "package-not-validated");
    } else if (result->kind == Kind::different_witness) {
        out.field("other-wtxid", *result->other_wtxid);
    } else if (result->kind == Kind::refused || result->kind == Kind::inconclusive) {
        out.field("error", result->to_string());
    } else {
        write_sizes(out, *result, tx);
        write_fees(out, *result);
    }
    out.end_object();
}

void run_submitpackage(const NodeContext& context, const RpcRequest& request, JsonWriter& out) {
    const UniValue& list = http::as_array(request.param(0));
    if (list.empty() || list.size() > kMaxPackageCount)
        throw RpcError{code::kInvalidParameter, "Array must contain between 1 and " + std::to_string(kMaxPackageCount) + " transactions."};
    const FeeRate max_rate = max_fee_rate(request.param(1));
    const Amount max_burn = request.param(2).isNull() ? 0 : http::as_amount(request.param(2));
    const std::vector<TransactionPtr> txs = decode_all(list, max_burn);
    if (txs.size() > 1 && !is_child_with_parents_tree(txs))
        throw RpcError{code::kVerify, "package topology disallowed. not child-with-parents or parents depend on each other."};
    MempoolPort& port = mempool(context);
    TxSubmission options;
    if (max_rate.per_kvb > 0) options.max_fee_rate = max_rate;
    const PackageVerdict verdict = port.accept_package(txs, options);
    if (verdict.refusal == PackageRefusal::internal) throw RpcError{code::kVerify, verdict.reject_reason};
    std::set<Txid> replaced;
    for (const TxVerdict& result : verdict.transactions) {
        if (result.kind == Kind::known) announce_openly(context, result.txid, result.wtxid);
        if (result.kind == Kind::different_witness) announce_openly(context, result.txid, *result.other_wtxid);
        for (const TransactionPtr& tx : result.replaced) replaced.insert(tx->tx().txid);
    }
    out.begin_object().field("package_msg", verdict.refusal == PackageRefusal::none ? "success" : verdict.to_string());
    out.key("tx-results").begin_object();
    for (std::size_t i = 0; i < txs.size(); ++i)
        write_package_result(out, txs[i]->tx(), i < verdict.transactions.size() ? &verdict.transactions[i] : nullptr);
    out.end_object().key("replaced-transactions").begin_array();
    for (const Txid& txid : replaced) out.hash(txid);
    out.end_array().end_object();
}

RpcMethod submitpackage(const NodeContext& context) {
    Results fields{hex("txid", "The transaction id"),
                   http::maybe(hex("other-wtxid", "The mempool has this transaction with another witness, and keeps that one"))};
    for (RpcResult& field : sizes_doc()) fields.push_back(std::move(field));
    fields.push_back(http::maybe(obj("fees", "Its fees", fees_doc(false))));
    fields.push_back(http::maybe(str("error", "Why it was refused; \"package-not-validated\" when the package as a whole was")));
    return {"submitpackage",
            "rawtransactions",
            "Hands several transactions to the mempool together: a child and some or all of its unconfirmed parents, which a child that pays "
            "for them can bring in. Each that is good alone is taken, too.\n"
            "This method is experimental. That the mempool takes them does not mean that they reach other nodes.",
            {arg_arr("package", http::required(),
                     "Transactions in hex: parents, none of which depends on another, and the child at the end; or a single one.",
                     {arg_hex("rawtx", http::optional(), "")}),
             fee_rate_arg(), burn_arg()},
            {obj("", "",
                 {str("package_msg", "\"success\" when all are in the mempool now; what went wrong otherwise"),
                  map("tx-results", "One answer for each, by wtxid", {obj("wtxid", "", std::move(fields))}),
                  http::maybe(arr("replaced-transactions", "What had to leave the mempool", {hex("", "A transaction id")}))})},
            examples("submitpackage", "[\"raw-parent-tx-1\", \"raw-parent-tx-2\", \"raw-child-tx\"]"),
            [&context](const RpcRequest& request, JsonWriter& out) { run_submitpackage(context, request, out); }};
}

}  // namespace

void add_send_transaction_methods(http::RpcTable& table, const NodeContext& context) {
    table.add(sendrawtransaction(context));
    table.add(testmempoolaccept(context));
    table.add(submitpackage(context));
}

}  // namespace cairn::node
