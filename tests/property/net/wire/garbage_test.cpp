#include <gtest/gtest.h>

#include <iostream>

#include "net/wire/codec.hpp"
#include "net/wire/transport_v1.hpp"
#include "tests/support/mutator.hpp"
#include "tests/support/sample_messages.hpp"

namespace cairn::net {
namespace {

constexpr std::array<std::uint8_t, 4> kMagic{0xfa, 0xbf, 0xb5, 0xda};

// What decodes must encode to something that decodes to the same.
void check_stable(std::string_view command, const Message& message) {
    const auto* headers = std::get_if<HeadersMessage>(&message);
    if (headers && (headers->malformed || headers->headers.size() != headers->count)) return;
    if (std::holds_alternative<UnknownMessage>(message) || std::holds_alternative<AddrMessage>(message) || std::holds_alternative<AddrV2Message>(message)) return;
    const auto again = decode_message(command, encode_message(message));
    ASSERT_TRUE(again) << command;
    ASSERT_TRUE(*again == message) << command;
}

TEST(Garbage, MutatedPayloadsNeverBreakTheDecoders) {
    const auto samples = test::sample_messages();
    test::Mutator mutator(1);
    const std::uint64_t rounds = test::garbage_rounds(50'000);
    std::uint64_t decoded_count = 0;
    for (std::uint64_t i = 0; i < rounds; ++i) {
        const Message& sample = samples[mutator.below(samples.size())];
        const Message& other = samples[mutator.below(8) == 0 ? mutator.below(samples.size()) : static_cast<std::size_t>(&sample - samples.data())];
        const auto decoded = decode_message(command_of(other), mutator.mutate(encode_message(sample)));
        if (!decoded) continue;
        ++decoded_count;
        check_stable(command_of(other), *decoded);
    }
    std::cout << rounds << " payloads, " << decoded_count << " decoded\n";
    EXPECT_GT(decoded_count, 0u);
}

TEST(Garbage, MutatedStreamsNeverBreakTheTransport) {
    const auto samples = test::sample_messages();
    test::Mutator mutator(2);
    const std::uint64_t rounds = test::garbage_rounds(5'000);
    std::uint64_t ended = 0;
    for (std::uint64_t i = 0; i < rounds; ++i) {
        TransportV1 transport(kMagic);
        Bytes stream;
        for (int n = 0; n < 3; ++n) {
            const Message& sample = samples[mutator.below(samples.size())];
            const OutgoingBytes out = transport.frame(command_of(sample), encode_message(sample));
            stream.insert(stream.end(), out.head.begin(), out.head.end());
            stream.insert(stream.end(), out.body.begin(), out.body.end());
        }
        stream = mutator.mutate(std::move(stream));
        ByteSpan rest = stream;
        while (!rest.empty() && transport.fatal().empty()) {
            rest = rest.subspan(transport.on_bytes(rest.first(std::min<std::size_t>(rest.size(), 1 + mutator.below(100)))));
            while (const auto frame = transport.take_frame()) ASSERT_LE(frame->payload.size(), limits::kMaxMessageBytes);
        }
        ended += !transport.fatal().empty();
    }
    std::cout << rounds << " streams, " << ended << " ended by the transport\n";
}

}  // namespace
}  // namespace cairn::net
