#include "net/engine/bootstrap.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace cairn::net {
namespace {

constexpr std::int64_t kSecond = 1'000'000;

class BootstrapTest : public testing::Test {
protected:
    Bootstrap make(Bootstrap::Options options) { return Bootstrap(std::move(options), random_, book_, log_); }
    static Bootstrap::Options with_seeds(std::size_t count) {
        Bootstrap::Options options;
        options.use_fixed_seeds = false;
        for (std::size_t i = 0; i < count; ++i) options.dns_seeds.push_back("seed" + std::to_string(i) + ".example.");
        return options;
    }
    void know(std::uint32_t count) {
        for (std::uint32_t i = 0; i < count; ++i) {
            const NetAddress host = NetAddress::ipv4(0x20000000 + i * 65536 + 1);
            book_.add({{{host, 8333}, kServiceNetwork | kServiceWitness, static_cast<std::uint32_t>(now_ / kSecond)}}, host, 0, now_ / kSecond);
        }
    }
    bool logged(const std::string& text) {
        for (const LogLine& line : log_.take()) lines_.push_back(line.text);
        return std::any_of(lines_.begin(), lines_.end(), [&](const std::string& line) { return line.find(text) != std::string::npos; });
    }

    Random random_ = Random::from_number(8);
    AddrBook book_{random_};
    LogLines log_;
    Bootstrap::State state_{0, 0, false, {NetworkId::ipv4, NetworkId::ipv6}};
    std::vector<std::string> lines_;
    std::int64_t now_ = 1'800'000'000 * kSecond;
};

TEST_F(BootstrapTest, AsksAllSeedsAtOnceWhenNothingIsKnown) {
    Bootstrap bootstrap = make(with_seeds(5));
    EXPECT_EQ(bootstrap.on_tick(state_, now_).lookups.size(), 5u);
    EXPECT_TRUE(bootstrap.on_tick(state_, now_ + 1000 * kSecond).lookups.empty());
    for (int i = 0; i < 5; ++i) {
        EXPECT_FALSE(logged("addresses found"));
        bootstrap.on_resolved("seed", {NetAddress::ipv4(0x20000001 + static_cast<std::uint32_t>(i))}, 8333, now_);
    }
    EXPECT_TRUE(logged("5 addresses found from DNS seeds"));
    EXPECT_EQ(book_.size(), 5u);
}

TEST_F(BootstrapTest, TriesWhatItKnowsFirstAndThenThreeSeedsAtATime) {
    know(10);
    Bootstrap bootstrap = make(with_seeds(5));
    EXPECT_TRUE(bootstrap.on_tick(state_, now_).lookups.empty());
    EXPECT_TRUE(logged("Waiting 11 seconds before querying DNS seeds."));
    EXPECT_TRUE(bootstrap.on_tick(state_, now_ + 10 * kSecond).lookups.empty());
    EXPECT_EQ(bootstrap.on_tick(state_, now_ + 11 * kSecond).lookups.size(), 3u);
    EXPECT_TRUE(bootstrap.on_tick(state_, now_ + 21 * kSecond).lookups.empty());
    EXPECT_EQ(bootstrap.on_tick(state_, now_ + 22 * kSecond).lookups.size(), 2u);
}

TEST_F(BootstrapTest, DoesWithoutSeedsWhenTwoPeersAreThere) {
    know(10);
    Bootstrap bootstrap = make(with_seeds(5));
    bootstrap.on_tick(state_, now_);
    state_.full_relay = state_.full_relay_ready = 2;
    EXPECT_TRUE(bootstrap.on_tick(state_, now_ + 11 * kSecond).lookups.empty());
    EXPECT_TRUE(logged("P2P peers available. Skipped DNS seeding."));
    state_.full_relay_ready = 0;
    EXPECT_TRUE(bootstrap.on_tick(state_, now_ + 1000 * kSecond).lookups.empty());
}

TEST_F(BootstrapTest, WaitsFiveMinutesWithManyAddressesButLooksForPeersMeanwhile) {
    know(1500);
    ASSERT_GE(book_.size(), 1000u);
    Bootstrap bootstrap = make(with_seeds(5));
    bootstrap.on_tick(state_, now_);
    EXPECT_TRUE(logged("Waiting 300 seconds"));
    for (int s = 1; s < 300; ++s) EXPECT_TRUE(bootstrap.on_tick(state_, now_ + s * kSecond).lookups.empty()) << s;
    EXPECT_EQ(bootstrap.on_tick(state_, now_ + 300 * kSecond).lookups.size(), 3u);
}

TEST_F(BootstrapTest, AsksAllWhenForced) {
    know(10);
    auto options = with_seeds(5);
    options.force_dns_seed = true;
    EXPECT_EQ(make(options).on_tick(state_, now_).lookups.size(), 5u);
}

TEST_F(BootstrapTest, LetsTheProxyLookUpSeeds) {
    auto options = with_seeds(2);
    options.names_by_proxy = true;
    Bootstrap bootstrap = make(options);
    const auto out = bootstrap.on_tick(state_, now_);
    EXPECT_TRUE(out.lookups.empty());
    EXPECT_EQ(out.fetches.size(), 2u);
    options.connect_given = true;
    EXPECT_TRUE(make(options).on_tick(state_, now_).fetches.empty());
    EXPECT_TRUE(logged("Loading addresses from DNS seed"));
}

TEST_F(BootstrapTest, ConnectsToASeedThatGivesNoAddress) {
    Bootstrap bootstrap = make(with_seeds(1));
    bootstrap.on_tick(state_, now_);
    bootstrap.on_resolved("seed0.example.", {}, 8333, now_);
    EXPECT_EQ(bootstrap.on_tick(state_, now_).fetches, std::vector<std::string>{"seed0.example."});
    EXPECT_TRUE(bootstrap.on_tick(state_, now_ + kSecond).fetches.empty());
}

TEST_F(BootstrapTest, AsksNamedNodesAtOnceOnlyWhenNothingIsKnown) {
    Bootstrap::Options options;
    options.dns_seed = options.use_fixed_seeds = false;
    options.seed_nodes = {"25.0.0.1"};
    EXPECT_EQ(make(options).on_tick(state_, now_).fetches, options.seed_nodes);
    EXPECT_TRUE(logged("Empty addrman, adding seednode (25.0.0.1) to addrfetch"));
    know(3);
    Bootstrap later = make(options);
    EXPECT_TRUE(later.on_tick(state_, now_).fetches.empty());
    EXPECT_TRUE(later.on_tick(state_, now_ + 10 * kSecond).fetches.empty());
    EXPECT_EQ(later.on_tick(state_, now_ + 11 * kSecond).fetches, options.seed_nodes);
    EXPECT_TRUE(logged("Couldn't connect to peers from addrman after 10 seconds. Adding seednode (25.0.0.1) to addrfetch"));
    Bootstrap happy = make(options);
    happy.on_tick(state_, now_);
    state_.full_relay = 2;
    EXPECT_TRUE(happy.on_tick(state_, now_ + 60 * kSecond).fetches.empty());
}

TEST_F(BootstrapTest, GivesNamedNodesHalfAMinuteBeforeSeeds) {
    auto options = with_seeds(1);
    options.seed_nodes = {"25.0.0.1"};
    Bootstrap bootstrap = make(options);
    EXPECT_TRUE(bootstrap.on_tick(state_, now_).lookups.empty());
    EXPECT_TRUE(bootstrap.on_tick(state_, now_ + 30 * kSecond).lookups.empty());
    EXPECT_EQ(bootstrap.on_tick(state_, now_ + 31 * kSecond).lookups.size(), 1u);
}

TEST_F(BootstrapTest, UsesBuiltInSeedsOnlyForNetworksOfWhichNothingIsKnown) {
    Bootstrap::Options options;
    options.dns_seed = false;
    options.fixed_seeds = {{{NetAddress::ipv4(0x30000001), 8333}, 9, 0}, {*Endpoint::parse("[2600::1]:8333"), 9, 0}};
    know(1);
    make(options).on_tick(state_, now_);
    EXPECT_EQ(book_.size(NetworkId::ipv4, std::nullopt), 1u);
    EXPECT_EQ(book_.size(NetworkId::ipv6, std::nullopt), 1u);
    EXPECT_TRUE(logged("Added 1 fixed seeds from reachable networks."));
}

TEST_F(BootstrapTest, KeepsBuiltInSeedsBackWhileSomethingElseMayHelp) {
    Bootstrap::Options options;
    options.dns_seed = false;
    options.fixed_seeds = {{{NetAddress::ipv4(0x30000001), 8333}, 9, 0}};
    state_.added_nodes = true;
    Bootstrap bootstrap = make(options);
    bootstrap.on_tick(state_, now_);
    bootstrap.on_tick(state_, now_ + 60 * kSecond);
    EXPECT_EQ(book_.size(), 0u);
    bootstrap.on_tick(state_, now_ + 61 * kSecond);
    EXPECT_EQ(book_.size(), 1u);
}

TEST_F(BootstrapTest, UsesBuiltInSeedsAfterTwoMinutesWhenTheFewKnownAddressesLeadNowhere) {
    Bootstrap::Options options;
    options.fixed_seeds = {{{NetAddress::ipv4(0x30000001), 8333}, 9, 0}, {{NetAddress::ipv4(0x31000001), 8333}, 9, 0}};
    state_.reachable = {NetworkId::ipv4};
    know(1);  // told by the first who called
    Bootstrap bootstrap = make(options);
    bootstrap.on_tick(state_, now_);
    bootstrap.on_tick(state_, now_ + 120 * kSecond);
    EXPECT_EQ(book_.size(), 1u);
    bootstrap.on_tick(state_, now_ + 121 * kSecond);
    EXPECT_EQ(book_.size(), 3u);
    EXPECT_TRUE(logged("Adding fixed seeds as only 0 known addresses ever answered and connections are wanting"));
}

TEST_F(BootstrapTest, UsesBuiltInSeedsThoughThoseWhoCalledFirstTookSomePlacesAndToldOfManyAddresses) {
    Bootstrap::Options options;
    options.fixed_seeds = {{{NetAddress::ipv4(0x40000001), 8333}, 9, 0}};
    state_.reachable = {NetworkId::ipv4};
    know(500);
    for (std::uint32_t i = 0; i < 3; ++i) book_.on_good({NetAddress::ipv4(0x20000000 + i * 65536 + 1), 8333}, now_ / kSecond);
    state_.full_relay = state_.full_relay_ready = 3;
    Bootstrap bootstrap = make(options);
    bootstrap.on_tick(state_, now_);
    bootstrap.on_tick(state_, now_ + 121 * kSecond);
    EXPECT_TRUE(logged("Added 1 fixed seeds"));
}

TEST_F(BootstrapTest, KeepsBuiltInSeedsOfOneNetworkWhenOnlyAnotherIsEmpty) {
    Bootstrap::Options options;
    options.fixed_seeds = {{{NetAddress::ipv4(0x40000001), 8333}, 9, 0}, {{*NetAddress::parse("2a01:4f8::1"), 8333}, 9, 0}};
    know(500);
    Bootstrap bootstrap = make(options);
    bootstrap.on_tick(state_, now_);
    bootstrap.on_tick(state_, now_ + 61 * kSecond);
    EXPECT_TRUE(logged("Added 1 fixed seeds"));
    EXPECT_EQ(book_.size(NetworkId::ipv6, std::nullopt), 1u);
    lines_.clear();
    bootstrap.on_tick(state_, now_ + 119 * kSecond);
    EXPECT_FALSE(logged("fixed seeds"));
    bootstrap.on_tick(state_, now_ + 121 * kSecond);
    EXPECT_TRUE(logged("connections are wanting"));
    EXPECT_TRUE(logged("Added 1 fixed seeds"));
    lines_.clear();
    bootstrap.on_tick(state_, now_ + 600 * kSecond);
    EXPECT_FALSE(logged("fixed seeds"));
}

TEST_F(BootstrapTest, DoesWithoutBuiltInSeedsWhenConnectionsAreThereOrManyAnswered) {
    Bootstrap::Options options;
    options.fixed_seeds = {{{NetAddress::ipv4(0x40000001), 8333}, 9, 0}};
    state_.reachable = {NetworkId::ipv4};
    know(40);
    state_.full_relay = state_.full_relay_ready = 8;
    Bootstrap served = make(options);
    served.on_tick(state_, now_);
    served.on_tick(state_, now_ + 600 * kSecond);
    EXPECT_FALSE(logged("Adding fixed seeds"));
    state_.full_relay = state_.full_relay_ready = 0;
    for (std::uint32_t i = 0; i < 40; ++i) book_.on_good({NetAddress::ipv4(0x20000000 + i * 65536 + 1), 8333}, now_ / kSecond);
    ASSERT_GE(book_.size(std::nullopt, false), 16u);
    Bootstrap knowing = make(options);
    knowing.on_tick(state_, now_);
    knowing.on_tick(state_, now_ + 600 * kSecond);
    EXPECT_FALSE(logged("Adding fixed seeds"));
}

}  // namespace
}  // namespace cairn::net
