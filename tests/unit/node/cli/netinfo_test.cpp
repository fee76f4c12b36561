#include <gtest/gtest.h>

#include "node/cli/client.hpp"

namespace cairn::node {
namespace {

constexpr std::int64_t kNow = 1'700'000'000;

UniValue json(const std::string& text) {
    UniValue value;
    EXPECT_TRUE(value.read(text)) << text;
    return value;
}

/// Two peers who dialled us, and three whom we dialled, as getpeerinfo lists them.
UniValue peers() {
    return json(R"([
{"id":0,"addr":"1.2.3.4:50000","network":"ipv4","servicesnames":["NETWORK","WITNESS"],"relaytxes":true,"lastsend":1699999990,
 "lastrecv":1699999995,"last_transaction":1699999400,"last_block":0,"conntime":1699996400,"pingtime":0.0345,"minping":0.0301,
 "version":70016,"subver":"/Satoshi:31.0.0/","inbound":true,"bip152_hb_to":false,"bip152_hb_from":true,"addr_relay_enabled":true,
 "addr_processed":1234567,"addr_rate_limited":0,"connection_type":"inbound","transport_protocol_type":"v2","mapped_as":64500},
{"id":11,"addr":"[2001:db8::1]:8333","network":"ipv6","servicesnames":["NETWORK","NETWORK_LIMITED","P2P_V2","UNKNOWN[2^25]"],
 "relaytxes":false,"lastsend":0,"lastrecv":0,"last_transaction":0,"last_block":0,"conntime":0,"minping":0.01,"version":0,"subver":"",
 "inbound":true,"addr_relay_enabled":false,"connection_type":"inbound","transport_protocol_type":"detecting"},
{"id":2,"addr":"a.onion:8333","network":"onion","servicesnames":["COMPACT_FILTERS","BLOOM"],"relaytxes":false,"lastsend":1700000000,
 "lastrecv":1700000000,"last_block":1699996400,"conntime":1699999999,"pingtime":1000.5,"minping":0.5,"version":70016,"subver":"/x/",
 "inbound":false,"bip152_hb_to":true,"connection_type":"block-relay-only","transport_protocol_type":"v1"},
{"id":3,"addr":"127.0.0.1:1","network":"not_publicly_routable","servicesnames":[],"inbound":false,"version":70016,"subver":"/y/",
 "connection_type":"manual","addr_rate_limited":7},
{"id":4,"addr":"?","network":"of the future","inbound":false,"connection_type":"manual"}])");
}

UniValue network() {
    return json(R"({"version":310000,"protocolversion":70016,"subversion":"/Satoshi:31.0.0/","localservicesnames":["NETWORK","P2P_V2"],
"networks":[{"name":"ipv4","reachable":true},{"name":"ipv6","reachable":false},{"name":"onion","reachable":true}],
"localaddresses":[{"address":"8.8.8.8","port":8333,"score":4},{"address":"2001:db8::8","port":18444,"score":100}]})");
}

/// What -netinfo prints below its first line.
std::string shown(const std::vector<std::string>& words) {
    const std::string text = netinfo_text(peers(), network(), parse_netinfo(words), "regtest", kNow);
    return text.substr(text.find('\n') + 1);
}

constexpr const char* kCounts =
    "         ipv4   onion     npr   total   block  manual\n"
    "in          1       0       0       2\n"
    "out         0       1       1       2       1       1\n"
    "total       1       1       1       4\n";
constexpr const char* kAddresses =
    "\nLocal addresses\n"
    "8.8.8.8         port   8333    score      4\n"
    "2001:db8::8     port  18444    score    100";

TEST(Netinfo, CountsPeersByNetworkAndDirection) {
    EXPECT_EQ(shown({}), "\n" + std::string(kCounts) + "\nLocal services: network, p2p v2\n" + kAddresses);
    EXPECT_EQ(shown({"0"}), shown({}));
}

TEST(Netinfo, ListsPeersByDirectionAndPing) {
    EXPECT_EQ(shown({"4"}),
              "\n<->   type   net   serv  v  mping   ping send recv  txn  blk  hb   addrp addrl  age  asmap id address            version\n"
              " in         ipv6   nl2u        10                     *                .                   11 [2001:db8::1]:8333 \n"
              " in         ipv4     nw  2     30     35   10    5   10        * 1234567         60  64500  0 1.2.3.4:50000      "
              "70016/Satoshi:31.0.0/\n"
              "out manual   npr         1                                             .     7              3 127.0.0.1:1        70016/y/\n"
              "out  block onion     cb  1    500      -    0    0    *   60  .        .          0         2 a.onion:8333       70016/x/\n"
              "                               ms     ms  sec  sec  min  min                  min\n\n" +
                  std::string(kCounts) + kAddresses);
}

TEST(Netinfo, LeavesColumnsAndInboundPeersOutAsAsked) {
    const std::string all = shown({"1"}), with_address = shown({"2"}), with_version = shown({"3"}), outbound = shown({"4", "o"});
    EXPECT_EQ(all.find("1.2.3.4"), std::string::npos);
    EXPECT_EQ(all.find("/Satoshi"), std::string::npos);
    EXPECT_NE(with_address.find("1.2.3.4"), std::string::npos);
    EXPECT_EQ(with_address.find("/Satoshi"), std::string::npos);
    EXPECT_EQ(with_version.find("1.2.3.4"), std::string::npos);
    EXPECT_NE(with_version.find("/Satoshi"), std::string::npos);
    EXPECT_EQ(outbound.find("1.2.3.4"), std::string::npos);
    EXPECT_NE(outbound.find("a.onion"), std::string::npos);
    EXPECT_EQ(outbound.find("asmap"), std::string::npos) << "none of those shown is mapped";
    EXPECT_EQ(shown({"255", "outonly"}), outbound);
}

TEST(Netinfo, RefusesWhatItDoesNotKnow) {
    const auto refusal = [](const std::vector<std::string>& words) -> std::string {
        try {
            (void)parse_netinfo(words);
        } catch (const std::runtime_error& e) {
            return e.what();
        }
        return "none";
    };
    const std::string more = "For more information, run: bitcoin-cli -netinfo help";
    for (const char* level : {"x", "256", "-1", "1.5", ""}) EXPECT_EQ(refusal({level}), "invalid -netinfo level argument: " + std::string(level) + "\n" + more);
    EXPECT_EQ(refusal({"1", "x"}), "invalid -netinfo outonly argument: x\n" + more);
    EXPECT_EQ(refusal({"0", "o"}),
              "invalid -netinfo outonly argument: o\nThe outonly argument is only valid for a level greater than 0 (the first argument). " + more);
    EXPECT_EQ(refusal({"1", "o", "anything"}), "none");
}

}  // namespace
}  // namespace cairn::node
