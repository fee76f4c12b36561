#include "storage/rocks/rocks_kv.hpp"

#include <unistd.h>

#include <fstream>

#include "storage/block_store.hpp"
#include "storage/coin_store.hpp"
#include "storage/header_store.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/storage/kv_contract.hpp"
#include "tests/unit/storage/rocks/other_process.hpp"

namespace cairn::storage::test {

using cairn::test::TempDir;

struct RocksFixture : ::testing::Test {
    void SetUp() override { ASSERT_NO_FATAL_FAILURE(open()); }
    void open() {
        auto opened = open_rocks(dir.path() / "ledger", {});
        ASSERT_TRUE(opened) << opened.error().message;
        kv = std::move(*opened);
    }
    void reopen() {
        kv.reset();
        open();
    }
    KvStore& store() { return *kv; }

    TempDir dir;
    std::unique_ptr<KvStore> kv;
};
INSTANTIATE_TYPED_TEST_SUITE_P(Rocks, KvContract, RocksFixture);

using RocksKv = RocksFixture;

TEST_F(RocksKv, KeepsEverythingAcrossAnOrderlyStop) {
    WriteBatch batch;
    const Bytes block(1'000'000, 7);
    BlockStore::put_block(batch, {5, BlockHash()}, block);
    put_best_block(batch, {BlockHash(), 5});
    ASSERT_TRUE(store().write(batch));
    ASSERT_TRUE(store().flush());
    auto bulk = store().start_bulk(Family::coins);
    ASSERT_TRUE(bulk->put(as_bytes("a"), as_bytes("1")));
    batch.clear();
    put_best_block(batch, {BlockHash(), 6});
    ASSERT_TRUE(bulk->commit(batch));
    bulk.reset();
    ASSERT_NO_FATAL_FAILURE(reopen());
    EXPECT_EQ(*BlockStore(store()).read_block({5, BlockHash()}), block);
    EXPECT_EQ((*read_best_block(store()))->height, 6);
    EXPECT_TRUE((*store().get(Family::coins, as_bytes("a"))).has_value());
}

/// Do these bytes stand in any file of the database?
bool stands_in_files(const std::filesystem::path& directory, const std::string& text) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
        if (!entry.is_regular_file()) continue;
        std::ifstream in(entry.path(), std::ios::binary);
        const std::string all(std::istreambuf_iterator<char>(in), {});
        if (all.find(text) != std::string::npos) return true;
    }
    return false;
}

TEST_F(RocksKv, ForgetsOldValuesWhenTold) {
    const std::string secret = "q8ZtW3-plain-secret-0yLmN5xK";
    ASSERT_TRUE(store().set_durability(Durability::write_ahead));
    WriteBatch batch;
    batch.put(Family::meta, as_bytes("seed"), as_bytes(secret));
    batch.put(Family::coins, as_bytes("a"), as_bytes("1"));
    ASSERT_TRUE(store().write(batch));
    ASSERT_TRUE(store().flush());
    EXPECT_TRUE(stands_in_files(dir.path(), secret));
    batch.clear();
    batch.put(Family::meta, as_bytes("seed"), as_bytes("sealed"));
    ASSERT_TRUE(store().write(batch));
    ASSERT_TRUE(forget_old_values(store(), Family::meta));
    EXPECT_FALSE(stands_in_files(dir.path(), secret));
    EXPECT_EQ(*store().get(Family::meta, as_bytes("seed")), Bytes({'s', 'e', 'a', 'l', 'e', 'd'}));
    ASSERT_NO_FATAL_FAILURE(reopen());
    EXPECT_EQ(*store().get(Family::meta, as_bytes("seed")), Bytes({'s', 'e', 'a', 'l', 'e', 'd'}));
    EXPECT_TRUE((*store().get(Family::coins, as_bytes("a"))).has_value());
    EXPECT_FALSE(stands_in_files(dir.path(), secret));
}

TEST_F(RocksKv, RefusesASecondOpening) {
    const auto second = open_rocks(dir.path() / "ledger", {});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind, StorageError::Kind::locked) << second.error().message;
}

// Not a test of its own: the other process that holds the lock, started by this name.
TEST(RocksHolder, DISABLED_HoldsADatabase) {
    const auto arguments = OtherProcess::arguments();
    ASSERT_EQ(arguments.size(), 1u) << "to be started by the next test";
    const auto held = open_rocks(arguments[0], {});
    const char byte = held ? 'y' : 'n';
    ASSERT_EQ(::write(OtherProcess::kPipe, &byte, 1), 1);
    ::pause();
}

TEST_F(RocksKv, RefusesADatabaseThatAnotherProcessHolds) {
    const TempDir other;
    OtherProcess holder("RocksHolder.DISABLED_HoldsADatabase", {other.path().string()});
    char byte = 0;
    ASSERT_TRUE(holder.read(byte));
    ASSERT_EQ(byte, 'y');
    const auto opened = open_rocks(other.path(), {});
    holder.kill();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, StorageError::Kind::locked) << opened.error().message;
}

TEST_F(RocksKv, SaysWhenThereIsNone) {
    RocksOptions options;
    options.create = false;
    const auto opened = open_rocks(dir.path() / "elsewhere", options);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, StorageError::Kind::not_found);
}

TEST_F(RocksKv, ReportsDamage) {
    ASSERT_TRUE(store().flush());
    kv.reset();
    {
        std::ofstream current(dir.path() / "ledger" / "CURRENT");
        current << "MANIFEST-999999\n";
    }
    const auto opened = open_rocks(dir.path() / "ledger", {});
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, StorageError::Kind::corruption) << opened.error().message;
}

TEST_F(RocksKv, ReportsDamageInsideAFile) {
    WriteBatch batch;
    const Bytes block(100'000, 7);
    BlockStore::put_block(batch, {5, BlockHash()}, block);
    ASSERT_TRUE(store().write(batch));
    ASSERT_TRUE(store().flush());
    kv.reset();
    for (const auto& entry : std::filesystem::directory_iterator(dir.path() / "ledger")) {
        if (entry.path().extension() != ".blob") continue;
        std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(50'000);
        file.put('x');
    }
    ASSERT_NO_FATAL_FAILURE(open());
    const auto read = BlockStore(store()).read_block({5, BlockHash()});
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().kind, StorageError::Kind::corruption) << read.error().message;
}

TEST_F(RocksKv, ClearsWhatAnInterruptedBulkLeft) {
    const auto left = dir.path() / "ledger" / "bulk" / "1.sst";
    kv.reset();
    std::ofstream(left) << "half a table";
    ASSERT_NO_FATAL_FAILURE(open());
    EXPECT_FALSE(std::filesystem::exists(left));
}

TEST_F(RocksKv, GivesTheSpaceOfErasedBlocksBack) {
    const auto on_disk = [&] {
        std::uintmax_t total = 0;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(dir.path())) {
            std::error_code code;
            const auto size = entry.is_regular_file(code) ? entry.file_size(code) : 0;
            if (!code) total += size;
        }
        return total;
    };
    const Bytes block(1'000'000, 7);
    for (Height height = 0; height < 100; ++height) {
        WriteBatch batch;
        BlockStore::put_block(batch, {height, BlockHash()}, block);
        ASSERT_TRUE(store().write(batch));
        if (height % 20 == 19) { ASSERT_TRUE(store().flush()); }
    }
    EXPECT_GT(on_disk(), 100'000'000u);
    WriteBatch batch;
    for (Height height = 0; height < 80; ++height) BlockStore::erase_block(batch, {height, BlockHash()});
    ASSERT_TRUE(store().write(batch));
    ASSERT_TRUE(store().flush());
    BlockStore blocks(store());
    ASSERT_TRUE(blocks.reclaim_up_to(79));
    for (int i = 0; i < 1000 && on_disk() > 30'000'000; ++i) ::usleep(20'000);
    EXPECT_LT(on_disk(), 30'000'000u);
    EXPECT_EQ(*blocks.read_block({80, BlockHash()}), block);
    EXPECT_EQ(*blocks.read_block({79, BlockHash()}), std::nullopt);
}

TEST_F(RocksKv, DestroyLeavesNothingToOpen) {
    kv.reset();
    ASSERT_TRUE(destroy_rocks(dir.path() / "ledger"));
    RocksOptions options;
    options.create = false;
    EXPECT_EQ(open_rocks(dir.path() / "ledger", options).error().kind, StorageError::Kind::not_found);
    EXPECT_TRUE(destroy_rocks(dir.path() / "nothing"));
}

}  // namespace cairn::storage::test
