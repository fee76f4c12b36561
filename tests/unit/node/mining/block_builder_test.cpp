#include "node/mining/block_builder.hpp"

#include <gtest/gtest.h>

#include "consensus/rules/difficulty.hpp"
#include "tests/support/chain_harness.hpp"

namespace cairn::node {
namespace {

using test::ChainBuilder;
using test::ChainHarness;
using Kind = BlockVerdict::Kind;

const Bytes kAnyoneCanSpend{0x51};

class Mining : public testing::Test {
protected:
    Mining() { EXPECT_TRUE(node.start()); }

    BlockBuilder builder() { return BlockBuilder(node.chain(), chain.params_ptr(), node.clock); }
    BlockPtr solved(Bytes raw) {
        std::uint64_t tries = 1'000'000;
        EXPECT_TRUE(BlockBuilder::solve(raw, tries, {}));
        return *Block::parse(std::move(raw));
    }
    // Takes the test's chain into the node.
    void sync() {
        node.submit_chain(chain, chain.tip());
        node.clock.set_mock(chain.tip()->header.time + 60);
    }

    // The transaction, whose bytes live as long as the test.
    Transaction keep(const TransactionPtr& tx) { return kept_.emplace_back(tx)->tx(); }

    ChainBuilder chain;
    ChainHarness node;

private:
    std::vector<TransactionPtr> kept_;
};

TEST_F(Mining, PutsTheHeightIntoTheCoinbase) {
    for (Height height = 1; height <= 20; ++height) {
        const BlockPtr block = solved(builder().assemble(kAnyoneCanSpend));
        const Transaction& coinbase = block->txs()[0];
        Bytes expected = height <= 16 ? Bytes{static_cast<std::uint8_t>(0x50 + height), 0x00} : Bytes{0x01, static_cast<std::uint8_t>(height)};
        EXPECT_TRUE(std::ranges::equal(coinbase.inputs[0].script_sig, expected)) << height;
        EXPECT_EQ(coinbase.lock_time, static_cast<std::uint32_t>(height - 1));
        EXPECT_NE(coinbase.inputs[0].sequence, TxInput::kFinalSequence) << "or the lock time would not count";
        EXPECT_EQ(node.submit(*block).kind, Kind::connected) << height;
    }
}

TEST_F(Mining, PaysSubsidyAndFees) {
    const BlockPtr block = solved(builder().assemble(kAnyoneCanSpend));
    EXPECT_EQ(block->txs()[0].outputs[0].value, 50 * kCoin);
    EXPECT_TRUE(std::ranges::equal(block->txs()[0].outputs[0].script_pubkey, kAnyoneCanSpend));
    chain.mine_many(150);
    sync();
    const std::vector<Transaction> given{keep(chain.spend({chain.coin(1)}, 1234))};
    const BlockPtr later = solved(builder().assemble(kAnyoneCanSpend, given, 1234));
    EXPECT_EQ(later->txs()[0].outputs[0].value, 25 * kCoin + 1234);
    EXPECT_EQ(node.submit(*later).kind, Kind::connected);
    const BlockPtr greedy = solved(builder().assemble(kAnyoneCanSpend, {}, 1));
    EXPECT_EQ(node.submit(*greedy).reject_reason, "bad-cb-amount");
}

TEST_F(Mining, CommitsToWitnesses) {
    chain.mine_many(101);
    sync();
    const std::vector<Transaction> given{keep(chain.spend({chain.coin(1)}, 0))};
    const BlockPtr block = solved(builder().assemble(kAnyoneCanSpend, given));
    ASSERT_EQ(block->txs().size(), 2u);
    const Transaction& coinbase = block->txs()[0];
    ASSERT_EQ(coinbase.outputs.size(), 2u);
    EXPECT_EQ(coinbase.outputs[1].value, 0);
    const ByteSpan script = coinbase.outputs[1].script_pubkey;
    ASSERT_EQ(script.size(), 38u);
    const Bytes prefix{0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed};
    EXPECT_TRUE(std::ranges::equal(script.first(6), prefix));
    const Uint256 expected = rules::witness_commitment_hash(block->txs(), Bytes(32, 0));
    EXPECT_TRUE(std::ranges::equal(script.subspan(6), expected.span()));
    EXPECT_EQ(node.submit(*block).kind, Kind::connected);
}

TEST_F(Mining, ShowsTransactionsThatAreNotValidWhenTested) {
    chain.mine_many(101);
    sync();
    const auto before = node.stats();
    const auto judge = [&](const std::vector<Transaction>& given) {
        const auto block = Block::parse(builder().assemble(kAnyoneCanSpend, given));
        EXPECT_TRUE(block);
        const auto verdict = node.chain().test_block(**block, false);
        return verdict ? std::string() : verdict.error().reject_reason;
    };
    MutableTransaction forged(keep(chain.spend({chain.coin(1)}, 0)));
    forged.outputs[0].value -= 1;
    EXPECT_TRUE(judge({keep(forged.finish())}).starts_with("block-script-verify-flag-failed"));
    EXPECT_EQ(judge({keep(chain.spend({chain.coin(60)}, 0))}), "bad-txns-premature-spend-of-coinbase");
    const Transaction spend = keep(chain.spend({chain.coin(1)}, 0));
    EXPECT_EQ(judge({spend, keep(chain.spend({chain.coin(1)}, 5))}), "bad-txns-inputs-missingorspent");
    EXPECT_EQ(judge({spend, spend}), "bad-txns-inputs-missingorspent");
    EXPECT_EQ(judge({spend}), "");
    EXPECT_EQ(node.stats().hash, before.hash);
    EXPECT_EQ(node.tip()->hash, chain.tip()->hash);
}

TEST_F(Mining, GivesUpWhenTriesAreUsedUpOrNobodyWantsIt) {
    Bytes raw = builder().assemble(kAnyoneCanSpend);
    // A target that no hash will meet.
    Reader reader(raw);
    BlockHeader header = BlockHeader::read(reader);
    header.bits = 0x03000001;
    Bytes hard;
    Writer writer(hard);
    header.write(writer);
    std::ranges::copy(hard, raw.begin());
    std::uint64_t tries = 100;
    EXPECT_FALSE(BlockBuilder::solve(raw, tries, {}));
    EXPECT_EQ(tries, 0u);
    tries = 1'000'000;
    EXPECT_FALSE(BlockBuilder::solve(raw, tries, [] { return false; }));
    EXPECT_GT(tries, 0u);
}

TEST(MiningOnTestNetworks, TakesTheLowestDifficultyWhenBlocksAreLate) {
    for (const Network network : {Network::testnet3, Network::testnet4}) {
        const ChainParamsPtr params = make_params(network);
        HeaderTree tree(params->genesis->header());
        const HeaderNode* tip = tree.genesis();
        constexpr std::uint32_t kHard = 0x1c00ffff;
        for (int i = 0; i < 12; ++i) {
            BlockHeader header = tip->header;
            header.previous = tip->hash;
            header.time += 600;
            header.bits = kHard;
            tip = tree.insert(header, header.hash(), tip);
        }
        ChainHarness node;  // the port is asked for nothing when the tip is given
        ASSERT_TRUE(node.start());
        const BlockBuilder builder(node.chain(), params, node.clock);
        const auto bits_after = [&](std::int64_t seconds) {
            node.clock.set_mock(tip->header.time + seconds);
            const auto block = Block::parse(builder.assemble(kAnyoneCanSpend, {}, 0, tip));
            EXPECT_EQ((*block)->header().time, tip->header.time + seconds);
            return (*block)->header().bits;
        };
        EXPECT_EQ(bits_after(600), kHard);
        EXPECT_EQ(bits_after(1200), kHard);
        EXPECT_EQ(bits_after(1201), 0x1d00ffffu);
    }
}

}  // namespace
}  // namespace cairn::node
