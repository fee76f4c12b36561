#include "node/rpc/transaction_json.hpp"

#include "consensus/rules/params.hpp"
#include "consensus/script/asm.hpp"
#include "consensus/script/solver.hpp"
#include "light/descriptors/descriptor.hpp"

namespace cairn::node {
namespace {

void write_input(http::JsonWriter& out, const ChainParams& params, const Transaction& tx, std::size_t index,
                 const TransactionView& view) {
    const TxInput& input = tx.inputs[index];
    out.begin_object();
    if (tx.is_coinbase()) {
        out.hex_field("coinbase", input.script_sig);
    } else {
        out.field("txid", input.prevout.txid).field("vout", input.prevout.index);
        out.key("scriptSig")
            .begin_object()
            .field("asm", script_to_asm(input.script_sig, true))
            .hex_field("hex", input.script_sig)
            .end_object();
    }
    if (!input.witness.empty()) {
        out.key("txinwitness").begin_array();
        for (const ByteSpan item : input.witness) out.hex(item);
        out.end_array();
    }
    if (view.undo && view.prevouts) {
        const Coin& coin = (*view.undo)[index];
        out.key("prevout")
            .begin_object()
            .field("generated", coin.coinbase)
            .field("height", coin.height)
            .amount_field("value", coin.value);
        out.key("scriptPubKey");
        write_script_pubkey(out, params, coin.script_pubkey);
        out.end_object();
    }
    out.field("sequence", input.sequence).end_object();
}

Amount fee_of(const Transaction& tx, const TxUndo& undo) {
    Amount fee = 0;
    for (const Coin& coin : undo) fee += coin.value;
    for (const TxOutput& output : tx.outputs) fee -= output.value;
    return fee;
}

}  // namespace

void write_script_pubkey(http::JsonWriter& out, const ChainParams& params, ByteSpan script) {
    out.begin_object()
        .field("asm", script_to_asm(script))
        .field("desc", light::infer_descriptor(script, params))
        .hex_field("hex", script);
    if (const auto address = address_of(script, params.addresses)) out.field("address", *address);
    out.field("type", to_string(classify(script))).end_object();
}

void write_transaction_fields(http::JsonWriter& out, const ChainParams& params, const Transaction& tx,
                              const TransactionView& given) {
    TransactionView view = given;
    if (view.undo && view.undo->size() != tx.inputs.size()) view.undo = nullptr;
    out.field("txid", tx.txid)
        .field("hash", tx.wtxid)
        .field("version", tx.version)
        .field("size", tx.total_size())
        .field("vsize", tx.vsize());
    out.field("weight", tx.weight()).field("locktime", tx.lock_time).key("vin").begin_array();
    for (std::size_t i = 0; i < tx.inputs.size(); ++i) write_input(out, params, tx, i, view);
    out.end_array().key("vout").begin_array();
    for (std::size_t i = 0; i < tx.outputs.size(); ++i) {
        out.begin_object().amount_field("value", tx.outputs[i].value).field("n", i).key("scriptPubKey");
        write_script_pubkey(out, params, tx.outputs[i].script_pubkey);
        out.end_object();
    }
    out.end_array();
    if (view.undo) out.amount_field("fee", fee_of(tx, *view.undo));
    if (view.hex) out.hex_field("hex", tx.raw);
}

}  // namespace cairn::node
