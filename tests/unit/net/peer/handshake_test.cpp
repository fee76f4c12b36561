#include "net/peer/handshake.hpp"

#include <gtest/gtest.h>

#include "net/peer/ping.hpp"
#include "tests/support/fake_chain_access.hpp"

namespace cairn::net {
namespace {

using test::Taken;

class Policy final : public HandshakePolicy {
public:
    bool room = true;
    bool takes_on(const PeerInfo&) override { return room; }
    LocalVersion local_version(const PeerInfo&) const override { return {1033, "/Us:1/", 5, true}; }
    bool is_own_nonce(std::uint64_t nonce) const override { return nonce == 77; }
    std::uint64_t desirable_services(std::uint64_t, std::int64_t) const override { return kServiceNetwork | kServiceWitness; }
};

VersionMessage their_version(std::int32_t version = 70016) {
    VersionMessage message;
    message.version = version;
    message.services = 1033;
    message.nonce = 5;
    message.user_agent = "/Them:1/\x01";
    return message;
}

class HandshakeTest : public testing::Test {
protected:
    void begin(ConnectionType type) {
        peer_ = PeerInfo();
        peer_.type = type;
        handshake_ = std::make_unique<Handshake>(peer_, 99);
        handshake_->start(policy_, out_, 1'000'000);
    }
    Handshake::Outcome give(Message message) { return handshake_->on_message(message, policy_, out_, 1'000'000); }
    std::vector<std::string> sent(const Taken& taken) {
        std::vector<std::string> names;
        for (const auto& action : taken.sent) names.emplace_back(std::visit([](const auto& m) -> std::string_view {
            if constexpr (requires { m.kCommand; }) return m.kCommand; else return m.command; }, action.message));
        return names;
    }

    Policy policy_;
    PeerInfo peer_;
    LogLines log_;
    Outbox out_{log_};
    std::unique_ptr<Handshake> handshake_;
};

TEST_F(HandshakeTest, SpeaksFirstOnlyWhenOutbound) {
    begin(ConnectionType::inbound);
    EXPECT_TRUE(Taken(out_).sent.empty());
    begin(ConnectionType::outbound_full_relay);
    EXPECT_EQ(sent(Taken(out_)), std::vector<std::string>{"version"});
}

TEST_F(HandshakeTest, NegotiatesBeforeVerack) {
    begin(ConnectionType::inbound);
    EXPECT_EQ(give(their_version()), Handshake::Outcome::version);
    EXPECT_EQ(sent(Taken(out_)), (std::vector<std::string>{"version", "wtxidrelay", "sendaddrv2", "verack"}));
    EXPECT_EQ(give(WtxidRelayMessage{}), Handshake::Outcome::handled);
    EXPECT_EQ(give(SendAddrV2Message{}), Handshake::Outcome::handled);
    EXPECT_EQ(give(VerackMessage{}), Handshake::Outcome::ready);
    EXPECT_TRUE(peer_.wtxid_relay && peer_.wants_addrv2 && peer_.ready);
    EXPECT_EQ(peer_.user_agent, "/Them:1/");
}

TEST_F(HandshakeTest, NegotiatesNothingWithOldPeers) {
    begin(ConnectionType::inbound);
    give(their_version(70015));
    EXPECT_EQ(sent(Taken(out_)), (std::vector<std::string>{"version", "verack"}));
}

TEST_F(HandshakeTest, SaysNothingBeforeItsEnd) {
    begin(ConnectionType::inbound);
    EXPECT_EQ(give(PingMessage{1}), Handshake::Outcome::handled);
    EXPECT_EQ(give(VerackMessage{}), Handshake::Outcome::handled);
    EXPECT_TRUE(Taken(out_).sent.empty());
    give(their_version());
    Taken{out_};
    EXPECT_EQ(give(PingMessage{1}), Handshake::Outcome::handled);
    EXPECT_EQ(give(GetAddrMessage{}), Handshake::Outcome::handled);
    EXPECT_TRUE(Taken(out_).sent.empty());
}

TEST_F(HandshakeTest, AcknowledgesNobodyThatThereIsNoRoomFor) {
    policy_.room = false;
    begin(ConnectionType::inbound);
    EXPECT_EQ(give(their_version()), Handshake::Outcome::handled);
    EXPECT_EQ(sent(Taken(out_)), (std::vector<std::string>{"version", "wtxidrelay", "sendaddrv2"}));
}

TEST_F(HandshakeTest, IgnoresASecondVersionAndVerack) {
    begin(ConnectionType::inbound);
    give(their_version());
    give(VerackMessage{});
    Taken{out_};
    EXPECT_EQ(give(their_version(60000)), Handshake::Outcome::handled);
    EXPECT_EQ(give(VerackMessage{}), Handshake::Outcome::handled);
    const Taken taken(out_);
    EXPECT_TRUE(taken.sent.empty() && taken.disconnected.empty());
    EXPECT_EQ(peer_.version, 70016);
}

TEST_F(HandshakeTest, EndsForOldVersionsOwnNonceMissingServicesAndLateNegotiation) {
    begin(ConnectionType::inbound);
    give(their_version(31799));
    EXPECT_EQ(Taken(out_).disconnected.at(0).reason, "peer using obsolete version 31799");
    begin(ConnectionType::inbound);
    VersionMessage own = their_version();
    own.nonce = 77;
    give(own);
    EXPECT_EQ(Taken(out_).disconnected.size(), 1u);
    begin(ConnectionType::block_relay_only);
    VersionMessage poor = their_version();
    poor.services = kServiceNetwork;
    give(poor);
    EXPECT_EQ(Taken(out_).disconnected.at(0).reason, "peer does not offer the expected services (00000001 offered, 00000009 expected)");
    begin(ConnectionType::feeler);
    EXPECT_EQ(give(poor), Handshake::Outcome::version) << "a feeler only wants to know that somebody is there";
    (void)Taken{out_};
    begin(ConnectionType::inbound);
    give(their_version());
    give(VerackMessage{});
    give(WtxidRelayMessage{});
    EXPECT_EQ(Taken(out_).disconnected.at(0).reason, "wtxidrelay received after verack");
}

TEST_F(HandshakeTest, HearsAndIgnoresUnknownFeaturesBeforeVerack) {
    begin(ConnectionType::inbound);
    give(their_version(70017));
    EXPECT_EQ(sent(Taken(out_)), (std::vector<std::string>{"version", "wtxidrelay", "sendaddrv2", "verack"})) << "none of ours yet";
    EXPECT_EQ(peer_.common_version, 70017);
    for (int i = 0; i < 16; ++i) EXPECT_EQ(give(FeatureMessage{"some feature", {1, 2}}), Handshake::Outcome::handled);
    EXPECT_EQ(give(FeatureMessage{std::string("\x00\xff\x01\x7f", 4), {}}), Handshake::Outcome::handled);
    EXPECT_TRUE(Taken(out_).disconnected.empty());
    EXPECT_EQ(give(VerackMessage{}), Handshake::Outcome::ready);
}

TEST_F(HandshakeTest, EndsForFeaturesThatAreMalformedTooLateOrOfOldPeers) {
    FeatureMessage malformed;
    malformed.malformed = true;
    begin(ConnectionType::inbound);
    give(their_version(70017));
    give(malformed);
    EXPECT_EQ(Taken(out_).disconnected.at(0).reason, "invalid feature payload");
    begin(ConnectionType::inbound);
    give(their_version(70016));
    give(FeatureMessage{"abcd", {}});
    EXPECT_EQ(Taken(out_).disconnected.at(0).reason, "feature received with incompatible version 70016");
    begin(ConnectionType::inbound);
    give(their_version(70017));
    give(VerackMessage{});
    give(FeatureMessage{"abcd", {}});
    EXPECT_EQ(Taken(out_).disconnected.at(0).reason, "feature received after verack");
}

TEST_F(HandshakeTest, GivesNothingAwayWhenItBroadcastsPrivately) {
    begin(ConnectionType::private_broadcast);
    const auto versions = Taken(out_).all<VersionMessage>();
    ASSERT_EQ(versions.size(), 1u);
    VersionMessage expected;
    expected.version = 70016;
    expected.nonce = 99;
    expected.user_agent = "/pynode:0.0.1/";
    expected.start_height = 0;
    expected.relay = false;
    EXPECT_EQ(versions[0], expected) << "no services, no time, no addresses";
    VersionMessage theirs = their_version(70017);
    theirs.services = kServiceNetwork | kServiceWitness;
    give(theirs);
    EXPECT_EQ(sent(Taken(out_)), std::vector<std::string>{"verack"});
    EXPECT_EQ(peer_.common_version, 70016);
    EXPECT_EQ(give(VerackMessage{}), Handshake::Outcome::ready);
}

TEST_F(HandshakeTest, LeavesPeersThatRelayNoTransactionsWhenItBroadcastsPrivately) {
    begin(ConnectionType::private_broadcast);
    Taken{out_};
    VersionMessage theirs = their_version();
    theirs.relay = false;
    give(theirs);
    const Taken taken(out_);
    EXPECT_TRUE(taken.sent.empty());
    EXPECT_EQ(taken.disconnected.size(), 1u);
}

TEST(Ping, AsksEveryTwoMinutesAndMeasures) {
    LogLines log;
    Outbox out(log);
    Random random = Random::from_number(3);
    const PeerInfo peer = test::make_peer(1);
    Ping ping;
    std::int64_t now = 1'000'000'000;
    ping.pump(peer, true, random, out, now);
    const auto first = Taken(out).all<PingMessage>();
    ASSERT_EQ(first.size(), 1u);
    ping.on_pong(peer, PongMessage{*first[0].nonce}, 8, out, now + 5000);
    EXPECT_EQ(ping.min_us(), 5000);
    ping.pump(peer, true, random, out, now + 119'000'000);
    EXPECT_TRUE(Taken(out).sent.empty());
    ping.pump(peer, true, random, out, now + 121'000'000);
    EXPECT_EQ(Taken(out).sent.size(), 1u);
    ping.pump(peer, true, random, out, now + 121'000'000 + 1'200'000'001);
    EXPECT_EQ(Taken(out).disconnected.size(), 1u);
}

TEST(Ping, IsNotAnsweredByTheWrongNumber) {
    LogLines log;
    Outbox out(log);
    Random random = Random::from_number(3);
    const PeerInfo peer = test::make_peer(1);
    Ping ping;
    ping.pump(peer, true, random, out, 1'000'000'000);
    const std::uint64_t nonce = *Taken(out).all<PingMessage>()[0].nonce;
    ping.on_pong(peer, PongMessage{nonce + 1}, 8, out, 1'000'000'001);
    EXPECT_TRUE(ping.wait_us(1'000'000'002));
    ping.on_pong(peer, PongMessage{}, 3, out, 1'000'000'001);
    EXPECT_FALSE(ping.wait_us(1'000'000'002)) << "a short answer cancels it";
}

}  // namespace
}  // namespace cairn::net
