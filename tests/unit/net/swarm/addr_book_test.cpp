#include "net/swarm/addr_book.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace cairn::net {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;

Endpoint host(std::uint32_t ip, std::uint16_t port = 8333) { return {NetAddress::ipv4(ip), port}; }
PeerAddress at(std::uint32_t ip, std::int64_t time = kNow - 100) { return {host(ip), kServiceNetwork | kServiceWitness, static_cast<std::uint32_t>(time)}; }

class AddrBookTest : public testing::Test {
protected:
    Random random_ = Random::from_number(11);
    AddrBook book_{random_};
    NetAddress source_ = NetAddress::ipv4(0x40000001);

    std::size_t add(std::uint32_t ip) { return book_.add({at(ip)}, source_, 0, kNow); }
    void fill(std::uint32_t count) {
        for (std::uint32_t i = 0; i < count; ++i) book_.add({at(0x20000000 + i * 65536)}, NetAddress::ipv4(0x60000000 + i * 65536), 0, kNow);
    }
    void TearDown() override { EXPECT_EQ(book_.check(), 0); }
};

TEST_F(AddrBookTest, RemembersEachEndpointOnce) {
    EXPECT_EQ(book_.add({at(0x08080808), at(0x08080808), at(0x7f000001)}, source_, 0, kNow), 1u) << "loopback is left out";
    EXPECT_EQ(book_.size(), 1u);
    EXPECT_EQ(book_.add({{host(0x08080808, 8334), 0, static_cast<std::uint32_t>(kNow)}}, source_, 0, kNow), 1u) << "another port";
    EXPECT_EQ(book_.select(false, {}, kNow)->address.endpoint.address, NetAddress::ipv4(0x08080808));
    EXPECT_FALSE(book_.select(false, {NetworkId::onion}, kNow));
}

TEST_F(AddrBookTest, SubtractsThePenaltyFromWhatOthersSayOnly) {
    book_.add({at(0x08080808)}, source_, 7200, kNow);
    EXPECT_EQ(book_.select(false, {}, kNow)->address.time, kNow - 7300);
    const NetAddress self = NetAddress::ipv4(0x09090909);
    AddrBook other(random_);
    other.add({at(0x09090909)}, self, 7200, kNow);
    EXPECT_EQ(other.select(false, {}, kNow)->address.time, kNow - 100);
}

TEST_F(AddrBookTest, MovesWhatAnswersToTheTriedTable) {
    add(0x08080808);
    add(0x09080808);
    EXPECT_TRUE(book_.on_good(host(0x08080808), kNow));
    EXPECT_FALSE(book_.on_good(host(0x08080808), kNow)) << "is there already";
    EXPECT_FALSE(book_.on_good(host(0x0a0a0a0a), kNow)) << "is not known";
    EXPECT_EQ(book_.size(NetworkId::ipv4, true), 1u);
    EXPECT_EQ(book_.size(NetworkId::ipv4, false), 1u);
    EXPECT_EQ(book_.places(true).size(), 1u);
    for (int i = 0; i < 20; ++i) EXPECT_EQ(book_.select(true, {}, kNow)->address.endpoint, host(0x09080808));
    std::set<Endpoint> both;
    for (int i = 0; i < 50; ++i) both.insert(book_.select(false, {}, kNow + 1000)->address.endpoint);
    EXPECT_EQ(both.size(), 2u);
}

TEST_F(AddrBookTest, GivesOneSourceOnlyAShareOfTheTable) {
    std::vector<PeerAddress> many;
    for (std::uint32_t i = 0; i < 65'536; ++i) many.push_back(at(0x20000000 + i * 4096));
    book_.add(many, source_, 0, kNow);
    EXPECT_LE(book_.size(), 64u * 64u);
    std::set<int> buckets;
    for (const auto& place : book_.places(false)) buckets.insert(place.bucket);
    EXPECT_LE(buckets.size(), 64u);
    EXPECT_GT(buckets.size(), 30u);
}

TEST_F(AddrBookTest, TestsTheOldOneBeforeANewcomerTakesItsPlace) {
    // Many of one group share eight tried buckets: soon two want one place.
    std::optional<Endpoint> newcomer;
    for (std::uint32_t i = 0; i < 5000 && !newcomer; ++i) {
        const std::uint32_t ip = 0x08080000 + i;
        book_.add({at(ip)}, NetAddress::ipv4(0x60000000 + i * 65536), 0, kNow);
        if (book_.size(std::nullopt, true) > 0 && !book_.on_good(host(ip), kNow) && book_.select_collision()) newcomer = host(ip);
    }
    ASSERT_TRUE(newcomer);
    const Endpoint old = book_.select_collision()->address.endpoint;
    EXPECT_NE(old, *newcomer);
    const auto tried = [&](const Endpoint& wanted) {
        return std::ranges::any_of(book_.places(true), [&](const auto& place) { return place.address.endpoint == wanted; });
    };
    book_.resolve_collisions(kNow + 60);
    EXPECT_TRUE(tried(old)) << "it answered within four hours";
    // Four hours later the newcomer comes back, the old one is tried and does not answer.
    const std::int64_t later = kNow + 4 * 3600 + 100;
    EXPECT_FALSE(book_.on_good(*newcomer, later));
    ASSERT_TRUE(book_.select_collision());
    book_.on_attempt(old, true, later + 10);
    book_.resolve_collisions(later + 50);
    EXPECT_TRUE(tried(old)) << "it has a minute to answer";
    book_.resolve_collisions(later + 80);
    EXPECT_TRUE(tried(*newcomer));
    EXPECT_FALSE(tried(old));
    EXPECT_FALSE(book_.select_collision());
}

TEST_F(AddrBookTest, PutsTheNewcomerInAnywayWhenTheOldOneCouldNotBeTested) {
    std::optional<Endpoint> newcomer;
    for (std::uint32_t i = 0; i < 5000 && !newcomer; ++i) {
        const std::uint32_t ip = 0x08080000 + i;
        book_.add({at(ip)}, NetAddress::ipv4(0x60000000 + i * 65536), 0, kNow);
        if (!book_.on_good(host(ip), kNow) && book_.select_collision()) newcomer = host(ip);
    }
    ASSERT_TRUE(newcomer);
    book_.resolve_collisions(kNow + 5 * 3600);
    EXPECT_TRUE(std::ranges::any_of(book_.places(true), [&](const auto& place) { return place.address.endpoint == *newcomer; }));
}

TEST_F(AddrBookTest, PrefersWhatDidNotFail) {
    add(0x08080808);
    add(0x09090909);
    book_.on_good(host(0x0a0a0a0a), kNow);  // somebody answers: failures count
    for (int i = 0; i < 8; ++i) {
        book_.on_attempt(host(0x08080808), true, kNow + i * 1000);
        book_.on_good(host(0x0a0a0a0a), kNow + i * 1000 + 1);
    }
    int failed = 0;
    for (int i = 0; i < 200; ++i) failed += book_.select(false, {}, kNow + 10'000)->address.endpoint == host(0x08080808);
    EXPECT_LT(failed, 60);
    EXPECT_TRUE(book_.sample(0, 0, std::nullopt, true, kNow + 10'000).size() == 1) << "three failures without a success";
    EXPECT_EQ(book_.sample(0, 0, std::nullopt, false, kNow + 10'000).size(), 2u);
}

TEST_F(AddrBookTest, GivesAShareToThoseWhoAsk) {
    fill(1000);
    const auto sample = book_.sample(1000, 23, std::nullopt, true, kNow);
    EXPECT_EQ(sample.size(), book_.size() * 23 / 100);
    std::set<Endpoint> unique;
    for (const auto& entry : sample) unique.insert(entry.endpoint);
    EXPECT_EQ(unique.size(), sample.size());
    EXPECT_EQ(book_.sample(7, 23, std::nullopt, true, kNow).size(), 7u);
    EXPECT_TRUE(book_.sample(1000, 23, NetworkId::onion, true, kNow).empty());
    EXPECT_TRUE(book_.sample(1000, 23, std::nullopt, true, kNow + 100'000'000).empty()) << "too old to pass on";
}

TEST_F(AddrBookTest, IsTheSameAfterAWayOverTheDisk) {
    fill(2000);
    book_.add({{*Endpoint::parse("pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion:8333"), kServiceNetwork, static_cast<std::uint32_t>(kNow)}},
              source_, 0, kNow);
    for (std::uint32_t i = 0; i < 300; ++i) book_.on_good(host(0x20000000 + i * 65536), kNow);
    const Bytes bytes = book_.serialize();
    AddrBook again(random_);
    ASSERT_TRUE(again.deserialize(bytes));
    EXPECT_EQ(again.check(), 0);
    EXPECT_EQ(again.size(), book_.size());
    for (const bool tried : {false, true}) {
        const auto before = book_.places(tried), after = again.places(tried);
        ASSERT_EQ(before.size(), after.size());
        for (std::size_t i = 0; i < before.size(); ++i) {
            ASSERT_EQ(before[i].address, after[i].address);
            ASSERT_EQ(before[i].bucket, after[i].bucket);
            ASSERT_EQ(before[i].position, after[i].position);
            ASSERT_EQ(before[i].source, after[i].source);
        }
    }
}

TEST_F(AddrBookTest, RefusesBrokenFilesAndNeverCrashesOnThem) {
    fill(50);
    const Bytes good = book_.serialize();
    for (std::size_t size = 0; size < good.size(); size += 7) EXPECT_FALSE(AddrBook(random_).deserialize(ByteSpan(good).first(size)));
    for (int i = 0; i < 3000; ++i) {
        Bytes bad = good;
        bad[random_.below(bad.size())] ^= static_cast<std::uint8_t>(1 + random_.below(255));
        (void)AddrBook(random_).deserialize(bad);
    }
    Bytes newer = good;
    newer[0] = 111;
    newer[1] = 32 + 111;
    const auto refused = AddrBook(random_).deserialize(newer);
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().newer_version);
    EXPECT_EQ(refused.error().message, "Unsupported format of addrman database: 111. It is compatible with formats >=111, but the maximum supported by this "
                                       "version of Bitcoin Core is 4.");
}

TEST_F(AddrBookTest, KeepsItsInvariantsUnderRandomUse) {
    std::int64_t now = kNow;
    std::map<std::uint32_t, int> used;
    for (int i = 0; i < 20'000; ++i) {
        const auto ip = static_cast<std::uint32_t>(0x20000000 + random_.below(400) * 65536 + random_.below(20));
        switch (random_.below(6)) {
            case 0:
            case 1: book_.add({at(ip, now - static_cast<std::int64_t>(random_.below(100'000)))}, NetAddress::ipv4(static_cast<std::uint32_t>(0x60000000 + random_.below(50) * 65536)), 100, now); break;
            case 2: book_.on_attempt(host(ip), true, now); break;
            case 3: book_.on_good(host(ip), now); break;
            case 4: book_.resolve_collisions(now); break;
            case 5: (void)book_.select(random_.below(2) == 0, {}, now); break;
        }
        now += static_cast<std::int64_t>(random_.below(100));
        if (i % 1000 == 0) {
            ASSERT_EQ(book_.check(), 0) << i;
        }
    }
}

TEST(NetGroups, PutTogetherWhatOneOperatorHolds) {
    const NetGroups groups;
    const auto group = [&](const char* text) { return groups.group(*NetAddress::parse(text)); };
    EXPECT_EQ(group("1.2.3.4"), (Bytes{1, 1, 2}));
    EXPECT_EQ(group("1.2.200.4"), (Bytes{1, 1, 2}));
    EXPECT_EQ(group("127.0.0.1"), Bytes{0});
    EXPECT_EQ(group("2002:102:304::1"), (Bytes{1, 1, 2})) << "6to4 carries 1.2.3.4";
    EXPECT_EQ(group("2001:0:9999:9999:9999:9999:fefd:fcfb"), (Bytes{1, 1, 2})) << "Teredo carries 1.2.3.4, inverted";
    EXPECT_EQ(group("64:ff9b::102:304"), (Bytes{1, 1, 2}));
    EXPECT_EQ(group("2001:470:abcd:9999::1"), (Bytes{2, 0x20, 0x01, 0x04, 0x70, 0xaf}));
    EXPECT_EQ(group("2001:2001:9999::1"), (Bytes{2, 0x20, 0x01, 0x20, 0x01}));
    EXPECT_EQ(groups.autonomous_system(*NetAddress::parse("1.2.3.4")), 0u);
}

TEST(NetworkClass, NamesNetworksAsRpcDoes) {
    const std::map<std::string, std::string> named = {{"8.8.8.8", "ipv4"}, {"2a00::1", "ipv6"}, {"2002:808:808::1", "ipv4"}, {"64:ff9b::808:808", "ipv4"},
                                                      {"127.0.0.1", "not_publicly_routable"}, {"10.0.0.1", "not_publicly_routable"},
                                                      {"pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion", "onion"}};
    for (const auto& [text, name] : named) EXPECT_EQ(network_class(*NetAddress::parse(text)), name) << text;
}

TEST(NetGroups, RefuseMapsThatAreNone) {
    EXPECT_FALSE(NetGroups::from_asmap({}));
    EXPECT_FALSE(NetGroups::from_asmap(Bytes(10, 0xff)));
    Random random = Random::from_number(3);
    for (int i = 0; i < 5000; ++i) {
        Bytes rubbish(1 + random.below(60));
        for (auto& byte : rubbish) byte = static_cast<std::uint8_t>(random.u64());
        if (auto groups = NetGroups::from_asmap(rubbish)) (void)groups->group(NetAddress::ipv4(static_cast<std::uint32_t>(random.u64())));
    }
}

}  // namespace
}  // namespace cairn::net
