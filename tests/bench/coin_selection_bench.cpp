// Rooms: light/wallet
// Choosing among the coins of a wallet.
#include <benchmark/benchmark.h>

#include "light/wallet/coin_selection.hpp"

namespace {

using namespace cairn;
using namespace cairn::light;

class NoLack final : public LackSource {
public:
    Amount combined_lack(std::span<const OutPoint>, FeeRate) const override { return 0; }
};

std::vector<Candidate> make_coins(std::size_t count, FeeRate rate) {
    FastRandom random(1);
    std::vector<Candidate> coins(count);
    for (std::size_t i = 0; i < count; ++i) {
        coins[i].outpoint = {Txid(random.uint256()), 0};
        coins[i].value = static_cast<Amount>(10'000 + random.below(5'000'000));
        coins[i].script = Bytes(22, static_cast<std::uint8_t>(i));
        coins[i].depth = 10;
        coins[i].type = i % 3 == 0 ? AddressType::bech32m : AddressType::bech32;
        coins[i].set_size(i % 3 == 0 ? 230 : 272, true);
        coins[i].set_rates(rate, {10'000});
    }
    return coins;
}

void select(benchmark::State& state) {
    const FeeRate rate{state.range(1)};
    const auto coins = make_coins(static_cast<std::size_t>(state.range(0)), rate);
    SelectionParams params;
    params.rate = rate;
    params.change_output_size = 31;
    params.change_spend_vsize = 68;
    params.change_fee = rate.fee(31);
    params.cost_of_change = params.change_fee + 680;
    params.min_change_target = 100'000;
    params.min_viable_change = 700;
    params.base_vsize = 44;
    FastRandom random(2);
    for (auto _ : state) {
        auto found = select_coins(coins, 30'000'000, params, NoLack(), random);
        if (!found) state.SkipWithError("nothing found");
        benchmark::DoNotOptimize(found);
    }
}
BENCHMARK(select)->ArgNames({"coins", "rate"})->Args({100, 5'000})->Args({10'000, 5'000})->Args({10'000, 50'000})->Unit(benchmark::kMillisecond);

}  // namespace
