#include "net/swarm/address_relay.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/gossip_harness.hpp"

namespace cairn::net {
namespace {

using test::GossipHarness;
using How = GossipHarness::How;
using enum ConnectionType;

constexpr const char* kOnion = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion";
constexpr std::int64_t kSecond = GossipHarness::kSecond, kHour = GossipHarness::kHour, kDay = GossipHarness::kDay;

class AddressRelayTest : public ::testing::Test, public GossipHarness {
protected:
    std::vector<PeerAddress> many(std::uint32_t count, std::uint32_t first = 0) const {
        std::vector<PeerAddress> addresses;
        for (std::uint32_t i = 0; i < count; ++i) addresses.push_back(fresh(first + i));
        return addresses;
    }
    std::vector<PeerId> receivers() {
        std::vector<PeerId> found;
        for (const auto& [id, sent] : take_sent())
            if (!sent.all().empty()) found.push_back(id);
        return found;
    }
    std::vector<PeerAddress> asks(const PeerInfo& peer) {
        relay.on_get_addresses(peer, out, now_us);
        pass(10 * 60 * kSecond);
        return take_sent()[peer.id].all();
    }
};

// ------------------------------------------------------------------------------------ who takes part

TEST_F(AddressRelayTest, AsksThoseWeCallForAddressesAndNobodyElse) {
    for (const ConnectionType type : {outbound_full_relay, manual, addr_fetch, lan}) {
        const PeerId id = connect(type).id;
        EXPECT_TRUE(take_sent()[id].getaddr) << to_string(type);
        EXPECT_TRUE(describe(id).addr_relay_enabled);
    }
    for (const ConnectionType type : {inbound, block_relay_only, feeler, private_broadcast}) {
        const PeerId id = connect(type).id;
        EXPECT_FALSE(take_sent()[id].getaddr) << to_string(type);
        EXPECT_FALSE(describe(id).addr_relay_enabled);
    }
}

TEST_F(AddressRelayTest, IgnoresWhatBlockRelayPeersTell) {
    const PeerInfo& peer = connect(block_relay_only);
    connect_listener();
    tell(peer, many(5));
    pass(600 * kSecond);
    EXPECT_TRUE(receivers().empty());
    EXPECT_EQ(book.size(), 0u);
    EXPECT_EQ(describe(peer.id).addr_processed, 0u);
    EXPECT_FALSE(describe(peer.id).addr_relay_enabled);
}

TEST_F(AddressRelayTest, TellsInboundPeersNothingBeforeTheySpeakOfAddresses) {
    const PeerInfo& source = connect(inbound, {.permissions = kPermitAddr});
    const PeerInfo& silent = connect(inbound);
    tell(source, many(2));
    pass(1800 * kSecond);
    EXPECT_TRUE(receivers().empty());
    tell(silent, {});
    tell(source, many(2, 100));
    pass(1800 * kSecond);
    EXPECT_EQ(receivers(), std::vector<PeerId>{silent.id});
}

TEST_F(AddressRelayTest, EndsAConnectionForAddressesOnceItHasMoreThanOne) {
    const PeerInfo& peer = connect(addr_fetch);
    tell(peer, many(1));
    EXPECT_FALSE(take_sent()[peer.id].disconnected) << "may be the peer's own";
    tell(peer, many(2));
    EXPECT_TRUE(take_sent()[peer.id].disconnected);
}

// ------------------------------------------------------------------------------------ passing on

TEST_F(AddressRelayTest, PassesEachFreshAddressOnToTwoOthers) {
    const PeerInfo& source = connect(inbound, {.permissions = kPermitAddr});
    for (int i = 0; i < 7; ++i) connect_listener();
    tell(source, many(10));
    pass(600 * kSecond);
    std::map<Endpoint, int> heard;
    for (const auto& [id, sent] : take_sent()) {
        EXPECT_NE(id, source.id);
        for (const PeerAddress& address : sent.all()) ++heard[address.endpoint];
    }
    EXPECT_EQ(heard.size(), 10u);
    EXPECT_TRUE(std::ranges::all_of(heard, [](const auto& entry) { return entry.second == 2; }));
}

TEST_F(AddressRelayTest, PassesUnreachableAddressesOnToOneOrTwoAndKeepsNone) {
    const PeerInfo& source = connect(inbound, {.permissions = kPermitAddr});
    for (int i = 0; i < 7; ++i) connect_listener();
    std::map<std::size_t, int> spread;
    for (std::uint8_t i = 0; i < 60; ++i) {
        Bytes key(32, i);
        key[0] = 1;
        tell(source, {{{*NetAddress::from_bip155(NetworkId::i2p, key), 0}, kServiceNetwork, now_s()}});
        pass(600 * kSecond);
        ++spread[receivers().size()];
    }
    EXPECT_EQ(spread.size(), 2u);
    EXPECT_GT(spread[1], 10);
    EXPECT_GT(spread[2], 10);
    EXPECT_EQ(book.size(), 0u);
}

TEST_F(AddressRelayTest, ChoosesTheSameReceiversForADayAndOthersLater) {
    const PeerInfo& source = connect(inbound, {.permissions = kPermitAddr});
    for (int i = 0; i < 20; ++i) connect_listener();
    std::set<PeerId> within_a_day, within_a_month;
    for (int i = 0; i < 10; ++i) {
        tell(source, {fresh(1)});
        pass(2 * kHour);
        for (const PeerId id : receivers()) within_a_day.insert(id);
    }
    EXPECT_GE(within_a_day.size(), 2u);
    EXPECT_LE(within_a_day.size(), 4u) << "at most one rotation";
    for (int i = 0; i < 30; ++i) {
        tell(source, {fresh(1)});
        pass(kDay);
        for (const PeerId id : receivers()) within_a_month.insert(id);
    }
    EXPECT_GT(within_a_month.size(), 4u);
}

TEST_F(AddressRelayTest, PassesOnNothingThatIsOldManyUselessOrUnwelcome) {
    const PeerInfo& source = connect(inbound, {.permissions = kPermitAddr});
    connect_listener();
    std::vector<PeerAddress> addresses = many(9);
    addresses[0].time -= 11 * 60;
    addresses[1].services = kServiceWitness;
    addresses[2].services |= kServiceOtherFork;
    addresses[3].endpoint.address = *NetAddress::parse("192.168.1.7");
    addresses[4].endpoint.address = *NetAddress::parse("fe80::7");
    addresses[5].endpoint.address = *NetAddress::parse("127.0.0.1");
    addresses[6].time += 11 * 60;  // becomes five days old
    discouraged.add(addresses[7].endpoint.address);
    bans.add({Subnet::of(addresses[8].endpoint.address), 0, now_s() + 100});
    tell(source, addresses);
    tell(source, many(11, 100));
    pass(600 * kSecond);
    EXPECT_TRUE(receivers().empty());
    EXPECT_EQ(describe(source.id).addr_processed, 9u - 3 + 11) << "the useless and the unwelcome do not count";
    std::set<NetAddress> kept;
    for (const PeerAddress& address : book.sample(0, 0, std::nullopt, false, now_s())) kept.insert(address.endpoint.address);
    EXPECT_TRUE(kept.contains(addresses[0].endpoint.address));
    EXPECT_TRUE(kept.contains(addresses[6].endpoint.address));
    for (const int i : {1, 2, 3, 4, 5, 7, 8}) EXPECT_FALSE(kept.contains(addresses[static_cast<std::size_t>(i)].endpoint.address)) << i;
}

TEST_F(AddressRelayTest, TakesTwoHoursOffWhatOthersTellAndFiveDaysForTheImpossible) {
    const PeerInfo& source = connect(inbound, {.permissions = kPermitAddr});
    std::vector<PeerAddress> addresses = many(3);
    addresses[1].time += 700;
    addresses[2].time = 1000;
    tell(source, addresses);
    std::map<Endpoint, std::uint32_t> times;
    for (const PeerAddress& address : book.sample(0, 0, std::nullopt, false, now_s())) times[address.endpoint] = address.time;
    EXPECT_EQ(times[addresses[0].endpoint], now_s() - 7200);
    EXPECT_EQ(times[addresses[1].endpoint], now_s() - 5 * 86'400 - 7200);
    EXPECT_EQ(times[addresses[2].endpoint], now_s() - 5 * 86'400 - 7200);
}

TEST_F(AddressRelayTest, DoesNotPassOnTheAnswerToOurOwnQuestion) {
    const PeerInfo& source = connect(outbound_full_relay);
    const PeerInfo& listener = connect_listener();
    tell(source, many(2));
    pass(600 * kSecond);
    take_sent();
    EXPECT_EQ(book.size(), 2u);
    tell(source, many(2, 100));
    pass(600 * kSecond);
    EXPECT_EQ(receivers(), std::vector<PeerId>{listener.id});
}

TEST_F(AddressRelayTest, TellsNobodyWhatHeToldOrWasTold) {
    const PeerInfo& source = connect(inbound, {.permissions = kPermitAddr});
    const PeerInfo& listener = connect_listener({.permissions = kPermitAddr});
    tell(listener, {fresh(1)});
    pass(600 * kSecond);
    take_sent();
    tell(source, {fresh(1), fresh(2)});
    pass(600 * kSecond);
    const auto heard = take_sent()[listener.id].all();
    ASSERT_EQ(heard.size(), 1u);
    EXPECT_EQ(heard[0].endpoint, fresh(2).endpoint);
    tell(source, {fresh(2)});
    pass(600 * kSecond);
    EXPECT_TRUE(receivers().empty());
}

TEST_F(AddressRelayTest, TellsPeersOfTheOldMessageOnlyWhatFitsIt) {
    const PeerInfo& source = connect(inbound, {.permissions = kPermitAddr});
    const PeerInfo& old = connect_listener({.addrv2 = false});
    tell(source, {fresh(kOnion), fresh(1)});
    pass(600 * kSecond);
    auto sent = take_sent();
    EXPECT_TRUE(sent[old.id].v1);
    ASSERT_EQ(sent[old.id].all().size(), 1u);
    EXPECT_EQ(sent[old.id].all()[0].endpoint, fresh(1).endpoint);
}

TEST_F(AddressRelayTest, KeepsSecretsOfTheLocalNetwork) {
    const NetAddress neighbour = fresh(1).endpoint.address;
    fill_book(500);
    book.add({fresh(1)}, neighbour, 0, now_s());
    relay.set_secret([&](const NetAddress& address) { return address == neighbour; });
    const PeerInfo& source = connect(inbound, {.permissions = kPermitAddr});
    connect_listener({.permissions = kPermitAddr});
    tell(source, {fresh(1)});
    pass(600 * kSecond);
    EXPECT_TRUE(receivers().empty());
    for (int i = 0; i < 30; ++i) {
        const PeerInfo& asker = connect(inbound, {.permissions = kPermitAddr});
        for (const PeerAddress& address : asks(asker)) EXPECT_NE(address.endpoint.address, neighbour);
    }
    const PeerInfo& liar = connect_listener({.link = {.seen_as = fresh(1).endpoint}});
    pass(kSecond, true);
    EXPECT_TRUE(take_sent()[liar.id].all().empty()) << "not as our own either";
}

// ------------------------------------------------------------------------------------ how much is believed

TEST_F(AddressRelayTest, HearsOneAddressAtFirstAndOneInTenSecondsAfterwards) {
    const PeerInfo& peer = connect(inbound);
    tell(peer, many(600));
    EXPECT_EQ(describe(peer.id).addr_processed, 1u);
    EXPECT_EQ(describe(peer.id).addr_rate_limited, 599u);
    now_us += 100 * kSecond;
    tell(peer, many(200, 1000));
    EXPECT_EQ(describe(peer.id).addr_processed, 11u);
    now_us += 1000 * kSecond;
    tell(peer, many(200, 2000));
    EXPECT_EQ(describe(peer.id).addr_processed, 111u);
    now_us += 30 * kDay;
    tell(peer, many(1000, 3000));
    EXPECT_EQ(describe(peer.id).addr_processed, 1111u) << "no more than a thousand are saved up";
    tell(peer, many(10, 5000));
    EXPECT_EQ(describe(peer.id).addr_processed, 1111u);
    EXPECT_LE(book.size(), 1111u);
}

TEST_F(AddressRelayTest, HearsAThousandMoreFromThoseItAsked) {
    const PeerInfo& peer = connect(outbound_full_relay);
    tell(peer, many(600));
    tell(peer, many(600, 1000));
    EXPECT_EQ(describe(peer.id).addr_processed, 1001u);
    EXPECT_EQ(describe(peer.id).addr_rate_limited, 199u);
}

TEST_F(AddressRelayTest, HearsEverythingFromThoseWhoMay) {
    const PeerInfo& peer = connect(inbound, {.permissions = kPermitAddr});
    for (std::uint32_t i = 0; i < 5; ++i) tell(peer, many(1000, 1000 * i));
    EXPECT_EQ(describe(peer.id).addr_processed, 5000u);
    EXPECT_EQ(describe(peer.id).addr_rate_limited, 0u);
}

TEST_F(AddressRelayTest, LetsNobodyChooseWhichOfTooManyAreHeard) {
    std::set<NetAddress> heard;
    for (int i = 0; i < 20; ++i) tell(connect(inbound), many(100));
    for (const PeerAddress& address : book.sample(0, 0, std::nullopt, false, now_s())) heard.insert(address.endpoint.address);
    EXPECT_GT(heard.size(), 10u);
}

TEST_F(AddressRelayTest, SurvivesAClockThatGoesBackwards) {
    const PeerInfo& peer = connect(inbound);
    now_us -= 10 * kDay;
    tell(peer, many(50));
    EXPECT_EQ(describe(peer.id).addr_processed, 1u);
    now_us += 50 * kSecond;
    tell(peer, many(50, 100));
    EXPECT_EQ(describe(peer.id).addr_processed, 6u);
}

TEST_F(AddressRelayTest, BlamesThoseWhoSendMoreThanAllowed) {
    const PeerInfo& peer = connect(inbound, {.permissions = kPermitAddr});
    relay.on_addresses(peer, "addr", {}, 1001, out, now_us);
    EXPECT_TRUE(take_sent()[peer.id].misbehaved);
    relay.on_addresses(peer, "addr", {}, ~std::size_t{0}, out, now_us);
    EXPECT_TRUE(take_sent()[peer.id].misbehaved);
}

TEST_F(AddressRelayTest, CountsAddressesOfNetworksThatItDoesNotKnow) {
    const PeerInfo& peer = connect(outbound_full_relay);
    relay.on_addresses(peer, "addrv2", many(1), 400, out, now_us);
    EXPECT_EQ(describe(peer.id).addr_processed, 400u);
    relay.on_addresses(peer, "addrv2", {}, 900, out, now_us);
    EXPECT_EQ(describe(peer.id).addr_processed, 1001u);
    EXPECT_EQ(describe(peer.id).addr_rate_limited, 299u);
    EXPECT_EQ(book.size(), 1u);
}

// ------------------------------------------------------------------------------------ answers

TEST_F(AddressRelayTest, AnswersInboundPeersOnceWithAShareOfTheBook) {
    fill_book(1000);
    const PeerInfo& asker = connect(inbound);
    EXPECT_EQ(asks(asker).size(), book.size() * 23 / 100);
    EXPECT_TRUE(asks(asker).empty());
    for (const ConnectionType type : {outbound_full_relay, block_relay_only, manual, addr_fetch}) EXPECT_TRUE(asks(connect(type)).empty()) << to_string(type);
    fill_book(60'000);
    EXPECT_EQ(asks(connect(inbound, {.permissions = kPermitAddr})).size(), 1000u) << "but never more than that";
}

TEST_F(AddressRelayTest, GivesAllWhoAskAtOneAddressTheSameForADay) {
    fill_book(3000);
    const auto ask = [&](const char* bind, std::uint16_t port, bool onion, std::uint32_t permissions = kPermitNone) {
        return asks(connect(inbound, {.permissions = permissions, .link = {.bind = {*NetAddress::parse(bind), port}, .onion = onion}}));
    };
    const auto first = ask("127.0.0.1", 1, false);
    EXPECT_GT(first.size(), 500u);
    EXPECT_EQ(ask("127.0.0.1", 1, false), first);
    EXPECT_NE(ask("127.0.0.1", 2, false), first) << "at another port";
    EXPECT_NE(ask("127.0.0.1", 1, true), first) << "through another network";
    EXPECT_NE(ask("127.0.0.1", 1, false, kPermitAddr), first) << "who may ask gets what there is now";
    now_us += 19 * kHour;
    EXPECT_EQ(ask("127.0.0.1", 1, false), first);
    now_us += 8 * kHour;
    EXPECT_NE(ask("127.0.0.1", 1, false), first);
}

TEST_F(AddressRelayTest, LeavesTheUnwelcomeOutOfAnswers) {
    fill_book(200);
    bans.add({*Subnet::parse("1.0.0.0/8"), 0, now_s() + 1'000'000});
    EXPECT_TRUE(asks(connect(inbound)).empty());
}

TEST_F(AddressRelayTest, ForgetsTheOldestAnswerWhenThereAreTooMany) {
    fill_book(5000);
    for (std::uint16_t port = 1; port < 1000; ++port) relay.on_get_addresses(connect(inbound, {.link = {.bind = {NetAddress::ipv4(0x01010101), port}}}), out, now_us);
    for (PeerId id = 0; id < 999; ++id) disconnect(id);
    EXPECT_LE(relay.memory_usage(), AddressRelay::kMaxAnswers * (1000 * sizeof(PeerAddress) + 4096));
}

// ------------------------------------------------------------------------------------ ourselves

TEST_F(AddressRelayTest, TellsOfItselfAtOnceAndAloneAndThenOnceADay) {
    own.add({*NetAddress::parse("42.42.42.42"), 8333}, LocalAddresses::from_operator);
    fill_book(100);
    const PeerInfo& peer = connect(inbound, {.link = {.our_services = 1033}});
    relay.on_get_addresses(peer, out, now_us);
    pass(0, true);
    const auto sent = take_sent()[peer.id];
    ASSERT_EQ(sent.messages.size(), 2u);
    ASSERT_EQ(sent.messages[0].size(), 1u);
    EXPECT_EQ(sent.messages[0][0], (PeerAddress{{*NetAddress::parse("42.42.42.42"), 8333}, 1033, now_s()}));
    EXPECT_GT(sent.messages[1].size(), 1u);
    int told = 0;
    for (int hour = 0; hour < 24 * 40; ++hour) {
        pass(kHour, true);
        for (const PeerAddress& address : take_sent()[peer.id].all()) told += address.endpoint.address == *NetAddress::parse("42.42.42.42");
    }
    EXPECT_GT(told, 20);
    EXPECT_LT(told, 65);
}

TEST_F(AddressRelayTest, DoesNotTellOfItselfBeforeItHasCaughtUpOrWhenItDoesNotListen) {
    const Endpoint me{*NetAddress::parse("42.42.42.42"), 8333};
    own.add(me, LocalAddresses::from_operator);
    connect(outbound_full_relay);
    pass(kDay, false);
    EXPECT_TRUE(receivers().empty());
    GossipHarness deaf({.listen = false});
    deaf.own.add(me, LocalAddresses::from_operator);
    deaf.connect(outbound_full_relay);
    deaf.take_sent();
    deaf.pass(kDay, true);
    EXPECT_TRUE(deaf.take_sent().empty());
}

TEST_F(AddressRelayTest, TellsOfItselfOnlyWithinThePrivateNetwork) {
    own.add({*NetAddress::parse(kOnion), 8333}, LocalAddresses::from_operator);
    const PeerInfo& open = connect(outbound_full_relay);
    const PeerInfo& guest = connect_listener({.address = "127.0.0.1", .link = {.onion = true}});
    pass(kSecond, true);
    auto sent = take_sent();
    EXPECT_TRUE(sent[open.id].all().empty());
    ASSERT_EQ(sent[guest.id].all().size(), 1u);
    EXPECT_EQ(sent[guest.id].all()[0].endpoint.address, *NetAddress::parse(kOnion));
    own.remove(*NetAddress::parse(kOnion));
    own.add({*NetAddress::parse("42.42.42.42"), 8333}, LocalAddresses::from_operator);
    const PeerInfo& other = connect_listener({.address = "127.0.0.1", .link = {.onion = true}});
    pass(kSecond, true);
    EXPECT_TRUE(take_sent()[other.id].all().empty());
}

TEST_F(AddressRelayTest, BelievesPeersAboutItsAddressWhenItKnowsNone) {
    const Endpoint seen{*NetAddress::parse("8.8.4.4"), 50'000};
    const PeerInfo& called = connect(outbound_full_relay, {.link = {.seen_as = seen}});
    const PeerInfo& caller = connect_listener({.link = {.seen_as = seen}});
    pass(kSecond, true);
    auto sent = take_sent();
    ASSERT_EQ(sent[called.id].all().size(), 1u);
    EXPECT_EQ(sent[called.id].all()[0].endpoint, (Endpoint{seen.address, 8333})) << "who was called does not see our port";
    ASSERT_EQ(sent[caller.id].all().size(), 1u);
    EXPECT_EQ(sent[caller.id].all()[0].endpoint, seen);
    GossipHarness wary({.discover = false});
    const PeerId id = wary.connect(outbound_full_relay, {.link = {.seen_as = seen}}).id;
    wary.pass(kSecond, true);
    EXPECT_TRUE(wary.take_sent()[id].all().empty());
}

TEST_F(AddressRelayTest, BelievesPeersHalfTheTimeAndRarelyAgainstTheOperator) {
    const Endpoint seen{*NetAddress::parse("8.8.4.4"), 50'000};
    const auto believed = [&] {
        int count = 0;
        for (int i = 0; i < 200; ++i) {
            const PeerId id = connect(outbound_full_relay, {.link = {.seen_as = seen}}).id;
            pass(kSecond, true);
            const auto told = take_sent()[id].all();
            count += !told.empty() && told[0].endpoint.address == seen.address;
            disconnect(id);
        }
        return count;
    };
    const NetAddress me = *NetAddress::parse("42.42.42.42");
    own.add({me, 8333}, LocalAddresses::from_operator);
    EXPECT_NEAR(believed(), 100, 40);
    own.vote(me);
    EXPECT_NEAR(believed(), 25, 20) << "the operator said so and others agree";
}

TEST_F(AddressRelayTest, NeverTellsOfAnAddressThatNobodyCouldReach) {
    for (const char* text : {"192.168.1.1", "10.0.0.1", "127.0.0.1", "fe80::1", "fd00::1"}) {
        const PeerId id = connect(outbound_full_relay, {.link = {.seen_as = {*NetAddress::parse(text), 8333}}}).id;
        pass(kSecond, true);
        EXPECT_TRUE(take_sent()[id].all().empty()) << text;
    }
}

}  // namespace
}  // namespace cairn::net
