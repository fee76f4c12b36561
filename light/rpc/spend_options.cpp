#include "light/rpc/spend_options.hpp"

#include <set>

#include "consensus/base/hex.hpp"
#include "consensus/crypto/hash.hpp"

namespace cairn::light::rpc {

using http::member;

std::vector<RpcArg> fee_args() {
    return {arg_num("conf_target", http::default_hint("the wallet's"), "Blocks until it is confirmed"),
            arg_str("estimate_mode", http::default_value("\"unset\""), "unset, economical or conservative"),
            {"fee_rate", http::ArgType::amount, http::default_hint("estimated"), "Satoshis per virtual byte"}};
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

std::vector<RpcArg> camel_options() {
    return {arg_str("changeAddress", http::default_hint("a new one"), "Where change goes"),
            arg_num("changePosition", http::default_hint("random"), "Which output change is"),
            arg_bool("includeWatching", http::default_value("false"), "Without effect"),
            arg_bool("lockUnspents", http::default_value("false"), "Keep its coins from being chosen again"),
            {"feeRate", http::ArgType::amount, http::default_hint("estimated"), "Bitcoins per 1000 virtual bytes"},
            arg_arr("subtractFeeFromOutputs", http::default_value("[]"), "Outputs that bear the fee", {arg_num("vout_index", http::optional(), "Which")})};
}

void mark_fee_payers(std::vector<Recipient>& all, const Wallet& wallet, const UniValue& which) {
    if (which.isNull()) return;
    std::set<std::int64_t> marked;
    const auto refuse = [](const std::string& why) { throw RpcError{code::kInvalidParameter, "Invalid parameter 'subtract fee from output', " + why}; };
    for (const UniValue& one : http::as_array(which).getValues()) {
        std::int64_t position = -1;
        if (one.isStr()) {
            const auto script = recipient_script(one.get_str(), wallet.params());
            const auto silent = SilentAddress::parse(one.get_str(), wallet.params());
            for (std::size_t i = 0; i < all.size(); ++i) {
                if (all[i].silent ? silent && *all[i].silent == *silent : script && all[i].script == *script) position = static_cast<std::int64_t>(i);
            }
            if (position < 0) refuse("destination " + one.get_str() + " not found in tx outputs");
        } else if (one.isNum()) {
            position = http::as_int<int>(one);
        } else {
            refuse(std::string("invalid value type: ") + http::type_name(one.type()));
        }
        if (!marked.insert(position).second) refuse("duplicated position: " + std::to_string(position));
        if (position < 0) refuse("negative position: " + std::to_string(position));
        if (static_cast<std::size_t>(position) >= all.size()) refuse("position too large: " + std::to_string(position));
        all[static_cast<std::size_t>(position)].subtract_fee = true;
    }
}

void set_fee_once(CoinControl& control, const RpcRequest& request, const UniValue& options) {
    const bool in_options = !member(options, "conf_target").isNull() || !member(options, "estimate_mode").isNull();
    if (in_options && (request.has("conf_target") || request.has("estimate_mode"))) {
        throw RpcError{code::kInvalidParameter, "Pass conf_target and estimate_mode either as arguments or in the options object, but not both"};
    }
    if (!member(options, "fee_rate").isNull() && request.has("fee_rate")) {
        throw RpcError{code::kInvalidParameter, "Pass the fee_rate either as an argument, or in the options object, but not both"};
    }
    const UniValue& target = in_options ? member(options, "conf_target") : request.arg("conf_target");
    const UniValue& mode = in_options ? member(options, "estimate_mode") : request.arg("estimate_mode");
    if (!target.isNull() && (mode.isNull() || http::as_string(mode) == "unset")) throw RpcError{code::kInvalidParameter, "Specify estimate_mode"};
    set_fee(control, request.has("fee_rate") ? request.arg("fee_rate") : member(options, "fee_rate"), target, mode);
}

void refuse_old_names(const UniValue& options) {
    const std::pair<const char*, const char*> names[] = {{"feeRate", "fee_rate (sat/vB)"},
                                                         {"changeAddress", "change_address"},
                                                         {"changePosition", "change_position"},
                                                         {"lockUnspents", "lock_unspents"},
                                                         {"subtractFeeFromOutputs", "subtract_fee_from_outputs"}};
    for (const auto& [old_name, name] : names) {
        if (options.exists(old_name)) throw RpcError{code::kInvalidParameter, std::string("Use ") + name + " instead of " + old_name};
    }
}

void refuse_unknown_names(const UniValue& options) {
    std::vector<http::ExpectedType> known;
    for (const char* name : {"add_inputs", "include_unsafe", "add_to_wallet", "changeAddress", "change_address", "changePosition", "change_position", "change_type", "includeWatching",
                             "include_watching", "inputs", "lockUnspents", "lock_unspents", "locktime", "fee_rate", "feeRate", "psbt", "solving_data", "subtractFeeFromOutputs",
                             "subtract_fee_from_outputs", "replaceable", "conf_target", "estimate_mode", "minconf", "maxconf", "input_weights", "max_tx_weight"}) {
        known.push_back({name, UniValue::VNULL, true});
    }
    http::check_object_types(options, known, true, true);
}

namespace {

OutPoint outpoint_of(const UniValue& input) {
    OutPoint outpoint;
    outpoint.txid = Txid(http::as_hash(member(input, "txid"), "txid"));
    const UniValue& index = member(input, "vout");
    if (!index.isNum()) throw RpcError{code::kInvalidParameter, "Invalid parameter, missing vout key"};
    const int number = http::as_int<int>(index);
    if (number < 0) throw RpcError{code::kInvalidParameter, "Invalid parameter, vout cannot be negative"};
    outpoint.index = static_cast<std::uint32_t>(number);
    return outpoint;
}

std::int64_t input_weight(const UniValue& value) {
    constexpr std::int64_t kLeast = 165;
    if (!value.isNum()) throw RpcError{code::kInvalidParameter, "Invalid parameter, missing weight key"};
    const auto weight = http::as_int<std::int64_t>(value);
    if (weight < kLeast) {
        throw RpcError{code::kInvalidParameter, "Invalid parameter, weight cannot be less than 165 (41 bytes (size of outpoint + sequence + empty scriptSig) * 4 "
                                                "(witness scaling factor)) + 1 (empty witness)"};
    }
    if (weight > kMaxStandardWeight) {
        throw RpcError{code::kInvalidParameter, "Invalid parameter, weight cannot be greater than the maximum standard tx weight of " + std::to_string(kMaxStandardWeight)};
    }
    return weight;
}

/// The first of two names that is there.
const UniValue& either(const UniValue& options, const char* name, const char* other) {
    const UniValue& value = member(options, name);
    return value.isNull() ? member(options, other) : value;
}

void read_depths(CoinControl& control, const UniValue& options) {
    if (const UniValue& value = member(options, "minconf"); !value.isNull()) {
        control.min_depth = http::as_int<int>(value);
        if (control.min_depth < 0) throw RpcError{code::kInvalidParameter, "Negative minconf"};
    }
    if (const UniValue& value = member(options, "maxconf"); !value.isNull()) {
        control.max_depth = http::as_int<int>(value);
        if (control.max_depth < control.min_depth) {
            throw RpcError{code::kInvalidParameter, "maxconf can't be lower than minconf: " + std::to_string(control.max_depth) + " < " + std::to_string(control.min_depth)};
        }
    }
}

void read_change(CoinControl& control, const Wallet& wallet, const UniValue& options, std::size_t recipients) {
    const UniValue& address = either(options, "change_address", "changeAddress");
    if (!address.isNull()) {
        const auto script = recipient_script(http::as_string(address), wallet.params());
        if (!script) throw RpcError{code::kInvalidAddressOrKey, "Change address must be a valid bitcoin address"};
        control.change_script = *script;
    }
    if (const UniValue& value = either(options, "change_position", "changePosition"); !value.isNull()) {
        const int position = http::as_int<int>(value);
        if (position < 0 || static_cast<std::size_t>(position) > recipients) throw RpcError{code::kInvalidParameter, "changePosition out of bounds"};
        control.change_position = static_cast<std::size_t>(position);
    }
    if (const UniValue& value = member(options, "change_type"); !value.isNull()) {
        if (!address.isNull()) throw RpcError{code::kInvalidParameter, "Cannot specify both change address and address type options"};
        const auto type = address_type_by_name(http::as_string(value));
        if (!type || *type == AddressType::unknown) throw RpcError{code::kInvalidAddressOrKey, "Unknown change type '" + value.get_str() + "'"};
        control.change_type = *type;
    }
}

/// Keys, scripts and descriptors that tell how inputs of others are spent.
void read_solving_data(CoinControl& control, const Wallet& wallet, const UniValue& data) {
    for (const UniValue& one : member(data, "pubkeys").isNull() ? std::vector<UniValue>{} : http::as_array(member(data, "pubkeys")).getValues()) {
        const auto key = from_hex(http::as_string(one));
        if (!key || (key->size() != 33 && key->size() != 65) || !PublicKey::parse(*key)) {
            throw RpcError{code::kInvalidAddressOrKey, "Pubkey \"" + one.get_str() + "\" must be a valid public key"};
        }
        control.external_keys.add_public(*key);
        Bytes witness{0x00, 0x14};
        const Hash160 hash = hash160(*key);
        witness.insert(witness.end(), hash.begin(), hash.end());
        control.external_keys.add_script(std::move(witness));
    }
    for (const UniValue& one : member(data, "scripts").isNull() ? std::vector<UniValue>{} : http::as_array(member(data, "scripts")).getValues()) {
        auto script = from_hex(http::as_string(one));
        if (!script) throw RpcError{code::kInvalidAddressOrKey, "'" + one.get_str() + "' is not hex"};
        control.external_keys.add_script(std::move(*script));
    }
    for (const UniValue& one : member(data, "descriptors").isNull() ? std::vector<UniValue>{} : http::as_array(member(data, "descriptors")).getValues()) {
        const auto parsed = parse_descriptors(http::as_string(one), wallet.params(), true);
        if (!parsed) throw RpcError{code::kInvalidParameter, "Unable to parse descriptor '" + one.get_str() + "': " + parsed.error()};
        for (const Descriptor& descriptor : *parsed) (void)descriptor.scripts(0, &control.external_keys);
    }
}

}  // namespace

std::vector<PresetInput> preset_inputs(const UniValue& inputs) {
    std::vector<PresetInput> all;
    if (inputs.isNull()) return all;
    for (const UniValue& input : http::as_array(inputs).getValues()) {
        PresetInput one;
        one.outpoint = outpoint_of(http::as_object(input));
        if (const UniValue& sequence = member(input, "sequence"); !sequence.isNull()) {
            const auto number = http::as_int<std::int64_t>(sequence);
            if (number < 0 || number > 0xffffffff) throw RpcError{code::kInvalidParameter, "Invalid parameter, sequence number is out of range"};
            one.sequence = static_cast<std::uint32_t>(number);
        }
        if (const UniValue& weight = member(input, "weight"); !weight.isNull()) one.weight = input_weight(weight);
        all.push_back(std::move(one));
    }
    return all;
}

CoinControl control_of(const Wallet& wallet, const UniValue& options, std::vector<PresetInput> inputs, std::size_t recipients) {
    CoinControl control;
    control.inputs = std::move(inputs);
    control.allow_other_inputs = control.inputs.empty();
    const auto take_bool = [&](const char* name, auto&& into) {
        if (const UniValue& value = member(options, name); !value.isNull()) into(http::as_bool(value));
    };
    take_bool("add_inputs", [&](bool v) { control.allow_other_inputs = v; });
    take_bool("include_unsafe", [&](bool v) { control.include_unsafe = v; });
    take_bool("replaceable", [&](bool v) { control.signal_rbf = v; });
    read_depths(control, options);
    read_change(control, wallet, options, recipients);
    if (const UniValue& value = member(options, "locktime"); !value.isNull()) {
        const auto time = http::as_int<std::int64_t>(value);
        if (time < 0 || time > 0xffffffff) throw RpcError{code::kInvalidParameter, "Invalid parameter, locktime out of range"};
        control.lock_time = static_cast<std::uint32_t>(time);
    }
    if (const UniValue& value = member(options, "max_tx_weight"); !value.isNull()) control.max_weight = http::as_int<int>(value);
    if (const UniValue& data = member(options, "solving_data"); !data.isNull()) read_solving_data(control, wallet, http::as_object(data));
    if (const UniValue& weights = member(options, "input_weights"); !weights.isNull()) {
        for (const UniValue& one : http::as_array(weights).getValues()) {
            const OutPoint outpoint = outpoint_of(http::as_object(one));
            const std::int64_t weight = input_weight(member(one, "weight"));
            for (PresetInput& input : control.inputs) {
                if (input.outpoint == outpoint) input.weight = weight;
            }
        }
    }
    return control;
}

void set_psbt_fee(CoinControl& control, const UniValue& options) {
    if (const UniValue& rate = member(options, "feeRate"); !rate.isNull()) {
        const auto refuse = [](const char* why) { throw RpcError{code::kInvalidParameter, why}; };
        if (options.exists("fee_rate")) refuse("Cannot specify both fee_rate (sat/vB) and feeRate (BTC/kvB)");
        if (options.exists("conf_target")) {
            refuse("Cannot specify both conf_target and feeRate. Please provide either a confirmation target in blocks for automatic fee estimation, or an explicit fee rate.");
        }
        if (options.exists("estimate_mode")) refuse("Cannot specify both estimate_mode and feeRate");
        control.fee_rate = FeeRate{http::as_amount(rate)};
    }
    set_fee(control, member(options, "fee_rate"), member(options, "conf_target"), member(options, "estimate_mode"));
    control.override_fee_rate = control.fee_rate.has_value();
}

void lock_spent(Wallet& wallet, const UniValue& options, const CreatedTransaction& made) {
    const UniValue& wanted = either(options, "lock_unspents", "lockUnspents");
    if (wanted.isNull() || !http::as_bool(wanted)) return;
    for (const auto& input : made.tx.inputs) expect(wallet.lock_coin(input.prevout, false));
}

CreatedTransaction fund(Wallet& wallet, std::span<const Recipient> to, const CoinControl& control) {
    if (to.empty()) throw RpcError{code::kInvalidParameter, "TX must have at least one output"};
    auto made = wallet.create_transaction(to, control);
    if (!made && made.error().message.starts_with("Not found pre-selected input")) throw RpcError{code::kWallet, "Unable to find UTXO for external input"};
    if (!made && made.error().kind != WalletErrorKind::locked) throw RpcError{code::kWallet, made.error().message};
    return expect(std::move(made));
}

}  // namespace cairn::light::rpc
