#include "net/core/permissions.hpp"

#include <gtest/gtest.h>

namespace cairn::net {
namespace {

TEST(Permissions, AreReadFromTheirNames) {
    const auto entry = parse_whitelist("noban,relay@127.0.0.0/8");
    ASSERT_TRUE(entry);
    EXPECT_EQ(permission_names(entry->permissions), (std::vector<std::string>{"noban", "relay", "download"}));
    EXPECT_TRUE(entry->inbound);
    EXPECT_FALSE(entry->outbound);
    EXPECT_TRUE(parse_whitelist("in,out,addr@1.2.3.4")->outbound);
    EXPECT_EQ(parse_whitelist("1.2.3.4")->permissions, static_cast<std::uint32_t>(kPermitImplicit));
    EXPECT_EQ(permission_names(parse_whitelist("all@::1")->permissions).size(), 7u);
}

TEST(Permissions, ComplainInTheWordsThatOperatorsKnow) {
    EXPECT_EQ(parse_whitelist("oopsie@127.0.0.1").error(), "Invalid P2P permission: 'oopsie'");
    EXPECT_EQ(parse_whitelist("noban@127.0.0.1:230").error(), "Invalid netmask specified in -whitelist: '127.0.0.1:230'");
    EXPECT_EQ(parse_whitelist("in@1.2.3.4").error(), "Only direction was set, no permissions: 'in@1.2.3.4'");
    EXPECT_EQ(parse_whitebind("noban@127.0.0.1").error(), "Need to specify a port with -whitebind: '127.0.0.1'");
    EXPECT_EQ(parse_whitebind("noban,out@127.0.0.1:1").error(), "whitebind may only be used for incoming connections (\"out\" was passed)");
    EXPECT_EQ(parse_whitebind("noban@127.0.0.1:1")->endpoint.to_string(), "127.0.0.1:1");
}

}  // namespace
}  // namespace cairn::net
