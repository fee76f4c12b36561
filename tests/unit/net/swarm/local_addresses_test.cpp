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

}  // namespace
}  // namespace cairn::net
