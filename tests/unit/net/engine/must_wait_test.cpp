#include <gtest/gtest.h>

#include "net/engine/engine.hpp"
#include "net/wire/transport_v1.hpp"

namespace cairn::net {
namespace {

constexpr std::array<std::uint8_t, 4> kMagic{1, 2, 3, 4};
constexpr std::int64_t kNow = 1'700'000'000'000'000;

/// Takes in what it is given; while `judging`, only transactions.
class WaitingRole final : public Role {
public:
    void attach(std::function<void(std::function<void()>)>) override {}
    void detach() override {}
    std::uint64_t local_services() const override { return kServiceNetwork; }
    std::int32_t best_height() const override { return 0; }
    std::uint64_t desirable_services(std::uint64_t, std::int64_t) const override { return 0; }
    bool initial_block_download() const override { return false; }
    void on_ready(PeerInfo&, Outbox&, std::int64_t) override {}
    void on_gone(const PeerInfo&, Outbox&, std::int64_t) override {}
    void on_message(PeerInfo&, Message&& message, Outbox&, std::int64_t) override { heard.emplace_back(command_of(message)); }
    void on_pump(PeerInfo&, Outbox&, std::int64_t) override {}
    void on_tick(Outbox&, std::int64_t) override {}
    bool wants_pause(const PeerInfo&) const override { return false; }
    bool must_wait(const PeerInfo&, std::string_view command) const override { return judging && command != "tx"; }
    void describe(const PeerInfo&, PeerSnapshot&) const override {}

    bool judging = false;
    std::vector<std::string> heard;
};

struct Wire {
    Wire() : engine(options(), role, Random::from_number(1)), transport(kMagic) {
        peer = *engine.on_accepted({NetAddress::ipv4(0x08080808), 1}, {NetAddress::ipv4(0x01010101), 8333}, kPermitNone, false, kNow);
        VersionMessage version;
        version.services = kServiceNetwork;
        give(Message(version));
        give(Message(VerackMessage{}));
        engine.take_actions();
    }
    static EngineOptions options() {
        EngineOptions made;
        made.magic = kMagic;
        made.user_agent = "/test/";
        made.dialer.connect_given = true;
        return made;
    }
    Bytes frame(Message message) {
        const std::string command(command_of(message));
        OutgoingBytes out = transport.frame(command, encode_message(std::move(message)));
        Bytes bytes = std::move(out.head);
        bytes.insert(bytes.end(), out.body.begin(), out.body.end());
        return bytes;
    }
    /// As the shell does: what the engine does not take is given again once it says so.
    void give(ByteSpan bytes) {
        const std::size_t taken = engine.on_bytes(peer, bytes, kNow);
        left.insert(left.end(), bytes.begin() + static_cast<std::ptrdiff_t>(taken), bytes.end());
    }
    void give(Message message) { give(frame(std::move(message))); }
    std::size_t pongs() {
        std::size_t count = 0;
        for (EngineAction& action : engine.take_actions()) {
            if (std::holds_alternative<ResumeAction>(action)) {
                const Bytes again = std::exchange(left, {});
                give(again);
                count += pongs();
            } else if (const auto* write = std::get_if<WriteAction>(&action)) {
                const Bytes& head = write->bytes.head;
                count += std::string_view(reinterpret_cast<const char*>(head.data()) + 4, 4) == "pong";
            }
        }
        return count;
    }

    WaitingRole role;
    Engine engine;
    TransportV1 transport;
    PeerId peer = 0;
    Bytes left;
};

TEST(EngineMustWait, AnswersAPingOnlyAfterTheVerdict) {
    Wire wire;
    wire.role.judging = true;
    wire.give(Message(TxMessage{Bytes(10)}));
    wire.give(Message(PingMessage{7}));
    wire.engine.on_tick(kNow);
    EXPECT_EQ(wire.pongs(), 0u);
    EXPECT_TRUE(wire.engine.held_up(wire.peer));
    wire.role.judging = false;
    wire.engine.on_tick(kNow);
    EXPECT_EQ(wire.pongs(), 1u);
    EXPECT_FALSE(wire.engine.held_up(wire.peer));
    EXPECT_EQ(wire.role.heard, std::vector<std::string>{"tx"});
}

TEST(EngineMustWait, LetsTransactionsThroughMeanwhileAndKeepsTheOrder) {
    Wire wire;
    wire.role.judging = true;
    Bytes bytes;
    for (const char* kind : {"tx", "tx", "mempool", "tx", "ping"}) {
        Bytes next = std::string_view(kind) == "tx"        ? wire.frame(Message(TxMessage{Bytes(10)}))
                     : std::string_view(kind) == "mempool" ? wire.frame(Message(MempoolMessage{}))
                                                           : wire.frame(Message(PingMessage{1}));
        bytes.insert(bytes.end(), next.begin(), next.end());
    }
    wire.give(bytes);
    EXPECT_EQ(wire.role.heard, (std::vector<std::string>{"tx", "tx"}));
    wire.engine.on_tick(kNow);
    EXPECT_EQ(wire.pongs(), 0u);
    wire.role.judging = false;
    wire.engine.on_tick(kNow);
    EXPECT_EQ(wire.pongs(), 1u);
    EXPECT_EQ(wire.role.heard, (std::vector<std::string>{"tx", "tx", "mempool", "tx"}));
}

}  // namespace
}  // namespace cairn::net
