#include "node/mempool/rolling_minimum.hpp"

#include <algorithm>
#include <cmath>

namespace cairn::node {
namespace {

/// Shorter steps are not worth a power.
constexpr std::int64_t kMinStepSeconds = 10;

}  // namespace

bool RollingMinimum::falls(std::int64_t now) const {
    return block_since_raise_ && rate_ != 0 && now > updated_ + kMinStepSeconds;
}

double RollingMinimum::fallen(std::int64_t now, const Setting& setting) const {
    double half_life = kHalfLifeSeconds;
    if (setting.usage_bytes < setting.limit_bytes / 4) half_life /= 4;
    else if (setting.usage_bytes < setting.limit_bytes / 2) half_life /= 2;
    const double rate = rate_ / std::pow(2.0, static_cast<double>(now - updated_) / half_life);
    return rate < static_cast<double>(setting.incremental.per_kvb) / 2 ? 0 : rate;
}

FeeRate RollingMinimum::at(std::int64_t now, const Setting& setting) const {
    if (!block_since_raise_ || rate_ == 0) return {std::llround(rate_)};
    const double rate = falls(now) ? fallen(now, setting) : rate_;
    if (rate == 0) return {0};
    return std::max(FeeRate{std::llround(rate)}, setting.incremental);
}

void RollingMinimum::raise(FeeRate rate) {
    if (static_cast<double>(rate.per_kvb) <= rate_) return;
    rate_ = static_cast<double>(rate.per_kvb);
    block_since_raise_ = false;
}

void RollingMinimum::note_block(std::int64_t now, const Setting& setting) {
    advance(now, setting);
    updated_ = now;
    block_since_raise_ = true;
}

void RollingMinimum::advance(std::int64_t now, const Setting& setting) {
    if (!falls(now)) return;
    rate_ = fallen(now, setting);
    updated_ = now;
}

}  // namespace cairn::node
