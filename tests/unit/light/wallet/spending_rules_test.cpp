#include <gtest/gtest.h>

#include "consensus/script/solver.hpp"
#include "light/wallet/spending.hpp"
#include "tests/support/wallet_harness.hpp"

/// What users of Bitcoin Core's wallet know of its choices, one rule at a time.
namespace cairn::light {
namespace {

using test::WalletHarness;

std::vector<Recipient> pay(Amount amount, bool subtract = false) { return {{WalletHarness::foreign_script(), amount, subtract}}; }

struct Desk : WalletHarness {
    Outcome<CreatedTransaction> make(Amount amount, const CoinControl& control = {}) { return wallet->create_transaction(pay(amount), control); }
    std::set<OutPoint> inputs_of(const CreatedTransaction& made) {
        std::set<OutPoint> inputs;
        for (const auto& input : made.tx.inputs) inputs.insert(input.prevout);
        return inputs;
    }
    static CoinControl at(std::int64_t per_vb) {
        CoinControl control;
        control.fee_rate = FeeRate{per_vb * 1'000};
        return control;
    }
};

TEST(SpendingRules, LockedCoinsAreNotChosenButMayBeNamed) {
    Desk h;
    const OutPoint locked = h.fund(100'000), free = h.fund(50'000);
    ASSERT_TRUE(h.wallet->lock_coin(locked, false));
    const auto made = h.make(40'000, Desk::at(2));
    ASSERT_TRUE(made);
    EXPECT_EQ(h.inputs_of(*made), std::set<OutPoint>{free});
    EXPECT_EQ(h.make(60'000, Desk::at(2)).error().message, "Insufficient funds");
    CoinControl named = Desk::at(2);
    named.inputs.push_back({locked, {}, {}, {}, {}, {}});
    named.allow_other_inputs = false;
    const auto with_locked = h.make(60'000, named);
    ASSERT_TRUE(with_locked) << with_locked.error().message;
    EXPECT_EQ(h.inputs_of(*with_locked), std::set<OutPoint>{locked});
}

TEST(SpendingRules, ChangeThatCostsMoreThanItIsWorthIsNotMade) {
    // At the rate of discarding, 10 sat/vB, an output of 31 bytes that takes 67 more to spend is dust below 980 satoshis.
    constexpr Amount kCoinValue = 100'000, kWorthless = 979;
    for (const bool worth : {false, true}) {
        Desk h;
        h.host.rate.reset();  // an estimate for the far future would lower the rate of discarding
        h.fund(kCoinValue);
        const Amount fee_with_change = h.make(50'000, Desk::at(1))->fee;
        const auto made = h.make(kCoinValue - fee_with_change - kWorthless - (worth ? 1 : 0), Desk::at(1));
        ASSERT_TRUE(made);
        EXPECT_EQ(made->change_position.has_value(), worth);
        EXPECT_EQ(made->tx.outputs.size(), worth ? 2u : 1u);
    }
    SpendPolicy frugal;
    frugal.discard_rate = {3'000};
    Desk h;
    h.host.rate.reset();
    h.wallet->set_policy(frugal);
    h.fund(kCoinValue);
    const Amount fee_with_change = h.make(50'000, Desk::at(1))->fee;
    EXPECT_TRUE(h.make(kCoinValue - fee_with_change - kWorthless, Desk::at(1))->change_position);
    // Dust is not made however little it would cost.
    frugal.discard_rate = {0};
    h.wallet->set_policy(frugal);
    EXPECT_FALSE(h.make(kCoinValue - fee_with_change - 293, Desk::at(1))->change_position);
    EXPECT_TRUE(h.make(kCoinValue - fee_with_change - 294, Desk::at(1))->change_position);
}

TEST(SpendingRules, ThoseWhoBearTheFeeShareItAndTheFirstBearsTheRest) {
    Desk h;
    h.fund(1'000'000);
    std::vector<Recipient> three;
    for (std::uint8_t i = 1; i <= 3; ++i) three.push_back({WalletHarness::foreign_script(i), 100'000, true});
    const auto made = h.wallet->create_transaction(three, Desk::at(7));
    ASSERT_TRUE(made);
    Amount paid = 0;
    for (const auto& output : made->tx.outputs) {
        for (std::uint8_t i = 1; i <= 3; ++i) {
            if (output.script_pubkey != WalletHarness::foreign_script(i)) continue;
            paid += output.value;
            EXPECT_EQ(output.value, 100'000 - made->fee / 3 - (i == 1 ? made->fee % 3 : 0));
        }
    }
    EXPECT_EQ(paid + made->fee, 300'000);
    // Its amount must bear it.
    EXPECT_EQ(h.wallet->create_transaction(pay(600, true), Desk::at(100)).error().message, "The transaction amount is too small to pay the fee");
    EXPECT_EQ(h.wallet->create_transaction(pay(600, true), Desk::at(3)).error().message, "The transaction amount is too small to send after the fee has been deducted");
    // All that there is may be sent that way.
    const auto all = h.wallet->create_transaction(pay(1'000'000, true), Desk::at(7));
    ASSERT_TRUE(all);
    EXPECT_EQ(all->tx.outputs.size(), 1u);
    EXPECT_EQ(all->tx.outputs[0].value + all->fee, 1'000'000);
}

TEST(SpendingRules, CoinsOfAnAddressStayTogetherWhereThatIsAskedForOrCostsNothing) {
    for (const bool together : {false, true}) {
        Desk h;
        const Bytes address = h.address();
        h.mine({h.payment(address, 600'000), h.payment(address, 700'000)});
        CoinControl control = Desk::at(20);  // so high that nothing is gathered for later
        control.avoid_partial_spends = together;
        const auto made = h.make(30'000, control);
        ASSERT_TRUE(made);
        EXPECT_EQ(made->tx.inputs.size(), together ? 2u : 1u);
        // When it may cost something, they stay together without being asked.
        SpendPolicy policy;
        policy.max_grouping_fee = 2'000;
        h.wallet->set_policy(policy);
        EXPECT_EQ(h.make(30'000, Desk::at(20))->tx.inputs.size(), 2u);
        policy.max_grouping_fee = -1;
        h.wallet->set_policy(policy);
        EXPECT_EQ(h.make(30'000, Desk::at(20))->tx.inputs.size(), 1u);
    }
}

TEST(SpendingRules, CoinsOfAddressesThatWereSpentFromAreLeftWhereTheyAreAvoided) {
    Desk h;
    ASSERT_TRUE(h.wallet->set_avoid_reuse(true));
    const Bytes used = h.address();
    h.mine({h.payment(used, 100'000)});
    const std::array<Recipient, 1> rest{Recipient{WalletHarness::foreign_script()}};
    auto swept = h.wallet->sweep({}, rest, {});
    ASSERT_TRUE(swept && h.wallet->sign(*swept)->empty());
    h.mine({swept->tx.finish()});
    const TransactionPtr again = h.payment(used, 90'000);
    h.mine({again});
    const OutPoint fresh = h.fund(80'000);
    EXPECT_EQ(h.inputs_of(*h.make(40'000, Desk::at(2))), std::set<OutPoint>{fresh});
    EXPECT_FALSE(h.make(85'000, Desk::at(2)));
    CoinControl anyway = Desk::at(2);
    anyway.avoid_reuse = false;
    EXPECT_TRUE(h.make(85'000, anyway));
}

TEST(SpendingRules, DepthsBoundWhatIsChosenFromBothSides) {
    Desk h;
    const OutPoint old = h.fund(50'000);
    h.mine_many(10);
    const OutPoint young = h.fund(50'000);
    CoinControl control = Desk::at(2);
    control.min_depth = 5;
    EXPECT_EQ(h.inputs_of(*h.make(30'000, control)), std::set<OutPoint>{old});
    control = Desk::at(2);
    control.max_depth = 5;
    EXPECT_EQ(h.inputs_of(*h.make(30'000, control)), std::set<OutPoint>{young});
    control.min_depth = 2;
    EXPECT_EQ(h.make(30'000, control).error().message, "Insufficient funds");
}

TEST(SpendingRules, NoFeeIsHigherThanAllowed) {
    Desk h;
    h.fund(5 * kCoin);
    SpendPolicy policy;
    policy.max_fee = 20'000;
    h.wallet->set_policy(policy);
    EXPECT_TRUE(h.make(kCoin, Desk::at(100)));
    EXPECT_EQ(h.make(kCoin, Desk::at(200)).error().message, "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)");
    const std::array<Recipient, 1> rest{Recipient{WalletHarness::foreign_script()}};
    EXPECT_EQ(h.wallet->sweep({}, rest, Desk::at(200)).error().message, "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)");
}

TEST(SpendingRules, LockTimesAreNearTheTipAndSometimesFurtherBack) {
    Desk h;
    h.fund(100'000);
    h.mine_many(300);
    const auto tip = static_cast<std::uint32_t>(h.wallet->tip().height);
    int behind = 0;
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        h.wallet->fix_randomness(seed);
        const std::uint32_t time = h.make(10'000, Desk::at(2))->tx.lock_time;
        EXPECT_LE(time, tip);
        EXPECT_GE(time + 99, tip);
        behind += time != tip;
    }
    EXPECT_GT(behind, 5);  // one in ten, but for those that come out at the tip all the same
    EXPECT_LT(behind, 50);
    // Inputs whose sequences the caller chose keep their meaning.
    CoinControl chosen = Desk::at(2);
    chosen.inputs.push_back({h.wallet->coins({}, {})[0].outpoint, {}, 0xffffffff, {}, {}, {}});
    EXPECT_EQ(h.make(10'000, chosen)->tx.lock_time, 0u);
}

TEST(SpendingRules, ChangeLooksLikeWhatIsPaidTo) {
    Desk h;
    for (const AddressType type : kAddressTypes) h.fund(kCoin, type);
    WalletHarness other;
    for (const AddressType type : kAddressTypes) {
        const std::vector<Recipient> to{{other.address(type), 100'000, false}};
        const auto made = h.wallet->create_transaction(to, Desk::at(2));
        ASSERT_TRUE(made);
        const Bytes& change = made->tx.outputs[*made->change_position].script_pubkey;
        EXPECT_EQ(classify(change), classify(to[0].script)) << to_string(type);
        // Unless another kind is asked for.
        CoinControl control = Desk::at(2);
        control.change_type = AddressType::bech32m;
        const auto asked = h.wallet->create_transaction(to, control);
        EXPECT_EQ(classify(asked->tx.outputs[*asked->change_position].script_pubkey), OutputType::witness_v1_taproot);
    }
}

}  // namespace
}  // namespace cairn::light
