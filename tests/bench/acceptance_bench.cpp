// Rooms: node/acceptance
// What it costs to let independent transactions (P2WPKH, one input, one output) into the mempool, in the process: many waiting
// at once, or one after the other with the caller waiting for each; with signatures, and with those known from before.

#include <benchmark/benchmark.h>

#include <future>

#include "tests/support/acceptance_harness.hpp"

namespace cairn::node {
namespace {

using test::AcceptanceHarness;

constexpr unsigned kCoins = 20'000, kOutputs = 1000;

/// A chain with many small coins, and a transaction that spends each.
struct Material {
    Material() : harness(40) {
        std::vector<TransactionPtr> splits;
        for (unsigned i = 0; i < kCoins / kOutputs; ++i)
            splits.push_back(harness.split({harness.coin(static_cast<Height>(i + 1))}, kOutputs, 100'000));
        harness.builder.mine(splits);
        for (const TransactionPtr& split : splits) {
            for (unsigned o = 0; o < kOutputs; ++o) txs.push_back(harness.spend({AcceptanceHarness::out(split, o)}, 1000));
        }
        harness.start();
    }
    AcceptanceHarness harness;
    std::vector<TransactionPtr> txs;
};

void all_at_once(Material& material, std::size_t begin, std::size_t end, bool test_only) {
    std::promise<void> done;
    TxSubmission options;
    options.test_only = test_only;
    for (std::size_t i = begin; i < end; ++i) {
        material.harness.service->submit(material.txs[i], options, [&, last = i + 1 == end](const TxVerdict& verdict) {
            CAIRN_CHECK(verdict.accepted());
            if (last) done.set_value();
        });
    }
    done.get_future().wait();
}

void waiting_together(benchmark::State& state) {
    Material material;
    const bool known = state.range(0) != 0;
    if (known) all_at_once(material, 0, material.txs.size(), true);
    for (auto _ : state) all_at_once(material, 0, material.txs.size(), false);
    state.SetItemsProcessed(kCoins);
}
BENCHMARK(waiting_together)->ArgName("scripts_known")->Arg(0)->Arg(1)->Iterations(1)->Unit(benchmark::kMillisecond)->UseRealTime();

void one_by_one(benchmark::State& state) {
    Material material;
    const bool known = state.range(0) != 0;
    if (known) all_at_once(material, 0, material.txs.size(), true);
    for (auto _ : state) {
        for (const TransactionPtr& tx : material.txs) CAIRN_CHECK(material.harness.accept(tx).accepted());
    }
    state.SetItemsProcessed(kCoins);
}
BENCHMARK(one_by_one)->ArgName("scripts_known")->Arg(0)->Arg(1)->Iterations(1)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace cairn::node
