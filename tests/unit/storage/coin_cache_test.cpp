#include "storage/coin_cache.hpp"

#include <gtest/gtest.h>

#include "consensus/chain/coin_codec.hpp"
#include "consensus/crypto/random.hpp"
#include "storage/coin_store.hpp"
#include "storage/detail/packed_coin.hpp"
#include "storage/memory_kv.hpp"

namespace cairn::storage::test {

namespace {

OutPoint outpoint(std::uint64_t seed, std::uint32_t index = 0) { return {Txid(FastRandom(seed).uint256()), index}; }
Coin coin(Amount value) { return {value, Bytes(22, 5), 100, false}; }
using Lookup = CoinCache::Lookup;

}  // namespace

TEST(CoinCache, WhatIsMadeAndSpentBeforeAFlushNeverReachesTheDisk) {
    CoinCache cache;
    cache.add(outpoint(1), coin(1));
    EXPECT_EQ(cache.spend(outpoint(1)), coin(1));
    EXPECT_EQ(cache.contains(outpoint(1)), Lookup::unknown);
    EXPECT_EQ(cache.size(), 0u);
    WriteBatch batch;
    cache.flush(batch, {});
    EXPECT_EQ(batch.count(), 1u) << "only the best-block marker";
}

TEST(CoinCache, ACoinOfTheDiskLeavesATombstone) {
    CoinCache cache;
    ASSERT_TRUE(cache.insert_from_disk(outpoint(1), coin(1), cache.epoch()));
    EXPECT_EQ(cache.dirty_count(), 0u);
    EXPECT_EQ(cache.spend(outpoint(1)), coin(1));
    EXPECT_EQ(cache.contains(outpoint(1)), Lookup::spent);
    EXPECT_EQ(cache.spend(outpoint(1)), std::nullopt);
    EXPECT_EQ(cache.find(outpoint(1)), std::nullopt);
    WriteBatch batch;
    cache.flush(batch, {});
    ASSERT_EQ(batch.count(), 2u);
    EXPECT_EQ(batch.operation(0).kind, WriteBatch::Operation::Kind::erase);
    EXPECT_EQ(cache.contains(outpoint(1)), Lookup::unknown);
}

TEST(CoinCache, ACoinThatReplacesATombstoneIsNotFresh) {
    CoinCache cache;
    cache.insert_from_disk(outpoint(1), coin(1), cache.epoch());
    cache.spend(outpoint(1));
    cache.add(outpoint(1), coin(2));
    EXPECT_EQ(cache.spend(outpoint(1)), coin(2));
    EXPECT_EQ(cache.contains(outpoint(1)), Lookup::spent) << "the disk still has the first coin";
}

TEST(CoinCache, ADuplicateThatMayBeOnDiskIsNotFresh) {
    CoinCache cache;
    cache.add(outpoint(1), coin(1), true);
    cache.spend(outpoint(1));
    EXPECT_EQ(cache.contains(outpoint(1)), Lookup::spent);
}

TEST(CoinCache, ErasesWhatItNeverRead) {
    CoinCache cache;
    cache.erase_blind(outpoint(1));
    EXPECT_EQ(cache.contains(outpoint(1)), Lookup::spent);
    cache.add(outpoint(2), coin(1));
    cache.erase_blind(outpoint(2));
    EXPECT_EQ(cache.contains(outpoint(2)), Lookup::unknown) << "it was fresh";
}

TEST(CoinCache, RefusesAnswersOlderThanAFlush) {
    MemoryKv kv;
    CoinCache cache;
    const auto epoch = cache.epoch();
    cache.insert_from_disk(outpoint(1), coin(1), epoch);
    cache.spend(outpoint(1));
    WriteBatch batch;
    cache.flush(batch, {});
    EXPECT_FALSE(cache.insert_from_disk(outpoint(1), coin(1), epoch)) << "it would bring a spent coin back";
    EXPECT_EQ(cache.contains(outpoint(1)), Lookup::unknown);
}

TEST(CoinCache, KeepsTheYoungestAndEveryDirtyCoinWhenItEvicts) {
    CoinCache cache;
    for (Height height = 0; height < 1000; ++height) {
        cache.insert_from_disk(outpoint(static_cast<std::uint64_t>(height)), {1, Bytes(22, 5), height, false}, cache.epoch());
    }
    cache.add(outpoint(5000), Coin{1, Bytes(22, 5), 0, false});
    cache.evict(100 * 80);
    EXPECT_EQ(cache.contains(outpoint(5000)), Lookup::unspent);
    EXPECT_EQ(cache.contains(outpoint(999)), Lookup::unspent);
    EXPECT_EQ(cache.contains(outpoint(0)), Lookup::unknown);
    EXPECT_LE(cache.size(), 110u);
    EXPECT_GE(cache.size(), 90u);
    cache.check_consistency();
}

TEST(CoinCache, ReportsMemoryThatGrowsWithItsCoinsAndGoesBack) {
    CoinCache cache;
    const std::size_t before = cache.memory_usage();
    for (std::uint64_t i = 0; i < 100'000; ++i) cache.add(outpoint(i), coin(1));
    const std::size_t each = (cache.memory_usage() - before) / 100'000;
    EXPECT_GE(each, 70u);
    EXPECT_LE(each, 110u) << "22 of them are the script";
    EXPECT_GE(cache.memory_usage(), cache.live_bytes());
    MemoryKv kv;
    WriteBatch batch;
    ASSERT_TRUE(cache.flush_all(kv, batch, {}, 0));
    EXPECT_EQ(cache.memory_usage(), before);
}

TEST(CoinCache, CreatingAndSpendingForeverTakesNoMoreMemory) {
    CoinCache cache;
    std::size_t after_first = 0;
    for (std::uint64_t round = 0; round < 50; ++round) {
        for (std::uint64_t i = 0; i < 1000; ++i) cache.add(outpoint(round * 1000 + i), coin(static_cast<Amount>(i)));
        for (std::uint64_t i = 0; i < 1000; ++i) ASSERT_TRUE(cache.spend(outpoint(round * 1000 + i)));
        if (round == 0) after_first = cache.memory_usage();
    }
    EXPECT_LE(cache.memory_usage(), after_first * 11 / 10);
}

TEST(CoinCache, StopsWhenTheDiskFailsAndTellsWhy) {
    MemoryKv kv;
    CoinCache cache;
    cache.add(outpoint(1), coin(1));
    kv.fail_after(1);
    WriteBatch batch;
    const auto flushed = cache.flush_all(kv, batch, {}, 0);
    ASSERT_FALSE(flushed);
    EXPECT_EQ(flushed.error().kind, StorageError::Kind::io);
    EXPECT_TRUE(*CoinStore(kv).empty());
}

TEST(CoinCache, TakesScriptsOfAnySize) {
    CoinCache cache;
    for (const std::size_t size : {0u, 1u, 990u, 1010u, 1023u, 1024u, 1100u, 10'000u, 1u << 20}) {
        const Coin large{kMaxMoney, Bytes(size, 0x51), 2'000'000'000, true};
        cache.add(outpoint(size, static_cast<std::uint32_t>(size)), large);
        EXPECT_EQ(cache.find(outpoint(size, static_cast<std::uint32_t>(size))), large);
    }
    cache.check_consistency();
}

TEST(PackedCoin, IsTheDiskFormForEverythingButUncompressedKeys) {
    FastRandom random(3);
    for (int i = 0; i < 5000; ++i) {
        Bytes script(random.below(70));
        random.fill(script);
        const auto shape = random.below(4);
        if (shape == 1 && script.size() >= 25) script.resize(25), script[0] = 0x76, script[1] = 0xa9, script[2] = 20, script[23] = 0x88, script[24] = 0xac;
        if (shape == 2 && script.size() >= 23) script.resize(23), script[0] = 0xa9, script[1] = 20, script[22] = 0x87;
        if (shape == 3 && script.size() >= 35) script.resize(35), script[0] = 33, script[1] = 3, script[34] = 0xac;
        const Coin one{static_cast<Amount>(random.below(kMaxMoney)), script, static_cast<Height>(random.below(1u << 31)), random.flip()};
        Bytes disk;
        Writer writer(disk);
        write_coin(writer, one);
        const auto packed = detail::pack(one.value, one.script_pubkey, one.height, one.coinbase);
        Bytes mine(packed.size());
        packed.copy_to(mine.data());
        ASSERT_EQ(mine, disk);
        const detail::UnpackedCoin back(mine);
        Bytes script_back(back.script_size());
        back.write_script(script_back.data());
        ASSERT_EQ((Coin{back.value, script_back, back.origin.height, back.origin.coinbase}), one);
    }
}

}  // namespace cairn::storage::test
