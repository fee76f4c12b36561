#include "net/wire/transport_v2.hpp"

#include <gtest/gtest.h>

#include "consensus/crypto/random.hpp"
#include "net/wire/limits.hpp"

namespace cairn::net {
namespace {

constexpr std::array<std::uint8_t, 4> kMagic{0xfa, 0xbf, 0xb5, 0xda};
using Side = TransportV2::Side;

Bytes text(std::string_view letters) { return Bytes(letters.begin(), letters.end()); }

/// Feeds bytes in pieces of up to `step` and collects what comes out.
std::vector<Frame> feed(Transport& transport, ByteSpan bytes, std::size_t step = 1'000'000) {
    std::vector<Frame> frames;
    while (!bytes.empty() && transport.fatal().empty()) {
        std::size_t taken = transport.on_bytes(bytes.first(std::min(step, bytes.size())));
        if (auto frame = transport.take_frame()) frames.push_back(std::move(*frame));
        else if (taken == 0) break;
        bytes = bytes.subspan(taken);
    }
    return frames;
}

Bytes flat(OutgoingBytes out) {
    out.head.insert(out.head.end(), out.body.begin(), out.body.end());
    return std::move(out.head);
}

/// Two sides of one connection whose handshake is done.
struct Pair {
    TransportV2 initiator, responder;
    explicit Pair(std::size_t step = 1'000'000) : initiator(kMagic, Side::initiator), responder(kMagic, Side::responder) {
        for (int round = 0; round < 3; ++round) {
            feed(responder, initiator.take_output(), step);
            feed(initiator, responder.take_output(), step);
        }
    }
};

TEST(TransportV2, SpeaksInBothDirectionsAfterTheHandshakeHoweverBytesAreCut) {
    for (const std::size_t step : {1u, 7u, 100u, 100'000u}) {
        Pair pair(step);
        ASSERT_TRUE(pair.initiator.can_send() && pair.responder.can_send());
        EXPECT_EQ(pair.initiator.name(), "v2");
        EXPECT_EQ(pair.responder.name(), "v2");
        EXPECT_EQ(pair.initiator.session_id().size(), 64u);
        EXPECT_EQ(pair.initiator.session_id(), pair.responder.session_id());
        for (const std::string_view command : {"ping", "version", "addrv2", "feature", "unknowncmd12"}) {
            const Bytes sent = flat(pair.initiator.frame(command, text("payload of some length")));
            const auto frames = feed(pair.responder, sent, step);
            ASSERT_EQ(frames.size(), 1u) << command;
            EXPECT_EQ(frames[0].command, command);
            EXPECT_EQ(frames[0].payload, text("payload of some length"));
            EXPECT_EQ(frames[0].wire_bytes, sent.size());
            const auto back = feed(pair.initiator, flat(pair.responder.frame(command, {})), step);
            ASSERT_EQ(back.size(), 1u);
            EXPECT_TRUE(back[0].payload.empty());
        }
    }
}

TEST(TransportV2, UsesOneByteForKnownTypesAndThirteenForOthers) {
    Pair pair;
    EXPECT_EQ(flat(pair.initiator.frame("inv", Bytes(36))).size(), 36 + 1 + Bip324Cipher::kExpansion);
    EXPECT_EQ(flat(pair.initiator.frame("verack", {})).size(), 13 + Bip324Cipher::kExpansion);
}

TEST(TransportV2, CarriesMessagesUpToTheLimitAndManyRekeyings) {
    Pair pair;
    FastRandom random(7);
    Bytes large(limits::kMaxMessageBytes);
    random.fill(large);
    const auto frames = feed(pair.responder, flat(pair.initiator.frame("block", large)), 65'000);
    ASSERT_EQ(frames.size(), 1u);
    EXPECT_EQ(frames[0].payload, large);
    for (int i = 0; i < 1000; ++i) {
        Bytes payload(random.below(300));
        random.fill(payload);
        const auto got = feed(pair.initiator, flat(pair.responder.frame("tx", payload)), 1 + random.below(400));
        ASSERT_EQ(got.size(), 1u);
        ASSERT_EQ(got[0].payload, payload);
    }
}

TEST(TransportV2, TakesSeveralPacketsFromOneRead) {
    Pair pair;
    Bytes stream;
    for (int i = 0; i < 10; ++i) {
        const Bytes one = flat(pair.initiator.frame("ping", Bytes(8, static_cast<std::uint8_t>(i))));
        stream.insert(stream.end(), one.begin(), one.end());
    }
    const auto frames = feed(pair.responder, stream);
    ASSERT_EQ(frames.size(), 10u);
    for (int i = 0; i < 10; ++i) EXPECT_EQ(frames[i].payload[0], i);
}

TEST(TransportV2, SpeaksV1WithPeersThatDo) {
    TransportV1 old(kMagic);
    TransportV2 responder(kMagic, Side::responder);
    EXPECT_FALSE(responder.can_send());
    const auto frames = feed(responder, flat(old.frame("version", text("hello"))), 5);
    ASSERT_EQ(frames.size(), 1u);
    EXPECT_EQ(frames[0].payload, text("hello"));
    EXPECT_EQ(responder.name(), "v1");
    EXPECT_TRUE(responder.take_output().empty());
    EXPECT_TRUE(responder.session_id().empty());
    const auto back = feed(old, flat(responder.frame("verack", {})));
    ASSERT_EQ(back.size(), 1u);
    EXPECT_EQ(back[0].command, "verack");
}

TEST(TransportV2, RefusesV1OfAnotherNetwork) {
    TransportV1 other({1, 2, 3, 4});
    TransportV2 responder(kMagic, Side::responder);
    feed(responder, flat(other.frame("version", text("hello"))));
    EXPECT_EQ(responder.fatal(), "V2 transport error: V1 peer with wrong MessageStart 01020304");
}

TEST(TransportV2, SuspectsV1OnlyWhileNothingWasHeard) {
    TransportV2 initiator(kMagic, Side::initiator);
    TransportV2 responder(kMagic, Side::responder);
    EXPECT_TRUE(initiator.may_be_v1());
    EXPECT_FALSE(responder.may_be_v1());
    feed(responder, initiator.take_output());
    feed(initiator, ByteSpan(responder.take_output()).first(1));
    EXPECT_FALSE(initiator.may_be_v1());
}

/// One side made by hand from the cipher, to send what a TransportV2 never would.
struct Hand {
    Bip324Cipher cipher{kMagic};
    TransportV2 other{kMagic, Side::responder};

    explicit Hand(std::size_t garbage, bool terminated = true) {
        Bytes hello(cipher.our_key().begin(), cipher.our_key().end());
        hello.resize(hello.size() + garbage, 0x55);
        feed(other, hello);
        const Bytes answer = other.take_output();
        EllSwiftKey theirs;
        std::copy_n(answer.begin(), theirs.size(), theirs.begin());
        cipher.initialize(theirs, true);
        if (terminated) feed(other, Bytes(cipher.send_garbage_terminator().begin(), cipher.send_garbage_terminator().end()));
    }
    std::vector<Frame> send(const Bytes& contents, bool ignore, const Bytes& aad = {}) {
        Bytes sealed(contents.size() + Bip324Cipher::kExpansion);
        cipher.encrypt(contents, aad, ignore, sealed);
        return feed(other, sealed);
    }
};

TEST(TransportV2, IgnoresDecoysBeforeAndAfterTheVersionPacket) {
    Hand hand(100);
    const Bytes garbage(100, 0x55);
    hand.send(Bytes(1000, 1), true, garbage);
    EXPECT_EQ(hand.other.name(), "detecting");
    hand.send({}, false);
    EXPECT_EQ(hand.other.name(), "v2");
    EXPECT_TRUE(hand.send(Bytes(50, 2), true).empty());
    const auto frames = hand.send({18, 1, 2, 3}, false);
    ASSERT_EQ(frames.size(), 1u);
    EXPECT_EQ(frames[0].command, "ping");
    EXPECT_EQ(frames[0].payload, (Bytes{1, 2, 3}));
}

TEST(TransportV2, TakesTheVersionPacketsContentsForNothing) {
    Hand hand(0);
    EXPECT_TRUE(hand.send({18, 1, 2, 3}, false).empty());
    EXPECT_EQ(hand.other.name(), "v2");
}

TEST(TransportV2, TakesTheMostGarbageAndNotOneByteMore) {
    Hand most(TransportV2::kMaxGarbage);
    most.send({}, false, Bytes(TransportV2::kMaxGarbage, 0x55));
    EXPECT_EQ(most.other.name(), "v2");
    Hand more(TransportV2::kMaxGarbage + 16, false);
    EXPECT_EQ(more.other.fatal(), "V2 transport error: missing garbage terminator");
}

TEST(TransportV2, EndsWhenGarbageWasChanged) {
    Hand hand(10);
    hand.send({}, false, Bytes(10, 0x56));
    EXPECT_EQ(hand.other.fatal(), "V2 transport error: packet decryption failure (0 bytes)");
}

TEST(TransportV2, EndsWhenAPacketWasChanged) {
    Pair pair;
    Bytes sent = flat(pair.initiator.frame("tx", Bytes(100)));
    sent[50] ^= 1;
    EXPECT_TRUE(feed(pair.responder, sent).empty());
    EXPECT_EQ(pair.responder.fatal(), "V2 transport error: packet decryption failure (101 bytes)");
}

TEST(TransportV2, EndsWhenAPacketIsTooLarge) {
    Hand hand(0);
    hand.send({}, false);
    Bytes sealed(limits::kMaxMessageBytes + 14 + Bip324Cipher::kExpansion);
    hand.cipher.encrypt(Bytes(limits::kMaxMessageBytes + 14), {}, false, sealed);
    feed(hand.other, sealed);
    EXPECT_EQ(hand.other.fatal(), "V2 transport error: packet too large (4000014 bytes)");
}

TEST(TransportV2, RejectsOddTypesAndStaysConnected) {
    Hand hand(0);
    hand.send({}, false);
    Bytes split_name(13);
    split_name[1] = 'a';
    split_name[3] = 'b';
    for (const Bytes& contents : {Bytes{}, Bytes{0}, Bytes{29}, Bytes{255, 1}, Bytes(12), split_name}) {
        const auto frames = hand.send(contents, false);
        ASSERT_EQ(frames.size(), 1u);
        EXPECT_TRUE(frames[0].rejected);
        EXPECT_EQ(frames[0].problem, "V2 transport error: invalid message type (" + std::to_string(contents.size()) + " bytes contents)");
    }
    EXPECT_EQ(hand.send({18}, false).at(0).command, "ping");
    EXPECT_TRUE(hand.other.fatal().empty());
}

}  // namespace
}  // namespace cairn::net
