#include <gtest/gtest.h>

#include "net/engine/engine.hpp"
#include "net/wire/transport_v1.hpp"
#include "tests/support/quiet_role.hpp"

namespace cairn::net {
namespace {

constexpr std::array<std::uint8_t, 4> kMagic{1, 2, 3, 4};
const Endpoint kMe{NetAddress::ipv4(0x2a2a2a2a), 8333};

/// An engine and peers who say to it what the tests want.
struct Wire {
    Wire() : engine(options(), role, Random::from_number(1)) {}
    static EngineOptions options() {
        EngineOptions made;
        made.magic = kMagic;
        made.user_agent = "/test/";
        made.v2 = false;
        made.peer_timeout_s = 1'000'000'000;  // nobody writes the bytes
        made.dialer.connect_given = true;
        made.local_addresses.add(kMe, LocalAddresses::from_operator);
        return made;
    }
    PeerId connect() {
        const PeerId peer = *engine.on_accepted({NetAddress::ipv4(0x08080800 + next++), 1}, {NetAddress::ipv4(0x01010101), 8333}, kPermitAddr, false, now_us);
        VersionMessage version;
        version.services = kServiceNetwork;
        version.version = 70016;
        give(peer, Message(version));
        give(peer, Message(SendAddrV2Message{}));
        give(peer, Message(VerackMessage{}));
        heard();
        return peer;
    }
    void give(PeerId peer, Message message) {
        const std::string command(command_of(message));
        TransportV1 transport(kMagic);
        OutgoingBytes out = transport.frame(command, encode_message(std::move(message)));
        Bytes bytes = std::move(out.head);
        bytes.insert(bytes.end(), out.body.begin(), out.body.end());
        engine.on_bytes(peer, bytes, now_us);
    }
    /// The address messages that came out since the last call.
    std::vector<std::pair<PeerId, AddrV2Message>> heard() {
        std::vector<std::pair<PeerId, AddrV2Message>> found;
        for (EngineAction& action : engine.take_actions()) {
            const auto* write = std::get_if<WriteAction>(&action);
            if (!write) continue;
            TransportV1 transport(kMagic);
            transport.on_bytes(write->bytes.head);
            transport.on_bytes(write->bytes.body);
            auto frame = transport.take_frame();
            if (!frame || frame->command != "addrv2") continue;
            auto message = decode_message(frame->command, std::move(frame->payload));
            if (message) found.emplace_back(write->peer, std::get<AddrV2Message>(std::move(*message)));
        }
        return found;
    }
    Message news(std::uint32_t number) const {
        return AddrV2Message{{{{NetAddress::ipv4(0x7b000000 + number), 8333}, kServiceNetwork, static_cast<std::uint32_t>(now_us / 1'000'000)}}, 1};
    }

    test::QuietRole role;
    Engine engine;
    std::int64_t now_us = 1'700'000'000'000'000;
    std::uint32_t next = 0;
};

TEST(EngineGossip, TellsOfItselfToThoseWhoAskAndPassesNewsOn) {
    Wire wire;
    const PeerId source = wire.connect(), listener = wire.connect();
    wire.give(listener, Message(GetAddrMessage{}));
    auto heard = wire.heard();
    ASSERT_EQ(heard.size(), 1u);
    EXPECT_EQ(heard[0].first, listener);
    EXPECT_EQ(heard[0].second.addresses.at(0).endpoint, kMe);
    wire.give(source, wire.news(1));
    wire.now_us += 600'000'000;
    wire.engine.on_tick(wire.now_us);
    std::vector<Endpoint> told;
    for (const auto& [id, message] : wire.heard())
        if (id == listener)
            for (const PeerAddress& address : message.addresses) told.push_back(address.endpoint);
    EXPECT_EQ(told, std::vector<Endpoint>{(Endpoint{NetAddress::ipv4(0x7b000001), 8333})});
    const auto view = wire.engine.view(wire.now_us);
    EXPECT_EQ(view.peers.at(0).addr_processed, 1u);
    EXPECT_TRUE(view.peers.at(1).addr_relay_enabled);
    EXPECT_EQ(wire.engine.addresses().size(), 1u);
}

TEST(EngineGossip, ForgetsPeersThatLeft) {
    Wire wire;
    const PeerId source = wire.connect(), listener = wire.connect();
    wire.give(listener, Message(GetAddrMessage{}));
    wire.engine.on_closed(listener, "gone", wire.now_us);
    wire.heard();
    for (std::uint32_t i = 0; i < 5; ++i) wire.give(source, wire.news(i));
    wire.now_us += 600'000'000;
    wire.engine.on_tick(wire.now_us);
    for (const auto& [id, message] : wire.heard()) EXPECT_EQ(message.addresses.at(0).endpoint, kMe);
}

TEST(EngineGossip, KeepsSecretsThatItWasTold) {
    Wire wire;
    wire.engine.set_secret_addresses([](const NetAddress& address) { return address == NetAddress::ipv4(0x7b000001); });
    const PeerId source = wire.connect(), listener = wire.connect();
    wire.give(listener, Message(GetAddrMessage{}));
    wire.heard();
    wire.give(source, wire.news(1));
    wire.now_us += 600'000'000;
    wire.engine.on_tick(wire.now_us);
    for (const auto& [id, message] : wire.heard()) EXPECT_EQ(message.addresses.at(0).endpoint, kMe);
    EXPECT_EQ(wire.engine.addresses().size(), 0u);
}

}  // namespace
}  // namespace cairn::net
