#include <fmt/core.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/support/chain_harness.hpp"

namespace cairn::node {
namespace {

using test::ChainBuilder;
using test::ChainHarness;
using Kind = BlockVerdict::Kind;

// A block on the builder's tip with a transaction whose signature does not hold.
BlockPtr with_bad_signature(ChainBuilder& builder, Height coin_height) {
    const auto coin = builder.coin(coin_height);
    MutableTransaction tx(builder.spend({coin}, 1000)->tx());
    tx.outputs[0].value -= 1;
    return builder.draft(builder.tip(), {tx.finish()}, 1001).finish();
}

TEST(ChainService, StartsAtGenesisWhenTheStoreIsEmpty) {
    ChainHarness node;
    ASSERT_TRUE(node.start());
    EXPECT_EQ(node.tip()->height, 0);
    EXPECT_TRUE(node.chain().view()->initial_block_download);
    EXPECT_EQ(node.stats().coins, 0u);
}

TEST(ChainService, ConnectsBlocksAndKeepsThemOverARestart) {
    ChainHarness node;
    ChainBuilder builder;
    builder.mine_many(101);
    builder.mine({builder.spend({builder.coin(1)}, 1000)}, 1000);
    ASSERT_TRUE(node.start());
    EXPECT_EQ(node.submit_chain(builder, builder.tip()).kind, Kind::connected);
    EXPECT_EQ(node.tip()->hash, builder.tip()->hash);
    const UtxoStats before = node.stats();
    EXPECT_EQ(before.coins, 102u);
    node.stop();
    ASSERT_TRUE(node.start());
    EXPECT_EQ(node.tip()->hash, builder.tip()->hash);
    EXPECT_EQ(node.stats().hash, before.hash);
    const auto raw = node.chain().read_block(node.tip());
    ASSERT_TRUE(raw);
    EXPECT_TRUE(std::ranges::equal(*raw, builder.block(builder.tip())->raw()));
    EXPECT_EQ(node.chain().read_undo(node.tip())->size(), 1u);
}

TEST(ChainService, TellsDuplicatesAndBlocksOfNoUse) {
    ChainHarness node;
    ChainBuilder builder;
    builder.mine_many(5);
    ASSERT_TRUE(node.start());
    node.submit_chain(builder, builder.tip());
    EXPECT_EQ(node.submit(*builder.block_at(3)).kind, Kind::duplicate);
    EXPECT_EQ(node.submit(*ChainBuilder().params().genesis).kind, Kind::duplicate);
    const HeaderNode* side = builder.mine_on(builder.tip()->ancestor(1));
    const auto header = builder.block(side)->header();
    ASSERT_TRUE(node.chain().accept_headers({&header, 1}, true));
    EXPECT_EQ(node.submit(*builder.block(side), false).kind, Kind::not_requested);
    EXPECT_EQ(node.submit(*builder.block(side)).kind, Kind::stored);
}

TEST(ChainService, WaitsForParentsOfBlocksThatComeEarly) {
    ChainHarness node;
    ChainBuilder builder;
    builder.mine_many(10);
    ASSERT_TRUE(node.start());
    std::vector<BlockHeader> headers;
    for (Height h = 1; h <= 10; ++h) headers.push_back(builder.block_at(h)->header());
    ASSERT_TRUE(node.chain().accept_headers(headers, true));
    EXPECT_EQ(node.chain().view()->best_header->height, 10);
    for (Height h = 10; h > 1; --h) EXPECT_EQ(node.submit(*builder.block_at(h)).kind, Kind::stored);
    EXPECT_EQ(node.tip()->height, 0);
    EXPECT_EQ(node.submit(*builder.block_at(1)).kind, Kind::connected);
    node.chain().drain_events();
    EXPECT_EQ(node.tip()->height, 10);
    EXPECT_EQ(node.chain().pending_bytes(), 0u);
}

TEST(ChainService, FollowsTheBranchWithMoreWorkAndGivesCoinsBack) {
    ChainHarness node;
    ChainBuilder builder;
    const HeaderNode* fork = builder.mine_many(101);
    builder.mine({builder.spend({builder.coin(1)}, 0)});
    const HeaderNode* first = builder.mine();
    ASSERT_TRUE(node.start());
    node.submit_chain(builder, first);
    EXPECT_FALSE(node.chain().coin(builder.coin(1).outpoint));
    const HeaderNode* second = fork;
    for (int i = 0; i < 3; ++i) second = builder.mine_on(second);
    node.submit_chain(builder, second->parent);
    EXPECT_EQ(node.tip()->hash, first->hash) << "the first of equal work stays";
    EXPECT_EQ(node.submit(*builder.block(second)).kind, Kind::connected);
    EXPECT_EQ(node.tip()->hash, second->hash);
    EXPECT_TRUE(node.chain().coin(builder.coin(1).outpoint));
    ChainHarness other;
    ASSERT_TRUE(other.start());
    other.submit_chain(builder, second);
    EXPECT_EQ(node.stats().hash, other.stats().hash);
}

TEST(ChainService, RejectsABadScriptAndReturnsToTheGoodBranch) {
    ChainHarness node;
    ChainBuilder builder;
    const HeaderNode* fork = builder.mine_many(101);
    const HeaderNode* good = builder.mine();
    const BlockPtr bad = [&] {
        builder.set_tip(fork);
        return with_bad_signature(builder, 1);
    }();
    const HeaderNode* bad_node = builder.add(bad);
    const HeaderNode* child = builder.mine();
    ASSERT_TRUE(node.start());
    node.submit_chain(builder, good);
    EXPECT_EQ(node.submit(*bad).kind, Kind::stored);
    EXPECT_EQ(node.submit(*builder.block(child)).kind, Kind::stored);
    EXPECT_EQ(node.tip()->hash, good->hash);
    const auto& headers = node.chain().headers();
    EXPECT_TRUE(node.chain().facts(headers.find(bad_node->hash)).failed);
    EXPECT_TRUE(node.chain().facts(headers.find(child->hash)).failed_ancestor);
    EXPECT_EQ(node.chain().view()->best_header->hash, good->hash);
    const auto grandchild = builder.block(builder.mine())->header();
    EXPECT_EQ(node.chain().accept_headers({&grandchild, 1}, true).error(), HeaderError::bad_parent);
    EXPECT_EQ(node.submit(*bad).kind, Kind::duplicate_invalid);
}

TEST(ChainService, SaysWhyABlockIsInvalid) {
    ChainHarness node;
    ChainBuilder builder;
    builder.mine_many(101);
    ASSERT_TRUE(node.start());
    node.submit_chain(builder, builder.tip());
    const BlockVerdict script = node.submit(*with_bad_signature(builder, 1));
    EXPECT_EQ(script.kind, Kind::invalid);
    EXPECT_TRUE(script.reject_reason.starts_with("block-script-verify-flag-failed (")) << script.reject_reason;
    EXPECT_EQ(node.submit(*builder.draft(builder.tip(), {}, 1).finish()).reject_reason, "bad-cb-amount");
    const auto twice = builder.spend({builder.coin(1)}, 0);
    EXPECT_EQ(node.submit(*builder.draft(builder.tip(), {twice, builder.spend({builder.coin(1)}, 1)}, 1).finish()).reject_reason,
              "bad-txns-inputs-missingorspent");
    EXPECT_EQ(node.submit(*builder.draft(builder.tip(), {builder.spend({builder.coin(50)}, 0)}).finish()).reject_reason,
              "bad-txns-premature-spend-of-coinbase");
    auto mutated = builder.draft(builder.tip());
    mutated.header.merkle_root = Uint256();
    mutated.mine(builder.params());
    const BlockVerdict merkle = node.submit(*mutated.finish());
    EXPECT_EQ(merkle.reject_reason, "bad-txnmrklroot");
    EXPECT_TRUE(merkle.mutated);
    EXPECT_EQ(node.tip()->hash, builder.tip()->hash);
    EXPECT_EQ(node.submit(*builder.block(builder.mine())).kind, Kind::connected);
}

TEST(ChainService, DropsBytesAfterABlock) {
    ChainHarness node;
    ChainBuilder builder;
    builder.mine();
    ASSERT_TRUE(node.start());
    const BlockPtr block = builder.block_at(1);
    Bytes longer = to_bytes(block->raw());
    longer.insert(longer.end(), 100, 0xee);
    EXPECT_EQ(node.submit(longer, 1, true).kind, Kind::connected);
    const auto stored = node.chain().read_block(node.tip());
    ASSERT_TRUE(stored);
    EXPECT_TRUE(std::ranges::equal(*stored, block->raw()));
    EXPECT_EQ(node.chain().pending_bytes(), 0u);
    node.stop();
    ASSERT_TRUE(node.start());
    EXPECT_EQ(node.tip()->hash, block->hash());
}

TEST(ChainService, BlamesThePeerAndNotTheHeaderForAMutatedBlock) {
    ChainHarness node;
    ChainBuilder builder;
    builder.mine_many(3);
    ASSERT_TRUE(node.start());
    node.submit_chain(builder, builder.tip());
    const BlockPtr good = builder.block(builder.mine());
    test::BlockDraft changed(*good);
    changed.txs[0].inputs[0].witness = {Bytes(32, 1)};  // not what the commitment was made with
    const Bytes witness = to_bytes(changed.finish()->raw());
    changed.txs[0] = MutableTransaction(good->txs()[0]);
    changed.txs[0].version = 4;
    const Bytes merkle = to_bytes(changed.finish()->raw());
    for (const bool asked_for : {false, true}) {
        for (const Bytes& raw : {witness, merkle}) {
            const BlockVerdict verdict = node.submit(raw, 1, asked_for);
            EXPECT_EQ(verdict.kind, Kind::invalid);
            EXPECT_TRUE(verdict.mutated);
            EXPECT_EQ(verdict.hash, good->hash());
        }
        if (!asked_for) {
            EXPECT_EQ(node.chain().headers().find(good->hash()), nullptr) << "nothing is learnt from it";
        }
    }
    EXPECT_EQ(node.submit(*good).kind, Kind::connected);
    EXPECT_TRUE(node.submit(witness, 1, false).mutated) << "known or not";
}

TEST(ChainService, RollsBackWhatWasConnectedOnTopOfABadScript) {
    ChainHarness node;
    ChainBuilder builder;
    const HeaderNode* last_good = builder.mine_many(101);
    const HeaderNode* top = builder.add(with_bad_signature(builder, 1));
    for (int i = 0; i < 20; ++i) top = builder.mine({builder.spend({builder.coin(2 + i)}, 0)});
    ASSERT_TRUE(node.start());
    std::vector<BlockHeader> headers;
    for (Height h = 1; h <= top->height; ++h) headers.push_back(builder.block_at(h)->header());
    ASSERT_TRUE(node.chain().accept_headers(headers, true));
    // Backwards, so that the whole branch is connected in one go.
    for (Height h = top->height; h >= 1; --h) {
        BlockSubmission submission;
        submission.raw = to_bytes(builder.block_at(h)->raw());
        submission.force = true;
        node.chain().submit_block(std::move(submission));
    }
    node.chain().drain_events();
    node.chain().wait_for([&](const ChainView& view) { return view.tip->height >= last_good->height; }, 10'000);
    node.chain().drain_events();
    EXPECT_EQ(node.tip()->hash, last_good->hash);
    EXPECT_EQ(node.stats().coins, 101u);
    ChainHarness other;
    ASSERT_TRUE(other.start());
    other.submit_chain(builder, last_good);
    EXPECT_EQ(node.stats().hash, other.stats().hash);
    EXPECT_EQ(node.chain().pending_bytes(), 0u);
}

TEST(ChainService, InvalidatesAndReconsidersByHand) {
    ChainHarness node;
    ChainBuilder builder;
    const HeaderNode* fork = builder.mine_many(10);
    const HeaderNode* best = builder.mine_many(5);
    const HeaderNode* side = builder.mine_on(fork);
    side = builder.mine_on(side);
    ASSERT_TRUE(node.start());
    node.submit_chain(builder, best);
    node.submit_chain(builder, side);
    const auto find = [&](const HeaderNode* at) { return node.chain().headers().find(at->hash); };
    EXPECT_EQ(node.tip()->hash, best->hash);
    ASSERT_TRUE(node.chain().invalidate_block(find(best->ancestor(11))));
    EXPECT_EQ(node.tip()->hash, side->hash);
    EXPECT_EQ(node.chain().view()->best_header->hash, side->hash);
    ASSERT_TRUE(node.chain().invalidate_block(find(side->parent)));
    EXPECT_EQ(node.tip()->hash, fork->hash);
    ASSERT_TRUE(node.chain().reconsider_block(find(side)));
    EXPECT_EQ(node.tip()->hash, side->hash);
    ASSERT_TRUE(node.chain().reconsider_block(find(best->ancestor(12))));
    EXPECT_EQ(node.tip()->hash, best->hash);
    EXPECT_FALSE(node.chain().invalidate_block(node.chain().headers().genesis()));
}

TEST(ChainService, PrefersThePreciousOfEqualWork) {
    ChainHarness node;
    ChainBuilder builder;
    const HeaderNode* fork = builder.mine_many(3);
    const HeaderNode* a = builder.mine_on(fork);
    const HeaderNode* b = builder.mine_on(fork);
    ASSERT_TRUE(node.start());
    node.submit_chain(builder, a);
    node.submit_chain(builder, b);
    const auto find = [&](const HeaderNode* at) { return node.chain().headers().find(at->hash); };
    EXPECT_EQ(node.tip()->hash, a->hash);
    ASSERT_TRUE(node.chain().precious_block(find(b)));
    EXPECT_EQ(node.tip()->hash, b->hash);
    ASSERT_TRUE(node.chain().precious_block(find(a)));
    EXPECT_EQ(node.tip()->hash, a->hash);
    node.stop();
    ASSERT_TRUE(node.start());
    EXPECT_EQ(node.tip()->hash, a->hash) << "the tip of before stays the first";
}

TEST(ChainService, SkipsScriptsBelowTheAssumedValidBlock) {
    ChainBuilder builder;
    builder.mine_many(101);
    const HeaderNode* bad = builder.add(with_bad_signature(builder, 1));
    const HeaderNode* top = builder.mine_many(2200);
    std::vector<BlockHeader> headers;
    for (Height h = 1; h <= top->height; ++h) headers.push_back(builder.block_at(h)->header());
    for (const bool assume : {true, false}) {
        ChainHarness node;
        node.options.assume_valid = assume ? bad->hash : BlockHash();
        ASSERT_TRUE(node.start());
        ASSERT_TRUE(node.chain().accept_headers(headers, true));
        node.submit_chain(builder, bad);
        EXPECT_EQ(node.tip()->height, assume ? bad->height : bad->height - 1);
    }
}

TEST(ChainService, LosesOnlyTheUnwrittenTailInACrash) {
    ChainBuilder builder;
    builder.mine_many(120);
    ChainHarness reference;
    ASSERT_TRUE(reference.start());
    reference.submit_chain(builder, builder.tip());
    const auto expected = reference.stats();
    std::mt19937 random(7);
    for (int round = 0; round < 12; ++round) {
        ChainHarness node;
        node.options.cache_bytes = 4096;  // many flushes
        ASSERT_TRUE(node.start());
        node.submit_chain(builder, builder.tip()->ancestor(20 + static_cast<Height>(random() % 100)));
        node.crash(random() % 20);
        ASSERT_TRUE(node.start()) << node.start_error;
        node.submit_chain(builder, builder.tip());
        EXPECT_EQ(node.tip()->hash, builder.tip()->hash);
        EXPECT_EQ(node.stats().hash, expected.hash);
    }
}

TEST(ChainService, StopsInOrderWhenAWriteFails) {
    ChainHarness node;
    ChainBuilder builder;
    builder.mine_many(10);
    ASSERT_TRUE(node.start());
    node.submit_chain(builder, builder.tip()->ancestor(5));
    node.kv.fail_after(1);
    EXPECT_EQ(node.submit(*builder.block_at(6)).kind, Kind::inconclusive);
    EXPECT_FALSE(node.fatal_message.empty());
    EXPECT_FALSE(node.chain().warnings().empty());
    node.crash();
    node.options.check_blocks = 0;
    ASSERT_TRUE(node.start());
    node.submit_chain(builder, builder.tip());
    EXPECT_EQ(node.tip()->hash, builder.tip()->hash) << "no block was blamed";
}

TEST(ChainService, RebuildsTheChainstateAndTheIndexFromStoredBlocks) {
    ChainHarness node;
    ChainBuilder builder;
    builder.mine_many(101);
    builder.mine({builder.spend({builder.coin(1)}, 5)}, 5);
    ASSERT_TRUE(node.start());
    node.submit_chain(builder, builder.tip());
    const auto before = node.stats();
    node.stop();
    node.options.reindex_chainstate = true;
    ASSERT_TRUE(node.start());
    EXPECT_EQ(node.tip()->hash, builder.tip()->hash);
    EXPECT_EQ(node.stats().hash, before.hash);
    node.stop();
    node.options.reindex_chainstate = false;
    node.options.reindex = true;
    ASSERT_TRUE(node.start());
    EXPECT_EQ(node.tip()->hash, builder.tip()->hash);
    EXPECT_EQ(node.stats().hash, before.hash);
    node.stop();
    node.options.reindex = false;
    ASSERT_TRUE(node.start());
    EXPECT_EQ(node.tip()->hash, builder.tip()->hash);
}

TEST(ChainService, PrunesByHandButKeepsTheNewestBlocks) {
    ChainHarness node;
    ChainBuilder builder;
    builder.mine_many(400);
    node.options.prune = true;
    ASSERT_TRUE(node.start());
    node.submit_chain(builder, builder.tip());
    const std::uint64_t size = node.chain().size_on_disk();
    EXPECT_EQ(*node.chain().prune_to(50), 50);
    EXPECT_EQ(node.chain().view()->prune_height, 51);
    EXPECT_EQ(*node.chain().prune_to(399), 112);
    EXPECT_LT(node.chain().size_on_disk(), size);
    EXPECT_EQ(node.chain().read_block(node.tip()->ancestor(112)).error(), ReadError::pruned);
    EXPECT_TRUE(node.chain().read_block(node.tip()->ancestor(113)));
    EXPECT_EQ(node.submit(*builder.block_at(60), false).kind, Kind::not_requested);
    node.stop();
    ASSERT_TRUE(node.start());
    EXPECT_EQ(node.chain().view()->prune_height, 113);
    EXPECT_EQ(node.submit(*builder.block(builder.mine())).kind, Kind::connected);
    node.stop();
    node.options.prune = false;
    EXPECT_FALSE(node.start());
    EXPECT_NE(node.start_error.find("-reindex to go back to unpruned mode"), std::string::npos);
}

TEST(ChainService, TestsABlockWithoutConnectingIt) {
    ChainHarness node;
    ChainBuilder builder;
    builder.mine_many(101);
    ASSERT_TRUE(node.start());
    node.submit_chain(builder, builder.tip());
    const auto before = node.stats();
    EXPECT_TRUE(node.chain().test_block(*builder.draft(builder.tip(), {builder.spend({builder.coin(1)}, 9)}, 9).finish(), true));
    const auto bad = node.chain().test_block(*with_bad_signature(builder, 1), true);
    ASSERT_FALSE(bad);
    EXPECT_TRUE(bad.error().reject_reason.starts_with("block-script-verify-flag-failed"));
    EXPECT_EQ(node.chain().test_block(*builder.block_at(50), true).error().reject_reason, "inconclusive-not-best-prevblk");
    EXPECT_EQ(node.stats().hash, before.hash);
    EXPECT_TRUE(*node.chain().verify_chain(4, 0));
}

TEST(ChainService, LeavesInitialDownloadForGood) {
    ChainHarness node;
    ChainBuilder builder;
    builder.mine_many(3);
    ASSERT_TRUE(node.start());
    node.submit(*builder.block_at(1));
    EXPECT_TRUE(node.chain().view()->initial_block_download);
    node.clock.set_mock(builder.tip()->header.time + 60);
    node.submit(*builder.block_at(2));
    EXPECT_FALSE(node.chain().view()->initial_block_download);
    node.clock.set_mock(builder.tip()->header.time + 60 * 86'400);
    node.submit(*builder.block_at(3));
    EXPECT_FALSE(node.chain().view()->initial_block_download);
}

class Recorder final : public ChainObserver {
public:
    void on_tip(const std::shared_ptr<const ChainView>& view, const HeaderNode* old_tip, const HeaderNode* fork) override {
        tips.push_back(fmt::format("{}>{}>{}", old_tip->height, fork->height, view->tip->height));
    }
    void on_block_connected(const BlockPtr&, const HeaderNode* node) override { blocks.push_back(node->height); }
    void on_block_disconnected(const BlockPtr&, const HeaderNode* node) override { blocks.push_back(-node->height); }
    std::vector<std::string> tips;
    std::vector<int> blocks;
};

TEST(ChainService, TellsObserversInOrderAndShowsNoTipWithLessWork) {
    ChainHarness node;
    ChainBuilder builder;
    const HeaderNode* fork = builder.mine_many(2);
    const HeaderNode* a = builder.mine_on(fork);
    const HeaderNode* b = builder.mine_on(builder.mine_on(fork));
    ASSERT_TRUE(node.start());
    Recorder recorder;
    node.chain().subscribe(&recorder);
    node.submit_chain(builder, a);
    node.submit_chain(builder, b);
    node.chain().drain_events();
    node.chain().unsubscribe(&recorder);
    EXPECT_EQ(recorder.blocks, (std::vector<int>{1, 2, 3, -3, 3, 4}));
    EXPECT_EQ(recorder.tips, (std::vector<std::string>{"0>0>1", "1>1>2", "2>2>3", "3>2>4"}));
}

}  // namespace
}  // namespace cairn::node
