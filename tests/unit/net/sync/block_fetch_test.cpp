#include "net/sync/block_fetch.hpp"

#include <gtest/gtest.h>

#include "net/wire/limits.hpp"
#include "tests/support/fake_chain_access.hpp"

namespace cairn::net {
namespace {

using test::make_headers;
using test::make_peer;
using test::Taken;

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::size_t kLarge = 1'000'000;

class BlockFetchTest : public testing::Test {
protected:
    void have_headers(int count) { best_ = *chain_.accept_headers(make_headers(chain_.best_node->header, count, *chain_.params)); }
    PeerInfo& connect(PeerId id) {
        peers_[id] = make_peer(id);
        chains_.add(id);
        if (best_) chains_.on_announced(id, best_->hash);
        fetch_.add(id);
        return peers_[id];
    }
    std::vector<const HeaderNode*> asked(PeerInfo& peer) {
        fetch_.pump(peer, true, out_, now_);
        const Taken taken(out_);
        disconnected_ = taken.disconnected.size();
        std::vector<const HeaderNode*> nodes;
        for (const auto& message : taken.all<GetDataMessage>())
            for (const InvItem& item : message.items) nodes.push_back(chain_.tree.find(BlockHash(item.hash)));
        return nodes;
    }
    void arrive(PeerId id, const HeaderNode* node, std::size_t size = kLarge) {
        EXPECT_TRUE(fetch_.on_block(id, node, size, now_));
        chain_.data.insert(node);
        fetch_.on_verdict(id, node, true, now_);
    }

    test::FakeChainAccess chain_;
    PeerChains chains_{chain_};
    BlockFetch fetch_{chain_, chains_, *chain_.params, 1u << 20};
    LogLines log_;
    Outbox out_{log_};
    std::map<PeerId, PeerInfo> peers_;
    const HeaderNode* best_ = nullptr;
    std::size_t disconnected_ = 0;
    std::int64_t now_ = 1'800'000'000 * kSecond;
};

TEST_F(BlockFetchTest, SharesTheWindowAmongPeers) {
    have_headers(100);
    const auto first = asked(connect(1));
    const auto second = asked(connect(2));
    ASSERT_EQ(first.size(), limits::kBlocksInFlightPerPeer);
    ASSERT_EQ(second.size(), limits::kBlocksInFlightPerPeer);
    EXPECT_EQ(first[0]->height, 1);
    EXPECT_EQ(second[0]->height, 17);
    EXPECT_TRUE(asked(peers_[1]).empty());
}

TEST_F(BlockFetchTest, SparesOthersWhileNeighboursGiveAsMuch) {
    have_headers(1000);
    connect(1).lan = true;
    connect(2);
    const auto give = [&](PeerId id, std::size_t blocks) {
        const auto heights = fetch_.heights_in_flight(id);
        for (std::size_t i = 0; i < std::min(blocks, heights.size()); ++i) arrive(id, best_->ancestor(heights[i]));
    };
    for (int second = 0; second < 4; ++second) {
        asked(peers_[1]);
        asked(peers_[2]);
        now_ += kSecond;
        give(1, 16);
        give(2, 4);
    }
    asked(peers_[1]);
    asked(peers_[2]);
    EXPECT_GE(fetch_.in_flight(1), limits::kBlocksInFlightPerPeer);
    while (fetch_.in_flight(2) > 0) {
        now_ += kSecond / 10;
        give(1, 2);
        asked(peers_[1]);
        give(2, 1);
    }
    EXPECT_EQ(asked(peers_[2]).size(), 2u);
    fetch_.remove(1);
    EXPECT_GT(asked(peers_[2]).size(), 2u) << "when the neighbour is gone, it is asked as before";
}

TEST_F(BlockFetchTest, AsksForNoMoreWhileTheChainIsBehind) {
    have_headers(100);
    chain_.pending = 1u << 20;
    EXPECT_TRUE(asked(connect(1)).empty());
    chain_.pending = 0;
    EXPECT_EQ(asked(peers_[1]).size(), limits::kBlocksInFlightPerPeer);
}

TEST_F(BlockFetchTest, AsksAgainWhatALostPeerOwed) {
    have_headers(20);
    const auto first = asked(connect(1));
    fetch_.remove(1);
    EXPECT_EQ(asked(connect(2)), first);
}

TEST_F(BlockFetchTest, AsksForMoreAtOnceWhileBlocksAreSmall) {
    have_headers(1000);
    connect(1);
    for (int round = 0; round < 60; ++round)
        for (const HeaderNode* node : asked(peers_[1])) arrive(1, node, 250);
    EXPECT_GT(chain_.data.size(), 900u);
    EXPECT_GT(log_.take().size(), 0u);
}

TEST_F(BlockFetchTest, RunsAheadOfVerdictsButLooksAgainAfterABadOne) {
    have_headers(40);
    const auto first = asked(connect(1));
    for (const HeaderNode* node : first) fetch_.on_block(1, node, kLarge, now_);
    const auto second = asked(peers_[1]);
    ASSERT_EQ(second[0]->height, 17) << "what came is not asked for again";
    fetch_.on_verdict(1, first[3], false, now_);
    for (const HeaderNode* node : second) fetch_.on_block(1, node, kLarge, now_);
    EXPECT_EQ(asked(peers_[1])[0]->height, 33) << "not from the one whose bytes were bad";
    EXPECT_EQ(asked(connect(2))[0], first[3]);
}

TEST_F(BlockFetchTest, AsksAnIdlePeerForTheLastBlocksThatAnotherHoldsBack) {
    have_headers(20);
    chain_.ibd = true;
    const auto held = asked(connect(1));
    ASSERT_EQ(held.size(), 16u);
    const auto rest = asked(connect(2));
    for (const HeaderNode* node : rest) arrive(2, node);
    now_ += limits::kTakeOver_us - 1;
    EXPECT_TRUE(asked(peers_[2]).empty());
    arrive(1, held[0]);
    now_ += limits::kTakeOver_us - 1;
    EXPECT_TRUE(asked(peers_[2]).empty()) << "it goes on, if slowly";
    now_ += 1;
    EXPECT_EQ(asked(peers_[2]), std::vector(held.begin() + 1, held.end()));
    EXPECT_TRUE(fetch_.on_block(1, held[1], kLarge, now_)) << "too late, and welcome";
    EXPECT_EQ(fetch_.in_flight(1), 0u);
}

TEST_F(BlockFetchTest, AsksTheOnlyPeerAgainForABlockItSpoiledAfterAMinute) {
    have_headers(10);
    const auto first = asked(connect(1));
    for (const HeaderNode* node : first) fetch_.on_block(1, node, kLarge, now_);
    fetch_.on_verdict(1, first[0], false, now_);
    EXPECT_TRUE(asked(peers_[1]).empty());
    now_ += limits::kSpoiledRetry_us + 1;
    EXPECT_EQ(asked(peers_[1]), std::vector{first[0]});
}

TEST_F(BlockFetchTest, AsksAgainForASpoiledBlockThatIsAnnouncedAnew) {
    have_headers(1);
    const auto first = asked(connect(1));
    fetch_.on_block(1, first[0], kLarge, now_);
    fetch_.on_verdict(1, first[0], false, now_);
    fetch_.direct_fetch(peers_[1], first[0], false, out_, now_);
    EXPECT_EQ(asked(peers_[1]), first);
}

TEST_F(BlockFetchTest, AsksAnotherPeerWhenOneHasNotGotWhatItAnnounced) {
    have_headers(1);
    const auto first = asked(connect(1));
    connect(2);
    ASSERT_EQ(first.size(), 1u);
    fetch_.on_not_found(1, first[0], now_);
    EXPECT_TRUE(asked(peers_[1]).empty()) << "or it would be asked for ever";
    chain_.ibd = false;
    fetch_.direct_fetch(peers_[1], first[0], false, out_, now_);
    EXPECT_TRUE(Taken(out_).sent.empty()) << "announcing it once more gives it no claim to it";
    EXPECT_EQ(asked(peers_[2]), first);
    fetch_.remove(2);
    EXPECT_EQ(asked(peers_[1]), first) << "nobody else is left";
}

TEST_F(BlockFetchTest, AsksAgainAfterHalfAMinuteWhenNobodyHadTheBlock) {
    have_headers(1);
    const auto first = asked(connect(1));
    fetch_.on_not_found(1, first[0], now_);
    EXPECT_EQ(asked(connect(2)), first);
    now_ += 10 * kSecond;
    fetch_.on_not_found(2, first[0], now_);
    now_ += 20 * kSecond - 1;
    EXPECT_TRUE(asked(peers_[1]).empty());
    now_ += 1;
    EXPECT_TRUE(asked(peers_[2]).empty()) << "it said no twenty seconds ago";
    EXPECT_EQ(asked(peers_[1]), first);
}

TEST_F(BlockFetchTest, GivesAStallerTwoSecondsThenDoublesThem) {
    have_headers(1100);
    PeerInfo& staller = connect(1);
    const HeaderNode* held = asked(staller)[0];
    ASSERT_EQ(held->height, 1);
    PeerInfo& worker = connect(2);
    // The staller gives all but the first; the worker everything else up to the end of the window.
    for (Height h = 2; h <= 16; ++h) arrive(1, best_->ancestor(h));
    while (true) {
        const auto row = asked(worker);
        if (row.empty()) break;
        for (const HeaderNode* node : row) arrive(2, node);
    }
    EXPECT_EQ(chain_.data.size(), 1023u) << "all of the window but one";
    asked(staller);
    EXPECT_EQ(disconnected_, 0u);
    now_ += 2 * kSecond + 1;
    asked(staller);
    EXPECT_EQ(disconnected_, 1u);
    fetch_.remove(1);
    EXPECT_EQ(asked(worker), std::vector<const HeaderNode*>{held});
    PeerInfo& third = connect(3);
    EXPECT_TRUE(asked(third).empty()) << "now the worker is the one all wait for";
    now_ += 3 * kSecond;
    asked(worker);
    EXPECT_EQ(disconnected_, 0u);
    now_ += kSecond + 1;
    asked(worker);
    EXPECT_EQ(disconnected_, 1u);
}

TEST_F(BlockFetchTest, DropsAPeerThatTakesLongerThanABlockInterval) {
    have_headers(10);
    PeerInfo& peer = connect(1);
    asked(peer);
    now_ += 600 * kSecond;
    asked(peer);
    EXPECT_EQ(disconnected_, 0u);
    now_ += kSecond;
    asked(peer);
    EXPECT_EQ(disconnected_, 1u);
}

TEST_F(BlockFetchTest, AsksALimitedPeerOnlyForRecentBlocks) {
    have_headers(400);
    chain_.ibd = false;
    PeerInfo& peer = connect(1);
    peer.services = kServiceNetworkLimited | kServiceWitness;
    EXPECT_EQ(asked(peer).at(0)->height, 400 - 285);
}

TEST_F(BlockFetchTest, FetchesAnAnnouncedBlockDirectlyNearTheTip) {
    have_headers(30);
    now_ = (std::int64_t{best_->header.time} + 60) * kSecond;
    PeerInfo& peer = connect(1);
    fetch_.direct_fetch(peer, best_, false, out_, now_);
    EXPECT_TRUE(Taken(out_).sent.empty()) << "our tip is old";
    chain_.connect_to(best_);
    have_headers(2);
    now_ = (std::int64_t{best_->header.time} + 60) * kSecond;
    fetch_.direct_fetch(peer, best_, false, out_, now_);
    EXPECT_EQ(Taken(out_).all<GetDataMessage>().at(0).items.size(), 2u);
}

TEST_F(BlockFetchTest, AsksASlowPeerForLessAndAFastOneForMore) {
    have_headers(900);
    connect(1);
    connect(2);
    // One gives a block every four seconds, the other twenty a second.
    for (int tick = 0; tick < 200; ++tick) {
        now_ += kSecond / 10;
        asked(peers_[1]);
        asked(peers_[2]);
        const auto first_of = [&](PeerId id) { return best_->ancestor(fetch_.heights_in_flight(id).front()); };
        if (tick % 40 == 39 && fetch_.in_flight(1) > 0) arrive(1, first_of(1));
        for (int i = 0; i < 2; ++i)
            if (fetch_.in_flight(2) > 0) arrive(2, first_of(2));
    }
    ASSERT_TRUE(fetch_.measured_rate(1, now_) && fetch_.measured_rate(2, now_));
    EXPECT_LT(*fetch_.measured_rate(1, now_), 500'000);
    EXPECT_GT(*fetch_.measured_rate(2, now_), 5'000'000);
    asked(peers_[2]);
    EXPECT_GE(fetch_.in_flight(2), 16u);
}

TEST_F(BlockFetchTest, ReplacesASilentPeerWithinSeconds) {
    have_headers(20);
    chain_.ibd = true;
    const auto first = asked(connect(1));
    ASSERT_FALSE(first.empty());
    connect(2);
    asked(peers_[2]);
    for (const std::int32_t height : fetch_.heights_in_flight(2)) arrive(2, best_->ancestor(height));
    std::int64_t waited = 0;
    for (; fetch_.in_flight(2) == 0 && waited < 60 * kSecond; waited += kSecond / 10) {
        now_ += kSecond / 10;
        asked(peers_[1]);
        asked(peers_[2]);
    }
    EXPECT_LE(waited, 6 * kSecond);
}

/// In step with the chain: one block was announced by peers 1 to `peers`, all outbound.
class BlockFetchInStepTest : public BlockFetchTest {
protected:
    BlockFetchInStepTest() { chain_.ibd = false; }
    void announced_by(PeerId peers) {
        have_headers(1);
        for (PeerId id = 1; id <= peers; ++id) connect(id);
    }
    std::vector<const HeaderNode*> block() const { return {best_}; }
};

TEST_F(BlockFetchInStepTest, AsksASecondPeerWhenTheFirstIsSilentForTwoSeconds) {
    announced_by(2);
    EXPECT_EQ(asked(peers_[1]), block());
    now_ += limits::kAskToo_us - 1;
    EXPECT_TRUE(asked(peers_[2]).empty());
    now_ += 1;
    EXPECT_EQ(asked(peers_[2]), block());
    EXPECT_TRUE(asked(peers_[1]).empty()) << "it has been asked";
    EXPECT_TRUE(fetch_.requested_from(1, best_)) << "it is still expected of the first";
    EXPECT_EQ(disconnected_, 0u);
    arrive(2, best_);
    EXPECT_EQ(fetch_.requests(), 0u);
}

TEST_F(BlockFetchInStepTest, TakesTheBlockFromTheFirstThoughASecondWasAsked) {
    announced_by(2);
    asked(peers_[1]);
    now_ += limits::kAskToo_us;
    asked(peers_[2]);
    arrive(1, best_);
    EXPECT_EQ(fetch_.in_flight(2), 0u);
}

TEST_F(BlockFetchInStepTest, AsksThreeAtMostUntilOneWasSilentForTenSeconds) {
    announced_by(5);
    for (PeerId id = 1; id <= 3; ++id) {
        EXPECT_EQ(asked(peers_[id]), block()) << id;
        now_ += limits::kAskToo_us;
    }
    EXPECT_TRUE(asked(peers_[4]).empty());
    now_ += limits::kAskTooWhileGiving_us - 3 * limits::kAskToo_us;
    EXPECT_EQ(asked(peers_[4]), block()) << "in place of the first";
    EXPECT_FALSE(fetch_.requested_from(1, best_));
    EXPECT_TRUE(asked(peers_[5]).empty());
    now_ += limits::kAskToo_us;
    EXPECT_EQ(asked(peers_[5]), block()) << "in place of the second";
    EXPECT_EQ(fetch_.requests(), 3u);
}

TEST_F(BlockFetchInStepTest, LetsAPeerThatSendsGoOnForTenSeconds) {
    announced_by(2);
    asked(peers_[1]);
    const auto after = [&](std::int64_t step_us, std::uint64_t bytes) {
        now_ += step_us;
        peers_[1].received_bytes += bytes;
        asked(peers_[1]);
        return asked(peers_[2]);
    };
    for (int tick = 1; tick < 100; ++tick) EXPECT_TRUE(after(kSecond / 10, 1'000).empty()) << tick;
    EXPECT_EQ(after(kSecond / 10, 1'000), block());
}

TEST_F(BlockFetchInStepTest, HelpsASlowPeerWithTheNextBlockOnly) {
    have_headers(3);
    const auto first = asked(connect(1));
    connect(2);
    for (std::int64_t waited = 0; waited < limits::kAskTooWhileGiving_us; waited += kSecond) {
        EXPECT_TRUE(asked(peers_[2]).empty());
        now_ += kSecond;
        peers_[1].received_bytes += limits::kGivingBytes;
        asked(peers_[1]);
    }
    EXPECT_EQ(asked(peers_[2]), std::vector{first[0]});
}

TEST_F(BlockFetchInStepTest, CallsAPeerSilentThatSendsAFewBytes) {
    announced_by(2);
    asked(peers_[1]);
    for (int tick = 0; tick < 100; ++tick) {
        now_ += kSecond / 10;
        peers_[1].received_bytes += 500;
        asked(peers_[1]);
        if (asked(peers_[2]).empty()) continue;
        EXPECT_LE(tick, 21);
        return;
    }
    FAIL() << "five kilobytes a second held the block back";
}

TEST_F(BlockFetchInStepTest, KeepsTheThirdPlaceForAnOutboundPeer) {
    announced_by(4);
    for (PeerId id = 1; id <= 3; ++id) peers_[id].type = ConnectionType::inbound;
    asked(peers_[1]);
    now_ += limits::kAskToo_us;
    asked(peers_[2]);
    now_ += limits::kAskToo_us;
    EXPECT_TRUE(asked(peers_[3]).empty());
    EXPECT_EQ(asked(peers_[4]), block());
}

TEST_F(BlockFetchInStepTest, GivesAPeerThatWasOutrunNoTimeOfItsOwnUntilItGivesABlock) {
    announced_by(2);
    asked(peers_[1]);
    now_ += limits::kAskToo_us;
    asked(peers_[2]);
    arrive(2, best_);
    chain_.connect_to(best_);
    const auto next = [&] {
        now_ = (std::int64_t{best_->header.time} + 600) * kSecond;
        best_ = *chain_.accept_headers(make_headers(best_->header, 1, *chain_.params));
        for (const PeerId id : {1, 2}) chains_.on_announced(id, best_->hash);
        fetch_.direct_fetch(peers_[1], best_, false, out_, now_);
        fetch_.direct_fetch(peers_[2], best_, false, out_, now_);
    };
    next();
    EXPECT_TRUE(fetch_.requested_from(1, best_));
    EXPECT_TRUE(fetch_.requested_from(2, best_)) << "at once";
    arrive(1, best_);
    chain_.connect_to(best_);
    next();
    EXPECT_TRUE(fetch_.requested_from(1, best_));
    EXPECT_FALSE(fetch_.requested_from(2, best_)) << "the first is trusted again";
}

TEST_F(BlockFetchInStepTest, AsksForAllBlocksThatASilentPeerOwes) {
    have_headers(3);
    const auto first = asked(connect(1));
    ASSERT_EQ(first.size(), 3u);
    now_ += limits::kAskToo_us;
    EXPECT_EQ(asked(connect(2)), first);
}

TEST_F(BlockFetchInStepTest, AsksNobodyForABlockThatIsBeingJudged) {
    announced_by(3);
    asked(peers_[1]);
    now_ += limits::kAskToo_us;
    asked(peers_[2]);
    now_ += limits::kTakeOverAtTip_us;
    ASSERT_TRUE(fetch_.on_block(2, best_, kLarge, now_));
    EXPECT_TRUE(asked(peers_[3]).empty()) << "nor in place of the first, who owes it still";
}

TEST_F(BlockFetchInStepTest, EndsWhoWithholdsThoughAnIdlePeerCannotHelp) {
    announced_by(2);
    asked(peers_[1]);
    fetch_.on_not_found(1, best_, now_);
    ASSERT_EQ(asked(peers_[2]), block());
    const std::int64_t start = now_;
    while (disconnected_ == 0 && now_ - start < 3600 * kSecond) {
        now_ += kSecond;
        asked(peers_[1]);
        ASSERT_EQ(disconnected_, 0u);
        asked(peers_[2]);
    }
    EXPECT_LE(now_ - start, 902 * kSecond) << "a block interval and a half, as the first is asked again after ten minutes";
}

TEST_F(BlockFetchTest, AsksNoSecondPeerInInitialDownload) {
    have_headers(1);
    asked(connect(1));
    now_ += limits::kAskToo_us;
    EXPECT_TRUE(asked(connect(2)).empty());
}

TEST_F(BlockFetchTest, DoesNotBlameAPeerThatWeDoNotRead) {
    have_headers(20);
    asked(connect(1));
    for (int i = 0; i < 4 * 3600; ++i) {
        now_ += kSecond;
        peers_[1].held_back_us = now_ - kSecond;
        asked(peers_[1]);
        ASSERT_EQ(disconnected_, 0u);
    }
    for (int i = 0; i < 2 * 3600 && disconnected_ == 0; ++i) {
        now_ += kSecond;
        asked(peers_[1]);
    }
    EXPECT_EQ(disconnected_, 1u);
}

}  // namespace
}  // namespace cairn::net
