#include <gtest/gtest.h>

#include <set>

#include "net/engine/engine.hpp"
#include "net/wire/transport_v1.hpp"
#include "tests/support/quiet_role.hpp"

namespace cairn::net {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kNow = 1'700'000'000 * kSecond;

EngineOptions options() {
    EngineOptions made;
    made.magic = {1, 2, 3, 4};
    made.user_agent = "/test/";
    made.v2 = false;
    made.dialer.v2 = false;
    made.dialer.dns_seed = made.dialer.use_fixed_seeds = false;
    return made;
}

LanEvent neighbour(const std::string& name, std::uint8_t number, bool present = true) {
    return {{name, {NetAddress::ipv4(0xc0a80000u + number), 8333}, "eth0"}, present};
}

struct Node {
    Node() : engine(options(), role, Random::from_number(1)) { engine.set_lan_name("a"); }
    std::vector<DialAction> dials(std::int64_t now_us) {
        engine.on_tick(now_us);
        std::vector<DialAction> dials;
        for (EngineAction& action : engine.take_actions())
            if (auto* dial = std::get_if<DialAction>(&action)) dials.push_back(std::move(*dial));
        return dials;
    }
    test::QuietRole role;
    Engine engine;
};

TEST(Neighbours, AreCalledByConnectionsOfTheirOwn) {
    Node node;
    node.engine.on_lan_events({neighbour("m", 2), neighbour("n", 3)}, kNow);
    const auto dials = node.dials(kNow);
    ASSERT_EQ(dials.size(), 2u);
    EXPECT_EQ(dials[0].endpoint->to_string(), "192.168.0.2:8333");
    EXPECT_TRUE(node.dials(kNow + kSecond).empty());
    ASSERT_TRUE(node.engine.on_dialed(dials[0].dial, *dials[0].endpoint, {}, kNow));
    const NetView view = node.engine.view(kNow);
    ASSERT_EQ(view.peers.size(), 1u);
    EXPECT_EQ(to_string(view.peers[0].type), "lan");
    EXPECT_EQ(node.engine.addresses().size(), 0u);
    node.engine.set_active(false, kNow);
    EXPECT_TRUE(node.dials(kNow + 3600 * kSecond).empty());
}

TEST(Neighbours, AreNotCalledWhenBanned) {
    Node node;
    ASSERT_TRUE(node.engine.ban({"192.168.0.2/32", kNow / kSecond, kNow / kSecond + 3600}, kNow));
    node.engine.on_lan_events({neighbour("m", 2)}, kNow);
    EXPECT_TRUE(node.dials(kNow).empty());
}

TEST(Neighbours, ThatLeftAreNotCalled) {
    Node node;
    node.engine.on_lan_events({neighbour("m", 2), neighbour("m", 2, false)}, kNow);
    EXPECT_TRUE(node.dials(kNow).empty());
    DiscoveryState state;
    node.engine.describe_discovery(state);
    EXPECT_TRUE(state.lan_peers.empty());
}

TEST(Neighbours, WhateverTheirAddressAreNotTakenFromGossip) {
    Node node;
    const Endpoint near{*NetAddress::parse("8.8.4.4"), 8333}, far{*NetAddress::parse("9.9.9.9"), 8333};
    LanEvent event = neighbour("m", 2);
    event.peer.endpoint = near;
    node.engine.on_lan_events({event}, kNow);
    const auto peer = node.engine.on_accepted({*NetAddress::parse("5.6.7.8"), 1}, {NetAddress::ipv4(0x01010101), 8333}, kPermitAddr, false, kNow);
    ASSERT_TRUE(peer);
    TransportV1 transport({1, 2, 3, 4});
    const auto give = [&](Message message) {
        const std::string command(command_of(message));
        OutgoingBytes out = transport.frame(command, encode_message(std::move(message)));
        out.head.insert(out.head.end(), out.body.begin(), out.body.end());
        node.engine.on_bytes(*peer, out.head, kNow);
    };
    VersionMessage version;
    version.services = kServiceNetwork;
    give(Message(version));
    give(Message(VerackMessage{}));
    const auto heard = static_cast<std::uint32_t>(kNow / kSecond);
    AddrMessage gossip;
    for (const Endpoint& endpoint : {near, far}) gossip.addresses.push_back({endpoint, kServiceNetwork | kServiceWitness, heard});
    gossip.count = gossip.addresses.size();
    give(Message(gossip));
    const auto known = node.engine.known_addresses(0, "", kNow);
    ASSERT_EQ(known.size(), 1u);
    EXPECT_EQ(known[0].address, "9.9.9.9");
}

TEST(Candidates, ReachOnlyAShareOfTheAddressBook) {
    Node node;
    // A month of lies at the highest rate that gets through.
    std::uint32_t next = 0;
    for (std::int64_t hour = 0; hour < 24 * 30; ++hour) {
        std::vector<Endpoint> found;
        for (int i = 0; i < 300; ++i, ++next) found.push_back({NetAddress::ipv4((20u + next % 100) << 24 | (next * 2654435761u >> 8)), 8333});
        node.engine.on_candidates(found, kNow + hour * 3600 * kSecond);
    }
    std::set<int> buckets;
    for (const BookPlace& place : node.engine.address_places(false)) buckets.insert(place.bucket);
    EXPECT_GT(buckets.size(), 10u);
    EXPECT_LE(buckets.size(), 64u) << "of 1024";
    EXPECT_TRUE(node.engine.address_places(true).empty());
    DiscoveryState state;
    node.engine.describe_discovery(state);
    EXPECT_LE(state.dht_passed, 24u * 365 * CandidateGate::kPerHour);
}

TEST(Candidates, ThatNobodyCanReachAreLeftOut) {
    Node node;
    node.engine.on_candidates({{*NetAddress::parse("192.168.0.9"), 8333}, {*NetAddress::parse("8.8.8.8"), 0}}, kNow);
    EXPECT_EQ(node.engine.addresses().size(), 0u);
    node.engine.on_candidates({{*NetAddress::parse("8.8.8.8"), 8333}}, kNow);
    EXPECT_EQ(node.engine.addresses().size(), 1u);
}

}  // namespace
}  // namespace cairn::net
