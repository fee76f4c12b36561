#pragma once

#include <cstdint>

namespace cairn {

/// Satoshis. Signed, as on the wire.
using Amount = std::int64_t;

inline constexpr Amount kCoin = 100'000'000;
/// No amount on the chain may exceed this.
inline constexpr Amount kMaxMoney = 21'000'000 * kCoin;

constexpr bool money_range(Amount amount) { return amount >= 0 && amount <= kMaxMoney; }

}  // namespace cairn
