// Real blocks as compact blocks and back: every file "<network>_<height>_<hash tail>.blk" of the folders "blocks" and "stale".

#include <gtest/gtest.h>

#include <iostream>
#include <random>

#include "tests/support/compact_blocks.hpp"
#include "tests/support/vectors.hpp"

namespace cairn::node {
namespace {

TEST(CompactBlockVectors, RealBlocksComeBackByteForByte) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::mt19937 random(152);
    std::size_t cases = 0, requested = 0;
    for (const char* folder : {"blocks", "stale"}) {
        for (const auto& path : test::vector_files(folder, "*_*_*.blk")) {
            const auto parsed = Block::parse(test::read_file(path));
            ASSERT_TRUE(parsed) << path;
            const Block& block = **parsed;
            test::TestPool pool;
            std::vector<std::uint32_t> prefill;
            for (std::uint32_t i = 1; i < block.txs().size(); ++i) {
                const auto tx = TransactionHolder::parse(to_bytes(block.txs()[i].raw));
                ASSERT_TRUE(tx);
                if (random() % 10 != 0) pool.add(*tx);
                if (random() % 50 == 0) prefill.push_back(i);
            }
            PartialBlock partial;
            ASSERT_EQ(partial.read(test::over_the_wire(make_compact_block(block, random(), prefill))), PartialBlock::Status::ok);
            ASSERT_EQ(partial.match(pool.candidates(), {}), PartialBlock::Status::ok);
            const auto pieces = make_block_txn(block, partial.missing());
            const bool witnesses = block.stripped_size() != block.raw().size();
            ASSERT_EQ(partial.fill(pieces->transactions_raw, witnesses), PartialBlock::Status::ok) << path;
            EXPECT_TRUE(std::ranges::equal(partial.block()->raw(), block.raw())) << path;
            EXPECT_EQ(partial.block()->weight(), block.weight());
            requested += partial.missing().size();
            ++cases;
        }
    }
    std::cout << cases << " blocks, " << requested << " transactions asked for\n";
    EXPECT_GT(cases, 0u);
}

}  // namespace
}  // namespace cairn::node
