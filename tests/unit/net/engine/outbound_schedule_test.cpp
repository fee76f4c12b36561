// Dialer and OutboundCare together on virtual time, against what is known of the schedule without them.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "net/engine/dialer.hpp"
#include "net/engine/outbound_care.hpp"

namespace cairn::net {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr auto kFull = ConnectionType::outbound_full_relay;
constexpr auto kBlock = ConnectionType::block_relay_only;
constexpr auto kFeeler = ConnectionType::feeler;

/// A world in which every call succeeds after a quarter of a second, feelers end at once and nobody hangs up.
class World {
public:
    explicit World(std::uint64_t seed, Dialer::Options options = quiet())
        : random_(Random::from_number(seed)),
          limits_(ConnectionLimits::share(options.max_connections)),
          dialer_(std::move(options), random_, book_, discouraged_, bans_, log_) {
        log_.set_debug_wanted(false);
        chain_.last_block_s = now_ / kSecond;
    }
    static Dialer::Options quiet() {
        Dialer::Options options;
        options.dns_seed = options.use_fixed_seeds = false;
        return options;
    }
    void tell(const Endpoint& endpoint, std::uint64_t services = kServiceNetwork | kServiceWitness) {
        book_.add({{endpoint, services, static_cast<std::uint32_t>(now_ / kSecond)}}, endpoint.address, 0, now_ / kSecond);
    }
    void tell(std::uint32_t first, int groups, int each = 1) {
        for (std::uint32_t g = 0; g < static_cast<std::uint32_t>(groups); ++g)
            for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(each); ++i) tell({NetAddress::ipv4(first + g * 65536 + i), 8333});
    }
    Endpoint onion(std::uint8_t number) {
        Bytes key(32, number);
        return {*NetAddress::from_bip155(NetworkId::onion, key), 8333};
    }

    void step() {
        now_ += kSecond / 4;
        for (auto& [dial, due] : std::exchange(calling_, {})) connect(dial);
        if (moving_ && now_ / kSecond % 600 == 0) chain_.last_block_s = now_ / kSecond;
        care();
        DialState state = picture();
        auto due = dialer_.on_tick(state, now_);
        for (DialAction& action : due.dials) calling_.emplace_back(action.dial, now_);
        most_[kFull] = std::max(most_[kFull], dialer_.count(kFull, picture()));
        most_[kBlock] = std::max(most_[kBlock], dialer_.count(kBlock, picture()));
        most_all_ = std::max(most_all_, dialer_.automatic(picture()));
    }
    void run(std::int64_t seconds) {
        for (std::int64_t i = 0; i < seconds * 4; ++i) step();
    }
    int open(ConnectionType type) const {
        return static_cast<int>(std::count_if(peers_.begin(), peers_.end(), [type](const auto& p) { return p.second.type == type; }));
    }
    /// Address groups of lasting connections, each as often as it is there.
    std::multiset<Bytes> groups() const {
        std::multiset<Bytes> all;
        for (const auto& [id, p] : peers_) all.insert(book_.group(p.address.address));
        return all;
    }

    struct Peer {
        ConnectionType type;
        Endpoint address;
        std::int64_t connected_us;
        bool added;
    };
    Random random_;
    AddrBook book_{random_};
    Discouraged discouraged_;
    BanList bans_;
    LogLines log_;
    ConnectionLimits limits_;
    Dialer dialer_;
    OutboundCare care_{limits_, log_};
    ChainPulse chain_;
    bool moving_ = true;                      ///< blocks come
    std::map<PeerId, Peer> peers_;
    std::map<ConnectionType, int> made_, most_;
    int most_all_ = 0, dropped_ = 0;
    std::int64_t now_ = 1'800'000'000 * kSecond;

private:
    DialState picture() const {
        DialState state;
        for (const auto& [id, p] : peers_) state.connections.push_back({p.address.to_string(), p.address, p.type, true, p.added});
        state.extra_full_relay = care_.wants_extra_full_relay();
        state.extra_block_relay = care_.wants_extra_block_relay();
        return state;
    }
    void connect(std::uint64_t dial) {
        const auto pending = dialer_.finish(dial);
        if (!pending) return;
        ++made_[pending->type];
        book_.on_attempt(*pending->endpoint, pending->count_failure, now_ / kSecond);
        book_.on_good(*pending->endpoint, now_ / kSecond);
        if (pending->type != kFeeler) peers_[next_id_++] = {pending->type, *pending->endpoint, now_, pending->added};
    }
    void care() {
        OutboundCare::State state;
        state.chain = chain_;
        for (const auto& [id, p] : peers_) state.peers.push_back({id, p.type, true, p.address.address.network(), p.connected_us, 0, {}});
        for (const PeerId id : care_.on_tick(state, now_)) {
            peers_.erase(id);
            ++dropped_;
        }
    }
    std::vector<std::pair<std::uint64_t, std::int64_t>> calling_;
    PeerId next_id_ = 0;
};

TEST(OutboundSchedule, ReachesItsPeersInSeconds) {
    World world(1);
    world.tell(0x20000000, 200);
    world.run(10);
    EXPECT_EQ(world.open(kFull), 8);
    EXPECT_EQ(world.open(kBlock), 2);
    const auto groups = world.groups();
    EXPECT_EQ(std::set<Bytes>(groups.begin(), groups.end()).size(), 10u);
}

TEST(OutboundSchedule, SendsAFeelerEveryTwoMinutesAndABlockRelayPeerEveryFive) {
    World world(2);
    world.tell(0x20000000, 3000);
    world.chain_.at_present = true;
    const int hours = 10;
    world.run(hours * 3600);
    // A naive schedule has 300 feelers and 120 peers in ten hours; both share a slot, and a peer keeps it up to 75 seconds
    // until it goes, so that some of them come later.
    EXPECT_GT(world.made_[kFeeler], 200);
    EXPECT_LT(world.made_[kFeeler], 360);
    EXPECT_GT(world.made_[kBlock], 2 + 75);
    EXPECT_LT(world.made_[kBlock], 2 + 160);
    EXPECT_GE(world.dropped_, world.made_[kBlock] - 3) << "each of them went";
    EXPECT_EQ(world.made_[kFull], 8) << "full-relay peers stay";
    EXPECT_EQ(world.most_[kFull], 8);
    EXPECT_EQ(world.most_[kBlock], 3);
    EXPECT_LE(world.most_all_, 11);
}

TEST(OutboundSchedule, NeedsNoExtraPeersDuringTheInitialDownload) {
    World world(3);
    world.tell(0x20000000, 500);
    world.run(3600);
    EXPECT_EQ(world.made_[kBlock], 2);
    EXPECT_GT(world.made_[kFeeler], 10);
}

TEST(OutboundSchedule, TriesOneMorePeerWhileTheTipIsOld) {
    World world(4);
    world.tell(0x20000000, 500);
    world.run(1200);
    EXPECT_EQ(world.made_[kFull], 8);
    world.moving_ = false;
    world.run(3 * 3600);
    // From half an hour on one each ten minutes: fourteen or fifteen.
    EXPECT_GE(world.made_[kFull], 8 + 12);
    EXPECT_LE(world.made_[kFull], 8 + 16);
    EXPECT_EQ(world.most_[kFull], 9);
    world.moving_ = true;
    world.run(1200);
    const int before = world.made_[kFull];
    world.run(3 * 3600);
    EXPECT_LE(world.made_[kFull], before + 1);
    EXPECT_EQ(world.open(kFull), 8);
}

TEST(OutboundSchedule, SeeksAPeerInEveryNetworkThatItCanReach) {
    auto options = World::quiet();
    options.reachable.push_back(NetworkId::onion);
    World world(5, options);
    world.tell(0x20000000, 400);
    world.run(10);
    ASSERT_EQ(world.open(kFull), 8);
    world.tell(world.onion(1));
    world.tell(world.onion(2));
    const auto onions = [&] {
        return std::count_if(world.peers_.begin(), world.peers_.end(), [](const auto& p) { return p.second.type == kFull && p.second.address.address.network() == NetworkId::onion; });
    };
    world.run(3600);
    EXPECT_EQ(onions(), 1) << "and it is kept, being the only one";
    EXPECT_EQ(world.open(kFull), 8);
}

TEST(OutboundSchedule, GivesNoTwoSlotsToOneGroupOfTheInternet) {
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
        World world(seed);
        world.tell(0x30000000, 6, 160);  // somebody with a thousand addresses in six groups
        world.run(15);
        const auto groups = world.groups();
        EXPECT_EQ(groups.size(), 6u) << "six groups, six slots";
        EXPECT_EQ(std::set<Bytes>(groups.begin(), groups.end()).size(), 6u);
        world.tell(0x20000000, 40);
        world.run(60);
        EXPECT_EQ(world.groups().size(), 10u);
    }
}

TEST(OutboundSchedule, SendsNoFeelersWhilePeersAreWanting) {
    World world(6);
    world.tell(0x30000000, 1, 30);
    world.run(300);
    EXPECT_EQ(world.groups().size(), 1u);
    EXPECT_EQ(world.made_[kFeeler], 0) << "first of all full-relay peers are wanting, and nobody fits";
}

TEST(OutboundSchedule, TestsWhosePlaceANewcomerWants) {
    World world(7);
    world.tell(0x20000000, 200);
    world.run(20);
    // Addresses that answered, told of by all and sundry, until one wants the place of another.
    int collisions = 0;
    for (std::uint32_t i = 0; i < 60'000 && collisions < 3; ++i) {
        const Endpoint endpoint{NetAddress::ipv4(0x28000000 + i * 4099), 8333};
        world.tell(endpoint);
        if (!world.book_.on_good(endpoint, world.now_ / kSecond) && world.book_.select_collision()) ++collisions;
    }
    ASSERT_TRUE(world.book_.select_collision());
    world.now_ += 5 * 3600 * kSecond;  // the holders were not seen for hours
    world.run(3600);
    EXPECT_FALSE(world.book_.select_collision()) << "each was called and kept its place";
}

TEST(OutboundSchedule, CallsNobodyAutomaticallyThatTheOperatorNamed) {
    World world(8);
    world.tell(0x20000000, 1);
    world.dialer_.add_node("32.0.0.0", false);
    world.run(20);
    EXPECT_EQ(world.made_[ConnectionType::manual], 1);
    EXPECT_EQ(world.made_[kFull], 0);
}

TEST(OutboundSchedule, KeepsEightOfTheNodesThatWereAdded) {
    World world(9);
    for (int i = 1; i <= 12; ++i) EXPECT_TRUE(world.dialer_.add_node("8.8.0." + std::to_string(i), true));
    EXPECT_FALSE(world.dialer_.add_node("8.8.0.1:8333", true)) << "the same by another name";
    world.run(300);
    EXPECT_EQ(world.open(ConnectionType::manual), 8);
    world.peers_.erase(world.peers_.begin());
    world.run(120);
    EXPECT_EQ(world.open(ConnectionType::manual), 8);
}

TEST(OutboundSchedule, MakesDoWithTheSlotsItIsGiven) {
    for (const int most : {0, 1, 5, 9, 10, 11}) {
        auto options = World::quiet();
        options.max_connections = most;
        World world(10, options);
        world.tell(0x20000000, 200);
        world.chain_.at_present = true;
        world.run(1800);
        EXPECT_EQ(world.open(kFull), std::min(most, 8));
        EXPECT_LE(world.most_all_, most);
        if (most <= 10) EXPECT_EQ(world.made_[kFeeler], 0) << "there is no slot for them";
        else EXPECT_GT(world.made_[kFeeler], 0);
    }
}

TEST(OutboundSchedule, ChoosesOnlyPeersOfUse) {
    World world(11);
    for (std::uint32_t i = 0; i < 50; ++i) world.tell({NetAddress::ipv4(0x20000000 + i * 65536), 8333}, kServiceNetworkLimited | kServiceWitness);
    DialState state;
    state.useful = [](std::uint64_t services, std::int64_t) { return (services & kServiceNetwork) != 0; };
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(world.dialer_.on_tick(state, world.now_ += kSecond).dials.empty());
}

}  // namespace
}  // namespace cairn::net
