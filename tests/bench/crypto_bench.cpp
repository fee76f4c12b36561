#include <array>
#include <vector>

#include <benchmark/benchmark.h>

#include "consensus/crypto/bip324.hpp"
#include "consensus/crypto/detail/sha256_backend.hpp"
#include "consensus/crypto/ecc.hpp"
#include "consensus/crypto/hash.hpp"
#include "consensus/crypto/muhash.hpp"
#include "consensus/crypto/random.hpp"
#include "consensus/crypto/sha256.hpp"
#include "consensus/crypto/signature_verifier.hpp"
#include "consensus/crypto/siphash.hpp"

namespace cairn {
namespace {

Bytes random_bytes(std::size_t size) {
    FastRandom random(1);
    Bytes bytes(size);
    random.fill(bytes);
    return bytes;
}

void sha256_bytes(benchmark::State& state) {
    const Bytes data = random_bytes(static_cast<std::size_t>(state.range(0)));
    for (auto _ : state) benchmark::DoNotOptimize(sha256(data));
    state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(sha256_bytes)->Arg(64)->Arg(250)->Arg(1 << 20);

void hash256_80(benchmark::State& state) {
    const Bytes data = random_bytes(80);
    for (auto _ : state) benchmark::DoNotOptimize(hash256(data));
}
BENCHMARK(hash256_80);

void sha256d64(benchmark::State& state) {
    const auto backends = detail::sha256_backends();
    const auto index = static_cast<std::size_t>(state.range(0));
    if (index >= backends.size()) {
        state.SkipWithError("no such backend on this machine");
        return;
    }
    constexpr std::size_t kCount = 1024;
    const Bytes in = random_bytes(64 * kCount);
    Bytes out(32 * kCount);
    for (auto _ : state) detail::sha256d_64_many(backends[index], out.data(), in.data(), kCount);
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kCount));
    state.SetLabel(backends[index].name);
}
BENCHMARK(sha256d64)->DenseRange(0, 2);

void hash160_key(benchmark::State& state) {
    const Bytes data = random_bytes(33);
    for (auto _ : state) benchmark::DoNotOptimize(hash160(data));
}
BENCHMARK(hash160_key);

const Uint256 kMessage = sha256(as_bytes("message"));

void ecdsa_verify(benchmark::State& state) {
    const PrivateKey key = PrivateKey::random();
    const auto point = key.public_key().compressed();
    const Bytes signature = key.sign_ecdsa(kMessage);
    for (auto _ : state) benchmark::DoNotOptimize(verify_ecdsa(point, kMessage, signature));
}
BENCHMARK(ecdsa_verify);

void schnorr_verify(benchmark::State& state) {
    const PrivateKey key = PrivateKey::random();
    const Uint256 point = key.public_key().xonly();
    const auto signature = key.sign_schnorr(kMessage.span(), Uint256());
    for (auto _ : state) benchmark::DoNotOptimize(verify_schnorr(point, kMessage.span(), signature));
}
BENCHMARK(schnorr_verify);

void signature_rows(benchmark::State& state) {
    const PrivateKey key = PrivateKey::random();
    const auto point = key.public_key().compressed();
    const Bytes signature = key.sign_ecdsa(kMessage);
    const std::vector<SignatureRow> rows(256, EcdsaRow{point, kMessage, signature});
    std::vector<std::uint8_t> verdicts(rows.size());
    for (auto _ : state) default_signature_verifier().verify(rows, verdicts);
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(rows.size()));
}
BENCHMARK(signature_rows);

void siphash24_outpoint(benchmark::State& state) {
    Uint256 hash = kMessage;
    for (auto _ : state) {
        hash.data()[0] ^= static_cast<std::uint8_t>(siphash({1, 2}, hash, 3));
        benchmark::DoNotOptimize(hash);
    }
}
BENCHMARK(siphash24_outpoint);

void siphash13_jumbo_outpoint(benchmark::State& state) {
    Uint256 hash = kMessage;
    for (auto _ : state) {
        hash.data()[0] ^= static_cast<std::uint8_t>(siphash13_jumbo({1, 2}, hash, 3));
        benchmark::DoNotOptimize(hash);
    }
}
BENCHMARK(siphash13_jumbo_outpoint);

void muhash_insert(benchmark::State& state) {
    const Bytes data = random_bytes(80);
    MuHash3072 set;
    for (auto _ : state) set.insert(data);
}
BENCHMARK(muhash_insert);

void muhash_multiply(benchmark::State& state) {
    const Bytes bytes = random_bytes(Num3072::kBytes);
    Num3072 number{ByteSpan(bytes)};
    const Num3072 factor = number;
    for (auto _ : state) number *= factor;
    benchmark::DoNotOptimize(number);
}
BENCHMARK(muhash_multiply);

void muhash_finish(benchmark::State& state) {
    MuHash3072 set;
    set.insert(random_bytes(80)).remove(random_bytes(81));
    for (auto _ : state) benchmark::DoNotOptimize(set.finish());
}
BENCHMARK(muhash_finish);

void bip324_encrypt(benchmark::State& state) {
    Bip324Cipher one({0xf9, 0xbe, 0xb4, 0xd9}), other({0xf9, 0xbe, 0xb4, 0xd9});
    one.initialize(other.our_key(), true);
    const Bytes contents = random_bytes(static_cast<std::size_t>(state.range(0)));
    Bytes packet(contents.size() + Bip324Cipher::kExpansion);
    for (auto _ : state) one.encrypt(contents, {}, false, packet);
    state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(bip324_encrypt)->Arg(64)->Arg(1 << 20);

}  // namespace
}  // namespace cairn

BENCHMARK_MAIN();
