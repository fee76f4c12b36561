#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "tests/support/chain_harness.hpp"

namespace cairn::node {
namespace {

using test::ChainBuilder;
using test::ChainHarness;
using test::TestCoin;

// Everything about one block that the naive model needs.
struct Planned {
    const HeaderNode* node = nullptr;
    BlockPtr block;
    bool bad = false;         ///< breaks a rule that only connecting finds
    bool delivered = false;
};

// A random tree of blocks in which some break a rule.
class World {
public:
    explicit World(std::uint32_t seed) : random_(seed) {
        builder_.mine_many(104);  // so that a few coins are mature
        for (Height h = 1; h <= 104; ++h) blocks_.push_back({builder_.tip()->ancestor(h), builder_.block_at(h), false, false});
        for (int i = 0; i < 60; ++i) grow();
    }

    const ChainBuilder& builder() const { return builder_; }
    std::vector<Planned>& blocks() { return blocks_; }

    bool valid(const HeaderNode* node) const {
        for (; node->parent; node = node->parent) {
            const Planned& planned = *by_node(node);
            if (planned.bad || !planned.delivered) return false;
        }
        return true;
    }
    Height best_height() const {
        Height best = 0;
        for (const Planned& planned : blocks_) {
            if (planned.delivered && valid(planned.node)) best = std::max(best, planned.node->height);
        }
        return best;
    }
    // The coins after a valid branch, the slow and simple way.
    std::map<OutPoint, Amount> coins(const HeaderNode* node) const {
        std::map<OutPoint, Amount> coins;
        for (Height h = 1; h <= node->height; ++h) {
            for (const Transaction& tx : by_node(node->ancestor(h))->block->txs()) {
                if (!tx.is_coinbase()) {
                    for (const TxInput& input : tx.inputs) coins.erase(input.prevout);
                }
                for (std::uint32_t i = 0; i < tx.outputs.size(); ++i) {
                    if (!is_unspendable(tx.outputs[i].script_pubkey)) coins[{tx.txid, i}] = tx.outputs[i].value;
                }
            }
        }
        return coins;
    }
    const Planned* by_node(const HeaderNode* node) const { return &blocks_[index_of(node)]; }

private:
    std::size_t index_of(const HeaderNode* node) const { return node->id - 1; }

    void grow() {
        // Mostly near the tips, now and then far below.
        const std::size_t span = random_() % 8 == 0 ? 40 : 8;
        const std::size_t at = blocks_.size() - 1 - random_() % std::min(span, blocks_.size() - 1);
        const HeaderNode* parent = blocks_[at].node;
        builder_.set_tip(parent);
        std::vector<TransactionPtr> txs;
        std::set<Height> used;
        for (int i = static_cast<int>(random_() % 3); i > 0 && parent->height >= 101; --i) {
            const Height height = 1 + static_cast<Height>(random_() % static_cast<std::uint32_t>(parent->height - 99));
            const TestCoin coin = builder_.coin(height);
            if (!used.insert(height).second || spent_on(parent, coin.outpoint)) continue;
            txs.push_back(builder_.spend({coin}, 0));
        }
        bool bad = random_() % 10 == 0;
        Amount fees = 0;
        if (bad) {
            if (random_() % 2 == 0 || txs.empty()) {
                fees = 1;  // takes more than it may
            } else {
                MutableTransaction tx(txs[0]->tx());
                tx.outputs[0].value -= 1;  // the signature no longer holds
                txs[0] = tx.finish();
            }
        }
        const HeaderNode* node = builder_.mine_on(parent, txs, fees);
        blocks_.push_back({node, builder_.block(node), bad, false});
    }
    bool spent_on(const HeaderNode* node, const OutPoint& outpoint) const {
        for (; node->parent; node = node->parent) {
            for (const Transaction& tx : by_node(node)->block->txs()) {
                for (const TxInput& input : tx.inputs) {
                    if (input.prevout == outpoint) return true;
                }
            }
        }
        return false;
    }

    std::mt19937 random_;
    ChainBuilder builder_;
    std::vector<Planned> blocks_;
};

void check(ChainHarness& harness, const World& world) {
    harness.chain().drain_events();
    const HeaderNode* tip = world.builder().headers().find(harness.tip()->hash);
    ASSERT_NE(tip, nullptr);
    ASSERT_TRUE(world.valid(tip)) << "an invalid branch is active";
    ASSERT_EQ(tip->height, world.best_height());
}

TEST(RandomTree, EndsOnTheBestValidBranchWhateverTheOrder) {
    for (std::uint32_t seed = 1; seed <= 12; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        World world(seed);
        std::mt19937 random(seed * 7919);
        ChainHarness harness;
        harness.options.cache_bytes = seed % 3 == 0 ? 4096 : 1 << 20;
        harness.options.window_blocks = 1 + random() % 8;
        harness.options.check_blocks = 10;
        if (seed % 2 == 0) harness.clock.set_mock(world.builder().tip()->header.time + 100);
        ASSERT_TRUE(harness.start());

        std::vector<std::size_t> order(world.blocks().size());
        for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
        // Headers first, so that blocks can come in any order; here in one that is shuffled within a window.
        for (std::size_t i = 0; i + 1 < order.size(); ++i) std::swap(order[i], order[i + random() % std::min<std::size_t>(30, order.size() - i)]);
        const auto send_headers = [&] {
            for (const Planned& planned : world.blocks()) (void)harness.chain().accept_headers({&planned.block->header(), 1}, true);
        };
        send_headers();
        for (std::size_t i = 0; i < order.size(); ++i) {
            Planned& planned = world.blocks()[order[i]];
            BlockSubmission submission;
            submission.raw = to_bytes(planned.block->raw());
            submission.force = submission.header_checked = true;
            harness.chain().submit_block(std::move(submission));
            planned.delivered = true;
            if (random() % 12 == 0) {
                harness.chain().wait_for([&](const ChainView&) { return harness.chain().pending_bytes() == 0; }, 1);
                while (harness.chain().pending_bytes() > 0) harness.chain().drain_events();
                check(harness, world);
            }
            if (random() % 50 == 0) {
                while (harness.chain().pending_bytes() > 0) harness.chain().drain_events();
                harness.stop();
                ASSERT_TRUE(harness.start()) << harness.start_error;
                send_headers();
            }
        }
        while (harness.chain().pending_bytes() > 0) harness.chain().drain_events();
        check(harness, world);
        const HeaderNode* tip = world.builder().headers().find(harness.tip()->hash);
        const auto expected = world.coins(tip);
        EXPECT_EQ(harness.stats().coins, expected.size());
        for (const auto& [outpoint, value] : expected) {
            const auto coin = harness.chain().coin(outpoint);
            ASSERT_TRUE(coin);
            EXPECT_EQ(coin->value, value);
        }
    }
}

}  // namespace
}  // namespace cairn::node
