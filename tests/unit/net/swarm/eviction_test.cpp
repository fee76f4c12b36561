#include "net/swarm/eviction.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <set>

namespace cairn::net {
namespace {

using C = EvictionCandidate;

/// 29 peers that use up every protection but that of age, older than all others, and `plain` peers that have nothing to
/// show for themselves: the higher the id, the younger. Each has a group of its own.
std::vector<C> crowd(int plain) {
    std::vector<C> peers;
    for (int i = 0; i < 28 + plain; ++i) {
        C c;
        c.id = i;
        c.connected_us = 1000 + i;
        c.min_ping_us = 1'000'000 - i;
        c.relays_transactions = true;
        c.network = NetworkId::ipv4;
        c.keyed_group = 100 + static_cast<std::uint64_t>(i);
        if (i < 4) c.keyed_group = 1'000'000 + static_cast<std::uint64_t>(i);
        else if (i < 12) c.min_ping_us = 1000 + i;
        else if (i < 16) c.last_transaction_s = 500 + i;
        else if (i < 24) c.relays_transactions = false, c.useful_services = true, c.last_block_s = 500 + i;
        else if (i < 28) c.last_block_s = 600 + i;
        peers.push_back(c);
    }
    return peers;
}

TEST(Eviction, TakesTheYoungestWhenNobodyHasMerit) {
    EXPECT_EQ(choose_eviction(crowd(10)), 37);
    EXPECT_EQ(choose_eviction(crowd(1)), 28) << "half of one is none";
    EXPECT_FALSE(choose_eviction(crowd(0)));
    EXPECT_FALSE(choose_eviction({}));
}

TEST(Eviction, SparesFourBySecretOrderOfGroups) {
    auto peers = crowd(10);
    for (std::size_t i = 34; i < 38; ++i) peers[i].keyed_group = 9'000'000;  // by number they would be the first to go
    const auto victim = choose_eviction(peers);
    ASSERT_TRUE(victim);
    EXPECT_LT(*victim, 34);
    for (std::size_t i = 34; i < 38; ++i) peers[i].keyed_group = 1;
    EXPECT_EQ(choose_eviction(peers), 37);
}

TEST(Eviction, SparesTheEightQuickest) {
    auto peers = crowd(20);
    for (std::size_t i = 40; i < 48; ++i) peers[i].min_ping_us = 10;
    EXPECT_EQ(choose_eviction(peers), 39);
}

TEST(Eviction, SparesTheFourWithTheLatestTransactions) {
    auto peers = crowd(20);
    for (std::size_t i = 44; i < 48; ++i) peers[i].last_transaction_s = 9000;
    EXPECT_EQ(choose_eviction(peers), 43);
}

TEST(Eviction, PrefersThoseWhoCouldRelayTransactionsAmongThoseWhoHaveNot) {
    auto peers = crowd(20);
    for (C& peer : peers) peer.last_transaction_s = 0;
    for (C& peer : peers)
        if (peer.id < 44) peer.relays_transactions = false;
    EXPECT_EQ(choose_eviction(peers), 43) << "the last four relay and have no filter";
    for (std::size_t i = 40; i < 44; ++i) peers[i].relays_transactions = peers[i].bloom_filter = true;
    EXPECT_EQ(choose_eviction(peers), 43) << "a filter lets few through: age does not help those";
}

TEST(Eviction, SparesEightWithBlocksWhoRelayNoTransactions) {
    auto peers = crowd(20);
    for (std::size_t i = 40; i < 48; ++i) peers[i].relays_transactions = false, peers[i].useful_services = true, peers[i].last_block_s = 560;
    EXPECT_EQ(choose_eviction(peers), 39);
    for (std::size_t i = 40; i < 48; ++i) peers[i].useful_services = false;
    EXPECT_EQ(choose_eviction(peers), 47) << "without useful services they are not meant";
}

TEST(Eviction, SparesTheFourWithTheLatestBlocks) {
    auto peers = crowd(20);
    for (std::size_t i = 44; i < 48; ++i) peers[i].last_block_s = 9000;
    EXPECT_EQ(choose_eviction(peers), 43);
}

TEST(Eviction, SparesTheOlderHalf) {
    auto peers = crowd(20);
    for (std::size_t i = 28; i < 38; ++i) peers[i].keyed_group = 5;  // the largest group by far, but here for long
    EXPECT_EQ(choose_eviction(peers), 47);
    peers[38].keyed_group = peers[39].keyed_group = 5;
    EXPECT_EQ(choose_eviction(peers), 39);
}

TEST(Eviction, TakesOnlyTheDiscouragedWhenThereAreAny) {
    auto peers = crowd(20);
    peers[40].prefer = true;
    EXPECT_EQ(choose_eviction(peers), 40);
    peers[40].min_ping_us = 1;
    EXPECT_EQ(choose_eviction(peers), 47) << "merit protects them, too";
}

TEST(Eviction, TakesTheYoungestOfTheLargestGroup) {
    auto peers = crowd(20);
    for (const std::size_t i : {39u, 41u, 43u}) peers[i].keyed_group = 5;
    for (const std::size_t i : {44u, 46u}) peers[i].keyed_group = 6;
    EXPECT_EQ(choose_eviction(peers), 43);
    peers[40].keyed_group = 6;
    EXPECT_EQ(choose_eviction(peers), 46) << "of equal groups the one with the youngest peer";
}

/// The survivors of the last protection but one.
std::set<PeerId> left_over(std::vector<C> peers) {
    protect_by_age_and_network(peers);
    std::set<PeerId> ids;
    for (const C& peer : peers) ids.insert(peer.id);
    return ids;
}

std::vector<C> by_age(int count) {
    std::vector<C> peers(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) {
        C& c = peers[static_cast<std::size_t>(i)];
        c.id = i;
        c.connected_us = i;
        c.network = NetworkId::ipv4;
    }
    std::shuffle(peers.begin(), peers.end(), std::mt19937(7));
    return peers;
}

void place(std::vector<C>& peers, std::initializer_list<PeerId> ids, NetworkId network, bool local = false) {
    for (C& peer : peers)
        if (std::find(ids.begin(), ids.end(), peer.id) != ids.end()) peer.network = network, peer.local = local;
}

TEST(EvictionByNetwork, KeepsHalfByAgeWhenAllAreAlike) {
    EXPECT_EQ(left_over(by_age(12)), (std::set<PeerId>{6, 7, 8, 9, 10, 11}));
    EXPECT_EQ(left_over(by_age(3)), (std::set<PeerId>{1, 2}));
}

TEST(EvictionByNetwork, ReservesAQuarterForEachSlowWayAlone) {
    for (const NetworkId network : {NetworkId::onion, NetworkId::i2p, NetworkId::cjdns, NetworkId::none}) {
        auto peers = by_age(12);
        place(peers, {8, 9, 10, 11}, network == NetworkId::none ? NetworkId::ipv4 : network, network == NetworkId::none);
        EXPECT_EQ(left_over(peers), (std::set<PeerId>{3, 4, 5, 6, 7, 11})) << static_cast<int>(network);
    }
}

TEST(EvictionByNetwork, SharesTheReserveAndPassesOnWhatIsNotUsed) {
    auto peers = by_age(24);  // twelve places, six of them reserved
    place(peers, {23}, NetworkId::i2p);
    place(peers, {20, 21}, NetworkId::ipv4, true);
    place(peers, {14, 15, 16, 17, 18}, NetworkId::onion);
    // I2P uses one of its two, this machine both of its two, onion two; of the one that is left onion takes it.
    EXPECT_EQ(left_over(peers), (std::set<PeerId>{6, 7, 8, 9, 10, 11, 12, 13, 17, 18, 19, 22}));
}

TEST(EvictionByNetwork, GivesTheRarestNetworkItsPlaceFirst) {
    auto peers = by_age(8);  // four places, two of them reserved, three kinds that want them
    place(peers, {7}, NetworkId::onion);
    place(peers, {5, 6}, NetworkId::i2p);
    place(peers, {2, 3, 4}, NetworkId::cjdns);
    EXPECT_EQ(left_over(peers), (std::set<PeerId>{2, 3, 4, 6}));
}

TEST(EvictionByNetwork, CountsALocalOnionPeerOnce) {
    auto peers = by_age(8);
    place(peers, {6, 7}, NetworkId::onion, true);
    EXPECT_EQ(left_over(peers).size(), 4u);
    EXPECT_FALSE(left_over(peers).contains(6));
}

/// Whoever is best at one thing in a way that cannot be had twice is never dropped, whatever the crowd is like.
TEST(Eviction, NeverTakesTheBestOfAnyKind) {
    std::mt19937_64 random(11);
    for (int round = 0; round < 2000; ++round) {
        const int count = static_cast<int>(random() % 150);
        std::vector<C> peers;
        for (int i = 0; i < count; ++i) {
            C c;
            c.id = i;
            c.connected_us = static_cast<std::int64_t>(random() % 100'000);
            c.min_ping_us = static_cast<std::int64_t>(random() >> 16);
            c.last_block_s = static_cast<std::int64_t>(random() >> 16);
            c.last_transaction_s = static_cast<std::int64_t>(random() >> 16);
            c.relays_transactions = random() % 2;
            c.bloom_filter = random() % 2;
            c.useful_services = random() % 2;
            c.prefer = random() % 2;
            c.local = random() % 2;
            c.network = std::array{NetworkId::ipv4, NetworkId::ipv6, NetworkId::onion, NetworkId::i2p, NetworkId::cjdns}[random() % 5];
            c.keyed_group = random() % 3 ? random() : random() % 10;
            peers.push_back(c);
        }
        const auto victim = choose_eviction(peers);
        ASSERT_TRUE(victim || count < 29);
        ASSERT_FALSE(victim && count <= 20);
        if (!victim) continue;
        const C& dropped = peers[static_cast<std::size_t>(*victim)];
        const auto better = [&](auto is_better) { return std::count_if(peers.begin(), peers.end(), is_better); };
        EXPECT_GE(better([&](const C& c) { return c.min_ping_us < dropped.min_ping_us; }), 8);
        EXPECT_GE(better([&](const C& c) { return c.keyed_group >= dropped.keyed_group && c.id != dropped.id; }), 4);
        EXPECT_GE(better([&](const C& c) { return c.last_transaction_s > dropped.last_transaction_s; }), 4);
        EXPECT_GE(better([&](const C& c) { return c.last_block_s > dropped.last_block_s; }), 4);
        if (!dropped.relays_transactions && dropped.useful_services) {
            EXPECT_GE(better([&](const C& c) { return !c.relays_transactions && c.last_block_s > dropped.last_block_s; }), 8);
        }
    }
}

}  // namespace
}  // namespace cairn::net
