#include "node/relay/compact_relay.hpp"

#include <gtest/gtest.h>

#include "tests/support/compact_blocks.hpp"
#include "tests/support/fake_chain_access.hpp"
#include "tests/support/fake_chain_port.hpp"

namespace cairn::node {
namespace {

using namespace net;  // NOLINT: the tests speak the network's language
using test::block_with;
using test::odd_transaction;
using test::Taken;
using test::TestPool;

class CompactRelayTest : public testing::Test {
protected:
    explicit CompactRelayTest(CompactRelay::Options options = {}) : relay_(chain_, chains_, headers_, blocks_, *params_, options) {
        port_.now_s = std::int64_t{params_->genesis->header().time} + 100'000;
        for (int i = 0; i < 5; ++i) extend();
    }
    const HeaderNode* tip() { return port_.view()->tip; }
    void extend() {
        port_.mine(block_with(tip(), {}, *params_));
        chain_.refresh();
        now_ = (std::int64_t{tip()->header.time} + 60) * 1'000'000;
    }
    PeerInfo& connect(PeerId id, ConnectionType type = ConnectionType::inbound, bool compact = true) {
        PeerInfo& peer = peers_[id] = test::make_peer(id, type);
        chains_.add(id);
        headers_.add(peer);
        blocks_.add(id);
        relay_.add(peer);
        if (compact) {
            EXPECT_TRUE(relay_.on_send_cmpct(peer, {0, 2}, out_));
        }
        return peer;
    }
    /// The peer gives a block by itself and is asked to announce by compact blocks from now on.
    PeerInfo& chosen(PeerId id, ConnectionType type = ConnectionType::inbound) {
        PeerInfo& peer = connect(id, type);
        relay_.on_connected(id, tip(), out_);
        EXPECT_TRUE(relay_.hb_to(id));
        out_.take();
        return peer;
    }
    BlockPtr next_block(std::uint32_t txs, std::uint32_t first = 0) {
        std::vector<TransactionPtr> made;
        for (std::uint32_t i = 0; i < txs; ++i) made.push_back(odd_transaction(first + i, i % 2 == 0));
        return block_with(tip(), made, *params_);
    }
    const HeaderNode* node_of(const BlockPtr& block) { return port_.headers().find(block->hash()); }
    /// The header comes alone and the block is asked for.
    void announce_header(PeerInfo& peer, const BlockPtr& block) {
        const HeaderNode* node = *chain_.accept_headers({&block->header(), 1});
        chains_.on_announced(peer.id, node->hash);
        blocks_.direct_fetch(peer, node, relay_.may_request(peer.id, node), out_, now_);
    }
    CompactRelay::Outcome send(PeerInfo& peer, const BlockPtr& block) { return send(peer, make_compact_block(*block, 11)); }
    CompactRelay::Outcome send(PeerInfo& peer, CompactBlockMessage message) {
        return relay_.on_compact_block(peer, std::move(message), pool_.candidates(), out_, now_);
    }
    std::optional<CompactRelay::Rebuilt> send_pieces(PeerInfo& peer, const BlockPtr& block, const std::vector<std::uint32_t>& indexes) {
        return relay_.on_block_txn(peer, *make_block_txn(*block, indexes), out_, now_);
    }
    std::vector<GetBlockTxnMessage> asked() { return Taken(out_).all<GetBlockTxnMessage>(); }

    ChainParamsPtr params_ = make_params(Network::regtest);
    test::FakeChainPort port_{params_};
    ChainAdapter chain_{port_, Arith256()};
    PeerChains chains_{chain_};
    Random random_ = Random::from_number(1);
    HeaderSync headers_{chain_, chains_, *params_, random_};
    BlockFetch blocks_{chain_, chains_, *params_, 1u << 20};
    CompactRelay relay_;
    LogLines log_;
    Outbox out_{log_};
    std::map<PeerId, PeerInfo> peers_;
    TestPool pool_;
    std::int64_t now_ = 0;
};

TEST_F(CompactRelayTest, OffersVersionTwoAndTakesNoOther) {
    PeerInfo& peer = connect(1, ConnectionType::inbound, false);
    relay_.on_ready(peer, out_);
    EXPECT_EQ(Taken(out_).all<SendCmpctMessage>(), (std::vector<SendCmpctMessage>{{0, 2}}));
    EXPECT_FALSE(relay_.on_send_cmpct(peer, {1, 1}, out_));
    EXPECT_FALSE(relay_.on_send_cmpct(peer, {1, 3}, out_));
    EXPECT_FALSE(relay_.hb_from(1));
    EXPECT_TRUE(relay_.on_send_cmpct(peer, {1, 2}, out_));
    EXPECT_TRUE(relay_.hb_from(1));
    EXPECT_TRUE(out_.empty());
    EXPECT_FALSE(relay_.on_send_cmpct(peer, {2, 2}, out_));
    EXPECT_EQ(Taken(out_).blamed.size(), 1u);
}

TEST_F(CompactRelayTest, TakesUnaskedBlocksFromChosenPeersOnly) {
    const BlockPtr block = next_block(0);
    EXPECT_FALSE(send(connect(1), block).block);
    EXPECT_FALSE(send(connect(2, ConnectionType::inbound, false), block).block);
    EXPECT_FALSE(blocks_.any_in_flight());
    const auto outcome = send(chosen(3), block);
    ASSERT_TRUE(outcome.block);
    EXPECT_EQ(outcome.block->block->hash(), block->hash());
    EXPECT_EQ(outcome.block->node, node_of(block));
    EXPECT_EQ(relay_.totals().at_once, 1u);
}

TEST_F(CompactRelayTest, TakesWhatWasAskedForFromAnyone) {
    PeerInfo& peer = connect(1);
    const BlockPtr block = next_block(2);
    announce_header(peer, block);
    const auto requests = Taken(out_).all<GetDataMessage>();
    ASSERT_EQ(requests.size(), 1u);
    EXPECT_EQ(requests[0].items, (std::vector<InvItem>{{kInvCompactBlock, block->hash()}}));
    EXPECT_FALSE(send(peer, block).block);
    const auto pieces = asked();
    ASSERT_EQ(pieces.size(), 1u);
    EXPECT_EQ(pieces[0].indexes, (std::vector<std::uint32_t>{1, 2}));
    const auto rebuilt = send_pieces(peer, block, {1, 2});
    ASSERT_TRUE(rebuilt);
    EXPECT_TRUE(std::ranges::equal(rebuilt->block->raw(), block->raw()));
    EXPECT_EQ(relay_.totals().round_trips, 1u);
    // What we lacked, our neighbours may lack, too.
    EXPECT_EQ(relay_.lacked(rebuilt->node), (std::vector<std::uint32_t>{1, 2}));
    EXPECT_TRUE(relay_.lacked(tip()).empty());
}

TEST_F(CompactRelayTest, ThirdPlaceIsForAnOutboundPeer) {
    PeerInfo& slow = connect(1);
    PeerInfo& second = chosen(2);
    PeerInfo& inbound = chosen(3);
    PeerInfo& outbound = chosen(4, ConnectionType::outbound_full_relay);
    const BlockPtr block = next_block(3);
    announce_header(slow, block);
    out_.take();
    send(slow, block);
    EXPECT_EQ(asked().size(), 1u);
    send(second, block);
    EXPECT_EQ(asked().size(), 1u);
    send(inbound, block);
    EXPECT_TRUE(asked().empty());
    send(outbound, block);
    EXPECT_EQ(asked().size(), 1u);
    EXPECT_EQ(blocks_.asked_for(node_of(block)).size(), 3u);
    // The fourth may still give it at once when everything is here.
    for (std::uint32_t i = 0; i < 3; ++i) pool_.add(odd_transaction(i, i % 2 == 0));
    EXPECT_TRUE(send(inbound, block).block);
    // Whoever is first wins; the others are let go.
    const auto rebuilt = send_pieces(second, block, {1, 2, 3});
    ASSERT_TRUE(rebuilt);
    blocks_.on_block(second.id, rebuilt->node, 1000, now_);
    EXPECT_TRUE(blocks_.judging(rebuilt->node));
    EXPECT_FALSE(send(inbound, block).block);  // it is being judged
    relay_.on_judged(rebuilt->node, true);
    blocks_.on_verdict(second.id, rebuilt->node, true, now_);
    EXPECT_FALSE(blocks_.any_in_flight());
    EXPECT_FALSE(send_pieces(slow, block, {1, 2, 3}));
    EXPECT_TRUE(Taken(out_).blamed.empty());
}

TEST_F(CompactRelayTest, AnInboundPeerMayBeThirdWhenAnOutboundOneIsAtIt) {
    PeerInfo& outbound = chosen(1, ConnectionType::outbound_full_relay);
    PeerInfo& second = chosen(2);
    PeerInfo& third = chosen(3);
    const BlockPtr block = next_block(1);
    send(outbound, block);
    send(second, block);
    send(third, block);
    EXPECT_EQ(asked().size(), 3u);
}

TEST_F(CompactRelayTest, WrongPiecesLeadToTheWholeBlockOnce) {
    PeerInfo& peer = chosen(1);
    const BlockPtr block = next_block(2);
    send(peer, block);
    out_.take();
    EXPECT_FALSE(send_pieces(peer, block, {2, 1}));
    Taken taken(out_);
    EXPECT_TRUE(taken.blamed.empty());
    ASSERT_EQ(taken.all<GetDataMessage>().size(), 1u);
    EXPECT_EQ(taken.all<GetDataMessage>()[0].items, (std::vector<InvItem>{{kInvWitnessBlock, block->hash()}}));
    EXPECT_TRUE(blocks_.requested_from(1, node_of(block)));
    // No second try with the same peer.
    EXPECT_FALSE(send(peer, block).block);
    EXPECT_TRUE(out_.empty());
    EXPECT_FALSE(send_pieces(peer, block, {1, 2}));
    EXPECT_EQ(Taken(out_).blamed.size(), 1u);
    EXPECT_FALSE(blocks_.requested_from(1, node_of(block)));
}

TEST_F(CompactRelayTest, TheSecondOneThatFailsLeavesItToTheFirst) {
    PeerInfo& first = chosen(1);
    PeerInfo& second = chosen(2);
    const BlockPtr block = next_block(2);
    send(first, block);
    send(second, block);
    out_.take();
    EXPECT_FALSE(send_pieces(second, block, {2, 1}));
    EXPECT_TRUE(out_.empty());
    EXPECT_EQ(blocks_.asked_for(node_of(block)).size(), 1u);
    EXPECT_TRUE(send_pieces(first, block, {1, 2}));
}

TEST_F(CompactRelayTest, PiecesOfAnotherNumberAreBlamed) {
    PeerInfo& peer = chosen(1);
    const BlockPtr block = next_block(2);
    send(peer, block);
    out_.take();
    EXPECT_FALSE(send_pieces(peer, block, {1}));
    EXPECT_EQ(Taken(out_).blamed.size(), 1u);
    EXPECT_FALSE(blocks_.any_in_flight());
}

TEST_F(CompactRelayTest, PiecesThatNobodyAskedForAreIgnored) {
    PeerInfo& peer = chosen(1);
    EXPECT_FALSE(send_pieces(peer, next_block(2), {1}));
    EXPECT_TRUE(out_.empty());
}

TEST_F(CompactRelayTest, ImpossiblePlacesAreBlamed) {
    PeerInfo& peer = chosen(1);
    const BlockPtr block = next_block(0);
    auto message = make_compact_block(*block, 1);
    message.prefilled_raw[1] = 1;  // the only transaction stands second
    EXPECT_FALSE(send(peer, message).block);
    EXPECT_EQ(Taken(out_).blamed.size(), 1u);
    EXPECT_FALSE(blocks_.any_in_flight());
}

TEST_F(CompactRelayTest, EqualIdsLeadToTheWholeBlock) {
    PeerInfo& peer = chosen(1);
    const BlockPtr block = next_block(2);
    auto message = make_compact_block(*block, 1);
    message.short_ids[1] = message.short_ids[0];
    EXPECT_FALSE(send(peer, message).block);
    Taken taken(out_);
    EXPECT_TRUE(taken.blamed.empty());
    EXPECT_EQ(taken.all<GetDataMessage>().size(), 1u);
    EXPECT_EQ(relay_.totals().fallbacks, 1u);
    EXPECT_FALSE(send_pieces(peer, block, {}));  // nothing was asked for: an answer is a lie
    EXPECT_EQ(Taken(out_).blamed.size(), 1u);
}

TEST_F(CompactRelayTest, BytesThatAreNoTransactionsAreNobodysFault) {
    PeerInfo& peer = chosen(1);
    auto message = make_compact_block(*next_block(1), 1);
    message.prefilled_raw.pop_back();
    EXPECT_FALSE(send(peer, message).block);
    EXPECT_TRUE(out_.empty());
}

TEST_F(CompactRelayTest, AnUnknownParentIsAskedFor) {
    PeerInfo& peer = chosen(1);
    auto message = make_compact_block(*next_block(1), 1);
    message.header.previous = BlockHash(hash256(Bytes{1}));
    send(peer, message);
    EXPECT_EQ(Taken(out_).all<GetHeadersMessage>().size(), 1u);
}

TEST_F(CompactRelayTest, ABadHeaderIsBlamed) {
    PeerInfo& peer = chosen(1);
    auto message = make_compact_block(*next_block(1), 1);
    message.header.time = tip()->header.time - 100'000;
    while (!rules::check_proof_of_work(message.header.hash(), message.header.bits, *params_)) ++message.header.nonce;
    send(peer, message);
    EXPECT_EQ(Taken(out_).blamed.size(), 1u);
}

TEST_F(CompactRelayTest, ABlockFarAheadCountsAsItsHeader) {
    PeerInfo& peer = chosen(1);
    std::vector<BlockHeader> headers;
    const HeaderNode* top = tip();
    for (int i = 0; i < 2; ++i) {
        const BlockPtr block = block_with(top, {}, *params_);
        top = *chain_.accept_headers({&block->header(), 1});
    }
    const auto outcome = send(peer, block_with(top, {}, *params_));
    EXPECT_FALSE(outcome.block);
    EXPECT_TRUE(outcome.as_headers);
}

TEST_F(CompactRelayTest, AnOldBlockIsOfNoUse) {
    PeerInfo& peer = chosen(1);
    const BlockPtr rival = block_with(tip()->parent, {odd_transaction(3)}, *params_);
    EXPECT_FALSE(send(peer, rival).block);
    EXPECT_TRUE(out_.empty());
    EXPECT_FALSE(blocks_.any_in_flight());
}

TEST_F(CompactRelayTest, ThreePeersAreChosenByWhoGaveBlocksLast) {
    for (PeerId id = 1; id <= 3; ++id) chosen(id);
    connect(4);
    relay_.on_connected(1, tip(), out_);  // again: it moves to the end
    EXPECT_TRUE(out_.empty());
    relay_.on_connected(4, tip(), out_);
    const Taken taken(out_);
    ASSERT_EQ(taken.sent.size(), 2u);
    EXPECT_EQ(taken.sent[0].peer, 4);
    EXPECT_EQ(std::get<SendCmpctMessage>(taken.sent[0].message), (SendCmpctMessage{1, 2}));
    EXPECT_EQ(taken.sent[1].peer, 2);
    EXPECT_EQ(std::get<SendCmpctMessage>(taken.sent[1].message), (SendCmpctMessage{0, 2}));
    EXPECT_FALSE(relay_.hb_to(2));
}

TEST_F(CompactRelayTest, TheOnlyOutboundPeerStaysChosen) {
    chosen(1, ConnectionType::outbound_full_relay);
    chosen(2);
    chosen(3);
    chosen(4);
    EXPECT_TRUE(relay_.hb_to(1));
    EXPECT_FALSE(relay_.hb_to(2));
    relay_.remove(1);
    chosen(5);
    chosen(6);
    EXPECT_TRUE(relay_.hb_to(4) && relay_.hb_to(5) && relay_.hb_to(6));
}

TEST_F(CompactRelayTest, NobodyIsChosenWhileOtherBlocksAreOnTheirWay) {
    PeerInfo& peer = connect(1);
    announce_header(peer, next_block(1));
    relay_.on_connected(1, tip(), out_);
    EXPECT_FALSE(relay_.hb_to(1));
}

TEST_F(CompactRelayTest, WhoSendsCompactBlocksIsNotToBlameForThem) {
    PeerInfo& peer = chosen(1);
    const BlockPtr block = next_block(0);
    ASSERT_TRUE(send(peer, block).block);
    EXPECT_TRUE(relay_.came_compact(1, block->hash()));
    EXPECT_FALSE(relay_.came_compact(2, block->hash()));
    relay_.on_judged(node_of(block), false);  // stored: it may still turn out bad
    EXPECT_TRUE(relay_.came_compact(1, block->hash()));
    relay_.on_judged(node_of(block), true);
    EXPECT_FALSE(relay_.came_compact(1, block->hash()));
}

class BlocksOnlyCompactRelayTest : public CompactRelayTest {
protected:
    BlocksOnlyCompactRelayTest() : CompactRelayTest({.blocks_only = true}) {}
};

TEST_F(BlocksOnlyCompactRelayTest, NeverAsksForThemAndTakesNone) {
    PeerInfo& peer = connect(1);
    relay_.on_connected(1, tip(), out_);
    EXPECT_FALSE(relay_.hb_to(1));
    const BlockPtr block = next_block(0);
    announce_header(peer, block);
    EXPECT_EQ(Taken(out_).all<GetDataMessage>()[0].items[0].type, std::uint32_t{kInvWitnessBlock});
    EXPECT_FALSE(send(peer, block).block);
}

}  // namespace
}  // namespace cairn::node
