// What was received, by address and by label; and which addresses others can tell to belong together.
#include <algorithm>
#include <climits>
#include <set>

#include "light/rpc/support.hpp"

namespace cairn::light {

using namespace rpc;

namespace {

struct Tally {
    Amount amount = 0;
    int confirmations = INT_MAX;
    std::vector<Txid> txids;

    void add(const Tally& other) {
        amount += other.amount;
        confirmations = std::min(confirmations, other.confirmations);
    }
    int depth() const { return confirmations == INT_MAX ? 0 : confirmations; }
};

/// What every own script received with at least so many confirmations.
std::map<Bytes, Tally> tally(const Wallet& wallet, int min_depth, bool include_immature) {
    std::map<Bytes, Tally> all;
    const Ledger& ledger = wallet.ledger();
    for (const auto& [order, tx] : ledger.by_order()) {
        const int depth = ledger.depth(*tx);
        const bool coinbase = tx->tx->tx().is_coinbase();
        if (depth < min_depth || (coinbase && depth < 1) || (ledger.is_immature(*tx) && !include_immature)) continue;
        for (const TxOutput& output : tx->tx->tx().outputs) {
            if (!wallet.book().owns(output.script_pubkey)) continue;
            Tally& one = all[to_bytes(output.script_pubkey)];
            one.amount += output.value;
            one.confirmations = std::min(one.confirmations, depth);
            one.txids.push_back(tx->txid());
        }
    }
    return all;
}

Amount sum_of(const Wallet& wallet, const RpcRequest& request, const std::vector<Bytes>& scripts) {
    const bool any = std::any_of(scripts.begin(), scripts.end(), [&](const Bytes& script) { return wallet.book().owns(script); });
    if (!any) throw RpcError{code::kWallet, "Address not found in wallet"};
    const int min_depth = request.has("minconf") ? http::as_int<int>(request.arg("minconf")) : 1;
    const auto received = tally(wallet, min_depth, request.bool_or("include_immature_coinbase", false));
    Amount sum = 0;
    for (const Bytes& script : scripts) {
        if (const auto found = received.find(script); found != received.end()) sum += found->second.amount;
    }
    return sum;
}

RpcMethod getreceivedbyaddress(const RpcContext& context) {
    return wallet_method(context, "getreceivedbyaddress", "Tells what was received at an address.",
                         {arg_str("address", http::required(), "The address"), arg_num("minconf", http::default_value("1"), "With so many confirmations"),
                          arg_bool("include_immature_coinbase", http::default_value("false"), "Too young coins as well")},
                         {amount("amount", "Bitcoins")}, [](Wallet& wallet, const RpcRequest& request, JsonWriter& out) {
                             const auto script = recipient_script(http::as_string(request.param(0)), wallet.params());
                             if (!script) throw RpcError{code::kInvalidAddressOrKey, "Invalid Bitcoin address"};
                             out.amount(sum_of(wallet, request, {*script}));
                         });
}

RpcMethod getreceivedbylabel(const RpcContext& context) {
    return wallet_method(context, "getreceivedbylabel", "Tells what was received at the addresses with a label.",
                         {arg_str("label", http::required(), "The label; \"\" for those without one"), arg_num("minconf", http::default_value("1"), "With so many confirmations"),
                          arg_bool("include_immature_coinbase", http::default_value("false"), "Too young coins as well")},
                         {amount("amount", "Bitcoins")}, [](Wallet& wallet, const RpcRequest& request, JsonWriter& out) {
                             const auto scripts = wallet.addresses().with_label(label_of(request.param(0)));
                             if (scripts.empty()) throw RpcError{code::kWallet, "Label not found in wallet"};
                             out.amount(sum_of(wallet, request, scripts));
                         });
}

void list_received(Wallet& wallet, const RpcRequest& request, bool by_label, JsonWriter& out) {
    const int min_depth = request.has("minconf") ? http::as_int<int>(request.arg("minconf")) : 1;
    const bool include_empty = request.bool_or("include_empty", false);
    std::optional<Bytes> only;
    if (!by_label && !request.string_or("address_filter", "").empty()) {
        const auto script = recipient_script(request.string_or("address_filter", ""), wallet.params());
        if (!script) throw RpcError{code::kWallet, "address_filter parameter was invalid"};
        only = *script;
    }
    const auto received = tally(wallet, min_depth, request.bool_or("include_immature_coinbase", false));
    std::map<std::string, Tally> labels;
    out.begin_array();
    for (const auto& [script, entry] : wallet.addresses().all()) {
        if (only && script != *only) continue;
        const auto found = received.find(script);
        if (found == received.end() && (!include_empty || !wallet.book().owns(script))) continue;
        const Tally one = found == received.end() ? Tally{} : found->second;
        if (by_label) {
            labels[entry.label].add(one);
            continue;
        }
        out.begin_object().field("address", wallet.address(script)).amount_field("amount", one.amount).field("confirmations", one.depth());
        out.field("label", entry.label).key("txids").begin_array();
        for (const Txid& txid : one.txids) out.hash(txid);
        out.end_array().end_object();
    }
    for (const auto& [label, one] : labels) {
        out.begin_object().amount_field("amount", one.amount).field("confirmations", one.depth()).field("label", label).end_object();
    }
    out.end_array();
}

RpcMethod listreceivedbyaddress(const RpcContext& context) {
    return wallet_method(context, "listreceivedbyaddress", "Lists what was received at each address.",
                         {arg_num("minconf", http::default_value("1"), "With so many confirmations"),
                          arg_bool("include_empty", http::default_value("false"), "Addresses that received nothing as well"),
                          arg_bool("include_watchonly", http::default_value("false"), "Without effect"), arg_str("address_filter", http::optional(), "Only this address"),
                          arg_bool("include_immature_coinbase", http::default_value("false"), "Too young coins as well")},
                         {arr("", "", {obj("", "", {str("address", "The address"), amount("amount", "Bitcoins"), num("confirmations", "Of the newest of its transactions"),
                                                    str("label", "Its label"), arr("txids", "", {hex("txid", "A transaction that paid it")})})})},
                         [](Wallet& wallet, const RpcRequest& request, JsonWriter& out) { list_received(wallet, request, false, out); });
}

RpcMethod listreceivedbylabel(const RpcContext& context) {
    return wallet_method(context, "listreceivedbylabel", "Lists what was received with each label.",
                         {arg_num("minconf", http::default_value("1"), "With so many confirmations"),
                          arg_bool("include_empty", http::default_value("false"), "Labels that received nothing as well"),
                          arg_bool("include_watchonly", http::default_value("false"), "Without effect"),
                          arg_bool("include_immature_coinbase", http::default_value("false"), "Too young coins as well")},
                         {arr("", "", {obj("", "", {amount("amount", "Bitcoins"), num("confirmations", "Of the newest of its transactions"), str("label", "The label")})})},
                         [](Wallet& wallet, const RpcRequest& request, JsonWriter& out) { list_received(wallet, request, true, out); });
}

/// Sets of scripts that were spent together, or that took the change of such a payment; and each other own script alone.
std::vector<std::set<Bytes>> groups_of(const Wallet& wallet) {
    std::map<Bytes, std::size_t> place;
    std::vector<std::set<Bytes>> groups;
    const auto join = [&](const std::set<Bytes>& together) {
        if (together.empty()) return;
        const std::size_t into = groups.size();
        groups.push_back(together);
        std::set<std::size_t> hit;
        for (const Bytes& script : together) {
            if (const auto found = place.find(script); found != place.end()) hit.insert(found->second);
        }
        for (const std::size_t old : hit) {
            groups[into].insert(groups[old].begin(), groups[old].end());
            groups[old].clear();
        }
        for (const Bytes& script : groups[into]) place[script] = into;
    };
    for (const auto& [order, tx] : wallet.ledger().by_order()) {
        std::set<Bytes> together;
        for (const TxInput& input : tx->tx->tx().inputs) {
            const OwnedOutput* spent = wallet.ledger().owned(input.prevout);
            if (spent && !wallet.address(spent->script).empty()) together.insert(to_bytes(spent->script));
        }
        const bool pays = !together.empty();
        for (const TxOutput& output : tx->tx->tx().outputs) {
            if (!wallet.book().owns(output.script_pubkey) || wallet.address(output.script_pubkey).empty()) continue;
            if (pays && is_change(wallet.book(), wallet.addresses(), output.script_pubkey)) together.insert(to_bytes(output.script_pubkey));
            join({to_bytes(output.script_pubkey)});
        }
        join(together);
    }
    std::erase_if(groups, [](const std::set<Bytes>& group) { return group.empty(); });
    return groups;
}

RpcMethod listaddressgroupings(const RpcContext& context) {
    return wallet_method(
        context, "listaddressgroupings", "Lists groups of addresses that past transactions have shown to belong to one owner.", {},
        {arr("", "", {arr("", "", {{http::ResultType::fixed_array, "", "", {str("address", "The address"), amount("amount", "What is there"), http::maybe(str("label", "Its label"))}}})})},
        [](Wallet& wallet, const RpcRequest&, JsonWriter& out) {
            const Ledger& ledger = wallet.ledger();
            std::map<Bytes, Amount> balances;
            for (const auto& [outpoint, output] : ledger.all_owned()) {
                const WalletTxPtr tx = ledger.find(outpoint.txid);
                if (!tx || !ledger.is_trusted(*tx) || ledger.is_immature(*tx) || ledger.is_spent(outpoint)) continue;
                if (ledger.depth(*tx) < (ledger.debit(tx->tx->tx()) > 0 ? 0 : 1)) continue;
                balances[to_bytes(output.script)] += output.value;
            }
            out.begin_array();
            for (const std::set<Bytes>& group : groups_of(wallet)) {
                out.begin_array();
                for (const Bytes& script : group) {
                    out.begin_array().string(wallet.address(script)).amount(balances[script]);
                    if (const auto* entry = wallet.addresses().find(script)) out.string(entry->label);
                    out.end_array();
                }
                out.end_array();
            }
            out.end_array();
        });
}

}  // namespace

void add_received_methods(http::RpcTable& table, const RpcContext& context) {
    for (auto* make : {getreceivedbyaddress, getreceivedbylabel, listreceivedbyaddress, listreceivedbylabel, listaddressgroupings}) table.add(make(context));
}

}  // namespace cairn::light
