#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "consensus/primitives/block_filter.hpp"
#include "node/index/index_service.hpp"
#include "node/index/marker.hpp"
#include "tests/support/chain_harness.hpp"

namespace cairn::node {
namespace {

using test::ChainBuilder;
using test::ChainHarness;

constexpr Height kMature = 110;
constexpr IndexOptions kAll{true, true, true, true};
constexpr IndexOptions kPrunable{false, true, true, false};

/// A node with indexes, whose store survives restarts and crashes.
class Indexes : public testing::Test {
protected:
    static void SetUpTestSuite() {
        builder = std::make_unique<ChainBuilder>();
        mature = builder->mine_many(kMature);
        for (Height height = 1; height <= 6; ++height) busy.push_back(mine_spends(height));
    }
    static void TearDownTestSuite() {
        builder.reset();
        busy.clear();
    }
    void TearDown() override { stop(); }

    /// A block that spends the coinbase of `height`, spends of that what is left, burns some and leaves fees behind.
    static const HeaderNode* mine_spends(Height height) {
        const auto coin = builder->coin(height);
        const auto first = builder->spend({coin}, {{coin.coin.value / 2, builder->key().script_pubkey()}, {5'000, Bytes{0x6a, 0x01, 0x07}}});
        const test::TestCoin change{{first->tx().txid, 0}, {coin.coin.value / 2, builder->key().script_pubkey(), 0, false}};
        return builder->mine({first, builder->spend({change}, 700)}, 300);
    }

    void start(IndexOptions options = kAll) {
        ASSERT_TRUE(node.start()) << node.start_error;
        make(options);
        const auto started = indexes->start();
        ASSERT_TRUE(started) << started.error();
    }
    void make(IndexOptions options) {
        indexes = std::make_unique<IndexService>(options, node.chain(), node.chain().thread(), node.kv, builder->params(),
                                                 [this](const std::string& text) { trouble = text; });
    }
    void stop() {
        if (indexes) {
            indexes->stop();
            node.chain().stop();  // which writes the markers with the rest
        }
        indexes.reset();
        node.stop();
    }
    void crash(std::size_t lost) {
        const auto pending = node.kv.pending_writes();
        node.kv.fail_after(1);
        indexes->stop();
        node.chain().stop();
        indexes.reset();
        node.stop();
        node.kv.crash_losing(std::min(lost, pending));
        node.fatal_message.clear();
        trouble.clear();
    }
    void sync(const HeaderNode* to) {
        node.submit_chain(*builder, to);
        node.chain().drain_events();
        ASSERT_EQ(node.tip()->hash, to->hash);
    }
    void wait() {
        for (int i = 0; i < 2'000; ++i) {
            bool current = true;
            const auto ask = [&current](const auto* index) { current = current && (!index || index->wait_until_current()); };
            ask(indexes->txs());
            ask(indexes->spenders());
            ask(indexes->filters());
            ask(indexes->coin_stats());
            if (current) break;
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        for (const IndexSummary& index : indexes->summaries()) {
            EXPECT_TRUE(index.synced) << index.name;
            EXPECT_EQ(index.best_block_height, node.tip()->height) << index.name;
        }
        EXPECT_EQ(trouble, "");
    }

    std::optional<PlacedTx> find_tx(const Txid& txid) { return *indexes->txs()->index.find(txid); }
    std::optional<PlacedTx> find_spender(const OutPoint& outpoint) {
        return *indexes->spenders()->index.find(outpoint, indexes->spenders()->driver->reached());
    }

    /// Everything that the indexes say of the active chain is what the chain itself says.
    void check_all() {
        wait();
        const HeaderNode* tip = node.tip();
        Uint256 header;
        for (Height height = 0; height <= tip->height; ++height) {
            const HeaderNode* at = tip->ancestor(height);
            const BlockPtr block = *Block::parse(*node.chain().read_block(at));
            std::vector<ByteSpan> scripts;
            BlockUndo undo;
            if (height > 0) undo = *node.chain().read_undo(at);
            for (const TxUndo& coins : undo)
                for (const Coin& coin : coins) scripts.push_back(coin.script_pubkey);
            const Bytes filter = basic_filter(*block, scripts);
            header = filter_header(filter_hash(filter), header);
            if (indexes->filters()) {
                EXPECT_EQ(indexes->filters()->index.filter(at), filter) << height;
                const auto row = indexes->filters()->index.row(at);
                ASSERT_TRUE(row) << height;
                EXPECT_EQ(row->header, header) << height;
                EXPECT_EQ(row->hash, filter_hash(filter)) << height;
            }
            if (height > 0) check_transactions(*block, at);
        }
        if (!indexes->coin_stats()) return;
        const auto counted = node.chain().utxo_stats(UtxoHash::muhash, {});
        const auto stats = *indexes->coin_stats()->index.find(tip);
        ASSERT_TRUE(stats);
        EXPECT_EQ(stats->muhash, *counted->hash);
        EXPECT_EQ(stats->coins, counted->coins);
        EXPECT_EQ(stats->bogo_size, counted->bogo_size);
        EXPECT_EQ(stats->total_amount, counted->total_amount);
        EXPECT_EQ(stats->total_amount + stats->unspendable(), static_cast<Amount>(stats->subsidy));
    }
    void check_transactions(const Block& block, const HeaderNode* at) {
        for (const Transaction& tx : block.txs()) {
            if (indexes->txs()) {
                const auto found = find_tx(tx.txid);
                ASSERT_TRUE(found) << at->height;
                EXPECT_EQ(found->block, at);
                EXPECT_EQ(found->tx->tx().wtxid, tx.wtxid);
            }
            if (!indexes->spenders() || tx.is_coinbase()) continue;
            for (const TxInput& input : tx.inputs) {
                const auto found = find_spender(input.prevout);
                ASSERT_TRUE(found) << at->height;
                EXPECT_EQ(found->tx->tx().txid, tx.txid);
                EXPECT_EQ(found->block, at);
            }
        }
    }

    static inline std::unique_ptr<ChainBuilder> builder;
    static inline const HeaderNode* mature = nullptr;
    static inline std::vector<const HeaderNode*> busy;
    ChainHarness node;
    std::unique_ptr<IndexService> indexes;
    std::string trouble;
};

TEST_F(Indexes, FollowTheChain) {
    start();
    sync(busy.back());
    check_all();
    EXPECT_FALSE(find_tx(builder->params().genesis->txs()[0].txid)) << "it cannot be spent";
    EXPECT_FALSE(find_tx(Txid()));
    EXPECT_FALSE(find_spender({builder->block_at(90)->txs()[0].txid, 0}));
    EXPECT_EQ(indexes->filters()->index.rows(3, node.tip())->size(), static_cast<std::size_t>(node.tip()->height - 2));
}

TEST_F(Indexes, CatchUpWhenSwitchedOnLater) {
    ASSERT_TRUE(node.start());
    sync(busy[2]);
    make(kAll);
    ASSERT_TRUE(indexes->start());
    check_all();
    sync(busy.back());
    check_all();
}

TEST_F(Indexes, GoOnAfterARestartFromWhereTheyWere) {
    start();
    sync(busy[1]);
    wait();
    stop();
    for (const char* name : {"txindex", "txospenderindex", "coinstatsindex", "basic block filter index"}) {
        const auto marker = read_index_marker(node.kv, name);
        ASSERT_TRUE(marker && *marker) << name;
        EXPECT_EQ((*marker)->best.hash, busy[1]->hash) << name;
    }
    ASSERT_TRUE(node.start());
    make({});  // a while without
    sync(busy[3]);
    stop();
    start();
    check_all();
    sync(busy.back());
    check_all();
}

TEST_F(Indexes, SayHowMuchABlockChanged) {
    start({false, false, true, false});
    sync(busy.front());
    wait();
    const HeaderNode* tip = node.tip();
    const CoinStats now = **indexes->coin_stats()->index.find(tip), before = **indexes->coin_stats()->index.find(tip->parent);
    const Amount coinbase = builder->coin(1).coin.value, subsidy = rules::block_subsidy(tip->height, builder->params());
    const Amount fees = coinbase - coinbase / 2 - 5'000 + 700;
    EXPECT_EQ(now.prevout_spent - before.prevout_spent, static_cast<std::uint64_t>(coinbase + coinbase / 2));
    EXPECT_EQ(now.new_outputs_ex_coinbase - before.new_outputs_ex_coinbase, static_cast<std::uint64_t>(coinbase / 2 + coinbase / 2 - 700));
    EXPECT_EQ(now.coinbase - before.coinbase, static_cast<std::uint64_t>(subsidy + 300));
    EXPECT_EQ(now.scripts - before.scripts, 5'000);
    EXPECT_EQ(now.unclaimed_rewards - before.unclaimed_rewards, fees - 300);
    EXPECT_EQ(now.genesis_block, rules::block_subsidy(0, builder->params()));
}

TEST_F(Indexes, FollowAReorganisation) {
    start();
    sync(busy.back());
    check_all();
    const HeaderNode* old_tip = node.tip();
    const Txid moved = builder->block(busy[5])->txs()[1].txid, lost = builder->block(busy[4])->txs()[1].txid;
    const CoinStats old_stats = **indexes->coin_stats()->index.find(old_tip);
    // The last spends come again one block later, those before are left out.
    const HeaderNode* keep = builder->tip();
    builder->set_tip(busy[5]);
    const auto coin = builder->coin(6);
    const auto again = builder->block(busy[5])->txs();
    const TransactionPtr first = MutableTransaction(again[1]).finish(), second = MutableTransaction(again[2]).finish();
    const HeaderNode* a = builder->mine_on(busy[3]);
    const HeaderNode* b = builder->mine_on(a);
    const HeaderNode* c = builder->mine_on(b, {first, second}, 0);
    builder->set_tip(keep);
    sync(c);
    check_all();
    EXPECT_EQ(find_tx(moved)->block->hash, c->hash);
    EXPECT_EQ(find_tx(lost)->block->hash, busy[4]->hash) << "blocks that were left behind stay known";
    EXPECT_FALSE(find_spender(builder->coin(5).outpoint)) << "what they spent does not";
    EXPECT_EQ(find_spender(coin.outpoint)->block->hash, c->hash);
    EXPECT_EQ(**indexes->coin_stats()->index.find(old_tip), old_stats);
    EXPECT_TRUE(indexes->filters()->index.filter(old_tip));
    // And back.
    ASSERT_TRUE(node.chain().invalidate_block(node.chain().headers().find(a->hash)));
    EXPECT_EQ(node.tip(), old_tip);
    check_all();
}

TEST_F(Indexes, FindTheirWayFromABranchThatIsNoMore) {
    start();
    sync(busy.back());
    wait();
    stop();
    ASSERT_TRUE(node.start());
    const HeaderNode* keep = builder->tip();
    const HeaderNode* last = busy[1];
    for (int i = 0; i < 6; ++i) last = builder->mine_on(last);
    builder->set_tip(keep);
    sync(last);
    stop();
    start();
    check_all();
}

// Whatever of the newest writes a crash takes: what the markers claim is there, and the rest is made up for.
TEST_F(Indexes, SurviveACrashAfterAnyWrite) {
    for (std::size_t lost = 0; lost < 24; ++lost) {
        SCOPED_TRACE(lost);
        node.kv.~MemoryKv();
        new (&node.kv) storage::MemoryKv();
        start();
        sync(mature);
        wait();
        ASSERT_TRUE(node.chain().flush());
        sync(busy[2]);
        wait();
        crash(lost);
        start();
        EXPECT_LE(indexes->txs()->summary().best_block_height, busy[2]->height);
        check_all();
        sync(busy.back());
        check_all();
        stop();
    }
}

// At the tip every write is logged: what was indexed is not indexed again, up to where the ledger itself is.
TEST_F(Indexes, AreWhereTheLedgerIsAfterACrashAtTheTip) {
    node.options.max_tip_age = std::int64_t{1} << 40;
    start();
    sync(busy[2]);
    wait();
    const auto written = [&] {
        const auto best = storage::read_best_block(node.kv);
        return best && *best && (*best)->hash == busy[2]->hash;
    };
    for (int tries = 0; !written() && tries < 1000; ++tries) std::this_thread::sleep_for(std::chrono::milliseconds(10));  // a moment after a tip
    ASSERT_TRUE(written());
    ASSERT_FALSE(node.chain().view()->initial_block_download);
    crash(1'000);
    for (const char* name : {"txindex", "txospenderindex", "coinstatsindex", "basic block filter index"}) {
        const auto marker = read_index_marker(node.kv, name);
        ASSERT_TRUE(marker && *marker) << name;
        EXPECT_EQ((*marker)->best, **storage::read_best_block(node.kv)) << name;
    }
    start();
    check_all();
    sync(busy.back());
    check_all();
}

TEST_F(Indexes, MarkersAreNeverAheadOfTheLedger) {
    start();
    sync(busy.back());
    wait();
    // The tip is old, so this is initial download: nothing was flushed since the genesis block.
    for (const char* name : {"txindex", "txospenderindex", "coinstatsindex", "basic block filter index"}) {
        const auto marker = read_index_marker(node.kv, name);
        const auto best = storage::read_best_block(node.kv);
        ASSERT_TRUE(marker && best);
        EXPECT_LE(*marker ? (*marker)->best.height : 0, *best ? (*best)->height : 0) << name;
    }
}

TEST_F(Indexes, AreMadeAnewByReindexing) {
    start();
    sync(busy.back());
    wait();
    stop();
    node.options.reindex = true;
    start();
    node.options.reindex = false;
    check_all();
}

TEST_F(Indexes, WaitersComeHomeWhenTheNodeStops) {
    start();
    sync(mature);
    wait();
    EXPECT_TRUE(indexes->txs()->wait_until_current());
    indexes->stop();
    EXPECT_FALSE(indexes->txs()->wait_until_current());
}

TEST_F(Indexes, KeepPruningFromWhatTheyHaveNotSeen) {
    node.options.prune = node.options.fast_prune = true;
    start(kPrunable);
    sync(busy.back());
    wait();
    EXPECT_EQ(indexes->needed().from, busy.back()->height);
    check_all();
}

TEST_F(Indexes, RefuseToStartBehindPrunedBlocks) {
    ChainBuilder longer;
    longer.mine_many(400);
    node.options.prune = node.options.fast_prune = true;
    ASSERT_TRUE(node.start());
    node.submit_chain(longer, longer.tip());
    node.chain().drain_events();
    ASSERT_TRUE(node.chain().prune_to(100));
    make(kPrunable);
    const auto started = indexes->start();
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error(), "basic block filter index best block of the index goes beyond pruned data (including undo data). Please disable "
                               "the index or reindex (which will download the whole blockchain again)");
}

TEST_F(Indexes, RefuseADamagedState) {
    start();
    sync(mature);
    wait();
    stop();
    storage::WriteBatch batch;
    put_index_marker(batch, "coinstatsindex", {{mature->hash, mature->height}, Bytes(MuHash3072::kSerializedSize, 1)});
    ASSERT_TRUE(node.kv.write(batch));
    ASSERT_TRUE(node.start());
    make(kAll);
    const auto started = indexes->start();
    ASSERT_FALSE(started);
    EXPECT_TRUE(started.error().starts_with("Cannot read current coinstatsindex state; index may be corrupted"));
}

TEST(TxPlace, ReadsWhatItWrote) {
    HeaderNode node;
    node.height = 0x123456;
    node.hash.data()[0] = 0xab;
    const auto value = TxPlace::of(node, 0xfedcba).write();
    const auto place = TxPlace::read(value);
    ASSERT_TRUE(place);
    EXPECT_EQ(place->height, node.height);
    EXPECT_EQ(place->offset, 0xfedcbau);
    EXPECT_EQ(place->block_tag[0], 0xab);
    EXPECT_FALSE(TxPlace::read(ByteSpan(value).first(9)));
    EXPECT_NE(TxPlace::key({1, 2}, Txid()), TxPlace::key({1, 3}, Txid()));
    EXPECT_NE(TxPlace::key({1, 2}, OutPoint{Txid(), 0}), TxPlace::key({1, 2}, OutPoint{Txid(), 1}));
}

TEST(RecentBlocks, HoldOnlySoMuchAndForgetWhatEverybodySaw) {
    ChainBuilder builder;
    RecentBlocks recent;
    builder.mine_many(3);
    for (Height height = 1; height <= 3; ++height) {
        const HeaderNode* node = builder.tip()->ancestor(height);
        recent.put({node, builder.block(node), std::make_shared<const BlockUndo>()});
    }
    recent.forget(2);
    EXPECT_FALSE(recent.find(builder.tip()->ancestor(2)));
    EXPECT_TRUE(recent.find(builder.tip()));
}

}  // namespace
}  // namespace cairn::node
