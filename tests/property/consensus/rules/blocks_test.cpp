#include <gtest/gtest.h>

#include "consensus/chain/delta.hpp"
#include "consensus/rules/connect.hpp"
#include "tests/support/chain_builder.hpp"
#include "tests/support/mutator.hpp"

namespace cairn {
namespace {

/// A block with a spend, and a chain it builds on.
struct Sample {
    test::ChainBuilder chain;
    BlockPtr block;

    Sample() {
        chain.mine_many(102);
        const TransactionPtr spend = chain.spend({chain.coin(1), chain.coin(2)}, 500);
        block = chain.draft(chain.tip(), {spend}, 500).finish();
    }
};

// Whatever is done to a block's bytes: it is refused, or what is left is told from a good block by its hash. No change to
// a block under an unchanged header is ever accepted.
TEST(BlockProperty, NoChangeUnderTheSameHeaderIsAccepted) {
    Sample sample;
    test::Mutator mutator(20260821);
    const ChainParams& params = sample.chain.params();
    const std::uint64_t rounds = test::garbage_rounds(20'000);
    std::size_t parsed = 0;
    for (std::uint64_t i = 0; i < rounds; ++i) {
        const Bytes original = to_bytes(sample.block->raw());
        Bytes changed = mutator.mutate(original);
        if (changed == original) continue;
        // Keep the header, so that only the transactions differ.
        if (changed.size() < BlockHeader::kSize) continue;
        std::copy_n(original.begin(), BlockHeader::kSize, changed.begin());
        if (changed == original) continue;
        const auto block = Block::parse(changed);
        if (!block) continue;
        ++parsed;
        EXPECT_EQ(test::BlockDraft(**block).serialize(), changed);
        const auto checked = rules::check_block(*block, params);
        if (!checked) continue;
        const auto context = rules::check_block_context(*checked, sample.chain.tip(), params);
        ASSERT_FALSE(context) << "seed 20260821 round " << i;
        EXPECT_TRUE(context.error().mutated());
    }
    std::printf("%zu of %llu changed blocks could be read\n", parsed, static_cast<unsigned long long>(rounds));
}

TEST(BlockProperty, UndoOfAnyBytesComesBackOrIsRefused) {
    const Coin coin{5 * kCoin, make_p2pkh(Bytes(20, 3)), 77, true};
    Bytes original;
    write_undo(original, {{coin, coin}, {coin}, {}});
    test::Mutator mutator(1);
    for (std::uint64_t i = 0; i < test::garbage_rounds(50'000); ++i) {
        const Bytes changed = mutator.mutate(original);
        const auto undo = read_undo(changed);
        if (!undo) continue;
        Bytes written;
        write_undo(written, *undo);
        const auto again = read_undo(written);
        ASSERT_TRUE(again);
        EXPECT_EQ(*again, *undo);
    }
}

// The duplicate check against the definition.
TEST(TxProperty, DuplicateInputsAreFoundAsByComparingAllPairs) {
    std::mt19937 random(5);
    rules::TxCheckScratch scratch;
    for (int round = 0; round < 3000; ++round) {
        const std::size_t count = random() % 60;
        const std::uint32_t kinds = 1 + random() % 4000;
        std::vector<TxInput> inputs(count);
        for (TxInput& input : inputs) {
            const std::uint32_t kind = random() % kinds;
            Bytes hash(32, 0);
            hash[31] = static_cast<std::uint8_t>(kind % 7);
            input.prevout = {Txid(Uint256(hash)), kind / 7};
        }
        bool expected = false;
        for (std::size_t i = 0; i < count; ++i) {
            for (std::size_t j = 0; j < i; ++j) expected = expected || inputs[i].prevout == inputs[j].prevout;
        }
        ASSERT_EQ(scratch.has_duplicate_inputs(inputs), expected) << count;
    }
}

// The relative lock of a transaction is the strictest of those of its inputs.
TEST(LockTimeProperty, SequenceLockIsTheStrictestOfItsInputs) {
    std::mt19937 random(9);
    const auto mtp_at = [](Height height) { return std::int64_t{1'000'000} + height * 600; };
    for (int round = 0; round < 3000; ++round) {
        const std::size_t count = 1 + random() % 5;
        std::vector<TxInput> inputs(count);
        std::vector<CoinOrigin> origins(count);
        Transaction tx;
        tx.version = 2;
        bool open = true;
        const Height height = 1000 + static_cast<Height>(random() % 500);
        const std::int64_t median = mtp_at(height - 1);
        for (std::size_t i = 0; i < count; ++i) {
            inputs[i].sequence = (random() & 0x80400000u) | random() % 2000;
            origins[i].height = static_cast<Height>(random() % 1000);
            if ((inputs[i].sequence & rules::kSequenceDisableFlag) != 0) continue;
            const std::int64_t value = inputs[i].sequence & rules::kSequenceMask;
            if ((inputs[i].sequence & rules::kSequenceTypeFlag) != 0) {
                open = open && median >= mtp_at(std::max(origins[i].height - 1, 0)) + value * 512;
            } else {
                open = open && height >= origins[i].height + value;
            }
        }
        tx.inputs = inputs;
        EXPECT_EQ(rules::sequence_lock(tx, origins, mtp_at).open_at(height, median), open);
    }
}

}  // namespace
}  // namespace cairn
