// Single real blocks: every file "<network>_<height>_<hash tail>.blk" of the folders "blocks" and "stale".
#include <gtest/gtest.h>

#include <functional>

#include "tests/support/block_vectors.hpp"
#include "tests/support/chain_builder.hpp"

namespace cairn {
namespace {

using test::BlockDraft;
using test::PretendParent;
using rules::CheckOptions;

constexpr CheckOptions kWithoutWork{.proof_of_work = false, .merkle_root = true};

struct LoadedBlock {
    std::filesystem::path path;
    test::BlockFileName name;
    BlockPtr block;

    const ChainParams& params() const { return *test::params_of(name.network); }
};

void for_each_block(const char* folder, const std::function<void(const LoadedBlock&)>& use) {
    for (const auto& path : test::vector_files(folder, "*_*_*.blk")) {
        const auto name = test::parse_block_file_name(path);
        ASSERT_TRUE(name) << path;
        auto block = Block::parse(test::read_file(path));
        ASSERT_TRUE(block) << path << ": " << to_string(block.error());
        SCOPED_TRACE(path.filename().string());
        use({path, *name, *block});
    }
}

/// Every rule that needs no coins; the block of each vector but those in "invalid" obeys.
void expect_valid_without_coins(const LoadedBlock& loaded) {
    const Block& block = *loaded.block;
    const std::string hash = block.hash().to_display_hex();
    EXPECT_TRUE(hash.ends_with(loaded.name.hash_tail)) << hash;
    EXPECT_EQ(BlockDraft(block).serialize(), to_bytes(block.raw()));
    const auto checked = rules::check_block(loaded.block, loaded.params());
    ASSERT_TRUE(checked) << checked.error().reject_reason() << " " << checked.error().debug;
    if (loaded.name.height == 0) return;
    PretendParent parent(loaded.name.height - 1, block.header().time - 1, block.header().bits);
    const auto context = rules::check_block_context(*checked, &parent.node(), loaded.params());
    EXPECT_TRUE(context) << context.error().reject_reason();
    EXPECT_FALSE(rules::is_block_mutated(block, loaded.params().active_at(BuriedDeployment::segwit, loaded.name.height)));
}

TEST(BlockVectors, DecodeEncodeAndPassWithoutCoins) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    for (const char* folder : {"blocks", "stale"}) {
        std::size_t count = 0;
        for_each_block(folder, [&](const LoadedBlock& loaded) {
            expect_valid_without_coins(loaded);
            ++count;
        });
        std::printf("%zu blocks in %s\n", count, folder);
    }
}

/// A block with the coins it spends.
struct SpendingBlock {
    LoadedBlock loaded;
    std::vector<Coin> coins;

    ScriptFlags flags() const {
        return rules::script_flags_for_block(loaded.block->hash(), loaded.name.height, loaded.params());
    }
    rules::ResolvedBlock resolve(const rules::CheckedBlock& checked) const {
        rules::ResolvedBlock resolved(checked);
        for (const Coin& coin : coins) resolved.add(coin.output(), coin.origin());
        return resolved;
    }
};

void for_each_spending_block(const std::function<void(const SpendingBlock&)>& use) {
    for_each_block("blocks", [&use](const LoadedBlock& loaded) {
        std::string prevouts = loaded.path.string();
        prevouts.replace(prevouts.find(".blk"), 4, ".prevouts.jsonl");
        if (std::filesystem::exists(prevouts)) use({loaded, test::read_prevouts(prevouts)});
    });
}

TEST(BlockVectors, SpendTheirCoinsWithValidScripts) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t blocks = 0;
    std::size_t scripts = 0;
    for_each_spending_block([&](const SpendingBlock& spending) {
        const Block& block = *spending.loaded.block;
        const auto checked = rules::check_block(spending.loaded.block, spending.loaded.params());
        ASSERT_TRUE(checked);
        const rules::ResolvedBlock resolved = spending.resolve(*checked);
        ASSERT_TRUE(resolved.complete());
        PretendParent parent(spending.loaded.name.height - 1, block.header().time - 1, block.header().bits);
        const auto summary = rules::check_spends(resolved, parent.node(), spending.loaded.params());
        ASSERT_TRUE(summary) << summary.error().reject_reason() << " " << summary.error().debug;
        EXPECT_LE(checked->facts()[0].value_out, summary->limit);
        const auto fault = test::verify_scripts(resolved, spending.flags(), &scripts);
        EXPECT_FALSE(fault) << fault->reject_reason() << " " << fault->debug;
        ++blocks;
    });
    std::printf("%zu scripts in %zu blocks\n", scripts, blocks);
}

/// The fault of a changed block; nothing when it is valid. Only the scripts of transaction `tx_index` are verified.
std::optional<BlockFault> judge(const SpendingBlock& spending, const BlockDraft& draft, std::size_t tx_index = 0) {
    const BlockPtr block = draft.finish();
    const ChainParams& params = spending.loaded.params();
    const auto checked = rules::check_block(block, params, kWithoutWork);
    if (!checked) return checked.error();
    PretendParent parent(spending.loaded.name.height - 1, block->header().time - 1, block->header().bits);
    if (const auto context = rules::check_block_context(*checked, &parent.node(), params); !context) return context.error();
    const rules::ResolvedBlock resolved = spending.resolve(*checked);
    if (!resolved.complete()) return std::nullopt;
    if (const auto spends = rules::check_spends(resolved, parent.node(), params); !spends) return spends.error();
    if (tx_index == 0) return std::nullopt;
    const SpentCoins spent = resolved.spent_by(tx_index);
    const Transaction& tx = block->txs()[tx_index];
    const PrecomputedTxData precomputed(tx, spent.outputs);
    for (std::size_t i = 0; i < tx.inputs.size(); ++i) {
        const ScriptError error = verify_input(tx, i, spending.flags(), precomputed);
        if (error != ScriptError::ok) return rules::script_fault(tx, i, error);
    }
    return std::nullopt;
}

void expect_fault(const std::optional<BlockFault>& fault, BlockError error, bool mutated) {
    ASSERT_TRUE(fault) << "accepted, expected " << to_string(error);
    EXPECT_EQ(fault->error, error) << fault->reject_reason() << " " << fault->debug;
    EXPECT_EQ(fault->mutated(), mutated);
}

bool commits_to_witnesses(const SpendingBlock& spending) {
    return rules::witness_commitment_index(*spending.loaded.block).has_value() &&
           spending.loaded.params().active_at(BuriedDeployment::segwit, spending.loaded.name.height);
}

/// The first transaction whose input `0` has a signature in its script or witness of the kind wanted.
std::optional<std::size_t> find_signed(const BlockDraft& draft, bool in_witness) {
    constexpr std::size_t kShortestSignature = 64;
    for (std::size_t i = 1; i < draft.txs.size(); ++i) {
        const auto& input = draft.txs[i].inputs[0];
        if (in_witness && !input.witness.empty() && input.witness[0].size() >= kShortestSignature) return i;
        if (!in_witness && input.witness.empty() && input.script_sig.size() > kShortestSignature) return i;
    }
    return std::nullopt;
}

TEST(BlockVectors, AreRefusedWithADifferentMerkleRoot) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t count = 0;
    for_each_spending_block([&](const SpendingBlock& spending) {
        BlockDraft draft(*spending.loaded.block);
        draft.header.merkle_root.data()[5] ^= 1;
        expect_fault(judge(spending, draft), BlockError::bad_merkle_root, true);
        ++count;
        BlockDraft repeated(*spending.loaded.block);
        if (repeated.txs.size() % 2 == 0) return;
        repeated.txs.push_back(repeated.txs.back());
        expect_fault(judge(spending, repeated), BlockError::duplicate_transaction, true);
        ++count;
    });
    std::printf("%zu mutations\n", count);
}

TEST(BlockVectors, AreRefusedWithADifferentSignature) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t count = 0;
    for_each_spending_block([&](const SpendingBlock& spending) {
        BlockDraft draft(*spending.loaded.block);
        const auto index = find_signed(draft, false);
        if (!index) return;
        draft.txs[*index].inputs[0].script_sig[30] ^= 1;
        expect_fault(judge(spending, draft, *index), BlockError::bad_merkle_root, true);
        draft.fix_merkle_root();
        if (commits_to_witnesses(spending)) draft.commit_to_witnesses().fix_merkle_root();
        expect_fault(judge(spending, draft, *index), BlockError::script_failed, false);
        ++count;
    });
    std::printf("%zu mutations\n", count);
}

TEST(BlockVectors, AreRefusedWithADifferentWitness) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t count = 0;
    for_each_spending_block([&](const SpendingBlock& spending) {
        BlockDraft draft(*spending.loaded.block);
        const auto index = find_signed(draft, true);
        if (!index) return;
        draft.txs[*index].inputs[0].witness[0][30] ^= 1;
        expect_fault(judge(spending, draft, *index), BlockError::bad_witness_commitment, true);
        draft.commit_to_witnesses().fix_merkle_root();
        expect_fault(judge(spending, draft, *index), BlockError::script_failed, false);
        ++count;
    });
    std::printf("%zu mutations\n", count);
}

TEST(BlockVectors, AreRefusedWithADifferentCommitment) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t count = 0;
    for_each_spending_block([&](const SpendingBlock& spending) {
        if (!commits_to_witnesses(spending)) return;
        const std::size_t index = *rules::witness_commitment_index(*spending.loaded.block);
        BlockDraft draft(*spending.loaded.block);
        draft.txs[0].outputs[index].script_pubkey[10] ^= 1;
        draft.fix_merkle_root();
        expect_fault(judge(spending, draft), BlockError::bad_witness_commitment, true);

        BlockDraft without(*spending.loaded.block);
        without.txs[0].inputs[0].witness = {Bytes(31, 0)};
        expect_fault(judge(spending, without), BlockError::bad_witness_nonce_size, true);
        ++count;
        const auto is_segwit = [](const MutableTransaction& tx) { return tx.has_witness(); };
        BlockDraft none(*spending.loaded.block);
        if (std::none_of(none.txs.begin() + 1, none.txs.end(), is_segwit)) return;
        none.txs[0].outputs.erase(none.txs[0].outputs.begin() + static_cast<std::ptrdiff_t>(index));
        none.fix_merkle_root();
        expect_fault(judge(spending, none), BlockError::unexpected_witness, true);
    });
    std::printf("%zu blocks\n", count);
}

TEST(BlockVectors, AreRefusedWithDifferentAmounts) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t count = 0;
    for_each_spending_block([&](const SpendingBlock& spending) {
        const bool commits = commits_to_witnesses(spending);
        BlockDraft greedy(*spending.loaded.block);
        greedy.txs[0].outputs[0].value += 50 * kCoin;
        greedy.fix_merkle_root();
        expect_fault(judge(spending, greedy), BlockError::bad_coinbase_amount, false);

        BlockDraft draft(*spending.loaded.block);
        draft.txs[1].outputs[0].value += 21 * kCoin * 1000;
        if (commits) draft.commit_to_witnesses();
        draft.fix_merkle_root();
        const auto too_much = judge(spending, draft);
        expect_fault(too_much, BlockError::bad_spend, false);
        if (too_much) {
            EXPECT_EQ(too_much->tx, TxError::in_below_out);
        }

        // A signature covers the outputs, and in a witness also what is spent.
        BlockDraft less(*spending.loaded.block);
        if (const auto index = find_signed(less, commits && find_signed(less, true).has_value())) {
            less.txs[*index].outputs[0].value -= 1;
            if (commits) less.commit_to_witnesses();
            less.fix_merkle_root();
            expect_fault(judge(spending, less, *index), BlockError::script_failed, false);
        }
        ++count;
    });
    std::printf("%zu blocks\n", count);
}

}  // namespace
}  // namespace cairn
