#include <algorithm>
#include <queue>

#include "light/wallet/coin_selection.hpp"

namespace cairn::light {
namespace {

constexpr int kKnapsackRounds = 1000;

SelectionError too_heavy() {
    return {"The inputs size exceeds the maximum weight. Please try sending a smaller amount or manually consolidating your wallet's UTXOs",
            true};
}

/// Tries random subsets and keeps the one that reaches the target with the smallest amount.
struct BestSubset {
    std::vector<char> chosen;
    Amount amount = 0;

    BestSubset(const GroupRow& groups, Amount total, Amount target, FastRandom& random, std::int64_t max_weight)
        : chosen(groups.size(), 1), amount(total) {
        std::vector<char> included(groups.size());
        for (int round = 0; round < kKnapsackRounds && amount != target; ++round) {
            std::fill(included.begin(), included.end(), 0);
            Amount sum = 0;
            std::int64_t weight = 0;
            bool reached = false;
            // First by chance, then all that chance left out.
            for (int pass = 0; pass < 2 && !reached; ++pass) {
                for (std::size_t i = 0; i < groups.size(); ++i) {
                    if (pass == 0 ? !random.flip() : included[i] != 0) continue;
                    sum += groups[i]->amount;
                    weight += groups[i]->weight;
                    included[i] = 1;
                    if (sum < target || weight > max_weight) continue;
                    reached = true;
                    if (sum < amount) {
                        amount = sum;
                        chosen = included;
                    }
                    sum -= groups[i]->amount;
                    weight -= groups[i]->weight;
                    included[i] = 0;
                }
            }
        }
    }
};

}  // namespace

SelectionResult select_knapsack(GroupRow groups, Amount target, Amount change_target, FastRandom& random, std::int64_t max_weight) {
    Selection selection;
    selection.algorithm = SelectionAlgorithm::knapsack;
    selection.target = target;
    std::shuffle(groups.begin(), groups.end(), random);

    const OutputGroup* lowest_larger = nullptr;
    GroupRow smaller;  // than the target with change
    Amount total = 0;
    bool heavy = false;
    for (const OutputGroup* group : groups) {
        if (group->weight > max_weight) {
            heavy = true;
        } else if (group->amount == target) {
            selection.add(*group);
            return selection;
        } else if (group->amount < target + change_target) {
            smaller.push_back(group);
            total += group->amount;
        } else if (lowest_larger == nullptr || group->amount < lowest_larger->amount) {
            lowest_larger = group;
        }
    }
    if (total == target) {
        for (const OutputGroup* group : smaller) selection.add(*group);
        if (selection.weight <= max_weight && !selection.coins.empty()) return selection;
        heavy = true;
        selection.coins.clear();
        selection.weight = 0;
    }
    const auto take_larger = [&]() -> SelectionResult {
        if (lowest_larger == nullptr) return fail(heavy ? too_heavy() : SelectionError{});
        selection.coins.clear();
        selection.weight = 0;
        selection.add(*lowest_larger);
        return selection;
    };
    if (total < target) return take_larger();

    std::sort(smaller.begin(), smaller.end(), [](const OutputGroup* a, const OutputGroup* b) {
        if (a->amount != b->amount) return a->amount > b->amount;
        return a->fee - a->long_term_fee < b->fee - b->long_term_fee;
    });
    BestSubset best(smaller, total, target, random, max_weight);
    if (best.amount != target && total >= target + change_target) {
        best = BestSubset(smaller, total, target + change_target, random, max_weight);
    }
    const bool misses = best.amount != target && best.amount < target + change_target;
    if (lowest_larger != nullptr && (misses || lowest_larger->amount <= best.amount)) return take_larger();
    for (std::size_t i = 0; i < smaller.size(); ++i) {
        if (best.chosen[i] != 0) selection.add(*smaller[i]);
    }
    if (selection.weight > max_weight) {
        heavy = true;
        return take_larger();
    }
    return selection;
}

SelectionResult select_random(const GroupRow& groups, Amount target, Amount change_fee, FastRandom& random, std::int64_t max_weight) {
    // Some change is meant to come, as its amount is random anyway.
    const Amount wanted = target + kChangeLower + change_fee;
    GroupRow order = groups;
    std::shuffle(order.begin(), order.end(), random);

    // The least valuable one on top, to drop it when the set becomes too heavy.
    const auto above = [](const OutputGroup* a, const OutputGroup* b) {
        return a->amount != b->amount ? a->amount > b->amount : a->weight < b->weight;
    };
    std::priority_queue<const OutputGroup*, GroupRow, decltype(above)> heap(above);
    Amount amount = 0;
    std::int64_t weight = 0;
    bool heavy = false;
    for (const OutputGroup* group : order) {
        heap.push(group);
        amount += group->amount;
        weight += group->weight;
        while (weight > max_weight && !heap.empty()) {
            heavy = true;
            amount -= heap.top()->amount;
            weight -= heap.top()->weight;
            heap.pop();
        }
        if (amount < wanted || heap.empty()) continue;
        Selection selection;
        selection.algorithm = SelectionAlgorithm::single_random_draw;
        selection.target = target;
        for (; !heap.empty(); heap.pop()) selection.add(*heap.top());
        return selection;
    }
    return fail(heavy ? too_heavy() : SelectionError{});
}

}  // namespace cairn::light
