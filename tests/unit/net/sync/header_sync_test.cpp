#include "net/sync/header_sync.hpp"

#include <gtest/gtest.h>

#include "tests/support/fake_chain_access.hpp"

namespace cairn::net {
namespace {

using test::make_headers;
using test::make_peer;
using test::Taken;

constexpr std::int64_t kSecond = 1'000'000;

class HeaderSyncTest : public testing::Test {
protected:
    PeerInfo& connect(PeerId id, ConnectionType type = ConnectionType::outbound_full_relay) {
        peers_[id] = make_peer(id, type);
        chains_.add(id);
        sync_.add(peers_[id]);
        return peers_[id];
    }
    std::optional<HeaderSync::Accepted> give(PeerInfo& peer, std::vector<BlockHeader> headers) {
        const std::size_t count = headers.size();
        return sync_.on_headers(peer, HeadersMessage{std::move(headers), count}, out_, now_);
    }
    void pump(PeerInfo& peer) { sync_.pump(peer, false, out_, now_); }
    const BlockHeader& genesis() const { return chain_.params->genesis->header(); }

    test::FakeChainAccess chain_;
    PeerChains chains_{chain_};
    Random random_ = Random::from_number(1);
    HeaderSync sync_{chain_, chains_, *chain_.params, random_};
    LogLines log_;
    Outbox out_{log_};
    std::map<PeerId, PeerInfo> peers_;
    std::int64_t now_ = 1'800'000'000 * kSecond;
};

TEST_F(HeaderSyncTest, AsksOnePeerWhileFarBehind) {
    PeerInfo& first = connect(1);
    PeerInfo& second = connect(2);
    pump(first);
    pump(second);
    const Taken taken(out_);
    ASSERT_EQ(taken.all<GetHeadersMessage>().size(), 1u);
    EXPECT_EQ(taken.sent[0].peer, 1);
    EXPECT_EQ(taken.all<GetHeadersMessage>()[0].locator.back(), genesis().hash());
}

TEST_F(HeaderSyncTest, AsksTheOthersOnceOnePeerGaveAllItsHeaders) {
    PeerInfo& first = connect(1);
    PeerInfo& second = connect(2);
    pump(first);
    Taken{out_};
    give(first, make_headers(genesis(), 10, *chain_.params));
    pump(second);
    const Taken taken(out_);
    ASSERT_EQ(taken.all<GetHeadersMessage>().size(), 1u);
    EXPECT_EQ(taken.sent.back().peer, 2);
}

TEST_F(HeaderSyncTest, AsksAllPeersWhenRecent) {
    now_ = (std::int64_t{genesis().time} + 3600) * kSecond;
    PeerInfo& first = connect(1);
    PeerInfo& second = connect(2);
    pump(first);
    pump(second);
    EXPECT_EQ(Taken(out_).all<GetHeadersMessage>().size(), 2u);
}

TEST_F(HeaderSyncTest, TakesHeadersAndAsksForMoreAfterAFullMessage) {
    PeerInfo& peer = connect(1);
    pump(peer);
    Taken{out_};
    const auto headers = make_headers(genesis(), 2000, *chain_.params);
    const auto accepted = give(peer, headers);
    ASSERT_TRUE(accepted);
    EXPECT_EQ(accepted->last->height, 2000);
    EXPECT_TRUE(accepted->is_new);
    const auto more = Taken(out_).all<GetHeadersMessage>();
    ASSERT_EQ(more.size(), 1u);
    EXPECT_EQ(more[0].locator[0], headers.back().hash());
    EXPECT_EQ(chains_.at(1).best_known->height, 2000);
}

TEST_F(HeaderSyncTest, BlamesBadWorkGapsAndForeignFormats) {
    PeerInfo& peer = connect(1);
    auto headers = make_headers(genesis(), 3, *chain_.params);
    auto gap = headers;
    gap.erase(gap.begin() + 1);
    EXPECT_FALSE(give(peer, gap));
    EXPECT_EQ(Taken(out_).blamed.at(0).reason, "non-continuous headers sequence");
    while (rules::check_proof_of_work(headers[2].hash(), headers[2].bits, *chain_.params)) ++headers[2].nonce;
    EXPECT_FALSE(give(peer, headers));
    EXPECT_EQ(Taken(out_).blamed.at(0).reason, "header with invalid proof of work");
    sync_.on_headers(peer, HeadersMessage{{}, 5, true}, out_, now_);
    EXPECT_EQ(Taken(out_).blamed.size(), 1u);
    sync_.on_headers(peer, HeadersMessage{{}, 2001, false}, out_, now_);
    EXPECT_EQ(Taken(out_).blamed.at(0).reason, "headers message size = 2001");
    EXPECT_EQ(chain_.tree.size(), 1u);
}

TEST_F(HeaderSyncTest, AsksWhenHeadersDoNotConnectAndBlamesNobody) {
    PeerInfo& peer = connect(1);
    const auto headers = make_headers(genesis(), 5, *chain_.params);
    EXPECT_FALSE(give(peer, {headers[4]}));
    const Taken taken(out_);
    EXPECT_EQ(taken.all<GetHeadersMessage>().size(), 1u);
    EXPECT_TRUE(taken.blamed.empty());
    EXPECT_EQ(chains_.at(1).last_unknown, headers[4].hash());
}

TEST_F(HeaderSyncTest, IgnoresAShortChainWithTooLittleWork) {
    chain_.minimum = Arith256(0x1000);
    PeerInfo& peer = connect(1);
    EXPECT_FALSE(give(peer, make_headers(genesis(), 14, *chain_.params)));
    EXPECT_EQ(chain_.tree.size(), 1u);
    EXPECT_TRUE(Taken(out_).blamed.empty());
}

TEST_F(HeaderSyncTest, TakesAShortChainFromAProtectedPeer) {
    chain_.minimum = Arith256(0x1000);
    PeerInfo& peer = connect(1, ConnectionType::inbound);
    peer.permissions = kPermitNoBan;
    EXPECT_TRUE(give(peer, make_headers(genesis(), 14, *chain_.params)));
}

TEST_F(HeaderSyncTest, DownloadsALongChainTwiceBeforeKeepingIt) {
    const auto headers = make_headers(genesis(), 4500, *chain_.params);
    chain_.minimum = Arith256(2 * 4400);  // reached within the third message
    PeerInfo& peer = connect(1);
    const auto part = [&](std::size_t from, std::size_t to) {
        return std::vector<BlockHeader>(headers.begin() + static_cast<std::ptrdiff_t>(from), headers.begin() + static_cast<std::ptrdiff_t>(to));
    };
    EXPECT_FALSE(give(peer, part(0, 2000)));
    EXPECT_EQ(sync_.presynced_height(1), 2000);
    EXPECT_EQ(Taken(out_).all<GetHeadersMessage>().at(0).locator[0], headers[1999].hash());
    EXPECT_FALSE(give(peer, part(2000, 4000)));
    EXPECT_FALSE(give(peer, part(4000, 4500)));
    EXPECT_EQ(chain_.tree.size(), 1u) << "nothing is kept in the first pass";
    EXPECT_EQ(Taken(out_).all<GetHeadersMessage>().back().locator[0], genesis().hash()) << "and it starts again";
    give(peer, part(0, 2000));
    give(peer, part(2000, 4000));
    const auto accepted = give(peer, part(4000, 4500));
    ASSERT_TRUE(accepted);
    EXPECT_EQ(accepted->last->height, 4500);
    EXPECT_TRUE(Taken(out_).blamed.empty());
}

TEST_F(HeaderSyncTest, KeepsNothingOfAChainThatChangesInTheSecondPass) {
    chain_.minimum = Arith256(2 * 3900);
    const auto first = make_headers(genesis(), 4000, *chain_.params);
    const auto second = make_headers(genesis(), 2000, *chain_.params, 7);
    PeerInfo& peer = connect(1);
    give(peer, {first.begin(), first.begin() + 2000});
    give(peer, {first.begin() + 2000, first.end()});
    give(peer, second);
    give(peer, make_headers(second.back(), 2000, *chain_.params, 7));
    // One bit for every 275 headers: fourteen bits that would all have to agree by luck.
    EXPECT_EQ(chain_.tree.size(), 1u);
    EXPECT_EQ(sync_.presynced_height(1), -1);
}

TEST_F(HeaderSyncTest, DropsASilentPeerWhenAnotherCouldTakeOver) {
    PeerInfo& silent = connect(1);
    pump(silent);
    Taken{out_};
    now_ += 24 * 3600 * kSecond;
    pump(silent);
    EXPECT_TRUE(Taken(out_).disconnected.empty()) << "nobody else is there";
    PeerInfo& other = connect(2);
    pump(silent);
    const Taken taken(out_);
    ASSERT_EQ(taken.disconnected.size(), 1u);
    EXPECT_EQ(taken.disconnected[0].reason, "Timeout downloading headers");
    sync_.remove(1);
    pump(other);
    EXPECT_EQ(Taken(out_).all<GetHeadersMessage>().size(), 1u);
}

TEST_F(HeaderSyncTest, DropsAnOutboundPeerWithAnOldChain) {
    const auto headers = make_headers(genesis(), 10, *chain_.params);
    now_ = (std::int64_t{headers.back().time} + 600) * kSecond;
    chain_.ibd = false;
    chain_.connect_to(*chain_.accept_headers(headers));
    PeerInfo& peer = connect(1);
    pump(peer);
    now_ += 1201 * kSecond;
    pump(peer);
    EXPECT_TRUE(Taken(out_).disconnected.empty()) << "it is asked once more first";
    now_ += 121 * kSecond;
    pump(peer);
    ASSERT_EQ(Taken(out_).disconnected.size(), 1u);
}

TEST_F(HeaderSyncTest, ProtectsFourFullRelayPeersThatShowedAChainAsGoodAsOurs) {
    const auto headers = make_headers(genesis(), 10, *chain_.params);
    now_ = (std::int64_t{headers.back().time} + 600) * kSecond;
    chain_.ibd = false;
    chain_.connect_to(*chain_.accept_headers(headers));
    PeerInfo& quiet = connect(1, ConnectionType::block_relay_only);
    give(quiet, headers);
    EXPECT_FALSE(sync_.is_protected(1)) << "only full-relay peers are";
    give(connect(2), {headers.begin(), headers.begin() + 5});
    EXPECT_FALSE(sync_.is_protected(2)) << "less work than we have";
    for (PeerId id = 3; id < 9; ++id) {
        give(connect(id), headers);
        EXPECT_EQ(sync_.is_protected(id), id < 7);
    }
    sync_.remove(4);
    give(connect(9), headers);
    EXPECT_TRUE(sync_.is_protected(9)) << "a place has become free";

    chain_.connect_to(*chain_.accept_headers(make_headers(headers.back(), 1, *chain_.params)));
    for (int minutes = 0; minutes < 60; ++minutes, now_ += 60 * kSecond)
        for (const PeerId id : {3, 8}) pump(peers_[id]);
    const Taken taken(out_);
    ASSERT_FALSE(taken.disconnected.empty());
    for (const auto& end : taken.disconnected) EXPECT_EQ(end.peer, 8) << "who is protected may fall behind";
}

TEST_F(HeaderSyncTest, ResetsThePatienceWithAPeerThatCatchesUpHalfway) {
    const auto headers = make_headers(genesis(), 10, *chain_.params);
    now_ = (std::int64_t{headers.back().time} + 600) * kSecond;
    chain_.ibd = false;
    chain_.connect_to(*chain_.accept_headers({headers.data(), 5}));
    PeerInfo& peer = connect(1, ConnectionType::block_relay_only);
    pump(peer);
    chain_.connect_to(*chain_.accept_headers(headers));
    now_ += 1000 * kSecond;
    give(peer, {headers.begin(), headers.begin() + 5});  // where we were, but not where we are
    for (int i = 0; i < 20; ++i, now_ += 60 * kSecond) pump(peer);
    EXPECT_TRUE(Taken(out_).disconnected.empty());
    now_ += 60 * kSecond;
    pump(peer);
    now_ += 121 * kSecond;
    pump(peer);
    EXPECT_EQ(Taken(out_).disconnected.size(), 1u);
}

TEST_F(HeaderSyncTest, RemembersWhoAnnouncedABlockThatIsNewAndBetter) {
    const auto headers = make_headers(genesis(), 10, *chain_.params);
    chain_.connect_to(*chain_.accept_headers({headers.data(), 5}));
    give(connect(1), {headers.begin(), headers.begin() + 5});
    EXPECT_EQ(sync_.last_announcement_s(1), 0) << "we have it";
    give(peers_[1], {headers.begin() + 5, headers.begin() + 6});
    EXPECT_EQ(sync_.last_announcement_s(1), now_ / kSecond);
    give(connect(2), {headers.begin() + 5, headers.begin() + 6});
    EXPECT_EQ(sync_.last_announcement_s(2), 0) << "somebody else was first";
    give(connect(3), make_headers(genesis(), 3, *chain_.params, 7));
    EXPECT_EQ(sync_.last_announcement_s(3), 0) << "new, but no better";
    EXPECT_EQ(sync_.last_announcement_s(4), 0);
}

TEST_F(HeaderSyncTest, TellsHowFarItHasComeDuringTheInitialDownload) {
    const auto headers = make_headers(genesis(), 10, *chain_.params);
    now_ = (std::int64_t{headers.back().time} + 10 * 600) * kSecond;
    PeerInfo& peer = connect(1);
    const auto told = [&] {
        for (const LogLine& line : log_.take())
            if (line.text == "Synchronizing blockheaders, height: 10 (~50.00%)") return true;
        return false;
    };
    give(peer, headers);
    EXPECT_TRUE(told());
    give(peer, headers);
    EXPECT_FALSE(told()) << "nothing new";
}

TEST_F(HeaderSyncTest, AsksOnlyOneMorePeerForEachUnknownBlock) {
    PeerInfo& first = connect(1, ConnectionType::inbound);
    PeerInfo& second = connect(2, ConnectionType::inbound);
    sync_.on_unknown_block(first, BlockHash(sha256(Bytes{1})), out_, now_);
    sync_.on_unknown_block(second, BlockHash(sha256(Bytes{1})), out_, now_);
    const Taken taken(out_);
    ASSERT_EQ(taken.sent.size(), 1u);
    EXPECT_EQ(taken.sent[0].peer, 1);
    sync_.on_unknown_block(second, BlockHash(sha256(Bytes{2})), out_, now_);
    EXPECT_EQ(Taken(out_).sent.size(), 1u);
}

}  // namespace
}  // namespace cairn::net
