#include <cstdio>
#include <iostream>

#include "consensus/primitives/block.hpp"
#include "tests/support/json.hpp"
#include "tests/support/script_spend.hpp"

namespace cairn {
namespace {

/// The flags of a height on the main network.
ScriptFlags flags_at(int height) {
    const struct {
        int height;
        ScriptFlags flags;
    } forks[] = {
        {173'805, ScriptFlag::p2sh},
        {363'725, ScriptFlag::dersig},
        {388'381, ScriptFlag::checklocktimeverify},
        {419'328, ScriptFlag::checksequenceverify},
        {481'824, ScriptFlag::witness | ScriptFlag::nulldummy},
        {709'632, ScriptFlag::taproot},
    };
    ScriptFlags flags;
    for (const auto& fork : forks) {
        if (height >= fork.height) flags |= fork.flags;
    }
    return flags;
}

struct Counts {
    int inputs = 0;
    int by_rows = 0;
};

void check_block(const Block& block, const std::vector<std::string>& prevouts, ScriptFlags flags, Counts& counts) {
    std::size_t next = 0;
    for (const Transaction& tx : block.txs().subspan(1)) {
        std::vector<Bytes> scripts;
        std::vector<TxOutput> spent;
        scripts.reserve(tx.inputs.size());
        for (std::size_t i = 0; i < tx.inputs.size(); ++i) {
            UniValue prevout;
            ASSERT_TRUE(next < prevouts.size() && prevout.read(prevouts[next++]));
            scripts.push_back(test::hex_of(prevout[1]));
            spent.push_back({prevout[0].get_int64(), scripts.back()});
        }
        const PrecomputedTxData precomputed(tx, spent);
        for (std::size_t i = 0; i < tx.inputs.size(); ++i) {
            const bool by_rows = test::verify_by_rows(tx, i, flags, precomputed) == test::RowsVerdict::valid;
            EXPECT_EQ(verify_input(tx, i, flags, precomputed), ScriptError::ok) << tx.txid.to_display_hex() << ":" << i;
            ++counts.inputs;
            counts.by_rows += by_rows;
        }
    }
    EXPECT_EQ(next, prevouts.size());
}

TEST(RealBlocks, RowsDecideMostInputsAsTheInterpreterDoes) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    int blocks = 0;
    for (const auto& path : test::vector_files("blocks", "mainnet_*.prevouts.jsonl")) {
        const std::string name = path.filename().string();
        SCOPED_TRACE(name);
        const std::string stem = name.substr(0, name.find(".prevouts"));
        const auto block_files = test::vector_files("blocks", stem + ".blk");
        int height = 0;
        ASSERT_EQ(std::sscanf(name.c_str(), "mainnet_%d_", &height), 1);
        ASSERT_EQ(block_files.size(), 1u);
        const auto block = Block::parse(test::read_file(block_files[0]));
        ASSERT_TRUE(block.has_value());
        Counts counts;
        check_block(**block, test::read_lines(path), flags_at(height), counts);
        std::cout << stem << ": " << counts.inputs << " inputs, " << counts.by_rows << " by rows\n";
        ++blocks;
    }
    if (blocks == 0) GTEST_SKIP() << "no such files among these vectors";
}

}  // namespace
}  // namespace cairn
