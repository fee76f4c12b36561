#include "node/relay/compact_block.hpp"

#include <gtest/gtest.h>

#include <random>

#include "tests/support/block_vectors.hpp"
#include "tests/support/compact_blocks.hpp"
#include "tests/support/vectors.hpp"

namespace cairn::node {
namespace {

using Status = PartialBlock::Status;
using test::block_with;
using test::odd_transaction;
using test::over_the_wire;
using test::TestPool;

class CompactBlock : public testing::Test {
protected:
    std::vector<TransactionPtr> transactions(std::uint32_t count) {
        std::vector<TransactionPtr> txs;
        for (std::uint32_t i = 0; i < count; ++i) txs.push_back(odd_transaction(i, i % 2 == 0));
        return txs;
    }
    BlockPtr block(const std::vector<TransactionPtr>& txs) { return block_with(tree_.genesis(), txs, *params_); }
    /// Rebuilds from `pool` and what is missing; the status of the step that ended it.
    Status rebuild(PartialBlock& partial, net::CompactBlockMessage message, const TestPool& pool, const Block& source) {
        if (const Status read = partial.read(std::move(message)); read != Status::ok) return read;
        if (const Status match = partial.match(pool.candidates(), {}); match != Status::ok) return match;
        const auto pieces = make_block_txn(source, partial.missing());
        return partial.fill(partial.missing().empty() ? Bytes() : pieces->transactions_raw, true);
    }

    ChainParamsPtr params_ = make_params(Network::regtest);
    HeaderTree tree_{params_->genesis->header()};
};

Bytes counting_bytes(std::uint8_t first) {
    Bytes bytes(32);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(first + i);
    return bytes;
}

// Numbers worked out from BIP152's text by another program: SHA-256 of header and nonce, SipHash-2-4, six bytes.
TEST(ShortIds, AreThoseOfTheBip) {
    BlockHeader header;
    header.version = 0x20000000;
    header.previous = BlockHash(ByteSpan(counting_bytes(0)));
    header.merkle_root = Uint256(ByteSpan(counting_bytes(32)));
    header.time = 1700000000;
    header.bits = 0x207fffff;
    header.nonce = 42;
    const SipKey key = short_id_key(header, 0x0123456789abcdef);
    EXPECT_EQ(key.k0, 0x102be1c8fcdbcc28u);
    EXPECT_EQ(key.k1, 0xe5139a30b226a541u);
    EXPECT_EQ(short_id(key, Wtxid(ByteSpan(counting_bytes(0)))), 0x8e2cf55db332u);
    EXPECT_EQ(short_id(key, Wtxid(ByteSpan(counting_bytes(1)))), 0x9917ef350f06u);
    EXPECT_EQ(short_id(key, Wtxid(ByteSpan(counting_bytes(255)))), 0x1c69e56c5e7fu);
}

TEST(ShortIds, OfManyAreThoseOfEach) {
    std::mt19937_64 random(1);
    const SipKey key{random(), random()};
    for (const std::size_t count : {0u, 1u, 3u, 4u, 7u, 8u, 9u, 31u, 100u}) {
        Bytes row(32 * count);
        for (auto& byte : row) byte = static_cast<std::uint8_t>(random());
        std::vector<std::uint64_t> many(count);
        siphash_many(key, row, many);
        for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(many[i], siphash(key, ByteSpan(row).subspan(32 * i, 32))) << i << " of " << count;
    }
}

TEST_F(CompactBlock, SendsTheCoinbaseAndTheIdsOfTheRest) {
    const auto txs = transactions(5);
    const BlockPtr source = block(txs);
    const auto message = over_the_wire(make_compact_block(*source, 99));
    EXPECT_EQ(message.header, source->header());
    ASSERT_EQ(message.short_ids.size(), 5u);
    const SipKey key = short_id_key(source->header(), 99);
    for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(message.short_ids[i], short_id(key, txs[i]->tx().wtxid));
    EXPECT_EQ(message.prefilled_raw.size(), 2 + source->txs()[0].raw.size());
}

TEST_F(CompactBlock, IsRebuiltAtOnceWhenEverythingIsHere) {
    const auto txs = transactions(300);
    const BlockPtr source = block(txs);
    PartialBlock partial;
    EXPECT_EQ(rebuild(partial, over_the_wire(make_compact_block(*source, 1)), TestPool(txs), *source), Status::ok);
    ASSERT_TRUE(partial.block());
    EXPECT_TRUE(std::ranges::equal(partial.block()->raw(), source->raw()));
    EXPECT_EQ(partial.block()->hash(), source->hash());
    EXPECT_EQ(partial.block()->stripped_size(), source->stripped_size());
    for (std::size_t i = 0; i < source->txs().size(); ++i) {
        EXPECT_EQ(partial.block()->txs()[i].txid, source->txs()[i].txid);
        EXPECT_EQ(partial.block()->txs()[i].wtxid, source->txs()[i].wtxid);
    }
    EXPECT_EQ(partial.counts().prefilled, 1u);
    EXPECT_EQ(partial.counts().from_pool, 300u);
    EXPECT_EQ(partial.counts().requested, 0u);
    EXPECT_TRUE(partial.used_up());
}

TEST_F(CompactBlock, AsksForWhatIsMissingOnly) {
    const auto txs = transactions(6);
    const BlockPtr source = block(txs);
    PartialBlock partial;
    TestPool pool({txs[0], txs[2], txs[4], odd_transaction(900)});
    ASSERT_EQ(partial.read(over_the_wire(make_compact_block(*source, 1))), Status::ok);
    ASSERT_EQ(partial.match(pool.candidates(), {}), Status::ok);
    EXPECT_EQ(partial.missing(), (std::vector<std::uint32_t>{2, 4, 6}));
    ASSERT_EQ(partial.fill(make_block_txn(*source, partial.missing())->transactions_raw, true), Status::ok);
    EXPECT_TRUE(std::ranges::equal(partial.block()->raw(), source->raw()));
    EXPECT_EQ(partial.counts().requested, 3u);
    EXPECT_EQ(partial.counts().requested_ids.size(), 3u);
}

TEST_F(CompactBlock, PrefilledTransactionsMayStandAnywhere) {
    const auto txs = transactions(6);
    const BlockPtr source = block(txs);
    for (const std::vector<std::uint32_t>& prefill :
         {std::vector<std::uint32_t>{1}, {6}, {1, 2, 6}, {3, 5}, {1, 2, 3, 4, 5, 6}, {2, 7, 100}}) {
        PartialBlock partial;
        EXPECT_EQ(rebuild(partial, over_the_wire(make_compact_block(*source, 5, prefill)), TestPool(), *source), Status::ok);
        ASSERT_TRUE(partial.block());
        EXPECT_TRUE(std::ranges::equal(partial.block()->raw(), source->raw()));
        EXPECT_EQ(partial.counts().prefilled, 1u + static_cast<std::size_t>(std::ranges::count_if(prefill, [](auto i) { return i <= 6; })));
    }
}

TEST_F(CompactBlock, LooksIntoTheExtraPool) {
    const auto txs = transactions(3);
    const BlockPtr source = block(txs);
    ExtraPool extra(2);
    for (const auto& tx : txs) extra.add(tx);  // the first one made room
    extra.add(odd_transaction(7, false, 200'000));  // too large to be kept
    EXPECT_EQ(extra.size(), 2u);
    PartialBlock partial;
    ASSERT_EQ(partial.read(over_the_wire(make_compact_block(*source, 1))), Status::ok);
    TestPool pool({txs[2]});  // in both: no collision
    ASSERT_EQ(partial.match(pool.candidates(), extra.candidates()), Status::ok);
    EXPECT_EQ(partial.missing(), std::vector<std::uint32_t>{1});
    EXPECT_EQ(partial.counts().from_pool, 2u);
    EXPECT_EQ(partial.counts().from_extra, 1u);
}

TEST_F(CompactBlock, AnExtraPoolOfNothingKeepsNothing) {
    ExtraPool extra(0);
    extra.add(odd_transaction(1));
    EXPECT_EQ(extra.size(), 0u);
}

TEST_F(CompactBlock, AsksForATransactionWhenTwoAnswerToItsId) {
    const auto txs = transactions(2);
    const BlockPtr source = block(txs);
    PartialBlock partial;
    TestPool pool;
    pool.add(txs[0]);
    pool.add_as(odd_transaction(50), txs[0]->tx().wtxid);  // the same short id, another transaction
    pool.add(odd_transaction(51));
    ExtraPool extra(10);
    ASSERT_EQ(partial.read(over_the_wire(make_compact_block(*source, 1))), Status::ok);
    ASSERT_EQ(partial.match(pool.candidates(), extra.candidates()), Status::ok);
    EXPECT_EQ(partial.missing(), (std::vector<std::uint32_t>{2}));  // one id twice in the row is the same transaction

    // Two transactions of different ids.
    TestPool first({txs[0]}), second;
    second.add_as(txs[1], txs[0]->tx().wtxid);
    PartialBlock other;
    ASSERT_EQ(other.read(over_the_wire(make_compact_block(*source, 1))), Status::ok);
    const CandidateTxs liar = second.candidates();
    ASSERT_EQ(other.match({first.candidates().wtxids, liar.at}, first.candidates()), Status::ok);
    EXPECT_EQ(other.missing(), (std::vector<std::uint32_t>{1, 2}));
    EXPECT_EQ(other.counts().from_pool, 0u);
}

TEST_F(CompactBlock, AFalseMatchIsFoundOutAtTheEnd) {
    const auto txs = transactions(2);
    const BlockPtr source = block(txs);
    TestPool pool({txs[0]});
    pool.add_as(odd_transaction(50), txs[1]->tx().wtxid);
    PartialBlock partial;
    EXPECT_EQ(rebuild(partial, over_the_wire(make_compact_block(*source, 1)), pool, *source), Status::failed);
    EXPECT_FALSE(partial.block());
    EXPECT_TRUE(partial.used_up());
}

TEST_F(CompactBlock, AnotherWitnessThanTheCommittedOneIsFoundOut) {
    const auto txs = transactions(2);
    const BlockPtr source = block(txs);
    MutableTransaction other(txs[0]->tx());
    other.inputs[0].witness = {Bytes(20, 9)};
    TestPool pool({txs[1]});
    pool.add_as(other.finish(), txs[0]->tx().wtxid);
    PartialBlock partial;
    EXPECT_EQ(rebuild(partial, over_the_wire(make_compact_block(*source, 1)), pool, *source), Status::failed);
}

TEST_F(CompactBlock, EqualShortIdsEndTheAttempt) {
    const BlockPtr source = block(transactions(3));
    auto message = make_compact_block(*source, 1);
    message.short_ids[2] = message.short_ids[0];
    PartialBlock partial;
    EXPECT_EQ(rebuild(partial, over_the_wire(message), TestPool(), *source), Status::failed);
    EXPECT_TRUE(partial.used_up());
}

TEST_F(CompactBlock, WrongPiecesAreToldApart) {
    const auto txs = transactions(3);
    const BlockPtr source = block(txs);
    const auto fill_with = [&](const Bytes& raw) {
        PartialBlock partial;
        EXPECT_EQ(partial.read(make_compact_block(*source, 1)), Status::ok);
        EXPECT_EQ(partial.match({}, {}), Status::ok);
        return partial.fill(raw, true);
    };
    const auto pieces = [&](std::vector<std::uint32_t> indexes) { return make_block_txn(*source, indexes)->transactions_raw; };
    EXPECT_EQ(fill_with(pieces({1, 2, 3})), Status::ok);
    EXPECT_EQ(fill_with(pieces({1, 2})), Status::invalid);
    EXPECT_EQ(fill_with(pieces({0, 1, 2, 3})), Status::invalid);
    EXPECT_EQ(fill_with(pieces({1, 3, 2})), Status::failed);
    EXPECT_EQ(fill_with({}), Status::unreadable);
    Bytes cut = pieces({1, 2, 3});
    cut.resize(cut.size() - 1);
    EXPECT_EQ(fill_with(cut), Status::unreadable);
    EXPECT_FALSE(make_block_txn(*source, std::vector<std::uint32_t>{4}));
}

TEST_F(CompactBlock, MalformedMessagesAreRefused) {
    const BlockPtr source = block(transactions(2));
    const auto outcome = [&](const net::CompactBlockMessage& message) {
        PartialBlock partial;
        return rebuild(partial, message, TestPool(), *source);
    };
    net::CompactBlockMessage message = make_compact_block(*source, 1);
    const Bytes coinbase = to_bytes(source->txs()[0].raw);
    const auto prefilled = [&](std::vector<std::uint64_t> gaps) {
        Bytes raw;
        Writer writer(raw);
        writer.compact_size(gaps.size());
        for (const auto gap : gaps) {
            writer.compact_size(gap);
            writer.bytes(coinbase);
        }
        return raw;
    };
    // No transactions at all.
    net::CompactBlockMessage empty;
    empty.header = source->header();
    empty.prefilled_raw = {0};
    EXPECT_EQ(outcome(empty), Status::invalid);
    // A place beyond all others; the last possible one is fine.
    message.prefilled_raw = prefilled({3});
    EXPECT_EQ(outcome(message), Status::invalid);
    message.prefilled_raw = prefilled({0, 2});
    EXPECT_NE(outcome(message), Status::invalid);
    message.prefilled_raw = prefilled({0, 3});
    EXPECT_EQ(outcome(message), Status::invalid);
    message.prefilled_raw = prefilled({0xffff, 0xffff});
    EXPECT_EQ(outcome(message), Status::invalid);
    // A place that is no 16-bit number, bytes that end early, more than bytes can hold.
    message.prefilled_raw = prefilled({0x10000});
    EXPECT_EQ(outcome(message), Status::unreadable);
    message.prefilled_raw = prefilled({0});
    message.prefilled_raw.pop_back();
    EXPECT_EQ(outcome(message), Status::unreadable);
    message.prefilled_raw = {0xfd, 0xff, 0xff};
    EXPECT_EQ(outcome(message), Status::unreadable);
    message.prefilled_raw = {};
    EXPECT_EQ(outcome(message), Status::unreadable);
    // A transaction without inputs and outputs.
    message.prefilled_raw = {1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    EXPECT_EQ(outcome(message), Status::invalid);
    // More transactions than 16-bit places.
    message.prefilled_raw = prefilled({0});
    message.short_ids.assign(0xffff, 1);
    EXPECT_EQ(outcome(message), Status::unreadable);
}

TEST_F(CompactBlock, TheRecentOneIsEncodedOnce) {
    const BlockPtr source = block(transactions(3));
    RecentBlock recent;
    EXPECT_FALSE(recent.is(source->hash()));
    recent.set(source, tree_.insert(source->header(), source->hash(), tree_.genesis()), 7, {2});
    EXPECT_TRUE(recent.is(source->hash()));
    const auto first = recent.compact(), second = recent.compact();
    EXPECT_EQ(first.encoded, second.encoded);
    EXPECT_EQ(net::encode_message(first), net::encode_message(make_compact_block(*source, 7, std::vector<std::uint32_t>{2})));
}

// Whatever is known, asked for and prefilled: the same block comes out, or the attempt ends without one.
TEST_F(CompactBlock, RandomRoundTripsGiveTheSameBlock) {
    std::mt19937 random(20240601);
    for (int round = 0; round < 60; ++round) {
        const auto count = random() % 80;
        const auto txs = transactions(static_cast<std::uint32_t>(count));
        const BlockPtr source = block(txs);
        TestPool pool;
        ExtraPool extra(20);
        std::vector<std::uint32_t> prefill;
        for (std::uint32_t i = 0; i < count; ++i) {
            if (random() % 2) pool.add(txs[i]);
            if (random() % 4 == 0) extra.add(txs[i]);
            if (random() % 6 == 0) prefill.push_back(i + 1);
            pool.add(odd_transaction(1000 + random() % 5000));
        }
        PartialBlock partial;
        ASSERT_EQ(partial.read(over_the_wire(make_compact_block(*source, random(), prefill))), Status::ok);
        ASSERT_EQ(partial.match(pool.candidates(), extra.candidates()), Status::ok);
        const auto pieces = make_block_txn(*source, partial.missing());
        ASSERT_EQ(partial.fill(pieces->transactions_raw, true), Status::ok);
        ASSERT_TRUE(std::ranges::equal(partial.block()->raw(), source->raw()));
        EXPECT_EQ(partial.counts().prefilled + partial.counts().from_pool + partial.counts().requested, count + 1);
    }
}

// Damaged bytes never give another block than the one that was sent.
TEST_F(CompactBlock, DamagedMessagesNeverGiveAnotherBlock) {
    std::mt19937 random(7);
    const auto txs = transactions(12);
    const BlockPtr source = block(txs);
    const Bytes good = net::encode_message(make_compact_block(*source, 3, std::vector<std::uint32_t>{4, 9}));
    for (int round = 0; round < 4000; ++round) {
        Bytes bytes = good;
        for (std::uint32_t i = 0; i <= random() % 3; ++i) bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
        if (random() % 8 == 0) bytes.resize(random() % bytes.size());
        auto message = net::decode_message("cmpctblock", bytes);
        if (!message) continue;
        PartialBlock partial;
        if (rebuild(partial, std::get<net::CompactBlockMessage>(std::move(*message)), TestPool(txs), *source) != Status::ok) continue;
        EXPECT_EQ(partial.block()->header().merkle_root, block_merkle_root(partial.block()->txs()).root);
    }
}

}  // namespace
}  // namespace cairn::node
