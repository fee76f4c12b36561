#include "node/policy/package.hpp"

#include <gtest/gtest.h>

#include "consensus/crypto/sha256.hpp"
#include "tests/support/mempool_builder.hpp"
#include "tests/unit/node/policy/policy_cases.hpp"

namespace cairn::node {
namespace {

using test::MempoolBuilder;
using test::token;

std::string verdict(const std::vector<TransactionPtr>& package) { return token(check_package(package)); }

TEST(Package, HoldsTwentyFive) {
    MempoolBuilder b;
    std::vector<TransactionPtr> package;
    for (std::size_t i = 0; i < kMaxPackageCount; ++i) package.push_back(b.tx({b.coin()}));
    EXPECT_EQ(verdict(package), "ok");
    package.push_back(b.tx({b.coin()}));
    EXPECT_EQ(verdict(package), "package-too-many-transactions");
}

TEST(Package, IsNotLargerThanFourHundredAndFourThousand) {
    MempoolBuilder b;
    const auto large = b.tx({b.coin()}, 1, 101'000);
    EXPECT_EQ(verdict({large}), "ok") << "alone, the transaction is too large, not the package";
    EXPECT_EQ(verdict({large, b.tx({b.coin()})}), "package-too-large");
    const auto empty = b.tx({b.coin()}), half = b.tx({b.coin()}, 1, 100'000);
    EXPECT_EQ(verdict({empty, half}), "ok");
}

TEST(Package, HasNoDuplicates) {
    MempoolBuilder b;
    const auto tx = b.tx({b.coin()});
    EXPECT_EQ(verdict({tx, tx}), "package-contains-duplicates");
    MutableTransaction other(tx->tx());
    other.inputs[0].witness[0][0] ^= 1;
    EXPECT_EQ(verdict({tx, other.finish()}), "package-contains-duplicates") << "another witness changes nothing";
}

TEST(Package, IsSortedAndWithoutConflicts) {
    MempoolBuilder b;
    const auto parent = b.tx({b.coin()}, 2);
    const auto child = b.tx({b.out(parent)});
    EXPECT_EQ(verdict({parent, child}), "ok");
    EXPECT_EQ(verdict({child, parent}), "package-not-sorted");
    EXPECT_EQ(verdict({parent, child, b.tx({b.out(parent)})}), "conflict-in-package");
    EXPECT_EQ(verdict({parent, child, b.tx({b.out(parent, 1)})}), "ok");
    const auto coin = b.coin();
    EXPECT_EQ(verdict({b.tx({coin, coin}), parent}), "ok") << "a rule of blocks; said of the transaction";
}

TEST(Package, KnowsChildAndParents) {
    MempoolBuilder b;
    const auto parent = b.tx({b.coin()}, 2), other = b.tx({b.coin()});
    const auto child = b.tx({b.out(parent), b.out(other)});
    const auto check = [](std::vector<TransactionPtr> package) {
        return std::pair(is_child_with_parents(package), is_child_with_parents_tree(package));
    };
    EXPECT_EQ(check({parent}), std::pair(false, false));
    EXPECT_EQ(check({parent, child}), std::pair(true, true));
    EXPECT_EQ(check({parent, other, child}), std::pair(true, true));
    EXPECT_EQ(check({parent, b.tx({b.coin()}), child}), std::pair(false, false));
    const auto middle = b.tx({b.out(parent, 1)});
    EXPECT_EQ(check({parent, middle, b.tx({b.out(parent), b.out(middle)})}), std::pair(true, false)) << "a parent spends a parent";
    EXPECT_EQ(check({parent, middle, b.tx({b.out(middle)})}), std::pair(false, false)) << "a chain";
}

TEST(Package, HashDoesNotDependOnTheOrder) {
    MempoolBuilder b;
    const auto first = b.tx({b.coin()}), second = b.tx({b.coin()}), third = b.tx({b.coin()});
    const std::vector<TransactionPtr> one{first, second, third}, two{third, first, second};
    EXPECT_EQ(package_hash(one), package_hash(two));
    const std::vector<TransactionPtr> alone{first};
    EXPECT_EQ(package_hash(alone), sha256(first->tx().wtxid.span()));
}

TEST(Package, HashSortsByTheHexThatPeopleSee) {
    // Computed by hand: the concatenation of wtxids, lowest shown hex first, in memory order.
    MempoolBuilder b;
    std::vector<TransactionPtr> package;
    for (int i = 0; i < 8; ++i) package.push_back(b.tx({b.coin()}));
    auto sorted = package;
    std::sort(sorted.begin(), sorted.end(),
              [](const auto& x, const auto& y) { return x->tx().wtxid.to_display_hex() < y->tx().wtxid.to_display_hex(); });
    Sha256 hasher;
    for (const auto& tx : sorted) hasher.write(tx->tx().wtxid);
    EXPECT_EQ(package_hash(package), hasher.finish());
}

}  // namespace
}  // namespace cairn::node
