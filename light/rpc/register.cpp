// All methods, and those of the full node that need neither chain nor mempool.
#include "consensus/base/hex.hpp"
#include "light/rpc/support.hpp"
#include "node/rpc/methods.hpp"

namespace cairn::light {

using namespace rpc;

namespace {

RpcMethod sendrawtransaction(const RpcContext& context) {
    return {"sendrawtransaction", "rawtransactions", "Gives a transaction to the network.",
            {arg_hex("hexstring", http::required(), "The transaction"), {"maxfeerate", http::ArgType::amount, http::optional(), "Without effect: the coins that it spends may not be known"},
             {"maxburnamount", http::ArgType::amount, http::optional(), "Without effect"}},
            {hex("", "The transaction's id")}, examples("sendrawtransaction", "\"hex\""), [&context](const RpcRequest& request, JsonWriter& out) {
                auto raw = from_hex(http::as_string(request.param(0)));
                TransactionPtr tx;
                if (raw) {
                    if (auto parsed = TransactionHolder::parse(std::move(*raw))) tx = *parsed;
                }
                if (!tx) throw RpcError{code::kDeserialization, "TX decode failed. Make sure the tx has at least one input."};
                expect(context.desk->broadcast(tx));
                out.hash(tx->tx().txid);
            }};
}

/// What needs nothing but the chain's parameters.
void add_utilities(http::RpcTable& table, const RpcContext& context) {
    static node::NodeContext bare;
    bare.params = context.params;
    http::RpcTable all;
    node::register_util_methods(all, bare);
    node::add_raw_signing_methods(all, bare);
    node::register_rawtransaction_methods(all, bare);
    node::add_decode_psbt_methods(all, bare);
    node::add_psbt_methods(all, bare);
    node::add_update_psbt_methods(all, bare);
    node::add_multisig_methods(all, bare);
    node::add_signed_message_methods(all, bare);
    for (const char* name : {"validateaddress", "getdescriptorinfo", "deriveaddresses", "createrawtransaction", "decoderawtransaction", "decodescript",
                             "decodepsbt", "analyzepsbt", "combinepsbt", "finalizepsbt", "joinpsbts", "createpsbt", "converttopsbt", "utxoupdatepsbt", "descriptorprocesspsbt",
                             "createmultisig", "verifymessage", "signmessagewithprivkey"}) {
        if (const RpcMethod* method = all.find(name)) table.add(*method);
    }
}

}  // namespace

void register_light_methods(http::RpcTable& table, const RpcContext& context) {
    add_utilities(table, context);
    add_wallet_methods(table, context);
    add_address_methods(table, context);
    add_coin_methods(table, context);
    add_received_methods(table, context);
    add_history_methods(table, context);
    add_spend_methods(table, context);
    add_fund_methods(table, context);
    add_descriptor_methods(table, context);
    add_rescan_methods(table, context);
    add_hd_key_methods(table, context);
    add_pruned_funds_methods(table, context);
    table.add(sendrawtransaction(context));
}

}  // namespace cairn::light
