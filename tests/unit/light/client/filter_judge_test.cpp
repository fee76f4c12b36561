#include "light/client/filter_judge.hpp"

#include <gtest/gtest.h>

#include "consensus/primitives/block_filter.hpp"
#include "tests/support/chain_builder.hpp"

namespace cairn::light {
namespace {

/// A block that spends a P2WPKH coin of an earlier one, and its honest filter.
struct Case {
    test::ChainBuilder chain;
    BlockPtr block;
    Bytes honest;
    Bytes own_script = chain.key().script_pubkey();

    Case() {
        chain.mine_many(101);
        const test::TestCoin coin = chain.coin(1);
        chain.mine({chain.spend({coin}, {{coin.coin.value, make_witness_program(0, Bytes(20, 7))}})});
        block = chain.block(chain.tip());
        const std::vector<ByteSpan> spent{own_script};
        honest = basic_filter(*block, spent);
    }
};

TEST(FilterJudge, RecognisesTheFilterWhereAllSpentScriptsShow) {
    const Case c;
    const std::vector<Bytes> filters{gcs::encode(filter_key(c.block->hash()), {}), c.honest};
    const FilterJudgement judgement = judge_filters(*c.block, filters);
    EXPECT_EQ(judgement.right, 1u);
    EXPECT_EQ(judgement.impossible, (std::vector<bool>{true, false}));
}

TEST(FilterJudge, FilterWithoutAnOutputOrWithTooManyElementsIsImpossible) {
    const Case c;
    const SipKey key = filter_key(c.block->hash());
    const Bytes paid = make_witness_program(0, Bytes(20, 7)), other = make_witness_program(0, Bytes(20, 8)), third = make_witness_program(0, Bytes(20, 9));
    const std::vector<Bytes> filters{gcs::encode(key, {paid}), gcs::encode(key, {paid, c.own_script, other, third}), Bytes{5, 0}};
    const FilterJudgement judgement = judge_filters(*c.block, filters);
    EXPECT_FALSE(judgement.right);
    EXPECT_EQ(judgement.impossible, (std::vector<bool>{true, true, true}));
}

TEST(FilterJudge, DoesNotConvictWhereSpentScriptsDoNotShow) {
    Case c;
    test::BlockDraft draft(*c.block);
    draft.txs[1].inputs[0].witness = {Bytes(64, 1)};  // a taproot key spend shows no script
    const BlockPtr block = draft.commit_to_witnesses().fix_merkle_root().mine(c.chain.params()).finish();
    const SipKey key = filter_key(block->hash());
    const Bytes paid = make_witness_program(0, Bytes(20, 7)), one = make_witness_program(1, Bytes(32, 1)), two = make_witness_program(1, Bytes(32, 2));
    const std::vector<Bytes> filters{gcs::encode(key, {paid, c.own_script, one}), gcs::encode(key, {paid, c.own_script, two})};
    const FilterJudgement judgement = judge_filters(*block, filters);
    EXPECT_FALSE(judgement.right);
    EXPECT_EQ(judgement.impossible, (std::vector<bool>{false, false}));
}

}  // namespace
}  // namespace cairn::light
