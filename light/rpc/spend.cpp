// Paying.
#include <set>

#include "consensus/base/hex.hpp"
#include "light/rpc/support.hpp"
#include "node/rpc/psbt_text.hpp"

namespace cairn::light {

using namespace rpc;
using http::member;

namespace {

std::vector<RpcArg> fee_args() {
    return {arg_num("conf_target", http::default_hint("the wallet's"), "Blocks until it is confirmed"),
            arg_str("estimate_mode", http::default_value("\"unset\""), "unset, economical or conservative"),
            {"fee_rate", http::ArgType::amount, http::default_hint("estimated"), "Satoshis per virtual byte"}};
}

void mark_fee_payers(std::vector<Recipient>& all, const Wallet& wallet, const UniValue& which) {
    if (which.isNull()) return;
    std::set<std::size_t> marked;
    const auto refuse = [](const std::string& why) { throw RpcError{code::kInvalidParameter, "Invalid parameter 'subtract fee from output', " + why}; };
    for (const UniValue& one : http::as_array(which).getValues()) {
        std::int64_t position = -1;
        if (one.isStr()) {
            const auto script = recipient_script(one.get_str(), wallet.params());
            for (std::size_t i = 0; script && i < all.size(); ++i) {
                if (all[i].script == *script) position = static_cast<std::int64_t>(i);
            }
            if (position < 0) refuse("destination " + one.get_str() + " not found in tx outputs");
        } else if (one.isNum()) {
            position = http::as_int<int>(one);
        } else {
            refuse(std::string("invalid value type: ") + http::type_name(one.type()));
        }
        if (position < 0) refuse("negative position: " + std::to_string(position));
        if (static_cast<std::size_t>(position) >= all.size()) refuse("position too large: " + std::to_string(position));
        if (!marked.insert(static_cast<std::size_t>(position)).second) refuse("duplicated position: " + std::to_string(position));
        all[static_cast<std::size_t>(position)].subtract_fee = true;
    }
}

/// Creates, signs and records. The transaction is to be sent out.
CreatedTransaction make_signed(Wallet& wallet, std::span<const Recipient> to, const CoinControl& control) {
    ensure_unlocked(wallet);
    if (!wallet.has_private_keys()) throw RpcError{code::kWallet, "Error: Private keys are disabled for this wallet"};
    CreatedTransaction made = expect(wallet.create_transaction(to, control));
    if (!expect(wallet.sign(made)).empty()) throw RpcError{code::kWallet, "Signing transaction failed"};
    return made;
}

/// Creates. Where a caller may choose coins, too little money is an error of the wallet.
CreatedTransaction fund(Wallet& wallet, std::span<const Recipient> to, const CoinControl& control) {
    auto made = wallet.create_transaction(to, control);
    if (!made && made.error().kind == WalletErrorKind::insufficient_funds) throw RpcError{code::kWallet, made.error().message};
    return expect(std::move(made));
}

/// The two older methods answer alike.
RpcMethod paying_method(const RpcContext& context, std::string name, std::string words, std::vector<RpcArg> args,
                        std::function<std::vector<Recipient>(Wallet&, const RpcRequest&)> read) {
    std::string shown = examples(name);
    return {std::move(name), "wallet", std::move(words), std::move(args), {http::when("if verbose is not set", hex("txid", "The transaction")),
            http::when("if verbose is set", obj("", "", {hex("txid", "The transaction"), str("fee_reason", "Where its fee rate came from")}))}, std::move(shown),
            [&context, read = std::move(read)](const RpcRequest& request, JsonWriter& out) {
                TransactionPtr tx;
                FeeReason reason{};
                with_wallet(context, request, [&](Wallet& wallet) {
                    CoinControl control;
                    if (request.has("replaceable")) control.signal_rbf = request.bool_or("replaceable", true);
                    set_fee(control, request.arg("fee_rate"), request.arg("conf_target"), request.arg("estimate_mode"));
                    std::map<std::string, std::string> notes;
                    if (!request.string_or("comment", "").empty()) notes["comment"] = request.string_or("comment", "");
                    if (request.method == "sendtoaddress") {
                        control.avoid_reuse = request.bool_or("avoid_reuse", wallet.avoids_reuse());
                        if (!request.string_or("comment_to", "").empty()) notes["to"] = request.string_or("comment_to", "");
                    }
                    const CreatedTransaction made = make_signed(wallet, read(wallet, request), control);
                    reason = made.fee_choice.reason;
                    tx = commit(wallet, made.tx, std::move(notes));
                });
                send_out(context, tx);
                if (!request.bool_or("verbose", false)) {
                    out.hash(tx->tx().txid);
                    return;
                }
                out.begin_object().field("txid", tx->tx().txid).field("fee_reason", to_string(reason)).end_object();
            }};
}

RpcMethod sendtoaddress(const RpcContext& context) {
    std::vector<RpcArg> args = {arg_str("address", http::required(), "Where to"),
                                {"amount", http::ArgType::amount, http::required(), "Bitcoins"},
                                arg_str("comment", http::optional(), "What for; only for the wallet"),
                                arg_str("comment_to", http::optional(), "Who to; only for the wallet"),
                                arg_bool("subtractfeefromamount", http::default_value("false"), "The recipient bears the fee"),
                                arg_bool("replaceable", http::default_hint("the wallet's"), "May be replaced")};
    const auto fees = fee_args();
    args.insert(args.end(), fees.begin(), fees.begin() + 2);
    args.push_back(arg_bool("avoid_reuse", http::default_value("true"), "Without coins of reused addresses"));
    args.push_back(fees[2]);
    args.push_back(arg_bool("verbose", http::default_value("false"), "Tell where the fee rate came from"));
    return paying_method(context, "sendtoaddress", "Pays to an address.", std::move(args), [](Wallet& wallet, const RpcRequest& request) {
        Recipient one{address_script(wallet, request.arg("address"), "Invalid Bitcoin address: "), http::as_amount(request.arg("amount")),
                      request.bool_or("subtractfeefromamount", false)};
        return std::vector<Recipient>{std::move(one)};
    });
}

RpcMethod sendmany(const RpcContext& context) {
    std::vector<RpcArg> args = {http::with_oneline(arg_str("dummy", http::default_value("\"\""), "Nothing"), "\"\""),
                                {"amounts", http::ArgType::user_keys, http::required(), "Where to and how much", {{"address", http::ArgType::amount, http::required(), "Bitcoins"}}},
                                arg_num("minconf", http::optional(), "Without effect"),
                                arg_str("comment", http::optional(), "What for; only for the wallet"),
                                arg_arr("subtractfeefrom", http::optional(), "Who bears the fee", {arg_str("address", http::optional(), "An address")}),
                                arg_bool("replaceable", http::default_hint("the wallet's"), "May be replaced")};
    for (RpcArg& arg : fee_args()) args.push_back(std::move(arg));
    args.push_back(arg_bool("verbose", http::default_value("false"), "Tell where the fee rate came from"));
    return paying_method(context, "sendmany", "Pays to several addresses at once.", std::move(args), [](Wallet& wallet, const RpcRequest& request) {
        if (!request.string_or("dummy", "").empty()) throw RpcError{code::kInvalidParameter, "Dummy value must be set to \"\""};
        auto all = recipients(wallet, http::as_object(request.arg("amounts")));
        mark_fee_payers(all, wallet, request.arg("subtractfeefrom"));
        return all;
    });
}

/// A transaction that was made, as send and sendall answer. Commits it when it is complete and the options want it.
TransactionPtr finish(Wallet& wallet, const CreatedTransaction& made, const UniValue& options, JsonWriter& out) {
    Psbt psbt = expect(wallet.make_psbt(made, 0));
    if (wallet.has_private_keys() && !wallet.is_locked()) (void)expect(wallet.fill_psbt(psbt, {}));
    Psbt final_form = psbt;
    const auto tx = finalize_psbt(final_form) ? extract_transaction(final_form) : std::nullopt;
    const bool wants_psbt = !member(options, "psbt").isNull() && http::as_bool(member(options, "psbt"));
    const bool add = member(options, "add_to_wallet").isNull() || http::as_bool(member(options, "add_to_wallet"));
    if (!member(options, "lock_unspents").isNull() && http::as_bool(member(options, "lock_unspents"))) {
        for (const auto& input : made.tx.inputs) expect(wallet.lock_coin(input.prevout, false));
    }
    TransactionPtr committed;
    out.begin_object();
    if (wants_psbt || !tx || !add) out.field("psbt", node::psbt_text(psbt));
    if (tx) {
        out.field("txid", tx->finish()->tx().txid);
        if (add && !wants_psbt) committed = commit(wallet, *tx);
        else out.field("hex", hex_of(*tx));
    }
    out.field("complete", tx.has_value()).end_object();
    return committed;
}

/// Fees may stand in the options as well as among the arguments, not in both.
const UniValue& once(const RpcRequest& request, const UniValue& options, const char* name) {
    if (request.has(name) && !member(options, name).isNull()) {
        throw RpcError{code::kInvalidParameter, std::string("Pass ") + name + " either as an argument or in the options object, but not both"};
    }
    return request.has(name) ? request.arg(name) : member(options, name);
}

std::vector<PresetInput> preset_inputs(const UniValue& inputs) {
    std::vector<PresetInput> all;
    if (inputs.isNull()) return all;
    for (const UniValue& input : http::as_array(inputs).getValues()) {
        PresetInput one;
        one.outpoint.txid = Txid(http::as_hash(member(input, "txid"), "txid"));
        const UniValue& index = member(input, "vout");
        if (!index.isNum()) throw RpcError{code::kInvalidParameter, "Invalid parameter, missing vout key"};
        const int number = http::as_int<int>(index);
        if (number < 0) throw RpcError{code::kInvalidParameter, "Invalid parameter, vout cannot be negative"};
        one.outpoint.index = static_cast<std::uint32_t>(number);
        if (const UniValue& sequence = member(input, "sequence"); !sequence.isNull()) {
            one.sequence = static_cast<std::uint32_t>(http::as_integer(sequence, 0, 0xffffffff));
        }
        if (const UniValue& weight = member(input, "weight"); !weight.isNull()) one.weight = http::as_integer(weight, 165, kMaxStandardWeight);
        all.push_back(std::move(one));
    }
    return all;
}

/// What the options of send, sendall and walletcreatefundedpsbt have in common.
CoinControl control_of(const Wallet& wallet, const UniValue& options, const UniValue& inputs) {
    CoinControl control;
    control.inputs = preset_inputs(inputs);
    control.allow_other_inputs = control.inputs.empty();
    const auto take_bool = [&](const char* name, auto&& into) {
        if (const UniValue& value = member(options, name); !value.isNull()) into(http::as_bool(value));
    };
    const auto take_int = [&](const char* name, std::int64_t low, std::int64_t high, auto&& into) {
        if (const UniValue& value = member(options, name); !value.isNull()) into(http::as_integer(value, low, high));
    };
    take_bool("add_inputs", [&](bool v) { control.allow_other_inputs = v; });
    take_bool("include_unsafe", [&](bool v) { control.include_unsafe = v; });
    take_bool("replaceable", [&](bool v) { control.signal_rbf = v; });
    take_int("minconf", 0, 9'999'999, [&](std::int64_t v) { control.min_depth = static_cast<int>(v); });
    take_int("maxconf", 0, 9'999'999, [&](std::int64_t v) { control.max_depth = static_cast<int>(v); });
    take_int("locktime", 0, 0xffffffff, [&](std::int64_t v) { control.lock_time = static_cast<std::uint32_t>(v); });
    take_int("max_tx_weight", 1, kMaxStandardWeight, [&](std::int64_t v) { control.max_weight = v; });
    for (const char* name : {"change_position", "changePosition"}) {
        take_int(name, 0, 1'000'000, [&](std::int64_t v) { control.change_position = static_cast<std::size_t>(v); });
    }
    for (const char* name : {"change_address", "changeAddress"}) {
        if (const UniValue& value = member(options, name); !value.isNull()) {
            const auto script = recipient_script(http::as_string(value), wallet.params());
            if (!script) throw RpcError{code::kInvalidAddressOrKey, "Change address must be a valid bitcoin address"};
            control.change_script = *script;
        }
    }
    if (const UniValue& value = member(options, "change_type"); !value.isNull()) {
        if (control.change_script) throw RpcError{code::kInvalidParameter, "Cannot specify both change address and address type options"};
        control.change_type = address_type(value);
    }
    return control;
}

RpcArg options_arg(std::vector<RpcArg> extra) {
    std::vector<RpcArg> inner = {
        arg_bool("add_inputs", http::default_hint("false when inputs are given"), "Choose further coins"),
        arg_bool("include_unsafe", http::default_value("false"), "Unconfirmed coins of others too"),
        arg_num("minconf", http::default_value("0"), "Coins of at least so many confirmations"),
        arg_num("maxconf", http::optional(), "And at most so many"),
        arg_bool("add_to_wallet", http::default_value("true"), "Send it; otherwise it is only shown"),
        arg_str("change_address", http::default_hint("a new one"), "Where change goes"),
        arg_num("change_position", http::default_hint("random"), "Which output change is"),
        arg_str("change_type", http::default_hint("like what is paid to"), "The kind of a new change address"),
        arg_arr("inputs", http::default_value("[]"), "Coins that must be spent", {{"", http::ArgType::object, http::optional(), "", {
            arg_hex("txid", http::required(), "The transaction"), arg_num("vout", http::required(), "The output"),
            arg_num("sequence", http::optional(), "The sequence number"), arg_num("weight", http::optional(), "Of the signed input")}}}),
        arg_num("locktime", http::default_hint("near the tip"), "The lock time"),
        arg_bool("lock_unspents", http::default_value("false"), "Keep its coins from being chosen again"),
        arg_bool("psbt", http::default_hint("when it is not complete"), "Answer with a PSBT and do not send"),
        arg_num("max_tx_weight", http::default_value("400000"), "The most it may weigh"),
        arg_bool("replaceable", http::default_hint("the wallet's"), "May be replaced"),
        arg_bool("include_watching", http::default_value("false"), "Without effect"),
    };
    for (RpcArg& arg : fee_args()) {
        arg.also_positional = true;
        inner.push_back(std::move(arg));
    }
    for (RpcArg& arg : extra) inner.push_back(std::move(arg));
    return {"options", http::ArgType::named_options, http::optional(), "", std::move(inner), false, false, false, "options"};
}

Results finished_result() {
    return {obj("", "", {flag("complete", "Are all signatures there?"), http::maybe(hex("txid", "The transaction")), http::maybe(hex("hex", "It, when it was not sent")),
                         http::maybe(str("psbt", "It as a PSBT, when it is not complete or one was wanted"))})};
}

RpcMethod make_send(const RpcContext& context) {
    std::vector<RpcArg> args = {http::no_type_check(arg_arr("outputs", http::required(), "Where to and how much", {
        {"", http::ArgType::user_keys, http::optional(), "", {{"address", http::ArgType::amount, http::required(), "Bitcoins"}}},
        {"", http::ArgType::object, http::optional(), "", {arg_hex("data", http::required(), "Bytes for an output that pays nothing")}}}))};
    for (RpcArg& arg : fee_args()) args.push_back(std::move(arg));
    args.push_back(options_arg({arg_arr("subtract_fee_from_outputs", http::default_value("[]"), "Outputs that bear the fee", {arg_num("vout_index", http::optional(), "Which")})}));
    args.push_back(arg_num("version", http::default_value("2"), "The transaction's version"));
    return {"send", "wallet", "Makes and sends a transaction.", std::move(args), finished_result(), examples("send", "'{\"" "address" "\": 0.1}'"),
            [&context](const RpcRequest& request, JsonWriter& out) {
                TransactionPtr tx;
                with_wallet(context, request, [&](Wallet& wallet) {
                    const UniValue empty(UniValue::VOBJ);
                    const UniValue& options = request.has("options") ? request.arg("options") : empty;
                    CoinControl control = control_of(wallet, options, member(options, "inputs"));
                    control.version = static_cast<std::uint32_t>(request.int_or("version", 2));
                    set_fee(control, once(request, options, "fee_rate"), once(request, options, "conf_target"), once(request, options, "estimate_mode"));
                    auto to = recipients(wallet, request.arg("outputs"));
                    mark_fee_payers(to, wallet, member(options, "subtract_fee_from_outputs"));
                    tx = finish(wallet, fund(wallet, to, control), options, out);
                });
                if (tx) send_out(context, tx);
            }};
}

RpcMethod make_sendall(const RpcContext& context) {
    std::vector<RpcArg> args = {arg_arr("recipients", http::required(), "Where to; those without an amount share what is left",
                                        {arg_str("address", http::required(), "An address"),
                                         {"", http::ArgType::user_keys, http::optional(), "", {{"address", http::ArgType::amount, http::required(), "Bitcoins"}}}})};
    for (RpcArg& arg : fee_args()) args.push_back(std::move(arg));
    args.push_back(options_arg({arg_bool("send_max", http::default_value("false"), "Leave coins that cost more than they are worth")}));
    return {"sendall", "wallet", "Sends all there is, or all of some coins, without change.", std::move(args), finished_result(), examples("sendall", "'[\"address\"]'"),
            [&context](const RpcRequest& request, JsonWriter& out) {
                TransactionPtr tx;
                with_wallet(context, request, [&](Wallet& wallet) {
                    const UniValue empty(UniValue::VOBJ);
                    const UniValue& options = request.has("options") ? request.arg("options") : empty;
                    CoinControl control = control_of(wallet, options, member(options, "inputs"));
                    set_fee(control, once(request, options, "fee_rate"), once(request, options, "conf_target"), once(request, options, "estimate_mode"));
                    const bool send_max = !member(options, "send_max").isNull() && http::as_bool(member(options, "send_max"));
                    if (send_max && !control.inputs.empty()) throw RpcError{code::kInvalidParameter, "Cannot combine send_max with specific inputs."};
                    UniValue fixed(UniValue::VARR);
                    std::vector<Bytes> rest;
                    for (const UniValue& one : http::as_array(request.arg("recipients")).getValues()) {
                        if (one.isObject()) fixed.push_back(one);
                        else rest.push_back(address_script(wallet, one));
                    }
                    if (rest.empty()) {
                        throw RpcError{code::kInvalidParameter, "Must provide at least one address without a specified amount"};
                    }
                    tx = finish(wallet, expect(wallet.sweep(recipients(wallet, fixed), rest, control, send_max)), options, out);
                });
                if (tx) send_out(context, tx);
            }};
}

RpcMethod bump_method(const RpcContext& context, bool as_psbt) {
    std::vector<RpcArg> inner = fee_args();
    inner.push_back(arg_bool("replaceable", http::default_value("true"), "The new one may be replaced"));
    inner.push_back(arg_num("original_change_index", http::default_hint("found out"), "Which output was change"));
    const std::string name = as_psbt ? "psbtbumpfee" : "bumpfee";
    return {name, "wallet", as_psbt ? "Makes a PSBT that replaces an own transaction by one with a higher fee." : "Replaces an own transaction by one with a higher fee.",
            {arg_hex("txid", http::required(), "The transaction"), {"options", http::ArgType::named_options, http::optional(), "", std::move(inner), false, false, false, "options"}},
            {obj("", "", {as_psbt ? str("psbt", "The new one") : hex("txid", "The new one"), amount("origfee", "What was paid"), amount("fee", "What is paid"),
                          arr("errors", "", {str("", "")})})},
            examples(name, "\"txid\""), [&context, as_psbt](const RpcRequest& request, JsonWriter& out) {
                TransactionPtr tx;
                with_wallet(context, request, [&](Wallet& wallet) {
                    if (!wallet.has_private_keys() && !as_psbt) {
                        throw RpcError{code::kWallet, "bumpfee is not available with wallets that have private keys disabled. Use psbtbumpfee instead."};
                    }
                    const UniValue empty(UniValue::VOBJ);
                    const UniValue& options = request.has("options") ? request.arg("options") : empty;
                    CoinControl control;
                    control.signal_rbf = member(options, "replaceable").isNull() || http::as_bool(member(options, "replaceable"));
                    set_fee(control, member(options, "fee_rate"), member(options, "conf_target"), member(options, "estimate_mode"));
                    Spender::BumpOptions bump;
                    bump.require_owned = !as_psbt;
                    if (const UniValue& index = member(options, "original_change_index"); !index.isNull()) {
                        bump.change_position = static_cast<std::size_t>(http::as_integer(index, 0, 1'000'000));
                    }
                    if (!as_psbt) ensure_unlocked(wallet);
                    const Txid old(http::as_hash(request.param(0), "txid"));
                    Spender::Bumped bumped = expect(wallet.bump(old, control, bump));
                    out.begin_object();
                    if (as_psbt) {
                        out.field("psbt", node::psbt_text(expect(wallet.make_psbt(bumped.made, 0))));
                    } else {
                        if (!expect(wallet.sign(bumped.made)).empty()) throw RpcError{code::kWallet, "Can't sign transaction."};
                        tx = commit(wallet, bumped.made.tx, {}, old);
                        out.field("txid", tx->tx().txid);
                    }
                    out.amount_field("origfee", bumped.old_fee).amount_field("fee", bumped.made.fee);
                    out.key("errors").begin_array().end_array().end_object();
                });
                if (tx) send_out(context, tx);
            }};
}

RpcMethod walletcreatefundedpsbt(const RpcContext& context) {
    return wallet_method(
        context, "walletcreatefundedpsbt", "Makes a PSBT that pays, with coins of the wallet.",
        {arg_arr("inputs", http::optional(), "Coins that must be spent", {{"", http::ArgType::object, http::optional(), "", {
             arg_hex("txid", http::required(), "The transaction"), arg_num("vout", http::required(), "The output"),
             arg_num("sequence", http::optional(), "The sequence number"), arg_num("weight", http::optional(), "Of the signed input")}}}),
         http::no_type_check(arg_arr("outputs", http::required(), "Where to and how much", {
             {"", http::ArgType::user_keys, http::optional(), "", {{"address", http::ArgType::amount, http::required(), "Bitcoins"}}}})),
         arg_num("locktime", http::default_value("0"), "The lock time"),
         options_arg({arg_str("changeAddress", http::optional(), "Where change goes"), arg_num("changePosition", http::optional(), "Which output change is"),
                      arg_bool("lockUnspents", http::default_value("false"), "Keep its coins from being chosen again"),
                      {"feeRate", http::ArgType::amount, http::optional(), "Bitcoins per 1000 virtual bytes"},
                      arg_arr("subtractFeeFromOutputs", http::default_value("[]"), "Outputs that bear the fee", {arg_num("vout_index", http::optional(), "Which")})}),
         arg_bool("bip32derivs", http::default_value("true"), "Say where keys come from"), arg_num("version", http::default_value("2"), "The transaction's version"),
         arg_num("psbt_version", http::default_value("2"), "The PSBT's version")},
        {obj("", "", {str("psbt", "The PSBT"), amount("fee", "What it pays"), num("changepos", "Which output is change; -1: none")})},
        [](Wallet& wallet, const RpcRequest& request, JsonWriter& out) {
            const UniValue empty(UniValue::VOBJ);
            const UniValue& options = request.has("options") ? request.arg("options") : empty;
            CoinControl control = control_of(wallet, options, request.arg("inputs"));
            control.version = static_cast<std::uint32_t>(request.int_or("version", 2));
            if (request.has("locktime")) control.lock_time = static_cast<std::uint32_t>(http::as_integer(request.arg("locktime"), 0, 0xffffffff));
            set_fee(control, member(options, "fee_rate"), member(options, "conf_target"), member(options, "estimate_mode"));
            if (const UniValue& rate = member(options, "feeRate"); !rate.isNull()) {
                if (control.fee_rate) throw RpcError{code::kInvalidParameter, "Cannot specify both fee_rate (sat/vB) and feeRate (BTC/kvB)"};
                control.fee_rate = FeeRate{http::as_amount(rate)};
            }
            auto to = recipients(wallet, request.arg("outputs"));
            mark_fee_payers(to, wallet, member(options, "subtractFeeFromOutputs"));
            const CreatedTransaction made = fund(wallet, to, control);
            const auto version = static_cast<std::uint32_t>(request.int_or("psbt_version", 2));
            if (version != 0 && version != 2) throw RpcError{code::kInvalidParameter, "The PSBT version can only be 2 or 0"};
            if (!member(options, "lockUnspents").isNull() && http::as_bool(member(options, "lockUnspents"))) {
                for (const auto& input : made.tx.inputs) expect(wallet.lock_coin(input.prevout, false));
            }
            out.begin_object().field("psbt", node::psbt_text(expect(wallet.make_psbt(made, version, request.bool_or("bip32derivs", true)))));
            out.amount_field("fee", made.fee).field("changepos", made.change_position ? static_cast<int>(*made.change_position) : -1).end_object();
        });
}

RpcMethod walletprocesspsbt(const RpcContext& context) {
    return wallet_method(context, "walletprocesspsbt", "Adds to a PSBT what the wallet knows, and signs it.",
                         {arg_str("psbt", http::required(), "The PSBT"), arg_bool("sign", http::default_value("true"), "Sign it"),
                          arg_str("sighashtype", http::default_value("\"DEFAULT for Taproot, ALL otherwise\""), "What signatures cover"),
                          arg_bool("bip32derivs", http::default_value("true"), "Say where keys come from"), arg_bool("finalize", http::default_value("true"), "Finish inputs that are complete")},
                         {obj("", "", {str("psbt", "The PSBT"), flag("complete", "Are all signatures there?"), http::maybe(hex("hex", "The transaction, when it is complete"))})},
                         [](Wallet& wallet, const RpcRequest& request, JsonWriter& out) {
                             Psbt psbt = node::read_psbt(request.param(0));
                             Wallet::PsbtOptions options;
                             options.sign = request.bool_or("sign", true);
                             options.hash_type = node::read_hash_type(request.arg("sighashtype"));
                             options.origins = request.bool_or("bip32derivs", true);
                             options.finalize = request.bool_or("finalize", true);
                             if (options.sign && wallet.has_private_keys()) ensure_unlocked(wallet);
                             const PsbtStatus status = expect(wallet.fill_psbt(psbt, options));
                             if (status == PsbtStatus::sighash_mismatch) throw RpcError{code::kDeserialization, std::string(to_string(status))};
                             Psbt final_form = psbt;
                             const auto tx = status == PsbtStatus::complete && finalize_psbt(final_form) ? extract_transaction(final_form) : std::nullopt;
                             out.begin_object().field("psbt", node::psbt_text(psbt)).field("complete", status == PsbtStatus::complete);
                             if (tx) out.field("hex", hex_of(*tx));
                             out.end_object();
                         });
}

std::map<OutPoint, MutableTransaction::Output> previous_outputs(const UniValue& list) {
    std::map<OutPoint, MutableTransaction::Output> known;
    if (list.isNull()) return known;
    for (const UniValue& one : http::as_array(list).getValues()) {
        http::check_object_types(http::as_object(one), {{"txid", UniValue::VSTR}, {"vout", UniValue::VNUM}, {"scriptPubKey", UniValue::VSTR}}, false, false);
        const int index = http::as_int<int>(member(one, "vout"));
        if (index < 0) throw RpcError{code::kDeserialization, "vout cannot be negative"};
        MutableTransaction::Output output{kUnknownAmount, http::as_hex_bytes(member(one, "scriptPubKey"), "scriptPubKey")};
        if (const UniValue& value = member(one, "amount"); !value.isNull()) output.value = http::as_amount(value);
        known[{Txid(http::as_hash(member(one, "txid"), "txid")), static_cast<std::uint32_t>(index)}] = std::move(output);
    }
    return known;
}

RpcMethod signrawtransactionwithwallet(const RpcContext& context) {
    return wallet_method(
        context, "signrawtransactionwithwallet", "Signs what the wallet can sign of a transaction.",
        {arg_hex("hexstring", http::required(), "The transaction"),
         arg_arr("prevtxs", http::optional(), "Outputs that are not the wallet's", {{"", http::ArgType::object, http::optional(), "", {
             arg_hex("txid", http::required(), "The transaction"), arg_num("vout", http::required(), "The output"), arg_hex("scriptPubKey", http::required(), "Its script"),
             {"amount", http::ArgType::amount, http::optional(), "Its value"}}}}),
         arg_str("sighashtype", http::default_value("\"DEFAULT for Taproot, ALL otherwise\""), "What signatures cover")},
        {obj("", "", {hex("hex", "The transaction"), flag("complete", "Are all signatures there?"), http::maybe(arr("errors", "", {elided("What inputs lack")}))})},
        [](Wallet& wallet, const RpcRequest& request, JsonWriter& out) {
            auto raw = from_hex(http::as_string(request.param(0)));
            TransactionPtr parsed;
            if (raw) {
                if (auto done = TransactionHolder::parse(std::move(*raw))) parsed = *done;
            }
            if (!parsed) throw RpcError{code::kDeserialization, "TX decode failed. Make sure the tx has at least one input."};
            ensure_unlocked(wallet);
            MutableTransaction tx(parsed->tx());
            const auto errors = expect(wallet.sign(tx, previous_outputs(request.arg("prevtxs")), node::read_hash_type(request.arg("sighashtype")).value_or(kSighashDefault)));
            out.begin_object().field("hex", hex_of(tx)).field("complete", errors.empty());
            if (!errors.empty()) {
                out.key("errors").begin_array();
                for (const InputError& error : errors) {
                    const auto& input = tx.inputs[error.input];
                    out.begin_object().field("txid", input.prevout.txid).field("vout", input.prevout.index).key("witness").begin_array();
                    for (const Bytes& item : input.witness) out.hex(item);
                    out.end_array().hex_field("scriptSig", input.script_sig).field("sequence", input.sequence).field("error", error.message).end_object();
                }
                out.end_array();
            }
            out.end_object();
        });
}

}  // namespace

void add_spend_methods(http::RpcTable& table, const RpcContext& context) {
    for (auto* make : {sendtoaddress, sendmany, make_send, make_sendall, walletcreatefundedpsbt, walletprocesspsbt, signrawtransactionwithwallet}) table.add(make(context));
    table.add(bump_method(context, false));
    table.add(bump_method(context, true));
}

}  // namespace cairn::light
