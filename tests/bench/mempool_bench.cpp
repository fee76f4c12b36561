// Rooms: node/mempool
// What a transaction costs the mempool when nothing but the mempool is asked: taking in, evicting, mining; and whether it
// knows what it costs the machine.

#include <benchmark/benchmark.h>
#include <malloc.h>
#include <unistd.h>

#include <fstream>

#include "tests/support/mempool_builder.hpp"

namespace cairn::node {
namespace {

using test::MempoolBuilder;

std::size_t resident_bytes() {
    std::ifstream file("/proc/self/statm");
    std::size_t all = 0, resident = 0;
    file >> all >> resident;
    return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

std::vector<MempoolEntry> singles(MempoolBuilder& make, std::size_t count) {
    std::vector<MempoolEntry> list;
    for (std::size_t i = 0; i < count; ++i) {
        const Amount fee = 200 + static_cast<Amount>(make.random().below(20'000));
        list.push_back(make.entry(make.tx({make.coin()}, 2), fee, static_cast<std::int64_t>(i)));
    }
    return list;
}
/// Families of `size`: a chain of which each spends from the one before.
std::vector<MempoolEntry> chains(MempoolBuilder& make, std::size_t count, std::size_t size) {
    std::vector<MempoolEntry> list;
    TransactionPtr last;
    for (std::size_t i = 0; i < count; ++i) {
        last = make.tx({i % size == 0 ? make.coin() : make.out(last)}, 2);
        list.push_back(make.entry(last, 200 + static_cast<Amount>(make.random().below(20'000)), static_cast<std::int64_t>(i)));
    }
    return list;
}

void take_in(Mempool& pool, MempoolEntry entry) {
    Mempool::Staged staged = pool.stage(MempoolBuilder::one(std::move(entry)), {});
    benchmark::DoNotOptimize(staged.change.after().data());
    pool.commit(std::move(staged));
}

/// Into a mempool of `range(0)` transactions that is full: one comes, the worst one leaves. Time per transaction.
void insert_and_evict(benchmark::State& state) {
    MempoolBuilder make;
    Mempool pool{MempoolOptions{}};
    for (MempoolEntry& entry : singles(make, static_cast<std::size_t>(state.range(0)))) take_in(pool, std::move(entry));
    std::size_t limit = pool.memory_usage();
    constexpr std::size_t kBatch = 20'000;
    std::vector<MempoolEntry> fresh = singles(make, kBatch);
    std::size_t next = 0;
    for (auto _ : state) {
        if (next == fresh.size()) {
            state.PauseTiming();
            fresh = singles(make, kBatch);
            next = 0;
            state.ResumeTiming();
        }
        take_in(pool, std::move(fresh[next++]));
        benchmark::DoNotOptimize(pool.expire(-1));
        benchmark::DoNotOptimize(pool.trim_to(limit, 0));
    }
}
BENCHMARK(insert_and_evict)->Arg(10'000)->Arg(300'000)->Arg(1'000'000)->Unit(benchmark::kMicrosecond);

void insert_chains_and_evict(benchmark::State& state) {
    MempoolBuilder make;
    Mempool pool{MempoolOptions{}};
    const std::size_t size = static_cast<std::size_t>(state.range(0));
    for (MempoolEntry& entry : chains(make, 100'000 / size * size, size)) take_in(pool, std::move(entry));
    const std::size_t limit = pool.memory_usage() + 100'000;
    const std::size_t batch = 20'000 / size * size;
    std::vector<MempoolEntry> fresh = chains(make, batch, size);
    std::size_t next = 0;
    for (auto _ : state) {
        if (next == fresh.size() || (next % size == 0 && pool.memory_usage() > limit)) {
            // Evicted between the families, so that no parent is missing.
            pool.trim_to(limit, 0);
        }
        if (next == fresh.size()) {
            state.PauseTiming();
            fresh = chains(make, batch, size);
            next = 0;
            state.ResumeTiming();
        }
        take_in(pool, std::move(fresh[next++]));
    }
}
BENCHMARK(insert_chains_and_evict)->Arg(2)->Arg(25)->Arg(64)->Unit(benchmark::kMicrosecond);

/// A block of `range(0)` transactions leaves a mempool of 300,000.
void mine_block(benchmark::State& state) {
    MempoolBuilder make;
    Mempool pool{MempoolOptions{}};
    for (MempoolEntry& entry : singles(make, 300'000)) take_in(pool, std::move(entry));
    for (auto _ : state) {
        state.PauseTiming();
        std::vector<Transaction> block;
        std::vector<TransactionPtr> kept;
        pool.graph().walk([&](const TxGraph::Chunk& chunk) {
            for (const TxGraph::Id id : chunk.members) {
                kept.push_back(pool.at(id)->tx);
                block.push_back(kept.back()->tx());
            }
            return block.size() < static_cast<std::size_t>(state.range(0)) ? TxGraph::Walk::next : TxGraph::Walk::stop;
        });
        state.ResumeTiming();
        const auto removed = pool.remove_for_block(block);
        state.PauseTiming();
        for (const RemovedEntry& gone : removed) take_in(pool, gone.entry);
        state.ResumeTiming();
    }
}
BENCHMARK(mine_block)->Arg(4000)->Unit(benchmark::kMillisecond)->Iterations(10);

void look_up(benchmark::State& state) {
    MempoolBuilder make;
    Mempool pool{MempoolOptions{}};
    std::vector<Txid> txids;
    for (MempoolEntry& entry : singles(make, 300'000)) {
        txids.push_back(entry.txid());
        take_in(pool, std::move(entry));
    }
    std::size_t next = 0;
    for (auto _ : state) benchmark::DoNotOptimize(pool.find(txids[next++ * 7919 % txids.size()]));
}
BENCHMARK(look_up);

/// Fills 300 MB and then replaces all of it. Counters: what it says it uses and how far the process grew, in MB, when
/// filled and after; `off_%`: how much more the process grew than the mempool says.
void fill_300_mb(benchmark::State& state) {
    for (auto _ : state) {
        malloc_trim(0);  // what others freed before is not ours to grow into
        MempoolBuilder make;
        const std::size_t before = resident_bytes();
        MempoolOptions options;
        Mempool pool(options);
        const auto limit = static_cast<std::size_t>(options.max_bytes);
        const auto size = static_cast<std::size_t>(state.range(0));
        const auto add_family = [&] {
            for (MempoolEntry& entry : chains(make, size, size)) take_in(pool, std::move(entry));
            return pool.trim_to(limit, 0).empty();
        };
        while (add_family()) {}
        const auto report = [&](const std::string& when) {
            const double says = static_cast<double>(pool.memory_usage()), grew = static_cast<double>(resident_bytes() - before);
            state.counters[when + "_says"] = says / 1e6;
            state.counters[when + "_grew"] = grew / 1e6;
            state.counters[when + "_off_%"] = (grew / says - 1) * 100;
        };
        report("filled");
        state.counters["transactions"] = static_cast<double>(pool.size());
        const std::uint64_t until = pool.sequence() + 2 * pool.size();  // additions and removals
        while (pool.sequence() < until) add_family();
        report("turned");
    }
}
BENCHMARK(fill_300_mb)->Arg(1)->Arg(3)->Arg(25)->Iterations(1)->Unit(benchmark::kSecond);

}  // namespace
}  // namespace cairn::node
