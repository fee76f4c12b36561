// Raw transactions: giving them coins, and what they would do to the balance.
#include <set>

#include "consensus/rules/tx_rules.hpp"
#include "light/rpc/spend_options.hpp"
#include "node/rpc/decode_transaction.hpp"

namespace cairn::light {

using namespace rpc;
using http::member;

namespace {

/// What the caller wrote into the transaction holds: inputs with what they bring, lock time, version.
CoinControl control_for(const Wallet& wallet, const MutableTransaction& tx, const UniValue& options) {
    std::vector<PresetInput> inputs;
    for (const auto& input : tx.inputs) {
        PresetInput one;
        one.outpoint = input.prevout;
        one.sequence = input.sequence;
        one.script_sig = input.script_sig;
        one.witness = input.witness;
        inputs.push_back(std::move(one));
    }
    CoinControl control = control_of(wallet, options, std::move(inputs), tx.outputs.size());
    control.allow_other_inputs = member(options, "add_inputs").isNull() || http::as_bool(member(options, "add_inputs"));
    control.version = static_cast<std::uint32_t>(tx.version);
    control.lock_time = tx.lock_time;
    set_psbt_fee(control, options);
    return control;
}

RpcMethod fundrawtransaction(const RpcContext& context) {
    std::vector<RpcArg> extra = camel_options();
    extra.push_back(arg_arr("input_weights", http::optional(), "Inputs, and what they weigh once signed", {{"", http::ArgType::object, http::optional(), "", {
        arg_hex("txid", http::required(), "The transaction"), arg_num("vout", http::required(), "The output"), arg_num("weight", http::required(), "Of the signed input")}}}));
    return {"fundrawtransaction", "rawtransactions",
            "Gives a transaction inputs for what it pays, and an output for change. What it has stays as it is; nothing is signed.",
            {arg_hex("hexstring", http::required(), "The transaction"), options_arg(std::move(extra)),
             arg_bool("iswitness", http::default_hint("found out"), "It is written with witnesses (true), or without (false)")},
            {obj("", "", {hex("hex", "The transaction"), amount("fee", "What it pays"), num("changepos", "Which output is change; -1: none")})},
            examples("fundrawtransaction", "\"hexstring\""), [&context](const RpcRequest& request, JsonWriter& out) {
                with_wallet(context, request, [&](Wallet& wallet) {
                    const bool given = request.has("iswitness");
                    const auto decoded = node::decode_transaction(http::as_string(request.param(0)), !given || !request.bool_or("iswitness", true),
                                                                  request.bool_or("iswitness", true));
                    if (!decoded) throw RpcError{code::kDeserialization, "TX decode failed"};
                    const MutableTransaction tx(decoded->tx());
                    const UniValue empty(UniValue::VOBJ);
                    const UniValue& options = request.has("options") ? request.arg("options") : empty;
                    refuse_unknown_names(options);
                    std::vector<Recipient> to;
                    for (const auto& output : tx.outputs) to.push_back({output.script_pubkey, output.value, false});
                    mark_fee_payers(to, wallet, member(options, "subtractFeeFromOutputs"));
                    const CoinControl control = control_for(wallet, tx, options);
                    const CreatedTransaction made = fund(wallet, to, control);
                    lock_spent(wallet, options, made);
                    out.begin_object().field("hex", hex_of(made.tx)).amount_field("fee", made.fee);
                    out.field("changepos", made.change_position ? static_cast<int>(*made.change_position) : -1).end_object();
                });
            }};
}

/// The balance after these transactions less that before.
Amount change_of_balance(const Wallet& wallet, const UniValue& list) {
    Amount change = 0;
    std::map<OutPoint, Amount> made;
    std::set<OutPoint> spent;
    for (const UniValue& text : http::as_array(list).getValues()) {
        const TransactionPtr decoded = node::decode_transaction(http::as_string(text), true, true);
        if (!decoded) throw RpcError{code::kDeserialization, "Transaction hex string decoding failure."};
        if (const auto sound = rules::check_transaction(decoded->tx()); !sound) throw RpcError{code::kVerifyRejected, std::string(cairn::to_string(sound.error()))};
        for (const TxInput& input : decoded->tx().inputs) {
            if (!spent.insert(input.prevout).second) throw RpcError{code::kInvalidParameter, "Transaction(s) are spending the same output more than once"};
            if (const auto found = made.find(input.prevout); found != made.end()) {
                change -= found->second;
                continue;
            }
            // Coins of others are not known here; those of the wallet are.
            const OwnedOutput* own = wallet.ledger().owned(input.prevout);
            if (!own) continue;
            if (wallet.ledger().is_spent(input.prevout)) throw RpcError{code::kInvalidParameter, "One or more transaction inputs are missing or have been spent already"};
            change -= own->value;
        }
        const Transaction& tx = decoded->tx();
        for (std::size_t i = 0; i < tx.outputs.size(); ++i) {
            const Amount value = wallet.book().owns(tx.outputs[i].script_pubkey) ? tx.outputs[i].value : 0;
            made[{tx.txid, static_cast<std::uint32_t>(i)}] = value;
            change += value;
        }
    }
    return change;
}

RpcMethod simulaterawtransaction(const RpcContext& context) {
    return wallet_method(context, "simulaterawtransaction", "Tells what transactions would do to the balance.",
                         {arg_arr("rawtxs", http::optional(), "The transactions, parents first", {arg_hex("rawtx", http::optional(), "A transaction")}),
                          {"options", http::ArgType::named_options, http::optional(), "", {arg_bool("include_watchonly", http::default_value("false"), "Without effect")}, false,
                           false, false, "options"}},
                         {obj("", "", {amount("balance_change", "Negative: it gets less")})}, [](Wallet& wallet, const RpcRequest& request, JsonWriter& out) {
                             out.begin_object().amount_field("balance_change", change_of_balance(wallet, request.param(0))).end_object();
                         });
}

}  // namespace

void add_fund_methods(http::RpcTable& table, const RpcContext& context) {
    for (auto* make : {fundrawtransaction, simulaterawtransaction}) table.add(make(context));
}

}  // namespace cairn::light
