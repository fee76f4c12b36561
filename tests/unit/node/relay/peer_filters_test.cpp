#include "node/relay/peer_filters.hpp"

#include <gtest/gtest.h>

#include "consensus/primitives/merkle_proof.hpp"
#include "consensus/rules/params.hpp"
#include "net/wire/codec.hpp"
#include "tests/support/fake_chain_access.hpp"

namespace cairn::node {
namespace {

using namespace net;  // NOLINT: this file speaks the network's language
using cairn::test::Taken;

FilterLoadMessage load(const BloomFilter& filter) {
    return {to_bytes(filter.bits()), filter.functions(), filter.tweak(), filter.flags()};
}

class PeerFiltersTest : public testing::Test {
protected:
    PeerFiltersTest() { peer_.relay_wanted = false; }

    LogLines log_;
    Outbox out_{log_};
    PeerInfo peer_ = cairn::test::make_peer(4);
    PeerFilters filters_{true};
    const ChainParamsPtr params_ = make_params(Network::regtest);
    const BlockPtr& block_ = params_->genesis;
};

TEST_F(PeerFiltersTest, EndsConnectionsThatUseWhatWasNotOffered) {
    PeerFilters closed(false);
    EXPECT_FALSE(closed.offered(peer_));
    closed.on_load(peer_, {}, out_);
    closed.on_add(peer_, {}, out_);
    closed.on_clear(peer_, out_);
    const Taken taken(out_);
    ASSERT_EQ(taken.disconnected.size(), 3u);
    EXPECT_EQ(taken.disconnected[0].reason, "filterload received despite not offering bloom services");
    EXPECT_EQ(taken.disconnected[1].reason, "filteradd received despite not offering bloom services");
    EXPECT_EQ(taken.disconnected[2].reason, "filterclear received despite not offering bloom services");
    EXPECT_FALSE(peer_.relay_wanted);
    peer_.permissions = kPermitBloomFilter;
    EXPECT_TRUE(closed.offered(peer_));
    closed.on_load(peer_, {}, out_);
    EXPECT_TRUE(Taken(out_).disconnected.empty());
}

TEST_F(PeerFiltersTest, BlamesPeersForFiltersAndElementsBeyondTheLimits) {
    filters_.on_load(peer_, {Bytes(36'001), 1, 0, 0}, out_);
    filters_.on_load(peer_, {Bytes(1), 51, 0, 0}, out_);
    filters_.on_add(peer_, {Bytes(4)}, out_);  // there is no filter
    EXPECT_EQ(Taken(out_).blamed.size(), 3u);
    EXPECT_FALSE(peer_.bloom_filter);
    filters_.on_load(peer_, {Bytes(36'000), 50, 0, 0}, out_);
    filters_.on_add(peer_, {Bytes(520)}, out_);
    EXPECT_TRUE(Taken(out_).blamed.empty());
    filters_.on_add(peer_, {Bytes(521)}, out_);
    EXPECT_EQ(Taken(out_).blamed.at(0).reason, "bad filteradd message");
}

TEST_F(PeerFiltersTest, LetsThroughWhatMatches) {
    const Transaction& tx = block_->txs()[0];
    EXPECT_TRUE(filters_.passes(peer_.id, tx)) << "no filter";
    filters_.on_load(peer_, load(BloomFilter::sized(10, 0.000001, 3, 0)), out_);
    EXPECT_TRUE(peer_.relay_wanted && peer_.bloom_filter);
    EXPECT_FALSE(filters_.passes(peer_.id, tx));
    filters_.on_add(peer_, {to_bytes(tx.txid.span())}, out_);
    EXPECT_TRUE(filters_.passes(peer_.id, tx));
    EXPECT_TRUE(filters_.passes(77, tx));
    filters_.on_clear(peer_, out_);
    EXPECT_FALSE(peer_.bloom_filter);
    EXPECT_FALSE(filters_.copy(peer_.id));
}

TEST_F(PeerFiltersTest, MergesOnlyIntoTheFilterThatWasCopied) {
    const Bytes element{1, 2, 3};
    filters_.on_load(peer_, load(BloomFilter::sized(10, 0.000001, 3, 0)), out_);
    auto copy = *filters_.copy(peer_.id);
    copy.filter.insert(element);
    filters_.merge(peer_.id, copy);
    EXPECT_TRUE(filters_.copy(peer_.id)->filter.contains(element));
    filters_.on_load(peer_, load(BloomFilter::sized(10, 0.000001, 3, 0)), out_);
    filters_.merge(peer_.id, copy);
    EXPECT_FALSE(filters_.copy(peer_.id)->filter.contains(element));
    filters_.on_gone(peer_.id);
    EXPECT_FALSE(filters_.copy(peer_.id));
}

TEST_F(PeerFiltersTest, ShowsOfABlockTheProofAndWhatMatches) {
    const Transaction& tx = block_->txs()[0];
    for (const bool wanted : {false, true}) {
        BloomFilter filter = BloomFilter::sized(10, 0.000001, 3, 0);
        if (wanted) filter.insert(tx.txid.span());
        const std::vector<Message> messages = PeerFilters::filter_block(*block_, filter);
        ASSERT_EQ(messages.size(), wanted ? 2u : 1u);
        const Bytes bytes = encode_message(messages[0]);
        EXPECT_EQ(command_of(messages[0]), "merkleblock");
        Reader reader(bytes);
        const MerkleBlock proof = MerkleBlock::read(reader);
        ASSERT_TRUE(reader.ok());
        EXPECT_EQ(proof.header.hash(), block_->hash());
        const auto shown = proof.proof.show();
        ASSERT_TRUE(shown);
        EXPECT_EQ(shown->root, block_->header().merkle_root);
        EXPECT_EQ(shown->leaves.size(), wanted ? 1u : 0u);
        if (wanted) {
            EXPECT_EQ(std::get<TxMessage>(messages[1]).raw, to_bytes(tx.raw));
        }
    }
}

}  // namespace
}  // namespace cairn::node
