// Compact filters: tables of blocks with their filters ("*.json" whose first row names the columns), filters of the blocks in
// "blocks" ("*_block_basic_filters.jsonl"), and filters of a chain from its start ("mainnet_basic_filters_0_*.hex") together
// with their headers ("mainnet_basic_filter_headers_0_*.bin").
#include "consensus/primitives/block_filter.hpp"

#include <gtest/gtest.h>

#include <iostream>
#include <map>

#include "consensus/base/codec.hpp"
#include "consensus/base/hex.hpp"
#include "tests/support/json.hpp"
#include "tests/support/vectors.hpp"

namespace cairn {
namespace {

void report(const char* what, std::size_t count) {
    std::cout << what << ": " << count << " cases\n";
    if (count == 0) GTEST_SKIP() << "no vectors of this kind";
}

void check(const Block& block, const std::vector<ByteSpan>& spent, const Bytes& expected) {
    const Bytes filter = basic_filter(block, spent);
    ASSERT_EQ(to_hex(filter), to_hex(expected)) << block.hash().to_display_hex();
    for (const ByteSpan script : spent) {
        if (script.empty()) continue;
        FilterWatch watch;
        watch.add(script);
        ASSERT_TRUE(watch.match(filter_key(block.hash()), filter).value());
    }
}

TEST(BlockFilterVectors, TablesOfBlocksAndFilters) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t cases = 0;
    for (const auto& path : test::vector_files("filters", "*.json")) {
        UniValue table;
        ASSERT_TRUE(table.read(test::read_text(path))) << path;
        if (!table.isArray() || table.empty() || !table[0].isArray() || !table[0][0].isStr() || !table[0][0].get_str().starts_with("Block Height")) continue;
        for (std::size_t i = 1; i < table.size(); ++i) {
            const UniValue& row = table[i];
            auto block = Block::parse(test::hex_of(row[2]));
            ASSERT_TRUE(block);
            EXPECT_EQ((*block)->hash().to_display_hex(), row[1].get_str());
            std::vector<Bytes> scripts;
            for (const UniValue& script : row[3].getValues()) scripts.push_back(test::hex_of(script));
            check(**block, {scripts.begin(), scripts.end()}, test::hex_of(row[5]));
            const Uint256 header = filter_header(filter_hash(test::hex_of(row[5])), Uint256::from_display_hex(row[4].get_str()).value());
            EXPECT_EQ(header.to_display_hex(), row[6].get_str()) << row[7].get_str();
            ++cases;
        }
    }
    report("rows of filter tables", cases);
}

TEST(BlockFilterVectors, RealBlocks) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::map<std::string, UniValue> filters;
    for (const auto& path : test::vector_files("filters", "*_block_basic_filters.jsonl")) {
        for (const std::string& line : test::read_lines(path)) {
            UniValue row;
            ASSERT_TRUE(row.read(line));
            filters[row["hash"].get_str()] = row;
        }
    }
    std::size_t cases = 0;
    for (const auto& path : test::vector_files("blocks", "*.prevouts.jsonl")) {
        std::string file = path.string();
        file.replace(file.find(".prevouts.jsonl"), 15, ".blk");
        auto block = Block::parse(test::read_file(file));
        ASSERT_TRUE(block);
        const auto known = filters.find((*block)->hash().to_display_hex());
        if (known == filters.end()) continue;
        std::vector<Bytes> scripts;
        for (const std::string& line : test::read_lines(path)) {
            UniValue row;
            ASSERT_TRUE(row.read(line));
            scripts.push_back(test::hex_of(row[1]));
        }
        check(**block, {scripts.begin(), scripts.end()}, test::hex_of(known->second["filter"]));
        EXPECT_EQ(filter_hash(test::hex_of(known->second["filter"])).to_display_hex(), known->second["filter_hash"].get_str());
        ++cases;
    }
    report("filters of real blocks", cases);
}

TEST(BlockFilterVectors, ChainsOfHeaders) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t cases = 0;
    for (const auto& filters : test::vector_files("filters", "*_basic_filters_0_*.hex")) {
        const std::string network = filters.filename().string().substr(0, filters.filename().string().find('_'));
        const auto headers = test::vector_files("filters", network + "_basic_filter_headers_0_*.bin");
        if (headers.empty()) continue;
        const Bytes known = test::read_file(headers.front());
        Uint256 header;
        std::size_t height = 0;
        for (const std::string& line : test::read_lines(filters)) {
            if ((height + 1) * 32 > known.size()) break;
            header = filter_header(filter_hash(from_hex(line).value()), header);
            ASSERT_EQ(header, Uint256(ByteSpan(known).subspan(height * 32, 32))) << network << " " << height;
            ++height;
        }
        cases += height;
    }
    report("filter headers of chains", cases);
}

}  // namespace
}  // namespace cairn
