#include "light/chain_methods.hpp"

#include <fmt/format.h>

#include "light/settings.hpp"
#include "net/core/peer_info.hpp"
#include "net/io/clock.hpp"

namespace cairn::light {

using http::JsonWriter;
using http::RpcArg;
using http::RpcError;
using http::RpcMethod;
using http::RpcRequest;
using http::RpcResult;
using http::ArgType;
using http::ResultType;
namespace code = http::rpc_code;

namespace {

constexpr std::int64_t kHighestTarget = 1008;

RpcMethod method(std::string name, std::string category, std::string description, std::vector<RpcArg> args, RpcResult result, http::RpcHandler handler) {
    RpcMethod made;
    made.name = std::move(name);
    made.category = std::move(category);
    made.description = std::move(description);
    made.args = std::move(args);
    made.results = {std::move(result)};
    made.handler = std::move(handler);
    return made;
}

RpcResult object(std::string words) { return {ResultType::object, "", std::move(words), {http::elided("")}}; }

const HeaderNode* at_height(const LightView& view, std::int64_t height) {
    if (!view.tip || height < 0 || height > view.tip->height) throw RpcError{code::kInvalidParameter, "Block height out of range"};
    return view.tip->ancestor(static_cast<Height>(height));
}

void write_chain_info(const ChainMethods& context, JsonWriter& out) {
    const auto view = context.role->view();
    out.begin_object();
    out.field("chain", std::string(context.params->name()));
    out.field("blocks", view->scanned_height);
    out.field("headers", view->tip->height);
    out.field("bestblockhash", view->tip->hash);
    out.field("bits", fmt::format("{:08x}", view->tip->header.bits));
    out.field("time", view->tip->header.time);
    out.field("mediantime", view->tip->median_time_past());
    out.field("verificationprogress", view->phase == Phase::synced ? 1.0 : view->phase == Phase::scanning ? view->progress : 0.0);
    out.field("initialblockdownload", view->phase != Phase::synced);
    out.field("chainwork", view->tip->chain_work.to_uint256());
    out.field("pruned", true);
    out.end_object();
}

void write_light_info(const ChainMethods& context, JsonWriter& out) {
    const auto view = context.role->view();
    out.begin_object();
    out.field("phase", std::string(to_string(view->phase)));
    out.field("synced", view->phase == Phase::synced);
    out.field("progress", view->progress);
    out.field("rate", view->rate);
    if (view->eta_s) out.field("eta", *view->eta_s);
    out.field("headers", view->tip->height);
    out.field("bestblockhash", view->tip->hash);
    out.field("filterheaders", view->filter_height);
    out.field("scanned", view->scanned_height);
    out.field("peers", view->peers);
    out.field("filterpeers", view->filter_peers);
    out.field("crosscheckedby", view->cross_checked_by);
    out.field("disputed", view->disputed);
    out.field("bip37", view->bloom);
    out.field("filtersfetched", view->filters_fetched);
    out.field("blocksfetched", view->blocks_fetched);
    out.field("blocksmatched", view->blocks_matched);
    out.field("liarsdropped", view->liars_dropped);
    out.field("watched", context.watch->scripts());
    out.field("revision", view->revision);
    out.end_object();
}

void write_peer(const net::PeerSnapshot& peer, JsonWriter& out) {
    out.begin_object();
    out.field("id", peer.id);
    out.field("addr", peer.address);
    out.field("network", peer.network);
    out.field("services", fmt::format("{:016x}", peer.services));
    out.field("relaytxes", peer.relay_transactions);
    out.field("lastsend", peer.last_send);
    out.field("lastrecv", peer.last_receive);
    out.field("bytessent", peer.bytes_sent);
    out.field("bytesrecv", peer.bytes_received);
    out.field("conntime", peer.connected);
    if (peer.ping_us) out.field("pingtime", static_cast<double>(*peer.ping_us) / 1e6);
    out.field("version", peer.version);
    out.field("subver", peer.user_agent);
    out.field("inbound", peer.inbound);
    out.field("startingheight", peer.starting_height);
    out.field("presynced_headers", peer.presynced_headers);
    out.field("synced_headers", peer.synced_headers);
    out.field("connection_type", std::string(net::to_string(peer.type)));
    out.field("transport_protocol_type", peer.transport);
    out.end_object();
}

void write_header(const HeaderNode& node, const LightView& view, JsonWriter& out) {
    const bool active = view.tip->ancestor(node.height) == &node;
    out.begin_object();
    out.field("hash", node.hash);
    out.field("confirmations", active ? view.tip->height - node.height + 1 : -1);
    out.field("height", node.height);
    out.field("version", node.header.version);
    out.field("merkleroot", node.header.merkle_root);
    out.field("time", node.header.time);
    out.field("mediantime", node.median_time_past());
    out.field("nonce", node.header.nonce);
    out.field("bits", fmt::format("{:08x}", node.header.bits));
    out.field("chainwork", node.chain_work.to_uint256());
    if (node.parent) out.field("previousblockhash", node.header.previous);
    if (active && node.height < view.tip->height) out.field("nextblockhash", view.tip->ancestor(node.height + 1)->hash);
    out.end_object();
}

void write_payments(const ChainMethods& context, JsonWriter& out) {
    const auto view = context.role->view();
    out.begin_array();
    for (const ScriptWatch::Payment& payment : context.watch->payments()) {
        out.begin_object();
        out.field("txid", payment.txid);
        out.field("vout", payment.index);
        out.amount_field("amount", payment.value);
        out.hex_field("scriptPubKey", payment.script);
        if (const auto destination = destination_of(payment.script)) out.field("address", encode_address(*destination, context.params->addresses));
        out.field("confirmations", payment.block ? view->tip->height - payment.block->height + 1 : 0);
        if (payment.block) {
            out.field("blockhash", payment.block->hash);
            out.field("blockheight", payment.block->height);
            out.field("blocktime", payment.block->time_s);
        }
        out.end_object();
    }
    out.end_array();
}

void write_payment(const PaymentView& payment, JsonWriter& out) {
    const Transaction& tx = payment.tx->tx();
    out.begin_object();
    out.field("txid", tx.txid);
    out.field("wtxid", tx.wtxid);
    out.hex_field("hex", tx.raw);
    out.field("state", std::string(!payment.echoes.empty() ? "echoed" : payment.recipients.empty() ? "waiting" : "sent"));
    out.field("time_added", payment.added_s);
    out.field("rounds", payment.rounds);
    if (payment.next_s) out.field("next_round", *payment.next_s);
    out.key("parents").begin_array();
    for (const Txid& parent : payment.parents) out.hash(parent);
    out.end_array();
    out.key("peers").begin_array();
    for (const PaymentView::Recipient& peer : payment.recipients) {
        out.begin_object().field("address", peer.address).field("sent", peer.sent_s);
        if (peer.received_s) out.field("received", *peer.received_s);
        out.end_object();
    }
    out.end_array();
    out.key("echoes").begin_array();
    for (const PaymentView::Echo& echo : payment.echoes) out.begin_object().field("address", echo.address).field("time", echo.at_s).end_object();
    out.end_array().end_object();
}

void estimate_fee(const ChainMethods& context, const RpcRequest& request, JsonWriter& out) {
    const auto target = request.int_or("conf_target", 0);
    if (target < 1 || target > kHighestTarget)
        throw RpcError{code::kInvalidParameter, fmt::format("Invalid conf_target, must be between 1 and {}", kHighestTarget)};
    const std::string mode = request.string_or("estimate_mode", "economical");
    if (mode != "unset" && mode != "economical" && mode != "conservative")
        throw RpcError{code::kInvalidParameter, "Invalid estimate_mode parameter, must be one of: \"unset\", \"economical\", \"conservative\""};
    const auto view = context.role->view();
    const auto estimate = view->fees ? view->fees->estimate(static_cast<int>(target), mode == "conservative") : std::nullopt;
    out.begin_object();
    if (estimate) out.amount_field("feerate", estimate->rate);
    else out.key("errors").begin_array().string("Insufficient data or no feerate found").end_array();
    out.field("blocks", target);
    out.key("based_on").begin_object().field("blocks", estimate ? estimate->blocks : 0);
    if (view->fees && view->fees->floor) out.amount_field("floor", *view->fees->floor);
    out.field("floor_peers", view->fees ? view->fees->peers : 0).end_object();
    out.end_object();
}

void add_payment_methods(http::RpcTable& table, const ChainMethods& context) {
    table.add(method("getprivatebroadcastinfo", "rawtransactions",
                     "Lists own payments that are not in a block yet: to whom they were given, and who told us of them without having them from us.\n"
                     "\"state\" is waiting, sent or echoed; echoed ones the network has.", {}, object("The payments"),
                     [&context](const RpcRequest&, JsonWriter& out) {
                         out.begin_object().key("transactions").begin_array();
                         for (const PaymentView& payment : context.role->view()->payments) write_payment(payment, out);
                         out.end_array().end_object();
                     }));
    table.add(method("abortprivatebroadcast", "rawtransactions",
                     "Stops giving a transaction to peers. One that a wallet keeps is given again later, unless it is abandoned.",
                     {{"id", ArgType::hex, http::required(), "A txid or wtxid"}}, {ResultType::none, "", ""},
                     [&context](const RpcRequest& request, JsonWriter& out) {
                         if (!context.role->forget_payment(http::as_hash(request.arg("id"), "id")))
                             throw RpcError{code::kInvalidAddressOrKey, "Transaction not in private broadcast queue. Check getprivatebroadcastinfo."};
                         out.null();
                     }));
    table.add(method("estimatesmartfee", "util",
                     "Tells the fee rate for confirmation within a number of blocks, from the mean rates of recent blocks and what peers ask for at least.\n"
                     "How much waits at this moment is not known to a light client: after a sudden change it lags behind.",
                     {{"conf_target", ArgType::number, http::required(), "Within so many blocks (1 to 1008)"},
                      {"estimate_mode", ArgType::string, http::default_value("\"economical\""), "unset, economical or conservative"}},
                     object("\"feerate\" in BTC/kvB, or \"errors\"; what it is based on"),
                     [&context](const RpcRequest& request, JsonWriter& out) { estimate_fee(context, request, out); }));
}

void add_connection(const ChainMethods& context, const RpcRequest& request, JsonWriter& out) {
    if (context.params->network != Network::regtest) throw RpcError{code::kInvalidRequest, "addconnection is for regression testing (-regtest mode) only."};
    const std::string address = request.string_or("address", ""), type = request.string_or("connection_type", "");
    const bool full = type == "outbound-full-relay";
    if (!full && type != "block-relay-only") throw RpcError{code::kInvalidParameter, "The type is outbound-full-relay or block-relay-only"};
    if (!context.net->add_connection(address, full ? net::ConnectionType::outbound_full_relay : net::ConnectionType::block_relay_only, request.bool_or("v2transport", false)))
        throw RpcError{code::kClientNodeCapacityReached, "Error: Already at capacity for specified connection type."};
    out.begin_object().field("address", address).field("connection_type", type).end_object();
}

void add_node(const ChainMethods& context, const RpcRequest& request) {
    const std::string node = request.string_or("node", ""), command = request.string_or("command", "");
    if (command == "onetry") {
        (void)context.net->try_node(node, true);
    } else if (command == "add") {
        if (!context.net->add_node(node, true)) throw RpcError{code::kClientNodeAlreadyAdded, "Error: Node already added"};
    } else if (command == "remove") {
        if (!context.net->remove_node(node)) throw RpcError{code::kClientNodeNotAdded, "Error: Node could not be removed. It has not been added previously."};
    } else {
        throw RpcError{code::kInvalidParameter, "The command is add, remove or onetry"};
    }
}

void watch_script(const ChainMethods& context, const RpcRequest& request, JsonWriter& out) {
    const auto script = parse_script(request.string_or("script", ""), *context.params);
    if (!script) throw RpcError{code::kInvalidAddressOrKey, script.error()};
    const auto since = request.int_or("since", 1);
    if (since < 0 || since > (1 << 30)) throw RpcError{code::kInvalidParameter, "Block height out of range"};
    const auto added = context.watch->add(*script, static_cast<Height>(since));
    if (!added) throw RpcError{code::kDatabase, added.error().message};
    if (*added) context.role->watch_changed();
    out.boolean(*added);
}

void add_block_methods(http::RpcTable& table, const ChainMethods& context) {
    table.add(method("getblockchaininfo", "blockchain", "Tells about the chain of headers. \"blocks\" is how far it was scanned.", {}, object("The state"),
                     [&context](const RpcRequest&, JsonWriter& out) { write_chain_info(context, out); }));
    table.add(method("getblockcount", "blockchain", "The height of the best chain of headers.", {}, {ResultType::number, "", "The height"},
                     [&context](const RpcRequest&, JsonWriter& out) { out.number(context.role->view()->tip->height); }));
    table.add(method("getbestblockhash", "blockchain", "The last block of the best chain of headers.", {}, {ResultType::hex, "", "Its hash"},
                     [&context](const RpcRequest&, JsonWriter& out) { out.hash(context.role->view()->tip->hash); }));
    table.add(method("getblockhash", "blockchain", "The block of the best chain at a height.",
                     {{"height", ArgType::number, http::required(), "The height"}}, {ResultType::hex, "", "Its hash"},
                     [&context](const RpcRequest& request, JsonWriter& out) { out.hash(at_height(*context.role->view(), request.int_or("height", 0))->hash); }));
    table.add(method("getblockheader", "blockchain", "Tells about one header.", {{"blockhash", ArgType::hex, http::required(), "The hash of the block"}},
                     object("The header"), [&context](const RpcRequest& request, JsonWriter& out) {
                         const HeaderNode* node = context.role->find(BlockHash(http::as_hash(request.arg("blockhash"), "hash")));
                         if (!node) throw RpcError{code::kInvalidAddressOrKey, "Block not found"};
                         write_header(*node, *context.role->view(), out);
                     }));
    table.add(method("getlightinfo", "blockchain", "Tells how far the light client is: phase, progress, rate, and how many peers agree.", {},
                     object("The state"), [&context](const RpcRequest&, JsonWriter& out) { write_light_info(context, out); }));
    table.add(method("watchscript", "blockchain", "Watches an address or output script; blocks from `since` on are looked at again.",
                     {{"script", ArgType::string, http::required(), "Address, or script in hexadecimal"},
                      {"since", ArgType::number, http::default_value("1"), "The first block that can concern it"}},
                     {ResultType::boolean, "", "False when it was watched already"},
                     [&context](const RpcRequest& request, JsonWriter& out) { watch_script(context, request, out); }));
    table.add(method("listpayments", "blockchain", "Lists the outputs that pay a watched script.", {}, {ResultType::array, "", "", {http::elided("")}},
                     [&context](const RpcRequest&, JsonWriter& out) { write_payments(context, out); }));
}

}  // namespace

void add_chain_methods(http::RpcTable& table, const ChainMethods& context) {
    add_block_methods(table, context);
    add_payment_methods(table, context);
    table.add(method("getpeerinfo", "network", "Tells about each peer.", {}, {ResultType::array, "", "", {http::elided("")}},
                     [&context](const RpcRequest&, JsonWriter& out) {
                         out.begin_array();
                         for (const net::PeerSnapshot& peer : context.net->view()->peers) write_peer(peer, out);
                         out.end_array();
                     }));
    table.add(method("getconnectioncount", "network", "The number of connections.", {}, {ResultType::number, "", "The number"},
                     [&context](const RpcRequest&, JsonWriter& out) { out.number(context.net->view()->peers.size()); }));
    table.add(method("addnode", "network", "Adds or removes a node, or tries one once.",
                     {{"node", ArgType::string, http::required(), "Address and port"}, {"command", ArgType::string, http::required(), "add, remove or onetry"}},
                     {ResultType::none, "", ""}, [&context](const RpcRequest& request, JsonWriter& out) {
                         add_node(context, request);
                         out.null();
                     }));
    table.add(method("addconnection", "hidden", "Makes one connection of the given type, as if the address had been found (regtest only).",
                     {{"address", ArgType::string, http::required(), "Address and port"},
                      {"connection_type", ArgType::string, http::required(), "outbound-full-relay or block-relay-only"},
                      {"v2transport", ArgType::boolean, http::default_value("false"), "Speak BIP324"}},
                     object("What was asked for"), [&context](const RpcRequest& request, JsonWriter& out) { add_connection(context, request, out); }));
    table.add(method("help", "control", "Lists all methods, or tells about one.", {{"command", ArgType::string, http::default_hint("all commands"), "The method"}},
                     {ResultType::string, "", "The text"},
                     [&table](const RpcRequest& request, JsonWriter& out) { out.string(table.help(request.string_or("command", ""))); }));
    table.add(method("stop", "control", "Ends the program in order.", {}, {ResultType::string, "", "A word of goodbye"},
                     [&context](const RpcRequest&, JsonWriter& out) {
                         context.request_stop();
                         out.string("Cairn light client stopping");
                     }));
    table.add(method("uptime", "control", "Seconds since the start.", {}, {ResultType::number, "", "The seconds"},
                     [&context](const RpcRequest&, JsonWriter& out) { out.number(net::Clock::system_now() - context.start_time_s); }));
}

}  // namespace cairn::light
