#include "net/wire/transport_v1.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "net/wire/limits.hpp"

namespace cairn::net {
namespace {

constexpr std::array<std::uint8_t, 4> kMagic{0xfa, 0xbf, 0xb5, 0xda};

Bytes framed(std::string_view command, Bytes payload) {
    OutgoingBytes out = TransportV1(kMagic).frame(command, std::move(payload));
    out.head.insert(out.head.end(), out.body.begin(), out.body.end());
    return out.head;
}

std::vector<Frame> feed(TransportV1& transport, ByteSpan bytes, std::size_t step) {
    std::vector<Frame> frames;
    while (!bytes.empty() && transport.fatal().empty()) {
        const std::size_t taken = transport.on_bytes(bytes.first(std::min(step, bytes.size())));
        bytes = bytes.subspan(taken);
        while (auto frame = transport.take_frame()) frames.push_back(std::move(*frame));
    }
    return frames;
}

TEST(TransportV1, YieldsMessagesHoweverTheyAreCut) {
    Bytes bytes = framed("ping", Bytes(8, 1));
    const Bytes second = framed("block", Bytes(200'000, 2)), third = framed("verack", {});
    bytes.insert(bytes.end(), second.begin(), second.end());
    bytes.insert(bytes.end(), third.begin(), third.end());
    for (const std::size_t step : {std::size_t{1}, std::size_t{23}, std::size_t{25}, std::size_t{70'000}, bytes.size()}) {
        TransportV1 transport(kMagic);
        const auto frames = feed(transport, bytes, step);
        ASSERT_EQ(frames.size(), 3u) << step;
        EXPECT_EQ(frames[0].command, "ping");
        EXPECT_EQ(frames[1].payload, Bytes(200'000, 2));
        EXPECT_EQ(frames[1].wire_bytes, 200'024u);
        EXPECT_TRUE(frames[2].payload.empty());
    }
}

TEST(TransportV1, TakesLargePayloadsWithoutACopy) {
    const Bytes bytes = framed("block", Bytes(100'000, 3));
    TransportV1 transport(kMagic);
    EXPECT_TRUE(transport.direct_buffer().empty());
    ASSERT_EQ(transport.on_bytes(ByteSpan(bytes).first(24)), 24u);
    std::size_t at = 24;
    while (at < bytes.size()) {
        const MutableByteSpan room = transport.direct_buffer();
        ASSERT_FALSE(room.empty());
        const std::size_t count = std::min(room.size(), bytes.size() - at);
        std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), count, room.begin());
        transport.on_direct(count);
        at += count;
    }
    EXPECT_EQ(transport.take_frame()->payload, Bytes(100'000, 3));
}

TEST(TransportV1, EndsTheConnectionAtAWrongMagic) {
    TransportV1 transport(kMagic);
    EXPECT_TRUE(feed(transport, Bytes(24, 0xff), 24).empty());
    EXPECT_EQ(transport.fatal(), "Header error: Wrong MessageStart ffffffff received");
}

TEST(TransportV1, EndsTheConnectionAtATooLargeLengthBeforeTakingIt) {
    Bytes bytes = framed("badmsg", {});
    const std::uint32_t length = limits::kMaxMessageBytes + 1;
    std::memcpy(bytes.data() + 16, &length, 4);
    TransportV1 transport(kMagic);
    feed(transport, bytes, bytes.size());
    EXPECT_EQ(transport.fatal(), "Header error: Size too large (badmsg, 4000001 bytes)");
}

TEST(TransportV1, LosesOneMessageAtAWrongChecksum) {
    Bytes bytes = framed("badmsg", Bytes{'d', 'd'});
    std::fill_n(bytes.begin() + 20, 4, 0xff);
    const Bytes good = framed("ping", Bytes(8));
    bytes.insert(bytes.end(), good.begin(), good.end());
    TransportV1 transport(kMagic);
    const auto frames = feed(transport, bytes, 7);
    ASSERT_EQ(frames.size(), 2u);
    EXPECT_TRUE(frames[0].rejected);
    EXPECT_NE(frames[0].problem.find("Wrong checksum (badmsg, 2 bytes), expected"), std::string::npos);
    EXPECT_FALSE(frames[1].rejected);
}

TEST(TransportV1, LosesOneMessageAtAnOddCommand) {
    Bytes bytes = framed("badmsg", {});
    bytes[7] = 0;  // a zero inside the name
    TransportV1 transport(kMagic);
    const auto frames = feed(transport, bytes, bytes.size());
    ASSERT_EQ(frames.size(), 1u);
    EXPECT_TRUE(frames[0].rejected);
    EXPECT_NE(frames[0].problem.find("Invalid message type"), std::string::npos);
}

}  // namespace
}  // namespace cairn::net
