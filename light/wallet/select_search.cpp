#include <algorithm>
#include <limits>

#include "light/wallet/coin_selection.hpp"

/// The two searches that walk the tree of all subsets depth first: take the next group, look at what is there now, then go deeper,
/// go on to the set without the last one taken, or leave the whole branch.
namespace cairn::light {
namespace {

SelectionError too_heavy() {
    return {"The inputs size exceeds the maximum weight. Please try sending a smaller amount or manually consolidating your wallet's UTXOs",
            true};
}

enum class Step : std::uint8_t {
    deeper,  ///< take one more
    shift,   ///< put the last one back and go on with the one after it
    cut,     ///< neither with nor without the last one anything good comes: put back the one before it, too
};

/// The path through the tree: positions of the groups that are taken, ascending.
class Walk {
public:
    explicit Walk(const GroupRow& groups) : groups_(groups) {}

    const OutputGroup& take() {
        const OutputGroup& group = *groups_[next_];
        amount += group.amount;
        weight += group.weight;
        waste += group.fee - group.long_term_fee;
        taken_.push_back(next_++);
        ++tries;
        return group;
    }
    std::size_t last() const { return taken_.back(); }
    const std::vector<std::size_t>& taken() const { return taken_; }

    /// False: the whole tree was walked.
    bool go(Step step) {
        if (next_ == groups_.size()) step = Step::cut;  // nothing is left to take
        if (step == Step::deeper) return true;
        if (step == Step::cut) put_back();
        for (;;) {
            if (taken_.empty()) return false;
            next_ = taken_.back() + 1;
            put_back();
            // A group that is worth the same as the one left out is at best as good: nothing new comes of it.
            while (next_ < groups_.size() && groups_[next_]->amount == groups_[next_ - 1]->amount) ++next_;
            if (next_ < groups_.size()) return true;
        }
    }

    Amount amount = 0;
    Amount waste = 0;
    std::int64_t weight = 0;
    std::size_t tries = 0;

private:
    void put_back() {
        const OutputGroup& group = *groups_[taken_.back()];
        amount -= group.amount;
        weight -= group.weight;
        waste -= group.fee - group.long_term_fee;
        taken_.pop_back();
    }

    const GroupRow& groups_;
    std::vector<std::size_t> taken_;
    std::size_t next_ = 0;
};

/// What all groups after each one are worth; the first element is preceded by nothing: total in `total`.
std::vector<Amount> amounts_behind(const GroupRow& groups, Amount& total) {
    std::vector<Amount> behind(groups.size());
    total = 0;
    for (std::size_t i = groups.size(); i-- > 0;) {
        behind[i] = total;
        total += groups[i]->amount;
    }
    return behind;
}

SelectionResult finish(const GroupRow& groups, const std::vector<std::size_t>& best, SelectionAlgorithm algorithm, Amount target,
                       const Walk& walk, bool complete, bool heavy) {
    if (best.empty()) return fail(heavy ? too_heavy() : SelectionError{});
    Selection selection;
    selection.algorithm = algorithm;
    selection.target = target;
    selection.complete = complete;
    selection.tries = walk.tries;
    for (const std::size_t position : best) selection.add(*groups[position]);
    return selection;
}

}  // namespace

SelectionResult select_branch_and_bound(GroupRow groups, Amount target, Amount cost_of_change, std::int64_t max_weight) {
    std::sort(groups.begin(), groups.end(), [](const OutputGroup* a, const OutputGroup* b) {
        if (a->amount != b->amount) return a->amount > b->amount;
        return a->fee - a->long_term_fee < b->fee - b->long_term_fee;
    });
    Amount total = 0;
    const std::vector<Amount> behind = amounts_behind(groups, total);
    if (groups.empty() || total < target) return fail(SelectionError{});

    // At a high rate each input more makes it worse; at a low one better, so that a bad start may still end well.
    const bool inputs_cost = groups[0]->fee > groups[0]->long_term_fee;
    std::vector<std::size_t> best;
    Amount best_waste = kMaxMoney;
    bool heavy = false, complete = false;
    Walk walk(groups);
    while (walk.tries < kSelectionTries) {
        walk.take();
        Step step = Step::deeper;
        if (walk.amount + behind[walk.last()] < target) {
            step = Step::cut;
        } else if (walk.weight > max_weight) {
            heavy = true;
            step = Step::shift;
        } else if (walk.amount > target + cost_of_change || (inputs_cost && walk.waste > best_waste)) {
            step = Step::shift;
        } else if (walk.amount >= target) {
            step = Step::shift;
            const Amount waste = walk.waste + (walk.amount - target);
            if (waste <= best_waste) {
                best = walk.taken();
                best_waste = waste;
            }
        }
        if (!walk.go(step)) {
            complete = true;
            break;
        }
    }
    return finish(groups, best, SelectionAlgorithm::branch_and_bound, target, walk, complete, heavy);
}

SelectionResult select_coin_grinder(GroupRow groups, Amount target, Amount change_target, std::int64_t max_weight) {
    std::sort(groups.begin(), groups.end(), [](const OutputGroup* a, const OutputGroup* b) {
        if (a->amount != b->amount) return a->amount > b->amount;
        return a->weight < b->weight;
    });
    Amount total = 0;
    const std::vector<Amount> behind = amounts_behind(groups, total);
    const Amount wanted = target + change_target;
    if (groups.empty() || total < wanted) return fail(SelectionError{});
    std::vector<std::int64_t> lightest_behind(groups.size());
    std::int64_t lightest = std::numeric_limits<std::int32_t>::max();
    for (std::size_t i = groups.size(); i-- > 0;) {
        lightest_behind[i] = lightest;
        lightest = std::min(lightest, groups[i]->weight);
    }

    std::vector<std::size_t> best;
    std::int64_t best_weight = max_weight;
    Amount best_amount = kMaxMoney;
    bool heavy = false, complete = false;
    Walk walk(groups);
    while (walk.tries < kSelectionTries) {
        const OutputGroup& taken = walk.take();
        const std::size_t last = walk.last();
        // Everything behind is at least as heavy: leaving the last one out does not help either.
        const Step leave = taken.weight <= lightest_behind[last] ? Step::cut : Step::shift;
        Step step = Step::deeper;
        if (walk.amount + behind[last] < wanted) {
            step = Step::cut;
        } else if (walk.weight > best_weight) {
            heavy = heavy || walk.weight > max_weight;
            step = leave;
        } else if (walk.amount >= wanted) {
            step = Step::shift;
            if (walk.weight < best_weight || walk.amount < best_amount) {
                best = walk.taken();
                best_weight = walk.weight;
                best_amount = walk.amount;
            }
        } else if (!best.empty()) {
            // What follows is worth at most as much as the last one: so many inputs are still needed at least.
            const Amount inputs = (wanted - walk.amount + taken.amount - 1) / taken.amount;
            if (walk.weight + static_cast<__int128>(lightest_behind[last]) * inputs > best_weight) step = leave;
        }
        if (!walk.go(step)) {
            complete = true;
            break;
        }
    }
    return finish(groups, best, SelectionAlgorithm::coin_grinder, target, walk, complete, heavy);
}

}  // namespace cairn::light
