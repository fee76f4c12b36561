#include "node/discovery_settings.hpp"

#include <gtest/gtest.h>

#include "net/discovery/dht_node.hpp"
#include "node/config/options.hpp"

namespace cairn::node {
namespace {

struct Outcome {
    net::NetworkOptions net;
    std::string error;
};

Outcome fill(std::vector<const char*> words, Network network = Network::mainnet, net::NetworkOptions net = {}) {
    Args args;
    args.add_all(daemon_options());
    words.insert(words.begin(), "cairnd");
    EXPECT_TRUE(args.parse_command_line(static_cast<int>(words.size()), words.data()));
    const auto done = fill_discovery(args, *make_params(network), net);
    return {net, done ? "" : done.error()};
}

TEST(DiscoverySettings, AskTheLocalNetworkWhenOthersMayConnect) {
    EXPECT_TRUE(fill({}).net.lan_discovery);
    EXPECT_TRUE(fill({}, Network::signet).net.lan_discovery);
    EXPECT_FALSE(fill({}, Network::regtest).net.lan_discovery);
    EXPECT_TRUE(fill({"-landiscovery=1"}, Network::regtest).net.lan_discovery);
    EXPECT_FALSE(fill({"-landiscovery=0"}).net.lan_discovery);
    net::NetworkOptions net;
    net.listen = false;
    EXPECT_FALSE(fill({}, Network::mainnet, net).net.lan_discovery);
    net = {};
    net.connect_given = true;
    EXPECT_FALSE(fill({}, Network::mainnet, net).net.lan_discovery);
    net = {};
    net.binds = {"127.0.0.1:8333", "127.0.0.1:8334=onion"};
    EXPECT_FALSE(fill({}, Network::mainnet, net).net.lan_discovery);
    net.white_binds = {"noban@192.168.0.1:8335"};
    EXPECT_TRUE(fill({}, Network::mainnet, net).net.lan_discovery);
}

TEST(DiscoverySettings, NeverGoPastAProxy) {
    EXPECT_FALSE(fill({"-proxy=127.0.0.1:9050"}).net.lan_discovery);
    EXPECT_FALSE(fill({"-onlynet=onion"}).net.lan_discovery);
    EXPECT_TRUE(fill({"-onlynet=onion", "-onlynet=ipv4"}).net.lan_discovery);
    EXPECT_NE(fill({"-proxy=127.0.0.1:9050", "-landiscovery"}).error, "");
    EXPECT_NE(fill({"-onlynet=i2p", "-landiscovery"}).error, "");
    if (!net::DhtNode::available()) GTEST_SKIP() << "built without the dht library";
    EXPECT_NE(fill({"-proxy=127.0.0.1:9050", "-dht"}).error.find("-proxy"), std::string::npos);
    EXPECT_NE(fill({"-onlynet=onion", "-dht"}).error.find("-onlynet"), std::string::npos);
    EXPECT_EQ(fill({"-dht", "-onlynet=ipv6"}).error, "");
    EXPECT_EQ(fill({"-dht", "-noproxy"}).error, "");
}

TEST(DiscoverySettings, BeginInTheHashTableWhereTheOperatorSays) {
    EXPECT_FALSE(fill({}).net.dht);
    EXPECT_FALSE(fill({}).net.dht_bootstrap.empty());
    EXPECT_TRUE(fill({}, Network::regtest).net.dht_bootstrap.empty());
    EXPECT_EQ(fill({"-dhtbootstrap=a.example:1", "-dhtbootstrap=[2001:db8::1]:2"}).net.dht_bootstrap, (std::vector<std::string>{"a.example:1", "[2001:db8::1]:2"}));
    EXPECT_EQ(fill({"-dhtport=6881"}).net.dht_port, 6881);
    EXPECT_NE(fill({"-dhtport=65536"}).error, "");
    EXPECT_NE(fill({"-dhtbootstrap=a.example"}).error, "");
}

}  // namespace
}  // namespace cairn::node
