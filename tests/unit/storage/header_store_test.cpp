#include "storage/header_store.hpp"

#include <gtest/gtest.h>

#include "consensus/crypto/random.hpp"
#include "storage/memory_kv.hpp"

namespace cairn::storage::test {

namespace {

HeaderRecord record(Height height, std::uint64_t seed) {
    FastRandom random(seed);
    HeaderRecord result;
    result.header.version = 4;
    result.header.previous = BlockHash(random.uint256());
    result.header.merkle_root = random.uint256();
    result.header.time = static_cast<std::uint32_t>(random.next());
    result.header.bits = 0x207fffff;
    result.header.nonce = static_cast<std::uint32_t>(random.next());
    result.hash = BlockHash(random.uint256());
    result.height = height;
    result.status = HeaderRecord::have_data | HeaderRecord::checked;
    result.tx_count = 2500;
    result.data_size = 1'700'000;
    result.undo_size = 300'000;
    return result;
}

}  // namespace

TEST(HeaderStore, ReadsBackWhatWasPut) {
    MemoryKv kv;
    const HeaderStore headers(kv);
    const HeaderRecord one = record(5, 1);
    WriteBatch batch;
    HeaderStore::put(batch, one);
    ASSERT_TRUE(kv.write(batch));
    EXPECT_EQ(*headers.get(5, one.hash), one);
    EXPECT_EQ(*headers.get(6, one.hash), std::nullopt);
    HeaderRecord changed = one;
    changed.status |= HeaderRecord::failed;
    batch.clear();
    HeaderStore::put(batch, changed);
    ASSERT_TRUE(kv.write(batch));
    EXPECT_TRUE((*headers.get(5, one.hash))->has(HeaderRecord::failed));
}

TEST(HeaderStore, VisitsLowHeightsFirstWhateverTheOrderOfPutting) {
    MemoryKv kv;
    const HeaderStore headers(kv);
    WriteBatch batch;
    for (const Height height : {300, 2, 70'000, 256, 0, 2}) HeaderStore::put(batch, record(height, batch.count()));
    ASSERT_TRUE(kv.write(batch));
    std::vector<Height> seen;
    ASSERT_TRUE(headers.for_each([&](const HeaderRecord& each) {
        seen.push_back(each.height);
        return true;
    }));
    EXPECT_EQ(seen, (std::vector<Height>{0, 2, 2, 256, 300, 70'000}));
    int visits = 0;
    ASSERT_TRUE(headers.for_each([&](const HeaderRecord&) { return ++visits < 2; }));
    EXPECT_EQ(visits, 2);
}

TEST(HeaderStore, ReportsADamagedRecord) {
    MemoryKv kv;
    const HeaderStore headers(kv);
    const HeaderRecord one = record(5, 1);
    WriteBatch batch;
    HeaderStore::put(batch, one);
    const auto operation = batch.operation(0);
    WriteBatch damaged;
    damaged.put(Family::headers, operation.key, operation.value.first(operation.value.size() - 1));
    ASSERT_TRUE(kv.write(damaged));
    ASSERT_FALSE(headers.get(5, one.hash));
    const auto walked = headers.for_each([](const HeaderRecord&) { return true; });
    ASSERT_FALSE(walked);
    EXPECT_EQ(walked.error().kind, StorageError::Kind::corruption);
    EXPECT_NE(walked.error().message.find(one.hash.to_display_hex() + " at height 5"), std::string::npos);
}

}  // namespace cairn::storage::test
