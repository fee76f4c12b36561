#include "consensus/rules/deployments.hpp"

#include <functional>

#include "consensus/base/check.hpp"

namespace cairn::rules {
namespace {

/// The block whose state all blocks after `parent` up to the end of the period share: the last one of the period before.
const HeaderNode* end_of_last_period(const HeaderNode* parent, int period) {
    if (parent == nullptr) return nullptr;
    return parent->ancestor(parent->height - (parent->height + 1) % period);
}

bool uses_version_bits(std::int32_t version) {
    return (static_cast<std::uint32_t>(version) & kVersionBitsTopMask) == static_cast<std::uint32_t>(kVersionBitsTopBits);
}

bool bit_is_set(std::int32_t version, int bit) { return ((static_cast<std::uint32_t>(version) >> bit) & 1) != 0; }

}  // namespace

/// What a deployment's state depends on.
struct DeploymentStates::Condition {
    Bip9Deployment terms;
    std::function<bool(const HeaderNode&)> signalled;

    static Condition of(const Bip9Deployment& deployment) {
        return {deployment, [deployment](const HeaderNode& node) { return signals(node.header.version, deployment); }};
    }
    bool is_fixed() const {
        return terms.start_time == Bip9Deployment::kAlwaysActive || terms.start_time == Bip9Deployment::kNeverActive;
    }
    /// Signalling blocks of the period that ends with `last`.
    int count(const HeaderNode& last) const {
        int found = 0;
        const HeaderNode* node = &last;
        for (int i = 0; i < terms.period; ++i, node = node->parent) found += signalled(*node) ? 1 : 0;
        return found;
    }
    /// The state after the period that ends with `last`, whose own state is `state`.
    ThresholdState next(ThresholdState state, const HeaderNode& last) const {
        switch (state) {
            case ThresholdState::defined:
                return last.median_time_past() >= terms.start_time ? ThresholdState::started : state;
            case ThresholdState::started:
                if (count(last) >= terms.threshold) return ThresholdState::locked_in;
                return last.median_time_past() >= terms.timeout ? ThresholdState::failed : state;
            case ThresholdState::locked_in:
                return last.height + 1 >= terms.min_activation_height ? ThresholdState::active : state;
            case ThresholdState::active:
            case ThresholdState::failed: return state;
        }
        return state;
    }
};

std::string_view to_string(ThresholdState state) {
    switch (state) {
        case ThresholdState::defined: return "defined";
        case ThresholdState::started: return "started";
        case ThresholdState::locked_in: return "locked_in";
        case ThresholdState::active: return "active";
        case ThresholdState::failed: return "failed";
    }
    return "invalid";
}

bool signals(std::int32_t version, const Bip9Deployment& deployment) {
    return uses_version_bits(version) && bit_is_set(version, deployment.bit);
}

bool gbt_optional(SignalledDeployment deployment) {
    switch (deployment) {
        case SignalledDeployment::testdummy: return true;
    }
    return false;
}

ThresholdState DeploymentStates::state_for(const HeaderNode* parent, const Condition& condition, Cache& cache) {
    if (condition.terms.start_time == Bip9Deployment::kAlwaysActive) return ThresholdState::active;
    if (condition.terms.start_time == Bip9Deployment::kNeverActive) return ThresholdState::failed;

    // Back to a period whose state is known, then forward again, remembering each.
    const HeaderNode* node = end_of_last_period(parent, condition.terms.period);
    std::vector<const HeaderNode*> unknown;
    ThresholdState state = ThresholdState::defined;
    while (node != nullptr) {
        if (const auto known = cache.find(node); known != cache.end()) {
            state = known->second;
            break;
        }
        if (node->median_time_past() < condition.terms.start_time) {
            cache.emplace(node, ThresholdState::defined);
            break;
        }
        unknown.push_back(node);
        node = node->ancestor(node->height - condition.terms.period);
    }
    for (; !unknown.empty(); unknown.pop_back()) {
        state = condition.next(state, *unknown.back());
        cache.emplace(unknown.back(), state);
    }
    return state;
}

ThresholdState DeploymentStates::state_after(const HeaderNode* parent, SignalledDeployment id) {
    return state_for(parent, Condition::of(params_->deployment(id)), caches_[static_cast<std::size_t>(id)]);
}

Bip9Info DeploymentStates::info(const HeaderNode& node, SignalledDeployment id) {
    const Condition condition = Condition::of(params_->deployment(id));
    const int period = condition.terms.period;
    Bip9Info info;
    info.current = state_after(node.parent, id);
    info.next = state_after(&node, id);

    if (!condition.is_fixed() && info.current != ThresholdState::defined) {
        const HeaderNode* start = end_of_last_period(node.parent, period);
        CAIRN_CHECK(start != nullptr);
        const HeaderNode* before = start->ancestor(start->height - period);
        while (before != nullptr && state_after(before, id) == info.current) {
            start = before;
            before = start->ancestor(start->height - period);
        }
        info.since = start->height + 1;
    }
    if (info.current == ThresholdState::started || info.current == ThresholdState::locked_in) {
        Bip9Statistics statistics{.period = period, .threshold = condition.terms.threshold};
        statistics.elapsed = node.height % period + 1;
        info.signalling.assign(static_cast<std::size_t>(statistics.elapsed), false);
        const HeaderNode* block = &node;
        for (std::size_t i = info.signalling.size(); i-- > 0; block = block->parent) {
            info.signalling[i] = condition.signalled(*block);
            statistics.count += info.signalling[i] ? 1 : 0;
        }
        const bool locked = info.current == ThresholdState::locked_in;
        statistics.possible = !locked && period - statistics.threshold >= statistics.elapsed - statistics.count;
        if (locked) statistics.threshold = 0;
        info.statistics = statistics;
    }
    if (info.current == ThresholdState::active) {
        info.active_since = info.since;
    } else if (info.next == ThresholdState::active) {
        info.active_since = node.height + 1;
    }
    return info;
}

std::int32_t DeploymentStates::block_version(const HeaderNode* parent) {
    std::int32_t version = kVersionBitsTopBits;
    for (std::size_t i = 0; i < kSignalledDeployments; ++i) {
        const ThresholdState state = state_after(parent, static_cast<SignalledDeployment>(i));
        if (state == ThresholdState::started || state == ThresholdState::locked_in) version |= 1 << params_->deployments[i].bit;
    }
    return version;
}

std::vector<UnknownActivation> DeploymentStates::unknown_activations(const HeaderNode* tip) {
    Bip9Deployment terms{.start_time = 0, .timeout = Bip9Deployment::kNoTimeout, .period = 2016, .threshold = 1815};
    if (params_->is_test_chain()) {
        terms.period = params_->difficulty_interval();
        terms.threshold = terms.period * 3 / 4;
    }
    std::vector<UnknownActivation> found;
    for (int bit = 0; bit < kVersionBitsCount; ++bit) {
        const auto signals_unknown = [this, bit](const HeaderNode& node) {
            return node.height >= params_->min_bip9_warning_height && uses_version_bits(node.header.version) &&
                   bit_is_set(node.header.version, bit) && !bit_is_set(block_version(node.parent), bit);
        };
        const ThresholdState state =
            state_for(tip, Condition{terms, signals_unknown}, warning_caches_[static_cast<std::size_t>(bit)]);
        if (state == ThresholdState::active || state == ThresholdState::locked_in) {
            found.push_back({bit, state == ThresholdState::active});
        }
    }
    return found;
}

}  // namespace cairn::rules
