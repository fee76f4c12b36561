#include <gtest/gtest.h>

#include <set>

#include "net/engine/engine.hpp"
#include "net/sync/private_broadcast.hpp"
#include "net/wire/transport_v1.hpp"

namespace cairn::net {
namespace {

constexpr std::array<std::uint8_t, 4> kMagic{1, 2, 3, 4};
constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kNow = 1'700'000'000 * kSecond;
constexpr std::uint64_t kTheirServices = kServiceNetwork | kServiceWitness;

/// Has something to broadcast privately, and must not hear of the peers to whom it goes.
class BroadcastingRole final : public Role {
public:
    void attach(std::function<void(std::function<void()>)>) override {}
    void detach() override {}
    std::uint64_t local_services() const override { return kServiceNetwork; }
    std::int32_t best_height() const override { return 77; }
    std::uint64_t desirable_services(std::uint64_t, std::int64_t) const override { return kTheirServices; }
    bool initial_block_download() const override { return false; }
    void on_version(PeerInfo&, Outbox&, std::int64_t) override { ++heard; }
    void on_ready(PeerInfo&, Outbox&, std::int64_t) override { ++heard; }
    void on_gone(const PeerInfo&, Outbox&, std::int64_t) override { ++heard; }
    void on_message(PeerInfo&, Message&&, Outbox&, std::int64_t) override { ++heard; }
    void on_pump(PeerInfo&, Outbox&, std::int64_t) override { ++heard; }
    void on_tick(Outbox&, std::int64_t) override {}
    bool wants_pause(const PeerInfo&) const override { return false; }
    PrivateBroadcast* private_broadcast() override { return &own; }
    void describe(const PeerInfo&, PeerSnapshot&) const override { ++heard; }

    PrivateBroadcast own{Random::from_number(3)};
    mutable int heard = 0;
};

TransactionPtr make_tx() {
    Bytes bytes;
    Writer writer(bytes);
    writer.u32(2);
    writer.compact_size(1);
    writer.uint256(Uint256());
    writer.u32(1);
    writer.compact_size(0);
    writer.u32(0xffffffff);
    writer.compact_size(1);
    writer.u64(1000);
    writer.compact_size(0);
    writer.u32(0);
    return *TransactionHolder::parse(std::move(bytes));
}

NetAddress onion(std::uint8_t salt) {
    const Bytes key(32, salt);
    return *NetAddress::from_bip155(NetworkId::onion, key);
}

/// An engine that dials nobody but for private broadcast, and one peer's end of a wire to it.
struct Wire {
    explicit Wire(std::vector<NetworkId> reachable = {NetworkId::ipv4, NetworkId::onion}, bool v2 = false)
        : Wire(options(std::move(reachable), v2)) {}
    explicit Wire(EngineOptions made)
        : engine(std::move(made), role, Random::from_number(1)), theirs(kMagic), ours(kMagic) {}
    static EngineOptions options(std::vector<NetworkId> reachable, bool v2) {
        EngineOptions made;
        made.magic = kMagic;
        made.user_agent = "/telling/";
        made.v2 = v2;
        made.dialer.v2 = v2;
        made.dialer.connect_given = true;
        made.dialer.reachable = std::move(reachable);
        return made;
    }
    void know(const NetAddress& address, std::uint64_t services = kTheirServices) {
        engine.addresses().add({{{address, 8333}, services, static_cast<std::uint32_t>(now / kSecond)}}, address, 0, now / kSecond);
    }
    /// What the engine wants now; bytes it wrote become messages.
    std::vector<DialAction> tick() {
        engine.on_tick(now += kSecond / 10);
        return take();
    }
    std::vector<DialAction> take() {
        std::vector<DialAction> dials;
        for (EngineAction& action : engine.take_actions()) {
            if (auto* dial = std::get_if<DialAction>(&action)) dials.push_back(*dial);
            if (std::holds_alternative<CloseAction>(action)) ++closed;
            auto* write = std::get_if<WriteAction>(&action);
            if (!write) continue;
            Bytes bytes = write->bytes.head;
            bytes.insert(bytes.end(), write->bytes.body.begin(), write->bytes.body.end());
            engine.on_written(write->peer, bytes.size(), now);
            for (ByteSpan left = bytes; !left.empty();) {
                left = left.subspan(theirs.on_bytes(left));
                while (auto frame = theirs.take_frame()) {
                    commands.push_back(frame->command);
                    said.push_back(decode_message(frame->command, std::move(frame->payload)).value());
                }
            }
        }
        return dials;
    }
    void give(Message message) {
        const std::string command(command_of(message));
        OutgoingBytes out = ours.frame(command, encode_message(std::move(message)));
        Bytes bytes = std::move(out.head);
        bytes.insert(bytes.end(), out.body.begin(), out.body.end());
        engine.on_bytes(peer, bytes, now);
        take();
    }
    void connect(const DialAction& dial) {
        peer = engine.on_dialed(dial.dial, *dial.endpoint, {NetAddress::ipv4(0x7f000001), 4000}, now).value();
        take();
    }
    void shake_hands(bool relay = true) {
        VersionMessage version;
        version.services = kTheirServices;
        version.relay = relay;
        give(Message(version));
        give(Message(VerackMessage{}));
    }

    BroadcastingRole role;
    Engine engine;
    TransportV1 theirs, ours;
    std::int64_t now = kNow;
    PeerId peer = 0;
    int closed = 0;
    std::vector<std::string> commands;
    std::vector<Message> said;
};

TEST(PrivateConnections, AreMadeOnlyWhenSomethingIsToBeSent) {
    Wire wire;
    for (std::uint8_t i = 0; i < 9; ++i) wire.know(onion(i));
    EXPECT_TRUE(wire.tick().empty());
    wire.role.own.add(make_tx(), wire.engine.log(), wire.now);
    std::vector<DialAction> dials;
    for (int i = 0; i < 3; ++i) {
        const auto next = wire.tick();
        ASSERT_EQ(next.size(), 1u);
        dials.push_back(next[0]);
    }
    for (const DialAction& dial : dials) EXPECT_TRUE(dial.anonymous && dial.endpoint);
    EXPECT_TRUE(wire.tick().empty()) << "they are being made";
    wire.engine.on_dial_failed(dials[0].dial, "nobody there", wire.now);
    EXPECT_EQ(wire.tick().size(), 1u) << "somebody else is called";
}

TEST(PrivateConnections, CarryOneTransactionAndNothingElse) {
    Wire wire;
    wire.know(onion(1));
    const TransactionPtr tx = make_tx();
    wire.role.own.add(tx, wire.engine.log(), wire.now);
    wire.connect(wire.tick().at(0));
    EXPECT_EQ(wire.commands, std::vector<std::string>{"version"});
    const auto& version = std::get<VersionMessage>(wire.said.at(0));
    EXPECT_EQ(version.user_agent, "/pynode:0.0.1/");
    EXPECT_EQ(version.services, 0u);
    EXPECT_EQ(version.time, 0);
    wire.shake_hands();
    EXPECT_EQ(wire.commands, (std::vector<std::string>{"version", "verack", "inv"}));
    // Whatever the peer says, no more than that is said to it.
    wire.give(Message(PingMessage{5}));
    wire.give(Message(GetAddrMessage{}));
    wire.give(Message(SendHeadersMessage{}));
    wire.give(Message(GetHeadersMessage{}));
    wire.give(Message(InvMessage{{{kInvTx, tx->tx().txid}}}));
    EXPECT_EQ(wire.commands.size(), 3u);
    wire.give(Message(GetDataMessage{{{kInvTx, tx->tx().txid}}}));
    EXPECT_EQ(wire.commands, (std::vector<std::string>{"version", "verack", "inv", "tx", "ping"}));
    EXPECT_EQ(wire.engine.view(wire.now).peers.at(0).type, ConnectionType::private_broadcast);
    wire.give(Message(PongMessage{std::get<PingMessage>(wire.said.back()).nonce}));
    EXPECT_EQ(wire.closed, 1);
    EXPECT_EQ(wire.engine.peer_count(), 0u);
    EXPECT_TRUE(wire.role.own.pictures().at(0).recipients.at(0).received_us);
    EXPECT_EQ(wire.role.own.wanted(), 2u);
    EXPECT_EQ(wire.role.heard, 0) << "the role has nothing to do with it";
}

TEST(PrivateConnections, SendNothingThatAnybodyElseAsksFor) {
    Wire wire;
    wire.know(onion(1));
    wire.role.own.add(make_tx(), wire.engine.log(), wire.now);
    wire.connect(wire.tick().at(0));
    wire.shake_hands();
    wire.commands.clear();
    wire.engine.ping_all();
    EXPECT_TRUE(wire.engine.send_message(wire.peer, "addr", Bytes(3), wire.now));
    wire.tick();
    EXPECT_TRUE(wire.commands.empty());
}

TEST(PrivateConnections, EndWithPeersThatDoNotRelay) {
    Wire wire;
    wire.know(onion(1));
    wire.role.own.add(make_tx(), wire.engine.log(), wire.now);
    wire.connect(wire.tick().at(0));
    wire.shake_hands(false);
    EXPECT_EQ(wire.commands, std::vector<std::string>{"version"});
    EXPECT_EQ(wire.closed, 1);
    EXPECT_EQ(wire.role.own.wanted(), 3u);
}

TEST(PrivateConnections, EndWhenTheyTakeTooLong) {
    Wire wire;
    wire.know(onion(1));
    wire.role.own.add(make_tx(), wire.engine.log(), wire.now);
    wire.connect(wire.tick().at(0));
    wire.shake_hands();
    wire.now += 2 * 60 * kSecond;
    wire.tick();
    EXPECT_EQ(wire.closed, 0);
    wire.now += 61 * kSecond;
    wire.tick();
    EXPECT_EQ(wire.closed, 1);
}

TEST(PrivateConnections, GoToTheOpenInternetOnlyOnceTorHasShownThatItWorks) {
    Wire wire;
    for (std::uint32_t i = 0; i < 40; ++i) wire.know(NetAddress::ipv4(0x20000000 + i * 0x1000000));
    wire.role.own.add(make_tx(), wire.engine.log(), wire.now);
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(wire.tick().empty());
    wire.know(onion(1));
    std::vector<DialAction> dials;
    while (dials.empty()) dials = wire.tick();
    EXPECT_EQ(dials.at(0).endpoint->address, onion(1));
    wire.connect(dials.at(0));
    wire.shake_hands();
    dials = wire.tick();
    ASSERT_FALSE(dials.empty());
    for (const DialAction& dial : dials) {
        EXPECT_TRUE(dial.anonymous);
        EXPECT_EQ(dial.endpoint->address.network(), NetworkId::ipv4);
    }
}

TEST(PrivateConnections, AreNotMadeWithoutTorAndI2p) {
    Wire wire({NetworkId::ipv4, NetworkId::ipv6});
    for (std::uint32_t i = 0; i < 40; ++i) wire.know(NetAddress::ipv4(0x20000000 + i * 0x1000000));
    wire.role.own.add(make_tx(), wire.engine.log(), wire.now);
    wire.engine.log().take();
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(wire.tick().empty());
    int warnings = 0;
    for (const LogLine& line : wire.engine.log().take()) warnings += line.kind == LogLine::Kind::warning;
    EXPECT_EQ(warnings, 1) << "not at each tick";
}

TEST(PrivateConnections, AreTriedOnceMoreByV1WithoutBeingLessAnonymous) {
    Wire wire({NetworkId::onion}, true);
    wire.know(onion(1), kTheirServices | kServiceP2pV2);
    wire.role.own.add(make_tx(), wire.engine.log(), wire.now);
    const DialAction first = wire.tick().at(0);
    EXPECT_TRUE(first.v2);
    const PeerId id = wire.engine.on_dialed(first.dial, *first.endpoint, {NetAddress::ipv4(0x7f000001), 4000}, wire.now).value();
    wire.engine.take_actions();
    wire.engine.on_closed(id, "connection reset", wire.now);
    std::vector<DialAction> again;
    for (EngineAction& action : wire.engine.take_actions())
        if (auto* dial = std::get_if<DialAction>(&action)) again.push_back(*dial);
    ASSERT_EQ(again.size(), 1u);
    EXPECT_TRUE(again[0].anonymous);
    EXPECT_FALSE(again[0].v2);
    EXPECT_EQ(again[0].endpoint, first.endpoint);
    EXPECT_EQ(wire.role.own.wanted(), 3u) << "the second try counts for the first";
    EXPECT_TRUE(wire.engine.on_dialed(again[0].dial, *again[0].endpoint, {NetAddress::ipv4(0x7f000001), 4000}, wire.now));
    EXPECT_EQ(wire.role.own.wanted(), 2u);
}

TEST(PrivateConnections, DoNotTellANodeThatItsNonceCameBack) {
    Wire wire;
    wire.know(onion(1));
    wire.role.own.add(make_tx(), wire.engine.log(), wire.now);
    wire.connect(wire.tick().at(0));
    const std::uint64_t nonce = std::get<VersionMessage>(wire.said.at(0)).nonce;
    wire.peer = *wire.engine.on_accepted({NetAddress::ipv4(0x08080808), 1}, {NetAddress::ipv4(0x01010101), 8333}, kPermitNone, false, wire.now);
    wire.ours = TransportV1(kMagic);
    VersionMessage version;
    version.services = kTheirServices;
    version.nonce = nonce;
    wire.give(Message(version));
    EXPECT_EQ(wire.closed, 0);
}

TEST(PrivateConnections, GoInTheOpenOnlyWhereThatIsAllowed) {
    EngineOptions options = Wire::options({NetworkId::ipv4}, false);
    options.dialer.connect_given = false;
    options.dialer.max_connections = 0;
    for (const bool allowed : {false, true}) {
        options.dialer.private_in_the_open = allowed;
        Wire wire(options);
        wire.know(NetAddress::ipv4(0x01020304));
        wire.role.own.add(make_tx(), wire.engine.log(), wire.now);
        std::vector<DialAction> dials = wire.tick();
        std::erase_if(dials, [](const DialAction& dial) { return !dial.endpoint; });
        ASSERT_EQ(dials.size(), allowed ? 1u : 0u);
        if (allowed) {
            EXPECT_FALSE(dials[0].anonymous);
        }
    }
}

TEST(PrivateConnections, WithNamedNodesGoToThoseAndThroughTorWhereItIs) {
    for (const bool tor : {false, true}) {
        EngineOptions options = Wire::options({NetworkId::ipv4}, false);
        if (tor) options.dialer.reachable.push_back(NetworkId::onion);
        options.dialer.private_in_the_open = true;
        options.dialer.connect = {"1.2.3.4:8333"};
        Wire wire(options);
        wire.know(onion(1));
        wire.tick();  // the lasting connection
        wire.role.own.add(make_tx(), wire.engine.log(), wire.now);
        const std::vector<DialAction> dials = wire.tick();
        ASSERT_EQ(dials.size(), 1u);
        EXPECT_EQ(dials[0].endpoint->to_string(), "1.2.3.4:8333");
        EXPECT_EQ(dials[0].anonymous, tor);
    }
}

TEST(PrivateConnections, GoToANameInTheOpenOnlyWhenNobodyElseWasNamed) {
    const auto called = [](std::vector<std::string> connect) {
        EngineOptions options = Wire::options({NetworkId::ipv4, NetworkId::onion}, false);
        options.dialer.private_in_the_open = true;
        options.dialer.connect = std::move(connect);
        Wire wire(options);
        wire.tick();  // the lasting connections
        wire.role.own.add(make_tx(), wire.engine.log(), wire.now);
        std::set<std::string> names;
        for (int i = 0; i < 20; ++i)
            for (const DialAction& dial : wire.tick()) names.insert(dial.endpoint ? dial.endpoint->to_string() : dial.host);
        return names;
    };
    EXPECT_EQ(called({"node.example", "1.2.3.4:8333"}), std::set<std::string>{"1.2.3.4:8333"});
    EXPECT_EQ(called({"node.example"}), std::set<std::string>{"node.example"});
}

}  // namespace
}  // namespace cairn::net
