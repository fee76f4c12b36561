// Paying.
#include <algorithm>
#include <set>

#include "consensus/base/hex.hpp"
#include "light/rpc/spend_options.hpp"
#include "node/rpc/psbt_text.hpp"

namespace cairn::light {

using namespace rpc;
using http::member;

namespace {

/// Others could still change the inputs, and a PSBT has no place for what they would have to know.
[[noreturn]] void refuse_silent_psbt() {
    throw RpcError{code::kInvalidParameter, "Silent payments are not made by PSBT: whoever changed an input would destroy them. Use send, sendtoaddress, sendmany, "
                                            "sendall or bumpfee"};
}

/// Creates, signs and records. The transaction is to be sent out.
CreatedTransaction make_signed(Wallet& wallet, std::span<const Recipient> to, const CoinControl& control) {
    ensure_unlocked(wallet);
    if (!wallet.has_private_keys()) throw RpcError{code::kWallet, "Error: Private keys are disabled for this wallet"};
    auto created = wallet.create_transaction(to, control);
    // These two methods say so whatever the reason.
    if (!created && created.error().kind != WalletErrorKind::locked) throw RpcError{code::kInsufficientFunds, created.error().message};
    CreatedTransaction made = expect(std::move(created));
    if (!expect(wallet.sign(made)).empty()) throw RpcError{code::kWallet, "Signing transaction failed"};
    return made;
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
                        if (control.avoid_reuse && !wallet.avoids_reuse()) {
                            throw RpcError{code::kWallet, "wallet does not have the \"avoid reuse\" feature enabled"};
                        }
                        // An address that is spent from must not be left with coins that can be spent no more.
                        control.avoid_partial_spends = control.avoid_reuse;
                        if (!request.string_or("comment_to", "").empty()) notes["to"] = request.string_or("comment_to", "");
                    }
                    const CreatedTransaction made = make_signed(wallet, read(wallet, request), control);
                    reason = made.fee_choice.reason;
                    tx = commit(wallet, made.tx, std::move(notes), {}, &made.silent);
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
        Recipient one = recipient(wallet, request.arg("address"), http::as_amount(request.arg("amount")));
        one.subtract_fee = request.bool_or("subtractfeefromamount", false);
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
    const bool wants_psbt = !member(options, "psbt").isNull() && http::as_bool(member(options, "psbt"));
    if (wants_psbt && !made.silent.empty()) refuse_silent_psbt();
    Psbt psbt = expect(wallet.make_psbt(made, 0));
    if (wallet.has_private_keys() && !wallet.is_locked()) (void)expect(wallet.fill_psbt(psbt, {}));
    Psbt final_form = psbt;
    const auto tx = finalize_psbt(final_form) ? extract_transaction(final_form) : std::nullopt;
    const bool add = member(options, "add_to_wallet").isNull() || http::as_bool(member(options, "add_to_wallet"));
    lock_spent(wallet, options, made);
    TransactionPtr committed;
    out.begin_object();
    if (wants_psbt || !tx || !add) out.field("psbt", node::psbt_text(psbt));
    if (tx) {
        out.field("txid", tx->finish()->tx().txid);
        if (add && !wants_psbt) committed = commit(wallet, *tx, {}, {}, &made.silent);
        else out.field("hex", hex_of(*tx));
        if (!committed) expect(wallet.remember_silent(tx->finish()->tx().txid, made.silent));
    }
    if (!made.silent.empty()) {
        out.key("silent_payments").begin_array();
        for (const auto& [index, address] : made.silent) {
            out.begin_object().field("vout", index).field("address", address.to_string(wallet.params())).end_object();
        }
        out.end_array();
    }
    out.field("complete", tx.has_value()).end_object();
    return committed;
}

Results finished_result() {
    return {obj("", "", {flag("complete", "Are all signatures there?"), http::maybe(hex("txid", "The transaction")), http::maybe(hex("hex", "It, when it was not sent")),
                         http::maybe(str("psbt", "It as a PSBT, when it is not complete or one was wanted")),
                         http::maybe(arr("silent_payments", "Outputs that are silent payments", {obj("", "", {num("vout", "The output"), str("address", "Who it pays")})}))})};
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
                    refuse_old_names(options);
                    refuse_unknown_names(options);
                    auto to = recipients(wallet, request.arg("outputs"));
                    CoinControl control = control_of(wallet, options, preset_inputs(member(options, "inputs")), to.size());
                    control.version = static_cast<std::uint32_t>(request.int_or("version", 2));
                    set_fee_once(control, request, options);
                    mark_fee_payers(to, wallet, member(options, "subtract_fee_from_outputs"));
                    tx = finish(wallet, fund(wallet, to, control), options, out);
                });
                if (tx) send_out(context, tx);
            }};
}

void check_own(const Wallet& wallet, const OutPoint& outpoint) {
    const std::string name = "UTXO (" + outpoint.txid.to_display_hex() + ":" + std::to_string(outpoint.index) + ")";
    if (wallet.ledger().is_spent(outpoint)) throw RpcError{code::kInvalidParameter, "Input not available. " + name + " was already spent."};
    if (!wallet.ledger().owned(outpoint)) throw RpcError{code::kInvalidParameter, "Input not found. " + name + " is not part of wallet."};
}

RpcMethod make_sendall(const RpcContext& context) {
    std::vector<RpcArg> args = {arg_arr("recipients", http::required(), "Where to; those without an amount share what is left",
                                        {arg_str("address", http::required(), "An address"),
                                         {"", http::ArgType::user_keys, http::optional(), "", {{"address", http::ArgType::amount, http::required(), "Bitcoins"}}}})};
    for (RpcArg& arg : fee_args()) args.push_back(std::move(arg));
    args.push_back(options_arg({arg_bool("send_max", http::default_value("false"), "Leave coins that cost more than they are worth"), arg_num("version", http::default_value("2"), "The transaction's version")}));
    return {"sendall", "wallet", "Sends all there is, or all of some coins, without change.", std::move(args), finished_result(), examples("sendall", "'[\"address\"]'"),
            [&context](const RpcRequest& request, JsonWriter& out) {
                TransactionPtr tx;
                with_wallet(context, request, [&](Wallet& wallet) {
                    const UniValue empty(UniValue::VOBJ);
                    const UniValue& options = request.has("options") ? request.arg("options") : empty;
                    refuse_old_names(options);
                    CoinControl control = control_of(wallet, options, preset_inputs(member(options, "inputs")), 0);
                    set_fee_once(control, request, options);
                    if (const UniValue& version = member(options, "version"); !version.isNull()) control.version = static_cast<std::uint32_t>(http::as_integer(version, 0, 0xffffffff));
                    const bool send_max = !member(options, "send_max").isNull() && http::as_bool(member(options, "send_max"));
                    if (options.exists("inputs") && options.exists("send_max")) throw RpcError{code::kInvalidParameter, "Cannot combine send_max with specific inputs."};
                    if (options.exists("inputs") && (options.exists("minconf") || options.exists("maxconf"))) {
                        throw RpcError{code::kInvalidParameter, "Cannot combine minconf or maxconf with specific inputs."};
                    }
                    for (const PresetInput& input : control.inputs) check_own(wallet, input.outpoint);
                    UniValue fixed(UniValue::VARR);
                    std::vector<Recipient> rest;
                    for (const UniValue& one : http::as_array(request.arg("recipients")).getValues()) {
                        if (one.isObject()) fixed.push_back(one);
                        else rest.push_back(recipient(wallet, one, 0));
                    }
                    if (rest.empty()) {
                        throw RpcError{code::kInvalidParameter, "Must provide at least one address without a specified amount"};
                    }
                    tx = finish(wallet, expect(wallet.sweep(recipients(wallet, fixed), rest, control, send_max)), options, out);
                });
                if (tx) send_out(context, tx);
            }};
}

/// What a transaction spends must not have been spent in a block.
void check_unspent_inputs(const Wallet& wallet, const Txid& txid) {
    const WalletTxPtr tx = wallet.ledger().find(txid);
    if (!tx) return;
    for (const TxInput& input : tx->tx->tx().inputs) {
        if (wallet.ledger().owned(input.prevout) && wallet.ledger().spent_by(input.prevout) == SpentBy::confirmed) {
            throw RpcError{code::kMisc, input.prevout.txid.to_display_hex() + ":" + std::to_string(input.prevout.index) + " is already spent"};
        }
    }
}

Spender::BumpOptions bump_options(const Wallet& wallet, const UniValue& options, bool as_psbt, CoinControl& control) {
    std::vector<http::ExpectedType> known;
    for (const char* name : {"confTarget", "conf_target", "fee_rate", "replaceable", "estimate_mode", "outputs", "original_change_index", "psbt_version"}) {
        known.push_back({name, UniValue::VNULL, true});
    }
    http::check_object_types(options, known, true, true);
    control.signal_rbf = member(options, "replaceable").isNull() || http::as_bool(member(options, "replaceable"));
    set_fee(control, member(options, "fee_rate"), member(options, "conf_target"), member(options, "estimate_mode"));
    Spender::BumpOptions bump;
    bump.require_owned = !as_psbt;
    if (const UniValue& outputs = member(options, "outputs"); !outputs.isNull()) {
        if (outputs.isArray() && outputs.empty()) throw RpcError{code::kInvalidParameter, "Invalid parameter, output argument cannot be an empty array"};
        bump.outputs = recipients(wallet, outputs);
    }
    if (const UniValue& index = member(options, "original_change_index"); !index.isNull()) {
        bump.change_position = static_cast<std::size_t>(http::as_integer(index, 0, 0xffffffff));
    }
    return bump;
}

RpcMethod bump_method(const RpcContext& context, bool as_psbt) {
    std::vector<RpcArg> inner = fee_args();
    inner.push_back(arg_bool("replaceable", http::default_value("true"), "The new one may be replaced"));
    inner.push_back(http::no_type_check(arg_arr("outputs", http::default_value("[]"), "What is paid instead; not together with original_change_index", {
        {"", http::ArgType::user_keys, http::optional(), "", {{"address", http::ArgType::amount, http::required(), "Bitcoins"}}},
        {"", http::ArgType::object, http::optional(), "", {arg_hex("data", http::required(), "Bytes for an output that pays nothing")}}})));
    inner.push_back(arg_num("original_change_index", http::default_hint("found out"), "Which output was change: it takes what is left"));
    if (as_psbt) inner.push_back(arg_num("psbt_version", http::default_value("2"), "The PSBT's version"));
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
                    const Txid old(http::as_hash(request.param(0), "txid"));
                    CoinControl control;
                    const Spender::BumpOptions bump = bump_options(wallet, options, as_psbt, control);
                    const auto psbt_version = member(options, "psbt_version").isNull() ? 2 : http::as_int<int>(member(options, "psbt_version"));
                    if (psbt_version != 0 && psbt_version != 2) throw RpcError{code::kInvalidParameter, "The PSBT version can only be 2 or 0"};
                    ensure_unlocked(wallet);
                    check_unspent_inputs(wallet, old);
                    auto done = wallet.bump(old, control, bump);
                    if (!done && done.error().kind == WalletErrorKind::insufficient_funds) throw RpcError{code::kWallet, done.error().message};
                    Spender::Bumped bumped = expect(std::move(done));
                    out.begin_object();
                    if (as_psbt) {
                        if (!bumped.made.silent.empty()) refuse_silent_psbt();
                        out.field("psbt", node::psbt_text(expect(wallet.make_psbt(bumped.made, static_cast<std::uint32_t>(psbt_version)))));
                    } else {
                        if (!expect(wallet.sign(bumped.made)).empty()) throw RpcError{code::kWallet, "Can't sign transaction."};
                        tx = commit(wallet, bumped.made.tx, {}, old, &bumped.made.silent);
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
         options_arg(camel_options()),
         arg_bool("bip32derivs", http::default_value("true"), "Say where keys come from"), arg_num("version", http::default_value("2"), "The transaction's version"),
         arg_num("psbt_version", http::default_value("2"), "The PSBT's version")},
        {obj("", "", {str("psbt", "The PSBT"), amount("fee", "What it pays"), num("changepos", "Which output is change; -1: none")})},
        [](Wallet& wallet, const RpcRequest& request, JsonWriter& out) {
            const UniValue empty(UniValue::VOBJ);
            const UniValue& options = request.has("options") ? request.arg("options") : empty;
            refuse_unknown_names(options);
            auto to = recipients(wallet, request.arg("outputs"));
            CoinControl control = control_of(wallet, options, preset_inputs(request.arg("inputs")), to.size());
            control.version = static_cast<std::uint32_t>(request.int_or("version", 2));
            if (request.has("locktime")) {
                const auto time = http::as_int<std::int64_t>(request.arg("locktime"));
                if (time < 0 || time > 0xffffffff) throw RpcError{code::kInvalidParameter, "Invalid parameter, locktime out of range"};
                control.lock_time = static_cast<std::uint32_t>(time);
            }
            set_psbt_fee(control, options);
            if (std::any_of(to.begin(), to.end(), [](const Recipient& one) { return one.silent.has_value(); })) refuse_silent_psbt();
            mark_fee_payers(to, wallet, member(options, "subtractFeeFromOutputs"));
            const CreatedTransaction made = fund(wallet, to, control);
            const auto version = static_cast<std::uint32_t>(request.int_or("psbt_version", 2));
            if (version != 0 && version != 2) throw RpcError{code::kInvalidParameter, "The PSBT version can only be 2 or 0"};
            lock_spent(wallet, options, made);
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
                             // Signatures that are not put together yet do not count.
                             const bool complete = status == PsbtStatus::complete && std::all_of(psbt.inputs.begin(), psbt.inputs.end(), [](const auto& one) { return one.is_final(); });
                             const auto tx = complete ? extract_transaction(psbt) : std::nullopt;
                             out.begin_object().field("psbt", node::psbt_text(psbt)).field("complete", complete);
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
