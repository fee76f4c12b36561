// Maps of autonomous systems: a map in hex with expected systems ("asmap*.json"), and a whole map with look-ups beside it
// ("<name>.dat" with "<name>_lookups.json").
#include <gtest/gtest.h>

#include <iostream>

#include "net/swarm/net_groups.hpp"
#include "tests/support/json.hpp"
#include "tests/support/vectors.hpp"

namespace cairn::net {
namespace {

std::size_t check(const NetGroups& groups, const UniValue& rows) {
    std::size_t cases = 0;
    for (const UniValue& row : rows.getValues()) {
        const auto address = NetAddress::parse(row[0].get_str());
        if (!address || !address->is_routable()) continue;  // never looked up
        // The tables look IPv6 up as it stands; a node looks up the IPv4 address that a tunnel's address carries.
        const bool carries_ipv4 = address->network() == NetworkId::ipv6 && NetGroups().group(*address).front() == 1;
        if (carries_ipv4) continue;
        EXPECT_EQ(groups.autonomous_system(*address), static_cast<std::uint32_t>(row[1].get_int64())) << row[0].get_str();
        ++cases;
    }
    return cases;
}

TEST(AsmapVectors, GiveTheSystemOfEachAddress) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t cases = 0;
    for (const auto& path : test::vector_files("p2p", "asmap*.json")) {
        UniValue json;
        ASSERT_TRUE(json.read(test::read_text(path)));
        const auto groups = NetGroups::from_asmap(test::hex_of(json["asmap_hex"]));
        ASSERT_TRUE(groups) << path;
        for (const std::string& key : json.getKeys())
            if (json[key].isArray()) cases += check(*groups, json[key]);
    }
    for (const auto& path : test::vector_files("p2p", "*_lookups.json")) {
        const std::string name = path.filename().string().substr(0, path.filename().string().find("_lookups"));
        const auto maps = test::vector_files("p2p", name + ".dat");
        ASSERT_EQ(maps.size(), 1u) << path;
        const auto groups = NetGroups::from_asmap(test::read_file(maps.front()));
        ASSERT_TRUE(groups) << path;
        UniValue json;
        ASSERT_TRUE(json.read(test::read_text(path)));
        cases += check(*groups, json);
    }
    std::cout << "look-ups of autonomous systems: " << cases << " cases\n";
}

}  // namespace
}  // namespace cairn::net
