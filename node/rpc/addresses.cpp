// The address book and the list of bans.
#include "net/http/rpc_table.hpp"
#include "net/wire/net_address.hpp"
#include "node/rpc/doc.hpp"
#include "node/rpc/lookup.hpp"
#include "node/rpc/methods.hpp"

namespace cairn::node {
namespace {

using http::JsonWriter;
using http::RpcError;
using http::RpcMethod;
using http::RpcRequest;
namespace code = http::rpc_code;
using namespace doc;

constexpr const char* kNetworks = "ipv4, ipv6, onion, i2p, cjdns";

std::string known_network(const std::string& name) {
    std::string lower = name;
    for (char& c : lower)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (lower == "tor") lower = "onion";
    if (!net::parse_network(lower)) throw RpcError{code::kInvalidParameter, "Network not recognized: " + name};
    return lower;
}

RpcMethod getnodeaddresses(const NodeContext& context) {
    return {"getnodeaddresses",
            "network",
            "Lists addresses of nodes that were seen lately and may be of use, in random order. More may be known.",
            {arg_num("count", http::default_value("1"), "How many at most; 0 for all."),
             arg_str("network", http::default_hint("all networks"), std::string("Of this network only: one of ") + kNetworks + ".")},
            {arr("", "",
                 {obj("", "",
                      {time("time", "When the node was last seen"), num("services", "What it offers, as bits"), str("address", "Its address"),
                       num("port", "Its port"), str("network", "Its network")})})},
            http::example_cli("getnodeaddresses", "8") + http::example_cli("getnodeaddresses", "4 \"i2p\"") +
                http::example_rpc("getnodeaddresses", "8"),
            [&context](const RpcRequest& request, JsonWriter& out) {
                const int count = request.param(0).isNull() ? 1 : http::as_int<int>(request.param(0));
                if (count < 0) throw RpcError{code::kInvalidParameter, "Address count out of range"};
                const std::string of = request.param(1).isNull() ? "" : known_network(http::as_string(request.param(1)));
                out.begin_array();
                for (const net::KnownAddress& known : network(context).addresses(static_cast<std::size_t>(count), of)) {
                    out.begin_object().field("time", known.time).field("services", known.services).field("address", known.address);
                    out.field("port", known.port).field("network", known.network).end_object();
                }
                out.end_array();
            }};
}

RpcMethod getaddrmaninfo(const NodeContext& context) {
    return {"getaddrmaninfo",
            "network",
            "Counts the addresses in both tables of the address book, by network.",
            {},
            {map("", "",
                 {obj("network", std::string("One of ") + kNetworks + ", all_networks",
                      {num("new", "Addresses that somebody told us of"), num("tried", "Addresses that answered us"), num("total", "Both")})})},
            examples("getaddrmaninfo"),
            [&context](const RpcRequest&, JsonWriter& out) {
                out.begin_object();
                for (const net::BookCount& count : network(context).address_counts()) {
                    out.key(count.network.empty() ? "all_networks" : count.network).begin_object();
                    out.field("new", count.in_new).field("tried", count.in_tried).field("total", count.in_new + count.in_tried).end_object();
                }
                out.end_object();
            }};
}

void write_places(const std::vector<net::BookPlace>& places, JsonWriter& out) {
    out.begin_object();
    for (const net::BookPlace& place : places) {
        out.key(std::to_string(place.bucket) + "/" + std::to_string(place.position)).begin_object();
        out.field("address", place.address.address);
        if (place.system != 0) out.field("mapped_as", place.system);
        out.field("port", place.address.port).field("services", place.address.services).field("time", place.address.time);
        out.field("network", place.address.network).field("source", place.source).field("source_network", place.source_network);
        if (place.source_system != 0) out.field("source_mapped_as", place.source_system);
        out.end_object();
    }
    out.end_object();
}

RpcMethod getrawaddrman(const NodeContext& context) {
    return {"getrawaddrman",
            "hidden",
            "Shows where every address stands in the address book. For tests; it may change.",
            {},
            {map("", "",
                 {map("table", "The places of a table: new, tried",
                      {obj("bucket/position", "The place",
                           {str("address", "The address"), num("mapped_as", "Its autonomous system, where there is a map"), num("port", "The port"),
                            str("network", "Its network"), num("services", "What the node offers, as bits"), time("time", "When it was last seen"),
                            str("source", "Who told us of it"), str("source_network", "The network of that one"),
                            num("source_mapped_as", "The autonomous system of that one, where there is a map")})})})},
            examples("getrawaddrman"),
            [&context](const RpcRequest&, JsonWriter& out) {
                out.begin_object();
                out.key("new");
                write_places(network(context).address_places(false), out);
                out.key("tried");
                write_places(network(context).address_places(true), out);
                out.end_object();
            }};
}

RpcMethod addpeeraddress(const NodeContext& context) {
    return {"addpeeraddress",
            "hidden",
            "Puts an address into the address book as if it had announced itself. For tests only.",
            {arg_str("address", http::required(), "The address"), arg_num("port", http::required(), "The port"),
             arg_bool("tried", http::default_value("false"), "Put it among those that answered us.")},
            {obj("", "", {flag("success", "Was it added?"), str("error", "Why not")})},
            examples("addpeeraddress", "\"1.2.3.4\" 8333 true", "\"1.2.3.4\", 8333, true"),
            [&context](const RpcRequest& request, JsonWriter& out) {
                const auto port = http::as_int<std::uint16_t>(request.param(1));
                const auto result = network(context).add_address(http::as_string(request.param(0)), port, request.bool_or("tried", false));
                if (result == net::AddAddressResult::bad_address) throw RpcError{code::kClientInvalidIpOrSubnet, "Invalid IP address"};
                out.begin_object();
                if (result == net::AddAddressResult::not_added_to_new) out.field("error", "failed-adding-to-new");
                if (result == net::AddAddressResult::not_added_to_tried) out.field("error", "failed-adding-to-tried");
                out.field("success", result == net::AddAddressResult::added).end_object();
            }};
}

void run_setban(const NodeContext& context, const RpcRequest& request) {
    const std::string& subnet = http::as_string(request.param(0));
    const std::string& command = http::as_string(request.param(1));
    if (command != "add" && command != "remove") throw RpcError{code::kMisc, request.spec->help()};
    const RpcError invalid{code::kClientInvalidIpOrSubnet, "Error: Invalid IP/Subnet"};
    if (!net::Subnet::parse(subnet)) throw invalid;
    if (command == "remove") {
        if (!network(context).unban(subnet))
            throw RpcError{code::kClientInvalidIpOrSubnet, "Error: Unban failed. Requested address/subnet was not previously manually banned."};
        return;
    }
    const std::int64_t now = context.clock->now();
    const std::int64_t span = request.param(2).isNull() ? 0 : http::as_int<std::int64_t>(request.param(2));
    const bool absolute = request.bool_or("absolute", false);
    net::Ban ban{subnet, now, 0};
    if (span <= 0) ban.until = now + context.ban_time;
    else ban.until = absolute ? span : now + span;
    // What is banned already is said before a time that is over, as callers know it.
    const auto check = [&](const Result<void, net::BanError>& done) {
        if (!done) throw done.error() == net::BanError::already_banned ? RpcError{code::kClientNodeAlreadyAdded, "Error: IP/Subnet already banned"} : invalid;
    };
    if (absolute && span < now) throw RpcError{code::kInvalidParameter, "Error: Absolute timestamp is in the past"};
    check(network(context).ban(ban));
}

RpcMethod setban(const NodeContext& context) {
    return {"setban",
            "network",
            "Puts an address or a network on the list of bans, or takes it off.",
            {arg_str("subnet", http::required(), "An address (see getpeerinfo), or a network with its number of bits"),
             arg_str("command", http::required(), "'add' or 'remove'"),
             arg_num("bantime", http::default_value("0"), "For how many seconds, or until when with [absolute]; 0 for the time of -bantime"),
             arg_bool("absolute", http::default_value("false"), "The time is a point in time, in seconds since 1970.")},
            {none()},
            http::example_cli("setban", "\"192.168.0.6\" \"add\" 86400") + http::example_cli("setban", "\"192.168.0.0/24\" \"add\"") +
                http::example_rpc("setban", "\"192.168.0.6\", \"add\", 86400"),
            [&context](const RpcRequest& request, JsonWriter& out) {
                run_setban(context, request);
                out.null();
            }};
}

RpcMethod listbanned(const NodeContext& context) {
    return {"listbanned",
            "network",
            "Lists the addresses and networks that were banned by hand.",
            {},
            {arr("", "",
                 {obj("", "",
                      {str("address", "The address or network"), time("ban_created", "When it was banned"), time("banned_until", "Until when it is"),
                       time("ban_duration", "For how many seconds"), time("time_remaining", "How many of them remain")})})},
            examples("listbanned"),
            [&context](const RpcRequest&, JsonWriter& out) {
                const std::int64_t now = context.clock->now();
                out.begin_array();
                for (const net::Ban& ban : network(context).bans()) {
                    out.begin_object().field("address", ban.subnet).field("ban_created", ban.created).field("banned_until", ban.until);
                    out.field("ban_duration", ban.until - ban.created).field("time_remaining", ban.until - now).end_object();
                }
                out.end_array();
            }};
}

RpcMethod clearbanned(const NodeContext& context) {
    return {"clearbanned", "network", "Lifts all bans.", {}, {none()}, examples("clearbanned"), [&context](const RpcRequest&, JsonWriter& out) {
                network(context).clear_bans();
                out.null();
            }};
}

}  // namespace

void add_address_methods(http::RpcTable& table, const NodeContext& context) {
    table.add(setban(context));
    table.add(listbanned(context));
    table.add(clearbanned(context));
    table.add(getnodeaddresses(context));
    table.add(getaddrmaninfo(context));
    table.add(addpeeraddress(context));
    table.add(getrawaddrman(context));
}

}  // namespace cairn::node
