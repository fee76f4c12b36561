// Balances and coins.
#include <set>

#include "consensus/base/hex.hpp"
#include "light/rpc/support.hpp"

namespace cairn::light {

using namespace rpc;

namespace {

RpcMethod getbalance(const RpcContext& context) {
    return wallet_method(context, "getbalance", "Tells what can be spent.",
                         {arg_str("dummy", http::optional(), "\"*\", if anything"), arg_num("minconf", http::default_value("0"), "Only with so many confirmations"),
                          arg_bool("include_watchonly", http::default_value("false"), "Without effect"),
                          arg_bool("avoid_reuse", http::default_value("true"), "Without coins of reused addresses, where the wallet keeps them apart")},
                         {amount("amount", "Bitcoins")}, [](Wallet& wallet, const RpcRequest& request, JsonWriter& out) {
                             if (request.has("dummy") && request.string_or("dummy", "") != "*") {
                                 throw RpcError{code::kMethodDeprecated, "dummy first argument must be excluded or set to \"*\"."};
                             }
                             const bool apart = request.bool_or("avoid_reuse", wallet.avoids_reuse());
                             if (apart && request.has("avoid_reuse") && !wallet.avoids_reuse()) {
                                 throw RpcError{code::kWallet, "wallet does not have the \"avoid reuse\" feature enabled"};
                             }
                             out.amount(wallet.balance(static_cast<int>(request.int_or("minconf", 0)), apart).trusted);
                         });
}

RpcMethod getbalances(const RpcContext& context) {
    return wallet_method(context, "getbalances", "Tells what the wallet has.", {},
                         {obj("", "", {obj("mine", "", {amount("trusted", "Can be spent"), amount("untrusted_pending", "From others, unconfirmed"),
                                                        amount("immature", "Mined, too young"), http::maybe(amount("used", "On addresses spent from before"))}),
                                       elided("lastprocessedblock")})},
                         [](Wallet& wallet, const RpcRequest&, JsonWriter& out) {
                             const Balance balance = wallet.balance(0, wallet.avoids_reuse());
                             out.begin_object().key("mine").begin_object();
                             out.amount_field("trusted", balance.trusted).amount_field("untrusted_pending", balance.untrusted_pending);
                             out.amount_field("immature", balance.immature);
                             if (wallet.avoids_reuse()) out.amount_field("used", balance.used);
                             out.end_object();
                             write_last_block(wallet, out);
                             out.end_object();
                         });
}

/// What a waiting coin stands on, as far as the wallet knows all of it.
void write_ancestry(const Wallet& wallet, const Txid& txid, JsonWriter& out) {
    const Ledger& ledger = wallet.ledger();
    std::set<Txid> seen;
    std::vector<Txid> todo{txid};
    std::int64_t size = 0;
    Amount fees = 0;
    while (!todo.empty()) {
        const WalletTxPtr tx = ledger.find(todo.back());
        todo.pop_back();
        if (!tx || tx->is_confirmed() || !seen.insert(tx->txid()).second) continue;
        const Transaction& raw = tx->tx->tx();
        if (tx->state != TxState::waiting || !ledger.all_inputs_owned(raw)) return;
        size += raw.vsize();
        fees += ledger.debit(raw);
        for (const TxOutput& output : raw.outputs) fees -= output.value;
        for (const TxInput& input : raw.inputs) todo.push_back(input.prevout.txid);
    }
    if (!seen.empty()) out.field("ancestorcount", seen.size()).field("ancestorsize", size).field("ancestorfees", fees);
}

void write_coin(const Wallet& wallet, const Candidate& coin, JsonWriter& out) {
    out.begin_object();
    out.field("txid", coin.outpoint.txid).field("vout", coin.outpoint.index);
    if (const std::string address = wallet.address(coin.script); !address.empty()) {
        out.field("address", address);
        if (const auto* entry = wallet.addresses().find(coin.script)) out.field("label", entry->label);
    }
    const ScriptKeys known = wallet.book().solving_data(coin.script);
    if (is_p2sh(coin.script)) {
        Hash160 hash;
        std::copy_n(coin.script.begin() + 2, hash.size(), hash.begin());
        if (const Bytes* redeem = known.find_script(hash)) out.hex_field("redeemScript", *redeem);
    }
    out.hex_field("scriptPubKey", coin.script).amount_field("amount", coin.value).field("confirmations", coin.depth);
    if (coin.depth == 0) write_ancestry(wallet, coin.outpoint.txid, out);
    out.field("spendable", true).field("solvable", coin.input_weight >= 0);
    if (coin.input_weight >= 0) out.field("desc", infer_descriptor(coin.script, wallet.params(), known));
    write_parent_descriptors(wallet, coin.script, out);
    if (wallet.avoids_reuse()) out.field("reused", wallet.ledger().is_used(coin.script));
    out.field("safe", coin.safe).end_object();
}

RpcMethod listunspent(const RpcContext& context) {
    return wallet_method(
        context, "listunspent", "Lists coins.",
        {arg_num("minconf", http::default_value("1"), "At least so many confirmations"), arg_num("maxconf", http::default_value("9999999"), "And at most so many"),
         arg_arr("addresses", http::default_value("[]"), "Only of these", {arg_str("address", http::optional(), "An address")}),
         arg_bool("include_unsafe", http::default_value("true"), "Unconfirmed ones of others too"),
         {"query_options", http::ArgType::object, http::optional(), "Bounds",
          {{"minimumAmount", http::ArgType::amount, http::default_value("0"), "Worth at least"}, {"maximumAmount", http::ArgType::amount, http::optional(), "And at most"},
           arg_num("maximumCount", http::optional(), "No more than so many"), {"minimumSumAmount", http::ArgType::amount, http::optional(), "Until they are worth so much"},
           arg_bool("include_immature_coinbase", http::default_value("false"), "Too young ones as well")}}},
        {arr("", "", {obj("", "", {hex("txid", ""), num("vout", ""), amount("amount", ""), elided("and others, as Bitcoin Core has them")})})},
        [](Wallet& wallet, const RpcRequest& request, JsonWriter& out) {
            CoinControl control;
            CoinFilter filter;
            control.avoid_reuse = false;
            control.min_depth = static_cast<int>(request.int_or("minconf", 1));
            control.max_depth = static_cast<int>(request.int_or("maxconf", 9'999'999));
            control.include_unsafe = request.bool_or("include_unsafe", true);
            filter.min_amount = 0;
            std::set<Bytes> wanted;
            if (request.has("addresses")) {
                for (const UniValue& one : http::as_array(request.arg("addresses")).getValues()) {
                    if (!wanted.insert(address_script(wallet, one)).second) {
                        throw RpcError{code::kInvalidParameter, "Invalid parameter, duplicated address: " + one.get_str()};
                    }
                }
            }
            if (request.has("query_options")) {
                const UniValue& options = http::as_object(request.arg("query_options"));
                if (const auto& v = http::member(options, "minimumAmount"); !v.isNull()) filter.min_amount = http::as_amount(v);
                if (const auto& v = http::member(options, "maximumAmount"); !v.isNull()) filter.max_amount = http::as_amount(v);
                if (const auto& v = http::member(options, "minimumSumAmount"); !v.isNull()) filter.min_sum = http::as_amount(v);
                if (const auto& v = http::member(options, "maximumCount"); !v.isNull()) filter.max_count = static_cast<std::size_t>(http::as_integer(v, 0, 1'000'000'000));
                if (const auto& v = http::member(options, "include_immature_coinbase"); !v.isNull()) filter.include_immature = http::as_bool(v);
            }
            out.begin_array();
            for (const Candidate& coin : wallet.coins(control, filter)) {
                if (wanted.empty() || wanted.contains(coin.script)) write_coin(wallet, coin, out);
            }
            out.end_array();
        });
}

OutPoint output_of(const UniValue& entry) {
    http::check_object_types(entry, {{"txid", UniValue::VSTR}, {"vout", UniValue::VNUM}}, false, false);
    const auto index = http::as_int<std::int64_t>(http::member(entry, "vout"));
    if (index < 0) throw RpcError{code::kInvalidParameter, "Invalid parameter, vout cannot be negative"};
    return {Txid(http::as_hash(http::member(entry, "txid"), "txid")), static_cast<std::uint32_t>(index)};
}

/// Checks before anything is changed.
void check_lock(const Wallet& wallet, const OutPoint& outpoint, bool unlock, bool persistent) {
    const auto tx = wallet.ledger().find(outpoint.txid);
    if (!tx) throw RpcError{code::kInvalidParameter, "Invalid parameter, unknown transaction"};
    if (outpoint.index >= tx->tx->tx().outputs.size()) throw RpcError{code::kInvalidParameter, "Invalid parameter, vout index out of bounds"};
    if (wallet.ledger().is_spent(outpoint)) throw RpcError{code::kInvalidParameter, "Invalid parameter, expected unspent output"};
    const bool locked = wallet.ledger().is_locked(outpoint);
    if (unlock && !locked) throw RpcError{code::kInvalidParameter, "Invalid parameter, expected locked output"};
    if (!unlock && locked && !persistent) throw RpcError{code::kInvalidParameter, "Invalid parameter, output already locked"};
}

RpcMethod lockunspent(const RpcContext& context) {
    return wallet_method(context, "lockunspent", "Keeps coins from being chosen, or lets them be chosen again.",
                         {arg_bool("unlock", http::required(), "Let them be chosen"),
                          arg_arr("transactions", http::default_value("[]"), "The coins; unlocking none unlocks all",
                                  {{"", http::ArgType::object, http::optional(), "", {arg_hex("txid", http::required(), "The transaction"), arg_num("vout", http::required(), "The output")}}}),
                          arg_bool("persistent", http::default_value("false"), "Also after a restart")},
                         {flag("", "Was it done?")}, [](Wallet& wallet, const RpcRequest& request, JsonWriter& out) {
                             const bool unlock = http::as_bool(request.param(0));
                             const bool persistent = request.bool_or("persistent", false);
                             if (!request.has("transactions")) {
                                 if (unlock) expect(wallet.unlock_all_coins());
                                 out.boolean(true);
                                 return;
                             }
                             std::vector<OutPoint> outpoints;
                             for (const UniValue& entry : http::as_array(request.arg("transactions")).getValues()) {
                                 outpoints.push_back(output_of(http::as_object(entry)));
                                 check_lock(wallet, outpoints.back(), unlock, persistent);
                             }
                             for (const OutPoint& outpoint : outpoints) {
                                 if (unlock) expect(wallet.unlock_coin(outpoint));
                                 else expect(wallet.lock_coin(outpoint, persistent));
                             }
                             out.boolean(true);
                         });
}

RpcMethod listlockunspent(const RpcContext& context) {
    return wallet_method(context, "listlockunspent", "Lists the coins that are kept from being chosen.", {},
                         {arr("", "", {obj("", "", {hex("txid", "The transaction"), num("vout", "The output")})})},
                         [](Wallet& wallet, const RpcRequest&, JsonWriter& out) {
                             out.begin_array();
                             for (const auto& [outpoint, persistent] : wallet.ledger().locks()) {
                                 out.begin_object().field("txid", outpoint.txid).field("vout", outpoint.index).end_object();
                             }
                             out.end_array();
                         });
}

}  // namespace

void add_coin_methods(http::RpcTable& table, const RpcContext& context) {
    for (auto* make : {getbalance, getbalances, listunspent, lockunspent, listlockunspent}) table.add(make(context));
}

}  // namespace cairn::light
