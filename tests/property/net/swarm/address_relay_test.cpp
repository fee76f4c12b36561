#include <gtest/gtest.h>

#include "tests/support/gossip_harness.hpp"

namespace cairn::net {
namespace {

using test::GossipHarness;

constexpr std::size_t kPerPeer = 1000 * sizeof(PeerAddress) * 2 + 52 * 1024;  // a queue may be grown for twice as many, and the filter

/// Anything that can come in a message: addresses of all networks, many of them of no use to anybody.
PeerAddress any_address(Random& random, const GossipHarness& node) {
    PeerAddress made;
    const std::uint64_t kind = random.below(8);
    const Uint256 noise = random.uint256();
    const ByteSpan bytes(noise.data(), 32);
    if (kind < 2) made.endpoint.address = NetAddress::ipv4(static_cast<std::uint32_t>(random.u64()));
    else if (kind == 2) made.endpoint.address = NetAddress::ipv4(std::array{0x0a000000u, 0xc0a80000u, 0x7f000000u, 0xa9fe0000u}[random.below(4)] + static_cast<std::uint32_t>(random.below(65'536)));
    else if (kind == 3) made.endpoint.address = NetAddress::ipv6(bytes.first(16));
    else if (kind == 4) made.endpoint.address = NetAddress::from_bip155(NetworkId::onion, bytes).value_or(NetAddress());
    else if (kind == 5) made.endpoint.address = NetAddress::from_bip155(NetworkId::i2p, bytes).value_or(NetAddress());
    else if (kind == 6) made.endpoint.address = NetAddress::ipv4(0x7b000000u + static_cast<std::uint32_t>(random.below(300)));
    made.endpoint.port = static_cast<std::uint16_t>(random.u64());
    made.services = random.below(4) == 0 ? random.u64() : kServiceNetwork | kServiceWitness;
    made.time = random.below(4) == 0 ? static_cast<std::uint32_t>(random.u64()) : node.now_s() - static_cast<std::uint32_t>(random.below(1200));
    return made;
}

class World {
public:
    explicit World(std::uint64_t seed) : node({.seed = seed}), random(Random::from_number(seed + 1'000'000)) {
        if (random.below(2) == 0) node.own.add({*NetAddress::parse("42.42.42.42"), 8333}, LocalAddresses::from_operator);
        node.relay.set_secret([](const NetAddress& address) { return address.network() == NetworkId::ipv4 && address.bytes()[0] == 123 && address.bytes()[3] < 20; });
    }
    void step() {
        const std::uint64_t what = random.below(20);
        if (what < 2 && node.peers.size() < 30) connect();
        else if (what == 2 && node.peers.size() > 3) node.disconnect(some_peer().id);
        else if (what < 14 && !node.peers.empty()) tell();
        else if (what == 14 && !node.peers.empty()) node.relay.on_get_addresses(some_peer(), node.out, node.now_us);
        else node.pass(static_cast<std::int64_t>(random.below(random.below(10) == 0 ? 86'400 : 120)) * 1'000'000, random.below(2) == 0);
        check();
    }
    GossipHarness node;

private:
    void connect() {
        constexpr std::array kTypes{ConnectionType::inbound, ConnectionType::inbound, ConnectionType::outbound_full_relay, ConnectionType::manual,
                                    ConnectionType::feeler, ConnectionType::block_relay_only, ConnectionType::addr_fetch, ConnectionType::lan};
        GossipHarness::How how;
        how.addrv2 = random.below(3) != 0;
        how.permissions = random.below(4) == 0 ? kPermitAddr : kPermitNone;
        how.link.bind = {NetAddress::ipv4(0x01020304), static_cast<std::uint16_t>(random.below(3))};
        how.link.onion = random.below(4) == 0;
        how.link.seen_as = any_address(random, node).endpoint;
        node.connect(kTypes[random.below(kTypes.size())], how);
    }
    PeerInfo& some_peer() { return *std::next(node.peers.begin(), static_cast<std::ptrdiff_t>(random.below(node.peers.size())))->second; }
    void tell() {
        std::vector<PeerAddress> addresses(random.below(3) == 0 ? random.below(1000) : random.below(12));
        for (PeerAddress& address : addresses) address = any_address(random, node);
        const std::size_t count = random.below(50) == 0 ? 1001 : std::min<std::size_t>(1000, addresses.size() + random.below(5));
        if (count <= 1000) addresses.resize(std::min(addresses.size(), count));
        node.relay.on_addresses(some_peer(), "addr", std::move(addresses), count, node.out, node.now_us);
    }
    void check() {
        for (const auto& [id, sent] : node.take_sent()) {
            if (!node.peers.contains(id)) continue;
            const PeerInfo& peer = *node.peers.at(id);
            EXPECT_TRUE(sent.messages.empty() || (peer.type != ConnectionType::block_relay_only && peer.type != ConnectionType::feeler));
            for (const auto& message : sent.messages) {
                EXPECT_FALSE(message.empty());
                EXPECT_LE(message.size(), limits::kMaxAddresses);
                std::set<Endpoint> once;
                for (const PeerAddress& address : message) {
                    const NetAddress& host = address.endpoint.address;
                    EXPECT_TRUE(host.is_routable()) << host.to_string();
                    EXPECT_FALSE(host.network() == NetworkId::ipv4 && host.bytes()[0] == 123 && host.bytes()[3] < 20) << "a secret";
                    EXPECT_TRUE(peer.wants_addrv2 || host.is_v1_compatible());
                    EXPECT_TRUE(once.insert(address.endpoint).second);
                }
            }
        }
        EXPECT_LE(node.relay.memory_usage(), node.peers.size() * kPerPeer + AddressRelay::kMaxAnswers * 1000 * sizeof(PeerAddress));
    }

    Random random;
};

TEST(AddressRelayProperty, TellsOnlyWhatMayBeToldWhateverComes) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        SCOPED_TRACE(seed);
        World world(seed);
        for (int i = 0; i < 400; ++i) world.step();
        EXPECT_EQ(world.node.book.check(), 0);
        for (const PeerAddress& address : world.node.book.sample(0, 0, std::nullopt, false, world.node.now_s()))
            EXPECT_TRUE(address.endpoint.address.is_ip() && address.endpoint.address.is_routable());
        if (::testing::Test::HasFailure()) return;
    }
}

TEST(AddressRelayProperty, HoldsABoundedAmountForPeersThatFlood) {
    GossipHarness node;
    Random random = Random::from_number(7);
    std::vector<PeerInfo*> flooders;
    for (int i = 0; i < 20; ++i) flooders.push_back(&node.connect_listener({.permissions = kPermitAddr}));
    for (int round = 0; round < 400; ++round) {
        for (PeerInfo* peer : flooders) {
            std::vector<PeerAddress> addresses(10);
            for (PeerAddress& address : addresses) address = {{NetAddress::ipv4(static_cast<std::uint32_t>(random.u64())), 8333}, kServiceNetwork, node.now_s()};
            node.tell(*peer, addresses);
        }
    }
    EXPECT_LE(node.relay.memory_usage(), flooders.size() * kPerPeer);
    EXPECT_GE(node.relay.memory_usage(), flooders.size() * 1000 * sizeof(PeerAddress)) << "the queues were full";
    node.pass(600'000'000);
    for (const auto& [id, sent] : node.take_sent()) EXPECT_LE(sent.all().size(), limits::kMaxAddresses);
}

}  // namespace
}  // namespace cairn::net
