#include <gtest/gtest.h>

#include <array>
#include <map>
#include <set>

#include "net/swarm/seeds.hpp"

namespace cairn::net {
namespace {

using Counts = std::map<NetworkId, std::size_t>;

Counts counts_of(std::string_view chain) {
    Counts counts;
    for (const PeerAddress& seed : fixed_seeds(chain)) ++counts[seed.endpoint.address.network()];
    return counts;
}

Counts counts(std::size_t ipv4, std::size_t ipv6, std::size_t onion, std::size_t i2p, std::size_t cjdns) {
    return {{NetworkId::ipv4, ipv4}, {NetworkId::ipv6, ipv6}, {NetworkId::onion, onion}, {NetworkId::i2p, i2p}, {NetworkId::cjdns, cjdns}};
}

constexpr std::array<std::string_view, 4> kChains = {"main", "test", "testnet4", "signet"};

TEST(FixedSeeds, AreOfEveryNetwork) {
    EXPECT_EQ(counts_of("main"), counts(512, 512, 512, 512, 11));
    EXPECT_EQ(counts_of("test"), counts(65, 38, 69, 8, 1));
    EXPECT_EQ(counts_of("testnet4"), counts(63, 70, 78, 18, 1));
    EXPECT_EQ(counts_of("signet"), counts(46, 47, 67, 9, 1));
}

TEST(FixedSeeds, AreAddressesThatCanBeDialled) {
    for (const std::string_view chain : kChains) {
        std::set<std::string> seen;
        for (const PeerAddress& seed : fixed_seeds(chain)) {
            const std::string text = seed.endpoint.to_string();
            EXPECT_TRUE(seed.endpoint.address.is_valid()) << chain << " " << text;
            EXPECT_TRUE(seed.endpoint.address.is_routable()) << chain << " " << text;
            EXPECT_EQ(seed.endpoint.port == 0, seed.endpoint.address.network() == NetworkId::i2p) << "SAM 3.1 knows no ports: " << text;
            EXPECT_EQ(seed.services, kServiceNetwork | kServiceWitness) << text;
            EXPECT_TRUE(seen.insert(text).second) << "twice: " << text;
        }
    }
}

TEST(FixedSeeds, AreNoneForAChainOfOnesOwn) {
    EXPECT_TRUE(fixed_seeds("regtest").empty());
    EXPECT_TRUE(fixed_seeds("").empty());
}

}  // namespace
}  // namespace cairn::net
