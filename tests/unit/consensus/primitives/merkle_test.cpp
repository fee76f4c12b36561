#include "consensus/primitives/merkle.hpp"

#include <gtest/gtest.h>

#include "consensus/crypto/hash.hpp"

namespace cairn {
namespace {

std::vector<Uint256> make_leaves(std::size_t count) {
    std::vector<Uint256> leaves;
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint8_t seed[] = {static_cast<std::uint8_t>(i), static_cast<std::uint8_t>(i >> 8)};
        leaves.push_back(sha256(seed));
    }
    return leaves;
}

/// The definition, level by level.
Uint256 naive_root(std::vector<Uint256> level) {
    while (level.size() > 1) {
        if (level.size() % 2 != 0) level.push_back(level.back());
        std::vector<Uint256> next;
        for (std::size_t i = 0; i < level.size(); i += 2) next.push_back(hash256(level[i].span(), level[i + 1].span()));
        level = next;
    }
    return level.front();
}

TEST(Merkle, AgreesWithTheDefinitionForEveryCount) {
    EXPECT_TRUE(merkle_root({}).root.is_null());
    for (std::size_t count = 1; count < 70; ++count) {
        const auto leaves = make_leaves(count);
        const MerkleRoot root = merkle_root(leaves);
        EXPECT_EQ(root.root, naive_root(leaves)) << count;
        EXPECT_FALSE(root.mutated) << count;
    }
}

TEST(Merkle, DetectsEveryRepetitionThatKeepsTheRoot) {
    for (std::size_t count = 2; count < 40; ++count) {
        const auto leaves = make_leaves(count);
        const Uint256 root = merkle_root(leaves).root;
        for (std::size_t repeated = 1; repeated <= count; ++repeated) {
            auto longer = leaves;
            longer.insert(longer.end(), leaves.end() - static_cast<std::ptrdiff_t>(repeated), leaves.end());
            const MerkleRoot found = merkle_root(longer);
            if (found.root == root) {
                EXPECT_TRUE(found.mutated) << count << " + " << repeated;
            }
        }
    }
    auto twice = make_leaves(3);
    twice.push_back(twice.back());
    EXPECT_TRUE(merkle_root(twice).mutated);
}

TEST(Merkle, BranchLeadsToTheRoot) {
    for (std::size_t count = 1; count < 20; ++count) {
        const auto leaves = make_leaves(count);
        const Uint256 root = merkle_root(leaves).root;
        for (std::size_t position = 0; position < count; ++position) {
            const auto branch = merkle_branch(leaves, position);
            EXPECT_EQ(merkle_root_of_branch(leaves[position], branch, position), root);
        }
    }
}

}  // namespace
}  // namespace cairn
