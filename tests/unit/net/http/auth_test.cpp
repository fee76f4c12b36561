#include "net/http/auth.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include <gtest/gtest.h>

#include "net/http/server.hpp"

namespace cairn::http {
namespace {

std::string basic(const std::string& login) { return "Basic " + base64_encode(login); }

TEST(Authorizer, KnowsSaltedPasswords) {
    Authorizer authorizer;
    // The password of this line is cA773lm788buwYe4g4WT+05pKyNruVKjQ25x3n0DQcM=
    ASSERT_TRUE(authorizer.add_hashed("rt:93648e835a54c573682c2eb19f882535$7681e9c5b74bdd85e78166031d2058e1069b3ed7ed967c93fc63abba06f31144"));
    EXPECT_EQ(authorizer.check(basic("rt:cA773lm788buwYe4g4WT+05pKyNruVKjQ25x3n0DQcM=")), "rt");
    EXPECT_FALSE(authorizer.check(basic("rt:cA773lm788buwYe4g4WT+05pKyNruVKjQ25x3n0DQcM")));
    EXPECT_FALSE(authorizer.check(basic("rt2:cA773lm788buwYe4g4WT+05pKyNruVKjQ25x3n0DQcM=")));
}

TEST(Authorizer, KnowsPlainPasswordsWithColons) {
    Authorizer authorizer;
    authorizer.add_plain("me", "a:b");
    EXPECT_EQ(authorizer.check(basic("me:a:b")), "me");
    EXPECT_FALSE(authorizer.check(basic("me:a")));
}

TEST(Authorizer, RefusesMalformedHeaders) {
    Authorizer authorizer;
    authorizer.add_plain("", "");
    for (const char* header : {"", "Basic", "Bearer abc", "Basic !!!", "Basic bm9jb2xvbg==", "basic OnA="}) {
        EXPECT_FALSE(authorizer.check(header)) << header;
    }
}

TEST(Authorizer, RefusesMalformedLines) {
    Authorizer authorizer;
    for (const char* line : {"", "\"\"", "foo", "foo:bar", "foo:bar:baz", "foo$bar:baz", "foo$bar$baz", "foo:a$b$c"}) {
        EXPECT_FALSE(authorizer.add_hashed(line)) << line;
    }
}

TEST(Base64, GoesBackAndForth) {
    for (const std::string text : {"", "f", "fo", "foo", "foob", "fooba", "foobar"}) EXPECT_EQ(base64_decode(base64_encode(text)), text);
    for (const char* bad : {"a", "abc", "ab=c", "====", "ab!=", "Zg==Zg=="}) EXPECT_FALSE(base64_decode(bad)) << bad;
}

TEST(Cookie, IsWrittenWithItsPermissions) {
    const auto path = std::filesystem::temp_directory_path() / ("cairn_cookie_" + std::to_string(::getpid()));
    const auto password = write_cookie(path, std::filesystem::perms::owner_read | std::filesystem::perms::group_read);
    ASSERT_TRUE(password.has_value());
    EXPECT_EQ(password->size(), 64u);
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    EXPECT_EQ(line, "__cookie__:" + *password);
    struct stat info {};
    ASSERT_EQ(stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0440u);
    std::filesystem::remove(path);
    EXPECT_FALSE(write_cookie("/nonexistent/dir/.cookie", {}).has_value());
}

TEST(SubnetList, MatchesAddressesNetworksAndMasks) {
    SubnetList list;
    for (const char* good : {"1.2.3.4", "10.0.0.0/8", "192.168.0.0/255.255.0.0", "[::1]", "fe80::/10"}) EXPECT_TRUE(list.add(good)) << good;
    for (const char* bad : {"", "1.2.3", "1.2.3.4/33", "1.2.3.4/255.0.255.0", "::/129", "example.org", "1.2.3.4/"}) EXPECT_FALSE(list.add(bad)) << bad;
    for (const char* in : {"1.2.3.4", "10.255.0.1", "192.168.77.1", "::1", "fe80::1", "::ffff:10.1.1.1"}) EXPECT_TRUE(list.contains(in)) << in;
    for (const char* out : {"1.2.3.5", "11.0.0.1", "192.169.0.1", "::2", "", "x"}) EXPECT_FALSE(list.contains(out)) << out;
}

}  // namespace
}  // namespace cairn::http
