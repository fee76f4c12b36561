// Rooms: light/client
//
// What a light client spends its time on: headers with all their rules, and matching filters.

#include <benchmark/benchmark.h>

#include "consensus/crypto/sha256.hpp"
#include "consensus/primitives/block_filter.hpp"
#include "consensus/rules/difficulty.hpp"
#include "light/client/header_chain.hpp"
#include "net/core/random.hpp"

namespace cairn {
namespace {

/// A chain at the easiest target, so that headers can be made here. A retarget, once in 2,016 headers, is all that is missing.
ChainParams easy_params() {
    ChainParams params = *make_params(Network::regtest);
    params.allow_min_difficulty_blocks = false;
    return params;
}

std::vector<BlockHeader> make_headers(const ChainParams& params, std::size_t count) {
    HeaderTree tree(params.genesis->header());
    const HeaderNode* tip = tree.genesis();
    std::vector<BlockHeader> headers;
    for (std::size_t i = 0; i < count; ++i) {
        BlockHeader header = tip->header;
        header.version = 0x20000000;
        header.previous = tip->hash;
        header.time = tip->header.time + 600;
        header.bits = rules::next_work_required(*tip, header.time, params);
        header.nonce = 0;
        while (!rules::check_proof_of_work(header.hash(), header.bits, params)) ++header.nonce;
        headers.push_back(header);
        tip = tree.insert(header, header.hash(), tip);
    }
    return headers;
}

/// Headers in messages of 2,000, as they come.
void validate_headers(benchmark::State& state) {
    const ChainParams params = easy_params();
    const std::vector<BlockHeader> headers = make_headers(params, static_cast<std::size_t>(state.range(0)));
    for (auto _ : state) {
        light::HeaderChain chain(params);
        chain.set_now((std::int64_t{headers.back().time} + 1000) * 1'000'000);
        for (std::size_t i = 0; i < headers.size(); i += 2000) {
            const auto accepted = chain.accept_headers(std::span(headers).subspan(i, std::min<std::size_t>(2000, headers.size() - i)));
            if (!accepted) state.SkipWithError("a good header was refused");
        }
        benchmark::DoNotOptimize(chain.tip());
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(headers.size()));
}
BENCHMARK(validate_headers)->Arg(100'000)->Arg(900'000)->Unit(benchmark::kMillisecond)->Iterations(1);

/// A filter of `elements` against `scripts` watched ones; items are the watched scripts looked up in a filter.
void match_filter(benchmark::State& state) {
    net::Random random = net::Random::from_number(1);
    const auto script = [&random] {
        Bytes bytes{0x00, 0x14};
        const Uint256 hash = random.uint256();
        bytes.insert(bytes.end(), hash.data(), hash.data() + 20);
        return bytes;
    };
    std::vector<Bytes> scripts;
    for (std::int64_t i = 0; i < state.range(0); ++i) scripts.push_back(script());
    const std::vector<ByteSpan> elements(scripts.begin(), scripts.end());
    const BlockHash hash{random.uint256()};
    const Bytes filter = gcs::encode(filter_key(hash), elements);
    FilterWatch watch;
    for (std::int64_t i = 0; i < state.range(1); ++i) watch.add(script());
    for (auto _ : state) {
        const auto matches = watch.match(filter_key(hash), filter);
        if (!matches) state.SkipWithError("unreadable filter");
        benchmark::DoNotOptimize(matches);
    }
    const auto matched = static_cast<double>(state.iterations());
    const auto nanoseconds_each = [&](std::int64_t count) {
        return benchmark::Counter(matched * static_cast<double>(count) / 1e9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
    };
    state.SetItemsProcessed(state.iterations() * (state.range(0) + state.range(1)));
    state.counters["ns_per_script"] = nanoseconds_each(state.range(1));
    state.counters["ns_per_element"] = nanoseconds_each(state.range(0));
}
BENCHMARK(match_filter)->ArgNames({"elements", "scripts"})->Args({500, 10'000})->Args({5'000, 10'000})->Args({10'000, 10'000})->Args({5'000, 100})->Args({5'000, 1'000})->Args({500, 100});

}  // namespace
}  // namespace cairn
