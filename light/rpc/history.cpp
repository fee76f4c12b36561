// Transactions of a wallet.
#include <algorithm>
#include <limits>

#include "consensus/base/hex.hpp"
#include "light/rpc/support.hpp"
#include "node/rpc/transaction_json.hpp"

namespace cairn::light {

using namespace rpc;

namespace {

/// What is the same for all entries of a transaction.
void write_tx(const Wallet& wallet, const WalletTx& tx, JsonWriter& out) {
    const Ledger& ledger = wallet.ledger();
    out.field("confirmations", ledger.depth(tx));
    if (tx.tx->tx().is_coinbase()) out.field("generated", true);
    if (tx.is_confirmed()) {
        out.field("blockhash", tx.block.hash).field("blockheight", tx.block.height).field("blockindex", tx.position).field("blocktime", tx.block.time);
    } else {
        out.field("trusted", ledger.is_trusted(tx));
    }
    out.field("txid", tx.txid()).field("wtxid", tx.tx->tx().wtxid);
    out.key("alternate_wtxids").begin_array().end_array();
    out.key("walletconflicts").begin_array();
    for (const Txid& other : ledger.conflicts(tx)) out.hash(other);
    out.end_array().key("mempoolconflicts").begin_array();
    for (const Txid& other : ledger.waiting_conflicts(tx)) out.hash(other);
    out.end_array();
    out.field("time", tx.time).field("timereceived", tx.time_received);
    for (const char* note : {"comment", "to"}) {
        if (const auto found = tx.notes.find(note); found != tx.notes.end()) out.field(note, found->second);
    }
    if (tx.replaces) out.field("replaces_txid", *tx.replaces);
    if (tx.replaced_by) out.field("replaced_by_txid", *tx.replaced_by);
}

void write_entry(const Wallet& wallet, const HistoryEntry& entry, bool whole, JsonWriter& out) {
    out.begin_object();
    if (const std::string address = wallet.address(entry.script); !address.empty()) out.field("address", address);
    if (entry.category != Category::send) write_parent_descriptors(wallet, entry.script, out);
    if (entry.category == Category::send) {
        const auto silent = wallet.silent_outputs(*entry.tx);
        const auto found = silent ? silent->find(static_cast<std::size_t>(entry.output)) : SilentOutputs::const_iterator{};
        if (silent && found != silent->end()) out.field("silent_payment_address", found->second.to_string(wallet.params()));
    }
    out.field("category", to_string(entry.category)).amount_field("amount", entry.amount);
    if (entry.label) out.field("label", *entry.label);
    out.field("vout", entry.output);
    if (entry.fee) out.amount_field("fee", *entry.fee);
    if (whole) write_tx(wallet, *entry.tx, out);
    out.field("abandoned", entry.abandoned).end_object();
}

Results entry_result() {
    return {arr("", "", {obj("", "", {str("address", "Where it was paid to"), str("category", "send, receive, generate, immature or orphan"),
                                      amount("amount", "Negative for send"), num("vout", "The output"), num("confirmations", "Blocks, negative when conflicting"),
                                      hex("txid", "The transaction"), elided("and others, as Bitcoin Core has them")})})};
}

RpcMethod listtransactions(const RpcContext& context) {
    return wallet_method(context, "listtransactions", "Lists the newest entries, the last one last.",
                         {arg_str("label|dummy", http::optional(), "Only what was received with this label; \"*\" for all"),
                          arg_num("count", http::default_value("10"), "How many"), arg_num("skip", http::default_value("0"), "Without so many of the newest"),
                          arg_bool("include_watchonly", http::default_value("false"), "Without effect")},
                         entry_result(), [](Wallet& wallet, const RpcRequest& request, JsonWriter& out) {
                             HistoryFilter filter;
                             if (request.has("label") && request.string_or("label", "") != "*") {
                                 filter.label = request.string_or("label", "");
                                 if (filter.label->empty()) throw RpcError{code::kInvalidParameter, "Label argument must be a valid label name or \"*\"."};
                             }
                             const auto count = request.int_or("count", 10), skip = request.int_or("skip", 0);
                             if (count < 0) throw RpcError{code::kInvalidParameter, "Negative count"};
                             if (skip < 0) throw RpcError{code::kInvalidParameter, "Negative from"};
                             out.begin_array();
                             for (const HistoryEntry& entry : wallet.history(static_cast<std::size_t>(count), static_cast<std::size_t>(skip), filter)) {
                                 write_entry(wallet, entry, true, out);
                             }
                             out.end_array();
                         });
}

/// What was in blocks of the branch that ends at `stale`, above `fork`, with what became of it.
void write_removed(const Wallet& wallet, const HeaderNode* stale, Height fork, const HistoryFilter& filter, JsonWriter& out) {
    struct Row {
        Height height;
        WalletTxPtr tx;
    };
    std::vector<Row> rows;
    for (const auto& [order, tx] : wallet.ledger().by_order()) {
        for (const BlockPlace& place : tx->left) {
            if (place.height <= fork || place.height > stale->height) continue;
            const HeaderNode* node = stale->ancestor(place.height);
            if (node && node->hash == place.hash) rows.push_back({place.height, tx});
        }
    }
    std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.height > b.height; });
    HistoryFilter all = filter;
    all.min_depth = std::numeric_limits<int>::min();
    for (const Row& row : rows) {
        for (const HistoryEntry& entry : entries_of(wallet.ledger(), wallet.book(), wallet.addresses(), *row.tx, all)) write_entry(wallet, entry, true, out);
    }
}

void list_since_block(const RpcContext& context, Wallet& wallet, const RpcRequest& request, JsonWriter& out) {
    const HeaderNode* tip = context.desk->find_header(wallet.tip().hash);
    const HeaderNode* given = nullptr;
    const HeaderNode* fork = nullptr;
    if (request.has("blockhash") && !request.string_or("blockhash", "").empty()) {
        given = context.desk->find_header(BlockHash(http::as_hash(request.param(0), "blockhash")));
        if (!given) throw RpcError{code::kInvalidAddressOrKey, "Block not found"};
        // Of a stale block counts where it left the chain.
        fork = given;
        while (tip && fork->parent && (fork->height > tip->height || tip->ancestor(fork->height) != fork)) fork = fork->parent;
    }
    const auto target = request.has("target_confirmations") ? http::as_int<int>(request.arg("target_confirmations")) : 1;
    if (target < 1) throw RpcError{code::kInvalidParameter, "Invalid parameter"};
    const bool include_removed = request.bool_or("include_removed", true);
    HistoryFilter filter;
    filter.include_change = request.bool_or("include_change", false);
    if (request.has("label")) filter.label = label_of(request.arg("label"));
    out.begin_object().key("transactions").begin_array();
    for (const HistoryEntry& entry : wallet.history_since(fork ? fork->height : -1, filter)) write_entry(wallet, entry, true, out);
    out.end_array();
    if (include_removed) {
        out.key("removed").begin_array();
        if (given && given != fork) write_removed(wallet, given, fork->height, filter, out);
        out.end_array();
    }
    const Height last = std::max<Height>(0, wallet.tip().height + 1 - std::min<Height>(target, wallet.tip().height + 1));
    if (const HeaderNode* node = tip ? tip->ancestor(last) : nullptr) out.field("lastblock", node->hash);
    else out.field("lastblock", Uint256{});
    out.end_object();
}

RpcMethod listsinceblock(const RpcContext& context) {
    return wallet_method(
        context, "listsinceblock", "Lists what happened since a block.",
        {arg_str("blockhash", http::optional(), "The block; all without it"), arg_num("target_confirmations", http::default_value("1"), "What lastblock means"),
         arg_bool("include_watchonly", http::default_value("false"), "Without effect"),
         arg_bool("include_removed", http::default_value("true"), "Also what was in blocks that a reorganisation took back, when blockhash is one of them"),
         arg_bool("include_change", http::default_value("false"), "Change too"), arg_str("label", http::optional(), "Only what was received with this label")},
        {obj("", "", {arr("transactions", "", {elided("as listtransactions has them")}), http::maybe(arr("removed", "", {elided("as listtransactions has them")})),
                      hex("lastblock", "To be asked with the next time")})},
        [&context](Wallet& wallet, const RpcRequest& request, JsonWriter& out) { list_since_block(context, wallet, request, out); });
}

RpcMethod gettransaction(const RpcContext& context) {
    return wallet_method(context, "gettransaction", "Tells all of a transaction of the wallet.",
                         {arg_hex("txid", http::required(), "The transaction"), arg_bool("include_watchonly", http::default_value("false"), "Without effect"),
                          arg_bool("verbose", http::default_value("false"), "Decoded as well")},
                         {obj("", "", {amount("amount", "What it gave the wallet"), amount("fee", "Negative; of own ones"), arr("details", "", {elided("its entries")}),
                                       hex("hex", "The transaction"), elided("and others, as Bitcoin Core has them")})},
                         [](Wallet& wallet, const RpcRequest& request, JsonWriter& out) {
                             const auto details = wallet.details(Txid(http::as_hash(request.param(0), "txid")));
                             if (!details) throw RpcError{code::kInvalidAddressOrKey, "Invalid or non-wallet transaction id"};
                             const Transaction& tx = details->tx->tx->tx();
                             out.begin_object().amount_field("amount", details->amounts.net());
                             if (details->amounts.fee) out.amount_field("fee", *details->amounts.fee);
                             write_tx(wallet, *details->tx, out);
                             out.key("details").begin_array();
                             for (const HistoryEntry& entry : details->entries) write_entry(wallet, entry, false, out);
                             out.end_array().field("hex", hex_of(MutableTransaction(tx)));
                             if (request.bool_or("verbose", false)) {
                                 out.key("decoded").begin_object();
                                 node::write_transaction_fields(out, wallet.params(), tx, {});
                                 out.end_object();
                             }
                             write_last_block(wallet, out);
                             out.end_object();
                         });
}

RpcMethod abandontransaction(const RpcContext& context) {
    return wallet_method(context, "abandontransaction", "Gives up a transaction that is not in a block, so that what it spends can be spent again.",
                         {arg_hex("txid", http::required(), "The transaction")}, {none()}, [](Wallet& wallet, const RpcRequest& request, JsonWriter& out) {
                             const Txid txid(http::as_hash(request.param(0), "txid"));
                             // Nobody can tell whether a payment of others still waits anywhere, or was spent otherwise: the user may say so.
                             const WalletTxPtr tx = wallet.ledger().find(txid);
                             if (tx && tx->state == TxState::waiting && wallet.ledger().debit(tx->tx->tx()) == 0) expect(wallet.leave_transaction(txid));
                             const auto done = wallet.abandon(txid);
                             if (!done && done.error().kind == WalletErrorKind::wallet) throw RpcError{code::kInvalidAddressOrKey, done.error().message};
                             expect(done);
                             out.null();
                         });
}

}  // namespace

void add_history_methods(http::RpcTable& table, const RpcContext& context) {
    for (auto* make : {listtransactions, listsinceblock, gettransaction, abandontransaction}) table.add(make(context));
}

}  // namespace cairn::light
