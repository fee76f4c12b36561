#include "storage/schema.hpp"

#include <gtest/gtest.h>

#include "consensus/base/codec.hpp"
#include "storage/memory_kv.hpp"

namespace cairn::storage::test {

namespace {

NetworkIdentity network(std::uint8_t seed) {
    NetworkIdentity identity;
    identity.magic = {seed, 1, 2, 3};
    identity.genesis.data()[0] = seed;
    identity.name = "net" + std::to_string(seed);
    return identity;
}

void put_raw(KvStore& store, std::string_view key, std::uint64_t value) {
    Bytes bytes;
    Writer(bytes).u64(value);
    WriteBatch batch;
    batch.put(Family::meta, as_bytes(key), bytes);
    ASSERT_TRUE(store.write(batch));
}

}  // namespace

TEST(Schema, MarksAnEmptyStoreAndKnowsItAgain) {
    MemoryKv kv;
    ASSERT_TRUE(open_schema(kv, network(1)));
    kv.crash();
    EXPECT_TRUE(open_schema(kv, network(1)));
}

TEST(Schema, RefusesAnotherNetworksData) {
    MemoryKv kv;
    ASSERT_TRUE(open_schema(kv, network(1)));
    const auto opened = open_schema(kv, network(2));
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, StorageError::Kind::foreign);
    EXPECT_NE(opened.error().message.find("net2"), std::string::npos);
}

TEST(Schema, RefusesANewerFormat) {
    MemoryKv kv;
    ASSERT_TRUE(open_schema(kv, network(1)));
    put_raw(kv, "version", kSchemaVersion + 1);
    const auto opened = open_schema(kv, network(1));
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, StorageError::Kind::newer_format);
}

TEST(Schema, RefusesDataWithoutAVersion) {
    MemoryKv kv;
    put_raw(kv, "something", 1);
    const auto opened = open_schema(kv, network(1));
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, StorageError::Kind::foreign);
}

TEST(Schema, ReportsADamagedVersion) {
    MemoryKv kv;
    WriteBatch batch;
    batch.put(Family::meta, as_bytes("version"), as_bytes("abc"));
    ASSERT_TRUE(kv.write(batch));
    const auto opened = open_schema(kv, network(1));
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, StorageError::Kind::corruption);
}

TEST(Schema, KeepsTheBestBlockAndFacts) {
    MemoryKv kv;
    EXPECT_EQ(*read_best_block(kv), std::nullopt);
    EXPECT_EQ(*read_fact(kv, "prune_height"), std::nullopt);
    BestBlock best;
    best.hash.data()[5] = 9;
    best.height = 123'456;
    WriteBatch batch;
    put_best_block(batch, best);
    put_fact(batch, "prune_height", 77);
    ASSERT_TRUE(kv.write(batch));
    EXPECT_EQ(*read_best_block(kv), best);
    EXPECT_EQ(*read_fact(kv, "prune_height"), 77u);
    batch.clear();
    erase_best_block(batch);
    ASSERT_TRUE(kv.write(batch));
    EXPECT_EQ(*read_best_block(kv), std::nullopt);
}

}  // namespace cairn::storage::test
