#include "net/wire/net_address.hpp"

#include <gtest/gtest.h>

#include "net/wire/cjdns.hpp"

namespace cairn::net {
namespace {

TEST(NetAddress, ParsesAndPrintsEveryNetwork) {
    for (const std::string text : {"1.2.3.4", "255.0.0.1", "2001:db8::1", "::1", "fe80::1",
                                   "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion",
                                   "ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p"}) {
        const auto address = NetAddress::parse(text);
        ASSERT_TRUE(address) << text;
        EXPECT_EQ(address->to_string(), text);
    }
}

TEST(NetAddress, RefusesWhatIsNoAddress) {
    for (const std::string text : {"", "1.2.3.4.5", "1.2.", "08.1.1.1", "1.2.3 4", "256.1.1.1", "localhost", "1.2.3.4 ", "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscrye.onion",
                                   "expyuzz4wqqyqhjn.onion", "x.b32.i2p", "fd87:d87e:eb43:1::1"})
        EXPECT_FALSE(NetAddress::parse(text)) << text;
}

TEST(NetAddress, ReadsMappedIpv4AsIpv4) {
    EXPECT_EQ(NetAddress::parse("::ffff:1.2.3.4")->network(), NetworkId::ipv4);
    EXPECT_EQ(NetAddress::parse("::ffff:1.2.3.4")->to_string(), "1.2.3.4");
}

TEST(NetAddress, KnowsWhatIsRoutable) {
    for (const std::string text : {"8.8.8.8", "2a00::1"}) EXPECT_TRUE(NetAddress::parse(text)->is_routable()) << text;
    for (const std::string text : {"127.0.0.1", "10.1.2.3", "192.168.1.1", "172.16.0.1", "169.254.1.1", "100.64.0.1", "0.0.0.0", "::1", "fe80::1",
                                   "fc00::1", "2001:db8::1", "255.255.255.255"})
        EXPECT_FALSE(NetAddress::parse(text)->is_routable()) << text;
}

TEST(NetAddress, ReadsTheShortFormsOfTheCLibrary) {
    EXPECT_EQ(NetAddress::parse("127.1")->to_string(), "127.0.0.1");
    EXPECT_EQ(NetAddress::parse("1.2.3")->to_string(), "1.2.0.3");
    EXPECT_EQ(NetAddress::parse("0x7f000001")->to_string(), "127.0.0.1");
    EXPECT_EQ(NetAddress::parse("010.1.1.1")->to_string(), "8.1.1.1");
    EXPECT_EQ(Endpoint::parse("127.1:8333"), Endpoint::parse("127.0.0.1:8333"));
}

TEST(Endpoint, ParsesPortsAndBrackets) {
    EXPECT_EQ(Endpoint::parse("1.2.3.4:8333")->to_string(), "1.2.3.4:8333");
    EXPECT_EQ(Endpoint::parse("1.2.3.4", 18444)->port, 18444);
    EXPECT_EQ(Endpoint::parse("[2001:db8::1]:1")->to_string(), "[2001:db8::1]:1");
    EXPECT_EQ(Endpoint::parse("2001:db8::1", 5)->to_string(), "[2001:db8::1]:5");
    for (const std::string text : {"1.2.3.4:0", "1.2.3.4:65536", "1.2.3.4:x", "[::1", "1.2.3.4"}) EXPECT_FALSE(Endpoint::parse(text)) << text;
}

TEST(Endpoint, HasNoPortInI2pUnlessOneIsGiven) {
    const std::string host = "zsxwyo6qcn3chqzwxnseusqgsnuw3maqnztkiypyfxtya4snkoka.b32.i2p";
    EXPECT_EQ(Endpoint::parse(host, 8333)->port, 0);
    EXPECT_EQ(Endpoint::parse(host + ":0", 8333)->port, 0);
    EXPECT_EQ(Endpoint::parse(host + ":8333")->port, 8333);
    EXPECT_EQ(Endpoint::parse(host + ":0")->to_string(), host + ":0");
    EXPECT_FALSE(Endpoint::parse("1.2.3.4:0", 8333)) << "elsewhere a port is needed";
}

TEST(Cjdns, IsWhatAHostOfThatNetworkMakesOfPrivateIpv6) {
    const NetAddress address = *NetAddress::parse("fc00:1:2:3:4:5:6:7");
    EXPECT_EQ(address.network(), NetworkId::ipv6);
    EXPECT_FALSE(address.is_routable());
    EXPECT_EQ(as_cjdns(address, false), address);
    const NetAddress inside = as_cjdns(address, true);
    EXPECT_EQ(inside.network(), NetworkId::cjdns);
    EXPECT_TRUE(inside.is_routable());
    EXPECT_EQ(inside.to_string(), address.to_string());
    for (const char* other : {"fd00::1", "2600::1", "1.2.3.4"}) EXPECT_EQ(as_cjdns(*NetAddress::parse(other), true), *NetAddress::parse(other));
    EXPECT_TRUE(Subnet::parse("fc00:1:2:3:4:5:6:7", true)->contains(inside));
    EXPECT_FALSE(Subnet::parse("fc00:1:2:3:4:5:6:7", false)->contains(inside));
    EXPECT_FALSE(Subnet::parse("fc00::/8", true)) << "single hosts only";
}

TEST(Subnet, ContainsByPrefixAndMask) {
    EXPECT_TRUE(Subnet::parse("10.0.0.0/8")->contains(*NetAddress::parse("10.255.1.1")));
    EXPECT_FALSE(Subnet::parse("10.0.0.0/8")->contains(*NetAddress::parse("11.0.0.1")));
    EXPECT_TRUE(Subnet::parse("192.168.4.0/255.255.252.0")->contains(*NetAddress::parse("192.168.7.9")));
    EXPECT_TRUE(Subnet::parse("fe80::/10")->contains(*NetAddress::parse("febf::1")));
    EXPECT_TRUE(Subnet::parse("127.0.0.1")->contains(*NetAddress::parse("127.0.0.1")));
    EXPECT_FALSE(Subnet::parse("127.0.0.1")->contains(*NetAddress::parse("127.0.0.2")));
    for (const std::string text : {"10.0.0.0/33", "10.0.0.0/255.0.255.0", "10.0.0.0/", "x/8"}) EXPECT_FALSE(Subnet::parse(text)) << text;
}

}  // namespace
}  // namespace cairn::net
