#include "node/policy/truc.hpp"

#include <gtest/gtest.h>

#include "tests/support/mempool_builder.hpp"
#include "tests/unit/node/policy/policy_cases.hpp"

namespace cairn::node {
namespace {

using test::MempoolBuilder;

std::string shown(const TransactionPtr& tx) {
    return "tx " + tx->tx().txid.to_display_hex() + " (wtxid=" + tx->tx().wtxid.to_display_hex() + ")";
}

class Truc : public testing::Test {
protected:
    TransactionPtr tx(const std::vector<OutPoint>& inputs, std::uint32_t version = 3, unsigned outputs = 2) {
        MutableTransaction made(builder.tx(inputs, outputs)->tx());
        made.version = version;
        return made.finish();
    }
    TransactionPtr root(std::uint32_t version = 3) { return tx({builder.coin()}, version); }
    void put(const TransactionPtr& made) { ASSERT_NE(builder.add(pool, made, 1000), nullptr); }

    std::vector<const MempoolEntry*> parents(const TransactionPtr& made) {
        std::vector<const MempoolEntry*> found;
        for (const TxInput& input : made->tx().inputs) {
            const MempoolEntry* entry = pool.find(input.prevout.txid);
            if (entry && std::find(found.begin(), found.end(), entry) == found.end()) found.push_back(entry);
        }
        return found;
    }
    Result<void, TrucFault> single(const TransactionPtr& made, std::int64_t vsize = 200, std::vector<const MempoolEntry*> conflicts = {}) {
        return check_truc(pool, made->tx(), vsize, parents(made), conflicts);
    }
    std::string single_debug(const TransactionPtr& made, std::int64_t vsize = 200) {
        const auto verdict = single(made, vsize);
        return verdict ? "" : verdict.error().fault.debug;
    }
    std::string packaged(const std::vector<TransactionPtr>& package, std::size_t index, std::int64_t vsize = 200) {
        return test::debug(check_truc_in_package(pool, package, index, vsize, parents(package[index])));
    }

    MempoolBuilder builder;
    Mempool pool{MempoolOptions{}};
};

TEST_F(Truc, LeavesOtherVersionsAlone) {
    const auto parent = root(2);
    put(parent);
    const auto child = tx({builder.out(parent)}, 2);
    EXPECT_EQ(single_debug(child, 100'000), "");
    put(child);
    EXPECT_EQ(single_debug(tx({builder.out(child), builder.out(parent, 1)}, 1)), "");
}

TEST_F(Truc, StaysAmongItself) {
    const auto truc = root(3), plain = root(2);
    put(truc);
    put(plain);
    const auto two = tx({builder.out(truc)}, 2), three = tx({builder.out(plain)}, 3);
    EXPECT_EQ(single_debug(two), "non-version=3 " + shown(two) + " cannot spend from version=3 " + shown(truc));
    EXPECT_EQ(single_debug(three), "version=3 " + shown(three) + " cannot spend from non-version=3 " + shown(plain));
}

TEST_F(Truc, IsSmallAndItsChildSmaller) {
    const auto parent = root();
    EXPECT_EQ(single_debug(parent, 10'000), "");
    EXPECT_EQ(single_debug(parent, 10'001), "version=3 " + shown(parent) + " is too big: 10001 > 10000 virtual bytes");
    put(parent);
    const auto child = tx({builder.out(parent)});
    EXPECT_EQ(single_debug(child, 1'000), "");
    EXPECT_EQ(single_debug(child, 1'001), "version=3 child " + shown(child) + " is too big: 1001 > 1000 virtual bytes");
}

TEST_F(Truc, HasOneUnconfirmedParentAndNoGrandparent) {
    const auto first = root(), second = root();
    put(first);
    put(second);
    const auto both = tx({builder.out(first), builder.out(second)});
    EXPECT_EQ(single_debug(both), shown(both) + " would have too many ancestors");
    const auto child = tx({builder.out(first)});
    put(child);
    const auto grandchild = tx({builder.out(child)});
    EXPECT_EQ(single_debug(grandchild), shown(grandchild) + " would have too many ancestors");
}

TEST_F(Truc, NamesTheSiblingThatMayGo) {
    const auto parent = root();
    put(parent);
    const auto child = tx({builder.out(parent)}), second = tx({builder.out(parent, 1)});
    put(child);
    const auto verdict = single(second);
    ASSERT_FALSE(verdict);
    EXPECT_EQ(verdict.error().fault.reject_reason, "TRUC-violation");
    EXPECT_EQ(verdict.error().fault.debug, shown(parent) + " would exceed descendant count limit");
    EXPECT_EQ(verdict.error().sibling, pool.find(child->tx().txid));
    EXPECT_TRUE(single(second, 200, {pool.find(child->tx().txid)})) << "the sibling leaves for it";
}

TEST_F(Truc, NamesNoSiblingWhenAReorgLeftMore) {
    const auto parent = tx({builder.coin()}, 3, 3);
    put(parent);
    put(tx({builder.out(parent)}));
    put(tx({builder.out(parent, 1)}));
    const auto verdict = single(tx({builder.out(parent, 2)}));
    ASSERT_FALSE(verdict);
    EXPECT_EQ(verdict.error().sibling, nullptr);
}

TEST_F(Truc, NamesNoSiblingThatHasAnotherParent) {
    const auto parent = root(), other = root();
    put(parent);
    put(other);
    put(tx({builder.out(parent), builder.out(other)}));
    const auto verdict = single(tx({builder.out(parent, 1)}));
    ASSERT_FALSE(verdict);
    EXPECT_EQ(verdict.error().sibling, nullptr);
}

TEST_F(Truc, HoldsWithinPackages) {
    const auto parent = root(), child = tx({builder.out(parent)});
    EXPECT_EQ(packaged({parent, child}, 0, 10'000), "");
    EXPECT_EQ(packaged({parent, child}, 1), "");
    EXPECT_EQ(packaged({parent, child}, 0, 10'001), "version=3 " + shown(parent) + " is too big: 10001 > 10000 virtual bytes");
    EXPECT_EQ(packaged({parent, child}, 1, 1'001), "version=3 child " + shown(child) + " is too big: 1001 > 1000 virtual bytes");

    const auto plain = tx({builder.out(parent)}, 2);
    EXPECT_EQ(packaged({parent, plain}, 1), "non-version=3 " + shown(plain) + " cannot spend from version=3 " + shown(parent));
    const auto old = root(2), young = tx({builder.out(old)});
    EXPECT_EQ(packaged({old, young}, 1), "version=3 " + shown(young) + " cannot spend from non-version=3 " + shown(old));
}

TEST_F(Truc, CountsPackageAndMempoolTogether) {
    const auto parent = root(), other = root();
    const auto both = tx({builder.out(parent), builder.out(other)});
    EXPECT_EQ(packaged({parent, other, both}, 2), shown(both) + " would have too many ancestors");

    const auto child = tx({builder.out(parent)}), second = tx({builder.out(parent, 1)});
    EXPECT_EQ(packaged({parent, child, second}, 1), shown(parent) + " would exceed descendant count limit");
    const auto grandchild = tx({builder.out(child)});
    EXPECT_EQ(packaged({parent, child, grandchild}, 1), shown(grandchild) + " would have too many ancestors");

    put(parent);
    EXPECT_EQ(packaged({child}, 0), "");
    EXPECT_EQ(packaged({child, grandchild}, 0), shown(grandchild) + " would have too many ancestors");
    EXPECT_EQ(packaged({other, both}, 1), shown(both) + " would have too many ancestors");
    put(child);
    EXPECT_EQ(packaged({second}, 0), shown(parent) + " would exceed descendant count limit");
    EXPECT_EQ(packaged({grandchild}, 0), shown(grandchild) + " would have too many ancestors");
    const auto plain = tx({builder.out(parent, 1)}, 2);
    EXPECT_EQ(packaged({plain}, 0), "non-version=3 " + shown(plain) + " cannot spend from version=3 " + shown(parent));
}

}  // namespace
}  // namespace cairn::node
