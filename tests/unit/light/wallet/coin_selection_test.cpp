#include "light/wallet/coin_selection.hpp"

#include <gtest/gtest.h>

#include <deque>

namespace cairn::light {
namespace {

constexpr std::int64_t kHeavy = 1'000'000'000;

/// Coins as groups of one, in memory that stays.
class Pool {
public:
    void add(Amount value, std::int64_t weight = 272, FeeRate rate = {5'000}, FeeRate long_term = {10'000}) {
        Candidate coin;
        coin.outpoint = {Txid(Uint256(Bytes(32, 1))), static_cast<std::uint32_t>(coins_.size())};
        coin.value = value;
        coin.depth = 10;
        coin.type = AddressType::bech32;
        coin.script = Bytes{static_cast<std::uint8_t>(coins_.size()), static_cast<std::uint8_t>(coins_.size() >> 8)};
        coin.set_size(weight, true);
        coin.set_rates(rate, long_term);
        coins_.push_back(std::move(coin));
        groups_.emplace_back();
        groups_.back().add(coins_.back(), false);
    }
    /// A coin that is worth this after its fee.
    void add_effective(Amount value, std::int64_t weight = 272, FeeRate rate = {5'000}, FeeRate long_term = {10'000}) {
        add(value + rate.fee((weight + 3) / 4), weight, rate, long_term);
    }
    GroupRow row() const {
        GroupRow rows;
        for (const OutputGroup& group : groups_) rows.push_back(&group);
        return rows;
    }
    const std::deque<OutputGroup>& groups() const { return groups_; }
    std::vector<Candidate> candidates() const { return {coins_.begin(), coins_.end()}; }

private:
    std::deque<Candidate> coins_;
    std::deque<OutputGroup> groups_;
};

Pool random_pool(FastRandom& random, std::size_t count, FeeRate rate) {
    Pool pool;
    for (std::size_t i = 0; i < count; ++i) {
        pool.add_effective(static_cast<Amount>(1'000 + random.below(20'000)), static_cast<std::int64_t>(200 + 4 * random.below(100)), rate);
    }
    return pool;
}

struct Sum {
    Amount amount = 0, waste = 0;
    std::int64_t weight = 0;
};
template <class Visit>
void each_subset(const Pool& pool, Visit visit) {
    const auto& groups = pool.groups();
    for (std::uint32_t set = 1; set < 1u << groups.size(); ++set) {
        Sum sum;
        for (std::size_t i = 0; i < groups.size(); ++i) {
            if ((set >> i & 1) == 0) continue;
            sum.amount += groups[i].amount;
            sum.waste += groups[i].fee - groups[i].long_term_fee;
            sum.weight += groups[i].weight;
        }
        visit(sum);
    }
}

TEST(BranchAndBound, FindsTheLeastWasteOfAllSubsets) {
    FastRandom random(11);
    for (int round = 0; round < 300; ++round) {
        const FeeRate rate{round % 2 == 0 ? 3'000 : 30'000};  // below and above the long-term rate
        const Pool pool = random_pool(random, 1 + random.below(12), rate);
        const Amount target = static_cast<Amount>(1'000 + random.below(60'000)), window = static_cast<Amount>(random.below(3'000));
        std::optional<Amount> best;
        each_subset(pool, [&](const Sum& sum) {
            if (sum.amount < target || sum.amount > target + window) return;
            const Amount waste = sum.waste + sum.amount - target;
            if (!best || waste < *best) best = waste;
        });
        const auto found = select_branch_and_bound(pool.row(), target, window, kHeavy);
        ASSERT_EQ(found.has_value(), best.has_value()) << round;
        if (!best) continue;
        Amount waste = -target;
        for (const Candidate* coin : found->coins) waste += coin->effective_value() + coin->fee - coin->long_term_fee;
        EXPECT_EQ(waste, *best) << round;
        EXPECT_TRUE(found->complete);
    }
}

TEST(CoinGrinder, FindsTheLightestOfAllSubsets) {
    FastRandom random(12);
    for (int round = 0; round < 300; ++round) {
        const Pool pool = random_pool(random, 1 + random.below(12), {40'000});
        const Amount target = static_cast<Amount>(1'000 + random.below(60'000)), change = static_cast<Amount>(random.below(9'000));
        std::optional<std::pair<std::int64_t, Amount>> best;
        each_subset(pool, [&](const Sum& sum) {
            if (sum.amount < target + change) return;
            const std::pair now(sum.weight, sum.amount);
            if (!best || now < *best) best = now;
        });
        const auto found = select_coin_grinder(pool.row(), target, change, kHeavy);
        ASSERT_EQ(found.has_value(), best.has_value()) << round;
        if (!best) continue;
        EXPECT_EQ(found->weight, best->first) << round;
        EXPECT_EQ(found->effective_value(), best->second) << round;
    }
}

TEST(Searches, SayWhenOnlyTheWeightIsInTheWay) {
    Pool pool;
    for (int i = 0; i < 10; ++i) pool.add_effective(1'000);
    const auto bnb = select_branch_and_bound(pool.row(), 8'000, 100, 5 * 272);
    ASSERT_FALSE(bnb);
    EXPECT_TRUE(bnb.error().too_heavy);
    const auto grinder = select_coin_grinder(pool.row(), 8'000, 100, 5 * 272);
    ASSERT_FALSE(grinder);
    FastRandom random(1);
    const auto drawn = select_random(pool.row(), 8'000 - kChangeLower, 0, random, 5 * 272);
    ASSERT_FALSE(drawn);
    EXPECT_TRUE(drawn.error().too_heavy);
    EXPECT_FALSE(select_branch_and_bound({}, 1, 1, kHeavy));
    EXPECT_FALSE(select_coin_grinder({}, 1, 1, kHeavy));
}

TEST(Searches, EndWithTheBestSoFarWhenThereAreTooManySets) {
    Pool pool;
    for (int i = 0; i < 200; ++i) pool.add_effective(1'000'000 + i * 7919 % 4096);
    const auto found = select_branch_and_bound(pool.row(), 57'031'415, 2, kHeavy);
    if (found) {
        EXPECT_GE(found->effective_value(), 57'031'415);
    }
    const auto light = select_coin_grinder(pool.row(), 57'031'415, 50'000, kHeavy);
    ASSERT_TRUE(light);
    EXPECT_GE(light->effective_value(), 57'031'415 + 50'000);
    EXPECT_LE(light->tries, kSelectionTries);
}

TEST(Knapsack, PrefersAnExactCoinThenAllSmallOnesThenTheNextLarger) {
    FastRandom random(3);
    Pool pool;
    for (const Amount value : {1'000, 5'000, 10'000, 900'000}) pool.add_effective(value);
    auto found = select_knapsack(pool.row(), 5'000, 50'000, random, kHeavy);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->coins.size(), 1u);
    EXPECT_EQ(found->effective_value(), 5'000);
    found = select_knapsack(pool.row(), 16'000, 50'000, random, kHeavy);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->coins.size(), 3u);
    found = select_knapsack(pool.row(), 16'001, 50'000, random, kHeavy);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->effective_value(), 900'000);
    EXPECT_FALSE(select_knapsack(pool.row(), 2'000'000, 50'000, random, kHeavy));
}

TEST(SingleRandomDraw, ReachesTheTargetWithChangeInManyWays) {
    Pool pool;
    for (int i = 0; i < 50; ++i) pool.add_effective(100'000);
    std::set<std::uint32_t> seen;
    FastRandom random(4);
    for (int round = 0; round < 40; ++round) {
        const auto found = select_random(pool.row(), 200'000, 500, random, kHeavy);
        ASSERT_TRUE(found);
        EXPECT_GE(found->effective_value(), 200'000 + kChangeLower + 500);
        EXPECT_EQ(found->coins.size(), 3u);
        for (const Candidate* coin : found->coins) seen.insert(coin->outpoint.index);
    }
    EXPECT_GT(seen.size(), 30u);
}

TEST(Waste, CountsInputsAndEitherChangeOrExcess) {
    Pool pool;
    pool.add(100'000, 400, {20'000}, {10'000});  // 100 vB: fee 2000, later 1000
    Selection selection;
    selection.add(pool.groups().front());
    selection.target = 97'500;
    selection.set_waste(1'000, 700, 300);
    EXPECT_EQ(selection.change(1'000, 300), 0);
    EXPECT_EQ(selection.waste, 1'000 + 500);
    selection.target = 50'000;
    selection.set_waste(1'000, 700, 300);
    EXPECT_EQ(selection.change(1'000, 300), 98'000 - 50'000 - 300);
    EXPECT_EQ(selection.waste, 1'000 + 700);
    selection.recipients_pay = true;
    EXPECT_EQ(selection.change(1'000, 300), 50'000);
}

TEST(ChangeTarget, IsRandomWithinItsBounds) {
    FastRandom random(5);
    EXPECT_EQ(change_target(10'000, 100, random), kChangeLower + 100);
    std::set<Amount> seen;
    for (int i = 0; i < 100; ++i) {
        const Amount target = change_target(10 * kCoin, 100, random);
        EXPECT_GE(target, kChangeLower + 100);
        EXPECT_LT(target, kChangeUpper + 100);
        seen.insert(target);
    }
    EXPECT_GT(seen.size(), 50u);
}

class NoLack final : public LackSource {
public:
    Amount combined_lack(std::span<const OutPoint>, FeeRate) const override { return 0; }
};

SelectionParams ordinary() {
    SelectionParams params;
    params.rate = {5'000};
    params.change_output_size = 31;
    params.change_spend_vsize = 68;
    params.change_fee = 155;
    params.cost_of_change = 155 + 680;
    params.min_change_target = 60'000;
    params.min_viable_change = 700;
    params.base_vsize = 44;
    return params;
}

TEST(SelectCoins, TakesOneTypeOfAddressWhenOneIsEnough) {
    Pool pool;
    for (int i = 0; i < 6; ++i) pool.add(200'000);
    auto coins = pool.candidates();
    for (std::size_t i = 0; i < 3; ++i) coins[i].type = AddressType::bech32m;
    FastRandom random(6);
    for (int round = 0; round < 20; ++round) {
        const auto found = select_coins(coins, 400'000, ordinary(), NoLack(), random);
        ASSERT_TRUE(found);
        for (const Candidate* coin : found->coins) EXPECT_EQ(coin->type, found->coins[0]->type);
    }
    const auto mixed = select_coins(coins, 900'000, ordinary(), NoLack(), random);
    ASSERT_TRUE(mixed);
    EXPECT_GE(mixed->coins.size(), 5u);
}

TEST(SelectCoins, PrefersConfirmedCoinsAndTakesUnconfirmedOnlyOfItsOwn) {
    Pool pool;
    pool.add(500'000);
    pool.add(500'000);
    auto coins = pool.candidates();
    coins[0].depth = 0;
    coins[0].from_me = true;
    coins[0].ancestors = coins[0].cluster = 1;
    FastRandom random(7);
    auto found = select_coins(coins, 300'000, ordinary(), NoLack(), random);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->coins, (std::vector<const Candidate*>{&coins[1]}));
    found = select_coins(coins, 800'000, ordinary(), NoLack(), random);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->coins.size(), 2u);
    coins[0].from_me = false;
    EXPECT_FALSE(select_coins(coins, 800'000, ordinary(), NoLack(), random));
    auto params = ordinary();
    params.include_unsafe = true;
    EXPECT_TRUE(select_coins(coins, 800'000, params, NoLack(), random));
}

TEST(SelectCoins, RefusesChainsThatNobodyRelays) {
    Pool pool;
    pool.add(500'000);
    auto coins = pool.candidates();
    coins[0].depth = 0;
    coins[0].from_me = true;
    coins[0].ancestors = coins[0].cluster = 25;
    FastRandom random(8);
    const auto found = select_coins(coins, 300'000, ordinary(), NoLack(), random);
    ASSERT_FALSE(found);
    EXPECT_NE(found.error().message.find("chain of transactions"), std::string::npos);
    auto params = ordinary();
    params.reject_long_chains = false;
    EXPECT_TRUE(select_coins(coins, 300'000, params, NoLack(), random));
}

TEST(SelectCoins, SpendsAllCoinsOfAnAddressTogetherWhenAsked) {
    Pool pool;
    for (int i = 0; i < 10; ++i) pool.add(100'000);
    auto coins = pool.candidates();
    for (std::size_t i = 0; i < coins.size(); ++i) coins[i].script = Bytes{static_cast<std::uint8_t>(i % 2)};
    auto params = ordinary();
    params.group_by_script = true;
    FastRandom random(9);
    const auto found = select_coins(coins, 50'000, params, NoLack(), random);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->coins.size(), 5u);
    for (const Candidate* coin : found->coins) EXPECT_EQ(coin->script, found->coins[0]->script);
}

TEST(SelectCoins, NeverGivesLessThanTheTargetNorTooMuchWeight) {
    FastRandom random(10);
    for (int round = 0; round < 200; ++round) {
        const Pool pool = random_pool(random, 1 + random.below(60), {static_cast<Amount>(1'000 + random.below(60'000))});
        auto params = ordinary();
        params.rate = {static_cast<Amount>(1'000 + random.below(60'000))};
        params.recipients_pay = random.flip();
        params.max_weight = static_cast<std::int64_t>(4'000 + random.below(20'000));
        const auto coins = pool.candidates();
        const Amount target = static_cast<Amount>(1'000 + random.below(200'000));
        const auto found = select_coins(coins, target, params, NoLack(), random);
        if (!found) continue;
        EXPECT_GE(params.recipients_pay ? found->value() : found->effective_value(), target);
        EXPECT_LE(found->weight + params.base_vsize * 4, params.max_weight);
        const std::set<const Candidate*> once(found->coins.begin(), found->coins.end());
        EXPECT_EQ(once.size(), found->coins.size());
    }
}

}  // namespace
}  // namespace cairn::light
