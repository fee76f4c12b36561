#include <algorithm>
#include <deque>
#include <limits>

#include "light/wallet/coin_selection.hpp"

namespace cairn::light {
namespace {

/// Which groups may be spent; each next one has fewer scruples.
struct Scruples {
    int own_depth, foreign_depth;
    std::size_t ancestors, cluster;
    bool partial_groups = false;
    bool mix_types = true;

    bool allow(const OutputGroup& group) const {
        return group.depth >= (group.from_me ? own_depth : foreign_depth) && group.ancestors <= ancestors && group.cluster <= cluster;
    }
};

std::vector<Scruples> all_scruples(const SelectionParams& params) {
    const std::size_t ancestors = std::max<std::size_t>(1, params.max_ancestors);
    const std::size_t cluster = std::max<std::size_t>(1, params.max_cluster);
    constexpr std::size_t kAny = std::numeric_limits<std::size_t>::max();
    std::vector<Scruples> all{{1, 6, 0, 0, false, false}, {1, 1, 0, 0}};
    if (!params.spend_unconfirmed_change) return all;
    all.push_back({0, 1, 2, 2});
    all.push_back({0, 1, std::min<std::size_t>(4, ancestors / 3), std::min<std::size_t>(4, cluster / 3)});
    all.push_back({0, 1, ancestors / 2, cluster / 2});
    all.push_back({0, 1, ancestors - 1, cluster - 1, true});
    if (params.include_unsafe) all.push_back({0, 0, ancestors - 1, cluster - 1, true});
    if (!params.reject_long_chains) all.push_back({0, 1, kAny, kAny, true});
    return all;
}

/// A group, its type, and whether it is the last one of its script and not full.
struct TypedGroup {
    OutputGroup group;
    AddressType type = AddressType::unknown;
    bool partial = false;
};

struct Pools {
    std::deque<TypedGroup> mixed;     ///< all coins
    std::deque<TypedGroup> positive;  ///< only coins that are worth more than they cost
};

void group_by_script(const std::vector<const Candidate*>& candidates, const SelectionParams& params, bool only_positive, std::deque<TypedGroup>& out) {
    std::map<std::pair<Bytes, AddressType>, std::vector<const Candidate*>> by_script;
    for (const Candidate* coin : candidates) {
        if (!only_positive || coin->effective_value() > 0) by_script[{coin->script, coin->type}].push_back(coin);
    }
    for (const auto& [key, coins] : by_script) {
        for (std::size_t begin = 0; begin < coins.size(); begin += kMaxGroupSize) {
            const std::size_t end = std::min(begin + kMaxGroupSize, coins.size());
            TypedGroup made{{}, key.second, end == coins.size() && begin > 0};
            for (std::size_t i = begin; i < end; ++i) made.group.add(*coins[i], params.recipients_pay);
            out.push_back(std::move(made));
        }
    }
}

Pools make_pools(const std::vector<const Candidate*>& candidates, const SelectionParams& params) {
    Pools pools;
    if (params.group_by_script) {
        group_by_script(candidates, params, false, pools.mixed);
        group_by_script(candidates, params, true, pools.positive);
        return pools;
    }
    for (const Candidate* coin : candidates) {
        TypedGroup made{{}, coin->type, false};
        made.group.add(*coin, params.recipients_pay);
        if (made.group.amount > 0) pools.positive.push_back(made);
        pools.mixed.push_back(std::move(made));
    }
    return pools;
}

struct Rows {
    GroupRow positive, mixed;
};

/// Runs the algorithms on one pool and takes the answer with the least waste.
SelectionResult choose(const Rows& rows, Amount target, const SelectionParams& params, const LackSource& lack, FastRandom& random) {
    std::vector<Selection> found;
    std::vector<SelectionError> errors;
    const auto keep = [&](SelectionResult result) {
        if (result) {
            found.push_back(std::move(*result));
        } else if (!result.error().message.empty()) {
            errors.push_back(std::move(result.error()));
        }
    };
    std::int64_t max_weight = params.max_weight - params.base_vsize * kWitnessScaleFactor;
    if (max_weight <= 0) return fail(SelectionError{"Maximum transaction weight is less than transaction weight without inputs", true});
    // A set without change makes no sense where recipients pay: they would get the excess.
    if (!params.recipients_pay) keep(select_branch_and_bound(rows.positive, target, params.cost_of_change, max_weight));
    max_weight -= params.change_output_size * kWitnessScaleFactor;
    if (max_weight < 0 && found.empty()) {
        return fail(SelectionError{"Maximum transaction weight is too low, can not accommodate change output", true});
    }
    keep(select_knapsack(rows.mixed, target, params.min_change_target, random, max_weight));
    if (params.rate.per_kvb > 3 * params.long_term_rate.per_kvb) {
        keep(select_coin_grinder(rows.positive, target, params.min_change_target, max_weight));
    }
    keep(select_random(rows.positive, target, params.change_fee, random, max_weight));
    if (found.empty()) return fail(errors.empty() ? SelectionError{} : std::move(errors.front()));

    for (Selection& one : found) {
        one.recipients_pay = params.recipients_pay;
        std::vector<OutPoint> unconfirmed;
        Amount sum = 0;
        for (const Candidate* coin : one.coins) {
            if (coin->depth > 0) continue;
            unconfirmed.push_back(coin->outpoint);
            sum += coin->ancestor_lack;
        }
        if (sum > 0) one.lack_discount = std::max<Amount>(0, sum - lack.combined_lack(unconfirmed, params.rate));
        one.set_waste(params.min_viable_change, params.cost_of_change, params.change_fee);
    }
    return *std::min_element(found.begin(), found.end());
}

/// Coins of one type of address first, so that nobody learns that the types belong together.
SelectionResult attempt(const Pools& pools, const Scruples& scruples, Amount target, const SelectionParams& params, const LackSource& lack,
                        FastRandom& random) {
    std::map<AddressType, Rows> by_type;
    Rows all;
    const auto sort_in = [&](const std::deque<TypedGroup>& pool, GroupRow Rows::*row) {
        for (const TypedGroup& one : pool) {
            if (!scruples.allow(one.group) || (one.partial && !scruples.partial_groups)) continue;
            (by_type[one.type].*row).push_back(&one.group);
            (all.*row).push_back(&one.group);
        }
    };
    sort_in(pools.positive, &Rows::positive);
    sort_in(pools.mixed, &Rows::mixed);
    if (by_type.empty()) return fail(SelectionError{});
    std::vector<Selection> found;
    for (const auto& [type, rows] : by_type) {
        auto result = choose(rows, target, params, lack, random);
        if (result) {
            found.push_back(std::move(*result));
        } else if (!result.error().message.empty()) {
            return result;
        }
    }
    if (!found.empty()) return *std::min_element(found.begin(), found.end());
    if (scruples.mix_types && by_type.size() > 1) return choose(all, target, params, lack, random);
    return fail(SelectionError{});
}

}  // namespace

SelectionResult select_coins(std::span<const Candidate> candidates, Amount target, const SelectionParams& params, const LackSource& lack,
                             FastRandom& random) {
    std::vector<const Candidate*> order;
    for (const Candidate& coin : candidates) order.push_back(&coin);
    // Which coins of a much used address come together must not tell anything.
    if (params.group_by_script && order.size() > kMaxGroupSize) std::shuffle(order.begin(), order.end(), random);
    const Pools pools = make_pools(order, params);
    const std::vector<Scruples> steps = all_scruples(params);

    Amount allowed = 0, in_long_chains = 0;
    for (const TypedGroup& one : pools.mixed) {
        const bool fits = std::any_of(steps.begin(), steps.end(), [&](const Scruples& step) { return step.allow(one.group); });
        if (fits) {
            allowed += one.group.value;
        } else if (one.group.ancestors >= params.max_ancestors || one.group.cluster >= params.max_cluster) {
            in_long_chains += one.group.amount;
        }
    }
    if (allowed < target) {
        if (allowed + in_long_chains > target) {
            return fail(SelectionError{
                "Unconfirmed UTXOs are available, but spending them creates a chain of transactions that will be rejected by the mempool"});
        }
        return fail(SelectionError{});
    }

    std::optional<SelectionError> first;
    for (const Scruples& step : steps) {
        SelectionParams limited = params;
        if (step.own_depth == 0) limited.max_weight = std::min(limited.max_weight, params.max_weight_unconfirmed);
        auto result = attempt(pools, step, target, limited, lack, random);
        if (result) return result;
        if (!result.error().message.empty() && !first) first = std::move(result.error());
    }
    return fail(first ? std::move(*first) : SelectionError{});
}

}  // namespace cairn::light
