#include "net/discovery/lan_service.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

namespace cairn::net {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kStep = 50'000;
const dns::Name kService{{"_bitcoin", "_tcp", "local"}};

LanService::Options options(std::uint16_t port, std::uint8_t chain = 1) {
    return {{0xfa, 0xbf, 0xb5, 0xda}, sha256(Bytes{chain}), port};
}

/// Services on one link, on virtual time: what one sends to all, all hear, itself included.
class Link {
public:
    struct Host {
        std::unique_ptr<LanService> service;
        NetAddress address;
        LanInterface interface;
        std::vector<LanEvent> events;
        std::vector<dns::Message> sent;
        bool plugged = true;
    };

    Host& add(LanService::Options given, std::uint8_t number) {
        auto host = std::make_unique<Host>();
        host->address = NetAddress::ipv4(0x0a000000u + number);
        host->interface = {7, "eth7", {{host->address, 24}}};
        host->service = std::make_unique<LanService>(given, Random::from_number(number));
        host->service->set_interfaces({host->interface}, now_us);
        hosts.push_back(std::move(host));
        return *hosts.back();
    }
    void run(std::int64_t time_us) {
        for (const std::int64_t end = now_us + time_us; now_us < end; now_us += kStep) {
            for (const auto& host : hosts) host->service->on_tick(now_us);
            carry();
        }
    }
    void carry() {
        for (const auto& host : hosts) {
            for (const LanPacket& packet : host->service->take_packets()) {
                host->sent.push_back(*dns::parse(packet.bytes));
                if (!host->plugged) continue;
                for (const auto& other : hosts)
                    if (other->plugged && (!packet.to || packet.to->address == other->address))
                        other->service->on_packet(7, {host->address, 5353}, packet.bytes, now_us);
            }
            for (LanEvent& event : host->service->take_events()) host->events.push_back(std::move(event));
        }
    }
    /// As if this host had sent it.
    void inject(Host& to, const dns::Message& message, Endpoint from = {NetAddress::ipv4(0x0a0000c8), 5353}) {
        to.service->on_packet(7, from, dns::write(message), now_us);
        for (LanEvent& event : to.service->take_events()) to.events.push_back(std::move(event));
    }

    std::vector<std::unique_ptr<Host>> hosts;
    std::int64_t now_us = 1'000 * kSecond;
};

/// What a node of the chain says about itself.
dns::Message announcement(const std::string& name, std::uint16_t port, const dns::Message& like) {
    dns::Message message = like;
    const dns::Name own = kService.child(name), host{{name, "local"}};
    message.response = true;
    for (dns::Record& record : message.answers) {
        if (record.type == dns::kPtr) record.target = own;
        else if (record.type == dns::kSrv) record.name = own, record.port = port, record.target = host;
        else if (record.type == dns::kTxt) record.name = own;
        else record.name = host, record.address = NetAddress::ipv4(0x0a0000c8);
    }
    return message;
}

std::size_t responses(const Link::Host& host) {
    return static_cast<std::size_t>(std::count_if(host.sent.begin(), host.sent.end(), [](const dns::Message& message) { return message.response; }));
}

/// The full announcement that a service made.
dns::Message announced_by(const Link::Host& host) {
    for (const dns::Message& message : host.sent)
        if (message.response && message.answers.size() >= 4) return message;
    ADD_FAILURE() << "nothing was announced";
    return {};
}

std::size_t questions_for(const Link::Host& host, const dns::Name& name) {
    std::size_t count = 0;
    for (const dns::Message& message : host.sent)
        for (const dns::Question& question : message.questions) count += question.name == name;
    return count;
}

TEST(LanService, TwoNodesFindEachOther) {
    Link link;
    auto& a = link.add(options(8333), 1);
    auto& b = link.add(options(18333), 2);
    link.run(3 * kSecond);
    ASSERT_EQ(a.events.size(), 1u);
    ASSERT_EQ(b.events.size(), 1u);
    EXPECT_EQ(a.events[0].peer.endpoint.to_string(), "10.0.0.2:18333");
    EXPECT_EQ(b.events[0].peer.endpoint.to_string(), "10.0.0.1:8333");
    EXPECT_EQ(a.events[0].peer.instance, b.service->instance());
    EXPECT_TRUE(a.events[0].present);
    EXPECT_TRUE(a.service->announced());
    // And for hours: what is refreshed in time is never lost.
    link.run(3 * 3600 * kSecond);
    EXPECT_EQ(a.events.size(), 1u);
    EXPECT_EQ(b.events.size(), 1u);
}

TEST(LanService, ProbesThreeTimesBeforeItAnnouncesTwice) {
    Link link;
    auto& a = link.add(options(8333), 1);
    link.run(200'000 + 3 * 250'000);
    std::size_t probes = 0, announcements = 0;
    const auto count = [&] {
        probes = announcements = 0;
        for (const dns::Message& message : a.sent) {
            probes += !message.response && !message.authorities.empty();
            announcements += message.response && message.answers.size() == 4;
        }
    };
    count();
    EXPECT_EQ(probes, 3u);
    EXPECT_LE(announcements, 1u);
    link.run(10 * kSecond);
    count();
    EXPECT_EQ(probes, 3u);
    EXPECT_EQ(announcements, 2u);
}

TEST(LanService, LeavesWithAGoodbye) {
    Link link;
    auto& a = link.add(options(8333), 1);
    auto& b = link.add(options(8333), 2);
    link.run(3 * kSecond);
    ASSERT_EQ(a.events.size(), 1u);
    b.service->stop(link.now_us);
    link.carry();
    link.carry();
    ASSERT_EQ(a.events.size(), 2u);
    EXPECT_FALSE(a.events[1].present);
    EXPECT_FALSE(b.service->announced());
    // And can come back.
    b.service->set_interfaces({b.interface}, link.now_us);
    link.run(3 * kSecond);
    ASSERT_EQ(a.events.size(), 3u);
    EXPECT_TRUE(a.events[2].present);
}

TEST(LanService, ForgetsWhoIsSilentForTwoMinutes) {
    Link link;
    auto& a = link.add(options(8333), 1);
    auto& b = link.add(options(8333), 2);
    link.run(3 * kSecond);
    b.plugged = false;
    link.run(90 * kSecond);
    EXPECT_EQ(a.events.size(), 1u);
    link.run(35 * kSecond);
    ASSERT_EQ(a.events.size(), 2u);
    EXPECT_FALSE(a.events[1].present);
    EXPECT_EQ(a.service->known(), 0u);
}

TEST(LanService, IgnoresOtherChainsAndListeners) {
    Link link;
    auto& a = link.add(options(8333, 1), 1);
    auto& b = link.add(options(8333, 2), 2);
    auto& listener = link.add(options(0, 1), 3);
    link.run(10 * kSecond);
    EXPECT_TRUE(a.events.empty());
    EXPECT_TRUE(b.events.empty());
    ASSERT_EQ(listener.events.size(), 1u) << "who offers nothing finds others all the same";
    EXPECT_EQ(listener.events[0].peer.endpoint.to_string(), "10.0.0.1:8333");
    for (const dns::Message& message : listener.sent) EXPECT_FALSE(message.response);
}

TEST(LanService, AsksEverLessOften) {
    Link link;
    auto& a = link.add(options(8333), 1);
    link.run(600 * kSecond);
    const std::size_t in_ten_minutes = questions_for(a, kService);
    EXPECT_GE(in_ten_minutes, 8u);
    EXPECT_LE(in_ten_minutes, 12u);
    link.run(24 * 3600 * kSecond);
    EXPECT_LE(questions_for(a, kService), in_ten_minutes + 27);
}

TEST(LanService, SuppressesAnswersThatTheAskerKnows) {
    Link link;
    auto& a = link.add(options(8333), 1);
    link.run(5 * kSecond);
    const dns::Message own = announced_by(a);
    dns::Message question;
    question.questions = {{kService, dns::kPtr, false}};
    a.sent.clear();
    link.inject(a, question);
    link.run(kSecond);
    EXPECT_EQ(responses(a), 1u);

    a.sent.clear();
    question.answers = {own.answers[0]};
    link.run(2 * kSecond);
    link.inject(a, question);
    link.run(kSecond);
    EXPECT_EQ(responses(a), 0u) << "it knows us";

    question.answers[0].ttl_s = 2000;
    link.inject(a, question);
    link.run(kSecond);
    EXPECT_EQ(responses(a), 1u) << "but not for long any more";

    // More than half a packet of known answers: the rest comes in another one.
    a.sent.clear();
    link.run(2 * kSecond);
    question.answers.clear();
    question.truncated = true;
    link.inject(a, question);
    dns::Message rest;
    rest.answers = {own.answers[0]};
    link.inject(a, rest);
    link.run(kSecond);
    EXPECT_EQ(responses(a), 0u);
}

TEST(LanService, AnswersNobodyWhenOnlyItAsks) {
    Link link;
    auto& a = link.add(options(8333), 1);
    link.run(5 * kSecond);
    a.sent.clear();
    link.run(600 * kSecond);
    EXPECT_FALSE(a.sent.empty());
    EXPECT_EQ(responses(a), 0u);
}

TEST(LanService, TellsEverybodyAtMostOnceASecond) {
    Link link;
    auto& a = link.add(options(8333), 1);
    link.run(5 * kSecond);
    a.sent.clear();
    dns::Message question;
    question.questions = {{kService, dns::kPtr, false}};
    for (int i = 0; i < 100; ++i) {
        link.inject(a, question);
        link.run(100'000);
    }
    EXPECT_LE(responses(a), 11u);
    EXPECT_GE(responses(a), 9u);
}

TEST(LanService, AnswersPlainDnsClientsTheirWay) {
    Link link;
    auto& a = link.add(options(8333), 1);
    link.run(5 * kSecond);
    dns::Message question;
    question.id = 4711;
    question.questions = {{kService, dns::kPtr, false}};
    a.service->on_packet(7, {NetAddress::ipv4(0x0a0000c8), 40000}, dns::write(question), link.now_us);
    const auto packets = a.service->take_packets();
    ASSERT_EQ(packets.size(), 1u);
    EXPECT_EQ(packets[0].to->to_string(), "10.0.0.200:40000");
    const auto reply = dns::parse(packets[0].bytes);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->id, 4711);
    EXPECT_EQ(reply->questions.size(), 1u);
    ASSERT_EQ(reply->answers.size(), 1u);
    EXPECT_EQ(reply->answers[0].ttl_s, 10u);
}

TEST(LanService, TakesAnotherNameWhenItsOwnIsTaken) {
    Link link;
    auto& a = link.add(options(8333), 1);
    link.run(5 * kSecond);
    const std::string before = a.service->instance();
    dns::Message rival = announced_by(a);
    rival.answers[1].port = 1;
    link.inject(a, rival);
    EXPECT_NE(a.service->instance(), before);
    EXPECT_FALSE(a.service->announced());
    link.run(5 * kSecond);
    EXPECT_TRUE(a.service->announced());
    EXPECT_TRUE(a.events.empty());
}

TEST(LanService, DoesNotTakeItselfForANeighbour) {
    Link link;
    auto& a = link.add(options(8333), 1);
    link.run(5 * kSecond);
    const dns::Message earlier = announcement("earlier", 8333, announced_by(a));
    link.inject(a, earlier, {a.address, 5353});
    EXPECT_TRUE(a.events.empty());
    // But another node on this machine is one.
    link.inject(a, announcement("other", 8334, announced_by(a)), {a.address, 5353});
    ASSERT_EQ(a.events.size(), 1u);
    EXPECT_EQ(a.events[0].peer.endpoint.to_string(), "10.0.0.1:8334");
}

TEST(LanService, BelievesNobodyFromElsewhere) {
    Link link;
    auto& a = link.add(options(8333), 1);
    link.run(5 * kSecond);
    const dns::Message stranger = announcement("stranger", 8333, announced_by(a));
    link.inject(a, stranger, {*NetAddress::parse("8.8.8.8"), 5353});
    link.inject(a, stranger, {NetAddress::ipv4(0x0a0000c8), 5354});
    EXPECT_TRUE(a.events.empty());
    // Whatever address it names, it is called where it spoke from.
    dns::Message liar = stranger;
    for (dns::Record& record : liar.answers)
        if (record.type == dns::kA) record.address = *NetAddress::parse("8.8.8.8");
    link.inject(a, liar);
    ASSERT_EQ(a.events.size(), 1u);
    EXPECT_EQ(a.events[0].peer.endpoint.to_string(), "10.0.0.200:8333");
}

TEST(LanService, FindsNeighboursOverIpv6) {
    Link link;
    auto& a = link.add(options(8333), 1);
    link.run(5 * kSecond);
    a.service->set_interfaces({{7, "eth7", {{*NetAddress::parse("fe80::1"), 64}, {*NetAddress::parse("fd00::1"), 64}}}}, link.now_us);
    dns::Message neighbour = announcement("six", 8333, announced_by(a));
    std::erase_if(neighbour.answers, [](const dns::Record& record) { return record.type == dns::kA; });
    link.inject(a, neighbour, {*NetAddress::parse("fe80::2"), 5353});
    ASSERT_EQ(a.events.size(), 1u);
    EXPECT_EQ(a.events[0].peer.endpoint.to_string(), "[fe80::2]:8333");
    EXPECT_EQ(a.events[0].peer.interface, "eth7");
    for (const char* named : {"2001:db8::2", "fd00::2"}) {
        dns::Record address;
        address.name = dns::Name{{"six", "local"}};
        address.type = dns::kAaaa;
        address.ttl_s = 120;
        address.address = *NetAddress::parse(named);
        neighbour.additional.push_back(address);
    }
    link.inject(a, neighbour, {*NetAddress::parse("fe80::2"), 5353});
    ASSERT_EQ(a.events.size(), 2u) << "the wider address is better, when it is one of the link";
    EXPECT_EQ(a.events[1].peer.endpoint.to_string(), "[fd00::2]:8333");
}

TEST(LanService, StaysWithOneOfSeveralWaysToANeighbour) {
    Link link;
    auto& a = link.add(options(8333), 1);
    link.run(5 * kSecond);
    const dns::Message neighbour = announcement("two", 8333, announced_by(a));
    const Endpoint first{NetAddress::ipv4(0x0a0000c8), 5353}, second{NetAddress::ipv4(0x0a0000c9), 5353};
    for (int i = 0; i < 20; ++i) {
        link.inject(a, neighbour, first);
        link.inject(a, neighbour, second);
        link.run(10 * kSecond);
    }
    ASSERT_EQ(a.events.size(), 1u);
    EXPECT_EQ(a.events[0].peer.endpoint.address, first.address);
    // It moved: the old place is given up when nobody spoke from there for two minutes.
    for (int i = 0; i < 14; ++i) {
        link.inject(a, neighbour, second);
        link.run(10 * kSecond);
    }
    ASSERT_EQ(a.events.size(), 2u);
    EXPECT_EQ(a.events[1].peer.endpoint.address, second.address);
}

TEST(LanService, BoundsWhatOneHostAndAllOfThemCanFill) {
    Link link;
    auto& a = link.add(options(8333), 1);
    link.run(5 * kSecond);
    const dns::Message like = announced_by(a);
    for (int i = 0; i < 50; ++i) link.inject(a, announcement("n" + std::to_string(i), 8333, like));
    EXPECT_EQ(a.service->known(), LanService::kMaxInstancesPerHost);
    for (int i = 0; i < 200; ++i) {
        link.inject(a, announcement("m" + std::to_string(i), 8333, like), {NetAddress::ipv4(0x0a000000u + static_cast<std::uint32_t>(i)), 5353});
        link.run(kSecond / 10);
    }
    EXPECT_LE(a.service->known(), LanService::kMaxInstances);
    const auto looked_at = a.service->counts().received;
    for (int i = 0; i < 1000; ++i) link.inject(a, like);
    EXPECT_LE(a.service->counts().received, looked_at + static_cast<std::uint64_t>(LanService::kPacketBurst));
    EXPECT_GT(a.service->counts().rate_limited, 500u);
}

TEST(LanService, SurvivesRubbish) {
    Link link;
    auto& a = link.add(options(8333), 1);
    auto& b = link.add(options(8333), 2);
    link.run(5 * kSecond);
    Random random = Random::from_number(5);
    const Bytes good = dns::write(announced_by(b));
    for (int i = 0; i < 5'000; ++i) {
        Bytes bytes = good;
        for (std::uint64_t changes = random.below(8); changes > 0; --changes) bytes[random.below(bytes.size())] = static_cast<std::uint8_t>(random.below(256));
        a.service->on_packet(7, {NetAddress::ipv4(0x0a000000u + static_cast<std::uint32_t>(random.below(250))), 5353}, bytes, link.now_us);
        link.run(kStep);
    }
    EXPECT_GT(a.service->counts().malformed, 100u);
    EXPECT_LE(a.service->known(), LanService::kMaxInstances);
}

}  // namespace
}  // namespace cairn::net
