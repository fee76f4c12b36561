#include "net/peer/time_offsets.hpp"

#include <algorithm>
#include <vector>

namespace cairn::net {

void TimeOffsets::add(std::int64_t seconds) {
    constexpr std::size_t kMaxOffsets = 50;
    if (offsets_.size() >= kMaxOffsets) offsets_.pop_front();
    offsets_.push_back(seconds);
}

std::int64_t TimeOffsets::median() const {
    constexpr std::size_t kMinOffsets = 5;
    if (offsets_.size() < kMinOffsets) return 0;
    std::vector<std::int64_t> sorted(offsets_.begin(), offsets_.end());
    const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
    std::nth_element(sorted.begin(), middle, sorted.end());
    return *middle;
}

std::string TimeOffsets::warning() const {
    constexpr std::int64_t kMostOff_s = 10 * 60;
    const std::int64_t off = median();
    if (off >= -kMostOff_s && off <= kMostOff_s) return {};
    return "Your computer's date and time appear to be more than 10 minutes out of sync with the network, this may lead to consensus "
           "failure. After you've confirmed your computer's clock, this message should no longer appear when you restart your node. "
           "Without a restart, it should stop showing automatically after you've connected to a sufficient number of new outbound peers, "
           "which may take some time. You can inspect the `timeoffset` field of the `getpeerinfo` and `getnetworkinfo` RPC methods to get "
           "more info.";
}

}  // namespace cairn::net
