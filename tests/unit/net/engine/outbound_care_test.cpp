#include "net/engine/outbound_care.hpp"

#include <gtest/gtest.h>

namespace cairn::net {
namespace {

constexpr std::int64_t kSecond = 1'000'000;

class OutboundCareTest : public testing::Test {
protected:
    OutboundCareTest() {
        state_.chain.last_block_s = now_ / kSecond;
        state_.chain.block_interval_s = 600;
    }
    OutboundCare::Peer& add(ConnectionType type) {
        OutboundCare::Peer peer;
        peer.id = next_id_++;
        peer.type = type;
        peer.ready = true;
        peer.network = NetworkId::ipv4;
        peer.connected_us = now_;
        peer.standing.last_announcement_s = 100;
        state_.peers.push_back(peer);
        return state_.peers.back();
    }
    void add(ConnectionType type, int count) {
        for (int i = 0; i < count; ++i) add(type);
    }
    /// At the next check, `seconds` later.
    std::vector<PeerId> after(std::int64_t seconds) {
        now_ += seconds * kSecond;
        return care_.on_tick(state_, now_);
    }
    OutboundCare::Peer& peer(PeerId id) { return state_.peers.at(static_cast<std::size_t>(id)); }

    ConnectionLimits limits_ = ConnectionLimits::share(125);
    LogLines log_;
    OutboundCare care_{limits_, log_};
    OutboundCare::State state_;
    std::int64_t now_ = 1'800'000'000 * kSecond;
    PeerId next_id_ = 0;
};

constexpr auto kFull = ConnectionType::outbound_full_relay;
constexpr auto kBlock = ConnectionType::block_relay_only;

TEST_F(OutboundCareTest, DropsNobodyWhileThereAreNotTooMany) {
    add(kFull, 8);
    add(kBlock, 2);
    add(ConnectionType::manual, 8);
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(after(45).empty());
}

TEST_F(OutboundCareTest, DropsTheFullRelayPeerThatAnnouncedLongestAgo) {
    add(kFull, 9);
    peer(4).standing.last_announcement_s = 50;
    EXPECT_EQ(after(46), std::vector<PeerId>{4});
}

TEST_F(OutboundCareTest, DropsTheYoungerOfThoseThatNeverAnnounced) {
    add(kFull, 9);
    peer(3).standing.last_announcement_s = peer(6).standing.last_announcement_s = 0;
    EXPECT_EQ(after(46), std::vector<PeerId>{6});
}

TEST_F(OutboundCareTest, NeverDropsTheProtected) {
    add(kFull, 9);
    peer(3).standing.last_announcement_s = 0;
    peer(3).standing.protected_ = true;
    peer(5).standing.last_announcement_s = 1;
    EXPECT_EQ(after(46), std::vector<PeerId>{5});
    for (OutboundCare::Peer& p : state_.peers) p.standing.protected_ = true;
    EXPECT_TRUE(after(46).empty());
}

TEST_F(OutboundCareTest, NeverDropsTheLastPeerOfItsNetwork) {
    add(kFull, 9);
    peer(8).network = NetworkId::onion;
    peer(8).standing.last_announcement_s = 0;
    peer(2).standing.last_announcement_s = 1;
    EXPECT_EQ(after(46), std::vector<PeerId>{2});
    add(ConnectionType::manual).network = NetworkId::onion;
    EXPECT_EQ(after(46), std::vector<PeerId>{8}) << "the operator's own peer leads there, too";
}

TEST_F(OutboundCareTest, DropsNobodyInItsFirstHalfMinute) {
    EXPECT_TRUE(after(0).empty());
    add(kFull, 9);
    now_ += 20 * kSecond;
    add(kFull).standing.last_announcement_s = 0;
    EXPECT_TRUE(after(25).empty());
    EXPECT_EQ(after(45), std::vector<PeerId>{9});
}

TEST_F(OutboundCareTest, DropsNobodyThatABlockIsFetchedFrom) {
    add(kFull, 9);
    peer(2).standing.last_announcement_s = 0;
    peer(2).standing.blocks_in_flight = 1;
    EXPECT_TRUE(after(46).empty()) << "nor anybody instead of it";
    add(kBlock, 3);
    peer(11).standing.blocks_in_flight = 1;
    EXPECT_TRUE(after(46).empty());
}

TEST_F(OutboundCareTest, CountsOnlyPeersThatHaveShakenHands) {
    add(kFull, 9);
    peer(8).ready = false;
    add(kBlock, 3);
    peer(9).ready = false;
    EXPECT_TRUE(after(46).empty());
}

TEST_F(OutboundCareTest, DropsTheYoungestBlockRelayPeerUnlessItGaveABlockLater) {
    add(kBlock, 3);
    EXPECT_EQ(after(46), std::vector<PeerId>{2});
    peer(1).last_block_s = 10;
    peer(2).last_block_s = 11;
    EXPECT_EQ(after(46), std::vector<PeerId>{1}) << "it showed us something new: the one before it goes";
    peer(1).last_block_s = 11;
    EXPECT_EQ(after(46), std::vector<PeerId>{2});
}

TEST_F(OutboundCareTest, LooksEvery45Seconds) {
    EXPECT_TRUE(after(0).empty());
    add(kFull, 9);
    now_ += 31 * kSecond;
    EXPECT_FALSE(care_.due(now_));
    EXPECT_TRUE(after(13).empty());
    EXPECT_EQ(after(1).size(), 1u);
    now_ -= 1'000'000 * kSecond;
    EXPECT_TRUE(care_.due(now_)) << "the time was set back";
}

TEST_F(OutboundCareTest, WantsAnExtraPeerWhenTheTipIsOld) {
    after(0);
    for (int minutes = 0; minutes < 30; ++minutes) {
        after(60);
        EXPECT_FALSE(care_.wants_extra_full_relay()) << minutes;
    }
    after(600);
    EXPECT_TRUE(care_.wants_extra_full_relay());
    state_.chain.last_block_s = now_ / kSecond;
    after(601);
    EXPECT_FALSE(care_.wants_extra_full_relay()) << "a block came";
}

TEST_F(OutboundCareTest, WantsNoExtraPeerWhileABlockComesOrNobodyMayBeCalled) {
    state_.chain.last_block_s -= 100'000;
    state_.chain.fetching = true;
    after(601);
    EXPECT_FALSE(care_.wants_extra_full_relay());
    state_.chain.fetching = false;
    state_.chain.importing = true;
    after(601);
    EXPECT_FALSE(care_.wants_extra_full_relay());
    state_.chain.importing = false;
    state_.may_dial = false;
    after(601);
    EXPECT_FALSE(care_.wants_extra_full_relay());
    state_.may_dial = true;
    after(601);
    EXPECT_TRUE(care_.wants_extra_full_relay());
}

TEST_F(OutboundCareTest, WantsNoMoreOnceOneWasDroppedForTheNewcomer) {
    state_.chain.last_block_s -= 100'000;
    after(601);
    add(kFull, 9);
    EXPECT_TRUE(care_.wants_extra_full_relay());
    EXPECT_EQ(after(46).size(), 1u);
    EXPECT_FALSE(care_.wants_extra_full_relay());
}

TEST_F(OutboundCareTest, AllowsExtraBlockRelayPeersOnceTheChainIsAtThePresent) {
    after(46);
    EXPECT_FALSE(care_.wants_extra_block_relay());
    state_.chain.at_present = true;
    after(46);
    EXPECT_TRUE(care_.wants_extra_block_relay());
    state_.chain.at_present = false;
    after(46);
    EXPECT_TRUE(care_.wants_extra_block_relay()) << "for good";
}

TEST(ConnectionLimits, GiveOutboundSlotsFirst) {
    const auto of = [](int most, int percent = 50) {
        const auto s = ConnectionLimits::share(most, percent);
        return std::vector<int>{s.full_relay, s.block_relay, s.outbound, s.inbound, s.inbound_tx_relay};
    };
    EXPECT_EQ(of(125), (std::vector<int>{8, 2, 11, 114, 57}));
    EXPECT_EQ(of(13), (std::vector<int>{8, 2, 11, 2, 1}));
    EXPECT_EQ(of(11), (std::vector<int>{8, 2, 11, 0, 0}));
    EXPECT_EQ(of(10), (std::vector<int>{8, 2, 10, 0, 0}));
    EXPECT_EQ(of(9), (std::vector<int>{8, 1, 9, 0, 0}));
    EXPECT_EQ(of(3), (std::vector<int>{3, 0, 3, 0, 0}));
    EXPECT_EQ(of(0), (std::vector<int>{0, 0, 0, 0, 0}));
    EXPECT_EQ(of(-5), of(0));
    EXPECT_EQ(of(111, 100).back(), 100);
    EXPECT_EQ(of(111, 0).back(), 0);
}

}  // namespace
}  // namespace cairn::net
