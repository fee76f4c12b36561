// Rooms: node/mining
#include <benchmark/benchmark.h>

#include "node/mining/block_builder.hpp"
#include "node/mining/block_template.hpp"
#include "tests/support/mempool_builder.hpp"

// What a block template costs with a mempool of 300 MB: choosing transactions (the mempool's lock is held meanwhile), the
// witness commitment, and the JSON of getblocktemplate.
namespace cairn::node {
namespace {

constexpr std::size_t kPoolBytes = 300'000'000;

/// Payments of one or two inputs and two outputs, a third of them spending others that wait.
const Mempool& full_pool() {
    static Mempool* pool = [] {
        MempoolOptions options;
        options.max_bytes = 4 * static_cast<std::int64_t>(kPoolBytes);
        auto* made = new Mempool(options);
        test::MempoolBuilder builder;
        std::vector<OutPoint> free;
        while (made->memory_usage() < kPoolBytes) {
            std::vector<OutPoint> inputs;
            if (!free.empty() && builder.random().below(3) == 0) {
                inputs.push_back(free.back());
                free.pop_back();
            }
            if (inputs.empty() || builder.random().below(3) == 0) inputs.push_back(builder.coin());
            const TransactionPtr tx = builder.tx(inputs, 2);
            if (!test::MempoolBuilder::add(*made, tx, static_cast<Amount>(100 + builder.random().below(50'000)))) continue;
            if (builder.random().below(2) == 0) free.push_back(test::MempoolBuilder::out(tx));
            if (free.size() > 1000) free.erase(free.begin(), free.begin() + 500);
        }
        std::printf("%zu transactions, %zu MB\n", made->size(), made->memory_usage() / 1'000'000);
        return made;
    }();
    return *pool;
}

SelectionLimits limits() {
    SelectionLimits made;
    made.height = 1'000;
    return made;
}

void BM_Select(benchmark::State& state) {
    const Mempool& pool = full_pool();
    for (auto _ : state) benchmark::DoNotOptimize(select_for_block(pool, limits()));
    state.counters["transactions"] = static_cast<double>(select_for_block(pool, limits()).transactions.size());
}
BENCHMARK(BM_Select)->Unit(benchmark::kMillisecond);

void BM_Commitment(benchmark::State& state) {
    std::vector<Wtxid> wtxids;
    for (const auto& one : select_for_block(full_pool(), limits()).transactions) wtxids.push_back(one.tx->tx().wtxid);
    for (auto _ : state) benchmark::DoNotOptimize(BlockBuilder::witness_commitment(wtxids));
}
BENCHMARK(BM_Commitment)->Unit(benchmark::kMillisecond);

void BM_Render(benchmark::State& state) {
    const BlockSelection selection = select_for_block(full_pool(), limits());
    std::size_t bytes = 0;
    for (auto _ : state) bytes = render_transactions(selection, true).size();
    state.counters["MB"] = static_cast<double>(bytes) / 1e6;
}
BENCHMARK(BM_Render)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace cairn::node
