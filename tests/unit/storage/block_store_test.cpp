#include "storage/block_store.hpp"

#include <gtest/gtest.h>

#include "storage/codec.hpp"
#include "storage/memory_kv.hpp"

namespace cairn::storage::test {

namespace {

BlockKey key(Height height, std::uint8_t seed) {
    BlockKey result{height, {}};
    result.hash.data()[0] = seed;
    return result;
}

SpentByBlock some_undo() {
    return {{Coin{5'000'000'000, Bytes(25, 7), 1, true}, Coin{0, {}, 200, false}}, {}, {Coin{1, Bytes(34, 1), 800'000, false}}};
}

}  // namespace

TEST(BlockStore, KeepsSeveralBlocksOfOneHeight) {
    MemoryKv kv;
    const BlockStore blocks(kv);
    const Bytes first(300, 1), second(2000, 2);
    WriteBatch batch;
    BlockStore::put_block(batch, key(7, 1), first);
    BlockStore::put_block(batch, key(7, 2), second);
    ASSERT_TRUE(kv.write(batch));
    EXPECT_EQ(*blocks.read_block(key(7, 1)), first);
    EXPECT_EQ(*blocks.read_block(key(7, 2)), second);
    EXPECT_EQ(*blocks.read_block(key(8, 1)), std::nullopt);
    EXPECT_TRUE(blocks.has_block(key(7, 2)));
    EXPECT_FALSE(blocks.has_block(key(7, 3)));
    batch.clear();
    BlockStore::erase_block(batch, key(7, 1));
    ASSERT_TRUE(kv.write(batch));
    EXPECT_FALSE(blocks.has_block(key(7, 1)));
    EXPECT_TRUE(blocks.has_block(key(7, 2)));
}

TEST(BlockStore, ReadsUndoBack) {
    MemoryKv kv;
    const BlockStore blocks(kv);
    WriteBatch batch;
    const std::size_t size = BlockStore::put_undo(batch, key(9, 1), some_undo());
    EXPECT_EQ(size, batch.operation(0).value.size());
    ASSERT_TRUE(kv.write(batch));
    EXPECT_EQ(*blocks.read_undo(key(9, 1)), some_undo());
    EXPECT_EQ(*blocks.read_undo(key(9, 2)), std::nullopt);
    batch.clear();
    BlockStore::erase_undo(batch, key(9, 1));
    ASSERT_TRUE(kv.write(batch));
    EXPECT_EQ(*blocks.read_undo(key(9, 1)), std::nullopt);
}

TEST(BlockStore, ReportsUndoThatIsDamagedOrOfAnotherBlock) {
    MemoryKv kv;
    const BlockStore blocks(kv);
    WriteBatch batch;
    BlockStore::put_undo(batch, key(9, 1), some_undo());
    const Bytes sealed = to_bytes(batch.operation(0).value);
    for (std::size_t i = 0; i <= sealed.size(); ++i) {
        Bytes damaged = sealed;
        if (i < sealed.size()) {
            damaged[i] ^= 1;
        } else {
            damaged.resize(3);
        }
        WriteBatch change;
        change.put(Family::undo, HeightKey(9, key(9, 1).hash).span(), damaged);
        ASSERT_TRUE(kv.write(change));
        const auto undo = blocks.read_undo(key(9, 1));
        ASSERT_FALSE(undo) << i;
        EXPECT_EQ(undo.error().kind, StorageError::Kind::corruption);
    }
    EXPECT_TRUE(open_undo(key(9, 1).hash, sealed));
    EXPECT_FALSE(open_undo(key(9, 2).hash, sealed));
}

}  // namespace cairn::storage::test
