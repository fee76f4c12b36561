#include "consensus/rules/subsidy.hpp"

namespace cairn::rules {

Amount block_subsidy(Height height, const ChainParams& params) {
    constexpr Amount kFirst = 50 * kCoin;
    const int halvings = height / params.subsidy_halving_interval;
    return halvings < 64 ? kFirst >> halvings : 0;
}

}  // namespace cairn::rules
