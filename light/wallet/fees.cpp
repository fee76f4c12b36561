#include "light/wallet/fees.hpp"

#include <fmt/format.h>

#include "consensus/script/script.hpp"

namespace cairn::light {
namespace {

// What an input costs that spends an output: outpoint, length, sequence, and a key with its signature.
constexpr std::int64_t kInputFrame = 32 + 4 + 1 + 4;
constexpr std::int64_t kInputScript = 107;

}  // namespace

Amount dust_threshold(ByteSpan script, FeeRate dust_relay) {
    if (is_unspendable(script)) return 0;
    const auto size = static_cast<std::int64_t>(sizeof(Amount) + compact_size_length(script.size()) + script.size());
    return dust_relay.fee(size + kInputFrame + (witness_program(script) ? kInputScript / kWitnessScaleFactor : kInputScript));
}

std::string money_text(Amount amount) {
    const bool negative = amount < 0;
    const auto magnitude = negative ? 0 - static_cast<std::uint64_t>(amount) : static_cast<std::uint64_t>(amount);
    std::string cents = fmt::format("{:08}", magnitude % kCoin);
    while (cents.size() > 2 && cents.back() == '0') cents.pop_back();
    return fmt::format("{}{}.{}", negative ? "-" : "", magnitude / kCoin, cents);
}

std::string rate_text(FeeRate rate) { return fmt::format("{}.{:03} sat/vB", rate.per_kvb / 1000, rate.per_kvb % 1000); }

}  // namespace cairn::light
