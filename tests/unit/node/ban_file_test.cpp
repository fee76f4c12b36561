#include "node/ban_file.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "tests/support/temp_dir.hpp"

namespace cairn::node {
namespace {

constexpr std::int64_t kNow = 1'700'000'000;

class BanFile : public ::testing::Test {
protected:
    void write(const std::string& text) { std::ofstream(file_) << text; }
    std::string text() const {
        std::ifstream in(file_);
        return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    }
    test::TempDir directory_;
    std::filesystem::path file_ = directory_.path() / "banlist.json";
};

TEST_F(BanFile, IsMadeAnewWhenMissing) {
    EXPECT_TRUE(load_bans(file_, kNow).empty());
    EXPECT_NE(text().find("\"banned_nets\": ["), std::string::npos);
}

TEST_F(BanFile, KeepsWhatIsNotOver) {
    ASSERT_TRUE(write_bans(file_, {{"10.0.0.0/8", kNow - 5, kNow + 5}, {"10.1.0.0/16", kNow - 5, kNow}}));
    const auto bans = load_bans(file_, kNow);
    ASSERT_EQ(bans.size(), 1u);
    EXPECT_EQ(bans[0].subnet, "10.0.0.0/8");
    EXPECT_EQ(bans[0].created, kNow - 5);
    EXPECT_EQ(bans[0].until, kNow + 5);
}

TEST_F(BanFile, IsMadeAnewWhenBroken) {
    for (const char* broken : {"", "[]", "{\"banned_nets\": 1}", "{\"banned_nets\": [1]}", "{\"banned_nets\": [{\"version\": 1}]}",
                               R"({"banned_nets": [{"version": 1, "address": "1.2.3.4/32", "ban_created": 1e99, "banned_until": 2}]})",
                               R"({"banned_nets": [{"version": 1, "address": "1.2.3.4/32", "ban_created": 1, "banned_until": 99999999999999999999}]})",
                               R"({"banned_nets": [{"version": 1, "address": "1.2.3.4/32", "ban_created": "x", "banned_until": 2}]})"}) {
        write(broken);
        EXPECT_TRUE(load_bans(file_, 0).empty()) << broken;
        EXPECT_NE(text().find("banned_nets\": ["), std::string::npos) << broken;
        EXPECT_EQ(text().find("1.2.3.4"), std::string::npos) << broken;
    }
}

TEST_F(BanFile, LeavesOutEntriesOfOtherVersionsAndUnreadableNetworks) {
    write(R"({"banned_nets": [{"version": 2, "address": "1.2.3.4/32", "ban_created": 1, "banned_until": 9},
                              {"version": 1, "address": "somewhere", "ban_created": 1, "banned_until": 9},
                              {"version": 1, "address": "5.6.7.8/32", "ban_created": 1, "banned_until": 9}]})");
    const auto bans = load_bans(file_, 0);
    ASSERT_EQ(bans.size(), 1u);
    EXPECT_EQ(bans[0].subnet, "5.6.7.8/32");
}

}  // namespace
}  // namespace cairn::node
