#include "consensus/primitives/merkle_proof.hpp"

#include <gtest/gtest.h>

#include <random>

#include "consensus/crypto/hash.hpp"
#include "consensus/primitives/merkle.hpp"

namespace cairn {
namespace {

std::vector<Uint256> make_leaves(std::size_t count) {
    std::vector<Uint256> leaves;
    for (std::size_t i = 0; i < count; ++i) {
        const std::array<std::uint8_t, 4> seed{static_cast<std::uint8_t>(i), static_cast<std::uint8_t>(i >> 8), 7, 9};
        leaves.push_back(Uint256(hash256(seed)));
    }
    return leaves;
}

Bytes serialized(const MerkleProof& proof) {
    Bytes bytes;
    Writer writer(bytes);
    proof.write(writer);
    return bytes;
}

MerkleProof parsed(const Bytes& bytes) {
    Reader reader(bytes);
    MerkleProof proof = MerkleProof::read(reader);
    reader.expect_end();
    EXPECT_TRUE(reader.ok());
    return proof;
}

TEST(MerkleProof, ShowsExactlyTheWantedLeavesUnderTheRoot) {
    std::mt19937 random(1);
    for (const std::size_t count : {1, 2, 3, 4, 7, 8, 9, 31, 100, 1000}) {
        const auto leaves = make_leaves(count);
        for (int round = 0; round < 8; ++round) {
            std::vector<bool> wanted(count);
            for (std::size_t i = 0; i < count; ++i) wanted[i] = random() % (1u << round) == 0;
            const auto shown = parsed(serialized(MerkleProof::make(leaves, wanted))).show();
            ASSERT_TRUE(shown) << count;
            EXPECT_EQ(shown->root, merkle_root(leaves).root);
            std::vector<bool> found(count);
            for (const auto& leaf : shown->leaves) {
                EXPECT_EQ(leaf.hash, leaves[leaf.position]);
                found[leaf.position] = true;
            }
            EXPECT_EQ(found, wanted);
        }
    }
}

TEST(MerkleProof, AnyFlippedBitChangesTheRootOrIsRefused) {
    const auto leaves = make_leaves(11);
    std::vector<bool> wanted(11);
    wanted[4] = wanted[10] = true;
    const Bytes good = serialized(MerkleProof::make(leaves, wanted));
    const Uint256 root = merkle_root(leaves).root;
    const std::size_t hash_bytes = good.size() - 4 - 1 - 2;  // count, size, ..., size and one or two flag bytes
    for (std::size_t bit = 5 * 8; bit < (5 + hash_bytes / 32 * 32) * 8; ++bit) {
        Bytes bad = good;
        bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ 1 << bit % 8);
        const auto shown = parsed(bad).show();
        EXPECT_TRUE(!shown || shown->root != root) << bit;
    }
}

TEST(MerkleProof, RefusesEqualNeighbours) {
    // Six leaves whose last two repeat the two before have the root of the first four... of a tree with five or six.
    auto leaves = make_leaves(4);
    leaves.push_back(leaves[2]);
    leaves.push_back(leaves[3]);
    leaves.push_back(leaves[2]);
    leaves.push_back(leaves[3]);
    std::vector<bool> wanted(leaves.size());
    wanted[7] = true;
    EXPECT_FALSE(MerkleProof::make(leaves, wanted).show());
}

TEST(MerkleProof, RefusesSizesThatNoTreeHas) {
    const auto leaves = make_leaves(3);
    const Bytes good = serialized(MerkleProof::make(leaves, {true, false, true}));
    for (const std::uint32_t count : {0u, 1u, 5u, 16667u, 0xffffffffu}) {
        Bytes bad = good;
        for (int i = 0; i < 4; ++i) bad[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(count >> 8 * i);
        EXPECT_FALSE(parsed(bad).show()) << count;
    }
    Bytes more_flags(good.begin(), good.end() - 2);
    more_flags.insert(more_flags.end(), {2, good.back(), 0});
    EXPECT_FALSE(parsed(more_flags).show());
}

TEST(MerkleProof, ReadsNothingBeyondItsBytes) {
    const Bytes good = serialized(MerkleProof::make(make_leaves(9), std::vector<bool>(9, true)));
    for (std::size_t size = 0; size < good.size(); ++size) {
        Reader reader(ByteSpan(good).first(size));
        MerkleProof::read(reader);
        EXPECT_FALSE(reader.ok()) << size;
    }
    const Bytes huge{1, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0x01};
    Reader reader(huge);
    MerkleProof::read(reader);
    EXPECT_FALSE(reader.ok());
}

TEST(MerkleProof, ShowsAnInnerNodeAsTheLeafOfASmallerTree) {
    // What callers must compare the number of transactions for.
    const auto leaves = make_leaves(4);
    const Uint256 root = merkle_root(leaves).root;
    const auto shown = MerkleProof::make({root}, {true}).show();
    ASSERT_TRUE(shown);
    EXPECT_EQ(shown->root, root);
    EXPECT_NE(MerkleProof::make({root}, {true}).leaf_count(), 4u);
}

}  // namespace
}  // namespace cairn
