#include "net/engine/bandwidth.hpp"

#include <gtest/gtest.h>

#include "net/engine/engine.hpp"
#include "net/wire/transport_v1.hpp"

namespace cairn::net {
namespace {

constexpr std::array<std::uint8_t, 4> kMagic{1, 2, 3, 4};
constexpr std::int64_t kStart = 1'700'000'000'000'000, kTick = 100'000, kSecond = 1'000'000;
constexpr std::size_t kBlock = 200'000;

RateSchedule schedule(std::vector<std::string> entries) { return *RateSchedule::parse("-rate", entries); }

/// Answers each getdata with as many blocks as it has entries, as long as the peer reads, and notes what it hears.
class BlockRole final : public Role {
public:
    void attach(std::function<void(std::function<void()>)>) override {}
    void detach() override {}
    std::uint64_t local_services() const override { return kServiceNetwork; }
    std::int32_t best_height() const override { return 0; }
    std::uint64_t desirable_services(std::uint64_t, std::int64_t) const override { return 0; }
    bool initial_block_download() const override { return false; }
    void on_ready(PeerInfo&, Outbox&, std::int64_t) override {}
    void on_gone(const PeerInfo&, Outbox&, std::int64_t) override { ++gone; }
    void on_message(PeerInfo& peer, Message&& message, Outbox&, std::int64_t) override {
        if (const auto* request = std::get_if<GetDataMessage>(&message)) wanted[peer.id] += request->items.size();
        heard[peer.id].emplace_back(command_of(message));
    }
    void on_pump(PeerInfo& peer, Outbox& out, std::int64_t) override {
        while (wanted[peer.id] > 0 && peer.send_queue_bytes + promised[peer.id] < 1'000'000) {
            --wanted[peer.id];
            promised[peer.id] += kBlock;
            out.send(peer.id, BlockMessage{Bytes(kBlock)});
        }
        promised[peer.id] = 0;
        largest_queue = std::max(largest_queue, peer.send_queue_bytes);
        held_back_us = std::max(held_back_us, peer.held_back_us);
    }
    void on_tick(Outbox&, std::int64_t) override {}
    bool wants_pause(const PeerInfo&) const override { return false; }
    bool answering(const PeerInfo& peer) const override { return wanted.contains(peer.id) && wanted.at(peer.id) > 0; }
    void describe(const PeerInfo&, PeerSnapshot&) const override {}

    std::map<PeerId, std::size_t> wanted, promised;
    std::map<PeerId, std::vector<std::string>> heard;
    std::size_t largest_queue = 0, gone = 0;
    std::int64_t held_back_us = 0;
};

struct Net {
    explicit Net(Bandwidth::Options bandwidth) : engine(options(std::move(bandwidth)), role, Random::from_number(1)) {}
    static EngineOptions options(Bandwidth::Options bandwidth) {
        EngineOptions made;
        made.magic = kMagic;
        made.dialer.connect_given = true;
        made.bandwidth = std::move(bandwidth);
        return made;
    }
    PeerId connect(std::uint32_t permissions = kPermitNone) {
        const PeerId id = *engine.on_accepted({NetAddress::ipv4(0x08080808), static_cast<std::uint16_t>(++port)}, {NetAddress::ipv4(0x01010101), 8333}, permissions, false, now);
        VersionMessage version;
        version.services = kServiceNetwork;
        give(id, Message(version));
        give(id, Message(VerackMessage{}));
        act();
        return id;
    }
    void give(PeerId id, Message message) {
        TransportV1 transport(kMagic);
        const std::string command(command_of(message));
        const OutgoingBytes out = transport.frame(command, encode_message(std::move(message)));
        Bytes& left = unread[id];
        left.insert(left.end(), out.head.begin(), out.head.end());
        left.insert(left.end(), out.body.begin(), out.body.end());
        feed(id);
    }
    /// A socket's read at a time, until the engine wants no more.
    void feed(PeerId id) {
        while (!unread[id].empty() && !engine.held_up(id)) {
            Bytes& left = unread[id];
            const std::size_t taken = engine.on_bytes(id, ByteSpan(left).first(std::min<std::size_t>(left.size(), 16'000)), now);
            if (taken == 0) break;
            received += taken;
            left.erase(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(taken));
        }
    }
    void act() {
        while (true) {
            auto actions = engine.take_actions();
            if (actions.empty()) return;
            for (EngineAction& action : actions) {
                if (auto* write = std::get_if<WriteAction>(&action)) {
                    written[write->peer] += write->bytes.size();
                    for (const Bytes* part : {&write->bytes.head, &write->bytes.body}) take(write->peer, *part);
                    if (reads) engine.on_written(write->peer, write->bytes.size(), now);
                } else if (const auto* resume = std::get_if<ResumeAction>(&action)) {
                    feed(resume->peer);
                }
            }
        }
    }
    void take(PeerId id, ByteSpan bytes) {
        auto& transport = transports.try_emplace(id, kMagic).first->second;
        for (std::size_t at = 0; at < bytes.size();) {
            at += transport.on_bytes(bytes.subspan(at));
            EXPECT_TRUE(transport.fatal().empty()) << transport.fatal();
            while (auto frame = transport.take_frame()) {
                EXPECT_FALSE(frame->rejected) << frame->problem;
                came[id].push_back(frame->command);
            }
        }
    }
    void run(double seconds) {
        for (const std::int64_t end = now + static_cast<std::int64_t>(seconds * kSecond); now < end;) {
            now += kTick;
            engine.on_tick(now);
            act();
        }
    }
    void ask(PeerId id, std::size_t blocks) {
        give(id, GetDataMessage{std::vector<InvItem>(blocks, {kInvBlock, Uint256()})});
        act();
    }

    BlockRole role;
    Engine engine;
    std::int64_t now = kStart;
    int port = 0;
    bool reads = true;
    std::size_t received = 0;
    std::map<PeerId, std::size_t> written;
    std::map<PeerId, Bytes> unread;
    std::map<PeerId, TransportV1> transports;
    std::map<PeerId, std::vector<std::string>> came;
};

TEST(ByteBucket, LetsPassWhatItsRateGives) {
    ByteBucket bucket(1000);
    bucket.advance(kStart);
    EXPECT_FALSE(bucket.open());
    bucket.advance(kStart + kSecond);
    EXPECT_NEAR(bucket.tokens(), 1000, 1);
    bucket.spend(3000);
    bucket.advance(kStart + 2 * kSecond);
    EXPECT_FALSE(bucket.open());
    bucket.advance(kStart + 4 * kSecond);
    EXPECT_TRUE(bucket.open());
    bucket.set_rate(0);
    bucket.spend(1 << 30);
    EXPECT_TRUE(bucket.open());
}

TEST(Bandwidth, SendsBlocksAtTheUploadRateAndSharesItAmongPeers) {
    Net net({0, schedule({"100"}), {}, {}});
    const PeerId a = net.connect(), b = net.connect();
    net.ask(a, 100);
    net.ask(b, 100);
    net.run(60);
    const double sum = static_cast<double>(net.written[a] + net.written[b]);
    EXPECT_NEAR(sum, 6e6, 3e5);
    EXPECT_NEAR(static_cast<double>(net.written[a]), sum / 2, 1e5);
    EXPECT_LT(net.role.largest_queue, 1'300'000u);
    EXPECT_EQ(net.role.gone, 0u) << "nobody is blamed for our limit";
}

TEST(Bandwidth, LetsSmallMessagesOvertakeBlocks) {
    Net net({0, schedule({"100"}), {}, {}});
    const PeerId a = net.connect(), b = net.connect();
    net.ask(a, 100);
    net.run(10);
    // Another peer's ping is answered at once, and that of the one with blocks under way after the one that has begun.
    net.give(b, PingMessage{1});
    net.act();
    EXPECT_EQ(net.came[b].back(), "pong");
    EXPECT_TRUE(net.engine.send_message(a, "headers", Bytes(1), net.now).has_value());
    net.act();
    net.run(2.5);
    const auto& came = net.came[a];
    EXPECT_NE(std::find(came.begin(), came.end(), "headers"), came.end());
    EXPECT_LE(std::count(came.begin(), came.end(), "block"), 8);
}

TEST(Bandwidth, FollowsTheTimeOfDay) {
    // Noon of a day in UTC; the limit ends a minute later.
    const std::int64_t noon_s = kStart / kSecond / 86'400 * 86'400 + 12 * 3600;
    Net net({0, schedule({"100@11:00-12:01"}), {}, {}});
    net.now = noon_s * kSecond;
    const PeerId a = net.connect();
    net.ask(a, 100);
    net.run(30);
    EXPECT_NEAR(static_cast<double>(net.written[a]), 3e6, 3e5);
    net.run(32);
    EXPECT_GT(net.written[a], 100 * kBlock);
}

TEST(Bandwidth, DoesNotHoldUpWhomTheOperatorTrusts) {
    Net net({0, schedule({"100"}), {}, {}});
    const PeerId a = net.connect(kPermitDownload), b = net.connect(kPermitNoBan);
    net.ask(a, 50);
    net.ask(b, 50);
    net.run(1);
    EXPECT_GT(net.written[a], 50 * kBlock);
    EXPECT_GT(net.written[b], 50 * kBlock);
}

TEST(Bandwidth, WaitsWithAPeerThatDoesNotRead) {
    Net net({0, schedule({"1000"}), {}, {}});
    const PeerId a = net.connect(), b = net.connect();
    net.reads = false;
    net.ask(a, 100);
    net.run(10);
    EXPECT_LE(net.written[a], 300'000u) << "a little is handed to its socket, the rest of the rate is for others";
    net.reads = true;
    net.ask(b, 40);
    net.run(5);
    EXPECT_GT(net.written[b], 4'000'000u);
}

TEST(Bandwidth, ReadsBlocksAtTheDownloadRateAndSmallMessagesAtOnce) {
    Net net({0, {}, schedule({"100"}), {}});
    const PeerId a = net.connect(), b = net.connect();
    for (int i = 0; i < 40; ++i) net.give(a, BlockMessage{Bytes(kBlock)});
    net.run(30);
    EXPECT_NEAR(static_cast<double>(net.received), 3e6, 4e5);
    EXPECT_GT(net.role.held_back_us, 0);
    const std::size_t heard = net.role.heard[b].size();
    net.give(b, InvMessage{{{kInvBlock, Uint256()}}});
    EXPECT_EQ(net.role.heard[b].size(), heard + 1);
}

TEST(Bandwidth, HoldsAFloodOfSmallMessagesToTheDownloadRateAndATrickle) {
    Net net({0, {}, schedule({"20"}), {}});
    const PeerId a = net.connect();
    Message inv(InvMessage{std::vector<InvItem>(100, {kInvTx, Uint256()})});
    for (int i = 0; i < 2000; ++i) net.give(a, inv);  // 7 MB
    net.run(60);
    EXPECT_LT(net.received, 60u * 36'000 + 200'000);
    EXPECT_GT(net.received, 60u * 15'000);
}

/// A peer that asks for much and reads nothing costs its send buffer and what it asked for, never more.
TEST(PeerMemory, IsBoundedForAPeerThatDoesNotRead) {
    Net net({});
    const PeerId a = net.connect();
    net.reads = false;
    for (int i = 0; i < 200; ++i) net.ask(a, 16);
    net.run(5);
    EXPECT_LE(net.role.largest_queue, 1'000'000u + kBlock + 1000) << "the send buffer and the block that exceeded it";
}

}  // namespace
}  // namespace cairn::net
