// Rooms: storage/rocks
// What the coin cache and the database cost, with as many coins as benchmark chain S has.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <filesystem>
#include <random>

#include "consensus/crypto/random.hpp"
#include "storage/block_store.hpp"
#include "storage/coin_cache.hpp"
#include "storage/coin_store.hpp"
#include "storage/header_store.hpp"
#include "storage/rocks/rocks_kv.hpp"
#include "tests/support/temp_dir.hpp"

namespace {

using namespace cairn;
using namespace cairn::storage;

constexpr std::size_t kCoins = 1'040'000;
constexpr std::size_t kAhead = 16;

std::vector<OutPoint> make_outpoints(std::size_t count, std::uint64_t seed) {
    FastRandom random(seed);
    std::vector<OutPoint> outpoints;
    Txid txid;
    for (std::size_t i = 0; i < count; ++i) {
        if (i % 2 == 0) txid = Txid(random.uint256());
        outpoints.push_back({txid, static_cast<std::uint32_t>(i % 2)});
    }
    return outpoints;
}

const std::vector<OutPoint>& outpoints() {
    static const auto all = make_outpoints(kCoins, 1);
    return all;
}

const std::vector<OutPoint>& shuffled() {
    static const auto all = [] {
        auto copy = outpoints();
        std::shuffle(copy.begin(), copy.end(), FastRandom(2));
        return copy;
    }();
    return all;
}

struct SampleScripts {
    Bytes p2wpkh = Bytes(22, 1), p2tr = Bytes(34, 2);
    const Bytes& of(std::size_t i) const { return i % 4 == 0 ? p2tr : p2wpkh; }
};
const SampleScripts kScripts;

void fill(CoinCache& cache) {
    std::size_t i = 0;
    for (const OutPoint& outpoint : outpoints()) {
        const auto value = static_cast<Amount>(12'345 + i * 977);
        cache.add(outpoint, CoinView{{value, kScripts.of(i)}, {static_cast<Height>(i / 500), false}});
        ++i;
    }
}

void per_coin(benchmark::State& state) {
    state.counters["per_coin"] = benchmark::Counter(static_cast<double>(kCoins) * static_cast<double>(state.iterations()),
                                                   benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void cache_add(benchmark::State& state) {
    outpoints();
    for (auto _ : state) {
        CoinCache cache;
        fill(cache);
        state.PauseTiming();
        state.counters["bytes/coin"] = static_cast<double>(cache.memory_usage()) / kCoins;
        cache.reset();
        state.ResumeTiming();
    }
    per_coin(state);
}
BENCHMARK(cache_add)->Unit(benchmark::kMillisecond);

void cache_find(benchmark::State& state) {
    CoinCache cache;
    fill(cache);
    Arena arena(1 << 20);
    shuffled();
    for (auto _ : state) {
        Arena scratch(1 << 20);
        for (const OutPoint& outpoint : shuffled()) {
            benchmark::DoNotOptimize(cache.find(outpoint, cache.prepare(outpoint), scratch));
        }
    }
    per_coin(state);
}
BENCHMARK(cache_find)->Unit(benchmark::kMillisecond);

void cache_spend_ahead(benchmark::State& state) {
    shuffled();
    for (auto _ : state) {
        state.PauseTiming();
        CoinCache cache;
        fill(cache);
        state.ResumeTiming();
        Arena scratch(1 << 20);
        std::vector<CoinCache::Probe> probes(kCoins);
        const auto& order = shuffled();
        for (std::size_t i = 0; i < kCoins + 2 * kAhead; ++i) {
            if (i < kCoins) probes[i] = cache.prepare(order[i]);
            if (i >= kAhead && i < kCoins + kAhead) cache.touch(probes[i - kAhead]);
            if (i >= 2 * kAhead) benchmark::DoNotOptimize(cache.spend(order[i - 2 * kAhead], probes[i - 2 * kAhead], scratch));
        }
        state.PauseTiming();
        cache.reset();
        state.ResumeTiming();
    }
    per_coin(state);
}
BENCHMARK(cache_spend_ahead)->Unit(benchmark::kMillisecond);

void cache_spend_plain(benchmark::State& state) {
    shuffled();
    for (auto _ : state) {
        state.PauseTiming();
        CoinCache cache;
        fill(cache);
        state.ResumeTiming();
        for (const OutPoint& outpoint : shuffled()) benchmark::DoNotOptimize(cache.spend(outpoint));
        state.PauseTiming();
        cache.reset();
        state.ResumeTiming();
    }
    per_coin(state);
}
BENCHMARK(cache_spend_plain)->Unit(benchmark::kMillisecond);

void cache_evict_half(benchmark::State& state) {
    for (auto _ : state) {
        state.PauseTiming();
        CoinCache cache;
        fill(cache);
        WriteBatch batch;
        cache.flush(batch, {});
        batch.clear();
        state.ResumeTiming();
        cache.evict(cache.live_bytes() / 2);
    }
    per_coin(state);
}
BENCHMARK(cache_evict_half)->Unit(benchmark::kMillisecond);

std::unique_ptr<KvStore> open_at(const std::filesystem::path& path, bool filter_all = true) {
    RocksOptions options;
    options.filter_all_levels = filter_all;
    auto opened = open_rocks(path, options);
    if (!opened) std::abort();
    return std::move(*opened);
}

void flush_million_coins(benchmark::State& state) {
    for (auto _ : state) {
        state.PauseTiming();
        const cairn::test::TempDir dir;
        auto store = open_at(dir.path());
        CoinCache cache;
        fill(cache);
        state.ResumeTiming();
        WriteBatch batch;
        if (!cache.flush_all(*store, batch, {}, 0)) std::abort();
        state.PauseTiming();
        store.reset();
        state.ResumeTiming();
    }
    per_coin(state);
}
BENCHMARK(flush_million_coins)->Unit(benchmark::kMillisecond)->UseRealTime();

/// Half of the coins spent and as many made, on top of a million on disk.
void flush_churn(benchmark::State& state) {
    const cairn::test::TempDir dir;
    auto store = open_at(dir.path());
    {
        CoinCache cache;
        fill(cache);
        WriteBatch batch;
        if (!cache.flush_all(*store, batch, {}, 0)) std::abort();
    }
    std::uint64_t seed = 10;
    std::size_t next = 0;
    for (auto _ : state) {
        state.PauseTiming();
        CoinCache cache;
        const auto made = make_outpoints(kCoins / 4, ++seed);
        for (std::size_t i = 0; i < made.size(); ++i) cache.add(made[i], CoinView{{1, kScripts.of(i)}, {0, false}});
        for (std::size_t i = 0; i < kCoins / 4; ++i) cache.erase_blind(shuffled()[next++ % kCoins]);
        state.ResumeTiming();
        WriteBatch batch;
        if (!cache.flush_all(*store, batch, {}, 0)) std::abort();
    }
}
BENCHMARK(flush_churn)->Unit(benchmark::kMillisecond)->UseRealTime()->Iterations(8);

void look_up(benchmark::State& state, const std::vector<OutPoint>& wanted, bool one_by_one) {
    const cairn::test::TempDir dir;
    auto store = open_at(dir.path());
    CoinCache cache;
    fill(cache);
    WriteBatch batch;
    if (!cache.flush_all(*store, batch, {}, 0)) std::abort();
    const CoinStore coins(*store);
    std::size_t at = 0, asked = 0;
    constexpr std::size_t kAtOnce = 2000;
    for (auto _ : state) {
        if (at + kAtOnce > wanted.size()) at = 0;
        const auto part = std::span(wanted).subspan(at, kAtOnce);
        if (one_by_one) {
            for (const OutPoint& outpoint : part) benchmark::DoNotOptimize(coins.get(outpoint));
        } else {
            benchmark::DoNotOptimize(coins.multi_get(part));
        }
        at += kAtOnce;
        asked += kAtOnce;
    }
    state.counters["per_key"] = benchmark::Counter(static_cast<double>(asked), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
void disk_multi_get(benchmark::State& state) { look_up(state, shuffled(), false); }
void disk_multi_get_missing(benchmark::State& state) { look_up(state, make_outpoints(kCoins, 3), false); }
void disk_get(benchmark::State& state) { look_up(state, shuffled(), true); }
BENCHMARK(disk_multi_get)->MinTime(1);
BENCHMARK(disk_multi_get_missing)->MinTime(1);
BENCHMARK(disk_get)->MinTime(1);

void write_blocks(benchmark::State& state) {
    Bytes raw(87'000);
    FastRandom(1).fill(raw);
    for (auto _ : state) {
        state.PauseTiming();
        const cairn::test::TempDir dir;
        auto store = open_at(dir.path());
        state.ResumeTiming();
        for (Height height = 0; height < 2411; ++height) {
            WriteBatch batch;
            BlockStore::put_block(batch, {height, BlockHash()}, raw);
            if (!store->write(batch)) std::abort();
        }
        if (!store->flush()) std::abort();
        state.PauseTiming();
        store.reset();
        state.ResumeTiming();
    }
}
BENCHMARK(write_blocks)->Unit(benchmark::kMillisecond)->UseRealTime()->Iterations(3);

void load_million_headers(benchmark::State& state) {
    const cairn::test::TempDir dir;
    auto store = open_at(dir.path());
    FastRandom random(1);
    for (Height height = 0; height < 1'000'000;) {
        WriteBatch batch;
        for (int i = 0; i < 2000; ++i, ++height) {
            HeaderRecord record;
            record.hash = BlockHash(random.uint256());
            record.height = height;
            HeaderStore::put(batch, record);
        }
        if (!store->write(batch)) std::abort();
    }
    if (!store->flush()) std::abort();
    for (auto _ : state) {
        std::size_t count = 0;
        if (!HeaderStore(*store).for_each([&](const HeaderRecord&) { return ++count != 0; })) std::abort();
        if (count != 1'000'000) std::abort();
    }
}
BENCHMARK(load_million_headers)->Unit(benchmark::kMillisecond)->UseRealTime();

void scan_million_coins(benchmark::State& state) {
    const cairn::test::TempDir dir;
    auto store = open_at(dir.path());
    CoinCache cache;
    fill(cache);
    WriteBatch batch;
    if (!cache.flush_all(*store, batch, {}, 0)) std::abort();
    for (auto _ : state) {
        Amount total = 0;
        if (!CoinStore(*store).for_each([&](const OutPoint&, const Coin& coin) {
                total += coin.value;
                return true;
            }))
            std::abort();
        benchmark::DoNotOptimize(total);
    }
}
BENCHMARK(scan_million_coins)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
