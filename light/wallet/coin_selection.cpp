#include "light/wallet/coin_selection.hpp"

#include <algorithm>

namespace cairn::light {

std::string_view to_string(SelectionAlgorithm algorithm) {
    switch (algorithm) {
        case SelectionAlgorithm::branch_and_bound: return "bnb";
        case SelectionAlgorithm::coin_grinder: return "cg";
        case SelectionAlgorithm::knapsack: return "knapsack";
        case SelectionAlgorithm::single_random_draw: return "srd";
        case SelectionAlgorithm::manual: return "manual";
    }
    return "";
}

void Candidate::set_rates(FeeRate rate, FeeRate long_term, Amount lack) {
    ancestor_lack = lack;
    fee = (input_vsize < 0 ? 0 : rate.fee(input_vsize)) + lack;
    long_term_fee = input_vsize < 0 ? 0 : long_term.fee(input_vsize);
}

void OutputGroup::add(const Candidate& coin, bool recipients_pay) {
    coins.push_back(&coin);
    value += coin.value;
    effective_value += coin.effective_value();
    fee += coin.fee;
    long_term_fee += coin.long_term_fee;
    weight += std::max<std::int64_t>(coin.input_vsize, 0) * kWitnessScaleFactor;
    depth = std::min(depth, coin.depth);
    from_me = from_me && coin.from_me;
    ancestors += coin.ancestors;
    cluster = std::max(cluster, coin.cluster);
    amount = recipients_pay ? value : effective_value;
}

void Selection::add(const OutputGroup& group) {
    coins.insert(coins.end(), group.coins.begin(), group.coins.end());
    weight += group.weight;
}

Amount Selection::value() const {
    Amount sum = 0;
    for (const Candidate* coin : coins) sum += coin->value;
    return sum;
}

Amount Selection::effective_value() const {
    Amount sum = lack_discount;
    for (const Candidate* coin : coins) sum += coin->effective_value();
    return sum;
}

Amount Selection::ancestor_lack() const {
    Amount sum = -lack_discount;
    for (const Candidate* coin : coins) sum += coin->ancestor_lack;
    return sum;
}

Amount Selection::change(Amount min_viable_change, Amount change_fee) const {
    // With recipients that pay, the fee is no business of the change.
    const Amount left = recipients_pay ? value() - target : effective_value() - target - change_fee;
    return left < min_viable_change ? 0 : left;
}

void Selection::set_waste(Amount min_viable_change, Amount cost_of_change, Amount change_fee) {
    waste = -lack_discount;
    for (const Candidate* coin : coins) waste += coin->fee - coin->long_term_fee;
    if (change(min_viable_change, change_fee) != 0) {
        waste += cost_of_change;
    } else {
        waste += (recipients_pay ? value() : effective_value()) - target;
    }
}

Amount change_target(Amount payment, Amount change_fee, FastRandom& random) {
    if (payment <= kChangeLower / 2) return change_fee + kChangeLower;
    const Amount upper = payment > kChangeUpper / 2 ? kChangeUpper : payment * 2;
    return change_fee + kChangeLower + static_cast<Amount>(random.below(static_cast<std::uint64_t>(upper - kChangeLower)));
}

}  // namespace cairn::light
