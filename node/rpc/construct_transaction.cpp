#include "node/rpc/construct_transaction.hpp"

#include <algorithm>
#include <set>

#include "consensus/primitives/address.hpp"
#include "consensus/rules/params.hpp"
#include "consensus/script/script.hpp"
#include "net/http/rpc_error.hpp"
#include "net/http/rpc_params.hpp"
#include "node/policy/policy.hpp"
#include "node/policy/replacement.hpp"
#include "node/rpc/doc.hpp"

namespace cairn::node {
namespace {

using http::RpcError;
namespace code = http::rpc_code;

[[noreturn]] void refuse(const std::string& words) { throw RpcError{code::kInvalidParameter, words}; }

MutableTransaction::Input read_input(const UniValue& value, std::uint32_t default_sequence) {
    const UniValue& object = http::as_object(value);
    const Txid txid(http::as_hash(http::member(object, "txid"), "txid"));
    const UniValue& vout = http::member(object, "vout");
    if (!vout.isNum()) refuse("Invalid parameter, missing vout key");
    const int index = http::as_int<int>(vout);
    if (index < 0) refuse("Invalid parameter, vout cannot be negative");
    std::uint32_t sequence = default_sequence;
    if (const UniValue& given = http::member(object, "sequence"); given.isNum()) {
        const auto number = http::as_int<std::int64_t>(given);
        if (number < 0 || number > TxInput::kFinalSequence) refuse("Invalid parameter, sequence number is out of range");
        sequence = static_cast<std::uint32_t>(number);
    }
    return {OutPoint{txid, static_cast<std::uint32_t>(index)}, {}, sequence, {}};
}

using Pairs = std::vector<std::pair<std::string, const UniValue*>>;

/// Outputs as pairs of address (or "data") and amount, from an object or an array of objects with one member each.
Pairs output_pairs(const UniValue& outputs) {
    if (outputs.isNull()) refuse("Invalid parameter, output argument must be non-null");
    Pairs pairs;
    const auto add = [&](const UniValue& object, std::size_t i) { pairs.emplace_back(object.getKeys()[i], &object.getValues()[i]); };
    if (outputs.isObject()) {
        for (std::size_t i = 0; i < outputs.size(); ++i) add(outputs, i);
        return pairs;
    }
    const UniValue& list = http::as_array(outputs);
    for (std::size_t i = 0; i < list.size(); ++i) {
        if (!list[i].isObject()) refuse("Invalid parameter, key-value pair not an object as expected");
        if (list[i].size() != 1) refuse("Invalid parameter, key-value pair must contain exactly one key");
        add(list[i], 0);
    }
    return pairs;
}

void add_outputs(const ChainParams& params, const UniValue& outputs, MutableTransaction& tx) {
    std::set<Destination> seen;
    bool has_data = false;
    for (const auto& [name, value] : output_pairs(outputs)) {
        if (name == "data") {
            if (has_data) refuse("Invalid parameter, duplicate key: data");
            has_data = true;
            const Bytes data = http::as_hex_bytes(UniValue(value->getValStr()), "Data");
            tx.outputs.push_back({0, ScriptBuilder().op(Opcode::op_return).push(data).take()});
            continue;
        }
        const auto destination = decode_address(name, params.addresses);
        const Amount amount = http::as_amount(*value);
        if (!destination) throw RpcError{code::kInvalidAddressOrKey, "Invalid Bitcoin address: " + name};
        if (!seen.insert(*destination).second) refuse("Invalid parameter, duplicated address: " + name);
        tx.outputs.push_back({amount, script_for(*destination)});
    }
}

}  // namespace

MutableTransaction construct_transaction(const ChainParams& params, const UniValue& inputs, const UniValue& outputs, const UniValue& locktime,
                                         std::optional<bool> replaceable, std::uint32_t version) {
    MutableTransaction tx;
    if (!locktime.isNull()) {
        const auto number = http::as_int<std::int64_t>(locktime);
        if (number < 0 || number > 0xffffffff) refuse("Invalid parameter, locktime out of range");
        tx.lock_time = static_cast<std::uint32_t>(number);
    }
    if (version < kMinStandardVersion || version > kMaxStandardVersion) {
        refuse("Invalid parameter, version out of range(" + std::to_string(kMinStandardVersion) + "~" + std::to_string(kMaxStandardVersion) + ")");
    }
    tx.version = version;
    const std::uint32_t behind_final = replaceable.value_or(true) ? 2 : tx.lock_time != 0 ? 1 : 0;
    if (!inputs.isNull()) {
        for (const UniValue& input : http::as_array(inputs).getValues()) {
            tx.inputs.push_back(read_input(input, TxInput::kFinalSequence - behind_final));
        }
    }
    add_outputs(params, outputs, tx);
    const bool signals = std::any_of(tx.inputs.begin(), tx.inputs.end(),
                                     [](const MutableTransaction::Input& input) { return input.sequence <= TxInput::kFinalSequence - 2; });
    if (replaceable.value_or(false) && !tx.inputs.empty() && !signals) {
        refuse("Invalid parameter combination: Sequence number(s) contradict replaceable option");
    }
    return tx;
}

std::vector<http::RpcArg> construct_transaction_args() {
    using namespace doc;
    return {
        arg_arr("inputs", http::required(), "What is spent",
                {{"",
                  http::ArgType::object,
                  http::optional(),
                  "",
                  {arg_hex("txid", http::required(), "The transaction that made the output"),
                   arg_num("vout", http::required(), "The output's number in it"),
                   arg_num("sequence", http::default_hint("depends on the value of the 'replaceable' and 'locktime' arguments"),
                           "The sequence number")}}}),
        http::no_type_check(
            arg_arr("outputs", http::required(),
                    "What is paid, as key-value pairs. No address and no \"data\" may appear twice.\n"
                    "One object that holds all pairs is taken, too.",
                    {{"", http::ArgType::user_keys, http::optional(), "",
                      {{"address", http::ArgType::amount, http::required(), "The key is an address, the value the amount in BTC"}}},
                     {"", http::ArgType::object, http::optional(), "",
                      {arg_hex("data", http::required(), "The key is \"data\", the value is put behind OP_RETURN")}}})),
        arg_num("locktime", http::default_value("0"), "The lock time; when it is not 0, inputs get a sequence number that lets it count"),
        arg_bool("replaceable", http::default_value("true"),
                 "Signal (BIP125) that the transaction may be replaced. When given, sequence numbers must not contradict it."),
        arg_num("version", http::default_value(std::to_string(kDefaultRawVersion)), "The transaction's version"),
    };
}

}  // namespace cairn::node
