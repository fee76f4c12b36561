#include "net/discovery/dns_message.hpp"

#include <gtest/gtest.h>

#include "net/core/random.hpp"

namespace cairn::net::dns {
namespace {

const Name kService{{"_bitcoin", "_tcp", "local"}};

Record record_of(const Name& name, Type type) {
    Record record;
    record.name = name;
    record.type = type;
    return record;
}

Message sample() {
    Message message;
    message.response = true;
    message.id = 7;
    message.questions = {{kService, kPtr, true}, {kService.child("a b.c"), kAny, false}};
    Record pointer = record_of(kService, kPtr);
    pointer.ttl_s = 4500;
    pointer.target = kService.child("one");
    Record service = record_of(kService.child("one"), kSrv);
    service.flush = true;
    service.ttl_s = 120;
    service.port = 8333;
    service.target = Name{{"host", "local"}};
    Record text = record_of(kService.child("one"), kTxt);
    text.texts = {"txtvers=1", "magic=f9beb4d9"};
    Record v4 = record_of(service.target, kA);
    v4.address = NetAddress::ipv4(0x0a000001);
    Record v6 = record_of(service.target, kAaaa);
    v6.address = *NetAddress::parse("2001:db8::5");
    message.answers = {pointer, service};
    message.authorities = {text};
    message.additional = {v4, v6};
    return message;
}

Bytes random_bytes(Random& random, std::size_t size) {
    Bytes bytes;
    while (bytes.size() < size) {
        const Uint256 more = random.uint256();
        bytes.insert(bytes.end(), more.span().begin(), more.span().end());
    }
    bytes.resize(size);
    return bytes;
}

/// A header that announces these numbers of entries, and what follows.
Bytes packet(std::uint16_t questions, std::uint16_t answers, const Bytes& rest) {
    Bytes bytes;
    Writer writer(bytes);
    for (const std::uint16_t field : {std::uint16_t{0}, std::uint16_t{0}, questions, answers, std::uint16_t{0}, std::uint16_t{0}}) writer.u16_be(field);
    writer.bytes(rest);
    return bytes;
}

TEST(DnsMessage, ReadsWhatItWrites) {
    const Message before = sample();
    const auto after = parse(write(before));
    ASSERT_TRUE(after);
    EXPECT_EQ(after->id, 7);
    EXPECT_TRUE(after->response);
    ASSERT_EQ(after->questions.size(), 2u);
    EXPECT_EQ(after->questions[1].name, before.questions[1].name);
    EXPECT_TRUE(after->questions[0].unicast_wanted);
    ASSERT_EQ(after->answers.size(), 2u);
    EXPECT_TRUE(after->answers[0].same_data(before.answers[0]));
    EXPECT_TRUE(after->answers[1].same_data(before.answers[1]));
    EXPECT_TRUE(after->answers[1].flush);
    EXPECT_EQ(after->answers[0].ttl_s, 4500u);
    ASSERT_EQ(after->authorities.size(), 1u);
    EXPECT_TRUE(after->authorities[0].same_data(before.authorities[0]));
    ASSERT_EQ(after->additional.size(), 2u);
    EXPECT_EQ(after->additional[0].address, before.additional[0].address);
    EXPECT_EQ(after->additional[1].address, before.additional[1].address);
}

TEST(DnsMessage, WritesARepeatedNameOnce) {
    Message message;
    message.questions = {{kService, kPtr, false}, {kService, kPtr, false}};
    // Header, the name of 21 bytes with type and class, and the pointer with the same.
    EXPECT_EQ(write(message).size(), 12u + (9 + 5 + 6 + 1) + 4 + 2 + 4);
}

TEST(DnsMessage, ComparesNamesWithoutCase) {
    EXPECT_EQ(kService, (Name{{"_BitCoin", "_TCP", "LOCAL"}}));
    EXPECT_NE(kService, kService.parent());
    EXPECT_EQ(kService.child("x.y").to_string(), "x\\046y._bitcoin._tcp.local");
}

TEST(DnsMessage, RefusesPointersThatDoNotLeadBack) {
    const Bytes tail{0, 12, 0, 1};
    const auto with_name = [&](Bytes name) {
        name.insert(name.end(), tail.begin(), tail.end());
        return parse(packet(1, 0, name));
    };
    EXPECT_FALSE(with_name({0xc0, 12})) << "to itself";
    EXPECT_FALSE(with_name({0xc0, 14})) << "ahead";
    EXPECT_FALSE(with_name({0xff, 0xff})) << "beyond the packet";
    EXPECT_FALSE(with_name({1, 'a', 0xc0, 12})) << "to its own beginning";
    EXPECT_FALSE(with_name({0x40, 0})) << "a reserved kind of label";
    EXPECT_TRUE(with_name({1, 'a', 0}));
}

TEST(DnsMessage, BoundsNamesThatPointersMakeLong) {
    // Each name is a label of 63 bytes and a pointer to the name before it: the fourth is longer than a name may be.
    Bytes rest;
    std::size_t before = 0;
    for (std::uint16_t names = 1; names <= 4; ++names) {
        const std::size_t here = 12 + rest.size();
        rest.push_back(63);
        rest.insert(rest.end(), 63, 'a');
        if (names == 1) rest.push_back(0);
        else rest.insert(rest.end(), {static_cast<std::uint8_t>(0xc0 | before >> 8), static_cast<std::uint8_t>(before)});
        rest.insert(rest.end(), {0, 12, 0, 1});
        before = here;
        EXPECT_EQ(parse(packet(names, 0, rest)).has_value(), names < 4) << names;
    }
}

TEST(DnsMessage, RefusesMoreThanItsLimits) {
    EXPECT_FALSE(parse(Bytes(kMaxPacketBytes + 1)));
    EXPECT_FALSE(parse(packet(0xffff, 0xffff, {})));
    EXPECT_FALSE(parse(packet(static_cast<std::uint16_t>(kMaxEntries + 1), 0, Bytes(9000 - 12, 0))));
    EXPECT_FALSE(parse({}));
    EXPECT_FALSE(parse(Bytes(11)));
    EXPECT_TRUE(parse(Bytes(12)));
}

TEST(DnsMessage, RefusesDataThatDoesNotFitItsType) {
    const Bytes owner{1, 'a', 0};
    const auto record = [&](std::uint16_t type, const Bytes& data) {
        Bytes rest = owner;
        Writer writer(rest);
        writer.u16_be(type);
        writer.u16_be(1);
        writer.u32(0);
        writer.u16_be(static_cast<std::uint16_t>(data.size()));
        writer.bytes(data);
        return parse(packet(0, 1, rest));
    };
    EXPECT_FALSE(record(kA, {1, 2, 3}));
    EXPECT_FALSE(record(kAaaa, Bytes(15)));
    EXPECT_FALSE(record(kSrv, {0, 0, 0, 0, 1}));
    EXPECT_FALSE(record(kPtr, {1, 'a', 0, 9})) << "bytes after the name";
    EXPECT_FALSE(record(kPtr, {5, 'a'})) << "a label beyond the record";
    EXPECT_FALSE(record(kTxt, {5, 'a'}));
    const auto unknown = record(99, {1, 2, 3});
    ASSERT_TRUE(unknown);
    EXPECT_TRUE(unknown->answers.empty());
}

TEST(DnsMessage, SurvivesRandomAndMutatedPackets) {
    Random random = Random::from_number(1);
    const Bytes good = write(sample());
    std::size_t read = 0;
    for (int i = 0; i < 20'000; ++i) {
        Bytes bytes = good;
        for (std::uint64_t changes = 1 + random.below(6); changes > 0; --changes) bytes[random.below(bytes.size())] = static_cast<std::uint8_t>(random.below(256));
        if (random.below(4) == 0) bytes.resize(random.below(bytes.size()));
        // What was understood can be written and understood again, if its labels can be written at all.
        if (const auto message = parse(bytes)) {
            ++read;
            const auto again = parse(write(*message));
            ASSERT_TRUE(again) << i;
            EXPECT_EQ(again->answers.size(), message->answers.size());
        }
        (void)parse(random_bytes(random, random.below(600)));
    }
    EXPECT_GT(read, 100u);
}

}  // namespace
}  // namespace cairn::net::dns
