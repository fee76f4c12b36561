#include "consensus/rules/params.hpp"
#include "consensus/script/script.hpp"
#include "light/psbt/roles.hpp"
#include "net/http/rpc_table.hpp"
#include "node/mempool/mempool_port.hpp"
#include "node/rpc/doc.hpp"
#include "node/rpc/lookup.hpp"
#include "node/rpc/methods.hpp"
#include "node/rpc/psbt_text.hpp"
#include "node/rpc/scan_objects.hpp"

/// Partially signed transactions: adding what descriptors, the chain and the mempool know, and signing.
namespace cairn::node {
namespace {

using http::JsonWriter;
using http::RpcError;
using http::RpcMethod;
using http::RpcRequest;
using light::Psbt;
using light::PsbtInput;
using light::PsbtStatus;
using namespace doc;
namespace code = http::rpc_code;

bool is_segwit(ByteSpan script, const light::ScriptKeys& keys) {
    if (witness_program(script)) return true;
    if (!is_p2sh(script)) return false;
    Hash160 id{};
    const ByteSpan hash = script.subspan(2, id.size());
    std::copy(hash.begin(), hash.end(), id.begin());
    const Bytes* redeem = keys.find_script(id);
    return redeem && witness_program(*redeem);
}

/// The whole transaction, from the index or the mempool.
TransactionPtr find_transaction(const NodeContext& context, const Txid& txid) {
    if (TransactionPtr tx = find_indexed(context, txid).tx) return tx;
    if (!context.mempool) return nullptr;
    const MempoolReader pool = context.mempool->read();
    const MempoolEntry* entry = pool->find(txid);
    return entry ? entry->tx : nullptr;
}

/// Whole transactions where they can be had, otherwise at least the outputs that segwit signatures vouch for. Without a chain: what is there.
void add_utxos(Psbt& psbt, const NodeContext& context, const light::ScriptKeys& keys) {
    if (!context.chain) return;
    for (PsbtInput& input : psbt.inputs) {
        if (input.non_witness_utxo) continue;
        input.non_witness_utxo = find_transaction(context, input.prevout.txid);
        if (input.non_witness_utxo) continue;
        const auto coin = find_coin(context, input.prevout, false);
        if (coin && is_segwit(coin->script_pubkey, keys)) input.witness_utxo = MutableTransaction::Output{coin->value, coin->script_pubkey};
    }
}

Psbt process(const NodeContext& context, const UniValue& text, const light::ScriptKeys& keys, const light::PsbtSignOptions& options) {
    Psbt psbt = read_psbt(text);
    add_utxos(psbt, context, keys);
    const auto transaction = light::PsbtTransaction::make(psbt);
    if (!transaction) throw RpcError{code::kVerify, "The transaction cannot be valid"};
    for (std::size_t i = 0; i < psbt.inputs.size(); ++i) {
        if (psbt.inputs[i].is_final()) continue;
        const PsbtStatus status = light::sign_psbt_input(psbt, i, keys, *transaction, options);
        if (status == PsbtStatus::sighash_mismatch) throw RpcError{code::kDeserialization, std::string(to_string(status))};
    }
    for (light::PsbtOutput& output : psbt.outputs) light::update_psbt_output(output, keys);
    light::drop_needless_transactions(psbt);
    return psbt;
}

RpcMethod utxoupdatepsbt(const NodeContext& context) {
    return {"utxoupdatepsbt",
            "rawtransactions",
            "Adds to all segwit inputs and to all outputs of a partially signed transaction what descriptors, the unspent outputs,\n"
            "the transaction index and the mempool tell of them.",
            {arg_str("psbt", http::required(), "The PSBT in base64"),
             scan_object_array("descriptors", http::optional(), "Descriptors, as text or as objects")},
            {str("", "The PSBT in base64, with what was added")},
            http::example_cli("utxoupdatepsbt", "\"psbt\""),
            [&context](const RpcRequest& request, JsonWriter& out) {
                const light::ScriptKeys keys = find_script_keys(context, request.param(1)).without_private_keys();
                out.string(psbt_text(process(context, request.param(0), keys, {std::nullopt, false})));
            }};
}

void run_descriptorprocesspsbt(const NodeContext& context, const RpcRequest& request, JsonWriter& out) {
    light::ScriptKeys keys = find_script_keys(context, http::as_array(request.param(1)));
    const auto hash_type = read_hash_type(request.param(2));
    const bool with_origins = request.param(3).isNull() || http::as_bool(request.param(3));
    const bool finalize = request.param(4).isNull() || http::as_bool(request.param(4));
    if (!with_origins) keys = keys.without_origins();
    Psbt psbt = process(context, request.param(0), keys, {hash_type, finalize});

    const auto transaction = light::PsbtTransaction::make(psbt);
    bool complete = transaction.has_value();
    for (std::size_t i = 0; complete && i < psbt.inputs.size(); ++i) complete = light::is_signed_and_valid(psbt.inputs[i], i, *transaction);
    out.begin_object().field("psbt", psbt_text(psbt)).field("complete", complete);
    if (complete) {
        if (const auto tx = light::extract_transaction(psbt)) out.hex_field("hex", tx->serialize());
    }
    out.end_object();
}

RpcMethod descriptorprocesspsbt(const NodeContext& context) {
    return {"descriptorprocesspsbt",
            "rawtransactions",
            "Adds to a partially signed transaction what descriptors, the unspent outputs and the mempool tell of it, then signs\n"
            "with the private keys in the descriptors what they can sign.",
            {arg_str("psbt", http::required(), "The PSBT in base64"),
             scan_object_array("descriptors", http::required(), "Descriptors, as text or as objects"),
             arg_str("sighashtype", http::default_hint("DEFAULT for Taproot, ALL otherwise"),
                     "What signatures cover when the PSBT does not say; one of\n\"DEFAULT\"\n\"ALL\"\n\"NONE\"\n\"SINGLE\"\n"
                     "\"ALL|ANYONECANPAY\"\n\"NONE|ANYONECANPAY\"\n\"SINGLE|ANYONECANPAY\""),
             arg_bool("bip32derivs", http::default_value("true"), "Tell where keys come from"),
             arg_bool("finalize", http::default_value("true"), "Finish inputs that have all their signatures")},
            {obj("", "",
                 {str("psbt", "The PSBT in base64"), flag("complete", "Is every input signed?"),
                  http::maybe(hex("hex", "The transaction in hex, when it is complete"))})},
            http::example_cli("descriptorprocesspsbt", "\"psbt\" \"[\\\"descriptor1\\\", \\\"descriptor2\\\"]\"") +
                http::example_cli("descriptorprocesspsbt", "\"psbt\" \"[{\\\"desc\\\":\\\"mydescriptor\\\", \\\"range\\\":21}]\""),
            [&context](const RpcRequest& request, JsonWriter& out) { run_descriptorprocesspsbt(context, request, out); }};
}

}  // namespace

void add_update_psbt_methods(http::RpcTable& table, const NodeContext& context) {
    table.add(utxoupdatepsbt(context));
    table.add(descriptorprocesspsbt(context));
}

}  // namespace cairn::node
