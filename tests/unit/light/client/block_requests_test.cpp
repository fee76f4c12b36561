#include "light/client/block_requests.hpp"

#include <gtest/gtest.h>

#include <deque>

#include "light/client/header_chain.hpp"
#include "tests/support/chain_builder.hpp"

namespace cairn::light {
namespace {

/// Workers that run what a test lets them.
class HeldJobs final : public Jobs {
public:
    void run(std::function<void()> job) override { held.push_back(std::move(job)); }
    void run_in_order(std::function<void()> job) override { job(); }
    void finish(std::size_t index) {
        const auto job = std::move(held[index]);
        held.erase(held.begin() + static_cast<std::ptrdiff_t>(index));
        job();
    }
    std::deque<std::function<void()>> held;
};

/// Peers that have all blocks, and what is asked of them.
class BlockRequestsTest : public testing::Test {
protected:
    BlockRequestsTest() {
        builder_.mine_many(20);
        chain_.set_now((std::int64_t{builder_.tip()->header.time} + 100) * 1'000'000);
        std::vector<BlockHeader> headers;
        for (Height height = 1; height <= 20; ++height) headers.push_back(builder_.tip()->ancestor(height)->header);
        EXPECT_TRUE(chain_.accept_headers(headers));
        for (net::PeerId id = 0; id < 3; ++id) {
            net::PeerInfo& peer = peers_[id];
            peer.id = id;
            peer.services = net::kServiceNetwork | net::kServiceWitness;
            peer.ready = true;
            chains_.add(id);
            chains_.on_announced(id, builder_.tip()->hash);
            requests_->add(peer);
        }
    }

    const HeaderNode* node(Height height) const { return chain_.tip()->ancestor(height); }
    Bytes raw(Height height) const { return to_bytes(builder_.block(builder_.tip()->ancestor(height))->raw()); }
    /// The same header over other transactions.
    Bytes spoiled(Height height) const {
        Bytes bytes = raw(height);
        bytes.back() ^= 1;  // of the lock time
        return bytes;
    }
    void want(Height height) {
        requests_->want(node(height), [this, height](const BlockPtr&, net::Outbox&, std::int64_t) { came_.push_back(height); });
    }
    /// Time goes on; what is asked and who is blamed is noted.
    void tick(std::int64_t by_us = 100'000) {
        now_us_ += by_us;
        requests_->tick(out_, now_us_);
        look();
    }
    void look() {
        for (net::RoleAction& action : out_.take()) {
            if (const auto* sent = std::get_if<net::SendAction>(&action)) {
                for (const net::InvItem& item : std::get<net::GetDataMessage>(sent->message).items) asked_.emplace_back(sent->peer, chain_.find(BlockHash(item.hash))->height);
            } else if (const auto* bad = std::get_if<net::MisbehavingAction>(&action)) {
                blamed_.push_back(bad->peer);
            }
        }
    }
    net::PeerId asked_of(Height height) const {
        for (auto one = asked_.rbegin(); one != asked_.rend(); ++one)
            if (one->second == height) return one->first;
        return -1;
    }
    bool give(net::PeerId id, Bytes bytes) { return requests_->on_block(peers_[id], std::move(bytes), out_, now_us_); }

    test::ChainBuilder builder_{make_params(Network::regtest)};
    HeaderChain chain_{builder_.params(), Arith256()};
    net::PeerChains chains_{chain_};
    net::Random random_{Uint256()};
    HeldJobs jobs_;
    std::map<net::PeerId, net::PeerInfo> peers_;
    net::LogLines log_;
    net::Outbox out_{log_};
    std::int64_t now_us_ = 1'000'000;
    std::vector<std::pair<net::PeerId, Height>> asked_;
    std::vector<net::PeerId> blamed_;
    std::vector<Height> came_;
    std::unique_ptr<BlockRequests> requests_ =
        std::make_unique<BlockRequests>(chains_, random_, jobs_, [](const std::function<void()>& task) { task(); });
};

TEST_F(BlockRequestsTest, ChecksBlocksElsewhereAndHandsThemOverInTheOrderInWhichTheyCame) {
    for (const Height height : {5, 6, 7}) want(height);
    tick();
    for (const Height height : {6, 5, 7}) EXPECT_TRUE(give(asked_of(height), raw(height)));
    ASSERT_EQ(jobs_.held.size(), 3u);
    EXPECT_EQ(requests_->bytes_of_checks(), raw(5).size() + raw(6).size() + raw(7).size());
    jobs_.finish(2);
    jobs_.finish(1);
    tick();
    EXPECT_TRUE(came_.empty());  // the first that came is still looked at
    jobs_.finish(0);
    tick();
    EXPECT_EQ(came_, (std::vector<Height>{6, 5, 7}));
    EXPECT_EQ(requests_->bytes_of_checks(), 0u);
    EXPECT_EQ(requests_->wanted(), 0u);
    EXPECT_EQ(requests_->fetched(), 3u);
    EXPECT_TRUE(blamed_.empty());
}

TEST_F(BlockRequestsTest, AsksNobodyElseWhileABlockIsChecked) {
    want(5);
    tick();
    give(asked_of(5), raw(5));
    for (int i = 0; i < 100; ++i) tick(1'000'000);
    EXPECT_EQ(asked_.size(), 1u);
    jobs_.finish(0);
    tick();
    EXPECT_EQ(came_, (std::vector<Height>{5}));
}

TEST_F(BlockRequestsTest, BlamesWhoSentABadBlockAndAsksSomebodyElse) {
    want(5);
    tick();
    const net::PeerId liar = asked_of(5);
    EXPECT_TRUE(give(liar, spoiled(5)));
    look();
    EXPECT_TRUE(blamed_.empty());
    jobs_.finish(0);
    tick();
    EXPECT_EQ(blamed_, (std::vector<net::PeerId>{liar}));
    EXPECT_TRUE(came_.empty());
    const net::PeerId other = asked_of(5);
    EXPECT_NE(other, liar);
    give(other, raw(5));
    jobs_.finish(0);
    tick();
    EXPECT_EQ(came_, (std::vector<Height>{5}));
    EXPECT_EQ(blamed_.size(), 1u);
}

TEST_F(BlockRequestsTest, BlamesEvenWhenNobodyWantsTheBlockAnyMore) {
    want(5);
    tick();
    const net::PeerId liar = asked_of(5);
    give(liar, spoiled(5));
    requests_->forget(node(5));
    jobs_.finish(0);
    tick();
    EXPECT_EQ(blamed_, (std::vector<net::PeerId>{liar}));
    EXPECT_EQ(requests_->bytes_of_checks(), 0u);
}

TEST_F(BlockRequestsTest, SecondCopyOfOnePeerIsNotCheckedBesideTheFirst) {
    want(5);
    tick();
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(give(asked_of(5), raw(5)));
    EXPECT_EQ(jobs_.held.size(), 1u);
    EXPECT_EQ(requests_->bytes_of_checks(), raw(5).size());
}

TEST_F(BlockRequestsTest, PeerThatLeavesWhileItsBlockIsCheckedHasGivenIt) {
    want(5);
    tick();
    const net::PeerId giver = asked_of(5);
    give(giver, raw(5));
    requests_->remove(giver);
    jobs_.finish(0);
    tick();
    EXPECT_EQ(came_, (std::vector<Height>{5}));
}

TEST_F(BlockRequestsTest, WhatIsTooMuchForTheWorkersIsCheckedAtOnce) {
    want(5);
    want(6);
    tick();
    Bytes large = raw(5);
    large.resize(BlockRequests::kBytesOfChecks + 1);  // what follows a block is dropped
    give(asked_of(5), std::move(large));
    give(asked_of(6), raw(6));
    EXPECT_TRUE(jobs_.held.empty());
    tick();
    EXPECT_EQ(came_, (std::vector<Height>{5, 6}));
    EXPECT_EQ(requests_->bytes_of_checks(), 0u);
}

TEST_F(BlockRequestsTest, AnswerOfAWorkerThatComesTooLateIsNothing) {
    want(5);
    tick();
    give(asked_of(5), raw(5));
    requests_.reset();
    jobs_.finish(0);
    EXPECT_TRUE(came_.empty());
}

}  // namespace
}  // namespace cairn::light
