#include "consensus/primitives/block.hpp"

#include <gtest/gtest.h>

#include "consensus/primitives/merkle.hpp"

namespace cairn {
namespace {

MutableTransaction make_tx(std::uint8_t seed, bool witness) {
    MutableTransaction tx;
    auto& input = tx.inputs.emplace_back();
    input.prevout = {Txid(Uint256(Bytes(32, seed))), seed};
    if (witness) input.witness = {Bytes(3, seed), {}};
    tx.outputs.push_back({seed, Bytes(2, 0x51)});
    return tx;
}

Bytes make_raw(const std::vector<MutableTransaction>& txs) {
    Bytes raw;
    Writer writer(raw);
    BlockHeader header;
    header.version = 4;
    header.time = 77;
    header.write(writer);
    writer.compact_size(txs.size());
    for (const auto& tx : txs) writer.bytes(tx.serialize());
    return raw;
}

TEST(Block, ReadsEveryTransactionWhereItStands) {
    const Bytes raw = make_raw({make_tx(1, false), make_tx(2, true), make_tx(3, false)});
    const auto block = *Block::parse(raw);
    ASSERT_EQ(block->txs().size(), 3u);
    EXPECT_EQ(block->hash(), block->header().hash());
    EXPECT_EQ(block->header().time, 77u);
    std::size_t position = 81;
    for (const Transaction& tx : block->txs()) {
        EXPECT_EQ(tx.raw.data(), block->raw().data() + position);
        position += tx.raw.size();
    }
    EXPECT_EQ(position, raw.size());
    EXPECT_TRUE(block->txs()[1].has_witness());
}

TEST(Block, StripsWitnesses) {
    const auto block = *Block::parse(make_raw({make_tx(1, true), make_tx(2, true)}));
    const Bytes stripped = block->serialize_stripped();
    EXPECT_EQ(stripped.size(), block->stripped_size());
    const auto old = *Block::parse(stripped);
    EXPECT_EQ(old->txs()[0].txid, block->txs()[0].txid);
    EXPECT_FALSE(old->txs()[0].has_witness());
    EXPECT_EQ(block_merkle_root(old->txs()).root, block_merkle_root(block->txs()).root);
    EXPECT_EQ(block->weight(), static_cast<std::int64_t>(3 * stripped.size() + block->raw().size()));
}

TEST(Block, RefusesTruncationTrailingBytesAndHugeCounts) {
    const Bytes raw = make_raw({make_tx(1, false), make_tx(2, true)});
    for (std::size_t size = 0; size < raw.size(); ++size) {
        EXPECT_FALSE(Block::parse(Bytes(raw.begin(), raw.begin() + static_cast<std::ptrdiff_t>(size)))) << size;
    }
    Bytes longer = raw;
    longer.push_back(0);
    EXPECT_EQ(Block::parse(longer).error(), DecodeError::trailing_bytes);
    const auto cut = Block::parse(longer, TrailingBytes::drop);
    ASSERT_TRUE(cut);
    EXPECT_TRUE(std::ranges::equal((*cut)->raw(), raw));
    EXPECT_EQ((*cut)->weight(), (*Block::parse(raw))->weight());
    Bytes huge(raw.begin(), raw.begin() + 80);
    Writer(huge).compact_size(0x01000000);
    EXPECT_EQ(Block::parse(huge).error(), DecodeError::truncated);
}

TEST(Block, ReadsABlockWithoutTransactions) {
    const auto block = Block::parse(make_raw({}));
    ASSERT_TRUE(block);
    EXPECT_TRUE((*block)->txs().empty());
    EXPECT_EQ((*block)->stripped_size(), 81u);
}

}  // namespace
}  // namespace cairn
