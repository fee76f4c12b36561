// Rooms: consensus/script
//
// What one input costs: through the interpreter, through rows, and the part of rows that is not the signature itself.

#include <benchmark/benchmark.h>

#include "consensus/script/rows.hpp"
#include "consensus/script/verify.hpp"
#include "tests/support/spend_builder.hpp"

namespace cairn {
namespace {

using test::SpendBuilder;
using test::SpendChoice;
using test::SpendKind;

/// A transaction with `inputs` signed inputs of one kind.
struct Spend {
    SpendBuilder builder{1};
    TransactionPtr tx;
    std::vector<TxOutput> spent;
    PrecomputedTxData precomputed;

    Spend(const SpendChoice& choice, std::size_t inputs) {
        for (std::size_t i = 0; i < inputs; ++i) builder.add(choice);
        builder.sign();
        tx = builder.tx().finish();
        spent = builder.spent_outputs();
        precomputed = PrecomputedTxData(tx->tx(), spent);
    }
};

SpendChoice choice_of(int kind) {
    SpendChoice choice;
    choice.kind = static_cast<SpendKind>(kind);
    if (choice.kind >= SpendKind::multisig) choice.keys = choice.required = 2;
    if (choice.kind == SpendKind::p2tr_key || choice.kind == SpendKind::p2tr_script) choice.hash_type = kSighashDefault;
    return choice;
}

constexpr const char* kKindNames[] = {
    "p2pk",        "p2pkh",    "p2wpkh",        "p2sh_p2wpkh",    "p2tr_key",
    "p2tr_script", "multisig", "p2sh_multisig", "p2wsh_multisig", "p2sh_p2wsh_multisig"};

class Yes final : public SignatureOracle {
    bool verify_ecdsa(ByteSpan, ByteSpan, const Uint256&) const override { return true; }
    bool verify_schnorr(ByteSpan, ByteSpan, const Uint256&) const override { return true; }
};

void interpreter(benchmark::State& state) {
    const Spend spend(choice_of(static_cast<int>(state.range(0))), 2);
    for (auto _ : state)
        benchmark::DoNotOptimize(verify_input(spend.tx->tx(), 1, kMandatoryScriptFlags, spend.precomputed));
    state.SetLabel(kKindNames[state.range(0)]);
}

void interpreter_without_signatures(benchmark::State& state) {
    const Spend spend(choice_of(static_cast<int>(state.range(0))), 2);
    const Yes yes;
    for (auto _ : state)
        benchmark::DoNotOptimize(verify_input(spend.tx->tx(), 1, kMandatoryScriptFlags, spend.precomputed, yes));
    state.SetLabel(kKindNames[state.range(0)]);
}

void rows(benchmark::State& state) {
    const Spend spend(choice_of(static_cast<int>(state.range(0))), 2);
    std::vector<SignatureRow> collected;
    std::vector<std::uint8_t> verdicts(8);
    for (auto _ : state) {
        collected.clear();
        collect_rows(spend.tx->tx(), 1, kMandatoryScriptFlags, spend.precomputed, collected);
        default_signature_verifier().verify(collected, std::span(verdicts).first(collected.size()));
    }
    state.SetLabel(kKindNames[state.range(0)]);
}

void rows_without_signatures(benchmark::State& state) {
    const Spend spend(choice_of(static_cast<int>(state.range(0))), 2);
    std::vector<SignatureRow> collected;
    for (auto _ : state) {
        collected.clear();
        benchmark::DoNotOptimize(collect_rows(spend.tx->tx(), 1, kMandatoryScriptFlags, spend.precomputed, collected));
    }
    state.SetLabel(kKindNames[state.range(0)]);
}

/// The legacy signature hash of one input among many.
void legacy_sighash(benchmark::State& state) {
    const Spend spend(choice_of(static_cast<int>(SpendKind::p2pkh)), static_cast<std::size_t>(state.range(0)));
    const Transaction& tx = spend.tx->tx();
    for (auto _ : state) {
        benchmark::DoNotOptimize(
            ecdsa_sighash(tx, tx.inputs.size() / 2, spend.spent[0].script_pubkey, kSighashAll, 0, SigVersion::base));
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(tx.inputs.size()) * 41);
}

BENCHMARK(interpreter)->DenseRange(0, test::kSpendKinds - 1);
BENCHMARK(interpreter_without_signatures)->DenseRange(0, test::kSpendKinds - 1);
BENCHMARK(rows)->DenseRange(0, test::kSpendKinds - 1);
BENCHMARK(rows_without_signatures)->DenseRange(0, test::kSpendKinds - 1);
BENCHMARK(legacy_sighash)->Arg(1)->Arg(10)->Arg(100)->Arg(1000);

}  // namespace
}  // namespace cairn
