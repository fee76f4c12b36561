#include <cstdlib>
#include <iostream>

#include "tests/support/script_spend.hpp"
#include "tests/support/spend_builder.hpp"

namespace cairn {
namespace {

using test::SpendBuilder;
using test::SpendChoice;
using test::SpendKind;

/// CAIRN_SEED replays one run.
std::uint64_t first_seed() {
    const char* seed = std::getenv("CAIRN_SEED");
    return seed != nullptr ? std::strtoull(seed, nullptr, 10) : 1;
}

bool is_taproot(SpendKind kind) {
    return kind == SpendKind::p2tr_key || kind == SpendKind::p2tr_script;
}

SpendChoice random_choice(std::mt19937_64& random) {
    SpendChoice choice;
    choice.kind = static_cast<SpendKind>(random() % test::kSpendKinds);
    if (choice.kind >= SpendKind::multisig) {
        choice.keys = 1 + static_cast<int>(random() % 4);
        choice.required =
            random() % 4 == 0 ? 1 + static_cast<int>(random() % static_cast<unsigned>(choice.keys)) : choice.keys;
    }
    constexpr std::uint8_t types[] = {kSighashAll, kSighashNone, kSighashSingle, 0x81, 0x82, 0x83};
    choice.hash_type = random() % 2 == 0 ? kSighashAll : types[random() % 6];
    if (is_taproot(choice.kind) && random() % 2 == 0) choice.hash_type = kSighashDefault;
    choice.compressed = random() % 4 != 0;
    return choice;
}

/// Changes something: a byte, a length, the order, a push's form, what is spent.
void mutate_bytes(Bytes& bytes, std::mt19937_64& random) {
    const auto at = [&] { return static_cast<std::ptrdiff_t>(random() % (bytes.size() + 1)); };
    switch (random() % 4) {
        case 0: bytes.insert(bytes.begin() + at(), static_cast<std::uint8_t>(random() % 3 == 0 ? 0 : random())); break;
        case 1:
            if (!bytes.empty()) bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(random() % bytes.size()));
            break;
        default:
            if (!bytes.empty()) bytes[random() % bytes.size()] ^= static_cast<std::uint8_t>(1u << random() % 8);
            break;
    }
}

/// The same pushes, one of them in a longer form.
void widen_push(Bytes& script, std::mt19937_64& random) {
    ScriptReader reader(script);
    Instruction instruction;
    Bytes result;
    while (reader.next(instruction)) {
        if (random() % 2 == 0 && instruction.data.size() <= 255 && is_push_data(instruction.opcode)) {
            result.push_back(static_cast<std::uint8_t>(Opcode::op_pushdata1));
            result.push_back(static_cast<std::uint8_t>(instruction.data.size()));
            result.insert(result.end(), instruction.data.begin(), instruction.data.end());
        } else {
            const Bytes same = is_push_data(instruction.opcode) ? ScriptBuilder().push(instruction.data).take()
                                                                : ScriptBuilder().op(instruction.opcode).take();
            result.insert(result.end(), same.begin(), same.end());
        }
    }
    script = result;
}

void mutate(SpendBuilder& builder) {
    auto& random = builder.random();
    auto& tx = builder.tx();
    const std::size_t i = random() % tx.inputs.size();
    auto& input = tx.inputs[i];
    switch (random() % 12) {
        case 0: mutate_bytes(builder.output_script(i), random); break;
        case 1: builder.amount(i) ^= 1; break;
        case 2: tx.outputs[0].value ^= 1; break;
        case 3: input.sequence ^= 1; break;
        case 4:
            if (!input.witness.empty()) input.witness.pop_back();
            break;
        case 5: input.witness.push_back(random() % 2 == 0 ? Bytes{} : Bytes{0x50, 0x01}); break;
        case 6:
            if (input.witness.size() > 1) std::swap(input.witness[0], input.witness[1]);
            break;
        case 7: widen_push(input.script_sig, random); break;
        case 8: input.script_sig.insert(input.script_sig.begin(), {0x01, 0x07}); break;
        case 9:
        case 10:
            if (!input.witness.empty()) {
                mutate_bytes(input.witness[random() % input.witness.size()], random);
                break;
            }
            [[fallthrough]];
        default: mutate_bytes(input.script_sig, random); break;
    }
}

ScriptFlags random_flags(std::mt19937_64& random) {
    switch (random() % 4) {
        case 0: return kMandatoryScriptFlags;
        case 1: return kStandardScriptFlags;
        default: return trim_flags(ScriptFlags::from_bits(static_cast<std::uint32_t>(random())));
    }
}

struct Counts {
    int inputs = 0;
    int valid = 0;
    int by_rows = 0;
};

void check_all_inputs(SpendBuilder& builder, ScriptFlags flags, Counts& counts) {
    const TransactionPtr tx = builder.tx().finish();
    const auto spent = builder.spent_outputs();
    const PrecomputedTxData precomputed(tx->tx(), spent);
    for (std::size_t i = 0; i < spent.size(); ++i) {
        const ScriptError interpreted = verify_input(tx->tx(), i, flags, precomputed);
        const bool by_rows = test::verify_by_rows(tx->tx(), i, flags, precomputed) == test::RowsVerdict::valid;
        EXPECT_TRUE(!by_rows || interpreted == ScriptError::ok) << to_string(interpreted) << ", flags " << flags.bits();
        ++counts.inputs;
        counts.valid += interpreted == ScriptError::ok;
        counts.by_rows += by_rows;
    }
}

TEST(Rows, AcceptWhatIsSignedAsTheKindsDemand) {
    const std::uint64_t seed = first_seed();
    for (std::uint64_t round = 0; round < 200; ++round) {
        SCOPED_TRACE("CAIRN_SEED=" + std::to_string(seed + round));
        SpendBuilder builder(seed + round);
        const SpendChoice choice = random_choice(builder.random());
        builder.add(choice);
        builder.sign();
        const TransactionPtr tx = builder.tx().finish();
        const auto spent = builder.spent_outputs();
        const PrecomputedTxData precomputed(tx->tx(), spent);
        ASSERT_EQ(verify_input(tx->tx(), 0, kMandatoryScriptFlags, precomputed), ScriptError::ok);
        const bool known = choice.kind != SpendKind::p2tr_script && choice.required == choice.keys;
        EXPECT_EQ(test::verify_by_rows(tx->tx(), 0, kMandatoryScriptFlags, precomputed) == test::RowsVerdict::valid,
                  known);
    }
}

TEST(Rows, NeverAcceptWhatTheInterpreterRefuses) {
    const std::uint64_t seed = first_seed();
    Counts counts;
    for (std::uint64_t round = 0; round < 1500; ++round) {
        SCOPED_TRACE("CAIRN_SEED=" + std::to_string(seed + round));
        SpendBuilder builder(seed + round);
        auto& random = builder.random();
        const std::size_t inputs = 1 + random() % 3;
        for (std::size_t i = 0; i < inputs; ++i) builder.add(random_choice(random));
        builder.sign();
        for (std::uint64_t changes = random() % 3; changes > 0; --changes) mutate(builder);
        check_all_inputs(builder, random_flags(random), counts);
        if (HasFailure()) return;
    }
    std::cout << counts.inputs << " inputs, " << counts.valid << " valid, " << counts.by_rows << " of them by rows\n";
    EXPECT_GT(counts.by_rows, counts.inputs / 10);
    EXPECT_LT(counts.valid, counts.inputs);
}

}  // namespace
}  // namespace cairn
