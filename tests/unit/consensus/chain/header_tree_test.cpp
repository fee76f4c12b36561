#include "consensus/chain/header_tree.hpp"

#include <gtest/gtest.h>

#include <random>

namespace cairn {
namespace {

constexpr std::uint32_t kEasyBits = 0x207fffff;

BlockHeader child_of(const BlockHash& parent, std::uint32_t nonce, std::uint32_t time = 0) {
    BlockHeader header;
    header.previous = parent;
    header.nonce = nonce;
    header.time = time;
    header.bits = kEasyBits;
    return header;
}

const HeaderNode* extend(HeaderTree& tree, const HeaderNode* parent, std::uint32_t nonce, std::uint32_t time = 0) {
    const BlockHeader header = child_of(parent->hash, nonce, time);
    return tree.insert(header, header.hash(), parent);
}

TEST(HeaderTree, FindsAncestorsAtEveryHeight) {
    HeaderTree tree(child_of({}, 0));
    std::vector<const HeaderNode*> chain{tree.genesis()};
    for (std::uint32_t i = 1; i < 1200; ++i) chain.push_back(extend(tree, chain.back(), i));
    for (std::size_t from = 0; from < chain.size(); from += 37) {
        for (std::size_t to = 0; to <= from; ++to) {
            ASSERT_EQ(chain[from]->ancestor(static_cast<Height>(to)), chain[to]) << from << " " << to;
        }
        EXPECT_EQ(chain[from]->ancestor(static_cast<Height>(from) + 1), nullptr);
        EXPECT_EQ(chain[from]->ancestor(-1), nullptr);
    }
}

TEST(HeaderTree, ReachesAncestorsInFewSteps) {
    HeaderTree tree(child_of({}, 0));
    const HeaderNode* node = tree.genesis();
    for (std::uint32_t i = 1; i < 100'000; ++i) node = extend(tree, node, i);
    int steps = 0;
    for (const HeaderNode* walk = node; walk->height > 12'345; ++steps) {
        walk = walk->skip->height >= 12'345 ? walk->skip : walk->parent;
    }
    EXPECT_LT(steps, 60);
}

TEST(HeaderTree, FindsLastCommonAncestorAsANaiveWalkDoes) {
    std::mt19937 random(7);
    HeaderTree tree(child_of({}, 0));
    std::vector<const HeaderNode*> nodes{tree.genesis()};
    for (std::uint32_t i = 1; i < 3000; ++i) {
        // Mostly the newest, so that branches grow long.
        const std::size_t back = random() % 8 == 0 ? random() % nodes.size() : 0;
        nodes.push_back(extend(tree, nodes[nodes.size() - 1 - back], i));
    }
    for (int i = 0; i < 2000; ++i) {
        const HeaderNode* a = nodes[random() % nodes.size()];
        const HeaderNode* b = nodes[random() % nodes.size()];
        const HeaderNode* x = a;
        const HeaderNode* y = b;
        while (x != y) {
            if (x->height >= y->height) {
                x = x->parent;
            } else {
                y = y->parent;
            }
        }
        ASSERT_EQ(last_common_ancestor(a, b), x);
    }
}

TEST(HeaderTree, KeepsOneNodeForOneHeader) {
    HeaderTree tree(child_of({}, 0));
    const HeaderNode* node = extend(tree, tree.genesis(), 1);
    EXPECT_EQ(extend(tree, tree.genesis(), 1), node);
    EXPECT_EQ(tree.size(), 2u);
    EXPECT_EQ(tree.at(1), node);
    EXPECT_EQ(tree.at(2), nullptr);
    EXPECT_EQ(tree.find(node->hash), node);
    EXPECT_EQ(tree.find({}), nullptr);
}

TEST(HeaderTree, AddsUpWorkAndRemembersLatestTime) {
    HeaderTree tree(child_of({}, 0, 100));
    const HeaderNode* a = extend(tree, tree.genesis(), 1, 500);
    const HeaderNode* b = extend(tree, a, 2, 300);
    EXPECT_EQ(b->chain_work, Arith256(6));
    EXPECT_EQ(b->time_max, 500u);
}

TEST(HeaderNode, TakesMedianOfElevenTimes) {
    HeaderTree tree(child_of({}, 0, 50));
    EXPECT_EQ(tree.genesis()->median_time_past(), 50);
    const HeaderNode* second = extend(tree, tree.genesis(), 1, 10);
    EXPECT_EQ(second->median_time_past(), 50);  // the upper one of an even number
    const HeaderNode* node = second;
    for (std::uint32_t i = 2; i < 12; ++i) node = extend(tree, node, i, 100 * i);
    // Of the newest 11: 10, 200, 300, … 1100.
    EXPECT_EQ(node->median_time_past(), 600);
}

TEST(Locator, IsDenseAtTheTipAndEndsWithGenesis) {
    HeaderTree tree(child_of({}, 0));
    const HeaderNode* node = tree.genesis();
    EXPECT_EQ(make_locator(node).size(), 1u);
    EXPECT_TRUE(make_locator(nullptr).empty());
    for (std::uint32_t i = 1; i < 2000; ++i) node = extend(tree, node, i);
    const auto locator = make_locator(node);
    for (Height i = 0; i < 11; ++i) EXPECT_EQ(locator[static_cast<std::size_t>(i)], node->ancestor(1999 - i)->hash);
    EXPECT_EQ(locator[12], node->ancestor(1999 - 10 - 2 - 1)->hash);
    EXPECT_EQ(locator.back(), tree.genesis()->hash);
    EXPECT_LT(locator.size(), 25u);
}

TEST(BlockWork, IsTheExpectedNumberOfHashes) {
    EXPECT_EQ(block_work(0x207fffff), Arith256(2));
    EXPECT_EQ(block_work(0x1d00ffff), Arith256(0x100010001));
    EXPECT_TRUE(block_work(0).is_zero());
    EXPECT_TRUE(block_work(0x1d800001).is_zero());  // negative
    EXPECT_TRUE(block_work(0xff123456).is_zero());  // overflow
}

}  // namespace
}  // namespace cairn
