#include <algorithm>

#include <fmt/format.h>

#include "consensus/base/hex.hpp"
#include "consensus/rules/params.hpp"
#include "light/signing/sign_transaction.hpp"
#include "net/http/rpc_table.hpp"
#include "node/rpc/construct_transaction.hpp"
#include "node/rpc/decode_transaction.hpp"
#include "node/rpc/doc.hpp"
#include "node/rpc/methods.hpp"
#include "node/rpc/previous_outputs.hpp"
#include "node/rpc/psbt_text.hpp"

/// Making and signing transactions without a wallet.
namespace cairn::node {
namespace {

using http::JsonWriter;
using http::RpcError;
using http::RpcMethod;
using http::RpcRequest;
using namespace doc;
namespace code = http::rpc_code;

RpcMethod createrawtransaction(const NodeContext& context) {
    return {"createrawtransaction",
            "rawtransactions",
            "Makes a transaction that spends the given inputs and pays the given outputs, and gives it in hex.\n"
            "Nothing is signed, stored or sent.",
            construct_transaction_args(),
            {hex("transaction", "The transaction in hex")},
            examples("createrawtransaction", "\"[{\\\"txid\\\":\\\"myid\\\",\\\"vout\\\":0}]\" \"[{\\\"address\\\":0.01}]\"",
                     "\"[{\\\"txid\\\":\\\"myid\\\",\\\"vout\\\":0}]\", \"[{\\\"address\\\":0.01}]\"") +
                examples("createrawtransaction", "\"[{\\\"txid\\\":\\\"myid\\\",\\\"vout\\\":0}]\" \"[{\\\"data\\\":\\\"00010203\\\"}]\"",
                         "\"[{\\\"txid\\\":\\\"myid\\\",\\\"vout\\\":0}]\", \"[{\\\"data\\\":\\\"00010203\\\"}]\""),
            [&context](const RpcRequest& request, JsonWriter& out) {
                std::optional<bool> replaceable;
                if (!request.param(3).isNull()) replaceable = http::as_bool(request.param(3));
                const auto version = request.param(4).isNull() ? kDefaultRawVersion : http::as_int<std::uint32_t>(request.param(4));
                out.hex(construct_transaction(*context.params, request.param(0), request.param(1), request.param(2), replaceable, version)
                            .serialize());
            }};
}

MutableTransaction without_signatures(MutableTransaction tx) {
    for (MutableTransaction::Input& input : tx.inputs) {
        input.script_sig.clear();
        input.witness.clear();
    }
    return tx;
}

std::vector<MutableTransaction> read_variants(const UniValue& list) {
    const auto& texts = http::as_array(list).getValues();
    if (texts.size() < 2) throw RpcError{code::kDeserialization, "Missing transactions. At least two transactions required."};
    std::vector<MutableTransaction> variants;
    for (const UniValue& text : texts) {
        const TransactionPtr tx = decode_transaction(http::as_string(text), false, true);
        if (!tx) {
            throw RpcError{code::kDeserialization,
                           fmt::format("TX decode failed for tx {}. Make sure the tx has at least one input.", variants.size())};
        }
        variants.emplace_back(tx->tx());
    }
    const Bytes first = without_signatures(variants[0]).serialize();
    for (std::size_t i = 1; i < variants.size(); ++i) {
        if (without_signatures(variants[i]).serialize() == first) continue;
        throw RpcError{code::kInvalidParameter, fmt::format("Transaction number {} not compatible with first transaction", i + 1)};
    }
    return variants;
}

RpcMethod combinerawtransaction(const NodeContext& context) {
    return {"combinerawtransaction",
            "rawtransactions",
            "Joins the signatures of several partly signed copies of one transaction.\n"
            "The result may be signed completely or still partly.",
            {arg_arr("txs", http::required(), "The copies", {arg_hex("hexstring", http::optional(), "A transaction in hex")})},
            {str("", "The transaction in hex, with all signatures")},
            http::example_cli("combinerawtransaction", "'[\"myhex1\", \"myhex2\", \"myhex3\"]'"),
            [&context](const RpcRequest& request, JsonWriter& out) {
                const auto variants = read_variants(request.param(0));
                const PreviousOutputs previous = find_previous_outputs(context, variants[0]);
                const auto spent = spent_outputs(variants[0], previous);
                if (std::any_of(spent.begin(), spent.end(), [](const TxOutput& output) { return output.value == kMissingCoinValue; })) {
                    throw RpcError{code::kVerify, "Input not found or already spent"};
                }
                out.hex(light::combine_transactions(variants, spent).serialize());
            }};
}

void write_input_error(JsonWriter& out, const MutableTransaction::Input& input, const std::string& message) {
    out.begin_object().field("txid", input.prevout.txid).field("vout", input.prevout.index).key("witness").begin_array();
    for (const Bytes& item : input.witness) out.hex(item);
    out.end_array().hex_field("scriptSig", input.script_sig).field("sequence", input.sequence).field("error", message).end_object();
}

void write_signed(JsonWriter& out, const MutableTransaction& tx, std::span<const TxOutput> spent, const std::vector<light::InputError>& errors) {
    constexpr std::size_t kShownDigits = 30;
    for (const light::InputError& error : errors) {
        if (error.message != light::kMissingAmount) continue;
        const TxOutput& output = spent[error.input];
        throw RpcError{code::kType,
                       fmt::format("Missing amount for CTxOut(nValue={}.{:08}, scriptPubKey={})", output.value / kCoin, output.value % kCoin,
                                   to_hex(output.script_pubkey).substr(0, kShownDigits))};
    }
    out.begin_object().hex_field("hex", tx.serialize()).field("complete", errors.empty());
    if (!errors.empty()) {
        out.key("errors").begin_array();
        for (const light::InputError& error : errors) write_input_error(out, tx.inputs[error.input], error.message);
        out.end_array();
    }
    out.end_object();
}

void run_signrawtransactionwithkey(const NodeContext& context, const RpcRequest& request, JsonWriter& out) {
    const TransactionPtr decoded = decode_transaction(http::as_string(request.param(0)), false, true);
    if (!decoded) throw RpcError{code::kDeserialization, "TX decode failed. Make sure the tx has at least one input."};
    MutableTransaction tx(decoded->tx());

    light::ScriptKeys keys;
    for (const UniValue& text : http::as_array(request.param(1)).getValues()) {
        const auto key = decode_wif(http::as_string(text), context.params->addresses);
        if (!key) throw RpcError{code::kInvalidAddressOrKey, "Invalid private key"};
        keys.add(*key);
    }
    PreviousOutputs previous = find_previous_outputs(context, tx);
    read_previous_outputs(request.param(2), &keys, previous);
    const int hash_type = read_hash_type(request.param(3)).value_or(kSighashDefault);
    const auto spent = spent_outputs(tx, previous);
    const auto errors = light::sign_transaction(tx, spent, keys, hash_type);
    write_signed(out, tx, spent, errors);
}

RpcResult signed_doc() {
    return obj("", "",
               {hex("hex", "The transaction in hex, as far as it is signed"), flag("complete", "Is every input signed?"),
                http::maybe(arr("errors", "What is wrong with inputs, if anything is",
                                {obj("", "",
                                     {hex("txid", "The transaction whose output is spent"), num("vout", "The output's number in it"),
                                      arr("witness", "", {hex("witness", "")}), hex("scriptSig", "The input's script"),
                                      num("sequence", "The input's sequence number"), str("error", "What is wrong")})}))});
}

RpcMethod signrawtransactionwithkey(const NodeContext& context) {
    return {"signrawtransactionwithkey",
            "rawtransactions",
            "Signs the inputs of a transaction with the given keys, and with them alone.\n"
            "Outputs that it spends and that are neither in the chain nor in the mempool are told in the third argument.",
            {arg_str("hexstring", http::required(), "The transaction in hex"),
             arg_arr("privkeys", http::required(), "The private keys", {arg_hex("privatekey", http::optional(), "A key in base 58 (WIF)")}),
             arg_arr("prevtxs", http::optional(), "Outputs that are spent",
                     {{"",
                       http::ArgType::object,
                       http::optional(),
                       "",
                       {arg_hex("txid", http::required(), "The transaction that made the output"),
                        arg_num("vout", http::required(), "The output's number in it"),
                        arg_hex("scriptPubKey", http::required(), "The output's script"),
                        arg_hex("redeemScript", http::optional(), "The redeem script (P2SH needs it)"),
                        arg_hex("witnessScript", http::optional(), "The witness script (P2WSH, also in P2SH, needs it)"),
                        {"amount", http::ArgType::amount, http::optional(), "The amount (signatures of segwit cover it)"}}}}),
             arg_str("sighashtype", http::default_hint("DEFAULT for Taproot, ALL otherwise"),
                     "What the signatures cover; one of\n\"DEFAULT\"\n\"ALL\"\n\"NONE\"\n\"SINGLE\"\n\"ALL|ANYONECANPAY\"\n"
                     "\"NONE|ANYONECANPAY\"\n\"SINGLE|ANYONECANPAY\"")},
            {signed_doc()},
            examples("signrawtransactionwithkey", "\"myhex\" \"[\\\"key1\\\",\\\"key2\\\"]\"", "\"myhex\", \"[\\\"key1\\\",\\\"key2\\\"]\""),
            [&context](const RpcRequest& request, JsonWriter& out) { run_signrawtransactionwithkey(context, request, out); }};
}

}  // namespace

void add_raw_signing_methods(http::RpcTable& table, const NodeContext& context) {
    table.add(createrawtransaction(context));
    table.add(combinerawtransaction(context));
    table.add(signrawtransactionwithkey(context));
}

}  // namespace cairn::node
