// Who is let in, who has to go, and what becomes of connections that we make.
#include <gtest/gtest.h>

#include "net/engine/engine.hpp"
#include "net/wire/transport_v1.hpp"

namespace cairn::net {
namespace {

constexpr std::int64_t kSecond = 1'000'000;

class StubRole final : public Role {
public:
    void attach(std::function<void(std::function<void()>)>) override {}
    void detach() override {}
    std::uint64_t local_services() const override { return kServiceNetwork | kServiceWitness; }
    std::int32_t best_height() const override { return 5; }
    std::uint64_t desirable_services(std::uint64_t, std::int64_t) const override { return kServiceNetwork | kServiceWitness; }
    bool initial_block_download() const override { return false; }
    void on_ready(PeerInfo&, Outbox&, std::int64_t) override {}
    void on_gone(const PeerInfo&, Outbox&, std::int64_t) override {}
    void on_message(PeerInfo& peer, Message&& message, Outbox& out, std::int64_t) override {
        if (std::holds_alternative<FilterLoadMessage>(message)) peer.relay_wanted = peer.bloom_filter = true;
        if (std::holds_alternative<InvMessage>(message)) out.misbehaving(peer.id, "test");
    }
    void on_pump(PeerInfo&, Outbox&, std::int64_t) override {}
    void on_tick(Outbox&, std::int64_t) override {}
    bool wants_pause(const PeerInfo&) const override { return false; }
    void describe(const PeerInfo&, PeerSnapshot&) const override {}
};

class ConnectionsTest : public testing::Test {
protected:
    static EngineOptions options(int most = 125) {
        EngineOptions made;
        made.magic = {1, 2, 3, 4};
        made.max_connections = most;
        made.v2 = false;
        made.dialer.v2 = false;
        made.dialer.max_connections = most;
        made.dialer.dns_seed = made.dialer.use_fixed_seeds = false;
        return made;
    }
    void start(EngineOptions given) { engine_ = std::make_unique<Engine>(std::move(given), role_, Random::from_number(3)); }

    std::optional<PeerId> accept(std::uint32_t host, std::uint32_t permissions = kPermitNone, bool onion = false) {
        const auto id = engine_->on_accepted({NetAddress::ipv4(host), 40'000}, {NetAddress::ipv4(0x7f000001), 8333}, permissions, onion, now_);
        now_ += kSecond;
        return id;
    }
    void say(PeerId id, Message message) {
        TransportV1 wire(options().magic);
        const std::string command(command_of(message));
        const OutgoingBytes bytes = wire.frame(command, encode_message(std::move(message)));
        Bytes all = bytes.head;
        all.insert(all.end(), bytes.body.begin(), bytes.body.end());
        engine_->on_bytes(id, all, now_);
    }
    void greet(PeerId id, bool relay = true, std::uint64_t services = kServiceNetwork | kServiceWitness) {
        VersionMessage version;
        version.services = services;
        version.nonce = 99;
        version.relay = relay;
        say(id, version);
        say(id, VerackMessage{});
    }
    bool present(PeerId id) const {
        const NetView view = engine_->view(now_);
        return std::any_of(view.peers.begin(), view.peers.end(), [id](const auto& p) { return p.id == id; });
    }
    std::vector<std::string> permissions(PeerId id) const {
        for (const PeerSnapshot& peer : engine_->view(now_).peers)
            if (peer.id == id) return peer.permissions;
        return {"none such"};
    }
    bool logged(std::string_view text) {
        for (LogLine& line : engine_->log().take()) lines_.push_back(std::move(line.text));
        return std::any_of(lines_.begin(), lines_.end(), [text](const std::string& line) { return line.find(text) != std::string::npos; });
    }
    /// The calls that the engine makes in some seconds.
    std::vector<DialAction> dials(std::int64_t seconds = 1) {
        std::vector<DialAction> found;
        for (std::int64_t i = 0; i < seconds * 4; ++i) {
            engine_->on_tick(now_ += kSecond / 4);
            for (EngineAction& action : engine_->take_actions())
                if (auto* dial = std::get_if<DialAction>(&action)) found.push_back(std::move(*dial));
        }
        return found;
    }
    void know(std::uint32_t host) { engine_->add_address(NetAddress::ipv4(host).to_string(), 8333, false, now_); }

    StubRole role_;
    std::unique_ptr<Engine> engine_;
    std::vector<std::string> lines_;
    std::int64_t now_ = 1'800'000'000 * kSecond;
};

TEST_F(ConnectionsTest, RefuseWhoComesWhenAllPlacesAreTakenByTheProtected) {
    start(options(13));
    ASSERT_TRUE(accept(0x08080801));
    ASSERT_TRUE(accept(0x08080802));
    EXPECT_FALSE(accept(0x08080803));
    EXPECT_TRUE(logged("failed to find an eviction candidate - connection dropped (full)"));
}

TEST_F(ConnectionsTest, MakeRoomByTheYoungestOfTheCrowdButNeverByTheTrusted) {
    start(options(11 + 40));
    std::vector<PeerId> peers;
    for (std::uint32_t i = 0; i < 40; ++i) peers.push_back(*accept(0x08080800 + i, i >= 35 ? kPermitNoBan : kPermitNone));
    EXPECT_TRUE(accept(0x09090909));
    EXPECT_TRUE(logged("selected inbound connection for eviction, disconnecting peer="));
    int gone = 0;
    for (const PeerId id : peers) gone += !present(id);
    EXPECT_EQ(gone, 1);
    for (std::size_t i = 35; i < 40; ++i) EXPECT_TRUE(present(peers[i]));
}

TEST_F(ConnectionsTest, DoNotTakeTheDiscouragedWhenThereIsLittleRoom) {
    start(options(13));
    const PeerId bad = *accept(0x08080801);
    greet(bad);
    say(bad, InvMessage{});
    EXPECT_FALSE(present(bad));
    EXPECT_TRUE(accept(0x08080801)) << "while there is room it may come again";
    EXPECT_FALSE(accept(0x08080801));
    EXPECT_TRUE(logged("dropped (discouraged)"));
    EXPECT_TRUE(accept(0x08080801, kPermitNoBan));
}

TEST_F(ConnectionsTest, LetOnlySomeHearOfTransactions) {
    start(options(13));  // two inbound places, one for transactions
    const PeerId first = *accept(0x08080801);
    greet(first);
    EXPECT_TRUE(present(first));
    const PeerId second = *accept(0x08080802);
    greet(second);
    EXPECT_FALSE(present(second));
    EXPECT_TRUE(logged("failed to find a tx-relaying eviction candidate - connection dropped after version message, peer=1"));
    const PeerId quiet = *accept(0x08080803);
    greet(quiet, false);
    EXPECT_TRUE(present(quiet));
    say(quiet, FilterLoadMessage{});
    EXPECT_FALSE(present(quiet)) << "it asks for them later";
    EXPECT_TRUE(logged("connection dropped after filterload message"));
    EXPECT_TRUE(present(first));
}

TEST_F(ConnectionsTest, MakeRoomForTransactionsByPeersThatHearOfThemAlone) {
    auto given = options(11 + 60);
    given.inbound_relay_percent = 50;
    start(std::move(given));
    std::vector<PeerId> relaying, quiet;
    for (std::uint32_t i = 0; i < 20; ++i) greet(quiet.emplace_back(*accept(0x09090900 + i)), false, 0);
    for (std::uint32_t i = 0; i < 31; ++i) greet(relaying.emplace_back(*accept(0x08080800 + i)));
    int gone = 0;
    for (const PeerId id : relaying) gone += !present(id);
    EXPECT_EQ(gone, 1);
    EXPECT_TRUE(present(relaying.back())) << "not the one that asks";
    for (const PeerId id : quiet) EXPECT_TRUE(present(id));
}

TEST_F(ConnectionsTest, GrantWhatTheListsSayByDirection) {
    auto given = options();
    given.whitelist.push_back(*parse_whitelist("in,relay@8.0.0.0/8"));
    given.whitelist.push_back(*parse_whitelist("out,mempool@8.0.0.0/8"));
    given.whitelist.push_back(*parse_whitelist("in,out,addr@8.0.0.0/8"));
    given.whitelist.push_back(*parse_whitelist("127.0.0.1"));
    start(std::move(given));
    using Names = std::vector<std::string>;
    EXPECT_EQ(permissions(*accept(0x08080801)), (Names{"relay", "addr"}));
    EXPECT_EQ(permissions(*accept(0x08080802, kPermitDownload)), (Names{"relay", "download", "addr"})) << "what the socket gives comes on top";
    EXPECT_EQ(permissions(*accept(0x7f000001)), (Names{"noban", "relay", "mempool", "download"}));
    EXPECT_TRUE(permissions(*accept(0x7f000001, kPermitNone, true)).empty()) << "Tor forwards for strangers";
    (void)engine_->try_node("8.1.2.3", false, now_);
    const auto calls = dials();
    ASSERT_EQ(calls.size(), 1u);
    EXPECT_EQ(permissions(*engine_->on_dialed(calls[0].dial, *calls[0].endpoint, {}, now_)), (Names{"mempool", "addr"}));
    (void)engine_->add_connection("8.1.2.4:8333", ConnectionType::outbound_full_relay, false, now_);
    const auto automatic = dials();
    ASSERT_EQ(automatic.size(), 1u);
    EXPECT_TRUE(permissions(*engine_->on_dialed(automatic[0].dial, *automatic[0].endpoint, {}, now_)).empty()) << "only those that the operator named";
}

TEST_F(ConnectionsTest, BelieveInAnAddressOnceAFeelerReachedIt) {
    start(options());
    const Endpoint there{NetAddress::ipv4(0x08080801), 8333};
    know(0x08080801);
    ASSERT_TRUE(engine_->add_connection(there.to_string(), ConnectionType::feeler, false, now_));
    const auto calls = dials();
    ASSERT_FALSE(calls.empty());
    const PeerId id = *engine_->on_dialed(calls[0].dial, there, {}, now_);
    EXPECT_TRUE(engine_->address_places(true).empty());
    greet(id, true, 0);  // of no use otherwise
    EXPECT_FALSE(present(id));
    EXPECT_TRUE(logged("feeler connection completed, disconnecting peer=0"));
    ASSERT_EQ(engine_->address_places(true).size(), 1u);
    EXPECT_EQ(engine_->address_places(true)[0].address.services, 0u) << "and it is known what it offers";
}

TEST_F(ConnectionsTest, HoldFailuresAgainstAddressesButNotThoseOfAProxy) {
    start(options());
    know(0x08080801);
    const auto tried = [&] { return engine_->addresses().select(false, {NetworkId::ipv4}, now_ / kSecond)->last_try_s; };
    ASSERT_TRUE(engine_->add_connection("8.8.8.1:8333", ConnectionType::feeler, false, now_));
    const auto first = dials();
    engine_->on_dial_failed(first.at(0).dial, "no proxy", now_, false);
    EXPECT_EQ(tried(), 0);
    ASSERT_TRUE(engine_->add_connection("8.8.8.1:8333", ConnectionType::feeler, false, now_));
    const auto second = dials();
    engine_->on_dial_failed(second.at(0).dial, "refused", now_);
    EXPECT_EQ(tried(), now_ / kSecond);
}

TEST_F(ConnectionsTest, AreNotMadeTwiceByAName) {
    start(options());
    ASSERT_TRUE(accept(0x08080801));
    (void)engine_->try_node("example.org", false, now_);
    const auto calls = dials();
    ASSERT_EQ(calls.size(), 1u);
    EXPECT_FALSE(engine_->on_dialed(calls[0].dial, {NetAddress::ipv4(0x08080801), 40'000}, {}, now_));
    EXPECT_TRUE(logged("Not opening a connection to example.org, already connected to 8.8.8.1:40000"));
}

TEST_F(ConnectionsTest, AreBoundedForEachTypeAndInAll) {
    start(options());
    std::uint32_t host = 0x08080801;
    const auto add = [&](ConnectionType type) { return bool(engine_->add_connection(NetAddress::ipv4(host++).to_string() + ":8333", type, false, now_)); };
    for (int i = 0; i < 8; ++i) EXPECT_TRUE(add(ConnectionType::outbound_full_relay));
    EXPECT_FALSE(add(ConnectionType::outbound_full_relay));
    for (int i = 0; i < 2; ++i) EXPECT_TRUE(add(ConnectionType::block_relay_only));
    EXPECT_FALSE(add(ConnectionType::block_relay_only));
    EXPECT_TRUE(add(ConnectionType::addr_fetch));
    EXPECT_FALSE(add(ConnectionType::addr_fetch)) << "eleven of them in all";
    EXPECT_FALSE(add(ConnectionType::feeler));
    EXPECT_TRUE(engine_->try_node("8.9.9.9", false, now_)) << "what the operator wants is not counted";
}

TEST_F(ConnectionsTest, EndAfterAMinuteOfSilence) {
    start(options());
    const PeerId silent = *accept(0x08080801);
    const PeerId half = *accept(0x08080802);
    VersionMessage version;
    version.services = kServiceNetwork | kServiceWitness;
    say(half, version);
    engine_->on_written(half, 1, now_);
    now_ += 62 * kSecond;
    engine_->on_tick(now_);
    EXPECT_FALSE(present(silent) || present(half));
    EXPECT_TRUE(logged("socket no message in first 60 seconds, never received from peer, never sent to peer, disconnecting peer=0"));
    EXPECT_TRUE(logged("version handshake timeout, disconnecting peer=1"));
}

TEST_F(ConnectionsTest, TryAgainByTheOldTransportHoweverTheFirstOneEnded) {
    auto given = options();
    given.v2 = given.dialer.v2 = true;
    start(std::move(given));
    (void)engine_->try_node("8.1.2.3", true, now_);
    auto calls = dials();
    ASSERT_EQ(calls.size(), 1u);
    EXPECT_TRUE(calls[0].v2);
    const PeerId id = *engine_->on_dialed(calls[0].dial, *calls[0].endpoint, {}, now_);
    engine_->on_written(id, 100, now_);
    now_ += 62 * kSecond;
    calls = dials();
    EXPECT_FALSE(present(id));
    EXPECT_TRUE(logged("retrying with v1 transport protocol for peer=0"));
    ASSERT_EQ(calls.size(), 1u);
    EXPECT_FALSE(calls[0].v2);
}

}  // namespace
}  // namespace cairn::net
