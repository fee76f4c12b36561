#include "node/mining/template_board.hpp"

#include <gtest/gtest.h>

#include "net/io/clock.hpp"
#include "tests/support/fake_mempool_port.hpp"
#include "tests/support/mempool_builder.hpp"
#include "tests/support/scripted_chain.hpp"

namespace cairn::node {
namespace {

using test::MempoolBuilder;

/// A chain that tells its observers of a new tip and can refuse blocks.
class TellingChain final : public test::ScriptedChain {
public:
    using ScriptedChain::ScriptedChain;
    void subscribe(ChainObserver* observer) override { observer_ = observer; }
    void unsubscribe(ChainObserver*) override { observer_ = nullptr; }
    void extend_and_tell() {
        const HeaderNode* old = view()->tip;
        extend();
        if (observer_) observer_->on_tip(view(), old, old);
    }
    Result<void, BlockVerdict> test_block(const Block& block, bool) override {
        ++trials;
        if (refuse.empty() || block.txs().size() == 1) return {};
        BlockVerdict refusal;
        refusal.kind = BlockVerdict::Kind::invalid;
        refusal.reject_reason = refuse;
        return fail(refusal);
    }
    std::shared_ptr<const ChainView> view() const override {
        if (!shown) return ScriptedChain::view();
        auto view = std::make_shared<ChainView>();
        view->tip = view->best_header = shown;
        return view;
    }
    std::atomic<int> trials = 0;
    std::string refuse;
    const HeaderNode* shown = nullptr;  ///< the tip that everyone sees, if it is not the last block

private:
    ChainObserver* observer_ = nullptr;
};

class FollowingPool final : public test::FakeMempoolPort {
public:
    const HeaderNode* tip() const override { return goes_with; }
    const HeaderNode* goes_with = nullptr;
};

class Board : public testing::Test {
protected:
    explicit Board(Network network = Network::regtest) : params(make_params(network)), chain(*params) {
        for (int i = 0; i < 5; ++i) chain.extend();
        clock.set_mock(chain.view()->tip->header.time + 100);
        make();
    }
    void make(MiningOptions options = {}) { board.emplace(chain, &pool, params, clock, options); }
    void add(Amount fee) { MempoolBuilder::add(pool.pool, builder.tx({builder.coin()}), fee); }
    std::size_t shown() { return board->current()->selection.transactions.size(); }
    void later(std::int64_t seconds) { clock.set_mock(clock.now() + seconds); }
    template <class Condition>
    static bool soon(Condition condition) {
        for (int i = 0; i < 500; ++i) {
            if (condition()) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        return false;
    }

    ChainParamsPtr params;
    TellingChain chain;
    FollowingPool pool;
    MempoolBuilder builder;
    net::Clock clock;
    std::optional<TemplateBoard> board;
};

class BoardOnMainnet : public Board {
protected:
    BoardOnMainnet() : Board(Network::mainnet) {}
};

TEST_F(Board, KeepsATemplateForFiveSecondsAfterTheMempoolChanged) {
    add(1000);
    const BlockTemplatePtr first = board->current();
    add(1000);
    EXPECT_EQ(board->current(), first);
    later(5);
    EXPECT_EQ(board->current(), first);
    later(1);
    EXPECT_EQ(shown(), 2u);
    const BlockTemplatePtr second = board->current();
    later(1000);
    EXPECT_EQ(board->current(), second) << "nothing changed";
    EXPECT_EQ(board->shown_changes(), second->changes);
}

TEST_F(Board, FollowsTheTipAtOnce) {
    EXPECT_EQ(board->current()->height, 6);
    chain.extend();
    const BlockTemplatePtr next = board->current();
    EXPECT_EQ(next->height, 7);
    EXPECT_EQ(next->parent, chain.view()->tip);
}

TEST_F(Board, IsReadyForATipThatTheMempoolFollowedAlready) {
    chain.shown = chain.view()->tip;
    EXPECT_EQ(board->current()->parent, chain.shown);
    const HeaderNode* coming = chain.extend();
    add(1000);
    pool.goes_with = coming;
    board->on_block_removed({}, coming);
    const BlockTemplatePtr ahead = board->current();
    EXPECT_EQ(ahead->parent, coming);
    EXPECT_EQ(ahead->height, coming->height + 1);
    EXPECT_EQ(ahead->selection.transactions.size(), 1u);
    chain.shown = nullptr;
    board->on_tip(chain.view(), coming->parent, coming->parent);
    EXPECT_EQ(board->current(), ahead);
}

TEST_F(Board, NeverBuildsOnABlockThatWasJustDisconnected) {
    const HeaderNode* gone = chain.extend();
    pool.goes_with = gone;
    board->on_block_removed({}, gone);
    board->on_tip(chain.view(), gone->parent, gone->parent);
    EXPECT_EQ(board->current()->parent, gone);
    chain.shown = gone->parent;  // the mempool has yet to follow
    board->on_tip(chain.view(), gone, gone->parent);
    EXPECT_EQ(board->current()->parent, gone->parent);
}

TEST_F(Board, RemembersTheLastBlockThatWasPutTogether) {
    EXPECT_FALSE(board->last_assembled());
    add(1000);
    board->fresh(false);
    EXPECT_EQ(board->last_assembled()->weight, 8'000);
    EXPECT_EQ(board->last_assembled()->transactions, 0);
    const BlockTemplatePtr made = board->fresh(true);
    EXPECT_TRUE(made->transactions_json.empty());
    EXPECT_EQ(board->last_assembled()->transactions, 1);
    EXPECT_EQ(board->last_assembled()->weight, 8'000 + made->selection.transactions[0].tx->tx().weight());
}

TEST_F(Board, PutsTheWholeBlockTogether) {
    add(1000);
    add(2000);
    const BlockTemplatePtr made = board->fresh(true);
    const auto block = Block::parse(board->assemble(*made, Bytes{0x51}));
    ASSERT_TRUE(block);
    ASSERT_EQ((*block)->txs().size(), 3u);
    EXPECT_EQ((*block)->txs()[0].outputs[0].value, made->coinbase_value);
    EXPECT_EQ(made->coinbase_value, 50 * kCoin + 3000);
    EXPECT_TRUE(std::ranges::equal((*block)->txs()[0].outputs[1].script_pubkey, made->commitment));
    EXPECT_EQ((*block)->header().previous, made->parent->hash);
    EXPECT_LE((*block)->weight(), made->selection.weight);
}

TEST_F(Board, KeepsToItsOptions) {
    for (int i = 0; i < 50; ++i) add(1000);
    MiningOptions options;
    options.block_max_weight = 12'000;
    options.block_reserved_weight = 4'000;
    options.block_version = 1337;
    make(options);
    const BlockTemplatePtr made = board->current();
    EXPECT_EQ(made->version, 1337);
    EXPECT_LT(made->selection.weight, 12'000);
    EXPECT_GT(made->selection.weight, 11'000);
}

TEST_F(Board, TriesSmallTemplatesOnChainsThatCheckThemselves) {
    add(1000);
    chain.refuse = "bad-txns-inputs-missingorspent";
    try {
        board->current();
        FAIL();
    } catch (const std::runtime_error& error) {
        EXPECT_STREQ(error.what(), "TestBlockValidity failed: bad-txns-inputs-missingorspent");
    }
    chain.refuse.clear();
    EXPECT_EQ(shown(), 1u);
}

TEST_F(BoardOnMainnet, WithdrawsATemplateThatFailsItsTrial) {
    add(1000);
    chain.refuse = "bad-blk-sigops";
    board->start();
    EXPECT_EQ(shown(), 1u) << "callers do not wait for the trial";
    EXPECT_TRUE(soon([&] { return shown() == 0; }));
    add(1000);
    later(10);
    EXPECT_EQ(shown(), 0u) << "not again on this tip";
    chain.refuse.clear();
    chain.extend_and_tell();
    EXPECT_EQ(shown(), 2u);
}

TEST_F(BoardOnMainnet, PreparesTheNextTemplateWhileSomebodyAsks) {
    board->start();
    chain.extend_and_tell();
    EXPECT_FALSE(board->last_assembled()) << "nobody asked yet";
    add(1000);
    EXPECT_EQ(shown(), 1u);
    add(1000);
    chain.extend_and_tell();
    EXPECT_TRUE(soon([&] { return board->last_assembled()->transactions == 2; }));
    add(1000);
    EXPECT_EQ(shown(), 2u) << "the prepared one serves for five seconds";
    later(5);
    EXPECT_TRUE(soon([&] { return board->last_assembled()->transactions == 3; })) << "renewed before they are over";
    board->stop();
    EXPECT_EQ(shown(), 3u);
}

TEST_F(Board, IsExactWhereScriptsCountOnIt) {
    board->start();
    EXPECT_EQ(shown(), 0u);
    chain.extend_and_tell();
    EXPECT_TRUE(soon([&] { return board->current()->height == 7; }));
    chain.extend_and_tell();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    add(1000);
    EXPECT_EQ(shown(), 1u) << "the one prepared before is not good enough";
}

TEST_F(Board, WorksWithoutAMempool) {
    TemplateBoard empty(chain, nullptr, params, clock, MiningOptions{});
    const BlockTemplatePtr made = empty.current();
    EXPECT_EQ(made->transactions_json, "[]");
    EXPECT_EQ(made->changes, 0u);
    EXPECT_EQ(empty.mempool_changes(), 0u);
}

TEST(TemplateJson, CountsSignatureOperationsByAQuarterBeforeSegwit) {
    MempoolBuilder builder;
    BlockSelection selection;
    selection.transactions.push_back({builder.tx({builder.coin()}), 5, 8, 5});
    EXPECT_NE(render_transactions(selection, true).find("\"sigops\":8,"), std::string::npos);
    EXPECT_NE(render_transactions(selection, false).find("\"sigops\":2,"), std::string::npos);
    EXPECT_EQ(render_transactions({}, true), "[]");
}

}  // namespace
}  // namespace cairn::node
