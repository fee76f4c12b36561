#include "node/policy/dust.hpp"

#include <gtest/gtest.h>

#include "tests/support/mempool_builder.hpp"
#include "tests/unit/node/policy/policy_cases.hpp"

namespace cairn::node {
namespace {

using test::filled;
using test::MempoolBuilder;
using test::token;

constexpr FeeRate kDustRelay{3000};

Amount threshold(const Bytes& script, FeeRate rate = kDustRelay) { return dust_threshold(TxOutput{0, script}, rate); }

TEST(Dust, IsWhatCostsMoreToSpendThanItIsWorth) {
    EXPECT_EQ(threshold(make_p2pkh(filled(20))), 546);
    EXPECT_EQ(threshold(make_p2sh(filled(20))), 540);
    EXPECT_EQ(threshold(make_witness_program(0, filled(20))), 294);
    EXPECT_EQ(threshold(make_witness_program(0, filled(32))), 330);
    EXPECT_EQ(threshold(make_witness_program(1, filled(32))), 330);
    EXPECT_EQ(threshold(make_witness_program(16, filled(40))), 354);
    EXPECT_EQ(threshold(Bytes{0x51, 0x02, 0x4e, 0x73}), 240) << "P2A";
    EXPECT_EQ(threshold(make_p2pk(filled(33, 2))), 576);
    EXPECT_EQ(threshold(test::op_return_script(40)), 0) << "nothing spends it";
    EXPECT_EQ(threshold(make_p2pkh(filled(20)), FeeRate{0}), 0);
    EXPECT_EQ(threshold(make_p2pkh(filled(20)), FeeRate{3001}), 547) << "rounded up";
    const Bytes script = make_p2pkh(filled(20));
    EXPECT_TRUE(is_dust({545, script}, kDustRelay));
    EXPECT_FALSE(is_dust({546, script}, kDustRelay));
}

/// A transaction with one dust output, at index 1.
TransactionPtr dusty(const std::vector<OutPoint>& inputs) {
    MempoolBuilder b(7);
    MutableTransaction tx(b.tx(inputs, 3)->tx());
    tx.outputs[1].value = 0;
    return tx.finish();
}

TEST(EphemeralDust, PaysNoFee) {
    MempoolBuilder b;
    const auto tx = dusty({b.coin()});
    EXPECT_EQ(dust_outputs(tx->tx(), kDustRelay), std::vector<std::uint32_t>{1});
    EXPECT_EQ(token(check_ephemeral_fee(tx->tx(), kDustRelay, 0, 0)), "ok");
    EXPECT_EQ(token(check_ephemeral_fee(tx->tx(), kDustRelay, 1, 1)), "dust");
    EXPECT_EQ(token(check_ephemeral_fee(tx->tx(), kDustRelay, 0, 1)), "dust") << "prioritised";
    EXPECT_EQ(token(check_ephemeral_fee(tx->tx(), kDustRelay, 1, 0)), "dust");
    EXPECT_EQ(token(check_ephemeral_fee(b.tx({b.coin()})->tx(), kDustRelay, 500, 500)), "ok");
}

TEST(EphemeralDust, IsSpentByWhoeverSpendsFromItsParent) {
    MempoolBuilder b;
    Mempool pool{MempoolOptions{}};
    const auto parent = dusty({b.coin()});
    const auto good = b.tx({b.out(parent, 0), b.out(parent, 1)}), bad = b.tx({b.out(parent, 2)});
    const auto verdict = [&](std::vector<TransactionPtr> package) { return check_ephemeral_spends(package, kDustRelay, pool); };
    EXPECT_TRUE(verdict({parent}));
    EXPECT_TRUE(verdict({parent, good}));
    EXPECT_TRUE(verdict({bad})) << "the parent is confirmed";
    const auto refused = verdict({parent, bad});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault.reject_reason, "missing-ephemeral-spends");
    EXPECT_EQ(refused.error().fault.debug, "tx " + bad->tx().txid.to_display_hex() + " (wtxid=" + bad->tx().wtxid.to_display_hex() +
                                               ") did not spend parent's ephemeral dust");
    EXPECT_EQ(refused.error().wtxid, bad->tx().wtxid);

    ASSERT_NE(b.add(pool, parent, 0), nullptr);
    EXPECT_TRUE(verdict({good}));
    EXPECT_FALSE(verdict({bad})) << "the parent is in the mempool";
}

TEST(EphemeralDust, IsSpentFromEveryParent) {
    MempoolBuilder b;
    Mempool pool{MempoolOptions{}};
    const auto first = dusty({b.coin()}), second = dusty({b.coin()});
    const auto half = b.tx({b.out(first, 1), b.out(second, 0)});
    EXPECT_FALSE(check_ephemeral_spends(std::vector{first, second, half}, kDustRelay, pool));
    const auto both = b.tx({b.out(first, 1), b.out(second, 1)});
    EXPECT_TRUE(check_ephemeral_spends(std::vector{first, second, both}, kDustRelay, pool));
}

}  // namespace
}  // namespace cairn::node
