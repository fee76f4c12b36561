#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include "consensus/crypto/random.hpp"
#include "storage/block_store.hpp"
#include "storage/coin_cache.hpp"
#include "storage/coin_store.hpp"
#include "storage/header_store.hpp"
#include "storage/rocks/rocks_kv.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/storage/rocks/other_process.hpp"

namespace cairn::storage::test {

namespace {

using cairn::test::TempDir;

// A made-up ledger in which everything follows from the height: block h makes kCoinsPerBlock coins and spends those of
// block h - 3. A child process writes it and is killed; what is found then must be the ledger of some height.
constexpr std::uint32_t kCoinsPerBlock = 40;
constexpr Height kLife = 3;

BlockHash hash_of(Height height) {
    BlockHash hash;
    std::memcpy(hash.data(), &height, sizeof height);
    return hash;
}

OutPoint outpoint_of(Height height, std::uint32_t index) {
    OutPoint outpoint;
    FastRandom(static_cast<std::uint64_t>(height) * kCoinsPerBlock + index).fill(outpoint.txid.span());
    outpoint.index = index;
    return outpoint;
}

Coin coin_of(Height height, std::uint32_t index) {
    return {height * 1000 + index, Bytes(25, static_cast<std::uint8_t>(index)), height, index == 0};
}

Bytes block_of(Height height) { return Bytes(20'000 + height % 100, static_cast<std::uint8_t>(height)); }

void check(bool good) {
    if (!good) ::_exit(2);
}

void advance(CoinCache& cache, const CoinStore& coins, Height height) {
    for (std::uint32_t i = 0; i < kCoinsPerBlock; ++i) {
        if (height >= kLife) {
            const OutPoint old = outpoint_of(height - kLife, i);
            if (cache.contains(old) == CoinCache::Lookup::unknown) {
                const auto coin = coins.get(old);
                check(coin.has_value() && coin->has_value());
                cache.insert_from_disk(old, **coin, cache.epoch());
            }
            check(cache.spend(old) == coin_of(height - kLife, i));
        }
        cache.add(outpoint_of(height, i), coin_of(height, i));
    }
}

/// Writes blocks for ever; tells each durable height through the pipe.
[[noreturn]] void write_until_killed(const std::filesystem::path& directory, Durability mode, std::uint64_t seed, int pipe) {
    auto opened = open_rocks(directory, {});
    check(opened.has_value());
    KvStore& store = **opened;
    check(store.set_durability(mode).has_value());
    const CoinStore coins(store);
    CoinCache cache;
    FastRandom random(seed);
    const auto best = read_best_block(store);
    check(best.has_value());
    for (Height height = *best ? (*best)->height + 1 : 0;; ++height) {
        const Bytes raw = block_of(height);
        WriteBatch batch;
        BlockStore::put_block(batch, {height, hash_of(height)}, raw);
        HeaderRecord record;
        record.hash = hash_of(height);
        record.height = height;
        record.data_size = raw.size();
        HeaderStore::put(batch, record);
        advance(cache, coins, height);
        if (mode == Durability::write_ahead) {
            cache.flush(batch, {hash_of(height), height});
            check(store.write(batch).has_value());
        } else {
            check(store.write(batch).has_value());
            if (random.below(10) != 0) continue;
            WriteBatch marker;
            check(cache.flush_all(store, marker, {hash_of(height), height}, random.below(2) * 3000).has_value());
        }
        check(::write(pipe, &height, sizeof height) == sizeof height);
    }
}

void expect_consistent(const std::filesystem::path& directory, Height at_least) {
    auto opened = open_rocks(directory, {});
    ASSERT_TRUE(opened) << opened.error().message;
    KvStore& store = **opened;
    const auto best = read_best_block(store);
    ASSERT_TRUE(best);
    const Height height = *best ? (*best)->height : -1;
    EXPECT_GE(height, at_least) << "what was durable is gone";

    std::map<OutPoint, Coin> expected;
    for (Height h = std::max(0, height - kLife + 1); h <= height; ++h) {
        for (std::uint32_t i = 0; i < kCoinsPerBlock; ++i) expected[outpoint_of(h, i)] = coin_of(h, i);
    }
    std::map<OutPoint, Coin> found;
    ASSERT_TRUE(CoinStore(store).for_each([&](const OutPoint& outpoint, const Coin& coin) {
        found[outpoint] = coin;
        return true;
    }));
    EXPECT_EQ(found, expected) << "at height " << height;

    // Headers and blocks may be ahead of the coins, but without gaps and both together.
    Height next = 0;
    const BlockStore blocks(store);
    ASSERT_TRUE(HeaderStore(store).for_each([&](const HeaderRecord& record) {
        EXPECT_EQ(record.height, next++);
        const auto raw = blocks.read_block({record.height, record.hash});
        EXPECT_TRUE(raw && *raw == block_of(record.height)) << record.height;
        return true;
    }));
    EXPECT_GT(next, height);
}

void kill_and_look(Durability mode, int rounds) {
    const TempDir dir;
    FastRandom random(20);
    for (int round = 0; round < rounds && !::testing::Test::HasFailure(); ++round) {
        OtherProcess writer("CrashWriter.DISABLED_WritesUntilKilled",
                            {dir.path().string(), mode == Durability::write_ahead ? "log" : "flush", std::to_string(random.next())});
        Height durable = 0;
        ASSERT_TRUE(writer.read(durable)) << "the writer failed";
        ::usleep(static_cast<useconds_t>(random.below(60'000)));
        writer.kill();
        for (Height told; writer.read(told);) durable = told;
        EXPECT_TRUE(WIFSIGNALED(writer.wait())) << "the writer ended by itself";
        ASSERT_NO_FATAL_FAILURE(expect_consistent(dir.path(), durable));
    }
}

}  // namespace

// Not a test of its own: the child process that the crash tests start by this name and kill.
TEST(CrashWriter, DISABLED_WritesUntilKilled) {
    const auto arguments = OtherProcess::arguments();
    ASSERT_EQ(arguments.size(), 3u) << "to be started by the tests below";
    write_until_killed(arguments[0], arguments[1] == "log" ? Durability::write_ahead : Durability::flush_only,
                       std::stoull(arguments[2]), OtherProcess::kPipe);
}

TEST(Crash, WithoutTheLogLeavesTheLedgerOfSomeFlush) { kill_and_look(Durability::flush_only, 25); }

TEST(Crash, WithTheLogLosesNoBlock) { kill_and_look(Durability::write_ahead, 25); }

}  // namespace cairn::storage::test
