#include "net/io/network.hpp"

#include <gtest/gtest.h>

#include <map>

#include "net/io/detail/parse_options.hpp"
#include "tests/support/quiet_role.hpp"

namespace cairn::net {
namespace {

using test::eventually;
using test::local_options;
using test::QuietRole;

TEST(Network, ShakesHandsOverSocketsAndEndsCleanly) {
    Clock clock;
    QuietRole role;
    Network server(local_options(38331), role, clock);
    Network client(local_options(38332), role, clock);
    ASSERT_TRUE(server.start());
    ASSERT_TRUE(client.start());
    ASSERT_TRUE(client.try_node("127.0.0.1:38331", false));
    ASSERT_TRUE(eventually([&] {
        const auto view = client.view();
        return view->peers.size() == 1 && view->peers[0].version == limits::kProtocolVersion && view->peers[0].min_ping_us;
    }));
    EXPECT_EQ(client.view()->peers[0].starting_height, 3);
    EXPECT_EQ(server.view()->peers.at(0).inbound, true);
    EXPECT_GT(server.view()->total_received, 0u);
    EXPECT_EQ(server.add_node("1.2.3.4", false).has_value(), true);
    EXPECT_EQ(server.add_node("1.2.3.4", false).error(), NodeCommandError::already_added);
    EXPECT_TRUE(client.disconnect("127.0.0.1:38331"));
    EXPECT_TRUE(eventually([&] { return server.view()->peers.empty(); }));
    server.stop();
    EXPECT_FALSE(server.try_node("127.0.0.1:38332", false));
}

TEST(Network, SpeaksV2WhereBothSidesCanAndFallsBackToV1) {
    Clock clock;
    QuietRole role;
    NetworkOptions old_options = local_options(38336);
    old_options.v2_transport = false;
    Network server(local_options(38334), role, clock), client(local_options(38335), role, clock), old(old_options, role, clock);
    ASSERT_TRUE(server.start() && client.start() && old.start());
    ASSERT_TRUE(client.try_node("127.0.0.1:38334", true));
    ASSERT_TRUE(client.try_node("127.0.0.1:38336", true));
    std::map<std::string, PeerSnapshot> peers;
    ASSERT_TRUE(eventually([&] {
        peers.clear();
        for (const PeerSnapshot& peer : client.view()->peers)
            if (peer.min_ping_us) peers[peer.address] = peer;
        return peers.size() == 2;
    }));
    EXPECT_EQ(peers["127.0.0.1:38334"].transport, "v2");
    EXPECT_EQ(peers["127.0.0.1:38334"].session_id, server.view()->peers.at(0).session_id);
    EXPECT_EQ(peers["127.0.0.1:38334"].session_id.size(), 64u);
    EXPECT_EQ(peers["127.0.0.1:38336"].transport, "v1") << "dialled again after the other side hung up";
    EXPECT_TRUE(server.view()->local_services & kServiceP2pV2);
    EXPECT_FALSE(old.view()->local_services & kServiceP2pV2);
}

TEST(Network, SaysThatAPortIsTaken) {
    Clock clock;
    QuietRole role;
    Network first(local_options(38333), role, clock);
    Network second(local_options(38333), role, clock);
    ASSERT_TRUE(first.start());
    const auto started = second.start();
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error(), "Unable to bind to 127.0.0.1:38333 on this computer. Cairn is probably already running.");
}

TEST(NetworkOptions, AreParsedOrComplainedAbout) {
    NetworkOptions options = local_options(8333);
    options.binds = {"127.0.0.1:1=onion", "[::1]"};
    options.white_binds = {"noban@127.0.0.1:2"};
    options.proxies.reachable = {NetworkId::onion, NetworkId::ipv4};
    const auto parsed = detail::parse_options(options);
    ASSERT_TRUE(parsed);
    ASSERT_EQ(parsed->binds.size(), 3u);
    EXPECT_TRUE(parsed->binds[2].onion);
    EXPECT_EQ(parsed->onion_target.to_string(), "127.0.0.1:1");
    EXPECT_EQ(parsed->binds[0].endpoint.to_string(), "[::1]:8333");
    EXPECT_EQ(parsed->engine.dialer.reachable, (std::vector{NetworkId::onion, NetworkId::ipv4}));
    options.binds = {"127.0.0.1:2"};
    EXPECT_EQ(detail::parse_options(options).error(), "Duplicate binding configuration for address 127.0.0.1:2. Please check your -bind, "
                                                      "-bind=...=onion and -whitebind settings.");
    options.binds = {"somewhere:1"};
    EXPECT_EQ(detail::parse_options(options).error(), "Cannot resolve -bind address: 'somewhere:1'");
    options.listen = false;
    options.binds.clear();
    EXPECT_TRUE(detail::parse_options(options)->binds.empty());
}

}  // namespace
}  // namespace cairn::net
