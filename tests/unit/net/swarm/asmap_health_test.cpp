#include <gtest/gtest.h>

#include "net/swarm/asmap_health.hpp"
#include "net/swarm/embedded_asmap.hpp"

namespace cairn::net {
namespace {

constexpr std::int64_t kNow_s = 1'700'000'000, kDay_s = 86'400;

struct AsmapHealthTest : testing::Test {
    Random random = Random::from_number(7);
    LogLines log;
    AsmapHealth health;

    /// The lines said at that moment.
    std::vector<std::string> tick(const NetGroups& groups, AddrBook& book, std::int64_t now_s) {
        (void)log.take();
        health.on_tick(groups, book, log, now_s * 1'000'000);
        std::vector<std::string> texts;
        for (const LogLine& line : log.take()) texts.push_back(line.text);
        return texts;
    }

    static void learn(AddrBook& book, const char* text) {
        const NetAddress address = *NetAddress::parse(text);
        ASSERT_EQ(book.add({{{address, 8333}, 9, static_cast<std::uint32_t>(kNow_s)}}, address, 0, kNow_s), 1u) << text;
    }
};

TEST_F(AsmapHealthTest, CountsOnceADayWhatTheMapPlaces) {
    const NetGroups groups = NetGroups::from_asmap(Bytes(3)).value();  // every address belongs to system 1
    AddrBook book(random, {false, &groups, nullptr, 1});
    learn(book, "8.8.8.8");
    learn(book, "9.9.9.9");
    learn(book, "2a00::1");
    learn(book, "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion");
    const std::vector<std::string> said = {"ASMap Health Check: 3 clearnet peers are mapped to 1 ASNs with 0 peers being unmapped"};
    EXPECT_EQ(tick(groups, book, kNow_s), said);
    EXPECT_TRUE(tick(groups, book, kNow_s + kDay_s - 1).empty());
    EXPECT_EQ(tick(groups, book, kNow_s + kDay_s), said);
}

TEST_F(AsmapHealthTest, IsSilentWithoutAMap) {
    const NetGroups groups;
    AddrBook book(random, {false, &groups, nullptr});
    learn(book, "8.8.8.8");
    EXPECT_TRUE(tick(groups, book, kNow_s).empty());
}

TEST(EmbeddedAsmap, IsAMapWhenThereIsOne) {
    const ByteSpan map = embedded_asmap();
    if (map.empty()) GTEST_SKIP() << "none was built in";
    EXPECT_TRUE(NetGroups::from_asmap(Bytes(map.begin(), map.end())));
}

}  // namespace
}  // namespace cairn::net
