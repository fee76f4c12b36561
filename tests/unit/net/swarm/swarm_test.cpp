#include <gtest/gtest.h>
#include <set>

#include "net/swarm/addr_book.hpp"
#include "net/swarm/bans.hpp"
#include "net/swarm/eviction.hpp"
#include "net/swarm/seeds.hpp"

namespace cairn::net {
namespace {

PeerAddress at(std::uint32_t host, std::uint32_t time) { return {{NetAddress::ipv4(host), 8333}, kServiceNetwork | kServiceWitness, time}; }

TEST(AddrBook, RemembersEachAddressOnce) {
    Random random = Random::from_number(1);
    AddrBook book(random);
    EXPECT_EQ(book.add({at(0x08080808, 1000), at(0x08080808, 2000), at(0x7f000001, 1000)}, 0, 3000), 1u) << "loopback is left out";
    EXPECT_EQ(book.size(), 1u);
    EXPECT_EQ(book.select([](const PeerAddress&) { return true; }, 3000)->time, 2000u);
    EXPECT_FALSE(book.select([](const PeerAddress&) { return false; }, 3000));
}

TEST(AddrBook, GivesAShareToThoseWhoAsk) {
    Random random = Random::from_number(2);
    AddrBook book(random);
    std::vector<PeerAddress> many;
    for (std::uint32_t i = 0; i < 1000; ++i) many.push_back(at(0x20000000 + i * 65536, 1'700'000'000));
    book.add(many, 0, 1'700'000'000);
    const auto sample = book.sample(1000, 23, 1'700'000'000);
    EXPECT_EQ(sample.size(), 230u);
    std::set<std::string> unique;
    for (const auto& entry : sample) unique.insert(entry.endpoint.to_string());
    EXPECT_EQ(unique.size(), sample.size());
    EXPECT_TRUE(book.sample(1000, 23, 1'900'000'000).empty()) << "too old to pass on";
}

TEST(AddrBook, StaysWithinItsLimit) {
    Random random = Random::from_number(3);
    AddrBook book(random);
    std::vector<PeerAddress> many;
    for (std::uint32_t i = 0; i < limits::kMaxBookEntries + 1000; ++i) many.push_back(at(0x08000000 + i, 1'700'000'000));
    book.add(many, 0, 1'700'000'000);
    EXPECT_EQ(book.size(), limits::kMaxBookEntries);
}

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

TEST(Seeds, ArePackedForEveryPublicChain) {
    for (const std::string chain : {"main", "test", "testnet4", "signet"}) {
        const auto seeds = fixed_seeds(chain);
        EXPECT_GT(seeds.size(), 50u) << chain;
        for (const auto& seed : seeds) {
            EXPECT_TRUE(seed.endpoint.address.is_valid()) << chain;
            EXPECT_TRUE(seed.endpoint.port != 0 || seed.endpoint.address.network() == NetworkId::i2p) << chain;
        }
    }
    EXPECT_TRUE(fixed_seeds("regtest").empty());
}

}  // namespace
}  // namespace cairn::net
