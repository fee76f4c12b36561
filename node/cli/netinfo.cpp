#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "net/http/rpc_params.hpp"
#include "node/cli/client.hpp"
#include "node/config/identity.hpp"

/// The table of -netinfo.
namespace cairn::node {
namespace {

using http::member;

constexpr int kMaxLevel = 4;
constexpr std::array<std::string_view, 7> kNetworks = {"not_publicly_routable", "ipv4", "ipv6", "onion", "i2p", "cjdns", "internal"};
constexpr std::array<std::string_view, 7> kShortNames = {"npr", "ipv4", "ipv6", "onion", "i2p", "cjdns", "int"};
constexpr std::size_t kAll = kNetworks.size();

struct Row {
    bool outbound = false;
    double min_ping = -1, ping = -1;
    std::string type, network, services, transport, send, receive, transaction, block, high_bandwidth, processed, limited, age, mapped_as, id,
        address, version;
};

struct Table {
    std::vector<Row> rows;
    std::array<std::array<int, kAll + 1>, 3> counts{};  ///< in, out, all × networks, all
    int block_relay = 0, manual = 0;
    bool mapped = false;
};

std::int64_t int_of(const UniValue& object, const char* name, std::int64_t fallback = 0) {
    const UniValue& value = member(object, name);
    return value.isNum() ? http::as_int<std::int64_t>(value) : fallback;
}

bool true_of(const UniValue& object, const char* name) { return member(object, name).isTrue(); }

std::string ping_text(const UniValue& value) {
    if (value.isNull()) return "";
    const double ms = std::round(1000 * http::as_real(value));
    return ms > 999'999 ? "-" : fmt::format("{:.0f}", ms);
}

std::string type_text(const std::string& type) {
    if (type == "outbound-full-relay") return "full";
    if (type == "block-relay-only") return "block";
    if (type == "addr-fetch") return "addr";
    if (type == "private-broadcast") return "priv";
    return type == "manual" || type == "feeler" || type == "lan" ? type : "";
}

/// One letter for each: "nwl2".
std::string service_letters(const UniValue& names) {
    std::string out;
    for (std::size_t i = 0; i < names.size(); ++i) {
        const std::string& name = names[i].getValStr();
        if (name == "NETWORK_LIMITED") out += 'l';
        else if (name == "P2P_V2") out += '2';
        else if (!name.empty()) out += static_cast<char>(std::tolower(static_cast<unsigned char>(name[0])));
    }
    return out;
}

std::string service_words(const UniValue& names) {
    std::string out;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (i) out += ", ";
        for (const char c : names[i].getValStr()) out += c == '_' ? ' ' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    return out;
}

std::string since(std::int64_t then, std::int64_t now, std::int64_t unit, const std::string& never = "") {
    return then ? std::to_string((now - then) / unit) : never;
}

Row make_row(const UniValue& peer, std::size_t network, std::int64_t now) {
    Row row;
    row.outbound = !true_of(peer, "inbound");
    const UniValue& min_ping = member(peer, "minping");
    row.min_ping = min_ping.isNull() ? -1 : http::as_real(min_ping);
    row.type = type_text(member(peer, "connection_type").getValStr());
    row.network = kShortNames[network];
    row.services = service_letters(member(peer, "servicesnames"));
    const std::string& transport = member(peer, "transport_protocol_type").getValStr();
    row.transport = transport.size() == 2 && transport[0] == 'v' ? transport.substr(1) : transport.empty() ? "1" : " ";
    row.version = std::to_string(int_of(peer, "version")) + member(peer, "subver").getValStr();
    if (row.version == "0") row.version.clear();
    row.send = since(int_of(peer, "lastsend"), now, 1);
    row.receive = since(int_of(peer, "lastrecv"), now, 1);
    const UniValue& relays = member(peer, "relaytxes");
    row.transaction = since(int_of(peer, "last_transaction"), now, 60, relays.isNull() || relays.isTrue() ? "" : "*");
    row.block = since(int_of(peer, "last_block"), now, 60);
    row.high_bandwidth = std::string(true_of(peer, "bip152_hb_to") ? "." : " ") + (true_of(peer, "bip152_hb_from") ? "*" : " ");
    const std::int64_t processed = int_of(peer, "addr_processed");
    row.processed = processed ? std::to_string(processed) : true_of(peer, "addr_relay_enabled") ? "" : ".";
    const std::int64_t limited = int_of(peer, "addr_rate_limited");
    row.limited = limited ? std::to_string(limited) : "";
    row.age = since(int_of(peer, "conntime"), now, 60);
    const std::int64_t mapped = int_of(peer, "mapped_as");
    row.mapped_as = mapped ? std::to_string(mapped) : "";
    row.id = std::to_string(int_of(peer, "id"));
    row.address = member(peer, "addr").getValStr();
    return row;
}

Table collect(const UniValue& peers, const NetinfoOptions& options, std::int64_t now) {
    Table table;
    for (std::size_t i = 0; i < peers.size(); ++i) {
        const UniValue& peer = peers[i];
        const auto found = std::find(kNetworks.begin(), kNetworks.end(), member(peer, "network").getValStr());
        if (found == kNetworks.end()) continue;
        const auto network = static_cast<std::size_t>(found - kNetworks.begin());
        const bool outbound = !true_of(peer, "inbound");
        for (const std::size_t line : {static_cast<std::size_t>(outbound), std::size_t{2}}) {
            ++table.counts[line][network];
            ++table.counts[line][kAll];
        }
        const std::string& type = member(peer, "connection_type").getValStr();
        table.block_relay += type == "block-relay-only";
        table.manual += type == "manual";
        if (options.level == 0 || (options.outbound_only && !outbound)) continue;
        Row row = make_row(peer, network, now);
        row.ping = member(peer, "pingtime").isNull() ? -1 : http::as_real(member(peer, "pingtime"));
        table.mapped |= !row.mapped_as.empty();
        table.rows.push_back(std::move(row));
    }
    std::stable_sort(table.rows.begin(), table.rows.end(), [](const Row& a, const Row& b) {
        return std::pair(a.outbound, a.min_ping) < std::pair(b.outbound, b.min_ping);
    });
    return table;
}

std::string ping_column(double seconds) {
    return seconds < 0 ? "" : ping_text(UniValue(seconds));
}

std::string list_text(const Table& table, const NetinfoOptions& options) {
    const bool addresses = options.level == 2 || options.level == 4, versions = options.level >= 3;
    std::size_t services = 6, processed = 5, limited = 6, age = 5, id = 2, address = 0;
    for (const Row& row : table.rows) {
        services = std::max(services, row.services.size());
        processed = std::max(processed, row.processed.size());
        limited = std::max(limited, row.limited.size());
        age = std::max(age, row.age.size());
        id = std::max(id, row.id.size());
        address = std::max(address, row.address.size() + 1);
    }
    if (!addresses) address = 0;
    std::string out = fmt::format("<->   type   net {:>{}}  v  mping   ping send recv  txn  blk  hb {:>{}}{:>{}}{:>{}} ", "serv", services, "addrp",
                                  processed, "addrl", limited, "age", age);
    if (table.mapped) out += " asmap ";
    out += fmt::format("{:>{}} {:<{}}{}\n", "id", id, addresses ? "address" : "", address, versions ? "version" : "");
    for (const Row& row : table.rows) {
        out += fmt::format("{:>3} {:>6} {:>5} {:>{}} {:>2}{:>7}{:>7}{:>5}{:>5}{:>5}{:>5}  {:>2} {:>{}}{:>{}}{:>{}}{:>{}} {:>{}} {:<{}}{}\n",
                           row.outbound ? "out" : "in", row.type, row.network, row.services, services, row.transport, ping_column(row.min_ping),
                           ping_column(row.ping), row.send, row.receive, row.transaction, row.block, row.high_bandwidth, row.processed, processed,
                           row.limited, limited, row.age, age, table.mapped ? row.mapped_as : "", table.mapped ? 7 : 0, row.id, id,
                           addresses ? row.address : "", address, versions ? row.version : "");
    }
    return out + fmt::format("                {:>{}}         ms     ms  sec  sec  min  min                {:>{}}\n\n", "", services, "min", age);
}

std::string counts_text(const Table& table, const UniValue& networks) {
    std::string out = "     ";
    std::vector<std::size_t> shown;
    for (std::size_t i = 0; i < networks.size(); ++i) {
        if (!true_of(networks[i], "reachable")) continue;
        const std::string& name = member(networks[i], "name").getValStr();
        const auto found = std::find(kNetworks.begin(), kNetworks.end(), name);
        if (found == kNetworks.end()) continue;
        out += fmt::format("{:>8}", name);
        shown.push_back(static_cast<std::size_t>(found - kNetworks.begin()));
    }
    for (const std::size_t network : {std::size_t{0}, std::size_t{6}}) {
        if (table.counts[2][network] == 0) continue;
        out += fmt::format("{:>8}", kShortNames[network]);
        shown.push_back(network);
    }
    out += "   total   block";
    if (table.manual) out += "  manual";
    constexpr std::array<std::string_view, 3> kLines = {"in", "out", "total"};
    for (std::size_t line = 0; line < kLines.size(); ++line) {
        out += fmt::format("\n{:<5}", kLines[line]);
        for (const std::size_t network : shown) out += fmt::format("{:>8}", table.counts[line][network]);
        out += fmt::format("   {:>5}", table.counts[line][kAll]);
        if (line != 1) continue;
        out += fmt::format("   {:>5}", table.block_relay);
        if (table.manual) out += fmt::format("   {:>5}", table.manual);
    }
    return out;
}

std::string addresses_text(const UniValue& addresses) {
    if (addresses.empty()) return ": n/a\n";
    std::size_t width = 0;
    for (std::size_t i = 0; i < addresses.size(); ++i) width = std::max(width, member(addresses[i], "address").getValStr().size() + 1);
    std::string out;
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        out += fmt::format("\n{:<{}}    port {:>6}    score {:>6}", member(addresses[i], "address").getValStr(), width,
                           int_of(addresses[i], "port"), int_of(addresses[i], "score"));
    }
    return out;
}

}  // namespace

NetinfoOptions parse_netinfo(const std::vector<std::string>& words) {
    NetinfoOptions options;
    if (words.empty()) return options;
    constexpr const char* kMore = "For more information, run: bitcoin-cli -netinfo help";
    std::uint8_t level = 0;
    const std::string& text = words[0];
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), level);
    if (error != std::errc{} || end != text.data() + text.size()) {
        throw std::runtime_error("invalid -netinfo level argument: " + text + "\n" + kMore);
    }
    options.level = std::min<int>(level, kMaxLevel);
    if (words.size() < 2) return options;
    if (level && (words[1] == "o" || words[1] == "outonly")) {
        options.outbound_only = true;
        return options;
    }
    throw std::runtime_error("invalid -netinfo outonly argument: " + words[1] + "\n" +
                             (level ? "" : "The outonly argument is only valid for a level greater than 0 (the first argument). ") + kMore);
}

std::string netinfo_text(const UniValue& peers, const UniValue& net, const NetinfoOptions& options, const std::string& chain, std::int64_t now) {
    if (int_of(net, "version") < 209900) throw std::runtime_error("-netinfo requires bitcoind server to be running v0.21.0 and up");
    const Table table = collect(peers, options, now);
    const UniValue& services = member(net, "localservicesnames");
    std::string out = fmt::format("{} client {}:{}{} - server {}{}{}\n\n", kCompatibleName, kClientName, kClientVersion,
                                  chain == "main" ? "" : " " + (chain == "test" ? std::string("testnet") : chain), int_of(net, "protocolversion"),
                                  member(net, "subversion").getValStr(), options.level ? " - services " + service_letters(services) : "");
    if (options.level && !table.rows.empty()) out += list_text(table, options);
    out += counts_text(table, member(net, "networks"));
    if (!options.level) out += "\n\nLocal services: " + service_words(services);
    return out + "\n\nLocal addresses" + addresses_text(member(net, "localaddresses"));
}

std::string netinfo_help() {
    return "-netinfo (level [outonly]) | help\n\n"
           "Shows the node's connections as a table for people; it is made from getpeerinfo and getnetworkinfo and may change.\n\n"
           "level     0 (default)  counts by network, local services and addresses\n"
           "          1            a line for each peer as well\n"
           "          2            with its address\n"
           "          3            with its version\n"
           "          4            with both; higher levels are taken as 4\n"
           "outonly   (or o) with a level above 0: leaves inbound peers out\n"
           "help      (or h) this text\n\n"
           "Columns\n"
           "  <->      in: they dialled us, out: we dialled them\n"
           "  type     full, block (no transactions), manual (-addnode, -connect), feeler (tests an address), lan (on the local network), addr (asks for addresses),\n"
           "           priv (sends an own transaction)\n"
           "  net      ipv4, ipv6, onion, i2p, cjdns or npr (not publicly routable)\n"
           "  serv     n NETWORK, b BLOOM, w WITNESS, c COMPACT_FILTERS, l NETWORK_LIMITED, 2 P2P_V2, u unknown\n"
           "  v        version of the transport\n"
           "  mping    shortest ping in ms\n"
           "  ping     latest ping in ms\n"
           "  send     seconds since we sent something\n"
           "  recv     seconds since they sent something\n"
           "  txn      minutes since their last new transaction; * when we send them none\n"
           "  blk      minutes since their last new block\n"
           "  hb       high-bandwidth compact blocks: . we asked them, * they asked us\n"
           "  addrp    addresses taken from them; . when none are exchanged\n"
           "  addrl    addresses dropped because they came too fast\n"
           "  age      minutes connected\n"
           "  asmap    autonomous system, with -asmap\n"
           "  id       number of the peer\n\n"
           "Examples\n"
           "> bitcoin-cli -netinfo\n"
           "> bitcoin-cli -netinfo 4 outonly\n"
           "> watch --interval 1 --no-title bitcoin-cli -netinfo 4\n";
}

}  // namespace cairn::node
