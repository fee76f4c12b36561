#include "net/discovery/lan_peers.hpp"

#include <gtest/gtest.h>

#include "net/discovery/candidate_gate.hpp"

namespace cairn::net {
namespace {

constexpr std::int64_t kSecond = 1'000'000;

LanPeer peer(const std::string& name, std::uint8_t number) { return {name, {NetAddress::ipv4(0xc0a80000u + number), 8333}, "eth0"}; }

TEST(LanPeers, TheSmallerNameCalls) {
    LanPeers smaller, larger;
    smaller.set_own_name("a");
    larger.set_own_name("z");
    smaller.on_event({peer("m", 2), true}, kSecond);
    larger.on_event({peer("m", 2), true}, kSecond);
    EXPECT_EQ(smaller.take_due({}, 0, kSecond).size(), 1u);
    EXPECT_TRUE(larger.take_due({}, 0, kSecond).empty());
    EXPECT_EQ(larger.take_due({}, 0, 20 * kSecond).size(), 1u) << "when nobody came";
}

TEST(LanPeers, DoesNotCallWhoIsThere) {
    LanPeers peers;
    peers.set_own_name("a");
    peers.on_event({peer("m", 2), true}, kSecond);
    const LanPeers::Connection inbound{{NetAddress::ipv4(0xc0a80002), 50000}, "192.168.0.2:50000", ConnectionType::inbound};
    EXPECT_TRUE(peers.take_due({inbound}, 0, kSecond).empty());
    const LanPeers::Connection outbound{{NetAddress::ipv4(0xc0a80002), 8333}, "192.168.0.2:8333", ConnectionType::manual};
    EXPECT_TRUE(peers.take_due({outbound}, 0, kSecond).empty());
    EXPECT_EQ(peers.take_due({}, 0, kSecond).size(), 1u);
}

TEST(LanPeers, WaitsLongerAfterEachFailure) {
    LanPeers peers;
    peers.set_own_name("a");
    peers.on_event({peer("m", 2), true}, kSecond);
    int calls = 0;
    for (std::int64_t now = kSecond; now < 24 * 3600 * kSecond; now += kSecond) calls += static_cast<int>(peers.take_due({}, 0, now).size());
    EXPECT_GE(calls, 15);
    EXPECT_LE(calls, 30);
    peers.on_connected(peer("m", 2).endpoint.address);
    EXPECT_FALSE(peers.take_due({}, 0, 48 * 3600 * kSecond).empty());
    EXPECT_FALSE(peers.take_due({}, 0, 48 * 3600 * kSecond + 10 * kSecond).empty());
}

TEST(LanPeers, HasSlotsOfItsOwnAndNoMore) {
    LanPeers peers;
    peers.set_own_name("a");
    for (int i = 0; i < 60; ++i) peers.on_event({peer("m" + std::to_string(i), static_cast<std::uint8_t>(i + 1)), true}, kSecond);
    EXPECT_EQ(peers.take_due({}, 3, kSecond).size(), static_cast<std::size_t>(LanPeers::kMaxConnections - 3));
    std::vector<LanPeers::Connection> connections;
    for (int i = 0; i < LanPeers::kMaxConnections; ++i) connections.push_back({{NetAddress::ipv4(1), 1}, "x", ConnectionType::lan});
    EXPECT_TRUE(peers.take_due(connections, 0, kSecond).empty());
    for (int i = 60; i < 200; ++i) peers.on_event({peer("m" + std::to_string(i), static_cast<std::uint8_t>(i)), true}, kSecond);
    EXPECT_EQ(peers.all().size(), LanService::kMaxInstances);
}

TEST(LanPeers, KnowsWhoseAddressesAreSecret) {
    LanPeers peers;
    peers.on_event({peer("m", 2), true}, kSecond);
    EXPECT_TRUE(peers.contains(peer("m", 2).endpoint.address));
    EXPECT_FALSE(peers.contains(peer("m", 3).endpoint.address));
    peers.on_event({peer("m", 2), false}, kSecond);
    EXPECT_FALSE(peers.contains(peer("m", 2).endpoint.address));
}

TEST(LanPeers, NamesTheInterfaceOfALinkLocalAddress) {
    EXPECT_EQ(LanPeers::name_of({"m", {*NetAddress::parse("fe80::2"), 8333}, "eth0"}), "[fe80::2%eth0]:8333");
    EXPECT_EQ(LanPeers::name_of(peer("m", 2)), "192.168.0.2:8333");
}

TEST(CandidateGate, LetsAFewOfEachGroupThroughAndNotTooManyInAll) {
    const NetGroups groups;
    CandidateGate gate(groups);
    std::vector<Endpoint> one_group;
    for (std::uint32_t i = 0; i < 1000; ++i) one_group.push_back({NetAddress::ipv4(0x05060000u + i), 8333});
    EXPECT_EQ(gate.pass(one_group, kSecond).size(), CandidateGate::kPerGroup);
    std::vector<Endpoint> many_groups;
    for (std::uint32_t i = 0; i < 1000; ++i) many_groups.push_back({NetAddress::ipv4(0x14000001u + (i << 16)), 8333});
    const auto passed = gate.pass(many_groups, 2 * kSecond);
    EXPECT_EQ(passed.size() + CandidateGate::kPerGroup, CandidateGate::kPerHour);
    EXPECT_TRUE(gate.pass(passed, 3 * kSecond).empty()) << "not twice";
    EXPECT_EQ(gate.pass(passed, 3602 * kSecond).size(), passed.size()) << "but in the next hour";
}

TEST(CandidateGate, RefusesWhatNobodyCanReach) {
    const NetGroups groups;
    CandidateGate gate(groups);
    EXPECT_TRUE(gate.pass({{*NetAddress::parse("10.0.0.1"), 8333}, {*NetAddress::parse("127.0.0.1"), 8333}, {*NetAddress::parse("8.8.8.8"), 0}}, kSecond).empty());
    EXPECT_EQ(gate.refused(), 3u);
}

}  // namespace
}  // namespace cairn::net
