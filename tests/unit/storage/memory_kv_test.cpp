#include "storage/memory_kv.hpp"

#include "tests/unit/storage/kv_contract.hpp"

namespace cairn::storage::test {

struct MemoryFixture : ::testing::Test {
    MemoryKv kv;
    KvStore& store() { return kv; }
};
INSTANTIATE_TYPED_TEST_SUITE_P(Memory, KvContract, MemoryFixture);

namespace {

Stored<void> put(KvStore& store, std::string_view key) {
    WriteBatch batch;
    batch.put(Family::meta, as_bytes(key), as_bytes("1"));
    return store.write(batch);
}

bool has(const KvStore& store, std::string_view key) { return (*store.get(Family::meta, as_bytes(key))).has_value(); }

}  // namespace

TEST(MemoryKv, LosesWhatWasNotFlushedWhenItCrashes) {
    MemoryKv kv;
    ASSERT_TRUE(put(kv, "a"));
    ASSERT_TRUE(kv.flush());
    ASSERT_TRUE(put(kv, "b"));
    EXPECT_EQ(kv.pending_writes(), 1u);
    kv.crash();
    EXPECT_TRUE(has(kv, "a"));
    EXPECT_FALSE(has(kv, "b"));
}

TEST(MemoryKv, MayLoseOnlyTheNewestWrites) {
    MemoryKv kv;
    for (const char* key : {"a", "b", "c"}) ASSERT_TRUE(put(kv, key));
    kv.crash_losing(1);
    EXPECT_TRUE(has(kv, "a") && has(kv, "b"));
    EXPECT_FALSE(has(kv, "c"));
}

TEST(MemoryKv, KeepsLoggedWritesInACrash) {
    MemoryKv kv;
    ASSERT_TRUE(put(kv, "a"));
    ASSERT_TRUE(kv.set_durability(Durability::write_ahead));
    ASSERT_TRUE(put(kv, "b"));
    kv.crash();
    EXPECT_TRUE(has(kv, "a") && has(kv, "b"));
}

TEST(MemoryKv, FailsTheWriteItWasToldToAndAllAfterIt) {
    MemoryKv kv;
    kv.fail_after(2);
    EXPECT_TRUE(put(kv, "a"));
    EXPECT_FALSE(put(kv, "b"));
    EXPECT_FALSE(kv.flush());
    EXPECT_FALSE(has(kv, "b"));
    kv.crash();
    EXPECT_TRUE(put(kv, "c"));
    EXPECT_TRUE(has(kv, "c"));
}

TEST(MemoryKv, ABulkThatFailsChangesNothing) {
    MemoryKv kv;
    kv.fail_after(1);
    auto bulk = kv.start_bulk(Family::coins);
    ASSERT_TRUE(bulk->put(as_bytes("a"), as_bytes("1")));
    WriteBatch batch;
    batch.put(Family::meta, as_bytes("best"), as_bytes("1"));
    const auto committed = bulk->commit(batch);
    ASSERT_FALSE(committed);
    EXPECT_EQ(committed.error().kind, StorageError::Kind::io);
    EXPECT_FALSE(has(kv, "best"));
}

}  // namespace cairn::storage::test
