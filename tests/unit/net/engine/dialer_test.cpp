#include "net/engine/dialer.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "net/swarm/bad_ports.hpp"

namespace cairn::net {
namespace {

constexpr std::int64_t kSecond = 1'000'000;

class DialerTest : public testing::Test {
protected:
    Dialer make(Dialer::Options options) { return Dialer(std::move(options), random_, book_, discouraged_, bans_, log_); }
    void fill_book(std::uint32_t count) {
        std::vector<PeerAddress> addresses;
        for (std::uint32_t i = 0; i < count; ++i)
            addresses.push_back({{NetAddress::ipv4(0x20000000 + i * 65536), 8333}, kServiceNetwork | kServiceWitness, static_cast<std::uint32_t>(now_ / kSecond)});
        // Told by many, so that no source's share of the table is full.
        for (const PeerAddress& address : addresses) book_.add({address}, address.endpoint.address, 0, now_ / kSecond);
    }
    static Dialer::Options quiet() {
        Dialer::Options options;
        options.dns_seed = options.use_fixed_seeds = false;
        return options;
    }

    Random random_ = Random::from_number(5);
    AddrBook book_{random_};
    Discouraged discouraged_;
    BanList bans_;
    LogLines log_;
    DialState state_;
    std::int64_t now_ = 1'800'000'000 * kSecond;
};

TEST_F(DialerTest, CallsOnlyThoseThatConnectNames) {
    auto options = quiet();
    options.connect_given = true;
    options.connect = {"1.2.3.4", "example.org:99"};
    fill_book(100);
    Dialer dialer = make(options);
    const auto dials = dialer.on_tick(state_, now_).dials;
    ASSERT_EQ(dials.size(), 2u);
    EXPECT_EQ(dials[0].endpoint->to_string(), "1.2.3.4:8333");
    EXPECT_EQ(dials[1].host, "example.org");
    EXPECT_EQ(dials[1].port, 99);
    EXPECT_TRUE(dialer.on_tick(state_, now_ + 60 * kSecond).dials.empty()) << "both are still being dialled";
    dialer.finish(dials[0].dial);
    EXPECT_EQ(dialer.on_tick(state_, now_ + 60 * kSecond).dials.size(), 1u);
}

TEST_F(DialerTest, CallsWhomConnectNamesAlsoWhilePrivateBroadcastTalksToIt) {
    auto options = quiet();
    options.connect_given = true;
    options.connect = {"1.2.3.4"};
    Dialer dialer = make(options);
    state_.connections.push_back({"1.2.3.4", {NetAddress::ipv4(0x01020304), 8333}, ConnectionType::private_broadcast});
    EXPECT_EQ(dialer.on_tick(state_, now_).dials.size(), 1u);
    state_.connections.push_back({"1.2.3.4", {NetAddress::ipv4(0x01020304), 8333}, ConnectionType::manual});
    EXPECT_TRUE(make(options).on_tick(state_, now_).dials.empty());
}

TEST_F(DialerTest, CallsNobodyWhenConnectIsZero) {
    auto options = quiet();
    options.connect_given = true;
    options.connect = {"0"};
    fill_book(100);
    EXPECT_TRUE(make(options).on_tick(state_, now_).dials.empty());
}

TEST_F(DialerTest, TriesAddedNodesOnceAMinute) {
    Dialer dialer = make(quiet());
    EXPECT_TRUE(dialer.add_node("1.2.3.4", false));
    EXPECT_FALSE(dialer.add_node("1.2.3.4", false));
    const auto first = dialer.on_tick(state_, now_).dials;
    ASSERT_EQ(first.size(), 1u);
    EXPECT_EQ(dialer.finish(first[0].dial)->type, ConnectionType::manual);
    EXPECT_TRUE(dialer.on_tick(state_, now_ + 59 * kSecond).dials.empty());
    EXPECT_EQ(dialer.on_tick(state_, now_ + 60 * kSecond).dials.size(), 1u);
    EXPECT_TRUE(dialer.remove_node("1.2.3.4"));
    EXPECT_FALSE(dialer.remove_node("1.2.3.4"));
}

TEST_F(DialerTest, FillsEightFullAndTwoBlockRelaySlotsFromDifferentGroups) {
    fill_book(200);
    Dialer dialer = make(quiet());
    std::map<ConnectionType, int> made;
    std::set<Bytes> groups;
    for (int i = 0; i < 100; ++i) {
        for (const auto& dial : dialer.on_tick(state_, now_ += kSecond).dials) {
            const auto pending = dialer.finish(dial.dial);
            state_.connections.push_back({"", *pending->endpoint, pending->type});
            ++made[pending->type];
            EXPECT_TRUE(groups.insert(book_.group(pending->endpoint->address)).second);
        }
    }
    EXPECT_EQ(made[ConnectionType::outbound_full_relay], limits::kFullRelayOutbound);
    EXPECT_EQ(made[ConnectionType::block_relay_only], limits::kBlockRelayOutbound);
}

TEST_F(DialerTest, LeavesPortsOfOtherServicesForLast) {
    const std::int64_t now_s = now_ / kSecond;
    const auto add = [&](std::uint32_t host, std::uint16_t port) {
        const NetAddress address = NetAddress::ipv4(host);
        book_.add({{{address, port}, kServiceNetwork | kServiceWitness, static_cast<std::uint32_t>(now_s)}}, address, 0, now_s);
    };
    for (std::uint32_t i = 0; i < 20; ++i) add(0x20000001 + i * 65536, 22);
    add(0x40000001, 8333);
    Dialer dialer = make(quiet());
    const auto dials = dialer.on_tick(state_, now_).dials;
    ASSERT_EQ(dials.size(), 1u);
    EXPECT_EQ(dials[0].endpoint->port, 8333);
    EXPECT_EQ(dialer.on_tick(state_, now_ + kSecond).dials.size(), 1u) << "better than nobody";
    EXPECT_TRUE(is_bad_port(22) && is_bad_port(1) && is_bad_port(27017));
    EXPECT_FALSE(is_bad_port(8333) || is_bad_port(0) || is_bad_port(65535));
}

TEST_F(DialerTest, DoesNotCallItself) {
    const NetAddress me = NetAddress::ipv4(0x20000001);
    book_.add({{{me, 8333}, kServiceNetwork | kServiceWitness, static_cast<std::uint32_t>(now_ / kSecond)}}, me, 0, now_ / kSecond);
    LocalAddresses own;
    own.add({me, 8333}, LocalAddresses::from_operator);
    state_.own = &own;
    Dialer dialer = make(quiet());
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(dialer.on_tick(state_, now_ += kSecond).dials.empty());
    own.remove(me);
    std::size_t dials = 0;
    for (int i = 0; i < 20; ++i) dials += dialer.on_tick(state_, now_ += kSecond).dials.size();
    EXPECT_GT(dials, 0u);
}

TEST_F(DialerTest, KnowsCjdnsOnlyOnAHostOfIt) {
    auto options = quiet();
    EXPECT_EQ(make(options).parse("[fc00::1]:5")->address.network(), NetworkId::ipv6);
    options.cjdns = true;
    EXPECT_EQ(make(options).parse("[fc00::1]:5")->address.network(), NetworkId::cjdns);
    EXPECT_FALSE(make(options).parse("example.org"));
}

TEST_F(DialerTest, CallsNetworksThatBecameReachableLater) {
    auto options = quiet();
    const Endpoint onion = *Endpoint::parse("pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion:8333");
    book_.add({{onion, kServiceNetwork | kServiceWitness, static_cast<std::uint32_t>(now_ / kSecond)}}, onion.address, 0, now_ / kSecond);
    Dialer dialer = make(options);
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(dialer.on_tick(state_, now_ += kSecond).dials.empty());
    dialer.set_reachable(NetworkId::onion);
    std::size_t dials = 0;
    for (int i = 0; i < 20; ++i) dials += dialer.on_tick(state_, now_ += kSecond).dials.size();
    EXPECT_GT(dials, 0u);
}

TEST_F(DialerTest, TakesAnAutonomousSystemForOneGroupWhenThereIsAMap) {
    const NetGroups one_system = NetGroups::from_asmap(Bytes(3)).value();  // every address belongs to system 1
    AddrBook book(random_, {false, &one_system, nullptr});
    for (std::uint32_t i = 0; i < 200; ++i)
        book.add({{{NetAddress::ipv4(0x20000000 + i * 65536), 8333}, kServiceNetwork | kServiceWitness, static_cast<std::uint32_t>(now_ / kSecond)}},
                 NetAddress::ipv4(0x20000000 + i * 65536), 0, now_ / kSecond);
    Dialer dialer(quiet(), random_, book, discouraged_, bans_, log_);
    for (int i = 0; i < 50; ++i)
        for (const auto& dial : dialer.on_tick(state_, now_ += kSecond).dials) {
            const auto pending = dialer.finish(dial.dial);
            state_.connections.push_back({"", *pending->endpoint, pending->type});
        }
    EXPECT_EQ(state_.connections.size(), 1u);
}

TEST_F(DialerTest, AsksSeedsOnlyWhenAllowedAndHungry) {
    auto options = quiet();
    options.dns_seeds = {"seed.example.org"};
    EXPECT_TRUE(make(options).on_tick(state_, now_).questions.empty());
    options.dns_seed = true;
    Dialer dialer = make(options);
    const auto questions = dialer.on_tick(state_, now_).questions;
    ASSERT_EQ(questions.size(), 1u);
    EXPECT_EQ(questions[0].name, "x9.seed.example.org");
    EXPECT_TRUE(dialer.on_tick(state_, now_ + 100 * kSecond).questions.empty()) << "once is enough";
    dialer.on_resolved(questions[0], {NetAddress::ipv4(0x20000001)}, now_);
    EXPECT_EQ(book_.size(), 1u);
}

TEST_F(DialerTest, FallsBackToBuiltInSeedsAfterAMinute) {
    auto options = quiet();
    options.dns_seed = options.use_fixed_seeds = true;
    options.fixed_seeds = {{{NetAddress::ipv4(0x20000001), 8333}, kServiceNetwork | kServiceWitness, 0},
                           {*Endpoint::parse("pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion:8333"), kServiceNetwork, 0}};
    Dialer dialer = make(options);
    dialer.on_tick(state_, now_);
    EXPECT_EQ(book_.size(), 0u);
    dialer.on_tick(state_, now_ + 61 * kSecond);
    EXPECT_EQ(book_.size(), 1u) << "onion is not reachable";
}

TEST_F(DialerTest, DoesNotCallTheDiscouragedOrThoseOfAnotherChain) {
    const NetAddress bad = NetAddress::ipv4(0x20000001);
    book_.add({{{bad, 8333}, kServiceNetwork | kServiceWitness, static_cast<std::uint32_t>(now_ / kSecond)},
               {{NetAddress::ipv4(0x21000001), 8333}, kServiceNetwork | kServiceWitness | kServiceOtherFork, static_cast<std::uint32_t>(now_ / kSecond)}},
              NetAddress(), 0, now_ / kSecond);
    discouraged_.add(bad);
    Dialer dialer = make(quiet());
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(dialer.on_tick(state_, now_ += kSecond).dials.empty());
}

}  // namespace
}  // namespace cairn::net
