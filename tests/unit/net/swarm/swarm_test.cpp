#include <gtest/gtest.h>
#include <set>

#include "net/swarm/bans.hpp"
#include "net/swarm/eviction.hpp"

namespace cairn::net {
namespace {

TEST(Discouraged, ForgetsTheOldestFirst) {
    Discouraged list;
    for (std::uint32_t i = 0; i <= limits::kMaxBans; ++i) list.add(NetAddress::ipv4(0x08000000 + i));
    EXPECT_FALSE(list.contains(NetAddress::ipv4(0x08000000)));
    EXPECT_TRUE(list.contains(NetAddress::ipv4(0x08000001)));
}

TEST(Eviction, SparesMeritAndDropsTheYoungestOfTheLargestGroup) {
    std::vector<EvictionCandidate> peers;
    for (int i = 0; i < 60; ++i) {
        EvictionCandidate c;
        c.id = i;
        c.connected_us = i;
        c.min_ping_us = i;
        c.last_block_s = c.last_transaction_s = 100 - i;
        c.keyed_group = i < 20 ? 2000 + static_cast<std::uint64_t>(i) : 1000;
        peers.push_back(c);
    }
    EXPECT_EQ(choose_eviction(peers), 59);
    EXPECT_FALSE(choose_eviction({peers.begin(), peers.begin() + 20})) << "so few are all protected";
    peers[50].prefer = true;
    EXPECT_EQ(choose_eviction(peers), 50);
}

}  // namespace
}  // namespace cairn::net
