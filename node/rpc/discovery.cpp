#include "net/http/rpc_table.hpp"
#include "node/rpc/doc.hpp"
#include "node/rpc/lookup.hpp"
#include "node/rpc/methods.hpp"

namespace cairn::node {
namespace {

using http::JsonWriter;
using http::RpcMethod;
using http::RpcRequest;
using namespace doc;

void write_lan(JsonWriter& out, const net::DiscoveryState& state) {
    out.key("lan").begin_object().field("enabled", state.lan);
    if (!state.lan) {
        out.end_object();
        return;
    }
    out.field("name", state.lan_name).field("announced", state.lan_announced);
    out.key("interfaces").begin_array();
    for (const std::string& interface : state.lan_interfaces) out.string(interface);
    out.end_array();
    out.key("peers").begin_array();
    for (const net::DiscoveryState::Neighbour& peer : state.lan_peers) {
        out.begin_object()
            .field("name", peer.name)
            .field("address", peer.address)
            .field("interface", peer.interface)
            .field("since", peer.since)
            .field("connected", peer.connected)
            .end_object();
    }
    out.end_array();
    out.field("packets_sent", state.lan_sent)
        .field("packets_received", state.lan_received)
        .field("packets_malformed", state.lan_malformed)
        .field("packets_rate_limited", state.lan_rate_limited)
        .end_object();
}

void write_dht(JsonWriter& out, const net::DiscoveryState& state) {
    out.key("dht").begin_object().field("enabled", state.dht);
    if (state.dht) {
        out.field("port", state.dht_port)
            .field("id", state.dht_id)
            .field("good_nodes", state.dht_good)
            .field("dubious_nodes", state.dht_dubious)
            .field("searches", state.dht_searches)
            .field("announcements", state.dht_announced)
            .field("found", state.dht_found)
            .field("taken", state.dht_passed)
            .field("refused", state.dht_refused)
            .field("packets_sent", state.dht_sent)
            .field("packets_received", state.dht_received);
    }
    out.end_object();
}

RpcMethod getdiscoveryinfo(const NodeContext& context) {
    return {"getdiscoveryinfo",
            "network",
            "Tells how peers are looked for without any server: on the local network (-landiscovery) and in the hash table (-dht).",
            {},
            {obj("", "",
                 {obj("lan", "The local network; without it only \"enabled\"",
                      {flag("enabled", "Is it asked?"), http::maybe(str("name", "Our random name there")),
                       http::maybe(flag("announced", "Have others been told of us?")),
                       http::maybe(arr("interfaces", "Over which it is spoken", {str("", "An interface")})),
                       http::maybe(arr("peers", "Nodes of this chain there",
                                       {obj("", "",
                                            {str("name", "The name it gave itself"), str("address", "Where it is"), str("interface", "Over which it was found"),
                                             num("since", "When it was found or moved, in seconds since 1970"),
                                             flag("connected", "Is there a connection with it?")})})),
                       http::maybe(num("packets_sent", "Packets sent")), http::maybe(num("packets_received", "Packets looked at")),
                       http::maybe(num("packets_malformed", "Those of them that were broken")),
                       http::maybe(num("packets_rate_limited", "Packets not looked at because there were too many"))}),
                  obj("dht", "The hash table; without it only \"enabled\"",
                      {flag("enabled", "Are we in it?"), http::maybe(num("port", "Our UDP port")),
                       http::maybe(hex("id", "Under which nodes of this chain are found")), http::maybe(num("good_nodes", "Nodes of the table that answer")),
                       http::maybe(num("dubious_nodes", "Nodes of the table that have not been heard of lately")),
                       http::maybe(num("searches", "Searches begun")), http::maybe(num("announcements", "Searches that ended with our port announced")),
                       http::maybe(num("found", "Finds, the same one may come often")), http::maybe(num("taken", "Finds that were offered to the address book")),
                       http::maybe(num("refused", "Finds beyond what one hour or one group of addresses may bring, or of no use")),
                       http::maybe(num("packets_sent", "Packets sent")), http::maybe(num("packets_received", "Packets received"))})})},
            examples("getdiscoveryinfo"),
            [&context](const RpcRequest&, JsonWriter& out) {
                const net::DiscoveryState state = network(context).view()->discovery;
                out.begin_object();
                write_lan(out, state);
                write_dht(out, state);
                out.end_object();
            }};
}

}  // namespace

void add_discovery_methods(http::RpcTable& table, const NodeContext& context) { table.add(getdiscoveryinfo(context)); }

}  // namespace cairn::node
