#include "net/io/proxies.hpp"

#include <gtest/gtest.h>

namespace cairn::net {
namespace {

ProxyArguments quiet() {
    ProxyArguments given;
    given.listen_onion = false;
    given.name_lookup = false;
    return given;
}
std::string proxy_of(const ProxyPlan& plan, NetworkId network) {
    const auto found = plan.networks.find(network);
    return found == plan.networks.end() ? "" : found->second.to_string();
}

TEST(ProxyPlan, ReachesWhatNeedsNoHelpByItself) {
    const auto plan = plan_proxies(quiet());
    EXPECT_EQ(plan->reachable, (std::vector{NetworkId::ipv4, NetworkId::ipv6}));
    EXPECT_TRUE(plan->networks.empty());
    EXPECT_FALSE(plan->names);
    EXPECT_TRUE(plan->onion_allowed);
}

TEST(ProxyPlan, TakesOneProxyForAllButI2p) {
    ProxyArguments given = quiet();
    given.proxies = {"127.0.0.1"};
    const auto plan = plan_proxies(given);
    for (const auto network : {NetworkId::ipv4, NetworkId::ipv6, NetworkId::onion, NetworkId::cjdns}) EXPECT_EQ(proxy_of(*plan, network), "127.0.0.1:9050");
    EXPECT_EQ(proxy_of(*plan, NetworkId::i2p), "");
    EXPECT_TRUE(plan->names && plan->names->isolate);
    EXPECT_TRUE(plan->reaches(NetworkId::onion));
    EXPECT_FALSE(plan->reaches(NetworkId::i2p));
    EXPECT_FALSE(plan->reaches(NetworkId::cjdns)) << "needs -cjdnsreachable";
}

TEST(ProxyPlan, OverridesInOrder) {
    ProxyArguments given = quiet();
    given.randomize = false;
    given.proxies = {"127.1.1.1:1111", "127.2.2.2:2222=onion", "0=cjdns", "unix:/run/socks=ipv6"};
    const auto plan = plan_proxies(given);
    EXPECT_EQ(proxy_of(*plan, NetworkId::ipv4), "127.1.1.1:1111");
    EXPECT_EQ(proxy_of(*plan, NetworkId::ipv6), "unix:/run/socks");
    EXPECT_EQ(proxy_of(*plan, NetworkId::onion), "127.2.2.2:2222");
    EXPECT_EQ(proxy_of(*plan, NetworkId::cjdns), "");
    EXPECT_EQ(plan->names->to_string(), "unix:/run/socks");
    EXPECT_FALSE(plan->names->isolate);
    given.proxies = {"127.1.1.1:1111", "0"};
    EXPECT_TRUE(plan_proxies(given)->networks.empty());
    given.proxies = {"127.1.1.1:1111"};
    given.onion = "0";
    EXPECT_FALSE(plan_proxies(given)->reaches(NetworkId::onion));
    given.onion = "[::1]:99";
    given.i2p_sam = "127.0.0.1";
    EXPECT_EQ(proxy_of(*plan_proxies(given), NetworkId::onion), "[::1]:99");
    EXPECT_EQ(proxy_of(*plan_proxies(given), NetworkId::i2p), "127.0.0.1:7656");
}

TEST(ProxyPlan, ComplainsInTheWordsThatOperatorsKnow) {
    const auto complaint = [](auto change) {
        ProxyArguments given = quiet();
        change(given);
        const auto plan = plan_proxies(given);
        return plan ? std::string("fine") : plan.error();
    };
    EXPECT_EQ(complaint([](auto& g) { g.proxies = {"abc..abc:23456"}; }), "Invalid -proxy address or hostname: 'abc..abc:23456'");
    EXPECT_EQ(complaint([](auto& g) { g.proxies = {"127.0.0.1:9050="}; }), "Invalid -proxy address or hostname, ends with '=': '127.0.0.1:9050='");
    EXPECT_EQ(complaint([](auto& g) { g.proxies = {"127.0.0.1:9050=foo"}; }), "Unrecognized network in -proxy='127.0.0.1:9050=foo': 'foo'");
    EXPECT_TRUE(complaint([](auto& g) { g.proxies = {"unix:" + std::string(200, 'x')}; }).starts_with("Invalid -proxy address or hostname: 'unix:xx"));
    EXPECT_EQ(complaint([](auto& g) { g.onion = "nowhere:1"; }), "Invalid -onion address or hostname: 'nowhere:1'");
    EXPECT_EQ(complaint([](auto& g) { g.i2p_sam = "unix:/x"; }), "Invalid -i2psam address or hostname: 'unix:/x'");
    EXPECT_EQ(complaint([](auto& g) { g.only_nets = {"abc"}; }), "Unknown network specified in -onlynet: 'abc'");
    EXPECT_EQ(complaint([](auto& g) { g.only_nets = {"i2p"}; }), "Outbound connections restricted to i2p (-onlynet=i2p) but -i2psam is not provided");
    EXPECT_EQ(complaint([](auto& g) { g.only_nets = {"cjdns"}; }),
              "Outbound connections restricted to CJDNS (-onlynet=cjdns) but -cjdnsreachable is not provided");
    EXPECT_EQ(complaint([](auto& g) { g.only_nets = {"onion"}; g.onion = "0"; }),
              "Outbound connections restricted to Tor (-onlynet=onion) but the proxy for reaching the Tor network is explicitly forbidden: -onion=0");
    EXPECT_EQ(complaint([](auto& g) { g.only_nets = {"onion"}; }),
              "Outbound connections restricted to Tor (-onlynet=onion) but the proxy for reaching the Tor network is not provided: none of -proxy, "
              "-onion or -listenonion is given");
    EXPECT_EQ(complaint([](auto& g) { g.only_nets = {"onion"}; g.listen_onion = true; }), "fine");
}

TEST(ProxyPlan, KeepsToTheNamedNetworks) {
    ProxyArguments given = quiet();
    given.only_nets = {"ipv4", "i2p"};
    given.i2p_sam = "127.0.0.1:7656";
    given.proxies = {"127.0.0.1:9050"};
    const auto plan = plan_proxies(given);
    EXPECT_EQ(plan->reachable, (std::vector{NetworkId::ipv4, NetworkId::i2p}));
    EXPECT_FALSE(plan->onion_allowed) << "even when Tor offers itself";
}

}  // namespace
}  // namespace cairn::net
