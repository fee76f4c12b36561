// BIP37: rows of MurmurHash3 ("murmur*.json": expected, seed, data), real blocks to be filtered ("bip37*blocks*.json": hash,
// block) and merkleblock messages ("bip37*merkle*.raw", some with transactions behind them).
#include "consensus/script/bloom_filter.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>

#include "consensus/crypto/murmur3.hpp"
#include "consensus/primitives/block.hpp"
#include "consensus/primitives/merkle_proof.hpp"
#include "tests/support/json.hpp"
#include "tests/support/vectors.hpp"

namespace cairn {
namespace {

void report(const char* what, std::size_t count) {
    std::cout << what << ": " << count << " cases\n";
    if (count == 0) GTEST_SKIP() << "no vectors of this kind";
}

TEST(BloomFilterVectors, Murmur3) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t cases = 0;
    for (const auto& path : test::vector_files("p2p", "murmur*.json")) {
        const UniValue file = test::load_json(path);
        for (const UniValue& row : file["vectors"].getValues()) {
            const auto expected = static_cast<std::uint32_t>(row[0].get_int64());
            const auto seed = static_cast<std::uint32_t>(row[1].get_int64());
            EXPECT_EQ(murmur3(seed, test::hex_of(row[2])), expected) << row.write();
            ++cases;
        }
    }
    report("hashes", cases);
}

/// The proof of what the filter matches in this block must lead to its merkle root.
void check_proof(const Block& block, BloomFilter filter, std::size_t position) {
    std::vector<Uint256> leaves;
    std::vector<bool> wanted;
    for (const Transaction& tx : block.txs()) {
        leaves.push_back(tx.txid);
        wanted.push_back(filter.match(tx));
    }
    ASSERT_TRUE(wanted[position]) << block.hash().to_display_hex() << " " << position;
    const auto shown = MerkleProof::make(leaves, wanted).show();
    ASSERT_TRUE(shown);
    EXPECT_EQ(shown->root, block.header().merkle_root);
    EXPECT_EQ(shown->leaves.size(), static_cast<std::size_t>(std::count(wanted.begin(), wanted.end(), true)));
}

TEST(BloomFilterVectors, RealBlocks) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t cases = 0;
    for (const auto& path : test::vector_files("p2p", "bip37*blocks*.json")) {
        const UniValue file = test::load_json(path);
        for (const UniValue& row : file.getValues()) {
            const auto block = Block::parse(test::hex_of(row["block"]));
            ASSERT_TRUE(block);
            EXPECT_EQ((*block)->hash().to_display_hex(), row["hash"].get_str());
            for (std::size_t i = 0; i < (*block)->txs().size(); ++i) {
                BloomFilter by_id = BloomFilter::sized(10, 0.000001, 0, 1);
                by_id.insert((*block)->txs()[i].txid.span());
                check_proof(**block, std::move(by_id), i);
                ++cases;
                if (i == 0) continue;
                BloomFilter by_outpoint = BloomFilter::sized(10, 0.000001, 5, 2);
                by_outpoint.insert((*block)->txs()[i].inputs[0].prevout);
                check_proof(**block, std::move(by_outpoint), i);
                ++cases;
            }
        }
    }
    report("transactions of real blocks", cases);
}

TEST(BloomFilterVectors, MerkleBlocks) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t cases = 0;
    for (const auto& path : test::vector_files("p2p", "bip37*merkle*.raw")) {
        const Bytes bytes = test::read_file(path);
        Reader reader(bytes);
        const MerkleBlock block = MerkleBlock::read(reader);
        ASSERT_TRUE(reader.ok()) << path;
        const auto shown = block.proof.show();
        ASSERT_TRUE(shown) << path;
        EXPECT_EQ(shown->root, block.header.merkle_root) << path;
        Bytes again;
        Writer writer(again);
        block.write(writer);
        ASSERT_LE(again.size(), bytes.size());
        EXPECT_TRUE(std::equal(again.begin(), again.end(), bytes.begin())) << path;
        ++cases;
    }
    report("merkle blocks", cases);
}

}  // namespace
}  // namespace cairn
