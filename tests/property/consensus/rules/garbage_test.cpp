// Spoiled headers, transactions and blocks: each is refused, or reads to something that writes back to the same bytes and
// that every check can judge.
#include <gtest/gtest.h>

#include "consensus/chain/delta.hpp"
#include "consensus/rules/connect.hpp"
#include "consensus/rules/header_rules.hpp"
#include "tests/support/chain_builder.hpp"
#include "tests/support/mutator.hpp"

namespace cairn {
namespace {

constexpr std::uint64_t kSeed = 20260822;

Bytes serialize(const BlockHeader& header) {
    Bytes bytes;
    Writer writer(bytes);
    header.write(writer);
    return bytes;
}

void report(const char* what, std::uint64_t rounds, std::uint64_t read, std::uint64_t good) {
    std::printf("%llu %s, %llu could be read, %llu met the rules\n", static_cast<unsigned long long>(rounds), what,
                static_cast<unsigned long long>(read), static_cast<unsigned long long>(good));
}

TEST(RulesGarbage, HeadersAreJudgedWhateverTheirBytes) {
    test::ChainBuilder chain;
    chain.mine_many(20);
    const HeaderNode& parent = *chain.tip();
    const BlockHeader sample = chain.draft(&parent).header;
    const std::int64_t now = sample.time + 100;
    test::Mutator mutator(kSeed);
    const std::uint64_t rounds = test::garbage_rounds(50'000);
    std::uint64_t read = 0;
    std::uint64_t good = 0;
    for (std::uint64_t i = 0; i < rounds; ++i) {
        const Bytes changed = mutator.mutate(serialize(sample));
        Reader reader(changed);
        const BlockHeader header = BlockHeader::read(reader);
        ASSERT_EQ(reader.ok(), changed.size() >= BlockHeader::kSize) << "seed " << kSeed << " round " << i;
        if (!reader.ok()) continue;
        ++read;
        ASSERT_TRUE(std::ranges::equal(serialize(header), ByteSpan(changed).first(BlockHeader::kSize))) << i;
        (void)rules::headers_are_continuous(std::array{sample, header});
        (void)rules::claimed_work(std::span(&header, 1));
        const auto checked = rules::check_header(header, header.hash(), parent, now, chain.params());
        if (checked) {
            ++good;
            EXPECT_EQ(header.bits, sample.bits);
            EXPECT_GT(std::int64_t{header.time}, parent.median_time_past());
        } else {
            EXPECT_FALSE(reject_reason(checked.error(), header.version).empty());
        }
    }
    report("headers", rounds, read, good);
    EXPECT_GT(good, 0u);
}

TEST(RulesGarbage, TransactionsAreJudgedWhateverTheirBytes) {
    test::ChainBuilder chain;
    chain.mine_many(102);
    const TransactionPtr spend = chain.spend({chain.coin(1), chain.coin(2)}, 500);
    MutableTransaction coinbase(chain.block_at(102)->txs()[0]);
    const Bytes seeds[] = {to_bytes(spend->tx().raw), MutableTransaction(spend->tx()).serialize(false), coinbase.serialize()};
    test::Mutator mutator(kSeed);
    const std::uint64_t rounds = test::garbage_rounds(50'000);
    std::uint64_t read = 0;
    std::uint64_t good = 0;
    for (std::uint64_t i = 0; i < rounds; ++i) {
        const Bytes changed = mutator.mutate(seeds[mutator.below(std::size(seeds))]);
        const bool allow_witness = mutator.below(4) != 0;
        const auto holder = TransactionHolder::parse(changed, allow_witness);
        if (!holder) continue;
        ++read;
        const MutableTransaction copy((*holder)->tx());
        ASSERT_EQ(copy.serialize(allow_witness), changed) << "seed " << kSeed << " round " << i;
        ASSERT_EQ(copy.serialize(false).size(), (*holder)->tx().stripped_size) << i;
        good += rules::check_transaction((*holder)->tx()).has_value();
    }
    report("transactions", rounds, read, good);
    EXPECT_GT(good, 0u);
}

// As far as a block's bytes can come without its coins: the coins are made up.
void judge_spends(const rules::CheckedBlock& checked, const HeaderNode& parent, const ChainParams& params) {
    rules::ResolvedBlock resolved(checked);
    const ByteSpan script = checked.block().txs()[0].outputs[0].script_pubkey;
    for (std::size_t i = 0; i < checked.input_count(); ++i) {
        if (i % 3 == 2) {
            resolved.add_missing();
        } else {
            resolved.add({static_cast<Amount>(i + 1) * kCoin, script}, {0, i % 2 == 0});
        }
    }
    (void)rules::check_spends(resolved, parent, params);
}

TEST(RulesGarbage, BlocksAreJudgedWhateverTheirBytes) {
    test::ChainBuilder chain;
    chain.mine_many(104);
    const TransactionPtr spend = chain.spend({chain.coin(1), chain.coin(2), chain.coin(3)}, 500);
    const Bytes seeds[] = {to_bytes(chain.draft(chain.tip(), {spend}, 500).finish()->raw()),
                           to_bytes(chain.draft(chain.tip()).finish()->raw())};
    // Without these, almost all blocks would be refused for their hash.
    constexpr rules::CheckOptions kNoCommitments{.proof_of_work = false, .merkle_root = false};
    test::Mutator mutator(kSeed);
    const std::uint64_t rounds = test::garbage_rounds(50'000);
    std::uint64_t read = 0;
    std::uint64_t good = 0;
    for (std::uint64_t i = 0; i < rounds; ++i) {
        const Bytes changed = mutator.mutate(seeds[mutator.below(std::size(seeds))]);
        const auto block = Block::parse(changed);
        if (!block) continue;
        ++read;
        ASSERT_EQ(test::BlockDraft(**block).serialize(), changed) << "seed " << kSeed << " round " << i;
        ASSERT_EQ((*block)->serialize_stripped().size(), (*block)->stripped_size()) << i;
        (void)rules::is_block_mutated(**block, true);
        const auto checked = rules::check_block(*block, chain.params(), kNoCommitments);
        if (!checked) {
            EXPECT_FALSE(checked.error().reject_reason().empty());
            continue;
        }
        ++good;
        (void)rules::check_block_context(*checked, chain.tip(), chain.params());
        judge_spends(*checked, *chain.tip(), chain.params());
    }
    report("blocks", rounds, read, good);
    EXPECT_GT(good, 0u);
}

}  // namespace
}  // namespace cairn
