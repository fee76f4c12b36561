#include "node/cli/convert.hpp"

#include <gtest/gtest.h>

#include "node/cli/client.hpp"

namespace cairn::node {
namespace {

TEST(CliConvert, ParsesOnlyWhatTheMethodWants) {
    EXPECT_EQ(to_rpc_params("getblockhash", {"1"}).write(), "[1]");
    EXPECT_EQ(to_rpc_params("echo", {"1"}).write(), "[\"1\"]");
    EXPECT_EQ(to_rpc_params("getblock", {"ab", "2"}).write(), "[\"ab\",2]");
    EXPECT_EQ(to_rpc_params("echojson", {"1", "{\"a\":[true]}"}).write(), "[1,{\"a\":[true]}]");
    EXPECT_EQ(to_rpc_params("getblockstats", {"1000"}).write(), "[1000]");
    EXPECT_EQ(to_rpc_params("getblockstats", {"abc"}).write(), "[\"abc\"]");
    EXPECT_THROW(to_rpc_params("getblockhash", {"foo"}), std::runtime_error);
}

TEST(CliConvert, SplitsNamesFromValues) {
    EXPECT_EQ(to_named_rpc_params("getblock", {"blockhash=ab", "verbosity=2"}).write(), "{\"blockhash\":\"ab\",\"verbosity\":2}");
    EXPECT_EQ(to_named_rpc_params("echo", {"arg0=0", "arg1=1", "arg1=3"}).write(), "{\"arg0\":\"0\",\"arg1\":\"3\"}");
    EXPECT_EQ(to_named_rpc_params("getblock", {"ab", "verbosity=2"}).write(), "{\"verbosity\":2,\"args\":[\"ab\"]}");
}

TEST(CliConvert, KeepsPositionalWordsThatHoldAnEqualsSign) {
    EXPECT_EQ(to_named_rpc_params("echojson", {"[\"key=value\"]"}).write(), "{\"args\":[[\"key=value\"]]}");
    EXPECT_EQ(to_named_rpc_params("echojson", {"arg0=[\"data=test\"]", "arg1=42"}).write(), "{\"arg0\":[\"data=test\"],\"arg1\":42}");
    EXPECT_EQ(to_named_rpc_params("createwallet", {"my=wallet"}).write(), "{\"args\":[\"my=wallet\"]}");
}

TEST(CliConvert, SendsBothWhenArgsIsNamedToo) {
    EXPECT_EQ(to_named_rpc_params("echo", {"args=[0]", "4"}).write(), "{\"args\":\"[0]\",\"args\":[\"4\"]}");
}

TEST(Netinfo, ChecksItsArguments) {
    EXPECT_EQ(parse_netinfo({}).level, 0);
    EXPECT_EQ(parse_netinfo({"9"}).level, 4);
    EXPECT_TRUE(parse_netinfo({"1", "o"}).outbound_only);
    EXPECT_THROW(parse_netinfo({"x"}), std::runtime_error);
    EXPECT_THROW(parse_netinfo({"256"}), std::runtime_error);
    EXPECT_THROW(parse_netinfo({"0", "outonly"}), std::runtime_error);
}

}  // namespace
}  // namespace cairn::node
