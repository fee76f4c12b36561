#include "net/wire/codec.hpp"

#include <gtest/gtest.h>

#include "tests/support/sample_messages.hpp"

namespace cairn::net {
namespace {

TEST(Codec, ReturnsEveryMessageUnchanged) {
    const auto samples = test::sample_messages();
    EXPECT_EQ(samples.size(), std::variant_size_v<Message> - 1);
    for (const Message& message : samples) {
        const auto decoded = decode_message(command_of(message), encode_message(message));
        ASSERT_TRUE(decoded) << command_of(message);
        EXPECT_TRUE(*decoded == message) << command_of(message);
    }
}

TEST(Codec, RefusesEveryTruncation) {
    for (const Message& message : test::sample_messages()) {
        const std::string command(command_of(message));
        const Bytes whole = encode_message(message);
        // What may be missing: the later fields of version, the nonce of a ping, all of a raw payload.
        if (command == "version" || command == "ping" || command == "pong" || command == "block" || command == "tx" || command == "cmpctblock" || command == "blocktxn") continue;
        for (std::size_t size = 0; size < whole.size(); ++size) {
            const auto decoded = decode_message(command, Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)));
            const auto* headers = decoded ? std::get_if<HeadersMessage>(&*decoded) : nullptr;
            const auto* feature = decoded ? std::get_if<FeatureMessage>(&*decoded) : nullptr;
            EXPECT_TRUE(!decoded || (headers && headers->malformed) || (feature && feature->malformed)) << command << " cut to " << size;
        }
    }
}

TEST(Codec, TellsFeaturesWithinTheirLimitsFromOthers) {
    const auto malformed = [](std::size_t id, std::size_t data, std::size_t rest) {
        Bytes payload;
        Writer writer(payload);
        writer.var_bytes(Bytes(id, 'a'));
        writer.var_bytes(Bytes(data, 7));
        writer.bytes(Bytes(rest));
        const auto decoded = decode_message("feature", std::move(payload));
        const auto& feature = std::get<FeatureMessage>(decoded.value());
        EXPECT_TRUE(feature.malformed || (feature.id.size() == id && feature.data.size() == data));
        return feature.malformed;
    };
    for (const std::size_t id : {4, 80}) EXPECT_FALSE(malformed(id, 0, 0)) << id;
    for (const std::size_t id : {0, 3, 81, 1000}) EXPECT_TRUE(malformed(id, 0, 0)) << id;
    EXPECT_FALSE(malformed(4, 512, 0));
    EXPECT_TRUE(malformed(4, 513, 0));
    EXPECT_TRUE(malformed(4, 0, 1));
    EXPECT_TRUE(std::get<FeatureMessage>(decode_message("feature", {}).value()).malformed);
    // Sizes must be written in the shortest form.
    EXPECT_TRUE(std::get<FeatureMessage>(decode_message("feature", {0xfd, 4, 0, 'a', 'b', 'c', 'd', 0}).value()).malformed);
}

TEST(Codec, AcceptsOldVersionMessages) {
    const Bytes whole = encode_message(test::sample_messages()[0]);
    const auto decoded = decode_message("version", Bytes(whole.begin(), whole.begin() + 46));
    ASSERT_TRUE(decoded);
    EXPECT_EQ(std::get<VersionMessage>(*decoded).start_height, -1);
    EXPECT_TRUE(std::get<VersionMessage>(*decoded).relay);
    EXPECT_FALSE(decode_message("version", Bytes(whole.begin(), whole.begin() + 45)));
}

TEST(Codec, GivesUnknownCommandsAsUnknown) {
    const auto decoded = decode_message("nonsense", Bytes(10));
    ASSERT_TRUE(decoded);
    EXPECT_EQ(std::get<UnknownMessage>(*decoded), (UnknownMessage{"nonsense", 10}));
    EXPECT_EQ(accounting_name("nonsense"), "*other*");
    EXPECT_EQ(accounting_name("inv"), "inv");
}

TEST(Codec, TellsHeadersOfAnotherProtocolApart) {
    Bytes payload = encode_message(HeadersMessage{{BlockHeader{}}, 1, false});
    payload.back() = 1;  // a transaction count
    EXPECT_TRUE(std::get<HeadersMessage>(*decode_message("headers", payload)).malformed);
    payload.back() = 0;
    payload.insert(payload.end(), 20, 0);  // longer headers
    EXPECT_TRUE(std::get<HeadersMessage>(*decode_message("headers", payload)).malformed);
}

TEST(Codec, ReportsHowManyWereTooMany) {
    HeadersMessage headers;
    headers.headers.resize(limits::kMaxHeaders + 1);
    const auto decoded = decode_message("headers", encode_message(headers));
    EXPECT_EQ(std::get<HeadersMessage>(*decoded).count, limits::kMaxHeaders + 1);
    InvMessage inv;
    inv.items.resize(limits::kMaxInv + 1);
    EXPECT_EQ(std::get<InvMessage>(*decode_message("inv", encode_message(inv))).items.size(), limits::kMaxInv + 1);
}

TEST(Codec, DoesNotBelieveCountsBeyondTheData) {
    const Bytes huge{0xfe, 0xff, 0xff, 0xff, 0x01};  // nearly 2^25 entries announced
    for (const std::string command : {"inv", "getdata", "notfound", "addr", "addrv2", "cfcheckpt"}) EXPECT_FALSE(decode_message(command, huge)) << command;
}

TEST(Codec, SkipsAddressesOfUnknownNetworks) {
    AddrV2Message message{{{{*NetAddress::parse("9.9.9.9"), 8333}, 1, 1}}, 1};
    Bytes known = encode_message(message);
    Bytes payload{2, 1, 0, 0, 0, 1, 0x99, 2, 0xab, 0xab, 0x20, 0x8d};
    payload.insert(payload.end(), known.begin() + 1, known.end());
    const auto decoded = decode_message("addrv2", payload);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(std::get<AddrV2Message>(*decoded).count, 2u);
    ASSERT_EQ(std::get<AddrV2Message>(*decoded).addresses.size(), 1u);
    EXPECT_EQ(std::get<AddrV2Message>(*decoded).addresses[0].endpoint.to_string(), "9.9.9.9:8333");
}

TEST(Codec, NamesTheLimitOfAddressLengths) {
    Bytes payload{1, 0, 0, 0, 0, 0, 1, 0xfd, 0x01, 0x02};
    payload.resize(payload.size() + 515);
    const auto decoded = decode_message("addrv2", payload);
    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error().text, "Address too long: 513 > 512");
}

TEST(Codec, RefusesKnownNetworksOfWrongLength) {
    const Bytes payload{1, 0, 0, 0, 0, 0, 1, 5, 1, 2, 3, 4, 5, 0, 1};
    EXPECT_FALSE(decode_message("addrv2", payload));
}

}  // namespace
}  // namespace cairn::net
