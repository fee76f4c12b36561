#include "net/swarm/local_addresses.hpp"

#include <gtest/gtest.h>

namespace cairn::net {
namespace {

TEST(LocalAddressTable, TakesOnlyWhatOthersCanReach) {
    LocalAddresses own;
    for (const char* text : {"127.0.0.1", "10.1.2.3", "192.168.1.1", "fe80::1", "fd00::1", "::1", "0.0.0.0"})
        EXPECT_FALSE(own.add({*NetAddress::parse(text), 8333}, LocalAddresses::from_operator)) << text;
    EXPECT_TRUE(own.add({*NetAddress::parse("1.2.3.4"), 8333}, LocalAddresses::from_interface));
    EXPECT_EQ(own.entries().size(), 1u);
}

TEST(LocalAddressTable, BelievesTheSurerSource) {
    LocalAddresses own;
    const NetAddress me = *NetAddress::parse("1.2.3.4");
    own.add({me, 1}, LocalAddresses::from_mapping);
    own.add({me, 2}, LocalAddresses::from_interface);
    EXPECT_EQ(own.entries().at(me).port, 1) << "a weaker source changes nothing";
    EXPECT_EQ(own.score(me), LocalAddresses::from_mapping);
    own.add({me, 3}, LocalAddresses::from_operator);
    EXPECT_EQ(own.entries().at(me).port, 3);
    EXPECT_EQ(own.score(me), LocalAddresses::from_operator + 1) << "two signs";
}

TEST(LocalAddressTable, CountsVotesOnlyForWhatItKnows) {
    LocalAddresses own;
    const NetAddress me = *NetAddress::parse("1.2.3.4");
    EXPECT_FALSE(own.vote(me));
    own.add({me, 1}, LocalAddresses::from_bind);
    EXPECT_TRUE(own.vote(me));
    EXPECT_EQ(own.score(me), LocalAddresses::from_bind + 1);
    own.remove(me);
    EXPECT_FALSE(own.contains(me));
}

constexpr const char* kOnion = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion";
constexpr const char* kI2p = "c4gfnttsuwqomiygupdqqqyy5y5emnk5c73hrfvatri67prd7vyq.b32.i2p";

/// Which of our addresses a peer of this address is told; "" for none.
std::string told(const LocalAddresses& own, const char* peer, bool through_onion = false) {
    const auto best = own.best_for(*NetAddress::parse(peer), through_onion);
    return best ? best->address.to_string() : "";
}

TEST(LocalAddressTable, TellsEachPeerTheAddressThatItReachesBest) {
    LocalAddresses own;
    EXPECT_EQ(told(own, "8.8.8.8"), "");
    for (const char* text : {"1.2.3.4", "2a00::1", "2002:808:808::1", "2001::1"}) own.add({*NetAddress::parse(text), 8333}, LocalAddresses::from_operator);
    EXPECT_EQ(told(own, "8.8.8.8"), "1.2.3.4");
    EXPECT_EQ(told(own, "2a01::7"), "2a00::1");
    EXPECT_EQ(told(own, "2001:0:1::7"), "1.2.3.4") << "from behind Teredo";
    own.remove(*NetAddress::parse("2a00::1"));
    EXPECT_EQ(told(own, "2a01::7"), "1.2.3.4") << "rather than through a tunnel";
    own.remove(*NetAddress::parse("1.2.3.4"));
    EXPECT_EQ(told(own, "2a01::7"), "2002:808:808::1");
}

TEST(LocalAddressTable, PrefersAmongEquallyReachableTheSurest) {
    LocalAddresses own;
    own.add({*NetAddress::parse("1.2.3.4"), 1}, LocalAddresses::from_interface);
    own.add({*NetAddress::parse("4.3.2.1"), 2}, LocalAddresses::from_bind);
    EXPECT_EQ(own.best_for(*NetAddress::parse("8.8.8.8"), false)->port, 2);
    own.vote(*NetAddress::parse("1.2.3.4"));
    own.vote(*NetAddress::parse("1.2.3.4"));
    EXPECT_EQ(own.best_for(*NetAddress::parse("8.8.8.8"), false)->port, 1);
}

TEST(LocalAddressTable, KeepsPrivateNetworksApart) {
    LocalAddresses own;
    for (const char* text : {"1.2.3.4", kOnion, kI2p}) own.add({*NetAddress::parse(text), 8333}, LocalAddresses::from_operator);
    EXPECT_EQ(told(own, "8.8.8.8"), "1.2.3.4");
    EXPECT_EQ(told(own, kOnion), kOnion);
    EXPECT_EQ(told(own, kI2p), kI2p);
    EXPECT_EQ(told(own, "127.0.0.1", true), kOnion) << "came in through our onion service";
    own.remove(*NetAddress::parse(kOnion));
    EXPECT_EQ(told(own, "127.0.0.1", true), "");
    EXPECT_EQ(told(own, "127.0.0.1"), "1.2.3.4");
}

}  // namespace
}  // namespace cairn::net
