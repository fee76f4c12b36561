#pragma once

#include <cstdint>

namespace cairn::net {

/// How the upload target stands, for RPC.
struct UploadState {
    std::uint64_t target_bytes = 0;  ///< 0: none
    bool reached = false, serves_history = true;
    std::uint64_t bytes_left = 0;
    std::int64_t time_left_s = 0;
};

/// Counts what is sent in cycles of a day against -maxuploadtarget.
///
/// When the target is reached nothing is refused that others need to follow the chain. Before that, history is refused, so that one
/// largest block for every ten minutes that are left of the day still fits.
/// Source: Bitcoin Core's -maxuploadtarget (doc/reduce-traffic.md).
/// Owner: net thread.
class UploadTarget {
public:
    static constexpr std::int64_t kCycle_s = 24 * 60 * 60;
    static constexpr std::int64_t kBlockEvery_s = 10 * 60;
    static constexpr std::uint64_t kLargestBlock = 4'000'000;
    /// Blocks this much older than the best header are history.
    static constexpr std::int64_t kHistoryAge_s = 7 * 24 * 60 * 60;

    explicit UploadTarget(std::uint64_t bytes = 0) : target_(bytes) {}

    void on_sent(std::uint64_t bytes, std::int64_t now_s) {
        if (start_s_ + kCycle_s < now_s) {
            start_s_ = now_s;
            sent_ = 0;
        }
        sent_ += bytes;
    }
    bool reached() const { return target_ != 0 && sent_ >= target_; }
    bool history_refused(std::int64_t now_s) const {
        if (target_ == 0) return false;
        const std::uint64_t kept = static_cast<std::uint64_t>(time_left_s(now_s) / kBlockEvery_s) * kLargestBlock;
        return kept >= target_ || sent_ >= target_ - kept;
    }
    UploadState state(std::int64_t now_s) const {
        return {target_, reached(), !history_refused(now_s), reached() ? 0 : target_ - (target_ == 0 ? 0 : sent_), time_left_s(now_s)};
    }

private:
    std::int64_t time_left_s(std::int64_t now_s) const {
        if (target_ == 0) return 0;
        if (start_s_ == 0) return kCycle_s;
        return start_s_ + kCycle_s < now_s ? 0 : start_s_ + kCycle_s - now_s;
    }

    std::uint64_t target_;
    std::uint64_t sent_ = 0;    ///< since start_s_
    std::int64_t start_s_ = 0;  ///< 0: nothing was sent yet
};

}  // namespace cairn::net
