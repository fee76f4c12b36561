#include <chrono>

#include <fmt/format.h>

#include "consensus/base/hex.hpp"
#include "consensus/rules/params.hpp"
#include "net/core/peer_info.hpp"
#include "net/http/rpc_table.hpp"
#include "node/relay/tx_relay_port.hpp"
#include "node/rpc/doc.hpp"
#include "node/rpc/lookup.hpp"
#include "node/rpc/methods.hpp"

namespace cairn::node {
namespace {

using http::JsonWriter;
using http::RpcError;
using http::RpcMethod;
using http::RpcRequest;
using namespace doc;
namespace code = http::rpc_code;

constexpr std::uint64_t kServiceV2Transport = 1u << 11;
constexpr std::size_t kMaxMessageType = 12;  ///< characters, as wide as the field of a message's header
constexpr int kUploadWindowSeconds = 24 * 60 * 60;

void write_service_names(JsonWriter& out, std::uint64_t services) {
    out.begin_array();
    for (unsigned bit = 0; bit < 64; ++bit) {
        if ((services >> bit & 1) == 0) continue;
        switch (bit) {
            case 0: out.string("NETWORK"); break;
            case 2: out.string("BLOOM"); break;
            case 3: out.string("WITNESS"); break;
            case 6: out.string("COMPACT_FILTERS"); break;
            case 10: out.string("NETWORK_LIMITED"); break;
            case 11: out.string("P2P_V2"); break;
            default: out.string(fmt::format("UNKNOWN[2^{}]", bit));
        }
    }
    out.end_array();
}

RpcMethod getconnectioncount(const NodeContext& context) {
    return {"getconnectioncount",
            "network",
            "Counts the connections to other nodes.",
            {},
            {num("", "Connections")},
            examples("getconnectioncount"),
            [&context](const RpcRequest&, JsonWriter& out) { out.number(network(context).view()->peers.size()); }};
}

RpcMethod ping(const NodeContext& context) {
    return {"ping",
            "network",
            "Sends a ping to every peer. getpeerinfo tells how long the answers took.\n"
            "The ping waits in line behind other messages, so it measures the backlog, too.",
            {},
            {none()},
            examples("ping"),
            [&context](const RpcRequest&, JsonWriter& out) {
                network(context).ping_all();
                out.null();
            }};
}

double seconds(std::int64_t microseconds) {
    return static_cast<double>(microseconds) / 1'000'000.0;
}

void write_byte_counts(JsonWriter& out, std::string_view key, const std::map<std::string, std::uint64_t>& counts) {
    out.key(key).begin_object();
    for (const auto& [message, bytes] : counts) {
        if (bytes > 0) out.field(message, bytes);
    }
    out.end_object();
}

void write_peer(JsonWriter& out, const net::PeerSnapshot& peer) {
    out.begin_object().field("id", peer.id).field("addr", peer.address);
    if (!peer.bind_address.empty()) out.field("addrbind", peer.bind_address);
    if (!peer.local_address.empty()) out.field("addrlocal", peer.local_address);
    out.field("network", peer.network);
    if (peer.mapped_as != 0) out.field("mapped_as", peer.mapped_as);
    out.field("services", hex16(peer.services)).key("servicesnames");
    write_service_names(out, peer.services);
    out.field("relaytxes", peer.relay_transactions).field("last_inv_sequence", peer.last_inv_sequence).field("inv_to_send", peer.inv_to_send);
    out.field("lastsend", peer.last_send).field("lastrecv", peer.last_receive);
    out.field("last_transaction", peer.last_transaction).field("last_block", peer.last_block);
    out.field("bytessent", peer.bytes_sent)
        .field("bytesrecv", peer.bytes_received)
        .field("conntime", peer.connected)
        .field("timeoffset", peer.time_offset);
    if (peer.ping_us && *peer.ping_us > 0) out.field("pingtime", seconds(*peer.ping_us));
    if (peer.min_ping_us) out.field("minping", seconds(*peer.min_ping_us));
    if (peer.ping_wait_us && *peer.ping_wait_us > 0) out.field("pingwait", seconds(*peer.ping_wait_us));
    out.field("version", peer.version).field("subver", peer.user_agent).field("inbound", peer.inbound);
    out.field("bip152_hb_to", peer.hb_to).field("bip152_hb_from", peer.hb_from);
    out.field("presynced_headers", peer.presynced_headers)
        .field("synced_headers", peer.synced_headers)
        .field("synced_blocks", peer.synced_blocks);
    out.key("inflight").begin_array();
    for (const std::int32_t height : peer.inflight_heights) out.number(height);
    out.end_array();
    out.field("addr_relay_enabled", peer.addr_relay_enabled)
        .field("addr_processed", peer.addr_processed)
        .field("addr_rate_limited", peer.addr_rate_limited);
    out.key("permissions").begin_array();
    for (const std::string& permission : peer.permissions) out.string(permission);
    out.end_array();
    out.amount_field("minfeefilter", peer.min_fee_filter);
    write_byte_counts(out, "bytessent_per_msg", peer.bytes_sent_per_message);
    write_byte_counts(out, "bytesrecv_per_msg", peer.bytes_received_per_message);
    out.field("connection_type", net::to_string(peer.type))
        .field("transport_protocol_type", peer.transport)
        .field("session_id", peer.session_id);
    if (peer.unconnecting_headers > 0) out.field("unconnecting_headers", peer.unconnecting_headers);
    out.end_object();
}

Results peer_doc() {
    return {
        num("id", "The peer's number"),
        str("addr", "(host:port) The peer's address"),
        http::maybe(str("addrbind", "(ip:port) Our end of the connection")),
        http::maybe(str("addrlocal", "(ip:port) Our address as the peer sees it")),
        str("network", "Network (ipv4, ipv6, onion, i2p, cjdns, not_publicly_routable)"),
        http::maybe(num("mapped_as", "Its autonomous system, with -asmap")),
        hex("services", "The services it offers"),
        arr("servicesnames", "The services in words", {str("SERVICE_NAME", "A service")}),
        flag("relaytxes", "Do we send it transactions?"),
        num("last_inv_sequence", "The mempool's sequence number at our last announcement"),
        num("inv_to_send", "Transactions waiting to be announced to it"),
        time("lastsend", "When we last sent something, in UNIX epoch time"),
        time("lastrecv", "When it last sent something, in UNIX epoch time"),
        time("last_transaction", "When it last sent a valid transaction, in UNIX epoch time"),
        time("last_block", "When it last sent a block, in UNIX epoch time"),
        num("bytessent", "Bytes sent"),
        num("bytesrecv", "Bytes received"),
        time("conntime", "When it was connected, in UNIX epoch time"),
        num("timeoffset", "Seconds that its clock is ahead of ours"),
        http::maybe(num("pingtime", "Seconds that the last ping took")),
        http::maybe(num("minping", "Seconds that the fastest ping took")),
        http::maybe(num("pingwait", "Seconds that an unanswered ping has waited")),
        num("version", "Its protocol version, such as 70017"),
        str("subver", "What it calls itself"),
        flag("inbound", "Did it connect to us?"),
        flag("bip152_hb_to", "Did we choose it as a fast source of compact blocks?"),
        flag("bip152_hb_from", "Did it choose us as one?"),
        num("presynced_headers", "Height of the headers that are being checked for work; -1 when none are"),
        num("synced_headers", "The last header we have in common"),
        num("synced_blocks", "The last block we have in common"),
        arr("inflight", "", {num("n", "Heights of the blocks we have asked it for")}),
        flag("addr_relay_enabled", "Do we exchange addresses with it?"),
        num("addr_processed", "Addresses taken from it"),
        num("addr_rate_limited", "Addresses dropped because there were too many"),
        arr("permissions", "What it is allowed beyond others",
            {str("permission_type", "bloomfilter, noban, forcerelay, relay, mempool, download, addr")}),
        amount("minfeefilter", "The lowest fee rate of transactions that it wants"),
        map("bytessent_per_msg", "", {num("msg", "Bytes sent by kind of message; kinds that are not listed had none")}),
        map("bytesrecv_per_msg", "",
            {num("msg", "Bytes received by kind of message; unknown kinds are summed up under '*other*'")}),
        str("connection_type", "outbound-full-relay, block-relay-only, inbound, manual, addr-fetch, feeler, private-broadcast, or lan (found on the local network)"),
        str("transport_protocol_type", "detecting, v1 (plain) or v2 (BIP324, encrypted)"),
        str("session_id", "The session's id with v2, otherwise \"\""),
        http::maybe(num("unconnecting_headers",
                        "Announcements in a row that do not connect to our chain; only when there are so many that the "
                        "peer probably follows another one")),
    };
}

RpcMethod getpeerinfo(const NodeContext& context) {
    return {"getpeerinfo",
            "network",
            "Tells about every connected peer.",
            {},
            {arr("", "", {obj("", "", peer_doc())})},
            examples("getpeerinfo"),
            [&context](const RpcRequest&, JsonWriter& out) {
                const auto view = network(context).view();
                out.begin_array();
                for (const net::PeerSnapshot& peer : view->peers) write_peer(out, peer);
                out.end_array();
            }};
}

bool is_blank(std::string_view text) {
    return text.find_first_not_of(" \f\n\r\t\v") == std::string_view::npos;
}

void run_addnode(const NodeContext& context, const RpcRequest& request, JsonWriter& out) {
    const std::string& command = http::as_string(request.arg("command"));
    if (command != "onetry" && command != "add" && command != "remove")
        throw RpcError{code::kMisc, request.spec->help()};
    net::NetPort& port = network(context);
    const std::string& node = http::as_string(request.arg("node"));
    if (is_blank(node)) throw RpcError{code::kInvalidParameter, "Error: Node address cannot be empty"};
    const bool v2_enabled = (port.view()->local_services & kServiceV2Transport) != 0;
    const bool v2 = request.bool_or("v2transport", v2_enabled);
    if (v2 && !v2_enabled)
        throw RpcError{code::kInvalidParameter, "Error: v2transport requested but not enabled (see -v2transport)"};
    if (command == "onetry") {
        (void)port.try_node(node, v2);
    } else if (command == "add") {
        if (!port.add_node(node, v2)) throw RpcError{code::kClientNodeAlreadyAdded, "Error: Node already added"};
    } else if (!port.remove_node(node)) {
        throw RpcError{code::kClientNodeNotAdded,
                       "Error: Node could not be removed. It has not been added previously."};
    }
    out.null();
}

RpcMethod addnode(const NodeContext& context) {
    return {"addnode",
            "network",
            "Adds a node to the list of nodes to stay connected with, removes it, or tries a connection once.\n"
            "Nodes of that list are not disconnected for misbehaviour and need not be full nodes; the chain is not "
            "synchronised from such.\n"
            "There may be 8 such connections at a time; they do not count for -maxconnections.",
            {arg_str("node", http::required(), "The node's address or name, with a port where it is not the usual one"),
             arg_str("command", http::required(),
                     "'add' to put it on the list, 'remove' to take it off, 'onetry' to connect once"),
             arg_bool("v2transport", http::default_hint("set by -v2transport"),
                      "Use the encrypted transport of BIP324 (not for 'remove')")},
            {none()},
            examples("addnode", "\"192.168.0.6:8333\" \"onetry\" true", "\"192.168.0.6:8333\", \"onetry\" true"),
            [&context](const RpcRequest& request, JsonWriter& out) { run_addnode(context, request, out); }};
}

std::optional<net::ConnectionType> connection_type(std::string_view name) {
    if (name == "outbound-full-relay") return net::ConnectionType::outbound_full_relay;
    if (name == "block-relay-only") return net::ConnectionType::block_relay_only;
    if (name == "addr-fetch") return net::ConnectionType::addr_fetch;
    if (name == "feeler") return net::ConnectionType::feeler;
    return std::nullopt;
}

RpcMethod addconnection(const NodeContext& context) {
    return {"addconnection",
            "hidden",
            "Opens a connection of a certain type to a node. For tests only.",
            {arg_str("address", http::required(), "Address and port."),
             arg_str("connection_type", http::required(),
                     "\"outbound-full-relay\", \"block-relay-only\", \"addr-fetch\" or \"feeler\"."),
             arg_bool("v2transport", http::required(), "Use the encrypted transport of BIP324")},
            {obj("", "", {str("address", "The address"), str("connection_type", "The type of the connection")})},
            examples("addconnection", "\"192.168.0.6:8333\" \"outbound-full-relay\" true",
                     "\"192.168.0.6:8333\" \"outbound-full-relay\" true"),
            [&context](const RpcRequest& request, JsonWriter& out) {
                if (context.params->network != Network::regtest) {
                    throw RpcError{code::kMisc, "addconnection is for regression testing (-regtest mode) only."};
                }
                const std::string& address = http::as_string(request.param(0));
                std::string name = http::as_string(request.param(1));
                name.erase(0, name.find_first_not_of(" \f\n\r\t\v"));
                name.erase(name.find_last_not_of(" \f\n\r\t\v") + 1);
                const auto type = connection_type(name);
                if (!type) throw RpcError{code::kInvalidParameter, request.spec->help()};
                const bool v2 = http::as_bool(request.param(2));
                net::NetPort& port = network(context);
                if (v2 && (port.view()->local_services & kServiceV2Transport) == 0) {
                    throw RpcError{code::kInvalidParameter,
                                   "Error: Adding v2transport connections requires -v2transport init flag to be set."};
                }
                if (!port.add_connection(address, *type, v2)) {
                    throw RpcError{code::kClientNodeCapacityReached,
                                   "Error: Already at capacity for specified connection type."};
                }
                out.begin_object().field("address", address).field("connection_type", name).end_object();
            }};
}

RpcMethod disconnectnode(const NodeContext& context) {
    return {"disconnectnode",
            "network",
            "Disconnects from a peer at once.\n\nGive either 'address' or 'nodeid'.\n\n"
            "To disconnect by nodeid, 'address' is the empty string, or only 'nodeid' is given by name.",
            {arg_str("address", http::default_hint("fallback to nodeid"), "The peer's address and port"),
             arg_num("nodeid", http::default_hint("fallback to address"), "The peer's number (see getpeerinfo)")},
            {none()},
            http::example_cli("disconnectnode", "\"192.168.0.6:8333\"") +
                http::example_cli("disconnectnode", "\"\" 1") +
                http::example_rpc("disconnectnode", "\"192.168.0.6:8333\"") +
                http::example_rpc("disconnectnode", "\"\", 1"),
            [&context](const RpcRequest& request, JsonWriter& out) {
                net::NetPort& port = network(context);
                const UniValue& address = request.arg("address");
                const UniValue& id = request.arg("nodeid");
                Result<void, net::NodeCommandError> done;
                if (!address.isNull() && id.isNull()) {
                    done = port.disconnect(http::as_string(address));
                } else if (!id.isNull() && (address.isNull() || http::as_string(address).empty())) {
                    done = port.disconnect(http::as_int<net::PeerId>(id));
                } else {
                    throw RpcError{code::kInvalidParams, "Only one of address and nodeid should be provided."};
                }
                if (!done) throw RpcError{code::kClientNodeNotConnected, "Node not found in connected nodes"};
                out.null();
            }};
}

void run_getaddednodeinfo(const NodeContext& context, const RpcRequest& request, JsonWriter& out) {
    auto nodes = network(context).added_nodes();
    if (request.has("node")) {
        const std::string& wanted = http::as_string(request.arg("node"));
        std::erase_if(nodes, [&](const net::AddedNode& node) { return node.node != wanted; });
        if (nodes.empty()) throw RpcError{code::kClientNodeNotAdded, "Error: Node has not been added."};
    }
    out.begin_array();
    for (const net::AddedNode& node : nodes) {
        out.begin_object()
            .field("addednode", node.node)
            .field("connected", node.connected)
            .key("addresses")
            .begin_array();
        if (node.connected) {
            out.begin_object()
                .field("address", node.address)
                .field("connected", node.inbound ? "inbound" : "outbound")
                .end_object();
        }
        out.end_array().end_object();
    }
    out.end_array();
}

RpcMethod getaddednodeinfo(const NodeContext& context) {
    return {"getaddednodeinfo",
            "network",
            "Tells about the nodes that were added by hand (not those of 'onetry').",
            {arg_str("node", http::default_hint("all nodes"), "Only this one.")},
            {arr("", "",
                 {obj("", "",
                      {str("addednode", "The node as it was given to addnode"), flag("connected", "Is it connected?"),
                       arr("addresses", "Only when connected",
                           {obj("", "",
                                {str("address", "Address and port of the connection"),
                                 str("connected", "Its direction, inbound or outbound")})})})})},
            examples("getaddednodeinfo", "\"192.168.0.201\""),
            [&context](const RpcRequest& request, JsonWriter& out) { run_getaddednodeinfo(context, request, out); }};
}

RpcMethod getnettotals(const NodeContext& context) {
    return {
        "getnettotals",
        "network",
        "Counts the bytes sent and received, and tells the time.",
        {},
        {obj("", "",
             {num("totalbytesrecv", "Bytes received"), num("totalbytessent", "Bytes sent"),
              time("timemillis", "The time in milliseconds since 1970"),
              obj("uploadtarget", "",
                  {num("timeframe", "Seconds in a cycle"), num("target", "Bytes to send at most in a cycle"),
                   flag("target_reached", "Was that reached?"),
                   flag("serve_historical_blocks", "Are old blocks given out?"),
                   num("bytes_left_in_cycle", "Bytes left in this cycle"),
                   num("time_left_in_cycle", "Seconds left in this cycle")})})},
        examples("getnettotals"),
        [&context](const RpcRequest&, JsonWriter& out) {
            const auto view = network(context).view();
            out.begin_object().field("totalbytesrecv", view->total_received).field("totalbytessent", view->total_sent);
            out.field("timemillis", context.clock->now_us() / 1000).key("uploadtarget").begin_object();
            out.field("timeframe", kUploadWindowSeconds)
                .field("target", view->upload.target_bytes)
                .field("target_reached", view->upload.reached)
                .field("serve_historical_blocks", view->upload.serves_history);
            out.field("bytes_left_in_cycle", view->upload.bytes_left).field("time_left_in_cycle", view->upload.time_left_s);
            out.end_object().end_object();
        }};
}

void write_networks(JsonWriter& out, const NodeContext& context) {
    out.key("networks").begin_array();
    if (context.net) {
        for (const net::NetworkState& network : context.net->view()->networks) {
            out.begin_object().field("name", network.name).field("limited", !network.reachable).field("reachable", network.reachable);
            out.field("proxy", network.proxy).field("proxy_randomize_credentials", network.proxy_randomizes).end_object();
        }
    }
    out.end_array();
}

void run_getnetworkinfo(const NodeContext& context, JsonWriter& out) {
    out.begin_object()
        .field("version", context.version)
        .field("subversion", context.user_agent)
        .field("protocolversion", context.protocol_version);
    if (context.net) {
        const auto view = context.net->view();
        std::size_t inbound = 0;
        for (const net::PeerSnapshot& peer : view->peers) inbound += peer.inbound ? 1 : 0;
        out.field("localservices", hex16(view->local_services)).key("localservicesnames");
        write_service_names(out, view->local_services);
        const SendRates rates = context.relay ? context.relay->send_rates() : SendRates();
        out.field("localrelay", context.relay_transactions)
            .field("timeoffset", view->time_offset)
            .field("tx_send_rate", rates.per_second);
        out.key("inv_buckets").begin_object();
        for (const auto& [direction, bucket] : {std::pair{"inbound", rates.inbound}, std::pair{"outbound", rates.outbound}}) {
            out.key(direction)
                .begin_object()
                .field("backlog", bucket.backlog)
                .field("count_tok", bucket.count_tokens)
                .field("size_tok", bucket.size_tokens)
                .end_object();
        }
        out.end_object().field("networkactive", view->active).field("connections", view->peers.size());
        out.field("connections_in", inbound).field("connections_out", view->peers.size() - inbound);
    }
    write_networks(out, context);
    out.amount_field("relayfee", context.min_relay_fee_rate)
        .amount_field("incrementalfee", context.incremental_relay_fee_rate);
    out.key("localaddresses").begin_array();
    if (context.net) {
        for (const net::LocalAddress& local : context.net->view()->local_addresses) {
            out.begin_object()
                .field("address", local.address)
                .field("port", local.port)
                .field("score", local.score)
                .end_object();
        }
    }
    out.end_array();
    write_warnings(out, context);
    out.end_object();
}

RpcMethod getnetworkinfo(const NodeContext& context) {
    return {"getnetworkinfo",
            "network",
            "Tells about the node's place in the network.",
            {},
            {obj("", "",
                 {num("version", "The node's version"), str("subversion", "What the node calls itself"),
                  num("protocolversion", "The protocol version"), hex("localservices", "The services we offer"),
                  arr("localservicesnames", "The services in words", {str("SERVICE_NAME", "A service")}),
                  flag("localrelay", "Do we ask peers for transactions?"),
                  num("timeoffset", "Seconds that peers' clocks are ahead of ours"),
                  num("tx_send_rate", "Transactions a second that inbound peers are told of at most"),
                  map("inv_buckets", "",
                      {obj("inbound/outbound", "direction of the connections",
                           {num("backlog", "Transactions waiting to be announced"),
                            num("count_tok", "Tokens left, a transaction each"),
                            num("size_tok", "Tokens left, a byte each")})}),
                  num("connections", "Connections"), num("connections_in", "Inbound connections"),
                  num("connections_out", "Outbound connections"), flag("networkactive", "Is the network switched on?"),
                  arr("networks", "Each kind of network",
                      {obj("", "",
                           {str("name", "The network (ipv4, ipv6, onion, i2p, cjdns)"),
                            flag("limited", "Is it shut off by -onlynet?"), flag("reachable", "Can it be reached?"),
                            str("proxy", "(\"host:port\") The proxy for it, or empty"),
                            flag("proxy_randomize_credentials", "Does every connection use other credentials?")})}),
                  num("relayfee", "Lowest fee rate that is relayed, in BTC/kvB"),
                  num("incrementalfee", "Least step of the fee rate, in BTC/kvB"),
                  arr("localaddresses", "Our addresses",
                      {obj("", "",
                           {str("address", "Address"), num("port", "Port"), num("score", "How sure we are of it")})}),
                  doc::warnings(context.deprecated_enabled("warnings"))})},
            examples("getnetworkinfo"),
            [&context](const RpcRequest&, JsonWriter& out) { run_getnetworkinfo(context, out); }};
}

RpcMethod setnetworkactive(const NodeContext& context) {
    return {"setnetworkactive",
            "network",
            "Switches the whole P2P network on or off.",
            {arg_bool("state", http::required(), "true for on, false for off")},
            {flag("", "The value that was given")},
            "",
            [&context](const RpcRequest& request, JsonWriter& out) {
                net::NetPort& port = network(context);
                const bool active = http::as_bool(request.param(0));
                port.set_active(active);
                out.boolean(active);
            }};
}

RpcMethod sendmsgtopeer(const NodeContext& context) {
    return {"sendmsgtopeer",
            "hidden",
            "Sends a message of any bytes to a peer. The header in front of it is made here. For tests only.",
            {arg_num("peer_id", http::required(), "The peer's number"),
             arg_str("msg_type", http::required(), fmt::format("Kind of message (at most {} characters)", kMaxMessageType)),
             arg_hex("msg", http::required(), "What follows the header, in hex")},
            {obj("", "", {})},
            examples("sendmsgtopeer", "0 \"addr\" \"ffffff\"", "0 \"addr\" \"ffffff\""),
            [&context](const RpcRequest& request, JsonWriter& out) {
                const auto peer = http::as_int<net::PeerId>(request.param(0));
                const std::string& type = http::as_string(request.param(1));
                if (type.size() > kMaxMessageType) {
                    throw RpcError{code::kInvalidParameter,
                                   fmt::format("Error: msg_type too long, max length is {}", kMaxMessageType)};
                }
                auto payload = from_hex(http::as_string(request.param(2)));
                if (!payload) throw RpcError{code::kInvalidParameter, "Error parsing input for msg"};
                if (!network(context).send_message(peer, type, std::move(*payload)))
                    throw RpcError{code::kMisc, "Error: Could not send message to peer"};
                out.begin_object().end_object();
            }};
}

}  // namespace

void register_network_methods(http::RpcTable& table, const NodeContext& context) {
    table.add(getconnectioncount(context));
    table.add(ping(context));
    table.add(getpeerinfo(context));
    table.add(addnode(context));
    table.add(addconnection(context));
    table.add(disconnectnode(context));
    table.add(getaddednodeinfo(context));
    table.add(getnettotals(context));
    table.add(getnetworkinfo(context));
    table.add(setnetworkactive(context));
    table.add(sendmsgtopeer(context));
}

}  // namespace cairn::node
